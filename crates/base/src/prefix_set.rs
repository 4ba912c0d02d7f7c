//! A set of prefixes with fast "is this inside one of them".

use crate::{Family, Prefix};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Networks by their length: a look-up costs one search per length in use, which are few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixSet {
    by_length: BTreeMap<(Family, u8), BTreeSet<Prefix>>,
}

impl PrefixSet {
    /// Adds a network; a second time changes nothing. True if it is new.
    pub fn insert(&mut self, prefix: Prefix) -> bool {
        self.by_length
            .entry((prefix.family(), prefix.length()))
            .or_default()
            .insert(prefix)
    }

    /// Takes exactly this network out. True if it was there.
    pub fn remove(&mut self, prefix: &Prefix) -> bool {
        let key = (prefix.family(), prefix.length());
        let Some(prefixes) = self.by_length.get_mut(&key) else {
            return false;
        };
        let removed = prefixes.remove(prefix);
        if prefixes.is_empty() {
            self.by_length.remove(&key);
        }
        removed
    }

    /// The narrowest member that the address lies in.
    pub fn find(&self, address: IpAddr) -> Option<Prefix> {
        self.find_around(&Prefix::host(address))
    }

    /// The narrowest member that `inner` lies in or is equal to.
    pub fn find_around(&self, inner: &Prefix) -> Option<Prefix> {
        let family = inner.family();
        let range = (family, 0)..=(family, inner.length());
        self.by_length
            .range(range)
            .rev()
            .find_map(|((_, length), prefixes)| prefixes.get(&inner.widened(*length)).copied())
    }

    /// True if any member lies in, is equal to, or is around `prefix`.
    pub fn overlaps(&self, prefix: &Prefix) -> bool {
        let inside = |prefixes: &BTreeSet<Prefix>| {
            prefixes
                .range(*prefix..)
                .take_while(|p| prefix.covers(p.address()))
                .any(|p| prefix.contains(p))
        };
        self.find_around(prefix).is_some()
            || self
                .by_length
                .range((prefix.family(), prefix.length())..)
                .any(|((family, _), prefixes)| *family == prefix.family() && inside(prefixes))
    }

    /// All members in order of family, length and address.
    pub fn iter(&self) -> impl Iterator<Item = &Prefix> {
        self.by_length.values().flatten()
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.by_length.is_empty()
    }
}

impl FromIterator<Prefix> for PrefixSet {
    fn from_iter<I: IntoIterator<Item = Prefix>>(prefixes: I) -> Self {
        let mut set = Self::default();
        for prefix in prefixes {
            set.insert(prefix);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix() -> impl Strategy<Value = Prefix> {
        // Few distinct bits, so that members meet.
        (any::<bool>(), 0u32..16, 0u8..=32).prop_map(|(v6, bits, length)| {
            let high = bits << 28;
            if v6 {
                Prefix::new(IpAddr::V6((u128::from(high) << 96).into()), length).unwrap()
            } else {
                Prefix::new(IpAddr::V4(high.into()), length).unwrap()
            }
        })
    }

    proptest! {
        #[test]
        fn agrees_with_a_plain_list(members in proptest::collection::vec(prefix(), 0..12), probe in prefix()) {
            let set: PrefixSet = members.iter().copied().collect();
            let around = members.iter().filter(|m| m.contains(&probe)).max_by_key(|m| m.length()).copied();
            prop_assert_eq!(set.find_around(&probe), around);
            let overlaps = members.iter().any(|m| m.contains(&probe) || probe.contains(m));
            prop_assert_eq!(set.overlaps(&probe), overlaps);
        }
    }
}
