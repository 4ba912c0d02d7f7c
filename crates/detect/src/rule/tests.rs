//! What compiles, and what is refused with its place.

use super::*;

fn source<'a>(prefregex: Option<&'a str>, failregex: &'a [&'a str]) -> RuleSource<'a> {
    RuleSource {
        prefregex,
        failregex,
        ignoreregex: &[],
        maxlines: 1,
        datepattern: None,
        logtimezone: None,
        usedns: UseDns::Warn,
        start_year: 2026,
    }
}

fn check(source: &RuleSource<'_>, expected: &[&str]) {
    let errors = match Rule::compile(source) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(errors.len(), expected.len(), "{errors:?}");
    for (error, expected) in errors.iter().zip(expected) {
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn every_failregex_needs_an_id() {
    check(
        &source(None, &["^a <HOST>$", "^b$"]),
        &["failregex 2: no failure-id group"],
    );
    check(
        &source(Some("^<ADDR> <F-CONTENT>.*</F-CONTENT>$"), &["^b$"]),
        &[],
    );
    check(&source(Some("^<F-MLFID>x</F-MLFID>"), &["^b$"]), &[]);
    check(
        &source(Some("^x"), &["^b$"]),
        &["failregex 1: no failure-id group"],
    );
    check(
        &source(
            None,
            &["<F-ID/>", "<SUBNET>", "<DNS>", "<IP6>", "(?P<ip4>x)"],
        ),
        &[],
    );
}

#[test]
fn all_faults_are_told_with_their_places() {
    let all = RuleSource {
        prefregex: Some("(a"),
        failregex: &["<HOST> (", "", "<HOST> <HOST>", "b"],
        ignoreregex: &["[a", "ok"],
        maxlines: 1,
        datepattern: Some("%Y-%"),
        logtimezone: Some("Europe/Paris"),
        usedns: UseDns::Warn,
        start_year: 2026,
    };
    check(
        &all,
        &[
            "prefregex: missing ), unterminated subpattern at position 0",
            "failregex 1: missing ), unterminated subpattern at position 7",
            "failregex 2: the expression is empty",
            "failregex 3: redefinition of group name 'ip4'",
            "ignoreregex 1: unterminated character set at position 0",
            "logtimezone: not a time zone",
            "datepattern: ",
        ],
    );
    let errors = Rule::compile(&all).unwrap_err();
    assert_eq!(errors[3].part, RulePart::Failregex(2));
    assert_eq!(errors[3].offset, Some(7));
}

#[test]
fn only_failregexes_see_line_ends_of_several_lines() {
    let flags = |maxlines| {
        let source = RuleSource {
            maxlines,
            ignoreregex: &["^b$"],
            ..source(Some("^<ADDR>"), &["^b$"])
        };
        let rule = Rule::compile(&source).unwrap();
        let mut hits = Vec::new();
        for regex in rule.failregexes().chain(&rule.ignore) {
            hits.push(regex.is_match(&mut regex.new_cache(), "a\nb\nc\n"));
        }
        hits
    };
    assert_eq!(flags(1), [false, false]);
    assert_eq!(flags(2), [true, false]);
}
