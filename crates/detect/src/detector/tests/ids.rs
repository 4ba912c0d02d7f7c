//! Whom a failure is counted for, how often, and the address that was seen with it.

use super::*;

fn seen(failregex: &str, line: &str) -> String {
    let mut detector = detector(&plain(None, &[failregex]));
    let mut failures = Failures::default();
    detector.feed(&Line::of_file(line), &clock(true), &mut failures);
    let failure = &failures[0];
    let names: Vec<&str> = failure.captures.iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted(), "{names:?}");
    let ip = failure.captures.get("ip").unwrap_or("-");
    format!("{} {ip}", failure.id)
}

#[test]
fn an_address_beside_another_id_is_told() {
    let both = "^bad <F-ID>\\S+</F-ID>(?: from <ADDR>)? <F-USER>u</F-USER>$";
    let check = |line: &str, expected: &str| assert_eq!(seen(both, line), expected, "{line}");
    check("bad mallory from 192.0.2.1 u", "mallory 192.0.2.1");
    check("bad mallory from ::ffff:192.0.2.1 u", "mallory 192.0.2.1");
    check("bad mallory from 2001:DB8::1 u", "mallory 2001:db8::1");
    check("bad 192.0.2.9 from 192.0.2.1 u", "192.0.2.9 192.0.2.1");
    check("bad 192.0.2.1 from 192.0.2.1 u", "192.0.2.1 -");
    check("bad mallory u", "mallory -");
    assert_eq!(seen("^bad <ADDR>$", "bad 192.0.2.1"), "192.0.2.1 -");
}

#[test]
fn a_session_tells_the_address_of_an_earlier_line() {
    let source = plain(
        Some(r"^<F-MLFID>s\d</F-MLFID> <F-CONTENT>.*</F-CONTENT>$"),
        &[
            "^<F-NOFAIL>conn</F-NOFAIL> <ADDR>$",
            r"^bad <F-ID>\w+</F-ID>$",
        ],
    );
    let mut detector = detector(&source);
    let mut failures = Failures::default();
    for line in ["s1 conn 192.0.2.1", "s1 bad mallory"] {
        failures.clear();
        detector.feed(&Line::of_file(line), &clock(true), &mut failures);
    }
    let told = failures[0].captures.get("ip");
    assert_eq!(
        (failures[0].id.to_string().as_str(), told),
        ("mallory", Some("192.0.2.1"))
    );
}

#[test]
fn a_line_stands_for_as_many_failures_as_it_says_within_reason() {
    let source = plain(
        None,
        &["^bad <ADDR>(?:, <F-ATTEMPTS>.*</F-ATTEMPTS> times)?$"],
    );
    // One detector for all: nothing is left of the line before.
    let mut detector = detector(&source);
    let mut check = |said: &str, expected: u32| {
        let mut failures = Failures::default();
        let line = format!("bad 192.0.2.1{said}");
        detector.feed(&Line::of_file(&line), &clock(true), &mut failures);
        assert_eq!(failures[0].weight, expected, "{line}");
    };
    check(", 3 times", 3);
    check("", 1);
    check(", 20 times", 20);
    check(", 21 times", 20);
    check(", 5000000000 times", 20);
    check(", 0 times", 1);
    check(", -3 times", 1);
    check(", many times", 1);
    check(", 99999999999999999999999 times", 1);
}
