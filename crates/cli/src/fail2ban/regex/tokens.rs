//! What `-o` prints of each failure: a word for one value, or a text with tags.
//!
//! A tag that nobody knows stays as it is written, as do those that ask for what only a running jail has (`<bantime>`,
//! `<ipmatches>`). Values are put in once and never looked at for tags again.

use super::count::Found;
use super::python::{float, quoted};
use base::{FailureId, Prefix, Timestamp};
use std::fmt::Display;

/// What is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Id,
    Address,
    Lines,
    Row,
    Capture(String),
    Template(String),
}

impl Token {
    pub(super) fn of(text: &str) -> Self {
        match text {
            "id" | "fid" => Self::Id,
            "ip" => Self::Address,
            "msg" => Self::Lines,
            "row" => Self::Row,
            text if text.contains('<') => Self::Template(text.to_owned()),
            text => Self::Capture(text.to_owned()),
        }
    }

    /// Whether it needs more of a match than whom it is about.
    pub(super) fn needs_captures(&self) -> bool {
        !matches!(self, Self::Id | Self::Address)
    }

    /// Gives each line that is to be printed for a failure.
    pub(super) fn print<E>(
        &self,
        found: &Found<'_>,
        now: Timestamp,
        line: &mut dyn FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        match self {
            Self::Id => line(&id(found)),
            Self::Address => line(&address(found)),
            Self::Lines => found
                .explained
                .matches
                .iter()
                .try_for_each(|text| line(text)),
            Self::Row => line(&row(found)),
            Self::Capture(name) => line(&capture(found, name)),
            Self::Template(template) => {
                let parts = template.split(LINES);
                let parts = parts.map(|part| fill(part, |tag| value(found, tag, now)));
                let parts: Vec<String> = parts.collect();
                if let [whole] = parts.as_slice() {
                    return line(whole);
                }
                // It is printed once for each line.
                let mut lines = found.explained.matches.iter();
                lines.try_for_each(|text| line(&parts.join(text)))
            }
        }
    }
}

/// The tag for the lines of a failure.
const LINES: &str = "<msg>";

/// Puts values in place of tags.
fn fill(template: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let tag = rest[1..].find(['<', '>']).map(|end| &rest[1..=end]);
        let known = tag
            .filter(|tag| rest[1 + tag.len()..].starts_with('>'))
            .and_then(|tag| Some((tag.len() + 2, value(tag)?)));
        match known {
            Some((length, text)) => {
                out.push_str(&text);
                rest = &rest[length..];
            }
            None => {
                out.push('<');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn value(found: &Found<'_>, tag: &str, now: Timestamp) -> Option<String> {
    let prefix = || match (&found.explained.address, &found.id) {
        (Some(address), _) | (None, Some(FailureId::Prefix(address))) => Some(*address),
        _ => None,
    };
    Some(match tag {
        "fid" => id(found),
        "ip" => address(found),
        "family" => match prefix() {
            Some(prefix) if prefix.address().is_ipv4() => "inet4".to_owned(),
            Some(_) => "inet6".to_owned(),
            None => "None".to_owned(),
        },
        "ip-rev" => prefix().map(reversed).unwrap_or_default(),
        "ip-host" => {
            let name = prefix().and_then(|prefix| os::host_of(prefix.address()));
            name.unwrap_or_else(|| "None".to_owned())
        }
        "time" => time(found).unwrap_or_else(|| float(now.as_micros())),
        "matches" => found.explained.matches.join("\n"),
        // What a failure counts before a jail has counted it.
        "failures" | "bancount" | "restored" => "0".to_owned(),
        "F-*" => {
            let lines = found.explained.matches.iter().map(|line| quoted(line));
            let lines = lines.collect::<Vec<_>>().join(", ");
            let mut shown = vec![format!("'matches': [{lines}], 'failures': 0")];
            let captures = data(found).into_iter();
            let held = captures.filter(|(_, text)| text != "None");
            shown.extend(held.map(|(name, text)| format!("{}: {text}", quoted(&name))));
            format!("{{{}}}", shown.join(", "))
        }
        tag => {
            let name = tag.strip_prefix("F-")?;
            let is_upper =
                |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_-".contains(c);
            if name.is_empty() || !name.chars().all(is_upper) {
                return None;
            }
            // Two tags make groups of other names.
            let group = match name {
                "ID" => "fid".to_owned(),
                "PORT" => "fport".to_owned(),
                name => name.to_ascii_lowercase(),
            };
            held(found, &group).unwrap_or_default()
        }
    })
}

/// `['1.2.3.4',⇥1795392002.0,⇥{'user': 'x'}],`
fn row(found: &Found<'_>) -> String {
    let who = match &found.id {
        None => "None".to_owned(),
        Some(id) if is_tuple(found, "fid") => id.to_string(),
        Some(id) => quoted(&id.to_string()),
    };
    let time = time(found).unwrap_or_else(|| "None".to_owned());
    let data = data(found).into_iter();
    let data = data.map(|(name, text)| format!("{}: {text}", quoted(&name)));
    let data = data.collect::<Vec<_>>().join(", ");
    format!("[{who},\t{time},\t{{{data}}}],")
}

/// Everything captured, as Python shows it, in order.
fn data(found: &Found<'_>) -> Vec<(String, String)> {
    let explained = found.explained;
    let mut data = Vec::new();
    for (name, text) in &explained.captures {
        let shown = match text {
            None if **name == *"users" => users(found),
            None => "None".to_owned(),
            Some(text) if is_tuple(found, name) => text.clone(),
            Some(text) => quoted(text),
        };
        data.push((name.as_ref().to_owned(), shown));
    }
    if let (Some(address), Some(id)) = (&explained.address, &found.id)
        && *id != FailureId::Prefix(*address)
    {
        data.push(("ip".to_owned(), quoted(&address.to_string())));
    }
    data
}

/// A text that was joined of several groups is one of a tuple.
fn is_tuple(found: &Found<'_>, name: &str) -> bool {
    let of_tuple = match name {
        "fid" => "tuple_id".to_owned(),
        "fport" => "tuple_port".to_owned(),
        name => format!("tuple_{name}"),
    };
    found
        .explained
        .captures
        .iter()
        .any(|(known, _)| known.starts_with(&of_tuple))
}

fn users(found: &Found<'_>) -> String {
    if found.explained.users.is_empty() {
        return "set()".to_owned();
    }
    let users = found.explained.users.iter().map(|user| quoted(user));
    format!("{{{}}}", users.collect::<Vec<_>>().join(", "))
}

fn id(found: &Found<'_>) -> String {
    shown(found.id.as_ref())
}

fn address(found: &Found<'_>) -> String {
    match &found.explained.address {
        Some(address) => address.to_string(),
        None => id(found),
    }
}

fn shown(text: Option<&impl Display>) -> String {
    text.map_or_else(|| "None".to_owned(), ToString::to_string)
}

/// A capture by its name, or what it is called in tags of the same name.
fn held(found: &Found<'_>, name: &str) -> Option<String> {
    if name == "users"
        && found
            .explained
            .captures
            .iter()
            .any(|(known, _)| **known == *name)
    {
        return Some(users(found));
    }
    let mut captures = found.explained.captures.iter();
    captures.find(|(known, _)| **known == *name)?.1.clone()
}

fn capture(found: &Found<'_>, name: &str) -> String {
    if name == "matches" {
        let lines = found.explained.matches.iter().map(|line| quoted(line));
        return format!("[{}]", lines.collect::<Vec<_>>().join(", "));
    }
    held(found, name).unwrap_or_else(|| "None".to_owned())
}

/// Seconds since 1970: whole ones where the zone of the date is known, as fail2ban counts them.
fn time(found: &Found<'_>) -> Option<String> {
    let time = found.explained.time?;
    Some(match found.zone_is_known {
        true => time.as_secs().to_string(),
        false => float(time.as_micros()),
    })
}

/// `1.2.0.192.` and the like, for names of the reverse zone.
fn reversed(prefix: Prefix) -> String {
    let text = prefix.to_string();
    if prefix.address().is_ipv4() {
        let parts: Vec<&str> = text.split('.').rev().collect();
        return parts.join(".") + ".";
    }
    let std::net::IpAddr::V6(address) = prefix.address() else {
        return String::new();
    };
    let nibbles = address
        .octets()
        .into_iter()
        .rev()
        .flat_map(|byte| [byte & 15, byte >> 4]);
    nibbles.map(|nibble| format!("{nibble:x}.")).collect()
}

/// Named groups as Python shows a match's dictionary.
pub(super) fn dictionary(groups: Vec<(&str, Option<&str>)>) -> String {
    let shown = groups.into_iter().map(|(name, text)| {
        let text = text.map_or_else(|| "None".to_owned(), quoted);
        format!("{}: {text}", quoted(name))
    });
    format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
