//! How many different ids there were, within a bound on memory.

use base::{FailureId, IdHash};
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Counts ids by a keyed hash of 64 bits: exactly up to the bound, but for a chance of 10⁻⁹ to miss one; beyond it
/// only that there are more.
#[derive(Default)]
pub(super) struct Distinct {
    hash: IdHash,
    seen: HashSet<u64, BuildHasherDefault<AsIs>>,
    has_more: bool,
}

/// The most that are counted.
const MAX_IDS: usize = 200_000;

impl Distinct {
    pub(super) fn note(&mut self, id: &FailureId) {
        let hash = self.hash.of(id);
        if self.seen.len() < MAX_IDS {
            self.seen.insert(hash);
        } else if !self.has_more {
            self.has_more = !self.seen.contains(&hash);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.seen.len() as u64
    }

    /// There were more than the count.
    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }
}

/// What is hashed already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::Prefix;

    fn check(ids: u32, count: u64, has_more: bool) {
        let mut distinct = Distinct::default();
        for _ in 0..2 {
            for n in 0..ids {
                let address = std::net::IpAddr::V4(n.into());
                distinct.note(&FailureId::Prefix(Prefix::host(address)));
            }
        }
        assert_eq!((distinct.count(), distinct.has_more()), (count, has_more));
    }

    #[test]
    fn counts_exactly_up_to_the_bound() {
        check(0, 0, false);
        check(3, 3, false);
        check(200_000, 200_000, false);
        check(200_001, 200_000, true);
    }
}
