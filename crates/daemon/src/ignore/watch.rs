//! What names and files hold now, and the lists that follow from it.
//!
//! Time and the name system come from outside, so that a test decides both.

use super::Said;
use super::entry::Entry;
use super::file::{Look, Watched};
use crate::log::Level;
use base::{FailureId, Prefix};
use engine::{IgnoreList, IgnoreSource, JailId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the addresses of a name are good.
const ASK_AGAIN: Duration = Duration::from_secs(300);
/// The same of no answer.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// How often files are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Finds the addresses of a name; none if it has none or nobody answers.
pub(crate) type Lookup = Box<dyn Fn(&str) -> Vec<Prefix> + Send>;

/// All names and files of all jails.
pub(crate) struct Watch {
    jails: Vec<(JailId, Vec<Entry>)>,
    names: BTreeMap<Arc<str>, Name>,
    files: Vec<Watched>,
    looked: Option<Instant>,
    lookup: Lookup,
    said: Vec<Said>,
}

#[derive(Debug, Default)]
struct Name {
    addresses: Vec<Prefix>,
    /// When to ask again; at once if never asked.
    due: Option<Instant>,
    /// That it has no address was told.
    told: bool,
}

/// Whom a change concerns.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Name(Arc<str>),
    File(Arc<str>),
}

impl Watch {
    pub(crate) fn new(
        jails: impl IntoIterator<Item = (JailId, Vec<Entry>)>,
        lookup: Lookup,
    ) -> Self {
        let jails: Vec<_> = jails.into_iter().collect();
        let (mut names, mut files) = (BTreeMap::new(), Vec::<Watched>::new());
        for entry in jails.iter().flat_map(|(_, entries)| entries) {
            match entry {
                Entry::Id(_) => {}
                Entry::Name(name) => {
                    names.entry(Arc::clone(name)).or_insert_with(Name::default);
                }
                Entry::File(file) if files.iter().any(|known| known.file == *file) => {}
                Entry::File(file) => files.push(Watched::new(file.clone())),
            }
        }
        Self {
            jails,
            names,
            files,
            looked: None,
            lookup,
            said: Vec::new(),
        }
    }

    /// True if there is nothing to look after.
    pub(crate) fn is_idle(&self) -> bool {
        self.names.is_empty() && self.files.is_empty()
    }

    /// Looks at the files, if it is time; where nothing changed, asks for one name, if one is due. True if there may be
    /// more to do at once: what a file says need not wait for the name system.
    pub(crate) fn look(&mut self, clock: &dyn Fn() -> Instant) -> bool {
        let now = clock();
        let mut changed = BTreeSet::new();
        self.look_at_files(now, &mut changed);
        if changed.is_empty() {
            // Whoever waits longest is next, first those who were never asked: slow ones hold up nobody for ever.
            let next = self.names.iter().min_by_key(|(_, name)| name.due);
            let due = next.filter(|(_, name)| name.due.is_none_or(|due| due <= now));
            let Some(text) = due.map(|(text, _)| Arc::clone(text)) else {
                return false;
            };
            self.ask(&text, clock, &mut changed);
        }
        self.make_lists(&changed);
        true
    }

    fn look_at_files(&mut self, now: Instant, changed: &mut BTreeSet<Source>) {
        if self.looked.is_some_and(|looked| now < looked + LOOK_AGAIN) {
            return;
        }
        self.looked = Some(now);
        for watched in &mut self.files {
            let path = Arc::clone(watched.file.shown());
            match watched.look(now) {
                Look::Same => {}
                Look::Changed => {
                    let count = watched.ids.len();
                    let text = format!("ignoreip file {path} now holds {count} entries");
                    self.said.push(Said::Note(Level::Info, text));
                    changed.insert(Source::File(path));
                }
                Look::Failed(error) => {
                    let meanwhile = match watched.ids.len() {
                        0 => "it spares nobody until it can".to_owned(),
                        count => format!("the {count} that it named last are still ignored"),
                    };
                    let text = format!("ignoreip file {path} cannot be read: {error}; {meanwhile}");
                    self.said.push(Said::Note(Level::Warning, text));
                }
            }
        }
    }

    fn ask(
        &mut self,
        text: &Arc<str>,
        clock: &dyn Fn() -> Instant,
        changed: &mut BTreeSet<Source>,
    ) {
        let found = (self.lookup)(text);
        // An answer takes its time, and counts from when it comes.
        let now = clock();
        let Some(name) = self.names.get_mut(text) else {
            return;
        };
        name.due = Some(
            now + if found.is_empty() {
                TRY_AGAIN
            } else {
                ASK_AGAIN
            },
        );
        if found.is_empty() {
            if !std::mem::replace(&mut name.told, true) {
                let kept = match name.addresses.len() {
                    0 => "it spares nobody until it has one".to_owned(),
                    count => format!("the last {count} that it had are still ignored"),
                };
                let text = format!(
                    "Unable to find a corresponding IP address for {text} of ignoreip: {kept}"
                );
                self.said.push(Said::Note(Level::Warning, text));
            }
            return;
        }
        name.told = false;
        if name.addresses != found {
            name.addresses = found;
            changed.insert(Source::Name(Arc::clone(text)));
        }
    }

    /// The lists of the jails whom one of these concerns.
    fn make_lists(&mut self, changed: &BTreeSet<Source>) {
        let concerns = |entry: &Entry| match entry {
            Entry::Id(_) => false,
            Entry::Name(name) => changed.contains(&Source::Name(Arc::clone(name))),
            Entry::File(file) => changed.contains(&Source::File(Arc::clone(file.shown()))),
        };
        for (jail, entries) in &self.jails {
            if entries.iter().any(concerns) {
                self.said.push(Said::List {
                    jail: *jail,
                    list: self.list(entries),
                    silent: self.silent(entries),
                });
            }
        }
    }

    fn list(&self, entries: &[Entry]) -> IgnoreList {
        let mut list = IgnoreList::default();
        for entry in entries {
            match entry {
                Entry::Id(id) => list.push(IgnoreSource::Ip, id.clone()),
                Entry::Name(text) => {
                    list.push(IgnoreSource::Ip, FailureId::Raw(text.as_ref().into()));
                    let name = self.names.get(text);
                    for address in name.into_iter().flat_map(|name| &name.addresses) {
                        let source = IgnoreSource::Dns(Arc::clone(text));
                        list.push(source, FailureId::Prefix(*address));
                    }
                }
                Entry::File(file) => {
                    let watched = self.files.iter().find(|watched| watched.file == *file);
                    for id in watched.into_iter().flat_map(|watched| &watched.ids) {
                        let source = IgnoreSource::File(Arc::clone(file.shown()));
                        list.push(source, id.clone());
                    }
                }
            }
        }
        list
    }

    /// Names and files of which nothing is known yet.
    fn silent(&self, entries: &[Entry]) -> Vec<IgnoreSource> {
        let is_known = |entry: &&Entry| match entry {
            Entry::Id(_) => true,
            Entry::Name(text) => {
                let name = self.names.get(text);
                name.is_some_and(|name| !name.addresses.is_empty())
            }
            Entry::File(file) => {
                let mut files = self.files.iter();
                files.any(|watched| watched.file == *file && watched.was_read)
            }
        };
        let silent = entries.iter().filter(|entry| !is_known(entry));
        silent.filter_map(Entry::source).collect()
    }

    /// What is to be said since the last time.
    pub(crate) fn take_said(&mut self) -> Vec<Said> {
        std::mem::take(&mut self.said)
    }

    /// How long nothing is due.
    pub(crate) fn next_look(&self, now: Instant) -> Duration {
        let files = (!self.files.is_empty()).then_some(LOOK_AGAIN);
        let names = self.names.values().map(|name| {
            name.due
                .map_or(Duration::ZERO, |due| due.saturating_duration_since(now))
        });
        files.into_iter().chain(names).min().unwrap_or(ASK_AGAIN)
    }
}

/// A jail's list with its files as they are now and without its names, for who must not ask the name system; and what
/// is wrong with a file.
pub(crate) fn offline(entries: &[Entry]) -> (IgnoreList, Vec<String>) {
    let entries = entries
        .iter()
        .filter(|entry| !matches!(entry, Entry::Name(_)));
    let jails = [(JailId(0), entries.cloned().collect::<Vec<_>>())];
    let mut watch = Watch::new(jails, Box::new(|_| Vec::new()));
    watch.look_at_files(Instant::now(), &mut BTreeSet::new());
    let notes = watch.take_said().into_iter().filter_map(|said| match said {
        Said::Note(Level::Warning, text) => Some(text),
        Said::Note(..) | Said::List { .. } => None,
    });
    let notes = notes.collect();
    let list = watch.jails.first().map(|(_, entries)| watch.list(entries));
    (list.unwrap_or_default(), notes)
}

/// The entries for people, with what a file holds now.
pub(crate) fn described(entries: &[Entry]) -> Vec<String> {
    let one = |entry: &Entry| match entry {
        Entry::Id(id) => id.to_string(),
        Entry::Name(name) => format!("{name} (a host name)"),
        Entry::File(file) => {
            let mut watched = Watched::new(file.clone());
            let state = match watched.look(Instant::now()) {
                Look::Failed(error) => format!("cannot be read: {error}"),
                Look::Changed | Look::Same => format!("{} entries now", watched.ids.len()),
            };
            format!("file:{} ({state})", file.shown())
        }
    };
    entries.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
