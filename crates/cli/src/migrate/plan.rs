//! `stockade migrate` without an option: what would change, told before anything does.

use super::guardian::{Guardian, has_systemd};
use super::machine::Machine;
use super::record::Record;
use super::{count, names};
use crate::table::{Align, Table};
use daemon::{CheckReport, CheckedJail, Enforcement, Verdict};
use serde::Serialize;
use std::path::Path;
use store::Imported;

const FAIL2BAN: &str = "/etc/fail2ban";
/// Where Debian's fail2ban keeps its own, unless told otherwise.
const DATABASE: &str = "/var/lib/fail2ban/fail2ban.sqlite3";

/// What a switch would change.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    v: u32,
    /// Nothing stands against it.
    ok: bool,
    /// The switch was made already, to whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    switched: Option<Switched>,
    /// The number of jails that fail2ban runs; null if it cannot be asked.
    fail2ban_jails: Option<usize>,
    would_guard: &'static str,
    unit: &'static str,
    config: String,
    database: String,
    /// Why that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    database_error: Option<String>,
    bans: usize,
    positions: usize,
    /// fail2ban's names in `/usr/bin` become ours.
    takes_names: bool,
    /// Units change places; else programs are stopped and started by clients.
    by_systemd: bool,
    jails: Vec<PlannedJail>,
    /// What would not be as it was, and what is wrong in the files, one sentence each.
    remarks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Switched {
    to: &'static str,
    unit: &'static str,
    answers: bool,
}

#[derive(Debug, Serialize)]
struct PlannedJail {
    name: String,
    state: &'static str,
    /// Who carries its actions out.
    action: String,
    /// Bans in force under fail2ban.
    bans: usize,
    reason: Option<String>,
}

/// Finds it out; changes nothing.
pub(super) fn plan(machine: &mut dyn Machine, target: Guardian) -> Plan {
    let record = Record::read(machine);
    let switched = record.map(|record| Switched {
        to: record.guardian.name(),
        unit: record.guardian.unit(),
        answers: record.guardian.answers(machine),
    });
    let config = match target {
        // It reads what it always reads.
        Guardian::Native => None,
        _ => Some(Path::new(FAIL2BAN)),
    };
    let report = machine.check(config);
    let fail2ban_jails = Guardian::Fail2ban.jails(machine).map(|jails| jails.len());
    let database = Guardian::Fail2ban.database(machine);
    let database = database.unwrap_or_else(|| DATABASE.to_owned());
    let names: Vec<&str> = report.jails.iter().map(|jail| jail.name.as_str()).collect();
    let held = match switched {
        // What is there now is another one's.
        Some(_) => Ok(Imported::default()),
        None => machine.held_by(&database, &names),
    };
    let (remarks, refused) = remarks(&report);
    let is_well = fail2ban_jails.is_ok()
        && held.is_ok()
        && refused == 0
        && !report.has_errors()
        && report.is_there
        && (target != Guardian::Native || report.is_fail2bans);
    Plan {
        v: wire::VERSION,
        ok: switched
            .as_ref()
            .map_or(is_well, |switched| switched.answers),
        switched,
        fail2ban_jails: fail2ban_jails.ok(),
        would_guard: target.name(),
        unit: target.unit(),
        config: report.tree.clone(),
        database,
        bans: held.as_ref().map_or(0, |held| held.bans),
        positions: held.as_ref().map_or(0, |held| held.positions),
        database_error: held.err(),
        takes_names: names::has_original(machine),
        by_systemd: has_systemd(machine),
        jails: jails(machine, target, &report),
        remarks,
    }
}

/// Tells it to people.
pub(super) fn show(machine: &mut dyn Machine, target: Guardian, plan: &Plan) {
    if let Some(switched) = &plan.switched {
        let Switched { to, unit, answers } = switched;
        machine.say(&match answers {
            true => format!("this machine was switched: {to} guards. The way back: stockade migrate --back"),
            false => format!(
                "this machine was switched to {to}, which does not answer: see systemctl status {unit}. The way back: \
                 stockade migrate --back"
            ),
        });
        return;
    }
    for line in plan.lines(target) {
        machine.say(&line);
    }
}

impl Plan {
    /// Whether nothing stands against it.
    pub(super) fn is_well(&self) -> bool {
        self.ok
    }

    fn lines(&self, target: Guardian) -> Vec<String> {
        let mut lines = vec![
            match self.fail2ban_jails {
                Some(jails) => format!("guards now     fail2ban, with {}", count(jails, "jail")),
                None => "guards now     not fail2ban, or only root may ask it".to_owned(),
            },
            format!("would guard    {} ({})", self.would_guard, self.unit),
            format!("configuration  {}", self.config),
        ];
        let database = &self.database;
        match (&self.database_error, target) {
            (Some(why), _) => {
                lines.push(format!("database       {database} cannot be read: {why}"))
            }
            (None, target) => {
                let what = match target {
                    Guardian::Native => "read once; Stockade keeps its own",
                    _ => "stays in use",
                };
                lines.push(format!("database       {database}: {what}"));
                lines.push(format!(
                    "taken over     {} and {} in logs",
                    count(self.bans, "ban"),
                    count(self.positions, "position")
                ));
            }
        }
        lines.push(format!("names          {}", match self.takes_names {
            true => {
                "fail2ban-client, -server and -regex in /usr/bin become Stockade's; the originals stay as NAME.distrib"
            }
            false => "none: fail2ban is not installed in /usr/bin (--names puts them there)",
        }));
        lines.push(match self.by_systemd {
            true => format!("service        fail2ban.service is stopped and disabled, {} enabled", self.unit),
            false => {
                "service        systemd does not run: fail2ban is stopped by its client, Stockade started by ours".to_owned()
            }
        });
        lines.push(String::new());
        lines.extend(self.table());
        if !self.remarks.is_empty() {
            lines.push(String::new());
            lines.extend(self.remarks.iter().cloned());
            lines.push(match target {
                Guardian::Native => "More: stockade check".to_owned(),
                _ => "More: stockade check /etc/fail2ban".to_owned(),
            });
        }
        lines.push(String::new());
        lines.push(
            match (self.ok, target) {
                (true, Guardian::Native) => {
                    "Nothing stands against it: stockade migrate --switch --native"
                }
                (true, _) => "Nothing stands against it: stockade migrate --switch",
                (false, _) => "See above before you switch.",
            }
            .to_owned(),
        );
        lines
    }

    fn table(&self) -> Vec<String> {
        let mut table = Table::new(&[
            ("JAIL", Align::Left),
            ("STATE", Align::Left),
            ("ACTION", Align::Left),
            ("BANS", Align::Right),
            ("WHY NOT", Align::Left),
        ]);
        for jail in &self.jails {
            table.row(vec![
                jail.name.clone(),
                match jail.state {
                    "error" => "ERROR".to_owned(),
                    state => state.to_owned(),
                },
                jail.action.clone(),
                jail.bans.to_string(),
                jail.reason.clone().unwrap_or_default(),
            ]);
        }
        table.lines()
    }
}

fn jails(machine: &mut dyn Machine, target: Guardian, report: &CheckReport) -> Vec<PlannedJail> {
    let now = Guardian::Fail2ban.bans(machine).unwrap_or_default();
    let jails = report.jails.iter().map(|jail| PlannedJail {
        name: jail.name.to_string(),
        state: match jail.verdict {
            Verdict::Ok => "ok",
            Verdict::Waiting => "waiting",
            Verdict::Error => "error",
        },
        action: actions(jail, target),
        bans: now.count_of(jail.name.as_str()),
        reason: jail.reason.clone(),
    });
    jails.collect()
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

/// What would not be as it was and what the files say wrong; and how many actions are not carried out.
fn remarks(report: &CheckReport) -> (Vec<String>, usize) {
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
    told.extend(report.diagnostics.iter().map(|diagnostic| {
        let place = diagnostic.origin.as_ref();
        let place = place.map(|at| format!(" ({}:{})", at.file, at.line));
        format!("{}{}", diagnostic.message, place.unwrap_or_default())
    }));
    (told, refused)
}
