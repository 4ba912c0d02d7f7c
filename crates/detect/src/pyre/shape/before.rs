//! The way from the beginning of a pattern to its targets: which free text stands on it.

use super::class;
use super::free::{Free, is_fields};
use crate::pyre::ast::{Assertion, Kind, Node};
use crate::pyre::chars::CharSet;
use std::sync::Arc;

/// Pieces of free text that are kept apart.
const MOST_RUNS: usize = 16;
/// Sets that are remembered of a way.
const MOST_SETS: usize = 200;

/// A group's name.
type Name = Option<Box<str>>;

/// What stands before a place.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    /// Free text that nothing has closed.
    pub(super) runs: Vec<Run>,
    /// One character for each piece that must be there, by the first alternatives.
    pub(super) lead: Vec<Arc<CharSet>>,
}

/// Free text, and what must follow it up to here.
#[derive(Clone, Debug)]
pub(super) struct Run {
    number: usize,
    free: Free,
    pub(super) piece: String,
    pub(super) group: Option<usize>,
    pub(super) greedy: bool,
    /// What each way to here holds.
    pub(super) between: Vec<Arc<CharSet>>,
    /// The same by the first alternatives, to be shown.
    pub(super) shown: Vec<Arc<CharSet>>,
}

/// What stands before each target, in the order of the pattern.
pub(super) fn walk(root: &Node, names: &[Name], targets: &[usize]) -> Vec<(usize, State)> {
    let mut walk = Walk {
        names,
        targets,
        found: Vec::new(),
        runs: 0,
    };
    let mut state = State::default();
    walk.node(root, None, &mut state);
    walk.found
}

struct Walk<'a> {
    names: &'a [Name],
    targets: &'a [usize],
    found: Vec<(usize, State)>,
    runs: usize,
}

impl Walk<'_> {
    /// `group` is the named group around the node.
    fn node(&mut self, node: &Node, group: Option<usize>, state: &mut State) {
        match node {
            Node::Empty | Node::Look { .. } | Node::Backref { .. } => {}
            // A line of a log cannot be begun by who writes into it.
            Node::Assert(Assertion::TextStart | Assertion::LineStart) => state.runs.clear(),
            Node::Assert(_) => {}
            Node::Set(set) => state.pass(set),
            Node::Concat(items) => {
                for item in items {
                    self.node(item, group, state);
                }
            }
            Node::Alternate(items) => self.either(items.iter(), group, state),
            Node::Conditional { yes, no, .. } => {
                self.either([&**yes, &**no].into_iter(), group, state);
            }
            Node::Atomic(body) => self.node(body, group, state),
            Node::Capture(target, _) if self.targets.contains(target) => {
                self.found.push((*target, state.clone()));
            }
            Node::Capture(inner, body) => {
                let named = self.names.get(*inner).is_some_and(Option::is_some);
                self.node(body, if named { Some(*inner) } else { group }, state);
            }
            Node::Repeat {
                min,
                max,
                kind,
                body,
            } => self.repeat((*min, *max, *kind), body, group, state),
        }
    }

    fn repeat(
        &mut self,
        (min, max, kind): (u32, Option<u32>, Kind),
        body: &Node,
        group: Option<usize>,
        state: &mut State,
    ) {
        let holds_target = body
            .any(|node| matches!(node, Node::Capture(group, _) if self.targets.contains(group)));
        let free = Free::of(body, max).filter(|_| !holds_target && !is_fields(body));
        // What is inside of free text is part of it.
        let mut inside = state.clone();
        match (free.is_some(), body) {
            (true, Node::Set(set)) => inside.pass(set),
            (true, _) => {}
            (false, _) => self.node(body, group, &mut inside),
        }
        match min {
            0 => state.join(inside),
            _ => *state = inside,
        }
        // Who writes into a line cannot end it.
        let free = free.filter(|free| !free.round_end.iter().any(|set| is_new_line(set)));
        if let Some(free) = free.filter(|_| state.runs.len() < MOST_RUNS) {
            self.runs += 1;
            state.runs.push(Run {
                number: self.runs,
                piece: class::piece(body, &free.set, (min, max, kind)),
                group,
                greedy: kind != Kind::Lazy,
                between: free.round_end.clone(),
                shown: free.round_end.clone(),
                free,
            });
        }
    }

    fn either<'n>(
        &mut self,
        nodes: impl Iterator<Item = &'n Node>,
        group: Option<usize>,
        state: &mut State,
    ) {
        let before = state.clone();
        for (place, node) in nodes.enumerate() {
            let mut inside = before.clone();
            self.node(node, group, &mut inside);
            match place {
                0 => *state = inside,
                _ => state.join(inside),
            }
        }
    }
}

impl Run {
    /// Whether it can hold what leads from it to here, so that the pattern may go on in the middle of it.
    pub(super) fn is_open(&self) -> bool {
        self.free.holds(&self.between)
    }
}

impl State {
    /// A character out of the set must stand here.
    fn pass(&mut self, set: &Arc<CharSet>) {
        self.runs
            .retain(|run| !is_new_line(set) && run.free.set.meets(set));
        let kept = self.runs.iter_mut();
        let kept = kept.flat_map(|run| [&mut run.between, &mut run.shown]);
        for sets in kept.chain([&mut self.lead]) {
            if sets.len() < MOST_SETS {
                sets.push(Arc::clone(set));
            }
        }
    }

    /// Either this way or the other: what one leaves open is open, and between stands only what both have.
    fn join(&mut self, other: Self) {
        for run in other.runs {
            match self.runs.iter_mut().find(|own| own.number == run.number) {
                Some(own) => own.between.retain(|set| run.between.contains(set)),
                None => self.runs.push(run),
            }
        }
    }
}

fn is_new_line(set: &CharSet) -> bool {
    set.ranges() == [(0x0A, 0x0A)]
}
