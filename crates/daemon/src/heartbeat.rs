//! The watchdog's question: does the hub still get on?
//!
//! It is answered by counting its steps, not by asking it: under a storm an answer would wait behind the whole queue,
//! and a hub that is busy must not be taken for one that hangs. An idle hub steps once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts the hub's steps; clones count together.
#[derive(Clone, Default)]
pub(crate) struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// One step more.
    pub(crate) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// When the manager is to be told that we live.
pub(crate) struct Heartbeat {
    /// How long the manager may wait; nobody watches without it.
    limit: Option<Duration>,
    told: Instant,
    seen: Option<u64>,
}

impl Heartbeat {
    pub(crate) fn new(limit: Option<Duration>, now: Instant) -> Self {
        Self {
            limit,
            told: now,
            seen: None,
        }
    }

    /// How long one may sleep between two questions.
    pub(crate) fn patience(&self) -> Duration {
        let second = Duration::from_secs(1);
        self.limit.map_or(second, |limit| second.min(limit / 8))
    }

    /// True if the manager is to be told now: some time has passed, and the hub has stepped since it was told last.
    pub(crate) fn is_due(&mut self, now: Instant, count: u64) -> bool {
        let Some(limit) = self.limit else {
            return false;
        };
        if now.saturating_duration_since(self.told) < limit / 4 || self.seen == Some(count) {
            return false;
        }
        (self.told, self.seen) = (now, Some(count));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hub_that_steps_lives_and_one_that_does_not_is_silent() {
        let start = Instant::now();
        let mut heart = Heartbeat::new(Some(Duration::from_secs(20)), start);
        let told: Vec<bool> = [
            (1, 0),
            (5, 0),
            (6, 1),
            (10, 1),
            (11, 1),
            (30, 1),
            (31, 2),
            (32, 3),
        ]
        .into_iter()
        .map(|(second, count)| heart.is_due(start + Duration::from_secs(second), count))
        .collect();
        assert_eq!(told, [false, true, false, true, false, false, true, false]);
        let mut unwatched = Heartbeat::new(None, start);
        assert!(!unwatched.is_due(start + Duration::from_secs(99), 5));
    }
}
