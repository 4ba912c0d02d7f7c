//! The store's thread: takes writes from the hub, many at a time in one transaction, and reports what is safe.
//!
//! A disk that is full or gone never stops guarding: what could not be written waits in memory, in order, and
//! is tried again with the next write and every ten seconds.

use crate::actions::Planned;
use crate::plan::Jail;
use crate::{clock, log};
use base::{Span, Timestamp};
use jiff::tz::TimeZone;
use std::collections::{HashSet, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use store::{Ban, Past, Store, StoreError, Write};

/// An order to the store's thread.
pub(crate) enum Order {
    /// Keep this; the number, if any, comes back in a [`Kept`] when it is safe.
    Write(Write, Option<u64>),
    /// Read what is held of these jails.
    Recall(Vec<Recalled>),
    /// Drop what is too old.
    Purge {
        /// The time now.
        now: Timestamp,
        /// How long history is kept.
        age: Span,
    },
}

/// A jail whose bans are to be told.
pub(crate) struct Recalled {
    name: String,
    /// How many of the lines that led to each ban its actions may want to see.
    lines: usize,
}

impl Recalled {
    pub(crate) fn new(jail: &Jail) -> Self {
        let asks = jail.actions.iter().any(Planned::asks_for_lines);
        Self {
            name: jail.name.to_string(),
            lines: if asks {
                jail.policy.maxmatches as usize
            } else {
                0
            },
        }
    }

    /// Fills the lines of its bans in, if its actions want to see any.
    pub(crate) fn read_lines(&self, store: &Store, bans: &mut [Ban]) -> Result<(), StoreError> {
        if self.lines == 0 {
            return Ok(());
        }
        for ban in bans.iter_mut().filter(|ban| ban.jail == self.name) {
            store.read_lines(std::slice::from_mut(ban), self.lines)?;
        }
        Ok(())
    }
}

/// What became of orders.
#[derive(Default)]
pub(crate) struct Kept {
    /// The numbers of the writes, in the order of their coming.
    pub(crate) numbers: Vec<u64>,
    /// Why they are not on disk (they are still held in memory).
    pub(crate) failure: Option<String>,
    /// The file does not know all the bans that stand, because a fresh one was begun or too many rows had to wait:
    /// what was done.
    pub(crate) begun_anew: Vec<String>,
    /// What was to be recalled: bans that stand, and who was banned before.
    pub(crate) bans: Vec<Ban>,
    pub(crate) past: Vec<Past>,
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

/// A time as part of a file's name, as fail2ban names its copies: `YYYYMMDD-HHMMSS`.
pub(crate) fn stamp(time: Timestamp, zone: &TimeZone) -> String {
    log::local(time, zone)
        .replace(['-', ':'], "")
        .replace(' ', "-")
}

impl Keeper {
    /// Starts the thread.
    pub(crate) fn start(
        store: Store,
        report: impl Fn(Kept) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = channel();
        let thread = thread::Builder::new().name("store".into()).spawn(move || {
            Shelf {
                store,
                report,
                waiting: VecDeque::new(),
                forgotten: 0,
                looked: Instant::now(),
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
    report: R,
    /// Writes that failed before, oldest first; their numbers were reported then.
    waiting: VecDeque<Write>,
    /// How many of them there was no room for.
    forgotten: usize,
    /// When the file was last looked for, where it cannot be written.
    looked: Instant,
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
            let mut recalled = Vec::new();
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
                    Order::Recall(jails) => recalled.extend(jails),
                }
            }
            let due = !self.waiting.is_empty() && tried.elapsed() >= TRY_AGAIN;
            if !writes.is_empty() || due {
                tried = Instant::now();
                self.write(writes, numbers, TRY_AGAIN);
            }
            if !recalled.is_empty() {
                self.recall(&recalled);
            }
        }
        if !self.waiting.is_empty() {
            self.write(Vec::new(), Vec::new(), Duration::ZERO);
        }
    }

    fn recall(&self, jails: &[Recalled]) {
        let mut kept = Kept::default();
        match self.recalled(jails) {
            Ok((bans, past)) => (kept.bans, kept.past) = (bans, past),
            Err(error) => kept.failure = Some(error.to_string()),
        }
        (self.report)(kept);
    }

    fn recalled(&self, jails: &[Recalled]) -> Result<(Vec<Ban>, Vec<Past>), StoreError> {
        let names: HashSet<&str> = jails.iter().map(|jail| jail.name.as_str()).collect();
        let (mut bans, _) = self.store.current_bans(clock::now())?;
        bans.retain(|ban| names.contains(ban.jail.as_str()));
        for jail in jails {
            jail.read_lines(&self.store, &mut bans)?;
        }
        let mut past = self.store.past()?;
        past.retain(|past| names.contains(past.jail.as_str()));
        Ok((bans, past))
    }

    fn write(&mut self, writes: Vec<Write>, numbers: Vec<u64>, patience: Duration) {
        let waited = !self.waiting.is_empty();
        self.waiting.extend(writes);
        let mut begun_anew = Vec::new();
        if self.store.trouble().is_some() && self.looked.elapsed() >= patience {
            self.looked = Instant::now();
            begun_anew = self.store.retry(&stamp_now());
        }
        let mut written = self.store.write(self.waiting.make_contiguous());
        if let Err(error) = &written
            && let Some(notes) = self.begin_anew(error)
        {
            begun_anew.extend(notes);
            written = self.store.write(self.waiting.make_contiguous());
        }
        let failure = match written {
            Ok(()) => {
                self.waiting.clear();
                // A burst leaves a large buffer behind that an idle daemon does not need.
                self.waiting.shrink_to(1024);
                begun_anew.extend(self.what_was_forgotten());
                None
            }
            Err(error) => {
                self.make_room();
                Some(error.to_string())
            }
        };
        if waited || failure.is_some() || !numbers.is_empty() || !begun_anew.is_empty() {
            (self.report)(Kept {
                numbers,
                failure,
                begun_anew,
                ..Kept::default()
            });
        }
    }

    /// Where the file itself is damaged, a fresh one: gives what was done.
    fn begin_anew(&mut self, error: &StoreError) -> Option<Vec<String>> {
        let is_file = self.store.path().is_some();
        (is_file && error.is_damage())
            .then(|| self.store.begin_anew(&stamp_now(), &error.to_string()))
    }

    /// Of positions only the last of each log counts; if that is not enough, the oldest writes go.
    fn make_room(&mut self) {
        if self.waiting.len() <= MAX_WAITING {
            return;
        }
        let mut later = HashSet::new();
        let mut kept = VecDeque::new();
        for write in std::mem::take(&mut self.waiting).into_iter().rev() {
            let is_last = match &write {
                Write::LogPosition(at) => later.insert((at.jail.clone(), Some(at.path.clone()))),
                Write::JournalPosition(at) => later.insert((at.jail.clone(), None)),
                _ => true,
            };
            if is_last {
                kept.push_front(write);
            }
        }
        let surplus = kept.len().saturating_sub(MAX_WAITING);
        kept.drain(..surplus);
        self.forgotten += surplus;
        self.waiting = kept;
    }

    /// The bans among what was forgotten stand all the same: whoever knows them shall say them again.
    fn what_was_forgotten(&mut self) -> Option<String> {
        let forgotten = std::mem::take(&mut self.forgotten);
        (forgotten > 0).then(|| {
            format!("there was no room for {forgotten} rows that waited for the disk; the bans that stand are written anew")
        })
    }

    fn purge(&mut self, now: Timestamp, age: Span) {
        if let Err(error) = self.store.purge(now, age) {
            let begun_anew = self.begin_anew(&error).unwrap_or_default();
            (self.report)(Kept {
                failure: begun_anew.is_empty().then(|| error.to_string()),
                begun_anew,
                ..Kept::default()
            });
        }
    }
}

fn stamp_now() -> String {
    stamp(clock::now(), &TimeZone::system())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(jail: &str) -> Write {
        Write::Ban(Ban {
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
        let store = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
        // A table that is missing for a while stands for a disk that fails for a while.
        let other = rusqlite::Connection::open(&path).unwrap();
        other
            .execute_batch("ALTER TABLE bips RENAME TO gone")
            .unwrap();
        let keeper = Keeper::start(store, move |kept: Kept| {
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
        let kept = Store::open(&path, "x", Timestamp::from_secs(0), 10)
            .store
            .current_bans(Timestamp::from_secs(5))
            .unwrap()
            .0;
        assert_eq!(
            kept.iter().map(|ban| ban.jail.as_str()).collect::<Vec<_>>(),
            ["one", "two"]
        );
    }

    #[test]
    fn a_file_that_comes_late_gets_everything() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("folder");
        std::fs::write(&folder, "in the way").unwrap();
        let path = folder.join("store");
        let (sink, reports) = channel();
        let store = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
        assert!(store.trouble().is_some());
        let keeper = Keeper::start(store, move |kept: Kept| {
            sink.send((kept.numbers, kept.failure.is_some())).unwrap()
        })
        .unwrap();
        keeper.send(Order::Write(ban("one"), Some(1)));
        assert_eq!(reports.recv().unwrap(), (vec![1], true));
        std::fs::remove_file(&folder).unwrap();
        // The last try at the end does not wait for its time.
        assert!(keeper.finish());
        assert_eq!(reports.recv().unwrap(), (vec![], false));
        let held = Store::open(&path, "x", Timestamp::from_secs(0), 10).held;
        assert_eq!(held.bans.len(), 1);
    }

    #[test]
    fn of_what_waits_for_too_long_superseded_positions_go_first() {
        let position = |path: &str, offset| {
            Write::LogPosition(store::LogPosition {
                jail: "one".into(),
                path: path.into(),
                first_line_hash: String::new(),
                offset,
            })
        };
        let shelf = |waiting: VecDeque<Write>| {
            let mut shelf = Shelf {
                store: Store::memory(),
                report: |_| {},
                waiting,
                forgotten: 0,
                looked: Instant::now(),
            };
            shelf.make_room();
            shelf
        };
        let many = |n: usize| (0..n as u64).map(|n| position("/log", n));
        let waiting = std::iter::once(ban("one")).chain(many(MAX_WAITING));
        let kept = shelf(waiting.chain([position("/other", 5)]).collect());
        let last = position("/log", MAX_WAITING as u64 - 1);
        assert_eq!(kept.waiting, [ban("one"), last, position("/other", 5)]);
        assert_eq!(kept.forgotten, 0);
        let names = (0..MAX_WAITING + 2).map(|n| ban(&n.to_string()));
        let mut kept = shelf(names.collect());
        assert_eq!((kept.waiting.len(), kept.forgotten), (MAX_WAITING, 2));
        assert_eq!(kept.waiting.front(), Some(&ban("2")));
        assert!(kept.what_was_forgotten().unwrap().contains("2 rows"));
        assert_eq!(kept.what_was_forgotten(), None);
    }
}
