//! A lazy tagged automaton: the exact leftmost-first match with its groups, in one pass over the letters.
//!
//! A state is an *ordered* list of places in the nondeterministic automaton (those the last letter led to; the order is
//! the priority), each with one register per tag, a tag being the start or the end of a group. A transition follows
//! the places through all that consumes nothing, knowing the letter to come, so a tag is only written for threads that
//! survive that letter. States that differ only in the names of their registers are one state, and the renaming
//! becomes copies on the transition, nearly always none. States and transitions are made when first needed.
//!
//! Nothing here can fail to answer: when registers run out, or ever new states cost more than another way, the caller is
//! told to ask another engine. What is in the cache never changes an answer.

mod cache;
mod closure;
mod comb;
mod fill;
mod search;
mod standing;
mod stay;
mod step;

pub(super) use cache::Cache;
pub(crate) use standing::Standing;

use super::byte_classes::ByteClasses;
use super::places::Places;
use regex_automata::nfa::thompson::NFA;

/// Most tags of a pattern: one bit each in a mask.
const MAX_TAGS: usize = 64;
/// Cells of the register file: positions, then three with fixed uses.
const CELLS: usize = 64;
/// Breaks cycles of copies.
const SPARE: u8 = 61;
/// Never set.
const NONE: u8 = 62;
/// The position before the letter of the transition at hand.
const NOW: u8 = 63;
/// The value of a register that was not set.
const UNSET: u32 = u32::MAX;

/// The immutable part; shared by threads.
#[derive(Debug)]
pub(super) struct Tdfa {
    places: Places,
    classes: ByteClasses,
    /// Bytes from here on are no letters.
    letters: u16,
    /// Tags of every place in a state.
    tags: usize,
    /// Bytes of transitions and states after which the cache is emptied.
    bound: usize,
    /// It follows several patterns.
    is_of_several: bool,
}

/// What came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The pattern with this index.
    Pattern(usize),
    Nothing,
    /// Ask another engine.
    GaveUp,
}

impl Tdfa {
    /// The automaton over `nfas`, one per pattern, in order of priority. Their text has letters below `letters`; `None`
    /// when a pattern has too many groups.
    pub(super) fn new(nfas: &[NFA], letters: u16, bound: usize) -> Option<Self> {
        let tags = nfas
            .iter()
            .map(|nfa| nfa.group_info().slot_len())
            .max()
            .unwrap_or(0);
        if tags > MAX_TAGS {
            return None;
        }
        let places = Places::new(nfas, tags);
        Some(Self {
            classes: places.classes(),
            places,
            letters,
            tags,
            bound,
            is_of_several: nfas.len() > 1,
        })
    }

    /// The class that stands for the end of the text.
    fn end_class(&self) -> usize {
        self.classes.count()
    }

    /// Entries of a state in the table.
    fn stride(&self) -> usize {
        self.classes.count() + 1
    }
}
