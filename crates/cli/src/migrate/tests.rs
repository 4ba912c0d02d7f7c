//! The ways there and back on a machine that is made up, where each step fails once.

use super::bans::Bans;
use super::guardian::Guardian;
use super::hand_back::Handed;
use super::machine::{Machine, Ran};
use super::names::OWN;
use super::record::PATH as RECORD;
use super::{back, plan, switch};
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use store::Imported;

const ALL: [Guardian; 3] = [Guardian::Fail2ban, Guardian::StandIn, Guardian::Native];

/// What a test can see of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    running: BTreeSet<&'static str>,
    enabled: BTreeSet<&'static str>,
    /// Paths, and where they lead if they are links.
    files: BTreeMap<String, Option<String>>,
    record: Option<String>,
}

struct Fake {
    state: State,
    /// Whom each of the three bans while it runs.
    bans: &'static str,
    /// The bans that this one loses.
    forgetful: Option<Guardian>,
    has_systemd: bool,
    is_root: bool,
    /// Changes left until one fails.
    fails_in: Option<usize>,
    said: Vec<String>,
    swept: bool,
}

impl Fake {
    fn new() -> Self {
        let mut files = BTreeMap::new();
        for name in ["fail2ban-client", "fail2ban-server", "fail2ban-regex"] {
            files.insert(format!("/usr/bin/{name}"), None);
            files.insert(format!("{OWN}/{name}"), None);
        }
        files.insert("/usr/bin/dpkg-divert".into(), None);
        Self {
            state: State {
                running: BTreeSet::from(["fail2ban.service"]),
                enabled: BTreeSet::from(["fail2ban.service"]),
                files,
                record: None,
            },
            bans: "[{'sshd': ['192.0.2.1', '2001:db8::1']}, {'web': []}]",
            forgetful: None,
            has_systemd: true,
            is_root: true,
            fails_in: None,
            said: Vec::new(),
            swept: false,
        }
    }

    /// Counts a change; true if it is the one that fails.
    fn fails(&mut self) -> bool {
        match &mut self.fails_in {
            Some(0) => {
                self.fails_in = None;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    fn systemctl(&mut self, words: &[&str]) -> bool {
        let (word, unit) = (words[0], words[1]);
        let unit = ALL
            .iter()
            .find(|guardian| guardian.unit() == unit)
            .unwrap()
            .unit();
        if word == "is-enabled" {
            return self.state.enabled.contains(unit);
        }
        if word == "reset-failed" {
            return true;
        }
        if self.fails() {
            return false;
        }
        match word {
            "start" => {
                assert!(
                    self.state.running.iter().all(|other| *other == unit),
                    "two guardians at a time"
                );
                self.state.running.insert(unit)
            }
            "stop" => self.state.running.remove(unit),
            "enable" => self.state.enabled.insert(unit),
            "disable" => self.state.enabled.remove(unit),
            other => panic!("systemctl {other}"),
        };
        true
    }

    fn divert(&mut self, words: &[&str]) -> bool {
        if self.fails() {
            return false;
        }
        let [
            "--quiet",
            "--package",
            "stockade",
            "--divert",
            aside,
            "--rename",
            what,
            path,
        ] = words
        else {
            panic!("dpkg-divert {words:?}");
        };
        let (from, to) = match *what {
            "--add" => (path, aside),
            _ => (aside, path),
        };
        if let Some(file) = self.state.files.remove(*from) {
            let there = self.state.files.insert((*to).to_owned(), file);
            assert_eq!(there, None, "{to} was in the way");
        }
        true
    }

    fn client(&mut self, guardian: Guardian, words: &[&str]) -> Ran {
        let runs = self.state.running.contains(guardian.unit());
        let said = |text: &str| Ran {
            is_ok: true,
            said: text.to_owned(),
            complained: String::new(),
        };
        match words {
            ["-x", "start"] => {
                let is_ok = !self.fails();
                if is_ok {
                    self.state.running.insert(guardian.unit());
                }
                Ran {
                    is_ok,
                    ..Ran::default()
                }
            }
            _ if !runs => Ran::default(),
            ["ping"] => said("Server replied: pong\n"),
            ["status"] => said("Status\n|- Number of jail:\t2\n`- Jail list:\tsshd, web\n"),
            ["banned"] if self.forgetful == Some(guardian) => said("[{'sshd': []}, {'web': []}]\n"),
            ["banned"] => said(self.bans),
            ["get", "dbfile"] => said("Current database file is:\n`- /db\n"),
            ["get", _, "banip", "--with-time"] => {
                said("192.0.2.1 \t2026-11-30 01:00:00 + 600 = 2026-11-30 01:10:00\n")
            }
            ["stop"] => {
                self.state.running.remove(guardian.unit());
                said("Shutdown successful\n")
            }
            other => panic!("client {other:?}"),
        }
    }

    fn stockade(&mut self, words: &[&str]) -> Ran {
        let runs = self.state.running.contains("stockade.service");
        let text = match words {
            ["stop", "--flush"] => {
                self.swept = true;
                return Ran::default();
            }
            _ if !runs => return Ran::default(),
            ["status", "--json"] => {
                r#"{"jails":[{"name":"sshd","state":"running"},{"name":"web","state":"waiting"}]}"#
            }
            ["banned", "--json"] if self.forgetful == Some(Guardian::Native) => r#"{"bans":[]}"#,
            ["banned", "--json"] => {
                r#"{"bans":[{"jail":"sshd","ip":"192.0.2.1","until":null},{"jail":"sshd","ip":"2001:db8::1","until":null}]}"#
            }
            other => panic!("stockade {other:?}"),
        };
        Ran {
            is_ok: true,
            said: text.to_owned(),
            complained: String::new(),
        }
    }
}

impl Machine for Fake {
    fn is_root(&self) -> bool {
        self.is_root
    }

    fn run(&mut self, program: &str, words: &[&str]) -> Ran {
        let is_ok = match program {
            "systemctl" => self.systemctl(words),
            "/usr/bin/dpkg-divert" => self.divert(words),
            "/usr/bin/stockade" => return self.stockade(words),
            path if path.starts_with(OWN) => return self.client(Guardian::StandIn, words),
            path => {
                assert_eq!(
                    self.state.files.get(path),
                    Some(&None),
                    "{path} is not fail2ban's"
                );
                return self.client(Guardian::Fail2ban, words);
            }
        };
        Ran {
            is_ok,
            ..Ran::default()
        }
    }

    fn exists(&self, path: &str) -> bool {
        match path {
            "/run/systemd/system" => self.has_systemd,
            path => self.state.files.contains_key(path),
        }
    }

    fn link_at(&self, path: &str) -> Option<String> {
        self.state.files.get(path).cloned().flatten()
    }

    fn link(&mut self, target: &str, path: &str) -> io::Result<()> {
        if self.fails() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let there = self
            .state
            .files
            .insert(path.to_owned(), Some(target.to_owned()));
        assert_eq!(there, None, "{path} was in the way");
        Ok(())
    }

    fn read(&self, path: &str) -> Option<String> {
        assert_eq!(path, RECORD);
        self.state.record.clone()
    }

    fn write(&mut self, path: &str, text: &str) -> io::Result<()> {
        assert_eq!(path, RECORD);
        if self.fails() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.state.record = Some(text.to_owned());
        Ok(())
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        if path == "/db.lock" {
            assert!(
                !self.state.running.contains(Guardian::StandIn.unit()),
                "its daemon runs"
            );
            return Ok(());
        }
        if path == RECORD {
            self.state.record = None;
            return Ok(());
        }
        if self.fails() {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.state
            .files
            .remove(path)
            .map(|_| ())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn wait(&mut self) {}

    fn time(&self) -> String {
        "2026-11-30 01:05:00".into()
    }

    fn check(&self, _: Option<&Path>) -> daemon::CheckReport {
        daemon::CheckReport {
            tree: "/etc/fail2ban".into(),
            is_there: true,
            is_fail2bans: true,
            diagnostics: Vec::new(),
            jails: Vec::new(),
            notes: Vec::new(),
            left_out: 0,
        }
    }

    fn held_by(&self, database: &str, _: &[&str]) -> Result<Imported, String> {
        assert_eq!(database, "/db");
        Ok(Imported {
            bans: 2,
            positions: 3,
            left_out: 0,
        })
    }

    fn stored_bans(&self, jails: &BTreeSet<String>) -> Result<Bans, String> {
        assert_eq!(jails.len(), 2);
        Ok(Bans::of_client(self.bans).unwrap())
    }

    fn hand_back(&mut self, database: &str, jails: &[&str], bans: &Bans) -> Result<Handed, String> {
        assert_eq!(bans.count(), 2);
        assert_eq!((database, jails), ("/db", ["sshd", "web"].as_slice()));
        assert!(
            self.state.running.is_empty(),
            "a daemon has the database open"
        );
        match self.fails() {
            true => Err("disk full".into()),
            false => Ok(Handed::default()),
        }
    }

    fn set_store_aside(&mut self) -> Result<(), String> {
        match self.fails() {
            true => Err("disk full".into()),
            false => Ok(()),
        }
    }

    fn say(&mut self, line: &str) {
        self.said.push(line.to_owned());
    }
}

/// A machine on which the switch has been made.
fn switched(target: Guardian) -> Fake {
    let mut fake = Fake::new();
    switch::switch(&mut fake, target, false).unwrap();
    fake
}

#[test]
fn there_and_back_leaves_the_machine_as_it_was() {
    for target in [Guardian::StandIn, Guardian::Native] {
        let before = Fake::new().state;
        let mut fake = switched(target);
        assert_eq!(fake.state.running, BTreeSet::from([target.unit()]));
        assert_eq!(fake.state.enabled, BTreeSet::from([target.unit()]));
        assert_eq!(
            fake.link_at("/usr/bin/fail2ban-client").as_deref(),
            Some("/usr/lib/stockade/bin/fail2ban-client")
        );
        assert!(fake.exists("/usr/bin/fail2ban-client.distrib"));
        assert!(
            switch::switch(&mut fake, target, false)
                .unwrap_err()
                .is_refusal
        );
        assert_eq!(back::back(&mut fake), Ok(true));
        assert_eq!(fake.state, before);
        assert_eq!(fake.swept, target == Guardian::Native);
        assert!(back::back(&mut fake).unwrap_err().is_refusal);
    }
}

#[test]
fn whatever_fails_on_the_way_there_fail2ban_guards_as_before() {
    for target in [Guardian::StandIn, Guardian::Native] {
        let before = Fake::new().state;
        for step in 0.. {
            let mut fake = Fake::new();
            fake.fails_in = Some(step);
            match switch::switch(&mut fake, target, false) {
                Err(_) => assert_eq!(fake.state, before, "step {step}: {:?}", fake.said),
                Ok(()) => {
                    assert_eq!(fake.fails_in, Some(0), "a failure was passed over");
                    assert!(step > 8, "only {step} steps");
                    break;
                }
            }
        }
    }
}

#[test]
fn whatever_fails_on_the_way_back_stockade_guards_on() {
    for target in [Guardian::StandIn, Guardian::Native] {
        let (there, home) = (switched(target).state, Fake::new().state);
        for step in 0.. {
            let mut fake = switched(target);
            fake.fails_in = Some(step);
            let done = back::back(&mut fake);
            match &done {
                Err(_) => assert_eq!(fake.state, there, "step {step}: {:?}", fake.said),
                Ok(_) => assert_eq!(fake.state, home, "step {step}: {:?}", fake.said),
            }
            if fake.fails_in.is_some() {
                assert!(step > 8, "only {step} steps");
                break;
            }
        }
    }
}

#[test]
fn a_ban_that_is_missing_is_a_failure() {
    let mut fake = Fake::new();
    fake.forgetful = Some(Guardian::StandIn);
    let fault = switch::switch(&mut fake, Guardian::StandIn, false).unwrap_err();
    assert!(
        fault.what.contains("sshd 192.0.2.1, sshd 2001:db8::1"),
        "{fault:?}"
    );
    assert_eq!(fake.state, Fake::new().state);
    let last = fake.said.last().unwrap();
    assert_eq!(last, "fail2ban guards again: 2 jails and 2 bans, as before");

    let mut fake = switched(Guardian::Native);
    fake.forgetful = Some(Guardian::Fail2ban);
    assert_eq!(back::back(&mut fake), Ok(false));
    let last = fake.said.last().unwrap();
    assert!(last.ends_with("sshd 192.0.2.1, sshd 2001:db8::1"), "{last}");
}

#[test]
fn one_that_is_down_still_hands_back_what_it_kept() {
    let mut fake = switched(Guardian::Native);
    fake.state.running.clear();
    assert_eq!(back::back(&mut fake), Ok(true));
    assert_eq!(fake.state, Fake::new().state);
    let last = fake.said.last().unwrap();
    assert_eq!(last, "fail2ban guards again: 2 jails and 2 bans, as before");
}

#[test]
fn what_cannot_be_is_refused_before_anything_happens() {
    let check = |change: fn(&mut Fake), target, expected: &str| {
        let mut fake = Fake::new();
        change(&mut fake);
        let before = fake.state.clone();
        let fault = switch::switch(&mut fake, target, false).unwrap_err();
        assert!(
            fault.is_refusal && fault.what.contains(expected),
            "{fault:?}"
        );
        assert_eq!(fake.state, before);
    };
    check(
        |fake| fake.state.running.clear(),
        Guardian::StandIn,
        "fail2ban does not run",
    );
    check(|fake| fake.is_root = false, Guardian::StandIn, "only root");
    check(
        |fake| fake.state.enabled.extend(["stockade.service"]),
        Guardian::StandIn,
        "stockade.service runs here already",
    );
    check(
        |fake| fake.has_systemd = false,
        Guardian::Native,
        "without systemd",
    );
    check(
        |fake| fake.state.files.retain(|path, _| !path.starts_with(OWN)),
        Guardian::StandIn,
        "not installed as a package",
    );
    let mut fake = switched(Guardian::StandIn);
    fake.state
        .files
        .retain(|path, _| !path.ends_with(".distrib"));
    assert!(back::back(&mut fake).unwrap_err().is_refusal);
}

#[test]
fn without_systemd_clients_do_it() {
    let mut fake = Fake::new();
    fake.has_systemd = false;
    fake.state.enabled.clear();
    let before = fake.state.clone();
    switch::switch(&mut fake, Guardian::StandIn, false).unwrap();
    assert_eq!(
        fake.state.running,
        BTreeSet::from(["stockade-fail2ban.service"])
    );
    assert_eq!(back::back(&mut fake), Ok(true));
    assert_eq!(fake.state, before);
}

#[test]
fn the_plan_changes_nothing() {
    for target in [Guardian::StandIn, Guardian::Native] {
        let mut fake = Fake::new();
        fake.fails_in = Some(0);
        let planned = plan::plan(&mut fake, target);
        assert!(planned.is_well());
        plan::show(&mut fake, target, &planned);
        assert_eq!((fake.state, fake.fails_in), (Fake::new().state, Some(0)));
        let said = fake.said.join("\n");
        assert!(
            said.contains("taken over     2 bans and 3 positions"),
            "{said}"
        );
    }
    let mut fake = switched(Guardian::Native);
    fake.said.clear();
    let planned = plan::plan(&mut fake, Guardian::StandIn);
    assert!(planned.is_well());
    plan::show(&mut fake, Guardian::StandIn, &planned);
    assert!(
        fake.said[0].contains("was switched: Stockade guards"),
        "{:?}",
        fake.said
    );
}
