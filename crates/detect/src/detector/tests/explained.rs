//! How a rule comes to what it says.

use super::*;
use proptest::prelude::*;

fn explain(detector: &mut Detector, line: &str, asked: Asked) -> Explanation {
    let mut explanation = Explanation::default();
    detector.explain(&Line::of_file(line), &clock(false), asked, &mut explanation);
    explanation
}

const EVERYTHING: Asked = Asked {
    every_failregex: true,
    captures: true,
};

fn timeless(source: &RuleSource<'_>) -> Detector {
    Detector::timeless(Arc::new(Rule::compile(source).unwrap()))
}

#[test]
fn all_expressions_are_told_or_the_first() {
    let source = plain(None, &["^a <HOST>", "<HOST>$", "b <HOST>"]);
    let rules = |asked| {
        let told = explain(&mut timeless(&source), "a 1.1.1.1", asked);
        told.matches.iter().map(|one| one.rule).collect::<Vec<_>>()
    };
    assert_eq!(rules(EVERYTHING), [0, 1]);
    let first = Asked {
        every_failregex: false,
        captures: false,
    };
    assert_eq!(rules(first), [0]);
}

#[test]
fn a_match_about_nobody_is_none() {
    let source = plain(
        None,
        &["^<F-MLFID>s\\d</F-MLFID> bad|^(?:<ADDR>|nobody) failed"],
    );
    let mut detector = timeless(&source);
    let mut named = |line: &str| {
        let told = explain(&mut detector, line, EVERYTHING);
        told.matches
            .iter()
            .map(|one| one.id.is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(named("1.1.1.1 failed"), [true]);
    assert_eq!(named("nobody failed"), [false; 0]);
    // Its session may still hear of an address.
    assert_eq!(named("s1 bad"), [false]);
}

#[test]
fn every_expression_that_matched_is_named() {
    let source = RuleSource {
        ignoreregex: &["nothing", "9$"],
        ..plain(
            Some("^a <F-CONTENT>.+</F-CONTENT>$"),
            &["^<HOST>", "^x <ADDR>", "<F-ID>.9</F-ID>"],
        )
    };
    let mut detector = timeless(&source);
    let told = explain(&mut detector, "a 1.1.1.8", EVERYTHING);
    assert!(told.prefix_matches && told.ignored_by.is_empty());
    let rules: Vec<usize> = told.matches.iter().map(|one| one.rule).collect();
    assert_eq!(rules, [0]);
    assert_eq!(detector.prefix_groups(), [("content", Some("1.1.1.8"))]);
    let told = explain(&mut detector, "a 1.1.1.9", EVERYTHING);
    assert_eq!((told.ignored_by, told.matches.len()), (vec![1, 1], 0));
    let first = Asked {
        every_failregex: false,
        captures: false,
    };
    assert_eq!(explain(&mut detector, "a 1.1.1.9", first).ignored_by, [1]);
    assert!(!explain(&mut detector, "b", EVERYTHING).prefix_matches);
}

#[test]
fn captures_keep_their_order_and_their_session() {
    let prefix = r"^<F-MLFID>s\d</F-MLFID> <F-CONTENT>.+</F-CONTENT>$";
    let source = plain(
        Some(prefix),
        &[
            "^bad(?: <F-USER>\\w+</F-USER>)?(?: <F-EXTRA>x</F-EXTRA>)?$",
            "^at <ADDR>$",
        ],
    );
    let mut detector = timeless(&source);
    let mut shown = |line: &str| {
        let told = explain(&mut detector, line, EVERYTHING);
        let captures = told.matches[0].captures.iter();
        let captures =
            captures.map(|(name, text)| format!("{name}={}", text.as_deref().unwrap_or("-")));
        captures.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown("s1 bad u"), "mlfid=s1 user=u extra=- users=-");
    assert_eq!(
        shown("s1 at 1.1.1.1"),
        "mlfid=s1 user=u extra=- users=- ip4=1.1.1.1"
    );
    assert_eq!(shown("s2 bad"), "mlfid=s2 user=- extra=-");
    assert_eq!(shown("s2 bad u x"), "mlfid=s2 user=u extra=x users=-");
}

#[test]
fn dates_are_told_with_their_template() {
    let source = RuleSource {
        datepattern: Some("%Y-%m-%d\nEpoch"),
        ..plain(None, &["<ADDR>"])
    };
    let mut detector = timeless(&source);
    let told = explain(&mut detector, "on 2020-02-03 1.1.1.1", EVERYTHING);
    assert_eq!(
        told.date.map(|date| (date.bytes, date.template)),
        Some((3..13, Some(0)))
    );
    let told = explain(&mut detector, "on 2020-02-31 1.1.1.1", EVERYTHING);
    assert_eq!(
        told.date.map(|date| (date.bytes, date.template)),
        Some((3..13, None))
    );
    assert_eq!(told.matches[0].time, None);
    let uses: Vec<_> = detector
        .date_templates()
        .map(|one| (one.name().to_owned(), one.hits))
        .collect();
    assert_eq!(
        uses,
        [("Year-Month-Day".to_owned(), 2), ("Epoch".to_owned(), 0)]
    );
    let patterns: Vec<_> = detector
        .date_templates()
        .map(|one| one.pattern().to_owned())
        .collect();
    assert_eq!(patterns, ["%Y-%m-%d", ""]);
    let dates = detector.rule().dates();
    assert_eq!(dates.title(), Some("Year-Month-Day"));
    assert!(!dates.zone_is_known(0, "2020-02-03"));
}

proptest! {
    /// What guards and what explains find the same, whichever expressions could match.
    #[test]
    fn an_explanation_is_what_feed_finds(lines in proptest::collection::vec("(a|s[12] )?(x|y|conn|bad u|bye|ok v)? ?(1\\.1\\.1\\.[1-3])?", 0..12)) {
        let source = RuleSource {
            ignoreregex: &["3$"],
            ..plain(
                Some(r"^(?:<F-MLFID>s\d</F-MLFID> )?<F-CONTENT>.*</F-CONTENT>$"),
                &[
                    "^<F-NOFAIL>conn</F-NOFAIL> <ADDR>",
                    "^bad <F-USER>\\w+</F-USER>(?: <ADDR>)?",
                    "^<F-MLFFORGET>bye</F-MLFFORGET>(?: <ADDR>)?",
                    "x <ADDR>",
                    "^<F-MLFFORGET><F-MLFGAINED>ok</F-MLFGAINED></F-MLFFORGET> <F-USER>\\w+</F-USER>(?: <ADDR>)?",
                    "<ADDR>$",
                ],
            )
        };
        let (mut feeding, mut explaining) = (timeless(&source), timeless(&source));
        for line in &lines {
            let mut failures = Failures::default();
            feeding.feed(&Line::of_file(line), &clock(false), &mut failures);
            let asked = Asked { every_failregex: false, captures: true };
            let told = explain(&mut explaining, line, asked);
            let told: Vec<_> = told.matches.into_iter().filter(|one| one.id.is_some()).collect();
            prop_assert_eq!(failures.len(), told.len(), "{}", line);
            for (failure, told) in failures.iter().zip(&told) {
                prop_assert_eq!((failure.rule, Some(&failure.id)), (told.rule, told.id.as_ref()));
                prop_assert_eq!(&failure.matches, &told.matches.iter().collect());
                prop_assert_eq!(&failure.users, &told.users.iter().collect());
                for (name, text) in &told.captures {
                    prop_assert_eq!(failure.captures.get(name), text.as_deref());
                }
            }
        }
    }
}
