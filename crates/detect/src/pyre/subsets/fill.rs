//! Making a transition when a text needs it.

use super::Subsets;
use super::cache::{Cache, DEAD, Edge, NOTHING};
use crate::pyre::pace::OF_SEVERAL;
use crate::pyre::places::Place;
use crate::pyre::run::Run;

/// States with more places than this are not tried for runs.
const MAX_RUN_PLACES: usize = 64;

/// What a transition leads to.
struct Stepped {
    /// Ascending.
    places: Vec<u32>,
    /// The patterns that match before the letter.
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
        if edge.next == row && is_plain && self.run(cache, row, class) {
            return;
        }
        let word = if is_plain {
            edge.next
        } else {
            cache.edge(edge)
        };
        cache.table[row as usize + class] = word;
    }

    /// The state at `row` stays as it is over `seen`. Gives all classes for which that holds one edge that skips to the
    /// first letter of another class. Only the second letter of a run takes that edge.
    fn run(&self, cache: &mut Cache, row: u32, seen: usize) -> bool {
        let id = row as usize / self.stride();
        let state = &mut cache.states[id];
        let was_tried = std::mem::replace(&mut state.run_tried, true);
        if was_tried || state.places.len() > MAX_RUN_PLACES {
            return false;
        }
        let mut stays = vec![false; self.classes.count()];
        for (class, stay) in stays.iter_mut().enumerate() {
            let stepped = self.step(cache, row, class);
            *stay = stepped.hits.is_empty() && stepped.places[..] == cache.states[id].places[..];
        }
        // The caller counts on the transition over `seen` being made; at the end of a text nothing stays.
        if !stays.get(seen).is_some_and(|&stays| stays) {
            return false;
        }
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
        true
    }

    /// Follows the state at `row` over a letter of `class`.
    fn step(&self, cache: &mut Cache, row: u32, class: usize) -> Stepped {
        let letter = self.classes.representative(class);
        let Cache {
            states, seen, work, ..
        } = cache;
        let mut out = Stepped {
            places: Vec::new(),
            hits: Vec::new(),
        };
        seen.begin(self.places.len());
        let mut stack: Vec<u32> = states[row as usize / self.stride()].places.to_vec();
        while let Some(at) = stack.pop() {
            *work += 1;
            if !seen.is_new(at) {
                continue;
            }
            match self.places.place(at) {
                Place::Letters { from, to } => {
                    let next = letter.and_then(|letter| self.places.over(letter, from, to));
                    out.places.extend(next);
                }
                Place::Fork { from, to } => stack.extend(self.places.targets(from, to)),
                Place::Tag { next, .. } => stack.push(next),
                Place::End { next } if letter.is_none() => stack.push(next),
                Place::End { .. } | Place::Fail => {}
                Place::Match { pattern } => out.hits.push(pattern),
            }
        }
        out.hits.sort_unstable();
        out.hits.dedup();
        out.places.sort_unstable();
        out.places.dedup();
        if !out.hits.is_empty() {
            let found = |place: &u32| out.hits.binary_search(&self.places.pattern_of(*place));
            out.places.retain(|place| found(place).is_err());
        }
        out
    }
}
