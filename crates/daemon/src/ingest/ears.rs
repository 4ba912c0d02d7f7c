//! Which jails hear the journal, and how much they heard: shared by the thread that reads it and the one that chooses.

use engine::JailId;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// One ear a jail, by the jail's place.
pub(crate) struct Ears(Vec<Ear>);

#[derive(Default)]
struct Ear {
    heard: AtomicU64,
    closed: AtomicBool,
}

impl Ears {
    /// Open ears.
    pub(super) fn new(jails: usize) -> Self {
        Self((0..jails).map(|_| Ear::default()).collect())
    }

    /// Counts an entry for a jail; false if the jail listens no more.
    pub(super) fn hears(&self, jail: JailId) -> bool {
        let ear = &self.0[jail.0 as usize];
        ear.heard.fetch_add(1, Ordering::Relaxed);
        !ear.closed.load(Ordering::Relaxed)
    }

    /// Entries for a jail so far.
    pub(super) fn heard(&self, jail: JailId) -> u64 {
        self.0[jail.0 as usize].heard.load(Ordering::Relaxed)
    }

    /// The jail reads files from now on.
    pub(super) fn close(&self, jail: JailId) {
        self.0[jail.0 as usize]
            .closed
            .store(true, Ordering::Relaxed);
    }

    pub(super) fn is_closed(&self, jail: JailId) -> bool {
        self.0[jail.0 as usize].closed.load(Ordering::Relaxed)
    }
}
