//! What can be compared of a jail, once from fail2ban's commands and once from our specs.
//!
//! An option that is unset has no command: it stands here with the default that the server would take.

use crate::glob;
use conf::{ActionSpec, Config, JailSpec, UseDns, Value};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Facts by name, each as one line of text.
pub(crate) type Jail = BTreeMap<String, String>;

/// All jails that run.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) jails: BTreeMap<String, Jail>,
}

/// What a jail is before any option is set.
const DEFAULTS: [(&str, &str); 9] = [
    ("usedns", "warn"),
    ("maxlines", "1"),
    ("maxretry", "3"),
    ("maxmatches", "5"),
    ("findtime", "600"),
    ("bantime", "600"),
    ("ignoreself", "true"),
    ("bantime.increment", "false"),
    ("bantime.overalljails", "false"),
];

/// Options of an action that are yes or no.
pub(crate) const BOOLS: [&str; 3] = [
    "actionstart_on_demand",
    "actionrepair_on_unban",
    "norestored",
];

impl Facts {
    pub(crate) fn of_commands(commands: &[Json]) -> Self {
        let mut facts = Self::default();
        let mut lists: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for command in commands {
            let part = |n: usize| command[n].as_str().unwrap_or_default();
            let name = part(1).to_owned();
            match part(0) {
                "add" => {
                    let mut jail: Jail =
                        DEFAULTS.map(|(key, text)| (key.into(), text.into())).into();
                    jail.insert("backend".into(), part(2).into());
                    facts.jails.insert(name, jail);
                }
                "set" | "multi-set" => {
                    let Some(jail) = facts.jails.get_mut(&name) else {
                        continue;
                    };
                    let key = part(2).to_owned();
                    let list = match (part(0), key.as_str()) {
                        ("multi-set", "action") => {
                            for pair in command[4].as_array().unwrap() {
                                let key =
                                    format!("action {} {}", part(3), pair[0].as_str().unwrap());
                                jail.insert(key, plain("", &pair[1]));
                            }
                            continue;
                        }
                        ("multi-set", _) => command[3].as_array().unwrap().clone(),
                        (_, "addaction") => {
                            jail.insert(format!("action {}", part(3)), arguments(part(5)));
                            continue;
                        }
                        (_, "addlogpath" | "addjournalmatch" | "addignoreip") => {
                            let words: Vec<&str> = command.as_array().unwrap()[3..]
                                .iter()
                                .filter_map(Json::as_str)
                                .collect();
                            vec![json!(words.join(if key == "addignoreip" {
                                "\n"
                            } else {
                                " "
                            }))]
                        }
                        (_, "addfailregex" | "addignoreregex") => vec![command[3].clone()],
                        _ => {
                            jail.insert(key.clone(), plain(&key, &command[3]));
                            continue;
                        }
                    };
                    let texts = list.iter().map(|text| text.as_str().unwrap().to_owned());
                    lists.entry((name, key)).or_default().extend(texts);
                }
                _ => {}
            }
        }
        for ((name, key), mut texts) in lists {
            if key == "addlogpath" {
                texts.sort();
            }
            facts
                .jails
                .get_mut(&name)
                .unwrap()
                .insert(key, texts.join("\n"));
        }
        for jail in facts.jails.values_mut() {
            jail.retain(|key, text| key != "logencoding" || text != "auto");
            jail.retain(|key, text| !text.is_empty() || key.starts_with("action "));
        }
        facts
    }

    pub(crate) fn of_config(config: &Config, files: &[String]) -> Self {
        let jails = config
            .jails
            .iter()
            .map(|jail| (jail.name.as_str().to_owned(), of_spec(jail, files)));
        Self {
            jails: jails.collect(),
        }
    }
}

/// Named arguments of a Python action, sorted.
fn arguments(text: &str) -> String {
    let pairs: BTreeMap<String, Json> = serde_json::from_str(text).unwrap_or_default();
    if text.is_empty() {
        String::new()
    } else {
        json!(pairs).to_string()
    }
}

/// A value of a command in the form of `of_spec`.
fn plain(key: &str, value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    };
    let seconds =
        || base::parse_duration(&text).map_or_else(|_| text.clone(), |seconds| seconds.to_string());
    match key {
        "findtime" => seconds(),
        "bantime" => match base::parse_duration(&text) {
            Ok(seconds) if seconds < 0.0 => "ever".into(),
            _ => seconds(),
        },
        "usedns" => text.to_lowercase(),
        _ => text,
    }
}

fn of_spec(spec: &JailSpec, files: &[String]) -> Jail {
    let text = |value: &Option<Value>| {
        value
            .as_ref()
            .map(|value| value.text.clone())
            .unwrap_or_default()
    };
    let lines = |values: &[Value]| {
        values
            .iter()
            .map(|value| value.text.as_str())
            .collect::<Vec<_>>()
            .join("\n")
    };
    let filter = &spec.filter;
    let usedns = match filter.usedns {
        UseDns::Yes => "yes",
        UseDns::Warn => "warn",
        UseDns::No => "no",
        UseDns::Raw => "raw",
    };
    let growth = &spec.increment;
    let facts = [
        ("backend", spec.backend.value.text.clone()),
        ("usedns", usedns.into()),
        ("maxlines", filter.maxlines.to_string()),
        ("prefregex", text(&filter.prefregex)),
        ("addfailregex", lines(&filter.failregex)),
        ("addignoreregex", lines(&filter.ignoreregex)),
        ("datepattern", text(&filter.datepattern)),
        ("addjournalmatch", lines(&filter.journalmatch)),
        ("maxretry", spec.maxretry.to_string()),
        ("maxmatches", spec.maxmatches.to_string()),
        ("findtime", spec.findtime.as_secs_f64().to_string()),
        (
            "bantime",
            spec.bantime
                .map_or("ever".into(), |span| span.as_secs().to_string()),
        ),
        ("bantime.increment", growth.enabled.to_string()),
        ("bantime.factor", text(&growth.factor)),
        ("bantime.formula", text(&growth.formula)),
        ("bantime.multipliers", text(&growth.multipliers)),
        ("bantime.maxtime", text(&growth.maxtime)),
        ("bantime.rndtime", text(&growth.rndtime)),
        ("bantime.overalljails", growth.overalljails.to_string()),
        ("ignoreself", spec.ignoreself.to_string()),
        ("addignoreip", lines(&spec.ignoreip)),
        ("ignorecommand", text(&spec.ignorecommand)),
        ("ignorecache", text(&spec.ignorecache)),
        ("logtimezone", text(&filter.logtimezone)),
        (
            "logencoding",
            if spec.logencoding.text == "auto" {
                String::new()
            } else {
                spec.logencoding.text.clone()
            },
        ),
        ("addlogpath", logs(spec, files)),
    ];
    let mut jail: Jail = facts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(key, text)| (key.into(), text))
        .collect();
    for action in &spec.actions {
        let facts = of_action(action);
        jail.extend(
            facts
                .into_iter()
                .map(|(key, text)| (format!("action {}{key}", action.actname), text)),
        );
    }
    jail
}

/// The files there are that the patterns match; a pattern without files is not sent.
fn logs(spec: &JailSpec, files: &[String]) -> String {
    let mut found: Vec<String> = Vec::new();
    for log in spec
        .logpath
        .iter()
        .filter(|_| !spec.backend.value.text.starts_with("systemd"))
    {
        let word = if log.tail { "tail" } else { "head" };
        let matching = files
            .iter()
            .filter(|file| glob::matches(&log.pattern, file));
        found.extend(matching.map(|file| format!("{file} {word}")));
    }
    found.sort();
    found.join("\n")
}

fn of_action(action: &ActionSpec) -> Vec<(String, String)> {
    if action.name.ends_with(".py") {
        let arguments: BTreeMap<&String, &String> = action
            .params
            .iter()
            .filter(|(key, _)| *key != "actname" && *key != "name")
            .collect();
        return vec![(String::new(), serde_json::to_string(&arguments).unwrap())];
    }
    let mut facts = vec![(String::new(), String::new())];
    facts.extend(action.params.iter().map(|(key, text)| {
        let is_true = matches!(text.to_lowercase().as_str(), "1" | "on" | "true" | "yes");
        let text = if BOOLS.contains(&key.as_str()) {
            is_true.to_string()
        } else {
            text.clone()
        };
        (format!(" {key}"), text)
    }));
    facts
}
