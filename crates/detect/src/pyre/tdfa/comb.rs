//! The transitions that texts take, close together.
//!
//! The row of a state has a cell for each class of letters, and texts need one or two of them: so each letter of a line is
//! looked up in another line of the processor's cache, and a log of some thirty kinds of lines needs more of them than the
//! first cache holds. Therefore once texts keep to ways that are known, all transitions made so far are copied into a
//! *comb*: rows that overlap as combs do whose teeth stand in each other's gaps. Each word bears the class that it is for.
//! Who looks for another class than he finds goes on from the state's own row, which stays as it is.
//!
//! Nothing comes out that would not without it: a comb is a copy, and no two of its rows begin at the same cell, so that a
//! cell and a class tell the state.

use std::ops::Range;

use super::Tdfa;
use super::cache::{Cache, SPECIAL, UNKNOWN};

/// Letters after which it is seen whether texts keep to known ways; and half of those that have to be read between two
/// combs. In the tests of this crate a few, or their short texts would meet none.
const PATIENCE: usize = if cfg!(test) { 16 } else { 1 << 16 };
/// They do if no more than one of so many letters took a transition that had to be made.
const KNOWN: usize = if cfg!(test) { 0 } else { 128 };
/// Leaving the comb takes as long as so many letters.
const LEAVING: usize = 16;
/// Most cells of a comb: what the first cache holds.
const MAX_CELLS: usize = 4_096;
/// Gaps among the last so many cells are looked at: rows fill those before with few teeth soon, and with many never.
const LOOKED_BACK: usize = 128;

/// A cell that no row uses.
pub(super) const FREE: u64 = 0xFF << 56 | UNKNOWN as u64;

/// Where the comb is, and what tells that there should be a new one.
#[derive(Debug)]
pub(super) struct Comb {
    /// Its cells in the table.
    cells: Range<u32>,
    /// For each of them the own row of the state whose row in the comb begins there.
    own: Vec<u32>,
    /// Letters that were read outside of it, or as many as that was worth, and how many there may be.
    aside: usize,
    patience: usize,
    /// Transitions made meanwhile.
    made: usize,
}

impl Default for Comb {
    fn default() -> Self {
        Self {
            cells: 0..0,
            own: Vec::new(),
            aside: 0,
            patience: PATIENCE,
            made: 0,
        }
    }
}

impl Comb {
    fn cells(&self) -> Range<usize> {
        self.cells.start as usize..self.cells.end as usize
    }

    /// The own row of the state whose row this is.
    pub(super) fn own_row(&self, row: u32) -> u32 {
        match self.cells.contains(&row) {
            true => self.own[(row - self.cells.start) as usize],
            false => row,
        }
    }

    /// So many letters were read.
    pub(super) fn read(&mut self, letters: usize) {
        if self.cells.is_empty() {
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
        if self.aside < self.patience {
            return false;
        }
        let (aside, made) = (
            std::mem::take(&mut self.aside),
            std::mem::take(&mut self.made),
        );
        made * KNOWN <= aside
    }
}

impl Tdfa {
    /// Lays a comb of the transitions that are known, in place of the one that is there.
    #[cold]
    pub(super) fn lay_comb(&self, cache: &mut Cache) {
        let stride = self.stride();
        if stride > usize::from(u8::MAX) {
            // There are more classes than can be told apart.
            return;
        }
        let Cache { table, states, .. } = cache;
        let patience = 2 * cache.comb.patience;
        let before = std::mem::take(&mut cache.comb);
        // What it leaves behind are numbers of states of which nothing is known and to which nothing leads.
        table[before.cells()].fill(FREE);
        let rows: Vec<Vec<usize>> = table.chunks(stride).map(known).collect();
        let begins = overlap(&rows);

        let begin = table.len();
        let width = begins
            .iter()
            .flatten()
            .max()
            .map_or(0, |last| last + stride);
        let width = width.next_multiple_of(stride);
        let mut own = vec![0; width];
        for (id, place) in begins.iter().enumerate() {
            let row = (id * stride) as u32;
            states.of(id).entrance = place.map_or(row, |place| (begin + place) as u32);
            place.iter().for_each(|place| own[*place] = row);
        }
        table.resize(begin + width, FREE);
        (0..width / stride).for_each(|_| states.push_gap());

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
        cache
            .edges
            .iter_mut()
            .for_each(|edge| redirect(&mut edge.next));
        cache
            .chains
            .iter_mut()
            .for_each(|chain| redirect(&mut chain.next));
        cache.start.iter_mut().for_each(redirect);
        cache.bytes += (size_of::<u64>() + size_of::<u32>()) * width;
        cache.comb = Comb {
            cells: begin as u32..(begin + width) as u32,
            own,
            patience,
            ..Comb::default()
        };
    }
}

/// The classes for which a row says where they lead.
fn known(row: &[u64]) -> Vec<usize> {
    let is_known = |class: &usize| row[*class] as u32 != UNKNOWN;
    (0..row.len()).filter(is_known).collect()
}

/// Where each row with these teeth, ascending, may begin so that no two teeth are in one cell and no two rows begin at the
/// same; none for empty rows, and for the last ones where they have no room.
fn overlap(rows: &[Vec<usize>]) -> Vec<Option<usize>> {
    let (mut is_used, mut is_begin) = (vec![false; MAX_CELLS], vec![false; MAX_CELLS]);
    let mut end = 0_usize;
    let place = |row: &Vec<usize>| {
        let (first, last) = (row.first()?, row.last()?);
        let from = end.saturating_sub(first + LOOKED_BACK);
        let fits =
            |begin: &usize| !is_begin[*begin] && row.iter().all(|tooth| !is_used[begin + tooth]);
        let begin = (from..MAX_CELLS.saturating_sub(*last)).find(fits)?;
        row.iter().for_each(|tooth| is_used[begin + tooth] = true);
        is_begin[begin] = true;
        end = end.max(begin + last + 1);
        Some(begin)
    };
    rows.iter().map(place).collect()
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
    }
}
