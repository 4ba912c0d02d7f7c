//! One transition: from a state and a class of letters to the places and tag values after it.

use super::cache::{Cache, Record};
use super::{NOW, Tdfa};
use crate::pyre::places::{Place, UNTAGGED};
use crate::pyre::seen::Seen;

/// What a transition leads to; its memory serves for the next.
#[derive(Debug, Default)]
pub(super) struct Stepped {
    pub(super) places: Vec<u32>,
    pub(super) values: Vec<u8>,
    /// The match that stands before the letter, if one does.
    pub(super) record: Option<Record>,
    /// Places looked at.
    pub(super) work: usize,
    /// Places to be looked at, with the tags passed on the way there.
    stack: Vec<(u32, u64)>,
}

impl Stepped {
    fn clear(&mut self) {
        self.places.clear();
        self.values.clear();
        self.stack.clear();
        (self.record, self.work) = (None, 0);
    }
}

impl Tdfa {
    /// Follows the state of `row` over a letter of `class`.
    pub(super) fn step(&self, cache: &mut Cache, row: u32, class: usize, out: &mut Stepped) {
        let id = row as usize / self.stride();
        let Cache { states, seen, .. } = cache;
        let (places, registers) = (states.places(id), states.registers(id));
        self.step_from(seen, places, registers, class, out);
        cache.work += out.work;
    }

    /// Follows `places`, with their tags in `registers`, over a letter of `class`.
    pub(super) fn step_from(
        &self,
        seen: &mut Seen,
        places: &[u32],
        registers: &[u8],
        class: usize,
        out: &mut Stepped,
    ) {
        out.clear();
        seen.begin(self.places.len());
        let letter = self.classes.representative(class);
        'places: for (index, &place) in places.iter().enumerate() {
            let registers = &registers[index * self.tags..(index + 1) * self.tags];
            out.stack.push((place, 0));
            while let Some((mut at, mut mask)) = out.stack.pop() {
                loop {
                    out.work += 1;
                    // The first thread to come to a place has priority; others die there.
                    if !seen.is_new(at) {
                        break;
                    }
                    match self.places.place(at) {
                        Place::Letters { from, to } => {
                            let transitions = self.places.transitions(from, to);
                            let taken = letter.and_then(|letter| {
                                transitions
                                    .iter()
                                    .find(|&&(first, last, _)| first <= letter && letter <= last)
                            });
                            if let Some(&(_, _, next)) = taken {
                                arrive(out, next, registers, mask);
                            }
                            break;
                        }
                        Place::End { .. } if letter.is_some() => break,
                        Place::End { next } => at = next,
                        Place::Fork { from, to } => {
                            let Some((&first, others)) =
                                self.places.targets(from, to).split_first()
                            else {
                                break;
                            };
                            let others = others.iter().rev().map(|&next| (next, mask));
                            out.stack.extend(others);
                            at = first;
                        }
                        Place::Tag { tag, next } => {
                            if tag != UNTAGGED {
                                mask |= 1 << tag;
                            }
                            at = next;
                        }
                        Place::Fail => break,
                        Place::Match { pattern } => {
                            out.record = Some(Record::new(pattern, tagged(registers, mask)));
                            // Threads of lower priority lose against a match.
                            break 'places;
                        }
                    }
                }
            }
        }
    }
}

/// A thread comes to `next`, unless one of higher priority is there.
fn arrive(out: &mut Stepped, next: u32, registers: &[u8], mask: u64) {
    if !out.places.contains(&next) {
        out.places.push(next);
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
