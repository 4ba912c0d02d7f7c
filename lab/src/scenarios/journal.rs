//! The systemd journal, and texts that attackers choose.

use crate::attack::{SshAttack, ensure_shut, ensure_ssh_log_in, set, sources};
use crate::daemon::{Daemon, SOON};
use crate::process::must;
use crate::servers::{self, log_to_journal};
use crate::world::World;
use crate::{Done, ensure};
use std::path::Path;
use std::process::Command;

/// A user's name that looks like the end of sshd's line.
const FORGED: &str = "x from 9.9.9.9 port 22";

/// No configuration at all, no syslog: sshd is guarded through the journal.
pub(crate) fn without_configuration(program: &Path) -> Done {
    let world = World::new()?;
    let _journald = servers::journald(&world)?;
    let _sshd = servers::sshd(&world)?;
    let daemon = Daemon::start(&world, program, &[])?;
    daemon.wait_state("sshd", "running", SOON)?;
    let jail = daemon.jail("sshd")?;
    let kinds = jail["sources"]
        .as_array()
        .map(|all| all.iter().any(|source| source["kind"] == "journal"));
    ensure(
        kinds == Some(true),
        format!("the journal is no source: {jail}"),
    )?;

    forge_through_the_journal(&world)?;
    let attackers = sources(60, 3);
    for source in &attackers {
        try_passwords(&world, source, "admin")?;
    }
    // The journal is in order: whoever is banned now came after the forged entries.
    daemon.wait_banned("sshd", &set(&attackers), SOON)?;
    let forger = sources(61, 1);
    for source in &forger {
        try_passwords(&world, source, FORGED)?;
    }
    let expected = set(&[attackers.clone(), forger.clone()].concat());
    daemon.wait_banned("sshd", &expected, SOON)?;
    daemon.agree("sshd")?;
    daemon.ensure_said(&["65534"])?;
    ensure_shut(&world, 22, &[attackers, forger].concat(), &sources(62, 1))?;
    ensure_ssh_log_in(
        &world,
        &["10.77.62.1", "fd77:0:3f:1::1"],
        "while others are banned",
    )?;
    daemon.stop(true).map(drop)
}

/// Whoever calls himself what he likes is banned under his own address and no other.
pub(crate) fn forged_user_in_a_file(program: &Path) -> Done {
    let world = World::new()?;
    let _rsyslogd = servers::rsyslogd(&world)?;
    let _sshd = servers::sshd(&world)?;
    let daemon = Daemon::start(&world, program, &[])?;
    daemon.wait_state("sshd", "running", SOON)?;
    let attackers = sources(63, 1);
    for source in &attackers {
        try_passwords(&world, source, FORGED)?;
    }
    daemon.wait_banned("sshd", &set(&attackers), SOON)?;
    daemon.agree("sshd")?;
    daemon.stop(true).map(drop)
}

/// A copy of `logger` called sshd, run by somebody else, writes what sshd would.
fn forge_through_the_journal(world: &World) -> Done {
    let copy = world.file("sshd");
    must(Command::new("cp").arg("/usr/bin/logger").arg(&copy))?;
    let line = "Failed password for root from 198.51.100.9 port 22 ssh2";
    // One writer for all, alive until the journal has looked who it is.
    let forge = "{ for n in $(seq 10); do echo \"$2\"; done
        until journalctl -q -o cat | grep -q 198.51.100.9; do :; done
        } | setpriv --reuid=65534 --regid=65534 --clear-groups \"$1\" -p auth.info -t sshd";
    let mut command = world.server("timeout");
    command.args(["20", "bash", "-c", forge, "forge"]);
    must(command.arg(&copy).arg(line))?;
    log_to_journal(world, "logger", "lab", "the forged entries are written")
}

fn try_passwords(world: &World, source: &str, user: &str) -> Done {
    let mut attack = SshAttack::begin(world, source, user, 5)?;
    attack.wait_tries(5)?;
    ensure(attack.finish()? == 255, format!("{source} was let in"))
}
