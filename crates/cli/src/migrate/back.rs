//! From Stockade back to fail2ban. Where fail2ban does not come up, Stockade guards on.

use super::bans::Bans;
use super::guardian::{self, Guardian};
use super::machine::Machine;
use super::record::{self, Record};
use super::switch::few;
use super::{Done, Fault, count, must_be_root, names};
use std::collections::BTreeSet;

/// Gives whether every ban is there again.
pub(super) fn back(machine: &mut dyn Machine) -> Done<bool> {
    must_be_root(machine)?;
    let record = Record::read(machine).ok_or_else(|| {
        Fault::refusal(
            "this machine was not switched from fail2ban by stockade migrate",
            "",
        )
    })?;
    if !names::is_installed(machine) {
        return Err(Fault::refusal(
            "fail2ban is not installed any more",
            "install it, or stay: Stockade guards on",
        ));
    }
    let ours = record.guardian;
    let mut jails = record.jails.clone();
    jails.extend(ours.jails(machine).unwrap_or_default());
    // One that is down tells nothing; whom it bans stands in its database.
    let bans = match (ours.bans(machine), ours) {
        (Ok(bans), _) => bans,
        (Err(_), Guardian::Native) => machine.stored_bans(&jails).map_err(|why| {
            Fault::refusal(
                format!("Stockade does not answer, and its database cannot be read: {why}"),
                "start it: systemctl start stockade",
            )
        })?,
        (Err(_), _) => Bans::default(),
    };
    let changed = change(machine, &record, &jails, &bans).and_then(|()| {
        let missing = guardian::missing(machine, Guardian::Fail2ban, &record.jails, &bans)?;
        let lost: Vec<&String> = missing
            .iter()
            .filter(|what| what.starts_with("jail "))
            .collect();
        match lost.first() {
            Some(jail) => Err(Fault::new(format!("fail2ban does not run {jail}"))),
            None => Ok(missing),
        }
    });
    let settled = changed.and_then(|missing| settle(machine, &record).map(|()| missing));
    let missing = match settled {
        Ok(missing) => missing,
        Err(fault) => {
            machine.say(&format!("failed: {}", fault.what));
            stay(machine, &record)?;
            return Err(fault);
        }
    };
    ours.sweep(machine);
    record::forget(machine);
    if ours == Guardian::Native
        && let Err(why) = machine.set_store_aside()
    {
        machine.say(&format!("Stockade's database stays where it is: {why}"));
    }
    match missing.is_empty() {
        true => machine.say(&format!(
            "fail2ban guards again: {} and {}, as before",
            count(jails.len(), "jail"),
            count(bans.count(), "ban")
        )),
        false => machine.say(&format!(
            "fail2ban guards again; what it does not have: {}",
            few(&missing)
        )),
    }
    Ok(missing.is_empty())
}

fn change(
    machine: &mut dyn Machine,
    record: &Record,
    jails: &BTreeSet<String>,
    bans: &Bans,
) -> Done {
    let ours = record.guardian;
    machine.say(&format!("stopping {}", ours.name()));
    ours.stop(machine)?;
    record.release(machine);
    if let (Guardian::Native, Some(database)) = (ours, &record.database) {
        let jails: Vec<&str> = jails.iter().map(String::as_str).collect();
        match machine.hand_back(database, &jails, bans) {
            Ok(handed) => machine.say(&format!(
                "{database}: {} and {} handed back, {} lifted since",
                count(handed.bans, "ban"),
                count(handed.positions, "position"),
                handed.lifted
            )),
            Err(why) => {
                return Err(Fault::new(format!(
                    "{database} cannot be brought up to date: {why}"
                )));
            }
        }
    }
    // Before it starts: its unit starts what is called so.
    names::take(machine)?;
    machine.say("starting fail2ban");
    Guardian::Fail2ban.start(machine)
}

/// Who starts with the machine from now on; only when all jails are there again.
fn settle(machine: &mut dyn Machine, record: &Record) -> Done {
    if record.was_enabled {
        Guardian::Fail2ban.set_enabled(machine, true)?;
    }
    record.guardian.set_enabled(machine, false)
}

/// Guarded by us is better than by nobody.
fn stay(machine: &mut dyn Machine, record: &Record) -> Done {
    // Never two: what came up halfway goes down.
    drop(Guardian::Fail2ban.stop(machine));
    record.guardian.start(machine)?;
    record.guardian.set_enabled(machine, true)?;
    Guardian::Fail2ban.set_enabled(machine, false)?;
    if record.has_names {
        names::put(machine)?;
    }
    machine.say(&format!("{} guards on", record.guardian.name()));
    Ok(())
}
