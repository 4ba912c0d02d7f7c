//! The bans that stand, and when they end.

use crate::slots::{Entry, Slots};
use crate::{BanKey, BanRecord, JailId};
use base::{FailureId, Family, IdHash, Span, Timestamp};
use std::cmp::Reverse;
use std::collections::binary_heap::PeekMut;
use std::collections::btree_map;
use std::collections::{BTreeMap, BinaryHeap};

/// The ban keeps its length over restarts whatever the jail's ban time is: somebody chose it by hand, or the
/// kernel said it. Kept in the row's captures, so that it survives a switch to fail2ban and back.
pub(crate) const MARK_FIXED: &str = "stockade_fixed";
/// The ban was forced upon somebody whom the rules protect.
pub(crate) const MARK_FORCED: &str = "stockade_forced";

/// The ban is of a network, for these bans inside it, with blanks between. Kept in the same way.
pub(crate) const MARK_CHILDREN: &str = "stockade_children";

/// So long after its acknowledgement a ban may still see failures of what was under way: a log-in that was being
/// refused, lines that a service holds back.
const GRACE: Span = Span::from_secs(10);

/// One ban.
#[derive(Debug)]
pub(crate) struct Ban {
    /// When it began: the last failure that led to it.
    pub(crate) time: Timestamp,
    /// The last moment; `None` for ever.
    pub(crate) until: Option<Timestamp>,
    /// The moment after which it is lifted: its end, or later if the jail's ban time was made shorter meanwhile.
    pub(crate) lifted_after: Option<Timestamp>,
    /// It lasts as long as the jail's bans do, also when that changes.
    pub(crate) usual: bool,
    pub(crate) count: u32,
    pub(crate) failures: u32,
    pub(crate) users: Vec<(String, u32)>,
    /// The bans that it stands for, if it is of a network that was banned for them.
    pub(crate) children: Option<Box<str>>,
    pub(crate) forced: bool,
    pub(crate) restored: bool,
    /// The numbers of the first and the latest effect that enforce it.
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    /// The number of the effect by which its end last became a sooner one.
    pub(crate) cut_seq: u64,
    /// The kernel held it at least once since `first_seq`.
    pub(crate) applied: bool,
    /// The highest number that the kernel has answered well.
    pub(crate) applied_seq: u64,
    /// The store answered at least once since `first_seq`.
    pub(crate) committed: bool,
    /// `Banned` was told.
    pub(crate) announced: bool,
    /// When.
    pub(crate) announced_at: Timestamp,
    /// A failure came through although it should hold.
    pub(crate) ineffective: bool,
}

impl Ban {
    /// The kernel holds it as the effect of this number says.
    pub(crate) fn applied(&mut self, seq: u64) {
        self.applied = true;
        self.applied_seq = self.applied_seq.max(seq);
    }

    /// So long after its acknowledgement a failure of its owner shows that it does not do what it is there for, by the
    /// log's time and by ours: lines may be written late, and logs may be read late.
    pub(crate) fn is_doubtful(&self, now: Timestamp, failed: Timestamp) -> bool {
        let after = failed.min(now).since(self.announced_at);
        self.announced && !self.ineffective && after > GRACE
    }

    /// The kernel's own time-out ends it: it was told of this end, or of a sooner one.
    pub(crate) fn ends_by_itself(&self) -> bool {
        self.applied && self.applied_seq >= self.cut_seq
    }
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
    record.captures.get(mark).is_some()
}

/// One that stands.
#[derive(Debug)]
struct Standing {
    key: BanKey,
    ban: Ban,
    next: u32,
}

impl Entry for Standing {
    type Key = BanKey;

    fn key(&self) -> &BanKey {
        &self.key
    }

    fn hash(key: &BanKey, by: &IdHash) -> u64 {
        // The same id in another jail lies in another bin.
        by.of(&key.id).wrapping_add(key.jail.0.into())
    }

    fn next(&self) -> u32 {
        self.next
    }

    fn set_next(&mut self, next: u32) {
        self.next = next;
    }
}

/// So many empty slots are kept for the next bans.
const KEPT_SLOTS: usize = 1_000;

/// All bans of all jails, with an index of their ends.
///
/// Whoever fails is looked up several times, and so bans are found by a hash; their order is for those who list them.
///
/// The heap holds a place for each ban that ends, under an end that may be earlier than the ban's own, or of a ban
/// that is no more: the first place is always right, and the others are put right when they become first. A ban
/// that is made longer therefore moves nothing.
#[derive(Debug, Default)]
pub(crate) struct Bans {
    standing: Slots<Standing>,
    /// The slot of each.
    by_key: BTreeMap<BanKey, u32>,
    /// How many bans with children there are, by their lengths.
    parents: BTreeMap<(JailId, Family, u8), usize>,
    ends: BinaryHeap<Reverse<(Timestamp, BanKey)>>,
}

impl Bans {
    pub(crate) fn get(&self, key: &BanKey) -> Option<&Ban> {
        self.entry(key).map(|(_, ban)| ban)
    }

    /// The same with the key that it stands under.
    pub(crate) fn entry(&self, key: &BanKey) -> Option<(&BanKey, &Ban)> {
        self.at(self.standing.find(key)?)
    }

    fn at(&self, slot: u32) -> Option<(&BanKey, &Ban)> {
        let standing = self.standing.get(slot)?;
        Some((&standing.key, &standing.ban))
    }

    /// For anything but when it is lifted, which the index must know of: see `renew`.
    pub(crate) fn get_mut(&mut self, key: &BanKey) -> Option<&mut Ban> {
        let slot = self.standing.find(key)?;
        self.standing
            .get_mut(slot)
            .map(|standing| &mut standing.ban)
    }

    /// Enters a ban of one that has none.
    pub(crate) fn insert(&mut self, key: BanKey, ban: Ban) {
        if let Some(until) = ban.lifted_after {
            // A place that becomes the first one by this is right.
            self.ends.push(Reverse((until, key.clone())));
        }
        if ban.children.is_some()
            && let Some(level) = level(&key)
        {
            *self.parents.entry(level).or_default() += 1;
        }
        let slot = self.standing.insert(Standing {
            key: key.clone(),
            ban,
            next: 0,
        });
        self.by_key.insert(key, slot);
    }

    /// Changes a ban, and when it is lifted.
    pub(crate) fn renew(
        &mut self,
        key: &BanKey,
        lifted_after: Option<Timestamp>,
        change: impl FnOnce(&mut Ban),
    ) {
        let Some(ban) = self.get_mut(key) else {
            return;
        };
        change(ban);
        let before = std::mem::replace(&mut ban.lifted_after, lifted_after);
        if let Some(end) = lifted_after
            && before.is_none_or(|before| end < before)
        {
            // Its place among the ends is a later one, or none.
            self.ends.push(Reverse((end, key.clone())));
        }
        self.put_right(key);
    }

    pub(crate) fn remove(&mut self, key: &BanKey) -> Option<Ban> {
        let slot = self.by_key.remove(key)?;
        let Standing { ban, .. } = self.standing.remove(slot)?;
        if ban.children.is_some()
            && let Some(level) = level(key)
            && let btree_map::Entry::Occupied(mut bans) = self.parents.entry(level)
        {
            *bans.get_mut() -= 1;
            if *bans.get() == 0 {
                bans.remove();
            }
        }
        self.put_right(key);
        if self.by_key.is_empty() && self.standing.room() > KEPT_SLOTS {
            // What a flood left behind.
            self.standing.give_back();
        }
        Some(ban)
    }

    /// When the first ban is to be lifted.
    pub(crate) fn first_end(&self) -> Option<(Timestamp, &BanKey)> {
        self.ends.peek().map(|Reverse((until, key))| (*until, key))
    }

    /// Makes the first place be the first end, after a change of this ban alone.
    fn put_right(&mut self, changed: &BanKey) {
        if self.ends.len() > 64 + 2 * self.by_key.len() {
            let ends = |(_, standing): (u32, &Standing)| {
                let until = standing.ban.lifted_after?;
                Some(Reverse((until, standing.key.clone())))
            };
            self.ends = self.standing.iter().filter_map(ends).collect();
        }
        if self.first_end().is_none_or(|(_, key)| key != changed) {
            return;
        }
        while let Some(mut first) = self.ends.peek_mut() {
            let Reverse((until, key)) = &*first;
            let slot = self.standing.find(key);
            let standing = slot.and_then(|slot| self.standing.get(slot));
            match standing.and_then(|standing| standing.ban.lifted_after) {
                Some(end) if end == *until => return,
                Some(end) => first.0.0 = end,
                None => drop(PeekMut::pop(first)),
            }
        }
    }

    /// The bans of a jail that are of this one or, in a network, lie inside, in order of address.
    pub(crate) fn inside<'a>(&'a self, whole: &'a BanKey) -> impl Iterator<Item = &'a BanKey> {
        let BanKey { jail, id } = whole;
        // All that begin inside stand together, and those that reach beyond it among them.
        let begins_inside = move |key: &&BanKey| match (id.prefix(), key.id.prefix()) {
            (Some(whole), Some(prefix)) => whole.covers(prefix.address()),
            _ => *id == key.id,
        };
        self.by_key
            .range(whole..)
            .map(|(key, _)| key)
            .take_while(move |key| key.jail == *jail && begins_inside(key))
            .filter(move |key| id.contains(&key.id))
    }

    /// The wider networks of which bans with children there are, narrowest first.
    pub(crate) fn wider(&self, key: &BanKey) -> impl Iterator<Item = BanKey> {
        let of = level(key).zip(key.id.prefix());
        of.into_iter().flat_map(|((jail, family, own), prefix)| {
            let lengths = self.parents.range((jail, family, 0)..(jail, family, own));
            lengths.rev().map(move |((_, _, length), _)| BanKey {
                jail,
                id: FailureId::Prefix(prefix.widened(*length)),
            })
        })
    }

    /// The bans of a jail, in order of address.
    pub(crate) fn of(&self, jail: JailId) -> impl Iterator<Item = (&BanKey, &Ban)> {
        let first = BanKey {
            jail,
            id: FailureId::FIRST,
        };
        self.by_key
            .range(first..)
            .take_while(move |(key, _)| key.jail == jail)
            .filter_map(|(_, slot)| self.at(*slot))
    }

    /// In order of jail and address.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&BanKey, &Ban)> {
        self.by_key.values().filter_map(|slot| self.at(*slot))
    }
}

/// Bans of which length it is among, if it is of addresses.
fn level(key: &BanKey) -> Option<(JailId, Family, u8)> {
    let prefix = key.id.prefix()?;
    Some((key.jail, prefix.family(), prefix.length()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ban(until: Option<Timestamp>) -> Ban {
        Ban {
            time: Timestamp::default(),
            until,
            lifted_after: until,
            usual: false,
            count: 1,
            failures: 0,
            users: Vec::new(),
            children: None,
            forced: false,
            restored: false,
            first_seq: 1,
            last_seq: 1,
            cut_seq: 0,
            applied: false,
            applied_seq: 0,
            committed: false,
            announced: false,
            announced_at: Timestamp::default(),
            ineffective: false,
        }
    }

    proptest! {
        #[test]
        fn is_a_plain_map_with_its_first_end(
            steps in proptest::collection::vec((0u8..3, 0u8..12, proptest::option::weighted(0.8, 0i64..9)), 0..300),
        ) {
            let mut bans = Bans::default();
            let mut plain: BTreeMap<BanKey, Option<Timestamp>> = BTreeMap::new();
            for (kind, who, end) in steps {
                let id = match who {
                    0 => FailureId::from("mallory"),
                    who => FailureId::host([192, 0, 2, who / 2].into()),
                };
                let key = BanKey { jail: JailId(u32::from(who % 2)), id };
                let end = end.map(Timestamp::from_secs);
                match (kind, plain.get(&key).copied()) {
                    (0, _) => {
                        prop_assert_eq!(bans.remove(&key).is_some(), plain.remove(&key).is_some());
                    }
                    (_, None) => {
                        bans.insert(key.clone(), ban(end));
                        plain.insert(key, end);
                    }
                    (_, Some(_)) => {
                        bans.renew(&key, end, |ban| ban.until = end);
                        plain.insert(key, end);
                    }
                }
                let first = plain.iter().filter_map(|(key, end)| Some(((*end)?, key))).min();
                prop_assert_eq!(bans.first_end(), first);
                let all = |(key, ban): (&BanKey, &Ban)| (key.clone(), ban.until);
                let listed: Vec<_> = bans.iter().map(all).collect();
                prop_assert_eq!(&listed, &plain.clone().into_iter().collect::<Vec<_>>());
                let both = [JailId(0), JailId(1)].map(|jail| bans.of(jail).map(all).collect::<Vec<_>>());
                prop_assert_eq!(both.concat(), listed);
                for (key, end) in &plain {
                    prop_assert_eq!(bans.get(key).map(|ban| ban.until), Some(*end));
                    prop_assert_eq!(bans.get_mut(key).map(|ban| ban.until), Some(*end));
                }
                prop_assert!(bans.ends.len() <= 65 + 2 * plain.len());
            }
        }
    }
}
