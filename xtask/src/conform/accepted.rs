//! Differences that are meant: the rules of `conformance/accepted.toml`, and how many cases each excused.
//!
//! A rule never names a case. It says for which kind, label and field a predicate of this file excuses a difference,
//! and why that is right.

use super::Difference;
use crate::root;
use jiff::tz::TimeZone;
use serde_json::Value;
use std::fs;

/// One rule, and its use.
struct Rule {
    kind: String,
    /// Empty for every label.
    label: String,
    fields: Vec<String>,
    predicate: fn(&Difference) -> bool,
    reason: String,
    cases: u64,
    /// It excused something of the case at hand.
    used: bool,
}

pub(crate) struct Accepted {
    rules: Vec<Rule>,
}

impl Accepted {
    pub(crate) fn read() -> Result<Self, String> {
        let path = root().join("conformance/accepted.toml");
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let table: toml::Table = text
            .parse()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let rules = table.get("rule").and_then(toml::Value::as_array);
        let rules = rules.into_iter().flatten().map(rule);
        Ok(Self {
            rules: rules.collect::<Result<_, String>>()?,
        })
    }

    /// Whether a rule excuses the difference; its use is counted by [`count`](Self::count).
    pub(crate) fn excuses(&mut self, kind: &str, label: &str, difference: &Difference) -> bool {
        let fits = |rule: &&mut Rule| {
            rule.kind == kind
                && (rule.label.is_empty() || rule.label == label)
                && rule.fields.iter().any(|field| field == difference.field)
                && (rule.predicate)(difference)
        };
        match self.rules.iter_mut().find(fits) {
            Some(rule) => {
                rule.used = true;
                true
            }
            None => false,
        }
    }

    /// The case agrees: rules that excused something of it are counted.
    pub(crate) fn count(&mut self) {
        for rule in &mut self.rules {
            rule.cases += u64::from(std::mem::take(&mut rule.used));
        }
    }

    /// The case disagrees all the same.
    pub(crate) fn forget(&mut self) {
        for rule in &mut self.rules {
            rule.used = false;
        }
    }

    /// Rules that excused a case.
    pub(crate) fn excused(&self) -> impl Iterator<Item = (&str, u64)> {
        let used = self.rules.iter().filter(|rule| rule.cases > 0);
        used.map(|rule| (rule.reason.as_str(), rule.cases))
    }
}

fn rule(table: &toml::Value) -> Result<Rule, String> {
    let text = |key: &str| {
        let value = table.get(key).and_then(toml::Value::as_str);
        value
            .map(str::to_owned)
            .ok_or(format!("accepted.toml: a rule without '{key}'"))
    };
    let fields = table.get("fields").and_then(toml::Value::as_array);
    let fields: Vec<&str> = fields
        .into_iter()
        .flatten()
        .filter_map(toml::Value::as_str)
        .collect();
    let name = text("predicate")?;
    let predicate = PREDICATES.iter().find(|(known, _)| *known == name);
    Ok(Rule {
        kind: text("kind")?,
        label: text("label")?,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        predicate: predicate
            .ok_or(format!("accepted.toml: unknown predicate '{name}'"))?
            .1,
        reason: text("reason")?,
        cases: 0,
        used: false,
    })
}

type Predicate = fn(&Difference) -> bool;

const PREDICATES: &[(&str, Predicate)] = &[
    ("recorders-noon", recorders_noon),
    ("same-wall-time", same_wall_time),
    ("leading-colon", leading_colon),
    ("dash-in-date", dash_in_date),
    ("loopback-v6", loopback_v6),
    ("attempt-ignored", attempt_ignored),
    ("negative-findtime", negative_findtime),
    ("reference-followed", reference_followed),
    ("does-not-compile", does_not_compile),
    ("not-utf8", not_utf8),
    ("conditional-twin", conditional_twin),
];

/// Seconds by which the times differ; infinite if one is none.
fn apart(difference: &Difference) -> f64 {
    let times = difference.theirs.as_f64().zip(difference.ours.as_f64());
    times.map_or(f64::INFINITY, |(theirs, ours)| (theirs - ours).abs())
}

/// The recorder's built-in clock showed noon in every zone at one moment; that moves a time without a date by a day.
fn recorders_noon(difference: &Difference) -> bool {
    let is_time_only = difference.about["line"]["template"] == "{^LN-BEG}24hour:Minute:Second";
    is_time_only && difference.about["now"] == 1_124_013_600 && apart(difference) == 86_400.0
}

/// Which of two moments with one wall time was meant depended on what the recorder had converted before.
fn same_wall_time(difference: &Difference) -> bool {
    let zone = difference.about["tz"].as_str().unwrap_or_default();
    let Ok(zone) = TimeZone::get(zone).or_else(|_| TimeZone::posix(zone)) else {
        return false;
    };
    let wall = |time: &Value| {
        let time = jiff::Timestamp::from_second(time.as_f64()? as i64).ok()?;
        Some(zone.to_datetime(time))
    };
    apart(difference) > 0.0 && wall(&difference.theirs) == wall(&difference.ours)
}

/// The newer address pattern takes a text after a lone leading colon (`:::1`, `:ffff:1`), the older one does not.
fn leading_colon(difference: &Difference) -> bool {
    let line = difference.about.as_str().unwrap_or_default();
    let lone = |(at, _): (usize, &str)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + 1..];
        before.is_none_or(|c| !c.is_alphanumeric() && c != ':')
            && (after.starts_with("::") || after.starts_with(|c: char| c.is_ascii_hexdigit()))
    };
    line.match_indices(':').any(lone)
}

/// The older fail2ban counts an attempt told by hand also for whom the jail ignores.
fn attempt_ignored(difference: &Difference) -> bool {
    match difference.field {
        "events" => {
            difference.theirs.to_string().contains("] Attempt ")
                && difference.ours.to_string().contains("] Ignore ")
        }
        _ => difference.about["ops"]
            .as_array()
            .is_some_and(|ops| ops.iter().all(|op| op == "attempt")),
    }
}

/// `20220407-12:11:06` is a date since the newer fail2ban.
fn dash_in_date(difference: &Difference) -> bool {
    let line = difference.about["line"].as_str().unwrap_or_default();
    let digits = |text: &str, count| {
        text.chars().count() == count && text.chars().all(|c| c.is_ascii_digit())
    };
    line.match_indices('-').any(|(at, _)| {
        let (before, after) = (
            line[..at].get(at.saturating_sub(8)..),
            line[at + 1..].get(..2),
        );
        before.is_some_and(|text| digits(text, 8)) && after.is_some_and(|text| digits(text, 2))
    })
}

/// The newer release knows `::1` as an address of its own.
fn loopback_v6(difference: &Difference) -> bool {
    let shown = format!("{} {}", difference.theirs, difference.ours);
    shown.contains("::1 ") || shown.contains("\"::1\"")
}

/// A window that ends before it begins makes the original stumble over a failure, which is lost.
fn negative_findtime(difference: &Difference) -> bool {
    let jails = difference.about["jails"].as_object().into_iter().flatten();
    let mut times = jails.filter_map(|(_, jail)| jail["findtime"].as_f64());
    times.any(|findtime| findtime < 0.0)
}

/// The original refuses a configuration for a `known/` reference that is followed here.
fn reference_followed(difference: &Difference) -> bool {
    let about = &difference.about;
    let mut files = about["files"].as_object().into_iter().flatten();
    about["theirs"]["rc"] == 255
        && about["ours"]["dump"]["rc"] == 0
        && files.any(|(_, text)| text.as_str().is_some_and(|text| text.contains("%(known/")))
}

/// The test of a configuration that can be read fails, and says which expression of it cannot be compiled.
fn does_not_compile(difference: &Difference) -> bool {
    let ours = &difference.about["ours"];
    let mut log = ours["test"]["log"].as_array().into_iter().flatten();
    let says = |line: &Value| {
        let line = line.as_str().unwrap_or_default();
        line.contains("help: correct the line, or switch the jail off")
    };
    difference.theirs == 0 && ours["dump"]["rc"] == 0 && log.any(says)
}

/// The older release goes on without a file that it cannot read.
fn not_utf8(difference: &Difference) -> bool {
    let mut files = difference.about["files"].as_object().into_iter().flatten();
    files.any(|(_, content)| content["b64"].is_string())
}

/// The older release does not give an argument to the conditional twin of an option.
fn conditional_twin(difference: &Difference) -> bool {
    difference.ours.to_string().contains("?family=")
}
