//! Who was banned before: how often, when last and for how long, for bans that grow (behaviour §4.5).
//!
//! The same rows stand in the store; here they are at hand while a failure is looked at. Only jails whose bans grow
//! have rows here, or all jails where one of them counts the bans of all. Beyond a bound the bans longest ago are
//! forgotten, whose owners begin again as new ones.

use crate::{BanKey, JailId};
use base::{FailureId, Span, Timestamp};
use std::collections::{HashMap, VecDeque};

/// The last ban of one id in one jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    /// How often it was banned there, from 1.
    pub count: u32,
    /// When the last ban began.
    pub time: Timestamp,
    /// How long the last ban was to last; `None` for ever.
    pub length: Option<Span>,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct History {
    rows: HashMap<BanKey, Past>,
    /// Each row under the time of its last ban, in the order of writing or, once it was made anew, of time; a place whose
    /// time is not the row's is stale.
    order: VecDeque<(Timestamp, BanKey)>,
    bound: usize,
}

impl History {
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            rows: HashMap::new(),
            order: VecDeque::new(),
            bound: bound.max(1),
        }
    }

    /// Notes the last ban of one id.
    pub(crate) fn note(&mut self, key: BanKey, past: Past) {
        let before = self.rows.insert(key.clone(), past);
        // A start tells many rows twice, and so does a jail that comes back: they have their place.
        if before.is_none_or(|before| before.time != past.time) {
            self.order.push_back((past.time, key));
        }
        while self.rows.len() > self.bound {
            let Some((time, key)) = self.order.pop_front() else {
                return;
            };
            if self.is_of(time, &key) {
                self.rows.remove(&key);
            }
        }
        if self.order.len() > 64 + 2 * self.rows.len() {
            // From the rows, so that each has one place: what is left is half as long at most, however often this is.
            let mut order: Vec<_> = self
                .rows
                .iter()
                .map(|(key, past)| (past.time, key.clone()))
                .collect();
            order.sort_unstable();
            self.order = order.into();
        }
    }

    /// The last ban in a jail.
    pub(crate) fn of(&self, key: &BanKey) -> Option<Past> {
        self.rows.get(key).copied()
    }

    /// The bans of all jails as if they were of one: their number, and the last one.
    pub(crate) fn over_all(&self, jails: u32, id: &FailureId) -> Option<Past> {
        let of = |jail| {
            let id = id.clone();
            self.of(&BanKey { jail, id })
        };
        (0..jails).map(JailId).filter_map(of).reduce(|one, other| {
            let last = if one.time < other.time { other } else { one };
            Past {
                count: one.count.saturating_add(other.count),
                ..last
            }
        })
    }

    /// Forgets one id in a jail.
    pub(crate) fn forget(&mut self, key: &BanKey) {
        self.rows.remove(key);
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.rows.clear();
        self.order.clear();
    }

    /// Forgets the bans that began before `before` and would be over by then even at three times their length, as
    /// the store does (behaviour §8.4).
    pub(crate) fn purge(&mut self, before: Timestamp) {
        self.rows.retain(|_, past| {
            let Some(length) = past.length else {
                return true;
            };
            let thrice = past.time + Span::from_micros(length.as_micros().saturating_mul(3));
            past.time >= before || thrice >= before
        });
    }

    fn is_of(&self, time: Timestamp, key: &BanKey) -> bool {
        self.rows.get(key).is_some_and(|past| past.time == time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(jail: u32, last: u8) -> BanKey {
        BanKey {
            jail: JailId(jail),
            id: FailureId::host([192, 0, 2, last].into()),
        }
    }

    fn past(count: u32, time: i64, length: i64) -> Past {
        Past {
            count,
            time: Timestamp::from_secs(time),
            length: Some(Span::from_secs(length)),
        }
    }

    #[test]
    fn the_bans_longest_ago_are_forgotten_first() {
        let mut history = History::new(2);
        history.note(key(0, 1), past(1, 10, 5));
        history.note(key(0, 2), past(1, 20, 5));
        history.note(key(0, 1), past(2, 30, 5));
        history.note(key(0, 3), past(1, 40, 5));
        let counts = [1, 2, 3].map(|last| history.of(&key(0, last)).map(|past| past.count));
        assert_eq!(counts, [Some(2), None, Some(1)]);
        for round in 0..1_000 {
            history.note(key(0, 1), past(round, i64::from(round), 5));
        }
        assert!(history.order.len() <= 64 + 2 * history.rows.len());
    }

    /// Were the places of a row not bounded, each further note would go through all of them.
    #[test]
    fn rows_that_are_noted_again_take_no_more_places() {
        let check = |times: &[i64]| {
            let mut history = History::new(1_000);
            for time in times.iter().cycle().take(600) {
                for last in 0..100 {
                    history.note(key(0, last), past(1, *time, 5));
                }
                assert_eq!(history.rows.len(), 100);
                assert!(history.order.len() <= 64 + 200, "{times:?}");
            }
        };
        check(&[10]);
        check(&[10, 20]);
        check(&[10, 10, 20, 10]);
    }

    #[test]
    fn all_jails_count_as_one() {
        let mut history = History::new(9);
        history.note(key(0, 1), past(2, 10, 5));
        history.note(key(2, 1), past(3, 7, 6));
        let id = key(0, 1).id;
        assert_eq!(history.over_all(3, &id), Some(past(5, 10, 5)));
        assert_eq!(history.over_all(3, &key(0, 2).id), None);
    }

    #[test]
    fn a_purge_waits_for_three_times_the_length() {
        let kept = |past: Past, before: i64| {
            let mut history = History::new(9);
            history.note(key(0, 1), past);
            history.purge(Timestamp::from_secs(before));
            history.of(&key(0, 1)).is_some()
        };
        assert!(kept(past(1, 10, 5), 25));
        assert!(!kept(past(1, 10, 5), 26));
        let permanent = Past {
            length: None,
            ..past(1, 10, 5)
        };
        assert!(kept(permanent, i64::from(u32::MAX)));
    }
}
