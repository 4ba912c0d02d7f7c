//! What stands in one row, in the crate's own words.

use crate::python::texts;
use base::{FailureId, Span, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A ban as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Ban {
    /// The jail's name.
    pub jail: String,
    /// Who is banned.
    pub id: FailureId,
    /// When it began: the time of the last failure.
    pub time: Timestamp,
    /// How long it lasts from `time`; `None` for ever.
    pub length: Option<Span>,
    /// How many times this one was banned in this jail, this time included.
    pub count: u32,
    /// Failures that led to it.
    pub failures: u32,
    /// Users that were tried and how often, in order of their names.
    pub users: Vec<(String, u32)>,
    /// The matched lines, oldest first; left empty when read at a start.
    pub matches: Vec<String>,
    /// Other captured values by their lower-case names, for actions.
    pub captures: Vec<(String, String)>,
}

impl Ban {
    /// The time after which the ban is over; `None` for never.
    pub fn until(&self) -> Option<Timestamp> {
        self.length.map(|length| self.time + length)
    }

    /// The `data` column: fail2ban's JSON object, with the last `most_lines` of the lines.
    pub(crate) fn data(&self, most_lines: usize) -> String {
        // What lines captured comes first: a capture of one of the names below must not take its place.
        let captures = self.captures.iter();
        let mut object: Map<String, Value> = captures
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        if most_lines > 0 {
            let surplus = self.matches.len().saturating_sub(most_lines);
            let lines = self.matches.get(surplus..).unwrap_or_default();
            object.insert("matches".into(), json!(lines));
        }
        object.insert("failures".into(), json!(self.failures));
        // One user for the tag `<F-USER>`, the one that was tried most; all where there are more.
        let most = self.users.iter().rev().max_by_key(|(_, count)| count);
        if let Some((name, _)) = most {
            object.insert("user".into(), json!(name));
        }
        if self.users.len() > 1 {
            let names: Vec<&str> = self.users.iter().map(|(name, _)| name.as_str()).collect();
            object.insert("users".into(), json!(names));
        }
        // fail2ban has no place for how often; a key of ours is one capture more to it.
        let counts: Map<String, Value> = self
            .users
            .iter()
            .map(|(name, count)| (name.clone(), json!(count)))
            .collect();
        if !counts.is_empty() {
            object.insert(COUNTS.into(), Value::Object(counts));
        }
        Value::Object(object).to_string()
    }

    /// Fills the fields of the `data` column, all but the lines. Whatever another program wrote there is taken as
    /// far as it makes sense and never an error: the ban itself matters more than its story.
    pub(crate) fn set_data(&mut self, data: &[u8]) {
        let Ok(data) = serde_json::from_slice::<Data>(data) else {
            return;
        };
        self.failures = data.failures.as_ref().map_or(0, number);
        let mut names = match &data.users {
            Value::Array(users) => users.iter().filter_map(text).collect(),
            Value::String(notation) => texts(notation).unwrap_or_default(),
            _ => Vec::new(),
        };
        names.extend(data.user.as_ref().and_then(text));
        names.sort();
        names.dedup();
        let count = |name: &String| data.counts.get(name).map_or(1, number);
        self.users = names
            .into_iter()
            .map(|name| (name.clone(), count(&name)))
            .collect();
        let captures = data.captures.into_iter();
        self.captures = captures
            .filter_map(|(name, value)| Some((name, text(&value)?)))
            .collect();
    }
}

/// fail2ban's JSON object. The lines are the bulk of it and no start needs them: they are passed over unread.
#[derive(Deserialize)]
struct Data {
    #[serde(default, rename = "matches")]
    _matches: IgnoredAny,
    #[serde(default)]
    failures: Option<Value>,
    #[serde(default)]
    user: Option<Value>,
    #[serde(default)]
    users: Value,
    #[serde(default, rename = "stockade_users")]
    counts: Value,
    #[serde(flatten)]
    captures: BTreeMap<String, Value>,
}

/// The lines in a `data` column, oldest first; none where there are none or it makes no sense. fail2ban writes the
/// first line of a failure as three pieces, before, in and behind the date.
pub(crate) fn lines(data: &[u8]) -> Vec<String> {
    let Ok(data) = serde_json::from_slice::<Lines>(data) else {
        return Vec::new();
    };
    data.matches
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|line| match line {
            Value::String(line) => Some(line.clone()),
            Value::Array(pieces) => Some(pieces.iter().filter_map(Value::as_str).collect()),
            _ => None,
        })
        .collect()
}

/// The failures that a `data` column tells; 0 where it makes no sense.
pub(crate) fn failures(data: &[u8]) -> u32 {
    serde_json::from_slice::<Data>(data).map_or(0, |data| data.failures.as_ref().map_or(0, number))
}

#[derive(Deserialize)]
struct Lines {
    #[serde(default)]
    matches: Value,
}

/// The key of the counts of users.
const COUNTS: &str = "stockade_users";

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap_or(0).min(u32::MAX.into()) as u32
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// That somebody was banned in a jail, and how often: what longer bans of old acquaintances need to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    /// The jail's name.
    pub jail: String,
    /// Who was banned.
    pub id: FailureId,
    /// When the last ban began.
    pub time: Timestamp,
    /// How long that one lasts or lasted; `None` for ever.
    pub length: Option<Span>,
    /// How many times in this jail, that ban included.
    pub count: u32,
}

/// How far a log file was read for a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition {
    /// The jail's name.
    pub jail: String,
    /// The file's path.
    pub path: String,
    /// SHA-1 of the file's first complete line with its end, 40 hex digits; empty if there was none.
    pub first_line_hash: String,
    /// Bytes read.
    pub offset: u64,
}

/// How far the journal was read for a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalPosition {
    /// The jail's name.
    pub jail: String,
    /// The cursor of the last entry read; empty if only the time is known.
    pub cursor: String,
    /// The time of that entry.
    pub time: Timestamp,
}
