//! The engine of one pattern: an automaton, or a backtracker behind one.

use super::ast::{Assertion, Node, Pattern};
use super::backtrack::{self, Backtracker};
use super::code::Source;
use super::linear::{self, Linear};
use super::tdfa::{Found, Standing};
use super::{Engine, Outcome, Steps};

/// Bound of one pattern's cache; real patterns need a tenth of it.
const CACHE_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(super) struct Program {
    engine: Engine,
    /// Exact for `Engine::Linear`; else it accepts more than the pattern, or is missing because it would be too large.
    automaton: Option<Linear>,
    /// Always there for `Engine::Backtracking`.
    backtracker: Option<Backtracker>,
}

#[derive(Debug, Default)]
pub(super) struct Cache {
    linear: linear::Cache,
    backtrack: backtrack::Cache,
}

impl Cache {
    /// See [`super::Cache::steps`].
    pub(super) fn steps(&self) -> Steps {
        Steps {
            linear: self.linear.steps,
            backtracking: self.backtrack.steps() as usize,
        }
    }
}

impl Program {
    pub(super) fn new(pattern: &Pattern) -> Self {
        let reported = reported(pattern);
        let source = |approximate| Source {
            root: &pattern.root,
            // What more than the pattern accepts tells nothing of its groups.
            reported: if approximate { &[] } else { &reported },
            approximate,
        };
        let groups = pattern.names.len();
        // `\B` does not hold in an empty text, although no word begins or ends there: too odd for an automaton.
        let odd = pattern.root.any(|node| {
            matches!(
                node,
                Node::Assert(Assertion::WordBoundary { negative: true, .. })
            )
        });
        match Linear::new(&[source(false)], &[groups], CACHE_BYTES) {
            Ok(automaton) => Self {
                engine: Engine::Linear,
                automaton: Some(automaton),
                backtracker: odd.then(|| Backtracker::new(pattern)),
            },
            Err(why) => Self {
                engine: Engine::Backtracking(why),
                automaton: Linear::new(&[source(true)], &[1], CACHE_BYTES).ok(),
                backtracker: Some(Backtracker::new(pattern)),
            },
        }
    }

    pub(super) fn engine(&self) -> Engine {
        self.engine
    }

    /// See [`super::Cache::deciding_bytes`].
    pub(super) fn deciding_bytes(&self, cache: &Cache) -> Option<usize> {
        self.deciding().and(cache.linear.deciding_bytes)
    }

    /// See [`super::Regex::note`].
    pub(super) fn note(&self, cache: &mut Cache, head: &str, standing: &mut Standing) -> bool {
        let noted = |automaton: &Linear| automaton.note(&mut cache.linear, head, standing);
        self.deciding().is_some_and(noted)
    }

    /// See [`super::Regex::stands`].
    pub(super) fn stands(&self, cache: &mut Cache, head: &str, standing: &Standing) -> bool {
        let stands = |automaton: &Linear| automaton.stands(&mut cache.linear, head, standing);
        self.deciding().is_some_and(stands)
    }

    /// The automaton, where it alone decides.
    fn deciding(&self) -> Option<&Linear> {
        let is_alone = self.engine == Engine::Linear && self.backtracker.is_none();
        self.automaton.as_ref().filter(|_| is_alone)
    }

    /// The leftmost match; fills `slots` if they are asked for.
    pub(super) fn search(
        &self,
        cache: &mut Cache,
        text: &str,
        mut slots: Option<&mut Vec<Option<usize>>>,
    ) -> Outcome {
        cache.linear.steps = 0;
        cache.backtrack.begin();
        // What is odd in an empty text, the backtracker knows.
        let automaton = self
            .automaton
            .as_ref()
            .filter(|_| !text.is_empty() || self.backtracker.is_none());
        if let Some(automaton) = automaton {
            let exact = self.engine == Engine::Linear;
            let wanted = if exact { slots.as_deref_mut() } else { None };
            let found = automaton.search(&mut cache.linear, text, wanted);
            if found == Found::Nothing {
                return Outcome::NoMatch;
            }
            if exact {
                return Outcome::Match;
            }
        }
        match &self.backtracker {
            Some(backtracker) => backtracker.search(&mut cache.backtrack, text, slots),
            None => Outcome::NoMatch,
        }
    }
}

/// The engine that a pattern would get, without what it takes to search.
pub(super) fn engine_of(pattern: &Pattern) -> Engine {
    let source = Source {
        root: &pattern.root,
        reported: &reported(pattern),
        approximate: false,
    };
    match linear::check(&[source]) {
        Ok(()) => Engine::Linear,
        Err(why) => Engine::Backtracking(why),
    }
}

/// The groups that are reported: those with a name.
pub(super) fn reported(pattern: &Pattern) -> Vec<usize> {
    (1..pattern.names.len())
        .filter(|&group| pattern.names[group].is_some())
        .collect()
}
