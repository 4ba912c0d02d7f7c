//! The searches of one rule, with the memory that they need from line to line.

use std::collections::VecDeque;
use std::ops::Range;

use super::Depth;
use crate::captures::group_text;
use crate::multiline::{SplitLine, Taken, take};
use crate::pyre::{Cache, Outcome, Regex, SetCache};
use crate::rule::{Pattern, Rule};

/// Caches for every expression of a rule, and the groups of the last matches.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) prefix_cache: Cache,
    pub(super) prefix_slots: Vec<Option<usize>>,
    fail_caches: Vec<Cache>,
    fail_set_cache: SetCache,
    ignore_caches: Vec<Cache>,
    /// The failregexes that can match the text at hand, ascending, when all of them are tested.
    possible: Vec<usize>,
    /// The groups of the failregex that matched last.
    pub(super) slots: Vec<Option<usize>>,
}

/// Which failregex matches next.
pub(super) enum NextMatch {
    At(usize),
    Nothing,
    OverBudget,
}

impl Search {
    pub(super) fn new(rule: &Rule) -> Self {
        Self {
            prefix_cache: rule
                .prefix
                .as_ref()
                .map(|prefix| prefix.regex.new_cache())
                .unwrap_or_default(),
            prefix_slots: Vec::new(),
            fail_caches: rule
                .fail
                .iter()
                .map(|pattern| pattern.regex.new_cache())
                .collect(),
            fail_set_cache: rule.fail_set.new_cache(),
            ignore_caches: rule.ignore.iter().map(Regex::new_cache).collect(),
            possible: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// The first failregex from `next` on that matches; its groups are in `slots`.
    pub(super) fn next_match(
        &mut self,
        rule: &Rule,
        next: usize,
        text: &str,
        depth: Depth,
    ) -> NextMatch {
        if next == 0 && depth == Depth::UntilMatch && !rule.may_give_up() {
            let first = rule
                .fail_set
                .first(&mut self.fail_set_cache, text, &mut self.slots);
            return first.map_or(NextMatch::Nothing, NextMatch::At);
        }
        // Few lines match at all, and one pass tells which expressions are worth a search of their own.
        if next == 0 {
            match rule.fail.len() {
                0 => return NextMatch::Nothing,
                1 => {
                    self.possible.clear();
                    self.possible.push(0);
                }
                _ => rule
                    .fail_set
                    .matches(&mut self.fail_set_cache, text, &mut self.possible),
            }
        }
        let mut gave_up = false;
        let from = self.possible.partition_point(|&index| index < next);
        for &index in &self.possible[from..] {
            match rule.fail[index]
                .regex
                .search(&mut self.fail_caches[index], text, &mut self.slots)
            {
                Outcome::Match => return NextMatch::At(index),
                Outcome::NoMatch => {}
                Outcome::OverBudget => gave_up = true,
            }
        }
        if gave_up {
            NextMatch::OverBudget
        } else {
            NextMatch::Nothing
        }
    }

    /// The first ignoreregex that matches.
    pub(super) fn ignored_by(&mut self, rule: &Rule, text: &str) -> Option<usize> {
        rule.ignore
            .iter()
            .zip(&mut self.ignore_caches)
            .position(|(regex, cache)| regex.is_match(cache, text))
    }

    /// Parts the lines that `text` was made of by the last match.
    pub(super) fn take_lines(
        &self,
        pattern: &Pattern,
        lines: &VecDeque<SplitLine>,
        text: &str,
    ) -> Taken {
        if lines.len() <= 1 {
            return Taken {
                matched: lines.iter().cloned().collect(),
                left: VecDeque::new(),
            };
        }
        let start = self.slots.first().copied().flatten().unwrap_or(0);
        let end = self.slots.get(1).copied().flatten().unwrap_or(start);
        let skipped = pattern.skiplines.iter();
        let skipped: String = skipped
            .filter_map(|group| group_text(text, &self.slots, *group))
            .collect();
        take(lines, text, start, end, &skipped)
    }
}

/// The part of `text` with a line feed after it: as it stands there if one follows, else copied to `copy`.
pub(super) fn ended_part<'t>(text: &'t str, part: Range<usize>, copy: &'t mut String) -> &'t str {
    if let Some(ended) = text.get(part.start..part.end + 1)
        && ended.ends_with('\n')
    {
        return ended;
    }
    copy.clear();
    copy.push_str(text.get(part).unwrap_or_default());
    copy.push('\n');
    copy
}
