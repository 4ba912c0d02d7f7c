//! Lines and their words, and the same lines asked of Python.

use super::*;
use std::process::Command;

const LINES: &[&str] = &[
    "",
    "   ",
    "status",
    "  get  sshd\tbanip  ",
    "get 'a b' \"c d\" e\\ f",
    "a''b \"\"",
    "''",
    "'' \"\"",
    r#""a\"b" "a\\b" "a\nb" 'a\nb' a\nb"#,
    r"set j addfailregex '^x <HOST> \d+$'",
    r#"set j addfailregex "^x <HOST> \\d+$""#,
    "it's",
    "\"it's",
    "'it\"",
    "a\\",
    "\"a\\",
    "'a\\",
    "'a\\'",
    "# no comment",
    "a # b;c|d&e",
    "a\\'b",
    "x='1 2'y=\"3 4\"",
    "ü 'é à' ☃",
    "a\rb\nc",
    "a\u{a0}b\u{b}c",
];

fn shown(line: &str) -> String {
    match split(line) {
        Ok(words) => serde_json::to_string(&words).unwrap(),
        Err(why) => why.to_owned(),
    }
}

#[test]
fn quotes_and_backslashes_keep_together() {
    let cases = [
        ("  get  sshd\tbanip  ", r#"["get","sshd","banip"]"#),
        ("a''b \"\"", r#"["ab",""]"#),
        (
            r#""a\"b" "a\nb" 'a\nb' a\nb"#,
            r#"["a\"b","a\\nb","a\\nb","anb"]"#,
        ),
        ("it's", NO_CLOSING),
        ("\"a\\", NO_ESCAPED),
        ("# a", r##"["#","a"]"##),
    ];
    for (line, expected) in cases {
        assert_eq!(shown(line), expected, "{line}");
    }
}

#[test]
fn python_reads_the_same_words() {
    let script = "import json, shlex, sys\n\
                  for line in json.load(sys.stdin):\n\
                  \x20try: print(json.dumps(shlex.split(line), ensure_ascii=False, separators=(',', ':')))\n\
                  \x20except ValueError as error: print(error)\n";
    let asked = Command::new("/usr/bin/python3")
        .args(["-c", script])
        .env("PYTHONUTF8", "1")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut python) = asked else {
        println!("SKIPPED python_reads_the_same_words: there is no /usr/bin/python3 here");
        return;
    };
    serde_json::to_writer(python.stdin.take().unwrap(), LINES).unwrap();
    let output = python.wait_with_output().unwrap();
    let theirs = String::from_utf8(output.stdout).unwrap();
    let ours: Vec<String> = LINES.iter().map(|line| shown(line)).collect();
    assert_eq!(theirs.lines().collect::<Vec<_>>(), ours);
}
