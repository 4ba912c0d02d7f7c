//! Back-references to a group that takes one of a few texts: such a pattern is written out.
//!
//! `(?P<s>[-/])\d+(?P=s)` is `(?P<s>-)\d+-|(?P<s>/)\d+/`. The group comes first in both, so what it takes is chosen first
//! and all that follows is tried in the same order: the same match is found, with the same groups. And an automaton can
//! find it, where a back-reference asks for a search that tries.

use super::ast::{Kind, Node};
use super::chars::{self, CharSet};
use std::collections::HashMap;

/// A group that takes one of more texts is left alone.
const MAX_TEXTS: usize = 8;
/// So is one whose alternatives would be of more nodes than this.
const MAX_NODES: usize = 2_000;

/// What a group takes: nothing, or one character.
type Text = Option<u32>;

/// The same tree without such back-references.
pub(super) fn write_out(root: Node) -> Node {
    let (mut groups, mut references) = (HashMap::new(), HashMap::new());
    root.walk(&mut |node| match node {
        Node::Capture(group, _) => *groups.entry(*group).or_default() += 1,
        Node::Backref { group, .. } => *references.entry(*group).or_default() += 1,
        _ => {}
    });
    if references.is_empty() {
        return root;
    }
    // A group that stands in the tree twice is not of one place.
    references.retain(|group, _| groups.get(group) == Some(&1));
    Writer { references }.node(root)
}

struct Writer {
    /// How often each group is referred to, in all of the tree.
    references: HashMap<usize, usize>,
}

impl Writer {
    fn node(&self, node: Node) -> Node {
        let boxed = |body: Box<Node>| Box::new(self.node(*body));
        match node {
            Node::Concat(items) => self.concat(items.into_iter().map(|item| self.node(item))),
            Node::Alternate(items) => {
                Node::Alternate(items.into_iter().map(|item| self.node(item)).collect())
            }
            Node::Capture(group, body) => Node::Capture(group, boxed(body)),
            Node::Atomic(body) => Node::Atomic(boxed(body)),
            Node::Repeat {
                min,
                max,
                kind,
                body,
            } => Node::Repeat {
                min,
                max,
                kind,
                body: boxed(body),
            },
            Node::Conditional { group, yes, no } => Node::Conditional {
                group,
                yes: boxed(yes),
                no: boxed(no),
            },
            // What looks around is left as it is.
            Node::Look { .. }
            | Node::Empty
            | Node::Set(_)
            | Node::Backref { .. }
            | Node::Assert(_) => node,
        }
    }

    fn concat(&self, items: impl Iterator<Item = Node>) -> Node {
        let mut items: Vec<Node> = items.flat_map(flat).collect();
        // From the end, so that what is written out behind a group is written out with it.
        for place in (0..items.len()).rev() {
            let Some((last, texts)) = self.choice(&items[place..]) else {
                continue;
            };
            let part: Vec<Node> = items.drain(place..=place + last).collect();
            let alternatives = texts.into_iter().map(|text| with(&part, text));
            items.insert(place, Node::Alternate(alternatives.collect()));
        }
        Node::Concat(items)
    }

    /// If the first of `items` is such a group and all references to it are behind it, in which of them the last one is,
    /// and what the group can take, in the order in which that is tried.
    fn choice(&self, items: &[Node]) -> Option<(usize, Vec<Text>)> {
        let (Node::Capture(group, body), rest) = items.split_first()? else {
            return None;
        };
        let expected = *self.references.get(group)?;
        let (mut found, mut nodes, mut last) = (0, 0, 0);
        let mut folds = false;
        for (place, item) in rest.iter().enumerate() {
            item.walk(&mut |node| {
                nodes += 1;
                if let Node::Backref {
                    group: to,
                    ignore_case,
                } = node
                    && to == group
                {
                    found += 1;
                    folds |= ignore_case;
                    last = place + 1;
                }
            });
            if found == expected {
                break;
            }
        }
        let texts = texts(body)?;
        let is_small = nodes * texts.len() <= MAX_NODES;
        let is_cased =
            |text: &Text| text.is_some_and(|c| *chars::folded(c, false) != CharSet::single(c));
        let fits = found == expected && is_small && !(folds && texts.iter().any(is_cased));
        fits.then_some((last, texts))
    }
}

/// What a group with this body can take, in the order in which that is tried.
fn texts(body: &Node) -> Option<Vec<Text>> {
    let characters = |node: &Node| {
        let Node::Set(set) = node else {
            return None;
        };
        let all = set.ranges().iter().flat_map(|&(low, high)| low..=high);
        let few: Vec<Text> = all.take(MAX_TEXTS + 1).map(Some).collect();
        (few.len() <= MAX_TEXTS).then_some(few)
    };
    match body {
        Node::Repeat {
            min: 0,
            max: Some(1),
            kind: kind @ (Kind::Greedy | Kind::Lazy),
            body,
        } => {
            let mut texts = characters(body)?;
            texts.insert(if *kind == Kind::Lazy { 0 } else { texts.len() }, None);
            Some(texts)
        }
        body => characters(body),
    }
}

/// The alternative of a text: the group that begins `part` takes it, and what refers to that is it.
fn with(part: &[Node], text: Text) -> Node {
    let Some((Node::Capture(group, _), rest)) = part.split_first() else {
        return Node::Concat(part.to_vec());
    };
    let taken = || text.map_or(Node::Empty, |c| Node::Set(chars::literal(c)));
    let mut items = vec![Node::Capture(*group, Box::new(taken()))];
    items.extend(rest.iter().cloned());
    for item in &mut items[1..] {
        item.change(&mut |node| {
            if matches!(node, Node::Backref { group: to, .. } if to == group) {
                *node = taken();
            }
        });
    }
    Node::Concat(items)
}

/// What stands side by side in a part that only holds it together.
fn flat(node: Node) -> Vec<Node> {
    match node {
        Node::Concat(items) => items,
        node => vec![node],
    }
}

#[cfg(test)]
mod tests {
    use super::super::backtrack::{Backtracker, Cache};
    use super::super::parse::read;
    use super::super::{Engine, Outcome, Regex};
    use proptest::prelude::*;

    fn check(pattern: &str, is_linear: bool) {
        let engine = Regex::new(pattern, false).unwrap().engine();
        assert_eq!(engine == Engine::Linear, is_linear, "{pattern}: {engine:?}");
    }

    #[test]
    fn few_texts_of_a_group_that_comes_first_are_written_out() {
        for pattern in [
            r"(?P<s>[-/.])\d(?P=s)",
            r"\d(?P<s>[-/])(?:\d|a(?P=s)){2}",
            r#"a=(?P<q>"?)\S+(?P=q) b"#,
            r#"a=(?P<q>"??)\S+(?P=q) b"#,
            r"(?:(?P<s>[-/])\d)(?P=s)",
            r"(?:(?P<s>[-/])\d(?P=s))*x",
            r"(?i)(?P<s>[-/])a(?P=s)",
            r"(?P<s>[-/])(?P<t>[ab])(?P=t)(?P=s)",
            r"(?P<s>[-/])(?=.(?P=s))\d",
        ] {
            check(pattern, true);
        }
        for pattern in [
            r"(?P<s>\S)\d(?P=s)",
            r"(?P<s>\d+)a(?P=s)",
            r"(?P<s>[-/]?+)a(?P=s)",
            r"(?P<s>[-/])?\d(?P=s)",
            r"(?:(?P<s>[-/])|a)\d(?P=s)",
            r"(?i)(?P<s>[ab])1(?P=s)",
        ] {
            check(pattern, false);
        }
    }

    /// Patterns of these pieces have groups that are written out, and such that are not.
    fn pattern() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "[ab-]*",
            "[ab-]*?",
            "(?P=s)",
            "(?P=t)",
            "(?:a|b-)",
            "(?:(?P=s)|a)",
            "b?",
            "(?(s)a|b)",
            "(?=(?P=s))",
            "(?i:(?P=s))",
            "(?:(?P=s)b?)*",
            "$",
            "(?>(?P=s)|a)",
            "(?:",
            ")",
            ")*",
            "|",
        ]);
        let group = prop::sample::select(vec![
            "(?P<s>[-/])",
            "(?P<s>a?)",
            "(?P<s>[ab]??)",
            "(?P<s>[ab-])",
            "(?P<s>a*)",
            "(?:(?P<s>-)|b)",
            "(?P<s>-)?",
        ]);
        let pieces =
            || prop::collection::vec(piece.clone(), 0..4).prop_map(|pieces| pieces.concat());
        (
            pieces(),
            group,
            pieces(),
            "(?:\\(\\?P<t>b\\?\\))?",
            pieces(),
        )
            .prop_map(|(before, group, between, second, after)| {
                format!("{before}{group}{between}{second}{after}")
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_out_matches_as_what_was_written(
            pattern in pattern(),
            texts in prop::collection::vec("[ab/-]{0,8}", 1..6),
        ) {
            let Ok(tree) = read(&pattern, false) else { return Ok(()) };
            let plain = Backtracker::new(&tree);
            let regex = Regex::new(&pattern, false).unwrap();
            let (mut cache, mut other) = (Cache::default(), regex.new_cache());
            for text in &texts {
                let (mut expected, mut found) = (Vec::new(), Vec::new());
                cache.begin();
                let outcome = plain.search(&mut cache, text, Some(&mut expected));
                if outcome != Outcome::OverBudget {
                    prop_assert_eq!(regex.search(&mut other, text, &mut found), outcome, "{} on {:?}", pattern, text);
                    prop_assert!(outcome == Outcome::NoMatch || found == expected, "{pattern} on {text:?}");
                }
            }
        }
    }
}
