//! Networks inside networks.
//!
//! The kernel's interval sets take no overlaps, so of the networks banned in one jail only those are written that lie
//! in no other. When the outer one ends, those inside come to light and are written in the same transaction.

use super::ledger::Hold;
use base::{Prefix, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The banned networks of one jail, of both families.
#[derive(Clone, Debug, Default)]
pub(super) struct Networks {
    bans: BTreeMap<Prefix, Hold>,
    ends: BTreeSet<(Hold, Prefix)>,
}

impl Networks {
    /// Bans a network until then, or no longer. Returns what the kernel should hold now of it and of all inside it.
    pub(super) fn set(&mut self, prefix: Prefix, hold: Hold) -> Vec<(Prefix, Hold)> {
        let before = match hold {
            Hold::NONE => self.bans.remove(&prefix),
            hold => self.bans.insert(prefix, hold),
        };
        if let Some(before) = before {
            self.ends.remove(&(before, prefix));
        }
        if hold != Hold::NONE && hold != Hold::FOREVER {
            self.ends.insert((hold, prefix));
        }
        let inside = self.bans.range(prefix..);
        let inside = inside.take_while(|(p, _)| prefix.contains(p));
        let mut changed: Vec<Prefix> = inside.map(|(p, _)| *p).collect();
        if hold == Hold::NONE {
            changed.push(prefix);
        }
        changed.iter().map(|p| (*p, self.visible(p))).collect()
    }

    /// Takes those out that are over. Returns what the kernel should hold now of what that changes, in order.
    pub(super) fn expire(&mut self, now: Timestamp) -> Vec<(Prefix, Hold)> {
        let mut changed = Vec::new();
        while let Some((_, prefix)) = self.ends.first().copied().filter(|(h, _)| !h.is_live(now)) {
            changed.extend(self.set(prefix, Hold::NONE));
        }
        changed
    }

    /// When the next one ends.
    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.ends.first().and_then(|(hold, _)| hold.end())
    }

    /// The hold of a network that lies in no other, else none.
    fn visible(&self, prefix: &Prefix) -> Hold {
        let hidden =
            (0..prefix.length()).any(|length| self.bans.contains_key(&prefix.widened(length)));
        match self.bans.get(prefix) {
            Some(hold) if !hidden => *hold,
            _ => Hold::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network() -> impl Strategy<Value = Prefix> {
        (0u32..8, 1u8..12, any::<bool>()).prop_map(|(bits, length, v6)| {
            let high = bits << 20;
            if v6 {
                Prefix::new((u128::from(high) << 96).to_be_bytes().into(), length).unwrap()
            } else {
                Prefix::new(high.to_be_bytes().into(), length).unwrap()
            }
        })
    }

    proptest! {
        #[test]
        fn the_kernel_sees_exactly_the_outermost(steps in proptest::collection::vec((network(), 0i64..30, any::<bool>()), 1..40)) {
            let mut networks = Networks::default();
            let mut bans: BTreeMap<Prefix, Hold> = BTreeMap::new();
            let mut kernel: BTreeMap<Prefix, Hold> = BTreeMap::new();
            for (time, (prefix, length, ban)) in (0i64..).zip(steps) {
                let now = Timestamp::from_secs(time);
                let mut changed = networks.expire(now);
                let hold = if ban { Hold::until(Some(Timestamp::from_secs(time + 1 + length))) } else { Hold::NONE };
                changed.extend(networks.set(prefix, hold));
                for (prefix, hold) in changed {
                    kernel.insert(prefix, hold);
                }
                kernel.retain(|_, hold| *hold != Hold::NONE);
                bans.insert(prefix, hold);
                bans.retain(|_, hold| hold.is_live(now));
                let outermost: BTreeMap<Prefix, Hold> = bans.iter()
                    .filter(|(p, _)| !bans.keys().any(|o| o != *p && o.contains(p)))
                    .map(|(p, h)| (*p, *h)).collect();
                prop_assert_eq!(&kernel, &outermost);
                let next = bans.values().min().and_then(|h| h.end());
                prop_assert_eq!(networks.next_end(), next);
            }
        }
    }
}
