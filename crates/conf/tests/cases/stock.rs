//! The stock trees, one jail after the other: only sums of what fail2ban's client sends are known.

use crate::facts::BOOLS;
use crate::recorded::{MARK, ROOT, lines, shared, tree};
use conf::{ActionSpec, Choice, JailSpec, Manner, MemoryFiles, Tree, UseDns, Value, load};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use std::path::Path;

/// Commands whose values are times as written: specs hold them in seconds.
const TIMES: [&str; 2] = ["findtime", "bantime"];

#[test]
fn stock_jails_of_master_are_sent_alike() {
    judge("master");
}

#[test]
fn stock_jails_of_debian_are_sent_alike() {
    judge("debian-1.0.2");
}

fn judge(label: &str) {
    let Some(shared) = shared() else {
        println!("SKIPPED: no stock trees beside the workspace");
        return;
    };
    let dir = shared.join("trees").join(label);
    let mut failed = Vec::new();
    let mut compared = 0;
    for line in lines(&shared.join(format!("config-cases/stock.{label}.jsonl"))) {
        let mut files = tree(&dir, &|path| !path.ends_with("jail.d"));
        let local = line["jail_local"].as_str().unwrap().replace(MARK, ROOT);
        files.insert(Path::new(ROOT).join("jail.local"), local);
        let ours = commands(&files, &mut failed);
        for theirs in line["commands"].as_array().unwrap() {
            let (word, option) = (
                theirs["head"][0].as_str().unwrap(),
                theirs["head"][2].as_str(),
            );
            let is_about_jail = word == "add" || theirs["head"][1] == ours[0][1];
            if !is_about_jail
                || word == "start"
                || option.is_some_and(|option| TIMES.contains(&option))
            {
                continue;
            }
            compared += 1;
            if !ours
                .iter()
                .any(|ours| is_alike(theirs, ours, label != "master"))
            {
                let alike: Vec<&Json> = ours
                    .iter()
                    .filter(|ours| ours[2] == theirs["head"][2])
                    .collect();
                failed.push(format!("{}: ours {alike:?}", theirs["head"]));
            }
        }
    }
    println!("{label}: {compared} commands");
    assert!(
        failed.is_empty(),
        "{} differ:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

/// Every jail of the stock trees can be used, as it stands.
#[test]
fn no_stock_jail_is_broken() {
    let Some(shared) = shared() else {
        println!("SKIPPED: no stock trees beside the workspace");
        return;
    };
    for label in ["master", "debian-1.0.2"] {
        let files = tree(&shared.join("trees").join(label), &|_| true);
        let tree = Tree::find(&files, Some(Path::new(ROOT)), Manner::Stockade);
        let (config, found) = load(&files, &tree, Choice::All);
        assert_eq!(found, [], "{label}");
        let broken: Vec<String> = config
            .broken
            .iter()
            .map(|(_, fault)| fault.to_string())
            .collect();
        assert!(broken.is_empty(), "{label}: {}", broken.join("\n"));
        println!("{label}: {} jails", config.jails.len());
        assert!(config.jails.len() > 60);
    }
}

/// What would be sent for the only jail that runs.
fn commands(files: &MemoryFiles, failed: &mut Vec<String>) -> Vec<Json> {
    let tree = Tree::find(files, Some(Path::new(ROOT)), Manner::Fail2ban);
    let (config, found) = load(files, &tree, Choice::Enabled);
    failed.extend(found.iter().map(ToString::to_string));
    failed.extend(config.broken.iter().map(|(_, fault)| fault.to_string()));
    config.jails.iter().flat_map(of_jail).collect()
}

fn of_jail(spec: &JailSpec) -> Vec<Json> {
    let name = spec.name.as_str();
    let text = |value: &Option<Value>| {
        value
            .as_ref()
            .map_or("", |value| value.text.as_str())
            .to_owned()
    };
    let texts = |values: &[Value]| {
        values
            .iter()
            .map(|value| value.text.clone())
            .collect::<Vec<_>>()
    };
    let usedns = match spec.filter.usedns {
        UseDns::Yes => "yes",
        UseDns::Warn => "warn",
        UseDns::No => "no",
        UseDns::Raw => "raw",
    };
    let mut commands = vec![
        json!(["add", name, spec.backend.value.text]),
        json!(["set", name, "usedns", usedns]),
        json!(["set", name, "maxlines", spec.filter.maxlines]),
        json!(["set", name, "prefregex", text(&spec.filter.prefregex)]),
        json!(["set", name, "datepattern", text(&spec.filter.datepattern)]),
        json!(["set", name, "maxretry", spec.maxretry]),
        json!(["set", name, "maxmatches", spec.maxmatches]),
        json!(["set", name, "ignorecommand", text(&spec.ignorecommand)]),
        json!(["set", name, "logencoding", spec.logencoding.text]),
    ];
    for (option, list) in [
        ("addfailregex", &spec.filter.failregex),
        ("addignoreregex", &spec.filter.ignoreregex),
    ] {
        commands.push(match list.as_slice() {
            [only] => json!(["set", name, option, only.text]),
            list => json!(["multi-set", name, option, texts(list)]),
        });
    }
    for line in &spec.filter.journalmatch {
        let mut command = vec!["set", name, "addjournalmatch"];
        command.extend(line.text.split_whitespace());
        commands.push(json!(command));
    }
    for log in &spec.logpath {
        commands.push(json!([
            "set",
            name,
            "addlogpath",
            log.pattern,
            if log.tail { "tail" } else { "head" }
        ]));
    }
    commands.extend(
        spec.actions
            .iter()
            .flat_map(|action| of_action(name, action)),
    );
    commands
}

fn of_action(jail: &str, action: &ActionSpec) -> [Json; 2] {
    let value = |key: &str, text: &str| match BOOLS.contains(&key) {
        true => json!(matches!(
            text.to_lowercase().as_str(),
            "1" | "on" | "true" | "yes"
        )),
        false => json!(text),
    };
    let pairs: Vec<Json> = action
        .params
        .iter()
        .map(|(key, text)| json!([key, value(key, text)]))
        .collect();
    [
        json!(["set", jail, "addaction", action.actname]),
        json!(["multi-set", jail, "action", action.actname, pairs]),
    ]
}

fn is_alike(theirs: &Json, ours: &Json, is_old: bool) -> bool {
    if (0..3).any(|n| theirs["head"][n] != ours[n]) {
        return false;
    }
    let Some(items) = theirs["items_sha256"].as_array() else {
        return theirs["sha256"] == sum(ours);
    };
    let theirs: Vec<&str> = items.iter().map(|item| item.as_str().unwrap()).collect();
    let pairs = ours.as_array().unwrap().last().unwrap().as_array().unwrap();
    let ours: Vec<String> = pairs.iter().map(sum).collect();
    // The order of rules matters, that of an action's options does not.
    let is_listed = |sum: &str| ours.iter().any(|our| our == sum);
    let missing = theirs.iter().filter(|sum| !is_listed(sum)).count();
    let is_conditional = |pair: &&Json| pair[0].as_str().is_some_and(|key| key.contains('?'));
    // 1.0.2 does not give an argument to the conditional twins.
    let excused = if is_old {
        pairs.iter().filter(is_conditional).count()
    } else {
        0
    };
    theirs == ours
        || (pairs.iter().all(Json::is_array) && theirs.len() == ours.len() && missing <= excused)
}

/// SHA-256 of a value in Python's compact, pure ASCII form.
fn sum(value: &Json) -> String {
    let mut text = String::new();
    for c in value.to_string().replace(ROOT, MARK).chars() {
        match c {
            ' '..='~' => text.push(c),
            _ => text.extend(
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            ),
        }
    }
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
