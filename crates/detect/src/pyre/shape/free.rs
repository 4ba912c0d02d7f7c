//! Text that a pattern takes as it comes.

use super::class;
use crate::pyre::ast::Node;
use crate::pyre::chars::CharSet;
use std::sync::Arc;

/// A repetition of a class into which a whole address fits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Free {
    pub(super) set: CharSet,
    /// A text that does not stand in it: `(?:(?!text).)*`.
    except: Vec<Arc<CharSet>>,
    /// What each round ends with: whatever follows the free text stands behind that.
    pub(super) round_end: Vec<Arc<CharSet>>,
}

impl Free {
    /// The free text that so many of these are, if they are.
    pub(super) fn of(body: &Node, max: Option<u32>) -> Option<Self> {
        let set = class::union(body);
        class::is_free(&set, max).then(|| Self {
            set,
            except: refused(body),
            round_end: round_end(body),
        })
    }

    /// Whether a text with one character out of each of these sets fits into it.
    pub(super) fn holds(&self, text: &[Arc<CharSet>]) -> bool {
        // Every text that the part stands for must be one that is refused.
        let within = |(own, refused): (&Arc<CharSet>, &Arc<CharSet>)| {
            own == refused || !own.meets(&refused.negated())
        };
        let breaks = |part: &[Arc<CharSet>]| part.iter().zip(&self.except).all(within);
        text.iter().all(|set| set.meets(&self.set))
            && (self.except.is_empty() || !text.windows(self.except.len()).any(breaks))
    }
}

/// Whether each round begins with a sign of its own, as in `(?:,name="…")*`: those are fields, one after the other, and
/// free is only what stands in them.
pub(super) fn is_fields(body: &Node) -> bool {
    match body {
        Node::Set(_) => false,
        Node::Concat(items) => match items.iter().find(|item| !is_optional_blank(item)) {
            Some(Node::Set(set)) => is_sign(set),
            Some(first) => is_fields(first),
            None => false,
        },
        Node::Alternate(items) => items.iter().all(is_fields),
        Node::Capture(_, body) | Node::Atomic(body) => is_fields(body),
        _ => false,
    }
}

fn is_optional_blank(node: &Node) -> bool {
    matches!(node, Node::Repeat { min: 0, body, .. }
        if matches!(&**body, Node::Set(set) if class::is_blank(set)))
}

fn is_sign(set: &CharSet) -> bool {
    matches!(*set.ranges(), [(low, high)] if low == high
        && char::from_u32(low).is_some_and(|c| c.is_ascii_punctuation()))
}

/// The plain text that a negative look-ahead at the beginning of a round refuses, with what stands in front of that.
fn refused(body: &Node) -> Vec<Arc<CharSet>> {
    let Node::Concat(items) = body else {
        return Vec::new();
    };
    let mut text = Vec::new();
    for item in items {
        match item {
            Node::Set(set) => text.push(Arc::clone(set)),
            Node::Repeat { min, body, .. } if *min > 0 => match plain(body) {
                Some(more) => text.extend(more),
                None => return Vec::new(),
            },
            Node::Look {
                ahead: true,
                negative: true,
                body,
                ..
            } => return plain(body).map_or_else(Vec::new, |more| [text, more].concat()),
            _ => return Vec::new(),
        }
    }
    Vec::new()
}

fn plain(node: &Node) -> Option<Vec<Arc<CharSet>>> {
    let set = |node: &Node| match node {
        Node::Set(set) => Some(Arc::clone(set)),
        _ => None,
    };
    match node {
        Node::Concat(items) => items.iter().map(set).collect(),
        single => set(single).map(|set| vec![set]),
    }
}

fn round_end(body: &Node) -> Vec<Arc<CharSet>> {
    let Node::Concat(items) = body else {
        return Vec::new();
    };
    let mut end = Vec::new();
    for item in items.iter().rev() {
        match item {
            Node::Set(set) => end.push(Arc::clone(set)),
            Node::Repeat { min, body, .. } if *min > 0 => {
                end.extend(plain(body).unwrap_or_default());
                break;
            }
            _ => break,
        }
    }
    end.reverse();
    // A round that is nothing but such text is the free text itself.
    end.retain(|set| !class::is_free(set, None));
    end
}
