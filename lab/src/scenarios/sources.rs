//! Logs that come late, move, shrink, or hold bytes that are no text.

use crate::attack::{append, failed_password, failed_passwords, set};
use crate::daemon::{Daemon, How, SOON};
use crate::wait::until_true;
use crate::world::World;
use crate::{Done, ensure};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A jail whose log and its directory are missing waits, says for what, and starts within 2 s.
pub(crate) fn missing_log(program: &Path) -> Done {
    let world = World::new()?;
    let log = world.file("late/dir/auth.log");
    let text = format!(
        "[sshd]\nenabled = true\nbackend = polling\nlogpath = {}\n",
        log.display()
    );
    world.write("conf/jail.local", &text)?;
    let conf = world.file("conf").display().to_string();
    let daemon = Daemon::start(&world, program, &["-c", &conf])?;
    let jail = daemon.jail("sshd")?;
    let reason = jail["reason"].as_str().unwrap_or_default().to_owned();
    ensure(
        jail["state"] == "waiting" && reason.contains("late/dir/auth.log"),
        format!("jail: {jail}"),
    )?;
    fs::create_dir_all(world.file("late/dir"))?;
    fs::write(&log, "")?;
    daemon.wait_state("sshd", "running", Duration::from_secs(2))?;
    append(&log, failed_passwords(&["10.77.130.1".into()], 5)?)?;
    daemon.wait_banned("sshd", &set(&["10.77.130.1".into()]), SOON)?;
    daemon.agree("sshd").map(drop)
}

/// A file that is created together with the attack: not a line is missed.
pub(crate) fn log_created_by_the_attack(program: &Path) -> Done {
    let world = World::new()?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let log = world.file("auth.log");
    fs::remove_file(&log)?;
    until_true(SOON, "the jail waits", || {
        Ok(daemon.jail("sshd")?["state"] == "waiting")
    })?;
    append(&log, failed_passwords(&["10.77.131.1".into()], 5)?)?;
    daemon.wait_banned(
        "sshd",
        &set(&["10.77.131.1".into()]),
        Duration::from_secs(2),
    )?;
    daemon.agree("sshd").map(drop)
}

/// logrotate's way: rename, create, write on; also late lines into the old file.
pub(crate) fn rotation_by_rename(program: &Path) -> Done {
    let world = World::new()?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let (log, old) = (world.file("auth.log"), world.file("auth.log.1"));
    let attacker = "10.77.132.1".to_owned();
    append(&log, failed_passwords(std::slice::from_ref(&attacker), 2)?)?;
    fs::rename(&log, &old)?;
    append(&old, failed_password(&attacker)?)?;
    append(&log, failed_password(&attacker)?)?;
    wait_failures(&daemon, 4)?;
    ensure(
        daemon.banned("sshd")?.is_empty(),
        "banned after four failures",
    )?;
    append(&log, failed_password(&attacker)?)?;
    daemon.wait_banned("sshd", &set(&[attacker]), SOON)?;
    wait_failures(&daemon, 5)
}

/// logrotate's other way: copy, truncate, write on.
pub(crate) fn rotation_by_truncation(program: &Path) -> Done {
    let world = World::new()?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let log = world.file("auth.log");
    let attacker = "10.77.133.1".to_owned();
    append(&log, failed_passwords(std::slice::from_ref(&attacker), 3)?)?;
    // Lines between the copy and the truncation are lost to everybody, so those before must be read by then.
    wait_failures(&daemon, 3)?;
    fs::copy(&log, world.file("auth.log.1"))?;
    fs::File::options().write(true).open(&log)?.set_len(0)?;
    append(&log, failed_password(&attacker)?)?;
    wait_failures(&daemon, 4)?;
    ensure(
        daemon.banned("sshd")?.is_empty(),
        "banned after four failures",
    )?;
    append(&log, failed_password(&attacker)?)?;
    daemon.wait_banned("sshd", &set(&[attacker]), SOON)?;
    wait_failures(&daemon, 5)
}

/// Bytes that are no text end nothing and hide nobody.
pub(crate) fn undecodable_bytes(program: &Path) -> Done {
    let world = World::new()?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let log = world.file("auth.log");
    let attacker = "10.77.134.1".to_owned();
    let line = failed_password(&attacker)?.replace("for root", "for invalid user NAME");
    let (before, after) = line.split_once("NAME").unwrap_or_default();
    for name in [
        &b"\xff\xfe"[..],
        b"\x00\x00",
        b"\xc3\x28 \xe2\x82",
        b"\x1b[2J",
        b"\xf0\x9f\x92\xa9",
    ] {
        append(&log, [before.as_bytes(), name, after.as_bytes()].concat())?;
        append(&log, b"\x80\x81 no line of anybody \x00\n\n\n")?;
    }
    append(&log, [vec![b'x'; 300_000], vec![b'\n']].concat())?;
    daemon.wait_banned("sshd", &set(&[attacker]), SOON)?;
    daemon.agree("sshd").map(drop)
}

/// A log that cannot be read is an error of its jail alone, and over when it can be read.
pub(crate) fn unreadable_log(program: &Path) -> Done {
    let world = World::new()?;
    let blocked = world.file("blocked.log");
    fs::create_dir(&blocked)?;
    let more = format!(
        "\n[vsftpd]\nenabled = true\nbackend = polling\nlogpath = {}\n",
        blocked.display()
    );
    let daemon = Daemon::on_a_log(&world, program, &more, &How::default())?;
    daemon.wait_state("vsftpd", "error", SOON)?;
    let reason = daemon.jail("vsftpd")?["reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    ensure(
        reason.contains("blocked.log"),
        format!("the error does not name the file: {reason}"),
    )?;
    let output = daemon.ask(&["status"])?;
    ensure(
        output.status.code() == Some(1),
        format!("status with a jail in error: {}", output.status),
    )?;
    append(
        &world.file("auth.log"),
        failed_passwords(&["10.77.135.1".into()], 5)?,
    )?;
    daemon.wait_banned("sshd", &set(&["10.77.135.1".into()]), SOON)?;
    fs::remove_dir(&blocked)?;
    fs::write(&blocked, "")?;
    daemon.wait_state("vsftpd", "running", Duration::from_secs(15))
}

fn wait_failures(daemon: &Daemon<'_>, expected: u64) -> Done {
    let mut last = 0;
    let done = until_true(SOON, "the failures", || {
        last = daemon.jail("sshd")?["failed_total"]
            .as_u64()
            .unwrap_or_default();
        Ok(last == expected)
    });
    done.map_err(|_| crate::Stop::Fail(format!("{last} failures counted, {expected} were written")))
}
