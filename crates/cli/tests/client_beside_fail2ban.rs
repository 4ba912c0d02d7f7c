//! `fail2ban-client` of Debian and ours on the same command lines: standard output and exit code are equal, and the
//! standard error output but for the time, the process and the version.
//!
//! Two servers of Debian's are told the same step by step, one by Debian's client, one by ours, so that both are always
//! alike. Debian has 1.0.2 and our answers are those of 1.1.1: where they may differ a rule says why, and how often it was
//! needed is printed.

#![expect(clippy::unwrap_used, reason = "a panic of a test is its report")]

#[path = "client/cases.rs"]
mod cases;
#[path = "beside/programs.rs"]
mod programs;
#[path = "client/stage.rs"]
mod stage;

use programs::{Answer, CLIENT, Theirs, ours, ours_with};
use stage::{Ear, Place, Then, well};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use wire::fail2ban::{Value, encode_reply};

/// Why a difference is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Accepted {
    /// 1.0.2 logs the verdict of `-t` in front of a command, later ones print it.
    VerdictPrinted,
    /// What interactive mode says first, and its help, are our own words.
    Greeting,
    /// 1.0.2 sends a line of blanks as a command without words; we ask for the next line.
    BlankLine,
    /// What is wrong with a configuration is told with the file, the line and what to do.
    FaultCited,
    /// A configuration without fail2ban.conf is told once, not once more for each option.
    ToldOnce,
    /// No blank at the end of a sentence.
    BlankAtEnd,
}

/// Both answers to one thing, with everything taken out that may differ.
struct Pair {
    shown: String,
    theirs: Answer,
    ours: Answer,
}

impl Pair {
    fn new(shown: &str, places: [&Place; 2], theirs: Answer, ours: Answer) -> Self {
        let [a, b] = places;
        Self {
            shown: shown.to_owned(),
            theirs: normal(a, theirs),
            ours: normal(b, ours),
        }
    }

    fn is_alike(&self) -> bool {
        let parts = |answer: &Answer| (answer.code, answer.stdout.clone(), answer.stderr.clone());
        parts(&self.theirs) == parts(&self.ours)
    }

    fn accepted(&self) -> Option<Accepted> {
        let (theirs, ours) = (&self.theirs, &self.ours);
        if theirs.code != ours.code {
            return None;
        }
        let verdict = "OK: configuration test is successful\n";
        if self.shown.starts_with("-t ") && ours.stdout == format!("{verdict}{}", theirs.stdout) {
            return Some(Accepted::VerdictPrinted);
        }
        let missing = "fail2ban.configreader: ERROR   No section: 'Definition'\n";
        if theirs.stdout == ours.stdout && theirs.stderr.replace(missing, "") == ours.stderr {
            return Some(Accepted::ToldOnce);
        }
        if theirs.stdout.replace(" \n", "\n") == ours.stdout && theirs.stderr == ours.stderr {
            return Some(Accepted::BlankAtEnd);
        }
        let is_cited = |text: &str| text.contains("\nhelp: ") || text.contains(".conf:");
        let is_cited = is_cited(&ours.stdout) || is_cited(&ours.stderr);
        is_cited.then_some(Accepted::FaultCited)
    }
}

/// Without the directory, times, process numbers.
fn normal(place: &Place, answer: Answer) -> Answer {
    let lines = answer.stderr.split('\n').map(|line| {
        let line = without_times(line);
        // `TIME,123 fail2ban.part            [12345]: ERROR   text`
        match line
            .strip_prefix("TIME,")
            .and_then(|line| line.split_once('['))
        {
            Some((part, rest)) => {
                let (_, text) = rest.split_once(']').unwrap();
                format!("{}{text}", part[4..].trim_end())
            }
            None => line,
        }
    });
    let stderr = lines.collect::<Vec<_>>().join("\n");
    Answer {
        stderr: place.clear(&stderr),
        stdout: place.clear(&without_times(&answer.stdout)),
        ..answer
    }
}

/// The text with `TIME` for each `2026-11-30 00:00:00`.
fn without_times(text: &str) -> String {
    const SHAPE: &str = "dddd-dd-dd dd:dd:dd";
    let mut out = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_time = rest.len() >= SHAPE.len()
            && rest
                .bytes()
                .zip(SHAPE.bytes())
                .all(|(byte, shape)| match shape {
                    b'd' => byte.is_ascii_digit(),
                    shape => byte == shape,
                });
        let length = if is_time {
            out.push_str("TIME");
            SHAPE.len()
        } else {
            out.push(first);
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    out
}

/// All answers of a run.
#[derive(Default)]
struct Report {
    alike: u32,
    excused: BTreeMap<Accepted, u32>,
    failed: Vec<String>,
}

impl Report {
    fn judge(&mut self, pair: &Pair, accepted: Option<Accepted>) {
        if pair.is_alike() {
            self.alike += 1;
            return;
        }
        if let Some(why) = accepted {
            *self.excused.entry(why).or_default() += 1;
            return;
        }
        let mut told = format!("=== {}", pair.shown);
        let (theirs, ours) = (&pair.theirs, &pair.ours);
        if theirs.code != ours.code {
            told += &format!("\ncodes {} and {}", theirs.code, ours.code);
        }
        for (theirs, ours) in [
            (&theirs.stdout, &ours.stdout),
            (&theirs.stderr, &ours.stderr),
        ] {
            if theirs != ours {
                told += &format!("\ntheirs {theirs:?}\nours   {ours:?}");
            }
        }
        self.failed.push(told);
    }

    fn finish(self, name: &str) {
        println!("{name}: {} alike, excused: {:?}", self.alike, self.excused);
        assert!(
            self.failed.is_empty(),
            "{} differ:\n{}",
            self.failed.len(),
            self.failed.join("\n")
        );
    }
}

fn is_there(name: &str) -> bool {
    let is_there = Path::new(CLIENT).exists();
    if !is_there {
        println!("SKIPPED {name}: Debian's fail2ban is not installed");
    }
    is_there
}

fn borrowed(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

#[test]
fn commands_to_a_server() {
    if !is_there("commands_to_a_server") {
        return;
    }
    let places = [Place::new(), Place::new()];
    let [a, b] = &places;
    a.start_server();
    b.start_server();
    let mut debian = Theirs::start();
    let mut report = Report::default();
    let is_case = |line: &&str| !line.is_empty() && !line.starts_with("//");
    for line in cases::LINES.lines().filter(is_case) {
        let theirs = debian.ask(&borrowed(&a.words(line)));
        let ours = ours(&borrowed(&b.words(line)));
        let pair = Pair::new(line, [a, b], theirs, ours);
        let accepted = pair.accepted();
        report.judge(&pair, accepted);
    }
    report.finish("commands_to_a_server");
}

#[test]
fn sessions() {
    if !is_there("sessions") {
        return;
    }
    let places = [Place::new(), Place::new()];
    let [a, b] = &places;
    a.start_server();
    b.start_server();
    let mut debian = Theirs::start();
    let mut report = Report::default();
    for typed in cases::SESSIONS {
        for line in ["-i", "-i ping", "-i status nosuch", "-i -t"] {
            let mut theirs = debian.ask_with(&borrowed(&a.words(line)), typed);
            let mut ours = ours_with(&borrowed(&b.words(line)), typed);
            // The greeting ends with an empty line.
            let are_greeted = [&mut theirs, &mut ours].map(|answer| {
                let begin = answer.stdout.find("Fail2Ban v");
                let end = answer.stdout.find("\n\n");
                let Some((begin, end)) = begin.zip(end) else {
                    return false;
                };
                answer.stdout.replace_range(begin..end + 2, "");
                true
            });
            assert_eq!(are_greeted[0], are_greeted[1], "{line}");
            let pair = Pair::new(&format!("{line} < {typed:?}"), [a, b], theirs, ours);
            let is_blank = typed.contains("\n\n");
            report.judge(&pair, is_blank.then_some(Accepted::BlankLine));
            if are_greeted[0] {
                *report.excused.entry(Accepted::Greeting).or_default() += 1;
            }
        }
    }
    report.finish("sessions");
}

/// What is sent: the same commands, with the same streams.
#[test]
fn requests() {
    if !is_there("requests") {
        return;
    }
    let place = Place::new();
    let ear = Ear::at(&place.socket(), well);
    let mut debian = Theirs::start();
    let lines = [
        "status",
        "ping",
        "ping 2",
        "get j1 é☃",
        "stop j1",
        "start j1 j2",
        "reload",
        "reload --all",
        "reload j1",
        "reload off",
        "reload nosuch",
        "reload --restart --unban --if-exists j2",
        "reload j1 j2",
        "restart j1",
        "restart --unban",
        "--loglevel DEBUG --logtarget /x reload",
        "-c {dir}/broken reload",
        "start",
        "-t reload j2",
    ];
    for line in lines {
        let words = place.words(line);
        let theirs = debian.ask(&borrowed(&words));
        let sent = ear.take();
        let ours = ours(&borrowed(&words));
        assert_eq!(sent, ear.take(), "{line}");
        assert_eq!(theirs.code, ours.code, "{line}");
    }
    println!("requests: {} command lines alike", lines.len());
    fs::remove_file(place.socket()).unwrap();
}

/// A server that ends in the middle of its answer, and others that are not quite there.
#[test]
fn half_a_server() {
    let mut debian = is_there("half_a_server").then(Theirs::start);
    let whole = encode_reply(0, &Value::from("a text"));
    let half = whole[..whole.len() / 2].to_vec();
    let pieces = [Vec::new(), half, whole[..whole.len() - 1].to_vec()];
    for piece in pieces {
        let place = Place::new();
        let told = piece.clone();
        let _ear = Ear::at(&place.socket(), move |_| (told.clone(), Then::HangUp));
        for line in ["status", "ping", "reload", "stop", "-i status"] {
            let words = place.words(line);
            let ours = normal(&place, ours(&borrowed(&words)));
            let expected = match line {
                "ping" => "ERROR   [Errno 104] Connection reset by peer",
                "reload" => "ERROR   Could not find server",
                _ => {
                    "ERROR   [[Errno 104] Connection reset by peer] Unable to contact server. Is it running?"
                }
            };
            assert_eq!((ours.code, ours.stdout.as_str()), (255, ""), "{line}");
            assert_eq!(ours.stderr, format!("fail2ban: {expected}\n"), "{line}");
            if let Some(debian) = &mut debian {
                let theirs = normal(&place, debian.ask(&borrowed(&words)));
                assert_eq!((theirs.code, theirs.stdout.as_str()), (255, ""), "{line}");
                assert_eq!(theirs.stderr, ours.stderr, "{line}");
            }
        }
        fs::remove_file(place.socket()).unwrap();
    }
}

/// A restart reads the configuration before it stops anything, other than the original, and starts nothing beside a server
/// that stays.
#[test]
fn restarts() {
    let place = Place::new();
    let ear = Ear::at(&place.socket(), well);
    let ask = |line: &str| normal(&place, ours(&borrowed(&place.words(line))));
    let refused = ask("-c {dir}/broken restart");
    assert_eq!((refused.code, refused.stdout.as_str()), (255, ""));
    assert!(
        refused.stderr.contains("Failed during configuration"),
        "{refused:?}"
    );
    assert!(ear.take().is_empty());
    let stays = ask("--timeout 0 restart");
    assert_eq!(
        (stays.code, stays.stdout.as_str()),
        (255, "Shutdown successful\n")
    );
    let sentence = "fail2ban: ERROR   The server has not ended within 0 seconds\n";
    assert_eq!(stays.stderr, sentence);
    assert_eq!(ear.take(), ["['stop']", "['ping', 0.1]"]);
    fs::remove_file(place.socket()).unwrap();
}

/// Nobody answers: a socket that was left behind, and one behind which nobody speaks.
#[test]
fn nobody_answers() {
    if !is_there("nobody_answers") {
        return;
    }
    let place = Place::new();
    let mut debian = Theirs::start();
    let mut report = Report::default();
    let mut ask = |line: &str| {
        let words = place.words(line);
        let theirs = debian.ask(&borrowed(&words));
        let ours = ours(&borrowed(&words));
        let pair = Pair::new(line, [&place, &place], theirs, ours);
        report.judge(&pair, pair.accepted());
    };
    let silent = UnixListener::bind(place.socket()).unwrap();
    for line in ["ping 0.1", "start", "--timeout 1 start"] {
        ask(line);
    }
    drop(silent);
    for line in [
        "status",
        "ping",
        "start",
        "-f start",
        "reload",
        "stop",
        "-x status",
    ] {
        ask(line);
    }
    fs::remove_file(place.socket()).unwrap();
    report.finish("nobody_answers");
}

/// Who may not use the socket.
#[test]
fn somebody_else() {
    if !is_there("somebody_else") {
        return;
    }
    let place = Place::new();
    let _ear = Ear::at(&place.socket(), well);
    let mut report = Report::default();
    for line in ["status", "ping", "reload", "stop", "start"] {
        let words = place.words(line);
        let ask = |program: &str, first: &[&str]| {
            let output = Command::new(program)
                .args(first)
                .args(&words)
                .env("LC_ALL", "C.UTF-8")
                .uid(65_534)
                .output()
                .ok()?;
            let text = |bytes| String::from_utf8(bytes).unwrap();
            Some(Answer {
                code: output.status.code().unwrap(),
                stdout: text(output.stdout),
                stderr: text(output.stderr),
            })
        };
        // The program that is tested may lie where only its owner looks.
        let own = env!("CARGO_BIN_EXE_stockade");
        let theirs = ask(CLIENT, &[]);
        let Some((theirs, ours)) = theirs.zip(ask(own, &["fail2ban-client"])) else {
            println!("SKIPPED somebody_else: no other user may be taken on here");
            break;
        };
        let pair = Pair::new(line, [&place, &place], theirs, ours);
        report.judge(&pair, pair.accepted());
    }
    fs::remove_file(place.socket()).unwrap();
    report.finish("somebody_else");
}
