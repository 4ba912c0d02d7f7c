//! The nondeterministic automaton as the tagged one walks it: flat, with tags for slots, a third of the memory.

use super::NONE;
use regex_automata::nfa::thompson::{NFA, State, Transition};

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
    pub(super) start: u32,
    pub(super) patterns: usize,
}

impl Places {
    pub(super) fn new(nfa: &NFA, tag_of_slot: &[u8]) -> Self {
        let (mut transitions, mut targets) = (Vec::new(), Vec::new());
        let mut places = Vec::with_capacity(nfa.states().len());
        for state in nfa.states() {
            let (first_transition, first_target) = (transitions.len() as u32, targets.len() as u32);
            let mut add = |t: &Transition| transitions.push((t.start, t.end, t.next.as_u32()));
            places.push(match state {
                State::ByteRange { trans } => {
                    add(trans);
                    Place::Letters {
                        from: first_transition,
                        to: first_transition + 1,
                    }
                }
                State::Sparse(sparse) => {
                    sparse.transitions.iter().for_each(add);
                    Place::Letters {
                        from: first_transition,
                        to: transitions.len() as u32,
                    }
                }
                State::Dense(dense) => {
                    (0..=255).for_each(|letter| {
                        if let Some(next) = dense.matches_byte(letter) {
                            add(&Transition {
                                start: letter,
                                end: letter,
                                next,
                            });
                        }
                    });
                    Place::Letters {
                        from: first_transition,
                        to: transitions.len() as u32,
                    }
                }
                State::Union { alternates } => {
                    targets.extend(alternates.iter().map(|next| next.as_u32()));
                    Place::Fork {
                        from: first_target,
                        to: targets.len() as u32,
                    }
                }
                State::BinaryUnion { alt1, alt2 } => {
                    targets.extend([alt1.as_u32(), alt2.as_u32()]);
                    Place::Fork {
                        from: first_target,
                        to: targets.len() as u32,
                    }
                }
                State::Capture { next, slot, .. } => Place::Tag {
                    tag: tag_of_slot.get(slot.as_usize()).copied().unwrap_or(NONE),
                    next: next.as_u32(),
                },
                // The construction leaves no look but the end of the text.
                State::Look { next, .. } => Place::End {
                    next: next.as_u32(),
                },
                State::Match { pattern_id } => Place::Match {
                    pattern: pattern_id.as_u32(),
                },
                State::Fail => Place::Fail,
            });
        }
        Self {
            places: places.into(),
            transitions: transitions.into(),
            targets: targets.into(),
            start: nfa.start_anchored().as_u32(),
            patterns: nfa.pattern_len(),
        }
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

    pub(super) fn targets(&self, from: u32, to: u32) -> &[u32] {
        &self.targets[from as usize..to as usize]
    }
}
