//! From fail2ban to Stockade. What fails is undone, and fail2ban guards on.

use super::bans::Bans;
use super::guardian::{self, Guardian, has_systemd};
use super::machine::Machine;
use super::record::{self, Record};
use super::{Done, Fault, count, must_be_root, names};
use std::collections::BTreeSet;

/// Missing ones that are named; the rest is counted.
const SHOWN: usize = 5;

pub(super) fn switch(machine: &mut dyn Machine, target: Guardian, wants_names: bool) -> Done {
    must_be_root(machine)?;
    refuse(machine, target)?;
    let jails = Guardian::Fail2ban.jails(machine)?;
    let bans = Guardian::Fail2ban.bans(machine)?;
    let record = Record {
        guardian: target,
        was_enabled: Guardian::Fail2ban.is_enabled(machine),
        has_names: wants_names || names::has_original(machine),
        database: Guardian::Fail2ban.database(machine),
        jails: jails.clone(),
    };
    if record.database.is_none() && bans.count() > 0 {
        return Err(Fault::refusal(
            format!(
                "fail2ban keeps its {} in memory alone (dbfile = None): they would be gone",
                count(bans.count(), "ban")
            ),
            "give it a dbfile in fail2ban.local and restart it, or unban all first",
        ));
    }
    record.write(machine)?;
    match change(machine, target, &record, &jails, &bans) {
        Ok(()) => {
            machine.say(&format!(
                "{} guards: {} and {}, as before. The way back: stockade migrate --back",
                target.name(),
                count(jails.len(), "jail"),
                count(bans.count(), "ban")
            ));
            Ok(())
        }
        Err(fault) => {
            machine.say(&format!("failed: {}", fault.what));
            undo(machine, target, &record, &jails, &bans)?;
            Err(fault)
        }
    }
}

/// Whatever stands against beginning at all.
fn refuse(machine: &mut dyn Machine, target: Guardian) -> Done {
    if Record::read(machine).is_some() {
        return Err(Fault::refusal(
            "this machine was switched already",
            "go back first: stockade migrate --back",
        ));
    }
    if !machine.exists(&format!("{}/fail2ban-server", names::OWN)) {
        return Err(Fault::refusal(
            format!(
                "{} is not there: Stockade is not installed as a package",
                names::OWN
            ),
            "see dist/README.md",
        ));
    }
    if target == Guardian::Native && !has_systemd(machine) {
        return Err(Fault::refusal(
            "without systemd nobody runs stockade.service",
            "stop fail2ban (fail2ban-client stop) and run it yourself: stockade run",
        ));
    }
    let is_native_there = Guardian::Native.answers(machine)
        || target != Guardian::Native && Guardian::Native.is_enabled(machine);
    if is_native_there {
        return Err(Fault::refusal(
            "stockade.service runs here already, or starts with the machine",
            "stop it first: systemctl disable --now stockade",
        ));
    }
    if target == Guardian::Native && !machine.check(None).is_fail2bans {
        return Err(Fault::refusal(
            "Stockade would read /etc/stockade, and what fail2ban's database holds is not taken over for that",
            "move what is in /etc/stockade away, or switch without --native",
        ));
    }
    if !Guardian::Fail2ban.answers(machine) {
        return Err(Fault::refusal(
            "fail2ban does not run here, so there is nothing to compare with",
            "start it, or guard without it: systemctl enable --now stockade",
        ));
    }
    Ok(())
}

fn change(
    machine: &mut dyn Machine,
    target: Guardian,
    record: &Record,
    jails: &BTreeSet<String>,
    bans: &Bans,
) -> Done {
    machine.say(&format!(
        "stopping fail2ban ({})",
        count(bans.count(), "ban")
    ));
    Guardian::Fail2ban.stop(machine)?;
    machine.say(&format!("starting {}", target.name()));
    if target == Guardian::Native {
        // One of an earlier time would not take over what fail2ban's has come to hold since.
        machine.set_store_aside().map_err(Fault::new)?;
    }
    target.start(machine)?;
    let missing = guardian::missing(machine, target, jails, bans)?;
    if !missing.is_empty() {
        return Err(Fault::new(format!(
            "missing under {}: {}",
            target.name(),
            few(&missing)
        )));
    }
    // Only now: a machine that goes down before comes up as it was.
    target.set_enabled(machine, true)?;
    if record.was_enabled {
        Guardian::Fail2ban.set_enabled(machine, false)?;
    }
    if record.has_names {
        names::put(machine)?;
    }
    Ok(())
}

/// Back to fail2ban, as far as it goes: each step is tried whatever became of the one before.
fn undo(
    machine: &mut dyn Machine,
    target: Guardian,
    record: &Record,
    jails: &BTreeSet<String>,
    bans: &Bans,
) -> Done {
    let mut faults: Vec<Fault> = Vec::new();
    faults.extend(names::take(machine).err());
    faults.extend(target.set_enabled(machine, false).err());
    match target.stop(machine) {
        Ok(()) => record.release(machine),
        Err(fault) => faults.push(fault),
    }
    if record.was_enabled {
        faults.extend(Guardian::Fail2ban.set_enabled(machine, true).err());
    }
    let started = Guardian::Fail2ban.start(machine);
    let missing =
        started.and_then(|()| guardian::missing(machine, Guardian::Fail2ban, jails, bans));
    match missing {
        Ok(missing) => {
            target.sweep(machine);
            match missing.is_empty() {
                true => machine.say(&format!(
                    "fail2ban guards again: {} and {}, as before",
                    count(jails.len(), "jail"),
                    count(bans.count(), "ban")
                )),
                false => faults.push(Fault::new(format!(
                    "missing under fail2ban: {}",
                    few(&missing)
                ))),
            }
            record::forget(machine);
        }
        Err(fault) => faults.push(fault),
    }
    match faults.is_empty() {
        true => Ok(()),
        false => {
            let all: Vec<String> = faults.into_iter().map(|fault| fault.what).collect();
            Err(Fault {
                help: "look at it now: systemctl status fail2ban; fail2ban-client status",
                ..Fault::new(format!("going back to fail2ban: {}", all.join("; ")))
            })
        }
    }
}

/// The first ones, and how many more.
pub(super) fn few(missing: &[String]) -> String {
    let shown = missing
        .iter()
        .take(SHOWN)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    match missing.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}, {more} more"),
    }
}
