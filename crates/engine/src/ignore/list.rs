//! Whom one jail ignores, and by which entry of its configuration.
//!
//! fail2ban looks at the single addresses of `ignoreip` first and at its other entries (networks, host names, files)
//! in their order; the first one that holds an id names the source in the log. A name's addresses and a file's content
//! change while we run: whoever watches them makes a new list, and this one never changes.

use base::{FailureId, Prefix, PrefixSet};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// What put an id on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IgnoreSource {
    /// The configuration itself.
    Ip,
    /// A host name there.
    Dns(Arc<str>),
    /// A file there, by its path.
    File(Arc<str>),
}

/// As fail2ban's log has it.
impl fmt::Display for IgnoreSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip => f.write_str("ip"),
            Self::Dns(_) => f.write_str("dns"),
            Self::File(path) => write!(f, "file:{path}"),
        }
    }
}

/// A jail's list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IgnoreList {
    /// The single addresses that the configuration names.
    addresses: PrefixSet,
    /// Everything else, in order; neighbours of one source are one.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    source: IgnoreSource,
    prefixes: PrefixSet,
    /// Ids that are no address.
    raw: BTreeSet<Box<str>>,
}

impl IgnoreList {
    /// Adds an id behind what is there.
    pub fn push(&mut self, source: IgnoreSource, id: FailureId) {
        match &id {
            FailureId::Prefix(prefix) if source == IgnoreSource::Ip && prefix.is_host() => {
                self.addresses.insert(*prefix);
                return;
            }
            _ => {}
        }
        let last = self.entries.last();
        if last.is_none_or(|last| last.source != source) {
            self.entries.push(Entry {
                source,
                prefixes: PrefixSet::default(),
                raw: BTreeSet::new(),
            });
        }
        let Some(entry) = self.entries.last_mut() else {
            return;
        };
        match id {
            FailureId::Prefix(prefix) => {
                entry.prefixes.insert(prefix);
            }
            FailureId::Raw(text) => {
                entry.raw.insert(text);
            }
        }
    }

    /// Adds what another list has from this source, behind what is there.
    pub fn take_over(&mut self, source: &IgnoreSource, other: &Self) {
        let theirs = other.entries.iter().filter(|entry| entry.source == *source);
        for entry in theirs {
            let prefixes = entry.prefixes.iter().copied().map(FailureId::Prefix);
            let raw = entry.raw.iter().cloned().map(FailureId::Raw);
            for id in prefixes.chain(raw) {
                self.push(source.clone(), id);
            }
        }
    }

    /// The first source that holds all of an id.
    pub fn find(&self, id: &FailureId) -> Option<&IgnoreSource> {
        let holds = |prefixes: &PrefixSet, prefix| prefixes.find_around(prefix).is_some();
        match id {
            FailureId::Prefix(prefix) if holds(&self.addresses, prefix) => Some(&IgnoreSource::Ip),
            FailureId::Prefix(prefix) => {
                let found = self
                    .entries
                    .iter()
                    .find(|entry| holds(&entry.prefixes, prefix));
                found.map(|entry| &entry.source)
            }
            FailureId::Raw(text) => {
                let found = self.entries.iter().find(|entry| entry.raw.contains(text));
                found.map(|entry| &entry.source)
            }
        }
    }

    /// True if somebody on the list lies in, is equal to, or is around this one.
    pub fn overlaps(&self, id: &FailureId) -> bool {
        let FailureId::Prefix(prefix) = id else {
            return self.find(id).is_some();
        };
        let mut entries = self.entries.iter();
        self.addresses.overlaps(prefix) || entries.any(|entry| entry.prefixes.overlaps(prefix))
    }

    /// All its addresses and networks.
    pub fn prefixes(&self) -> impl Iterator<Item = &Prefix> {
        let others = self.entries.iter().flat_map(|entry| entry.prefixes.iter());
        self.addresses.iter().chain(others)
    }
}

/// A list that the configuration itself spells out.
impl FromIterator<Prefix> for IgnoreList {
    fn from_iter<I: IntoIterator<Item = Prefix>>(prefixes: I) -> Self {
        let mut list = Self::default();
        for prefix in prefixes {
            list.push(IgnoreSource::Ip, FailureId::Prefix(prefix));
        }
        list
    }
}

#[cfg(test)]
mod tests;
