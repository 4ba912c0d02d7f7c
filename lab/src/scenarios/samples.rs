//! `stockade scan` over the project's own samples: logs that real servers wrote.
//!
//! What must be banned is worked out here a second time, in the simplest way, from `NAME.expect.jsonl`.

use crate::process::run;
use crate::{Done, Stop, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const JAILS: [&str; 8] = [
    "sshd",
    "mysqld-auth",
    "postgresql",
    "nginx-http-auth",
    "vsftpd",
    "dovecot",
    "postfix-sasl",
    "recidive",
];
/// Addresses that stand only in attackers' texts.
const INNOCENT: [&str; 2] = ["9.9.9.9", "192.0.2.9"];
const MAXRETRY: usize = 5;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/samples")
}

/// Logs whose name ends so, with their names without `.log`.
fn logs(end: &str) -> Done<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(samples())? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(end) {
            found.push((path, name.trim_end_matches(".log").to_owned()));
        }
    }
    found.sort();
    Ok(found)
}

fn jail_of(name: &str) -> Done<&'static str> {
    JAILS
        .into_iter()
        .find(|jail| name.starts_with(jail))
        .ok_or_else(|| Stop::Fail(format!("whose sample is {name}?")))
}

/// Every sample with a list of expected failures: exactly who has failures enough is banned; with `maxretry = 1`
/// exactly who has any.
pub(crate) fn every_sample(program: &Path) -> Done {
    let trees = Trees::new()?;
    let mut count = 0;
    let mut wrong = Vec::new();
    for (path, name) in logs(".log")? {
        let expect = samples().join(format!("{name}.expect.jsonl"));
        if !expect.exists() {
            continue;
        }
        count += 1;
        let jail = jail_of(&name)?;
        let failures = failures(&expect, &path)?;
        let enough = |times: &Vec<i64>, window: i64| {
            times
                .windows(MAXRETRY)
                .any(|few| few[MAXRETRY - 1] - few[0] < window)
        };
        let window = if jail == "recidive" { 86_400 } else { 600 };
        let expected: BTreeSet<String> = failures
            .iter()
            .filter(|(_, times)| enough(times, window))
            .map(|(ip, _)| ip.clone())
            .collect();
        let found = scan(program, &path, &["--jail", jail, "-c", &trees.plain])?;
        if found != expected {
            wrong.push(format!("{name}: banned {found:?}, expected {expected:?}"));
        }
        let all: BTreeSet<String> = failures.into_keys().collect();
        let found = scan(program, &path, &["--jail", jail, "-c", &trees.strict])?;
        if found != all {
            wrong.push(format!(
                "{name} with maxretry 1: banned {found:?}, expected {all:?}"
            ));
        }
    }
    ensure(wrong.is_empty(), wrong.join("; "))?;
    ensure(count >= 15, format!("only {count} samples were found"))
}

/// Attackers' texts ban nobody else, whatever the jail and however strict.
pub(crate) fn no_innocent(program: &Path) -> Done {
    let trees = Trees::new()?;
    let logs = logs(".attack.log")?;
    ensure(
        logs.len() >= 6,
        format!("only {} samples of attacks were found", logs.len()),
    )?;
    for (path, name) in logs {
        let found = scan(program, &path, &["-c", &trees.strict])?;
        let hit: Vec<_> = INNOCENT.iter().filter(|ip| found.contains(**ip)).collect();
        ensure(
            hit.is_empty() && !found.is_empty(),
            format!("{name}: {hit:?} banned, {} in all", found.len()),
        )?;
    }
    Ok(())
}

/// Exit codes, the standard input, the jails found by themselves, the table for people.
pub(crate) fn arguments(program: &Path) -> Done {
    let trees = Trees::new()?;
    let log = samples().join("sshd.log");
    let by_name = scan(program, &log, &["--jail", "sshd", "-c", &trees.plain])?;
    ensure(!by_name.is_empty(), "the sample for sshd bans nobody")?;
    ensure(
        scan(program, &log, &["-c", &trees.plain])? == by_name,
        "without --jail the bans are others",
    )?;

    let input = fs::File::open(&log)?;
    let words = ["scan", "-", "--jail", "sshd", "--json", "-c", &trees.plain];
    let piped = Command::new(program)
        .args(words)
        .stdin(Stdio::from(input))
        .output()?;
    ensure(
        piped.status.code() == Some(0) && bans(&piped.stdout)? == by_name,
        "the standard input gives other bans",
    )?;

    let people = run(Command::new(program).arg("scan").arg(&log).args([
        "--jail",
        "sshd",
        "-c",
        &trees.plain,
    ]))?;
    let table = String::from_utf8_lossy(&people.stdout).into_owned();
    let named = by_name.iter().all(|ip| table.contains(ip.as_str()));
    ensure(
        named && people.status.code() == Some(0),
        format!("the table lacks addresses: {table}"),
    )?;

    let directory = samples().display().to_string();
    let sample = log.display().to_string();
    for (words, code, needle) in [
        (
            vec!["scan", "/nonexistent/auth.log"],
            3,
            "/nonexistent/auth.log",
        ),
        (vec!["scan", &directory], 3, "samples"),
        (vec!["scan", &sample, "--jail", "nosuch"], 3, "nosuch"),
        (vec!["scan", &sample, "--now", "yesterday"], 2, "yesterday"),
        (vec!["scan"], 2, ""),
        (vec!["scan", &sample, "--lines"], 2, "--json"),
    ] {
        let output = run(Command::new(program).args(&words))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let got = output.status.code().unwrap_or(-1);
        ensure(
            got == code && said.contains(needle),
            format!("{words:?}: exit {got}, expected {code}: {said}"),
        )?;
    }
    Ok(())
}

/// Configuration directories over the built-in tree, whatever this machine has in /etc.
struct Trees {
    root: PathBuf,
    /// Nothing is changed.
    plain: String,
    /// One failure is enough.
    strict: String,
}

impl Trees {
    fn new() -> Done<Self> {
        let root = std::env::temp_dir().join(format!("stockade-lab-scan-{}", std::process::id()));
        let (plain, strict) = (root.join("plain"), root.join("strict"));
        fs::create_dir_all(&plain)?;
        fs::create_dir_all(&strict)?;
        fs::write(
            strict.join("jail.local"),
            "[DEFAULT]\nmaxretry = 1\n[recidive]\nmaxretry = 1\n",
        )?;
        Ok(Self {
            plain: plain.display().to_string(),
            strict: strict.display().to_string(),
            root,
        })
    }
}

impl Drop for Trees {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.root));
    }
}

fn scan(program: &Path, log: &Path, words: &[&str]) -> Done<BTreeSet<String>> {
    let output = run(Command::new(program)
        .arg("scan")
        .arg(log)
        .arg("--json")
        .args(words))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure(
        output.status.code() == Some(0),
        format!(
            "scan {} {words:?}: {}: {said}",
            log.display(),
            output.status
        ),
    )?;
    bans(&output.stdout)
}

fn bans(json: &[u8]) -> Done<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for line in json
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let event: Value = serde_json::from_slice(line)?;
        if event["event"] == "ban" {
            found.insert(event["ip"].as_str().unwrap_or_default().to_owned());
        }
    }
    Ok(found)
}

/// The times of the expected failures, by address.
fn failures(expect: &Path, log: &Path) -> Done<BTreeMap<String, Vec<i64>>> {
    let bytes = fs::read(log)?;
    let lines: Vec<String> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let mut found: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in fs::read_to_string(expect)?.lines() {
        let row: Value = serde_json::from_str(row)?;
        let (line, ip) = (
            row["line"].as_u64().unwrap_or_default() as usize,
            row["ip"].as_str().unwrap_or_default(),
        );
        let time = lines.get(line - 1).and_then(|line| time_of(line));
        let time =
            time.ok_or_else(|| Stop::Fail(format!("{}: no date in line {line}", log.display())))?;
        let weight = lines.get(line - 1).map_or(1, |line| weight_of(line));
        found
            .entry(ip.to_owned())
            .or_default()
            .extend(std::iter::repeat_n(time, weight));
    }
    for times in found.values_mut() {
        times.sort_unstable();
    }
    Ok(found)
}

/// How many failures a line stands for: `4 attempts in 9 secs`, `message repeated 3 times`.
fn weight_of(line: &str) -> usize {
    let before = line
        .split(" attempts in ")
        .next()
        .filter(|before| before.len() < line.len());
    let counted = before.and_then(|before| before.rsplit(' ').next());
    let repeated = line
        .split("]: message repeated ")
        .nth(1)
        .and_then(|after| after.split(' ').next());
    counted
        .or(repeated)
        .and_then(|number| number.parse().ok())
        .unwrap_or(1)
}

/// Seconds within the month or so of a sample: enough to tell how far apart two lines are. Knows
/// `2026-11-24T02:27:20`, `2026/11/24 02:27:20` and `Nov 24 02:27:20`.
fn time_of(line: &str) -> Option<i64> {
    // MySQL writes hours below ten with one digit.
    let at = line.as_bytes().windows(8).position(|w| {
        let hours = w[0].is_ascii_digit() || w[0] == b' ';
        hours
            && w[2] == b':'
            && w[5] == b':'
            && [1, 3, 4, 6, 7].iter().all(|at| w[*at].is_ascii_digit())
    })?;
    let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<i64>().ok());
    let (hours, minutes, seconds) = (
        number(line.get(at..at + 2))?,
        number(line.get(at + 3..at + 5))?,
        number(line.get(at + 6..at + 8))?,
    );
    let day = number(line.get(at.checked_sub(3)?..at - 1))?;
    Some(((day * 24 + hours) * 60 + minutes) * 60 + seconds)
}
