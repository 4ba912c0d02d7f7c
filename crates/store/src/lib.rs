//! Bans and log positions in SQLite, in fail2ban's schema version 4.
//!
//! fail2ban's tables hold what fail2ban would hold, so that one can switch to Stockade and back with one file
//! (used by one program at a time) and lose no ban. What fail2ban has no place for (bans of whole networks,
//! journal cursors, totals, what was imported) stands in tables of ours, named `stockade_…`, without references to the
//! others.
//!
//! The store never decides anything and never gives up: tables of old versions are brought up to date, a file that
//! cannot be used is set aside and said, and what can still be read of it is taken over. A file that cannot be
//! written at the moment is tried again whenever the caller asks.

mod aside;
mod error;
mod foresee;
mod history;
mod import;
mod open;
mod python;
mod read;
mod row;
mod salvage;
mod schema;
mod totals;
mod upgrade;
mod write;

#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use history::{History, Merged};
pub use import::Imported;
pub use open::{Held, Opened, Regained};
pub use row::{Ban, JournalPosition, LogPosition, Past};
pub use totals::Totals;
pub use write::Write;

use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// A store: its file, as far as it can be had at the moment.
pub struct Store {
    place: Place,
    access: Access,
    most_lines: usize,
    /// What the file holds could not be read yet.
    is_unread: bool,
}

/// Where the rows belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In this file.
    File(PathBuf),
    /// In memory only, by choice: a restart forgets them.
    Memory,
}

/// What can be done with the rows at the moment.
enum Access {
    /// Everything.
    Full(Connection),
    /// Reading, because of this.
    ReadOnly(Connection, StoreError),
    /// Nothing, because of this.
    None(StoreError),
}

impl Store {
    /// Where the rows belong.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The file, unless the store is one in memory.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory => None,
        }
    }

    /// Why nothing can be written at the moment; `None` if it can.
    pub fn trouble(&self) -> Option<&StoreError> {
        match &self.access {
            Access::Full(_) => None,
            Access::ReadOnly(_, why) | Access::None(why) => Some(why),
        }
    }

    #[cfg(test)]
    fn raw(&self) -> &Connection {
        self.reader().unwrap()
    }

    fn reader(&self) -> Result<&Connection, StoreError> {
        match &self.access {
            Access::Full(connection) | Access::ReadOnly(connection, _) => Ok(connection),
            Access::None(why) => Err(why.clone()),
        }
    }

    fn writer(&mut self) -> Result<&mut Connection, StoreError> {
        match &mut self.access {
            Access::Full(connection) => Ok(connection),
            Access::ReadOnly(_, why) | Access::None(why) => Err(why.clone()),
        }
    }
}
