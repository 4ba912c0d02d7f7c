//! Where a search stands after the beginning of a text.
//!
//! What comes of a search after some letters depends on them only by the state that they lead to and by what its
//! registers hold. Where two beginnings leave both alike, the same letters behind them have the same matches: groups that
//! begin behind the beginning are as far behind it, and groups that begin in it are where they were.

use super::cache::{Cache, DEAD, Edge, NOTHING, SPECIAL, UNKNOWN};
use super::{Found, NONE, Tdfa, UNSET};
use crate::pyre::alphabet::{ByteSet, has, insert};

/// A state, and what the registers hold that its threads may still report.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    row: u32,
    era: u32,
    cells: Vec<(u8, u32)>,
    usual: Option<Usual>,
}

/// The usual way there: the first letter leads to a state that all others keep until one comes, which leads there.
///
/// In the start state no register is set, so after one letter all that are hold the position of that letter, which is 0,
/// whatever it was. Letters that keep a state leave the registers alone. So where nothing else than 0 was noted, all
/// beginnings that go this way have set the registers alike. Those that keep it may be any, above ASCII too.
#[derive(Clone, Copy, Debug)]
struct Usual {
    /// The letters that are known to lead to that state.
    firsts: ByteSet,
    until: u8,
}

impl Standing {
    /// How many letters at the beginning of a text lead there in the usual way, if the first ones do that.
    #[inline]
    pub(crate) fn usual_head(&self, text: &[u8]) -> Option<usize> {
        let Usual { firsts, until } = self.usual.as_ref()?;
        let (first, rest) = text.split_first()?;
        if !has(firsts, *first) {
            return None;
        }
        Some(memchr::memchr(*until, rest)? + 2)
    }
}

impl Tdfa {
    /// Notes where a search stands after `head`; false if that is not known.
    pub(in crate::pyre) fn note(
        &self,
        cache: &mut Cache,
        head: &[u8],
        standing: &mut Standing,
    ) -> bool {
        let (usual, era) = (self.usual(cache, head), cache.era);
        let Some(row) = self.after(cache, head) else {
            return false;
        };
        (standing.row, standing.era) = (row, cache.era);
        let cells = &mut standing.cells;
        cells.clear();
        for &register in cache.states.registers(row as usize / self.stride()) {
            let cell = (register, cache.cells[usize::from(register)]);
            if register != NONE && !cells.contains(&cell) {
                cells.push(cell);
            }
        }
        let is_usual = era == cache.era && cells.iter().all(|(_, value)| *value == 0);
        standing.usual = usual.filter(|_| is_usual);
        true
    }

    /// How a search comes behind `head`, if that is by waiting for its last letter.
    fn usual(&self, cache: &mut Cache, head: &[u8]) -> Option<Usual> {
        let (&until, front) = head.split_last().filter(|(_, front)| !front.is_empty())?;
        let row = self.after(cache, front)?;
        self.try_run(cache, row);
        let mut classes = 0..self.end_class();
        let waits = |edge: &Edge| {
            let run = cache.runs.get(edge.run as usize);
            run.is_some_and(|run| run.is_until(until))
        };
        if !classes.any(|class| cache.edge_at(row, class).is_some_and(waits)) {
            return None;
        }
        let mut firsts = ByteSet::default();
        let start = cache.comb.own_row(cache.start?);
        let leads = |letter: &u8| cache.plain_next(start, self.classes.of(*letter)) == Some(row);
        let letters = (0..=0x7f).filter(leads);
        letters.for_each(|letter| insert(&mut firsts, letter));
        Some(Usual { firsts, until })
    }

    /// Whether a search stands there after `head` as well.
    pub(in crate::pyre) fn stands(
        &self,
        cache: &mut Cache,
        head: &[u8],
        standing: &Standing,
    ) -> bool {
        if standing.usual_head(head) == Some(head.len()) {
            return true;
        }
        if self.after(cache, head) != Some(standing.row) || cache.era != standing.era {
            return false;
        }
        let holds = |&(register, value): &(u8, u32)| cache.cells[usize::from(register)] == value;
        standing.cells.iter().all(holds)
    }

    /// The own row of the state after `head`, if a search gets through it without a match.
    fn after(&self, cache: &mut Cache, head: &[u8]) -> Option<u32> {
        cache.cells[usize::from(NONE)] = UNSET;
        let start = self.start(cache).ok()?;
        let mut mark = 0;
        let (found, at, row) = self.follow::<false>(cache, head, start, &mut mark);
        cache.pace.read(at - mark);
        let is_through = found == Found::Nothing && at == head.len();
        is_through.then(|| cache.comb.own_row(row))
    }
}

impl Cache {
    /// The edge of the state at `row` over `class`, if that was made and is one.
    fn edge_at(&self, row: u32, class: usize) -> Option<&Edge> {
        let target = self.table[row as usize + class] as u32;
        let is_edge = target >= SPECIAL && target != UNKNOWN && target != DEAD;
        is_edge.then(|| &self.edges[(target & !SPECIAL) as usize])
    }

    /// The own row that a letter of `class` leads to from `row` without a match, if that is known.
    fn plain_next(&self, row: u32, class: usize) -> Option<u32> {
        let target = self.table[row as usize + class] as u32;
        if target < SPECIAL {
            return Some(self.comb.own_row(target));
        }
        let edge = self.edge_at(row, class)?;
        let is_plain = edge.record == NOTHING && edge.next != DEAD;
        is_plain.then(|| self.comb.own_row(edge.next))
    }
}
