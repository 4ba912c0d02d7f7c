//! `stockade explain --line` on the twelve threads of fail2ban's and Vaultwarden's trackers in which a filter was said to
//! match and nobody was banned: each a small tree and a line of our own, and the cause that must come first. Of #2380,
//! #4063 and the end of some others only the kind of cause was known, which is a zone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use serde_json::Value;
use std::fs;
use std::process::Command;
use tempfile::TempDir;

/// Noon of the day that all these logs are of.
const NOW: &str = "2026-11-24T12:00:00Z";
const JAIL: &str =
    "[app]\nenabled = true\nfilter = app\nlogpath = DIR/app.log\naction = stockade[port=443]\n";
const PLAIN: &str = "[Definition]\nfailregex = ^ denied <HOST>$\n";

/// A tree with these files; `DIR` in them is its place.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let ours = [
        ("fail2ban.conf", "[DEFAULT]\nloglevel = INFO\n"),
        (
            "action.d/stockade.conf",
            "[Definition]\nactionban =\n[Init]\nport = 0:65535\n",
        ),
        ("jail.conf", JAIL),
        ("app.log", ""),
    ];
    for (name, content) in ours.iter().chain(files) {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content = content.replace("DIR", &dir.path().display().to_string());
        fs::write(path, content).unwrap();
    }
    dir
}

fn explain(dir: &TempDir, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_stockade"))
        .args(["explain", "--now", NOW, "-c"])
        .arg(dir.path())
        .args(arguments)
        .env("TZ", "UTC")
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

/// What is printed for a tree and these arguments has this as the first cause, in both forms, and this advice.
fn check(files: &[(&str, &str)], arguments: &[&str], cause: &str, help: &str) {
    let dir = tree(files);
    let text = explain(&dir, arguments);
    let at_home = |text: &str| text.replace(&dir.path().display().to_string(), "DIR");
    let line = text
        .lines()
        .find(|line| line.starts_with("  first cause: "));
    let shown = at_home(line.unwrap_or_else(|| panic!("{text}")));
    assert!(
        shown.starts_with(&format!("  first cause: {cause}")),
        "{cause}:\n{text}"
    );
    let answer: Value =
        serde_json::from_str(&explain(&dir, &[arguments, &["--json"]].concat())).unwrap();
    assert_eq!(answer["v"], 1);
    let first = &answer["jails"][0]["cause"];
    let said = format!(
        "{}: {}",
        first["step"].as_str().unwrap_or("none"),
        first["text"].as_str().unwrap_or("nothing")
    );
    assert!(at_home(&said).starts_with(cause), "{said}");
    let advice = first["help"].as_str().unwrap_or_default();
    assert!(advice.contains(help), "{cause}: {advice}");
}

/// With one filter of the jail's own name.
fn check_filter(filter: &str, line: &str, cause: &str, help: &str) {
    check(
        &[("filter.d/app.conf", filter)],
        &["--line", line],
        cause,
        help,
    );
}

#[test]
fn f2b_1808_the_first_thing_in_the_line_is_a_virtual_host() {
    check_filter(
        "[Definition]\nfailregex = ^.*?<HOST>.*?login\\.php.*$\n",
        "2026-11-24T11:59:30+00:00 www.shop.example 203.0.113.7 \"POST /login.php HTTP/1.1\"",
        "whom: it is counted for the host name 'www.shop.example', not for the address 203.0.113.7",
        "<ADDR>",
    );
}

#[test]
fn f2b_3492_the_expression_is_written_in_quotes() {
    check_filter(
        "[Definition]\nfailregex = \"<HOST>.*shell\\.php\"\n",
        "203.0.113.7 - - [24/Nov/2026:11:59:30 +0000] GET /shell.php HTTP/1.1 404 31",
        "failregex: the failregex does not match; no letter of any is found",
        "in quotes (\")",
    );
}

#[test]
fn f2b_3962_the_datepattern_is_not_that_of_the_log() {
    check_filter(
        "[Definition]\nfailregex = \\[client <HOST>:\\d+\\] no such file\ndatepattern = ^%%Y-%%m-%%d %%H:%%M:%%S\n",
        "[Tue Nov 24 11:59:30.522166 2026] [core:info] [client 203.0.113.7:35462] no such file",
        "date: datepattern finds no date in the line (^%Y-%m-%d %H:%M:%S)",
        "write the format of this log",
    );
    check_filter(
        "[Definition]\nfailregex = denied <HOST>\ndatepattern = \"%%Y-%%m-%%d %%H:%%M:%%S\"\n",
        "2026-11-24 11:59:30 denied 203.0.113.7",
        "date: datepattern finds no date",
        "the quotes are part of the pattern",
    );
}

#[test]
fn f2b_3108_the_words_of_the_filters_name_are_switched() {
    check(
        &[
            ("filter.d/limit-req.conf", PLAIN),
            ("jail.local", "[app]\nfilter = req-limit\n"),
        ],
        &["--line", "2026-11-24 11:59:30 denied 203.0.113.7"],
        "jail: it cannot run: there is no readable filter.d/req-limit.conf",
        "",
    );
}

#[test]
fn f2b_2864_another_filter_was_tested_than_the_jail_uses() {
    check(
        &[
            (
                "filter.d/app.conf",
                "[Definition]\nfailregex = ^ warn: failed log-in of .* by <HOST>$\n",
            ),
            (
                "filter.d/app_rs.conf",
                "[Definition]\nfailregex = ^ warn: wrong password\\. IP: <HOST>\\.\n",
            ),
        ],
        &[
            "--line",
            "2026-11-24 11:59:30 warn: wrong password. IP: 203.0.113.7. User: x",
        ],
        "failregex: the failregex does not match; the nearest is number 1 (DIR/filter.d/app.conf:2)",
        "those of filter app",
    );
}

#[test]
fn f2b_2338_the_lines_are_of_another_day() {
    check_filter(
        "[Definition]\nfailregex = ^\\s*INFO\\s+<HOST>\\s+\\w+\\s+wrong\n",
        "2026-11-14T11:59:13+00:00    INFO 203.0.113.7    master   wrong",
        "date: the line is 1w 3d old, older than findtime = 10m",
        "a line counts for findtime after its date",
    );
}

#[test]
fn f2b_2380_the_log_is_in_another_zone_without_saying_so() {
    check_filter(
        "[Definition]\nfailregex = denied <HOST>$\n",
        "Nov 24 06:30:10 host app: denied 203.0.113.7",
        "date: the line is 5h 29m old, older than findtime = 10m",
        "set logtimezone of the jail",
    );
}

#[test]
fn a_date_without_a_year_is_never_far_in_the_future() {
    check_filter(
        "[Definition]\nfailregex = denied <HOST>$\n",
        "Nov 26 19:00:00 host app: denied 203.0.113.7",
        "date: the line is 51w 5d 17h old, older than findtime = 10m (a date without a year that lies in the future",
        "",
    );
}

const TWO_LINES: &str =
    "[Definition]\nfailregex = ^.*from \\[<HOST>\\]$<SKIPLINES>^ WARNING: refused$\nmaxlines = 2\n";

#[test]
fn f2b_615_the_expression_spans_two_lines() {
    let files = [("filter.d/app.conf", TWO_LINES)];
    let (first, second) = (
        "2026-11-24 11:59:30 attempt from [203.0.113.7]",
        "2026-11-24 11:59:31 WARNING: refused",
    );
    check(
        &files,
        &["--line", second],
        "failregex: the failregex does not match",
        "",
    );
    check(
        &files,
        &["--line", first, "--line", second],
        "count: 1 of maxretry = 3",
        "2 more failures ban it",
    );
}

#[test]
fn f2b_1601_too_few_failures_within_findtime() {
    let minutes = [
        "10:00", "10:20", "10:40", "11:00", "11:20", "11:40", "11:59",
    ];
    let log: String = minutes
        .iter()
        .map(|at| format!("2026-11-24 {at}:30 denied 203.0.113.7\n"))
        .collect();
    check(
        &[("filter.d/app.conf", PLAIN), ("app.log", &log)],
        &["--line", "2026-11-24 11:59:30 denied 203.0.113.7"],
        "count: 1 of maxretry = 3 failures within findtime = 10m; 7 in all with the last MiB of its logs, never more than 1",
        "raise findtime",
    );
}

#[test]
fn f2b_2485_the_log_is_an_hour_behind() {
    check_filter(
        "[Definition]\nfailregex = ^.*refused \\(remote <ADDR>\\)\n",
        "{\"time\":\"2026-11-24T11:00:00\",\"message\":\"refused (remote 203.0.113.7)\"}",
        "date: the line is 1h old, older than findtime = 10m",
        "set logtimezone of the jail",
    );
}

#[test]
fn f2b_4063_the_log_is_hours_ahead() {
    check_filter(
        PLAIN,
        "2026-11-24 17:00:00 denied 203.0.113.7",
        "date: the line is 5h in the future (is logtimezone wrong?)",
        "set logtimezone of the jail",
    );
}

#[test]
fn vaultwarden_501_findtime_is_a_minute_and_the_log_three_behind() {
    check(
        &[
            (
                "filter.d/app.conf",
                "[Definition]\nfailregex = ^.*wrong password\\. IP: <HOST>\\. User:.*$\n",
            ),
            (
                "jail.local",
                "[app]\nfindtime = 60\nbantime = 60\nmaxretry = 3\n",
            ),
        ],
        &[
            "--line",
            "[2026-11-24 11:56:54][app::error][ERROR] wrong password. IP: 2001:db8:7d2a:15b5::c45b. User: x.",
        ],
        "date: the line is 3m 6s old, older than findtime = 1m",
        "",
    );
}

#[test]
fn the_other_causes_have_their_names() {
    let line = ["--line", "2026-11-24 11:59:30 denied 203.0.113.7"];
    let with = |more: &str, cause: &str, help: &str| {
        let jail = format!("[app]\n{more}\n");
        check(
            &[("filter.d/app.conf", PLAIN), ("jail.local", &jail)],
            &line,
            cause,
            help,
        );
    };
    with(
        "logpath = DIR/none.log",
        "source: nothing is read: DIR/none.log is missing",
        "set logpath",
    );
    with(
        "ignoreip = 203.0.113.0/24",
        "ignore: 203.0.113.7 is ignored: ignoreip of the jail has 203.0.113.0/24",
        "",
    );
    with(
        "ignoreregex = denied",
        "ignoreregex: ignoreregex 1 matches (DIR/jail.local:2)",
        "",
    );
    with("maxretry = 1", "none: nothing", "");
    with("action =", "ban: the jail has no action", "banaction");
    with(
        "failregex = ^ denied( <HOST>$",
        "jail: it cannot run: missing )",
        "",
    );
    let disabled = [
        ("filter.d/app.conf", PLAIN),
        ("jail.local", "[app]\nenabled = false\n"),
    ];
    let named = [&line[..], &["--jail", "app"]].concat();
    check(
        &disabled,
        &named,
        "jail: the jail is not enabled",
        "enabled = true under [app]",
    );
    let unknown = [&line[..], &["--jail", "nosuch"]].concat();
    check(
        &disabled,
        &unknown,
        "jail: it cannot run: there is no section [nosuch]",
        "",
    );
    check_filter(
        "[Definition]\nfailregex = ^2026-11-24 11:59:30 denied <HOST>\n",
        line[1],
        "failregex: the failregex does not match",
        "the date is cut out before",
    );
}

#[test]
fn the_place_where_an_expression_ends_is_shown() {
    let dir = tree(&[(
        "filter.d/app.conf",
        "[Definition]\nfailregex = ^ denied user <HOST>$\n",
    )]);
    let text = explain(
        &dir,
        &["--line", "2026-11-24 11:59:30 denied usr\x1b 203.0.113.7"],
    );
    let expected = [
        "                       regex ^ denied user <HOST>$",
        "                                        ^ this is not found",
        "                       text   denied usr\\x1b 203.0.113.7",
        "                                       ^ behind this",
    ];
    assert!(text.contains(&expected.join("\n")), "{text}");
}

#[test]
fn an_address_is_explained_by_the_last_line_about_it() {
    let log = "2026-11-24 11:58:00 denied 203.0.113.7\n2026-11-24 11:59:00 denied 203.0.113.71\n";
    let files = [("filter.d/app.conf", PLAIN), ("app.log", log)];
    check(&files, &["203.0.113.7"], "count: 1 of maxretry = 3", "");
    check(
        &files,
        &["203.0.113.8"],
        "source: it reads DIR/app.log",
        "logs elsewhere",
    );
    let dir = tree(&files);
    let secret = explain(&dir, &["203.0.113.7"]);
    assert!(!secret.contains("11:58:00 denied"), "{secret}");
}
