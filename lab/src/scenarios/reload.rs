//! The configuration is read again while attackers come: what did not change does not notice.

use crate::attack::{append, failed_passwords, set, sources, sources4};
use crate::daemon::{Daemon, How, SOON, kernel};
use crate::wait::until_true;
use crate::world::World;
use crate::{Done, ensure};
use serde_json::Value;
use std::fs::File;
use std::path::Path;

/// The jail of the log, with more in its section, and other sections.
fn configure(world: &World, more: &str, others: &str) -> Done {
    let log = world.file("auth.log");
    let log = log.display();
    let text =
        format!("[sshd]\nenabled = true\nbackend = polling\nlogpath = {log}\n{more}\n{others}");
    world.write("conf/jail.local", &text).map(drop)
}

fn names(answer: &Value, part: &str) -> Vec<String> {
    let list = answer[part].as_array().into_iter().flatten();
    list.filter_map(|name| name.as_str().or(name["jail"].as_str()))
        .map(str::to_owned)
        .collect()
}

/// Jails come, change, break, go and come back; counters, bans and positions of the others stay.
pub(crate) fn changes_what_differs(program: &Path) -> Done {
    let world = World::new()?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let log = world.file("auth.log");
    let banned = sources(60, 3);
    append(&log, failed_passwords(&banned, 5)?)?;
    daemon.wait_banned("sshd", &set(&banned), SOON)?;
    let patient = sources4(61, 2);
    append(&log, failed_passwords(&patient, 3)?)?;
    until_true(SOON, "the failures are counted", || {
        Ok(daemon.jail("sshd")?["failing"] == 2)
    })?;

    // Nothing differs.
    let answer = daemon.json(&["reload"])?;
    let nothing = ["added", "changed", "removed", "broken"].map(|part| names(&answer, part).len());
    ensure(nothing == [0; 4], format!("nothing differs: {answer}"))?;

    // One more jail; the other one goes on counting where it was.
    let other = world.file("other.log");
    File::options().create(true).append(true).open(&other)?;
    let second = format!(
        "[second]\nenabled = true\nfilter = sshd\nbackend = polling\nport = 2222\nlogpath = {}\n",
        other.display()
    );
    configure(&world, "", &second)?;
    let answer = daemon.json(&["reload"])?;
    ensure(
        names(&answer, "added") == ["second"],
        format!("one is new: {answer}"),
    )?;
    daemon.wait_state("second", "running", SOON)?;
    daemon.wait_state("sshd", "running", SOON)?;
    append(&log, failed_passwords(&patient, 2)?)?;
    let all = set(&[banned.clone(), patient.clone()].concat());
    daemon.wait_banned("sshd", &all, SOON)?;
    append(&other, failed_passwords(&banned, 5)?)?;
    daemon.wait_banned("second", &set(&banned), SOON)?;

    // A jail that is wrong runs on as it was, and the answer cites the line.
    configure(&world, "failregex = ^broken (<HOST>$\n", &second)?;
    let output = daemon.ask(&["reload", "--json"])?;
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    ensure(
        output.status.code() == Some(1) && names(&answer, "broken") == ["sshd"],
        format!("one is wrong: {answer}"),
    )?;
    let told = answer["broken"][0].to_string();
    ensure(
        told.contains("broken (<HOST>") && told.contains("\"runs_as_before\":true"),
        format!("the line is not cited: {told}"),
    )?;
    let later = sources4(62, 2);
    append(&log, failed_passwords(&later, 5)?)?;
    let all = set(&[banned.clone(), patient.clone(), later.clone()].concat());
    daemon.wait_banned("sshd", &all, SOON)?;

    // Changed: fewer failures are enough. Gone: its bans are lifted, and are back with it.
    configure(&world, "maxretry = 2\n", "")?;
    let answer = daemon.json(&["reload"])?;
    ensure(
        names(&answer, "changed") == ["sshd"] && names(&answer, "removed") == ["second"],
        format!("one differs, one is gone: {answer}"),
    )?;
    until_true(SOON, "no set of the jail that is gone", || {
        Ok(kernel(&world, "second")?.is_empty())
    })?;
    let hasty = sources4(63, 2);
    append(&log, failed_passwords(&hasty, 2)?)?;
    let all = set(&[banned.clone(), patient, later, hasty].concat());
    daemon.wait_banned("sshd", &all, SOON)?;
    configure(&world, "maxretry = 2\n", &second)?;
    let answer = daemon.json(&["reload"])?;
    ensure(
        names(&answer, "added") == ["second"],
        format!("one is back: {answer}"),
    )?;
    daemon.wait_banned("second", &set(&banned), SOON)?;
    until_true(SOON, "its bans are in the kernel again", || {
        Ok(kernel(&world, "second")? == set(&banned))
    })?;

    daemon.agree("sshd")?;
    daemon.stop(true).map(drop)
}

/// Reloads without end while lines come: each line counts once.
pub(crate) fn loses_no_line(program: &Path) -> Done {
    const ROUNDS: u8 = 30;
    let world = World::new()?;
    let daemon = Daemon::on_a_log(&world, program, "maxretry = 1000\n", &How::default())?;
    let log = world.file("auth.log");
    let mut lines = 0;
    for round in 0..ROUNDS {
        let attackers = sources4(70, 20);
        append(&log, failed_passwords(&attackers, 3)?)?;
        lines += 60;
        // Every other time something of the jail differs, though not how its log is read.
        configure(
            &world,
            &format!("maxretry = {}\n", 1000 + u32::from(round / 2)),
            "",
        )?;
        daemon.json(&["reload"])?;
    }
    until_true(SOON, "every line counted", || {
        Ok(daemon.jail("sshd")?["failed_total"].as_u64() >= Some(lines))
    })?;
    let counted = daemon.jail("sshd")?["failed_total"].clone();
    ensure(
        counted == lines,
        format!("{counted} failures counted of {lines}"),
    )?;
    daemon.stop(true).map(drop)
}
