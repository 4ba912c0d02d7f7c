//! `set J` and `get J` for what a jail looks for: expressions, date patterns, journal matches.
//!
//! What is said of an expression that cannot be used must name it, so each change compiles the filter at once.

use super::words::{int, text};
use super::{Configured, fault, options, written};
use crate::plan::compile_filter;
use conf::{FilterSpec, UseDns, Value as Written};
use detect::{Rule, RuleError, RulePart};
use wire::fail2ban::{Exception, Value};

/// Date patterns that are words.
const WORDS: [&str; 3] = ["EPOCH", "LONGEPOCH", "TAI64N"];
/// Any year will do: whether a pattern is sound, and what it is called, does not hang on it.
const SOME_YEAR: i32 = 2000;

impl Configured {
    /// `get J OPTION`; none for an option that is not of this kind.
    pub(super) fn rules(&self, name: &str) -> Option<Value> {
        let filter = &self.spec.filter;
        Some(match name {
            "prefregex" => {
                let rule = compiled(filter);
                let regex = rule.as_ref().and_then(Rule::prefregex);
                Value::from(regex.map_or("", |regex| regex.pattern()))
            }
            "failregex" => match compiled(filter) {
                Some(rule) => Value::list(rule.failregexes().map(|regex| regex.pattern())),
                None => as_written(&filter.failregex),
            },
            "ignoreregex" => match compiled(filter) {
                Some(rule) => Value::list(rule.ignoreregexes().map(|regex| regex.pattern())),
                None => as_written(&filter.ignoreregex),
            },
            "maxlines" => Value::Int(filter.maxlines.into()),
            "usedns" => Value::from(match filter.usedns {
                UseDns::Yes => "yes",
                UseDns::Warn => "warn",
                UseDns::No => "no",
                UseDns::Raw => "raw",
            }),
            "logtimezone" => {
                let zone = filter.logtimezone.as_ref();
                Value::from(zone.map(|zone| zone.text.as_str()))
            }
            "datepattern" => self.date_pattern(),
            "journalmatch" => {
                let matches = filter.journalmatch.iter();
                Value::List(
                    matches
                        .filter(|_| self.spec.backend.name == "systemd")
                        .map(|line| Value::list(line.text.split_whitespace()))
                        .collect(),
                )
            }
            _ => return None,
        })
    }

    /// Takes an expression as it is; whether it can be used is seen when the whole is compiled.
    pub(super) fn push_rule(&mut self, name: &str, words: &[Value]) -> Result<(), Exception> {
        let text = text(words, 1)?;
        let filter = &mut self.spec.filter;
        match name {
            "prefregex" => filter.prefregex = given(&text),
            "addfailregex" => filter.failregex.push(written(&text)),
            _ => filter.ignoreregex.push(written(&text)),
        }
        Ok(())
    }

    /// `set J OPTION …`; `words` begins with the option. False for an option that is not of this kind.
    pub(super) fn set_rules(&mut self, name: &str, words: &[Value]) -> Result<bool, Exception> {
        let mut filter = self.spec.filter.clone();
        match name {
            "prefregex" => filter.prefregex = given(&text(words, 1)?),
            "addfailregex" => filter.failregex.push(written(&text(words, 1)?)),
            "addignoreregex" => filter.ignoreregex.push(written(&text(words, 1)?)),
            "delfailregex" => remove(&mut filter.failregex, int(words, 1)?),
            "delignoreregex" => remove(&mut filter.ignoreregex, int(words, 1)?),
            "maxlines" => {
                filter.maxlines = options::lines(words)?;
                filter.maxlines_given = true;
            }
            "usedns" => {
                filter.usedns = match text(words, 1)?.to_ascii_lowercase().as_str() {
                    "yes" => UseDns::Yes,
                    "warn" => UseDns::Warn,
                    "raw" => UseDns::Raw,
                    _ => UseDns::No,
                }
            }
            "logtimezone" => filter.logtimezone = given(&text(words, 1)?),
            "datepattern" => filter.datepattern = given(&text(words, 1)?),
            "addjournalmatch" => filter.journalmatch.extend(matches(words)?),
            "deljournalmatch" => {
                let gone = matches(words)?;
                let lines = &mut filter.journalmatch;
                if words.len() < 2 {
                    lines.clear();
                }
                for line in gone {
                    let at = lines.iter().position(|known| known.text == line.text);
                    let Some(at) = at else {
                        return Err(fault::value("Match not found"));
                    };
                    lines.remove(at);
                }
            }
            _ => return Ok(false),
        }
        check(&filter, words.get(1))?;
        self.spec.filter = filter;
        Ok(true)
    }

    /// The pattern and what it is called.
    fn date_pattern(&self) -> Value {
        if self.spec.backend.name == "systemd" {
            return Value::None;
        }
        let filter = &self.spec.filter;
        let Some(pattern) = &filter.datepattern else {
            return Value::Tuple(vec![Value::None, Value::from("Default Detectors")]);
        };
        let text = pattern.text.as_str();
        let rule = compiled(filter);
        let name = rule.as_ref().and_then(|rule| rule.dates().title());
        Value::Tuple(vec![
            Value::from(Some(text).filter(|text| !WORDS.contains(text))),
            Value::from(name.unwrap_or("Default Detectors")),
        ])
    }
}

fn as_written(values: &[Written]) -> Value {
    Value::list(values.iter().map(|value| value.text.as_str()))
}

fn compiled(filter: &FilterSpec) -> Option<Rule> {
    compile_filter(filter, SOME_YEAR).ok()
}

fn given(text: &str) -> Option<Written> {
    (!text.is_empty()).then(|| written(text))
}

/// A place behind the last is none, and nothing is said of it; a negative one counts from the end.
fn remove(list: &mut Vec<Written>, at: i64) {
    let at = if at < 0 { at + list.len() as i64 } else { at };
    if let Some(at) = usize::try_from(at).ok().filter(|at| *at < list.len()) {
        list.remove(at);
    }
}

/// One line for each part between `+`.
fn matches(words: &[Value]) -> Result<Vec<Written>, Exception> {
    let texts: Vec<String> = words.iter().skip(1).map(ToString::to_string).collect();
    let fields = texts.iter().flat_map(|text| text.split_whitespace());
    let fields: Vec<&str> = fields.collect();
    let known = |field: &str| field == "+" || field.contains('=');
    if let Some(wrong) = fields.iter().find(|field| !known(field)) {
        return Err(fault::value(format!("not a valid match: {wrong}")));
    }
    let lines = fields.split(|field| *field == "+");
    let lines = lines.filter(|line| !line.is_empty());
    Ok(lines.map(|line| written(&line.join(" "))).collect())
}

/// What is wrong with the expressions, in the words of the class that clients know. One that names nobody is right
/// where the prefregex names somebody, and both come one after the other, so only what was given now is looked at.
fn check(filter: &FilterSpec, now: Option<&Value>) -> Result<(), Exception> {
    let Err(errors) = compile_filter(filter, SOME_YEAR) else {
        return Ok(());
    };
    let now = now.map(ToString::to_string).unwrap_or_default();
    let concerns = |error: &&RuleError| source(filter, error) == now;
    match errors.iter().find(concerns) {
        Some(error) => Err(told(error, &now)),
        None => Ok(()),
    }
}

fn source<'a>(filter: &'a FilterSpec, error: &RuleError) -> &'a str {
    let value = match error.part {
        RulePart::Prefregex => filter.prefregex.as_ref(),
        RulePart::Failregex(at) => filter.failregex.get(at),
        RulePart::Ignoreregex(at) => filter.ignoreregex.get(at),
        RulePart::Datepattern => filter.datepattern.as_ref(),
        RulePart::Logtimezone => filter.logtimezone.as_ref(),
    };
    value.map_or("", |value| value.text.as_str())
}

fn told(error: &RuleError, text: &str) -> Exception {
    let quoted = Value::from(text).repr();
    match error.part {
        RulePart::Datepattern => fault::value(format!("{} in {quoted}", error.message)),
        RulePart::Logtimezone => {
            fault::value(format!("Unknown or unsupported time zone: {quoted}"))
        }
        _ if error.lacks_id() => fault::regex(format!("No failure-id group in {quoted}")),
        _ => {
            let place = error.offset.map(|at| format!(" at position {at}"));
            let place = place.unwrap_or_default();
            fault::regex(format!(
                "Unable to compile regular expression {quoted}:\n{}{place}",
                error.message
            ))
        }
    }
}
