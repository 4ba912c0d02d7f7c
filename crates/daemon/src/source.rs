//! Where lines come from: log files ([`tail`]) and the systemd journal ([`journal`]).
//!
//! A source reads, keeps its place and says how it stands; what a line means is its [`Sink`]'s business. A source
//! never blocks another one's jails for ever, never gives a line twice, and never ends because of what it reads.

use base::{Span, Timestamp};
use detect::Encoding;
use engine::JailId;
use journal::JournalSource;
use std::fmt;
use std::sync::Arc;

pub(crate) mod journal;
pub(crate) mod tail;

/// How a source stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SourceState {
    /// It is not there (yet).
    Waiting,
    /// It is read from its start position towards its end.
    CatchingUp,
    /// Everything that was there is read; what comes is read at once.
    Following,
    /// It cannot be read, and why; it is tried again.
    Error(String),
    /// It is no source of the jail any more.
    Gone,
}

impl fmt::Display for SourceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("waiting"),
            Self::CatchingUp => f.write_str("catching up"),
            Self::Following => f.write_str("following"),
            Self::Error(why) => write!(f, "error: {why}"),
            Self::Gone => f.write_str("gone"),
        }
    }
}

/// How a source stands, and what happened to it since the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: SourceState,
    /// In bytes; 0 for the journal.
    pub(crate) position: u64,
    /// fail2ban's sum over the first line of a file, from when its reading began; else empty.
    pub(crate) first_line_hash: Arc<str>,
    /// How often it could not be opened or read.
    pub(crate) errors: u64,
    /// How often the file was emptied under its reader. What was written between the last read and that, and is in no
    /// copy beside the log, is lost.
    pub(crate) truncations: u64,
}

impl Standing {
    /// Of a source to which nothing has happened yet.
    pub(crate) fn new(state: SourceState) -> Self {
        Self {
            state,
            position: 0,
            first_line_hash: "".into(),
            errors: 0,
            truncations: 0,
        }
    }
}

/// One stream of bytes or entries: a file from its opening to its closing, or the journal. Each source thread
/// numbers its own from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SourceKey(pub(crate) u32);

/// How far was read, to begin there after a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Of a file, for the jails of its key.
    File {
        /// The path under which the jails know the file.
        path: String,
        /// The end of the last complete line, in bytes.
        offset: u64,
        /// SHA-1 in hex of the first complete line with its line feed; empty as long as there is none.
        first_line_hash: String,
    },
    /// Of the journal.
    Journal {
        /// The jails that have seen everything up to here.
        jails: Vec<JailId>,
        /// The cursor of the last entry.
        cursor: String,
        /// The time of that entry.
        time: Timestamp,
    },
}

/// Takes what the sources read.
///
/// For each read: [`read_begins`](Self::read_begins), then bytes or entries in order, then
/// [`read_ends`](Self::read_ends).
pub(crate) trait Sink {
    /// A file is read for these jails from now on. Comes before its first bytes, and again whenever its jails change,
    /// always between two reads and at the beginning of a line.
    fn opened(&mut self, key: SourceKey, path: &str, encoding: Encoding, jails: &[JailId]);
    /// The file is read no more; its key does not come back.
    fn closed(&mut self, key: SourceKey);
    /// What follows belongs to one read.
    fn read_begins(&mut self, key: SourceKey);
    /// The next bytes of a file; a line may be spread over several calls and reads.
    fn bytes(&mut self, key: SourceKey, bytes: &[u8]);
    /// A journal entry that speaks for a jail's service, as a line.
    fn entry(&mut self, key: SourceKey, jail: JailId, text: &str, time: Timestamp);
    /// The file began anew: what was kept of an incomplete line is void, and the next byte is the file's first.
    fn reset(&mut self, key: SourceKey);
    /// Everything up to here was given. No position: this file is a rotated one whose successor has the position.
    /// `caught_up`: nothing more is there at the moment.
    fn read_ends(&mut self, key: SourceKey, position: Option<Position>, caught_up: bool);
    /// A source of a jail stands so now. `path` may be a pattern that nothing matches yet; `kind` is `file` or
    /// `journal`.
    fn state(&mut self, jail: JailId, path: &str, kind: &'static str, standing: Standing);
    /// Something that the jail's admin should know, once a cause.
    fn notice(&mut self, jail: JailId, text: &str);
    /// The date of a line, as the jail reads it; `None` if it has none. For the search of the start position.
    fn date_of(&mut self, jail: JailId, line: &str) -> Option<Timestamp>;
}

/// What a jail wants of log files.
#[derive(Clone, Debug)]
pub(crate) struct FileWish {
    /// The jail.
    pub(crate) jail: JailId,
    /// Absolute paths or globs, each with whether to begin at the end of what is there at the start.
    pub(crate) patterns: Vec<(String, bool)>,
    /// How far back lines still count.
    pub(crate) findtime: Span,
    /// How their bytes stand for text.
    pub(crate) encoding: Encoding,
    /// The configuration asks for polling: where inotify is missing, that is no news. Files are looked at from time to
    /// time in any case, and inotify, where it reports something, only makes that sooner.
    pub(crate) polled: bool,
    /// Where earlier runs have left the files of this jail.
    pub(crate) stored: Vec<store::LogPosition>,
    /// Up to where this run has read them otherwise; counts also where `stored` does not: for patterns that begin at
    /// the end.
    pub(crate) marks: Vec<store::LogPosition>,
}

/// What a jail wants of the journal.
#[derive(Clone, Debug)]
pub(crate) struct JournalWish {
    /// The jail.
    pub(crate) jail: JailId,
    /// Which one.
    pub(crate) place: JournalSource,
    /// The lines of `journalmatch`: alternatives; none at all asks for every entry.
    pub(crate) matches: Vec<String>,
    /// The users whose entries are believed.
    pub(crate) trusted_uids: Vec<u32>,
    /// How far back entries still count.
    pub(crate) findtime: Span,
    /// Where an earlier run has left the journal: cursor (may be empty) and time.
    pub(crate) stored: Option<(String, Timestamp)>,
}
