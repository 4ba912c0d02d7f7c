//! `%(name)s` (behaviour §1.4) and `<tag>` (§1.7).

use crate::layers::{Merged, Slots};
use crate::text::Text;
use base::{Diagnostic, Origin, Severity};
use std::collections::BTreeMap;

const MAX_DEPTH: usize = 10;
/// Replacements of one tag in one value.
const MAX_TAG: u32 = 25;
/// A value may not grow beyond this many bytes.
const MAX_SIZE: usize = 1 << 20;
/// References followed for one value: some thousands are far beyond any use.
const MAX_STEPS: u32 = 20_000;

/// Evaluated values by key.
pub(crate) type Vars = BTreeMap<String, Text>;

/// The place from which a value is looked at.
pub(crate) struct Scope<'a> {
    merged: &'a Merged,
    section: &'a str,
    own: Option<&'a Slots>,
    /// Values that go before the section's own.
    pub(crate) vars: Vars,
}

struct Walk {
    /// Keys whose older values are being read, and how far back.
    known: Vec<(String, usize)>,
    depth: usize,
    steps: u32,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(merged: &'a Merged, section: &'a str) -> Self {
        Self {
            merged,
            section,
            own: merged.section(section),
            vars: Vars::new(),
        }
    }

    /// The section's or the defaults' value.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Text>, Diagnostic> {
        let slots = self.chain(key).or_else(|| self.merged.defaults.get(key));
        self.evaluate(key, slots.and_then(|chain| chain.last()))
    }

    /// The section's value without the defaults.
    pub(crate) fn own(&self, key: &str) -> Result<Option<Text>, Diagnostic> {
        self.evaluate(key, self.chain(key).and_then(|chain| chain.last()))
    }

    /// A value of another section, in the context of this one; `known/x` is the replaced value.
    pub(crate) fn addressed(&self, name: &str) -> Result<Option<Text>, Diagnostic> {
        let mut walk = Walk {
            known: Vec::new(),
            depth: 0,
            steps: 0,
        };
        let Some((text, back)) = self.lookup(name, &walk) else {
            return Ok(None);
        };
        walk.known.extend(back);
        self.expand(text, &mut walk).map(Some)
    }

    fn chain(&self, key: &str) -> Option<&'a Vec<Text>> {
        self.own.and_then(|slots| slots.get(key))
    }

    fn evaluate(&self, key: &str, raw: Option<&Text>) -> Result<Option<Text>, Diagnostic> {
        let mut walk = Walk {
            known: vec![(key.into(), 0)],
            depth: 0,
            steps: 0,
        };
        raw.map(|raw| self.expand(raw, &mut walk)).transpose()
    }

    /// The raw value of a name, and the step back in the chain of replaced values that it means.
    fn lookup(&self, name: &str, walk: &Walk) -> Option<(&Text, Option<(String, usize)>)> {
        let last = |slots: &'a Slots, key: &str| slots.get(key).and_then(|chain| chain.last());
        let Some((section, key)) = name.split_once('/') else {
            let key = name.to_lowercase();
            return self
                .chain(&key)
                .and_then(|chain| chain.last())
                .or_else(|| last(&self.merged.defaults, &key))
                .map(|t| (t, None));
        };
        let key = key.to_lowercase();
        if section.eq_ignore_ascii_case("known") {
            let back = walk
                .known
                .iter()
                .rev()
                .find(|(known, _)| *known == key)
                .map_or(0, |(_, back)| *back)
                + 1;
            let older = self
                .chain(&key)
                .and_then(|chain| chain.get(chain.len().checked_sub(back + 1)?));
            return match older {
                Some(text) => Some((text, Some((key, back)))),
                None => last(&self.merged.defaults, &key)
                    .map(|text| (text, Some((key, usize::MAX - 1)))),
            };
        }
        let of_section = self.merged.section(section).or_else(|| {
            let alike = self
                .merged
                .sections
                .iter()
                .find(|(known, ..)| known.eq_ignore_ascii_case(section));
            alike.map(|(_, slots, _)| slots)
        });
        let found = match of_section {
            Some(slots) => last(slots, &key).or_else(|| last(&self.merged.defaults, &key)),
            None if section.eq_ignore_ascii_case("default") => last(&self.merged.defaults, &key),
            None => None,
        };
        found.map(|text| (text, None))
    }

    fn expand(&self, raw: &Text, walk: &mut Walk) -> Result<Text, Diagnostic> {
        if walk.depth > MAX_DEPTH + walk.known.len() {
            return Err(fault(
                "its %(…)s references go round in a circle or nest over 10 deep",
                &raw.origin(),
                None,
            ));
        }
        walk.depth += 1;
        let mut out = Text::empty();
        for line in &raw.lines {
            out.begin_line(&line.origin);
            let mut rest = line.text.as_str();
            while let Some(at) = rest.find('%') {
                out.push_str(&rest[..at]);
                rest = &rest[at + 1..];
                if let Some(after) = rest.strip_prefix('%') {
                    out.push_str("%");
                    rest = after;
                    continue;
                }
                let reference = rest
                    .strip_prefix('(')
                    .and_then(|inner| inner.split_once(")s"));
                let Some((name, after)) =
                    reference.filter(|(name, _)| !name.is_empty() && !name.contains(')'))
                else {
                    let message = "'%' must be followed by '%' or '(NAME)s'";
                    return Err(fault(message, &line.origin, Some("%"))
                        .with_help("write %% for a plain percent sign"));
                };
                self.reference(name, &line.origin, walk, &mut out)?;
                rest = after;
                walk.steps += 1;
                if out.len() > MAX_SIZE || walk.steps > MAX_STEPS {
                    return Err(fault("its value grows too long", &line.origin, Some(name)));
                }
            }
            out.push_str(rest);
        }
        walk.depth -= 1;
        Ok(out)
    }

    fn reference(
        &self,
        name: &str,
        origin: &Origin,
        walk: &mut Walk,
        out: &mut Text,
    ) -> Result<(), Diagnostic> {
        let key = name.to_lowercase();
        if key == "__name__" {
            out.push_str(self.section);
        } else if let Some(text) = self.vars.get(&key) {
            out.push(text);
        } else {
            let Some((text, back)) = self.lookup(name, walk) else {
                return Err(fault(
                    &format!("unknown option '{name}' in %({name})s"),
                    origin,
                    Some(name),
                )
                .with_help(format!("define '{key}' in [{}] or [DEFAULT]", self.section)));
            };
            let pushed = back.is_some();
            walk.known.extend(back);
            out.push(&self.expand(text, walk)?);
            if pushed {
                walk.known.pop();
            }
        }
        Ok(())
    }
}

/// An error about a line, with the part of it that is meant.
pub(crate) fn fault(message: &str, origin: &Origin, part: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Severity::Error, message).with_origin(Some(origin));
    match part.and_then(|part| Some((origin.text.find(part)?, part))) {
        Some((at, part)) => {
            diagnostic.with_span(origin.text[..at].chars().count(), part.chars().count())
        }
        None => diagnostic,
    }
}

/// Replaces tags by values, innermost first, until nothing changes; a tag without value stays.
pub(crate) fn substitute(
    own: &str,
    text: &Text,
    lookup: &mut dyn FnMut(&str) -> Result<Option<Text>, Diagnostic>,
) -> Result<Text, Diagnostic> {
    let mut text = text.clone();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    loop {
        let mut changed = false;
        let mut out = Text::empty();
        for line in &text.lines {
            out.begin_line(&line.origin);
            let mut rest = line.text.as_str();
            while let Some((start, end)) = tag(rest) {
                out.push_str(&rest[..start]);
                let name = &rest[start + 1..end];
                match lookup(name)? {
                    Some(value) => {
                        let count = counts.entry(name.to_owned()).or_default();
                        *count += 1;
                        if name == own || *count > MAX_TAG {
                            return Err(fault(
                                &format!("the tag <{name}> refers to itself"),
                                &line.origin,
                                Some(name),
                            ));
                        }
                        changed = true;
                        out.push(&value);
                    }
                    None => out.push_str(&rest[start..=end]),
                }
                rest = &rest[end + 1..];
                if out.len() > MAX_SIZE {
                    return Err(fault("its value grows too long", &line.origin, Some(name)));
                }
            }
            out.push_str(rest);
        }
        text = out;
        if !changed {
            return Ok(text);
        }
    }
}

/// The first `<…>` without blanks and brackets inside: the bytes of `<` and `>`.
fn tag(text: &str) -> Option<(usize, usize)> {
    let mut open = None;
    for (at, c) in text.char_indices() {
        match (c, open) {
            ('<', _) => open = Some(at),
            ('>', Some(start)) if at > start + 1 => return Some((start, at)),
            ('>' | ' ', _) => open = None,
            _ => {}
        }
    }
    None
}
