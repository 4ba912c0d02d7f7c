//! Configuration trees: the commands and the exit codes of `fail2ban-client -d` and `-t`.
//!
//! A tree is written into a folder of its own and read from there, as a user's is. Of the stock trees only sums of the
//! commands are recorded. The texts of errors are the program's own and not compared.

use super::cases::{Cases, bytes};
use super::evaluator::Program;
use super::{Difference, Tally};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// What stands for the tree's directory.
const MARK: &str = "@DIR@";

pub(crate) fn judge(cases: &Cases, program: &Program, tally: &mut Tally) -> Result<(), String> {
    let scratch = std::env::temp_dir().join(format!("stockade-conform-{}", std::process::id()));
    let judged = judge_in(&scratch, cases, program, tally);
    // Nothing is there if the first folder could not be made.
    drop(fs::remove_dir_all(&scratch));
    judged
}

fn judge_in(
    scratch: &Path,
    cases: &Cases,
    program: &Program,
    tally: &mut Tally,
) -> Result<(), String> {
    for label in ["master", "debian-1.0.2"] {
        let of_trees = cases.read(&format!("cases.{label}.jsonl"))?;
        let dirs = laid(scratch, &format!("{label}-tree"), &of_trees, write_case)?;
        for ((case, dir), answer) in of_trees.iter().zip(&dirs).zip(ask(program, &dirs)?) {
            let id = case["id"].as_str().unwrap_or_default();
            tally.case(label, id, &differences(case, dir, &answer));
        }
        let stock = cases.read(&format!("stock.{label}.jsonl"))?;
        let tree = program.trees().join(label);
        let write = |case: &Value, dir: &Path| write_stock(&tree, case, dir);
        let dirs = laid(scratch, &format!("{label}-stock"), &stock, write)?;
        for ((case, dir), answer) in stock.iter().zip(&dirs).zip(ask(program, &dirs)?) {
            let id = case["id"].as_str().unwrap_or_default();
            tally.case(label, id, &stock_differences(case, dir, &answer));
        }
    }
    Ok(())
}

fn ask(program: &Program, dirs: &[PathBuf]) -> Result<Vec<Value>, String> {
    let tasks: Vec<Value> = dirs.iter().map(|dir| json!({ "dir": dir })).collect();
    program.answers("config", &tasks)
}

/// A folder for each case.
fn laid(
    scratch: &Path,
    name: &str,
    cases: &[Value],
    write: impl Fn(&Value, &Path) -> std::io::Result<()>,
) -> Result<Vec<PathBuf>, String> {
    let one = |(number, case): (usize, &Value)| {
        let dir = scratch.join(format!("{name}-{number}"));
        let written = fs::create_dir_all(&dir).and_then(|()| write(case, &dir));
        written
            .map(|()| dir.clone())
            .map_err(|error| format!("{}: {error}", dir.display()))
    };
    cases.iter().enumerate().map(one).collect()
}

fn write_case(case: &Value, dir: &Path) -> std::io::Result<()> {
    for (name, content) in case["files"].as_object().into_iter().flatten() {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        let placed = |text: &str| text.replace(MARK, &dir.display().to_string());
        match (
            content.as_str(),
            content["b64"].as_str(),
            content["symlink"].as_str(),
        ) {
            (Some(text), ..) => fs::write(&path, placed(text))?,
            (_, Some(coded), _) => fs::write(&path, bytes(coded))?,
            (.., Some(target)) => std::os::unix::fs::symlink(placed(target), &path)?,
            (None, None, None) => {}
        }
    }
    Ok(())
}

/// The stock tree with one jail enabled, and the log that it watches.
fn write_stock(tree: &Path, case: &Value, dir: &Path) -> std::io::Result<()> {
    copy(tree, dir)?;
    let local = case["jail_local"].as_str().unwrap_or_default();
    fs::write(
        dir.join("jail.local"),
        local.replace(MARK, &dir.display().to_string()),
    )?;
    fs::create_dir_all(dir.join("log"))?;
    fs::write(dir.join("log/x.log"), "")
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == "jail.d" {
            continue;
        }
        match path.is_dir() {
            true => copy(&path, &target)?,
            // Without the write protection that the original may have.
            false => fs::write(&target, fs::read(&path)?)?,
        }
    }
    Ok(())
}

fn differences(case: &Value, dir: &Path, answer: &Value) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut differ = |field, theirs: Value, ours: Value| {
        if theirs != ours {
            let about = json!({
                "files": case["files"], "theirs": case["dump"], "ours": answer,
            });
            differences.push(Difference {
                field,
                theirs,
                ours,
                about,
            });
        }
    };
    differ(
        "dump-rc",
        case["dump"]["rc"].clone(),
        answer["dump"]["rc"].clone(),
    );
    differ(
        "test-rc",
        case["test"]["rc"].clone(),
        answer["test"]["rc"].clone(),
    );
    let theirs = normal(&case["dump"]["commands"], dir);
    let ours = normal(&answer["dump"]["commands"], dir);
    let same = theirs
        .iter()
        .zip(&ours)
        .take_while(|(theirs, ours)| theirs == ours);
    let first = same.count();
    if theirs.len() != ours.len() || first != ours.len() {
        let at = |list: &[Value]| list.get(first).cloned().unwrap_or_default();
        differ("commands", at(&theirs), at(&ours));
    }
    differences
}

/// Commands with the mark for the directory, log files sorted (their order is the file system's), and the texts of
/// errors cut.
fn normal(commands: &Value, dir: &Path) -> Vec<Value> {
    // A line of an error's text that looks like a list was recorded among the commands.
    let commands = commands
        .as_array()
        .into_iter()
        .flatten()
        .filter(|line| line.is_array());
    let mut commands: Vec<Value> = commands.map(|command| marked(command, dir)).collect();
    for command in &mut commands {
        if command[0] == "config-error" {
            let text = command[1].as_str().unwrap_or_default();
            command[1] = text.split(':').next().unwrap_or_default().into();
        }
    }
    let is_log = |command: &Value| command[2] == "addlogpath";
    for group in commands.chunk_by_mut(|a, b| is_log(a) && is_log(b)) {
        group.sort_by_key(Value::to_string);
    }
    commands
}

fn marked(value: &Value, dir: &Path) -> Value {
    match value {
        Value::String(text) => text.replace(&dir.display().to_string(), MARK).into(),
        Value::Array(items) => items.iter().map(|item| marked(item, dir)).collect(),
        other => other.clone(),
    }
}

fn stock_differences(case: &Value, dir: &Path, answer: &Value) -> Vec<Difference> {
    let empty = Vec::new();
    let theirs = case["commands"].as_array().unwrap_or(&empty);
    let ours = answer["dump"]["commands"].as_array().unwrap_or(&empty);
    let mut differences = Vec::new();
    let mut differ = |field, theirs: &Value, ours: &Value| {
        differences.push(Difference {
            field,
            theirs: theirs.clone(),
            ours: ours.clone(),
            about: case["id"].clone(),
        });
    };
    if case["rc"] != answer["dump"]["rc"] {
        differ("dump-rc", &case["rc"], &answer["dump"]);
    }
    if theirs.len() != ours.len() {
        differ("count", &theirs.len().into(), &ours.len().into());
    }
    for (theirs, ours) in theirs.iter().zip(ours) {
        let ours = marked(ours, dir);
        if theirs["sha256"] == sum(&ours) {
            continue;
        }
        // Only the items of a command tell what differs in it.
        let items = theirs["items_sha256"].as_array();
        let listed = |item: &&Value| {
            let sum = sum(item);
            !items.is_some_and(|items| items.iter().any(|known| *known == sum))
        };
        let last = ours
            .as_array()
            .and_then(|words| words.last())
            .and_then(Value::as_array);
        let new: Vec<&Value> = last.into_iter().flatten().filter(listed).collect();
        match items.is_some() && !new.is_empty() {
            true => differ("items", &theirs["head"], &json!(new)),
            false => differ("command", &theirs["head"], &ours),
        }
    }
    differences
}

/// SHA-256 of a value in Python's compact, pure ASCII form.
fn sum(value: &Value) -> String {
    let mut text = String::new();
    for c in value.to_string().chars() {
        match c {
            ' '..='~' => text.push(c),
            _ => {
                let units = c.encode_utf16(&mut [0; 2]).to_vec();
                text.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
            }
        }
    }
    let sum = Sha256::digest(text);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}
