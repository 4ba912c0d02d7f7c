//! What stands in every match of a pattern, letter for letter or nearly so.

use super::alphabet::{ByteSet, has, insert};
use super::ast::Node;
use super::chars::CharSet;
use super::needles::{Mark, Needle, Run};
use std::cmp::Reverse;

/// Shorter literals are found on too many lines.
const MIN_LENGTH: usize = 4;
/// More literals of an alternation are no better than a rare character.
const MAX_CHOICE: usize = 8;
/// So many literals of a pattern, and so many alternations, are thought of.
const MAX_OPTIONS: usize = 6;
/// Shorter runs are searched for letter by letter, or nearly so.
const MIN_RUN: usize = 5;
/// Runs of sets with more members in ASCII are found on too many lines.
const MAX_MEMBERS: u32 = 10;
/// Characters that most log lines do not hold.
const RARE: &str = "\"#$%&'*+/;<>?@\\^`{|}~!";

/// Sets of needles, of each of which every match holds one; those that are likely to be rare come first: literals, in
/// ASCII and without a line feed, the longest first, then literals for each branch of an alternation; or else the longest
/// run of characters of one narrow set, or else a rare character. None if there is nothing that is worth a search.
pub(super) fn options(root: &Node) -> Vec<Vec<Needle>> {
    Found::of(root).options()
}

#[derive(Default)]
struct Found {
    current: String,
    literals: Vec<String>,
    /// Literals of branches, of which one takes part.
    choices: Vec<Vec<String>>,
    runs: Vec<Run>,
    marks: Vec<Mark>,
}

impl Found {
    fn of(root: &Node) -> Self {
        let mut found = Self::default();
        found.walk(root);
        found.cut();
        found
    }

    fn options(self) -> Vec<Vec<Needle>> {
        let literals = self.literal_options();
        if !literals.is_empty() {
            let needles = |all: Vec<String>| all.into_iter().map(Needle::Literal).collect();
            return literals.into_iter().map(needles).collect();
        }
        let mark = self.marks.into_iter().min_by_key(Mark::breadth);
        let run = self.runs.into_iter().max_by_key(Run::length);
        let needle = run.map(Needle::Run).or(mark.map(Needle::Mark));
        needle.into_iter().map(|needle| vec![needle]).collect()
    }

    /// Sets of literals that are worth a search, of each of which one takes part.
    fn literal_options(&self) -> Vec<Vec<String>> {
        let long = |literal: &&String| literal.len() >= MIN_LENGTH;
        let mut literals: Vec<&String> = self.literals.iter().filter(long).collect();
        literals.sort_by_key(|literal| Reverse(literal.len()));
        literals.dedup();
        literals.truncate(MAX_OPTIONS);
        let mut options: Vec<Vec<String>> = literals
            .into_iter()
            .map(|literal| vec![literal.clone()])
            .collect();
        let mut choices = self.choices.clone();
        choices.sort_by_key(Vec::len);
        options.extend(choices.into_iter().take(MAX_OPTIONS));
        options
    }

    fn walk(&mut self, node: &Node) {
        match node {
            Node::Set(set) => match *set.ranges() {
                [(low, high)] if low == high && low < 0x80 && low != u32::from('\n') => {
                    let letter = low as u8;
                    self.current.push(char::from(letter));
                    if RARE.contains(char::from(letter)) {
                        self.marks.push(Mark::new(letter));
                    }
                }
                _ => self.cut(),
            },
            Node::Concat(items) => {
                for (place, item) in items.iter().enumerate() {
                    let known = self.marks.len();
                    self.walk(item);
                    if let Node::Set(_) = item
                        && let Some(mark) = self.marks.get_mut(known)
                    {
                        let before = place.checked_sub(1).map(|before| &items[before]);
                        *mark = mark.between(before, items.get(place + 1));
                    }
                }
            }
            Node::Capture(_, body) | Node::Atomic(body) => self.walk(body),
            // They take nothing: what stands before and behind them is side by side.
            Node::Empty | Node::Look { .. } | Node::Assert(_) => {}
            Node::Repeat {
                min: min @ 1..,
                body,
                ..
            } => {
                self.cut();
                if let Node::Set(set) = &**body {
                    self.runs.extend(run(set, *min as usize));
                }
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

    /// What every branch holds, and what one of them is sure to hold.
    fn common(&mut self, branches: &[Node]) {
        let all: Vec<Self> = branches.iter().map(Self::of).collect();
        let best = |branch: &Self| branch.literal_options().into_iter().next();
        let choice: Option<Vec<Vec<String>>> = all.iter().map(best).collect();
        if let Some(choice) = choice {
            let mut choice = choice.concat();
            choice.sort();
            choice.dedup();
            self.choices
                .extend((choice.len() <= MAX_CHOICE).then_some(choice));
        }
        let everywhere = |literal: &&String| {
            let holds = |other: &String| other.contains(literal.as_str());
            all.iter().all(|of| of.literals.iter().any(holds))
        };
        let literals = all.iter().flat_map(|of| &of.literals);
        self.literals.extend(literals.filter(everywhere).cloned());
        let everywhere = |run: &&Run| {
            let holds = |other: &Run| run.is_part_of(other);
            all.iter().all(|of| of.runs.iter().any(holds))
        };
        let runs = all.iter().flat_map(|of| &of.runs);
        self.runs.extend(runs.filter(everywhere).cloned());
        let marks = all.first().into_iter().flat_map(|first| &first.marks);
        let common = marks.filter_map(|mark| Self::common_mark(*mark, &all));
        self.marks.extend(common);
    }

    /// A mark that stands in every branch, if there is one like it in each.
    fn common_mark(mark: Mark, branches: &[Self]) -> Option<Mark> {
        let mut rest = branches.iter();
        rest.try_fold(mark, |mark, branch| {
            branch.marks.iter().find_map(|other| mark.or(*other))
        })
    }

    /// Ends a literal.
    fn cut(&mut self) {
        let literal = std::mem::take(&mut self.current);
        if !literal.is_empty() {
            self.literals.push(literal);
        }
    }
}

/// So many characters of a set in a row, if that is worth a search.
fn run(set: &CharSet, length: usize) -> Option<Run> {
    let mut members = ByteSet::default();
    let is_in = |letter: &u8| set.contains(u32::from(*letter));
    let letters = (0..0x80).filter(is_in);
    letters.for_each(|letter| insert(&mut members, letter));
    let count: u32 = members.iter().map(|word| word.count_ones()).sum();
    let is_narrow = count <= MAX_MEMBERS && !has(&members, b'\n');
    Run::new(members, length).filter(|_| length >= MIN_RUN && is_narrow)
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::super::{Needles, Regex};
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &str, expected: &[Needle]) {
        let found = options(&parse(pattern, false).unwrap().root);
        let first = found.first().map(Vec::as_slice);
        assert_eq!(first.unwrap_or_default(), expected, "{pattern}");
    }

    #[test]
    fn the_longest_literal_that_always_takes_part() {
        for (pattern, expected) in [
            ("^one (?P<x>.+) three$", Some(" three")),
            ("(?:longest of all)?short(?=er)er", Some("shorter")),
            ("(?:often )+x", Some("often ")),
            (r"(?:\[?sshd\]?:|\d+ sshd(?:\[\d+\])?) ", Some("sshd")),
            ("(?:abcde|abcdx|x)", None),
            ("(?:abcde|x|)", None),
            ("a.b.c", None),
            ("(?i)failed", None),
            ("line\nfeeds", Some("feeds")),
            ("é four", Some(" four")),
            (r"\d{10} four", Some(" four")),
            ("abc|", None),
        ] {
            let expected = expected.map(|literal| Needle::Literal(literal.to_owned()));
            check(pattern, expected.as_slice());
        }
    }

    #[test]
    fn else_a_literal_of_each_branch() {
        for (pattern, expected) in [
            ("(?:abcde|xbcdy)", &["abcde", "xbcdy"][..]),
            (
                "^(?:Connection (?:closed|reset)|(?:dis|un)connected)? by",
                &[],
            ),
            (
                "^(?:abcd(?:e|f)|xyzw|(?:1234|5678)?abcd)",
                &["abcd", "xyzw"],
            ),
            ("(?:abcd|efgh|ijkl)(?:mnop|qrst)", &["mnop", "qrst"]),
            ("(?:abcd|efgh|ijkl)(?:mnop|qrst) more", &[" more"]),
            ("(?:abcd|efgh)(?:x|y)/", &["abcd", "efgh"]),
        ] {
            let needle = |literal: &&str| Needle::Literal((*literal).to_owned());
            let expected: Vec<Needle> = expected.iter().map(needle).collect();
            check(pattern, &expected);
        }
    }

    #[test]
    fn all_that_is_worth_a_search_is_an_option() {
        let found = options(
            &parse(
                r"^user (?:abcd|efgh)x, client: \d+\[ok\], user (?:a|b)",
                false,
            )
            .unwrap()
            .root,
        );
        let found: Vec<Vec<&str>> = found
            .iter()
            .map(|set| set.iter().filter_map(Needle::literal).collect())
            .collect();
        let expected: &[&[&str]] = &[
            &["x, client: "],
            &["[ok], user "],
            &["user "],
            &["abcd", "efgh"],
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn else_the_longest_run_of_a_narrow_set() {
        for (pattern, expected) in [
            (r"\d{10,11}\b(?:\.\d{3,6})?", Some(("0123456789", 10))),
            (r"[a-c]{5}/\d{7}", Some(("0123456789", 7))),
            (r"(?P<x>[ab]+){9}[ab]{5}", Some(("ab", 5))),
            (r"(?:\d{5}|[12]{6,}|x[3-5]{7})x", Some(("0123456789", 5))),
            (r"(?:[01]{5}|[12]{5})", None),
            (r"\d{4}", None),
            (r"(?:\d{5})?", None),
            (r"\w{9}", None),
            (r"[\n1]{9}", None),
            (r"[^x]{9}", None),
        ] {
            let run = expected.map(|(set, length)| {
                let mut members = ByteSet::default();
                set.bytes().for_each(|letter| insert(&mut members, letter));
                Run::new(members, length).unwrap()
            });
            check(pattern, run.map(Needle::Run).as_slice());
        }
    }

    #[test]
    fn else_a_rare_character() {
        let between = |before: &str, after: &str| {
            let root = |pattern: &str| parse(pattern, false).unwrap().root;
            Needle::Mark(Mark::new(b'/').between(Some(&root(before)), Some(&root(after))))
        };
        check(r"\d+/\d+", &[between(r"\d", r"\d")]);
        check("(?:abcd|ef)/", &[between("[df]", "$")]);
        check(".?/.?", &[Needle::Mark(Mark::new(b'/'))]);
        check("(?:/|/b)", &[Needle::Mark(Mark::new(b'/'))]);
        check("(?:a/|/b)", &[Needle::Mark(Mark::new(b'/'))]);
        check("(?:a/c|b/)", &[between("[ab]", "$")]);
        check("(?:a/|-b)", &[]);
        check("a.b:", &[]);
    }

    proptest! {
        #[test]
        fn what_matches_holds_it(
            pattern in prop::sample::select(vec![
                r"\d{10,11}\b(?:\.\d{3,6})?",
                r"\b\d{5}(?:/|\d)",
                r"(?:\d{5}|[12]{6,}|x[3-5]{7})x",
                r"(?:[12]/)+\d*",
                r"(?:ab/c|/[a-c]+)$",
                r"(?i)(?:k{5}|[i-l]{5,})",
                r"(?=1111)(?:\d\d)+(?<=/)?[1-3]{5}",
                r"(?:abcd|xabcdx|abcdefg)(?:é|/)",
                r"(?:11111|efg(?:abcd|3333333)|1234)[ /\d]?$",
                r"[1-3]/(?:x|[a-c]|é)", r"(?:1|x)+/\b", r"(?i)(?:k/|/[k1])", r"(?:1/|2/)\n?", r"(?s)\S/.",
                r"(?:(?P<x>a|12)/)+[^x]", r"(?=.)/(?!1)[^/]*/(?<=/)x", r"[^1]/\s", r"(?:/|)1/$", r"\W/1?/",
            ]),
            text in prop::collection::vec(
                prop::sample::select(vec![
                    "1", "2", "12", "11111", "1234567890", "333", "3333333", "x", "/", "ab", "c", "abcd", "efg", "é",
                    "١٢", "KKK", "\u{212a}kk", " ", ".", "k", "/x", "a/", "\n",
                ]),
                0..8,
            ),
        ) {
            let text = text.concat();
            let regex = Regex::new(pattern, false).unwrap();
            if regex.is_match(&mut regex.new_cache(), &text) {
                let all = options(&parse(pattern, false).unwrap().root);
                prop_assert!(!all.is_empty());
                for of in all {
                    let needles = Needles::new(std::iter::once((0, &of[..]))).unwrap();
                    prop_assert!(needles.any(text.as_bytes()), "{of:?}");
                }
            }
        }
    }
}
