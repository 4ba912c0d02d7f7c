//! Orders by hand, stop and start, a dry run, the admin's own session.

use crate::attack::{append, failed_passwords, set, sources, sources4};
use crate::daemon::{Daemon, How, SOON, kernel};
use crate::process::must;
use crate::wait::until_true;
use crate::world::World;
use crate::{Done, ensure};
use std::path::Path;
use std::time::{Duration, Instant};

/// `stop` leaves the bans standing, a new start takes them over, `stop --flush` clears up.
pub(crate) fn stop_and_start(program: &Path) -> Done {
    let world = World::new()?;
    let attackers = sources(100, 5);
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    append(&world.file("auth.log"), failed_passwords(&attackers, 5)?)?;
    daemon.wait_banned("sshd", &set(&attackers), SOON)?;
    let answer = daemon.stop(false)?;
    ensure(
        answer["standing"] == 10 && answer["flushed"] == false,
        format!("stop said {answer}"),
    )?;
    ensure(
        kernel(&world, "sshd")? == set(&attackers),
        "bans do not stand after stop",
    )?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    ensure(
        daemon.agree("sshd")? == set(&attackers),
        "bans are not taken over",
    )?;
    for source in &attackers {
        let times = daemon.times_said(&format!("] Ban {source}"));
        ensure(times == 1, format!("'Ban {source}' was said {times} times"))?;
    }
    let answer = daemon.stop(true)?;
    ensure(
        answer["flushed"] == true,
        format!("stop --flush said {answer}"),
    )?;
    let tables = must(world.server("nft").args(["list", "tables"]))?;
    ensure(
        tables.is_empty(),
        format!("left after stop --flush: {tables}"),
    )
}

/// SIGTERM is a stop as well.
pub(crate) fn terminate(program: &Path) -> Done {
    let world = World::new()?;
    let mut daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    daemon.json(&["ban", "sshd", "10.77.100.1"])?;
    daemon.signal("TERM")?;
    let code = daemon.wait_end()?;
    ensure(code == 0, format!("exit code {code} after SIGTERM"))?;
    ensure(
        kernel(&world, "sshd")?.len() == 1,
        "the ban does not stand after SIGTERM",
    )?;
    daemon.restart()?;
    ensure(
        daemon.agree("sshd")?.len() == 1,
        "the ban is not taken over",
    )
}

/// `ban`, `unban` and `banned`, with their refusals and exit codes.
pub(crate) fn orders(program: &Path) -> Done {
    let world = World::new()?;
    let daemon = Daemon::on_a_log(
        &world,
        program,
        "ignoreip = 10.77.111.0/24",
        &How::default(),
    )?;
    let check = |words: &[&str], code: i32, needle: &str| -> Done {
        let output = daemon.ask(words)?;
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let got = output.status.code().unwrap_or(-1);
        ensure(
            got == code && said.contains(needle),
            format!("stockade {words:?}: exit {got}, expected {code} and '{needle}': {said}"),
        )
    };
    check(
        &[
            "ban",
            "sshd",
            "10.77.110.1",
            "fd77:0:6f:1::1",
            "10.78.0.0/16",
            "fd78::/48",
        ],
        0,
        "10.78.0.0/16",
    )?;
    check(&["ban", "sshd", "10.77.110.1"], 0, "already")?;
    check(&["banned"], 0, "10.77.110.1")?;
    check(&["banned", "sshd"], 0, "fd77:0:6f:1::1")?;
    check(&["status"], 0, "sshd")?;
    check(&["status", "sshd"], 0, "10.77.110.1")?;
    let four = ["10.77.110.1", "fd77:0:6f:1::1", "10.78.0.0/16", "fd78::/48"].map(str::to_owned);
    ensure(
        daemon.agree("sshd")? == set(&four),
        "not the four that were banned",
    )?;

    check(&["ban", "sshd", "10.77.111.9"], 1, "10.77.111.9")?;
    check(&["ban", "sshd", "10.99.0.1"], 1, "10.99.0.1")?;
    check(&["ban", "sshd", "fd99::1", "10.77.110.2"], 1, "fd99::1")?;
    check(&["ban", "sshd", "127.0.0.1"], 1, "127.0.0.1")?;
    check(&["ban", "sshd", "999.1.1.1"], 1, "999.1.1.1")?;
    check(&["ban", "nosuch", "10.77.110.3"], 1, "nosuch")?;
    check(&["ban", "sshd", "10.77.110.3", "--time", "soon"], 1, "soon")?;
    check(&["status", "nosuch"], 1, "nosuch")?;
    check(&["ban", "sshd"], 2, "")?;
    check(&["nonsense"], 2, "")?;
    check(&["ban", "sshd", "10.77.111.9", "--force"], 0, "10.77.111.9")?;
    ensure(
        daemon.agree("sshd")?.contains("10.77.111.9"),
        "--force did not ban",
    )?;

    check(
        &["ban", "sshd", "10.77.110.4", "--time", "2s"],
        0,
        "10.77.110.4",
    )?;
    until_true(SOON, "the end of a ban of 2 s", || {
        Ok(!daemon.banned("sshd")?.contains("10.77.110.4"))
    })?;
    ensure(
        !daemon.agree("sshd")?.contains("10.77.110.4"),
        "the ban of 2 s is still somewhere",
    )?;
    check(
        &["ban", "sshd", "10.77.110.5", "--time", "-1"],
        0,
        "10.77.110.5",
    )?;
    let answer = daemon.json(&["banned", "sshd"])?;
    let forever = answer["bans"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|ban| ban["ip"] == "10.77.110.5");
    ensure(
        forever.is_some_and(|ban| ban["until"].is_null()),
        format!("no ban for ever in {answer}"),
    )?;

    check(&["unban", "10.77.110.1"], 0, "10.77.110.1")?;
    check(&["unban", "10.77.110.1"], 0, "was not banned")?;
    check(
        &["unban", "10.78.0.0/16", "--jail", "sshd"],
        0,
        "10.78.0.0/16",
    )?;
    daemon.agree("sshd")?;
    check(&["unban", "--all"], 0, "")?;
    ensure(
        daemon.agree("sshd")?.is_empty(),
        "somebody is banned after unban --all",
    )?;
    daemon.stop(true)?;
    let after = world
        .server(program)
        .args(["status", "--socket"])
        .arg(world.file("control.sock"))
        .output()?;
    ensure(
        after.status.code() == Some(3),
        format!("status without a daemon: exit {}", after.status),
    )
}

/// A dry run says what it would do and leaves the firewall alone.
pub(crate) fn dry_run(program: &Path) -> Done {
    let world = World::new()?;
    let daemon = Daemon::on_a_log(
        &world,
        program,
        "",
        &How {
            extra: &["--dry-run"],
            ..How::default()
        },
    )?;
    append(
        &world.file("auth.log"),
        failed_passwords(&sources(115, 1), 5)?,
    )?;
    until_true(SOON, "the dry run's word", || {
        Ok(world.said("stockade").contains("would ban 10.77.115.1"))
    })?;
    let tables = must(world.server("nft").args(["list", "tables"]))?;
    ensure(tables.is_empty(), format!("a dry run made {tables}"))?;
    let status = daemon.json(&["status"])?;
    ensure(
        status["enforcement"]["backend"] != "nftables",
        format!("status: {status}"),
    )
}

/// Whoever started the daemon through ssh is not locked out by his own typing errors.
pub(crate) fn the_admins_own_session(program: &Path) -> Done {
    let world = World::new()?;
    let how = How {
        ssh_connection: "10.77.120.1 50022 10.99.0.1 22",
        ..How::default()
    };
    let daemon = Daemon::on_a_log(&world, program, "", &how)?;
    let both = ["10.77.120.1".to_owned(), "10.77.120.2".to_owned()];
    append(&world.file("auth.log"), failed_passwords(&both, 6)?)?;
    daemon.wait_banned("sshd", &set(&both[1..]), SOON)?;
    daemon.agree("sshd")?;
    daemon.ensure_said(&["10.77.120.1 has failures enough and is not banned"])?;
    let refused = daemon.json(&["ban", "sshd", "10.77.120.1"])?;
    ensure(
        refused["refused"][0]["ip"] == "10.77.120.1",
        format!("ban of the admin: {refused}"),
    )
}

/// Who is banned again and again stays out for a week, on every port.
pub(crate) fn recidive(program: &Path) -> Done {
    let world = World::new()?;
    let daemon = Daemon::on_a_log(&world, program, "bantime = 2", &How::default())?;
    let attacker = sources(125, 1);
    for round in 1..=5 {
        append(&world.file("auth.log"), failed_passwords(&attacker, 5)?)?;
        until_true(SOON, "the next bans", || {
            Ok(daemon.jail("sshd")?["banned_total"] == 2 * round)
        })?;
        until_true(SOON, "the end of the short bans", || {
            Ok(daemon.banned("sshd")?.is_empty())
        })?;
    }
    daemon.wait_banned("recidive", &set(&attacker), SOON)?;
    daemon.agree("recidive")?;
    let answer = daemon.json(&["banned", "recidive"])?;
    let ban = &answer["bans"][0];
    let length =
        ban["until"].as_i64().unwrap_or_default() - ban["time"].as_i64().unwrap_or_default();
    ensure(
        length == 7 * 86_400,
        format!("a ban of {length} s: {answer}"),
    )
}

/// A ban that keeps nobody out is noticed, with a likely cause, and is over with the ban.
pub(crate) fn ineffective_ban(program: &Path) -> Done {
    let world = World::new()?;
    let more = "port = 2222\nmaxretry = 2";
    let daemon = Daemon::on_a_log(&world, program, more, &How::default())?;
    let log = world.file("auth.log");
    let attacker = sources4(126, 1);
    append(&log, failed_passwords(&attacker, 2)?)?;
    daemon.wait_banned("sshd", &set(&attacker), SOON)?;
    let mut failed = Instant::now();
    let mut said = String::new();
    until_true(
        Duration::from_secs(30),
        "a ban that keeps nobody out",
        || {
            if failed.elapsed() >= Duration::from_secs(1) {
                failed = Instant::now();
                append(&log, failed_passwords(&attacker, 1)?)?;
            }
            let output = daemon.ask(&["status"])?;
            said = String::from_utf8_lossy(&output.stdout).into_owned();
            Ok(output.status.code() == Some(1) && said.contains("keeps nobody out"))
        },
    )?;
    ensure(
        said.contains(&attacker[0]) && said.contains("private network"),
        format!("whom, and why: {said}"),
    )?;
    let jail = daemon.jail("sshd")?;
    ensure(jail["ineffective"] == 1, format!("not counted: {jail}"))?;
    daemon.ask(&["unban", "--all"])?;
    let health = daemon.json(&["status"])?["health"].clone();
    ensure(health == "ok", format!("after the ban: {health}"))?;
    daemon.stop(true).map(drop)
}
