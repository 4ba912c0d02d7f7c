//! The names of a rule's groups, numbered: what is known of a match is looked up by number and never by text.

use std::sync::Arc;

/// A name's number in the table of its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name(u32);

/// Names that mean something to us; their numbers are the same in every rule.
const KNOWN: [&str; Name::KNOWN] = [
    "fid",
    "ip4",
    "ip6",
    "dns",
    "cidr",
    "user",
    "users",
    "mlfid",
    "nofail",
    "mlfgained",
    "mlfforget",
    "content",
    "ip",
    "attempts",
];

impl Name {
    /// How many names mean something to us.
    pub(super) const KNOWN: usize = 14;

    pub(crate) const FID: Self = Self(0);
    pub(crate) const IP4: Self = Self(1);
    pub(crate) const IP6: Self = Self(2);
    pub(crate) const DNS: Self = Self(3);
    pub(crate) const CIDR: Self = Self(4);
    pub(crate) const USER: Self = Self(5);
    /// The users of a session, where captures are shown.
    pub(crate) const USERS: Self = Self(6);
    pub(crate) const MLFID: Self = Self(7);
    pub(crate) const NOFAIL: Self = Self(8);
    pub(crate) const MLFGAINED: Self = Self(9);
    pub(crate) const MLFFORGET: Self = Self(10);
    pub(crate) const CONTENT: Self = Self(11);
    /// The address, where the id is another.
    pub(crate) const IP: Self = Self(12);
    /// For how many failures one line stands.
    pub(crate) const ATTEMPTS: Self = Self(13);

    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// The table of one rule.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    texts: Vec<Arc<str>>,
    /// In the order of the texts.
    sorted: Vec<Name>,
}

impl Default for Names {
    fn default() -> Self {
        let mut names = Self {
            texts: Vec::new(),
            sorted: Vec::new(),
        };
        for known in KNOWN {
            names.number(known);
        }
        names
    }
}

impl Names {
    /// The number of a name, which is given one if it has none yet.
    pub(crate) fn number(&mut self, text: &str) -> Name {
        let texts = &self.texts;
        let place = (self.sorted).binary_search_by(|known| (*texts[known.index()]).cmp(text));
        match place {
            Ok(place) => self.sorted[place],
            Err(place) => {
                let name = Name(self.texts.len() as u32);
                self.texts.push(text.into());
                self.sorted.insert(place, name);
                name
            }
        }
    }

    pub(crate) fn text(&self, name: Name) -> &Arc<str> {
        &self.texts[name.index()]
    }

    /// All names in the order of their texts.
    pub(crate) fn sorted(&self) -> impl Iterator<Item = (Name, &Arc<str>)> {
        self.sorted.iter().map(|name| (*name, self.text(*name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_have_their_numbers() {
        let mut names = Names::default();
        for (name, text) in [
            (Name::FID, "fid"),
            (Name::IP4, "ip4"),
            (Name::IP6, "ip6"),
            (Name::DNS, "dns"),
            (Name::CIDR, "cidr"),
            (Name::USER, "user"),
            (Name::USERS, "users"),
            (Name::MLFID, "mlfid"),
            (Name::NOFAIL, "nofail"),
            (Name::MLFGAINED, "mlfgained"),
            (Name::MLFFORGET, "mlfforget"),
            (Name::CONTENT, "content"),
            (Name::IP, "ip"),
            (Name::ATTEMPTS, "attempts"),
        ] {
            assert_eq!((names.number(text), &**names.text(name)), (name, text));
        }
    }

    #[test]
    fn other_names_come_after_and_all_are_told_in_order() {
        let mut names = Names::default();
        let (zone, age) = (names.number("zone"), names.number("age"));
        assert_eq!((zone.index(), age.index()), (Name::KNOWN, Name::KNOWN + 1));
        assert_eq!(names.number("zone"), zone);
        let sorted: Vec<&str> = names.sorted().map(|(_, text)| &**text).collect();
        assert!(sorted.is_sorted());
        assert_eq!(sorted.len(), Name::KNOWN + 2);
    }
}
