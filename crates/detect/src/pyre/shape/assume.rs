//! A pattern without its conditionals: one variant for each way in which the groups that they ask for can stand.
//!
//! `(?P<a>x)?y(?(a)z|$)` is `xyz` or `y$`. Seen together the two would look as if nothing bound `y` to the end.

use crate::pyre::ast::Node;

/// Groups that are told apart; there are twice as many variants for each.
const MOST: usize = 3;

/// All variants; the pattern itself if it has no conditional.
pub(super) fn variants(root: &Node) -> Vec<Node> {
    let mut groups = Vec::new();
    root.walk(&mut |node| {
        if let Node::Conditional { group, .. } = node
            && !groups.contains(group)
        {
            groups.push(*group);
        }
    });
    groups.truncate(MOST);
    groups.iter().fold(vec![root.clone()], |roots, &group| {
        let each = roots.iter().flat_map(|root| {
            [true, false]
                .into_iter()
                .filter_map(move |matched| assume(root, group, matched))
        });
        each.collect()
    })
}

/// The node if the group has matched or has not; `None` if that cannot be.
fn assume(node: &Node, group: usize, matched: bool) -> Option<Node> {
    let has = |node: &Node| node.any(|node| matches!(node, Node::Capture(own, _) if *own == group));
    let deeper = |node: &Node| assume(node, group, matched);
    Some(match node {
        Node::Capture(own, _) if *own == group && !matched => return None,
        Node::Conditional {
            group: own,
            yes,
            no,
        } if *own == group => deeper(if matched { yes } else { no })?,
        Node::Conditional {
            group: own,
            yes,
            no,
        } => Node::Conditional {
            group: *own,
            yes: Box::new(deeper(yes)?),
            no: Box::new(deeper(no)?),
        },
        Node::Concat(items) => Node::Concat(items.iter().map(deeper).collect::<Option<_>>()?),
        Node::Alternate(items) => {
            let only = matched && items.iter().any(has);
            let kept = items.iter().filter(|item| !only || has(item));
            let kept: Vec<Node> = kept.filter_map(deeper).collect();
            match kept.len() {
                0 => return None,
                _ => Node::Alternate(kept),
            }
        }
        Node::Repeat {
            min,
            max,
            kind,
            body,
        } => match deeper(body) {
            Some(inner) => Node::Repeat {
                min: if matched && has(body) {
                    (*min).max(1)
                } else {
                    *min
                },
                max: *max,
                kind: *kind,
                body: Box::new(inner),
            },
            None if *min == 0 => Node::Empty,
            None => return None,
        },
        Node::Capture(own, body) => Node::Capture(*own, Box::new(deeper(body)?)),
        Node::Atomic(body) => Node::Atomic(Box::new(deeper(body)?)),
        Node::Look { .. } | Node::Empty | Node::Set(_) | Node::Backref { .. } | Node::Assert(_) => {
            node.clone()
        }
    })
}
