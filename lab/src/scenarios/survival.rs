//! What must not cost a ban: a foreign `nft flush ruleset`, `kill -9`, a restart.

use crate::attack::{append, failed_passwords, set, sources, sources4};
use crate::daemon::{Daemon, How, SOON, kernel};
use crate::process::run;
use crate::wait::until_true;
use crate::world::World;
use crate::{Done, Stop, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) fn flush_of_an_owned_table(program: &Path) -> Done {
    flushed(program, true)
}

pub(crate) fn flush_of_a_plain_table(program: &Path) -> Done {
    flushed(program, false)
}

/// Somebody flushes the whole ruleset twenty times a second while attackers come: no acknowledged ban may be
/// missing from the kernel for longer than a second.
fn flushed(program: &Path, owner: bool) -> Done {
    let world = World::new()?;
    let word = if owner { "yes" } else { "no" };
    world.write(
        "conf/stockade.local",
        &format!("[Definition]\ntable_owner = {word}\n"),
    )?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let status = daemon.json(&["status"])?;
    if owner && status["enforcement"]["owner"] == false {
        return Err(Stop::Skip(
            "this kernel has no table owners that persist (6.9 and later)".into(),
        ));
    }
    let log = world.file("auth.log");
    let attackers = sources4(80, 250);
    let mut coming = attackers.iter();
    let mut missing_since: BTreeMap<String, Instant> = BTreeMap::new();
    let mut worst = Duration::ZERO;
    let begun = Instant::now();
    let mut flushed = Instant::now();
    let mut flushes = 0;
    while begun.elapsed() < Duration::from_secs(5) {
        if let Some(source) = coming.next() {
            append(&log, failed_passwords(std::slice::from_ref(source), 5)?)?;
        }
        if flushed.elapsed() >= Duration::from_millis(50) {
            // An owned table refuses; that is the point.
            run(world.server("nft").args(["flush", "ruleset"]))?;
            flushed = Instant::now();
            flushes += 1;
        }
        let acknowledged = acknowledged(&world);
        let seen = Instant::now();
        let held = kernel(&world, "sshd")?;
        missing_since.retain(|address, _| !held.contains(address));
        for address in acknowledged.difference(&held) {
            let since = *missing_since.entry(address.clone()).or_insert(seen);
            worst = worst.max(seen - since);
        }
    }
    ensure(
        flushes >= 40,
        format!("only {flushes} flushes in 5 s: the machine is too slow for this proof"),
    )?;
    ensure(
        worst <= Duration::from_secs(1),
        format!("a ban was missing for {worst:?}"),
    )?;
    let came: Vec<String> = attackers[..attackers.len() - coming.len()].to_vec();
    daemon.wait_banned("sshd", &set(&came), SOON)?;
    until_true(
        Duration::from_secs(2),
        "everything back in the kernel",
        || Ok(kernel(&world, "sshd")? == set(&came)),
    )?;
    daemon.agree("sshd")?;
    daemon.stop(true).map(drop)
}

/// Killed between two attacks: everything that was acknowledged stands, in the kernel at once and in all books after.
pub(crate) fn kill_between_bans(program: &Path) -> Done {
    let world = World::new()?;
    let mut daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let first = sources(85, 20);
    append(&world.file("auth.log"), failed_passwords(&first, 5)?)?;
    // A ban stands before it is acknowledged; only from then on it must not be said again.
    until_true(SOON, "all bans of the first attack acknowledged", || {
        Ok(acknowledged(&world) == set(&first))
    })?;
    daemon.kill();
    ensure(
        kernel(&world, "sshd")? == set(&first),
        "the kernel forgot bans when the daemon was killed",
    )?;
    let second = sources(86, 5);
    append(&world.file("auth.log"), failed_passwords(&second, 5)?)?;
    daemon.restart()?;
    let all = set(&[first.clone(), second].concat());
    daemon.wait_banned("sshd", &all, SOON)?;
    daemon.agree("sshd")?;
    for source in &first {
        for message in [format!("] Ban {source}"), format!("] Restore Ban {source}")] {
            let times = daemon.times_said(&message);
            ensure(times == 1, format!("'{message}' was said {times} times"))?;
        }
    }
    daemon.stop(true).map(drop)
}

/// Killed in the midst of a storm, several times.
pub(crate) fn kill_during_an_attack(program: &Path) -> Done {
    let world = World::new()?;
    let mut daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let mut all = BTreeSet::new();
    for round in 0..5 {
        let attackers = sources(90 + round, 100);
        let mark = acknowledged(&world).len();
        append(&world.file("auth.log"), failed_passwords(&attackers, 5)?)?;
        all.extend(set(&attackers));
        until_true(SOON, "some bans", || Ok(acknowledged(&world).len() > mark))?;
        daemon.kill();
        let promised = acknowledged(&world);
        let held = kernel(&world, "sshd")?;
        let lost: Vec<_> = promised.difference(&held).take(3).collect();
        ensure(
            lost.is_empty(),
            format!("acknowledged and not in the kernel after the kill: {lost:?}…"),
        )?;
        daemon.restart()?;
        let restored = daemon.banned("sshd")?;
        let lost: Vec<_> = promised.difference(&restored).take(3).collect();
        ensure(
            lost.is_empty(),
            format!("acknowledged and not restored: {lost:?}…"),
        )?;
    }
    daemon.wait_banned("sshd", &all, SOON)?;
    daemon.agree("sshd")?;
    for source in &all {
        let times = daemon.times_said(&format!("[sshd] Ban {source}"));
        ensure(times <= 1, format!("'Ban {source}' {times} times"))?;
    }
    daemon.stop(true).map(drop)
}

/// Who was banned according to the log: each line comes after the kernel's word and the store's.
fn acknowledged(world: &World) -> BTreeSet<String> {
    let said = world.said("stockade");
    said.lines()
        .filter_map(|line| line.split_once("[sshd] Ban "))
        .map(|(_, address)| address.to_owned())
        .collect()
}
