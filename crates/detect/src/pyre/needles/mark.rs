//! A character that few lines hold, between others of which something is known: the slash of a date stands between a digit
//! and the name of a month, that of a path does not.

use super::super::alphabet::{ByteSet, has, insert};
use super::super::ast::Node;
use super::super::chars::CharSet;

/// Of every letter.
const ALL: ByteSet = [u64::MAX; 4];

/// A rare character with its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// In ASCII, and no line feed.
    pub(super) byte: u8,
    /// The letters that may stand in front of it, and behind it. Where that may be anything, or nothing, all.
    before: ByteSet,
    after: ByteSet,
}

impl Mark {
    pub(in crate::pyre) fn new(byte: u8) -> Self {
        Self {
            byte,
            before: ALL,
            after: ALL,
        }
    }

    /// The same between what these match.
    pub(in crate::pyre) fn between(self, before: Option<&Node>, after: Option<&Node>) -> Self {
        let beside = |node: Option<&Node>, edge| {
            let letters = letters_at(node?, edge);
            // A part of a text is searched with line feeds where in the text there is something else, or nothing.
            letters.filter(|letters| !has(letters, b'\n'))
        };
        Self {
            before: beside(before, Edge::Last).unwrap_or(ALL),
            after: beside(after, Edge::First).unwrap_or(ALL),
            ..self
        }
    }

    /// What stands wherever this or `other` does, if there is anything.
    pub(in crate::pyre) fn or(self, other: Self) -> Option<Self> {
        (self.byte == other.byte).then(|| Self {
            byte: self.byte,
            before: union(self.before, other.before),
            after: union(self.after, other.after),
        })
    }

    /// How many letters may stand beside it.
    pub(in crate::pyre) fn breadth(&self) -> u32 {
        let words = self.before.iter().chain(&self.after);
        words.map(|word| word.count_ones()).sum()
    }

    /// Where it stands in a text.
    pub(super) fn each_in<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let places = memchr::memchr_iter(self.byte, text);
        places.filter(|at| self.fits(text, *at))
    }

    fn fits(&self, text: &[u8], at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| text[before]);
        let fits_before =
            self.before == ALL || before.is_some_and(|letter| has(&self.before, letter));
        fits_before
            && match text.get(at + 1) {
                None => self.after == ALL,
                Some(letter) => has(&self.after, *letter),
            }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    First,
    Last,
}

/// The letters with which every match of a node begins, or ends; none if it may match nothing or anything.
fn letters_at(node: &Node, edge: Edge) -> Option<ByteSet> {
    match node {
        Node::Set(set) => Some(letters_of(set)),
        Node::Capture(_, body) | Node::Atomic(body) => letters_at(body, edge),
        Node::Repeat { min: 1.., body, .. } => letters_at(body, edge),
        Node::Concat(items) => {
            let item = match edge {
                Edge::First => items.first(),
                Edge::Last => items.last(),
            };
            letters_at(item?, edge)
        }
        Node::Alternate(branches) => {
            let mut sets = branches.iter().map(|branch| letters_at(branch, edge));
            sets.try_fold(ByteSet::default(), |all, set| Some(union(all, set?)))
        }
        _ => None,
    }
}

/// Characters above ASCII are several bytes, which may be any.
fn letters_of(set: &CharSet) -> ByteSet {
    let mut letters = ByteSet::default();
    let is_in = |letter: &u8| set.contains(u32::from(*letter));
    (0..0x80)
        .filter(is_in)
        .for_each(|letter| insert(&mut letters, letter));
    if set.ranges().last().is_some_and(|(_, high)| *high >= 0x80) {
        (letters[2], letters[3]) = (u64::MAX, u64::MAX);
    }
    letters
}

fn union(one: ByteSet, other: ByteSet) -> ByteSet {
    std::array::from_fn(|word| one[word] | other[word])
}

#[cfg(test)]
mod tests {
    use super::super::super::parse::parse;
    use super::*;

    /// The slash between the parts of a pattern, and whether it stands in texts.
    fn check(before: &str, after: &str, texts: &[(&str, bool)]) {
        let root = |pattern: &str| parse(pattern, false).unwrap().root;
        let mark = Mark::new(b'/').between(Some(&root(before)), Some(&root(after)));
        for (text, expected) in texts {
            let stands = mark.each_in(text.as_bytes()).next().is_some();
            assert_eq!(stands, *expected, "{before:?} / {after:?} in {text:?}");
        }
    }

    #[test]
    fn stands_between_letters_that_may_stand_there() {
        let (day, month) = (r"(?P<d>[12]\d|[0 ]?[1-9]|3[01])", "(?i)(?P<b>jan|feb|nov)");
        check(
            day,
            month,
            &[
                ("24/Nov/2025", true),
                ("on pts/5", false),
                ("/nov", false),
                ("4/", false),
                ("a/b 1/2 3/n", true),
            ],
        );
        check("a+", "(?:b|é|x*y)", &[("a/c", true)]);
        check(
            "a+",
            "(?:b|é)",
            &[("a/b", true), ("a/c", false), ("a/à", true)],
        );
        check("(?:a|)", "b", &[("/b", true), ("x/b", true), ("x/", false)]);
        check("a", r"\s", &[("a/x", true), ("a/", true), ("x/ ", false)]);
        check(r"\s", "a", &[("x/a", true), ("/a", true), (" /x", false)]);
        check("a", "$", &[("a/x", true), ("a/", true)]);
    }
}
