//! All engines against each other, on random patterns and texts.

use super::*;

fn groups(pattern: &str, text: &str) -> Option<Vec<(usize, usize)>> {
    let regex = Regex::new(pattern, false).unwrap();
    let mut slots = Vec::new();
    match regex.search(&mut regex.new_cache(), text, &mut slots) {
        Outcome::Match => Some(
            slots
                .chunks(2)
                .filter_map(|p| Some((p[0]?, p[1]?)))
                .collect(),
        ),
        Outcome::NoMatch => None,
        Outcome::OverBudget => panic!("over budget: {pattern}"),
    }
}

#[test]
fn finds_the_leftmost_match_with_named_groups() {
    assert_eq!(groups("b+", "aabbb"), Some(vec![(2, 5)]));
    assert_eq!(
        groups("(?P<x>a|ab)(?P<y>c|bcd)", "abcd"),
        Some(vec![(0, 4), (0, 1), (1, 4)])
    );
}

#[test]
fn the_traps_of_translation() {
    // `$` is the end or before a newline that ends the text, not before any newline.
    assert_eq!(groups("a$", "a\n"), Some(vec![(0, 1)]));
    assert_eq!(groups("a$", "a\nb"), None);
    assert_eq!(groups("a$", "a\n\n"), None);
    assert_eq!(groups("a\\s*$", "a\n\n"), Some(vec![(0, 3)]));
    assert_eq!(groups("a\\Z", "a\n"), None);
    assert_eq!(groups("(?m)a$", "a\nb"), Some(vec![(0, 1)]));
    // The separators are blanks; marks and connectors make no words.
    assert_eq!(groups("\\s", "\u{1c}"), Some(vec![(0, 1)]));
    assert_eq!(groups("\\w", "\u{301}\u{203f}"), None);
    assert_eq!(groups("\\bb", "éb \u{301}b"), Some(vec![(6, 7)]));
    assert_eq!(groups("\\d", "٣"), Some(vec![(0, 2)]));
    assert_eq!(groups("(?a)\\d", "٣"), None);
    // Folding goes through simple lower case.
    assert_eq!(groups("(?i)k", "\u{212a}"), Some(vec![(0, 3)]));
    assert_eq!(groups("(?i)s", "ſ"), Some(vec![(0, 2)]));
    assert_eq!(groups("\\B", ""), None);
    assert_eq!(groups("(?!\\B)", ""), Some(vec![(0, 0)]));
}

fn engine(pattern: &str) -> Engine {
    Regex::new(pattern, false).unwrap().engine()
}

#[test]
fn look_arounds_and_conditionals_are_linear() {
    for pattern in [
        "(?:[0-9a-f]{1,4}:){1,7}(?:[0-9a-f]|(?<=:):)",
        "(?!x.*y)a(?=b|$)",
        "(?P<a>x)?(?(a)y|z)",
        "(?<=\\baudit\\()\\d+\\b",
        "(?<!\\w)é",
        "b{3}+",
    ] {
        assert_eq!(engine(pattern), Engine::Linear, "{pattern}");
    }
    for pattern in [
        "(?P<a>x+)(?P=a)",
        "(?=(?P<a>x))",
        "(?>a|ab)c",
        "a*+b",
        "(?!(?!ab)c)",
    ] {
        assert!(
            matches!(engine(pattern), Engine::Backtracking(_)),
            "{pattern}"
        );
    }
}

#[test]
fn an_automaton_that_would_be_huge_is_not_built() {
    assert!(matches!(
        engine("(?:(?:a{1,90}b){1,90}c){1,90}"),
        Engine::Backtracking(_)
    ));
    assert_eq!(
        groups("(?:(?:a{1,90}b){1,90}c){2,90}", "aabcabc"),
        Some(vec![(0, 7)])
    );
}
