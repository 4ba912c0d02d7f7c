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
use store::{Ban, Past, Regained, Store, StoreError, Write};

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
pub(crate) enum Kept {
    /// Of writes, and of the file they go to.
    Written(Written),
    /// What is held of jails that were to be recalled: bans that stand, and who was banned before.
    Recalled(Vec<Ban>, Vec<Past>),
    /// It cannot be read, for this reason; it is tried again.
    Unreadable(String),
}

/// What became of writes.
#[derive(Default)]
pub(crate) struct Written {
    /// The numbers of the writes, in the order of their coming.
    pub(crate) numbers: Vec<u64>,
    /// Why they are not on disk (they are still held in memory).
    pub(crate) failure: Option<String>,
    /// The file does not know all the bans that stand, because it is another one or too many rows had to wait: what was
    /// done.
    pub(crate) begun_anew: Vec<String>,
    /// The file could not be read at the start, and now it can be: nobody knows what it holds.
    pub(crate) is_unread: bool,
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
                unrecalled: Vec::new(),
                is_unreadable: false,
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
    /// Jails whose rows could not be read yet.
    unrecalled: Vec<Recalled>,
    /// That was told.
    is_unreadable: bool,
}

impl<R: Fn(Kept)> Shelf<R> {
    fn run(mut self, inbox: &Receiver<Order>) {
        let mut tried = Instant::now();
        let mut asked = Instant::now();
        loop {
            let first = match inbox.recv_timeout(TRY_AGAIN) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let mut writes = Vec::new();
            let mut numbers = Vec::new();
            let mut is_asked = false;
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
                    Order::Recall(jails) => {
                        self.unrecalled.extend(jails);
                        is_asked = true;
                    }
                }
            }
            let due = !self.waiting.is_empty() && tried.elapsed() >= TRY_AGAIN;
            if !writes.is_empty() || due {
                tried = Instant::now();
                self.write(writes, numbers, TRY_AGAIN);
            }
            let due = !self.unrecalled.is_empty() && asked.elapsed() >= TRY_AGAIN;
            if is_asked || due {
                asked = Instant::now();
                self.recall();
            }
        }
        if !self.waiting.is_empty() {
            self.write(Vec::new(), Vec::new(), Duration::ZERO);
        }
    }

    fn recall(&mut self) {
        match self.recalled() {
            Ok((bans, past)) => {
                self.unrecalled.clear();
                self.is_unreadable = false;
                (self.report)(Kept::Recalled(bans, past));
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_unreadable, true) {
                    (self.report)(Kept::Unreadable(error.to_string()));
                }
            }
        }
    }

    /// What is held of them: on disk, and in the rows that wait for it.
    fn recalled(&mut self) -> Result<(Vec<Ban>, Vec<Past>), StoreError> {
        let jails = &self.unrecalled;
        let names: Vec<&str> = jails.iter().map(|jail| jail.name.as_str()).collect();
        let foreseen;
        let store = match self.waiting.make_contiguous() {
            [] => &self.store,
            waiting => {
                foreseen = self.store.foreseen(&names, waiting)?;
                &foreseen
            }
        };
        let is_asked = names.iter().copied().collect::<HashSet<_>>();
        let (mut bans, _) = store.current_bans(clock::now())?;
        bans.retain(|ban| is_asked.contains(ban.jail.as_str()));
        for jail in jails {
            jail.read_lines(store, &mut bans)?;
        }
        let mut past = store.past()?;
        past.retain(|past| is_asked.contains(past.jail.as_str()));
        Ok((bans, past))
    }

    fn write(&mut self, writes: Vec<Write>, numbers: Vec<u64>, patience: Duration) {
        let waited = !self.waiting.is_empty();
        self.waiting.extend(writes);
        let mut regained = Regained::default();
        if self.store.trouble().is_some() && self.looked.elapsed() >= patience {
            self.looked = Instant::now();
            regained = self.store.retry(&stamp_now());
        }
        let mut written = self.store.write(self.waiting.make_contiguous());
        if let Err(error) = &written
            && let Some(other) = self.other_file(error)
        {
            regained.notes.extend(other.notes);
            regained.is_unread |= other.is_unread;
            written = self.store.write(self.waiting.make_contiguous());
        }
        let mut begun_anew = regained.notes;
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
        let is_unread = regained.is_unread;
        let is_news = waited || failure.is_some() || !numbers.is_empty();
        if is_news || is_unread || !begun_anew.is_empty() {
            (self.report)(Kept::Written(Written {
                numbers,
                failure,
                begun_anew,
                is_unread,
            }));
        }
    }

    /// Where the file itself is damaged a fresh one, and where it is no more at its path what lies there now: gives
    /// what was done.
    fn other_file(&mut self, error: &StoreError) -> Option<Regained> {
        if error.is_moved() {
            return Some(self.store.retry(&stamp_now()));
        }
        let is_file = self.store.path().is_some();
        (is_file && error.is_damage()).then(|| Regained {
            notes: self.store.begin_anew(&stamp_now(), &error.to_string()),
            is_unread: false,
        })
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
            let Regained { notes, is_unread } = self.other_file(&error).unwrap_or_default();
            (self.report)(Kept::Written(Written {
                numbers: Vec::new(),
                failure: notes.is_empty().then(|| error.to_string()),
                begun_anew: notes,
                is_unread,
            }));
        }
    }
}

fn stamp_now() -> String {
    stamp(clock::now(), &clock::zone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ban(jail: &str) -> Write {
        Write::Ban(Ban {
            jail: jail.into(),
            id: "192.0.2.1".into(),
            time: Timestamp::from_secs(1),
            length: None,
            count: 1,
            failures: 1,
            users: vec![],
            matches: vec![],
            captures: vec![],
        })
    }

    /// The numbers, and whether they are not on disk.
    fn written(kept: Kept) -> (Vec<u64>, bool) {
        match kept {
            Kept::Written(written) => (written.numbers, written.failure.is_some()),
            Kept::Recalled(..) | Kept::Unreadable(_) => panic!("nothing was recalled"),
        }
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
        let keeper = Keeper::start(store, move |kept| sink.send(written(kept)).unwrap()).unwrap();
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
        let keeper = Keeper::start(store, move |kept| sink.send(written(kept)).unwrap()).unwrap();
        keeper.send(Order::Write(ban("one"), Some(1)));
        assert_eq!(reports.recv().unwrap(), (vec![1], true));
        std::fs::remove_file(&folder).unwrap();
        // The last try at the end does not wait for its time.
        assert!(keeper.finish());
        assert_eq!(reports.recv().unwrap(), (vec![], false));
        let held = Store::open(&path, "x", Timestamp::from_secs(0), 10).held;
        assert_eq!(held.bans.len(), 1);
    }

    fn shelf<R: Fn(Kept)>(store: Store, report: R, waiting: VecDeque<Write>) -> Shelf<R> {
        Shelf {
            store,
            report,
            waiting,
            forgotten: 0,
            looked: Instant::now(),
            unrecalled: Vec::new(),
            is_unreadable: false,
        }
    }

    /// What was said, in short: rows by their jails.
    fn said(kept: Kept) -> String {
        match kept {
            Kept::Written(written) => {
                let disk = written.failure.map_or("written", |_| "waits");
                let anew = if written.begun_anew.is_empty() {
                    ""
                } else {
                    ", anew"
                };
                let unread = if written.is_unread { ", unread" } else { "" };
                format!("{disk}{anew}{unread}")
            }
            Kept::Recalled(bans, past) => {
                let bans: Vec<&str> = bans.iter().map(|ban| ban.jail.as_str()).collect();
                format!("{} of {}", bans.join(" "), past.len())
            }
            Kept::Unreadable(_) => "unreadable".to_owned(),
        }
    }

    fn recalled(jail: &str) -> Recalled {
        let (name, lines) = (jail.to_owned(), 0);
        Recalled { name, lines }
    }

    #[test]
    fn what_waits_for_the_disk_is_recalled_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let store = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
        let heard = std::cell::RefCell::new(Vec::new());
        let hear = |kept| heard.borrow_mut().push(said(kept));
        let mut shelf = shelf(store, hear, VecDeque::new());
        shelf.write(vec![ban("one"), ban("two")], vec![], TRY_AGAIN);
        // Somebody else writes: the disk can be read meanwhile.
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let unban = Write::Unban {
            jail: "two".into(),
            id: "192.0.2.1".into(),
        };
        shelf.write(vec![ban("three"), unban], vec![], TRY_AGAIN);
        shelf.unrecalled = ["one", "two", "three", "four"].map(recalled).into();
        shelf.recall();
        assert_eq!(heard.take(), ["waits", "one three of 2"]);
        // Nobody can read it: that is told once, and the jails are asked for until it succeeds.
        other.execute_batch("COMMIT; BEGIN EXCLUSIVE").unwrap();
        shelf.unrecalled = vec![recalled("one")];
        shelf.recall();
        shelf.recall();
        assert_eq!(heard.take(), ["unreadable"]);
        other.execute_batch("COMMIT").unwrap();
        shelf.recall();
        assert_eq!(heard.take(), ["one of 1"]);
        assert!(shelf.unrecalled.is_empty());
    }

    #[test]
    fn a_file_that_could_not_be_read_at_the_start_is_told_when_it_can() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let mut other = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
        other.write(&[ban("one")]).unwrap();
        drop(other);
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let store = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
        let heard = std::cell::RefCell::new(Vec::new());
        let hear = |kept| heard.borrow_mut().push(said(kept));
        let mut shelf = shelf(store, hear, VecDeque::new());
        shelf.write(vec![ban("two")], vec![], TRY_AGAIN);
        other.execute_batch("COMMIT").unwrap();
        shelf.write(vec![], vec![], Duration::ZERO);
        shelf.unrecalled = ["one", "two"].map(recalled).into();
        shelf.recall();
        assert_eq!(heard.take(), ["waits", "written, unread", "one two of 2"]);
    }

    #[test]
    fn a_file_that_is_moved_away_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let store = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
        let heard = std::cell::RefCell::new(Vec::new());
        let hear = |kept| heard.borrow_mut().push(said(kept));
        let mut shelf = shelf(store, hear, VecDeque::new());
        shelf.write(vec![ban("one")], vec![1], TRY_AGAIN);
        std::fs::rename(&path, dir.path().join("away")).unwrap();
        shelf.write(vec![ban("two")], vec![2], TRY_AGAIN);
        shelf.write(vec![ban("three")], vec![3], TRY_AGAIN);
        assert_eq!(heard.take(), ["written", "written, anew", "written"]);
        let held = Store::open(&path, "x", Timestamp::from_secs(0), 10).held;
        assert_eq!(held.bans.len(), 2);
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
            let mut shelf = shelf(Store::memory(), |_| {}, waiting);
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
