//! The linear engine, its traps and its bounds.

use super::*;
use crate::pyre::Outcome;
use crate::pyre::backtrack::{self, Backtracker};
use crate::pyre::generated::{pattern, text};
use crate::pyre::parse::parse;
use crate::pyre::program::reported;
use proptest::prelude::*;

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

/// The engine of a pattern whose cache has at most `bound` bytes.
fn build(pattern: &str, bound: usize) -> Result<Linear, Unsupported> {
    let tree = parse(pattern, false).unwrap();
    let source = Source {
        root: &tree.root,
        reported: &reported(&tree),
        approximate: false,
    };
    Linear::new(&[source], &[tree.names.len()], bound)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_engines_agree_whatever_the_cache(pattern in pattern(), texts in prop::collection::vec(text(), 1..6)) {
        let with = |bound| build(&pattern, bound);
        let (Ok(large), Ok(tiny), Ok(mut machine)) = (with(1 << 20), with(1_500), with(0)) else {
            return Ok(());
        };
        machine.tagged = None;
        let backtracker = Backtracker::new(&parse(&pattern, false).unwrap());
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What is behind the bytes that decided a search changes nothing, of whatever characters it and they are.
    #[test]
    fn the_beginning_that_decided_has_the_same_answer_whatever_follows(
        pattern in pattern(),
        texts in prop::collection::vec((text(), text()), 1..6),
    ) {
        let Ok(engine) = build(&pattern, 1 << 20) else {
            return Ok(());
        };
        let mut cache = Cache::default();
        for (text, other) in texts.iter().filter(|(text, _)| !text.is_empty()) {
            let found = ask(&engine, &mut cache, text);
            let Some(deciding) = cache.deciding_bytes else {
                continue;
            };
            let other = text[..deciding].to_owned() + other;
            prop_assert_eq!(ask(&engine, &mut cache, &other), found, "{} on {:?} and {:?}", pattern, text, other);
        }
    }
}

/// Patterns that wait for a letter.
const WAITING: &[&str] = &[
    "^[^1]*1(?P<g>[ab]*)",
    "^[^1]*(?P<g>1[ab]*)",
    "^(?P<g>[^1]*)1(?P<h>a)",
    "^(?P<g>a)?[^1]*1(?P<h>b?)",
    "^(?:(?P<g>a)|[^1])[^1]*1(?P<h>b?)",
    "(?P<g>1)(?P<h>[ab ]+)",
    "1\\b(?P<g>.?)",
    "^a[^1]*1(?P<g>.)|^b[^1]*1(?P<h>.)",
    "^(?:ab|[^1])*1(?P<g>a)",
    "^.(?P<g>[^1])*1(?P<h>a)",
    "^[^1]*1(?:[^1]*1)?(?P<g>a)",
    "1[^b]*b|(?P<g>a)",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Beginnings after which a search stands alike have the same matches behind them.
    #[test]
    fn after_beginnings_that_stand_alike_all_goes_on_alike(
        pattern in prop_oneof![pattern(), prop::sample::select(WAITING).prop_map(str::to_owned)],
        heads in prop::collection::vec((text(), any::<bool>()), 2..6),
        tails in prop::collection::vec(text(), 1..4),
        is_tiny: bool,
    ) {
        let Ok(engine) = build(&pattern, if is_tiny { 1_500 } else { 1 << 20 }) else {
            return Ok(());
        };
        let (mut cache, mut standing) = (Cache::default(), Standing::default());
        let end = |(head, ends): (String, bool)| if ends { format!("{head}1") } else { head };
        let heads: Vec<String> = heads.into_iter().map(end).collect();
        let first = &heads[0];
        for text in tails.iter().filter(|text| !text.is_empty()) {
            ask(&engine, &mut cache, text);
        }
        if !engine.note(&mut cache, first, &mut standing) {
            return Ok(());
        }
        for head in &heads {
            for tail in &tails {
                let is_usual = standing.usual_head(head.as_bytes()) == Some(head.len());
                if !is_usual && !engine.stands(&mut cache, head, &standing) {
                    continue;
                }
                let moved = |slot: usize| match slot.checked_sub(first.len()) {
                    Some(behind) => head.len() + behind,
                    None => slot,
                };
                let mut expected = ask(&engine, &mut cache, &format!("{first}{tail}"));
                if let Some(slots) = &mut expected {
                    slots.iter_mut().flatten().for_each(|slot| *slot = moved(*slot));
                }
                let found = ask(&engine, &mut cache, &format!("{head}{tail}"));
                prop_assert_eq!(found, expected, "{} on {:?} behind {:?} and {:?}", pattern, tail, first, head);
            }
        }
    }
}

/// What a beginning has of a match in it, another one has at another place, though both lead to one state.
#[test]
fn beginnings_that_matched_or_begin_a_match_elsewhere_do_not_stand_alike() {
    for (pattern, first, other, is_noted) in [
        ("1[^b]*b|(?P<g>a)", "1a1", "11a1", false),
        ("(?P<g>1)(?P<h>[ab ]+)", "1", "aaa1", true),
        ("(?P<g>1)(?P<h>[ab ]+)", "aa1", "aaa1", true),
    ] {
        let engine = build(pattern, 1 << 20).unwrap();
        let (mut cache, mut standing) = (Cache::default(), Standing::default());
        for text in ["aaaa", first, other] {
            ask(&engine, &mut cache, text);
        }
        let noted = engine.note(&mut cache, first, &mut standing);
        assert_eq!(noted, is_noted, "{pattern} on {first}");
        let stands = engine.stands(&mut cache, other, &standing);
        assert!(!stands, "{pattern} on {first} and {other}");
    }
}

/// A loop that notes each of its letters stays in one state and must not be skipped.
#[test]
fn loops_that_take_notes_are_no_runs() {
    for pattern in [
        "^(?P<a>.)*$",
        "^(?:(?P<a>[^b])|x)+",
        "(?P<a>.)+?1",
        "^(?:(?P<a>.)(?P<b>.))*",
        "(?:(?P<a>\\D))*1$",
        // Only one of the letters is noted.
        "^(?:(?P<a>)b|[^b\n])*\\Z",
    ] {
        let [tagged, mut machine] = [(); 2].map(|()| build(pattern, 1 << 20).unwrap());
        machine.tagged = None;
        let (mut first, mut second) = (Cache::default(), Cache::default());
        for text in [
            "aaaaaaaa",
            "aaaaaaa1",
            "acacacacb",
            "aaaaaaaaaaaaaaaa\n1",
            "aaaa1aaaa1",
            "x",
        ] {
            let expected = ask(&machine, &mut second, text);
            assert_eq!(
                ask(&tagged, &mut first, text),
                expected,
                "{pattern} on {text:?}"
            );
        }
    }
}

/// So many groups that begin and end at places of their own that the registers do not suffice for all of them.
#[test]
fn where_registers_are_missing_the_other_machine_answers() {
    let groups: String = (0..31).map(|n| format!("(?P<g{n}>.).")).collect();
    let pattern = format!("^{groups}b$");
    let text = |end: &str| "ab".repeat(31) + end;
    let [tagged, mut machine] = [(); 2].map(|()| build(&pattern, 1 << 20).unwrap());
    machine.tagged = None;
    let (mut first, mut second) = (Cache::default(), Cache::default());
    for (text, matches) in [(text("b"), true), (text("a"), false)] {
        let automaton = tagged.tagged.as_ref().unwrap();
        let found = automaton.search(&mut first.tagged, text.as_bytes());
        assert_eq!(found, Found::GaveUp, "{text}");
        let expected = ask(&machine, &mut second, &text);
        assert_eq!(expected.is_some(), matches, "{text}");
        assert_eq!(ask(&tagged, &mut first, &text), expected, "{text}");
    }
}

/// Each letter may begin a match of its own, which are too many for the registers; but nothing matches, and that is known
/// without them.
#[test]
fn where_registers_are_missing_most_lines_are_rejected_without_them() {
    let engine = build("a[ab]{90}b(?P<g>c)", 1 << 20).unwrap();
    let mut cache = Cache::default();
    let text = "a".repeat(5_000);
    let automaton = engine.tagged.as_ref().unwrap();
    let found = automaton.search(&mut cache.tagged, text.as_bytes());
    assert_eq!(found, Found::GaveUp);
    assert_eq!(ask(&engine, &mut cache, &text), None);
    let steps = cache.steps / text.len();
    assert!(steps < 10, "{steps} steps a letter");
}

#[test]
fn a_comb_takes_no_room_that_transitions_need() {
    let texts = ["cat 12 from a.b", "dog 345 from c", "bird 6 at d.e", "cow"];
    for bound in (2_000..20_000).step_by(100) {
        let engine = build("^(?P<beast>[a-z]+) (?P<n>\\d+) from (?P<host>\\S+)$", bound).unwrap();
        let mut cache = Cache::default();
        for text in texts.repeat(8) {
            let (made, bytes) = (cache.tagged.made(), cache.tagged.bytes());
            ask(&engine, &mut cache, text);
            if cache.tagged.made() == made {
                let now = cache.tagged.bytes();
                assert!(now <= bound.max(bytes), "{bytes}, then {now} of {bound}");
            }
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
        let engine = build(pattern, 256 << 10).unwrap();
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
