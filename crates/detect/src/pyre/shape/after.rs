//! The way from a pattern's targets to its end: whether it is fixed there, and how a target is told from what follows.

use super::before::Run;
use super::free::Free;
use crate::pyre::ast::{Assertion, Node};
use crate::pyre::chars::CharSet;

/// What stands behind a place.
#[derive(Clone, Debug)]
pub(super) struct After {
    /// Every way from here ends where the text or a line ends.
    ends: bool,
    /// Free text on the way.
    free: Vec<Free>,
    /// What the next character may be.
    next: Vec<CharSet>,
    /// There may be nothing that says what comes next.
    open: bool,
}

/// What stands behind each target.
pub(super) fn walk(root: &Node, targets: &[usize]) -> Vec<(usize, After)> {
    let mut found = Vec::new();
    let nothing = After {
        ends: false,
        free: Vec::new(),
        next: Vec::new(),
        open: true,
    };
    behind(root, nothing, targets, &mut found);
    found
}

impl After {
    /// Whether there is but one place for the target, seen from the end: the free text of the run cannot hold another
    /// one, because what would stand behind that one had no room.
    pub(super) fn pins(&self, run: &Run) -> bool {
        self.ends && !self.free.iter().any(|free| free.holds(&run.between))
    }

    /// Whether the target may be the beginning of a longer host name.
    pub(super) fn is_open(&self) -> bool {
        let of_names = |set: &CharSet| ".-a".chars().any(|c| set.contains(u32::from(c)));
        self.open || self.next.iter().any(of_names)
    }

    fn join(&mut self, other: Self) {
        self.ends &= other.ends;
        self.open |= other.open;
        self.free.extend(other.free);
        self.next.extend(other.next);
        self.free.sort();
        self.free.dedup();
        self.next.sort();
        self.next.dedup();
    }
}

/// What stands before `after` if the node does.
fn behind(node: &Node, after: After, targets: &[usize], found: &mut Vec<(usize, After)>) -> After {
    match node {
        Node::Empty | Node::Backref { .. } => after,
        // A full stop ends a sentence or goes on with a name: what follows tells.
        Node::Set(set) if set.ranges() == [(0x2E, 0x2E)] => after,
        Node::Set(set) => After {
            next: vec![(**set).clone()],
            open: false,
            ..after
        },
        Node::Concat(items) => items
            .iter()
            .rev()
            .fold(after, |after, item| behind(item, after, targets, found)),
        Node::Alternate(items) => either(items.iter(), after, targets, found),
        Node::Conditional { yes, no, .. } => {
            either([&**yes, &**no].into_iter(), after, targets, found)
        }
        Node::Atomic(body) => behind(body, after, targets, found),
        Node::Capture(group, body) => {
            let before = behind(body, after.clone(), targets, found);
            if targets.contains(group) {
                // Its own text is room for another one, too.
                let free = before.free.clone();
                found.push((*group, After { free, ..after }));
            }
            before
        }
        Node::Repeat { min, max, body, .. } => {
            let mut within = after.clone();
            within.free.extend(Free::of(body, *max));
            let mut within = behind(body, within, targets, found);
            if *min == 0 {
                within.join(after);
            }
            within
        }
        Node::Look {
            ahead: true,
            negative,
            body,
            ..
        } => looked_at(body, *negative, after),
        Node::Look { ahead: false, .. } => after,
        Node::Assert(Assertion::TextEnd | Assertion::LineEnd | Assertion::LastLineEnd) => After {
            ends: true,
            free: Vec::new(),
            next: Vec::new(),
            open: false,
        },
        Node::Assert(_) => after,
    }
}

fn either<'n>(
    nodes: impl Iterator<Item = &'n Node>,
    after: After,
    targets: &[usize],
    found: &mut Vec<(usize, After)>,
) -> After {
    let mut all: Option<After> = None;
    for node in nodes {
        let one = behind(node, after.clone(), targets, found);
        match &mut all {
            Some(all) => all.join(one),
            None => all = Some(one),
        }
    }
    all.unwrap_or(after)
}

/// A look-ahead says what comes next, and no more than that.
fn looked_at(body: &Node, negative: bool, after: After) -> After {
    match (negative, body) {
        (false, body) => {
            let nothing = After {
                ends: false,
                free: Vec::new(),
                next: Vec::new(),
                open: true,
            };
            let seen = behind(body, nothing, &[], &mut Vec::new());
            match seen.open {
                true => after,
                false => After {
                    next: seen.next,
                    open: false,
                    ends: after.ends || seen.ends,
                    free: after.free,
                },
            }
        }
        (true, Node::Set(set)) => {
            let refused = (**set).clone();
            let allowed = refused.negated();
            let next = after.next.iter().filter(|next| next.meets(&allowed));
            After {
                // Where nothing else is said, all but the refused may follow.
                next: match after.open {
                    true => vec![allowed],
                    false => next.cloned().collect(),
                },
                open: false,
                ..after
            }
        }
        (true, _) => after,
    }
}
