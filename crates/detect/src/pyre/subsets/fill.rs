//! Making a transition when a text needs it.

use super::Subsets;
use super::cache::{Cache, DEAD, Edge, NOTHING, UNKNOWN};
use crate::pyre::pace::OF_SEVERAL;
use crate::pyre::places::Place;
use crate::pyre::run::{RUN_CLASSES, Run};
use crate::pyre::seen::Seen;

/// States with more places than this are not tried for runs: a bit for each.
const MAX_RUN_PLACES: usize = 64;

/// What a transition leads to.
struct Stepped {
    /// Ascending.
    places: Vec<u32>,
    /// The patterns that match before the letter.
    hits: Vec<u32>,
}

/// Where the places of a state lead through all that takes no letter; its memory serves for the next.
#[derive(Debug, Default)]
pub(super) struct Ways {
    seen: Seen,
    stack: Vec<u32>,
    /// Transitions over letters.
    letters: Vec<(u32, u32)>,
    /// Patterns that match there.
    hits: Vec<u32>,
}

impl Subsets {
    /// The row of the start state of a selection.
    pub(super) fn start(&self, cache: &mut Cache, selection: usize) -> u32 {
        let Some(selected) = cache.selections.get(selection) else {
            return cache.intern(self, Vec::new());
        };
        if let Some(row) = selected.row {
            return row;
        }
        let mut places: Vec<u32> = selected
            .patterns
            .iter()
            .map(|&pattern| self.places.start_of(pattern))
            .collect();
        places.sort_unstable();
        let row = cache.intern(self, places);
        cache.selections[selection].row = Some(row);
        row
    }

    /// Makes the transition of the state at `row` over `class`.
    pub(super) fn fill(&self, cache: &mut Cache, row: u32, class: usize) {
        cache.pace.make(OF_SEVERAL);
        let stepped = self.step(cache, row, class);
        let first = cache.hits.len() as u32;
        cache.hits.extend(&stepped.hits);
        let mut edge = Edge {
            next: DEAD,
            hits: (first, cache.hits.len() as u32),
            run: NOTHING,
        };
        if !stepped.places.is_empty() {
            edge.next = cache.intern(self, stepped.places);
        }
        let is_plain = stepped.hits.is_empty();
        if edge.next == row && is_plain && self.stays(cache, row, class) {
            return;
        }
        let word = if is_plain {
            edge.next
        } else {
            cache.edge(edge)
        };
        cache.table[row as usize + class] = word;
    }

    /// The state at `row` stays as it is over `class`, as it does over others. When enough do, all classes for which that
    /// holds get one edge that skips to the first letter of another class, if few letters end it. Only the letter after one
    /// that was walked takes that edge. Whether the transition over `class` was made so.
    fn stays(&self, cache: &mut Cache, row: u32, class: usize) -> bool {
        let state = &mut cache.states[row as usize / self.stride()];
        state.stays = state.stays.saturating_add(1);
        if state.stays != RUN_CLASSES || state.places.len() > MAX_RUN_PLACES {
            return false;
        }
        let stays = self.staying(cache, row);
        let Some(run) = Run::of(&self.classes, self.letters, &stays) else {
            return false;
        };
        cache.bytes += 32;
        cache.runs.push(run);
        let run = cache.runs.len() as u32 - 1;
        let word = cache.edge(Edge {
            next: row,
            hits: (0, 0),
            run,
        });
        for (class, _) in stays.iter().enumerate().filter(|(_, stay)| **stay) {
            cache.table[row as usize + class] = word;
        }
        cache.table[row as usize + class] != UNKNOWN
    }

    /// For each class whether the state at `row` stays as it is over its letters. What matches before one of them matches
    /// before all, so that nothing does.
    fn staying(&self, cache: &mut Cache, row: u32) -> Vec<bool> {
        self.follow(cache, row, false);
        let (places, ways) = (
            &cache.states[row as usize / self.stride()].places,
            &cache.ways,
        );
        cache.work += ways.letters.len() * self.classes.count();
        let all = u64::MAX >> (MAX_RUN_PLACES - places.len());
        let stays = |class: usize| {
            let Some(letter) = self.classes.representative(class) else {
                return false;
            };
            let mut met = 0;
            for &(from, to) in &ways.letters {
                let Some(place) = self.places.over(letter, from, to) else {
                    continue;
                };
                let Ok(index) = places.binary_search(&place) else {
                    return false;
                };
                met |= 1 << index;
            }
            met == all
        };
        (0..self.classes.count()).map(stays).collect()
    }

    /// Follows the state at `row` over a letter of `class`.
    fn step(&self, cache: &mut Cache, row: u32, class: usize) -> Stepped {
        let letter = self.classes.representative(class);
        self.follow(cache, row, letter.is_none());
        let over = |&(from, to): &(u32, u32)| self.places.over(letter?, from, to);
        let mut places: Vec<u32> = cache.ways.letters.iter().filter_map(over).collect();
        places.sort_unstable();
        places.dedup();
        let mut hits = cache.ways.hits.clone();
        hits.sort_unstable();
        hits.dedup();
        if !hits.is_empty() {
            let found = |place: &u32| hits.binary_search(&self.places.pattern_of(*place));
            places.retain(|place| found(place).is_err());
        }
        Stepped { places, hits }
    }

    /// Finds the ways from the places of the state at `row`.
    fn follow(&self, cache: &mut Cache, row: u32, at_end: bool) {
        let Cache {
            states, ways, work, ..
        } = cache;
        let Ways {
            seen,
            stack,
            letters,
            hits,
        } = ways;
        seen.begin(self.places.len());
        letters.clear();
        hits.clear();
        stack.extend_from_slice(&states[row as usize / self.stride()].places);
        while let Some(at) = stack.pop() {
            *work += 1;
            if !seen.is_new(at) {
                continue;
            }
            match self.places.place(at) {
                Place::Letters { from, to } => letters.push((from, to)),
                Place::Fork { from, to } => stack.extend(self.places.targets(from, to)),
                Place::Tag { next, .. } => stack.push(next),
                Place::End { next } if at_end => stack.push(next),
                Place::End { .. } | Place::Fail => {}
                Place::Match { pattern } => hits.push(pattern),
            }
        }
    }
}
