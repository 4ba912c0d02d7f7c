//! Many patterns at once: one automaton for all of them, so that a line is read once however long the list is.

use super::ast::Pattern;
use super::code::{self, Source};
use super::gate::{Gate, GateCache, Gated, Searched};
use super::linear::{self, Linear};
use super::program::reported;
use super::tdfa::Found;
use super::{Cache, Outcome, Regex, Steps};
use std::sync::OnceLock;

/// Bounds of a set's two caches. The largest stock filter needs a tenth of them on common lines, and all but a quarter on
/// lines that try each of its patterns.
const FIRST_BYTES: usize = 2 << 20;
const GATE_BYTES: usize = 1 << 20;

/// Patterns that are searched together. Immutable; shared by threads, each with a [`SetCache`] of its own.
///
/// Its two automata, one that names all patterns that match and one that takes the captures of the first, are built
/// when they are first needed.
#[derive(Debug)]
pub struct RegexSet {
    /// Own copies, so that a set stands alone.
    regexes: Box<[Regex]>,
    first: OnceLock<Option<First>>,
    gate: OnceLock<Option<Gate>>,
}

/// The patterns that one automaton can decide, and the others.
#[derive(Debug)]
struct First {
    automaton: Linear,
    /// The automaton's patterns, ascending.
    exact: Box<[usize]>,
    /// Patterns that are tried one by one, ascending.
    others: Box<[usize]>,
}

/// The memory a thread needs for searches with one set; grows with use, within bounds.
#[derive(Debug, Default)]
pub struct SetCache {
    first: linear::Cache,
    gate: GateCache,
    /// The gate's selection of all patterns.
    all: Option<usize>,
    each: Vec<Cache>,
    steps: Steps,
}

impl SetCache {
    /// What the last search with this cache took.
    pub fn steps(&self) -> Steps {
        self.steps
    }
}

impl RegexSet {
    /// A set of `patterns`, in order.
    pub fn new(patterns: &[&Regex]) -> Self {
        Self {
            regexes: patterns.iter().map(|regex| regex.again()).collect(),
            first: OnceLock::new(),
            gate: OnceLock::new(),
        }
    }

    /// How many patterns the set has.
    pub fn len(&self) -> usize {
        self.regexes.len()
    }

    /// Whether the set has no pattern.
    pub fn is_empty(&self) -> bool {
        self.regexes.is_empty()
    }

    /// An empty cache for searches with this set; of no use with another.
    pub fn new_cache(&self) -> SetCache {
        SetCache::default()
    }

    /// Puts the indices of all patterns that match anywhere in `text` into `hits`, ascending. A gate: it never misses
    /// one, and may name a pattern of [`Engine::Backtracking`](super::Engine::Backtracking) that does not match.
    pub fn matches(&self, cache: &mut SetCache, text: &str, hits: &mut Vec<usize>) {
        hits.clear();
        cache.steps = Steps::default();
        let gate = self.gate.get_or_init(|| self.build_gate());
        // In an empty text `\B` is odd; it is asked of each pattern.
        if let Some(gate) = gate
            && !text.is_empty()
        {
            let all = *cache
                .all
                .get_or_insert_with(|| gate.select(&mut cache.gate, 0..self.len()));
            let searched = Searched {
                text,
                has_feed: false,
                is_ascii: false,
                part_of: None,
            };
            let decided = gate.search(&mut cache.gate, all, searched, hits);
            cache.steps.linear += cache.gate.steps();
            if decided.is_ok() {
                hits.extend((0..self.len()).filter(|&index| gate.is_open(index)));
                hits.sort_unstable();
                return;
            }
        }
        for index in 0..self.len() {
            let one = self.each(cache, index);
            let program = self.regexes[index].program();
            if program.search(&mut one.program, text, None) != Outcome::NoMatch {
                hits.push(index);
            }
            let steps = one.steps();
            cache.steps = cache.steps.and(steps);
        }
    }

    /// Whether any pattern matches, with the same reserve as [`RegexSet::matches`].
    pub fn any(&self, cache: &mut SetCache, text: &str) -> bool {
        let mut hits = Vec::new();
        self.matches(cache, text, &mut hits);
        !hits.is_empty()
    }

    /// The first pattern of the list that matches anywhere in `text`, with its slots as [`Regex::search`] gives them;
    /// without one, `slots` is empty. A pattern whose budget ends counts as not matching.
    pub fn first(
        &self,
        cache: &mut SetCache,
        text: &str,
        slots: &mut Vec<Option<usize>>,
    ) -> Option<usize> {
        slots.clear();
        cache.steps = Steps::default();
        let first = self.first.get_or_init(|| self.build_first());
        let searched = match first {
            Some(first) if !text.is_empty() => {
                let found = first.automaton.search(&mut cache.first, text, Some(slots));
                cache.steps.linear = cache.first.steps;
                Some((first, found))
            }
            _ => None,
        };
        let (first, found) = match searched {
            None | Some((_, Found::GaveUp)) => {
                return (0..self.len()).find(|&index| self.search_one(cache, index, text, slots));
            }
            Some((first, Found::Nothing)) => (first, None),
            Some((first, Found::Pattern(index))) => (first, Some(first.exact[index])),
        };
        if first.others.is_empty() {
            return found;
        }
        let mut others = Vec::new();
        for &index in first
            .others
            .iter()
            .take_while(|&&index| found.is_none_or(|found| index < found))
        {
            if self.search_one(cache, index, text, &mut others) {
                *slots = others;
                return Some(index);
            }
        }
        found
    }

    /// True if one automaton decides all patterns, so that none can end without an answer. Builds it if no search did.
    pub(crate) fn decides_all(&self) -> bool {
        let first = self.first.get_or_init(|| self.build_first());
        first.as_ref().is_some_and(|first| first.others.is_empty())
    }

    fn search_one(
        &self,
        cache: &mut SetCache,
        index: usize,
        text: &str,
        slots: &mut Vec<Option<usize>>,
    ) -> bool {
        let one = self.each(cache, index);
        let found = self.regexes[index].search(one, text, slots);
        let steps = one.steps();
        cache.steps = cache.steps.and(steps);
        found == Outcome::Match
    }

    /// The cache of one pattern.
    fn each<'c>(&self, cache: &'c mut SetCache, index: usize) -> &'c mut Cache {
        cache.each.resize_with(self.len(), Cache::default);
        &mut cache.each[index]
    }

    fn build_first(&self) -> Option<First> {
        // Nearly always an automaton can decide all of them, and nobody has to ask which.
        let all = self.parts(|_| true);
        if let Some(first) = First::new(&all) {
            return Some(first);
        }
        First::new(&self.parts(Part::can_be_exact))
    }

    fn build_gate(&self) -> Option<Gate> {
        let rules: Vec<Gated<'_>> = self.regexes.iter().map(Gated::alone).collect();
        Gate::new(&rules, GATE_BYTES)
    }

    fn parts(&self, exact: impl Fn(&Part) -> bool) -> Vec<Part> {
        let part = |regex: &Regex| {
            let mut part = Part::new(regex.tree());
            part.exact = exact(&part);
            part
        };
        self.regexes.iter().map(part).collect()
    }
}

impl First {
    fn new(parts: &[Part]) -> Option<Self> {
        let (exact, others): (Vec<usize>, Vec<usize>) =
            (0..parts.len()).partition(|&index| parts[index].exact);
        let sources: Vec<Source<'_>> = exact.iter().map(|&index| parts[index].source()).collect();
        let groups: Vec<usize> = exact
            .iter()
            .map(|&index| parts[index].pattern.names.len())
            .collect();
        let automaton = Linear::new(&sources, &groups, FIRST_BYTES).ok()?;
        Some(Self {
            automaton,
            exact: exact.into(),
            others: others.into(),
        })
    }
}

/// A pattern on its way into an automaton.
struct Part {
    pattern: Pattern,
    reported: Vec<usize>,
    /// An automaton can decide it, or is to try.
    exact: bool,
}

impl Part {
    fn new(pattern: Pattern) -> Self {
        Self {
            reported: reported(&pattern),
            exact: true,
            pattern,
        }
    }

    fn can_be_exact(&self) -> bool {
        code::compile(&[self.source()]).is_ok()
    }

    fn source(&self) -> Source<'_> {
        Source {
            root: &self.pattern.root,
            reported: &self.reported,
            approximate: !self.exact,
        }
    }
}

#[cfg(test)]
mod tests;
