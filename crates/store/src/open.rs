//! Getting hold of a usable store, whatever lies at its path.

use crate::{Store, StoreError, schema};
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
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
    /// What went wrong on the way and what was done about it, one sentence each.
    pub notes: Vec<String>,
}

impl Store {
    /// Opens or makes the file at `path`. A file that is no database, is damaged, or has another version of
    /// the tables is set aside as `PATH.set-aside-STAMP` (`stamp` is the caller's, a time without blanks) and a
    /// fresh one is made; if that fails as well the store lives in memory. Never fails.
    pub fn open(path: &Path, stamp: &str) -> Opened {
        let mut notes = Vec::new();
        let opened = match open_file(path) {
            Ok(store) => Ok(store),
            Err(Unusable::NotOurs(why)) => set_aside(path, stamp, &why, &mut notes)
                .and_then(|()| open_file(path).map_err(|unusable| unusable.to_string())),
            Err(Unusable::NoAccess(why)) => Err(why),
        };
        match opened {
            Ok(store) => Opened {
                store,
                place: Place::File(path.to_owned()),
                notes,
            },
            Err(why) => {
                notes.push(format!(
                    "the store {} cannot be used: {why}; bans are kept in memory and a restart forgets them",
                    path.display()
                ));
                let store = Self::memory();
                Opened {
                    store,
                    place: Place::Memory,
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

fn open_file(path: &Path) -> Result<Store, Unusable> {
    create_private(path).map_err(|error| Unusable::NoAccess(error.to_string()))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let classify = |error: StoreError| {
        use rusqlite::ErrorCode::{
            CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure,
        };
        match error.0.sqlite_error_code() {
            Some(CannotOpen | DiskFull | PermissionDenied | ReadOnly | SystemIoFailure) => {
                Unusable::NoAccess(error.to_string())
            }
            _ => Unusable::NotOurs(error.to_string()),
        }
    };
    let connection = Connection::open_with_flags(path, flags).map_err(|e| classify(e.into()))?;
    check(&connection).map_err(classify)?;
    match schema::version(&connection).map_err(classify)? {
        None | Some(schema::VERSION) => prepare(connection).map_err(classify),
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
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map(drop)
}

fn check(connection: &Connection) -> Result<(), StoreError> {
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(code, Some(verdict)).into())
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
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".set-aside-{stamp}"));
    let aside = PathBuf::from(aside);
    fs::rename(path, &aside)
        .map_err(|error| format!("{why}; moving it to {} failed: {error}", aside.display()))?;
    notes.push(format!(
        "the store {} was set aside as {}: {why}; a fresh one was begun",
        path.display(),
        aside.display()
    ));
    Ok(())
}
