//! Which of many rules can have something to say about a text, in one pass over it however many they are.
//!
//! Of a rule with a prefregex the gate asks whether any of its expressions matches behind what comes before the
//! prefregex's content. That is no less than the rule asks, since the prefregex finds the content in one of the ways
//! that the gate tries; where the two do not fit together, the gate asks for the prefregex alone.
//!
//! A rule that can begin anywhere, or begins with anything, stays in the running for long, and the automaton with it.
//! Where that is seen (`trial`), and each of its expressions holds a literal or something like it, those are searched
//! for instead; and a rule that nearly every text is for is named without a look.
//!
//! A gate never misses a rule. What it names may turn out not to match: look-arounds with captures and
//! back-references are taken to hold.

mod trial;

use super::ahead::{Ahead, Wanted};
use super::alphabet::{Alphabet, Encoded};
use super::ast::{Assertion, Node, Pattern};
use super::choice::Choice;
use super::code::{Joint, compile_joints};
use super::needles::Needles;
use super::product::{self, Letters};
use super::subsets::{self, GaveUp, Subsets};
use super::{Regex, piece};
use trial::{Outcome, Trial};

/// Beyond so many states of its automaton a rule is let pass always, and beyond so many of all rules the later ones.
const MAX_STATES_OF_RULE: usize = 20_000;
const MAX_STATES: usize = 200_000;

/// A rule as a gate sees it.
#[derive(Debug)]
pub(crate) struct Gated<'a> {
    /// What must match first, and the group whose text `regexes` then search instead of the whole.
    pub(crate) prefix: Option<(&'a Regex, Option<usize>)>,
    /// Any of them is enough.
    pub(crate) regexes: Vec<&'a Regex>,
    /// They span several lines: a line is let pass that can hold the longest piece of any of them.
    pub(crate) spans_lines: bool,
}

impl<'a> Gated<'a> {
    /// A rule that is one regex.
    pub(crate) fn alone(regex: &'a Regex) -> Self {
        Self {
            prefix: None,
            regexes: vec![regex],
            spans_lines: false,
        }
    }

    /// The needles of which one stands wherever the rule can match.
    pub(crate) fn choice(&self) -> Choice {
        let trees = Trees::new(self);
        match (&trees.before, &trees.patterns[..]) {
            // Where no content is sure to be the rest of the text, the prefregex stands for all of it.
            (None, [prefix]) if self.prefix.is_some() => {
                let expressions = trees_of(&self.regexes);
                Choice::new(
                    Some(&prefix.root),
                    expressions.iter().map(|tree| &tree.root),
                )
            }
            _ => trees.choice(),
        }
    }
}

/// A text to be searched by a gate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Searched<'t> {
    pub(crate) text: &'t str,
    /// A line feed follows, and is searched with it.
    pub(crate) has_feed: bool,
    /// All of the text, and of what it is a part of, is known to be ASCII.
    pub(crate) is_ascii: bool,
    /// What it is a part of, but for a line feed at its end. Needles are looked for in that once for all its parts, until
    /// the cache is told of the next text.
    pub(crate) part_of: Option<Part<'t>>,
}

/// See [`Searched`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'t> {
    pub(crate) whole: &'t str,
    /// Where it begins in the text that the cache looked at before it.
    pub(crate) place: Option<usize>,
}

/// The automaton of many rules. Immutable; shared by threads, each with a [`GateCache`] of its own.
#[derive(Debug)]
pub(crate) struct Gate {
    alphabet: Alphabet,
    automaton: Subsets,
    /// The automaton's pattern of each rule; none for one that is always let pass.
    patterns: Box<[Option<u32>]>,
    /// The other way round.
    rules: Box<[usize]>,
    /// Of each rule the needles of which one stands in every text that it matches.
    choices: Box<[Choice]>,
}

/// The memory a thread needs for searches with one gate; grows with use, within the bound that the gate was made with.
#[derive(Debug, Default)]
pub(crate) struct GateCache {
    text: Encoded,
    automaton: subsets::Cache,
    found: Vec<usize>,
    selections: Vec<Selection>,
    silent_after: Option<usize>,
    trial: Trial,
    /// Which rules are looked for by their needles.
    by_needle: Vec<bool>,
    /// Rules that are named always.
    always: Vec<usize>,
    needles: Option<Needles>,
    /// Which of them stand in the lines that come next.
    ahead: Ahead,
    /// The rules of needles that stand in what the texts at hand are parts of, once that was searched.
    standing: Vec<usize>,
    is_searched: bool,
}

#[derive(Debug, Default)]
struct Selection {
    rules: Box<[usize]>,
    /// Of each rule, whether it is selected and looked for by its needles; empty if none is.
    by_needle: Box<[bool]>,
    /// Selected rules that are always named.
    always: Box<[usize]>,
}

impl GateCache {
    /// Makes the numbers of all selections invalid, and of use for others.
    pub(crate) fn forget_selections(&mut self) {
        self.selections.clear();
        self.automaton.forget_selections();
    }

    /// Texts from now on are parts of something else.
    pub(crate) fn next_text(&mut self) {
        self.is_searched = false;
    }

    /// Looks at the text in which that stands which the texts that come next are parts of.
    pub(crate) fn look_ahead(&mut self, text: &str) {
        match &self.needles {
            Some(needles) => self.ahead.look(text, needles, Wanted::All),
            None => self.ahead.forget(),
        }
    }

    /// Whether it is known without a search that no needle stands in a text.
    pub(crate) fn is_quiet(&mut self, part: Part<'_>) -> bool {
        let mut is_quiet = |place| self.ahead.is_quiet(place, part.whole.len());
        self.trial.is_over() && (self.needles.is_none() || part.place.is_some_and(&mut is_quiet))
    }

    /// Appends those of the selected rules that are always named.
    pub(crate) fn name_always(&self, selection: usize, hits: &mut Vec<usize>) {
        let selected = self.selections.get(selection);
        hits.extend(selected.iter().flat_map(|selected| &selected.always));
    }

    /// If the automaton found nothing in the last search, after how many letters that was certain: nor does it in any other
    /// text that begins with these, whatever is behind.
    pub(crate) fn silent_after(&self) -> Option<usize> {
        self.silent_after
    }

    /// What the last search took, as [`super::Steps::linear`].
    pub(crate) fn steps(&self) -> usize {
        self.automaton.steps()
    }
}

impl GateCache {
    /// Appends those of the selected rules that are looked for by needles of which one stands in the text.
    fn find_needles(&mut self, selection: usize, searched: Searched<'_>, hits: &mut Vec<usize>) {
        let selected = self.selections.get(selection);
        if selected.is_none_or(|selected| selected.by_needle.is_empty()) {
            return;
        }
        if !self.is_searched || searched.part_of.is_none() {
            self.is_searched = searched.part_of.is_some();
            self.standing.clear();
            let part = searched.part_of;
            let place = part.and_then(|part| Some((part.place?, part.whole.len())));
            if !place.is_some_and(|(place, length)| self.ahead.is_quiet(place, length)) {
                self.note_standing(searched);
            }
        }
        if self.standing.is_empty() {
            return;
        }
        let by_needle = &self.selections[selection].by_needle;
        hits.extend(self.standing.iter().filter(|rule| by_needle[**rule]));
    }

    /// Notes the rules of needles that stand in a text, or in what it is a part of.
    fn note_standing(&mut self, searched: Searched<'_>) {
        let Self {
            needles: Some(needles),
            standing,
            ahead,
            ..
        } = self
        else {
            return;
        };
        let part_of = searched.part_of;
        let text = part_of.map_or(searched.text, |part| part.whole).as_bytes();
        let place = part_of.and_then(|part| part.place);
        let mut stands = |needle| {
            for rule in needles.rules_of(needle) {
                if !standing.contains(rule) {
                    standing.push(*rule);
                }
            }
        };
        match place.and_then(|place| ahead.of(place, text.len())) {
            Some(known) => known.for_each(&mut stands),
            None => {
                needles.each_literal(text, |_, needle| stands(needle));
                needles.each_other(text, |_, needle| stands(needle));
            }
        }
    }
}

impl Gate {
    /// Builds the automaton of `rules`; `bound` limits the bytes of a cache. None if there can be none for all of them.
    pub(crate) fn new(rules: &[Gated<'_>], bound: usize) -> Option<Self> {
        let trees: Vec<Trees> = rules.iter().map(Trees::new).collect();
        let roots: Vec<Vec<&Node>> = trees.iter().map(Trees::roots).collect();
        let joints: Vec<Joint<'_>> = trees
            .iter()
            .zip(&roots)
            .map(|(trees, roots)| Joint {
                before: trees.before.as_ref(),
                roots,
            })
            .collect();
        let compiled = compile_joints(&joints).ok()?;
        let letters = Letters::new(&compiled);
        let mut room = MAX_STATES;
        let (mut nfas, mut patterns, mut named) = (Vec::new(), Vec::new(), Vec::new());
        for (rule, code) in compiled.codes.iter().enumerate() {
            let limit = room.min(MAX_STATES_OF_RULE);
            let built = code
                .as_ref()
                .ok()
                .and_then(|code| product::build_one(code, &letters, 0, limit).ok());
            let Some((nfa, states)) = built else {
                patterns.push(None);
                continue;
            };
            room -= states;
            patterns.push(Some(nfas.len() as u32));
            nfas.push(nfa);
            named.push(rule);
        }
        Some(Self {
            choices: trees.iter().map(Trees::choice).collect(),
            automaton: Subsets::new(&nfas, compiled.alphabet.letters(), bound),
            alphabet: compiled.alphabet,
            patterns: patterns.into(),
            rules: named.into(),
        })
    }

    /// The number of a new selection of rules, for searches with this cache.
    pub(crate) fn select(
        &self,
        cache: &mut GateCache,
        rules: impl Iterator<Item = usize>,
    ) -> usize {
        let rules = rules.filter(|rule| !self.is_open(*rule)).collect();
        self.follow(cache, rules)
    }

    /// Parts selected rules into those that the automaton is asked for and the others.
    fn follow(&self, cache: &mut GateCache, rules: Box<[usize]>) -> usize {
        let mut by_needle = cache.by_needle.clone();
        let is_always = |rule: &&usize| cache.always.contains(rule);
        let followed = rules
            .iter()
            .filter(|rule| !by_needle.get(**rule).is_some_and(|by_needle| *by_needle))
            .filter(|rule| !is_always(rule));
        let patterns = followed.filter_map(|rule| self.patterns.get(*rule).copied().flatten());
        let selection = cache.automaton.select(patterns);
        for (rule, by_needle) in by_needle.iter_mut().enumerate() {
            *by_needle = *by_needle && rules.contains(&rule);
        }
        if !by_needle.contains(&true) {
            by_needle.clear();
        }
        let always = rules.iter().filter(is_always).copied().collect();
        cache.selections.push(Selection {
            rules,
            by_needle: by_needle.into(),
            always,
        });
        selection
    }

    /// Whether a rule is always let pass, and never named.
    pub(crate) fn is_open(&self, rule: usize) -> bool {
        self.patterns.get(rule).is_none_or(Option::is_none)
    }

    /// Appends those of the selected rules that can match the text to `hits`, in no order. An error says that nothing is
    /// known of this text, so that all of them can.
    pub(crate) fn search(
        &self,
        cache: &mut GateCache,
        selection: usize,
        searched: Searched<'_>,
        hits: &mut Vec<usize>,
    ) -> Result<(), GaveUp> {
        self.walk(cache, selection, searched, hits)?;
        cache.find_needles(selection, searched, hits);
        cache.name_always(selection, hits);
        if !cache.trial.is_over() {
            self.observe(cache, selection, searched.text);
        }
        Ok(())
    }

    /// Asks the automaton.
    fn walk(
        &self,
        cache: &mut GateCache,
        selection: usize,
        searched: Searched<'_>,
        hits: &mut Vec<usize>,
    ) -> Result<(), GaveUp> {
        let GateCache {
            text: encoded,
            automaton,
            found,
            silent_after,
            ..
        } = cache;
        let letters = match searched.is_ascii {
            true => searched.text.as_bytes(),
            false => self.alphabet.letters_of(searched.text, encoded),
        };
        found.clear();
        let ending: &[u8] = if searched.has_feed { b"\n" } else { b"" };
        self.automaton
            .search(automaton, selection, letters, ending, found)?;
        hits.extend(found.iter().map(|&pattern| self.rules[pattern]));
        *silent_after = automaton.silent_after();
        Ok(())
    }

    /// Notes what the last text tells of the rules; in the end of the trial, what follows of it.
    #[cold]
    fn observe(&self, cache: &mut GateCache, selection: usize, text: &str) {
        let GateCache {
            text: encoded,
            automaton,
            found,
            selections,
            trial,
            ..
        } = cache;
        let Some(selected) = selections.get(selection) else {
            return;
        };
        let named: Vec<usize> = found.iter().map(|&pattern| self.rules[pattern]).collect();
        // What takes no line feed ends before the one that ends each text, and has taken all other letters.
        let line = text.strip_suffix('\n').unwrap_or(text);
        let letters = self.alphabet.letters_of(line, encoded);
        let running = |count: usize, each: &mut dyn FnMut(usize)| {
            found.clear();
            let beginning = &letters[..count.min(letters.len())];
            let searched = self
                .automaton
                .search(automaton, selection, beginning, b"", found);
            let mut any = false;
            for pattern in self.automaton.in_the_running(automaton) {
                any = true;
                each(self.rules[pattern as usize]);
            }
            any && searched.is_ok()
        };
        trial.take(line, &selected.rules, &named, &self.choices, running);
        if !trial.is_over() {
            return;
        }
        let Outcome { needles, always } = trial.outcome();
        if needles.is_none() && always.is_empty() {
            return;
        }
        cache.by_needle = vec![false; self.patterns.len()];
        let by_needle = needles.iter().flat_map(Needles::rules);
        by_needle.for_each(|rule| cache.by_needle[rule] = true);
        (cache.needles, cache.always) = (needles, always);
        cache.ahead.forget();
        // The same numbers, for what is left of each selection.
        cache.automaton.forget_selections();
        for selection in std::mem::take(&mut cache.selections) {
            self.follow(cache, selection.rules);
        }
    }
}

/// The trees of one rule.
struct Trees {
    before: Option<Node>,
    patterns: Vec<Pattern>,
}

impl Trees {
    fn new(rule: &Gated<'_>) -> Self {
        let trees = || trees_of(&rule.regexes);
        if rule.spans_lines {
            let mut patterns = trees();
            for pattern in &mut patterns {
                pattern.root = piece::of(&pattern.root);
            }
            return Self {
                before: None,
                patterns,
            };
        }
        let Some((prefix, content)) = rule.prefix else {
            return Self {
                before: None,
                patterns: trees(),
            };
        };
        let prefix = prefix.tree();
        // Without a content the others search the whole text, and the prefregex has to match all the same.
        let before = content.and_then(|content| before_content(&prefix.root, content));
        match before {
            Some(before) => Self {
                before: Some(before),
                patterns: trees(),
            },
            None if rule.regexes.is_empty() => Self {
                before: None,
                patterns: Vec::new(),
            },
            None => Self {
                before: None,
                patterns: vec![prefix],
            },
        }
    }

    fn choice(&self) -> Choice {
        Choice::new(self.before.as_ref(), self.roots().into_iter())
    }

    fn roots(&self) -> Vec<&Node> {
        self.patterns.iter().map(|pattern| &pattern.root).collect()
    }
}

fn trees_of(regexes: &[&Regex]) -> Vec<Pattern> {
    regexes.iter().map(|regex| regex.tree()).collect()
}

/// What stands before the group `content`, if what the others search is sure to be the text from there to its end: the
/// group always takes part, takes something but no line feed, and is followed by nothing but the end of the text,
/// before the line feed that ends each text.
fn before_content(root: &Node, content: usize) -> Option<Node> {
    let mut before = Vec::new();
    let mut ended = false;
    let mut node = root;
    loop {
        match node {
            Node::Capture(group, body) if *group == content => {
                let takes_something = body.width().is_some_and(|(least, _)| least > 0);
                let takes_feed = body.any(|node| {
                    matches!(node, Node::Set(set) if set.contains(u32::from('\n')))
                        || matches!(node, Node::Backref { .. })
                });
                let fits = ended && takes_something && !takes_feed;
                return fits.then_some(Node::Concat(before));
            }
            Node::Capture(_, body) => node = body,
            Node::Concat(items) => {
                let holds = |item: &Node| {
                    item.any(|node| matches!(node, Node::Capture(group, _) if *group == content))
                };
                let place = items.iter().position(holds)?;
                before.extend_from_slice(&items[..place]);
                for item in &items[place + 1..] {
                    match item {
                        Node::Empty => {}
                        Node::Assert(Assertion::LastLineEnd | Assertion::TextEnd) => ended = true,
                        _ => return None,
                    }
                }
                node = &items[place];
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests;
