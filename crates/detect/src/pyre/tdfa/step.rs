//! One transition: from a state and a class of letters to the places and tag values after it.

use super::cache::{Cache, Record};
use super::closure::{Closure, Kind, Leaf};
use super::{NOW, Tdfa};
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
    /// Where threads went over the letter.
    arrived: Seen,
}

impl Tdfa {
    /// Follows the state of `row` over a letter of `class`.
    pub(super) fn step(&self, cache: &mut Cache, row: u32, class: usize, out: &mut Stepped) {
        let id = row as usize / self.stride();
        let Cache {
            states, closure, ..
        } = cache;
        let state = (states.places(id), states.registers(id));
        self.step_from(closure, state, class, out);
        cache.work += out.work;
    }

    /// Follows `places`, with their tags in `registers`, over a letter of `class`.
    pub(super) fn step_from(
        &self,
        closure: &mut Closure,
        (places, registers): (&[u32], &[u8]),
        class: usize,
        out: &mut Stepped,
    ) {
        let Stepped {
            places: next_places,
            values,
            record,
            work,
            arrived,
        } = out;
        next_places.clear();
        values.clear();
        *record = None;
        arrived.begin(self.places.len());
        let letter = self.classes.representative(class);
        let take = |Leaf { index, tags, kind }: Leaf| {
            let registers = &registers[index * self.tags..(index + 1) * self.tags];
            match kind {
                Kind::Letters { from, to } => {
                    let next = letter.and_then(|letter| self.places.over(letter, from, to));
                    // The first thread to come to a place has priority.
                    if let Some(next) = next
                        && arrived.is_new(next)
                    {
                        next_places.push(next);
                        push_tagged(values, registers, tags);
                    }
                }
                Kind::Match(pattern) => {
                    let mut values = Vec::with_capacity(self.tags);
                    push_tagged(&mut values, registers, tags);
                    *record = Some(Record::new(pattern, &values));
                }
            }
            true
        };
        *work = closure.of(&self.places, places, letter.is_none(), take);
    }
}

/// Appends the registers of a thread, with `NOW` for the tags it passed, which most often are none.
fn push_tagged(values: &mut Vec<u8>, registers: &[u8], mut tags: u64) {
    let begin = values.len();
    values.extend_from_slice(registers);
    while tags != 0 {
        values[begin + tags.trailing_zeros() as usize] = NOW;
        tags &= tags - 1;
    }
}
