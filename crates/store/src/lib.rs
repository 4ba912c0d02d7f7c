//! Bans and log positions in SQLite, in fail2ban's schema version 4.
//!
//! fail2ban's tables hold what fail2ban would hold, so that one can switch to Stockade and back with one file
//! (used by one program at a time) and lose no ban. What fail2ban has no place for (bans of whole prefixes,
//! journal cursors) stands in tables of ours, named `stockade_…`, without references to the others.
//!
//! The store never decides anything and never gives up: a file that cannot be used is set aside and said, and
//! if no file can be had at all the same tables live in memory.

mod history;
mod open;
mod read;
mod row;
mod schema;
mod write;

#[cfg(test)]
mod tests;

pub use history::{History, Merged};
pub use open::{Held, Opened, Place};
pub use row::{Ban, JournalPosition, LogPosition, Past};
pub use write::Write;

use rusqlite::Connection;
use std::fmt;

/// An open store.
pub struct Store {
    connection: Connection,
}

/// Why a read or write failed; the text is SQLite's.
#[derive(Debug)]
pub struct StoreError(rusqlite::Error);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for StoreError {}

impl StoreError {
    /// True if the file itself is damaged, so that no later try can succeed.
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        matches!(
            self.0.sqlite_error_code(),
            Some(DatabaseCorrupt | NotADatabase)
        )
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}
