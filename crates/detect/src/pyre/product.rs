//! From instructions to a nondeterministic automaton without any look-around: the exact product construction.
//!
//! A state is an instruction together with all that decides its future besides the text: which groups that a
//! conditional asks for have matched, whether a loop has just begun, the look-behind register, and the look-aheads
//! still running, each as the set of its own instructions. Threads are only multiplied, never reordered, so
//! priorities and captures stay Python's. Work and memory are bounded by `MAX_STATES`.

use super::alphabet::{ByteSet, has};
use super::byte_classes::ByteClasses;
use super::code::{Code, Compiled, Inst, Unsupported};
use super::seen::Seen;
use crate::hash::{QuickHash, QuickMap};
use regex_automata::nfa::thompson::{BuildError, Builder, NFA, Transition};
use regex_automata::util::look::Look;
use regex_automata::util::primitives::StateID;

/// Beyond this many states patterns go to the backtracker.
const MAX_STATES: usize = 40_000;

/// A running look-ahead.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Tracker {
    negative: bool,
    /// The instructions it is at, before following those that consume nothing; sorted.
    at: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    at: usize,
    /// `Done` bits (low half) and loop bits (high half).
    bits: u64,
    register: u64,
    trackers: Vec<Tracker>,
}

const LOOPS: u64 = !0 << 32;

/// What can matter at each instruction.
struct Needs {
    bits: Vec<u64>,
    register: Vec<u64>,
}

/// The letters of the patterns.
pub(super) struct Letters<'a> {
    sets: &'a [ByteSet],
    /// The letters of each set in ranges, first and last.
    ranges: Vec<Box<[(u8, u8)]>>,
    /// All letters, in the same form.
    all: [(u8, u8); 1],
    classes: ByteClasses,
}

struct Product<'a> {
    code: &'a Code,
    letters: &'a Letters<'a>,
    needs: Needs,
    builder: Builder,
    states: QuickMap<Key, StateID>,
    work: Vec<(Key, StateID)>,
    fail: StateID,
    /// Most states.
    limit: usize,
    groups: usize,
    reach: Reach,
}

/// The instructions that a look-ahead comes to without a letter; memory that is used again.
#[derive(Default)]
struct Reach {
    seen: Seen,
    stack: Vec<usize>,
    /// Those that wait for a letter.
    waiting: Vec<usize>,
}

/// Builds the automaton of each pattern; they have `groups` groups each (with the whole match).
pub(super) fn build(compiled: &Compiled<Code>, groups: &[usize]) -> Result<Vec<NFA>, Unsupported> {
    let letters = Letters::new(compiled);
    let mut room = MAX_STATES;
    let mut built = Vec::with_capacity(groups.len());
    for (code, &groups) in compiled.codes.iter().zip(groups) {
        let (nfa, states) = build_one(code, &letters, groups, room)?;
        room -= states;
        built.push(nfa);
    }
    Ok(built)
}

/// Builds the automaton of one pattern of at most `limit` states; also tells how many it has.
pub(super) fn build_one(
    code: &Code,
    letters: &Letters<'_>,
    groups: usize,
    limit: usize,
) -> Result<(NFA, usize), Unsupported> {
    construct(code, letters, groups, limit).map_err(|error| match error {
        Failure::TooLarge => "the automaton would be too large",
        Failure::Build => "the automaton could not be built",
    })
}

enum Failure {
    TooLarge,
    Build,
}

impl From<BuildError> for Failure {
    fn from(_: BuildError) -> Self {
        Self::Build
    }
}

fn construct(
    code: &Code,
    letters: &Letters<'_>,
    groups: usize,
    limit: usize,
) -> Result<(NFA, usize), Failure> {
    let mut product = Product {
        code,
        letters,
        needs: needs(code),
        builder: Builder::new(),
        // Most instructions become one state.
        states: QuickMap::with_capacity_and_hasher(code.insts.len(), QuickHash::default()),
        work: Vec::new(),
        fail: StateID::ZERO,
        limit,
        groups,
        reach: Reach::default(),
    };
    product.builder.set_utf8(false);
    product.builder.start_pattern()?;
    product.fail = product.builder.add_fail()?;
    for group in 0..groups {
        product
            .builder
            .add_capture_start(product.fail, group as u32, None)?;
    }
    let id = product.state(0, 0, code.behinds.initial(), Vec::new())?;
    product.run()?;
    product.builder.finish_pattern(id)?;
    Ok((product.builder.build(id, id)?, product.states.len()))
}

impl Product<'_> {
    /// The state of a key, reduced to what can matter.
    fn state(
        &mut self,
        at: usize,
        bits: u64,
        register: u64,
        trackers: Vec<Tracker>,
    ) -> Result<StateID, Failure> {
        let needed = trackers
            .iter()
            .flat_map(|tracker| &tracker.at)
            .fold(self.needs.register[at], |needed, &at| {
                needed | self.needs.register[at]
            });
        let key = Key {
            at,
            bits: bits & self.needs.bits[at],
            register: register & needed,
            trackers,
        };
        if let Some(&id) = self.states.get(&key) {
            return Ok(id);
        }
        if self.states.len() >= self.limit {
            return Err(Failure::TooLarge);
        }
        let id = self.builder.add_empty()?;
        self.states.insert(key.clone(), id);
        self.work.push((key, id));
        Ok(id)
    }

    fn run(&mut self) -> Result<(), Failure> {
        while let Some((key, id)) = self.work.pop() {
            let real = self.expand(&key)?;
            self.builder.patch(id, real)?;
        }
        Ok(())
    }

    /// The state that does what the key's instruction says.
    fn expand(&mut self, key: &Key) -> Result<StateID, Failure> {
        let code = self.code;
        let Key {
            at,
            bits,
            register,
            trackers,
        } = key;
        let next = at + 1;
        let go = |this: &mut Self, at: usize, bits: u64| {
            this.state(at, bits, *register, trackers.clone())
        };
        match &code.insts[*at] {
            Inst::Set(set) => self.consume(key, Some(*set)),
            Inst::Split(targets) => {
                let mut alternates = Vec::with_capacity(targets.len());
                for &target in targets {
                    alternates.push(go(self, target, *bits)?);
                }
                Ok(self.builder.add_union(alternates)?)
            }
            Inst::Jump(target) => go(self, *target, *bits),
            Inst::Mark(slot) => {
                let next = go(self, next, *bits)?;
                let group = (slot / 2) as u32;
                if slot / 2 >= self.groups {
                    return Ok(next);
                }
                Ok(if slot % 2 == 0 {
                    self.builder.add_capture_start(next, group, None)?
                } else {
                    self.builder.add_capture_end(next, group)?
                })
            }
            Inst::Done(bit) => go(self, next, bits | 1 << bit),
            Inst::Behind { bit, negative } => {
                if (register >> bit & 1 == 1) == *negative {
                    return Ok(self.fail);
                }
                go(self, next, *bits)
            }
            Inst::End => {
                if !self.hold_at_end(key) {
                    return Ok(self.fail);
                }
                // At the end nothing is left for a look-ahead to see: those that hold there are done.
                let next = self.state(next, *bits, *register, Vec::new())?;
                Ok(self.builder.add_look(next, Look::End)?)
            }
            Inst::Spawn { start, negative } => {
                let mut trackers = trackers.clone();
                trackers.push(Tracker {
                    negative: *negative,
                    at: vec![*start],
                });
                trackers.sort();
                trackers.dedup();
                self.state(next, *bits, *register, trackers)
            }
            Inst::Conditional { bit, yes, no } => {
                go(self, if bits >> bit & 1 == 1 { *yes } else { *no }, *bits)
            }
            Inst::LoopClear(bit) => go(self, next, bits & !(1 << bit)),
            Inst::LoopEnter(bit) => go(self, next, bits | 1 << bit),
            Inst::LoopTest { bit, exit } => {
                go(self, if bits >> bit & 1 == 1 { *exit } else { next }, *bits)
            }
            Inst::Match if trackers.is_empty() => Ok(self.builder.add_match()?),
            Inst::Match => {
                // The match is complete, but it counts only if the look-aheads still running agree.
                let more = self.consume(key, None)?;
                if !self.hold_at_end(key) {
                    return Ok(more);
                }
                let done = self.state(*at, *bits, *register, Vec::new())?;
                let done = self.builder.add_look(done, Look::End)?;
                Ok(self.builder.add_union(vec![done, more])?)
            }
            // Look-aheads see the same text, unless they look back at the letter before it: those are taken to hold.
            Inst::Restart => {
                let looks_back = |at: &usize| self.needs.register[*at] != 0;
                let mut trackers = trackers.clone();
                trackers.retain(|tracker| !tracker.at.iter().any(looks_back));
                self.state(next, 0, code.behinds.initial(), trackers)
            }
            Inst::Peek { .. } | Inst::Accept | Inst::Fail => Ok(self.fail),
        }
    }

    /// Transitions of a state that consumes a letter of `set`; without a set any letter, staying where it is.
    fn consume(&mut self, key: &Key, set: Option<usize>) -> Result<StateID, Failure> {
        let (code, letters) = (self.code, self.letters);
        let after = key.at + usize::from(set.is_some());
        let bits = key.bits & !LOOPS;
        let ranges = letters.ranges(set);
        if key.trackers.is_empty() && self.needs.register[after] == 0 {
            let next = self.state(after, bits, 0, Vec::new())?;
            let transitions = ranges
                .iter()
                .map(|&(start, end)| Transition { start, end, next });
            return Ok(self.builder.add_sparse(transitions.collect())?);
        }
        let mut by_class: Vec<Option<Option<StateID>>> = vec![None; letters.classes.count()];
        let mut transitions: Vec<Transition> = Vec::new();
        for letter in ranges.iter().flat_map(|&(start, end)| start..=end) {
            let class = letters.classes.of(letter);
            let target = match by_class[class] {
                Some(target) => target,
                None => {
                    let target = match self.advance(key, letter) {
                        Some(trackers) => {
                            let register = code.behinds.shift(key.register, letter, letters.sets);
                            Some(self.state(after, bits, register, trackers)?)
                        }
                        None => None,
                    };
                    by_class[class] = Some(target);
                    target
                }
            };
            let Some(next) = target else { continue };
            match transitions.last_mut() {
                Some(last) if last.next == next && u16::from(last.end) + 1 == u16::from(letter) => {
                    last.end = letter
                }
                _ => transitions.push(Transition {
                    start: letter,
                    end: letter,
                    next,
                }),
            }
        }
        Ok(self.builder.add_sparse(transitions)?)
    }

    /// The look-aheads of a state after a letter; `None` when one of them fails.
    fn advance(&mut self, key: &Key, letter: u8) -> Option<Vec<Tracker>> {
        let mut advanced = Vec::with_capacity(key.trackers.len());
        for tracker in &key.trackers {
            match self.holds(tracker, key.register, Some(letter)) {
                true if tracker.negative => return None,
                true => continue,
                false => {}
            }
            let (insts, sets) = (&self.code.insts, &self.letters.sets);
            let takes =
                |at: &usize| matches!(insts[*at], Inst::Set(set) if has(&sets[set], letter));
            let waiting = self.reach.waiting.iter().copied();
            let mut at: Vec<usize> = waiting.filter(takes).map(|at| at + 1).collect();
            at.sort_unstable();
            match (at.is_empty(), tracker.negative) {
                (true, true) => {}
                (true, false) => return None,
                (false, negative) => advanced.push(Tracker { negative, at }),
            }
        }
        advanced.sort();
        advanced.dedup();
        Some(advanced)
    }

    /// Whether all look-aheads of a state agree with the text ending here.
    fn hold_at_end(&mut self, key: &Key) -> bool {
        key.trackers
            .iter()
            .all(|tracker| self.holds(tracker, key.register, None) != tracker.negative)
    }

    /// Follows a look-ahead through all instructions that consume nothing, knowing the next letter. Where it does not
    /// hold yet, `reach` has those that wait for a letter, each once.
    fn holds(&mut self, tracker: &Tracker, register: u64, next: Option<u8>) -> bool {
        let code = self.code;
        let Reach {
            seen,
            stack,
            waiting,
        } = &mut self.reach;
        seen.begin(code.insts.len());
        stack.clone_from(&tracker.at);
        waiting.clear();
        while let Some(at) = stack.pop() {
            if !seen.is_new(at as u32) {
                continue;
            }
            match &code.insts[at] {
                Inst::Accept => return true,
                Inst::Set(_) => waiting.push(at),
                Inst::Split(targets) => stack.extend(targets),
                Inst::Jump(target) => stack.push(*target),
                Inst::Behind { bit, negative } => {
                    if (register >> bit & 1 == 1) != *negative {
                        stack.push(at + 1);
                    }
                }
                Inst::Peek { set, negative } => {
                    if next.is_some_and(|next| has(&self.letters.sets[*set], next)) != *negative {
                        stack.push(at + 1);
                    }
                }
                Inst::End => {
                    if next.is_none() {
                        stack.push(at + 1);
                    }
                }
                Inst::LoopTest { exit, .. } => stack.extend([*exit, at + 1]),
                Inst::LoopClear(_) | Inst::LoopEnter(_) | Inst::Mark(_) | Inst::Done(_) => {
                    stack.push(at + 1)
                }
                Inst::Spawn { .. }
                | Inst::Conditional { .. }
                | Inst::Restart
                | Inst::Match
                | Inst::Fail => {}
            }
        }
        false
    }
}

/// What each instruction's future can ask for, by walking the edges backwards until nothing changes.
fn needs(code: &Code) -> Needs {
    let length = code.insts.len();
    let mut needs = Needs {
        bits: vec![0; length],
        register: vec![0; length],
    };
    loop {
        let mut changed = false;
        for at in (0..length).rev() {
            let (mut bits, mut register) = (0, 0);
            let mut follow = |target: usize| {
                bits |= needs.bits.get(target).copied().unwrap_or(0);
                register |= needs.register.get(target).copied().unwrap_or(0);
            };
            match &code.insts[at] {
                Inst::Split(targets) => targets.iter().for_each(|&target| follow(target)),
                Inst::Jump(target) => follow(*target),
                Inst::Match | Inst::Accept | Inst::Fail => {}
                Inst::Conditional { yes, no, .. } => {
                    follow(*yes);
                    follow(*no);
                }
                Inst::LoopTest { exit, .. } => {
                    follow(at + 1);
                    follow(*exit);
                }
                Inst::Spawn { start, .. } => {
                    follow(*start);
                    follow(at + 1);
                }
                _ => follow(at + 1),
            }
            match &code.insts[at] {
                Inst::Set(_) => {
                    bits &= !LOOPS;
                    register = code.behinds.needed_before(register);
                }
                Inst::Done(bit) | Inst::LoopClear(bit) | Inst::LoopEnter(bit) => {
                    bits &= !(1 << bit)
                }
                Inst::Conditional { bit, .. } | Inst::LoopTest { bit, .. } => bits |= 1 << bit,
                Inst::Behind { bit, .. } => register |= 1 << bit,
                Inst::Restart => (bits, register) = (0, 0),
                _ => {}
            }
            if (needs.bits[at], needs.register[at]) != (bits, register) {
                (needs.bits[at], needs.register[at]) = (bits, register);
                changed = true;
            }
        }
        if !changed {
            return needs;
        }
    }
}

impl<'a> Letters<'a> {
    pub(super) fn new<C>(compiled: &'a Compiled<C>) -> Self {
        let last = compiled.alphabet.letters().saturating_sub(1).min(255) as u8;
        let ranges = |set: &ByteSet| {
            let mut ranges: Vec<(u8, u8)> = Vec::new();
            for letter in (0..=last).filter(|letter| has(set, *letter)) {
                match ranges.last_mut() {
                    Some(range) if u16::from(range.1) + 1 == u16::from(letter) => range.1 = letter,
                    _ => ranges.push((letter, letter)),
                }
            }
            ranges.into()
        };
        Self {
            sets: &compiled.sets,
            ranges: compiled.sets.iter().map(ranges).collect(),
            all: [(0, last)],
            classes: ByteClasses::new(compiled.sets.iter()),
        }
    }

    /// The letters of a set, or all.
    fn ranges(&self, set: Option<usize>) -> &[(u8, u8)] {
        set.map_or(&self.all, |set| &self.ranges[set])
    }
}
