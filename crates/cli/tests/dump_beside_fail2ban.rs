//! `fail2ban-client -d`, `--dp` and `-t` of Debian's fail2ban and of ours over the same trees: the standard output and
//! the exit codes are the same. Where they may differ a rule says why, and how often it was needed is printed.
//!
//! Debian has 1.0.2; our answers are those of 1.1.1 and later.

#![expect(clippy::unwrap_used, reason = "a panic of a test is its report")]

#[path = "beside/programs.rs"]
mod programs;
#[path = "beside/trees.rs"]
mod trees;

use programs::{Answer, CLIENT, Theirs, ours};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use trees::Tree;

const STOCK: &str = "/etc/fail2ban";

/// Why a difference is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Accepted {
    /// 1.0.2 does not give an argument to the conditional twin of the option.
    ConditionalTwin,
    /// 1.0.2 goes on without a file that is missing or that it cannot read, later ones refuse.
    UnreadRefused,
    /// `known/` over several layers and of `[Init]`: we follow what fail2ban cannot.
    ReferenceFollowed,
    /// 1.0.2 does not know the options for jails without log files.
    WithoutLogs,
    /// `-t` also compiles the regexes.
    RegexCompiled,
}

/// What both answered to one question about a tree.
struct Pair<'a> {
    tree: Option<&'a Tree>,
    theirs: Answer,
    ours: Answer,
}

impl Pair<'_> {
    /// Our answer is theirs.
    fn is_alike(&self) -> bool {
        self.theirs.code == self.ours.code
            && sentence(&self.theirs.stdout) == sentence(&self.ours.stdout)
    }

    fn accepted(&self) -> Option<Accepted> {
        let (theirs, ours) = (&self.theirs, &self.ours);
        let contains = |part: &str| self.tree.is_some_and(|tree| tree.contains(part));
        if theirs.code == ours.code && without_twins(&theirs.stdout) == without_twins(&ours.stdout)
        {
            return Some(Accepted::ConditionalTwin);
        }
        let is_unread = ["is not UTF-8", "Read fail2ban conf", "Read jails conf"];
        if is_unread.iter().any(|part| ours.stderr.contains(part)) {
            return Some(Accepted::UnreadRefused);
        }
        let cannot_follow = [
            "Recursion limit exceeded",
            "key 'known/",
            "'int' is not iterable",
        ];
        if theirs.code == 255
            && contains("%(known/")
            && cannot_follow
                .iter()
                .any(|part| theirs.stderr.contains(part))
        {
            return Some(Accepted::ReferenceFollowed);
        }
        if theirs.stderr.contains("Have not found any log file")
            && ours.stderr.contains("Jail will monitor systemd journal")
        {
            return Some(Accepted::WithoutLogs);
        }
        let is_test = theirs.stdout.starts_with("OK:") && ours.stdout.starts_with("ERROR: test");
        let is_compiled = is_test && !ours.stderr.contains("Failed during configuration");
        is_compiled.then_some(Accepted::RegexCompiled)
    }
}

/// The output without what is a sentence for people: an error's text, and the verdict of a test, which 1.0.2 logs.
fn sentence(stdout: &str) -> String {
    match stdout.strip_prefix("ERROR: ") {
        Some(rest) if rest.starts_with("The configuration stream failed") => stdout.to_owned(),
        Some(_) => String::new(),
        None => stdout.to_owned(),
    }
}

/// The stream without options such as `x?family=inet6`.
fn without_twins(stdout: &str) -> String {
    let mut out = String::new();
    let mut rest = stdout;
    while let Some(at) = rest.find("?family=") {
        // The beginning of a pair, if this is its key.
        let is_key = |c: char| c.is_alphanumeric() || "_-.".contains(c);
        let before = rest[..at].trim_end_matches(is_key).strip_suffix("['");
        let before = before.and_then(|before| before.trim_end().strip_suffix(','));
        let value = rest[at..].split_once("', ");
        let Some((before, (_, value))) = before.zip(value) else {
            let (shown, after) = rest.split_at(at + 1);
            out.push_str(shown);
            rest = after;
            continue;
        };
        out.push_str(before);
        rest = &value[literal(value) + 1..];
    }
    out.push_str(rest);
    out
}

/// The length of the quoted text at the start.
fn literal(text: &str) -> usize {
    let quote = text.chars().next().unwrap();
    let mut is_escaped = false;
    let mut inner = text.char_indices().skip(1);
    let end = inner.find(|(_, c)| {
        let is_end = *c == quote && !is_escaped;
        is_escaped = *c == '\\' && !is_escaped;
        is_end
    });
    end.unwrap().0 + 1
}

/// All answers of a run.
#[derive(Default)]
struct Report {
    alike: u32,
    excused: BTreeMap<Accepted, u32>,
    /// What differs in one line, and all about it.
    failed: Vec<(String, String)>,
}

impl Report {
    fn judge(&mut self, name: &str, pair: &Pair<'_>) {
        if pair.is_alike() {
            self.alike += 1;
            return;
        }
        if let Some(why) = pair.accepted() {
            *self.excused.entry(why).or_default() += 1;
            return;
        }
        let (theirs, ours) = (&pair.theirs, &pair.ours);
        let lines = theirs.stdout.lines().zip(ours.stdout.lines());
        let first = lines.clone().find(|(theirs, ours)| theirs != ours);
        let tree = pair.tree.map(Tree::shown).unwrap_or_default();
        let headline = format!("{name}: {} to {}, {first:?}", theirs.code, ours.code);
        let detail = format!(
            "=== {name}\n{}\nours:\n{}\n{tree}",
            theirs.stderr, ours.stderr
        );
        self.failed.push((headline, detail));
    }

    fn finish(self, name: &str) {
        println!("{name}: {} alike, excused: {:?}", self.alike, self.excused);
        let details = self.failed.iter().take(3);
        let details: String = details.map(|(_, detail)| detail.as_str()).collect();
        let headlines = self.failed.iter().map(|(headline, _)| headline.as_str());
        let headlines: Vec<&str> = headlines.collect();
        assert!(
            headlines.is_empty(),
            "{details}\n{} differ:\n{}",
            headlines.len(),
            headlines.join("\n")
        );
    }
}

fn is_there(name: &str) -> bool {
    let is_there = Path::new(CLIENT).exists() && Path::new(STOCK).is_dir();
    if !is_there {
        println!("SKIPPED {name}: Debian's fail2ban is not installed");
    }
    is_there
}

#[test]
fn stock_configuration() {
    if !is_there("stock_configuration") {
        return;
    }
    let mut report = Report::default();
    let mut theirs = Theirs::start();
    let mut both = |words: &[&str]| Pair {
        tree: None,
        theirs: theirs.ask(words),
        ours: ours(words),
    };
    for words in [
        &["-d"][..],
        &["--dp"],
        &["-t"],
        &["-dt"],
        &["-c", "/gone", "-d"],
        &["-c", "/gone", "-t"],
    ] {
        report.judge(&words.join(" "), &both(words));
    }
    for backend in ["", "backend = polling\n"] {
        let dir = tempfile::tempdir().unwrap();
        let copied = Command::new("cp")
            .arg("-rT")
            .arg(STOCK)
            .arg(dir.path())
            .status();
        assert!(copied.unwrap().success());
        let jails = fs::read_to_string(dir.path().join("jail.conf")).unwrap();
        let names = jails
            .lines()
            .filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
        let log = dir.path().join("all.log");
        fs::write(&log, "").unwrap();
        let local: String = names
            .filter(|name| !matches!(*name, "INCLUDES" | "DEFAULT"))
            .map(|name| {
                format!(
                    "[{name}]\nenabled = true\nlogpath = {}\n{backend}",
                    log.display()
                )
            })
            .collect();
        fs::write(dir.path().join("jail.local"), local).unwrap();
        let dir = dir.path().to_str().unwrap();
        for word in ["-d", "--dp"] {
            report.judge(&format!("all jails {word}"), &both(&["-c", dir, word]));
        }
        if backend.is_empty() {
            report.judge("all jails -t", &both(&["-c", dir, "-t"]));
        }
    }
    report.finish("stock configuration");
}

/// The first seed; any other will do.
const SEED: u64 = 20_261_124;
const TREES: u64 = 320;

#[test]
fn generated_configurations() {
    if !is_there("generated_configurations") {
        return;
    }
    let seeds: Vec<u64> = (SEED..SEED + TREES).collect();
    let halves: Vec<Report> = std::thread::scope(|scope| {
        let half = |seeds: Vec<u64>| {
            let mut report = Report::default();
            let mut theirs = Theirs::start();
            for seed in seeds {
                let tree = trees::tree(seed);
                let dir = tempfile::tempdir().unwrap();
                tree.write(dir.path());
                let dir = dir.path().to_str().unwrap();
                for word in ["-d", "-t"] {
                    let words = ["-c", dir, word];
                    let pair = Pair {
                        tree: Some(&tree),
                        theirs: theirs.ask(&words),
                        ours: ours(&words),
                    };
                    report.judge(&format!("seed {seed} {word}"), &pair);
                }
            }
            report
        };
        let threads: Vec<_> = seeds
            .chunks(seeds.len().div_ceil(2))
            .map(|part| scope.spawn(move || half(part.to_vec())))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut report = Report::default();
    for half in halves {
        report.alike += half.alike;
        report.failed.extend(half.failed);
        for (why, times) in half.excused {
            *report.excused.entry(why).or_default() += times;
        }
    }
    report.finish("generated configurations");
}

/// What a standard output is, where its words are each program's own.
fn kind(stdout: &str) -> &str {
    let first = stdout.split_whitespace().next().unwrap_or_default();
    match first {
        "Usage:" | "ERROR:" | "Fail2Ban" => first,
        _ if first.chars().all(|c| c.is_ascii_digit() || c == '.')
            && first.matches('.').count() == 2 =>
        {
            "a version"
        }
        _ => stdout,
    }
}

#[test]
fn command_lines() {
    if !is_there("command_lines") {
        return;
    }
    let lines = [
        "",
        "-V",
        "--version",
        "--vers",
        "-h",
        "--help",
        "-hV",
        "-dV",
        "-V --nosuch",
        "--nosuch",
        "-y",
        "-c",
        "--str2sec",
        "--test=1",
        "--s 1",
        "-Vx status",
        "--timeout foo ping",
        "-s /gone/socket status",
        "-s /gone/socket ping",
        "-s /gone/socket status -d",
        "-c /gone -d",
        "-c /gone -t",
        "-c /gone --dp",
        "--loglevel LOUD -d",
        "--loglevel= -t",
        "--loglevel 10 -d",
        "--loglevel debug --dump",
        "-vd",
        "-dq",
        "-xfbd --async",
        "-d status",
        "--logtarget X --syslogsocket Y -d",
        "-s /x -p /y --pname z -d",
        "-td",
        "--dp -t",
    ];
    let times = [
        "10m",
        "1d 2h",
        "1d12h30m",
        "1y6mo",
        "10 20",
        "1w1",
        "10min5",
        "1h-30m",
        "2.5h",
        "1h*2",
        "60*60*24",
        "-1",
        "5M",
        "1/2",
        "4/2",
        "7//2",
        "-7//2",
        "-7%3",
        "7.5%2",
        "2**-1",
        "2**10",
        "0",
        "-0",
        "1year",
        "3 weeks 2days",
        "1e3",
        "010",
        "0x10",
        "foo",
        "m",
        "",
        "1.",
        ".5h",
        "1mo-1mo",
        "(1+2)*3m",
        "00",
        "1 +2",
        "1s1s1s",
        "1D 1H",
    ];
    let mut theirs = Theirs::start();
    let mut failed = Vec::new();
    let mut asked = 0;
    let words = lines.iter().map(|line| line.split_whitespace().collect());
    let words = words.chain(times.iter().map(|time| vec!["--str2sec", time]));
    for words in words {
        let words: Vec<&str> = words;
        let (theirs, ours) = (theirs.ask(&words), ours(&words));
        asked += 1;
        if theirs.code != ours.code || kind(&theirs.stdout) != kind(&ours.stdout) {
            failed.push(format!("{words:?}: {theirs:?}\n  {ours:?}"));
        }
    }
    println!("command lines: {asked}");
    assert!(
        failed.is_empty(),
        "{} differ:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
