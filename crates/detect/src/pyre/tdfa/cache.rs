//! The states and transitions that were needed so far.

use super::closure::Closure;
use super::comb::{Comb, FREE};
use super::step::Stepped;
use super::{CELLS, NONE, NOW, SPARE, Tdfa, UNSET};
use crate::hash::QuickMap;
use crate::pyre::pace::Pace;
use crate::pyre::run::Run;

/// A transition is one word. The low half is the row of the next state, or one of these. The high half is the register
/// work of a plain transition: a cell to set to the position, a cell to copy to and one to copy from, those of `IDLE`
/// where there is none; 0 if there is nothing to do at all. The highest byte is the tag of its class.
pub(super) const SPECIAL: u32 = 1 << 31;
pub(super) const UNKNOWN: u32 = u32::MAX;
pub(super) const DEAD: u32 = u32::MAX - 1;
pub(super) const IDLE: u32 = NOW as u32 | (SPARE as u32) << 8 | (NONE as u32) << 16;
/// No index.
pub(super) const NOTHING: u32 = u32::MAX;

pub(super) fn word(next: u32, work: u32) -> u64 {
    u64::from(next) | u64::from(work) << 32
}

/// What is in the words for letters of this class, and in no others of a [`Comb`].
pub(super) fn tag(class: usize) -> u64 {
    (class as u64) << 56
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

/// The states, by their number.
#[derive(Debug, Default)]
pub(super) struct States {
    all: Vec<DfaState>,
    /// The places of each state, one after the other.
    places: Vec<u32>,
    /// One register for each place and tag.
    registers: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct DfaState {
    /// Where its places end, and its registers.
    places: usize,
    registers: usize,
    /// An index into `Cache::chains` or `NOTHING`, once it was looked for.
    pub(super) chain: Option<u32>,
    /// For how many classes it is known that they stay here; as many as it takes where it was tried for a run.
    pub(super) stays: u8,
    /// The row that transitions lead to: its own, or the one in the comb.
    pub(super) entrance: u32,
}

impl States {
    pub(super) fn places(&self, id: usize) -> &[u32] {
        let start = id
            .checked_sub(1)
            .map_or(0, |before| self.all[before].places);
        &self.places[start..self.all[id].places]
    }

    pub(super) fn registers(&self, id: usize) -> &[u8] {
        let start = id
            .checked_sub(1)
            .map_or(0, |before| self.all[before].registers);
        &self.registers[start..self.all[id].registers]
    }

    pub(super) fn of(&mut self, id: usize) -> &mut DfaState {
        &mut self.all[id]
    }

    /// The row that transitions lead to.
    pub(super) fn entrance(&self, id: usize) -> u32 {
        self.all[id].entrance
    }

    /// Passes over a number, whose row is in use for a comb.
    pub(super) fn push_gap(&mut self) {
        self.push(&[], &[], NOTHING);
    }

    fn push(&mut self, places: &[u32], registers: &[u8], entrance: u32) {
        self.places.extend_from_slice(places);
        self.registers.extend_from_slice(registers);
        self.all.push(DfaState {
            places: self.places.len(),
            registers: self.registers.len(),
            chain: None,
            stays: 0,
            entrance,
        });
    }

    fn clear(&mut self) {
        self.all.clear();
        self.places.clear();
        self.registers.clear();
    }
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
    pub(super) fn new(pattern: u32, registers: &[u8]) -> Self {
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
    pub(super) states: States,
    pub(super) ids: QuickMap<Box<[u32]>, u32>,
    pub(super) edges: Vec<Edge>,
    pub(super) copies: Vec<(u8, u8)>,
    pub(super) records: Vec<Record>,
    pub(super) runs: Vec<Run>,
    pub(super) chains: Vec<Chain>,
    pub(super) start: Option<u32>,
    pub(super) comb: Comb,
    pub(super) closure: Closure,
    /// The transition that is being made, and what names its state.
    pub(super) stepped: Stepped,
    key: Vec<u32>,
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
            states: States::default(),
            ids: QuickMap::default(),
            edges: Vec::new(),
            copies: Vec::new(),
            records: Vec::new(),
            runs: Vec::new(),
            chains: Vec::new(),
            start: None,
            comb: Comb::default(),
            closure: Closure::default(),
            stepped: Stepped::default(),
            key: Vec::new(),
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

    /// What its transitions and states take.
    #[cfg(test)]
    pub(in crate::pyre) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Transitions made since the cache was last emptied.
    #[cfg(test)]
    pub(in crate::pyre) fn made(&self) -> usize {
        let comb = self.comb.cells();
        let is_made = |cell: &usize| self.table[*cell] as u32 != UNKNOWN && !comb.contains(cell);
        (0..self.table.len()).filter(is_made).count()
    }

    /// Finds or makes the state of `places`, whose tags are in the registers `values`; returns its row and the range of
    /// copies that lead into it.
    pub(super) fn intern(
        &mut self,
        tdfa: &Tdfa,
        places: &[u32],
        values: &[u8],
    ) -> Result<(u32, (u32, u32)), RegistersFull> {
        write_key(places, values, &mut self.key);
        let mut moves: Vec<(u8, u8)> = Vec::new();
        let id = match self.ids.get(&self.key[..]) {
            Some(&id) => {
                for (&to, &from) in self.states.registers(id as usize).iter().zip(values) {
                    if to != from && !moves.contains(&(to, from)) {
                        moves.push((to, from));
                    }
                }
                id
            }
            // A new state leaves the values where they are and puts the present position into a free register.
            None if values.contains(&NOW) => {
                let used = values.iter().fold(0, |used, &value| used | 1_u64 << value);
                let free = used.trailing_ones() as u8;
                if free >= SPARE {
                    return Err(RegistersFull);
                }
                moves.push((free, NOW));
                let kept = |value: &u8| if *value == NOW { free } else { *value };
                let registers: Vec<u8> = values.iter().map(kept).collect();
                self.add(tdfa, places, &registers)
            }
            None => self.add(tdfa, places, values),
        };
        let from = self.copies.len() as u32;
        order(moves, &mut self.copies);
        self.bytes += 2 * (self.copies.len() - from as usize);
        Ok((id * tdfa.stride() as u32, (from, self.copies.len() as u32)))
    }

    /// Adds a state, whose key was written.
    fn add(&mut self, tdfa: &Tdfa, places: &[u32], registers: &[u8]) -> u32 {
        let id = self.states.all.len() as u32;
        self.bytes += 8 * tdfa.stride()
            + size_of::<DfaState>()
            + 32
            + 4 * (places.len() + self.key.len())
            + registers.len();
        self.table
            .resize(self.table.len() + tdfa.stride(), word(UNKNOWN, 0));
        let row = id * tdfa.stride() as u32;
        self.states.push(places, registers, row);
        self.ids.insert(self.key[..].into(), id);
        id
    }

    /// Puts a transition of the state at its own `row` where it belongs.
    pub(super) fn put(&mut self, tdfa: &Tdfa, row: u32, class: usize, word: u64) {
        let word = word | tag(class);
        self.table[row as usize + class] = word;
        let entrance = self.entrance(tdfa, row) as usize;
        let cell = &mut self.table[entrance + class];
        // In a comb it may be that of another state.
        if *cell == FREE || *cell >> 56 == word >> 56 {
            *cell = word;
        }
    }

    /// The row that transitions to the state at its own `row` lead to.
    pub(super) fn entrance(&self, tdfa: &Tdfa, row: u32) -> u32 {
        self.states.entrance(row as usize / tdfa.stride())
    }

    pub(super) fn edge(&mut self, edge: Edge) -> u64 {
        self.bytes += size_of::<Edge>();
        self.edges.push(edge);
        word(SPECIAL | (self.edges.len() as u32 - 1), 0)
    }

    /// Empties the cache but for the state of `row`, whose registers stay where they are; returns its new row.
    pub(super) fn clear(&mut self, tdfa: &Tdfa, row: u32) -> u32 {
        let id = row as usize / tdfa.stride();
        let places = self.states.places(id).to_vec();
        let registers = self.states.registers(id).to_vec();
        self.table.clear();
        self.states.clear();
        self.ids.clear();
        self.edges.clear();
        self.copies.clear();
        self.records.clear();
        self.runs.clear();
        self.chains.clear();
        self.start = None;
        self.comb = Comb::default();
        self.bytes = 0;
        self.era = self.era.wrapping_add(1);
        write_key(&places, &registers, &mut self.key);
        let id = self.add(tdfa, &places, &registers);
        id * tdfa.stride() as u32
    }
}

/// What makes two states one: their places, and which registers are equal (numbered by first occurrence).
fn write_key(places: &[u32], values: &[u8], key: &mut Vec<u32>) {
    let mut names = [u8::MAX; CELLS];
    names[usize::from(NONE)] = NONE;
    let mut next = 0;
    key.clear();
    key.push(places.len() as u32);
    key.extend_from_slice(places);
    for four in values.chunks(4) {
        // Most threads are in no group.
        if *four == [NONE; 4] {
            key.push(u32::from_ne_bytes([NONE; 4]));
            continue;
        }
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
