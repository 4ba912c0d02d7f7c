//! Searching with an automaton: the letters of the text go through it once.

use super::alphabet::{Alphabet, Encoded};
use super::code::{Source, Unsupported, compile};
use super::product;
use regex_automata::Input;
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::util::primitives::NonMaxUsize;

/// One or several patterns as one automaton; the first pattern that matches anywhere wins.
#[derive(Debug)]
pub(super) struct Linear {
    alphabet: Alphabet,
    pike: PikeVM,
    patterns: Box<[Groups]>,
}

/// How the slots of a pattern's automaton become those of its groups.
#[derive(Debug)]
struct Groups {
    /// All groups, with the whole match.
    total: usize,
    reported: Box<[usize]>,
}

#[derive(Debug, Default)]
pub(super) struct Cache {
    encoded: Encoded,
    pike: Option<pikevm::Cache>,
    slots: Vec<Option<NonMaxUsize>>,
}

impl Linear {
    /// Builds the automaton of `sources`, which have `groups` groups each (with the whole match).
    pub(super) fn new(sources: &[Source<'_>], groups: &[usize]) -> Result<Self, Unsupported> {
        let (code, alphabet) = compile(sources)?;
        let counts: Vec<usize> = sources
            .iter()
            .map(|source| source.reported.len() + 1)
            .collect();
        let nfa = product::build(&code, &counts)?;
        let pike = PikeVM::new_from_nfa(nfa).map_err(|_| "the automaton could not be built")?;
        let patterns = sources
            .iter()
            .zip(groups)
            .map(|(source, &total)| Groups {
                total,
                reported: source.reported.into(),
            })
            .collect();
        Ok(Self {
            alphabet,
            pike,
            patterns,
        })
    }

    /// The pattern that matches; fills `slots` with its groups if they are asked for.
    pub(super) fn search(
        &self,
        cache: &mut Cache,
        text: &str,
        slots: Option<&mut Vec<Option<usize>>>,
    ) -> Option<usize> {
        let Cache {
            encoded,
            pike,
            slots: found,
        } = cache;
        let pike = pike.get_or_insert_with(|| self.pike.create_cache());
        let ascii = text.is_ascii();
        if !ascii {
            self.alphabet.encode(text, encoded);
        }
        let letters = if ascii {
            text.as_bytes()
        } else {
            &encoded.bytes
        };
        let info = self.pike.get_nfa().group_info();
        found.clear();
        if slots.is_some() {
            found.resize(info.slot_len(), None);
        }
        let pattern = self.pike.search_slots(pike, &Input::new(letters), found)?;
        let Some(slots) = slots else {
            return Some(pattern.as_usize());
        };
        let groups = &self.patterns[pattern.as_usize()];
        slots.clear();
        slots.resize(2 * groups.total, None);
        let position = |slot: Option<NonMaxUsize>| {
            slot.map(|at| {
                if ascii {
                    at.get()
                } else {
                    encoded.offsets[at.get()]
                }
            })
        };
        for (index, group) in std::iter::once(0)
            .chain(groups.reported.iter().copied())
            .enumerate()
        {
            let Some((start, end)) = info.slots(pattern, index) else {
                continue;
            };
            // A group counts only when both its ends are known.
            if let (Some(start), Some(end)) = (position(found[start]), position(found[end])) {
                (slots[2 * group], slots[2 * group + 1]) = (Some(start), Some(end));
            }
        }
        Some(pattern.as_usize())
    }
}
