//! `set J action …` and `get J action …`: the commands and parameters of a jail's actions.
//!
//! fail2ban lets a client call any method of its action objects; there are none here, so that a word that is no
//! property of an action sets one of that name, and the methods are only listed.

use super::words::{seconds, text};
use super::{Configured, fault, written};
use conf::ActionSpec;
use std::collections::{BTreeMap, BTreeSet};
use wire::fail2ban::{Exception, Value};

/// Properties that every command action of fail2ban has, the commands among them.
const COMMANDS: [&str; 9] = [
    "actionban",
    "actioncheck",
    "actionflush",
    "actionreban",
    "actionreload",
    "actionrepair",
    "actionstart",
    "actionstop",
    "actionunban",
];
/// Of the others, those that tell something.
const OTHERS: [&str; 4] = ["ESCAPE_CRE", "ESCAPE_VN_CRE", "banEpoch", "timeout"];
/// What fail2ban's action objects can be asked to do.
const METHODS: [&str; 15] = [
    "ban",
    "clearAllParams",
    "consistencyCheck",
    "escapeTag",
    "executeCmd",
    "flush",
    "invalidateBanEpoch",
    "prolong",
    "reban",
    "reload",
    "replaceDynamicTags",
    "replaceTag",
    "start",
    "stop",
    "unban",
];
/// Parameters that are the server's own business and none of the action.
const HIDDEN: [&str; 3] = [
    "actionstart_on_demand",
    "actionrepair_on_unban",
    "norestored",
];
/// Seconds that a command may take if nothing else is said.
const PATIENCE: i64 = 60;

impl Configured {
    /// `addaction NAME [FILE JSON]`; `words` begins with the option.
    pub(super) fn add_action(&mut self, words: &[Value]) -> Result<Value, Exception> {
        let actname = text(words, 1)?;
        if self.action(&actname).is_ok() {
            return Err(fault::value(format!("Action {actname} already exists")));
        }
        let name = match words.get(2) {
            Some(path) => stem(&path.to_string()).to_owned(),
            None => actname.clone(),
        };
        let params = match words.get(3) {
            Some(json) => arguments(&json.to_string())?,
            None => BTreeMap::new(),
        };
        self.spec.actions.push(ActionSpec {
            origin: written(&actname).origin,
            name,
            actname: actname.clone(),
            params,
            stock: None,
        });
        Ok(Value::from(actname))
    }

    /// `delaction NAME`.
    pub(super) fn delete_action(&mut self, words: &[Value]) -> Result<Value, Exception> {
        let name = text(words, 1)?;
        self.action(&name)?;
        self.spec.actions.retain(|action| action.actname != name);
        Ok(Value::None)
    }

    /// `action NAME PROPERTY VALUE`; `words` begins with the option.
    pub(super) fn set_action(&mut self, words: &[Value]) -> Result<Value, Exception> {
        let action = self.action_mut(&text(words, 1)?)?;
        let property = text(words, 2)?;
        if METHODS.contains(&property.as_str()) {
            return Err(fault::exception(format!(
                "'{property}' of an action cannot be called; use banip and unbanip"
            )));
        }
        set(action, &property, &words[2..])?;
        Ok(shown(action, &property).unwrap_or(Value::None))
    }

    /// `action NAME [[PROPERTY, VALUE], …]`; `words` begins with the option.
    pub(super) fn set_action_whole(&mut self, words: &[Value]) -> Result<(), Exception> {
        let action = self.action_mut(&text(words, 1)?)?;
        let pairs = words
            .get(2)
            .and_then(Value::items)
            .ok_or_else(fault::too_few)?;
        for pair in pairs {
            let pair = pair.items().ok_or_else(fault::too_few)?;
            set(action, &text(pair, 0)?, pair)?;
        }
        Ok(())
    }

    /// `actions`, `action NAME PROPERTY`, `actionproperties NAME`, `actionmethods NAME`.
    pub(super) fn actions(&self, words: &[Value]) -> Option<Result<Value, Exception>> {
        Some(match text(words, 0).ok()?.as_str() {
            "actions" => {
                let names = self.spec.actions.iter();
                Ok(Value::list(names.map(|action| action.actname.as_str())))
            }
            "action" => self.property(words),
            "actionproperties" => text(words, 1).and_then(|name| {
                let params = self.action(&name)?.params.keys().map(String::as_str);
                let params = params.filter(|name| !HIDDEN.contains(name));
                let all: BTreeSet<&str> = params.chain(COMMANDS).chain(OTHERS).collect();
                Ok(Value::list(all))
            }),
            "actionmethods" => text(words, 1).and_then(|name| {
                self.action(&name)?;
                Ok(Value::list(METHODS))
            }),
            _ => return None,
        })
    }

    fn property(&self, words: &[Value]) -> Result<Value, Exception> {
        let action = self.action(&text(words, 1)?)?;
        let property = text(words, 2)?;
        shown(action, &property).ok_or_else(|| fault::no_property(&property))
    }
}

/// Sets the property that the first word names to the second.
fn set(action: &mut ActionSpec, property: &str, words: &[Value]) -> Result<(), Exception> {
    let value = match (property, words.get(1)) {
        (_, None) => return Err(fault::too_few()),
        (_, Some(Value::None)) => {
            action.params.remove(property);
            return Ok(());
        }
        ("timeout", Some(_)) => seconds(words, 1)?.value.to_string(),
        (_, Some(value)) => value.to_string(),
    };
    action.params.insert(property.to_owned(), value);
    // What it stands for in the kernel is no more what it says: our own action is read again, and one of fail2ban's is
    // one with other commands from now on, which are run.
    if property != "timeout" {
        action.stock = None;
    }
    Ok(())
}

fn shown(action: &ActionSpec, property: &str) -> Option<Value> {
    let given = action.params.get(property);
    match property {
        "timeout" => {
            let seconds = given.and_then(|text| base::parse_seconds(text).ok());
            Some(seconds.map_or(Value::Int(PATIENCE), super::words::number))
        }
        name if HIDDEN.contains(&name) => None,
        name if COMMANDS.contains(&name) => Some(Value::from(given.map_or("", String::as_str))),
        _ => given.map(|text| Value::from(text.as_str())),
    }
}

fn stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a Python action is made with, as JSON.
fn arguments(json: &str) -> Result<BTreeMap<String, String>, Exception> {
    let parsed: Result<BTreeMap<String, serde_json::Value>, _> = serde_json::from_str(json);
    let pairs = parsed
        .map_err(|error| Exception::new("json.decoder.JSONDecodeError", error.to_string()))?;
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(pairs
        .into_iter()
        .map(|(key, value)| (key, text(value)))
        .collect())
}
