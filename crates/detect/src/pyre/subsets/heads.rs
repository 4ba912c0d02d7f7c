//! Where the automaton goes from a state with the next eight letters, for those that came last.
//!
//! One look costs as much as a few of the steps that it saves. Letters that hold a number are new in most texts, so it
//! is watched at each depth of a text how often a look helps, and where it does not, none is taken for a while.

use crate::hash::QuickHash;
use std::hash::BuildHasher;

/// Letters of a head.
const LETTERS: usize = 8;
/// Heads that are remembered; a power of two.
const PLACES: usize = 64;
/// How many heads of a text are looked for, one behind the other.
pub(super) const DEPTHS: usize = 3;

/// What helps is worth so many looks that do not.
const WORTH: u32 = 2;
/// So many looks in advance.
const CREDIT: u32 = 64;
/// So many texts without a look.
const PAUSE: u32 = 4_096;

/// Letters that follow one another.
pub(super) type Head = [u8; LETTERS];

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Known {
    Row(u32),
    Nothing,
    /// It is not worth a look.
    Unasked,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    row: u32,
    head: Head,
    next: u32,
}

/// Each head has one place, which it takes from the one before it there.
#[derive(Debug, Default)]
pub(super) struct Heads {
    entries: Vec<Option<Entry>>,
    depths: [Depth; DEPTHS],
}

#[derive(Clone, Copy, Debug)]
struct Depth {
    credit: u32,
    pause: u32,
}

impl Default for Depth {
    fn default() -> Self {
        Self {
            credit: CREDIT,
            pause: 0,
        }
    }
}

impl Depth {
    /// Begins a text; whether it is worth a look.
    fn is_worth(&mut self) -> bool {
        if self.credit > 0 {
            return true;
        }
        self.pause += 1;
        if self.pause == PAUSE {
            *self = Self::default();
        }
        false
    }
}

impl Heads {
    /// The row behind a head that stands at a depth of the text.
    pub(super) fn after(&mut self, depth: usize, row: u32, head: Head) -> Known {
        let depth = &mut self.depths[depth];
        if !depth.is_worth() {
            return Known::Unasked;
        }
        let entry = self.entries.get(place(row, head)).copied().flatten();
        match entry.filter(|entry| (entry.row, entry.head) == (row, head)) {
            Some(entry) => {
                depth.credit = (depth.credit + WORTH).min(CREDIT);
                Known::Row(entry.next)
            }
            None => {
                depth.credit -= 1;
                Known::Nothing
            }
        }
    }

    pub(super) fn learn(&mut self, row: u32, head: Head, next: u32) {
        self.entries.resize(PLACES, None);
        self.entries[place(row, head)] = Some(Entry { row, head, next });
    }

    /// Rows are not what they were.
    pub(super) fn forget(&mut self) {
        self.entries.clear();
    }
}

fn place(row: u32, head: Head) -> usize {
    let letters = u64::from_le_bytes(head) ^ u64::from(row).rotate_left(40);
    QuickHash::default().hash_one(letters) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = *b"Nov 24 1";

    #[test]
    fn is_known_by_row_and_letters() {
        let mut heads = Heads::default();
        assert_eq!(heads.after(0, 7, HEAD), Known::Nothing);
        heads.learn(7, HEAD, 70);
        assert_eq!(heads.after(0, 7, HEAD), Known::Row(70));
        assert_eq!(heads.after(2, 7, HEAD), Known::Row(70));
        assert_eq!(heads.after(0, 8, HEAD), Known::Nothing);
        assert_eq!(heads.after(0, 7, *b"Nov 24 2"), Known::Nothing);
        heads.forget();
        assert_eq!(heads.after(0, 7, HEAD), Known::Nothing);
    }

    #[test]
    fn what_helps_in_one_text_of_three_is_asked_for_ever() {
        for (helps_every, asked) in [(1, 9_000), (3, 9_000), (4, 800), (9_000, 200)] {
            let mut heads = Heads::default();
            heads.learn(7, HEAD, 70);
            let mut looks = 0;
            for text in 0..9_000 {
                let row = if text % helps_every == 0 { 7 } else { 8 };
                looks += usize::from(heads.after(1, row, HEAD) != Known::Unasked);
            }
            let fits = match asked {
                9_000 => looks == asked,
                _ => looks <= asked && looks > 2 * CREDIT as usize,
            };
            assert!(fits, "{helps_every}: {looks}");
        }
    }
}
