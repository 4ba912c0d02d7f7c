//! Which rules of a gate are better looked for by needles than by its automaton, found out on the first texts.
//!
//! The automaton goes on as long as any rule may still match, so the few rules that can begin anywhere, or begin with
//! anything, make it read the text for all of them. A search for needles costs the same for a few rules and for many,
//! up to a number of beginnings of literals; but a rule whose needles stand in a text that the automaton tells to be
//! none of its own costs a search. So the rules that stay in the running for longest are taken out of the automaton,
//! as many as make it end so much sooner that it pays.

use crate::pyre::choice::Choice;
use crate::pyre::needles::{Beginnings, Needle, Needles, Seeker};

/// So many steps of the automaton cost as much as the search of a rule that was misled.
const MISLED: u32 = 4;
/// More beginnings of literals than this take twice as long to search for.
const MAX_BEGINNINGS: usize = 32;
/// After so many texts it is seen which needles of each rule are rare.
const CHOOSING: u32 = 128;
/// After so many it is seen which rules are looked for by theirs.
const TEXTS: u32 = 1_024;
/// So many letters of a text apart it is seen which rules are in the running.
const STEP: usize = 8;
/// No text is followed further.
const REACH: usize = 16 * STEP;

/// What the first texts tell of each rule.
#[derive(Debug, Default)]
pub(super) struct Trial {
    texts: u32,
    rules: Vec<Tried>,
    choices: Vec<Choice>,
    /// The needles of each rule, once they are chosen.
    needles: Vec<Vec<Needle>>,
    /// What tells of them.
    seekers: Vec<Vec<Seeker>>,
    is_over: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tried {
    /// How often it was in the running, over all texts.
    lasted: u32,
    /// Texts that hold one of its needles, though the automaton did not name it.
    misled: u32,
}

impl Trial {
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes a text in. `running` tells which rules are in the running after so many letters of it, and whether any
    /// are; `named` are those that the automaton named.
    pub(super) fn take(
        &mut self,
        text: &str,
        selected: &[usize],
        named: &[usize],
        choices: &[Choice],
        mut running: impl FnMut(usize, &mut dyn FnMut(usize)) -> bool,
    ) {
        if self.texts == 0 {
            self.choices = choices.to_vec();
        }
        self.texts += 1;
        self.rules.resize(choices.len(), Tried::default());
        if self.texts == CHOOSING {
            self.needles = self.choices.iter().map(Choice::needles).collect();
            let seekers_of = |needles: &Vec<Needle>| needles.iter().map(Seeker::new).collect();
            self.seekers = self.needles.iter().map(seekers_of).collect();
            self.choices.clear();
        }
        if self.needles.is_empty() {
            for &rule in selected {
                self.choices[rule].see(text);
            }
            return;
        }
        let Self { rules, seekers, .. } = self;
        for letters in (STEP..=text.len().min(REACH)).step_by(STEP) {
            if !running(letters, &mut |rule| rules[rule].lasted += 1) {
                break;
            }
        }
        for &rule in selected {
            let stands = seekers[rule].iter().any(|seeker| seeker.stands(text));
            rules[rule].misled += u32::from(stands && !named.contains(&rule));
        }
        self.is_over = self.texts == TEXTS;
        if self.is_over {
            self.seekers = Vec::new();
        }
    }

    /// What finds the needles of the rules that are to be looked for by them, once it is known which those are.
    pub(super) fn outcome(&self) -> Option<Needles> {
        let needles = &self.needles;
        let mut rules: Vec<usize> = (0..self.rules.len()).collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(self.rules[*rule].lasted));
        // The automaton reads on for as long as the first of those that are left.
        let lasted = |count: usize| rules.get(count).map_or(0, |rule| self.rules[*rule].lasted);
        let (mut best, mut taken) = (lasted(0), 0);
        let (mut literals, mut misled) = (Vec::new(), 0);
        for (place, &rule) in rules.iter().enumerate() {
            literals.extend(needles[rule].iter().filter_map(Needle::literal));
            misled += self.rules[rule].misled;
            let is_much = Beginnings::count(literals.clone()) > MAX_BEGINNINGS;
            if needles[rule].is_empty() || is_much {
                break;
            }
            let cost = lasted(place + 1) + MISLED * misled;
            if cost < best {
                (best, taken) = (cost, place + 1);
            }
        }
        rules.truncate(taken);
        Needles::new(rules.iter().map(|rule| (*rule, &needles[*rule][..])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyre::ast::Node;
    use crate::pyre::parse::parse;

    /// Rules that last for so many steps, with so many needles each, the last of which may stand in every text.
    fn check(rules: &[(usize, usize, bool)], expected: &[usize]) {
        let pattern = |(rule, &(_, count, misleads)): (usize, &(usize, usize, bool))| {
            let absent = (1..count).map(|place| format!("{rule} {place} needle"));
            let last = match misleads {
                true => "letters".to_owned(),
                false => format!("{rule} needle"),
            };
            let patterns = absent.chain((count > 0).then_some(last));
            let roots: Vec<Node> = patterns
                .map(|pattern| parse(&pattern, false).unwrap().root)
                .collect();
            Choice::new(None, roots.iter())
        };
        let choices: Vec<Choice> = rules.iter().enumerate().map(pattern).collect();
        let all: Vec<usize> = (0..rules.len()).collect();
        let mut trial = Trial::default();
        while !trial.is_over() {
            let text = "letters and letters ".repeat(9);
            trial.take(&text, &all, &[], &choices, |letters, each| {
                let lasting = |rule: &usize| rules[*rule].0 * STEP >= letters;
                all.iter().copied().filter(lasting).for_each(&mut *each);
                all.iter().any(lasting)
            });
        }
        let of = trial.outcome();
        let mut found: Vec<usize> = of.iter().flat_map(Needles::rules).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, expected, "{rules:?}");
    }

    #[test]
    fn rules_that_last_are_taken_out_as_far_as_it_pays() {
        let none = false;
        check(&[(1, 1, none), (9, 2, none), (5, 1, none)], &[0, 1, 2]);
        // What is left lasts as long.
        check(&[(9, 0, none), (9, 1, none), (5, 1, none)], &[]);
        check(&[(5, 0, none), (9, 1, none), (5, 1, none)], &[1]);
        // Misled in every text, for the price of four steps.
        check(&[(1, 1, none), (9, 1, true), (6, 1, none)], &[0, 1, 2]);
        check(&[(6, 0, none), (9, 1, true)], &[]);
        check(&[(4, 0, none), (9, 1, true)], &[1]);
        check(&[(4, 0, none), (8, 1, true)], &[]);
        // Too many literals.
        check(&[(9, 20, none), (8, 12, none), (7, 1, none)], &[0, 1]);
        check(&[(9, 33, none), (8, 12, none)], &[]);
    }
}
