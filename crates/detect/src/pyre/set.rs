//! Many patterns at once.

use super::{Cache, Outcome, Regex};

/// Patterns that are searched together.
#[derive(Debug)]
pub struct RegexSet {
    /// Own copies, so that a set stands alone.
    regexes: Vec<Regex>,
}

/// The memory a thread needs for searches with one set.
#[derive(Debug, Default)]
pub struct SetCache {
    caches: Vec<Cache>,
}

impl RegexSet {
    /// A set of `patterns`, in order.
    pub fn new(patterns: &[&Regex]) -> Self {
        Self {
            regexes: patterns.iter().map(|regex| regex.again()).collect(),
        }
    }

    /// An empty cache for searches with this set; of no use with another.
    pub fn new_cache(&self) -> SetCache {
        SetCache {
            caches: self.regexes.iter().map(|_| Cache::default()).collect(),
        }
    }

    /// Puts the indices of all patterns that match anywhere in `text` into `hits`, ascending. A gate: it never misses
    /// one, and may name a pattern with a back-reference that does not match.
    pub fn matches(&self, cache: &mut SetCache, text: &str, hits: &mut Vec<usize>) {
        hits.clear();
        for (index, regex) in self.regexes.iter().enumerate() {
            let outcome = regex
                .program()
                .search(&mut cache.caches[index].program, text, None);
            if outcome != Outcome::NoMatch {
                hits.push(index);
            }
        }
    }

    /// Whether any pattern matches, with the same reserve as [`RegexSet::matches`].
    pub fn any(&self, cache: &mut SetCache, text: &str) -> bool {
        let mut hits = Vec::new();
        self.matches(cache, text, &mut hits);
        !hits.is_empty()
    }

    /// The first pattern of the list that matches anywhere in `text`, with its slots as [`Regex::search`] gives them.
    /// A pattern whose budget ends counts as not matching.
    pub fn first(
        &self,
        cache: &mut SetCache,
        text: &str,
        slots: &mut Vec<Option<usize>>,
    ) -> Option<usize> {
        self.regexes.iter().enumerate().position(|(index, regex)| {
            regex.search(&mut cache.caches[index], text, slots) == Outcome::Match
        })
    }
}
