//! A command as text with places for values, and the script that comes of it (behaviour §5.6).
//!
//! A value that a shell could misread never becomes a part of the script: its place gets a reference to a variable, the
//! script begins with a line that sets the variable from a positional parameter, and the value goes beside the script
//! as an argument. Values are put in once; what looks like a tag within a value stays text.

use std::borrow::Cow;
use std::ffi::OsString;

/// What a shell might not take as itself: with one of these in it a value stays outside of the script. NUL is ours: the
/// system cannot hand it on at all.
const SPECIAL: &[char] = &[
    '\\', '#', '&', ';', '`', '|', '*', '?', '~', '<', '>', '^', '(', ')', '[', ']', '{', '}', '$',
    '\'', '"', '\n', '\r', '\0',
];

/// Bytes of a value that may stand in the script itself: the system limits the length of each argument, and a script
/// may have many places for one value.
const LONGEST_WITHIN: usize = 4096;

/// Bytes of a value beside the script: the system takes no argument of 128 KiB.
const LONGEST_BESIDE: usize = 120 << 10;

/// A command with places for values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// The name of a value, without its brackets.
    Tag(String),
}

/// What a shell is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Script {
    /// The text.
    pub(crate) text: String,
    /// What `$0`, `$1` … stand for.
    pub(crate) values: Vec<String>,
}

impl Script {
    /// True if there is nothing to run.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The values as the system takes them.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        self.values.iter().map(OsString::from).collect()
    }
}

impl Template {
    pub(crate) fn new(text: &str) -> Self {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, tag, after)) = first_tag(rest) {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Tag(tag.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Self { parts }
    }

    /// The command that does nothing.
    pub(crate) fn nothing() -> &'static Self {
        static NOTHING: Template = Template { parts: Vec::new() };
        &NOTHING
    }

    /// True if it runs nothing, whatever the values are.
    pub(crate) fn is_blank(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.all(|part| matches!(part, Part::Text(text) if text.trim().is_empty()))
    }

    /// The names in brackets, known or not.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Tag(tag) => Some(tag.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The script for these values; a tag that has none stays as it is. Each value is asked for once.
    pub(crate) fn fill(&self, value: &mut dyn FnMut(&str) -> Option<String>) -> Script {
        let mut body = Body::default();
        let mut beside: Vec<Beside<'_>> = Vec::new();
        let mut within: Vec<(&str, Option<String>)> = Vec::new();
        for part in &self.parts {
            let tag = match part {
                Part::Text(text) => {
                    body.push(text);
                    continue;
                }
                Part::Tag(tag) => tag.as_str(),
            };
            if let Some(known) = beside.iter().find(|known| known.tag == tag) {
                body.refer(&known.name);
                continue;
            }
            let place = within.iter().position(|(known, _)| *known == tag);
            let place = place.unwrap_or_else(|| {
                within.push((tag, value(tag)));
                within.len() - 1
            });
            match within.get(place).and_then(|(_, value)| value.as_deref()) {
                None => body.push(&format!("<{tag}>")),
                Some(value) if is_plain(value) => body.push(value),
                Some(value) => {
                    let name = variable(tag, &beside);
                    body.refer(&name);
                    let value = presentable(value);
                    beside.push(Beside { tag, name, value });
                }
            }
        }
        let mut text = String::new();
        for (number, Beside { name, .. }) in beside.iter().enumerate() {
            text.push_str(&match number {
                0..=9 => format!("{name}=${number} "),
                _ => format!("{name}=${{{number}}} "),
            });
        }
        if !beside.is_empty() {
            text.push('\n');
        }
        text.push_str(&body.text);
        Script {
            text,
            values: beside.into_iter().map(|beside| beside.value).collect(),
        }
    }
}

/// The script behind its first line.
#[derive(Default)]
struct Body {
    text: String,
    /// Where the reference begins that the text ends with.
    reference: Option<usize>,
}

impl Body {
    fn push(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let glued = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if let Some(start) = self.reference.take().filter(|_| glued) {
            // Else what follows would be taken for a part of the variable's name.
            self.text.insert(start + 1, '{');
            self.text.push('}');
        }
        self.text.push_str(text);
    }

    fn refer(&mut self, name: &str) {
        self.reference = Some(self.text.len());
        self.text.push('$');
        self.text.push_str(name);
    }
}

/// A value beside the script.
struct Beside<'a> {
    tag: &'a str,
    name: String,
    value: String,
}

/// True if the value means itself wherever it stands in a script.
fn is_plain(value: &str) -> bool {
    value.len() <= LONGEST_WITHIN && !value.contains(SPECIAL)
}

/// The value as an argument can carry it: a NUL is written as our log writes control characters, and of what is too
/// long the last lines are kept.
fn presentable(value: &str) -> String {
    let mut start = value.len().saturating_sub(LONGEST_BESIDE);
    while !value.is_char_boundary(start) {
        start += 1;
    }
    if start > 0 {
        let line = value[start..]
            .find('\n')
            .map_or(start, |end| start + end + 1);
        if line < value.len() {
            start = line;
        }
    }
    let kept = &value[start..];
    match kept.contains('\0') {
        true => kept.replace('\0', "\\x00"),
        false => kept.to_owned(),
    }
}

/// The name of the variable for a tag, fail2ban's: `<matches>` is `$f2bV_matches`, `<F-USER>` is `$f2bV_F_user`. Two
/// tags that would share one get two.
fn variable(tag: &str, taken: &[Beside<'_>]) -> String {
    let key = match tag.strip_prefix("F-") {
        Some(name) => Cow::from(format!("F_{}", super::values::capture_key(name))),
        None => Cow::from(tag),
    };
    let word = |c: char| {
        if c.is_alphanumeric() || c == '_' {
            c
        } else {
            '_'
        }
    };
    // Only ASCII makes a shell's name; fail2ban's own tags have no other.
    let ascii = |c: char| if c.is_ascii() { c } else { '_' };
    let mut name: String = "f2bV_"
        .chars()
        .chain(key.chars().map(word).map(ascii))
        .collect();
    while taken.iter().any(|other| other.name == name) {
        name.push('_');
    }
    name
}

/// The text before the first `<…>` without blanks and brackets inside, the name in it, and the text after it.
fn first_tag(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text.get(from..)?.find('<').map(|at| from + at) {
        let inside = &text[open + 1..];
        let end = inside.find(['<', '>', ' ']);
        match end {
            Some(end) if end > 0 && inside[end..].starts_with('>') => {
                return Some((&text[..open], &inside[..end], &inside[end + 1..]));
            }
            _ => from = open + 1,
        }
    }
    None
}

#[cfg(test)]
mod tests;
