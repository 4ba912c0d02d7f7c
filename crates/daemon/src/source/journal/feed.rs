//! Entries, from libsystemd or, where that is missing, from a journalctl child.

use super::child::Follower;
use super::entry::Entry;
use super::expression::Group;
use base::Timestamp;
use os::{Journal, JournalError};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where journald keeps its files.
const DIRECTORIES: [&str; 2] = ["/run/log/journal", "/var/log/journal"];

/// An open journal.
pub(super) enum Feed {
    Library(Journal),
    Child(Follower),
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Absent {
    /// No journal is kept here.
    Nothing,
    /// One is kept but cannot be read.
    Error(String),
}

impl Feed {
    /// Opens the journal for what the alternatives ask for (everything if there are none), from a time on.
    pub(super) fn open(
        directory: Option<&Path>,
        groups: &[&Group],
        since: Timestamp,
    ) -> Result<Self, Absent> {
        let files = journal_files(directory);
        match files
            .iter()
            .map(File::open)
            .find(|opened| !is_missing(opened))
        {
            None => return Err(Absent::Nothing),
            Some(Err(_)) if files.iter().all(|file| File::open(file).is_err()) => {
                return Err(Absent::Error(
                    "no journal file may be read (group systemd-journal may)".into(),
                ));
            }
            Some(_) => {}
        }
        match open_library(directory, groups, since) {
            Ok(journal) => Ok(Self::Library(journal)),
            Err(JournalError::NoLibrary(_)) => Follower::start(directory, groups, since)
                .map(Self::Child)
                .map_err(|error| {
                    Absent::Error(format!(
                        "neither libsystemd nor journalctl can be used: {error}"
                    ))
                }),
            Err(error) => Err(Absent::Error(error.to_string())),
        }
    }

    /// Fills `entry` with the wanted fields of the next entry; false if there is none (yet).
    pub(super) fn next(&mut self, wanted: &[String], entry: &mut Entry) -> Result<bool, String> {
        match self {
            Self::Library(journal) => {
                next_of(journal, wanted, entry).map_err(|error| error.to_string())
            }
            Self::Child(follower) => follower.next(wanted, entry),
        }
    }

    /// The name of the entry that `next` gave last.
    pub(super) fn cursor(&mut self) -> Result<String, String> {
        match self {
            Self::Library(journal) => journal.cursor().map_err(|error| error.to_string()),
            Self::Child(follower) => Ok(follower.cursor().to_owned()),
        }
    }

    /// Takes notice of new and rotated files.
    pub(super) fn process(&mut self) -> Result<(), String> {
        match self {
            Self::Library(journal) => journal
                .process()
                .map(drop)
                .map_err(|error| error.to_string()),
            Self::Child(_) => Ok(()),
        }
    }
}

fn open_library(
    directory: Option<&Path>,
    groups: &[&Group],
    since: Timestamp,
) -> Result<Journal, JournalError> {
    let mut journal = directory.map_or_else(Journal::open, Journal::open_directory)?;
    for group in groups {
        for term in group.terms() {
            journal.add_match(term.as_bytes())?;
        }
        journal.add_disjunction()?;
    }
    journal.seek_realtime(u64::try_from(since.as_micros()).unwrap_or(0))?;
    Ok(journal)
}

pub(super) fn next_of(
    journal: &mut Journal,
    wanted: &[String],
    entry: &mut Entry,
) -> Result<bool, JournalError> {
    if !journal.next_entry()? {
        return Ok(false);
    }
    let received = i64::try_from(journal.realtime_micros()?).unwrap_or(i64::MAX);
    entry.clear(Timestamp::from_micros(received));
    for name in wanted {
        // A field that is damaged is as good as missing; trust does not grow by it.
        if let Ok(Some(value)) = journal.field(name) {
            entry.set(name, value);
        }
    }
    Ok(true)
}

/// The journal files in the directory, or in the usual ones and the machine directories in them.
fn journal_files(directory: Option<&Path>) -> Vec<PathBuf> {
    let roots: Vec<PathBuf> = match directory {
        Some(directory) => vec![directory.to_owned()],
        None => DIRECTORIES.iter().map(PathBuf::from).collect(),
    };
    let names = |dir: &PathBuf| {
        let entries = fs::read_dir(dir).into_iter().flatten();
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect::<Vec<_>>()
    };
    let mut paths: Vec<PathBuf> = roots.iter().flat_map(names).collect();
    let below: Vec<PathBuf> = paths
        .iter()
        .filter(|path| path.is_dir())
        .flat_map(names)
        .collect();
    paths.extend(below);
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "journal")
    });
    paths
}

/// A file that was rotated away since it was listed says nothing.
fn is_missing(opened: &std::io::Result<File>) -> bool {
    opened
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::NotFound)
}
