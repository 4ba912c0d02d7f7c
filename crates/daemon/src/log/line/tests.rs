//! Formats: what they give, which are refused, and that CPython gives and refuses the same.

use super::*;
use serde_json::{Value as Json, json};
use std::io::Write as _;
use std::process::{Command, Stdio};

const ORIGIN: Origin = Origin {
    zone: TimeZone::UTC,
    pid: 27_914,
};

fn ban() -> Line<'static> {
    Line {
        now: Timestamp::from_micros(1_763_856_708_516_999),
        level: Level::Notice,
        module: "actions",
        text: "[t1] Ban 192.0.2.1",
    }
}

fn rendered(format: &Format, line: &Line<'_>) -> String {
    let mut out = String::new();
    format.render(&mut out, &ORIGIN, line);
    out
}

#[test]
fn usual_lines_are_fail2bans() {
    let check = |format: Format, expected: &str| assert_eq!(rendered(&format, &ban()), expected);
    let usual = Format::usual;
    check(
        usual(true, true),
        "2025-11-23 00:11:48,516 fail2ban.actions        [27914]: NOTICE  [t1] Ban 192.0.2.1",
    );
    check(
        usual(true, false),
        "2025-11-23 00:11:48,516 fail2ban.actions[27914]: NOTICE [t1] Ban 192.0.2.1",
    );
    check(
        usual(false, true),
        "fail2ban.actions        [27914]: NOTICE  [t1] Ban 192.0.2.1",
    );
    check(
        usual(false, false),
        "fail2ban.actions[27914]: NOTICE [t1] Ban 192.0.2.1",
    );
    check(Format::bare(), "[t1] Ban 192.0.2.1");
    let written = "%(asctime)s %(name)-24s[%(process)d]: %(levelname)-7s %(message)s";
    let written = Format::parse(written).unwrap();
    assert_eq!(
        rendered(&written, &ban()),
        rendered(&usual(true, true), &ban())
    );
}

#[test]
fn formats_are_pythons() {
    let check = |format: &str, expected: &str| {
        let format = Format::parse(format).unwrap_or_else(|error| panic!("{format}: {error}"));
        assert_eq!(rendered(&format, &ban()), expected);
    };
    check("%(levelname)s|%(message)s", "NOTICE|[t1] Ban 192.0.2.1");
    check("100%% %(levelname)10s|", "100%     NOTICE|");
    check("%(levelname)-12.3s|", "NOT         |");
    check("%(process)08d %(levelno)x %(levelno)#o", "00027914 19 0o31");
    check("%(msecs)03d %(created).2f", "516 1763856708.52");
    check("é %(name)s", "é fail2ban.actions");
    check("a\n%(message)s", "a\n[t1] Ban 192.0.2.1");
}

#[test]
fn what_python_would_fail_with_is_refused() {
    let check = |format: &str, expected: &str| {
        let error = Format::parse(format).unwrap_err();
        assert!(error.starts_with(expected), "{format}: {error}");
    };
    check("short", "Invalid format 'short' for '%' style");
    check("", "Invalid format '' for '%' style");
    check("100%", "Invalid format '100%' for '%' style");
    check("%%", "Invalid format '%%' for '%' style");
    check("%s", "Invalid format '%s' for '%' style");
    check("%(message", "a % that neither %(name)s nor %% follows");
    check("%(message)s 100%", "a % that neither");
    check("%(nope)s", "unknown name %(nope) (known are asctime, ");
    check("%(message)", "%(message) without its end");
    check("%(message)d", "%(message)d, which cannot be written");
    check("%(created)x", "%(created)x, which cannot be written");
    check("%(message)é", "%(message)é, which cannot be written");
    check("%(message)9999s", "a width above 1000");
    check("%(message)99999999999999999999s", "a width above 1000");
    check("%(message).s", "a precision that is no number");
    check("%(message)*s", "%(message)*, which cannot be written");
}

#[test]
fn text_is_harmless_and_bounded() {
    let check = |text: &str, expected: &str| {
        let mut out = String::new();
        escape_into(&mut out, text);
        assert_eq!(out, expected);
    };
    check("a\r\n\u{7f}\u{9b}1m", "a\\x0d\\x0a\\x7f\\x9b1m");
    check("user \u{202e}toor \u{2066}", "user \\u202etoor \\u2066");
    check("Grüße, 日本", "Grüße, 日本");
    // A character of two bytes stands across the limit.
    let text = format!("x{}", "ü".repeat(30_000));
    let line = Line {
        text: &text,
        ..ban()
    };
    for format in ["%(message)s", "%(message)1s"] {
        let out = rendered(&Format::parse(format).unwrap(), &line);
        assert!(out.len() < MAX_TEXT + 200, "{}", out.len());
        assert!(out.ends_with("ü (55906 bytes more)"), "{}", &out[4000..]);
    }
}

/// Formats each record with each format; an error is null.
const PYTHON: &str = r#"
import json, logging, sys, threading, time
cases = json.load(sys.stdin)
answers = []
for fmt in cases["formats"]:
    for given in cases["records"]:
        record = logging.LogRecord("x", 0, "", 0, given["message"], None, None)
        record.__dict__.update(given)
        try:
            formatter = logging.Formatter(fmt)
            formatter.converter = time.gmtime
            answers.append(formatter.format(record))
        except (ValueError, TypeError, KeyError):
            answers.append(None)
json.dump(answers, sys.stdout)
"#;

fn python(cases: &Json) -> Option<Vec<Option<String>>> {
    let mut child = Command::new("python3")
        .args(["-c", PYTHON])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(cases.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn formats() -> Vec<String> {
    let mut formats: Vec<String> = [
        "%(message)s",
        "100%% %(message)s",
        "%% (%(name)s)%%",
        "%(name)s%(name)s",
        "%",
        "%%",
        "%s",
        "%(message)s %",
        "%(message)s %s",
        "%(message",
        "%(message)",
        "%(message)*s",
        "%(message).s",
        "%(nope)s",
        "%()s",
        "%(message) s",
        "%(message)-- 0+#12s",
        "%(name)s ünd %(levelname)-9sé",
        "%(message)z",
        "short",
    ]
    .map(str::to_owned)
    .to_vec();
    for (name, _) in NAMES {
        for flags in ["", "-", "0", "+", " ", "#", "-0", "+0", "+ #0"] {
            for size in ["", "3", "24", ".0", ".3", "24.3", "24.10"] {
                for conversion in ["s", "d", "i", "u", "f", "F", "x", "X", "o"] {
                    formats.push(format!("<%({name}){flags}{size}{conversion}>"));
                }
            }
        }
    }
    formats
}

#[test]
fn formats_give_what_cpython_gives() {
    let lines = [
        ban(),
        Line {
            now: Timestamp::from_micros(1_000_000),
            level: Level::Debug,
            module: "filtersystemd",
            text: "Grüße, 日本",
        },
    ];
    let thread = std::thread::current();
    let records = lines.each_ref().map(|line| {
        let micros = line.now.as_micros();
        json!({
            "name": format!("fail2ban.{}", line.module), "levelname": line.level.word(),
            "levelno": line.level.number(), "message": line.text, "process": ORIGIN.pid,
            "created": micros as f64 / 1e6, "msecs": (micros % 1_000_000 / 1000) as f64,
            "processName": "MainProcess", "threadName": thread.name(),
        })
    });
    let formats = formats();
    let Some(answers) = python(&json!({"formats": &formats, "records": records})) else {
        println!("SKIPPED formats of the log against CPython: no python3");
        return;
    };
    assert_eq!(answers.len(), formats.len() * lines.len());
    let (mut written, mut refused, mut wrong) = (0, 0, Vec::new());
    for (format, answers) in formats.iter().zip(answers.chunks(lines.len())) {
        let ours = Format::parse(format).ok();
        for (line, theirs) in lines.iter().zip(answers) {
            let ours = ours.as_ref().map(|format| rendered(format, line));
            match &ours {
                Some(_) => written += 1,
                None => refused += 1,
            }
            if ours != *theirs {
                wrong.push(format!("{format:?}: {ours:?}, CPython {theirs:?}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
    assert!(written > 3000 && refused > 3000, "{written} {refused}");
}
