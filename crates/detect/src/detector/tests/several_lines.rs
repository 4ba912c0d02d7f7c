//! Expressions over several lines.

use super::*;

fn several<'a>(maxlines: u32, failregex: &'a [&'a str]) -> RuleSource<'a> {
    RuleSource {
        maxlines,
        ..plain(None, failregex)
    }
}

#[test]
fn a_match_takes_its_lines() {
    check(
        &several(2, &[r"^start\nfail <HOST>$"]),
        &[
            ("start", "NoMatch"),
            ("fail 1.1.1.1", "1.1.1.1: start|fail 1.1.1.1"),
            ("fail 1.1.1.1", "NoMatch"),
            ("start", "NoMatch"),
            ("other", "NoMatch"),
            ("fail 1.1.1.1", "NoMatch"),
        ],
    );
}

#[test]
fn skipped_lines_stay() {
    check(
        &several(
            5,
            &["^start <F-USER>\\w+</F-USER>$<SKIPLINES>^fail <HOST>$"],
        ),
        &[
            ("start a", "NoMatch"),
            ("start b", "NoMatch"),
            ("noise", "NoMatch"),
            ("fail 1.1.1.1", "1.1.1.1: start a|fail 1.1.1.1"),
            ("fail 2.2.2.2", "2.2.2.2: start b|fail 2.2.2.2"),
            ("fail 3.3.3.3", "NoMatch"),
        ],
    );
}

#[test]
fn ignoreregexes_see_the_matched_lines_only() {
    let source = RuleSource {
        ignoreregex: &["^noise", "9$"],
        ..several(3, &[r"^start\nfail <HOST>$"])
    };
    check(
        &source,
        &[
            ("noise", "NoMatch"),
            ("start", "NoMatch"),
            ("fail 1.1.1.1", "1.1.1.1: start|fail 1.1.1.1"),
            ("start", "NoMatch"),
            ("fail 1.1.1.9", "Ignored"),
            ("fail 1.1.1.1", "NoMatch"),
        ],
    );
}

#[test]
fn the_content_of_a_prefregex_takes_the_place_of_all_lines() {
    let source = RuleSource {
        maxlines: 3,
        ..plain(
            Some(r"^x (?P<content>.+)$"),
            &[r"^a\nfail <HOST>$", "^only <HOST>$"],
        )
    };
    check(&source, &[("x only 1.1.1.1", "1.1.1.1: x only 1.1.1.1")]);
}
