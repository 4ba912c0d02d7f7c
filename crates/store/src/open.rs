//! Getting hold of a usable store, whatever lies at its path.

use crate::{Ban, JournalPosition, LogPosition, Past, Store, StoreError, schema};
use base::Timestamp;
use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where the rows live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file.
    File(PathBuf),
    /// In memory only: a restart forgets them.
    Memory,
}

/// A store and what had to be done to get it.
pub struct Opened {
    /// The store, ready for use.
    pub store: Store,
    /// Where its rows live.
    pub place: Place,
    /// What it holds for a start.
    pub held: Held,
    /// What went wrong on the way and what was done about it, one sentence each.
    pub notes: Vec<String>,
}

/// What a start needs to know of the past.
#[derive(Default)]
pub struct Held {
    /// The bans that have not ended, oldest first, without the lines that led to them.
    pub bans: Vec<Ban>,
    /// The last ban of everybody in each jail, those that stand and those that are over, in no particular order.
    pub past: Vec<Past>,
    /// Rows of bans that hold no address: another program's ids of other kinds.
    pub passed_over: usize,
    /// How far the files were read.
    pub logs: Vec<LogPosition>,
    /// How far the journal was read.
    pub journal: Vec<JournalPosition>,
}

impl Store {
    /// Opens or makes the file at `path` and reads what a start needs. A file that is no database, is damaged, or
    /// has another version of the tables is set aside as `PATH.set-aside-STAMP` (`stamp` is the caller's, a time
    /// without blanks) and a fresh one is made; if that fails as well the store lives in memory. Never fails.
    ///
    /// A file is not searched for damage beforehand, since it may be large and the start is urgent: what must be
    /// read is read here, and damage elsewhere shows when something is written ([`StoreError::is_damage`]).
    pub fn open(path: &Path, stamp: &str, now: Timestamp) -> Opened {
        let mut notes = Vec::new();
        let opened = match open_file(path, now) {
            Ok(opened) => Ok(opened),
            Err(Unusable::NotOurs(why)) => set_aside(path, stamp, &why, &mut notes)
                .and_then(|()| open_file(path, now).map_err(|unusable| unusable.to_string())),
            Err(Unusable::NoAccess(why)) => Err(why),
        };
        match opened {
            Ok((store, held)) => Opened {
                store,
                place: Place::File(path.to_owned()),
                held,
                notes,
            },
            Err(why) => {
                notes.push(format!(
                    "the store {} cannot be used: {why}; bans are kept in memory and a restart forgets them",
                    path.display()
                ));
                Opened {
                    store: Self::memory(),
                    place: Place::Memory,
                    held: Held::default(),
                    notes,
                }
            }
        }
    }

    /// Sets the file aside, because damage in it has shown, and begins a fresh one.
    pub fn begin_anew(path: &Path, stamp: &str, why: &str) -> Opened {
        let mut notes = Vec::new();
        match set_aside(path, stamp, why, &mut notes) {
            Ok(()) => {
                let opened = Self::open(path, stamp, Timestamp::MAX);
                notes.extend(opened.notes);
                Opened { notes, ..opened }
            }
            Err(why) => {
                notes.push(format!(
                    "the store {} cannot be used: {why}; bans are kept in memory",
                    path.display()
                ));
                Opened {
                    store: Self::memory(),
                    place: Place::Memory,
                    held: Held::default(),
                    notes,
                }
            }
        }
    }

    /// A store that lives and dies with the process.
    pub fn memory() -> Self {
        // SQLite in memory fails only where there is no memory left to have.
        #[expect(
            clippy::expect_used,
            reason = "an in-memory database needs nothing but memory"
        )]
        let store = Connection::open_in_memory()
            .map_err(StoreError::from)
            .and_then(prepare)
            .expect("an in-memory database opens");
        store
    }
}

enum Unusable {
    /// The file is there and readable but not what we can use.
    NotOurs(String),
    /// The file cannot be reached or written.
    NoAccess(String),
}

impl std::fmt::Display for Unusable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotOurs(why) | Self::NoAccess(why) => f.write_str(why),
        }
    }
}

fn open_file(path: &Path, now: Timestamp) -> Result<(Store, Held), Unusable> {
    create_private(path).map_err(|error| Unusable::NoAccess(error.to_string()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Only what the file itself shows speaks against it (`Unknown` is SQL that its tables do not fit). A file that is
    // locked, full or out of reach at the moment is a good one: to set it aside would lose its bans.
    let classify = |error: StoreError| match error.0.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase | Unknown) | None => {
            Unusable::NotOurs(error.to_string())
        }
        _ => Unusable::NoAccess(error.to_string()),
    };
    let connection = Connection::open_with_flags(path, flags).map_err(|e| classify(e.into()))?;
    match schema::version(&connection).map_err(classify)? {
        None | Some(schema::VERSION) => {
            let store = prepare(connection).map_err(classify)?;
            let held = store.held(now).map_err(classify)?;
            Ok((store, held))
        }
        Some(other) => Err(Unusable::NotOurs(format!(
            "its tables have version {other}, this program knows version {}",
            schema::VERSION
        ))),
    }
}

/// Log lines hold secrets: the file is its owner's alone from its first moment.
fn create_private(path: &Path) -> io::Result<()> {
    if let Some(parent) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
    }
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(())
    } else {
        // A device must never be renamed as if it were a damaged store.
        Err(io::Error::other("it is no regular file"))
    }
}

fn prepare(mut connection: Connection) -> Result<Store, StoreError> {
    // No write-ahead log: fail2ban would turn it off, and one plain file is easier to copy and to hand over.
    connection.pragma_update(None, "journal_mode", "TRUNCATE")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // 256 KiB of pages: rows are written in order and read once at the start.
    connection.pragma_update(None, "cache_size", -256)?;
    if schema::version(&connection)?.is_none() {
        schema::create(&mut connection)?;
    }
    schema::add_ours(&connection)?;
    Ok(Store { connection })
}

fn set_aside(path: &Path, stamp: &str, why: &str, notes: &mut Vec<String>) -> Result<(), String> {
    let with = |path: &Path, suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let aside = with(path, &format!(".set-aside-{stamp}"));
    fs::rename(path, &aside)
        .map_err(|error| format!("{why}; moving it to {} failed: {error}", aside.display()))?;
    // SQLite would roll a journal that was left behind back into the fresh file.
    for suffix in ["-journal", "-wal", "-shm"] {
        match fs::rename(with(path, suffix), with(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let left = with(path, suffix);
                return Err(format!("{why}; moving {} failed: {error}", left.display()));
            }
            _ => {}
        }
    }
    notes.push(format!(
        "the store {} was set aside as {}: {why}; a fresh one was begun",
        path.display(),
        aside.display()
    ));
    Ok(())
}
