//! What the groups of matches hold, under the names that actions and sessions know.

mod groups;
mod names;

pub(crate) use groups::{Groups, group_range, group_text};
pub(crate) use names::{Name, Names};

use base::{NamedTexts, Prefix};
use std::fmt::Write as _;
use std::sync::Arc;

/// Text by name. A group that took part with no text is there and empty; one that did not is absent.
///
/// All texts lie in one buffer, and each name's place in it is found by the number of the name: what a line captures
/// costs neither an allocation nor a comparison of texts. What is replaced or taken out stays in the buffer until that
/// is emptied, which happens with every line.
#[derive(Clone, Debug)]
pub(crate) struct Captures {
    /// The names in the order in which they came.
    order: Vec<Name>,
    /// Where each name's text stands in the buffer, by the number of the name: those that mean something, which are asked
    /// for with every match, and the others.
    known: [Bytes; Name::KNOWN],
    others: Vec<Bytes>,
    text: String,
    /// Names without a text keep their place: for showing captures as fail2ban does, never for finding failures.
    keeps_absent: bool,
}

/// A part of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bytes {
    start: u32,
    end: u32,
}

impl Bytes {
    /// No text, not even an empty one.
    const NONE: Self = Self {
        start: u32::MAX,
        end: 0,
    };
}

impl Default for Captures {
    fn default() -> Self {
        Self {
            order: Vec::new(),
            known: [Bytes::NONE; Name::KNOWN],
            others: Vec::new(),
            text: String::new(),
            keeps_absent: false,
        }
    }
}

impl Captures {
    /// From now on the names of groups without a text are noted too, or not.
    pub(crate) fn keep_absent(&mut self, keep: bool) {
        self.keeps_absent = keep;
    }

    pub(crate) fn get(&self, name: Name) -> Option<&str> {
        let bytes = self.bytes(name);
        // Where there is no text the start lies behind the end.
        self.text.get(bytes.start as usize..bytes.end as usize)
    }

    /// True if the group is there and not empty.
    pub(crate) fn has(&self, name: Name) -> bool {
        let bytes = self.bytes(name);
        bytes.start < bytes.end
    }

    #[inline]
    fn bytes(&self, name: Name) -> Bytes {
        let index = name.index();
        let bytes = match index.checked_sub(Name::KNOWN) {
            None => self.known.get(index),
            Some(other) => self.others.get(other),
        };
        bytes.copied().unwrap_or(Bytes::NONE)
    }

    /// The place of a name's text, if that has one.
    #[inline]
    fn place(&mut self, name: Name) -> Option<&mut Bytes> {
        let index = name.index();
        match index.checked_sub(Name::KNOWN) {
            None => self.known.get_mut(index),
            Some(other) => self.others.get_mut(other),
        }
    }

    pub(crate) fn set(&mut self, name: Name, text: &str) {
        let bytes = self.append(text);
        self.put(name, bytes);
    }

    fn append(&mut self, text: &str) -> Bytes {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        let end = self.text.len() as u32;
        Bytes { start, end }
    }

    /// Gives `to` the text of `from`, if that is there.
    pub(crate) fn copy(&mut self, from: Name, to: Name) {
        let bytes = self.bytes(from);
        if bytes != Bytes::NONE {
            self.put(to, bytes);
        }
    }

    fn put(&mut self, name: Name, bytes: Bytes) {
        let is_new = match self.place(name) {
            Some(known) => std::mem::replace(known, bytes) == Bytes::NONE,
            None => {
                let other = name.index() - Name::KNOWN;
                self.others.resize(other, Bytes::NONE);
                self.others.push(bytes);
                true
            }
        };
        if is_new && !(self.keeps_absent && self.order.contains(&name)) {
            self.order.push(name);
        }
    }

    /// Notes a name without a text, if it is not there and such names are kept.
    pub(crate) fn add_absent(&mut self, name: Name) {
        if self.keeps_absent && !self.order.contains(&name) {
            self.order.push(name);
        }
    }

    /// Takes a name out; true if it held a text that is not empty.
    pub(crate) fn remove(&mut self, name: Name) -> bool {
        let held = self.has(name);
        if self.keeps_absent || self.bytes(name) != Bytes::NONE {
            self.order.retain(|known| *known != name);
            if let Some(bytes) = self.place(name) {
                *bytes = Bytes::NONE;
            }
        }
        held
    }

    pub(crate) fn clear(&mut self) {
        self.order.clear();
        self.known = [Bytes::NONE; Name::KNOWN];
        self.others.clear();
        self.text.clear();
    }

    /// Becomes what `other` is, without an allocation where there is room.
    pub(crate) fn copy_of(&mut self, other: &Self) {
        self.order.clone_from(&other.order);
        self.known = other.known;
        self.others.clone_from(&other.others);
        self.text.clone_from(&other.text);
        self.keeps_absent = other.keeps_absent;
    }

    /// Everything that `newer` holds replaces what is here; `newer` is of no use afterwards.
    pub(crate) fn overlay(&mut self, newer: &mut Self) {
        if self.order.is_empty() {
            std::mem::swap(self, newer);
            return;
        }
        for name in &newer.order {
            if let Some(text) = newer.get(*name) {
                self.set(*name, text);
            }
        }
    }

    /// The same for captures that live on, in which nothing may be left over from line to line: only what `newer`
    /// does not hold is copied, to the end of its buffer, which then serves for both.
    pub(crate) fn renew(&mut self, newer: &mut Self) {
        if self.order.is_empty() {
            std::mem::swap(self, newer);
            return;
        }
        for place in 0..self.order.len() {
            let name = self.order[place];
            let bytes = self.bytes(name);
            if newer.bytes(name) == Bytes::NONE
                && let Some(text) = self.text.get(bytes.start as usize..bytes.end as usize)
            {
                let moved = newer.append(text);
                self.put(name, moved);
            }
        }
        for name in &newer.order {
            let bytes = newer.bytes(*name);
            if bytes != Bytes::NONE {
                self.put(*name, bytes);
            }
        }
        std::mem::swap(&mut self.text, &mut newer.text);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Bytes of memory that texts take.
    pub(crate) fn capacity(&self) -> usize {
        self.text.capacity()
    }

    /// Writes names and texts in the order of the names. `seen` is the address, where the id is another: `ip` stands for it.
    pub(crate) fn write_named(&self, names: &Names, seen: Option<Prefix>, named: &mut NamedTexts) {
        named.clear();
        for (name, shown) in names.sorted() {
            if let Some(address) = seen.filter(|_| name == Name::IP) {
                named.push_with(shown, |text| {
                    let written = write!(text, "{address}");
                    debug_assert!(written.is_ok(), "a text takes everything");
                });
            } else if let Some(text) = self.get(name) {
                named.push(shown, text);
            }
        }
    }

    /// Writes the user alone.
    pub(crate) fn write_user(&self, names: &Names, named: &mut NamedTexts) {
        named.clear();
        if let Some(user) = self.get(Name::USER) {
            named.push(names.text(Name::USER), user);
        }
    }

    /// Every name in the order in which it came; without a text only if such names are kept.
    pub(crate) fn to_list(&self, names: &Names) -> Vec<(Arc<str>, Option<String>)> {
        let shown = |name: &Name| {
            let text = self.get(*name).map(str::to_owned);
            (Arc::clone(names.text(*name)), text)
        };
        self.order.iter().map(shown).collect()
    }
}

/// Of names that every rule has.
#[cfg(test)]
impl<'a> FromIterator<(&'a str, &'a str)> for Captures {
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Self {
        let mut captures = Self::default();
        for (name, text) in pairs {
            let names = Names::default();
            let (known, _) = names.sorted().find(|(_, known)| ***known == *name).unwrap();
            captures.set(known, text);
        }
        captures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    proptest::proptest! {
        /// The buffer holds what a map would hold, whatever is written, taken out and laid over, and it keeps the
        /// order in which names came.
        #[test]
        fn is_a_map(steps in proptest::collection::vec((0..7_u8, 0..4_usize, "[xyzé]{0,3}"), 0..40)) {
            let names = &mut Names::default();
            // Two that mean nothing to us, of which the first is never written.
            let others = ["before", "other"].map(|other| names.number(other));
            let names = [Name::USER, Name::FID, Name::CONTENT, others[1]];
            let mut captures = Captures::default();
            let (mut model, mut order) = (BTreeMap::new(), Vec::new());
            for (kind, name, text) in steps {
                let mut write = |name: usize, text: &str| {
                    if model.insert(name, text.to_owned()).is_none() {
                        order.push(name);
                    }
                };
                let pairs = [(name, &*text), (2, "new")];
                let mut newer = Captures::default();
                for (name, text) in pairs {
                    newer.set(names[name], text);
                }
                match kind {
                    0 => {
                        order.retain(|known| *known != name);
                        let held = model.remove(&name).is_some_and(|text: String| !text.is_empty());
                        proptest::prop_assert_eq!(captures.remove(names[name]), held);
                    }
                    1 => {
                        captures.copy(Name::USER, names[name]);
                        if let Some(text) = captures.get(Name::USER) {
                            write(name, text);
                        }
                    }
                    2 => {
                        captures.overlay(&mut newer);
                        pairs.into_iter().for_each(|(name, text)| write(name, text));
                    }
                    3 => {
                        captures.renew(&mut newer);
                        pairs.into_iter().for_each(|(name, text)| write(name, text));
                        let bytes: usize = model.values().map(String::len).sum();
                        proptest::prop_assert!(order.is_empty() || captures.text.len() <= bytes + text.len());
                    }
                    4 => {
                        newer.copy_of(&captures);
                        captures = newer;
                    }
                    5 => {
                        captures.clear();
                        model.clear();
                        order.clear();
                    }
                    _ => {
                        captures.set(names[name], &text);
                        write(name, &text);
                    }
                }
                for (name, number) in names.into_iter().enumerate() {
                    proptest::prop_assert_eq!(captures.get(number), model.get(&name).map(String::as_str));
                    proptest::prop_assert_eq!(captures.has(number), model.get(&name).is_some_and(|text| !text.is_empty()));
                }
                proptest::prop_assert_eq!(&captures.order, &order.iter().map(|name| names[*name]).collect::<Vec<_>>());
            }
        }
    }
}
