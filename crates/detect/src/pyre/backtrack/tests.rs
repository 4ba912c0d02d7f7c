//! What only backtracking decides, and its budget.

use super::*;
use crate::pyre::parse::parse;

/// The spans of all groups, or the outcome when nothing matches.
fn check(pattern: &str, text: &str, expected: Result<&[Option<(usize, usize)>], Outcome>) {
    let tree = parse(pattern, false).unwrap();
    let backtracker = Backtracker::new(&tree);
    let mut slots = Vec::new();
    let outcome = backtracker.search(&mut Cache::default(), text, Some(&mut slots));
    let found: Vec<_> = slots.chunks(2).map(|pair| pair[0].zip(pair[1])).collect();
    match expected {
        Ok(spans) => assert_eq!(
            (outcome, &found[..]),
            (Outcome::Match, spans),
            "{pattern} on {text}"
        ),
        Err(expected) => assert_eq!(outcome, expected, "{pattern} on {text}"),
    }
}

#[test]
fn follows_back_references_and_look_arounds() {
    check(
        "(?P<a>[ab]+)-(?P=a)",
        "xab-ab",
        Ok(&[Some((1, 6)), Some((1, 3))]),
    );
    check(
        "(?i)(?P<a>[ab]+)-(?P=a)",
        "ab-AB",
        Ok(&[Some((0, 5)), Some((0, 2))]),
    );
    check("(?P<a>x)?(?P=a)", "y", Err(Outcome::NoMatch));
    check("(?=(?P<a>b+))b", "abbb", Ok(&[Some((1, 2)), Some((1, 4))]));
    check("(?!(?P<a>b))c", "bc", Ok(&[Some((1, 2)), None]));
    check("(?<=a\\w)c", "bbcabc", Ok(&[Some((5, 6))]));
    check("(?>a+)a", "aaa", Err(Outcome::NoMatch));
    check("a++b", "aab", Ok(&[Some((0, 3))]));
    check(
        "(?P<a>a*?){2,3}?b",
        "aab",
        Ok(&[Some((0, 3)), Some((0, 2))]),
    );
}

#[test]
fn stops_at_the_budget() {
    let text = format!("{}!", "a".repeat(40));
    check("(a+)+(\\1)?$", &text, Err(Outcome::OverBudget));
}
