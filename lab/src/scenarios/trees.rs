//! A complete fail2ban tree, as Debian ships it.

use crate::attack::{append, ensure_shut, failed_passwords, set, sources};
use crate::daemon::{Daemon, SOON};
use crate::process::must;
use crate::servers;
use crate::world::World;
use crate::{Done, Stop, ensure};
use std::path::Path;
use std::process::Command;

/// Its stock iptables action is carried out natively, and said; nothing calls iptables.
pub(crate) fn fail2ban_tree(program: &Path) -> Done {
    if !Path::new("/etc/fail2ban/jail.conf").exists() {
        return Err(Stop::Skip("fail2ban is not installed".into()));
    }
    let world = World::new()?;
    let _rsyslogd = servers::rsyslogd(&world)?;
    let _sshd = servers::sshd(&world)?;
    let tree = world.file("fail2ban");
    must(Command::new("cp").arg("-a").arg("/etc/fail2ban").arg(&tree))?;
    let log = world.write("auth.log", "")?;
    let local = format!(
        "[DEFAULT]\nbanaction = iptables-multiport\n[sshd]\nenabled = true\nbackend = polling\nlogpath = {}\n",
        log.display()
    );
    world.write("fail2ban/jail.local", &local)?;
    let daemon = Daemon::start(&world, program, &["-c", &tree.display().to_string()])?;
    daemon.wait_state("sshd", "running", SOON)?;
    let attackers = sources(150, 3);
    append(&log, failed_passwords(&attackers, 5)?)?;
    daemon.wait_banned("sshd", &set(&attackers), SOON)?;
    daemon.agree("sshd")?;
    ensure_shut(&world, 22, &attackers, &sources(151, 1))?;
    let reason = daemon.jail("sshd")?["reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    ensure(
        reason.contains("iptables-multiport") && reason.contains("natively"),
        format!("no notice: '{reason}'"),
    )?;
    let ruleset = must(world.server("nft").args(["list", "ruleset"]))?;
    ensure(!ruleset.contains("f2b-"), "iptables was called")
}
