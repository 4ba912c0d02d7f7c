//! The store's thread: takes writes from the hub, many at a time in one transaction, and reports what is safe.
//!
//! A disk that is full or gone never stops guarding: what could not be written waits in memory, in order, and
//! is tried again with the next write and every ten seconds.

use crate::clock;
use base::{Span, Timestamp};
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use store::{Place, Store, Write};

/// An order to the store's thread.
pub(crate) enum Order {
    /// Keep this; the number, if any, comes back in a [`Kept`] when it is safe.
    Write(Write, Option<u64>),
    /// Drop what is too old.
    Purge {
        /// The time now.
        now: Timestamp,
        /// How long history is kept.
        age: Span,
    },
}

/// What became of orders.
pub(crate) struct Kept {
    /// The numbers of the writes, in the order of their coming.
    pub(crate) numbers: Vec<u64>,
    /// Why they are not on disk (they are still held in memory).
    pub(crate) failure: Option<String>,
    /// The file was damaged and a fresh one begun, which knows nothing of bans that stood before: what was done.
    pub(crate) begun_anew: Vec<String>,
    /// No file could be had for the fresh one: a restart forgets the bans.
    pub(crate) in_memory: bool,
}

/// The hub's end. Dropping it lets the thread write what is left and end.
pub(crate) struct Keeper {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

/// Writes that wait for a disk; beyond this the oldest positions and bans are forgotten.
const MAX_WAITING: usize = 200_000;
const MAX_TRANSACTION: usize = 20_000;
const TRY_AGAIN: Duration = Duration::from_secs(10);

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(
        store: Store,
        place: Place,
        report: impl Fn(Kept) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = channel();
        let thread = thread::Builder::new().name("store".into()).spawn(move || {
            Shelf {
                store,
                place,
                report,
                waiting: VecDeque::new(),
            }
            .run(&inbox)
        })?;
        Ok(Self { orders, thread })
    }

    /// Hands an order over; never blocks.
    pub(crate) fn send(&self, order: Order) {
        // The thread lives as long as this end does; if it panicked, its loss is reported by `finish`.
        drop(self.orders.send(order));
    }

    /// Writes what is left and ends the thread. False if the thread had died.
    pub(crate) fn finish(self) -> bool {
        drop(self.orders);
        self.thread.join().is_ok()
    }
}

struct Shelf<R> {
    store: Store,
    place: Place,
    report: R,
    /// Writes that failed before, oldest first; their numbers were reported then.
    waiting: VecDeque<Write>,
}

impl<R: Fn(Kept)> Shelf<R> {
    fn run(mut self, inbox: &Receiver<Order>) {
        let mut tried = Instant::now();
        loop {
            let first = match inbox.recv_timeout(TRY_AGAIN) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut writes = Vec::new();
            let mut numbers = Vec::new();
            for order in first
                .into_iter()
                .chain(inbox.try_iter().take(MAX_TRANSACTION))
            {
                match order {
                    Order::Write(write, number) => {
                        writes.push(write);
                        numbers.extend(number);
                    }
                    Order::Purge { now, age } => self.purge(now, age),
                }
            }
            let due = !self.waiting.is_empty() && tried.elapsed() >= TRY_AGAIN;
            if !writes.is_empty() || due {
                tried = Instant::now();
                self.write(writes, numbers);
            }
        }
        if !self.waiting.is_empty() {
            self.write(Vec::new(), Vec::new());
        }
    }

    fn write(&mut self, writes: Vec<Write>, numbers: Vec<u64>) {
        let waited = !self.waiting.is_empty();
        self.waiting.extend(writes);
        let mut begun_anew = Vec::new();
        let mut written = self.store.write(self.waiting.make_contiguous());
        if let (Err(error), Place::File(path)) = (&written, &self.place)
            && error.is_damage()
        {
            let stamp = clock::now().as_secs().to_string();
            let opened = Store::begin_anew(path, &stamp, &error.to_string());
            (self.store, self.place, begun_anew) = (opened.store, opened.place, opened.notes);
            written = self.store.write(self.waiting.make_contiguous());
        }
        let failure = match written {
            Ok(()) => {
                self.waiting.clear();
                // A burst leaves a large buffer behind that an idle daemon does not need.
                self.waiting.shrink_to(1024);
                None
            }
            Err(error) => {
                let surplus = self.waiting.len().saturating_sub(MAX_WAITING);
                self.waiting.drain(..surplus);
                Some(error.to_string())
            }
        };
        if waited || failure.is_some() || !numbers.is_empty() {
            (self.report)(Kept {
                numbers,
                failure,
                in_memory: !begun_anew.is_empty() && self.place == Place::Memory,
                begun_anew,
            });
        }
    }

    fn purge(&mut self, now: Timestamp, age: Span) {
        if let Err(error) = self.store.purge(now, age) {
            let failure = Some(error.to_string());
            (self.report)(Kept {
                numbers: Vec::new(),
                failure,
                begun_anew: Vec::new(),
                in_memory: false,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(jail: &str) -> Write {
        Write::Ban(store::Ban {
            jail: jail.into(),
            prefix: "192.0.2.1".parse().unwrap(),
            time: Timestamp::from_secs(1),
            length: None,
            count: 1,
            failures: 1,
            users: vec![],
            matches: vec![],
            captures: vec![],
        })
    }

    #[test]
    fn numbers_come_back_and_failed_writes_are_kept_for_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let (sink, reports) = channel();
        let store = Store::open(&path, "x", Timestamp::from_secs(0)).store;
        // A table that is missing for a while stands for a disk that fails for a while.
        let other = rusqlite::Connection::open(&path).unwrap();
        other
            .execute_batch("ALTER TABLE bips RENAME TO gone")
            .unwrap();
        let keeper = Keeper::start(store, Place::File(path.clone()), move |kept: Kept| {
            sink.send((kept.numbers, kept.failure.is_some())).unwrap()
        })
        .unwrap();
        keeper.send(Order::Write(ban("one"), Some(1)));
        assert_eq!(reports.recv().unwrap(), (vec![1], true));
        other
            .execute_batch("ALTER TABLE gone RENAME TO bips")
            .unwrap();
        keeper.send(Order::Write(ban("two"), Some(2)));
        assert_eq!(reports.recv().unwrap(), (vec![2], false));
        assert!(keeper.finish());
        let kept = Store::open(&path, "x", Timestamp::from_secs(0))
            .store
            .current_bans(Timestamp::from_secs(5))
            .unwrap()
            .0;
        assert_eq!(
            kept.iter().map(|ban| ban.jail.as_str()).collect::<Vec<_>>(),
            ["one", "two"]
        );
    }
}
