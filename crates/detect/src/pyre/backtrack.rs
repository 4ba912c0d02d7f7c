//! The engine for what no automaton can decide: back-references, captures in look-arounds, atomic groups.
//!
//! It tries alternatives as Python does, but with a budget: every instruction and every character taken by a simple
//! repetition is one step. The budget counts steps and memory, never time, so the same text gets the same answer
//! everywhere. An automaton in front of it (see `program`) rejects most texts, so it rarely runs at all.

mod compile;

use super::Outcome;
use super::ast::{Assertion, Pattern};
use super::chars::{self, Category, CharSet, category};
use std::sync::Arc;

/// Steps of one search: some milliseconds.
pub(super) const MAX_STEPS: u32 = 500_000;
/// Entries of the stack: 24 bytes each.
const MAX_STACK: usize = 100_000;
/// A stack that grew beyond this many entries is given back after the search.
const KEEP_STACK: usize = 2_000;

/// A set of characters with a fast way for ASCII.
#[derive(Clone, Debug)]
struct CharTest {
    ascii: u128,
    set: Arc<CharSet>,
}

impl CharTest {
    fn new(set: &Arc<CharSet>) -> Self {
        let ascii = (0..0x80)
            .filter(|&c| set.contains(c))
            .fold(0, |ascii, c| ascii | 1 << c);
        Self {
            ascii,
            set: Arc::clone(set),
        }
    }

    fn has(&self, c: char) -> bool {
        if c.is_ascii() {
            self.ascii >> (c as u32) & 1 == 1
        } else {
            self.set.contains(u32::from(c))
        }
    }
}

#[derive(Clone, Debug)]
enum Inst {
    Char(CharTest),
    /// A repetition of one character.
    Run {
        test: CharTest,
        min: u32,
        max: u32,
        lazy: bool,
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
    counters: usize,
    anchored: bool,
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
}

/// A position that is not known.
const NONE: usize = usize::MAX;

#[derive(Clone, Copy, Debug)]
struct Counter {
    count: u32,
    /// Where the last optional iteration began.
    last: usize,
}

/// What to do when the present way fails.
#[derive(Clone, Copy, Debug)]
enum Entry {
    /// Go on there.
    Branch {
        inst: u32,
        at: usize,
    },
    /// Give back one character, down to `low`, and go on.
    Shrink {
        inst: u32,
        low: usize,
        at: usize,
    },
    /// Take one more character, `left` times at most, and go on after the `Run` at `inst`.
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
        let (insts, counters) = compile::compile(pattern);
        Self {
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
        let mut start = 0;
        loop {
            cache.stack.clear();
            cache.slots.clear();
            cache.slots.resize(2 * self.reported.len(), NONE);
            cache.counters.clear();
            cache.counters.resize(
                self.counters,
                Counter {
                    count: 0,
                    last: NONE,
                },
            );
            if let Some(end) = (Search {
                program: self,
                text,
                cache,
            })
            .run(0, start)?
            {
                return Ok(Some((start, end)));
            }
            match text[start..].chars().next() {
                Some(c) if !self.anchored => start += c.len_utf8(),
                _ => return Ok(None),
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

struct Search<'a> {
    program: &'a Backtracker,
    text: &'a str,
    cache: &'a mut Cache,
}

impl Search<'_> {
    /// Runs from `inst` at `at` to the `End` of this level; the position there. Leaves the stack with what undoes the
    /// captures made on the way, or, without a match, as it was.
    fn run(&mut self, mut inst: usize, mut at: usize) -> Result<Option<usize>, Exhausted> {
        let base = self.cache.stack.len();
        loop {
            self.spend(1)?;
            let next = match self.step(inst, at)? {
                Step::To(next, position) => Some((next, position)),
                Step::End => {
                    self.commit(base);
                    return Ok(Some(at));
                }
                Step::Fail => self.backtrack(base),
            };
            match next {
                Some((next, position)) => (inst, at) = (next, position),
                None => return Ok(None),
            }
        }
    }

    fn step(&mut self, inst: usize, at: usize) -> Result<Step, Exhausted> {
        let program = self.program;
        let next = inst + 1;
        let pass = |holds: bool| {
            if holds {
                Step::To(next, at)
            } else {
                Step::Fail
            }
        };
        Ok(match &program.insts[inst] {
            Inst::Char(test) => match self.after(at) {
                Some(c) if test.has(c) => Step::To(next, at + c.len_utf8()),
                _ => Step::Fail,
            },
            Inst::Run {
                test,
                min,
                max,
                lazy,
            } => return self.take(inst, at, test, (*min, *max), *lazy),
            Inst::Split(first, second) => {
                self.push(Entry::Branch {
                    inst: *second as u32,
                    at,
                })?;
                Step::To(*first, at)
            }
            Inst::Jump(target) => Step::To(*target, at),
            Inst::Save(slot) => {
                let old = std::mem::replace(&mut self.cache.slots[*slot], at);
                self.push(Entry::Slot {
                    slot: *slot as u32,
                    old,
                })?;
                Step::To(next, at)
            }
            Inst::Backref { group, ignore_case } => {
                match self.repeated(*group, at, *ignore_case)? {
                    Some(end) => Step::To(next, end),
                    None => Step::Fail,
                }
            }
            Inst::Conditional { group, no } => Step::To(
                if span(&self.cache.slots, *group).is_some() {
                    next
                } else {
                    *no
                },
                at,
            ),
            Inst::Assert(assertion) => pass(self.holds(*assertion, at)),
            Inst::LoopStart(counter) => {
                self.count(
                    *counter,
                    Counter {
                        count: 0,
                        last: NONE,
                    },
                )?;
                Step::To(next, at)
            }
            Inst::Loop {
                counter,
                min,
                max,
                lazy,
                exit,
            } => {
                let Counter { count, last } = self.cache.counters[*counter];
                let body = if *lazy { next + 1 } else { next };
                if count < *min {
                    self.count(
                        *counter,
                        Counter {
                            count: count + 1,
                            last,
                        },
                    )?;
                    return Ok(Step::To(body, at));
                }
                // An iteration that consumed nothing is not followed by another.
                if count >= *max || at == last {
                    return Ok(Step::To(*exit, at));
                }
                if *lazy {
                    self.push(Entry::Branch {
                        inst: next as u32,
                        at,
                    })?;
                    return Ok(Step::To(*exit, at));
                }
                self.push(Entry::Branch {
                    inst: *exit as u32,
                    at,
                })?;
                self.count(
                    *counter,
                    Counter {
                        count: count + 1,
                        last: at,
                    },
                )?;
                Step::To(next, at)
            }
            Inst::LoopAgain { counter, body } => {
                let count = self.cache.counters[*counter].count;
                self.count(
                    *counter,
                    Counter {
                        count: count + 1,
                        last: at,
                    },
                )?;
                Step::To(*body, at)
            }
            Inst::Whole { kind, exit } => return self.whole(*kind, next, *exit, at),
            Inst::End => Step::End,
        })
    }

    /// Runs a look-around or an atomic group.
    fn whole(
        &mut self,
        kind: Whole,
        body: usize,
        exit: usize,
        at: usize,
    ) -> Result<Step, Exhausted> {
        let negative = match kind {
            Whole::Atomic => {
                return Ok(self
                    .run(body, at)?
                    .map_or(Step::Fail, |end| Step::To(exit, end)));
            }
            Whole::Ahead { negative } | Whole::Behind { negative, .. } => negative,
        };
        let start = match kind {
            Whole::Behind { width, .. } => self.back(at, width)?,
            _ => Some(at),
        };
        let base = self.cache.stack.len();
        let found = match start {
            Some(start) => self.run(body, start)?.is_some(),
            None => false,
        };
        if negative && found {
            // What was captured inside is forgotten.
            while self.cache.stack.len() > base {
                self.undo();
            }
        }
        Ok(if found != negative {
            Step::To(exit, at)
        } else {
            Step::Fail
        })
    }

    /// A repetition of one character.
    fn take(
        &mut self,
        inst: usize,
        at: usize,
        test: &CharTest,
        (min, max): (u32, u32),
        lazy: bool,
    ) -> Result<Step, Exhausted> {
        let (mut end, mut count, mut low) = (at, 0, at);
        let most = if lazy { min } else { max };
        for c in self.text[at..].chars() {
            if count >= most || !test.has(c) {
                break;
            }
            end += c.len_utf8();
            count += 1;
            if count == min {
                low = end;
            }
        }
        self.spend(count)?;
        if count < min {
            return Ok(Step::Fail);
        }
        if lazy && max > min {
            self.push(Entry::Grow {
                inst: inst as u32,
                at: end,
                left: max - min,
            })?;
        } else if end > low {
            self.push(Entry::Shrink {
                inst: inst as u32 + 1,
                low,
                at: end,
            })?;
        }
        Ok(Step::To(inst + 1, end))
    }

    /// Goes back to the last alternative above `base`.
    fn backtrack(&mut self, base: usize) -> Option<(usize, usize)> {
        while self.cache.stack.len() > base {
            let Some(entry) = self.undo() else { continue };
            match entry {
                Entry::Branch { inst, at } => return Some((inst as usize, at)),
                Entry::Shrink { inst, low, at } => {
                    let at = at
                        - self.text[..at]
                            .chars()
                            .next_back()
                            .map_or(0, char::len_utf8);
                    if at > low {
                        self.cache.stack.push(Entry::Shrink { inst, low, at });
                    }
                    return Some((inst as usize, at));
                }
                Entry::Grow { inst, at, left } => {
                    let Inst::Run { test, .. } = &self.program.insts[inst as usize] else {
                        continue;
                    };
                    let Some(c) = self.text[at..].chars().next().filter(|&c| test.has(c)) else {
                        continue;
                    };
                    let at = at + c.len_utf8();
                    if left > 1 {
                        self.cache.stack.push(Entry::Grow {
                            inst,
                            at,
                            left: left - 1,
                        });
                    }
                    return Some((inst as usize + 1, at));
                }
                Entry::Slot { .. } | Entry::Counter { .. } => {}
            }
        }
        None
    }

    /// Takes the top of the stack: undoes it, or returns it when it is an alternative.
    fn undo(&mut self) -> Option<Entry> {
        match self.cache.stack.pop()? {
            Entry::Slot { slot, old } => self.cache.slots[slot as usize] = old,
            Entry::Counter { counter, old } => self.cache.counters[counter as usize] = old,
            alternative => return Some(alternative),
        }
        None
    }

    /// Gives up all alternatives above `base`, but keeps what undoes captures.
    fn commit(&mut self, base: usize) {
        let mut kept = base;
        for index in base..self.cache.stack.len() {
            let entry = self.cache.stack[index];
            if matches!(entry, Entry::Slot { .. } | Entry::Counter { .. }) {
                self.cache.stack[kept] = entry;
                kept += 1;
            }
        }
        self.cache.stack.truncate(kept);
    }

    fn push(&mut self, entry: Entry) -> Result<(), Exhausted> {
        if self.cache.stack.len() >= MAX_STACK {
            return Err(Exhausted);
        }
        self.cache.stack.push(entry);
        Ok(())
    }

    fn count(&mut self, counter: usize, new: Counter) -> Result<(), Exhausted> {
        let old = std::mem::replace(&mut self.cache.counters[counter], new);
        self.push(Entry::Counter {
            counter: counter as u32,
            old,
        })
    }

    fn spend(&mut self, steps: u32) -> Result<(), Exhausted> {
        self.cache.steps = self.cache.steps.saturating_add(steps);
        if self.cache.steps > MAX_STEPS {
            Err(Exhausted)
        } else {
            Ok(())
        }
    }

    /// Where the repetition of a group's text ends.
    fn repeated(
        &mut self,
        group: usize,
        at: usize,
        ignore_case: bool,
    ) -> Result<Option<usize>, Exhausted> {
        let Some((start, end)) = span(&self.cache.slots, group) else {
            return Ok(None);
        };
        self.spend(u32::try_from(end - start).unwrap_or(u32::MAX))?;
        let (wanted, rest) = (&self.text[start..end], &self.text[at..]);
        if !ignore_case {
            return Ok(rest.starts_with(wanted).then(|| at + wanted.len()));
        }
        let (mut position, mut given) = (at, rest.chars());
        for c in wanted.chars() {
            match given.next() {
                Some(d) if chars::lower(c) == chars::lower(d) => position += d.len_utf8(),
                _ => return Ok(None),
            }
        }
        Ok(Some(position))
    }

    /// The position `width` characters before `at`.
    fn back(&mut self, at: usize, width: u64) -> Result<Option<usize>, Exhausted> {
        let mut start = at;
        let mut before = self.text[..at].chars();
        for _ in 0..width {
            self.spend(1)?;
            match before.next_back() {
                Some(c) => start -= c.len_utf8(),
                None => return Ok(None),
            }
        }
        Ok(Some(start))
    }

    fn after(&self, at: usize) -> Option<char> {
        self.text[at..].chars().next()
    }

    fn holds(&self, assertion: Assertion, at: usize) -> bool {
        let rest = &self.text[at..];
        match assertion {
            Assertion::TextStart => at == 0,
            Assertion::TextEnd => rest.is_empty(),
            Assertion::LineStart => at == 0 || self.text.as_bytes()[at - 1] == b'\n',
            Assertion::LineEnd => rest.is_empty() || rest.starts_with('\n'),
            Assertion::LastLineEnd => rest.is_empty() || rest == "\n",
            Assertion::WordBoundary { negative, ascii } => {
                let word = &self.program.word[usize::from(ascii)];
                let before = self.text[..at]
                    .chars()
                    .next_back()
                    .is_some_and(|c| word.has(c));
                let after = rest.chars().next().is_some_and(|c| word.has(c));
                // In an empty text neither `\b` nor `\B` holds.
                !self.text.is_empty() && (before != after) != negative
            }
        }
    }
}

enum Step {
    To(usize, usize),
    End,
    Fail,
}

#[cfg(test)]
mod tests;
