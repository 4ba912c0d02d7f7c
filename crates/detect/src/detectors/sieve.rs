//! A gate with its memory, asked of ever the same few sets of rules.

use super::dates::Places;
use crate::pyre::{Gate, GateCache, Gated, GaveUp, Searched};

/// Sets that are remembered.
const MAX_SETS: usize = 64;
/// After so many searches what was learnt of the log is learnt anew: an attack that began with the log may be over.
const ERA: u32 = 1 << 24;

#[derive(Debug)]
pub(super) struct Sieve {
    gate: Gate,
    cache: GateCache,
    known: Vec<Known>,
    hits: Vec<usize>,
    /// Searches in this era.
    searches: u32,
}

/// A set of places that was asked for.
#[derive(Debug)]
struct Known {
    set: Places,
    /// The gate's selection of its rules.
    selection: usize,
    /// What is common to texts in which the gate's automaton finds none of them.
    silent: Option<Alike>,
}

/// What texts have in common that begin alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alike {
    /// Another number, another beginning.
    pub(super) number: u64,
    /// The letters of that, all in ASCII.
    pub(super) length: usize,
}

impl Sieve {
    /// A gate for `rules` whose cache has at most `bound` bytes.
    pub(super) fn new(rules: &[Gated<'_>], bound: usize) -> Option<Self> {
        let gate = Gate::new(rules, bound)?;
        Some(Self {
            gate,
            cache: GateCache::default(),
            known: Vec::new(),
            hits: Vec::new(),
            searches: 0,
        })
    }

    /// Looks at the text in which the lines stand that come next.
    pub(super) fn look_ahead(&mut self, text: &str) {
        self.cache.look_ahead(text);
    }

    /// Begins a line.
    pub(super) fn next_line(&mut self) {
        self.cache.next_text();
    }

    /// Which rules of a set of places can match a text, in no order; `rules` gives all of them. Those that the gate
    /// does not know are never among them. `alike` tells of texts that begin alike, at the beginning of which it is often
    /// decided already that there are none.
    pub(super) fn search<R: Iterator<Item = usize>>(
        &mut self,
        set: Places,
        rules: impl FnOnce() -> R,
        searched: Searched<'_>,
        alike: Option<Alike>,
    ) -> Result<&[usize], GaveUp> {
        self.searches += 1;
        if self.searches == ERA {
            (self.known, self.cache, self.searches) = (Vec::new(), GateCache::default(), 0);
        }
        let place = match self.known.iter().position(|known| known.set == set) {
            Some(place) => place,
            None => {
                if self.known.len() == MAX_SETS {
                    self.known.clear();
                    self.cache.forget_selections();
                }
                self.known.push(Known {
                    set,
                    selection: self.gate.select(&mut self.cache, rules()),
                    silent: None,
                });
                self.known.len() - 1
            }
        };
        let known = &mut self.known[place];
        self.hits.clear();
        if let Some(part) = searched.part_of
            && alike.is_some()
            && known.silent == alike
            && self.cache.is_quiet(part)
        {
            self.cache.name_always(known.selection, &mut self.hits);
            return Ok(&self.hits);
        }
        self.gate
            .search(&mut self.cache, known.selection, searched, &mut self.hits)?;
        let letters = self.cache.silent_after();
        known.silent = alike.filter(|alike| letters.is_some_and(|after| after <= alike.length));
        Ok(&self.hits)
    }

    /// Whether the gate does not know a rule.
    pub(super) fn is_open(&self, rule: usize) -> bool {
        self.gate.is_open(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyre::{Part, Regex};

    #[test]
    fn what_a_log_was_like_is_forgotten_some_time() {
        // Known at its end alone, and no needle stands in it.
        let regex = Regex::new("^[^x]*$", false).unwrap();
        let mut sieve = Sieve::new(&[Gated::alone(&regex)], 1 << 20).unwrap();
        let mut is_named = |text: &str, searches: Option<u32>| {
            sieve.searches = searches.unwrap_or(sieve.searches);
            let searched = Searched {
                text,
                has_feed: true,
                is_ascii: true,
                part_of: Some(Part {
                    whole: text,
                    place: None,
                }),
            };
            let alike = Alike {
                number: 1,
                length: 4,
            };
            let hits = sieve.search(1, || 0..1, searched, Some(alike)).unwrap();
            hits == [0]
        };
        let (text, other) = ("not of much interest, but long", "not x");
        assert!(!is_named(other, None));
        for _ in 0..2_000 {
            assert!(is_named(text, None));
        }
        assert!(is_named(other, None), "nearly all are");
        assert!(!is_named(other, Some(ERA - 1)));
        assert!(is_named(text, None));
    }
}
