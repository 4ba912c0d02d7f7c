//! What fuzzing asks of the engine: no panic, steps within the budget, and the answer of the backtracker.

use super::backtrack::{self, Backtracker};
use super::{MAX_BACKTRACKING_STEPS, Outcome, Regex};

/// Longer patterns and texts find nothing more and take longer.
const MAX_PATTERN: usize = 400;
const MAX_TEXT: usize = 1_000;

/// Takes a line `0PATTERN` or, for MULTILINE, `1PATTERN`; what follows is the text.
///
/// # Panics
/// When the engine is wrong.
pub fn fuzz_regex(data: &[u8]) {
    let data = String::from_utf8_lossy(data);
    let (pattern, text) = data.split_once('\n').unwrap_or((&data, ""));
    let multiline = pattern.starts_with('1');
    let pattern: String = pattern.chars().skip(1).take(MAX_PATTERN).collect();
    let text: String = text.chars().take(MAX_TEXT).collect();
    let regex = match Regex::new(&pattern, multiline) {
        Ok(regex) => regex,
        Err(error) => return assert!(error.offset <= pattern.chars().count(), "{error}"),
    };
    let (mut cache, mut slots) = (regex.new_cache(), Vec::new());
    let found = regex.search(&mut cache, &text, &mut slots);
    assert!(cache.steps().backtracking <= MAX_BACKTRACKING_STEPS + text.len());
    let groups = slots.chunks(2).filter_map(|ends| Some(ends[0]?..ends[1]?));
    groups.for_each(|group| assert!(text.get(group).is_some(), "{slots:?}"));
    let (mut cache, mut expected) = (backtrack::Cache::default(), Vec::new());
    let other = Backtracker::new(&regex.tree()).search(&mut cache, &text, Some(&mut expected));
    if found != Outcome::OverBudget && other != Outcome::OverBudget {
        assert_eq!((found, slots), (other, expected), "{pattern:?} on {text:?}");
    }
}
