//! Filters: lines in order to one fresh detector, what it finds in each.
//!
//! Asked twice: all that any failregex says (`all`), and what the daemon would count (`first`); each has a state of
//! its own. Host names stay ids, dates are as they are.

use super::{Trees, call, seconds, start_year, surroundings};
use base::{FailureId, Family};
use detect::{Clock, Detector, Failure, Finding, Line, Rule, RuleSource, UseDns};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

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
        let mut inspecting = Detector::timeless(rule.clone());
        let mut counting = Detector::timeless(rule);
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
            let (mut found, mut counted) = (Vec::new(), Vec::new());
            inspecting.inspect(&line, &clock, &mut found);
            counting.feed(&line, &clock, &mut counted);
            if !found.is_empty() || !counted.is_empty() {
                let undated = found.iter().any(|finding| !finding.dated);
                let timed = |mut shown: Value| {
                    if undated {
                        shown["time"] = Value::Null;
                    }
                    shown
                };
                let all: Vec<Value> = found.iter().map(finding).map(timed).collect();
                let first: Vec<Value> = counted.iter().map(failure).map(timed).collect();
                hits.insert(index.to_string(), json!({ "all": all, "first": first }));
            }
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
        let spec = self.trees.filter(task)?;
        let texts = |values: &'_ [conf::Value]| -> Vec<String> {
            values.iter().map(|value| value.text.clone()).collect()
        };
        let (fail, ignore) = (texts(&spec.failregex), texts(&spec.ignoreregex));
        let source = RuleSource {
            prefregex: spec.prefregex.as_ref().map(|value| value.text.as_str()),
            failregex: &fail.iter().map(String::as_str).collect::<Vec<_>>(),
            ignoreregex: &ignore.iter().map(String::as_str).collect::<Vec<_>>(),
            maxlines: spec.maxlines,
            datepattern: spec.datepattern.as_ref().map(|value| value.text.as_str()),
            logtimezone: None,
            // Names are not resolved here, whatever the filter says.
            usedns: UseDns::Warn,
            start_year: start_year(task)?,
        };
        Rule::compile(&source).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            errors.join("; ")
        })
    }
}

fn finding(finding: &Finding) -> Value {
    let mut shown = failure(&finding.failure);
    if !finding.has_subject {
        shown["id"] = Value::Null;
        shown["family"] = Value::Null;
    }
    shown["nofail"] = finding.harmless.into();
    shown
}

fn failure(failure: &Failure) -> Value {
    let (id, family) = match &failure.id {
        FailureId::Prefix(prefix) => match prefix.family() {
            Family::Inet4 => (prefix.to_string(), "inet4"),
            Family::Inet6 => (prefix.to_string(), "inet6"),
        },
        FailureId::Raw(text) => (text.to_string(), "raw"),
    };
    let groups = failure.captures.iter();
    let mut groups: Map<String, Value> = groups
        .map(|(name, text)| (name.clone(), text.as_str().into()))
        .collect();
    if !failure.users.is_empty() {
        groups.insert("users".into(), failure.users.clone().into());
    }
    json!({
        "regex": failure.rule,
        "id": id,
        "family": family,
        "time": seconds(failure.time),
        "groups": groups,
        "matches": failure.matches,
        "nofail": failure.captures.contains_key("nofail"),
    })
}
