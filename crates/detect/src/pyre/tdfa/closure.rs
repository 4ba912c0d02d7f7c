//! Where the places of a state lead through all that takes no letter.

use crate::pyre::places::{Place, Places, UNTAGGED};
use crate::pyre::seen::Seen;

/// An end of such a way.
pub(super) struct Leaf {
    /// Which place of the state it began at.
    pub(super) index: usize,
    /// The tags passed on it, a bit each.
    pub(super) tags: u64,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    /// A place that goes on over a letter in these transitions.
    Letters { from: u32, to: u32 },
    /// The match of a pattern.
    Match(u32),
}

/// The memory for that.
#[derive(Debug, Default)]
pub(super) struct Closure {
    seen: Seen,
    /// Places to be looked at, with the tags passed on the way there.
    stack: Vec<(u32, u64)>,
}

impl Closure {
    /// Calls `each` with the ends of all ways from the places of a state, those of higher priority first, as long as it
    /// wants more; a match is the last. Returns how many places were looked at.
    #[inline]
    pub(super) fn of(
        &mut self,
        places: &Places,
        state: &[u32],
        at_end: bool,
        mut each: impl FnMut(Leaf) -> bool,
    ) -> usize {
        let Self { seen, stack } = self;
        let mut looked_at = 0;
        seen.begin(places.len());
        for (index, &place) in state.iter().enumerate() {
            stack.clear();
            stack.push((place, 0));
            while let Some((mut at, mut tags)) = stack.pop() {
                loop {
                    looked_at += 1;
                    // Where a thread of higher priority was, others die.
                    if !seen.is_new(at) {
                        break;
                    }
                    let kind = match places.place(at) {
                        Place::Letters { from, to } => Kind::Letters { from, to },
                        Place::Match { pattern } => Kind::Match(pattern),
                        Place::Fork { from, to } => {
                            let Some((&first, others)) = places.targets(from, to).split_first()
                            else {
                                break;
                            };
                            stack.extend(others.iter().rev().map(|&next| (next, tags)));
                            at = first;
                            continue;
                        }
                        Place::Tag { tag, next } => {
                            if tag != UNTAGGED {
                                tags |= 1 << tag;
                            }
                            at = next;
                            continue;
                        }
                        Place::End { next } if at_end => {
                            at = next;
                            continue;
                        }
                        Place::End { .. } | Place::Fail => break,
                    };
                    // Threads of lower priority lose against a match.
                    let is_last = matches!(kind, Kind::Match(_));
                    if !each(Leaf { index, tags, kind }) || is_last {
                        return looked_at;
                    }
                    break;
                }
            }
        }
        looked_at
    }
}
