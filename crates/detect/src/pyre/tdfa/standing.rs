//! Where a search stands after the beginning of a text.
//!
//! What comes of a search after some letters depends on them only by the state that they lead to and by what its
//! registers hold. Where two beginnings leave both alike, the same letters behind them have the same matches: groups that
//! begin behind the beginning are as far behind it, and groups that begin in it are where they were.

use super::cache::Cache;
use super::{Found, NONE, Tdfa, UNSET};

/// A state, and what the registers hold that its threads may still report.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    row: u32,
    era: u32,
    cells: Vec<(u8, u32)>,
}

impl Tdfa {
    /// Notes where a search stands after `head`; false if that is not known.
    pub(in crate::pyre) fn note(
        &self,
        cache: &mut Cache,
        head: &[u8],
        standing: &mut Standing,
    ) -> bool {
        let Some(row) = self.after(cache, head) else {
            return false;
        };
        (standing.row, standing.era) = (row, cache.era);
        let cells = &mut standing.cells;
        cells.clear();
        let state = &cache.states[row as usize / self.stride()];
        for &register in &state.registers {
            let cell = (register, cache.cells[usize::from(register)]);
            if register != NONE && !cells.contains(&cell) {
                cells.push(cell);
            }
        }
        true
    }

    /// Whether a search stands there after `head` as well.
    pub(in crate::pyre) fn stands(
        &self,
        cache: &mut Cache,
        head: &[u8],
        standing: &Standing,
    ) -> bool {
        if self.after(cache, head) != Some(standing.row) || cache.era != standing.era {
            return false;
        }
        let holds = |&(register, value): &(u8, u32)| cache.cells[usize::from(register)] == value;
        standing.cells.iter().all(holds)
    }

    /// The row of the state after `head`, if a search gets through it without a match.
    fn after(&self, cache: &mut Cache, head: &[u8]) -> Option<u32> {
        cache.cells[usize::from(NONE)] = UNSET;
        let mut row = self.start(cache).ok()?;
        let mut mark = 0;
        let (found, at) = self.follow::<false>(cache, head, &mut row, &mut mark);
        cache.pace.read(at - mark);
        (found == Found::Nothing && at == head.len()).then_some(row)
    }
}
