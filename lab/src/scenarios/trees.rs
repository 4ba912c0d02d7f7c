//! A complete fail2ban tree, as Debian ships it.

use crate::attack::{append, ensure_shut, failed_passwords, set, sources};
use crate::daemon::{Daemon, SOON, kernel};
use crate::process::must;
use crate::servers;
use crate::wait::until_true;
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

/// With `banaction_native = no` the stock iptables action closes the port by its own commands, in fail2ban's life cycle,
/// also while another action of the same jail hangs; a reload goes over to native bans and back.
pub(crate) fn shell_actions(program: &Path) -> Done {
    if !Path::new("/etc/fail2ban/jail.conf").exists() {
        return Err(Stop::Skip("fail2ban is not installed".into()));
    }
    let world = World::new()?;
    let tables = |world: &World| -> Done<String> {
        let v4 = must(world.server("iptables-save").args(["-t", "filter"]))?;
        let v6 = must(world.server("ip6tables-save").args(["-t", "filter"]))?;
        Ok(v4 + &v6)
    };
    if tables(&world).is_err() {
        return Err(Stop::Skip("iptables is not installed".into()));
    }
    let _rsyslogd = servers::rsyslogd(&world)?;
    let _sshd = servers::sshd(&world)?;
    let tree = world.file("fail2ban");
    must(Command::new("cp").arg("-a").arg("/etc/fail2ban").arg(&tree))?;
    let log = world.write("auth.log", "")?;
    let hangs = world.write("hangs", "")?;
    let slow = format!(
        "[Definition]\nactionban = while [ -e {} ]; do sleep 0.1; done\n",
        hangs.display()
    );
    world.write("fail2ban/action.d/slow.conf", &slow)?;
    world.write(
        "fail2ban/stockade.conf",
        "[Definition]\nbanaction_native = no\n",
    )?;
    let local = format!(
        "[sshd]\nenabled = true\nbackend = polling\nlogpath = {}\naction = slow\n iptables-multiport[name=sshd, port=22]\n",
        log.display()
    );
    world.write("fail2ban/jail.local", &local)?;
    let mut daemon = Daemon::start(&world, program, &["-c", &tree.display().to_string()])?;
    daemon.wait_state("sshd", "running", SOON)?;
    let attackers = sources(152, 3);
    let closed = |world: &World| -> Done<bool> {
        let tables = tables(world)?;
        Ok(attackers
            .iter()
            .all(|source| tables.contains(source.as_str())))
    };
    let others = sources(153, 1);
    append(&log, failed_passwords(&attackers, 5)?)?;
    until_true(
        SOON,
        "iptables has all of them while an action hangs",
        || closed(&world),
    )?;
    ensure_shut(&world, 22, &attackers, &others)?;
    let mine = must(world.server("nft").args(["list", "ruleset"]))?;
    ensure(
        !mine.contains("chain sshd"),
        "the kernel was told natively, too",
    )?;
    std::fs::remove_file(&hangs)?;
    // The end undoes everything, and the next start does it again.
    daemon.signal("TERM")?;
    ensure(daemon.wait_end()? == 0, "the end was not in order")?;
    let left = tables(&world)?;
    ensure(
        !left.contains("f2b-"),
        format!("something was left: {left}"),
    )?;
    ensure_shut(&world, 22, &[], &attackers)?;
    daemon.restart()?;
    until_true(SOON, "iptables has all of them again", || closed(&world))?;
    ensure_shut(&world, 22, &attackers, &others)?;
    // Another way to ban, and back: nobody who is banned gets in on the way.
    for (native, text) in [(true, "yes"), (false, "no")] {
        let own = format!("[Definition]\nbanaction_native = {text}\n");
        world.write("fail2ban/stockade.conf", &own)?;
        daemon.json(&["reload"])?;
        let what = format!("the bans are where banaction_native = {text} wants them");
        until_true(SOON, &what, || {
            let left = tables(&world)?.contains("f2b-");
            Ok(match native {
                true => !left && kernel(&world, "sshd").is_ok_and(|bans| bans == set(&attackers)),
                false => closed(&world)?,
            })
        })?;
        ensure_shut(&world, 22, &attackers, &others)?;
    }
    for attacker in &attackers {
        ensure(
            daemon.ask(&["unban", attacker])?.status.success(),
            "unban failed",
        )?;
    }
    until_true(SOON, "iptables has none of them", || {
        let tables = tables(&world)?;
        Ok(!attackers
            .iter()
            .any(|source| tables.contains(source.as_str())))
    })?;
    daemon.stop(false).map(drop)
}
