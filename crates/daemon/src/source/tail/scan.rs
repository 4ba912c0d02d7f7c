//! What the patterns lead to now: new files are opened, lost ones are let go, states are told.

use super::begin::Found;
use super::copies::Suspicion;
use super::reader::{FileId, Member, Reader};
use super::{Bound, Tail, Version, glob, start, watch};
use crate::source::{Sink, SourceKey, SourceState, Standing};
use detect::Encoding;
use engine::JailId;
use os::open_log_file;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
            self.denied.clear();
            let mut dirs = BTreeSet::new();
            let mut expanded: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
            for (at, wish) in self.wishes.iter().enumerate() {
                let paths = expanded.entry(wish.pattern.as_str()).or_insert_with(|| {
                    if !wish.is_glob {
                        return vec![PathBuf::from(&wish.pattern)];
                    }
                    let mut looked = glob::Looked::default();
                    let mut paths = glob::expand(&wish.pattern, &mut looked);
                    paths.retain(|path| is_log(path));
                    dirs.append(&mut looked.dirs);
                    if let Some(why) = looked.refused {
                        self.denied.insert(wish.pattern.clone(), why);
                    }
                    paths
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
                    Ok(false) => self.next_look = now,
                    Err(error) => self.refuse(path, Some(version), &error, now),
                }
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
            {
                bound.file = None;
                bound.was_missing = true;
                bound.refused = None;
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
        // Whatever comes here later is another file, and new.
        bound.was_missing = true;
        let Some(before) = bound.last.replace(id).filter(|before| *before != id) else {
            return;
        };
        let earlier: Vec<(Encoding, SourceKey)> = self
            .readers
            .iter_mut()
            .filter(|reader| reader.id == before)
            .map(|reader| {
                reader.dirty = true;
                (reader.asked, reader.key)
            })
            .collect();
        let fresh = self.readers.iter_mut();
        for reader in
            fresh.filter(|reader| reader.id == id && reader.after.is_none() && reader.dirty)
        {
            let same = earlier.iter().find(|(asked, _)| *asked == reader.asked);
            reader.after = same.map(|(_, key)| *key);
        }
    }

    fn refuse(&mut self, path: &Path, version: Option<Version>, error: &io::Error, now: Instant) {
        let Some(bound) = self.bound.get_mut(path) else {
            return;
        };
        bound.file = None;
        bound.errors += 1;
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
        let hash = start::first_line_hash(&file)?;
        // Jails that ask for the same encoding share one reading.
        let mut fresh: Vec<Fresh> = Vec::new();
        for at in missing {
            let asked = self.wishes[at].encoding;
            let found = Found {
                path,
                file: &file,
                id,
                size: metadata.len(),
                encoding: start::encoding_of(&file, asked)?,
                hash: hash.clone(),
            };
            let begin = self.begin(&found, at, now)?;
            let member = Member {
                jail: self.wishes[at].jail,
                start: begin.offset,
            };
            let mut open = self.readers.iter_mut();
            if open.any(|reader| reader.id == id && reader.asked == asked && reader.join(member)) {
                continue;
            }
            let at = fresh.iter().position(|one| one.asked == asked);
            let at = at.unwrap_or_else(|| {
                fresh.push(Fresh {
                    asked,
                    members: Vec::new(),
                    after: None,
                    is_known: false,
                });
                fresh.len() - 1
            });
            fresh[at].members.push(member);
            fresh[at].after = fresh[at].after.or(begin.after);
            fresh[at].is_known |= begin.is_known;
        }
        for one in fresh {
            self.open_reader(path, file.try_clone()?, id, one.asked, one.members, now)?;
            if let Some(reader) = self.readers.last_mut() {
                reader.after = one.after;
                reader.hash_at_begin = hash.as_str().into();
                reader.suspicion = (!one.is_known).then(|| Suspicion::new(now));
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

    /// The key that the next reading gets.
    pub(super) fn next_source(&self) -> SourceKey {
        SourceKey(self.next_key)
    }

    pub(super) fn open_reader(
        &mut self,
        path: &Path,
        file: File,
        id: FileId,
        asked: Encoding,
        members: Vec<Member>,
        now: Instant,
    ) -> io::Result<SourceKey> {
        let key = self.next_source();
        let name = path.to_string_lossy().into_owned();
        self.readers
            .push(Reader::new(key, name, file, id, asked, members, now)?);
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
                if let Some(standing) = self.standing_of(path, jail) {
                    told.push((jail, path.to_string_lossy().into_owned(), standing));
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
                let state = match self.denied.get(&wish.pattern) {
                    Some(why) => SourceState::Error(why.clone()),
                    None => SourceState::Waiting,
                };
                told.push((wish.jail, wish.pattern.clone(), Standing::new(state)));
            }
        }
        let names: BTreeSet<(JailId, &str)> = told
            .iter()
            .map(|(jail, path, _)| (*jail, path.as_str()))
            .collect();
        let gone = self
            .states
            .keys()
            .filter(|(jail, path)| !names.contains(&(*jail, path.as_str())));
        for (jail, path) in gone.cloned().collect::<Vec<_>>() {
            self.tell(jail, path, Standing::new(SourceState::Gone));
        }
        self.bound.retain(|path, _| wanted.contains_key(path));
        for (jail, path, standing) in told {
            self.tell(jail, path, standing);
        }
    }

    fn standing_of(&self, path: &Path, jail: JailId) -> Option<Standing> {
        let bound = self.bound.get(path)?;
        let standing = |state, position| Standing {
            position,
            errors: bound.errors,
            truncations: bound.truncations,
            ..Standing::new(state)
        };
        if let Some((_, _, why)) = &bound.refused {
            return Some(standing(SourceState::Error(why.clone()), 0));
        }
        let Some(id) = bound.file else {
            return Some(standing(SourceState::Waiting, 0));
        };
        let mut open = self.readers.iter();
        let Some(reader) = open.find(|reader| reader.id == id && reader.has(jail)) else {
            return Some(standing(SourceState::Waiting, 0));
        };
        let before = self
            .states
            .get(&(jail, path.to_string_lossy().into_owned()));
        // A successor is not caught up with anew: the source goes on.
        let follows =
            reader.caught_up || before.is_some_and(|before| before.state == SourceState::Following);
        let state = if follows {
            SourceState::Following
        } else {
            SourceState::CatchingUp
        };
        Some(Standing {
            first_line_hash: Arc::clone(&reader.hash_at_begin),
            ..standing(state, reader.offset())
        })
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
                if let Some(standing) = self.standing_of(&path, jail) {
                    self.tell(jail, name.clone(), standing);
                }
            }
        }
    }

    /// Tells positions that have moved since they were told last.
    pub(super) fn tell_positions(&mut self) {
        for (jail, path) in self.states.keys().cloned().collect::<Vec<_>>() {
            if let Some(standing) = self.standing_of(Path::new(&path), jail) {
                self.tell(jail, path, standing);
            }
        }
    }

    fn tell(&mut self, jail: JailId, path: String, standing: Standing) {
        let key = (jail, path);
        if self.states.get(&key) == Some(&standing) {
            return;
        }
        self.sink.state(jail, &key.1, "file", standing.clone());
        if standing.state == SourceState::Gone {
            self.states.remove(&key);
        } else {
            self.states.insert(key, standing);
        }
    }
}

/// A reading that begins.
struct Fresh {
    asked: Encoding,
    members: Vec<Member>,
    after: Option<SourceKey>,
    is_known: bool,
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
