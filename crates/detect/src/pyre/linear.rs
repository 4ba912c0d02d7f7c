//! Searching with an automaton: the letters of the text go through it once.
//!
//! The tagged automaton answers nearly always; where it gives up (no registers left, ever new states of many places), the
//! Pike machine answers on the same nondeterministic automaton, slower and with the same result. Before that an automaton
//! without tags is asked whether there is any match at all: it has far fewer states, and what makes the other give up is
//! most often a line that someone made up, in which there is none.

use super::alphabet::{Alphabet, Encoded, is_ascii};
use super::code::{Source, Unsupported, compile};
use super::product;
use super::subsets::{self, Subsets};
use super::tdfa::{self, Found, Standing, Tdfa};
use regex_automata::Input;
use regex_automata::nfa::thompson::NFA;
use regex_automata::nfa::thompson::pikevm::{self, PikeVM};
use regex_automata::util::primitives::NonMaxUsize;
use std::sync::OnceLock;

/// One or several patterns as one automaton; the first pattern that matches anywhere wins.
#[derive(Debug)]
pub(super) struct Linear {
    alphabet: Alphabet,
    /// Missing for several patterns, whose slots would take megabytes.
    pike: Option<PikeVM>,
    tagged: Option<Tdfa>,
    /// The same without tags, built when it is asked for first, which is seldom.
    plain: OnceLock<Subsets>,
    /// Bytes of a cache, at most.
    bound: usize,
    patterns: Box<[Groups]>,
}

/// How the slots of a pattern's automaton become those of its groups.
#[derive(Debug)]
struct Groups {
    /// All groups, with the whole match.
    total: usize,
    /// The whole match and the groups with a name.
    reported: Box<[usize]>,
}

#[derive(Debug, Default)]
pub(super) struct Cache {
    text: Encoded,
    /// See [`super::Cache::deciding_bytes`].
    pub(super) deciding_bytes: Option<usize>,
    /// See [`super::Cache::steps`].
    pub(super) steps: usize,
    tagged: tdfa::Cache,
    plain: Option<Box<(subsets::Cache, usize)>>,
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
        let (mut nfas, alphabet) = automata(sources)?;
        let tagged = Tdfa::new(&nfas, alphabet.letters(), bound);
        let pike = match (nfas.pop(), sources.len()) {
            (Some(nfa), 1) => {
                Some(PikeVM::new_from_nfa(nfa).map_err(|_| "the automaton could not be built")?)
            }
            _ => None,
        };
        let patterns = sources
            .iter()
            .zip(groups)
            .map(|(source, &total)| Groups {
                total,
                reported: std::iter::once(0)
                    .chain(source.reported.iter().copied())
                    .collect(),
            })
            .collect();
        Ok(Self {
            alphabet,
            pike,
            tagged,
            plain: OnceLock::new(),
            bound,
            patterns,
        })
    }

    /// The pattern that matches; fills `slots` with its groups if they are asked for. A single pattern is never given up.
    pub(super) fn search(
        &self,
        cache: &mut Cache,
        text: &str,
        slots: Option<&mut Vec<Option<usize>>>,
    ) -> Found {
        let Cache {
            text: encoded,
            deciding_bytes,
            steps,
            tagged,
            plain,
            pike,
        } = cache;
        let ascii = is_ascii(text.as_bytes());
        let letters = if ascii {
            text.as_bytes()
        } else {
            self.alphabet.letters_of(text, encoded)
        };
        let found = match &self.tagged {
            Some(automaton) => automaton.search(tagged, letters),
            None => Found::GaveUp,
        };
        *steps = tagged.steps();
        let decided_at = tagged.decided_at();
        // Up to the first that is none, letters are bytes.
        let are_bytes = || ascii || is_ascii(&text.as_bytes()[..=decided_at]);
        let known = found != Found::GaveUp && decided_at < letters.len() && are_bytes();
        *deciding_bytes = known.then_some(decided_at + 1);
        // Slot 2i is the start of the i-th reported group, slot 2i+1 its end.
        match (found, &self.pike) {
            (Found::Pattern(pattern), _) => {
                if let Some(slots) = slots {
                    let mut report = self.report(pattern, (!ascii).then_some(&*encoded), slots);
                    tagged.each_span(|group, start, end| report.take(group, start, end));
                }
                found
            }
            (Found::GaveUp, Some(machine)) => {
                let (plain, selection) = &mut **plain.get_or_insert_with(|| {
                    let mut cache = subsets::Cache::default();
                    let selection = cache.select(std::iter::once(0));
                    Box::new((cache, selection))
                });
                let mut hits = Vec::new();
                let searched = self
                    .plain(machine)
                    .search(plain, *selection, letters, b"", &mut hits);
                *steps += plain.steps();
                if searched.is_ok() && hits.is_empty() {
                    return Found::Nothing;
                }
                // Each letter meets each place at most once.
                *steps += letters.len() * machine.get_nfa().states().len();
                let (cache, found) = &mut **pike
                    .get_or_insert_with(|| Box::new((machine.create_cache(), Vec::new())));
                let info = machine.get_nfa().group_info();
                found.clear();
                found.resize(if slots.is_some() { info.slot_len() } else { 0 }, None);
                let Some(pattern) = machine.search_slots(cache, &Input::new(letters), found) else {
                    return Found::Nothing;
                };
                if let Some(slots) = slots {
                    let encoded = (!ascii).then_some(&*encoded);
                    let mut report = self.report(pattern.as_usize(), encoded, slots);
                    for group in 0..info.group_len(pattern) {
                        let at = |slot: usize| found[slot].map(NonMaxUsize::get);
                        let span = info.slots(pattern, group);
                        if let Some((start, end)) =
                            span.and_then(|(start, end)| at(start).zip(at(end)))
                        {
                            report.take(group, start, end);
                        }
                    }
                }
                Found::Pattern(pattern.as_usize())
            }
            _ => found,
        }
    }

    /// The automaton without tags.
    fn plain(&self, machine: &PikeVM) -> &Subsets {
        self.plain.get_or_init(|| {
            let nfas = std::slice::from_ref(machine.get_nfa());
            Subsets::new(nfas, self.alphabet.letters(), self.bound)
        })
    }

    /// See [`super::Regex::note`].
    pub(super) fn note(&self, cache: &mut Cache, head: &str, standing: &mut Standing) -> bool {
        let noted = |automaton: &Tdfa| automaton.note(&mut cache.tagged, head.as_bytes(), standing);
        is_ascii(head.as_bytes()) && self.tagged.as_ref().is_some_and(noted)
    }

    /// See [`super::Regex::stands`].
    pub(super) fn stands(&self, cache: &mut Cache, head: &str, standing: &Standing) -> bool {
        let stands =
            |automaton: &Tdfa| automaton.stands(&mut cache.tagged, head.as_bytes(), standing);
        is_ascii(head.as_bytes()) && self.tagged.as_ref().is_some_and(stands)
    }

    /// Makes `slots` be for the groups of a match; letters of a text that is not `encoded` are its bytes.
    fn report<'a>(
        &'a self,
        pattern: usize,
        encoded: Option<&'a Encoded>,
        slots: &'a mut Vec<Option<usize>>,
    ) -> Report<'a> {
        let groups = &self.patterns[pattern];
        slots.clear();
        slots.resize(2 * groups.total, None);
        Report {
            reported: &groups.reported,
            offsets: encoded.map(|encoded| &encoded.offsets[..]),
            slots: slots.as_chunks_mut().0,
        }
    }
}

/// The groups of a match, on their way to the slots.
struct Report<'a> {
    reported: &'a [usize],
    offsets: Option<&'a [usize]>,
    slots: &'a mut [[Option<usize>; 2]],
}

impl Report<'_> {
    /// Takes the next group of those that are reported, by its number among them, and what it took.
    fn take(&mut self, group: usize, start: usize, end: usize) {
        let Some(&group) = self.reported.get(group) else {
            return;
        };
        let position = |at: usize| self.offsets.map_or(at, |offsets| offsets[at]);
        self.slots[group] = [Some(position(start)), Some(position(end))];
    }
}

/// Whether `sources` have an automaton, and why not.
pub(super) fn check(sources: &[Source<'_>]) -> Result<(), Unsupported> {
    automata(sources).map(drop)
}

/// The nondeterministic automaton of each of `sources`.
fn automata(sources: &[Source<'_>]) -> Result<(Vec<NFA>, Alphabet), Unsupported> {
    let compiled = compile(sources)?;
    let counts: Vec<usize> = sources
        .iter()
        .map(|source| source.reported.len() + 1)
        .collect();
    let nfas = product::build(&compiled, &counts)?;
    Ok((nfas, compiled.alphabet))
}

#[cfg(test)]
mod tests;
