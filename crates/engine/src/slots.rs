//! Entries in numbered slots, found by their key.
//!
//! Entries that meet in one bin form a chain through the entries themselves, so that the index holds four bytes a
//! bin and no copy of a key. The hash is keyed: nobody outside can make chains long. Nothing goes through all
//! entries in an order that depends on it.

use base::IdHash;

/// The end of a chain.
const NONE: u32 = u32::MAX;

/// What lies in a slot.
pub(crate) trait Entry {
    /// What it is found by.
    type Key: Eq;

    fn key(&self) -> &Self::Key;

    fn hash(key: &Self::Key, by: &IdHash) -> u64;

    /// The slot of the next one in its chain, which is no business of its owner.
    fn next(&self) -> u32;

    fn set_next(&mut self, next: u32);
}

/// All of one kind.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
    hash: IdHash,
    /// The first of each chain; as many as a power of two, and not fewer than entries.
    heads: Vec<u32>,
    len: usize,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            hash: IdHash::default(),
            heads: Vec::new(),
            len: 0,
        }
    }
}

impl<T: Entry> Slots<T> {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many slots there are, empty ones included.
    pub(crate) fn room(&self) -> usize {
        self.entries.len()
    }

    /// The entry in a slot.
    pub(crate) fn get(&self, slot: u32) -> Option<&T> {
        self.entries.get(slot as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.entries.get_mut(slot as usize)?.as_mut()
    }

    /// All entries in the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let all = (0..).zip(&self.entries);
        all.filter_map(|(slot, entry)| Some((slot, entry.as_ref()?)))
    }

    /// The slot of a key.
    pub(crate) fn find(&self, key: &T::Key) -> Option<u32> {
        let mut slot = *self.heads.get(self.bin(key))?;
        while let Some(entry) = self.get(slot) {
            if entry.key() == key {
                return Some(slot);
            }
            slot = entry.next();
        }
        None
    }

    /// Enters one whose key no other one has; gives its slot.
    pub(crate) fn insert(&mut self, entry: T) -> u32 {
        let slot = self.free.pop().unwrap_or(self.entries.len() as u32);
        match self.entries.get_mut(slot as usize) {
            Some(free) => *free = Some(entry),
            None => self.entries.push(Some(entry)),
        }
        self.len += 1;
        if self.len <= self.heads.len() {
            self.link(slot);
            return slot;
        }
        self.heads = vec![NONE; self.len.next_power_of_two().max(16)];
        for slot in 0..self.entries.len() as u32 {
            self.link(slot);
        }
        slot
    }

    /// Takes the entry in a slot out.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<T> {
        let entry = self.entries.get_mut(slot as usize)?.take()?;
        self.unlink(slot, &entry);
        self.free.push(slot);
        self.len -= 1;
        Some(entry)
    }

    /// Frees the memory of all slots, if all are empty.
    pub(crate) fn give_back(&mut self) {
        if self.len == 0 {
            self.entries = Vec::new();
            self.free = Vec::new();
            self.heads = Vec::new();
        }
    }

    fn link(&mut self, slot: u32) {
        let Some(bin) = self.get(slot).map(|entry| self.bin(entry.key())) else {
            return;
        };
        if let Some(Some(entry)) = self.entries.get_mut(slot as usize)
            && let Some(head) = self.heads.get_mut(bin)
        {
            entry.set_next(std::mem::replace(head, slot));
        }
    }

    /// Takes an entry that just left its slot out of its chain.
    fn unlink(&mut self, slot: u32, entry: &T) {
        let bin = self.bin(entry.key());
        let Some(head) = self.heads.get_mut(bin) else {
            return;
        };
        let mut before = *head;
        if before == slot {
            *head = entry.next();
            return;
        }
        while let Some(other) = self.get_mut(before) {
            if other.next() == slot {
                other.set_next(entry.next());
                return;
            }
            before = other.next();
        }
    }

    fn bin(&self, key: &T::Key) -> usize {
        T::hash(key, &self.hash) as usize & self.heads.len().wrapping_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::FailureId;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Debug, PartialEq)]
    struct Numbered {
        id: FailureId,
        number: usize,
        next: u32,
    }

    impl Entry for Numbered {
        type Key = FailureId;

        fn key(&self) -> &FailureId {
            &self.id
        }

        fn hash(id: &FailureId, by: &IdHash) -> u64 {
            // Few bits, so that chains are long.
            by.of(id) & 7
        }

        fn next(&self) -> u32 {
            self.next
        }

        fn set_next(&mut self, next: u32) {
            self.next = next;
        }
    }

    fn id(who: u8) -> FailureId {
        match who {
            0 => FailureId::from("mallory"),
            who => FailureId::host([192, 0, 2, who].into()),
        }
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_map_finds(steps in proptest::collection::vec(0u8..50, 0..300)) {
            let mut slots = Slots::default();
            let mut plain: BTreeMap<FailureId, usize> = BTreeMap::new();
            for (number, who) in steps.into_iter().enumerate() {
                let id = id(who);
                let found = slots.find(&id);
                let known = found.and_then(|slot| slots.get(slot)).map(|entry: &Numbered| entry.number);
                prop_assert_eq!(known, plain.get(&id).copied());
                match found {
                    Some(slot) => {
                        let taken = slots.remove(slot).map(|entry| entry.number);
                        prop_assert_eq!(taken, plain.remove(&id));
                        prop_assert!(slots.get(slot).is_none());
                    }
                    None => {
                        let slot = slots.insert(Numbered { id: id.clone(), number, next: 0 });
                        plain.insert(id, number);
                        prop_assert_eq!(slots.get_mut(slot).map(|entry| entry.number), Some(number));
                    }
                }
                prop_assert_eq!(slots.len(), plain.len());
                prop_assert!(slots.room() <= 50);
                let all: BTreeMap<FailureId, usize> =
                    slots.iter().map(|(_, entry)| (entry.id.clone(), entry.number)).collect();
                prop_assert_eq!(&all, &plain);
                slots.give_back();
                prop_assert!(!plain.is_empty() || slots.room() == 0);
            }
        }
    }
}
