//! `%(name)s` (behaviour §1.4): lazily, in the context of the section that is asked, with what was replaced as `known/`.

use crate::layers::{Merged, Slots};
use crate::text::Text;
use base::{Diagnostic, Origin, Severity, Stops};
use std::collections::BTreeMap;

/// Values within values.
const MAX_DEPTH: usize = 10;
/// The same with what later layers extend.
const MAX_PLACES: usize = 100;
/// A value may not grow beyond this many bytes.
pub(crate) const MAX_SIZE: usize = 1 << 20;
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
    /// Those values are raw text to fail2ban, although they were read before: a `%` in them counts again.
    pub(crate) rereads: bool,
}

/// How the value that is being read was reached.
#[derive(Default)]
struct Walk {
    /// The options on the way and which of their values: an index into `Scope::values`.
    places: Vec<(String, usize)>,
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
            rereads: false,
        }
    }

    /// The section's or the defaults' value.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Text>, Diagnostic> {
        let last = self.count(key).checked_sub(1);
        self.evaluate(key, last)
    }

    /// The section's value without the defaults.
    pub(crate) fn own(&self, key: &str) -> Result<Option<Text>, Diagnostic> {
        match self.own.is_some_and(|slots| slots.contains_key(key)) {
            true => self.get(key),
            false => Ok(None),
        }
    }

    /// A value of another section by `section/option`, as that section itself sees it (a filter's prefix for journals
    /// is made of options beside it); `known/x` is the replaced value of this one.
    pub(crate) fn elsewhere(&self, name: &str) -> Result<Option<Text>, Diagnostic> {
        let of_section = name.split_once('/').and_then(|(section, key)| {
            let (section, ..) = self
                .merged
                .sections
                .iter()
                .find(|(known, ..)| known == section)?;
            Some((section, key))
        });
        let Some((section, key)) = of_section else {
            return self.addressed(name);
        };
        let scope = Self {
            vars: self.vars.clone(),
            ..Self::new(self.merged, section)
        };
        scope.get(&key.to_lowercase())
    }

    /// A value of another section, in the context of this one; `known/x` is the replaced value.
    pub(crate) fn addressed(&self, name: &str) -> Result<Option<Text>, Diagnostic> {
        let mut walk = Walk::default();
        let Some((text, place)) = self.lookup(name, &walk) else {
            return Ok(None);
        };
        walk.places.extend(place);
        self.expand(text, &mut walk).map(Some)
    }

    /// All values that an option ever had: the defaults', then the section's, each from the first layer to the last.
    fn values(&self, key: &str) -> (&'a [Text], &'a [Text]) {
        let of = |slots: Option<&'a Slots>| {
            slots
                .and_then(|slots| slots.get(key))
                .map_or(&[][..], Vec::as_slice)
        };
        (of(Some(&self.merged.defaults)), of(self.own))
    }

    fn value(&self, key: &str, index: usize) -> Option<&'a Text> {
        let (defaults, own) = self.values(key);
        defaults
            .get(index)
            .or_else(|| own.get(index - defaults.len()))
    }

    fn count(&self, key: &str) -> usize {
        let (defaults, own) = self.values(key);
        defaults.len() + own.len()
    }

    fn evaluate(&self, key: &str, index: Option<usize>) -> Result<Option<Text>, Diagnostic> {
        let Some((index, raw)) = index.and_then(|index| Some((index, self.value(key, index)?)))
        else {
            return Ok(None);
        };
        let mut walk = Walk::default();
        walk.places.push((key.into(), index));
        self.expand(raw, &mut walk).map(Some)
    }

    /// The raw value of a name, and its place if it is an option of this section or of the defaults.
    fn lookup(&self, name: &str, walk: &Walk) -> Option<(&'a Text, Option<(String, usize)>)> {
        let Some((section, key)) = name.split_once('/') else {
            let key = name.to_lowercase();
            let index = self.count(&key).checked_sub(1)?;
            return Some((self.value(&key, index)?, Some((key, index))));
        };
        let key = key.to_lowercase();
        if section.eq_ignore_ascii_case("known") {
            let on_the_way = walk.places.iter().rev().find(|(known, _)| *known == key);
            let index = match on_the_way {
                Some((_, index)) => *index,
                // Seen from another option: below the section's newest, or the defaults' newest if it has none.
                None => {
                    let is_own = self.own.is_some_and(|slots| slots.contains_key(&key));
                    self.count(&key).checked_sub(is_own.into())?
                }
            };
            let index = index.checked_sub(1)?;
            return Some((self.value(&key, index)?, Some((key, index))));
        }
        let last = |slots: &'a Slots| slots.get(&key).and_then(|values| values.last());
        let of_section = self.merged.section(section).or_else(|| {
            let mut alike = self
                .merged
                .sections
                .iter()
                .filter(|(known, ..)| known.eq_ignore_ascii_case(section));
            alike.next().map(|(_, slots, _)| slots)
        });
        let found = match of_section {
            Some(slots) => last(slots).or_else(|| last(&self.merged.defaults)),
            None if section.eq_ignore_ascii_case("default") => last(&self.merged.defaults),
            None => None,
        };
        found.map(|text| (text, None))
    }

    fn expand(&self, raw: &Text, walk: &mut Walk) -> Result<Text, Diagnostic> {
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
                    let from_here = &line.text[line.text.len() - rest.len() - 1..];
                    let found = fault(message, &line.origin, Some(from_here));
                    let span = found.span.map(|(start, _)| (start, 1));
                    return Err(Diagnostic { span, ..found }
                        .with_help("write %% for a plain percent sign")
                        .with_stops(Stops::All));
                };
                self.reference(name, &line.origin, walk, &mut out)?;
                rest = after;
                walk.steps += 1;
                if out.len() > MAX_SIZE || walk.steps > MAX_STEPS {
                    return Err(too_long(&line.origin, name));
                }
            }
            out.push_str(rest);
        }
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
        let reference = format!("%({name})s");
        if key == "__name__" {
            out.push_str(self.section);
        } else if let Some(text) = self.vars.get(&key) {
            match self.rereads && walk.depth < MAX_DEPTH {
                true => {
                    walk.depth += 1;
                    out.push(&self.expand(text, walk)?);
                    walk.depth -= 1;
                }
                false => out.push(text),
            }
        } else {
            let Some((text, place)) = self.lookup(name, walk) else {
                return Err(fault(
                    &format!("unknown option '{name}' in {reference}"),
                    origin,
                    Some(&reference),
                )
                .with_help(format!("define '{key}' in [{}] or [DEFAULT]", self.section))
                .with_stops(Stops::All));
            };
            let (depth, places) = (walk.depth, walk.places.len());
            let wrong = if place
                .as_ref()
                .is_some_and(|place| walk.places.contains(place))
            {
                Some(format!("option '{name}' refers to itself"))
            } else if depth + 1 >= MAX_DEPTH || places > MAX_PLACES {
                Some(format!(
                    "{reference} stands over {MAX_DEPTH} references deep"
                ))
            } else {
                None
            };
            if let Some(message) = wrong {
                return Err(fault(&message, origin, Some(&reference))
                    .with_help("write the text itself in place of one of the references")
                    .with_stops(Stops::All));
            }
            // Extensions of an option by later layers may be as many as there are layers.
            walk.depth += usize::from(!key.starts_with("known/"));
            walk.places.extend(place);
            out.push(&self.expand(text, walk)?);
            walk.places.truncate(places);
            walk.depth = depth;
        }
        Ok(())
    }
}

/// An error about a value that is blown up by what it refers to.
pub(crate) fn too_long(origin: &Origin, part: &str) -> Diagnostic {
    fault("the value grows too long", origin, Some(part))
        .with_help("check what it refers to: some part comes in over and over")
        .with_stops(Stops::All)
}

/// An error about a line, with the part of it that is meant.
pub(crate) fn fault(message: &str, origin: &Origin, part: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Severity::Error, message).with_origin(Some(origin));
    match part.and_then(|part| Some((origin.text.rfind(part)?, part))) {
        Some((at, part)) => {
            diagnostic.with_span(origin.text[..at].chars().count(), part.chars().count())
        }
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests;
