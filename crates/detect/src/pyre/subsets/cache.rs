//! The states and transitions that were needed so far.

use super::Subsets;
use super::fill::Ways;
use super::heads::Heads;
use crate::hash::QuickMap;
use crate::pyre::pace::Pace;
use crate::pyre::run::Run;

/// A transition is one word: the row of the next state, or the index of an edge with this bit, or one of the others.
pub(super) const SPECIAL: u32 = 1 << 31;
pub(super) const UNKNOWN: u32 = u32::MAX;
pub(super) const DEAD: u32 = u32::MAX - 1;
/// No index.
pub(super) const NOTHING: u32 = u32::MAX;

/// A transition that does more than a word can say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    /// A row or `DEAD`.
    pub(super) next: u32,
    /// A range of `Cache::hits`.
    pub(super) hits: (u32, u32),
    /// An index into `Cache::runs`, or `NOTHING`.
    pub(super) run: u32,
}

#[derive(Debug)]
pub(super) struct SubsetState {
    /// Ascending.
    pub(super) places: Box<[u32]>,
    /// For how many classes it is known that they stay here.
    pub(super) stays: u8,
}

/// Patterns that are searched for together.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) patterns: Box<[u32]>,
    /// The row of their start state, once it was made.
    pub(super) row: Option<u32>,
}

/// The mutable part: one per thread. Grows with what the texts need, up to the automaton's bound.
#[derive(Debug, Default)]
pub(in crate::pyre) struct Cache {
    pub(super) table: Vec<u32>,
    pub(super) states: Vec<SubsetState>,
    pub(super) ids: QuickMap<Box<[u32]>, u32>,
    pub(super) edges: Vec<Edge>,
    /// Patterns that edges found.
    pub(super) hits: Vec<u32>,
    pub(super) runs: Vec<Run>,
    pub(super) selections: Vec<Selection>,
    pub(super) heads: Heads,
    pub(super) ways: Ways,
    pub(super) pace: Pace,
    pub(super) bytes: usize,
    /// The row of the state in which the last text ended.
    pub(super) last: Option<u32>,
    pub(super) silent_after: Option<usize>,
    /// Places looked at by the last search, to make transitions.
    pub(super) work: usize,
    pub(super) steps: usize,
}

impl Cache {
    /// What the last search took: a step for each letter, and one for each place looked at to make transitions.
    pub(in crate::pyre) fn steps(&self) -> usize {
        self.steps
    }

    /// If the last search found nothing, after how many letters that was certain; at most one more than it read.
    pub(in crate::pyre) fn silent_after(&self) -> Option<usize> {
        self.silent_after
    }

    /// The number of a selection of patterns, for searches.
    pub(in crate::pyre) fn select(&mut self, patterns: impl Iterator<Item = u32>) -> usize {
        self.selections.push(Selection {
            patterns: patterns.collect(),
            row: None,
        });
        self.selections.len() - 1
    }

    /// Makes the numbers of all selections invalid.
    pub(in crate::pyre) fn forget_selections(&mut self) {
        self.selections.clear();
    }

    /// The row of the state with these places.
    pub(super) fn intern(&mut self, subsets: &Subsets, places: Vec<u32>) -> u32 {
        if let Some(&id) = self.ids.get(&places[..]) {
            return id * subsets.stride() as u32;
        }
        let id = self.states.len() as u32;
        let places: Box<[u32]> = places.into();
        self.bytes += 4 * subsets.stride() + 2 * (4 * places.len() + size_of::<Box<[u32]>>()) + 16;
        self.table
            .resize(self.table.len() + subsets.stride(), UNKNOWN);
        self.states.push(SubsetState {
            places: places.clone(),
            stays: 0,
        });
        self.ids.insert(places, id);
        id * subsets.stride() as u32
    }

    pub(super) fn edge(&mut self, edge: Edge) -> u32 {
        self.bytes += size_of::<Edge>() + 4 * (edge.hits.1 - edge.hits.0) as usize;
        self.edges.push(edge);
        SPECIAL | (self.edges.len() as u32 - 1)
    }

    /// Empties the cache but for the state of `row`; returns its new row.
    pub(super) fn clear(&mut self, subsets: &Subsets, row: u32) -> u32 {
        let state = self.states.swap_remove(row as usize / subsets.stride());
        self.table.clear();
        self.states.clear();
        self.ids.clear();
        self.edges.clear();
        self.hits.clear();
        self.runs.clear();
        self.heads.forget();
        self.selections
            .iter_mut()
            .for_each(|selection| selection.row = None);
        self.bytes = 0;
        self.intern(subsets, state.places.into_vec())
    }
}
