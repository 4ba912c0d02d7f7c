//! `fail2ban-regex` of Debian and ours on the same command lines: standard output and exit code are equal, byte for byte.
//!
//! Debian's is 1.0.2 and ours behaves as 1.1.1, so some differences are right. Each of them is a rule with a reason
//! (`regex_cases/rules.rs`) that holds for every case; no case is excused by itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test may end at what it does not expect"
)]

mod regex_cases;

use regex_cases::rules::{Answer, normal};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

const THEIRS: &str = "/usr/bin/fail2ban-regex";

fn run(program: &str, first: &[&str], words: &[String], directory: &Path) -> Answer {
    let began = jiff::Timestamp::now().as_second();
    let output = Command::new(program)
        .args(first)
        .args(words)
        .current_dir(directory)
        .env("TZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .env("COLUMNS", "80")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let mut page = String::from_utf8_lossy(&output.stdout).into_owned();
    // The program's own name is that of its file.
    page = page.replace(program, "fail2ban-regex");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Answer {
        code: output.status.code(),
        page,
        while_it_ran: began..=jiff::Timestamp::now().as_second(),
        died: complaint.contains("Traceback (most recent call last)"),
    }
}

#[test]
fn both_print_the_same() {
    if !Path::new(THEIRS).exists() {
        println!("SKIPPED regex_beside_fail2ban: there is no {THEIRS} here");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let samples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../config/samples");
    let samples = fs::canonicalize(samples).unwrap();
    regex_cases::write_files(directory.path(), &samples);
    let cases = regex_cases::cases();
    assert!(cases.len() >= 60);
    // Python takes its time to start.
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let parts = cases.chunks(cases.len().div_ceil(threads));
    let differing: Vec<String> = thread::scope(|scope| {
        let directory = directory.path();
        let running = parts.map(|part| scope.spawn(move || differing(part, directory)));
        let running: Vec<_> = running.collect();
        let done = running.into_iter().map(|one| one.join().unwrap());
        done.flatten().collect()
    });
    println!("{} command lines, {} differ", cases.len(), differing.len());
    assert!(differing.is_empty(), "{}", differing.join("\n\n"));
}

/// What differs among these command lines, told one by one.
fn differing(cases: &[Vec<String>], directory: &Path) -> Vec<String> {
    let mut told = Vec::new();
    for words in cases {
        let theirs = run(THEIRS, &[], words, directory);
        let ours = env!("CARGO_BIN_EXE_stockade");
        let ours = run(ours, &["fail2ban-regex"], words, directory);
        let (theirs, ours) = normal(theirs, ours);
        if (theirs.code, &theirs.page) != (ours.code, &ours.page) {
            told.push(format!("{words:?}\n{}", difference(&theirs, &ours)));
        }
    }
    told
}

/// The lines in which two answers differ, as far as a person reads.
fn difference(theirs: &Answer, ours: &Answer) -> String {
    let mut told = format!("exit codes {:?} and {:?}", theirs.code, ours.code);
    let (theirs, ours): (Vec<&str>, Vec<&str>) = (
        theirs.page.split('\n').collect(),
        ours.page.split('\n').collect(),
    );
    let longest = theirs.len().max(ours.len());
    let pairs = (0..longest).map(|at| (theirs.get(at), ours.get(at)));
    for (theirs, ours) in pairs.filter(|(theirs, ours)| theirs != ours).take(6) {
        told += &format!("\n  theirs {theirs:?}\n  ours   {ours:?}");
    }
    told
}
