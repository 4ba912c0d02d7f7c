//! A hash for keys that are made from patterns, or that are few: quick, the same in every run, and no protection
//! against somebody who chooses many keys that collide.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Makes that hash.
pub(crate) type QuickHash = BuildHasherDefault<Quick>;

/// A map with that hash. Its order must decide nothing.
pub(crate) type QuickMap<K, V> = HashMap<K, V, QuickHash>;

/// Eight bytes a step: added, then multiplied by an odd number without a pattern.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quick(u64);

impl Quick {
    fn take(&mut self, word: u64) {
        const FACTOR: u64 = 0xf135_7aea_2e62_a9c5;
        self.0 = self.0.wrapping_add(word).wrapping_mul(FACTOR);
    }
}

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.take(u64::from_le_bytes(*word));
        }
        // The rest is read together with some of what stands before it: to read again what was just copied, byte by byte,
        // to a place of its own would cost more than all else.
        let last = match bytes.last_chunk() {
            Some(last) => u64::from_le_bytes(*last),
            None => rest
                .iter()
                .fold(0, |word, byte| word << 8 | u64::from(*byte)),
        };
        self.take(last.wrapping_add(bytes.len() as u64));
    }

    fn write_u8(&mut self, value: u8) {
        self.take(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.take(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.take(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.take(value as u64);
    }

    fn finish(&self) -> u64 {
        // The product's high bits know of all that came in; tables look at the low ones.
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::BuildHasher;

    #[test]
    fn keys_that_look_alike_differ_in_the_bits_that_tables_use() {
        let hash = QuickHash::default();
        let keys = (0..4096).map(|pid| format!("host sshd[{pid}]:"));
        let low: HashSet<u64> = keys.map(|key| hash.hash_one(key) & 0xffff).collect();
        // 4096 keys in 65 536 places: about 3 970 of them are taken by chance.
        assert!(low.len() > 3_900, "{}", low.len());
    }

    #[test]
    fn keys_of_every_length_differ() {
        let hash = QuickHash::default();
        let keys = (0..100).flat_map(|length| [0, b'a'].map(|byte| vec![byte; length]));
        let different: HashSet<u64> = keys.map(|key| hash.hash_one(&key[..])).collect();
        // Of no bytes there is one key.
        assert_eq!(different.len(), 199);
    }
}
