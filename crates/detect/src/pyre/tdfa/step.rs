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
        let Cache {
            states,
            seen,
            arrived,
            ..
        } = cache;
        let state = (states.places(id), states.registers(id));
        self.step_from((seen, arrived), state, class, out);
        cache.work += out.work;
    }

    /// Follows `places`, with their tags in `registers`, over a letter of `class`.
    pub(super) fn step_from(
        &self,
        (seen, arrived): (&mut Seen, &mut Seen),
        (places, registers): (&[u32], &[u8]),
        class: usize,
        out: &mut Stepped,
    ) {
        out.clear();
        seen.begin(self.places.len());
        arrived.begin(self.places.len());
        let letter = self.classes.representative(class);
        'places: for (index, &place) in places.iter().enumerate() {
            let registers = &registers[index * self.tags..(index + 1) * self.tags];
            out.stack.push((place, 0));
            while let Some((mut at, mut mask)) = out.stack.pop() {
                loop {
                    out.work += 1;
                    // Where a thread of higher priority was, others die.
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
                            // The first thread to come to a place has priority.
                            if let Some(&(_, _, next)) = taken
                                && arrived.is_new(next)
                            {
                                out.places.push(next);
                                push_tagged(&mut out.values, registers, mask);
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
                            let mut values = Vec::with_capacity(self.tags);
                            push_tagged(&mut values, registers, mask);
                            out.record = Some(Record::new(pattern, &values));
                            // Threads of lower priority lose against a match.
                            break 'places;
                        }
                    }
                }
            }
        }
    }
}

/// Appends the registers of a thread, with `NOW` for the tags it passed, which most often are none.
fn push_tagged(values: &mut Vec<u8>, registers: &[u8], mut mask: u64) {
    let begin = values.len();
    values.extend_from_slice(registers);
    while mask != 0 {
        values[begin + mask.trailing_zeros() as usize] = NOW;
        mask &= mask - 1;
    }
}
