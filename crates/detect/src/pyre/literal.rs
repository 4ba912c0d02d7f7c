//! A text that stands in every match of a pattern, letter for letter.

use super::ast::Node;

/// Shorter ones are found on too many lines.
const MIN_LENGTH: usize = 4;

/// The longest literal that every match holds, in ASCII and without a line feed; none if there is none worth a search.
pub(super) fn required(root: &Node) -> Option<String> {
    let mut literals = Literals::default();
    literals.walk(root);
    literals.cut();
    let longest = literals.all.into_iter().max_by_key(String::len)?;
    (longest.len() >= MIN_LENGTH).then_some(longest)
}

#[derive(Default)]
struct Literals {
    current: String,
    all: Vec<String>,
}

impl Literals {
    fn walk(&mut self, node: &Node) {
        match node {
            Node::Set(set) => match *set.ranges() {
                [(low, high)] if low == high && low < 0x80 && low != u32::from('\n') => {
                    self.current.extend(char::from_u32(low));
                }
                _ => self.cut(),
            },
            Node::Concat(items) => items.iter().for_each(|item| self.walk(item)),
            Node::Capture(_, body) | Node::Atomic(body) => self.walk(body),
            // They take nothing: what stands before and behind them is side by side.
            Node::Empty | Node::Look { .. } | Node::Assert(_) => {}
            Node::Repeat { min: 1.., body, .. } => {
                self.cut();
                self.walk(body);
                self.cut();
            }
            Node::Alternate(branches) => {
                self.cut();
                self.common(branches);
            }
            Node::Repeat { .. } | Node::Backref { .. } | Node::Conditional { .. } => self.cut(),
        }
    }

    /// What every branch holds.
    fn common(&mut self, branches: &[Node]) {
        let of = |branch: &Node| {
            let mut literals = Self::default();
            literals.walk(branch);
            literals.cut();
            literals.all
        };
        let all: Vec<Vec<String>> = branches.iter().map(of).collect();
        let everywhere = |literal: &&String| {
            let holds = |of: &Vec<String>| of.iter().any(|other| other.contains(literal.as_str()));
            all.iter().all(holds)
        };
        self.all
            .extend(all.iter().flatten().filter(everywhere).cloned());
    }

    /// Ends a literal.
    fn cut(&mut self) {
        let literal = std::mem::take(&mut self.current);
        if !literal.is_empty() {
            self.all.push(literal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    #[test]
    fn the_longest_literal_that_always_takes_part() {
        for (pattern, expected) in [
            ("^one (?P<x>.+) three$", Some(" three")),
            ("(?:longest of all)?short(?=er)er", Some("shorter")),
            ("(?:often )+x", Some("often ")),
            (r"(?:\[?sshd\]?:|\d+ sshd(?:\[\d+\])?) ", Some("sshd")),
            ("(?:abcde|xbcdy)", None),
            ("(?:abcde|x|)", None),
            ("a.b.c", None),
            ("(?i)failed", None),
            ("line\nfeeds", Some("feeds")),
            ("é four", Some(" four")),
            ("abc|", None),
        ] {
            let found = required(&parse(pattern, false).unwrap().root);
            assert_eq!(found.as_deref(), expected, "{pattern}");
        }
    }
}
