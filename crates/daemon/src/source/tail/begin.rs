//! Where a jail begins to read a file that it has not read in this run.
//!
//! First choice is the position of an earlier run: in this file, or in the file that had its name then, which is read
//! to its end first. A file that appears while we watch is read whole. Else the dates decide.

use super::reader::{FileId, Member, Reader};
use super::scan::is_log;
use super::{Tail, Wish, start};
use crate::source::{Sink, SourceKey};
use detect::Encoding;
use os::open_log_file;
use std::cmp::Reverse;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

/// Files beside a log that are looked at for being its predecessor, the youngest first.
const SIBLINGS: usize = 32;
/// A file that was just opened.
pub(super) struct Found<'a> {
    pub(super) path: &'a Path,
    pub(super) file: &'a File,
    pub(super) id: FileId,
    pub(super) size: u64,
    pub(super) encoding: Encoding,
    /// Of the first line.
    pub(super) hash: String,
}

/// Where to begin.
pub(super) struct Begin {
    pub(super) offset: u64,
    /// The reading of this file comes first.
    pub(super) after: Option<SourceKey>,
    /// The place was left by an earlier run, or the path is named as it is; else it may be a copy of another log.
    pub(super) is_known: bool,
}

impl<S: Sink> Tail<S> {
    /// Where the jail of a wish begins to read a file.
    pub(super) fn begin(
        &mut self,
        found: &Found<'_>,
        at: usize,
        now: Instant,
    ) -> io::Result<Begin> {
        let known_at = |offset| Begin {
            offset,
            after: None,
            is_known: true,
        };
        let known = self.bound.get(found.path);
        let wish = &self.wishes[at];
        let is_new = known.is_some_and(|bound| bound.was_missing)
            || (wish.looked && wish.is_glob && known.is_none_or(|bound| bound.refused.is_none()));
        let content = (found.file, found.encoding, found.size);
        // A path that was followed already may have got another file with the same beginning.
        if known.is_none_or(|bound| bound.last.is_none()) {
            if let Some(offset) = stored_offset(wish, found)? {
                return Ok(known_at(self.since(content, at, offset)?));
            }
            if let Some(after) = self.resume_predecessor(found, at, now)? {
                return Ok(Begin {
                    after: Some(after),
                    ..known_at(0)
                });
            }
        }
        let offset = if is_new {
            0
        } else if self.wishes[at].tail {
            start::last_line_end(found.file, found.size, found.encoding)?
        } else {
            self.since(content, at, 0)?
        };
        let is_known = !self.wishes[at].is_glob;
        Ok(Begin {
            is_known,
            ..known_at(offset)
        })
    }

    /// Where the lines of a file begin, at or behind `from`, that are young enough for the jail.
    fn since(
        &mut self,
        (file, encoding, size): (&File, Encoding, u64),
        at: usize,
        from: u64,
    ) -> io::Result<u64> {
        let (jail, findtime) = (self.wishes[at].jail, self.wishes[at].findtime);
        let since = (self.clock)() - findtime;
        let sink = &mut self.sink;
        let mut dated = start::Dated {
            file,
            encoding,
            date_of: |line: &str| sink.date_of(jail, line),
        };
        dated.first_since(from, size, since)
    }

    /// If the log was rotated since an earlier run: reads the rest of the file that was left then, under whatever
    /// name it has now, and what lay under the log's name between that one and the present.
    fn resume_predecessor(
        &mut self,
        found: &Found<'_>,
        at: usize,
        now: Instant,
    ) -> io::Result<Option<SourceKey>> {
        let wish = &self.wishes[at];
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
        let mut between = Vec::new();
        let mut left = None;
        for path in siblings(found.path) {
            let Ok(file) = open_log_file(&path) else {
                continue;
            };
            let metadata = file.metadata()?;
            let id = FileId::of(&metadata);
            if id == found.id {
                continue;
            }
            if start::first_line_hash(&file)? == *hash {
                let encoding = start::encoding_of(&file, wish.encoding)?;
                let resume = |stored: &&store::LogPosition| {
                    start::resume(&file, metadata.len(), hash, encoding, stored).transpose()
                };
                let mut offset = places.iter().find_map(resume).transpose()?;
                let size = metadata.len();
                if offset.is_none() && is_read_copy(found.path, stored, &path, size) {
                    offset = Some(start::last_line_end(&file, size, encoding)?);
                }
                if let Some(offset) = offset {
                    left = Some((file, id, offset));
                    break;
                }
            }
            if is_earlier_name(found.path, &path) {
                between.push((file, metadata));
            }
        }
        let Some((file, id, offset)) = left else {
            return Ok(None);
        };
        let metadata = file.metadata()?;
        let (born, written) = (metadata.created().ok(), metadata.modified()?);
        // From the oldest to the youngest, each after the one before. Their position is not the log's any more: until
        // it is read a restart would find them here again.
        let mut last = self.open_rest(found.path, file, (id, offset), at, None, now)?;
        for (file, metadata) in between.into_iter().rev() {
            // An older one, or one that was written no later, was read in that run.
            if born.is_none() || metadata.created().ok() <= born || metadata.modified()? <= written
            {
                continue;
            }
            let (id, size) = (FileId::of(&metadata), metadata.len());
            let encoding = start::encoding_of(&file, self.wishes[at].encoding)?;
            // A jail that follows it under its present name, too, may have read it already.
            let hash = start::first_line_hash(&file)?;
            let mut left = None;
            for stored in &self.wishes[at].stored {
                left = left.max(start::resume(&file, size, &hash, encoding, stored)?);
            }
            let offset = self.since((&file, encoding, size), at, left.unwrap_or(0))?;
            last = self.open_rest(found.path, file, (id, offset), at, Some(last), now)?;
        }
        Ok(Some(last))
    }

    /// Reads a file without a name from a place on, after another one.
    fn open_rest(
        &mut self,
        log: &Path,
        file: File,
        (id, start): (FileId, u64),
        at: usize,
        after: Option<SourceKey>,
        now: Instant,
    ) -> io::Result<SourceKey> {
        let (jail, encoding) = (self.wishes[at].jail, self.wishes[at].encoding);
        let member = Member { jail, start };
        let joins = |reader: &mut Reader| {
            reader.id == id && reader.asked == encoding && (reader.has(jail) || reader.join(member))
        };
        if let Some(reader) = self
            .readers
            .iter_mut()
            .find_map(|reader| joins(reader).then_some(reader.key))
        {
            return Ok(reader);
        }
        let key = self.open_reader(log, file, id, encoding, vec![member], now)?;
        if let Some(reader) = self.readers.last_mut() {
            reader.after = after;
        }
        Ok(key)
    }
}

/// True for what log rotation calls an earlier file of this name: `NAME.1`, `NAME-20260101`.
fn is_earlier_name(log: &Path, other: &Path) -> bool {
    let name = |path: &Path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let (Some(log), Some(other)) = (name(log), name(other)) else {
        return false;
    };
    let rest = other.strip_prefix(&log);
    rest.is_some_and(|rest| {
        rest.starts_with(['.', '-']) && rest.contains(|c: char| c.is_ascii_digit())
    })
}

/// Where an earlier run left this file: under this path, or under another one that it has lost since.
fn stored_offset(wish: &Wish, found: &Found<'_>) -> io::Result<Option<u64>> {
    let name = found.path.to_string_lossy();
    let resume =
        |stored| start::resume(found.file, found.size, &found.hash, found.encoding, stored);
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
        if !moved {
            continue;
        }
        if let Some(offset) = resume(stored)? {
            return Ok(Some(offset));
        }
        if is_read_copy(Path::new(&stored.path), stored, found.path, found.size) {
            return start::last_line_end(found.file, found.size, found.encoding).map(Some);
        }
    }
    Ok(None)
}

/// True for a file with a log's first line, under a name that rotation gives, that ends before the place up to which the
/// log was read: a copy that was made just before the last lines, which were read in the log before it was emptied.
fn is_read_copy(log: &Path, stored: &store::LogPosition, other: &Path, size: u64) -> bool {
    size > 0 && size < stored.offset && is_earlier_name(log, other)
}

/// The logs beside this one whose names begin like its own, the youngest first; for a symlink, whatever lies beside its
/// target, since such targets have names of their own.
pub(super) fn siblings(path: &Path) -> Vec<PathBuf> {
    let target = path.read_link().and_then(|_| path.canonicalize()).ok();
    let by_target = target.as_ref().and_then(|target| target.parent());
    let mut found = logs_in(path.parent(), |other| {
        let (Some(own), Some(other)) = (path.file_name(), other.file_name()) else {
            return false;
        };
        let own = own.to_string_lossy();
        let stem = own.split('.').next().unwrap_or_default();
        let other = other.to_string_lossy();
        other != own && other.starts_with(stem)
    });
    found.extend(logs_in(by_target, |_| true));
    found.sort_by_key(|(modified, path)| (Reverse(*modified), path.clone()));
    found.dedup();
    found.truncate(SIBLINGS);
    found.into_iter().map(|(_, path)| path).collect()
}

/// The logs in a directory that pass, with the times when they were last written.
fn logs_in(dir: Option<&Path>, passes: impl Fn(&Path) -> bool) -> Vec<(SystemTime, PathBuf)> {
    let entries = dir.map(fs::read_dir).into_iter().flatten().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(|path| passes(path) && is_log(path))
        .filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))
        .collect()
}
