//! Sets of patterns against the patterns one by one.

use super::*;
use proptest::prelude::*;

/// What the set says must be what its patterns say one by one.
fn check(patterns: &[&str], text: &str) {
    let regexes: Vec<Regex> = patterns
        .iter()
        .map(|pattern| Regex::new(pattern, false).unwrap())
        .collect();
    let set = RegexSet::new(&regexes.iter().collect::<Vec<_>>());
    let mut cache = set.new_cache();
    let (mut hits, mut slots, mut expected_slots) = (Vec::new(), Vec::new(), Vec::new());
    let matching: Vec<usize> = (0..regexes.len())
        .filter(|&index| regexes[index].is_match(&mut regexes[index].new_cache(), text))
        .collect();
    set.matches(&mut cache, text, &mut hits);
    hits.retain(|&index| {
        matching.contains(&index) || regexes[index].engine() == crate::pyre::Engine::Linear
    });
    assert_eq!(hits, matching, "{patterns:?} on {text:?}");
    let first = set.first(&mut cache, text, &mut slots);
    assert_eq!(first, matching.first().copied(), "{patterns:?} on {text:?}");
    if let Some(index) = first {
        regexes[index].search(&mut regexes[index].new_cache(), text, &mut expected_slots);
    }
    assert_eq!(slots, expected_slots, "{patterns:?} on {text:?}");
}

#[test]
fn the_first_pattern_of_the_list_wins_wherever_it_matches() {
    let patterns = [
        "^x(?P<a>.)",
        "(?P<b>\\d+) late",
        "(?P<c>[a-z]+)",
        "(?P<d>.)(?P=d)",
        "^$",
        "\\B",
    ];
    for text in [
        "",
        "abc",
        "xyz",
        "abc 12 late",
        "!!",
        "  1",
        "é12 late é",
        "\n",
    ] {
        check(&patterns, text);
        check(&patterns[2..], text);
        check(&patterns[3..], text);
    }
    check(&[], "abc");
}

const PATTERNS: &[&str] = &[
    "^x(?P<a>.)",
    "(?P<b>\\d+) late",
    "(?P<c>[a-z]+)$",
    "(?P<d>.)(?P=d)",
    "^$",
    "\\B",
    "^(?P<a>\\w+) (?P<b>.*?) ?late$",
    "(?!x)(?P<a>\\w)(?=late)",
    "\\b(?P<a>é+)\\b",
    "(?P<a>x)?(?(a)y|z)",
    "^(?P<a>a)|(?P<b>b)$",
    "(?i)LATE (?P<n>\\d{1,3})",
    "(?>x|xy)z",
];

proptest::proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_set_says_what_its_patterns_say(
        patterns in prop::collection::vec(prop::sample::select(PATTERNS), 0..6),
        pieces in prop::collection::vec(prop::sample::select(vec!["x", "y", "z", "a", "b", "12", " ", "late", "\n", "é"]), 0..9),
    ) {
        check(&patterns, &pieces.concat());
    }
}
