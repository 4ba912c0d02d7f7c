//! Who guards: fail2ban, Stockade in its place, or Stockade in its own manner. How each is started, stopped and asked.

use super::bans::Bans;
use super::machine::{Machine, Ran};
use super::names::{self, OWN};
use super::{Done, Fault};
use serde_json::Value;
use std::collections::BTreeSet;

const STOCKADE: &str = "/usr/bin/stockade";
/// systemd runs, and no other service manager.
const SYSTEMD: &str = "/run/systemd/system";
/// Moments to wait for something that takes seconds at worst: a minute.
const PATIENCE: usize = 300;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guardian {
    Fail2ban,
    StandIn,
    Native,
}

impl Guardian {
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::Fail2ban => "fail2ban.service",
            Self::StandIn => "stockade-fail2ban.service",
            Self::Native => "stockade.service",
        }
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fail2ban => "fail2ban",
            Self::StandIn => "Stockade in fail2ban's place",
            Self::Native => "Stockade",
        }
    }

    pub(super) fn answers(self, machine: &mut dyn Machine) -> bool {
        match self {
            Self::Native => self.status(machine).is_some(),
            _ => self.ask(machine, &["ping"]).is_ok,
        }
    }

    /// The jails that it runs.
    pub(super) fn jails(self, machine: &mut dyn Machine) -> Done<BTreeSet<String>> {
        let unreadable = || Fault::new(format!("the jails of {} cannot be read", self.name()));
        if self == Self::Native {
            let status = self.status(machine).ok_or_else(unreadable)?;
            let jails = status["jails"].as_array().into_iter().flatten();
            let runs =
                jails.filter(|jail| matches!(jail["state"].as_str(), Some("running" | "waiting")));
            return Ok(runs
                .filter_map(|jail| jail["name"].as_str().map(str::to_owned))
                .collect());
        }
        let ran = self.ask(machine, &["status"]);
        let list = ran
            .said
            .lines()
            .find_map(|line| line.split_once("Jail list:"));
        let (_, names) = list.filter(|_| ran.is_ok).ok_or_else(unreadable)?;
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Ok(names.map(str::to_owned).collect())
    }

    /// Whom it bans, and until when.
    pub(super) fn bans(self, machine: &mut dyn Machine) -> Done<Bans> {
        let (ran, bans) = match self {
            Self::Native => {
                let ran = machine.run(STOCKADE, &["banned", "--json"]);
                let bans = Bans::of_json(&ran.said);
                (ran, bans)
            }
            _ => {
                let ran = self.ask(machine, &["banned"]);
                let bans = Bans::of_client(&ran.said);
                (ran, bans)
            }
        };
        let mut bans = bans.filter(|_| ran.is_ok).ok_or_else(|| {
            Fault::new(format!(
                "{} does not tell whom it bans: {}",
                self.name(),
                ran.why()
            ))
        })?;
        if self != Self::Native {
            for jail in bans.jails() {
                let ran = self.ask(machine, &["get", &jail, "banip", "--with-time"]);
                bans.learn_ends(&jail, &ran.said);
            }
        }
        Ok(bans)
    }

    /// The file of fail2ban's database.
    pub(super) fn database(self, machine: &mut dyn Machine) -> Option<String> {
        let ran = self.ask(machine, &["get", "dbfile"]);
        let line = ran.said.lines().find_map(|line| line.strip_prefix("`- "))?;
        line.starts_with('/').then(|| line.trim().to_owned())
    }

    /// Starts it and waits until it answers.
    pub(super) fn start(self, machine: &mut dyn Machine) -> Done {
        let ran = match (has_systemd(machine), self) {
            (true, _) => {
                // One that failed too often before would be refused.
                machine.run("systemctl", &["reset-failed", self.unit()]);
                machine.run("systemctl", &["start", self.unit()])
            }
            (false, Self::Native) => {
                return Err(Fault::new("without systemd nobody runs stockade.service"));
            }
            (false, _) => self.ask(machine, &["-x", "start"]),
        };
        if !ran.is_ok {
            let why = ran.why();
            return Err(Fault::new(format!("{} does not start: {why}", self.name())));
        }
        self.wait_until(machine, true)
    }

    /// Stops it, whoever started it, and waits until it answers no more.
    pub(super) fn stop(self, machine: &mut dyn Machine) -> Done {
        if has_systemd(machine) {
            let ran = machine.run("systemctl", &["stop", self.unit()]);
            if !ran.is_ok {
                let why = ran.why();
                return Err(Fault::new(format!("{} does not stop: {why}", self.name())));
            }
        }
        // One that no unit runs.
        if self.answers(machine) {
            match self {
                Self::Native => machine.run(STOCKADE, &["stop"]),
                _ => self.ask(machine, &["stop"]),
            };
        }
        self.wait_until(machine, false)
    }

    pub(super) fn is_enabled(self, machine: &mut dyn Machine) -> bool {
        has_systemd(machine) && machine.run("systemctl", &["is-enabled", self.unit()]).is_ok
    }

    /// Whether it starts with the machine.
    pub(super) fn set_enabled(self, machine: &mut dyn Machine, is_enabled: bool) -> Done {
        if !has_systemd(machine) {
            return Ok(());
        }
        let word = if is_enabled { "enable" } else { "disable" };
        let ran = machine.run("systemctl", &[word, self.unit()]);
        match ran.is_ok {
            true => Ok(()),
            false => Err(Fault::new(format!(
                "systemctl {word} {}: {}",
                self.unit(),
                ran.why()
            ))),
        }
    }

    /// Takes its table out of the kernel, after its end.
    pub(super) fn sweep(self, machine: &mut dyn Machine) {
        if self == Self::Native {
            machine.run(STOCKADE, &["stop", "--flush"]);
        }
    }

    fn wait_until(self, machine: &mut dyn Machine, answers: bool) -> Done {
        for _ in 0..PATIENCE {
            if self.answers(machine) == answers {
                return Ok(());
            }
            machine.wait();
        }
        let what = if answers {
            "does not answer"
        } else {
            "still answers"
        };
        Err(Fault::new(format!("{} {what} after a minute", self.name())))
    }

    /// By the client that belongs to it.
    fn ask(self, machine: &mut dyn Machine, words: &[&str]) -> Ran {
        let client = match self {
            Self::Fail2ban => names::original(machine, "fail2ban-client"),
            _ => format!("{OWN}/fail2ban-client"),
        };
        machine.run(&client, words)
    }

    fn status(self, machine: &mut dyn Machine) -> Option<Value> {
        // It says 1 where something is wrong, and answers all the same.
        let ran = machine.run(STOCKADE, &["status", "--json"]);
        let status: Value = serde_json::from_str(ran.said.trim()).ok()?;
        status["jails"].is_array().then_some(status)
    }
}

pub(super) fn has_systemd(machine: &dyn Machine) -> bool {
    machine.exists(SYSTEMD)
}

/// Waits until these jails run and these bans stand; gives who is missing after half a minute.
pub(super) fn missing(
    machine: &mut dyn Machine,
    guardian: Guardian,
    jails: &BTreeSet<String>,
    bans: &Bans,
) -> Done<Vec<String>> {
    let mut missing = Vec::new();
    for _ in 0..PATIENCE / 2 {
        let running = guardian.jails(machine)?;
        let lost = jails.difference(&running);
        missing = lost.map(|jail| format!("jail {jail}")).collect();
        let standing = guardian.bans(machine)?;
        missing.extend(bans.missing_in(&standing, &machine.time()));
        if missing.is_empty() {
            break;
        }
        machine.wait();
    }
    Ok(missing)
}
