//! One jail's books: what the kernel should hold against what it was made to hold.

use base::{Prefix, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Bound;

/// Whether and until when a prefix is held; eight bytes, since a hundred thousand of them are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hold(i64);

impl Hold {
    /// Not held.
    pub(super) const NONE: Self = Self(i64::MIN);
    /// Held without end.
    pub(super) const FOREVER: Self = Self(i64::MAX);

    pub(super) fn until(until: Option<Timestamp>) -> Self {
        match until {
            // The two ends of the range have another meaning.
            Some(time) => Self(time.as_micros().clamp(i64::MIN + 1, i64::MAX - 1)),
            None => Self::FOREVER,
        }
    }

    /// The end of the hold; `None` for none. Asked only of holds that are there.
    pub(super) fn end(self) -> Option<Timestamp> {
        (self != Self::FOREVER).then_some(Timestamp::from_micros(self.0))
    }

    /// True if it holds at this time.
    pub(super) fn is_live(self, now: Timestamp) -> bool {
        self.0 > now.as_micros()
    }

    /// True if the two end within `micros` of each other, or both never.
    pub(super) fn is_near(self, other: Self, micros: u64) -> bool {
        self == other
            || (self.0.abs_diff(other.0) <= micros
                && self != Self::FOREVER
                && other != Self::FOREVER)
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.write_str("none"),
            Self::FOREVER => f.write_str("forever"),
            Self(micros) => Timestamp::from_micros(micros).fmt(f),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    wanted: Hold,
    applied: Hold,
}

/// What is wanted of the kernel and what it was made to do, for the prefixes of one jail.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    entries: BTreeMap<Prefix, Entry>,
    /// What must be written: all whose two sides differ, and more after a clock jump.
    due: BTreeSet<Prefix>,
}

impl Ledger {
    /// What is wanted from now on.
    pub(super) fn want(&mut self, prefix: Prefix, hold: Hold) {
        self.change(prefix, |entry| entry.wanted = hold);
    }

    /// What the kernel holds from now on.
    pub(super) fn applied(&mut self, prefix: Prefix, hold: Hold) {
        self.due.remove(&prefix);
        self.change(prefix, |entry| entry.applied = hold);
    }

    /// Both sides at once, without anything to do.
    pub(super) fn settle(&mut self, prefix: Prefix, hold: Hold) {
        self.change(prefix, |entry| {
            *entry = Entry {
                wanted: hold,
                applied: hold,
            };
        });
    }

    pub(super) fn wanted(&self, prefix: &Prefix) -> Hold {
        self.entries.get(prefix).map_or(Hold::NONE, |e| e.wanted)
    }

    pub(super) fn is_applied(&self, prefix: &Prefix) -> Hold {
        self.entries.get(prefix).map_or(Hold::NONE, |e| e.applied)
    }

    /// What must be written, in order.
    pub(super) fn due(&self) -> impl Iterator<Item = (Prefix, Hold)> {
        self.due.iter().map(|prefix| (*prefix, self.wanted(prefix)))
    }

    /// What is due to be written but over by now is due to be removed.
    pub(super) fn expire_due(&mut self, now: Timestamp) {
        let over = self.due().filter(|(_, wanted)| !wanted.is_live(now));
        let over: Vec<Prefix> = over.map(|(prefix, _)| prefix).collect();
        for prefix in over {
            self.want(prefix, Hold::NONE);
        }
    }

    pub(super) fn is_due(&self, prefix: &Prefix) -> bool {
        self.due.contains(prefix)
    }

    pub(super) fn due_count(&self) -> usize {
        self.due.len()
    }

    /// All that is wanted and not over.
    pub(super) fn live(&self, now: Timestamp) -> impl Iterator<Item = (Prefix, Hold)> {
        self.entries
            .iter()
            .filter(move |(_, entry)| entry.wanted.is_live(now))
            .map(|(prefix, entry)| (*prefix, entry.wanted))
    }

    /// How many the kernel holds.
    pub(super) fn standing(&self, now: Timestamp) -> usize {
        let live = |entry: &&Entry| entry.applied.is_live(now);
        self.entries.values().filter(live).count()
    }

    /// All prefixes on either side.
    pub(super) fn prefixes(&self) -> impl DoubleEndedIterator<Item = Prefix> {
        self.entries.keys().copied()
    }

    /// Those from a place on, in order.
    pub(super) fn prefixes_from(&self, from: Bound<Prefix>) -> impl Iterator<Item = Prefix> {
        let entries = self.entries.range((from, Bound::Unbounded));
        entries.map(|(prefix, _)| *prefix)
    }

    /// The kernel holds exactly what is [`live`](Self::live).
    pub(super) fn rebuilt(&mut self, now: Timestamp) {
        self.due.clear();
        self.entries.retain(|_, entry| {
            entry.applied = entry.wanted;
            entry.wanted.is_live(now)
        });
    }

    /// Everything with an end must be written once more.
    pub(super) fn renew(&mut self, now: Timestamp) {
        let timed = |entry: &Entry| entry.wanted.is_live(now) && entry.wanted != Hold::FOREVER;
        let again = self.entries.iter().filter(|(_, entry)| timed(entry));
        self.due.extend(again.map(|(prefix, _)| *prefix));
    }

    /// Forgets what is over on both sides.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        self.entries
            .retain(|_, entry| entry.wanted.is_live(now) || entry.applied.is_live(now));
        self.due.retain(|prefix| self.entries.contains_key(prefix));
    }

    fn change(&mut self, prefix: Prefix, change: impl FnOnce(&mut Entry)) {
        let entry = self.entries.entry(prefix).or_insert(Entry {
            wanted: Hold::NONE,
            applied: Hold::NONE,
        });
        change(entry);
        if entry.wanted != entry.applied {
            self.due.insert(prefix);
            return;
        }
        self.due.remove(&prefix);
        if entry.wanted == Hold::NONE {
            self.entries.remove(&prefix);
        }
    }
}
