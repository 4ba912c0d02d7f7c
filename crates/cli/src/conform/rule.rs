//! Filters: lines in order to one fresh detector, what it finds in each.
//!
//! Asked twice: all that any failregex says (`all`), and what the daemon would count (`first`); each has a state of
//! its own. Host names stay ids, dates are as they are.

use super::{Trees, call, seconds, start_year, surroundings};
use base::{FailureId, Family};
use detect::{Asked, Clock, Detector, Explained, Explanation, Failure, Failures, Line, Rule};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// All that can be told of a line.
const EVERYTHING: Asked = Asked {
    every_failregex: true,
    captures: true,
};

/// The rules of this run, compiled once each.
pub(super) struct Rules<'a> {
    trees: &'a Trees,
    known: HashMap<String, Result<Arc<Rule>, String>>,
}

impl<'a> Rules<'a> {
    pub(super) fn new(trees: &'a Trees) -> Self {
        Self {
            trees,
            known: HashMap::new(),
        }
    }

    /// `{tree, filter, options, tz, now, start_year, lines: [text or {text, journal}]}` → `{hits: {index: {all,
    /// first}}}`: lines of which nothing is said are left out, and without a date stands no time.
    pub(super) fn answer(&mut self, task: &Value) -> Result<Value, String> {
        let rule = self.rule(task)?;
        let (now, zone) = surroundings(task)?;
        let clock = Clock {
            now,
            zone: &zone,
            in_operation: false,
        };
        let mut explaining = Detector::timeless(rule.clone());
        let mut counting = Detector::timeless(rule);
        let mut told = Explanation::default();
        let mut hits = Map::new();
        for (index, line) in task["lines"]
            .as_array()
            .ok_or("no list 'lines'")?
            .iter()
            .enumerate()
        {
            let line = match (line.as_str(), line["journal"].as_str()) {
                (Some(text), _) => Line::of_file(text),
                (None, Some(text)) => Line::of_journal(text, now),
                (None, None) => return Err("a line that is no text".into()),
            };
            let mut counted = Failures::default();
            explaining.explain(&line, &clock, EVERYTHING, &mut told);
            counting.feed(&line, &clock, &mut counted);
            if told.matches.is_empty() && counted.is_empty() {
                continue;
            }
            let undated = told.matches.iter().any(|one| one.time.is_none());
            let all: Vec<Value> = told.matches.iter().map(explained).collect();
            let first = counted.iter().map(|one| failure(one, undated));
            let first: Vec<Value> = first.collect();
            hits.insert(index.to_string(), json!({ "all": all, "first": first }));
        }
        Ok(json!({ "hits": hits }))
    }

    fn rule(&mut self, task: &Value) -> Result<Arc<Rule>, String> {
        let name = call(super::text(task, "filter")?, &task["options"])?;
        let key = format!("{}/{name}", super::text(task, "tree")?);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let compiled = self.compile(task).map(Arc::new);
        self.known.insert(key, compiled.clone());
        compiled
    }

    fn compile(&self, task: &Value) -> Result<Rule, String> {
        let filter = conf::FilterSpec {
            // Names are not resolved here, whatever the filter says.
            usedns: conf::UseDns::Warn,
            ..self.trees.filter(task)?
        };
        daemon::compile_filter(&filter, start_year(task)?).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            errors.join("; ")
        })
    }
}

fn explained(one: &Explained) -> Value {
    let captures = one.captures.iter();
    let groups = captures.filter_map(|(name, text)| Some((&**name, text.as_deref()?)));
    let mut shown = result(one.rule, &one.matches, groups, &one.users);
    if let Some(id) = &one.id {
        name(id, &mut shown);
    }
    shown["time"] = one.time.map(seconds).into();
    shown["nofail"] = one.harmless.into();
    shown
}

fn failure(one: &Failure, undated: bool) -> Value {
    let groups = one.captures.iter();
    let owned = |texts: &base::Texts| texts.iter().map(str::to_owned).collect::<Vec<_>>();
    let mut shown = result(one.rule, &owned(&one.matches), groups, &owned(&one.users));
    name(&one.id, &mut shown);
    shown["time"] = (!undated).then(|| seconds(one.time)).into();
    shown["nofail"] = one.captures.get("nofail").is_some().into();
    shown
}

/// What both have; as long as nobody is named it is about nobody.
fn result<'a>(
    rule: usize,
    matches: &[String],
    groups: impl Iterator<Item = (&'a str, &'a str)>,
    users: &[String],
) -> Value {
    let mut groups: Map<String, Value> = groups
        .map(|(name, text)| (name.to_owned(), text.into()))
        .collect();
    if !users.is_empty() {
        groups.insert("users".into(), users.into());
    }
    json!({ "regex": rule, "id": null, "family": null, "groups": groups, "matches": matches })
}

fn name(id: &FailureId, shown: &mut Value) {
    let family = match id {
        FailureId::Prefix(prefix) => match prefix.family() {
            Family::Inet4 => "inet4",
            Family::Inet6 => "inet6",
        },
        FailureId::Raw(_) => "raw",
    };
    shown["id"] = id.to_string().into();
    shown["family"] = family.into();
}
