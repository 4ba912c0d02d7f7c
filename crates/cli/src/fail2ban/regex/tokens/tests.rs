//! What `-o` prints of one failure.

use super::*;
use detect::Explained;
use std::convert::Infallible;

fn explained() -> Explained {
    let captures = [
        ("mlfid", Some("s[1]")),
        ("user", Some("it's <ip>")),
        ("ip4", Some("192.0.2.7")),
        ("dns", None),
        ("users", None),
    ];
    Explained {
        rule: 0,
        id: Some(FailureId::Prefix("192.0.2.7".parse().unwrap())),
        address: Some("192.0.2.7".parse().unwrap()),
        hostname: None,
        time: Some(Timestamp::from_micros(1_795_392_002_500_000)),
        harmless: false,
        captures: captures
            .map(|(name, text)| (name.into(), text.map(str::to_owned)))
            .into(),
        users: vec!["a".to_owned(), "b".to_owned()],
        matches: vec!["line 1".to_owned(), "line 2".to_owned()],
    }
}

fn print(explained: &Explained, token: &str) -> Vec<String> {
    let found = Found {
        explained,
        id: explained.id.clone(),
        zone_is_known: false,
    };
    let mut lines = Vec::new();
    let printed: Result<(), Infallible> =
        Token::of(token).print(&found, Timestamp::MAX, &mut |line| {
            lines.push(line.to_owned());
            Ok(())
        });
    assert!(printed.is_ok());
    lines
}

fn check(token: &str, expected: &[&str]) {
    assert_eq!(print(&explained(), token), expected, "{token}");
}

#[test]
fn words_are_values() {
    check("id", &["192.0.2.7"]);
    check("fid", &["192.0.2.7"]);
    check("ip", &["192.0.2.7"]);
    check("user", &["it's <ip>"]);
    check("dns", &["None"]);
    check("nosuch", &["None"]);
    check("users", &["{'a', 'b'}"]);
    check("msg", &["line 1", "line 2"]);
    check("matches", &["['line 1', 'line 2']"]);
    check(
        "row",
        &[
            "['192.0.2.7',\t1795392002.5,\t{'mlfid': 's[1]', 'user': \"it's <ip>\", 'ip4': '192.0.2.7', 'dns': None, \
           'users': {'a', 'b'}}],",
        ],
    );
}

#[test]
fn tags_are_filled_once() {
    check("<F-USER> <ip> <fid>", &["it's <ip> 192.0.2.7 192.0.2.7"]);
    check("<ip>: <msg>", &["192.0.2.7: line 1", "192.0.2.7: line 2"]);
    check("<msg>|<msg>", &["line 1|line 1", "line 2|line 2"]);
    check(
        "<time> <family> <ip-rev>",
        &["1795392002.5 inet4 7.2.0.192."],
    );
    check("<matches>", &["line 1\nline 2"]);
    check("<F-NONE><F-DNS>.", &["."]);
    check("<failures><bancount><restored>", &["000"]);
    check(
        "<bogus> <x <<ip>> < <bantime> <F-user>",
        &["<bogus> <x <192.0.2.7> < <bantime> <F-user>"],
    );
    check(
        "<F-*>",
        &[
            "{'matches': ['line 1', 'line 2'], 'failures': 0, 'mlfid': 's[1]', 'user': \"it's <ip>\", \
           'ip4': '192.0.2.7', 'users': {'a', 'b'}}",
        ],
    );
}

#[test]
fn an_id_of_its_own_goes_beside_the_address() {
    let mut other = explained();
    other.id = Some(FailureId::Raw("('x', 'y')".into()));
    other.captures = vec![
        ("fid".into(), Some("('x', 'y')".to_owned())),
        ("tuple_id".into(), Some("y".to_owned())),
    ];
    assert_eq!(print(&other, "id"), ["('x', 'y')"]);
    assert_eq!(print(&other, "ip"), ["192.0.2.7"]);
    assert_eq!(print(&other, "<F-ID>"), ["('x', 'y')"]);
    other.time = None;
    let row = "[('x', 'y'),\tNone,\t{'fid': ('x', 'y'), 'tuple_id': 'y', 'ip': '192.0.2.7'}],";
    assert_eq!(print(&other, "row"), [row]);
}

#[test]
fn reverse_names_are_those_of_the_address() {
    let reversed = |text: &str| reversed(text.parse().unwrap());
    assert_eq!(reversed("192.0.2.7"), "7.2.0.192.");
    assert_eq!(
        reversed("2001:db8::1"),
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
    );
}
