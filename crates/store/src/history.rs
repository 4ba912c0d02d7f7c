//! What somebody did before, over all bans: the sums that actions may ask for (`<ipfailures>`, `<ipmatches>` and
//! their like for one jail).
//!
//! A read-only connection of its own, so that whoever asks never waits in the queue of the writes; opened at the
//! first question, since most configurations ask none. It is a nicety: whatever goes wrong, the answer is "nothing
//! is known", and the caller goes on with what the ban itself tells.

use crate::Place;
use crate::row::{failures, lines};
use base::FailureId;
use rusqlite::{Connection, OpenFlags, params};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a question waits for a write that is under way.
const PATIENCE: Duration = Duration::from_secs(1);

/// The bans of the past in the store's file, for reading.
pub struct History {
    path: Option<PathBuf>,
    most: usize,
    open: Option<Open>,
}

/// All bans of one id, as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// How many bans there are in the history.
    pub bans: u32,
    /// The sum of their failures.
    pub failures: u64,
    /// The last lines of the last of them, oldest first.
    pub matches: Vec<String>,
}

struct Open {
    connection: Connection,
    /// Device and inode, by which a file that was set aside is told from the fresh one.
    file: (u64, u64),
}

impl History {
    /// Will read the file at `place`; one in memory tells nothing. Of all lines the last `most` are given.
    pub fn new(place: &Place, most: usize) -> Self {
        let path = match place {
            Place::File(path) => Some(path.clone()),
            Place::Memory => None,
        };
        Self {
            path,
            most,
            open: None,
        }
    }

    /// All bans of an id in all jails, or in one, those that are over included. `None` if there are none, and
    /// if they cannot be read. Networks have no history.
    pub fn merged(&mut self, id: &FailureId, jail: Option<&str>) -> Option<Merged> {
        if id.is_network() {
            return None;
        }
        let most = self.most;
        let merged = merge(self.connection()?, &id.to_string(), jail, most);
        if merged.is_err() {
            // Perhaps the next question finds a better file.
            self.open = None;
        }
        merged.ok().filter(|merged| merged.bans > 0)
    }

    fn connection(&mut self) -> Option<&Connection> {
        let path = self.path.as_deref()?;
        let file = identity(path)?;
        if self.open.as_ref().is_none_or(|open| open.file != file) {
            self.open = connect(path).map(|connection| Open { connection, file });
        }
        self.open.as_ref().map(|open| &open.connection)
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
}

fn connect(path: &Path) -> Option<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).ok()?;
    connection.busy_timeout(PATIENCE).ok()?;
    Some(connection)
}

/// From the last ban back: lines are taken until there are enough, failures from all of them.
fn merge(
    connection: &Connection,
    ip: &str,
    jail: Option<&str>,
    most: usize,
) -> rusqlite::Result<Merged> {
    let sql = "SELECT data FROM bans WHERE ip = ?1 AND (?2 IS NULL OR jail = ?2)
        ORDER BY timeofban DESC, rowid";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![ip, jail])?;
    let mut merged = Merged::default();
    while let Some(row) = rows.next()? {
        merged.bans = merged.bans.saturating_add(1);
        let Ok(data) = row.get_ref(0)?.as_bytes() else {
            continue;
        };
        merged.failures += u64::from(failures(data));
        let room = most - merged.matches.len();
        if room > 0 {
            let mut these = lines(data);
            these.drain(..these.len().saturating_sub(room));
            these.append(&mut merged.matches);
            merged.matches = these;
        }
    }
    Ok(merged)
}
