//! Trying one alternative after the other, from one place in the text.

use super::{
    Backtracker, Cache, CharTest, Counter, Entry, Exhausted, Inst, MAX_STACK, MAX_STEPS, Whole,
    span,
};
use crate::pyre::ast::Assertion;
use crate::pyre::chars;

pub(super) struct Search<'a> {
    pub(super) program: &'a Backtracker,
    pub(super) text: &'a str,
    pub(super) cache: &'a mut Cache,
}

impl Search<'_> {
    /// Runs from `inst` at `at` to the `End` of this level; the position there. Leaves the stack with what undoes the
    /// captures made on the way, or, without a match, as it was.
    pub(super) fn run(
        &mut self,
        mut inst: usize,
        mut at: usize,
    ) -> Result<Option<usize>, Exhausted> {
        let base = self.cache.stack.len();
        loop {
            self.spend(1)?;
            let next = match self.step(inst, at)? {
                Step::To(next, position) => Some((next, position)),
                Step::End => {
                    self.commit(base);
                    return Ok(Some(at));
                }
                Step::Fail => self.backtrack(base)?,
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
            Inst::Run { .. } => return self.take(inst, at),
            Inst::Split(first, second) => return self.either(*first, *second, at),
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
                self.count(*counter, Counter::NEW)?;
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
                    return self.either(*exit, next, at);
                }
                if !self.may_go_on(next, at) {
                    return Ok(Step::To(*exit, at));
                }
                if self.may_go_on(*exit, at) {
                    self.push(Entry::Branch {
                        inst: *exit as u32,
                        at,
                    })?;
                }
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

    /// First this, then that, as far as either can lead anywhere.
    fn either(&mut self, first: usize, second: usize, at: usize) -> Result<Step, Exhausted> {
        if !self.may_go_on(first, at) {
            return Ok(Step::To(second, at));
        }
        if self.may_go_on(second, at) {
            self.push(Entry::Branch {
                inst: second as u32,
                at,
            })?;
        }
        Ok(Step::To(first, at))
    }

    /// Whether what has to come for `inst` comes at `at`, as far as that is known.
    pub(super) fn may_go_on(&self, inst: usize, at: usize) -> bool {
        let comes = |needed: &CharTest| self.after(at).is_some_and(|c| needed.has(c));
        self.program.needs[inst].as_ref().is_none_or(comes)
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
            Some(start) if self.may_go_on(body, start) => self.run(body, start)?.is_some(),
            _ => false,
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

    /// Takes what the `Run` at `inst` takes first.
    fn take(&mut self, inst: usize, at: usize) -> Result<Step, Exhausted> {
        let Inst::Run {
            test,
            min,
            max,
            lazy,
            guard,
            next,
            gives_back,
        } = &self.program.insts[inst]
        else {
            return Ok(Step::Fail);
        };
        let (min, max, lazy) = (*min, *max, *lazy);
        let most = if lazy { min } else { max };
        let Some((low, end)) = self.taken(test, (min, most), *guard, at)? else {
            return Ok(Step::Fail);
        };
        if lazy && max > min {
            self.push(Entry::Grow {
                inst: inst as u32,
                at: end,
                left: max - min,
            })?;
        } else if end > low && *gives_back {
            self.push(Entry::Shrink {
                inst: inst as u32,
                low,
                at: end,
            })?;
        }
        Ok(Step::To(*next, end))
    }

    /// Where `min` characters of a `Run` end, and as many as it can take, `max` at most; none if they are fewer than `min`.
    fn taken(
        &mut self,
        test: &CharTest,
        (min, max): (u32, u32),
        guard: Option<usize>,
        at: usize,
    ) -> Result<Option<(usize, usize)>, Exhausted> {
        let rest = &self.text[at..];
        if max == u32::MAX
            && guard.is_none()
            && let Some(bytes) = test.run(rest)
        {
            // As many as the characters, or more.
            self.spend(u32::try_from(bytes).unwrap_or(u32::MAX))?;
            let mut taken = rest[..bytes].chars();
            let is_enough = min == 0 || taken.nth(min as usize - 1).is_some();
            let low = at + bytes - taken.as_str().len();
            return Ok(is_enough.then_some((low, at + bytes)));
        }
        let first = guard.and_then(|guard| self.program.begins(guard));
        // Most are ASCII, in which a byte is a character.
        let quick = match guard {
            None => test.ascii_run(rest, max),
            Some(_) => 0,
        };
        let (mut end, mut count) = (at + quick, quick as u32);
        let mut low = at + quick.min(min as usize);
        for c in rest[quick..].chars() {
            if count >= max || !test.has(c) {
                break;
            }
            if let Some(guard) = guard
                && first.is_none_or(|first| first.has(c))
                && self.is_kept_from(guard, end)?
            {
                break;
            }
            end += c.len_utf8();
            count += 1;
            if count == min {
                low = end;
            }
        }
        self.spend(count)?;
        Ok((count >= min).then_some((low, end)))
    }

    /// Goes back to the last alternative above `base`.
    fn backtrack(&mut self, base: usize) -> Result<Option<(usize, usize)>, Exhausted> {
        while self.cache.stack.len() > base {
            let Some(entry) = self.undo() else { continue };
            let next = match entry {
                Entry::Branch { inst, at } => Some((inst as usize, at)),
                Entry::Shrink { inst, low, at } => self.shrink(inst, low, at)?,
                Entry::Grow { inst, at, left } => self.grow(inst, at, left)?,
                Entry::Slot { .. } | Entry::Counter { .. } => None,
            };
            if next.is_some() {
                return Ok(next);
            }
        }
        Ok(None)
    }

    /// Gives back characters of the `Run` at `inst` up to where it may end.
    fn shrink(
        &mut self,
        inst: u32,
        low: usize,
        end: usize,
    ) -> Result<Option<(usize, usize)>, Exhausted> {
        let Inst::Run { next, .. } = self.program.insts[inst as usize] else {
            return Ok(None);
        };
        let needed = self.program.needs[next].as_ref();
        let (mut at, mut given) = (end, 0);
        let mut found = None;
        for c in self.text[low..end].chars().rev() {
            at -= c.len_utf8();
            given += 1;
            if needed.is_none_or(|needed| needed.has(c)) {
                found = Some((next, at));
                break;
            }
        }
        self.spend(given)?;
        if found.is_some() && at > low {
            self.cache.stack.push(Entry::Shrink { inst, low, at });
        }
        Ok(found)
    }

    /// Takes further characters with the lazy `Run` at `inst`, `left` at most, up to where it may end.
    fn grow(
        &mut self,
        inst: u32,
        from: usize,
        left: u32,
    ) -> Result<Option<(usize, usize)>, Exhausted> {
        let Inst::Run {
            test, guard, next, ..
        } = &self.program.insts[inst as usize]
        else {
            return Ok(None);
        };
        let mut at = from;
        let mut rest = self.text[from..].chars();
        for taken in 1..=left {
            let Some(c) = rest.next().filter(|&c| test.has(c)) else {
                break;
            };
            self.spend(1)?;
            if let Some(guard) = guard
                && self.is_kept_from(*guard, at)?
            {
                break;
            }
            at += c.len_utf8();
            if self.may_go_on(*next, at) {
                if taken < left {
                    let left = left - taken;
                    self.cache.stack.push(Entry::Grow { inst, at, left });
                }
                return Ok(Some((*next, at)));
            }
        }
        Ok(None)
    }

    /// Whether the guard of a `Run` does not hold at `at`.
    #[inline(never)]
    fn is_kept_from(&mut self, guard: usize, at: usize) -> Result<bool, Exhausted> {
        Ok(matches!(self.step(guard, at)?, Step::Fail))
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

    pub(super) fn spend(&mut self, steps: u32) -> Result<(), Exhausted> {
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
