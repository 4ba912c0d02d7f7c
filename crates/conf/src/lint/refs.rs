//! What the texts of a configuration refer to: `%(name)s`, `%(section/name)s`, `<name>`, `<section/name>`.
//!
//! A tag within a tag (`<more-<mode>>`) can become anything, so that `more-` with any end counts as referred to.

use crate::layers::{Merged, Slots};
use std::collections::BTreeSet;

/// The names that are referred to, in lower case.
#[derive(Debug, Default)]
pub(super) struct References {
    names: BTreeSet<String>,
    sections: BTreeSet<String>,
    /// Beginnings and ends of names whose middle is another tag's value.
    open: BTreeSet<(String, String)>,
    open_sections: BTreeSet<(String, String)>,
}

/// Stands for a tag within a tag; no name holds it.
const INNER: char = '\u{0}';

impl References {
    /// Adds what all values of these files refer to.
    pub(super) fn read(&mut self, merged: &Merged) {
        self.slots(&merged.defaults);
        merged
            .sections
            .iter()
            .for_each(|(_, slots, _)| self.slots(slots));
    }

    /// Whether something refers to an option of this name.
    pub(super) fn holds(&self, name: &str) -> bool {
        is_in(&self.names, &self.open, name)
    }

    /// Whether something refers to a section of this name.
    pub(super) fn holds_section(&self, name: &str) -> bool {
        is_in(&self.sections, &self.open_sections, &name.to_lowercase())
    }

    /// The names that are told in full.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn slots(&mut self, slots: &Slots) {
        let lines = slots.values().flatten().flat_map(|text| &text.lines);
        lines.for_each(|line| self.line(&line.text));
    }

    fn line(&mut self, line: &str) {
        for part in line.split("%(").skip(1) {
            if let Some((name, _)) = part.split_once(")s") {
                self.add(name);
            }
        }
        // Innermost first: what was a tag is a hole in the one around it.
        let mut text = line.to_owned();
        while let Some((start, end)) = innermost(&text) {
            let name = text[start + 1..end].to_owned();
            self.add(&name);
            text.replace_range(start..=end, &INNER.to_string());
        }
    }

    fn add(&mut self, reference: &str) {
        let reference = reference.to_lowercase();
        let (section, name) = match reference.split_once('/') {
            // A closing `</F-USER>` is no section without a name.
            Some((section, name)) if !section.is_empty() => (Some(section), name),
            _ => (None, reference.as_str()),
        };
        put(&mut self.names, &mut self.open, name);
        if let Some(section) = section {
            put(&mut self.sections, &mut self.open_sections, section);
        }
    }
}

fn put(names: &mut BTreeSet<String>, open: &mut BTreeSet<(String, String)>, name: &str) {
    match (name.split_once(INNER), name.rsplit_once(INNER)) {
        (Some((start, _)), Some((_, end))) => {
            open.insert((start.to_owned(), end.to_owned()));
        }
        _ => {
            names.insert(name.to_owned());
        }
    }
}

fn is_in(names: &BTreeSet<String>, open: &BTreeSet<(String, String)>, name: &str) -> bool {
    let fits = |(start, end): &(String, String)| {
        // A hole with nothing around it would fit everything.
        (start.len() + end.len() > 0)
            && name.len() >= start.len() + end.len()
            && name.starts_with(start.as_str())
            && name.ends_with(end.as_str())
    };
    names.contains(name) || open.iter().any(fits)
}

/// The first `<…>` that holds neither a bracket nor a blank.
fn innermost(text: &str) -> Option<(usize, usize)> {
    let mut open = None;
    for (at, c) in text.char_indices() {
        match (c, open) {
            ('<', _) => open = Some(at),
            ('>', Some(start)) if at > start + 1 => return Some((start, at)),
            ('>', _) => open = None,
            (c, _) if c.is_whitespace() => open = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, names: &[&str], not: &[&str]) {
        let mut references = References::default();
        references.line(line);
        for name in names {
            assert!(references.holds(name), "{line}: {name}");
        }
        for name in not {
            assert!(!references.holds(name), "{line}: {name}");
        }
    }

    #[test]
    fn references_are_found_in_both_syntaxes() {
        check("%(a)s b %(C)s", &["a", "c"], &["b"]);
        check("%(known/failregex)s", &["failregex"], &["known"]);
        check("<port> and <F-USER>", &["port", "f-user"], &["user"]);
        check("<more-<mode>>", &["mode", "more-ddos"], &["more"]);
        check(
            "<lt_<logtype>/__prefix>",
            &["logtype", "__prefix"],
            &["lt_file"],
        );
        check("(?P<name>x) <a b> < >", &["name"], &["a", "b"]);
        check("%(unclosed", &[], &["unclosed"]);
        check("<<x>>", &["x"], &["anything"]);
    }

    #[test]
    fn sections_may_be_holes_too() {
        let mut references = References::default();
        references.line("<lt_<logtype>/x> %(sshd/port)s");
        for (section, is_held) in [
            ("lt_file", true),
            ("sshd", true),
            ("SSHD", true),
            ("known", false),
            ("lt", false),
        ] {
            assert_eq!(references.holds_section(section), is_held, "{section}");
        }
    }
}
