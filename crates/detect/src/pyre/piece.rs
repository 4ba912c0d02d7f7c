//! What some line of a match over several lines must hold: the longest piece of a pattern that always takes part and
//! never crosses the end of a line.

use super::ast::Node;
use super::chars::CharSet;
use std::sync::Arc;

/// A pattern for one line. It matches everywhere if the pattern has no piece that is worth a search.
pub(super) fn of(root: &Node) -> Node {
    let mut pieces = Pieces::default();
    pieces.walk(root);
    pieces.cut();
    if worth(&pieces.best) < MIN_WORTH {
        return Node::Empty;
    }
    Node::Concat(pieces.best.into_iter().map(Node::Set).collect())
}

/// Pieces that are worth less are found on too many lines.
const MIN_WORTH: usize = 16;
/// What a character is worth that hardly any other can stand for.
const NARROW: usize = 4;

fn worth(piece: &[Arc<CharSet>]) -> usize {
    let narrow = |set: &CharSet| {
        let characters = set.ranges().iter().map(|(low, high)| high - low + 1);
        characters.sum::<u32>() <= 4
    };
    piece
        .iter()
        .map(|set| if narrow(set) { NARROW } else { 1 })
        .sum()
}

#[derive(Default)]
struct Pieces {
    current: Vec<Arc<CharSet>>,
    best: Vec<Arc<CharSet>>,
}

impl Pieces {
    fn walk(&mut self, node: &Node) {
        match node {
            Node::Set(set) if !set.contains(u32::from('\n')) => self.current.push(Arc::clone(set)),
            Node::Concat(items) => items.iter().for_each(|item| self.walk(item)),
            Node::Capture(_, body) | Node::Atomic(body) => self.walk(body),
            // They take nothing: what stands before and behind them is side by side.
            Node::Empty | Node::Look { .. } | Node::Assert(_) => {}
            Node::Repeat { min: 1.., body, .. } => {
                self.cut();
                self.walk(body);
                self.cut();
            }
            Node::Set(_)
            | Node::Repeat { .. }
            | Node::Alternate(_)
            | Node::Backref { .. }
            | Node::Conditional { .. } => self.cut(),
        }
    }

    /// Ends a piece.
    fn cut(&mut self) {
        let piece = std::mem::take(&mut self.current);
        if worth(&piece) > worth(&self.best) {
            self.best = piece;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn check(pattern: &str, expected: &str) {
        let found = match of(&parse(pattern, true).unwrap().root) {
            Node::Concat(items) => items
                .iter()
                .map(|item| match item {
                    Node::Set(set)
                        if set.ranges().len() == 1 && set.ranges()[0].0 == set.ranges()[0].1 =>
                    {
                        char::from_u32(set.ranges()[0].0).unwrap()
                    }
                    _ => '?',
                })
                .collect(),
            _ => String::new(),
        };
        assert_eq!(found, expected, "{pattern}");
    }

    #[test]
    fn the_longest_piece_within_a_line() {
        check(r"^\s+\[conn(?P<c>\d+)\] Failed to(?:x|y)", "] Failed to");
        check(r"^one two\nthree four five$", "three four five");
        check(r"(?:longest of all)?short(?=er)er", "shorter");
        check(r"(?:at least once )+x", "at least once ");
        check(r"a.bcd efg", "a?bcd efg");
        check(r"ab", "");
        check(r"(?:alternative one|alternative two)", "");
    }
}
