//! Several texts in one buffer: what every failure carries, at the cost of few allocations, and of none when the
//! memory of an earlier failure is used again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A list of texts.
#[derive(Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    /// Where each text ends in the buffer.
    ends: Vec<usize>,
}

impl Texts {
    /// Appends one.
    pub fn push(&mut self, text: &str) {
        self.push_with(|buffer| buffer.push_str(text));
    }

    /// Appends one that `write` puts at the end of the buffer, whose beginning it must leave as it is.
    pub fn push_with(&mut self, write: impl FnOnce(&mut String)) {
        write(&mut self.text);
        self.ends.push(self.text.len());
    }

    /// Puts one at a place, before what stands there; at the end if there are not so many.
    pub fn insert(&mut self, place: usize, text: &str) {
        let place = place.min(self.ends.len());
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.insert_str(start, text);
        for end in &mut self.ends[place..] {
            *end += text.len();
        }
        self.ends.insert(place, start + text.len());
    }

    /// Appends all of another list.
    pub fn append(&mut self, others: &Self) {
        let before = self.text.len();
        self.text.push_str(&others.text);
        self.ends.extend(others.ends.iter().map(|end| before + end));
    }

    /// Empties the list; its memory stays.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all of them together.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The place of the first text that `is_before` is not true of; where it is true it is so of all before.
    pub fn partition_point(&self, is_before: impl Fn(&str) -> bool) -> usize {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.get(middle) {
                Some(text) if is_before(text) => from = middle + 1,
                _ => to = middle,
            }
        }
        from
    }

    /// Bytes of memory that is kept for texts.
    pub fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// The one at a place.
    pub fn get(&self, place: usize) -> Option<&str> {
        let end = *self.ends.get(place)?;
        let start = match place {
            0 => 0,
            place => self.ends[place - 1],
        };
        self.text.get(start..end)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        (0..self.len()).map(|place| self.get(place).unwrap_or_default())
    }
}

impl Clone for Texts {
    fn clone(&self) -> Self {
        Self {
            text: self.text.clone(),
            ends: self.ends.clone(),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        self.text.clone_from(&source.text);
        self.ends.clone_from(&source.ends);
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut list = Self::default();
        for text in texts {
            list.push(text.as_ref());
        }
        list
    }
}

/// A list of texts with a name each, in the order in which they came. Names are shared, and differ.
#[derive(Default)]
pub struct NamedTexts {
    /// As many as texts, and after them some of an earlier use: most often the same names come again in the same
    /// places, and those need not be shared anew.
    names: Vec<Arc<str>>,
    texts: Texts,
}

impl NamedTexts {
    /// Appends one; the caller knows that its name is new.
    pub fn push(&mut self, name: &Arc<str>, text: &str) {
        self.push_with(name, |buffer| buffer.push_str(text));
    }

    /// Appends one that `write` puts at the end of the buffer, whose beginning it must leave as it is.
    pub fn push_with(&mut self, name: &Arc<str>, write: impl FnOnce(&mut String)) {
        let place = self.texts.len();
        self.set_name(place, name);
        self.texts.push_with(write);
    }

    /// Makes the name at a place, up to the first that is free, be this one.
    fn set_name(&mut self, place: usize, name: &Arc<str>) {
        match self.names.get_mut(place) {
            Some(known) if Arc::ptr_eq(known, name) => {}
            Some(known) => *known = Arc::clone(name),
            None => self.names.push(Arc::clone(name)),
        }
    }

    /// The text of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut names = self.names().iter();
        self.texts.get(names.position(|known| **known == *name)?)
    }

    /// Empties the list; its memory stays.
    pub fn clear(&mut self) {
        self.texts.clear();
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Bytes of memory that is kept for texts.
    pub fn capacity(&self) -> usize {
        self.texts.capacity()
    }

    /// Bytes of all texts and names together.
    pub fn bytes(&self) -> usize {
        self.texts.bytes() + self.names().iter().map(|name| name.len()).sum::<usize>()
    }

    /// Names and texts, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let names = self.names().iter();
        names.map(AsRef::as_ref).zip(self.texts.iter())
    }

    fn names(&self) -> &[Arc<str>] {
        &self.names[..self.texts.len()]
    }

    /// The same as a map.
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let pairs = self.iter();
        pairs
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .collect()
    }
}

impl Clone for NamedTexts {
    fn clone(&self) -> Self {
        Self {
            names: self.names().to_vec(),
            texts: self.texts.clone(),
        }
    }

    fn clone_from(&mut self, source: &Self) {
        for (place, name) in source.names().iter().enumerate() {
            self.set_name(place, name);
        }
        self.texts.clone_from(&source.texts);
    }
}

impl PartialEq for NamedTexts {
    fn eq(&self, other: &Self) -> bool {
        self.names() == other.names() && self.texts == other.texts
    }
}

impl Eq for NamedTexts {}

impl fmt::Debug for NamedTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for NamedTexts {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut list = Self::default();
        for (name, text) in pairs {
            list.push(&name.into(), text);
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn is_a_list(texts in proptest::collection::vec("[aé ]{0,3}", 0..9), more in proptest::collection::vec("x?", 0..3)) {
            let mut list: Texts = texts.iter().collect();
            list.append(&more.iter().collect());
            let expected: Vec<&str> = texts.iter().chain(&more).map(String::as_str).collect();
            proptest::prop_assert_eq!(list.iter().collect::<Vec<_>>(), expected.clone());
            proptest::prop_assert_eq!(list.iter().rev().collect::<Vec<_>>(), expected.iter().rev().copied().collect::<Vec<_>>());
            proptest::prop_assert_eq!(list.bytes(), expected.concat().len());
            let mut sorted = Texts::default();
            let mut model: Vec<&str> = Vec::new();
            for text in texts.iter().chain(&more) {
                let place = model.partition_point(|known| known < &text.as_str());
                proptest::prop_assert_eq!(sorted.partition_point(|known| known < text.as_str()), place);
                sorted.insert(place, text);
                model.insert(place, text);
            }
            proptest::prop_assert_eq!(sorted.iter().collect::<Vec<_>>(), model);
            let mut other: Texts = ["left over"].iter().collect();
            other.clone_from(&list);
            proptest::prop_assert_eq!(&other, &list);
            list.clear();
            proptest::prop_assert!(list.is_empty() && list.get(0).is_none());
        }
    }

    #[test]
    fn names_find_their_texts() {
        let list: NamedTexts = [("user", "root"), ("ip4", ""), ("é", "x")]
            .into_iter()
            .collect();
        assert_eq!(list.get("user"), Some("root"));
        assert_eq!(list.get("ip4"), Some(""));
        assert_eq!(list.get("ip6"), None);
        assert_eq!((list.len(), list.bytes()), (3, 4 + 4 + 3 + 2 + 1));
        assert_eq!(list.to_map().len(), 3);
        let mut other: NamedTexts = [("port", "22")].into_iter().collect();
        other.clone_from(&list);
        assert_eq!(other, list);
        other.clear();
        assert!(other.is_empty() && other.get("user").is_none() && other != list);
        other.push(&"port".into(), "22");
        assert_eq!(other, [("port", "22")].into_iter().collect());
        assert_eq!(other.clone().iter().collect::<Vec<_>>(), [("port", "22")]);
        assert_eq!(
            format!("{list:?}"),
            r#"{"user": "root", "ip4": "", "é": "x"}"#
        );
    }
}
