//! Which rules of a gate are better looked for by needles than by its automaton, found out on the first texts.
//!
//! The automaton goes on as long as any rule may still match, so the few rules that can begin anywhere, or begin with
//! anything, make it read the text for all of them. A search for needles costs the same for a few rules and for many,
//! up to a number of beginnings of literals; but a rule whose needles stand in a text that the automaton tells to be
//! none of its own costs a search, and so does one that stands there. A rule that nearly every text is for need not be
//! looked for at all. So the rules that stay in the running for longest are taken out of the automaton, each in the way
//! that costs less, as many as make it end so much sooner that it pays.

use crate::pyre::choice::Choice;
use crate::pyre::needles::{Beginnings, Needle, Needles, Seeker};

/// So many steps of the automaton cost as much as the search of a rule that was misled.
const MISLED: u32 = 4;
/// And so many as much as a needle that is found: the search begins anew behind it.
const FOUND: u32 = 3;
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
    /// Texts that were not for it.
    other: u32,
    /// Texts that hold one of its needles.
    stood: u32,
    /// Those of them that were not for it.
    misled: u32,
}

/// What follows of a trial.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What finds the needles of the rules that are to be looked for by them.
    pub(super) needles: Option<Needles>,
    /// Rules that are to be named always.
    pub(super) always: Vec<usize>,
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
            let is_other = !named.contains(&rule);
            let tried = &mut rules[rule];
            tried.other += u32::from(is_other);
            tried.stood += u32::from(stands);
            tried.misled += u32::from(stands && is_other);
        }
        self.is_over = self.texts == TEXTS;
        if self.is_over {
            self.seekers = Vec::new();
        }
    }

    /// What follows, once it is over.
    pub(super) fn outcome(&self) -> Outcome {
        let needles = &self.needles;
        let mut rules: Vec<usize> = (0..self.rules.len()).collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(self.rules[*rule].lasted));
        // The automaton reads on for as long as the first of those that are left.
        let lasted = |count: usize| rules.get(count).map_or(0, |rule| self.rules[*rule].lasted);
        let (mut best, mut taken) = (lasted(0), (0, 0));
        let (mut by_needle, mut always) = (Vec::new(), Vec::new());
        let (mut literals, mut cost) = (Vec::new(), 0);
        for (place, &rule) in rules.iter().enumerate() {
            let tried = self.rules[rule];
            let mut with = literals.clone();
            with.extend(needles[rule].iter().filter_map(Needle::literal));
            let is_much = Beginnings::count(with.clone()) > MAX_BEGINNINGS;
            let found = FOUND * tried.stood + MISLED * tried.misled;
            let found = Some(found).filter(|_| !needles[rule].is_empty() && !is_much);
            let in_vain = MISLED * tried.other;
            match found.filter(|found| *found <= in_vain) {
                Some(found) => {
                    cost += found;
                    literals = with;
                    by_needle.push(rule);
                }
                None => {
                    cost += in_vain;
                    always.push(rule);
                }
            }
            if lasted(place + 1) + cost < best {
                best = lasted(place + 1) + cost;
                taken = (by_needle.len(), always.len());
            }
        }
        by_needle.truncate(taken.0);
        always.truncate(taken.1);
        Outcome {
            needles: Needles::new(by_needle.iter().map(|rule| (*rule, &needles[*rule][..]))),
            always,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyre::ast::Node;
    use crate::pyre::parse::parse;

    /// In which texts a needle stands.
    #[derive(Clone, Copy)]
    enum Stands {
        Never,
        /// In all, none of which is for the rule.
        InVain,
        /// In one of so many, for which the rule is named.
        Named(usize),
    }
    use Stands::{InVain, Named, Never};

    /// Rules that last for so many steps, with so many needles each, the last of which may stand in a text. Those that
    /// are looked for by needles in the end, and those that are always named.
    fn check(rules: &[(usize, usize, Stands)], by_needle: &[usize], always: &[usize]) {
        let needle = |rule: usize| format!("{rule} needle");
        let pattern = |(rule, &(_, count, _)): (usize, &(usize, usize, Stands))| {
            let absent = (1..count).map(|place| format!("{rule} {place} absent"));
            let patterns = absent.chain((count > 0).then(|| needle(rule)));
            let roots: Vec<Node> = patterns
                .map(|pattern| parse(&pattern, false).unwrap().root)
                .collect();
            Choice::new(None, roots.iter())
        };
        let choices: Vec<Choice> = rules.iter().enumerate().map(pattern).collect();
        let all: Vec<usize> = (0..rules.len()).collect();
        let mut trial = Trial::default();
        for number in 0.. {
            if trial.is_over() {
                break;
            }
            let is_for =
                |rule: &usize| matches!(rules[*rule].2, Named(every) if number % every == 0);
            let stands = |rule: &usize| is_for(rule) || matches!(rules[*rule].2, InVain);
            let named: Vec<usize> = all.iter().copied().filter(is_for).collect();
            let standing: String = all
                .iter()
                .filter(|rule| stands(rule))
                .map(|rule| needle(*rule))
                .collect();
            let text = format!("{}{standing}", "letters ".repeat(18));
            trial.take(&text, &all, &named, &choices, |letters, each| {
                let lasting = |rule: &usize| rules[*rule].0 * STEP >= letters;
                all.iter().copied().filter(lasting).for_each(&mut *each);
                all.iter().any(lasting)
            });
        }
        let outcome = trial.outcome();
        let sorted = |mut rules: Vec<usize>| {
            rules.sort_unstable();
            rules.dedup();
            rules
        };
        let of = outcome.needles.iter().flat_map(Needles::rules).collect();
        assert_eq!(sorted(of), by_needle);
        assert_eq!(sorted(outcome.always), always);
    }

    #[test]
    fn rules_that_last_are_taken_out_as_far_as_it_pays() {
        check(
            &[(1, 1, Never), (9, 2, Never), (5, 1, Never)],
            &[0, 1, 2],
            &[],
        );
        // What is left lasts as long.
        check(&[(3, 0, Never), (3, 1, Never)], &[], &[]);
        check(&[(3, 0, Never), (9, 1, Never), (5, 1, Never)], &[1, 2], &[]);
        // Too many literals.
        check(
            &[(3, 20, Never), (2, 12, Never), (1, 1, Never)],
            &[0, 1],
            &[],
        );
        check(&[(3, 33, Never), (2, 12, Never)], &[], &[]);
    }

    #[test]
    fn a_search_in_vain_costs_four_steps_and_a_needle_that_is_found_three() {
        check(&[(4, 1, InVain)], &[], &[]);
        check(&[(5, 1, InVain)], &[], &[0]);
        check(&[(8, 1, InVain), (4, 0, Never)], &[], &[]);
        check(&[(9, 1, InVain), (4, 0, Never)], &[], &[0]);
        check(&[(9, 0, Never), (9, 1, Never)], &[1], &[0]);
        // As a rule that half of the texts are for.
        check(&[(2, 1, Named(2))], &[0], &[]);
        check(&[(1, 1, Named(2))], &[], &[]);
        check(&[(3, 0, Named(2))], &[], &[0]);
        check(&[(2, 0, Named(2))], &[], &[]);
        check(&[(2, 1, Named(1))], &[], &[0]);
    }
}
