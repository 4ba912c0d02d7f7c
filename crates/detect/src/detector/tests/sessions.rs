//! Lines of one connection.

use super::*;

const PREFIX: &str = r"^<F-MLFID>s\[\d+\]</F-MLFID>: <F-CONTENT>.+</F-CONTENT>$";

#[test]
fn the_worked_example() {
    let source = plain(
        Some(PREFIX),
        &[
            "^<F-NOFAIL>conn</F-NOFAIL> <HOST>$",
            r"^bad <F-USER>\w+</F-USER>$",
            "^<F-MLFFORGET>bye</F-MLFFORGET>$",
            r"^<F-MLFFORGET><F-MLFGAINED>ok</F-MLFGAINED></F-MLFFORGET> <F-USER>\w+</F-USER>$",
        ],
    );
    check(
        &source,
        &[
            ("s[1]: conn 1.1.1.1", "NoFailure"),
            ("s[1]: bad a", "1.1.1.1: s[1]: conn 1.1.1.1|s[1]: bad a"),
            ("s[1]: bad a", "1.1.1.1: s[1]: bad a"),
            ("s[1]: bad b", "1.1.1.1: s[1]: bad b"),
            ("s[1]: ok a", "1.1.1.1: s[1]: ok a"),
            ("s[1]: bad a", "NoFailure"),
            ("s[2]: bad x", "NoFailure"),
            (
                "s[2]: conn 2.2.2.2",
                "2.2.2.2: s[2]: bad x|s[2]: conn 2.2.2.2",
            ),
            ("s[3]: conn 3.3.3.3", "NoFailure"),
            ("s[3]: ok a", "NoFailure"),
            ("s[5]: conn 5.5.5.5", "NoFailure"),
            ("s[5]: bad a", "5.5.5.5: s[5]: conn 5.5.5.5|s[5]: bad a"),
            ("s[5]: bye", "5.5.5.5: s[5]: bye"),
        ],
    );
}

#[test]
fn a_failure_tells_what_all_lines_told() {
    let source = plain(
        Some(PREFIX),
        &[
            "^<F-NOFAIL>conn</F-NOFAIL> <HOST>$",
            r"^bad <F-USER>\w+</F-USER>$",
        ],
    );
    let mut detector = detector(&source);
    let mut failures = Failures::default();
    for line in ["s[1]: conn 1.1.1.1", "s[1]: bad b", "s[1]: bad a"] {
        detector.feed(&Line::of_file(line), &clock(true), &mut failures);
    }
    assert_eq!(failures[1].users, ["a", "b"].iter().collect());
    let captures = [("ip4", "1.1.1.1"), ("mlfid", "s[1]"), ("user", "a")];
    assert_eq!(failures[1].captures, captures.into_iter().collect());
}
