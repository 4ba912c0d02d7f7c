//! The whole stream of commands, strictly; the order of log files is the file system's.

use crate::recorded::ROOT;
use crate::{accepted, differences, glob, recorded};
use conf::{Item, Manner, MemoryFiles, Tree, dump};
use serde_json::{Map, Value as Json};
use std::path::Path;

#[test]
fn commands_are_those_of_master() {
    let label = "master";
    let Some(cases) = recorded::cases(label) else {
        println!("SKIPPED: no configuration cases of {label} beside the workspace");
        return;
    };
    let mut failed = Vec::new();
    let mut alike = 0;
    for case in cases.iter().filter(|case| !case.refused_whole()) {
        let paths = case.paths();
        let expand = |pattern: &str| {
            paths
                .iter()
                .filter(|path| glob::matches(pattern, path))
                .cloned()
                .collect()
        };
        let (ours, theirs) = (
            normal(commands(&case.files, &expand)),
            normal(case.commands.clone()),
        );
        let (found, said) = differences(case);
        let is_excused = found
            .iter()
            .any(|difference| accepted(label, case, difference, &said).is_some());
        match ours == theirs {
            true => alike += 1,
            false if is_excused => {}
            false => {
                let pairs = ours
                    .iter()
                    .zip(&theirs)
                    .find(|(ours, theirs)| ours != theirs);
                failed.push(format!(
                    "{}: {} to {} commands, {pairs:?}",
                    case.id,
                    ours.len(),
                    theirs.len()
                ));
            }
        }
    }
    println!("{label}: {alike} streams alike");
    assert!(
        failed.is_empty(),
        "{} differ:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// Our stream for a tree in memory.
pub(crate) fn commands(files: &MemoryFiles, expand: &dyn Fn(&str) -> Vec<String>) -> Vec<Json> {
    let tree = Tree::find(files, Some(Path::new(ROOT)), Manner::Fail2ban);
    let (commands, _) = dump(files, &tree, expand);
    commands
        .into_iter()
        .map(|command| json(Item::List(command)))
        .collect()
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

/// Log files sorted, and the texts of errors, which are ours, left out.
fn normal(mut commands: Vec<Json>) -> Vec<Json> {
    for command in &mut commands {
        if command[0] == "config-error" {
            let text = command[1].as_str().unwrap().split(':').next().unwrap();
            command[1] = text.into();
        }
    }
    let is_log = |command: &Json| command[2] == "addlogpath";
    for group in commands.chunk_by_mut(|a, b| is_log(a) && is_log(b)) {
        group.sort_by_key(Json::to_string);
    }
    commands
}
