//! `set J OPTION …` and `get J OPTION` for what a jail has once: one row for each option (behaviour §6.4).
//!
//! A change answers with the value as it is then, as fail2ban's server does.

use super::words::{count, flag, int, is_true, number, seconds, text};
use super::{Configured, fault, written};
use base::{Span, parse_seconds};
use conf::{BackendSpec, Increment, LogPath, Value as Written, parse_call};
use detect::Encoding;
use engine::formula::{self, Formula};
use std::collections::BTreeMap;
use wire::fail2ban::{Exception, Value};

/// Names of backends that fail2ban knows; one of them is long gone from it.
const BACKENDS: [&str; 5] = ["auto", "pyinotify", "gamin", "polling", "systemd"];
/// What an encoding that is left to the machine is called: our servers speak UTF-8.
const USUAL_ENCODING: &str = "UTF-8";

impl Configured {
    /// `get J OPTION`; none for an option that is not of this kind.
    pub(super) fn option(&self, name: &str) -> Option<Value> {
        let spec = &self.spec;
        Some(match name {
            "bantime" => spec.bantime.map_or(Value::Int(-1), whole),
            "findtime" => whole(spec.findtime),
            "maxretry" => Value::Int(spec.maxretry.into()),
            "maxmatches" => Value::Int(spec.maxmatches.into()),
            "ignoreself" => Value::Bool(spec.ignoreself),
            "ignorecommand" => match &spec.ignorecommand {
                Some(command) => Value::from(command.text.as_str()),
                None => Value::Bool(false),
            },
            "ignorecache" => cache(spec.ignorecache.as_ref()),
            "logencoding" => match spec.logencoding.text.as_str() {
                "auto" => Value::from(USUAL_ENCODING),
                name => Value::from(name),
            },
            "ignoreip" => self.ignored(),
            "logpath" => {
                let logs = spec.logpath.iter().map(|log| log.pattern.as_str());
                Value::list(logs)
            }
            "idle" => Value::Bool(self.is_idle),
            name => {
                let name = name.strip_prefix("bantime.")?;
                self.growth.get(name).cloned().unwrap_or(Value::None)
            }
        })
    }

    /// `set J OPTION VALUE`; `words` begins with the option. False for an option that is not of this kind.
    pub(super) fn set_option(&mut self, name: &str, words: &[Value]) -> Result<bool, Exception> {
        let spec = &mut self.spec;
        match name {
            "idle" => {
                self.is_idle = match text(words, 1)?.as_str() {
                    "on" => true,
                    "off" => false,
                    _ => {
                        return Err(fault::exception(
                            "Invalid idle option, must be 'on' or 'off'",
                        ));
                    }
                }
            }
            "bantime" => {
                let seconds = seconds(words, 1)?.value;
                spec.bantime = (seconds >= 0.0).then(|| Span::from_secs_f64(seconds.trunc()));
            }
            "findtime" => spec.findtime = Span::from_secs_f64(seconds(words, 1)?.value),
            "maxretry" => spec.maxretry = count(words, 1)?,
            "maxmatches" => spec.maxmatches = count(words, 1)?,
            "ignoreself" => spec.ignoreself = flag(words, 1)?,
            "ignorecommand" => spec.ignorecommand = Some(written(&text(words, 1)?)),
            "ignorecache" => {
                let text = text(words, 1)?;
                if !text.is_empty() && cache_call(&text).is_none() {
                    let wrong = format!("expected option, wrong syntax at 0: {text}");
                    return Err(fault::value(wrong));
                }
                spec.ignorecache = (!text.is_empty()).then(|| written(&text));
            }
            "logencoding" => {
                let name = text(words, 1)?;
                Encoding::parse(&name).map_err(|_| fault::encoding(&name))?;
                spec.logencoding = written(&name);
            }
            "addignoreip" => self.ignore(words)?,
            "delignoreip" => self.heed(&text(words, 1)?)?,
            "addlogpath" => self.add_log(words)?,
            "dellogpath" => {
                let path = text(words, 1)?;
                spec.logpath.retain(|log| log.pattern != path);
            }
            name => match name.strip_prefix("bantime.") {
                Some(option) => self.grow(option, words)?,
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    /// Names and networks come before addresses, as where fail2ban keeps them apart.
    fn ignored(&self) -> Value {
        let texts = self
            .spec
            .ignoreip
            .iter()
            .map(|entry| canonical(&entry.text));
        let (mut lists, mut addresses) = (Vec::new(), Vec::new());
        for text in texts {
            let is_address = text.parse::<std::net::IpAddr>().is_ok();
            let list = if is_address {
                &mut addresses
            } else {
                &mut lists
            };
            if !list.contains(&text) {
                list.push(text);
            }
        }
        Value::list(lists.into_iter().chain(addresses))
    }

    fn ignore(&mut self, words: &[Value]) -> Result<(), Exception> {
        text(words, 1)?;
        for word in &words[1..] {
            let word = word.to_string();
            let is_new = |entry: &Written| canonical(&entry.text) != canonical(&word);
            if !word.is_empty() && self.spec.ignoreip.iter().all(is_new) {
                self.spec.ignoreip.push(written(&word));
            }
        }
        Ok(())
    }

    fn heed(&mut self, word: &str) -> Result<(), Exception> {
        let before = self.spec.ignoreip.len();
        let entries = &mut self.spec.ignoreip;
        entries.retain(|entry| canonical(&entry.text) != canonical(word));
        match entries.len() < before {
            true => Ok(()),
            false => Err(fault::value("list.remove(x): x not in list")),
        }
    }

    fn add_log(&mut self, words: &[Value]) -> Result<(), Exception> {
        let path = text(words, 1)?;
        let tail = match words.get(2).map(ToString::to_string).as_deref() {
            None | Some("head") => false,
            Some("tail") => true,
            Some(_) => return Err(fault::value("File option must be 'head' or 'tail'")),
        };
        if self.spec.logpath.iter().all(|log| log.pattern != path) {
            self.spec.logpath.push(LogPath {
                origin: written(&path).origin,
                pattern: path,
                tail,
            });
        }
        Ok(())
    }

    fn grow(&mut self, option: &str, words: &[Value]) -> Result<(), Exception> {
        let given = text(words, 1)?;
        let growth = &mut self.spec.increment;
        let mut shown = Value::from(given.as_str());
        match option {
            "increment" => {
                growth.enabled = is_true(&given);
                shown = Value::Bool(growth.enabled);
            }
            "overalljails" => {
                growth.overalljails = is_true(&given);
                shown = words[1].clone();
            }
            "maxtime" | "rndtime" => {
                let time = seconds(words, 1)?;
                shown = number(time);
                let place = match option {
                    "maxtime" => &mut growth.maxtime,
                    _ => &mut growth.rndtime,
                };
                *place = Some(written(&given));
            }
            "factor" => {
                let wrong = |error| Exception::new("ValueError", format!("{error}"));
                formula::factor(&given, 0).map_err(wrong)?;
                growth.factor = Some(written(&given));
            }
            "formula" => {
                let wrong = |error| Exception::new("SyntaxError", format!("{error}"));
                if !given.trim().is_empty() {
                    Formula::parse(given.trim()).map_err(wrong)?;
                }
                growth.formula = Some(written(&given));
            }
            "multipliers" => {
                for word in given.split_whitespace() {
                    int(&[Value::from(word)], 0)?;
                }
                growth.multipliers = Some(written(&given));
            }
            _ => {}
        }
        self.growth.insert(option.to_owned(), shown);
        Ok(())
    }
}

/// What a configuration that was read would have given.
pub(super) fn growth_of(increment: &Increment) -> BTreeMap<String, Value> {
    let text =
        |value: &Option<Written>| value.as_ref().map(|value| Value::from(value.text.as_str()));
    let time = |value: &Option<Written>| {
        let text = &value.as_ref()?.text;
        Some(parse_seconds(text).map_or_else(|_| Value::from(text.as_str()), number))
    };
    let rows = [
        ("increment", increment.enabled.then_some(Value::Bool(true))),
        ("factor", text(&increment.factor)),
        ("formula", text(&increment.formula)),
        ("multipliers", text(&increment.multipliers)),
        ("maxtime", time(&increment.maxtime)),
        ("rndtime", time(&increment.rndtime)),
        (
            "overalljails",
            increment.overalljails.then_some(Value::Bool(true)),
        ),
    ];
    let given = rows
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    given.collect()
}

/// `add J BACKEND`.
pub(super) fn backend(text: &str) -> Result<BackendSpec, Exception> {
    let (name, options) = parse_call(text)
        .map_err(|_| fault::value(format!("expected option, wrong syntax at 0: {text}")))?;
    let name = name.trim().to_lowercase();
    if !BACKENDS.contains(&name.as_str()) {
        let known = Value::list(BACKENDS[1..].iter().copied()).repr();
        return Err(fault::value(format!(
            "Unknown backend {name}. Must be among {known} or 'auto'"
        )));
    }
    Ok(BackendSpec {
        // One that nobody has any more.
        name: if name == "gamin" {
            "polling".into()
        } else {
            name
        },
        options,
        value: written(text),
    })
}

fn whole(span: Span) -> Value {
    let seconds = span.as_secs_f64();
    match seconds.fract() == 0.0 {
        true => Value::Int(seconds as i64),
        false => Value::Float(seconds),
    }
}

fn canonical(entry: &str) -> String {
    match entry.parse::<base::Prefix>() {
        Ok(prefix) => prefix.to_string(),
        Err(_) => entry.to_owned(),
    }
}

/// The key of `ignorecache`, its number of entries and their seconds.
fn cache(value: Option<&Written>) -> Value {
    let call = value.and_then(|value| cache_call(&value.text));
    let Some(options) = call else {
        return Value::None;
    };
    let of = |name: &str| {
        options
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, text)| text)
    };
    let most = of("max-count")
        .and_then(|text| text.parse().ok())
        .unwrap_or(100);
    let age = of("max-time").and_then(|text| parse_seconds(text).ok());
    Value::List(vec![
        of("key")
            .map(|key| Value::from(key.as_str()))
            .unwrap_or(Value::None),
        Value::Int(most),
        age.map_or(Value::Int(300), number),
    ])
}

fn cache_call(text: &str) -> Option<Vec<(String, String)>> {
    let (_, options) = parse_call(&format!("cache[{text}]")).ok()?;
    (!options.is_empty()).then_some(options)
}

/// `set J maxlines N`.
pub(super) fn lines(words: &[Value]) -> Result<u32, Exception> {
    let number = int(words, 1)?;
    let wrong = || fault::value("maxlines must be integer greater than zero");
    u32::try_from(number)
        .ok()
        .filter(|lines| *lines > 0)
        .ok_or_else(wrong)
}
