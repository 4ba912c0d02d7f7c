//! `stockade migrate` without an option: what would change, told before anything does.

use super::guardian::{Guardian, has_systemd};
use super::machine::Machine;
use super::record::Record;
use super::{count, names};
use crate::table::{Align, Table};
use daemon::{CheckReport, CheckedJail, Enforcement, Verdict};
use std::path::Path;

const FAIL2BAN: &str = "/etc/fail2ban";
/// Where Debian's fail2ban keeps its own, unless told otherwise.
const DATABASE: &str = "/var/lib/fail2ban/fail2ban.sqlite3";

/// Says it; gives whether nothing stands against it.
pub(super) fn plan(machine: &mut dyn Machine, target: Guardian) -> bool {
    if let Some(record) = Record::read(machine) {
        let guards = record.guardian.answers(machine);
        machine.say(&match guards {
            true => format!(
                "this machine was switched: {} guards. The way back: stockade migrate --back",
                record.guardian.name()
            ),
            false => format!(
                "this machine was switched to {}, which does not answer: see systemctl status {}. The way back: \
                 stockade migrate --back",
                record.guardian.name(),
                record.guardian.unit()
            ),
        });
        return guards;
    }
    let config = match target {
        // It reads what it always reads.
        Guardian::Native => None,
        _ => Some(Path::new(FAIL2BAN)),
    };
    let report = machine.check(config);
    let mut is_well = guardian(machine, target);
    machine.say(&format!("configuration  {}", report.tree));
    bans(machine, target, &report, &mut is_well);
    machine.say(&format!("names          {}", names_change(machine)));
    machine.say(&format!("service        {}", service(machine, target)));
    jails(machine, target, &report);
    is_well &= differences(machine, target, &report);
    machine.say("");
    machine.say(match (is_well, target) {
        (true, Guardian::Native) => "Nothing stands against it: stockade migrate --switch --native",
        (true, _) => "Nothing stands against it: stockade migrate --switch",
        (false, _) => "See above before you switch.",
    });
    is_well
}

fn guardian(machine: &mut dyn Machine, target: Guardian) -> bool {
    let jails = Guardian::Fail2ban.jails(machine).map(|jails| jails.len());
    let is_well = jails.is_ok();
    machine.say(&match jails {
        Ok(jails) => format!("guards now     fail2ban, with {}", count(jails, "jail")),
        Err(_) => "guards now     not fail2ban, or only root may ask it".to_owned(),
    });
    machine.say(&format!(
        "would guard    {} ({})",
        target.name(),
        target.unit()
    ));
    is_well
}

fn bans(machine: &mut dyn Machine, target: Guardian, report: &CheckReport, is_well: &mut bool) {
    let database = Guardian::Fail2ban
        .database(machine)
        .unwrap_or_else(|| DATABASE.to_owned());
    let names: Vec<&str> = report.jails.iter().map(|jail| jail.name.as_str()).collect();
    let what = match target {
        Guardian::Native => "read once; Stockade keeps its own",
        _ => "stays in use",
    };
    match machine.held_by(&database, &names) {
        Ok(held) => {
            machine.say(&format!("database       {database}: {what}"));
            machine.say(&format!(
                "taken over     {} and {} in logs",
                count(held.bans, "ban"),
                count(held.positions, "position")
            ));
        }
        Err(why) => {
            *is_well = false;
            machine.say(&format!("database       {database} cannot be read: {why}"));
        }
    }
}

fn names_change(machine: &dyn Machine) -> &'static str {
    match names::has_original(machine) {
        true => {
            "fail2ban-client, -server and -regex in /usr/bin become Stockade's; the originals stay as NAME.distrib"
        }
        false => "none: fail2ban is not installed in /usr/bin (--names puts them there)",
    }
}

fn service(machine: &dyn Machine, target: Guardian) -> String {
    match has_systemd(machine) {
        true => format!(
            "fail2ban.service is stopped and disabled, {} enabled",
            target.unit()
        ),
        false => {
            "systemd does not run: fail2ban is stopped by its client, Stockade started by ours"
                .to_owned()
        }
    }
}

fn jails(machine: &mut dyn Machine, target: Guardian, report: &CheckReport) {
    let now = Guardian::Fail2ban.bans(machine).unwrap_or_default();
    let mut table = Table::new(&[
        ("JAIL", Align::Left),
        ("STATE", Align::Left),
        ("ACTION", Align::Left),
        ("BANS", Align::Right),
        ("WHY NOT", Align::Left),
    ]);
    for jail in &report.jails {
        let state = match jail.verdict {
            Verdict::Ok => "ok",
            Verdict::Waiting => "waiting",
            Verdict::Error => "ERROR",
        };
        table.row(vec![
            jail.name.to_string(),
            state.to_owned(),
            actions(jail, target),
            now.count_of(jail.name.as_str()).to_string(),
            jail.reason.clone().unwrap_or_default(),
        ]);
    }
    machine.say("");
    for line in table.lines() {
        machine.say(&line);
    }
}

/// Who carries a jail's actions out.
fn actions(jail: &CheckedJail, target: Guardian) -> String {
    let mut words: Vec<&str> = Vec::new();
    for action in &jail.actions {
        let word = match (&action.by, target) {
            (Enforcement::Native { .. }, Guardian::Native) => "native",
            (Enforcement::Native { .. } | Enforcement::Shell { .. }, _) => "shell",
            (Enforcement::Mail, _) => "mail",
            (Enforcement::Python, _) => "REFUSED",
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.is_empty() {
        true => "-".to_owned(),
        false => words.join(" + "),
    }
}

/// What would not be as it was; gives whether that is nothing that matters.
fn differences(machine: &mut dyn Machine, target: Guardian, report: &CheckReport) -> bool {
    let mut told = Vec::new();
    for jail in &report.jails {
        let refused = jail
            .actions
            .iter()
            .filter(|action| action.by == Enforcement::Python);
        told.extend(refused.map(|action| {
            format!(
                "jail {}: action {} is written in Python and not carried out",
                jail.name, action.name
            )
        }));
    }
    let refused = told.len();
    for diagnostic in &report.diagnostics {
        let place = diagnostic.origin.as_ref();
        let place = place.map(|at| format!(" ({}:{})", at.file, at.line));
        told.push(format!(
            "{}{}",
            diagnostic.message,
            place.unwrap_or_default()
        ));
    }
    if !told.is_empty() {
        machine.say("");
        for line in &told {
            machine.say(line);
        }
        machine.say(match target {
            Guardian::Native => "More: stockade check",
            _ => "More: stockade check /etc/fail2ban",
        });
    }
    refused == 0 && !report.has_errors() && report.is_there
}
