//! Why a read or write failed.

use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
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
        self.blame != Blame::Moment
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
        let blame = match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Blame::Content,
            // Unknown is SQL that the tables do not fit.
            Some(Unknown) | None => Blame::Tables,
            Some(_) => Blame::Moment,
        };
        let text = error.to_string();
        Self { text, blame }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::of_the_moment(error.to_string())
    }
}
