//! Literals of rules, all searched for at once at many letters a step.

use aho_corasick::packed::{Config, MatchKind, Searcher};

/// More literals than this are no faster to search for than an automaton is to follow.
const MAX_LITERALS: usize = 48;

#[derive(Debug)]
pub(crate) struct Needles {
    searcher: Searcher,
    /// The rules of each literal.
    rules: Vec<Vec<usize>>,
}

impl Needles {
    /// Rules with their literals, any of which is enough; none if there is no searcher for so many on this machine.
    pub(crate) fn new<'a>(rules: impl Iterator<Item = (usize, &'a [String])>) -> Option<Self> {
        let mut literals: Vec<(&str, Vec<usize>)> = Vec::new();
        for (rule, of) in rules {
            for literal in of {
                match literals.iter_mut().find(|(known, _)| known == literal) {
                    Some((_, rules)) => rules.push(rule),
                    None => literals.push((literal, vec![rule])),
                }
            }
        }
        // Where one holds another, that one is looked for: so no two begin at the same place.
        literals.sort_by_key(|(literal, _)| literal.len());
        let mut kept: Vec<(&str, Vec<usize>)> = Vec::new();
        for (literal, rules) in literals {
            match kept.iter_mut().find(|(part, _)| literal.contains(*part)) {
                Some((_, of)) => of.extend(rules),
                None => kept.push((literal, rules)),
            }
        }
        if kept.is_empty() || kept.len() > MAX_LITERALS {
            return None;
        }
        let searcher = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .builder()
            .extend(kept.iter().map(|(literal, _)| literal))
            .build()?;
        let rules = kept.into_iter().map(|(_, rules)| rules).collect();
        Some(Self { searcher, rules })
    }

    /// Whether any literal stands in `text`.
    pub(crate) fn any(&self, text: &[u8]) -> bool {
        self.searcher.find(text).is_some()
    }

    /// Calls `each` for every rule of a literal that stands in `text`; more than once if it stands there more often.
    pub(crate) fn search(&self, text: &[u8], mut each: impl FnMut(usize)) {
        let mut at = 0;
        while let Some(found) = self
            .searcher
            .find_in(text, aho_corasick::Span::from(at..text.len()))
        {
            for &rule in &self.rules[found.pattern().as_usize()] {
                each(rule);
            }
            at = found.start() + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_the_rules_that_a_search_for_each_finds(
            rules in prop::collection::vec(prop::collection::vec("[ab]{2,5}", 1..3), 1..6),
            text in "[abé]{0,80}",
        ) {
            let needles = Needles::new(rules.iter().map(Vec::as_slice).enumerate()).unwrap();
            let mut found = vec![false; rules.len()];
            needles.search(text.as_bytes(), |rule| found[rule] = true);
            for (rule, literals) in rules.iter().enumerate() {
                // A literal that holds that of another rule may be found where only that one stands.
                let stands = literals.iter().any(|literal| text.contains(literal.as_str()));
                let coarse = literals.iter().any(|literal| rules.iter().flatten().any(|part| literal.contains(part.as_str()) && text.contains(part.as_str())));
                prop_assert!(!stands || found[rule]);
                prop_assert_eq!(needles.any(text.as_bytes()), found.contains(&true));
                prop_assert!(coarse || !found[rule]);
            }
        }
    }
}
