//! What the groups of one match hold, under the names that actions and sessions know.
//!
//! `alt_user` fills `user` where that is empty; `tuple_id` joins `id`. Both are worked out when an expression is
//! compiled, so that a match only copies text.

use base::NamedTexts;
#[cfg(test)]
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Text by group name. A group that took part with no text is there and empty; one that did not is absent.
///
/// All texts lie in one buffer, and names are shared with the expression: what a line captures is written over what
/// the last one did, and costs no allocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captures {
    entries: Vec<Entry>,
    text: String,
    /// Names without a text keep their place: for showing captures as fail2ban does, never for finding failures.
    keeps_absent: bool,
}

/// A name and the bytes of its text.
#[derive(Clone, Debug)]
struct Entry {
    name: Arc<str>,
    range: Range<usize>,
    /// It has no text, not even an empty one.
    absent: bool,
}

impl Captures {
    /// From now on the names of groups without a text are noted too, or not.
    pub(crate) fn keep_absent(&mut self, keep: bool) {
        self.keeps_absent = keep;
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| !entry.absent && *entry.name == *name)?;
        self.text.get(entry.range.clone())
    }

    /// True if the group is there and not empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| !entry.range.is_empty() && *entry.name == *name)
    }

    pub(crate) fn set(&mut self, name: &Arc<str>, text: &str) {
        match self.position(name) {
            Some(index) => self.write(index, text),
            None => self.add(name, text),
        }
    }

    /// Adds a name that is not there yet.
    fn add(&mut self, name: &Arc<str>, text: &str) {
        let from = self.text.len();
        self.text.push_str(text);
        self.entries.push(Entry {
            name: Arc::clone(name),
            range: from..self.text.len(),
            absent: false,
        });
    }

    /// Notes a name without a text, if it is not there and such names are kept.
    pub(crate) fn add_absent(&mut self, name: &Arc<str>) {
        if self.keeps_absent && self.position(name).is_none() {
            self.entries.push(Entry {
                name: Arc::clone(name),
                range: 0..0,
                absent: true,
            });
        }
    }

    /// Gives `to` the text of `from`, if that is there.
    pub(crate) fn copy(&mut self, from: &str, to: &str) {
        let Some(text) = self.get(from).map(str::to_owned) else {
            return;
        };
        match self.position(to) {
            Some(index) => self.write(index, &text),
            None => self.add(&to.into(), &text),
        }
    }

    /// Takes a name out; true if it held a text that is not empty.
    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let Some(index) = self.position(name) else {
            return false;
        };
        let held = !self.entries[index].range.is_empty();
        self.write(index, "");
        self.entries.remove(index);
        held
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.text.clear();
    }

    /// Everything that `newer` holds replaces what is here; `newer` is of no use afterwards.
    pub(crate) fn overlay(&mut self, newer: &mut Self) {
        if self.entries.is_empty() {
            std::mem::swap(&mut self.entries, &mut newer.entries);
            std::mem::swap(&mut self.text, &mut newer.text);
            self.keeps_absent = newer.keeps_absent;
            return;
        }
        for entry in newer.entries.iter().filter(|entry| !entry.absent) {
            let text = newer.text.get(entry.range.clone());
            self.set(&entry.name, text.unwrap_or_default());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[cfg(test)]
    pub(crate) fn to_map(&self) -> BTreeMap<String, String> {
        let mut map = BTreeMap::new();
        for entry in self.entries.iter().filter(|entry| !entry.absent) {
            let text = self.text.get(entry.range.clone()).unwrap_or_default();
            map.insert(entry.name.as_ref().to_owned(), text.to_owned());
        }
        map
    }

    /// Names and texts in the order of the names.
    pub(crate) fn to_named(&self) -> NamedTexts {
        let mut entries: Vec<&Entry> = self.entries.iter().filter(|entry| !entry.absent).collect();
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let mut named = NamedTexts::default();
        for entry in entries {
            let text = self.text.get(entry.range.clone());
            named.push(&entry.name, text.unwrap_or_default());
        }
        named
    }

    /// Every name in the order in which it came; without a text only if such names are kept.
    pub(crate) fn to_list(&self) -> Vec<(Arc<str>, Option<String>)> {
        let shown = |entry: &Entry| {
            let text = self.text.get(entry.range.clone()).unwrap_or_default();
            let text = (!entry.absent).then(|| text.to_owned());
            (Arc::clone(&entry.name), text)
        };
        self.entries.iter().map(shown).collect()
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.position_among(self.entries.len(), name)
    }

    /// The place of a name, if it is among the first `count`.
    fn position_among(&self, count: usize, name: &str) -> Option<usize> {
        self.entries
            .iter()
            .take(count)
            .position(|entry| *entry.name == *name)
    }

    /// Puts `text` in place of an entry's; what stands behind it moves, so that nothing is left over.
    fn write(&mut self, index: usize, text: &str) {
        if std::mem::take(&mut self.entries[index].absent) {
            // It stands for no place in the buffer.
            self.entries[index].range = self.text.len()..self.text.len();
        }
        let old = self.entries[index].range.clone();
        if self.text.get(old.clone()) == Some(text) {
            return;
        }
        if text.is_empty() {
            self.text.drain(old.clone());
        } else {
            self.text.replace_range(old.clone(), text);
        }
        let end = old.start + text.len();
        for (other, entry) in self.entries.iter_mut().enumerate() {
            if other != index && entry.range.start >= old.end {
                entry.range.start = entry.range.start - old.end + end;
                entry.range.end = entry.range.end - old.end + end;
            }
        }
        self.entries[index].range = old.start..end;
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Captures {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut captures = Self::default();
        for (name, text) in pairs {
            captures.set(&name.into(), text);
        }
        captures
    }
}

/// The named groups of one expression, and how they are joined.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// Group number and name.
    named: Vec<(usize, Arc<str>)>,
    /// In the order of the groups' names.
    alternates: Vec<Alternate>,
    tuples: Vec<Tuple>,
}

#[derive(Clone, Debug)]
struct Alternate {
    group: Box<str>,
    /// `alt_user1` fills `user1`, which nobody else knows, and `user`.
    targets: Vec<Arc<str>>,
}

#[derive(Clone, Debug)]
struct Tuple {
    target: Arc<str>,
    parts: Vec<Box<str>>,
}

impl Groups {
    /// Takes the group names of an expression, index 0 being the whole match.
    pub(crate) fn new(names: &[Option<Box<str>>]) -> Self {
        let mut groups = Self::default();
        for (number, name) in names.iter().enumerate() {
            if let Some(name) = name {
                groups.named.push((number, Arc::from(&**name)));
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
                let targets = targets.into_iter().map(Arc::from).collect();
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

    /// Leaves a group out, unless others are joined with it.
    pub(crate) fn leave_out(&mut self, name: &str) {
        if !self.joins() {
            self.named.retain(|(_, known)| **known != *name);
        }
    }

    /// True if a group's text makes that of another.
    fn joins(&self) -> bool {
        !self.alternates.is_empty() || !self.tuples.is_empty()
    }

    /// Reads a match into `captures`, over what is there: `slots` are the byte offsets of its groups in `text`.
    pub(crate) fn read(&self, text: &str, slots: &[Option<usize>], captures: &mut Captures) {
        if !self.joins() {
            // Names of one expression differ: only what was there before can be of the same name.
            let before = captures.entries.len();
            for (number, name) in &self.named {
                let Some(captured) = group_text(text, slots, *number) else {
                    captures.add_absent(name);
                    continue;
                };
                match captures.position_among(before, name) {
                    Some(index) => captures.write(index, captured),
                    None => captures.add(name, captured),
                }
            }
            return;
        }
        // What is joined is joined of this match alone.
        let mut own = Captures {
            keeps_absent: captures.keeps_absent,
            ..Captures::default()
        };
        for (number, name) in &self.named {
            match group_text(text, slots, *number) {
                Some(captured) => own.add(name, captured),
                None => own.add_absent(name),
            }
        }
        self.join(&mut own);
        if !captures.is_empty() {
            for entry in own.entries.iter() {
                captures.add_absent(&entry.name);
            }
        }
        captures.overlay(&mut own);
    }

    fn join(&self, captures: &mut Captures) {
        for alternate in &self.alternates {
            let text = captures.get(&alternate.group);
            if let Some(text) = text.filter(|text| !text.is_empty()).map(str::to_owned) {
                for target in &alternate.targets {
                    if !captures.has(target) {
                        captures.set(target, &text);
                    }
                }
            }
        }
        for tuple in &self.tuples {
            let parts =
                std::iter::once(&*tuple.target).chain(tuple.parts.iter().map(AsRef::as_ref));
            let parts: Vec<String> = parts.map(|part| python_text(captures.get(part))).collect();
            captures.set(&tuple.target, &format!("({})", parts.join(", ")));
        }
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
        let mut captures = Captures::default();
        Groups::new(&names).read(&text, &slots, &mut captures);
        let expected: Captures = expected.iter().copied().collect();
        assert_eq!(captures.to_map(), expected.to_map(), "{groups:?}");
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
    fn absent_groups_keep_their_place_where_that_is_asked_for() {
        let names = ["", "a", "b", "c"].map(|name| (!name.is_empty()).then(|| name.into()));
        let groups = Groups::new(&names);
        let mut captures = Captures::default();
        captures.keep_absent(true);
        let slots = |b, c| [Some(0), Some(2), None, None, b, b.map(|b| b + 1), c, c];
        let shown = |captures: &Captures| {
            let part = |(name, text): (Arc<str>, Option<String>)| {
                format!("{name}={}", text.as_deref().unwrap_or("-"))
            };
            captures
                .to_list()
                .into_iter()
                .map(part)
                .collect::<Vec<_>>()
                .join(" ")
        };
        groups.read("xy", &slots(None, Some(0)), &mut captures);
        assert_eq!(shown(&captures), "a=- b=- c=");
        groups.read("xy", &slots(Some(1), None), &mut captures);
        assert_eq!(shown(&captures), "a=- b=y c=");
        assert_eq!(captures.get("a"), None);
        assert_eq!(captures.to_map().len(), 2);
        captures.set(&"a".into(), "long");
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

    proptest::proptest! {
        /// The buffer holds what a map would hold, whatever is written, taken out and laid over.
        #[test]
        fn is_a_map(steps in proptest::collection::vec((0..4_u8, "[abc]", "[xyzé]{0,3}"), 0..40)) {
            let (mut captures, mut model) = (Captures::default(), BTreeMap::new());
            for (kind, name, text) in steps {
                match kind {
                    0 => {
                        let held = model.remove(&name).is_some_and(|text: String| !text.is_empty());
                        proptest::prop_assert_eq!(captures.remove(&name), held);
                    }
                    1 => {
                        captures.copy(&text, &name);
                        captures.copy("a", &name);
                        if let Some(text) = model.get("a").cloned() {
                            model.insert(name, text);
                        }
                    }
                    2 => {
                        let pairs = [(&*name, &*text), ("c", "new")];
                        captures.overlay(&mut pairs.into_iter().collect());
                        model.extend(pairs.map(|(name, text)| (name.to_owned(), text.to_owned())));
                    }
                    _ => {
                        captures.set(&(&*name).into(), &text);
                        model.insert(name, text);
                    }
                }
                proptest::prop_assert_eq!(captures.to_map(), model.clone());
            }
        }
    }
}
