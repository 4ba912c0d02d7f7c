//! The named groups of one expression, and how they are joined.
//!
//! `alt_user` fills `user` where that is empty; `tuple_id` joins `id`. Both are worked out when an expression is
//! compiled, so that a match only copies text.

use super::{Captures, Name, Names};
use std::ops::Range;

/// The named groups of one expression, and how they are joined.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// Number of the group, and its name.
    named: Vec<(usize, Name)>,
    /// In the order of the groups' names.
    alternates: Vec<Alternate>,
    tuples: Vec<Tuple>,
}

#[derive(Clone, Debug)]
struct Alternate {
    group: Name,
    /// `alt_user1` fills `user1`, which nobody else knows, and `user`.
    targets: Vec<Name>,
}

#[derive(Clone, Debug)]
struct Tuple {
    target: Name,
    parts: Vec<Name>,
}

impl Groups {
    /// Takes the group names of an expression, index 0 being the whole match.
    pub(crate) fn new(group_names: &[Option<Box<str>>], names: &mut Names) -> Self {
        let mut groups = Self::default();
        for (number, name) in group_names.iter().enumerate() {
            if let Some(name) = name {
                groups.named.push((number, names.number(name)));
            }
        }
        let mut sorted: Vec<&str> = group_names.iter().flatten().map(AsRef::as_ref).collect();
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
                let targets = targets.into_iter().map(|name| names.number(name));
                groups.alternates.push(Alternate {
                    targets: targets.collect(),
                    group: names.number(name),
                });
            } else if let Some(rest) = name.strip_prefix("tuple_") {
                let target = names.number(group_of(without_number(rest)));
                let part = names.number(name);
                match groups
                    .tuples
                    .iter_mut()
                    .find(|tuple| tuple.target == target)
                {
                    Some(tuple) => tuple.parts.push(part),
                    None => groups.tuples.push(Tuple {
                        target,
                        parts: vec![part],
                    }),
                }
            }
        }
        groups
    }

    /// True if one of the groups is named so.
    pub(crate) fn contains(&self, name: Name) -> bool {
        self.named.iter().any(|(_, known)| *known == name)
    }

    /// Leaves a group out, unless others are joined with it.
    pub(crate) fn leave_out(&mut self, name: Name) {
        if !self.joins() {
            self.named.retain(|(_, known)| *known != name);
        }
    }

    /// True if a group's text makes that of another.
    fn joins(&self) -> bool {
        !self.alternates.is_empty() || !self.tuples.is_empty()
    }

    /// Reads a match into `captures`, over what is there: `slots` are the byte offsets of its groups in `text`.
    /// `memory` is used where groups are joined, and of no use afterwards.
    pub(crate) fn read(
        &self,
        text: &str,
        slots: &[Option<usize>],
        captures: &mut Captures,
        memory: &mut Captures,
    ) {
        if !self.joins() {
            return self.read_named(text, slots, captures);
        }
        // What is joined is joined of this match alone.
        memory.clear();
        memory.keep_absent(captures.keeps_absent);
        self.read_named(text, slots, memory);
        self.join(memory);
        if !captures.is_empty() {
            for name in &memory.order {
                captures.add_absent(*name);
            }
        }
        captures.overlay(memory);
    }

    fn read_named(&self, text: &str, slots: &[Option<usize>], captures: &mut Captures) {
        for (group, name) in &self.named {
            match group_text(text, slots, *group) {
                Some(captured) => captures.set(*name, captured),
                None => captures.add_absent(*name),
            }
        }
    }

    fn join(&self, captures: &mut Captures) {
        for alternate in &self.alternates {
            if captures.has(alternate.group) {
                for target in &alternate.targets {
                    if !captures.has(*target) {
                        captures.copy(alternate.group, *target);
                    }
                }
            }
        }
        for tuple in &self.tuples {
            let parts = std::iter::once(&tuple.target).chain(&tuple.parts);
            let parts: Vec<String> = parts.map(|part| python_text(captures.get(*part))).collect();
            captures.set(tuple.target, &format!("({})", parts.join(", ")));
        }
    }
}

/// The bytes that a group captured, if there are any.
pub(crate) fn group_range(slots: &[Option<usize>], group: usize) -> Option<Range<usize>> {
    let (start, end) = span(slots, group)?;
    (start < end).then_some(start..end)
}

/// What a group captured.
pub(crate) fn group_text<'t>(
    text: &'t str,
    slots: &[Option<usize>],
    group: usize,
) -> Option<&'t str> {
    let (start, end) = span(slots, group)?;
    text.get(start..end)
}

fn span(slots: &[Option<usize>], group: usize) -> Option<(usize, usize)> {
    let (spans, _) = slots.as_chunks::<2>();
    let [start, end] = *spans.get(group)?;
    start.zip(end)
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
    use base::NamedTexts;
    use std::sync::Arc;

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
        let (mut captures, mut memory) = (Captures::default(), Captures::default());
        memory.set(Name::USER, "left over");
        let mut table = Names::default();
        let read = Groups::new(&names, &mut table);
        read.read(&text, &slots, &mut captures, &mut memory);
        let mut named = NamedTexts::default();
        captures.write_named(&table, None, &mut named);
        let named: Vec<_> = named.iter().collect();
        assert_eq!(named, expected, "{groups:?}");
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
            &[("alt_user1", "a"), ("user", "a"), ("user1", "a")],
        );
    }

    #[test]
    fn absent_groups_keep_their_place_where_that_is_asked_for() {
        let names = ["", "a", "b", "c"].map(|name| (!name.is_empty()).then(|| name.into()));
        let mut table = Names::default();
        let groups = Groups::new(&names, &mut table);
        let a = table.number("a");
        let (mut captures, mut memory) = (Captures::default(), Captures::default());
        captures.keep_absent(true);
        let slots = |b, c| [Some(0), Some(2), None, None, b, b.map(|b| b + 1), c, c];
        let shown = |captures: &Captures| {
            let part = |(name, text): (Arc<str>, Option<String>)| {
                format!("{name}={}", text.as_deref().unwrap_or("-"))
            };
            captures
                .to_list(&table)
                .into_iter()
                .map(part)
                .collect::<Vec<_>>()
                .join(" ")
        };
        groups.read("xy", &slots(None, Some(0)), &mut captures, &mut memory);
        assert_eq!(shown(&captures), "a=- b=- c=");
        groups.read("xy", &slots(Some(1), None), &mut captures, &mut memory);
        assert_eq!(shown(&captures), "a=- b=y c=");
        assert_eq!(captures.get(a), None);
        captures.set(a, "long");
        assert_eq!(shown(&captures), "a=long b=y c=");
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
