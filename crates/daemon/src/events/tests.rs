//! The lines of events, held against what other programs read in fail2ban's log.

use super::*;
use crate::log::{Setup, Target};
use engine::{IgnoreSource, JailId};
use std::path::Path;
use std::process::Command;

const JAIL: JailId = JailId(0);

fn who() -> FailureId {
    FailureId::from("192.0.2.1")
}

fn when() -> Timestamp {
    Timestamp::from_secs(1_763_856_708)
}

fn banned(id: FailureId, restored: bool) -> Event {
    Event::Banned {
        jail: JAIL,
        id,
        time: when(),
        until: None,
        failures: 5,
        users: vec![("root".into(), 5)],
        count: 1,
        restored,
        seq: 1,
    }
}

fn lifted(why: LiftReason) -> Event {
    Event::Unbanned {
        jail: JAIL,
        id: who(),
        time: when(),
        until: None,
        failures: 5,
        why,
    }
}

fn already(after: i64) -> Event {
    Event::AlreadyBanned {
        jail: JAIL,
        id: who(),
        after: Span::from_secs(after),
        until: None,
        longer: false,
    }
}

fn ignored_by(why: IgnoreReason) -> Event {
    Event::Ignored {
        jail: JAIL,
        id: who(),
        why,
    }
}

fn listed(source: IgnoreSource) -> Event {
    ignored_by(IgnoreReason::Listed(source))
}

fn again(cut: bool, enough: bool) -> Event {
    Event::FoundAgain {
        jail: JAIL,
        id: who(),
        time: when(),
        bans: 2,
        weight: 3,
        cut,
        enough,
    }
}

#[test]
fn lines_that_other_programs_read_are_fail2bans() {
    let (jail, time, id) = (JAIL, when(), who());
    let found = Event::Found {
        jail,
        id: id.clone(),
        time,
    };
    let attempted = Event::Attempted { jail, id, time };
    let expired = Event::ExpiredIgnored { jail, id: who() };
    let six = "2001:db8::1".parse().unwrap();
    use Level::{Debug, Info, Notice, Warning};
    #[rustfmt::skip]
    let cases = [
        (found, Info, "filter", "Found 192.0.2.1 - 2025-11-23 00:11:48"),
        (attempted, Info, "filter", "Attempt 192.0.2.1 - 2025-11-23 00:11:48"),
        (again(false, false), Info, "observer", "Found 192.0.2.1, bad - 2025-11-23 00:11:48, 2 # -> 3.0"),
        (again(true, true), Info, "observer", "Found 192.0.2.1, bad - 2025-11-23 00:11:48, 2 # -> 3, Ban"),
        (ignored_by(IgnoreReason::OwnAddress), Info, "filter", "Ignore 192.0.2.1 by ignoreself rule"),
        (ignored_by(IgnoreReason::Command), Info, "filter", "Ignore 192.0.2.1 by command"),
        (listed(IgnoreSource::Ip), Info, "filter", "Ignore 192.0.2.1 by ip"),
        (listed(IgnoreSource::Dns("a.example".into())), Info, "filter", "Ignore 192.0.2.1 by dns"),
        (banned(who(), false), Notice, "actions", "Ban 192.0.2.1"),
        (banned(six, false), Notice, "actions", "Ban 2001:db8::1"),
        (banned(who(), true), Notice, "actions", "Restore Ban 192.0.2.1"),
        (lifted(LiftReason::Expired), Notice, "actions", "Unban 192.0.2.1"),
        (lifted(LiftReason::Request), Notice, "actions", "Unban 192.0.2.1"),
        (lifted(LiftReason::JailRemoved), Notice, "actions", "Unban 192.0.2.1"),
        (lifted(LiftReason::Protected), Notice, "actions", "Unban 192.0.2.1"),
        (lifted(LiftReason::Ignored), Notice, "actions", "Unban 192.0.2.1"),
        (lifted(LiftReason::Unenforceable), Notice, "actions", "Unban 192.0.2.1"),
        (lifted(LiftReason::Aggregated("2001:db8::/64".parse().unwrap())), Notice, "actions", "Unban 192.0.2.1"),
        (already(2), Debug, "actions", "192.0.2.1 already banned"),
        (already(3), Notice, "actions", "192.0.2.1 already banned"),
        (already(60), Warning, "actions", "192.0.2.1 already banned"),
        (expired, Info, "actions", "Ignore 192.0.2.1, expired bantime"),
    ];
    for (event, level, module, text) in cases {
        let (got_level, _, got_module, got_text) = line(&TimeZone::UTC, &event);
        assert_eq!(
            (got_level, got_module, got_text.as_str()),
            (level, module, text)
        );
    }
}

/// What is written for events of the jail `sshd`, without date and process.
fn written(log: &Path, events: &[Event]) -> String {
    let setup = Setup::new(Target::file(log.to_owned()), Level::Info, TimeZone::UTC);
    let told = Log::open(setup).unwrap();
    let name = JailName::new("sshd");
    for event in events {
        tell(&told, &TimeZone::UTC, Some(&name), event);
    }
    let text = std::fs::read_to_string(log).unwrap();
    let texts = text.lines().filter_map(|line| line.split_once("]: "));
    texts.map(|(_, text)| format!("{text}\n")).collect()
}

#[test]
fn why_a_ban_ends_stands_before_the_line_of_its_end() {
    let check = |why, expected: &str| {
        let dir = tempfile::tempdir().unwrap();
        let expected = match expected {
            "" => String::new(),
            text => format!("NOTICE  [sshd] 192.0.2.1 {text}\n"),
        };
        assert_eq!(
            written(&dir.path().join("log"), &[lifted(why)]),
            format!("{expected}NOTICE  [sshd] Unban 192.0.2.1\n")
        );
    };
    check(LiftReason::Expired, "");
    check(LiftReason::Request, "");
    check(LiftReason::JailRemoved, "");
    check(LiftReason::Protected, "must not be banned any more");
    check(LiftReason::Ignored, "is ignored from now on");
    let network = "192.0.2.0/24".parse().unwrap();
    check(LiftReason::Aggregated(network), "is part of 192.0.2.0/24");
    check(
        LiftReason::Unenforceable,
        "cannot be banned any more: no action of its jail can keep it out",
    );
}

/// The filter by which fail2ban bans for longer who was banned often.
const RECIDIVE: &str = "/etc/fail2ban/filter.d/recidive.conf";

#[test]
fn recidive_of_debians_fail2ban_finds_our_bans() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let network: base::Prefix = "203.0.113.0/24".parse().unwrap();
    let six = FailureId::from("2001:db8::1");
    written(
        &log,
        &[
            banned(who(), false),
            banned("198.51.100.7".parse().unwrap(), true),
            banned(six, false),
            lifted(LiftReason::Ignored),
            lifted(LiftReason::Aggregated(network)),
            already(100),
            again(true, true),
            ignored_by(IgnoreReason::Command),
        ],
    );
    let asked = Command::new("/usr/bin/fail2ban-regex")
        .args(["--out", "id"])
        .args([&log, Path::new(RECIDIVE)])
        .env("TZ", "UTC")
        .output();
    let Ok(answer) = asked
        .map_err(drop)
        .and_then(|answer| match Path::new(RECIDIVE).exists() {
            true => Ok(answer),
            false => Err(()),
        })
    else {
        println!(
            "SKIPPED recidive_of_debians_fail2ban_finds_our_bans: Debian's fail2ban is not installed"
        );
        return;
    };
    let found = String::from_utf8_lossy(&answer.stdout);
    assert_eq!(
        found.lines().collect::<Vec<_>>(),
        ["192.0.2.1", "2001:db8::1"],
        "{}",
        String::from_utf8_lossy(&answer.stderr)
    );
}
