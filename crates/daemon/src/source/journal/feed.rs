//! Entries, from libsystemd or, where that is missing, from a journalctl child.

use super::child::Follower;
use super::entry::Entry;
use super::expression::Group;
use crate::source::journal::JournalSource;
use crate::source::tail::expand;
use base::Timestamp;
use os::{Journal, JournalError};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Where journald keeps its files.
const DIRECTORIES: [&str; 2] = ["/run/log/journal", "/var/log/journal"];

/// An open journal.
pub(super) struct Feed {
    entries: Entries,
    /// The patterns of single files, and which files they led to: libsystemd looks for no others.
    patterns: Vec<String>,
    files: Vec<(PathBuf, u64)>,
    next_look: Instant,
    stale: Option<Instant>,
}

/// Where they come from.
enum Entries {
    Library(Journal),
    Child(Follower),
}

/// How often the patterns of single files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long files that are not led to any more are still read.
const LINGER: Duration = Duration::from_secs(1);

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
        place: &JournalSource,
        groups: &[&Group],
        since: Timestamp,
    ) -> Result<Self, Absent> {
        let files = journal_files(place);
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
        // Before they are opened: what changes in between is seen as a change.
        let files = identities(&place.files);
        let entries = match open_library(place, groups, since) {
            Ok(journal) => Entries::Library(journal),
            Err(JournalError::NoLibrary(_)) => {
                let follower = Follower::start(place, groups, since).map_err(|error| {
                    Absent::Error(format!(
                        "neither libsystemd nor journalctl can be used: {error}"
                    ))
                })?;
                Entries::Child(follower)
            }
            Err(error) => return Err(Absent::Error(error.to_string())),
        };
        Ok(Self {
            entries,
            patterns: place.files.clone(),
            files,
            next_look: Instant::now() + LOOK_EVERY,
            stale: None,
        })
    }

    /// Fills `entry` with the wanted fields of the next entry; false if there is none (yet).
    pub(super) fn next(&mut self, wanted: &[String], entry: &mut Entry) -> Result<bool, String> {
        match &mut self.entries {
            Entries::Library(journal) => {
                next_of(journal, wanted, entry).map_err(|error| error.to_string())
            }
            Entries::Child(follower) => follower.next(wanted, entry),
        }
    }

    /// The name of the entry that `next` gave last.
    pub(super) fn cursor(&mut self) -> Result<String, String> {
        match &mut self.entries {
            Entries::Library(journal) => journal.cursor().map_err(|error| error.to_string()),
            Entries::Child(follower) => Ok(follower.cursor().to_owned()),
        }
    }

    /// Takes notice of new and rotated files.
    pub(super) fn process(&mut self) -> Result<(), String> {
        match &mut self.entries {
            Entries::Library(journal) => journal
                .process()
                .map(drop)
                .map_err(|error| error.to_string()),
            Entries::Child(_) => Ok(()),
        }
    }

    /// True if the patterns of single files lead to others than those that are open, and those have had their time: if
    /// nothing is left in them, the journal is to be opened anew.
    pub(super) fn is_stale(&mut self, now: Instant) -> bool {
        if !self.patterns.is_empty() && now >= self.next_look {
            self.next_look = now + LOOK_EVERY;
            if self.stale.is_none() && identities(&self.patterns) != self.files {
                self.stale = Some(now);
            }
        }
        self.stale
            .is_some_and(|since| now.duration_since(since) >= LINGER)
    }
}

/// The files that patterns lead to, each with its inode.
fn identities(patterns: &[String]) -> Vec<(PathBuf, u64)> {
    let paths = patterns.iter().flat_map(|pattern| expand(pattern));
    let identity = |path: PathBuf| {
        let inode = fs::metadata(&path).ok()?.ino();
        Some((path, inode))
    };
    paths.filter_map(identity).collect()
}

/// Opens what the alternatives ask for, through libsystemd.
pub(super) fn open_library(
    place: &JournalSource,
    groups: &[&Group],
    since: Timestamp,
) -> Result<Journal, JournalError> {
    let mut journal = match &place.directory {
        Some(directory) => Journal::open_directory(directory, place.flags)?,
        None if place.files.is_empty() => Journal::open(place.namespace.as_deref(), place.flags)?,
        None => Journal::open_files(&journal_files(place))?,
    };
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
    let taken = journal.fields(|name, value| {
        if let Some(name) = wanted.iter().find(|wanted| wanted.as_bytes() == name) {
            entry.set(name, value);
        }
    });
    if taken.is_err() {
        // One field is damaged, which ends the list. It is as good as missing; trust does not grow by it.
        entry.clear(Timestamp::from_micros(received));
        for name in wanted {
            if let Ok(Some(value)) = journal.field(name) {
                entry.set(name, value);
            }
        }
    }
    if entry.text("SYSLOG_IDENTIFIER") == Some("kernel")
        && entry.get("_SOURCE_MONOTONIC_TIMESTAMP").is_none()
        && let Ok(micros) = journal.monotonic_micros()
    {
        entry.set("__MONOTONIC_TIMESTAMP", micros.to_string().as_bytes());
    }
    Ok(true)
}

/// The journal files of a place: those named, those in the directory, or those in the usual ones; and in the directories
/// of machines in them, where those of a namespace have its name behind a dot.
fn journal_files(place: &JournalSource) -> Vec<PathBuf> {
    if !place.files.is_empty() {
        return place.files.iter().flat_map(|file| expand(file)).collect();
    }
    let roots: Vec<PathBuf> = match &place.directory {
        Some(directory) => vec![directory.clone()],
        None => DIRECTORIES.iter().map(PathBuf::from).collect(),
    };
    let names = |dir: &PathBuf| {
        let entries = fs::read_dir(dir).into_iter().flatten();
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect::<Vec<_>>()
    };
    let is_of_place = |dir: &PathBuf| {
        let namespace = place.namespace.as_ref();
        dir.is_dir()
            && namespace.is_none_or(|name| dir.to_string_lossy().ends_with(&format!(".{name}")))
    };
    let mut paths: Vec<PathBuf> = roots.iter().flat_map(names).collect();
    let below: Vec<PathBuf> = paths
        .iter()
        .filter(|path| is_of_place(path))
        .flat_map(names)
        .collect();
    if place.namespace.is_some() {
        paths.clear();
    }
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
