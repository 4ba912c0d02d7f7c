//! Python's `re`, without its time: search in one pass, linear in the text.
//!
//! The path of a pattern: `parse` (Python's grammar and messages) makes a tree (`ast`) of sets of characters (`chars`);
//! `code` flattens it; `product` turns look-arounds, boundaries and conditionals into plain states of an automaton over
//! a small alphabet of letters (`alphabet`); `linear` runs it. What no automaton can decide, back-references above all,
//! goes to a backtracker with a budget of steps, behind an automaton that accepts more and rejects most lines.
//!
//! Nobody outside this module sees Python's syntax. Nothing here reads a clock: budgets count steps, so that the same
//! text gets the same answer on every machine, whatever is in a cache.
//!
//! Reported are the whole match and the named groups; groups without a name stay `None`, because nothing in the filter
//! language can ask for them. A regex that was never used costs its text: automata are built at the first search.

mod ahead;
mod alphabet;
mod ast;
mod backtrack;
mod behind;
mod byte_classes;
mod chars;
mod choice;
mod code;
mod fuzz;
mod gate;
#[cfg(test)]
mod generated;
mod linear;
mod literal;
mod needles;
mod pace;
mod parse;
mod piece;
mod places;
mod product;
mod program;
mod refer;
mod run;
mod sample;
mod seen;
mod set;
mod shape;
mod subsets;
mod tdfa;

pub(crate) use ahead::{Ahead, Wanted};
pub(crate) use alphabet::is_ascii;
pub(crate) use choice::Choice;
#[doc(hidden)]
pub use fuzz::fuzz_regex;
pub(crate) use gate::{Gate, GateCache, Gated, Part, Searched};
pub(crate) use needles::Needles;
pub use parse::Error;
#[doc(hidden)]
pub use sample::{Sampler, Sampling};
pub use set::{RegexSet, SetCache};
pub use shape::{FreeText, Shape, Target};
pub(crate) use subsets::GaveUp;
pub(crate) use tdfa::Standing;

use backtrack::Backtracker;
use program::Program;
use std::sync::OnceLock;

/// A compiled pattern of Python's `re`. Immutable; shared by threads, each with a [`Cache`] of its own.
#[derive(Debug)]
pub struct Regex {
    pattern: Box<str>,
    multiline: bool,
    names: Box<[Option<Box<str>>]>,
    program: OnceLock<Program>,
}

/// What a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The slots hold the leftmost match.
    Match,
    /// The pattern matches nowhere in the text.
    NoMatch,
    /// The budget of steps ended before the answer was known; only with [`Engine::Backtracking`].
    OverBudget,
}

/// How a pattern is searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// In time linear in the text, always with an answer.
    Linear,
    /// By trying, under a budget of steps; the text says which construct asks for that.
    Backtracking(&'static str),
}

/// The memory a thread needs for searches with one regex; grows with use, within bounds.
#[derive(Debug, Default)]
pub struct Cache {
    program: program::Cache,
}

/// What a search took, in steps: the same for the same text and what was searched with this cache before.
///
/// Nothing is counted in the loop over the text. The backtracker counts anyway, for its budget; an automaton's letters
/// are known from where its search ended, and the rest is added where transitions are made, which is rare and slow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// Letters read by an automaton, and places looked at to make its transitions.
    pub linear: usize,
    /// Instructions and characters of the backtracker.
    pub backtracking: usize,
}

impl Steps {
    fn and(self, more: Self) -> Self {
        Self {
            linear: self.linear + more.linear,
            backtracking: self.backtracking + more.backtracking,
        }
    }
}

/// Most steps of one search by [`Engine::Backtracking`].
pub const MAX_BACKTRACKING_STEPS: usize = backtrack::MAX_STEPS as usize;

impl Cache {
    /// What the last search with this cache took.
    pub fn steps(&self) -> Steps {
        self.program.steps()
    }
}

impl Regex {
    /// Parses `pattern` as Python's `re.compile(pattern, re.MULTILINE if multiline else 0)` does.
    ///
    /// # Errors
    /// Python's message and place for what Python refuses, `\N{…}`, and groups nested deeper than 200.
    pub fn new(pattern: &str, multiline: bool) -> Result<Self, Error> {
        let parsed = parse::parse(pattern, multiline)?;
        Ok(Self {
            pattern: pattern.into(),
            multiline,
            names: parsed.names.into(),
            program: OnceLock::new(),
        })
    }

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Whether `^` and `$` also stand for the ends of lines.
    pub fn multiline(&self) -> bool {
        self.multiline
    }

    /// The name of every group by its number; index 0 is the whole match and has none.
    pub fn group_names(&self) -> &[Option<Box<str>>] {
        &self.names
    }

    /// The number of a named group.
    pub fn group_index(&self, name: &str) -> Option<usize> {
        self.names
            .iter()
            .position(|known| known.as_deref() == Some(name))
    }

    /// How this pattern is searched for. Nothing is kept of what it takes to know that.
    pub fn engine(&self) -> Engine {
        match self.program.get() {
            Some(program) => program.engine(),
            None => program::engine_of(&self.tree()),
        }
    }

    /// An empty cache for searches with this regex; of no use with another.
    pub fn new_cache(&self) -> Cache {
        Cache::default()
    }

    /// Python's `search()`: the leftmost match in `text`, the first alternative winning.
    ///
    /// On [`Outcome::Match`] `slots` holds byte offsets `[start0, end0, start1, end1, …]` for every group; groups that
    /// took no part, and groups without a name, have `None`. Otherwise `slots` is empty.
    pub fn search(&self, cache: &mut Cache, text: &str, slots: &mut Vec<Option<usize>>) -> Outcome {
        slots.clear();
        let outcome = self.program().search(&mut cache.program, text, Some(slots));
        if outcome != Outcome::Match {
            slots.clear();
        }
        outcome
    }

    /// Whether the pattern can match anywhere in `text`, found out by trying; nothing is kept for another search. This is
    /// for a few texts, for which an automaton is not worth building.
    pub(crate) fn can_match_once(&self, text: &str) -> bool {
        let tried = Backtracker::new(&self.tree());
        tried.search(&mut backtrack::Cache::default(), text, None) != Outcome::NoMatch
    }

    /// Whether the pattern matches anywhere in `text`. Out of budget counts as no.
    pub fn is_match(&self, cache: &mut Cache, text: &str) -> bool {
        self.program().search(&mut cache.program, text, None) == Outcome::Match
    }

    /// How many bytes at the beginning of the text decided the last search with this cache: any text that begins with
    /// them has the same answer. None if all of it did, or if that is not known.
    pub(crate) fn deciding_bytes(&self, cache: &Cache) -> Option<usize> {
        self.program().deciding_bytes(&cache.program)
    }

    /// Notes where a search with this cache stands after a text that begins with `head`; false if that is not known.
    pub(crate) fn note(&self, cache: &mut Cache, head: &str, standing: &mut Standing) -> bool {
        self.program().note(&mut cache.program, head, standing)
    }

    /// Whether a search with this cache stands after `head` where it was noted to. Then it finds in any text behind
    /// `head` what it finds in that text behind the other one: what a group took of either is at the same offset, and
    /// what it took behind it is as far behind it.
    pub(crate) fn stands(&self, cache: &mut Cache, head: &str, standing: &Standing) -> bool {
        self.program().stands(&mut cache.program, head, standing)
    }

    /// A copy that shares nothing and has built nothing yet.
    fn again(&self) -> Self {
        let (pattern, names) = (self.pattern.clone(), self.names.clone());
        Self {
            pattern,
            multiline: self.multiline,
            names,
            program: OnceLock::new(),
        }
    }

    fn program(&self) -> &Program {
        self.program.get_or_init(|| Program::new(&self.tree()))
    }

    /// The tree, made again from the text: keeping it would cost more memory than parsing costs time.
    fn tree(&self) -> ast::Pattern {
        parse::parse(&self.pattern, self.multiline).unwrap_or_else(|_| ast::Pattern {
            root: ast::Node::Empty,
            names: self.names.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests;
