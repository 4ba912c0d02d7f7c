//! The linear engine, its traps and its bounds.

use super::*;
use crate::pyre::Outcome;
use crate::pyre::backtrack::{self, Backtracker};
use crate::pyre::parse::parse;
use crate::pyre::program::reported;
use proptest::prelude::*;

/// Patterns that every engine can search for. `@` stands for the name of a group, `#` for one already given.
fn pattern() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        8 => prop::sample::select(vec![
            "a", "b", "ab", "abababab", "1", ".", "\\w", "\\W", "\\s", "[ab]", "[^a]", "é", "[^\\W1]", "a*", "b+?", ".*", ".+?",
            "\\w+", "[ab]{1,3}", "", "(?i:A)",
        ]),
        2 => prop::sample::select(vec![
            "^", "$", "\\b", "\\B", "\\Z", "(?!a)", "(?=b)", "(?=.*b)", "(?!\\w+1)", "(?<=a)", "(?<!ab)", "(?<=\\bb)", "(?m:^)",
            "(?m:$)",
        ]),
    ]
    .prop_map(str::to_owned);
    let tree = leaf.prop_recursive(4, 24, 4, |inner| {
        let many = prop::collection::vec(inner.clone(), 1..4);
        let count = prop::sample::select(vec!["*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?"]);
        prop_oneof![
            4 => many.clone().prop_map(|items| items.concat()),
            2 => many.prop_map(|items| format!("(?:{})", items.join("|"))),
            3 => inner.clone().prop_map(|body| format!("(?P<@>{body})")),
            2 => (inner.clone(), count.clone()).prop_map(|(body, count)| format!("(?:{body}){count}")),
            2 => (inner.clone(), count).prop_map(|(body, count)| format!("(?P<@>{body}){count}")),
            1 => (inner.clone(), inner).prop_map(|(yes, no)| format!("(?:(?P<@>a)|b)(?(#){yes}|{no})")),
        ]
    });
    tree.prop_map(|pattern| {
        let (mut named, mut groups) = (String::new(), 0);
        for c in pattern.chars() {
            match c {
                '@' => {
                    groups += 1;
                    named.push_str(&format!("g{groups}"));
                }
                '#' => named.push_str(&format!("g{groups}")),
                c => named.push(c),
            }
        }
        named
    })
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "b", "a", "b", "1", " ", "\n", "é", "ab", "abababab", "A", "\u{301}",
    ]);
    prop::collection::vec(piece, 0..14).prop_map(|pieces| pieces.concat())
}

/// What an engine says of a text: the slots of the match.
type Answer = Option<Vec<Option<usize>>>;

fn ask(engine: &Linear, cache: &mut Cache, text: &str) -> Answer {
    let mut slots = Vec::new();
    match engine.search(cache, text, Some(&mut slots)) {
        Found::Pattern(_) => Some(slots),
        Found::Nothing => None,
        Found::GaveUp => panic!("a single pattern was given up"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_engines_agree_whatever_the_cache(pattern in pattern(), texts in prop::collection::vec(text(), 1..6)) {
        let tree = parse(&pattern, false).unwrap();
        let reported = reported(&tree);
        let source = Source { root: &tree.root, reported: &reported, approximate: false };
        let build = |bound| Linear::new(&[Source { ..source }], &[tree.names.len()], bound);
        let (Ok(large), Ok(tiny), Ok(mut machine)) = (build(1 << 20), build(1_500), build(0)) else {
            return Ok(());
        };
        machine.tagged = None;
        let backtracker = Backtracker::new(&tree);
        let (mut first, mut second, mut third) = (Cache::default(), Cache::default(), Cache::default());
        let mut tries = backtrack::Cache::default();
        for text in texts.iter().filter(|text| !text.is_empty()) {
            let expected = ask(&machine, &mut third, text);
            prop_assert_eq!(&ask(&large, &mut first, text), &expected, "tagged, {} on {:?}", pattern, text);
            prop_assert_eq!(&ask(&tiny, &mut second, text), &expected, "tiny cache, {} on {:?}", pattern, text);
            let mut slots = Vec::new();
            let tried = match backtracker.search(&mut tries, text, Some(&mut slots)) {
                Outcome::Match => Some(slots),
                Outcome::NoMatch => None,
                Outcome::OverBudget => continue,
            };
            prop_assert_eq!(&tried, &expected, "backtracker, {} on {:?}", pattern, text);
        }
    }
}

/// Exponential for a backtracker; here no more is made for a long text than for a short one, and nothing is read twice.
#[test]
fn pumped_lines_cost_a_constant_per_letter() {
    for (pattern, head, pump) in [
        (
            "^SMTP error in \"[^\"]+(?:\"+[^\"]*(?=\"))*?\" x$",
            "SMTP error in \"",
            "\"",
        ),
        ("^a(?P<user>.*?)(?: *\\w* *)* from$", "a", " "),
        (
            "^(?:\\[(?:[^\\]\"]*|\"[^\"]*\")*\\])+ (?P<x>.*)!$",
            "[",
            "[a \"b\"]",
        ),
        ("(?P<a>x+x+)+y", "", "x"),
    ] {
        let tree = parse(pattern, false).unwrap();
        let reported = reported(&tree);
        let source = Source {
            root: &tree.root,
            reported: &reported,
            approximate: false,
        };
        let engine = Linear::new(&[source], &[tree.names.len()], 256 << 10).unwrap();
        let mut cache = Cache::default();
        assert_eq!(
            ask(&engine, &mut cache, &format!("{head}{}", pump.repeat(200))),
            None
        );
        let made = cache.tagged.made();
        assert!(made < 2_000, "{pattern} made {made} transitions");
        assert_eq!(
            ask(
                &engine,
                &mut cache,
                &format!("{head}{}", pump.repeat(20_000))
            ),
            None
        );
        assert_eq!(ask(&engine, &mut cache, &pump.repeat(20_000)), None);
        assert!(
            cache.tagged.made() < made + 200,
            "{pattern} made {} transitions",
            cache.tagged.made()
        );
    }
}
