//! What can be told of a pattern from its tree: where it is bound, and where somebody else's text decides.
//!
//! A log line holds text of an attacker: names, requests, host names. The question is whether such text can move the
//! group that says whom the line is about (the *target*) to another place. It cannot if everything between the
//! beginning and the target is fixed, or everything between the target and the end. A class of characters is *free* if
//! a whole address fits into it; it is closed again by a piece that must follow and that the class does not hold.
//!
//! The answers are about the tree as a whole and not proofs: which text is an attacker's, only the service knows.

mod after;
mod assume;
mod before;
mod class;
mod free;

use super::Regex;
use super::ast::{Assertion, Node, Pattern};

/// A pattern's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Every match begins where the text or one of its lines begins.
    pub anchored: bool,
    /// What it holds beyond plain sets, repetitions and alternatives, each once. What stands within the tags for an
    /// address does not count: nobody wrote it.
    pub constructs: Vec<&'static str>,
    /// The groups that were asked for and are there.
    pub targets: Vec<Target>,
}

/// One of the groups that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// A text that fits what stands in front of it.
    pub lead: String,
    /// Text in front of it that can hold another target together with what leads to it, while nothing behind it tells
    /// the two apart.
    pub free: Option<FreeText>,
    /// What stands behind it may begin with a character of a host name, or there is nothing.
    pub open_end: bool,
}

/// A piece that takes what it gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeText {
    /// Its class and repetition, as one would write them.
    pub piece: String,
    /// The named group around it.
    pub group: Option<String>,
    /// It takes as much as it can, and as little otherwise.
    pub greedy: bool,
    /// A text that fits between it and the target.
    pub joint: String,
}

impl Regex {
    /// The shape of this pattern, with a look at the groups of these names. Builds no automaton.
    pub fn shape(&self, targets: &[&str]) -> Shape {
        Shape::new(&self.tree(), targets)
    }
}

impl Shape {
    fn new(pattern: &Pattern, names: &[&str]) -> Self {
        let groups: Vec<usize> = (1..pattern.names.len())
            .filter(|&group| {
                pattern.names[group]
                    .as_deref()
                    .is_some_and(|name| names.contains(&name))
            })
            .collect();
        let variants = assume::variants(&pattern.root);
        let targets = variants.iter().fold(Vec::new(), |targets, root| {
            merged(targets, targets_of(root, pattern, &groups))
        });
        Self {
            anchored: is_anchored(&pattern.root),
            constructs: constructs(pattern),
            targets,
        }
    }
}

fn targets_of(root: &Node, pattern: &Pattern, groups: &[usize]) -> Vec<Target> {
    let before = before::walk(root, &pattern.names, groups);
    let after = after::walk(root, groups);
    let name = |group: usize| pattern.names.get(group).and_then(Option::as_deref);
    let targets = before.into_iter().filter_map(|(group, state)| {
        let (_, behind) = after.iter().find(|(known, _)| *known == group)?;
        let mut open = state.runs.iter().filter(|run| run.is_open());
        let free = open.find(|run| !behind.pins(run));
        Some(Target {
            name: name(group)?.to_owned(),
            lead: class::sample(&state.lead),
            free: free.map(|run| FreeText {
                piece: run.piece.clone(),
                group: run.group.and_then(name).map(str::to_owned),
                greedy: run.greedy,
                joint: class::sample(&run.shown),
            }),
            open_end: behind.is_open(),
        })
    });
    targets.collect()
}

/// What is so in one variant is so.
fn merged(mut targets: Vec<Target>, more: Vec<Target>) -> Vec<Target> {
    for one in more {
        match targets.iter_mut().find(|known| known.name == one.name) {
            Some(known) => {
                known.open_end |= one.open_end;
                known.free = known.free.take().or(one.free);
            }
            None => targets.push(one),
        }
    }
    targets
}

/// Whether every match begins at the beginning of the text or of a line of it.
fn is_anchored(node: &Node) -> bool {
    match node {
        Node::Assert(Assertion::TextStart | Assertion::LineStart) => true,
        Node::Concat(items) => {
            for item in items {
                if is_anchored(item) {
                    return true;
                }
                // Only what matches nothing but the empty text may stand before the anchor.
                if item.width() != Some((0, Some(0))) {
                    return false;
                }
            }
            false
        }
        Node::Alternate(items) => items.iter().all(is_anchored),
        Node::Capture(_, body) | Node::Atomic(body) => is_anchored(body),
        Node::Repeat { min, body, .. } => *min > 0 && is_anchored(body),
        Node::Conditional { yes, no, .. } => is_anchored(yes) && is_anchored(no),
        _ => false,
    }
}

fn constructs(pattern: &Pattern) -> Vec<&'static str> {
    let of_tags: Vec<usize> = (1..pattern.names.len())
        .filter(|&group| matches!(pattern.names[group].as_deref(), Some("ip4" | "ip6" | "dns")))
        .collect();
    let mut found = Vec::new();
    collect(&pattern.root, &of_tags, &mut found);
    found
}

fn collect(node: &Node, of_tags: &[usize], found: &mut Vec<&'static str>) {
    let name = match node {
        Node::Backref { .. } => Some("back-reference"),
        Node::Conditional { .. } => Some("conditional"),
        Node::Look { ahead: true, .. } => Some("look-ahead"),
        Node::Look { ahead: false, .. } => Some("look-behind"),
        Node::Atomic(_) => Some("atomic group"),
        Node::Repeat {
            kind: super::ast::Kind::Possessive,
            ..
        } => Some("possessive repetition"),
        _ => None,
    };
    found.extend(name.filter(|name| !found.contains(name)));
    match node {
        Node::Capture(group, _) if of_tags.contains(group) => {}
        Node::Concat(items) | Node::Alternate(items) => {
            items.iter().for_each(|item| collect(item, of_tags, found));
        }
        Node::Capture(_, body)
        | Node::Atomic(body)
        | Node::Repeat { body, .. }
        | Node::Look { body, .. } => collect(body, of_tags, found),
        Node::Conditional { yes, no, .. } => {
            collect(yes, of_tags, found);
            collect(no, of_tags, found);
        }
        Node::Empty | Node::Set(_) | Node::Backref { .. } | Node::Assert(_) => {}
    }
}

#[cfg(test)]
mod tests;
