//! What was switched, until it is switched back: a few lines in a file that scripts of the package look for, too.

use super::guardian::Guardian;
use super::machine::Machine;
use super::{Done, Fault};
use std::collections::BTreeSet;

/// Not in `/var/lib/stockade`: that directory is the daemon's, which must not tell root what to do.
pub(super) const PATH: &str = "/var/lib/stockade-migrated";

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Who guards in fail2ban's stead.
    pub(super) guardian: Guardian,
    /// fail2ban started with the machine.
    pub(super) was_enabled: bool,
    /// fail2ban's names in `/usr/bin` are ours meanwhile.
    pub(super) has_names: bool,
    /// fail2ban's database.
    pub(super) database: Option<String>,
    /// The jails that fail2ban ran: what is theirs goes back, also when nobody can be asked.
    pub(super) jails: BTreeSet<String>,
}

impl Record {
    pub(super) fn read(machine: &dyn Machine) -> Option<Self> {
        let text = machine.read(PATH)?;
        let value = |key: &str| {
            let mut lines = text.lines().filter_map(|line| line.split_once('='));
            lines.find_map(|(name, value)| (name == key).then_some(value))
        };
        Some(Self {
            guardian: match value("guardian") {
                Some("native") => Guardian::Native,
                _ => Guardian::StandIn,
            },
            was_enabled: value("enabled") != Some("no"),
            has_names: value("names") == Some("yes"),
            database: value("database").map(str::to_owned),
            jails: text
                .lines()
                .filter_map(|line| line.strip_prefix("jail="))
                .map(str::to_owned)
                .collect(),
        })
    }

    pub(super) fn write(&self, machine: &mut dyn Machine) -> Done {
        let guardian = match self.guardian {
            Guardian::Native => "native",
            _ => "stand-in",
        };
        let word = |is_so: bool| if is_so { "yes" } else { "no" };
        let mut text = format!(
            "guardian={guardian}\nenabled={}\nnames={}\n",
            word(self.was_enabled),
            word(self.has_names)
        );
        if let Some(path) = &self.database {
            text.push_str(&format!("database={path}\n"));
        }
        for jail in &self.jails {
            text.push_str(&format!("jail={jail}\n"));
        }
        let written = machine.write(PATH, &text);
        written.map_err(|error| Fault::refusal(format!("{PATH} cannot be written: {error}"), ""))
    }
}

impl Record {
    /// Removes the lock that the daemon, which has ended, kept beside fail2ban's database: fail2ban knows of none.
    pub(super) fn release(&self, machine: &mut dyn Machine) {
        if let Some(database) = &self.database {
            // Mostly there is none.
            drop(machine.remove(&format!("{database}.lock")));
        }
    }
}

/// Forgets it. One that stays would only make a later `--back` look for nothing.
pub(super) fn forget(machine: &mut dyn Machine) {
    drop(machine.remove(PATH));
}
