//! The transitions that texts take, close together.
//!
//! The row of a state has a cell for each class of letters, and texts need one or two of them: so each letter of a line is
//! looked up in another line of the processor's cache, and a log of some thirty kinds of lines needs more of them than the
//! first cache holds. Therefore once texts keep to ways that are known, all transitions made so far are copied into a
//! *comb*: rows that overlap as combs do whose teeth stand in each other's gaps. Each word bears the class that it is for.
//! Who looks for another class than he finds goes on from the state's own row, which stays as it is.
//!
//! Nothing comes out that would not without it: a comb is a copy, and no two of its rows begin at the same cell, so that a
//! cell and a class tell the state. It costs a look at what is known, after so many letters that it does not show, and ever
//! more seldom; and no room that transitions need.

use std::ops::Range;

use super::Tdfa;
use super::cache::{Cache, SPECIAL, UNKNOWN};

/// Letters after which it is seen whether texts keep to known ways: each time, until a comb is laid; then twice as many
/// before the second, and so on. In the tests of this crate a few, or their short texts would meet none.
const PATIENCE: usize = if cfg!(test) { 16 } else { 1 << 16 };
/// They do if no more than one of so many letters took a transition that had to be made.
const KNOWN: usize = if cfg!(test) { 1 } else { 128 };
/// Leaving the comb takes as long as so many letters.
const LEAVING: usize = 16;
/// Most cells of a comb: what the first cache holds.
const MAX_CELLS: usize = 4_096;
/// Gaps among the last so many cells are looked at: rows fill those before with few teeth soon, and with many never.
const LOOKED_BACK: usize = 128;

/// A cell that no row uses.
pub(super) const FREE: u64 = 0xFF << 56 | UNKNOWN as u64;

/// Where the comb is, and what tells that there should be a new one.
#[derive(Debug, Default)]
pub(super) struct Comb {
    /// The first of its cells in the table.
    begin: u32,
    /// For each of them the own row of the state whose row in the comb begins there.
    own: Vec<u32>,
    /// Letters that were read outside of it, or as many as that was worth, and transitions made meanwhile.
    aside: usize,
    made: usize,
    /// How many were laid since the cache was emptied.
    laid: u32,
}

impl Comb {
    /// Its cells in the table.
    pub(super) fn cells(&self) -> Range<usize> {
        self.begin as usize..self.begin as usize + self.own.len()
    }

    /// The own row of the state whose row this is.
    pub(super) fn own_row(&self, row: u32) -> u32 {
        let place = row.checked_sub(self.begin);
        let own = place.and_then(|place| self.own.get(place as usize));
        own.copied().unwrap_or(row)
    }

    /// So many letters were read.
    pub(super) fn read(&mut self, letters: usize) {
        if self.own.is_empty() {
            self.aside += letters;
        }
    }

    /// A transition was not in it.
    pub(super) fn leave(&mut self) {
        self.aside += LEAVING;
    }

    /// A transition was made.
    pub(super) fn make(&mut self) {
        self.made += 1;
    }

    /// Whether it is time for a new one.
    pub(super) fn is_due(&mut self) -> bool {
        if self.aside >> self.laid < PATIENCE {
            return false;
        }
        let keeps_to_known = self.made * KNOWN <= self.aside;
        (self.aside, self.made) = (0, 0);
        keeps_to_known
    }
}

impl Tdfa {
    /// Lays a comb of the transitions that are known, in place of the one that is there; none if there is no room.
    #[cold]
    pub(super) fn lay_comb(&self, cache: &mut Cache) {
        let stride = self.stride();
        if stride > usize::from(u8::MAX) {
            // There are more classes than can be told apart.
            return;
        }
        let Cache { table, states, .. } = cache;
        let before = std::mem::take(&mut cache.comb);
        // What it leaves behind are numbers of states of which nothing is known and to which nothing leads.
        table[before.cells()].fill(FREE);
        let rows: Vec<Vec<usize>> = table.chunks(stride).map(known).collect();
        let mut begins = overlap(&rows);
        let mut width = width_of(&begins, stride);
        if cache.bytes + CELL_BYTES * width > self.bound {
            begins.fill(None);
            width = 0;
        }

        let begin = table.len();
        let mut own = vec![0; width];
        for (id, place) in begins.iter().enumerate() {
            let row = (id * stride) as u32;
            states.of(id).entrance = place.map_or(row, |place| (begin + place) as u32);
            place.iter().for_each(|place| own[*place] = row);
        }
        table.resize(begin + width, FREE);
        (0..width / stride).for_each(|_| states.push_gap());
        cache.bytes += CELL_BYTES * width;

        // Now all ways lead into it.
        let redirect = |row: &mut u32| {
            if *row < SPECIAL {
                *row = states.entrance(before.own_row(*row) as usize / stride);
            }
        };
        for (id, classes) in rows.iter().enumerate() {
            let entrance = states.entrance(id) as usize;
            for class in classes {
                let mut word = table[id * stride + class];
                let mut next = word as u32;
                redirect(&mut next);
                word = word >> 32 << 32 | u64::from(next);
                (table[id * stride + class], table[entrance + class]) = (word, word);
            }
        }
        for edge in &mut cache.edges {
            redirect(&mut edge.next);
        }
        for chain in &mut cache.chains {
            redirect(&mut chain.next);
        }
        cache.start.iter_mut().for_each(redirect);
        cache.comb = Comb {
            begin: begin as u32,
            own,
            laid: before.laid + 1,
            ..Comb::default()
        };
    }
}

/// What a cell of a comb takes.
const CELL_BYTES: usize = size_of::<u64>() + size_of::<u32>();

/// The classes for which a row says where they lead.
fn known(row: &[u64]) -> Vec<usize> {
    let is_known = |class: &usize| row[*class] as u32 != UNKNOWN;
    (0..row.len()).filter(is_known).collect()
}

/// Where each row with these teeth, ascending, may begin so that no two teeth are in one cell and no two rows begin at the
/// same; none for empty rows, and for all from the first one on that has no room.
fn overlap(rows: &[Vec<usize>]) -> Vec<Option<usize>> {
    let (mut is_used, mut is_begin) = (vec![false; MAX_CELLS], vec![false; MAX_CELLS]);
    let mut begins = vec![None; rows.len()];
    let mut end = 0_usize;
    for (row, place) in rows.iter().zip(&mut begins) {
        let (Some(first), Some(last)) = (row.first(), row.last()) else {
            continue;
        };
        let from = end.saturating_sub(first + LOOKED_BACK);
        let fits =
            |begin: &usize| !is_begin[*begin] && row.iter().all(|tooth| !is_used[begin + tooth]);
        let Some(begin) = (from..MAX_CELLS.saturating_sub(*last)).find(fits) else {
            break;
        };
        row.iter().for_each(|tooth| is_used[begin + tooth] = true);
        is_begin[begin] = true;
        end = end.max(begin + last + 1);
        *place = Some(begin);
    }
    begins
}

/// How many cells rows of `stride` take that begin there; as many rows as are whole, for each state has one.
fn width_of(begins: &[Option<usize>], stride: usize) -> usize {
    let last = begins.iter().flatten().max();
    last.map_or(0, |last| (last + stride).next_multiple_of(stride))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        /// A cell and a class tell the row, whatever rows there are.
        #[test]
        fn rows_that_overlap_share_neither_a_cell_nor_their_beginning(
            rows in prop::collection::vec(prop::collection::btree_set(0..40_usize, 0..12), 0..60)
        ) {
            let rows: Vec<Vec<usize>> = rows.into_iter().map(|row| row.into_iter().collect()).collect();
            let begins = overlap(&rows);
            prop_assert_eq!(begins.len(), rows.len());
            let (mut cells, mut firsts) = (BTreeSet::new(), BTreeSet::new());
            for (row, begin) in rows.iter().zip(begins) {
                prop_assert_eq!(begin.is_none(), row.is_empty());
                let Some(begin) = begin else { continue };
                prop_assert!(firsts.insert(begin));
                for tooth in row {
                    prop_assert!(cells.insert(begin + tooth));
                }
            }
        }
    }

    #[test]
    fn rows_with_one_tooth_leave_no_gap_and_only_so_many_have_room() {
        let rows = vec![vec![7]; MAX_CELLS + 100];
        let begins = overlap(&rows);
        let room = MAX_CELLS - 7;
        assert!(
            begins[..room]
                .iter()
                .enumerate()
                .all(|(place, begin)| *begin == Some(place))
        );
        assert!(begins[room..].iter().all(Option::is_none));
    }

    #[test]
    fn a_comb_is_due_when_texts_keep_to_known_ways() {
        let mut comb = Comb::default();
        comb.read(PATIENCE - 1);
        assert!(!comb.is_due());
        comb.read(1);
        assert!(comb.is_due());
        assert!(!comb.is_due(), "another look after as many letters");
        comb.read(PATIENCE);
        (0..=PATIENCE / KNOWN).for_each(|_| comb.make());
        assert!(!comb.is_due(), "too many were new");
        comb.read(PATIENCE);
        assert!(comb.is_due(), "those before count no more");
    }

    #[test]
    fn another_comb_is_due_when_texts_have_left_it_long_enough() {
        let mut comb = Comb {
            own: vec![0],
            laid: 1,
            ..Comb::default()
        };
        comb.read(10 * PATIENCE);
        assert!(!comb.is_due(), "where they are read in it");
        (1..2 * PATIENCE / LEAVING).for_each(|_| comb.leave());
        assert!(!comb.is_due());
        comb.leave();
        assert!(comb.is_due());
    }
}
