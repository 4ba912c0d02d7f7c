//! The system as far as a change of guardians touches it.

use super::bans::Bans;
use super::hand_back::{self, Handed};
use crate::output::Output;
use base::Timestamp;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use store::{Imported, Store};

/// How long one step of waiting takes.
const STEP: Duration = Duration::from_millis(200);

/// What a program did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ran {
    pub(super) is_ok: bool,
    /// On its standard output.
    pub(super) said: String,
    /// On its standard error output.
    pub(super) complained: String,
}

impl Ran {
    /// What it said last of what went wrong.
    pub(super) fn why(&self) -> String {
        let mut lines = self.complained.lines().chain(self.said.lines());
        let last = lines.rfind(|line| !line.trim().is_empty());
        last.map_or_else(
            || "it says nothing".to_owned(),
            |line| line.trim().to_owned(),
        )
    }
}

/// A machine on which something guards.
pub(super) trait Machine {
    fn is_root(&self) -> bool;
    /// Runs a program to its end.
    fn run(&mut self, program: &str, words: &[&str]) -> Ran;
    /// There is such a path; a link counts, wherever it leads.
    fn exists(&self, path: &str) -> bool;
    /// Where a link leads.
    fn link_at(&self, path: &str) -> Option<String>;
    fn link(&mut self, target: &str, path: &str) -> io::Result<()>;
    fn read(&self, path: &str) -> Option<String>;
    fn write(&mut self, path: &str, text: &str) -> io::Result<()>;
    fn remove(&mut self, path: &str) -> io::Result<()>;
    /// A moment passes, for somebody else to get on.
    fn wait(&mut self);
    /// `2026-11-24 10:00:00`, as fail2ban writes times.
    fn time(&self) -> String;
    /// What the configuration would do here; that of fail2ban, or the usual one.
    fn check(&self, config: Option<&Path>) -> daemon::CheckReport;
    /// What a database of fail2ban's holds for these jails; it is only read.
    fn held_by(&self, database: &str, jails: &[&str]) -> Result<Imported, String>;
    /// Brings a database of fail2ban's up to what ours holds for these jails.
    /// Whom `bans` names is not unbanned there, whatever ours says.
    fn hand_back(&mut self, database: &str, jails: &[&str], bans: &Bans) -> Result<Handed, String>;
    /// Whom our own database bans in these jails.
    fn stored_bans(&self, jails: &BTreeSet<String>) -> Result<Bans, String>;
    /// Puts our own database aside, since another one goes on from it.
    fn set_store_aside(&mut self) -> Result<(), String>;
    /// A line for whoever watches.
    fn say(&mut self, line: &str);
}

/// This machine.
pub(super) struct Real<'a> {
    output: &'a mut Output,
}

/// How long a program may take: longer than systemd waits for a service to end.
const LONGEST: Duration = Duration::from_secs(180);
const STORE: &str = "/var/lib/stockade/stockade.sqlite3";

impl<'a> Real<'a> {
    pub(super) fn new(output: &'a mut Output) -> Self {
        Self { output }
    }
}

impl Machine for Real<'_> {
    fn is_root(&self) -> bool {
        os::is_root()
    }

    fn run(&mut self, program: &str, words: &[&str]) -> Ran {
        // A program that hangs must not leave the machine between two guardians; and a key pressed at the terminal is
        // not for it.
        let ran = Command::new("timeout")
            .arg(LONGEST.as_secs().to_string())
            .arg(program)
            .args(words)
            .stdin(Stdio::null())
            .env("LC_ALL", "C.UTF-8")
            .process_group(0)
            .output();
        match ran {
            Ok(output) => Ran {
                is_ok: output.status.success(),
                said: String::from_utf8_lossy(&output.stdout).into_owned(),
                complained: String::from_utf8_lossy(&output.stderr).into_owned(),
            },
            Err(error) => Ran {
                complained: format!("{program}: {error}"),
                ..Ran::default()
            },
        }
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).symlink_metadata().is_ok()
    }

    fn link_at(&self, path: &str) -> Option<String> {
        let target = fs::read_link(path).ok()?;
        target.to_str().map(str::to_owned)
    }

    fn link(&mut self, target: &str, path: &str) -> io::Result<()> {
        symlink(target, path)
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(path).ok()
    }

    fn write(&mut self, path: &str, text: &str) -> io::Result<()> {
        fs::write(path, text)
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn wait(&mut self) {
        std::thread::sleep(STEP);
    }

    fn time(&self) -> String {
        crate::time::local(now().as_secs())
    }

    fn check(&self, config: Option<&Path>) -> daemon::CheckReport {
        daemon::check(&daemon::Check {
            config: config.map(Path::to_owned),
            ..daemon::Check::default()
        })
    }

    fn held_by(&self, database: &str, jails: &[&str]) -> Result<Imported, String> {
        let imported = Store::memory().import(Path::new(database), jails, now());
        let imported = imported.map_err(|error| error.to_string())?;
        Ok(imported.unwrap_or_default())
    }

    fn hand_back(&mut self, database: &str, jails: &[&str], bans: &Bans) -> Result<Handed, String> {
        hand_back::hand_back(
            Path::new(STORE),
            Path::new(database),
            jails,
            bans,
            &stamp(),
            now(),
        )
    }

    fn stored_bans(&self, jails: &BTreeSet<String>) -> Result<Bans, String> {
        let jails: Vec<&str> = jails.iter().map(String::as_str).collect();
        hand_back::stored(Path::new(STORE), &jails, now())
    }

    fn set_store_aside(&mut self) -> Result<(), String> {
        let aside = PathBuf::from(format!("{STORE}.handed-back-{}", stamp()));
        match fs::rename(STORE, aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("{STORE}: {error}"))
            }
            _ => Ok(()),
        }
    }

    fn say(&mut self, line: &str) {
        // A reader that went away must not leave the machine between two guardians.
        drop(self.output.say(line).and_then(|()| self.output.flush()));
    }
}

fn now() -> Timestamp {
    Timestamp::from_micros(jiff::Timestamp::now().as_microsecond())
}

fn stamp() -> String {
    let local = crate::time::local(now().as_secs());
    local.replace(['-', ':'], "").replace(' ', "-")
}
