//! CPython's `re` as one process that answers patterns line by line.

use detect::pyre::Regex;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// Reads `[pattern, multiline, [text…]]` lines; answers, for each text, null or the spans by group name, or "slow" where
/// a search, or all searches with a pattern, take too long. As fail2ban does, `((?i)x)` is read as `(?i:x)`.
const SCRIPT: &str = r#"
import json, re, signal, sys, time, warnings
class Slow(Exception): pass
def slow(*_): raise Slow
signal.signal(signal.SIGALRM, slow)
warnings.simplefilter("ignore")
for line in sys.stdin:
    pattern, multiline, texts = json.loads(line)
    pattern = re.sub(r"\((?:\?:)?\(\?([a-z]+)\)", r"(?\1:", pattern)
    regex, answers, left = re.compile(pattern, re.M if multiline else 0), [], 0.5
    for text in texts:
        begun = time.monotonic()
        try:
            if left <= 0: raise Slow
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            match = regex.search(text)
            signal.setitimer(signal.ITIMER_REAL, 0)
            answers.append(match and {str(n): match.span(n) for n in [0, *regex.groupindex]})
        except Slow:
            answers.append("slow")
        left -= time.monotonic() - begun
    print(json.dumps(answers))
"#;

/// The answers for all texts of all patterns; `None` without python3.
pub(crate) fn ask(cases: &[(&Regex, Vec<String>)]) -> Option<Vec<Vec<Value>>> {
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = python.stdin.take().unwrap();
    let mut lines = String::new();
    for (regex, texts) in cases {
        lines += &json!([regex.pattern(), regex.multiline(), texts]).to_string();
        lines.push('\n');
    }
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "python3 failed");
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    Some(answers.collect())
}

/// Our match in Python's words: spans in characters by group name.
pub(crate) fn spans(regex: &Regex, text: &str, slots: &[Option<usize>]) -> Value {
    let characters = |at: Option<usize>| match at {
        Some(at) => json!(text[..at].chars().count()),
        None => json!(-1),
    };
    let mut spans = serde_json::Map::new();
    for (group, name) in regex.group_names().iter().enumerate() {
        if group == 0 || name.is_some() {
            let span = [
                characters(slots[2 * group]),
                characters(slots[2 * group + 1]),
            ];
            spans.insert(name.as_deref().unwrap_or("0").into(), json!(span));
        }
    }
    Value::Object(spans)
}
