//! Look-behinds as a shift register.
//!
//! A fixed sequence of sets `S1…Sk` gets bits 0 to k: bit j says that the last j characters are in `S1…Sj`. One
//! character shifts all of them, so the truth of every look-behind at a position is one bit, known in advance.

use super::alphabet::{ByteSet, has};
use super::ast::{Assertion, Node};
use super::chars::{Category, CharSet, category, complement};
use std::sync::Arc;

/// Most alternatives of one look-behind.
const MAX_SEQUENCES: usize = 16;
/// Bits of the register.
const MAX_BITS: u32 = 64;

/// One alternative of a look-behind.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sequence {
    pub(super) sets: Vec<Arc<CharSet>>,
    /// The sequence must begin at the start of the text.
    pub(super) anchored: bool,
    /// Nothing more can be put in front: its first set only looks at the character before a boundary.
    sealed: bool,
}

/// The alternatives that a look-behind's body stands for; `None` when it is more than plain sequences.
pub(super) fn sequences(body: &Node) -> Option<Vec<Sequence>> {
    let empty = Sequence {
        sets: Vec::new(),
        anchored: false,
        sealed: false,
    };
    let all = prepend(body, vec![empty])?;
    // An empty sequence holds everywhere: nothing a register could say.
    all.iter()
        .all(|sequence| sequence.anchored || !sequence.sets.is_empty())
        .then_some(all)
}

/// Every way of matching `node` and then one of `rest`.
fn prepend(node: &Node, rest: Vec<Sequence>) -> Option<Vec<Sequence>> {
    let before = |sets: &[Arc<CharSet>], sequence: &Sequence| {
        // Nothing can stand before the start of the text.
        (!sequence.anchored && !sequence.sealed).then(|| Sequence {
            sets: [sets, &sequence.sets].concat(),
            anchored: false,
            sealed: false,
        })
    };
    let all = match node {
        Node::Empty => rest,
        Node::Set(set) => rest
            .iter()
            .map(|sequence| before(&[Arc::clone(set)], sequence))
            .collect::<Option<_>>()?,
        Node::Concat(items) => items
            .iter()
            .rev()
            .try_fold(rest, |rest, item| prepend(item, rest))?,
        Node::Alternate(items) => {
            let mut all = Vec::new();
            for item in items {
                all.extend(prepend(item, rest.clone())?);
            }
            all
        }
        Node::Capture(_, body) => prepend(body, rest)?,
        Node::Repeat { min, max, body, .. } if *max == Some(*min) && *min <= MAX_BITS => {
            (0..*min).try_fold(rest, |rest, _| prepend(body, rest))?
        }
        Node::Assert(Assertion::TextStart) => {
            if rest.iter().any(|sequence| sequence.sealed) {
                return None;
            }
            rest.into_iter()
                .map(|sequence| Sequence {
                    anchored: true,
                    ..sequence
                })
                .collect()
        }
        Node::Assert(Assertion::WordBoundary {
            negative: false,
            ascii,
        }) => {
            // Before a word character: the start of the text or another character. Before another one: a word character.
            let word = category(Category::Word, *ascii);
            let other = complement(Category::Word, *ascii);
            let mut all = Vec::new();
            for sequence in rest {
                let first = sequence.sets.first()?;
                let neighbour = if within(first, &word) {
                    &other
                } else if within(first, &other) {
                    &word
                } else {
                    return None;
                };
                all.push(Sequence {
                    sealed: true,
                    ..before(&[Arc::clone(neighbour)], &sequence)?
                });
                if Arc::ptr_eq(neighbour, &other) {
                    all.push(Sequence {
                        anchored: true,
                        ..sequence
                    });
                }
            }
            all
        }
        _ => return None,
    };
    (all.len() <= MAX_SEQUENCES).then_some(all)
}

fn within(inner: &CharSet, outer: &CharSet) -> bool {
    let mut union = inner.ranges().to_vec();
    union.extend_from_slice(outer.ranges());
    CharSet::new(union) == *outer
}

/// The register of a program.
#[derive(Debug, Default)]
pub(super) struct Behinds {
    known: Vec<Behind>,
    bits: u32,
}

#[derive(Debug, PartialEq)]
struct Behind {
    sets: Vec<usize>,
    anchored: bool,
    base: u32,
}

impl Behinds {
    /// The bit that says whether the last characters are in `sets` (indices), in order; `None` when all bits are taken.
    pub(super) fn add(&mut self, sets: Vec<usize>, anchored: bool) -> Option<u32> {
        if let Some(known) = self
            .known
            .iter()
            .find(|known| known.sets == sets && known.anchored == anchored)
        {
            return Some(known.base + known.sets.len() as u32);
        }
        let length = sets.len() as u32;
        let base = self.bits;
        if base + length >= MAX_BITS {
            return None;
        }
        self.bits += length + 1;
        self.known.push(Behind {
            sets,
            anchored,
            base,
        });
        Some(base + length)
    }

    /// The register at the start of the text.
    pub(super) fn initial(&self) -> u64 {
        self.known
            .iter()
            .filter(|behind| behind.anchored)
            .fold(0, |register, behind| register | 1 << behind.base)
    }

    /// The register after `letter`.
    pub(super) fn shift(&self, register: u64, letter: u8, sets: &[ByteSet]) -> u64 {
        let mut shifted = 0;
        for behind in &self.known {
            for (index, &set) in behind.sets.iter().enumerate() {
                let bit = behind.base + index as u32;
                let reached = if index == 0 && !behind.anchored {
                    true
                } else {
                    register >> bit & 1 == 1
                };
                if reached && has(&sets[set], letter) {
                    shifted |= 1 << (bit + 1);
                }
            }
        }
        shifted
    }

    /// Which bits must be known before a letter is consumed so that `needed` are known after it.
    pub(super) fn needed_before(&self, needed: u64) -> u64 {
        let bases = self
            .known
            .iter()
            .fold(0_u64, |bases, behind| bases | 1 << behind.base);
        (needed & !bases) >> 1
    }
}
