//! Searching with an automaton: the letters of the text go through it once.
//!
//! The tagged automaton answers nearly always; where it gives up (no registers left, a cache that thrashes), the Pike
//! machine answers on the same nondeterministic automaton, slower and with the same result.

use super::alphabet::{Alphabet, Encoded};
use super::code::{Source, Unsupported, compile};
use super::product;
use super::tdfa::{self, Found, Mode, Tdfa};
use regex_automata::Input;
use regex_automata::nfa::thompson::NFA;
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::util::primitives::NonMaxUsize;

/// One or several patterns as one automaton; the first pattern that matches anywhere wins.
#[derive(Debug)]
pub(super) struct Linear {
    alphabet: Alphabet,
    pike: PikeVM,
    tagged: Option<Tdfa>,
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
    text: Encoded,
    tagged: tdfa::Cache,
    pike: Option<Box<(pikevm::Cache, Vec<Option<NonMaxUsize>>)>>,
}

impl Linear {
    /// Builds the automaton of `sources`, which have `groups` groups each (with the whole match). `bound` limits the
    /// bytes of a cache.
    pub(super) fn new(
        sources: &[Source<'_>],
        groups: &[usize],
        bound: usize,
    ) -> Result<Self, Unsupported> {
        let (nfa, alphabet) = automaton(sources)?;
        let tagged = Tdfa::new(&nfa, alphabet.letters(), Mode::First, bound);
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
            tagged,
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
            text: encoded,
            tagged,
            pike,
        } = cache;
        let letters = self.alphabet.letters_of(text, encoded);
        let found = match &self.tagged {
            Some(automaton) => automaton.search(tagged, letters),
            None => Found::GaveUp,
        };
        // Slot 2i is the start of the i-th reported group, slot 2i+1 its end.
        match found {
            Found::Nothing => None,
            Found::Pattern(pattern) => {
                if let Some(slots) = slots {
                    self.report(pattern, |slot| tagged.tag(slot), encoded, text, slots);
                }
                Some(pattern)
            }
            Found::GaveUp => {
                let (machine, found) = &mut **pike
                    .get_or_insert_with(|| Box::new((self.pike.create_cache(), Vec::new())));
                let info = self.pike.get_nfa().group_info();
                found.clear();
                found.resize(if slots.is_some() { info.slot_len() } else { 0 }, None);
                let pattern = self
                    .pike
                    .search_slots(machine, &Input::new(letters), found)?;
                if let Some(slots) = slots {
                    let at = |slot: usize| {
                        let (start, end) = info.slots(pattern, slot / 2)?;
                        Some(found[if slot % 2 == 0 { start } else { end }]?.get())
                    };
                    self.report(pattern.as_usize(), at, encoded, text, slots);
                }
                Some(pattern.as_usize())
            }
        }
    }

    fn report(
        &self,
        pattern: usize,
        at: impl Fn(usize) -> Option<usize>,
        encoded: &Encoded,
        text: &str,
        slots: &mut Vec<Option<usize>>,
    ) {
        let groups = &self.patterns[pattern];
        slots.clear();
        slots.resize(2 * groups.total, None);
        let ascii = text.is_ascii();
        let position = |at: usize| if ascii { at } else { encoded.offsets[at] };
        for (index, group) in std::iter::once(0)
            .chain(groups.reported.iter().copied())
            .enumerate()
        {
            // A group counts only when both its ends are known.
            if let (Some(start), Some(end)) = (at(2 * index), at(2 * index + 1)) {
                (slots[2 * group], slots[2 * group + 1]) =
                    (Some(position(start)), Some(position(end)));
            }
        }
    }
}

/// The nondeterministic automaton of `sources`.
fn automaton(sources: &[Source<'_>]) -> Result<(NFA, Alphabet), Unsupported> {
    let (code, alphabet) = compile(sources)?;
    let counts: Vec<usize> = sources
        .iter()
        .map(|source| source.reported.len() + 1)
        .collect();
    Ok((product::build(&code, &counts)?, alphabet))
}

/// Which of several patterns match anywhere, without their groups.
#[derive(Debug)]
pub(super) struct Gate {
    alphabet: Alphabet,
    tagged: Tdfa,
    pike: PikeVM,
}

impl Gate {
    /// Builds the automaton of `sources`; `bound` limits the bytes of a cache.
    pub(super) fn new(sources: &[Source<'_>], bound: usize) -> Result<Self, Unsupported> {
        let (nfa, alphabet) = automaton(sources)?;
        let failed = "the automaton could not be built";
        let tagged = Tdfa::new(&nfa, alphabet.letters(), Mode::All, bound).ok_or(failed)?;
        let pike = PikeVM::builder()
            .configure(PikeVM::config().match_kind(regex_automata::MatchKind::All))
            .build_from_nfa(nfa)
            .map_err(|_| failed)?;
        Ok(Self {
            alphabet,
            tagged,
            pike,
        })
    }

    /// Calls `hit` for every pattern that matches, in ascending order.
    pub(super) fn search(&self, cache: &mut Cache, text: &str, mut hit: impl FnMut(usize)) {
        let Cache {
            text: encoded,
            tagged,
            pike,
        } = cache;
        let letters = self.alphabet.letters_of(text, encoded);
        if self.tagged.search(tagged, letters) != Found::GaveUp {
            return tagged.hits().for_each(hit);
        }
        let (machine, _) =
            &mut **pike.get_or_insert_with(|| Box::new((self.pike.create_cache(), Vec::new())));
        let mut found = regex_automata::PatternSet::new(self.pike.get_nfa().pattern_len());
        self.pike
            .which_overlapping_matches(machine, &Input::new(letters), &mut found);
        found.iter().for_each(|pattern| hit(pattern.as_usize()));
    }
}
