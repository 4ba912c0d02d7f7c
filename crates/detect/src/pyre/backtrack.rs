//! The engine for what no automaton can decide: back-references, captures in look-arounds, atomic groups.
//!
//! It tries alternatives as Python does, but with a budget: every instruction and every character taken by a simple
//! repetition is one step. The budget counts steps and memory, never time, so the same text gets the same answer
//! everywhere. An automaton in front of it (see `program`) rejects most texts, so it rarely runs at all.

mod char_test;
mod compile;
mod needs;
mod search;

use super::Outcome;
use super::ast::{Assertion, Pattern};
use super::chars::{Category, category};
use char_test::CharTest;
use search::Search;

/// Steps of one search: a millisecond at most.
pub(super) const MAX_STEPS: u32 = 400_000;
/// Entries of the stack: 24 bytes each.
const MAX_STACK: usize = 100_000;
/// A stack that grew beyond this many entries is given back after the search.
const KEEP_STACK: usize = 2_000;

#[derive(Clone, Debug)]
enum Inst {
    Char(CharTest),
    /// A repetition of one character. Its guard, if it has one, stands behind it.
    Run {
        test: CharTest,
        min: u32,
        max: u32,
        lazy: bool,
        /// A look-around that has to hold before each character.
        guard: Option<usize>,
        /// What comes behind it.
        next: usize,
        /// Something that it takes may come behind it.
        gives_back: bool,
    },
    /// First this, then that.
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    Backref {
        group: usize,
        ignore_case: bool,
    },
    Conditional {
        group: usize,
        no: usize,
    },
    Assert(Assertion),
    /// A loop begins: its count is zero.
    LoopStart(usize),
    /// Between two iterations; the body follows, in a lazy loop after a `LoopAgain`.
    Loop {
        counter: usize,
        min: u32,
        max: u32,
        lazy: bool,
        exit: usize,
    },
    /// A further iteration of a lazy loop.
    LoopAgain {
        counter: usize,
        body: usize,
    },
    /// Runs what follows, up to its `End`, as a whole; then goes to `exit`.
    Whole {
        kind: Whole,
        exit: usize,
    },
    End,
}

/// Why something is run as a whole.
#[derive(Clone, Copy, Debug)]
enum Whole {
    Atomic,
    Ahead {
        negative: bool,
    },
    /// A look-behind of this many characters.
    Behind {
        negative: bool,
        width: u64,
    },
}

/// A pattern in instructions.
#[derive(Debug)]
pub(super) struct Backtracker {
    insts: Box<[Inst]>,
    /// For each of them what has to come there, where that is known.
    needs: Box<[Option<CharTest>]>,
    counters: usize,
    anchored: bool,
    /// It matches at the beginning of a line only.
    begins_a_line: bool,
    /// Whether each group is reported.
    reported: Box<[bool]>,
    word: [CharTest; 2],
}

/// The state of a search; kept for its memory only.
#[derive(Debug, Default)]
pub(super) struct Cache {
    stack: Vec<Entry>,
    slots: Vec<usize>,
    counters: Vec<Counter>,
    steps: u32,
}

impl Cache {
    /// No search ran yet.
    pub(super) fn begin(&mut self) {
        self.steps = 0;
    }

    /// Steps of the search since then.
    pub(super) fn steps(&self) -> u32 {
        self.steps
    }

    /// Nothing is captured yet.
    fn reset(&mut self, program: &Backtracker) {
        self.stack.clear();
        self.slots.clear();
        self.slots.resize(2 * program.reported.len(), NONE);
        self.counters.clear();
        self.counters.resize(program.counters, Counter::NEW);
    }
}

/// A position that is not known.
const NONE: usize = usize::MAX;

#[derive(Clone, Copy, Debug)]
struct Counter {
    count: u32,
    /// Where the last optional iteration began.
    last: usize,
}

impl Counter {
    const NEW: Self = Self {
        count: 0,
        last: NONE,
    };
}

/// What to do when the present way fails.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// Go on there.
    Branch {
        inst: u32,
        at: usize,
    },
    /// Give back characters of the `Run` at `inst`, down to `low`, and go on after it.
    Shrink {
        inst: u32,
        low: usize,
        at: usize,
    },
    /// Take more characters, `left` at most, and go on after the `Run` at `inst`.
    Grow {
        inst: u32,
        at: usize,
        left: u32,
    },
    Slot {
        slot: u32,
        old: usize,
    },
    Counter {
        counter: u32,
        old: Counter,
    },
}

/// The budget is used up.
struct Exhausted;

impl Backtracker {
    pub(super) fn new(pattern: &Pattern) -> Self {
        let (mut insts, counters) = compile::compile(pattern);
        let needs = needs::find(&mut insts);
        let first = insts.iter().find(|inst| !matches!(inst, Inst::Save(_)));
        Self {
            begins_a_line: matches!(first, Some(Inst::Assert(Assertion::LineStart))),
            needs: needs.into(),
            insts: insts.into(),
            counters,
            anchored: pattern.root.anchored(),
            reported: pattern
                .names
                .iter()
                .enumerate()
                .map(|(group, name)| group == 0 || name.is_some())
                .collect(),
            word: [false, true].map(|ascii| CharTest::new(&category(Category::Word, ascii))),
        }
    }

    /// What a look-ahead has to find at once, where that is known.
    fn begins(&self, look: usize) -> Option<&CharTest> {
        match self.insts[look] {
            Inst::Whole {
                kind: Whole::Ahead { .. },
                ..
            } => self.needs[look + 1].as_ref(),
            _ => None,
        }
    }

    /// The leftmost match.
    pub(super) fn search(
        &self,
        cache: &mut Cache,
        text: &str,
        slots: Option<&mut Vec<Option<usize>>>,
    ) -> Outcome {
        cache.begin();
        let found = self.find(cache, text);
        let outcome = match found {
            Err(Exhausted) => Outcome::OverBudget,
            Ok(None) => Outcome::NoMatch,
            Ok(Some((start, end))) => {
                if let Some(slots) = slots {
                    self.report(cache, (start, end), slots);
                }
                Outcome::Match
            }
        };
        cache.stack.clear();
        cache.stack.shrink_to(KEEP_STACK);
        outcome
    }

    fn find(&self, cache: &mut Cache, text: &str) -> Result<Option<(usize, usize)>, Exhausted> {
        let mut search = Search {
            program: self,
            text,
            cache,
        };
        let mut start = 0;
        loop {
            if search.may_go_on(0, start) {
                search.cache.reset(self);
                if let Some(end) = search.run(0, start)? {
                    return Ok(Some((start, end)));
                }
            }
            search.spend(1)?;
            match text[start..].chars().next() {
                Some(c) if !self.anchored => start += c.len_utf8(),
                _ => return Ok(None),
            }
            if self.begins_a_line {
                // Lines are looked for in no time.
                match memchr::memchr(b'\n', &text.as_bytes()[start - 1..]) {
                    Some(before) => start += before,
                    None => return Ok(None),
                }
            }
        }
    }

    fn report(&self, cache: &Cache, whole: (usize, usize), slots: &mut Vec<Option<usize>>) {
        slots.clear();
        slots.resize(2 * self.reported.len(), None);
        (slots[0], slots[1]) = (Some(whole.0), Some(whole.1));
        for group in (1..self.reported.len()).filter(|&group| self.reported[group]) {
            if let Some((start, end)) = span(&cache.slots, group) {
                (slots[2 * group], slots[2 * group + 1]) = (Some(start), Some(end));
            }
        }
    }
}

/// Where a group matched; a group that was opened again but not closed has not.
fn span(slots: &[usize], group: usize) -> Option<(usize, usize)> {
    let (start, end) = (slots[2 * group], slots[2 * group + 1]);
    (start != NONE && end != NONE && start <= end).then_some((start, end))
}

#[cfg(test)]
mod tests;
