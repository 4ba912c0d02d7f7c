//! The states and transitions that were needed so far.

use super::{CELLS, NONE, NOW, SPARE, Tdfa, UNSET};
use crate::hash::QuickMap;
use crate::pyre::pace::Pace;
use crate::pyre::run::Run;
use crate::pyre::seen::Seen;

/// A transition is one word. The low half is the row of the next state, or one of these. The high half is the register
/// work of a plain transition: a cell to set to the position, a cell to copy to and one to copy from, those of `IDLE`
/// where there is none; 0 if there is nothing to do at all.
pub(super) const SPECIAL: u32 = 1 << 31;
pub(super) const UNKNOWN: u32 = u32::MAX;
pub(super) const DEAD: u32 = u32::MAX - 1;
pub(super) const IDLE: u32 = NOW as u32 | (SPARE as u32) << 8 | (NONE as u32) << 16;
/// No index.
pub(super) const NOTHING: u32 = u32::MAX;

pub(super) fn word(next: u32, work: u32) -> u64 {
    u64::from(next) | u64::from(work) << 32
}

/// A transition that does more than a word can say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// A row or `DEAD`.
    pub(super) next: u32,
    /// A range of `Cache::copies`.
    pub(super) copies: (u32, u32),
    /// An index into `Cache::records`, or `NOTHING`.
    pub(super) record: u32,
    /// An index into `Cache::runs`, or `NOTHING`.
    pub(super) run: u32,
    /// An index into `Cache::chains`, or `NOTHING`.
    pub(super) chain: u32,
}

/// Letters that must come next, and the row after them.
#[derive(Debug)]
pub(super) struct Chain {
    pub(super) letters: Box<[u8]>,
    pub(super) next: u32,
}

#[derive(Debug)]
pub(super) struct DfaState {
    pub(super) places: Box<[u32]>,
    /// One register per place and tag.
    pub(super) registers: Box<[u8]>,
    /// An index into `Cache::chains` or `NOTHING`, once it was looked for.
    pub(super) chain: Option<u32>,
    /// It is known whether staying here is a run.
    pub(super) run_tried: bool,
}

/// What a match means: its pattern, and the groups that took part.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) pattern: u32,
    pub(super) spans: Box<[Span]>,
}

/// The registers that hold where a group began and ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    group: u8,
    start: u8,
    end: u8,
}

impl Record {
    /// A match that leaves its tags in these registers, two for each group.
    pub(super) fn new(pattern: u32, registers: impl IntoIterator<Item = u8>) -> Self {
        let registers: Vec<u8> = registers.into_iter().collect();
        let (pairs, _) = registers.as_chunks::<2>();
        let span = |(group, &[start, end]): (usize, &[u8; 2])| Span {
            group: group as u8,
            start,
            end,
        };
        // Most groups of a list of patterns are those of others.
        let took_part = |span: &Span| span.start != NONE && span.end != NONE;
        let spans = pairs.iter().enumerate().map(span).filter(took_part);
        Self {
            pattern,
            spans: spans.collect(),
        }
    }
}

/// Where a group began and ended.
pub(super) type Spanned = (u8, u32, u32);

impl Span {
    #[inline]
    pub(super) fn read(self, cells: &[u32; CELLS]) -> Spanned {
        let cell = |register: u8| cells[usize::from(register) % CELLS];
        (self.group, cell(self.start), cell(self.end))
    }
}

/// The mutable part: one per thread. Grows with what the texts need, up to the automaton's bound.
#[derive(Debug)]
pub(crate) struct Cache {
    pub(super) table: Vec<u64>,
    pub(super) states: Vec<DfaState>,
    pub(super) ids: QuickMap<Box<[u32]>, u32>,
    pub(super) edges: Vec<Edge>,
    pub(super) copies: Vec<(u8, u8)>,
    pub(super) records: Vec<Record>,
    pub(super) runs: Vec<Run>,
    pub(super) chains: Vec<Chain>,
    pub(super) start: Option<u32>,
    pub(super) seen: Seen,
    pub(super) bytes: usize,
    /// How often it was emptied: rows of different eras are not to be compared.
    pub(super) era: u32,
    pub(super) pace: Pace,
    /// Where the letter stood after which the answer of the last search was known; the length of the text for its end.
    pub(super) decided_at: usize,
    /// Places looked at by the last search, to make transitions.
    pub(super) work: usize,
    /// See [`Cache::steps`].
    pub(super) steps: usize,
    pub(super) cells: [u32; CELLS],
    /// The record of the last match, if its tags are in the registers still.
    pub(super) standing: Option<u32>,
    /// Else its groups: the search went on, and used the registers for others.
    pub(super) found: Vec<Spanned>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            table: Vec::new(),
            states: Vec::new(),
            ids: QuickMap::default(),
            edges: Vec::new(),
            copies: Vec::new(),
            records: Vec::new(),
            runs: Vec::new(),
            chains: Vec::new(),
            start: None,
            seen: Seen::default(),
            bytes: 0,
            era: 0,
            pace: Pace::default(),
            decided_at: 0,
            work: 0,
            steps: 0,
            cells: [UNSET; CELLS],
            standing: None,
            found: Vec::new(),
        }
    }
}

/// All registers are in use.
#[derive(Debug)]
pub(super) struct RegistersFull;

impl Cache {
    /// Calls `each` with every group of the last match, by its number, and where it began and ended; left out are those
    /// of which one of both is not known.
    pub(in crate::pyre) fn each_span(&self, mut each: impl FnMut(usize, usize, usize)) {
        let mut take = |(group, start, end): Spanned| {
            if start != UNSET && end != UNSET {
                each(usize::from(group), start as usize, end as usize);
            }
        };
        match self.standing {
            Some(record) => {
                let spans = &self.records[record as usize].spans;
                spans.iter().for_each(|span| take(span.read(&self.cells)));
            }
            None => self.found.iter().copied().for_each(take),
        }
    }

    /// Where the letter stood after which the answer of the last search was known; the length of the text for its end.
    pub(in crate::pyre) fn decided_at(&self) -> usize {
        self.decided_at
    }

    /// What the last search took: a step for each letter, and one for each place looked at to make transitions.
    ///
    /// Letters are not counted on the way: where the search ended says how many there were.
    pub(in crate::pyre) fn steps(&self) -> usize {
        self.steps
    }

    /// Transitions made since the cache was last emptied.
    #[cfg(test)]
    pub(in crate::pyre) fn made(&self) -> usize {
        self.pace.made()
    }

    /// Finds or makes the state of `places`, whose tags are in the registers `values`; returns its row and the range of
    /// copies that lead into it.
    pub(super) fn intern(
        &mut self,
        tdfa: &Tdfa,
        places: Vec<u32>,
        values: Vec<u8>,
    ) -> Result<(u32, (u32, u32)), RegistersFull> {
        let key = key(&places, &values);
        let mut moves: Vec<(u8, u8)> = Vec::new();
        let id = match self.ids.get(&key[..]) {
            Some(&id) => {
                for (&to, &from) in self.states[id as usize].registers.iter().zip(&values) {
                    if to != from && !moves.contains(&(to, from)) {
                        moves.push((to, from));
                    }
                }
                id
            }
            None => {
                // A new state leaves the values where they are and puts the present position into a free register.
                let mut registers = values;
                if registers.contains(&NOW) {
                    let free = (0..SPARE)
                        .find(|register| !registers.contains(register))
                        .ok_or(RegistersFull)?;
                    registers
                        .iter_mut()
                        .filter(|register| **register == NOW)
                        .for_each(|register| *register = free);
                    moves.push((free, NOW));
                }
                self.add(tdfa, key, places, registers)
            }
        };
        let from = self.copies.len() as u32;
        order(moves, &mut self.copies);
        self.bytes += 2 * (self.copies.len() - from as usize);
        Ok((id * tdfa.stride() as u32, (from, self.copies.len() as u32)))
    }

    fn add(&mut self, tdfa: &Tdfa, key: Vec<u32>, places: Vec<u32>, registers: Vec<u8>) -> u32 {
        let id = self.states.len() as u32;
        self.bytes += 8 * tdfa.stride()
            + size_of::<DfaState>()
            + 32
            + 4 * (places.len() + key.len())
            + registers.len();
        self.table
            .resize(self.table.len() + tdfa.stride(), word(UNKNOWN, 0));
        self.states.push(DfaState {
            places: places.into(),
            registers: registers.into(),
            chain: None,
            run_tried: false,
        });
        self.ids.insert(key.into(), id);
        id
    }

    pub(super) fn edge(&mut self, edge: Edge) -> u64 {
        self.bytes += size_of::<Edge>();
        self.edges.push(edge);
        word(SPECIAL | (self.edges.len() as u32 - 1), 0)
    }

    /// Empties the cache but for the state of `row`, whose registers stay where they are; returns its new row.
    pub(super) fn clear(&mut self, tdfa: &Tdfa, row: u32) -> u32 {
        let state = self.states.swap_remove(row as usize / tdfa.stride());
        self.table.clear();
        self.states.clear();
        self.ids.clear();
        self.edges.clear();
        self.copies.clear();
        self.records.clear();
        self.runs.clear();
        self.chains.clear();
        self.start = None;
        self.bytes = 0;
        self.era = self.era.wrapping_add(1);
        let key = key(&state.places, &state.registers);
        let id = self.add(
            tdfa,
            key,
            state.places.into_vec(),
            state.registers.into_vec(),
        );
        id * tdfa.stride() as u32
    }
}

/// What makes two states one: their places, and which registers are equal (numbered by first occurrence).
fn key(places: &[u32], values: &[u8]) -> Vec<u32> {
    let mut names = [u8::MAX; CELLS];
    names[usize::from(NONE)] = NONE;
    let mut next = 0;
    let mut key = Vec::with_capacity(1 + places.len() + values.len().div_ceil(4));
    key.push(places.len() as u32);
    key.extend_from_slice(places);
    for four in values.chunks(4) {
        let mut packed = 0;
        for &value in four {
            let name = &mut names[usize::from(value)];
            if *name == u8::MAX {
                *name = next;
                next += 1;
            }
            packed = packed << 8 | u32::from(*name);
        }
        key.push(packed);
    }
    key
}

/// Puts copies that are meant to happen at once into an order in which they can happen one after the other.
fn order(mut moves: Vec<(u8, u8)>, into: &mut Vec<(u8, u8)>) {
    while let Some(&(first, _)) = moves.first() {
        let free = (0..moves.len()).find(|&index| {
            moves
                .iter()
                .enumerate()
                .all(|(other, &(_, from))| other == index || from != moves[index].0)
        });
        match free {
            Some(index) => into.push(moves.remove(index)),
            None => {
                // Only cycles are left: one value steps aside.
                into.push((SPARE, first));
                moves
                    .iter_mut()
                    .filter(|(_, from)| *from == first)
                    .for_each(|(_, from)| *from = SPARE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Copies in order do what all of them at once would do, whatever cycles they form.
        #[test]
        fn ordered_copies_are_copies_at_once(sources in prop::collection::vec(0..8_u8, 8)) {
            let moves: Vec<(u8, u8)> = (0..8).zip(sources.iter().copied()).filter(|(to, from)| to != from).collect();
            let mut ordered = Vec::new();
            order(moves, &mut ordered);
            let mut cells: Vec<usize> = (0..CELLS).collect();
            for (to, from) in ordered {
                cells[usize::from(to)] = cells[usize::from(from)];
            }
            let expected: Vec<usize> = sources.iter().map(|&from| usize::from(from)).collect();
            prop_assert_eq!(&cells[..8], &expected[..]);
        }
    }
}
