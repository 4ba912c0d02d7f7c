//! Which expression sees what, and in which order.

use super::*;
use proptest::prelude::*;

#[test]
fn the_first_failregex_wins() {
    let source = plain(None, &["^a <HOST>", "^(?:a|b) <HOST>"]);
    let mut detector = detector(&source);
    let mut failures = Failures::default();
    for line in ["b 1.1.1.1", "a 1.1.1.1"] {
        detector.feed(&Line::of_file(line), &clock(true), &mut failures);
    }
    assert_eq!(
        failures
            .iter()
            .map(|failure| failure.rule)
            .collect::<Vec<_>>(),
        [1, 0]
    );
}

#[test]
fn what_is_searched_ends_with_a_line_feed() {
    check(
        &plain(None, &[r"^from <ADDR>\n$"]),
        &[("from 1.1.1.1", "1.1.1.1: from 1.1.1.1")],
    );
    let content = plain(
        Some("^x <F-CONTENT>.+</F-CONTENT> y$"),
        &[r"^from <ADDR>\n$"],
    );
    check(
        &content,
        &[
            ("x from 1.1.1.1 y", "1.1.1.1: x from 1.1.1.1 y"),
            ("from 1.1.1.1", "NoMatch"),
        ],
    );
}

#[test]
fn a_prefregex_without_content_leaves_the_line() {
    check(
        &plain(Some("^x <F-CONTENT></F-CONTENT>"), &["^x from <ADDR>"]),
        &[("x from 1.1.1.1", "1.1.1.1: x from 1.1.1.1")],
    );
    check(
        &plain(Some("^x <ADDR>"), &["bad$"]),
        &[
            ("x 1.1.1.1 bad", "1.1.1.1: x 1.1.1.1 bad"),
            ("x 1.1.1.1 ok", "NoMatch"),
        ],
    );
}

#[test]
fn few_ignoreregexes_see_the_line_and_the_content() {
    let prefix = Some("^x <F-CONTENT>.+</F-CONTENT>$");
    let many = ["^from <ADDR>", "^b <ADDR>", "^c <ADDR>", "^d <ADDR>"];
    let early = RuleSource {
        ignoreregex: &["^x from 9"],
        ..plain(prefix, &many)
    };
    check(
        &early,
        &[
            ("x from 9.1.1.1", "Ignored"),
            ("x from 1.1.1.1", "1.1.1.1: x from 1.1.1.1"),
        ],
    );
    let late = RuleSource {
        ignoreregex: &["^x from 9"],
        ..plain(prefix, &many[..3])
    };
    check(&late, &[("x from 9.1.1.1", "9.1.1.1: x from 9.1.1.1")]);
    let content = RuleSource {
        ignoreregex: &["^from 9"],
        ..plain(prefix, &many[..1])
    };
    check(
        &content,
        &[("x from 9.1.1.1", "Ignored"), ("x b 9.1.1.1", "NoMatch")],
    );
}

#[test]
fn the_date_is_cut_and_the_text_around_it_stays() {
    let dated = RuleSource {
        datepattern: None,
        ..plain(None, &[r"^(?: |\[\] )fail <HOST>$"])
    };
    check(
        &dated,
        &[
            (
                "2023-11-14 22:13:20 fail 1.1.1.1",
                "1.1.1.1: 2023-11-14 22:13:20 fail 1.1.1.1",
            ),
            (
                "[2023-11-14 22:13:20] fail 1.1.1.1",
                "1.1.1.1: [2023-11-14 22:13:20] fail 1.1.1.1",
            ),
            ("fail 1.1.1.1", "NoMatch"),
        ],
    );
}

#[test]
fn lines_without_a_date_show_the_last_one() {
    let dated = RuleSource {
        datepattern: None,
        ..plain(None, &["fail <HOST>$"])
    };
    check(
        &dated,
        &[
            ("fail 1.1.1.1", "1.1.1.1: fail 1.1.1.1"),
            ("2023-11-14 22:13:20 hello", "NoMatch"),
            (" fail 1.1.1.1", "1.1.1.1: 2023-11-14 22:13:20 fail 1.1.1.1"),
        ],
    );
}

#[test]
fn undated_and_old_lines_do_not_count_while_catching_up() {
    let mut detector = detector(&RuleSource {
        datepattern: None,
        ..plain(None, &["fail <HOST>$"])
    });
    let mut failures = Failures::default();
    for (line, expected) in [
        ("fail 1.1.1.1", LineVerdict::Undated),
        ("2023-11-14 22:03:19 fail 1.1.1.1", LineVerdict::TooOld),
        ("2023-11-14 22:03:20 fail 1.1.1.1", LineVerdict::Failed),
        ("2023-11-14 23:13:20 fail 2.2.2.2", LineVerdict::Failed),
    ] {
        assert_eq!(
            detector.feed(&Line::of_file(line), &clock(false), &mut failures),
            expected,
            "{line}"
        );
    }
    let times: Vec<i64> = failures
        .iter()
        .map(|failure| failure.time.as_secs() - NOW)
        .collect();
    assert_eq!(times, [-600, 0]);
    assert_eq!(detector.skew(), None);
    detector.feed(
        &Line::of_file("2023-11-14 23:13:20 fail 2.2.2.2"),
        &clock(true),
        &mut failures,
    );
    assert_eq!(
        (failures[2].time.as_secs(), detector.skew()),
        (NOW, Some(Span::from_secs(3600)))
    );
}

#[test]
fn journal_entries_bring_their_time() {
    let mut detector = detector(&RuleSource {
        datepattern: None,
        ..plain(None, &["^host fail <HOST>$"])
    });
    let mut failures = Failures::default();
    let time = Timestamp::from_micros(NOW * 1_000_000 - 500_000);
    detector.feed(
        &Line::of_journal("host fail 1.1.1.1", time),
        &clock(true),
        &mut failures,
    );
    assert_eq!(failures[0].time, time);
    assert_eq!(
        failures[0].matches,
        ["2023-11-14T22:13:19.500000 host fail 1.1.1.1"]
            .iter()
            .collect()
    );
}

#[test]
fn host_names_are_left_to_be_resolved() {
    let line = "from evil.example.com";
    for (usedns, id, hostname) in [
        (UseDns::Yes, Some("evil.example.com"), true),
        (UseDns::Warn, Some("evil.example.com"), true),
        (UseDns::Raw, Some("evil.example.com"), false),
        (UseDns::No, None, false),
    ] {
        let mut detector = detector(&RuleSource {
            usedns,
            ..plain(None, &["from <HOST>$"])
        });
        let mut failures = Failures::default();
        detector.feed(&Line::of_file(line), &clock(true), &mut failures);
        let got = failures.first();
        assert_eq!(
            got.map(|failure| failure.id.to_string()).as_deref(),
            id,
            "{usedns:?}"
        );
        assert_eq!(
            got.is_some_and(|failure| failure.hostname.is_some()),
            hostname,
            "{usedns:?}"
        );
    }
    check(
        &RuleSource {
            usedns: UseDns::No,
            ..plain(None, &["from <DNS>$"])
        },
        &[(line, "NoFailure")],
    );
}

#[test]
fn captures_are_told() {
    let source = plain(
        Some("^(?P<svc>\\w+): <F-CONTENT>.+</F-CONTENT>$"),
        &["^bad <F-USER>\\w*</F-USER> <F-ALT_USER>\\w+</F-ALT_USER> <ADDR>"],
    );
    let mut detector = detector(&source);
    let mut failures = Failures::default();
    detector.feed(
        &Line::of_file("ftp: bad  bob ::ffff:1.2.3.4"),
        &clock(true),
        &mut failures,
    );
    let captures: Vec<String> = failures[0]
        .captures
        .iter()
        .map(|(name, text)| format!("{name}={text}"))
        .collect();
    assert_eq!(
        captures,
        ["alt_user=bob", "ip4=1.2.3.4", "svc=ftp", "user=bob"]
    );
    assert_eq!(failures[0].user(), Some("bob"));
    assert!(failures[0].users.is_empty());
}

#[test]
fn harmless_lines_need_a_session() {
    let without = "^(?:<F-NOFAIL>key</F-NOFAIL>|bad) <HOST>$";
    let within = "^<F-MLFID>\\w+</F-MLFID> (?:<F-NOFAIL>key</F-NOFAIL>|bad) <HOST>$";
    let counted = [("key 1.1.1.1", "1.1.1.1: key 1.1.1.1")];
    check(&plain(None, &[without]), &counted);
    let spared = [
        ("a key 1.1.1.1", "NoFailure"),
        ("a bad 1.1.1.1", "1.1.1.1: a key 1.1.1.1|a bad 1.1.1.1"),
    ];
    check(&plain(None, &[within]), &spared);
}

#[test]
fn rules_are_shared_and_detectors_move_between_threads() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>() {}
    shared::<Rule>();
    moved::<Detector>();
}

const DATED: [&str; 2] = [
    r"^ \S+ fail (?:<F-USER>\w+</F-USER> )?from <HOST>$",
    r"^ \S+ (?:a|b)*c <HOST>",
];

proptest! {
    /// Whatever the bytes, a line gets an answer, and buffers that were used before do not change it.
    #[test]
    fn buffers_carry_nothing_over(before in prop::collection::vec(".{0,40}|h fail x from 1.1.1.1|h abbac [::1]", 0..4), line in ".{0,40}|h fail( \\w{0,3})? from [0-9.a]{1,9}") {
        let dated = |text: &str| format!("2023-11-14 22:13:20 {text}");
        let source = RuleSource { datepattern: Some("%Y-%m-%d %H:%M:%S"), ..plain(Some("^ \\S+ .*[a-z1]$"), &DATED) };
        let mut used = detector(&source);
        for line in &before {
            feed(&mut used, &dated(line));
        }
        prop_assert_eq!(feed(&mut used, &dated(&line)), feed(&mut detector(&source), &dated(&line)));
    }
}
