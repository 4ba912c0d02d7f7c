//! Why a read or write failed.

use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, OutOfMemory, Unknown};
use rusqlite::ffi::SQLITE_READONLY_DBMOVED;
use std::fmt;

/// Why a read or write failed; the text is SQLite's or the system's.
#[derive(Clone, Debug)]
pub struct StoreError {
    text: String,
    blame: Blame,
}

/// What the failure speaks against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    /// The file's content is not what it should be, and no later try can succeed.
    Content,
    /// The tables are not those that were expected.
    Tables,
    /// One value, which is none that we know; what stands around it is good.
    Value,
    /// Our hold on the file: another one lies at its path, or none.
    Place,
    /// The moment: the file is locked, the disk full, the way to it barred.
    Moment,
}

impl StoreError {
    /// True if the file itself is damaged, so that no later try can succeed.
    pub fn is_damage(&self) -> bool {
        self.blame == Blame::Content
    }

    /// True if it speaks against the file and not against the moment. A file that is locked, full or out of reach at
    /// the moment is a good one: to set it aside would lose its bans.
    pub(crate) fn is_the_files(&self) -> bool {
        matches!(self.blame, Blame::Content | Blame::Tables)
    }

    /// True if the file was moved or removed while it was open.
    pub fn is_moved(&self) -> bool {
        self.blame == Blame::Place
    }

    /// The file holds something else than our tables.
    pub(crate) fn of_content(text: String) -> Self {
        let blame = Blame::Content;
        Self { text, blame }
    }

    /// The same with what was to be done before it.
    pub(crate) fn while_doing(self, what: &str) -> Self {
        let text = format!("{what}: {}", self.text);
        Self { text, ..self }
    }

    /// It may be better later.
    pub(crate) fn of_the_moment(text: String) -> Self {
        let blame = Blame::Moment;
        Self { text, blame }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let extended = error.sqlite_error().map(|error| error.extended_code);
        if extended == Some(SQLITE_READONLY_DBMOVED) {
            // SQLite calls it a readonly database.
            let text = "the file was moved or removed while it was in use".to_owned();
            let blame = Blame::Place;
            return Self { text, blame };
        }
        let blame = match error.sqlite_error_code() {
            // Memory is refused, as Linux lends it, for a length that no value has: a damaged one. Even if not, the file
            // that is set aside is kept, and what it holds is taken over.
            Some(DatabaseCorrupt | NotADatabase | OutOfMemory) => Blame::Content,
            // Unknown is SQL that the tables do not fit.
            Some(Unknown) => Blame::Tables,
            Some(_) => Blame::Moment,
            None if is_of_value(&error) => Blame::Value,
            None => Blame::Tables,
        };
        let text = error.to_string();
        Self { text, blame }
    }
}

/// A value could be read and is not of the kind that was asked for.
fn is_of_value(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::of_the_moment(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn damage_is_told_from_what_may_pass() {
        for (code, is_damage) in [
            (ffi::SQLITE_CORRUPT, true),
            (ffi::SQLITE_NOTADB, true),
            (ffi::SQLITE_NOMEM, true),
            (ffi::SQLITE_BUSY, false),
            (ffi::SQLITE_FULL, false),
            (ffi::SQLITE_IOERR_WRITE, false),
            (SQLITE_READONLY_DBMOVED, false),
        ] {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            let error = StoreError::from(error);
            assert_eq!(error.is_damage(), is_damage, "{code}: {error}");
        }
    }
}
