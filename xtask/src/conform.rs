//! `cargo xtask conform DIR [--trees DIR] [--kind KIND]…`: real fail2ban's recorded answers against the released program's.
//!
//! The cases lie outside of the repository. Every kind found below DIR is run through `stockade conform-eval`; for
//! each stands one line `KIND agree/total`, then a line for each disagreement (the first 50) and for each rule of
//! `conformance/accepted.toml` how many cases it excused. Exit code 1 if any case disagrees.

mod accepted;
mod ban;
mod cases;
mod config;
mod date;
mod evaluator;
mod pattern;
mod rule;

use crate::root;
use accepted::Accepted;
use cases::Cases;
use evaluator::Program;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Disagreements shown of one kind.
const SHOWN: usize = 50;

/// The year in which the recorded fail2ban was started: it bounds what `%ExY` matches, whatever the clock says.
const START_YEAR: i32 = 2026;

type Judge = fn(&Cases, &Program, &mut Tally) -> Result<(), String>;

/// Kinds by the names of their folders.
const KINDS: &[(&str, Judge)] = &[
    ("pattern-cases", pattern::judge),
    ("date-cases", date::judge),
    ("config-cases", config::judge),
    ("fail2ban-cases", rule::judge_samples),
    ("regex-cases", rule::judge_matrix),
    ("foreign-logs", rule::judge_foreign),
    ("ban-cases", ban::judge),
];

/// One thing that is not alike.
pub(crate) struct Difference {
    /// What it is about, as the rules of `accepted.toml` name it.
    pub(crate) field: &'static str,
    pub(crate) theirs: Value,
    pub(crate) ours: Value,
    /// The input, for the rules to look at.
    pub(crate) about: Value,
}

/// What came of one kind.
pub(crate) struct Tally {
    kind: &'static str,
    accepted: Accepted,
    agree: u64,
    total: u64,
    disagreements: Vec<String>,
}

impl Tally {
    /// Counts a case: it agrees if nothing differs but what a rule excuses.
    pub(crate) fn case(&mut self, label: &str, id: &str, differences: &[Difference]) {
        self.total += 1;
        let left = differences
            .iter()
            .filter(|difference| !self.accepted.excuses(self.kind, label, difference));
        let left: Vec<&Difference> = left.collect();
        match left.first() {
            None => {
                self.agree += 1;
                self.accepted.count();
            }
            Some(first) => {
                self.accepted.forget();
                let more = match left.len() {
                    1 => String::new(),
                    n => format!(" (and {} more)", n - 1),
                };
                self.disagreements.push(format!(
                    "{label} {id}: {} theirs {} ours {}{more}",
                    first.field, first.theirs, first.ours
                ));
            }
        }
    }
}

/// What came of one kind, in numbers.
pub(crate) struct Judged {
    pub(crate) kind: &'static str,
    pub(crate) disagree: u64,
    pub(crate) total: u64,
}

impl Judged {
    /// Every case agrees, and there was one.
    fn agrees(&self) -> bool {
        self.disagree == 0 && self.total > 0
    }
}

/// Runs the kinds that are asked for, or all.
pub(crate) fn run(words: &[&str]) -> ExitCode {
    let mut dir = None;
    let mut trees = None;
    let mut kinds: Vec<&str> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "--trees" => trees = words.next().map(PathBuf::from),
            "--kind" => kinds.extend(words.next()),
            word if dir.is_none() && !word.starts_with('-') => dir = Some(PathBuf::from(word)),
            word => return usage(word),
        }
    }
    let Some(dir) = dir else {
        return usage("no DIR");
    };
    if let Some(kind) = kinds
        .iter()
        .find(|kind| KINDS.iter().all(|(known, _)| known != *kind))
    {
        return usage(kind);
    }
    let trees = trees.unwrap_or_else(|| usual_trees(&dir));
    let judged = release().and_then(|program| judge(&program, &dir, &trees, &kinds));
    match judged {
        Ok(judged) if judged.is_empty() => {
            println!("conform: no cases below {}", dir.display());
            ExitCode::FAILURE
        }
        Ok(judged) => ExitCode::from(u8::from(!judged.iter().all(Judged::agrees))),
        Err(error) => {
            println!("conform: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The cases that lie beside the project, for the tests: what came of each kind that is there.
pub(crate) fn beside(program: &Path) -> Result<Vec<Judged>, String> {
    let dir = root().join("../shared/cases");
    judge(program, &dir, &usual_trees(&dir), &[])
}

fn usage(word: &str) -> ExitCode {
    let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    eprintln!(
        "{word}?\nusage: cargo xtask conform DIR [--trees DIR] [--kind KIND]…\nkinds: {}",
        kinds.join(" ")
    );
    ExitCode::from(2)
}

/// The trees beside the cases, else those of the public ones.
fn usual_trees(dir: &Path) -> PathBuf {
    let beside = dir.join("trees");
    match beside.is_dir() {
        true => beside,
        false => root().join("../shared/cases/trees"),
    }
}

/// What came of every kind that is there.
fn judge(program: &Path, dir: &Path, trees: &Path, kinds: &[&str]) -> Result<Vec<Judged>, String> {
    let program = Program::new(program.to_owned(), trees);
    let mut judged = Vec::new();
    for (kind, judge) in KINDS {
        if !kinds.is_empty() && !kinds.contains(kind) {
            continue;
        }
        let cases = Cases::new(dir.join(kind));
        if !cases.exist() {
            println!("SKIPPED {kind}: there is no {}", dir.join(kind).display());
            continue;
        }
        let mut tally = Tally {
            kind,
            accepted: Accepted::read()?,
            agree: 0,
            total: 0,
            disagreements: Vec::new(),
        };
        judge(&cases, &program, &mut tally)?;
        tally.tell();
        judged.push(tally.verdict());
    }
    Ok(judged)
}

impl Tally {
    /// Prints what came of the kind.
    fn tell(&self) {
        println!("{} {}/{}", self.kind, self.agree, self.total);
        for line in self.disagreements.iter().take(SHOWN) {
            println!("    {}", shortened(line));
        }
        if let Some(more @ 1..) = self.disagreements.len().checked_sub(SHOWN) {
            println!("    and {more} more");
        }
        for (reason, count) in self.accepted.excused() {
            println!("    {count} excused: {reason}");
        }
    }

    fn verdict(&self) -> Judged {
        Judged {
            kind: self.kind,
            disagree: self.disagreements.len() as u64,
            total: self.total,
        }
    }
}

fn shortened(line: &str) -> String {
    const LONGEST: usize = 600;
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The released program, built anew if anything changed.
fn release() -> Result<PathBuf, String> {
    let root = root();
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--release", "--package", "cli"])
        .current_dir(&root)
        .status();
    match built {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(format!("the release build failed: {status}")),
        Err(error) => return Err(format!("cargo: {error}")),
    }
    Ok(crate::test::target().join("release/stockade"))
}
