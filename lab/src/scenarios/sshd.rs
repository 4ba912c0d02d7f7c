//! OpenSSH through a log file: the whole life of a ban.

use crate::attack::{
    SshAttack, ensure_cut, ensure_shut, ensure_ssh_log_in, hold, set, sources4, sources6,
};
use crate::daemon::{Daemon, SOON};
use crate::wait::until_true;
use crate::world::{World, read};
use crate::{Done, ensure, servers};
use std::path::Path;
use std::time::Duration;

const EACH: u8 = 20;
const AT_ONCE: usize = 4;
const GOOD: [&str; 2] = ["10.77.200.1", "fd77:0:200:1::1"];

pub(crate) fn through_a_log_file(program: &Path) -> Done {
    let world = World::new()?;
    let _rsyslogd = servers::rsyslogd(&world)?;
    let _sshd = servers::sshd(&world)?;
    world.write("conf/jail.local", "[DEFAULT]\nbantime = 30\n")?;
    let conf = world.file("conf").display().to_string();
    let daemon = Daemon::start(&world, program, &["-c", &conf])?;
    daemon.wait_state("sshd", "running", SOON)?;
    ensure_ssh_log_in(&world, &GOOD, "before the attack")?;

    let attackers: Vec<String> = sources4(1, EACH)
        .into_iter()
        .chain(sources6(1, EACH))
        .collect();
    for (n, few) in attackers.chunks(AT_ONCE).enumerate() {
        brute_force(&world, &daemon, few)?;
        if n == 5 {
            ensure_ssh_log_in(&world, &GOOD, "during the attack")?;
        }
    }
    daemon.wait_banned("sshd", &set(&attackers), SOON)?;
    daemon.agree("sshd")?;
    let good = GOOD.map(str::to_owned);
    ensure_shut(&world, 22, &attackers, &good)?;
    let log = read(&world.inside("/var/log/auth.log"));
    for source in &attackers {
        let failures = log
            .lines()
            .filter(|line| is_failure_of(line, source))
            .count();
        ensure(
            failures == 5,
            format!("{source} could try {failures} passwords"),
        )?;
    }
    let jail = daemon.jail("sshd")?;
    // What sshd says of the connections that the ban has cut may count, too.
    let failed = jail["failed_total"].as_u64().unwrap_or_default();
    ensure(
        jail["banned"] == 40 && jail["banned_total"] == 40 && failed >= 200,
        format!("status: {jail}"),
    )?;

    until_true(Duration::from_secs(60), "the end of all bans", || {
        Ok(daemon.banned("sshd")?.is_empty())
    })?;
    let left = daemon.agree("sshd")?;
    ensure(left.is_empty(), format!("{} bans are left", left.len()))?;
    ensure_shut(&world, 22, &[], &attackers)?;
    ensure_ssh_log_in(&world, &GOOD, "after the bans")?;
    ensure_ssh_log_in(&world, &[&attackers[0], &attackers[39]], "after their bans")?;
    daemon.stop(true).map(drop)
}

/// A few at a time: five wrong passwords each, and the sixth only when the ban is said to stand.
fn brute_force(world: &World, daemon: &Daemon<'_>, few: &[String]) -> Done {
    let mut open = Vec::new();
    for source in few {
        let idle = hold(world, source, 22)?;
        open.push((source, idle, SshAttack::begin(world, source, "admin", 5)?));
    }
    for (source, idle, mut attack) in open {
        attack.wait_tries(5)?;
        until_true(SOON, &format!("the ban of {source}"), || {
            Ok(daemon.banned("sshd")?.contains(source))
        })?;
        ensure_cut(idle, source)?;
        let code = attack.finish()?;
        ensure(code == 255, format!("{source}: ssh ended with {code}"))?;
    }
    Ok(())
}

fn is_failure_of(line: &str, source: &str) -> bool {
    line.contains("Failed password") && line.contains(&format!(" from {source} port "))
}
