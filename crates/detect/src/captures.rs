//! What the groups of one match hold, under the names that actions and sessions know.
//!
//! `alt_user` fills `user` where that is empty; `tuple_id` joins `id`. Both are worked out when an expression is
//! compiled, so that a match only copies text.

use std::collections::BTreeMap;
use std::ops::Range;

/// Text by group name. A group that took part with no text is there and empty; one that did not is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Captures(BTreeMap<String, String>);

impl Captures {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// True if the group is there and not empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|text| !text.is_empty())
    }

    pub(crate) fn set(&mut self, name: &str, text: &str) {
        match self.0.get_mut(name) {
            Some(old) => text.clone_into(old),
            None => {
                self.0.insert(name.to_owned(), text.to_owned());
            }
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Everything that `newer` holds replaces what is here.
    pub(crate) fn overlay(&mut self, newer: Self) {
        self.0.extend(newer.0);
    }

    pub(crate) fn into_map(self) -> BTreeMap<String, String> {
        self.0
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Captures {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, text)| (name.to_owned(), text.to_owned()))
                .collect(),
        )
    }
}

/// The named groups of one expression, and how they are joined.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// Group number and name.
    named: Vec<(usize, Box<str>)>,
    /// In the order of the groups' names.
    alternates: Vec<Alternate>,
    tuples: Vec<Tuple>,
}

#[derive(Clone, Debug)]
struct Alternate {
    group: Box<str>,
    /// `alt_user1` fills `user1`, which nobody else knows, and `user`.
    targets: Vec<Box<str>>,
}

#[derive(Clone, Debug)]
struct Tuple {
    target: Box<str>,
    parts: Vec<Box<str>>,
}

impl Groups {
    /// Takes the group names of an expression, index 0 being the whole match.
    pub(crate) fn new(names: &[Option<Box<str>>]) -> Self {
        let mut groups = Self::default();
        for (number, name) in names.iter().enumerate() {
            if let Some(name) = name {
                groups.named.push((number, name.clone()));
            }
        }
        let mut sorted: Vec<&str> = names.iter().flatten().map(AsRef::as_ref).collect();
        sorted.sort_unstable();
        for &name in &sorted {
            if let Some(rest) = name.strip_prefix("alt_") {
                let target = without_number(rest);
                let bare = target.trim_end_matches(|c: char| c.is_ascii_digit());
                let targets = if bare == target || bare.is_empty() {
                    vec![target]
                } else {
                    vec![target, bare]
                };
                let targets = targets.into_iter().map(Box::from).collect();
                groups.alternates.push(Alternate {
                    group: name.into(),
                    targets,
                });
            } else if let Some(rest) = name.strip_prefix("tuple_") {
                let target = group_of(without_number(rest));
                match groups
                    .tuples
                    .iter_mut()
                    .find(|tuple| *tuple.target == *target)
                {
                    Some(tuple) => tuple.parts.push(name.into()),
                    None => groups.tuples.push(Tuple {
                        target: target.into(),
                        parts: vec![name.into()],
                    }),
                }
            }
        }
        groups
    }

    /// True if one of the groups is named so.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.named.iter().any(|(_, known)| **known == *name)
    }

    /// Reads a match: `slots` are the byte offsets of its groups in `text`.
    pub(crate) fn read(&self, text: &str, slots: &[Option<usize>]) -> Captures {
        let mut captures = Captures::default();
        for (number, name) in &self.named {
            if let Some(captured) = group_text(text, slots, *number) {
                captures.0.insert(name.to_string(), captured.to_owned());
            }
        }
        for alternate in &self.alternates {
            if let Some(text) = captures
                .0
                .get(&*alternate.group)
                .filter(|text| !text.is_empty())
                .cloned()
            {
                for target in &alternate.targets {
                    if !captures.has(target) {
                        captures.set(target, &text);
                    }
                }
            }
        }
        for tuple in &self.tuples {
            let parts = std::iter::once(&tuple.target).chain(&tuple.parts);
            let parts: Vec<String> = parts.map(|part| python_text(captures.get(part))).collect();
            captures.set(&tuple.target, &format!("({})", parts.join(", ")));
        }
        captures
    }
}

/// The bytes that a group captured, if there are any.
pub(crate) fn group_range(slots: &[Option<usize>], group: usize) -> Option<Range<usize>> {
    let (start, end) = (
        slots.get(2 * group).copied()??,
        slots.get(2 * group + 1).copied()??,
    );
    (start < end).then_some(start..end)
}

/// What a group captured.
pub(crate) fn group_text<'t>(
    text: &'t str,
    slots: &[Option<usize>],
    group: usize,
) -> Option<&'t str> {
    let (start, end) = (
        slots.get(2 * group).copied()??,
        slots.get(2 * group + 1).copied()??,
    );
    text.get(start..end)
}

/// `user_1` is another `user`.
fn without_number(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((target, number))
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            target
        }
        _ => name,
    }
}

/// The group that a tag's name makes.
fn group_of(name: &str) -> &str {
    match name {
        "id" => "fid",
        "port" => "fport",
        name => name,
    }
}

/// A text as Python shows it inside a tuple, which is how such ids are known to users and databases.
fn python_text(text: Option<&str>) -> String {
    let Some(text) = text else {
        return "None".to_owned();
    };
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::from(quote);
    for c in text.chars() {
        if c == quote || c == '\\' {
            shown.push('\\');
        }
        shown.push(c);
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(groups: &[(&str, Option<&str>)], expected: &[(&str, &str)]) {
        let names: Vec<Option<Box<str>>> = std::iter::once(None)
            .chain(groups.iter().map(|(name, _)| Some(Box::from(*name))))
            .collect();
        let (mut text, mut slots) = (String::new(), vec![Some(0), Some(0)]);
        for (_, captured) in groups {
            let start = text.len();
            text.push_str(captured.unwrap_or_default());
            slots.extend(captured.map_or([None, None], |_| [Some(start), Some(text.len())]));
        }
        assert_eq!(
            Groups::new(&names).read(&text, &slots),
            expected.iter().copied().collect(),
            "{groups:?}"
        );
    }

    #[test]
    fn tells_empty_from_absent() {
        check(
            &[("a", Some("x")), ("b", Some("")), ("c", None)],
            &[("a", "x"), ("b", "")],
        );
    }

    #[test]
    fn alternates_fill_what_is_empty_in_the_order_of_names() {
        check(
            &[("user", None), ("alt_user", Some("a"))],
            &[("alt_user", "a"), ("user", "a")],
        );
        check(
            &[("user", Some("")), ("alt_user_1", Some("a"))],
            &[("alt_user_1", "a"), ("user", "a")],
        );
        check(
            &[("user", Some("u")), ("alt_user", Some("a"))],
            &[("alt_user", "a"), ("user", "u")],
        );
        check(
            &[("alt_user_2", Some("b")), ("alt_user_1", Some("a"))],
            &[("alt_user_1", "a"), ("alt_user_2", "b"), ("user", "a")],
        );
        check(&[("alt_user", Some(""))], &[("alt_user", "")]);
    }

    #[test]
    fn an_alternate_with_a_bare_number_fills_both_names() {
        check(
            &[("alt_user1", Some("a"))],
            &[("alt_user1", "a"), ("user1", "a"), ("user", "a")],
        );
    }

    #[test]
    fn tuples_join_an_id() {
        check(
            &[("fid", Some("a")), ("tuple_id", Some("it's"))],
            &[("fid", "('a', \"it's\")"), ("tuple_id", "it's")],
        );
        check(
            &[
                ("fid", Some("a")),
                ("tuple_id_2", None),
                ("tuple_id_1", Some("b")),
            ],
            &[("fid", "('a', 'b', None)"), ("tuple_id_1", "b")],
        );
    }
}
