//! The nondeterministic automaton as the lazy ones walk it: flat, with tags for slots, a third of the memory.

use super::alphabet::{ByteSet, insert_range};
use super::byte_classes::ByteClasses;
use crate::hash::QuickHash;
use regex_automata::nfa::thompson::{NFA, State, Transition};
use std::collections::HashSet;

/// The tag of a group that nobody asks for.
pub(super) const UNTAGGED: u8 = u8::MAX;

/// One place; ranges are indices into the tables of [`Places`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// Goes on over a letter in these transitions.
    Letters {
        from: u32,
        to: u32,
    },
    /// Goes on to all of these targets, in order.
    Fork {
        from: u32,
        to: u32,
    },
    /// Notes the position in a tag, or in none.
    Tag {
        tag: u8,
        next: u32,
    },
    /// Goes on at the end of the text only.
    End {
        next: u32,
    },
    Match {
        pattern: u32,
    },
    Fail,
}

#[derive(Debug)]
pub(super) struct Places {
    places: Box<[Place]>,
    /// First and last letter, and the place after it.
    transitions: Box<[(u8, u8, u32)]>,
    targets: Box<[u32]>,
    /// The place that goes on to the start of each pattern, in order.
    pub(super) start: u32,
    /// Where each pattern starts.
    starts: Box<[u32]>,
    /// Where the places of each pattern begin.
    bases: Box<[u32]>,
}

impl Places {
    /// The places of `nfas`, one per pattern, whose slots below `tags` become tags.
    pub(super) fn new(nfas: &[NFA], tags: usize) -> Self {
        let mut flat = Flat::default();
        let (mut starts, mut bases) = (Vec::with_capacity(nfas.len()), Vec::new());
        for (pattern, nfa) in nfas.iter().enumerate() {
            bases.push(flat.places.len() as u32);
            starts.push(flat.places.len() as u32 + nfa.start_anchored().as_u32());
            flat.add(nfa, pattern as u32, tags);
        }
        let start = flat.places.len() as u32;
        let from = flat.targets.len() as u32;
        flat.targets.extend(&starts);
        flat.places.push(Place::Fork {
            from,
            to: flat.targets.len() as u32,
        });
        Self {
            places: flat.places.into(),
            transitions: flat.transitions.into(),
            targets: flat.targets.into(),
            start,
            starts: starts.into(),
            bases: bases.into(),
        }
    }

    /// Where a pattern starts.
    pub(super) fn start_of(&self, pattern: u32) -> u32 {
        self.starts[pattern as usize]
    }

    /// The pattern that a place is part of.
    pub(super) fn pattern_of(&self, place: u32) -> u32 {
        (self.bases.partition_point(|&base| base <= place) as u32).saturating_sub(1)
    }

    /// Letters that no place tells apart form a class.
    pub(super) fn classes(&self) -> ByteClasses {
        let mut sets: HashSet<ByteSet, QuickHash> = HashSet::default();
        // Of one place; nearly always one.
        let mut targets: Vec<(u32, ByteSet)> = Vec::new();
        for place in &self.places {
            let Place::Letters { from, to } = *place else {
                continue;
            };
            for &(first, last, next) in self.transitions(from, to) {
                let known = targets.iter().position(|(target, _)| *target == next);
                let target = known.unwrap_or(targets.len());
                if known.is_none() {
                    targets.push((next, ByteSet::default()));
                }
                insert_range(&mut targets[target].1, first, last);
            }
            sets.extend(targets.drain(..).map(|(_, set)| set));
        }
        ByteClasses::new(sets.iter())
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn place(&self, at: u32) -> Place {
        self.places[at as usize]
    }

    pub(super) fn transitions(&self, from: u32, to: u32) -> &[(u8, u8, u32)] {
        &self.transitions[from as usize..to as usize]
    }

    /// Where a place with these transitions goes on over `letter`.
    pub(super) fn over(&self, letter: u8, from: u32, to: u32) -> Option<u32> {
        let takes = |&&(first, last, _): &&(u8, u8, u32)| first <= letter && letter <= last;
        let taken = self.transitions(from, to).iter().find(takes);
        taken.map(|&(_, _, next)| next)
    }

    pub(super) fn targets(&self, from: u32, to: u32) -> &[u32] {
        &self.targets[from as usize..to as usize]
    }
}

/// The tables while they grow.
#[derive(Default)]
struct Flat {
    places: Vec<Place>,
    transitions: Vec<(u8, u8, u32)>,
    targets: Vec<u32>,
}

impl Flat {
    /// Adds the automaton of one pattern after those before.
    fn add(&mut self, nfa: &NFA, pattern: u32, tags: usize) {
        let base = self.places.len() as u32;
        for state in nfa.states() {
            let (from, first) = (self.transitions.len() as u32, self.targets.len() as u32);
            let transitions = &mut self.transitions;
            let mut add =
                |t: &Transition| transitions.push((t.start, t.end, base + t.next.as_u32()));
            let place = match state {
                State::ByteRange { trans } => {
                    add(trans);
                    Place::Letters { from, to: from + 1 }
                }
                State::Sparse(sparse) => {
                    sparse.transitions.iter().for_each(add);
                    Place::Letters {
                        from,
                        to: self.transitions.len() as u32,
                    }
                }
                State::Dense(dense) => {
                    for letter in 0..=255 {
                        if let Some(next) = dense.matches_byte(letter) {
                            add(&Transition {
                                start: letter,
                                end: letter,
                                next,
                            });
                        }
                    }
                    Place::Letters {
                        from,
                        to: self.transitions.len() as u32,
                    }
                }
                State::Union { alternates } => {
                    self.targets
                        .extend(alternates.iter().map(|next| base + next.as_u32()));
                    Place::Fork {
                        from: first,
                        to: self.targets.len() as u32,
                    }
                }
                State::BinaryUnion { alt1, alt2 } => {
                    self.targets
                        .extend([alt1, alt2].map(|next| base + next.as_u32()));
                    Place::Fork {
                        from: first,
                        to: self.targets.len() as u32,
                    }
                }
                State::Capture { next, slot, .. } => {
                    let tag = if slot.as_usize() < tags {
                        slot.as_usize() as u8
                    } else {
                        UNTAGGED
                    };
                    Place::Tag {
                        tag,
                        next: base + next.as_u32(),
                    }
                }
                // The construction leaves no look but the end of the text.
                State::Look { next, .. } => Place::End {
                    next: base + next.as_u32(),
                },
                State::Match { .. } => Place::Match { pattern },
                State::Fail => Place::Fail,
            };
            self.places.push(place);
        }
    }
}
