//! The bans that stand, and when they end.

use crate::{BanKey, BanRecord, JailId};
use base::{Prefix, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The ban keeps its length over restarts whatever the jail's ban time is: somebody chose it by hand, or the
/// kernel said it. Kept in the row's captures, so that it survives a switch to fail2ban and back.
pub(crate) const MARK_FIXED: &str = "stockade_fixed";
/// The ban was forced upon somebody whom the rules protect.
pub(crate) const MARK_FORCED: &str = "stockade_forced";

/// One ban.
#[derive(Debug)]
pub(crate) struct Ban {
    /// When it began: the last failure that led to it.
    pub(crate) time: Timestamp,
    /// The last moment; `None` for ever.
    pub(crate) until: Option<Timestamp>,
    pub(crate) count: u32,
    pub(crate) failures: u32,
    pub(crate) users: Vec<(String, u32)>,
    pub(crate) forced: bool,
    pub(crate) restored: bool,
    /// The numbers of the first and the latest effect that enforce it.
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// The kernel held it at least once since `first_seq`.
    pub(crate) applied: bool,
    /// The store answered at least once since `first_seq`.
    pub(crate) committed: bool,
    /// `Banned` was told.
    pub(crate) announced: bool,
}

/// True if the end `new` is later than `old`; never is the latest.
pub(crate) fn ends_later(new: Option<Timestamp>, old: Option<Timestamp>) -> bool {
    match (new, old) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(new), Some(old)) => new > old,
    }
}

/// True if the row bears a mark of ours.
pub(crate) fn has_mark(record: &BanRecord, mark: &str) -> bool {
    record.captures.contains_key(mark)
}

/// All bans of all jails, with an index of their ends.
#[derive(Debug, Default)]
pub(crate) struct Bans {
    by_key: BTreeMap<BanKey, Ban>,
    by_end: BTreeSet<(Timestamp, BanKey)>,
    /// The first of `by_end`, which every step asks for.
    first_end: Option<(Timestamp, BanKey)>,
}

impl Bans {
    pub(crate) fn get(&self, key: &BanKey) -> Option<&Ban> {
        self.by_key.get(key)
    }

    /// For anything but the end, which the index must know of: see `prolong`.
    pub(crate) fn get_mut(&mut self, key: &BanKey) -> Option<&mut Ban> {
        self.by_key.get_mut(key)
    }

    pub(crate) fn insert(&mut self, key: BanKey, ban: Ban) {
        if let Some(until) = ban.until {
            self.by_end.insert((until, key));
        }
        if let Some(old) = self.by_key.insert(key, ban)
            && let Some(until) = old.until
        {
            self.by_end.remove(&(until, key));
        }
        self.end_changed();
    }

    pub(crate) fn prolong(&mut self, key: BanKey, until: Option<Timestamp>) {
        let Some(ban) = self.by_key.get_mut(&key) else {
            return;
        };
        if let Some(old) = ban.until {
            self.by_end.remove(&(old, key));
        }
        ban.until = until;
        if let Some(until) = until {
            self.by_end.insert((until, key));
        }
        self.end_changed();
    }

    pub(crate) fn remove(&mut self, key: &BanKey) -> Option<Ban> {
        let ban = self.by_key.remove(key)?;
        if let Some(until) = ban.until {
            self.by_end.remove(&(until, *key));
            self.end_changed();
        }
        Some(ban)
    }

    /// The end that comes first.
    pub(crate) fn first_end(&self) -> Option<(Timestamp, BanKey)> {
        self.first_end
    }

    fn end_changed(&mut self) {
        self.first_end = self.by_end.first().copied();
    }

    /// The bans of a jail that are equal to `prefix` or lie inside, in order of address.
    pub(crate) fn inside(&self, jail: JailId, prefix: Prefix) -> impl Iterator<Item = BanKey> {
        self.by_key
            .range(BanKey { jail, prefix }..)
            .map(|(key, _)| *key)
            .take_while(move |key| key.jail == jail && prefix.covers(key.prefix.address()))
            .filter(move |key| prefix.contains(&key.prefix))
    }

    /// In order of jail and address.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&BanKey, &Ban)> {
        self.by_key.iter()
    }
}
