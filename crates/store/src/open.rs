//! Getting hold of a usable store, whatever lies at its path.

use crate::aside::set_aside;
use crate::salvage::salvage;
use crate::upgrade::{back_up, copy, upgrade};
use crate::{Access, Ban, JournalPosition, LogPosition, Past, Place, Store, StoreError, schema};
use base::Timestamp;
use rusqlite::{Connection, OpenFlags};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// A store and what had to be done to get it.
pub struct Opened {
    /// The store, ready for use.
    pub store: Store,
    /// What it holds for a start.
    pub held: Held,
    /// Its tables were old and have been brought up to date: what was done, in a sentence.
    pub upgraded: Option<String>,
    /// What went wrong on the way and what was done about it, one sentence each.
    pub notes: Vec<String>,
}

/// What a start needs to know of the past.
#[derive(Default)]
pub struct Held {
    /// The bans that have not ended, oldest first, without the lines that led to them.
    pub bans: Vec<Ban>,
    /// Last bans of tables that did not tell lengths (fail2ban before 0.10): each lasts as long as its jail bans
    /// now, if it has not ended by that. Their `length` is zero.
    pub of_unknown_length: Vec<Ban>,
    /// The last ban of everybody in each jail, those that stand and those that are over, in no particular order.
    pub past: Vec<Past>,
    /// Rows of bans that hold no address: another program's ids of other kinds.
    pub passed_over: usize,
    /// How far the files were read.
    pub logs: Vec<LogPosition>,
    /// How far the journal was read.
    pub journal: Vec<JournalPosition>,
    /// Rows of these that make no sense and were left out.
    pub bad_positions: usize,
}

/// What came of trying to get hold of a file again.
#[derive(Default)]
pub struct Regained {
    /// What was done on the way, one sentence each. If anything was, the file may not know all the bans that stand.
    pub notes: Vec<String>,
    /// It can be read now, for the first time: nobody was told yet what it holds.
    pub is_unread: bool,
}

/// How long to wait for another program's write: a start and bans that wait to be acknowledged are urgent.
const PATIENCE: Duration = Duration::from_secs(2);

impl Store {
    /// Opens or makes the file at `path` and reads what a start needs; never fails.
    ///
    /// Tables of fail2ban's versions 1 to 3 are brought up to date after a copy was made (`PATH.STAMP`; `stamp` is the
    /// caller's, a time without blanks). A file that is no database, is damaged or has newer tables is set aside as
    /// `PATH.set-aside-STAMP`, a fresh one is made, and what can still be read of a damaged one is taken over. A file
    /// that cannot be written at the moment is read if that is possible, and its store can be written once
    /// [`Store::retry`] has found it well again. With a ban at most `most_lines` of its lines are kept.
    ///
    /// A file is not searched for damage beforehand, since it may be large and the start is urgent: what must be
    /// read is read here, and damage elsewhere shows when something is written ([`StoreError::is_damage`]).
    pub fn open(path: &Path, stamp: &str, now: Timestamp, most_lines: usize) -> Opened {
        let mut done = Done::default();
        let mut store = Self {
            place: Place::File(path.to_owned()),
            access: acquire(path, stamp, &mut done),
            most_lines,
            is_unread: false,
        };
        let Done {
            upgraded,
            troubles: mut notes,
        } = done;
        let mut held = store.held(now);
        if let (Err(error), Access::Full(_)) = (&held, &store.access)
            && error.is_the_files()
        {
            let why = error.to_string();
            notes.extend(store.begin_anew(stamp, &why));
            held = store.held(now);
        }
        let held = held.unwrap_or_else(|error| {
            // Whatever can be written: what nobody has read is not to be written over. `retry` tells when it can be read.
            store.access = Access::None(error);
            store.is_unread = true;
            Held::default()
        });
        if let Some(why) = store.trouble() {
            let path = path.display();
            notes.push(match store.is_unread {
                false => format!(
                    "the store {path} cannot be written: {why}; what is to be kept waits in memory until it can"
                ),
                true => format!(
                    "the store {path} cannot be read: {why}; the bans that it may hold come back when it can be, and what is to be kept waits in memory"
                ),
            });
        }
        Opened {
            store,
            held,
            upgraded,
            notes,
        }
    }

    /// Sets the file aside, because damage in it has shown, and begins a fresh one with what can still be read.
    /// Gives what was done, one sentence each; whether it can be written tells [`Store::trouble`].
    pub fn begin_anew(&mut self, stamp: &str, why: &str) -> Vec<String> {
        let mut done = Done::default();
        if let Place::File(path) = &self.place {
            // The connection to the file that goes is closed first.
            self.access = Access::None(StoreError::of_the_moment(why.to_owned()));
            self.access = afresh(path, stamp, why, &mut done);
        }
        done.troubles
    }

    /// Tries again to get hold of a file that could not be had.
    pub fn retry(&mut self, stamp: &str) -> Regained {
        let mut done = Done::default();
        let (Some(trouble), Place::File(path)) = (self.trouble(), &self.place) else {
            return Regained::default();
        };
        let was_moved = trouble.is_moved();
        match connect(path, stamp, &mut done) {
            Ok(connection) => {
                if was_moved {
                    done.troubles.push(format!(
                        "the store {} was moved or removed while it was in use; what lies there now is used from here on",
                        path.display()
                    ));
                }
                self.access = Access::Full(connection);
            }
            Err(error) if error.is_the_files() => {
                self.access = afresh(path, stamp, &error.to_string(), &mut done);
            }
            // What could be read at the start goes on being read.
            Err(_) => {}
        }
        Regained {
            is_unread: self.trouble().is_none() && std::mem::take(&mut self.is_unread),
            notes: done.upgraded.into_iter().chain(done.troubles).collect(),
        }
    }

    /// A store that lives and dies with the process.
    pub fn memory() -> Self {
        // SQLite in memory fails only where there is no memory left to have.
        #[expect(
            clippy::expect_used,
            reason = "an in-memory database needs nothing but memory"
        )]
        let connection = Connection::open_in_memory()
            .map_err(StoreError::from)
            .and_then(prepare)
            .expect("an in-memory database opens");
        Self {
            place: Place::Memory,
            access: Access::Full(connection),
            most_lines: usize::MAX,
            is_unread: false,
        }
    }
}

/// What was done to get hold of a file.
#[derive(Default)]
struct Done {
    upgraded: Option<String>,
    troubles: Vec<String>,
}

fn acquire(path: &Path, stamp: &str, done: &mut Done) -> Access {
    match connect(path, stamp, done) {
        Ok(connection) => Access::Full(connection),
        Err(error) if error.is_the_files() => afresh(path, stamp, &error.to_string(), done),
        Err(error) => match memory_copy(path) {
            Ok(connection) => Access::ReadOnly(connection, error),
            Err(_) => Access::None(error),
        },
    }
}

fn afresh(path: &Path, stamp: &str, why: &str, done: &mut Done) -> Access {
    let aside = match set_aside(path, stamp) {
        Ok(aside) => aside,
        Err(failed) => {
            return Access::None(StoreError::of_the_moment(format!("{why}; {failed}")));
        }
    };
    let what = format!(
        "the store {} was set aside as {}: {why}",
        path.display(),
        aside.display()
    );
    match connect(path, stamp, done) {
        Ok(mut connection) => {
            let saved = salvage(&aside, &mut connection);
            let text = format!("{what}; a fresh one was begun with {saved}");
            done.troubles.push(text);
            Access::Full(connection)
        }
        Err(error) => {
            done.troubles.push(what);
            Access::None(error)
        }
    }
}

/// A connection for reading and writing, to tables of the present version.
fn connect(path: &Path, stamp: &str, done: &mut Done) -> Result<Connection, StoreError> {
    create_private(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    match schema::version(&connection)? {
        Some(old) if schema::is_old(old) => {
            let backup = back_up(&connection, path, stamp)?;
            if let Err(error) = upgrade(&mut connection, old) {
                // The file is as it was, so the copy of it is of no use.
                drop(fs::remove_file(&backup));
                return Err(error.while_doing(&format!(
                    "its tables of version {old} cannot be brought up to date"
                )));
            }
            done.upgraded = Some(format!(
                "the store {} had tables of version {old} and has those of version {} now; as it was it lies in {}",
                path.display(),
                schema::VERSION,
                backup.display()
            ));
        }
        Some(other) if other != schema::VERSION => {
            return Err(StoreError::of_content(format!(
                "its tables have version {other}, this program knows version {}",
                schema::VERSION
            )));
        }
        _ => {}
    }
    prepare(connection)
}

/// What a file holds that cannot or must not be written, with tables of the present version.
pub(crate) fn memory_copy(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let file = Connection::open_with_flags(path, flags)?;
    file.busy_timeout(Duration::from_millis(500))?;
    let mut connection = Connection::open_in_memory()?;
    copy(&file, &mut connection)?;
    match schema::version(&connection)? {
        Some(old) if schema::is_old(old) => upgrade(&mut connection, old)?,
        Some(schema::VERSION) => {}
        other => {
            let version = other.map_or_else(|| "none".to_owned(), |version| version.to_string());
            return Err(StoreError::of_content(format!(
                "its tables have version {version}, this program knows version {}",
                schema::VERSION
            )));
        }
    }
    schema::add_ours(&connection)?;
    Ok(connection)
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

fn prepare(mut connection: Connection) -> Result<Connection, StoreError> {
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
    Ok(connection)
}
