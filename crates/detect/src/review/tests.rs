//! Risky patterns and sound ones, each against a line that an attacker wrote.

use super::*;
use crate::UseDns;
use crate::pyre::Outcome;
use crate::rule::RuleSource;

fn rule(prefregex: Option<&str>, failregex: &str) -> Rule {
    let source = RuleSource {
        prefregex,
        failregex: &[failregex],
        ignoreregex: &[],
        maxlines: 1,
        datepattern: None,
        logtimezone: None,
        usedns: UseDns::No,
        start_year: 2026,
    };
    Rule::compile(&source).unwrap()
}

fn names(reviewed: &Reviewed) -> Vec<&'static str> {
    reviewed.risks.iter().map(Risk::name).collect()
}

/// The address that the pattern finds in a line.
fn found(rule: &Rule, line: &str) -> Option<String> {
    let regex = rule.failregexes().next().unwrap();
    let text = format!("{line}\n");
    let mut slots = Vec::new();
    let outcome = regex.search(&mut regex.new_cache(), &text, &mut slots);
    let group = regex.group_index("ip4").unwrap();
    (outcome == Outcome::Match)
        .then(|| text[slots[2 * group].unwrap()..slots[2 * group + 1].unwrap()].to_owned())
}

/// 9.9.9.9 is the innocent, 1.2.3.4 the attacker, whose name is all that he chooses.
const RISKY: &[(&str, &[&str], &str)] = &[
    (
        "failed for .* from <HOST>$",
        &["unanchored"],
        "x failed for y from 9.9.9.9",
    ),
    (
        "login failed from <HOST>$",
        &["unanchored"],
        "GET /login failed from 9.9.9.9",
    ),
    (
        r"\[client <HOST>\] denied",
        &["unanchored"],
        "GET /[client 9.9.9.9] denied",
    ),
    ("<HOST> failed$", &["unanchored"], "user 9.9.9.9 failed"),
    (
        "(?:^|: )failed from <HOST>$",
        &["unanchored"],
        "user x: failed from 9.9.9.9",
    ),
    (
        "^.*failed from <HOST> ",
        &["free-text"],
        "failed from 1.2.3.4 agent failed from 9.9.9.9 ",
    ),
    (
        "^user .* from <HOST> ",
        &["free-text"],
        "user x from 1.2.3.4 agent y from 9.9.9.9 z",
    ),
    (
        "^user .*? from <HOST> ",
        &["free-text"],
        "user x from 9.9.9.9 from 1.2.3.4 z",
    ),
    (
        "^user .+? from <HOST>(?: |$)",
        &["free-text"],
        "user x from 9.9.9.9 from 1.2.3.4",
    ),
    (
        "^user <F-USER>.*?</F-USER> from <HOST>(?:: .*)?$",
        &["free-text"],
        "user x from 9.9.9.9: from 1.2.3.4",
    ),
    (
        r"^user .* from <HOST> \(.*\)$",
        &["free-text"],
        "user x from 1.2.3.4 (y from 9.9.9.9 (z)",
    ),
    (
        "^user [^:]* from <HOST> ",
        &["free-text"],
        "user x from 1.2.3.4 from 9.9.9.9 y",
    ),
    (
        r"^user \S+@<HOST>\)",
        &["free-text"],
        "user x@1.2.3.4)y@9.9.9.9)",
    ),
    (
        r"^pam\(\S+,<HOST>(?:,\S*)?\): failed",
        &["free-text"],
        "pam(x,1.2.3.4,y,9.9.9.9): failed",
    ),
    (
        r"^\(.+?@<HOST>\) \[WARNING\] .*$",
        &["free-text"],
        "(x@9.9.9.9) [WARNING] @1.2.3.4) [WARNING] y",
    ),
    (
        "^ruser=(?:\\S*|.*?) rhost=<HOST>(?: user=.*)?$",
        &["free-text"],
        "ruser=x rhost=9.9.9.9 user=x rhost=1.2.3.4",
    ),
    (
        r"^(?:\S+ )*from <HOST> ",
        &["free-text"],
        "x from 1.2.3.4 from 9.9.9.9 y",
    ),
    (
        r"^(?:\S+ )*?from <HOST> ",
        &["free-text"],
        "x from 9.9.9.9 from 1.2.3.4 y",
    ),
    (
        "^a(?: for .*?)? from <HOST> ",
        &["free-text"],
        "a for x from 9.9.9.9 from 1.2.3.4 y",
    ),
    (
        r"^.{0,99}? from <HOST>\s",
        &["free-text"],
        "x from 9.9.9.9 from 1.2.3.4 y",
    ),
    (
        r"^(?:invalid user .*?|\w+) from <HOST>,",
        &["free-text"],
        "invalid user x from 9.9.9.9, from 1.2.3.4,",
    ),
    (
        "^(?:(?! for ).)*? from <HOST> ",
        &["free-text"],
        "x from 9.9.9.9 from 1.2.3.4 y",
    ),
    // As stock sshd with a user name before the address and a text behind it.
    (
        r"^Closed by user .*? <HOST>(?:: [^\[]+)?(?: \[preauth\])?\s*$",
        &["free-text"],
        "Closed by user x 9.9.9.9: y 1.2.3.4 [preauth]",
    ),
    (
        "^connection from <HOST>",
        &["open-end"],
        "connection from 9.9.9.9.evil.example",
    ),
    (
        r"^connection from <HOST>\b",
        &["open-end"],
        "connection from 9.9.9.9.evil.example",
    ),
    (
        "^connection from <HOST>.*$",
        &["open-end"],
        "connection from 9.9.9.9.evil.example",
    ),
    (
        "^from <HOST>(?: port)?",
        &["open-end"],
        "from 9.9.9.9-evil.example",
    ),
    (
        "failed .* from <HOST>",
        &["unanchored", "free-text", "open-end"],
        "x failed y from 9.9.9.9",
    ),
    (
        "^(?P<u>a+) <HOST> (?P=u)$",
        &["back-reference"],
        "aa 9.9.9.9 aa",
    ),
];

/// The attacker's name is `N`; nothing but his own address may be found.
const SOUND: &[(&str, &str)] = &[
    ("^user .* from <HOST>$", "user N from 1.2.3.4"),
    ("^user .*? from <HOST>$", "user N from 1.2.3.4"),
    (
        r"^user .* from <HOST> port \d+(?: ssh\d)?$",
        "user N from 1.2.3.4 port 1 ssh2",
    ),
    (r"^user .* from <HOST>\s*$", "user N from 1.2.3.4  "),
    (r"^from <HOST> user .*$", "from 1.2.3.4 user N"),
    (r"^\[<HOST>\] .*", "[1.2.3.4] N"),
    (
        r#"^<HOST> - \S+ "GET [^"]*" 404 .*$"#,
        r#"1.2.3.4 - N "GET /N" 404 N"#,
    ),
    (
        r"^\S+ sshd\[\d+\]: bad <HOST>(?: |$)",
        "h sshd[1]: bad 1.2.3.4 N",
    ),
    ("^user '[^']*' from <HOST>$", "user 'N' from 1.2.3.4"),
    (
        "^user (?:(?! from ).)* from <HOST>(?: |$)",
        "user y from 1.2.3.4 N",
    ),
    (
        r"^user .* from <HOST>(?: via \S+)?$",
        "user N from 1.2.3.4 via h",
    ),
    (
        r"^User \S+ from <HOST> not allowed$",
        "User y from 1.2.3.4 not allowed",
    ),
    (r"^<HOST>\s", "1.2.3.4 N"),
];

#[test]
fn risky_patterns_are_named_and_can_be_used_against_others() {
    for (pattern, expected, line) in RISKY {
        let rule = rule(None, pattern);
        let reviewed = rule.review();
        assert_eq!(names(&reviewed[0]), *expected, "{pattern}");
        assert_eq!(
            found(&rule, line).as_deref(),
            Some("9.9.9.9"),
            "{pattern}: {line}"
        );
    }
}

#[test]
fn sound_patterns_are_not_named_and_find_nobody_else() {
    let attempts = [
        "x",
        "x from 9.9.9.9",
        "x from 9.9.9.9 port 1",
        "x from 9.9.9.9 ",
        "9.9.9.9",
        "[9.9.9.9] ",
        "' from 9.9.9.9",
        "\" from 9.9.9.9",
        " user x from 9.9.9.9 not allowed",
        "from 9.9.9.9 user ",
        "x from 9.9.9.9 via h",
    ];
    for (pattern, line) in SOUND {
        let rule = rule(None, pattern);
        assert_eq!(names(&rule.review()[0]), [""; 0], "{pattern}");
        for attempt in attempts {
            let line = line.replace('N', attempt);
            assert_ne!(
                found(&rule, &line).as_deref(),
                Some("9.9.9.9"),
                "{pattern}: {line}"
            );
        }
    }
}

#[test]
fn examples_show_what_to_write() {
    for (pattern, example) in [
        ("failed for .* from <HOST>$", "failed for  from 192.0.2.9"),
        (
            "^user <F-USER>.*?</F-USER> from <HOST> ",
            "x from 192.0.2.9",
        ),
        (r"^a .*?\s+rhost=\[?<HOST>\]?;", "x rhost=192.0.2.9"),
        ("^from <HOST>", "192.0.2.9.example.net"),
    ] {
        let reviewed = rule(None, pattern).review();
        assert_eq!(
            reviewed[0].risks[0].example().as_deref(),
            Some(example),
            "{pattern}"
        );
    }
}

#[test]
fn a_prefregex_binds_or_frees_what_it_hands_on() {
    let check = |prefix: &str, fail: &str, expected: [&[&str]; 2]| {
        let reviewed = rule(Some(prefix), fail).review();
        assert_eq!(
            [names(&reviewed[0]), names(&reviewed[1])],
            expected,
            "{prefix} {fail}"
        );
    };
    let sound = r"^\S+ sshd\[\d+\]: <F-CONTENT>.+</F-CONTENT>$";
    check(sound, "^bad <HOST>$", [&[], &[]]);
    check(sound, "bad <HOST>$", [&[], &["unanchored"]]);
    check(
        "sshd: <F-CONTENT>.+</F-CONTENT>$",
        "^bad <HOST>$",
        [&["unanchored"], &[]],
    );
    check(
        "^.*sshd: <F-CONTENT>.+</F-CONTENT>$",
        "^bad <HOST>$",
        [&["free-text"], &[]],
    );
    // The address is the prefix's; the rest may be anywhere.
    check("^<ADDR> <F-CONTENT>.+</F-CONTENT>$", "bad", [&[], &[]]);
}

#[test]
fn each_expression_says_how_it_is_searched() {
    for (pattern, search, constructs) in [
        ("^bad <HOST>$", Search::Linear, &[][..]),
        (r"^bad\b <ADDR>\s*$", Search::Linear, &[]),
        (
            "^(?!good)bad <HOST>$",
            Search::LinearProduct,
            &["look-ahead"],
        ),
        (
            "^bad(?<=d) <HOST>$",
            Search::LinearProduct,
            &["look-behind"],
        ),
        (
            "^(?P<a>x)?bad(?(a)y|z) <HOST>$",
            Search::LinearProduct,
            &["conditional"],
        ),
        (
            "^(?P<a>x+) (?P=a) <HOST>$",
            Search::Backtracking("it has a back-reference"),
            &["back-reference"],
        ),
        (
            "^(?=(?P<a>x)).* <HOST>$",
            Search::Backtracking("it captures inside a look-ahead"),
            &["look-ahead"],
        ),
        (
            "^(?>a|ab)c <HOST>$",
            Search::Backtracking("it has an atomic group"),
            &["atomic group"],
        ),
        (
            "^a*+b <HOST>$",
            Search::Backtracking("it has a possessive repetition"),
            &["possessive repetition"],
        ),
        (
            "^(?:(?:a{1,90}b){1,90}c){1,90} <HOST>$",
            Search::Backtracking("the automaton would be too large"),
            &[],
        ),
    ] {
        let reviewed = rule(None, pattern).review();
        assert_eq!(reviewed[0].search, search, "{pattern}");
        assert_eq!(reviewed[0].constructs, constructs, "{pattern}");
    }
}

#[test]
fn date_patterns_with_a_back_reference_are_named() {
    for (datepattern, names) in [
        (r"^%Y-%m-%d %H:%M:%S", &[][..]),
        (r"^%Y(?P<_s>[-/.])%m(?P=_s)%d %H:%M:%S", &[]),
        (
            r"^%Y(?P<_s>\W+)%m(?P=_s)%d %H:%M:%S",
            &[r"^Year(?P<_s>\W+)Month(?P=_s)Day 24hour:Minute:Second"],
        ),
        ("{^LN-BEG}", &[]),
        ("{DATE}", &[]),
    ] {
        let source = RuleSource {
            prefregex: None,
            failregex: &["^bad <HOST>$"],
            ignoreregex: &[],
            maxlines: 1,
            datepattern: Some(datepattern),
            logtimezone: None,
            usedns: UseDns::No,
            start_year: 2026,
        };
        let rule = Rule::compile(&source).unwrap();
        assert_eq!(rule.backtracking_dates(), names, "{datepattern}");
    }
}
