//! The syntax tree of a pattern, with flags already resolved.
//!
//! Case folding, `.` and classes have become plain sets of characters, and a group that does not capture has become
//! its body, so that what follows knows nothing of Python's syntax.

use super::chars::CharSet;
use std::sync::Arc;

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Empty,
    /// One character out of a set.
    Set(Arc<CharSet>),
    Concat(Vec<Self>),
    /// Tried in order.
    Alternate(Vec<Self>),
    Capture(usize, Box<Self>),
    Repeat {
        min: u32,
        /// `None` is without bound.
        max: Option<u32>,
        kind: Kind,
        body: Box<Self>,
    },
    Look {
        ahead: bool,
        negative: bool,
        /// Of a look-behind: its width in characters, the same for all its matches.
        width: u64,
        body: Box<Self>,
    },
    Backref {
        group: usize,
        ignore_case: bool,
    },
    /// `(?(group)yes|no)`.
    Conditional {
        group: usize,
        yes: Box<Self>,
        no: Box<Self>,
    },
    Atomic(Box<Self>),
    Assert(Assertion),
}

/// How eagerly a repetition takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Greedy,
    Lazy,
    Possessive,
}

/// A condition on a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assertion {
    TextStart,
    TextEnd,
    /// After a newline or at the start: `^` with MULTILINE.
    LineStart,
    /// Before a newline or at the end: `$` with MULTILINE.
    LineEnd,
    /// At the end or before a newline that ends the text: `$` without MULTILINE.
    LastLineEnd,
    /// `\b`, or `\B` when `negative`; `ascii` says which characters make words.
    WordBoundary {
        negative: bool,
        ascii: bool,
    },
}

/// A parsed pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) root: Node,
    /// The name of each group; index 0 is the whole match.
    pub(super) names: Vec<Option<Box<str>>>,
}

impl Node {
    /// Calls `visit` on this node and all below it.
    pub(super) fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        match self {
            Self::Concat(items) | Self::Alternate(items) => {
                items.iter().for_each(|item| item.walk(visit))
            }
            Self::Capture(_, body) | Self::Atomic(body) => body.walk(visit),
            Self::Repeat { body, .. } | Self::Look { body, .. } => body.walk(visit),
            Self::Conditional { yes, no, .. } => {
                yes.walk(visit);
                no.walk(visit);
            }
            Self::Empty | Self::Set(_) | Self::Backref { .. } | Self::Assert(_) => {}
        }
    }

    /// Calls `change` on this node and then on all below what it has become.
    pub(super) fn change(&mut self, change: &mut dyn FnMut(&mut Self)) {
        change(self);
        match self {
            Self::Concat(items) | Self::Alternate(items) => {
                items.iter_mut().for_each(|item| item.change(change));
            }
            Self::Capture(_, body) | Self::Atomic(body) => body.change(change),
            Self::Repeat { body, .. } | Self::Look { body, .. } => body.change(change),
            Self::Conditional { yes, no, .. } => {
                yes.change(change);
                no.change(change);
            }
            Self::Empty | Self::Set(_) | Self::Backref { .. } | Self::Assert(_) => {}
        }
    }

    /// Whether any node satisfies `test`.
    pub(super) fn any(&self, test: impl Fn(&Self) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |node| found |= test(node));
        found
    }

    /// Whether it can match without consuming a character.
    pub(super) fn nullable(&self) -> bool {
        match self {
            Self::Set(_) => false,
            Self::Concat(items) => items.iter().all(Self::nullable),
            Self::Alternate(items) => items.iter().any(Self::nullable),
            Self::Capture(_, body) | Self::Atomic(body) => body.nullable(),
            Self::Repeat { min, body, .. } => *min == 0 || body.nullable(),
            Self::Conditional { yes, no, .. } => yes.nullable() || no.nullable(),
            Self::Empty | Self::Look { .. } | Self::Backref { .. } | Self::Assert(_) => true,
        }
    }

    /// Whether every match begins at the start of the text.
    pub(super) fn anchored(&self) -> bool {
        match self {
            Self::Assert(Assertion::TextStart) => true,
            Self::Concat(items) => {
                for item in items {
                    if item.anchored() {
                        return true;
                    }
                    // Only what matches nothing but the empty text may stand before the anchor.
                    if item.width() != Some((0, Some(0))) {
                        return false;
                    }
                }
                false
            }
            Self::Alternate(items) => items.iter().all(Self::anchored),
            Self::Capture(_, body) | Self::Atomic(body) => body.anchored(),
            Self::Repeat { min, body, .. } => *min > 0 && body.anchored(),
            Self::Conditional { yes, no, .. } => yes.anchored() && no.anchored(),
            _ => false,
        }
    }

    /// Fewest and most characters a match can have; `None` when a back-reference makes that unknown.
    pub(super) fn width(&self) -> Option<(u64, Option<u64>)> {
        match self {
            Self::Empty | Self::Look { .. } | Self::Assert(_) => Some((0, Some(0))),
            Self::Set(_) => Some((1, Some(1))),
            Self::Concat(items) => {
                let mut sum = (0_u64, Some(0_u64));
                for item in items {
                    let (min, max) = item.width()?;
                    sum.0 = sum.0.saturating_add(min);
                    sum.1 = sum.1.zip(max).map(|(a, b)| a.saturating_add(b));
                }
                Some(sum)
            }
            Self::Alternate(items) => {
                let mut all = items.iter().map(Self::width);
                let mut sum = all.next()??;
                for width in all {
                    sum = either(sum, width?);
                }
                Some(sum)
            }
            Self::Capture(_, body) | Self::Atomic(body) => body.width(),
            Self::Repeat { min, max, body, .. } => {
                let (low, high) = body.width()?;
                let most = if high == Some(0) {
                    Some(0)
                } else {
                    high.zip(*max).map(|(a, b)| a.saturating_mul(u64::from(b)))
                };
                Some((low.saturating_mul(u64::from(*min)), most))
            }
            Self::Conditional { yes, no, .. } => Some(either(yes.width()?, no.width()?)),
            Self::Backref { .. } => None,
        }
    }
}

fn either(a: (u64, Option<u64>), b: (u64, Option<u64>)) -> (u64, Option<u64>) {
    (a.0.min(b.0), a.1.zip(b.1).map(|(a, b)| a.max(b)))
}
