//! What must stand in a text for rules to match it, all searched for at many letters a step.

mod mark;
mod run;

pub(crate) use mark::Mark;
pub(crate) use run::Run;

use super::alphabet::{ByteSet, has, insert};
use aho_corasick::packed::{self, Config, MatchKind};
use memchr::memmem;

/// More beginnings of literals than this are no faster to search for than an automaton is to follow.
const MAX_BEGINNINGS: usize = 48;
/// So many are searched for one by one.
pub(super) const FEW: usize = 2;
/// So much of a literal is searched for; the rest is compared where that stands.
const BEGINNING: usize = 8;
/// Nor are more bytes and runs, each of which is searched for by itself.
const MAX_OTHERS: usize = 4;

/// Something that stands in every text that a rule matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Needle {
    /// Of ASCII characters.
    Literal(String),
    Mark(Mark),
    Run(Run),
}

impl Needle {
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Self::Literal(literal) => Some(literal),
            Self::Mark(_) | Self::Run(_) => None,
        }
    }
}

/// Tells of one text after the other whether a needle stands in it. To make one takes longer than to search a line.
#[derive(Clone, Debug)]
pub(super) enum Seeker {
    Literal(Box<memmem::Finder<'static>>),
    Mark(Mark),
    Run(Run),
}

impl Seeker {
    pub(super) fn new(needle: &Needle) -> Self {
        match needle {
            Needle::Literal(literal) => {
                let finder = memmem::Finder::new(literal).into_owned();
                Self::Literal(Box::new(finder))
            }
            Needle::Mark(mark) => Self::Mark(*mark),
            Needle::Run(run) => Self::Run(run.clone()),
        }
    }

    pub(super) fn stands(&self, text: &str) -> bool {
        let text = text.as_bytes();
        match self {
            Self::Literal(finder) => finder.find(text).is_some(),
            Self::Mark(mark) => mark.each_in(text).next().is_some(),
            Self::Run(run) => run.each_in(text).next().is_some(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Needles {
    literals: Option<Literals>,
    /// With the rules of each.
    marks: Vec<(Mark, Vec<usize>)>,
    runs: Vec<(Run, Vec<usize>)>,
}

#[derive(Debug)]
struct Literals {
    searcher: Searcher,
    /// All of them, and their rules; those that begin alike stand together.
    all: Vec<(Box<str>, Vec<usize>)>,
    /// Of each beginning that is searched for, the place behind the literals that begin with it.
    ends: Vec<usize>,
    /// Two letters that stand side by side in one of them, as bits: the first letter tells the words.
    pairs: Vec<ByteSet>,
}

/// Finds beginnings of literals.
#[derive(Debug)]
enum Searcher {
    /// Of one or two, each by itself: two searches of this kind take no longer than one for several.
    Few(Box<[memmem::Finder<'static>]>),
    Many(packed::Searcher),
}

impl Searcher {
    fn new(beginnings: &Beginnings<'_>, literals: &[(Box<str>, Vec<usize>)]) -> Option<Self> {
        if beginnings.texts.len() <= FEW {
            // A single literal is searched for as a whole.
            let texts = match literals {
                [(literal, _)] => vec![&**literal],
                _ => beginnings.texts.clone(),
            };
            let finder = |text: &str| memmem::Finder::new(text).into_owned();
            return Some(Self::Few(texts.into_iter().map(finder).collect()));
        }
        let searcher = Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .builder()
            .extend(&beginnings.texts)
            .build()?;
        Some(Self::Many(searcher))
    }
}

/// A search for beginnings in one text, always further on.
struct Search<'a> {
    searcher: &'a Searcher,
    text: &'a [u8],
    /// Of each of a few, where it stands next, if that was looked for.
    next: [Option<usize>; FEW],
}

impl<'a> Search<'a> {
    fn new(searcher: &'a Searcher, text: &'a [u8]) -> Self {
        let next = [None; FEW];
        Self {
            searcher,
            text,
            next,
        }
    }

    /// The first beginning that stands at `from` or behind it, and where it does.
    fn next(&mut self, from: usize) -> Option<(usize, usize)> {
        match self.searcher {
            Searcher::Few(finders) => {
                let places = finders.iter().zip(&mut self.next).map(|(finder, next)| {
                    let find = || Some(from + finder.find(self.text.get(from..)?)?);
                    let known = next.filter(|at| *at >= from);
                    let at = known.unwrap_or_else(|| find().unwrap_or(usize::MAX));
                    *next = Some(at);
                    at
                });
                let first = places.enumerate().min_by_key(|(_, at)| *at);
                first.filter(|(_, at)| *at != usize::MAX)
            }
            Searcher::Many(searcher) => {
                let span = aho_corasick::Span::from(from..self.text.len());
                let found = searcher.find_in(self.text, span)?;
                Some((found.pattern().as_usize(), found.start()))
            }
        }
    }
}

/// A needle, by its place among all: literals come first, then marks, then runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NeedleId(u32);

/// The beginnings of literals, of which none begins with another: so no two are found at the same place.
#[derive(Debug, Default)]
pub(super) struct Beginnings<'a> {
    texts: Vec<&'a str>,
}

impl<'a> Beginnings<'a> {
    /// The place of a literal's beginning, which is added if it is new. None shorter than those before may come.
    fn add(&mut self, literal: &'a str) -> usize {
        let beginning = literal.get(..BEGINNING).unwrap_or(literal);
        let known = self
            .texts
            .iter()
            .position(|text| beginning.starts_with(text));
        known.unwrap_or_else(|| {
            self.texts.push(beginning);
            self.texts.len() - 1
        })
    }

    /// How many beginnings these literals would have.
    pub(super) fn count(mut literals: Vec<&'a str>) -> usize {
        literals.sort_by_key(|literal| literal.len());
        let mut all = Self::default();
        for literal in literals {
            all.add(literal);
        }
        all.texts.len()
    }
}

impl Needles {
    /// Rules with their needles, any of which is enough; none if there is no searcher for so many on this machine. Rules
    /// that would ask for too many searches are left out.
    pub(crate) fn new<'a>(rules: impl Iterator<Item = (usize, &'a [Needle])>) -> Option<Self> {
        let mut literals: Vec<(&str, Vec<usize>)> = Vec::new();
        let mut marks: Vec<(Mark, Vec<usize>)> = Vec::new();
        let mut runs: Vec<(Run, Vec<usize>)> = Vec::new();
        for (rule, of) in rules {
            let is_new = |needle: &&Needle| match needle {
                Needle::Literal(_) => false,
                Needle::Mark(mark) => !marks.iter().any(|(known, _)| known == mark),
                Needle::Run(run) => !runs.iter().any(|(known, _)| known == run),
            };
            if marks.len() + runs.len() + of.iter().filter(is_new).count() > MAX_OTHERS {
                continue;
            }
            for needle in of {
                match needle {
                    Needle::Literal(literal) => add(&mut literals, literal.as_str(), rule),
                    Needle::Mark(mark) => add(&mut marks, *mark, rule),
                    Needle::Run(run) => add(&mut runs, run.clone(), rule),
                }
            }
        }
        if literals.is_empty() && marks.is_empty() && runs.is_empty() {
            return None;
        }
        let literals = match literals.is_empty() {
            true => None,
            false => Some(Literals::new(literals)?),
        };
        Some(Self {
            literals,
            marks,
            runs,
        })
    }

    /// The rules that are searched for; some of them more than once.
    pub(crate) fn rules(&self) -> impl Iterator<Item = usize> {
        let literals = self.literals.iter().flat_map(Literals::rules);
        literals.chain(self.others()).flatten().copied()
    }

    /// Whether any needle stands in `text`.
    pub(crate) fn any(&self, text: &[u8]) -> bool {
        let literals = || {
            let literals = self.literals.as_ref();
            literals.is_some_and(|literals| literals.search(text, |_, _| None))
        };
        let marks = || {
            let mut marks = self.marks.iter();
            marks.any(|(mark, _)| mark.each_in(text).next().is_some())
        };
        let runs = || {
            let mut runs = self.runs.iter();
            runs.any(|(run, _)| run.each_in(text).next().is_some())
        };
        literals() || marks() || runs()
    }

    /// Whether all of them are literals.
    pub(crate) fn are_literals(&self) -> bool {
        self.literals.is_some() && !self.has_others()
    }

    /// Whether a literal can stand across the place where two letters were put side by side.
    pub(crate) fn may_hold(&self, [first, second]: [u8; 2]) -> bool {
        let literals = self.literals.as_ref();
        literals.is_some_and(|literals| has(&literals.pairs[usize::from(first)], second))
    }

    /// Calls `each` with where a literal begins in a line of `text`, for each line in which one does.
    pub(super) fn each_line(&self, text: &[u8], mut each: impl FnMut(usize, NeedleId)) {
        if let Some(literals) = &self.literals {
            literals.search(text, |at, literal| {
                each(at, literal);
                let end = memchr::memchr(b'\n', &text[at..])?;
                Some(at + end + 1)
            });
        }
    }

    /// The rules of a needle.
    pub(super) fn rules_of(&self, needle: NeedleId) -> &[usize] {
        let place = needle.0 as usize;
        let literals = self.literals.as_ref();
        let literals = literals.map_or(&[][..], |literals| &literals.all);
        if let Some((_, rules)) = literals.get(place) {
            return rules;
        }
        let mut others = self.others().skip(place - literals.len());
        others.next().map_or(&[], Vec::as_slice)
    }

    /// The rules of marks, then those of runs.
    fn others(&self) -> impl Iterator<Item = &Vec<usize>> {
        let marks = self.marks.iter().map(|(_, rules)| rules);
        marks.chain(self.runs.iter().map(|(_, rules)| rules))
    }

    /// Calls `each` with where a literal begins that stands in `text`, for each place where one does.
    pub(super) fn each_literal(&self, text: &[u8], mut each: impl FnMut(usize, NeedleId)) {
        if let Some(literals) = &self.literals {
            literals.search(text, |at, literal| {
                each(at, literal);
                Some(at + 1)
            });
        }
    }

    /// Whether some of them are no literals.
    pub(super) fn has_others(&self) -> bool {
        !self.marks.is_empty() || !self.runs.is_empty()
    }

    /// The same for needles that are no literals, one after the other.
    pub(super) fn each_other(&self, text: &[u8], mut each: impl FnMut(usize, NeedleId)) {
        let literals = self.literals.as_ref();
        let literals = literals.map_or(0, |literals| literals.all.len());
        let mut ids = (literals as u32..).map(NeedleId);
        for ((mark, _), id) in self.marks.iter().zip(&mut ids) {
            mark.each_in(text).for_each(|at| each(at, id));
        }
        for ((run, _), id) in self.runs.iter().zip(&mut ids) {
            run.each_in(text).for_each(|at| each(at, id));
        }
    }
}

/// Adds a rule to those of a needle.
fn add<N: PartialEq>(known: &mut Vec<(N, Vec<usize>)>, needle: N, rule: usize) {
    match known.iter_mut().find(|(known, _)| *known == needle) {
        Some((_, rules)) => rules.push(rule),
        None => known.push((needle, vec![rule])),
    }
}

impl Literals {
    fn new(mut literals: Vec<(&str, Vec<usize>)>) -> Option<Self> {
        literals.sort_by_key(|(literal, _)| literal.len());
        let mut beginnings = Beginnings::default();
        let mut of: Vec<Vec<(Box<str>, Vec<usize>)>> = Vec::new();
        for (literal, rules) in literals {
            let place = beginnings.add(literal);
            of.resize_with(beginnings.texts.len(), Vec::new);
            of[place].push((literal.into(), rules));
        }
        if of.len() > MAX_BEGINNINGS {
            return None;
        }
        let (mut all, mut ends) = (Vec::new(), Vec::new());
        for alike in of {
            all.extend(alike);
            ends.push(all.len());
        }
        let mut pairs = vec![ByteSet::default(); 256];
        for (literal, _) in &all {
            for pair in literal.as_bytes().windows(2) {
                insert(&mut pairs[usize::from(pair[0])], pair[1]);
            }
        }
        let searcher = Searcher::new(&beginnings, &all)?;
        Some(Self {
            searcher,
            all,
            ends,
            pairs,
        })
    }

    /// Gives where each literal begins that stands in `text`. The answer is from where on others are of interest, or that
    /// none are any more; returns whether it was that.
    fn search(&self, text: &[u8], mut go_on: impl FnMut(usize, NeedleId) -> Option<usize>) -> bool {
        let mut search = Search::new(&self.searcher, text);
        let mut at = 0;
        while let Some((beginning, start)) = search.next(at) {
            let from = &text[start..];
            let first = beginning
                .checked_sub(1)
                .map_or(0, |before| self.ends[before]);
            at = start + 1;
            for place in first..self.ends[beginning] {
                if !from.starts_with(self.all[place].0.as_bytes()) {
                    continue;
                }
                match go_on(start, NeedleId(place as u32)) {
                    None => return true,
                    Some(next) => at = at.max(next),
                }
                if at > start + 1 {
                    break;
                }
            }
        }
        false
    }

    fn rules(&self) -> impl Iterator<Item = &Vec<usize>> {
        self.all.iter().map(|(_, rules)| rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn needle() -> impl Strategy<Value = Needle> {
        prop_oneof![
            4 => "[ab]{2,5}".prop_map(Needle::Literal),
            1 => "[ab]{8,11}".prop_map(Needle::Literal),
            1 => prop::sample::select(&b"/@#"[..]).prop_map(|byte| Needle::Mark(Mark::new(byte))),
            1 => (prop::sample::select(vec!["01", "0"]), 1..6_usize).prop_map(|(set, length)| {
                let mut members = ByteSet::default();
                set.bytes().for_each(|letter| insert(&mut members, letter));
                Needle::Run(Run::new(members, length).unwrap())
            }),
        ]
    }

    /// The plain way to find a needle.
    fn stands(needle: &Needle, text: &str) -> bool {
        match needle {
            Needle::Literal(literal) => text.contains(literal.as_str()),
            Needle::Mark(mark) => text.contains(char::from(mark.byte)),
            Needle::Run(run) => {
                let mut windows = text.as_bytes().windows(run.length);
                let is_in = |letter: &u8| !letter.is_ascii() || has(&run.set, *letter);
                windows.any(|window| window.iter().all(is_in))
            }
        }
    }

    proptest! {
        #[test]
        fn finds_the_rules_that_a_search_for_each_finds(
            rules in prop::collection::vec(prop::collection::vec(needle(), 1..3), 1..6),
            text in prop_oneof!["[ab]{0,9}", "[abé01]{0,80}", "[ab01/@#]{0,80}", "[01a]{0,20}"],
        ) {
            let needles = Needles::new(rules.iter().map(Vec::as_slice).enumerate());
            let Some(needles) = needles else { return Ok(()) };
            let mut found = vec![false; rules.len()];
            let mut standing = Vec::new();
            needles.each_literal(text.as_bytes(), |_, needle| standing.push(needle));
            needles.each_other(text.as_bytes(), |_, needle| standing.push(needle));
            let named = standing.iter().flat_map(|needle| needles.rules_of(*needle));
            named.for_each(|rule| found[*rule] = true);
            prop_assert_eq!(needles.any(text.as_bytes()), found.contains(&true));
            let known: Vec<usize> = needles.rules().collect();
            for (rule, of) in rules.iter().enumerate() {
                let is_known = known.contains(&rule);
                for needle in of {
                    prop_assert_eq!(Seeker::new(needle).stands(&text), stands(needle, &text));
                }
                let stands = of.iter().any(|needle| stands(needle, &text));
                prop_assert_eq!(found[rule], is_known && stands);
            }
            prop_assert!(!known.is_empty());
            // What stands in the whole and in neither half stands across the place between.
            if needles.are_literals() {
                for (place, _) in text.char_indices().skip(1) {
                    let (before, after) = text.split_at(place);
                    let seam = [before.as_bytes()[place - 1], after.as_bytes()[0]];
                    let in_half = needles.any(before.as_bytes()) || needles.any(after.as_bytes());
                    prop_assert!(in_half || !needles.any(text.as_bytes()) || needles.may_hold(seam));
                }
            }
        }
    }

    #[test]
    fn rules_that_ask_for_too_many_searches_are_left_out() {
        let of: Vec<[Needle; 1]> = (0..9).map(|byte| [Needle::Mark(Mark::new(byte))]).collect();
        let needles = Needles::new(of.iter().map(|needles| &needles[..]).enumerate()).unwrap();
        assert_eq!(needles.rules().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
