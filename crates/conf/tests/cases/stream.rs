//! The whole stream of commands, strictly; the order of log files is the file system's.

use crate::recorded::ROOT;
use crate::recorded::{self, Case};
use conf::{Dump, DumpRequest, Item, LogFile, Manner, MemoryFiles, Tree, dump};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::Path;

#[test]
fn commands_are_those_of_master() {
    judge("master");
}

#[test]
fn commands_are_those_of_debian() {
    judge("debian-1.0.2");
}

fn judge(label: &str) {
    let Some(cases) = recorded::cases(label) else {
        println!("SKIPPED: no configuration cases of {label} beside the workspace");
        return;
    };
    let mut failed = Vec::new();
    let mut excused: BTreeMap<Accepted, u32> = BTreeMap::new();
    let mut alike = 0;
    for case in &cases {
        let dumped = read(&case.files, &|path| case.expand(path), false);
        let tested = read(&case.files, &|path| case.expand(path), true);
        let (ours, theirs) = (normal(json_of(&dumped)), normal(case.stream()));
        let codes = (code(dumped.fails()), code(!tested.is_sound()));
        if ours == theirs && codes == (case.code, case.test_code) {
            alike += 1;
            continue;
        }
        match accepted(label, case, &dumped) {
            Some(why) => *excused.entry(why).or_default() += 1,
            None => {
                let pairs = ours.iter().zip(&theirs);
                let first = pairs.clone().find(|(ours, theirs)| ours != theirs);
                failed.push(format!(
                    "{}: codes {codes:?} to {:?}, {} to {} commands, {first:?}, {:?}",
                    case.id,
                    (case.code, case.test_code),
                    ours.len(),
                    theirs.len(),
                    dumped.refused,
                ));
            }
        }
    }
    println!(
        "{label}: {alike} of {} alike, excused: {excused:?}",
        cases.len()
    );
    assert!(
        failed.is_empty(),
        "{} differ:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

fn code(fails: bool) -> i64 {
    if fails { 255 } else { 0 }
}

/// Why a difference is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Accepted {
    /// `known/` over several layers and of `[Init]`: fail2ban cannot follow it (behaviour §11, 3).
    ReferenceFollowed,
    /// 1.0.2 goes on without a file that it cannot read, master does not (contract 23).
    BytesRefused,
    /// 1.0.2 does not yet give an argument to the conditional twin, or refuses it (contract 23).
    ConditionalTwin,
    /// 1.0.2 sends options whose names are part of the word `datepattern` (contract 23).
    OptionSent,
}

fn accepted(label: &str, case: &Case, dumped: &Dump) -> Option<Accepted> {
    let is_text = |part: &str| case.texts.iter().any(|(_, text)| text.contains(part));
    if case.code != 0 && dumped.refused.is_none() && is_text("%(known/") {
        return Some(Accepted::ReferenceFollowed);
    }
    if label == "master" {
        return None;
    }
    let is_said = |part: &str| {
        dumped
            .remarks
            .iter()
            .any(|remark| remark.text.contains(part))
    };
    if is_said("is not UTF-8") {
        return Some(Accepted::BytesRefused);
    }
    if is_text("?family=") {
        return Some(Accepted::ConditionalTwin);
    }
    let sent = |command: &Json| {
        let option = command[2].as_str().unwrap_or_default();
        command[0] == "set" && option != "datepattern" && "datepattern".contains(option)
    };
    case.commands
        .iter()
        .any(sent)
        .then_some(Accepted::OptionSent)
}

/// What is made of a tree in memory.
fn read(files: &MemoryFiles, expand: &dyn Fn(&str) -> Vec<LogFile>, needs_logs: bool) -> Dump {
    let tree = Tree::find(files, Some(Path::new(ROOT)), Manner::Fail2ban);
    let request = DumpRequest {
        needs_logs,
        given: &[],
        expand,
    };
    dump(files, &tree, &request)
}

/// Our stream for a tree in memory whose log files are all there.
pub(crate) fn commands(files: &MemoryFiles) -> Vec<Json> {
    let file = |path: &str| LogFile {
        path: path.to_owned(),
        is_dangling: false,
    };
    json_of(&read(files, &|path| vec![file(path)], false))
}

fn json_of(dump: &Dump) -> Vec<Json> {
    let commands = dump.commands.iter().cloned();
    commands.map(|command| json(Item::List(command))).collect()
}

fn json(item: Item) -> Json {
    match item {
        Item::None => Json::Null,
        Item::Bool(value) => value.into(),
        Item::Int(value) => value.into(),
        Item::Text(value) => value.into(),
        Item::List(items) => items.into_iter().map(json).collect(),
        Item::Map(pairs) => pairs
            .into_iter()
            .map(|(key, value)| (key, json(value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// Log files sorted.
fn normal(mut commands: Vec<Json>) -> Vec<Json> {
    let is_log = |command: &Json| command[2] == "addlogpath";
    for group in commands.chunk_by_mut(|a, b| is_log(a) && is_log(b)) {
        group.sort_by_key(Json::to_string);
    }
    commands
}
