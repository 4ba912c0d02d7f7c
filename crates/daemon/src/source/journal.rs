//! Follows the systemd journal for all jails in one thread.

use super::{JournalWish, Sink, SourceState};
use base::Timestamp;
use std::path::PathBuf;
use std::time::Duration;

/// The journal of all jails.
pub(crate) struct JournalReader<S> {
    sink: S,
    wishes: Vec<JournalWish>,
}

impl<S: Sink> JournalReader<S> {
    /// Follows the system's journal, or the journal files in a directory.
    pub(crate) fn new(
        wishes: Vec<JournalWish>,
        sink: S,
        _directory: Option<PathBuf>,
        _clock: fn() -> Timestamp,
    ) -> Self {
        Self { sink, wishes }
    }

    /// Follows it for another jail too, from the next poll on.
    pub(crate) fn add(&mut self, wish: JournalWish) {
        self.sink
            .state(wish.jail, "journal", "journal", SourceState::Waiting, 0);
        self.wishes.push(wish);
    }

    /// The sink.
    pub(crate) fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Reads what is there, a bounded amount; gives how long to wait before the next call.
    pub(crate) fn poll_once(&mut self) -> Duration {
        Duration::from_secs(2)
    }
}
