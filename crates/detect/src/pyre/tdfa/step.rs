//! One transition: from a state and a class of letters to the places and tag values after it.

use super::cache::{Cache, Record};
use super::{Mode, NONE, NOW, Tdfa};
use regex_automata::nfa::thompson::State;
use regex_automata::util::primitives::StateID;

/// What a transition leads to.
pub(super) struct Stepped {
    pub(super) places: Vec<u32>,
    pub(super) values: Vec<u8>,
    /// The match that stands before the letter, if one does.
    pub(super) record: Option<Record>,
}

impl Tdfa {
    /// Follows the state of `row` over a letter of `class`.
    pub(super) fn step(&self, cache: &mut Cache, row: u32, class: usize) -> Stepped {
        let id = row as usize / self.stride();
        let stamp = self.stamp(cache);
        let Cache { states, seen, .. } = cache;
        self.step_from(
            (seen, stamp),
            &states[id].places,
            &states[id].registers,
            class,
        )
    }

    /// A new mark for places seen.
    pub(super) fn stamp(&self, cache: &mut Cache) -> u32 {
        if cache.stamp == u32::MAX || cache.seen.is_empty() {
            cache.seen.clear();
            cache.seen.resize(self.nfa.states().len(), 0);
            cache.stamp = 0;
        }
        cache.stamp += 1;
        cache.stamp
    }

    /// Follows `places`, with their tags in `registers`, over a letter of `class`.
    pub(super) fn step_from(
        &self,
        (seen, stamp): (&mut [u32], u32),
        places: &[u32],
        registers: &[u8],
        class: usize,
    ) -> Stepped {
        let letter = self.representatives.get(class).copied();
        let mut out = Stepped {
            places: Vec::new(),
            values: Vec::new(),
            record: None,
        };
        let mut hits: Vec<u32> = Vec::new();
        let mut stack: Vec<(StateID, u64)> = Vec::new();
        'places: for (index, &place) in places.iter().enumerate() {
            let registers = &registers[index * self.tags..(index + 1) * self.tags];
            stack.push((StateID::new_unchecked(place as usize), 0));
            while let Some((mut at, mut mask)) = stack.pop() {
                loop {
                    // The first thread to come to a place has priority; others die there.
                    if std::mem::replace(&mut seen[at.as_usize()], stamp) == stamp {
                        break;
                    }
                    match self.nfa.state(at) {
                        State::ByteRange { trans } => {
                            if letter.is_some_and(|letter| trans.matches_byte(letter)) {
                                arrive(&mut out, trans.next, registers, mask);
                            }
                            break;
                        }
                        State::Sparse(sparse) => {
                            if let Some(next) =
                                letter.and_then(|letter| sparse.matches_byte(letter))
                            {
                                arrive(&mut out, next, registers, mask);
                            }
                            break;
                        }
                        State::Dense(dense) => {
                            if let Some(next) = letter.and_then(|letter| dense.matches_byte(letter))
                            {
                                arrive(&mut out, next, registers, mask);
                            }
                            break;
                        }
                        // The construction leaves no look but the end of the text.
                        State::Look { next, .. } => {
                            if letter.is_some() {
                                break;
                            }
                            at = *next;
                        }
                        State::Union { alternates } => {
                            stack.extend(alternates.iter().rev().map(|&next| (next, mask)));
                            break;
                        }
                        State::BinaryUnion { alt1, alt2 } => {
                            stack.push((*alt2, mask));
                            at = *alt1;
                        }
                        State::Capture { next, slot, .. } => {
                            let tag = self.tag_of_slot[slot.as_usize()];
                            if tag != NONE {
                                mask |= 1 << tag;
                            }
                            at = *next;
                        }
                        State::Fail => break,
                        State::Match { pattern_id } => {
                            hits.push(pattern_id.as_u32());
                            if self.mode == Mode::All {
                                break;
                            }
                            let registers = tagged(registers, mask).collect();
                            out.record = Some(Record {
                                patterns: Box::new([pattern_id.as_u32()]),
                                registers,
                            });
                            // Threads of lower priority lose against a match.
                            break 'places;
                        }
                    }
                }
            }
        }
        if self.mode == Mode::All {
            out.places.sort_unstable();
            if !hits.is_empty() {
                out.record = Some(Record {
                    patterns: hits.into(),
                    registers: Box::new([]),
                });
            }
        }
        out
    }
}

/// A thread comes to `next`, unless one of higher priority is there.
fn arrive(out: &mut Stepped, next: StateID, registers: &[u8], mask: u64) {
    if !out.places.contains(&next.as_u32()) {
        out.places.push(next.as_u32());
        out.values.extend(tagged(registers, mask));
    }
}

/// The registers of a thread, with `NOW` for the tags it passed.
fn tagged(registers: &[u8], mask: u64) -> impl Iterator<Item = u8> {
    registers
        .iter()
        .enumerate()
        .map(move |(tag, &register)| if mask >> tag & 1 == 1 { NOW } else { register })
}
