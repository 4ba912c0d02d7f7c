//! Every tag of a ban.

use super::*;
use base::NamedTexts;

fn ticket(prefix: &str) -> Ticket {
    let captures = [("fid", "session"), ("fport", "2222"), ("zone", "z")];
    Ticket {
        id: prefix.into(),
        time: Timestamp::from_secs(1_795_392_708),
        length: Some(Span::from_secs(600)),
        count: 2,
        failures: 3,
        users: vec!["root".into(), "o'neill".into()],
        matches: vec!["one".into(), "it's".into()],
        captures: captures.into_iter().collect::<NamedTexts>(),
        restored: false,
    }
}

fn value(ticket: Option<&Ticket>, history: &dyn History, tag: &str) -> Option<String> {
    let known = IpAddr::from([192, 0, 2, 7]);
    let values = Values {
        jail: "sshd",
        ticket,
        family: For::INET6,
        bantime: Some(Span::from_secs(3600)),
        now: Timestamp::from_secs(5) + Span::from_secs_f64(0.5),
        counters: Counters {
            banned: 1,
            banned_total: 2,
            found: 3,
            found_total: 4,
        },
        history,
        host_of: &|address| (address == known).then(|| "host.example".to_owned()),
    };
    values.of(tag)
}

fn check(ticket: Option<&Ticket>, tag: &str, expected: Option<&str>) {
    assert_eq!(
        value(ticket, &NoHistory, tag).as_deref(),
        expected,
        "<{tag}>"
    );
}

#[test]
fn values_of_an_id_that_is_no_address() {
    for (ip, tag, expected) in [
        (None, "ip", "mallory"),
        (None, "fid", "mallory"),
        (None, "family", "None"),
        (None, "ip-rev", ""),
        (None, "ip-host", "None"),
        (Some("192.0.2.7"), "ip", "192.0.2.7"),
        (Some("192.0.2.7"), "fid", "mallory"),
        (Some("192.0.2.7"), "F-IP", "192.0.2.7"),
        (Some("192.0.2.7"), "family", "inet4"),
        (Some("192.0.2.7"), "ip-rev", "7.2.0.192."),
        (Some("192.0.2.7"), "ip-host", "host.example"),
    ] {
        let mut ticket = ticket("mallory");
        ticket.captures = ip.map(|ip| ("ip", ip)).into_iter().collect();
        check(Some(&ticket), tag, Some(expected));
    }
}

#[test]
fn a_bans_values() {
    let ticket = ticket("192.0.2.7");
    for (tag, expected) in [
        ("ip", "192.0.2.7"),
        ("fid", "192.0.2.7"),
        ("family", "inet4"),
        ("ip-rev", "7.2.0.192."),
        ("ip-host", "host.example"),
        ("failures", "3"),
        ("time", "1795392708.0"),
        ("bantime", "600"),
        ("bancount", "2"),
        ("restored", "0"),
        ("matches", "one\nit's"),
        ("ipmatches", "one\nit's"),
        ("ipjailmatches", "one\nit's"),
        ("ipfailures", "3"),
        ("ipjailfailures", "3"),
        (
            "raw-ticket",
            "BanTicket: ip=192.0.2.7 time=1795392708.0 bantime=600 bancount=2 #attempts=3 matches=['one', \"it's\"]",
        ),
        ("jail.name", "sshd"),
        ("jail.banned", "1"),
        ("jail.banned_total", "2"),
        ("jail.found", "3"),
        ("jail.found_total", "4"),
        ("F-USER", "root"),
        ("F-USERS", "{'root', \"o'neill\"}"),
        ("F-ID", "session"),
        ("F-PORT", "2222"),
        ("F-ZONE", "z"),
        ("F-ABSENT", ""),
        ("F-A-B_1", ""),
        ("F-FAILURES", "3"),
        ("F-MATCHES", "['one', \"it's\"]"),
    ] {
        check(Some(&ticket), tag, Some(expected));
    }
    for tag in ["F-", "F-user", "unknown", "name", "jail.other", "IP"] {
        check(Some(&ticket), tag, None);
    }
}

#[test]
fn other_bans_values() {
    let other = |prefix: &str, tag: &str, expected: &str| {
        check(Some(&ticket(prefix)), tag, Some(expected));
    };
    other("192.0.2.0/24", "ip", "192.0.2.0/24");
    other("192.0.2.0/24", "ip-rev", "0/24.2.0.192.");
    other("192.0.2.0/24", "ip-host", "None");
    other("2001:db8::1", "family", "inet6");
    other("2001:db8::1", "ip-host", "None");
    let nibbles = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.";
    other("2001:db8::1", "ip-rev", nibbles);
    let restored = Ticket {
        restored: true,
        length: None,
        users: vec!["a".into()],
        ..ticket("192.0.2.7")
    };
    check(Some(&restored), "restored", Some("1"));
    check(Some(&restored), "time", Some("1795392708"));
    check(Some(&restored), "bantime", Some("-1"));
    check(Some(&restored), "F-USERS", Some(""));
    let all = "{'matches': ['one', \"it's\"], 'failures': 3, 'user': 'a', 'fid': 'session', 'fport': '2222', 'zone': 'z'}";
    check(Some(&restored), "F-*", Some(all));
}

#[test]
fn without_a_ban() {
    for (tag, expected) in [
        ("ip", ""),
        ("fid", ""),
        ("family", "inet6"),
        ("ip-host", "None"),
        ("failures", "0"),
        ("time", "5.5"),
        ("bantime", "3600"),
        ("bancount", "0"),
        ("restored", "0"),
        ("matches", ""),
        ("F-USER", ""),
        ("jail.banned", "1"),
    ] {
        check(None, tag, Some(expected));
    }
    check(None, "unknown", None);
}

#[test]
fn history_speaks_where_there_is_one() {
    struct One;
    impl History for One {
        fn past(&self, id: &str, jail: Option<&str>) -> Option<Past> {
            let failures = if jail.is_some() { 7 } else { 9 };
            (id == "192.0.2.7").then(|| Past {
                failures,
                matches: vec!["old".into(), "older".into()],
            })
        }
    }
    let ticket = ticket("192.0.2.7");
    for (tag, expected) in [
        ("ipmatches", "old\nolder"),
        ("ipfailures", "9"),
        ("ipjailfailures", "7"),
        ("matches", "one\nit's"),
        ("failures", "3"),
    ] {
        assert_eq!(value(Some(&ticket), &One, tag).as_deref(), Some(expected));
    }
}
