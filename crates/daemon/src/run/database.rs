//! The store at the start: opened, fail2ban's taken over once, and read.

use crate::clock;
use crate::ingest::Positions;
use crate::keep::{Recalled, stamp};
use crate::log::{Kind, Level, Log};
use crate::plan::Jail;
use base::Timestamp;
use conf::{Globals, Tree};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use store::{Held, History, Opened, Store, Totals, Write};

/// Where Debian's fail2ban keeps its own, unless told otherwise.
const FAIL2BANS: &str = "/var/lib/fail2ban/fail2ban.sqlite3";

/// Opens the store at `path`; without one a store in memory.
pub(super) fn open(
    path: Option<&Path>,
    globals: &Globals,
    zone: &TimeZone,
    now: Timestamp,
) -> Opened {
    if let Some(path) = path {
        let most_lines = globals.dbmaxmatches as usize;
        return Store::open(path, &stamp(now, zone), now, most_lines);
    }
    Opened {
        store: Store::memory(),
        held: Held::default(),
        upgraded: None,
        notes: Vec::new(),
    }
}

/// The database of the fail2ban whose configuration this is, if there may be one that is not our own store.
pub(super) fn of_fail2ban(tree: &Tree, globals: &Globals, own: &Path) -> Option<PathBuf> {
    let usual = tree.is_fail2bans().then_some(FAIL2BANS);
    let named = globals.dbfile.as_deref().filter(|_| !globals.embedded);
    let name = named.or(usual)?;
    let is_none = name.eq_ignore_ascii_case("none") || name == ":memory:";
    let path = (!is_none).then(|| PathBuf::from(name))?;
    let theirs = fs::canonicalize(&path).ok()?;
    let is_own = fs::canonicalize(own).is_ok_and(|own| own == theirs);
    (!is_own && path.is_file()).then_some(path)
}

/// Takes over what fail2ban's database at `path` holds for these jails, if that has not been done before.
pub(super) fn import(opened: &mut Opened, path: &Path, jails: &[Jail], log: &Log) {
    let now = clock::now();
    let names: Vec<&str> = jails.iter().map(|jail| jail.name.as_str()).collect();
    let imported = opened.store.import(path, &names, now);
    let (level, text) = match imported {
        Ok(None) => return,
        Ok(Some(imported)) => {
            // What was read before it came is no longer all.
            match opened.store.held(now) {
                Ok(held) => opened.held = held,
                Err(error) => opened.notes.push(error.to_string()),
            }
            let left_out = match imported.left_out {
                0 => String::new(),
                some => format!("; {some} rows make no sense and were left out"),
            };
            (
                Level::Notice,
                format!(
                    "{} bans and {} positions were taken over from fail2ban's database {}; it stays as it is{left_out}",
                    imported.bans,
                    imported.positions,
                    path.display()
                ),
            )
        }
        Err(error) => (
            Level::Error,
            format!(
                "nothing was taken over from fail2ban's database {}: {error}; it is tried again at the next start",
                path.display()
            ),
        ),
    };
    log.write(now, level, Kind::Rare, "database", &text);
}

/// What actions can ask of earlier bans; nothing where a restart forgets them anyway.
pub(super) fn history(store: &Store, globals: &Globals) -> Option<History> {
    let most_lines = globals.dbmaxmatches as usize;
    let is_file = store.path().is_some();
    is_file.then(|| History::new(store.place(), most_lines))
}

/// What the store tells a start, and the writes that it could not take yet.
pub(super) struct Read {
    pub(super) state: String,
    pub(super) bans: Vec<store::Ban>,
    /// Who was banned before, also where that is over; the oldest ban first.
    pub(super) past: Vec<store::Past>,
    pub(super) positions: Positions,
    pub(super) waiting: Vec<Write>,
    /// What was counted by earlier runs; nothing where that cannot be read, for it decides nothing.
    pub(super) totals: BTreeMap<String, Totals>,
}

/// Says which jails there are and hands out what the store held.
pub(super) fn read(opened: &mut Opened, jails: &[Jail], log: &Log) -> Read {
    let held = std::mem::take(&mut opened.held);
    if held.passed_over > 0 {
        let text = format!(
            "{} stored bans make no sense (no such address or time) and were passed over",
            held.passed_over
        );
        log.write(clock::now(), Level::Warning, Kind::Rare, "database", &text);
    }
    if held.bad_positions > 0 {
        let text = format!(
            "{} stored positions in logs make no sense and were left out: these are read from findtime on",
            held.bad_positions
        );
        log.write(clock::now(), Level::Warning, Kind::Rare, "database", &text);
    }
    let enabled = jails
        .iter()
        .map(|jail| Write::JailEnabled(jail.name.to_string()));
    let mut waiting: Vec<Write> = std::iter::once(Write::AllJailsDisabled)
        .chain(enabled)
        .collect();
    let state = match opened.store.write(&waiting) {
        Ok(()) => {
            waiting.clear();
            "ok".to_owned()
        }
        Err(error) => format!("cannot be written: {error}"),
    };
    let mut bans = held.bans;
    bans.extend(with_lengths(held.of_unknown_length, jails));
    for jail in jails {
        if let Err(error) = Recalled::new(jail).read_lines(&opened.store, &mut bans) {
            let text = format!(
                "[{}] the lines of its bans cannot be read: {error}",
                jail.name
            );
            log.write(clock::now(), Level::Warning, Kind::Rare, "database", &text);
        }
    }
    Read {
        state,
        bans,
        past: held.past,
        positions: Positions {
            logs: held.logs,
            journal: held.journal,
            are_fresh: false,
        },
        waiting,
        totals: opened.store.totals().unwrap_or_default(),
    }
}

/// A ban of unknown length lasts as long as its jail bans now.
fn with_lengths(bans: Vec<store::Ban>, jails: &[Jail]) -> Vec<store::Ban> {
    let jail_of = |name: &str| jails.iter().find(|jail| jail.name.as_str() == name);
    bans.into_iter()
        .filter_map(|ban| {
            let length = jail_of(&ban.jail)?.policy.bantime;
            Some(store::Ban { length, ..ban })
        })
        .collect()
}
