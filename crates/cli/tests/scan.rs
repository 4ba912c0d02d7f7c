//! `stockade scan` as a user calls it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::fs;
use std::process::Command;

/// What is printed for a log, by a filter that takes `bad ADDRESS` and `bad ADDRESS N times`; a third failure bans.
fn scan(options: &str, lines: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let jail = format!(
        "[app]\nenabled = true\nfilter = app\nmaxretry = 3\naction =\nignoreip = 192.0.2.9 198.51.100.0/24\n{options}\n"
    );
    let filter =
        "[Definition]\nfailregex = ^ bad <HOST>(?: <F-ATTEMPTS>\\d+</F-ATTEMPTS> times)?$\n";
    for (name, content) in [
        ("fail2ban.conf", "[DEFAULT]\n"),
        ("jail.conf", &jail),
        ("filter.d/app.conf", filter),
    ] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let log = dir.path().join("app.log");
    let dated = lines.iter().enumerate();
    let dated = dated.map(|(n, line)| format!("2026-11-24 12:00:{n:02} {line}\n"));
    fs::write(&log, dated.collect::<String>()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_stockade"))
        .args(["scan", "--jail", "app", "-c"])
        .arg(dir.path())
        .arg(&log)
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The summary says so.
fn check(options: &str, lines: &[&str], expected: &str) {
    let told = scan(options, lines);
    let mut summary = told.lines().filter(|line| line.starts_with("app: "));
    assert_eq!(summary.next(), Some(expected), "{told}");
}

#[test]
fn tells_how_many_failures_of_how_many_addresses_led_to_how_many_bans() {
    check("", &["fine"], "app: 0 failures from 0 addresses, 0 bans");
    let three = [
        "bad 192.0.2.1",
        "bad 192.0.2.2",
        "bad 192.0.2.1",
        "fine",
        "bad 192.0.2.1",
    ];
    check("", &three, "app: 4 failures from 2 addresses, 1 bans");
    // A line may stand for several.
    check(
        "",
        &["bad 192.0.2.1 3 times"],
        "app: 3 failures from 1 addresses, 1 bans",
    );
}

/// Nor is an address that cannot be one.
#[test]
fn who_is_ignored_is_not_counted() {
    let lines = [
        "bad 192.0.2.9 3 times",
        "bad 198.51.100.7",
        "bad 192.0.2.1",
        "bad 999.1.1.1",
    ];
    check("", &lines, "app: 1 failures from 1 addresses, 0 bans");
}

#[test]
fn a_ban_that_grows_counts_each_failure_once() {
    // Of somebody who was banned before a failure weighs more, and is one still.
    let options = "bantime = 1\nbantime.increment = true";
    let lines = [
        "bad 192.0.2.1 3 times",
        "fine",
        "fine",
        "fine",
        "bad 192.0.2.1",
        "bad 192.0.2.1",
    ];
    check(options, &lines, "app: 5 failures from 1 addresses, 2 bans");
}
