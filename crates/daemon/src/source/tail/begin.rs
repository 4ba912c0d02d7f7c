//! Where a jail begins to read a file that it has not read in this run.
//!
//! First choice is the position of an earlier run: in this file, or in the file that had its name then, which is read
//! to its end first. A file that appears while we watch is read whole. Else the dates decide.

use super::reader::{FileId, Member, Reader};
use super::scan::is_log;
use super::{Tail, Wish, start};
use crate::source::{Sink, SourceKey};
use os::open_log_file;
use std::cmp::Reverse;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Files beside a log that are looked at for being its predecessor, the youngest first.
const SIBLINGS: usize = 32;

/// A file that was just opened.
pub(super) struct Found<'a> {
    pub(super) path: &'a Path,
    pub(super) file: &'a File,
    pub(super) id: FileId,
    pub(super) size: u64,
    /// Of the first line.
    pub(super) hash: String,
}

/// Where to begin.
pub(super) struct Begin {
    pub(super) offset: u64,
    /// The reading of this file comes first.
    pub(super) after: Option<SourceKey>,
}

impl<S: Sink> Tail<S> {
    /// Where the jail of a wish begins to read a file.
    pub(super) fn begin(
        &mut self,
        found: &Found<'_>,
        at: usize,
        now: Instant,
    ) -> io::Result<Begin> {
        let at_offset = |offset| {
            Ok(Begin {
                offset,
                after: None,
            })
        };
        let known = self.bound.get(found.path);
        let (wish, jail) = (&self.wishes[at], self.wishes[at].jail);
        let is_new = known.is_some_and(|bound| bound.was_missing)
            || (wish.looked && wish.is_glob && known.is_none_or(|bound| bound.refused.is_none()));
        // A path that was followed already may have got another file with the same beginning.
        if known.is_none_or(|bound| bound.last.is_none()) {
            if let Some(offset) = stored_offset(wish, found)? {
                return at_offset(offset);
            }
            if let Some(after) = self.resume_predecessor(found, at, now)? {
                return Ok(Begin {
                    offset: 0,
                    after: Some(after),
                });
            }
        }
        if is_new {
            let own = self.readers.iter().filter(|reader| reader.has(jail));
            let copied = own
                .filter_map(|reader| reader.offset_in_copy(found.file, found.size))
                .next();
            return at_offset(copied.unwrap_or(0));
        }
        let wish = &self.wishes[at];
        if wish.tail {
            return at_offset(start::last_line_end(found.file, found.size)?);
        }
        let since = (self.clock)() - wish.findtime;
        let sink = &mut self.sink;
        at_offset(start::first_since(found.file, found.size, since, |line| {
            sink.date_of(jail, line)
        })?)
    }

    /// If the log was rotated since an earlier run: reads the rest of the file that was left then, under whatever
    /// name it has now.
    fn resume_predecessor(
        &mut self,
        found: &Found<'_>,
        at: usize,
        now: Instant,
    ) -> io::Result<Option<SourceKey>> {
        let wish = &self.wishes[at];
        let jail = wish.jail;
        let name = found.path.to_string_lossy();
        let own = |stored: &&store::LogPosition| {
            stored.path == name && !stored.first_line_hash.is_empty()
        };
        let Some(stored) = wish.stored.iter().find(own) else {
            return Ok(None);
        };
        let hash = &stored.first_line_hash;
        if *hash == found.hash {
            return Ok(None);
        }
        // The file may have been followed under its next name too, and further.
        let mut places: Vec<_> = wish
            .stored
            .iter()
            .filter(|stored| stored.first_line_hash == *hash)
            .collect();
        places.sort_by_key(|stored| Reverse(stored.offset));
        for path in siblings(found.path) {
            let Ok(file) = open_log_file(&path) else {
                continue;
            };
            let metadata = file.metadata()?;
            let id = FileId::of(&metadata);
            if id == found.id || start::first_line_hash(&file)? != *hash {
                continue;
            }
            let resume = |stored: &&store::LogPosition| {
                start::resume(&file, metadata.len(), hash, stored).transpose()
            };
            let Some(offset) = places.iter().find_map(resume).transpose()? else {
                continue;
            };
            let member = Member {
                jail,
                start: offset,
            };
            let joined =
                |reader: &mut Reader| reader.id == id && (reader.has(jail) || reader.join(member));
            if let Some(reader) = self
                .readers
                .iter_mut()
                .find_map(|reader| joined(reader).then_some(reader.key))
            {
                return Ok(Some(reader));
            }
            // Its position is not the log's any more: until it is read a restart would find it here again.
            return self
                .open_reader(found.path, file, id, vec![member], now)
                .map(Some);
        }
        Ok(None)
    }
}

/// Where an earlier run left this file: under this path, or under another one that it has lost since.
fn stored_offset(wish: &Wish, found: &Found<'_>) -> io::Result<Option<u64>> {
    let name = found.path.to_string_lossy();
    let resume = |stored| start::resume(found.file, found.size, &found.hash, stored);
    if let Some(stored) = wish.stored.iter().find(|stored| stored.path == name)
        && let Some(offset) = resume(stored)?
    {
        return Ok(Some(offset));
    }
    if wish.looked {
        return Ok(None);
    }
    for stored in wish
        .stored
        .iter()
        .filter(|stored| stored.path != name && stored.first_line_hash == found.hash)
    {
        let still_there = open_log_file(Path::new(&stored.path)).and_then(|other| {
            Ok((
                FileId::of(&other.metadata()?),
                start::first_line_hash(&other)?,
            ))
        });
        let moved = still_there.map_or(true, |(id, other)| id == found.id || other != found.hash);
        if moved && let Some(offset) = resume(stored)? {
            return Ok(Some(offset));
        }
    }
    Ok(None)
}

/// The logs beside this one whose names begin like its own, the youngest first.
fn siblings(path: &Path) -> Vec<PathBuf> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Vec::new();
    };
    let name = name.to_string_lossy();
    let stem = name.split('.').next().unwrap_or_default();
    let mut found: Vec<_> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| {
            let other = entry.file_name();
            let other = other.to_string_lossy();
            other != name && other.starts_with(stem) && is_log(&entry.path())
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    found.sort_by_key(|(modified, path)| (Reverse(*modified), path.clone()));
    found.truncate(SIBLINGS);
    found.into_iter().map(|(_, path)| path).collect()
}
