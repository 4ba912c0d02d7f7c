//! Which needles of a rule are searched for: those that stand in the fewest of the first texts.
//!
//! A rule is noticed by a needle for each of its expressions, or by one of what its prefregex takes before the content;
//! of each there are several to choose from. A long literal may stand in every line of a log.

use super::ast::Node;
use super::literal;
use super::needles::{FEW, Needle, Seeker};

/// More needles of the expressions of a rule are not better than one of its prefregex.
const MAX_NEEDLES: usize = 32;

/// One needle less, where there are few, is worth a search of one more text of so many.
const TEXTS_OF_NEEDLE: u32 = 64;

#[derive(Clone, Debug)]
pub(crate) struct Choice {
    before: Option<Part>,
    expressions: Vec<Part>,
    texts: u32,
}

/// The options of one pattern.
#[derive(Clone, Debug)]
struct Part {
    options: Vec<Alternative>,
}

/// Needles of which one stands in every text that the pattern matches.
#[derive(Clone, Debug)]
struct Alternative {
    needles: Vec<Needle>,
    /// What tells of them, from the first text on.
    seekers: Vec<Seeker>,
    /// In how many texts one stood.
    stood: u32,
}

impl Choice {
    /// The needles of a rule with these expressions behind what stands `before`.
    pub(super) fn new<'a>(
        before: Option<&Node>,
        expressions: impl Iterator<Item = &'a Node>,
    ) -> Self {
        Self {
            before: before.map(Part::new),
            expressions: expressions.map(Part::new).collect(),
            texts: 0,
        }
    }

    /// Counts what stands in a text.
    pub(crate) fn see(&mut self, text: &str) {
        self.texts += 1;
        for part in self.before.iter_mut().chain(&mut self.expressions) {
            for option in &mut part.options {
                if option.seekers.is_empty() {
                    option.seekers = option.needles.iter().map(Seeker::new).collect();
                }
                let stands = option.seekers.iter().any(|seeker| seeker.stands(text));
                option.stood += u32::from(stands);
            }
        }
    }

    /// Needles of which one stands in every text that the rule matches; none if there are no such.
    pub(crate) fn needles(&self) -> Vec<Needle> {
        // Where there are more expressions, there are no few needles.
        let texts = match self.expressions.len() <= FEW {
            true => self.texts,
            false => 0,
        };
        let best = |part: &Part| part.best(texts).cloned();
        let before = self.before.as_ref().and_then(best);
        let expressions: Option<Vec<Alternative>> = self.expressions.iter().map(best).collect();
        let all = expressions.and_then(|all| all.into_iter().reduce(Alternative::and));
        let chosen = match (before, all) {
            (Some(before), Some(all)) => {
                let is_better = all.needles.len() <= MAX_NEEDLES && all.stood <= before.stood;
                if is_better { all } else { before }
            }
            (Some(only), None) | (None, Some(only)) => only,
            (None, None) => return Vec::new(),
        };
        chosen.needles
    }
}

impl Part {
    fn new(root: &Node) -> Self {
        let options = literal::options(root).into_iter();
        Self {
            options: options.map(Alternative::new).collect(),
        }
    }

    /// The option that costs least, after so many texts; of equal ones the first.
    fn best(&self, texts: u32) -> Option<&Alternative> {
        self.options.iter().min_by_key(|option| option.cost(texts))
    }
}

impl Alternative {
    fn new(needles: Vec<Needle>) -> Self {
        Self {
            needles,
            seekers: Vec::new(),
            stood: 0,
        }
    }

    /// Either of two expressions.
    fn and(mut self, other: Self) -> Self {
        self.needles.extend(other.needles);
        self.stood += other.stood;
        self
    }

    /// In how many of so many texts it stood, and as many more as the search for it is worth.
    fn cost(&self, texts: u32) -> u32 {
        // More take as long as one more than few.
        let needles = self.needles.len().min(FEW + 1) as u32;
        self.stood + needles * texts / TEXTS_OF_NEEDLE
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    /// What is searched for after `texts`.
    fn check(before: Option<&str>, expressions: &[&str], texts: &[&str], expected: &[&str]) {
        let root = |pattern: &&str| parse(pattern, false).unwrap().root;
        let before = before.as_ref().map(root);
        let roots: Vec<Node> = expressions.iter().map(root).collect();
        let mut choice = Choice::new(before.as_ref(), roots.iter());
        texts.iter().for_each(|text| choice.see(text));
        let needles = choice.needles();
        let found: Vec<&str> = needles.iter().filter_map(Needle::literal).collect();
        assert_eq!(found, expected, "{before:?} {expressions:?}");
    }

    #[test]
    fn the_rarest_needles_are_searched_for() {
        let pattern = r#"^user (\S+) failed, client: \S+, request: ""#;
        check(None, &[pattern], &[], &[" failed, client: "]);
        let other = "x failed, client: 1.2.3.4";
        check(None, &[pattern], &[other], &[", request: \""]);
        let more = r#"x, request: "y""#;
        check(None, &[pattern], &[other, more], &["user "]);
        check(
            None,
            &[pattern],
            &[other, "user", "user "],
            &[", request: \""],
        );
        check(
            None,
            &[pattern, "^other (?:abcd|efgh)"],
            &["other "],
            &[" failed, client: ", "abcd", "efgh"],
        );
        check(None, &[pattern, "^.$"], &[], &[]);
    }

    #[test]
    fn few_needles_may_stand_in_a_few_texts_more() {
        let choice = "^other (?:abcd|efgh)";
        let texts = |stood: usize| {
            let mut texts = vec!["text"; 128];
            texts[..stood].fill("other ");
            texts
        };
        check(None, &[choice], &texts(2), &["other "]);
        check(None, &[choice], &texts(3), &["abcd", "efgh"]);
        check(None, &[choice, "second"], &texts(2), &["other ", "second"]);
        // These are many, whatever is chosen.
        let expected = ["abcd", "efgh", "second", "third"];
        check(None, &[choice, "second", "third"], &texts(1), &expected);
    }

    #[test]
    fn the_expressions_have_to_be_as_rare_as_what_stands_before() {
        let sshd = Some(r"sshd\[\d+\]: ");
        check(
            sshd,
            &["^Failed ", "^Invalid "],
            &[],
            &["Failed ", "Invalid "],
        );
        check(
            sshd,
            &["^Failed ", "^Invalid "],
            &["cron[1]: Failed "],
            &["sshd["],
        );
        check(
            sshd,
            &["^Failed ", "^Invalid "],
            &["sshd[1]: Failed "],
            &["Failed ", "Invalid "],
        );
        check(sshd, &["^Failed ", "^.$"], &["sshd[1]: "], &["sshd["]);
    }
}
