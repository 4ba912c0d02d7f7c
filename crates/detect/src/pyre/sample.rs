//! Texts that a pattern is likely to match, for tests and fuzzing: what a pattern says, read as what to write.
//!
//! A sample is a guess and not a promise: look-arounds and positions are passed over, so that a text can also miss
//! narrowly, which is as good a test. Nothing here is used on the way of a line.

use super::Regex;
use super::ast::{Node, Pattern};
use super::chars::CharSet;

/// Characters that separate words in logs: a pattern's own separators are among them.
const FAVOURITES: &str = " \"'=:[]()<>.,;/\\-_@a0\t";
/// Characters of other scripts and blanks that only Python counts as such.
const STRANGE: &str = "\u{a0}\u{1c}éßŁ٣\u{301}\u{200b}名\n\0";
/// Bytes that one repetition may be pumped up to, unless one iteration is longer.
const MAX_PUMPED: usize = 2_000;
/// Most iterations of a repetition without a bound, unless it is pumped.
const USUAL: usize = 4;

/// How a sample is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sampling {
    /// Iterations of a repetition that is pumped; 0 pumps none.
    pub pump: usize,
    /// One out of this many repetitions that can grow is pumped; 0 means all of them.
    pub rarely: usize,
}

/// Makes samples of one pattern.
#[derive(Debug)]
pub struct Sampler {
    tree: Pattern,
}

impl Regex {
    /// What makes samples of this pattern.
    #[doc(hidden)]
    pub fn sampler(&self) -> Sampler {
        Sampler { tree: self.tree() }
    }
}

impl Sampler {
    /// A text that the pattern may match. `below` gives numbers below its argument, which is not 0.
    pub fn sample(&self, how: Sampling, below: &mut dyn FnMut(usize) -> usize) -> String {
        let mut writer = Writer {
            text: String::new(),
            groups: vec![None; self.tree.names.len()],
            favourite: None,
            below,
            how,
        };
        writer.favourite = writer.one_of(FAVOURITES);
        writer.node(&self.tree.root);
        writer.text
    }
}

struct Writer<'a> {
    text: String,
    /// What each group wrote last.
    groups: Vec<Option<String>>,
    /// Taken wherever a set has it in a pumped repetition: repetitions that take the same character share it in many
    /// ways.
    favourite: Option<char>,
    below: &'a mut dyn FnMut(usize) -> usize,
    how: Sampling,
}

impl Writer<'_> {
    fn choose(&mut self, bound: usize) -> usize {
        (self.below)(bound.max(1))
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Empty | Node::Look { .. } | Node::Assert(_) => {}
            Node::Set(set) => {
                let c = self.character(set);
                self.text.extend(c);
            }
            Node::Concat(items) => items.iter().for_each(|item| self.node(item)),
            Node::Alternate(items) => {
                let chosen = self.choose(items.len());
                self.node(&items[chosen]);
            }
            Node::Capture(group, body) => {
                let start = self.text.len();
                self.node(body);
                self.groups[*group] = Some(self.text[start..].to_owned());
            }
            Node::Repeat { min, max, body, .. } => self.repeat(*min as usize, *max, body),
            Node::Backref { group, .. } => {
                let text = self.groups[*group].clone().unwrap_or_default();
                self.text.push_str(&text);
            }
            Node::Conditional { group, yes, no } => {
                let matched = self.groups[*group].is_some();
                self.node(if matched { yes } else { no });
            }
            Node::Atomic(body) => self.node(body),
        }
    }

    fn repeat(&mut self, min: usize, max: Option<u32>, body: &Node) {
        let max = max.map_or(usize::MAX, |max| max as usize);
        let Sampling { pump, rarely } = self.how;
        let grows = max - min > 2 * USUAL;
        if pump > 0 && grows && (rarely == 0 || self.choose(rarely) == 0) {
            return self.pump(pump.clamp(min, max), body);
        }
        let room = max.saturating_sub(min).min(USUAL);
        let count = min + self.choose(room + 1);
        // What must come very often is not worth its length.
        (0..count.min(min.clamp(USUAL, 200))).for_each(|_| self.node(body));
    }

    /// The same text many times; what repetitions inside of it would add is not multiplied.
    fn pump(&mut self, count: usize, body: &Node) {
        let start = self.text.len();
        let how = std::mem::take(&mut self.how);
        match body {
            Node::Set(set) if self.favourite.is_some_and(|c| set.contains(c.into())) => {
                self.text.extend(self.favourite);
            }
            _ => self.node(body),
        }
        self.how = how;
        let once = self.text[start..].to_owned();
        let count = count.min(MAX_PUMPED / once.len().max(1)).max(1);
        self.text.push_str(&once.repeat(count - 1));
    }

    /// A character of the set, nearly always a common one.
    fn character(&mut self, set: &CharSet) -> Option<char> {
        let common = match self.choose(16) {
            0 => STRANGE,
            1..=4 => FAVOURITES,
            _ => "",
        };
        let guess = self.one_of(common);
        if let Some(c) = guess.filter(|c| set.contains((*c).into())) {
            return Some(c);
        }
        let printable = |&(low, high): &(u32, u32)| {
            let (low, high) = (low.max(0x20), high.min(0x7E));
            (low <= high).then_some((low, high))
        };
        let all = set.ranges();
        let count = all.iter().filter_map(printable).count();
        let chosen = self.choose(if count > 0 { count } else { all.len() });
        let (low, high) = match count {
            0 => *all.get(chosen)?,
            _ => all.iter().filter_map(printable).nth(chosen)?,
        };
        char::from_u32(low + self.choose((high - low + 1) as usize) as u32)
    }

    fn one_of(&mut self, characters: &str) -> Option<char> {
        let chosen = self.choose(characters.chars().count());
        characters.chars().nth(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pyre::Outcome;

    #[test]
    fn samples_of_plain_patterns_match() {
        let patterns = [
            (r"^a(?:b|c){2,3}(?P<x>[0-9]+)-(?P=x)$", true),
            (r"(?P<q>')?x(?(q)'|y)", false),
            (r"\[?(?:\d{1,3}\.){3}\d+\]? \S+", true),
        ];
        for (pattern, grows) in patterns {
            let regex = Regex::new(pattern, false).unwrap();
            let (mut seed, mut cache, mut slots) = (1_usize, regex.new_cache(), Vec::new());
            let mut below = |bound: usize| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 33) % bound
            };
            for pump in [0, 3, 50] {
                let text = regex
                    .sampler()
                    .sample(Sampling { pump, rarely: 1 }, &mut below);
                let found = regex.search(&mut cache, &text, &mut slots);
                assert_eq!(found, Outcome::Match, "{pattern:?} on {text:?}");
                assert_eq!(pump == 50 && grows, text.len() > 50, "{text:?}");
            }
        }
    }
}
