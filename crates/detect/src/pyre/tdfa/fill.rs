//! Making a transition when a text needs it.

use super::cache::{Cache, DEAD, Edge, IDLE, NOTHING, RegistersFull, Run, word};
use super::{NONE, NOW, Tdfa};

/// States with more places than this are not tried for runs.
const MAX_RUN_PLACES: usize = 16;
/// Runs that nearly every letter ends are not worth their test.
const MAX_RUN_EXITS: usize = 200;

impl Tdfa {
    /// The row of the start state.
    pub(super) fn start(&self, cache: &mut Cache) -> Result<u32, RegistersFull> {
        if let Some(row) = cache.start {
            return Ok(row);
        }
        let place = self.nfa.start_anchored().as_u32();
        let (row, _) = cache.intern(self, vec![place], vec![NONE; self.tags])?;
        cache.start = Some(row);
        Ok(row)
    }

    /// Makes the transition of the state at `row` over `class`.
    pub(super) fn fill(
        &self,
        cache: &mut Cache,
        row: u32,
        class: usize,
    ) -> Result<(), RegistersFull> {
        cache.made += 1;
        let stepped = self.step(cache, row, class);
        let mut edge = Edge {
            next: DEAD,
            copies: (0, 0),
            record: NOTHING,
            run: NOTHING,
        };
        if let Some(record) = stepped.record {
            edge.record = cache.records.len() as u32;
            cache.bytes += 48 + record.registers.len() + 4 * record.patterns.len();
            cache.records.push(record);
        }
        let made = if stepped.places.is_empty() {
            if edge.record == NOTHING {
                word(DEAD, 0)
            } else {
                cache.edge(edge)
            }
        } else {
            let (next, copies) = cache.intern(self, stepped.places, stepped.values)?;
            (edge.next, edge.copies) = (next, copies);
            let stays = next == row && copies.0 == copies.1 && edge.record == NOTHING;
            if stays && self.run(cache, row, class) {
                return Ok(());
            }
            match pack(&cache.copies[copies.0 as usize..copies.1 as usize]) {
                Some(work) if edge.record == NOTHING => word(next, work),
                _ => cache.edge(edge),
            }
        };
        cache.table[row as usize + class] = made;
        Ok(())
    }

    /// The state at `row` stays as it is over `seen`. Gives all classes for which that holds one edge that skips to the
    /// first letter of another class. Only the second letter of a run takes that edge.
    fn run(&self, cache: &mut Cache, row: u32, seen: usize) -> bool {
        let id = row as usize / self.stride();
        if cache.states[id].places.len() > MAX_RUN_PLACES {
            return false;
        }
        let mut stays = vec![false; self.end_class()];
        for (class, stay) in stays.iter_mut().enumerate() {
            let stepped = self.step(cache, row, class);
            let state = &cache.states[id];
            *stay = stepped.record.is_none()
                && stepped.places[..] == state.places[..]
                && stepped.values[..] == state.registers[..];
        }
        let exits: Vec<u8> = (0..self.letters.min(256))
            .map(|letter| letter as u8)
            .filter(|&letter| !stays[usize::from(self.class_of[usize::from(letter)])])
            .collect();
        // The caller counts on the transition over `seen` being made.
        if !stays[seen] || exits.len() > MAX_RUN_EXITS {
            return false;
        }
        cache.bytes += 32 + if exits.len() > 3 { 256 } else { 0 };
        cache.runs.push(Run::new(&exits));
        let run = cache.runs.len() as u32 - 1;
        let edge = cache.edge(Edge {
            next: row,
            copies: (0, 0),
            record: NOTHING,
            run,
        });
        for (class, _) in stays.iter().enumerate().filter(|(_, stay)| **stay) {
            cache.table[row as usize + class] = edge;
        }
        true
    }
}

/// Copies as the high half of a word: at most one from a register, which comes first, and one of the position.
fn pack(copies: &[(u8, u8)]) -> Option<u32> {
    let (mut work, mut positions, mut others) = (IDLE, 0, 0);
    for &(to, from) in copies {
        if from == NOW {
            positions += 1;
            work = work & !0xFF | u32::from(to);
        } else {
            others += 1;
            work = work & 0xFF | u32::from(to) << 8 | u32::from(from) << 16;
        }
    }
    (positions <= 1 && others <= 1).then_some(work)
}
