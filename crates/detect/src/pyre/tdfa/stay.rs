//! Staying in one state: most letters of a long text change nothing.

use super::Tdfa;
use super::cache::{Cache, Edge, NOTHING, UNKNOWN};
use super::closure::{Kind, Leaf};
use crate::pyre::run::{RUN_CLASSES, Run};

/// States with more places than this are not tried for runs.
const MAX_RUN_PLACES: usize = 16;

impl Tdfa {
    /// The state at `row` stays as it is over one more class. When enough do, it is tried for a run; whether the transition
    /// over that class was made with it.
    pub(super) fn stays(&self, cache: &mut Cache, row: u32, class: usize) -> bool {
        let known = &mut cache.states.of(row as usize / self.stride()).stays;
        *known = known.saturating_add(1);
        if *known != RUN_CLASSES {
            return false;
        }
        self.run(cache, row);
        cache.table[row as usize + class] as u32 != UNKNOWN
    }

    /// Makes a run of the staying in the state at `row`, if it is one and nobody tried before.
    pub(super) fn try_run(&self, cache: &mut Cache, row: u32) {
        let known = &mut cache.states.of(row as usize / self.stride()).stays;
        if std::mem::replace(known, RUN_CLASSES) < RUN_CLASSES {
            self.run(cache, row);
        }
    }

    /// Gives all classes for which the state at `row` stays as it is one edge that skips to the first letter of another
    /// class, if few letters end it. Only the letter after one that was walked takes that edge.
    fn run(&self, cache: &mut Cache, row: u32) {
        let id = row as usize / self.stride();
        if cache.states.places(id).len() > MAX_RUN_PLACES {
            return;
        }
        let stays = self.staying(cache, id);
        let Some(run) = Run::of(&self.classes, self.letters, &stays) else {
            return;
        };
        cache.bytes += 32;
        cache.runs.push(run);
        let run = cache.runs.len() as u32 - 1;
        let next = cache.entrance(self, row);
        let edge = cache.edge(Edge {
            next,
            copies: (0, 0),
            record: NOTHING,
            run,
            chain: NOTHING,
        });
        for (class, _) in stays.iter().enumerate().filter(|(_, stay)| **stay) {
            cache.put(self, row, class, edge);
        }
    }

    /// For each class whether the state with this number stays as it is over its letters: the same places in the same
    /// order, with the same registers. Where it matches, the match before the letter that ends the stay is the one that
    /// counts.
    fn staying(&self, cache: &mut Cache, id: usize) -> Vec<bool> {
        let Cache {
            states, closure, ..
        } = cache;
        let (places, registers) = (states.places(id), states.registers(id));
        let of = |index: usize| &registers[index * self.tags..(index + 1) * self.tags];
        let mut leaves = Vec::new();
        let looked_at = closure.of(&self.places, places, false, |Leaf { index, tags, kind }| {
            if let Kind::Letters { from, to } = kind {
                leaves.push((index, tags, from, to));
            }
            true
        });
        cache.work += looked_at + leaves.len() * self.end_class();
        let stays = |class: usize| {
            let Some(letter) = self.classes.representative(class) else {
                return false;
            };
            let mut next = 0;
            for &(index, tags, from, to) in &leaves {
                let Some(place) = self.places.over(letter, from, to) else {
                    continue;
                };
                if places.get(next) == Some(&place) && tags == 0 && of(index) == of(next) {
                    next += 1;
                } else if !places[..next].contains(&place) {
                    // A thread of lower priority dies where another is.
                    return false;
                }
            }
            next == places.len()
        };
        (0..self.end_class()).map(stays).collect()
    }
}
