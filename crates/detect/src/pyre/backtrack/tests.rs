//! What only backtracking decides, and its budget.

use super::*;
use crate::pyre::ast::Node;
use crate::pyre::generated;
use crate::pyre::parse::parse;
use proptest::prelude::*;

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

/// Steps that it takes to find no match.
fn steps(pattern: &str, text: &str) -> usize {
    let tree = parse(pattern, true).unwrap();
    let mut cache = Cache::default();
    let found = Backtracker::new(&tree).search(&mut cache, text, None);
    assert_eq!(found, Outcome::NoMatch, "{pattern}");
    cache.steps() as usize
}

/// Long lines in which nothing follows that has to: without knowing that, these take more steps, up to all of the budget.
#[test]
fn what_cannot_follow_is_not_tried() {
    let check = |pattern: &str, (head, piece, tail): (&str, &str, &str), most: usize| {
        let text = format!("{head}{}{tail}", piece.repeat(60_000 / piece.len()));
        let steps = steps(pattern, &text);
        assert!(steps <= most, "{pattern}: {steps} steps");
    };
    // Each digit is taken once, and none is given back.
    check("^a (?P<a>\\d+): (?P=a)$", ("a ", "1", ""), 60_020);
    // Each character is taken once and given back once, and nothing else is done with it.
    check("^a (?P<a>.*): (?P=a)$", ("a ", "1", ""), 120_020);
    let tempered = "^(?P<a>.*) from (?:(?! from ).)*(?: user=(?P=a))? on y";
    check(tempered, ("", "a from b in ", "x"), 400_000);
    check("^(?P<a>\\w+) (?:k: )?d(?P=a)", ("", "c ", ""), 9);
}

/// What may come is told for few alternatives, and all of them match.
#[test]
fn of_many_alternatives_it_is_not_known_what_has_to_come() {
    let letter = |n: u32| char::from_u32(0x4E00 + 2 * n).unwrap();
    let many = |count: u32| {
        let all: Vec<String> = (0..count).map(|n| format!("{}x", letter(n))).collect();
        parse(&format!("(?P<a>y)?(?:{})(?P=a)?", all.join("|")), false).unwrap()
    };
    for (count, is_known) in [(500, true), (5_000, false)] {
        let backtracker = Backtracker::new(&many(count));
        assert_eq!(backtracker.needs[0].is_some(), is_known, "{count}");
        let known = backtracker.needs.iter().flatten();
        assert!(known.map(|needed| needed.set.ranges().len()).max() <= Some(2_000));
        for n in [0, count / 2, count - 1] {
            let text = format!("{}x", letter(n));
            let found = backtracker.search(&mut Cache::default(), &text, None);
            assert_eq!(found, Outcome::Match, "{n} of {count}");
        }
    }
}

/// What one search finds to be of a set is what asking for each character finds.
#[test]
fn a_set_that_lacks_one_character_is_searched_for_it() {
    let text = "ab\u{b}\u{301}é\n1 a";
    for (set, is_searched) in [
        (".", true),
        ("[^a]", true),
        ("[^\\x00]", false),
        ("[^ab]", false),
        ("[^\\n\\x0b]", false),
        ("[^é]", false),
        ("(?s:.)", false),
        ("\\w", false),
    ] {
        let tree = parse(set, false).unwrap().root;
        let Node::Set(members) = tree else {
            panic!("{set} is a set");
        };
        let test = CharTest::new(&members);
        for (from, _) in text.char_indices() {
            let rest = &text[from..];
            let held = rest.find(|c| !test.has(c)).unwrap_or(rest.len());
            let expected = is_searched.then_some(held);
            assert_eq!(test.run(rest), expected, "{set} in {rest:?}");
        }
    }
}

/// One that tries everything, whatever comes in the text.
fn plain(pattern: &Pattern) -> Backtracker {
    let mut plain = Backtracker::new(pattern);
    plain.needs.fill(None);
    plain.begins_a_line = false;
    for inst in &mut plain.insts {
        if let Inst::Run { gives_back, .. } = inst {
            *gives_back = true;
        }
    }
    plain
}

/// Patterns that no automaton decides.
fn pattern() -> impl Strategy<Value = String> {
    let around = prop::sample::select(vec![
        ("(?P<x>", ")b?(?P=x)"),
        ("(?P<x>a|b)(?:", ")*?(?P=x)"),
        ("^(?P<x>\\w?)(?:", ")?(?P=x)b"),
        ("(?=(?P<x>", "))a"),
        ("(?>", ")b"),
        ("(?m:^)(?>", ")(?:(?!ab).)*b"),
        ("a*+(?:(?<!b)(?:", ")){0,2}$"),
    ]);
    (around, generated::pattern())
        .prop_map(|((before, after), inner)| before.to_owned() + &inner + after)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What cannot lead to a match is all that is left out.
    #[test]
    fn leaves_out_nothing_that_matches(
        pattern in pattern(),
        multiline: bool,
        texts in prop::collection::vec(generated::text(), 1..4),
    ) {
        let tree = parse(&pattern, multiline).unwrap();
        let (quick, plain) = (Backtracker::new(&tree), plain(&tree));
        for text in texts {
            let [found, expected] = [&quick, &plain].map(|engine| {
                let mut slots = Vec::new();
                let outcome = engine.search(&mut Cache::default(), &text, Some(&mut slots));
                (outcome, slots)
            });
            if expected.0 != Outcome::OverBudget {
                prop_assert_eq!(found, expected, "{} on {:?}", pattern, text);
            }
        }
    }
}
