//! Random patterns on random texts against CPython itself, where it is installed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use detect::pyre::{Engine, Outcome, Regex};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

/// Reads `[pattern, multiline, [text…]]` lines, answers the error or, for each text, null or the spans by group name;
/// where it takes too long, the remaining texts have no answer.
const SCRIPT: &str = r#"
import json, re, signal, sys, warnings
class Slow(Exception): pass
def slow(*_): raise Slow
signal.signal(signal.SIGALRM, slow)
warnings.simplefilter("ignore")
for line in sys.stdin:
    pattern, multiline, texts = json.loads(line)
    try:
        regex = re.compile(pattern, re.M if multiline else 0)
    except re.error as error:
        print(json.dumps({"error": error.msg, "at": error.pos}))
        continue
    answers = []
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        for text in texts:
            match = regex.search(text)
            answers.append(match and {str(n): match.span(n) for n in [0, *regex.groupindex]})
    except Slow:
        pass
    signal.setitimer(signal.ITIMER_REAL, 0)
    print(json.dumps(answers))
"#;

/// A small generator of pseudo-random numbers, so that every run is the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const TEXTS: &[&str] = &[
    "a", "a", "a", "b", "b", "B", "k", "1", "_", " ", "-", "\n", "\n", "é", "É", "\u{301}", "K",
    "ß", "\u{1c}", "٣", "ſ", "s",
];
const ATOMS: &[&str] = &[
    "a", "a", "b", "b", "ab", "k", "s", "1", "-", ".", ".", "\\w", "\\W", "\\s", "\\S", "\\d",
    "\\D", "[ab]", "[^a]", "[\\w-]", "[^\\W1]", "[a-k]", "\\n", "é", "\\xe9", "\\u0301", "[é-ü]",
    "\\x61", "\\141",
];
const POSITIONS: &[&str] = &["^", "$", "\\b", "\\B", "\\A", "\\Z"];
const COUNTS: &[&str] = &["*", "+", "?", "{2}", "{1,2}", "{0,3}", "{,2}", "{1,}"];

struct Generator {
    random: Random,
    groups: usize,
    /// Also what needs the backtracker.
    everything: bool,
}

impl Generator {
    fn pattern(&mut self, depth: usize) -> String {
        let branches = 1 + self.random.below(5) / 3;
        (0..branches)
            .map(|_| self.sequence(depth))
            .collect::<Vec<_>>()
            .join("|")
    }

    fn sequence(&mut self, depth: usize) -> String {
        (0..self.random.below(4))
            .map(|_| self.item(depth))
            .collect()
    }

    fn item(&mut self, depth: usize) -> String {
        let kinds = if depth == 0 {
            8
        } else if self.everything {
            24
        } else {
            20
        };
        match self.random.below(kinds) {
            0 => self.random.pick(POSITIONS).to_owned(),
            1..=5 => self.random.pick(ATOMS).to_owned(),
            6 | 7 => format!("{}{}", self.random.pick(ATOMS), self.count()),
            8..=10 => self.named(depth),
            11 | 12 => {
                format!("{}{}", self.named(depth), self.count())
            }
            13 | 14 => format!("(?:{}){}", self.pattern(depth - 1), self.count()),
            15 | 16 => format!(
                "({}{})",
                self.random.pick(&["?=", "?!"]),
                self.plain(depth - 1)
            ),
            17 => format!(
                "({}{})",
                self.random.pick(&["?<=", "?<!"]),
                self.random
                    .pick(&["a", "\\w", "ab", "^a", "a|b", "\\bb", "[^a]", "^"])
            ),
            18 => format!(
                "({}:{})",
                self.random.pick(&["?i", "?s", "?m", "?-i", "?a", "?i-s"]),
                self.pattern(depth - 1)
            ),
            19 if self.groups > 0 => {
                let group = 1 + self.random.below(self.groups);
                format!(
                    "(?(g{group}){}|{})",
                    self.sequence(depth - 1),
                    self.sequence(depth - 1)
                )
            }
            20 if self.groups > 0 => format!("(?P=g{})", 1 + self.random.below(self.groups)),
            21 => format!("(?>{})", self.pattern(depth - 1)),
            22 => format!("{}{}+", self.random.pick(ATOMS), self.random.pick(COUNTS)),
            23 => format!(
                "({}{})",
                self.random.pick(&["?=", "?!"]),
                self.pattern(depth - 1)
            ),
            _ => self.random.pick(ATOMS).to_owned(),
        }
    }

    fn named(&mut self, depth: usize) -> String {
        self.groups += 1;
        let group = self.groups;
        format!("(?P<g{group}>{})", self.pattern(depth - 1))
    }

    /// A pattern without groups.
    fn plain(&mut self, depth: usize) -> String {
        let before = (self.groups, self.everything);
        self.everything = false;
        let pattern = loop {
            self.groups = 0;
            let pattern = self.pattern(depth.min(1));
            if !pattern.contains("?P") {
                break pattern;
            }
        };
        (self.groups, self.everything) = before;
        pattern
    }

    fn count(&mut self) -> String {
        format!(
            "{}{}",
            self.random.pick(COUNTS),
            self.random.pick(&["", "", "?"])
        )
    }

    fn text(&mut self) -> String {
        (0..self.random.below(12))
            .map(|_| self.random.pick(TEXTS))
            .collect()
    }
}

fn ask(cases: &[(String, bool, Vec<String>)]) -> Option<Vec<Value>> {
    #[expect(clippy::disallowed_methods, reason = "a test may ask the reference")]
    let mut python = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = python.stdin.take().unwrap();
    let lines: Vec<String> = cases
        .iter()
        .map(|(pattern, multiline, texts)| json!([pattern, multiline, texts]).to_string())
        .collect();
    #[expect(clippy::disallowed_methods, reason = "both pipes must move at once")]
    let writer = std::thread::spawn(move || input.write_all((lines.join("\n") + "\n").as_bytes()));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(
        output.status.success(),
        "the reference failed or took too long"
    );
    let answers = String::from_utf8(output.stdout).unwrap();
    Some(
        answers
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

/// Compares all cases; returns how many pairs agreed.
fn compare(seed: u64, patterns: usize, everything: bool) {
    let mut generator = Generator {
        random: Random(seed),
        groups: 0,
        everything,
    };
    let cases: Vec<(String, bool, Vec<String>)> = (0..patterns)
        .map(|_| {
            generator.groups = 0;
            let pattern = generator.pattern(3);
            (
                pattern,
                generator.random.below(4) == 0,
                (0..10).map(|_| generator.text()).collect(),
            )
        })
        .collect();
    let Some(answers) = ask(&cases) else {
        println!("skipped: no python3");
        return;
    };
    let (mut agreed, mut refused, mut linear, mut over, mut wrong) = (0, 0, 0, 0, Vec::new());
    for ((pattern, multiline, texts), answer) in cases.iter().zip(&answers) {
        let regex = match Regex::new(pattern, *multiline) {
            Ok(regex) => regex,
            Err(error) => {
                if answer["error"] == error.message.as_str() && answer["at"] == error.offset {
                    refused += 1;
                } else {
                    wrong.push(format!(
                        "{pattern:?}: refused with {error}, CPython says {answer}"
                    ));
                }
                continue;
            }
        };
        if answer.is_object() {
            wrong.push(format!("{pattern:?}: accepted, CPython says {answer}"));
            continue;
        }
        linear += usize::from(regex.engine() == Engine::Linear);
        let (mut cache, mut slots) = (regex.new_cache(), Vec::new());
        for (text, expected) in texts.iter().zip(answer.as_array().unwrap()) {
            let found = match regex.search(&mut cache, text, &mut slots) {
                Outcome::OverBudget => {
                    over += 1;
                    continue;
                }
                Outcome::NoMatch => Value::Null,
                Outcome::Match => spans(&regex, text, &slots),
            };
            if &found == expected {
                agreed += 1;
            } else {
                wrong.push(format!(
                    "{pattern:?} {multiline} on {text:?}: {found} but CPython {expected} ({:?})",
                    regex.engine()
                ));
            }
        }
    }
    println!(
        "{agreed} pairs agreed, {refused} patterns refused alike, {linear} of {patterns} linear, {over} over budget, {} differ",
        wrong.len()
    );
    assert!(
        over * 100 < agreed,
        "too many searches end without an answer"
    );
    assert!(
        wrong.is_empty(),
        "{} differ: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(25)]
    );
}

/// The spans in characters, by the names that the script uses.
fn spans(regex: &Regex, text: &str, slots: &[Option<usize>]) -> Value {
    let characters =
        |at: Option<usize>| at.map_or(json!(-1), |at| json!(text[..at].chars().count()));
    let mut spans = serde_json::Map::new();
    for (group, name) in regex.group_names().iter().enumerate() {
        if group == 0 || name.is_some() {
            let key = name.as_deref().unwrap_or("0");
            spans.insert(
                key.into(),
                json!([
                    characters(slots[2 * group]),
                    characters(slots[2 * group + 1])
                ]),
            );
        }
    }
    Value::Object(spans)
}

#[test]
fn linear_patterns_answer_as_cpython() {
    compare(1, 4_000, false);
}

#[test]
fn all_patterns_answer_as_cpython() {
    compare(2, 4_000, true);
}
