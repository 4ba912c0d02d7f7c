//! A gate with its memory, asked of ever the same few sets of rules.

use super::dates::Places;
use crate::pyre::{Gate, GateCache, Gated, GaveUp, Searched};

/// Sets that are remembered.
const MAX_SETS: usize = 64;

#[derive(Debug)]
pub(super) struct Sieve {
    gate: Gate,
    cache: GateCache,
    /// Sets of places, and the gate's selections of their rules.
    known: Vec<(Places, usize)>,
    hits: Vec<usize>,
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
    /// does not know are never among them.
    pub(super) fn search<R: Iterator<Item = usize>>(
        &mut self,
        set: Places,
        rules: impl FnOnce() -> R,
        searched: Searched<'_>,
    ) -> Result<&[usize], GaveUp> {
        let selection = match self.known.iter().find(|(known, _)| *known == set) {
            Some((_, selection)) => *selection,
            None => {
                if self.known.len() == MAX_SETS {
                    self.known.clear();
                    self.cache.forget_selections();
                }
                let selection = self.gate.select(&mut self.cache, rules());
                self.known.push((set, selection));
                selection
            }
        };
        self.hits.clear();
        self.gate
            .search(&mut self.cache, selection, searched, &mut self.hits)?;
        Ok(&self.hits)
    }

    /// Whether the gate does not know a rule.
    pub(super) fn is_open(&self, rule: usize) -> bool {
        self.gate.is_open(rule)
    }
}
