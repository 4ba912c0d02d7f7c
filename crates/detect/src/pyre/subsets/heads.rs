//! Where the automaton stands after the first letters of a text, for the beginnings that came last.

use crate::hash::QuickHash;
use std::hash::BuildHasher;

/// Letters of a beginning.
const LETTERS: usize = 8;
/// Beginnings that are remembered; a power of two.
const PLACES: usize = 64;

/// A beginning.
pub(super) type Head = [u8; LETTERS];

#[derive(Clone, Copy, Debug)]
struct Known {
    selection: usize,
    head: Head,
    row: u32,
}

/// Each beginning has one place, which it takes from the one before it there.
#[derive(Debug, Default)]
pub(super) struct Heads {
    known: Vec<Option<Known>>,
}

impl Heads {
    /// The row after a beginning.
    pub(super) fn row(&self, selection: usize, head: Head) -> Option<u32> {
        let known = self.known.get(place(head))?.as_ref()?;
        ((known.selection, known.head) == (selection, head)).then_some(known.row)
    }

    pub(super) fn learn(&mut self, selection: usize, head: Head, row: u32) {
        self.known.resize(PLACES, None);
        self.known[place(head)] = Some(Known {
            selection,
            head,
            row,
        });
    }

    /// Rows or selections are not what they were.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }
}

fn place(head: Head) -> usize {
    QuickHash::default().hash_one(u64::from_le_bytes(head)) as usize % PLACES
}
