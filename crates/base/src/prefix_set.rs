//! A set of prefixes with fast "is this inside one of them".

use crate::{Family, Prefix};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Networks by their length: a look-up costs one search per length in use, which are few, and none for an address that
/// begins with another byte than all members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixSet {
    /// In order of family and length; none is empty.
    levels: Vec<Level>,
    /// Of each family the first bytes of all addresses in members.
    firsts: [Bytes; 2],
}

/// A bit for each byte.
type Bytes = [u64; 4];

/// All members of one length.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Level {
    family: Family,
    length: u8,
    prefixes: BTreeSet<Prefix>,
}

impl PrefixSet {
    /// Adds a network; a second time changes nothing. True if it is new.
    pub fn insert(&mut self, prefix: Prefix) -> bool {
        let place = self.place(&prefix).unwrap_or_else(|place| {
            let level = Level {
                family: prefix.family(),
                length: prefix.length(),
                prefixes: BTreeSet::new(),
            };
            self.levels.insert(place, level);
            place
        });
        mark(&mut self.firsts, &prefix);
        self.levels[place].prefixes.insert(prefix)
    }

    /// The place of a network's level, or where it would be.
    fn place(&self, prefix: &Prefix) -> Result<usize, usize> {
        let level = (prefix.family(), prefix.length());
        self.levels
            .binary_search_by_key(&level, |level| (level.family, level.length))
    }

    /// The narrowest member that the address lies in.
    pub fn find(&self, address: IpAddr) -> Option<Prefix> {
        self.find_around(&Prefix::host(address))
    }

    /// The narrowest member that `inner` lies in or is equal to.
    #[inline]
    pub fn find_around(&self, inner: &Prefix) -> Option<Prefix> {
        match self.may_hold(inner) {
            true => self.search_around(inner),
            false => None,
        }
    }

    /// False for most prefixes that no member is around.
    fn may_hold(&self, inner: &Prefix) -> bool {
        let byte = first_byte(inner.address());
        self.firsts[inner.family() as usize][usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }

    fn search_around(&self, inner: &Prefix) -> Option<Prefix> {
        let family = inner.family();
        self.levels
            .iter()
            .rev()
            .filter(|level| level.family == family && level.length <= inner.length())
            .find_map(|level| level.prefixes.get(&inner.widened(level.length)).copied())
    }

    /// True if any member lies in, is equal to, or is around `prefix`.
    pub fn overlaps(&self, prefix: &Prefix) -> bool {
        let family = prefix.family();
        let inside = |level: &Level| {
            // What begins inside and is narrower lies inside.
            let mut from = level.prefixes.range(*prefix..);
            from.next().is_some_and(|first| prefix.contains(first))
        };
        let narrower = |level: &&Level| level.family == family && level.length > prefix.length();
        self.find_around(prefix).is_some()
            || !prefix.is_host() && self.levels.iter().filter(narrower).any(inside)
    }

    /// All members in order of family, length and address.
    pub fn iter(&self) -> impl Iterator<Item = &Prefix> {
        self.levels.iter().flat_map(|level| &level.prefixes)
    }

    /// True without members.
    pub fn is_empty(&self) -> bool {
        self.levels.is_empty()
    }
}

/// Notes the bytes with which addresses in `prefix` begin.
fn mark(firsts: &mut [Bytes; 2], prefix: &Prefix) {
    for byte in first_byte(prefix.address())..=first_byte(prefix.last_address()) {
        firsts[prefix.family() as usize][usize::from(byte / 64)] |= 1 << (byte % 64);
    }
}

fn first_byte(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(address) => address.octets()[0],
        IpAddr::V6(address) => address.octets()[0],
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

        #[test]
        fn holds_what_was_put_in(prefixes in proptest::collection::vec(prefix(), 0..40)) {
            let mut set = PrefixSet::default();
            let mut plain = BTreeSet::new();
            for prefix in prefixes {
                prop_assert_eq!(set.is_empty(), plain.is_empty());
                let key = (prefix.family(), prefix.length(), prefix);
                prop_assert_eq!(set.insert(prefix), plain.insert(key));
            }
            let members: Vec<Prefix> = plain.into_iter().map(|(_, _, prefix)| prefix).collect();
            prop_assert!(set.iter().eq(&members));
            // Sets with the same members are the same, however they came to be.
            prop_assert_eq!(set, members.into_iter().collect());
        }
    }
}
