//! What LOG is taken for, and its lines.

use super::*;
use std::fs;

fn log(word: &str) -> Log {
    Log::of(&word.into()).unwrap()
}

fn lines(log: &Log) -> Vec<String> {
    let mut lines = Vec::new();
    let mut each = |line: &str, _| {
        lines.push(line.to_owned());
        lines.len() < 3
    };
    log.read(Encoding::Utf8, &[], &mut each).unwrap();
    lines
}

#[test]
fn a_log_is_a_file_the_journal_or_text() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    fs::write(&path, "a\r\nb\n\nc\nd\n").unwrap();
    let file = log(path.to_str().unwrap());
    assert_eq!(file, Log::File(path.clone()));
    assert_eq!(lines(&file), ["a", "b", ""]);
    fs::write(&path, "a\nnot ended").unwrap();
    assert_eq!(lines(&file), ["a"]);
    assert_eq!(
        log("/nosuch/log"),
        Log::Text(vec!["/nosuch/log".to_owned()])
    );
    assert_eq!(lines(&log("a\r\nb\nc\nd")), ["a", "b", "c"]);
    assert_eq!(
        log("systemd-journal"),
        Log::Journal(JournalSource::default())
    );
    let text = "systemd-journald[1]: a line";
    assert_eq!(log(text), Log::Text(vec![text.to_owned()]));
    let parts = log("systemd-journal[journalflags=4, journalfiles=\"/a, /b\"]");
    let expected = JournalSource {
        files: vec!["/a".into(), "/b".into()],
        flags: 4,
        ..JournalSource::default()
    };
    assert_eq!(parts, Log::Journal(expected));
    assert!(Log::of(&"systemd-journal[bogus=1]".into()).is_err());
    assert!(Log::of(&"systemd-journal[journalflags=x]".into()).is_err());
}

fn check_head(log: &Log, maxlines: u32, expected: &[&str]) {
    assert_eq!(log.head("UTF-8", maxlines, &["A=1".to_owned()]), expected);
}

#[test]
fn the_head_tells_what_is_read() {
    check_head(
        &Log::File("/a".into()),
        1,
        &["Use         log file : /a", "Use         encoding : UTF-8"],
    );
    check_head(
        &log("systemd-journal"),
        1,
        &[
            "Use         systemd journal",
            "Use         encoding : UTF-8",
            "Use    journal match : A=1",
        ],
    );
    check_head(&log("a"), 1, &["Use      single line : a"]);
    check_head(
        &log("a"),
        2,
        &["Use      multi line : 1 line(s)", "|  1: a", "`-"],
    );
    check_head(
        &log("1\n2\n3\n4\n5\n6"),
        1,
        &[
            "Use      multi line : 6 line(s)",
            "|  1: 1",
            "|  2: 2",
            "|  3: 3",
            "|  4: 4",
            "|  5: 5",
            "| ...",
            "`-",
        ],
    );
}
