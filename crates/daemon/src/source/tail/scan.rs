//! What the patterns lead to now: new files are opened, lost ones are let go, states are told.

use super::begin::Found;
use super::reader::{FileId, Member, Reader};
use super::{Bound, Tail, Version, glob, start, watch};
use crate::source::{Sink, SourceKey, SourceState};
use engine::JailId;
use os::open_log_file;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// When a file is tried again that could not be opened.
pub(super) const TRY_AGAIN: Duration = Duration::from_secs(10);
/// Looks at the patterns until no directory is watched anew; more only find directories that come and go.
const LOOKS: usize = 4;
/// Log rotation leaves these beside the logs; they are none.
const COMPRESSED: [&str; 5] = ["gz", "xz", "bz2", "zst", "lz4"];

impl<S: Sink> Tail<S> {
    /// Looks at every pattern and makes what is followed equal to what is there.
    pub(super) fn scan(&mut self, now: Instant) {
        let wanted = self.wanted_paths();
        let mut paths: BTreeSet<PathBuf> = self.bound.keys().cloned().collect();
        paths.extend(wanted.keys().cloned());
        // First everything that exists is bound, then what lost its name is seen: a file may only have moved.
        for path in paths {
            let wishes = wanted.get(&path).map_or(&[][..], Vec::as_slice);
            self.bind(&path, wishes, now);
        }
        let names: BTreeSet<FileId> = self.bound.values().filter_map(|bound| bound.file).collect();
        for reader in &mut self.readers {
            if names.contains(&reader.id) {
                reader.rotated = None;
                reader.superseded = false;
            } else {
                reader.rotated.get_or_insert(now);
                reader.dirty = true;
            }
        }
        self.name_readers();
        self.watches
            .set_paths(self.bound.keys().map(PathBuf::as_path));
        self.tell_patterns(&wanted);
        self.wishes.iter_mut().for_each(|wish| wish.looked = true);
    }

    /// Every path that a pattern leads to, with the places of the wishes; watches their directories before that is
    /// final, so that nothing comes between.
    fn wanted_paths(&mut self) -> BTreeMap<PathBuf, Vec<usize>> {
        let mut wanted: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        for _ in 0..LOOKS {
            wanted.clear();
            let mut dirs = BTreeSet::new();
            let mut expanded: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
            for (at, wish) in self.wishes.iter().enumerate() {
                let paths =
                    expanded
                        .entry(wish.pattern.as_str())
                        .or_insert_with(|| match wish.is_glob {
                            true => glob::expand(&wish.pattern, &mut dirs)
                                .into_iter()
                                .filter(|path| is_log(path))
                                .collect(),
                            false => vec![PathBuf::from(&wish.pattern)],
                        });
                for path in paths {
                    wanted.entry(path.clone()).or_default().push(at);
                }
            }
            for path in wanted.keys() {
                watch::dirs_of(path, &mut dirs);
            }
            if !self.watches.set_dirs(&dirs) {
                break;
            }
        }
        wanted
    }

    /// Makes a path lead to the file that has its name now.
    fn bind(&mut self, path: &Path, wishes: &[usize], now: Instant) {
        let found = match fs::metadata(path) {
            _ if wishes.is_empty() => Err(ErrorKind::NotFound.into()),
            Ok(metadata) => Ok((
                FileId::of(&metadata),
                metadata.ctime(),
                metadata.ctime_nsec(),
            )),
            Err(error) => Err(error),
        };
        let bound = self.bound.entry(path.to_owned()).or_default();
        match found {
            Ok(version) => {
                let id = version.0;
                if bound.file != Some(id) && !is_due(bound, Some(version), now) {
                    return;
                }
                match self.follow(path, id, wishes, now) {
                    Ok(true) => self.lead_to(path, id),
                    // Replaced since it was looked at.
                    Ok(false) => self.next_look = now,
                    Err(error) => self.refuse(path, Some(version), &error, now),
                }
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                *bound = Bound {
                    file: None,
                    last: bound.last,
                    was_missing: true,
                    refused: None,
                };
            }
            Err(error) => {
                // What is open already can still be read.
                if bound.file.is_none() && is_due(bound, None, now) {
                    self.refuse(path, None, &error, now);
                }
            }
        }
    }

    /// Notes that the path leads to the file; the one it led to before is read to its end first.
    fn lead_to(&mut self, path: &Path, id: FileId) {
        let Some(bound) = self.bound.get_mut(path) else {
            return;
        };
        bound.refused = None;
        bound.file = Some(id);
        let before = bound.last.replace(id).filter(|before| *before != id);
        let earlier = before.and_then(|before| {
            let earlier = self.readers.iter_mut().find(|reader| reader.id == before)?;
            earlier.dirty = true;
            Some(earlier.key)
        });
        // Whatever comes here later is another file, and new.
        bound.was_missing = true;
        if earlier.is_some() {
            self.readers
                .iter_mut()
                .filter(|reader| reader.id == id && reader.after.is_none() && reader.dirty)
                .for_each(|reader| reader.after = earlier);
        }
    }

    fn refuse(&mut self, path: &Path, version: Option<Version>, error: &io::Error, now: Instant) {
        let Some(bound) = self.bound.get_mut(path) else {
            return;
        };
        bound.file = None;
        bound.refused = Some((version, now + TRY_AGAIN, error.to_string()));
    }

    /// Makes sure that every jail that wants the file reads it; false if the path leads elsewhere by now.
    fn follow(
        &mut self,
        path: &Path,
        id: FileId,
        wishes: &[usize],
        now: Instant,
    ) -> io::Result<bool> {
        let mut missing: Vec<usize> = Vec::new();
        for at in wishes {
            let jail = self.wishes[*at].jail;
            if !self.reads(id, jail)
                && !missing.iter().any(|other| self.wishes[*other].jail == jail)
            {
                missing.push(*at);
            }
        }
        if missing.is_empty() {
            return Ok(true);
        }
        let file = match open_log_file(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            opened => opened?,
        };
        let metadata = file.metadata()?;
        if FileId::of(&metadata) != id {
            return Ok(false);
        }
        let found = Found {
            path,
            file: &file,
            id,
            size: metadata.len(),
            hash: start::first_line_hash(&file)?,
        };
        let mut members = Vec::new();
        let mut after = None;
        for at in missing {
            let begin = self.begin(&found, at, now)?;
            after = after.or(begin.after);
            let member = Member {
                jail: self.wishes[at].jail,
                start: begin.offset,
            };
            if !self
                .readers
                .iter_mut()
                .any(|reader| reader.id == id && reader.join(member))
            {
                members.push(member);
            }
        }
        if !members.is_empty() {
            let key = self.open_reader(path, file, id, members, now)?;
            if let Some(reader) = self.readers.iter_mut().find(|reader| reader.key == key) {
                reader.after = after;
            }
        }
        Ok(true)
    }

    /// True if the jail reads the file already.
    pub(super) fn reads(&self, id: FileId, jail: JailId) -> bool {
        self.readers
            .iter()
            .any(|reader| reader.id == id && reader.has(jail))
    }

    pub(super) fn open_reader(
        &mut self,
        path: &Path,
        file: File,
        id: FileId,
        members: Vec<Member>,
        now: Instant,
    ) -> io::Result<SourceKey> {
        let key = SourceKey(self.next_key);
        let name = path.to_string_lossy().into_owned();
        self.readers
            .push(Reader::new(key, name, file, id, members, now)?);
        self.next_key += 1;
        Ok(key)
    }

    /// Each file is called by a path that leads to it.
    fn name_readers(&mut self) {
        for reader in &mut self.readers {
            let leads_here = |path: &Path| {
                self.bound
                    .get(path)
                    .is_some_and(|bound| bound.file == Some(reader.id))
            };
            if !leads_here(Path::new(&reader.path))
                && let Some((path, _)) = self
                    .bound
                    .iter()
                    .find(|(_, bound)| bound.file == Some(reader.id))
            {
                reader.path = path.to_string_lossy().into_owned();
                reader.renamed = true;
                reader.dirty = true;
            }
        }
    }

    /// Tells how every pattern stands, and forgets paths that no pattern leads to any more.
    fn tell_patterns(&mut self, wanted: &BTreeMap<PathBuf, Vec<usize>>) {
        let mut told = Vec::new();
        for (path, wishes) in wanted {
            for at in wishes {
                let jail = self.wishes[*at].jail;
                if let Some((state, position)) = self.state_of(path, jail) {
                    told.push((jail, path.to_string_lossy().into_owned(), state, position));
                }
            }
        }
        let matched: BTreeSet<usize> = wanted.values().flatten().copied().collect();
        for (at, wish) in self
            .wishes
            .iter()
            .enumerate()
            .filter(|(_, wish)| wish.is_glob)
        {
            if !matched.contains(&at) {
                told.push((wish.jail, wish.pattern.clone(), SourceState::Waiting, 0));
            }
        }
        let names: BTreeSet<(JailId, &str)> = told
            .iter()
            .map(|(jail, path, ..)| (*jail, path.as_str()))
            .collect();
        let gone = self
            .states
            .keys()
            .filter(|(jail, path)| !names.contains(&(*jail, path.as_str())));
        for (jail, path) in gone.cloned().collect::<Vec<_>>() {
            self.tell(jail, path, SourceState::Gone, 0);
        }
        self.bound.retain(|path, _| wanted.contains_key(path));
        for (jail, path, state, position) in told {
            self.tell(jail, path, state, position);
        }
    }

    fn state_of(&self, path: &Path, jail: JailId) -> Option<(SourceState, u64)> {
        let bound = self.bound.get(path)?;
        if let Some((_, _, why)) = &bound.refused {
            return Some((SourceState::Error(why.clone()), 0));
        }
        let Some(id) = bound.file else {
            return Some((SourceState::Waiting, 0));
        };
        let reader = self
            .readers
            .iter()
            .find(|reader| reader.id == id && reader.has(jail))?;
        let before = self
            .states
            .get(&(jail, path.to_string_lossy().into_owned()));
        // A successor is not caught up with anew: the source goes on.
        let follows = reader.caught_up || matches!(before, Some((SourceState::Following, _)));
        Some((
            if follows {
                SourceState::Following
            } else {
                SourceState::CatchingUp
            },
            reader.offset(),
        ))
    }

    /// Tells the state of a file after its end was reached.
    pub(super) fn tell_reader(&mut self, at: usize) {
        let id = self.readers[at].id;
        let jails: Vec<JailId> = self.readers[at].jails().collect();
        let paths: Vec<PathBuf> = self
            .bound
            .iter()
            .filter(|(_, bound)| bound.file == Some(id))
            .map(|(path, _)| path.clone())
            .collect();
        for path in paths {
            let name = path.to_string_lossy().into_owned();
            for jail in jails
                .iter()
                .filter(|jail| self.states.contains_key(&(**jail, name.clone())))
                .copied()
                .collect::<Vec<_>>()
            {
                if let Some((state, position)) = self.state_of(&path, jail) {
                    self.tell(jail, name.clone(), state, position);
                }
            }
        }
    }

    /// Tells positions that have moved since they were told last.
    pub(super) fn tell_positions(&mut self) {
        for (jail, path) in self.states.keys().cloned().collect::<Vec<_>>() {
            if let Some((state, position)) = self.state_of(Path::new(&path), jail) {
                self.tell(jail, path, state, position);
            }
        }
    }

    fn tell(&mut self, jail: JailId, path: String, state: SourceState, position: u64) {
        let key = (jail, path);
        let told = (state, position);
        if self.states.get(&key) == Some(&told) {
            return;
        }
        self.sink
            .state(jail, &key.1, "file", told.0.clone(), position);
        if told.0 == SourceState::Gone {
            self.states.remove(&key);
        } else {
            self.states.insert(key, told);
        }
    }
}

/// True if the path may be opened now: it was not refused, or another file is there, or the time is over.
fn is_due(bound: &Bound, version: Option<Version>, now: Instant) -> bool {
    bound
        .refused
        .as_ref()
        .is_none_or(|(refused, again, _)| *refused != version || now >= *again)
}

pub(super) fn is_log(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension.is_none_or(|extension| !COMPRESSED.contains(&extension)) && !path.is_dir()
}
