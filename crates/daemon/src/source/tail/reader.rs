//! One open file and how far it was read.
//!
//! A file is known by its identity, not by its name. Each read begins a little before the offset: if those bytes are
//! not the ones given last time, the file was truncated and is read from its beginning. That finds a truncation even
//! if the file has grown beyond the offset again.

use super::copies::Suspicion;
use super::start;
use crate::source::{Position, Sink, SourceKey};
use detect::Encoding;
use engine::JailId;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Bytes of a file that are read in one round at most, so that no file keeps the others waiting.
pub(super) const ROUND: usize = 256 * 1024;
/// Bytes before the offset that are compared.
const MARK: usize = 128;
/// What the buffer of [`Reader::read`] must hold.
pub(super) const BUFFER: usize = MARK + 64 * 1024;

/// A file's identity as long as it exists or is open: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileId(u64, u64);

impl FileId {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self(metadata.dev(), metadata.ino())
    }
}

/// A jail that reads the file, and from where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) jail: JailId,
    /// The beginning of a line.
    pub(super) start: u64,
}

/// A place in a file that can be recognised.
#[derive(Clone, Debug, Default)]
struct Mark {
    offset: u64,
    /// The bytes that end at the offset.
    before: Vec<u8>,
    /// The end of the last complete line before it.
    line_end: u64,
}

/// What is known of a file that was emptied.
#[derive(Clone, Debug)]
struct Emptied {
    mark: Mark,
    head: Vec<u8>,
    at: Instant,
}

/// How a round of reading ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is more.
    More,
    /// Everything was read.
    End,
    /// The file was emptied: it begins anew, with the next round.
    Truncated,
}

/// What another file is to this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// Something else.
    None,
    /// The same from its beginning to its end, and this one still holds it: a copy, or a file that has too little in it
    /// to tell; or that cannot be told now.
    Copy,
    /// A copy of what this one held before it was truncated; the reading goes on in it from here.
    Rest(u64),
}

/// One open file.
pub(super) struct Reader {
    pub(super) key: SourceKey,
    pub(super) id: FileId,
    /// The path that the jails know it by.
    pub(super) path: String,
    /// Something may be there to read.
    pub(super) dirty: bool,
    /// The end was reached since the last opening or truncation.
    pub(super) caught_up: bool,
    /// Since when no followed path leads to it.
    pub(super) rotated: Option<Instant>,
    /// Read the file with this key to its end first: it had this one's name before.
    pub(super) after: Option<SourceKey>,
    /// Its path belongs to another file now, whose position counts.
    pub(super) superseded: bool,
    /// It has a new name, under which its position is not known yet.
    pub(super) renamed: bool,
    /// When it was last found to have grown.
    pub(super) grew: Instant,
    /// It may be a copy of another one, and is not read before that is clear.
    pub(super) suspicion: Option<Suspicion>,
    /// The hash of the first line when the reading began; empty if there was none, or nobody is told.
    pub(super) hash_at_begin: Arc<str>,
    /// The encoding that its jails ask for, and what that is for this file.
    pub(super) asked: Encoding,
    encoding: Encoding,
    file: File,
    members: Vec<Member>,
    announced: Vec<JailId>,
    at: Mark,
    /// The first bytes of what was read.
    head: Vec<u8>,
    /// Where the reading stood before the last truncation.
    before_truncation: Option<Emptied>,
    first_line_hash: Option<String>,
    seen: Option<(u64, SystemTime)>,
}

impl Reader {
    /// Takes an open file over, from the first of its members' starts.
    pub(super) fn new(
        key: SourceKey,
        path: String,
        file: File,
        id: FileId,
        asked: Encoding,
        members: Vec<Member>,
        now: Instant,
    ) -> io::Result<Self> {
        let start = members.iter().map(|member| member.start).min().unwrap_or(0);
        let at = Mark::of(&file, start)?;
        Ok(Self {
            key,
            id,
            path,
            dirty: true,
            caught_up: false,
            rotated: None,
            after: None,
            superseded: false,
            renamed: false,
            grew: now,
            suspicion: None,
            hash_at_begin: "".into(),
            asked,
            encoding: start::encoding_of(&file, asked)?,
            file,
            members,
            announced: Vec::new(),
            at,
            head: Vec::new(),
            before_truncation: None,
            first_line_hash: None,
            seen: None,
        })
    }

    /// Lets every jail begin here; nothing was read yet.
    pub(super) fn begin_at(&mut self, offset: u64) -> io::Result<()> {
        self.at = Mark::of(&self.file, offset)?;
        self.members
            .iter_mut()
            .for_each(|member| member.start = offset);
        self.suspicion = None;
        self.dirty = true;
        Ok(())
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn offset(&self) -> u64 {
        self.at.offset
    }

    pub(super) fn jails(&self) -> impl Iterator<Item = JailId> + '_ {
        self.members.iter().map(|member| member.jail)
    }

    pub(super) fn has(&self, jail: JailId) -> bool {
        self.jails().any(|one| one == jail)
    }

    /// Lets another jail read on from `start`, if that was not passed yet and a line begins here.
    pub(super) fn join(&mut self, member: Member) -> bool {
        let possible = member.start >= self.at.offset && self.at.line_end == self.at.offset;
        if possible {
            self.members.push(member);
            self.dirty = true;
        }
        possible
    }

    /// Compares size and time with the last look, for changes that were not reported.
    pub(super) fn look(&mut self) -> io::Result<()> {
        let metadata = self.file.metadata()?;
        let seen = Some((metadata.len(), metadata.modified()?));
        if seen != self.seen {
            self.seen = seen;
            self.dirty = true;
        }
        Ok(())
    }

    /// What another file of this size is to this one. The size was taken before this call.
    pub(super) fn likeness(&self, other: &File, size: u64) -> io::Result<Likeness> {
        if let Some(Emptied { mark, .. }) = &self.before_truncation
            && mark.offset <= size
            && mark.is_in(other)?
        {
            return Ok(Likeness::Rest(mark.line_end));
        }
        // This one was emptied too, which is not noticed yet: then it shows.
        if !self.at.before.is_empty() && !self.at.is_in(&self.file)? {
            return Ok(Likeness::Copy);
        }
        // A copy is never ahead of what it is copied from.
        if self.file.metadata()?.len() < size {
            return Ok(Likeness::None);
        }
        let same = |from: u64, to: u64| {
            let length = usize::try_from(to - from).unwrap_or(MARK);
            let (mut one, mut two) = (vec![0; length], vec![0; length]);
            let filled = read_full(&self.file, &mut one, from)? == length;
            Ok::<bool, io::Error>(
                filled && read_full(other, &mut two, from)? == length && one == two,
            )
        };
        let mark = MARK as u64;
        let is_copy = same(0, mark.min(size))? && same(size.saturating_sub(mark), size)?;
        Ok(if is_copy {
            Likeness::Copy
        } else {
            Likeness::None
        })
    }

    /// True if the other file, of this size, is a copy of what this one held before it was emptied, and was not for
    /// longer than `lately`, but ends before the place where the reading stood then.
    pub(super) fn was_beyond(&self, other: &File, size: u64, lately: Duration) -> io::Result<bool> {
        let Some(before) = &self.before_truncation else {
            return Ok(false);
        };
        let length = before.head.len().min(usize::try_from(size).unwrap_or(MARK));
        let mut head = vec![0; length];
        Ok(length > 0
            && size < before.mark.offset
            && before.at.elapsed() <= lately
            && read_full(other, &mut head, 0)? == length
            && head == before.head[..length])
    }

    /// If the other file is a copy of what this one held before it was truncated, with more than was read of it: where
    /// the reading goes on there.
    pub(super) fn rest_in(&self, other: &File, size: u64) -> io::Result<Option<u64>> {
        let before = self.before_truncation.as_ref().map(|before| &before.mark);
        let Some(mark) = before.filter(|mark| mark.offset < size) else {
            return Ok(None);
        };
        Ok(mark.is_in(other)?.then_some(mark.line_end))
    }

    /// Reads what fits in one round, and stops where another jail joins or the file began anew.
    pub(super) fn read<S: Sink>(
        &mut self,
        sink: &mut S,
        buffer: &mut [u8],
        now: Instant,
    ) -> io::Result<Outcome> {
        if self.at.offset == 0 {
            self.encoding = start::encoding_of(&self.file, self.asked)?;
        }
        self.announce(sink);
        let mut begun = false;
        let mut left = self.room();
        let outcome = loop {
            if left == 0 {
                break Ok(Outcome::More);
            }
            let mark = self.at.before.len();
            let wanted = left.min(buffer.len() - mark);
            let from = self.at.offset - mark as u64;
            let filled = match read_full(&self.file, &mut buffer[..mark + wanted], from) {
                Ok(filled) => filled,
                Err(error) => break Err(error),
            };
            if filled < mark || buffer[..mark] != self.at.before {
                break Ok(Outcome::Truncated);
            }
            let bytes = &buffer[mark..filled];
            if !bytes.is_empty() {
                if !begun {
                    begun = true;
                    sink.read_begins(self.key);
                }
                sink.bytes(self.key, bytes);
                self.advance(&buffer[..filled], mark);
                self.grew = now;
            }
            left -= filled - mark;
            if filled < mark + wanted {
                break Ok(Outcome::End);
            }
        };
        let at_end = matches!(outcome, Ok(Outcome::End));
        if begun && self.head.len() < MARK {
            let mut head = vec![0; MARK];
            // What cannot be read any more has no head; the next read says so.
            let filled = read_full(&self.file, &mut head, 0).unwrap_or(0);
            head.truncate(filled);
            self.head = head;
        }
        if begun || (at_end && (!self.caught_up || self.renamed)) {
            if !begun {
                sink.read_begins(self.key);
            }
            self.caught_up |= at_end;
            self.renamed = false;
            // Until its first line is complete the file cannot be recognised, and the one before it still can.
            let is_known = !self.superseded && self.at.line_end > 0;
            let position = is_known.then(|| self.position());
            sink.read_ends(self.key, position, at_end);
        }
        if matches!(outcome, Ok(Outcome::Truncated)) {
            self.begin_anew(sink, now);
        }
        self.dirty = !at_end;
        outcome
    }

    /// How far was read, with what is needed to recognise the file.
    pub(super) fn stored(&mut self) -> (u64, String) {
        if self.at.line_end > 0 && self.first_line_hash.is_none() {
            // A file that cannot be read now has no hash now, and gets it with the next position.
            self.first_line_hash = start::first_line_hash(&self.file).ok();
        }
        (
            self.at.line_end,
            self.first_line_hash.clone().unwrap_or_default(),
        )
    }

    fn position(&mut self) -> Position {
        let (offset, first_line_hash) = self.stored();
        Position::File {
            path: self.path.clone(),
            offset,
            first_line_hash,
        }
    }

    /// Bytes until the round ends or another jail joins.
    fn room(&self) -> usize {
        let joins = self
            .members
            .iter()
            .map(|member| member.start)
            .filter(|start| *start > self.at.offset)
            .min();
        let room = joins.map_or(ROUND as u64, |start| start - self.at.offset);
        usize::try_from(room).unwrap_or(ROUND).min(ROUND)
    }

    fn announce<S: Sink>(&mut self, sink: &mut S) {
        let here = self.at.offset;
        let mut jails: Vec<JailId> = self
            .members
            .iter()
            .filter(|member| member.start <= here)
            .map(|member| member.jail)
            .collect();
        jails.sort();
        if jails != self.announced {
            sink.opened(self.key, &self.path, self.encoding, &jails);
            self.announced = jails;
        }
    }

    /// The file was truncated: whatever is in it now is new to everybody.
    fn begin_anew<S: Sink>(&mut self, sink: &mut S, now: Instant) {
        sink.reset(self.key);
        self.before_truncation = Some(Emptied {
            mark: std::mem::take(&mut self.at),
            head: std::mem::take(&mut self.head),
            at: now,
        });
        self.first_line_hash = None;
        self.caught_up = false;
        for member in &mut self.members {
            member.start = 0;
        }
    }

    /// Moves on behind `read`, of which the first `mark` bytes were known before.
    fn advance(&mut self, read: &[u8], mark: usize) {
        let from = self.at.offset - mark as u64;
        // A wide line feed may stand across the two reads.
        if let Some(end) = self.encoding.last_line_end(read, from)
            && end > mark
        {
            self.at.line_end = from + end as u64;
        }
        self.at.offset += (read.len() - mark) as u64;
        self.at.before = read[read.len().saturating_sub(MARK)..].to_vec();
    }
}

impl Mark {
    /// The beginning of a line.
    fn of(file: &File, offset: u64) -> io::Result<Self> {
        let mut before = vec![0; MARK.min(usize::try_from(offset).unwrap_or(MARK))];
        let length = before.len();
        let filled = read_full(file, &mut before, offset - length as u64)?;
        before.truncate(filled);
        Ok(Self {
            offset,
            before,
            line_end: offset,
        })
    }

    /// True if the other file holds the same bytes there.
    fn is_in(&self, other: &File) -> io::Result<bool> {
        let mut bytes = vec![0; self.before.len()];
        let Some(from) = self.offset.checked_sub(bytes.len() as u64) else {
            return Ok(false);
        };
        let filled = read_full(other, &mut bytes, from)?;
        Ok(!bytes.is_empty() && filled == bytes.len() && bytes == self.before)
    }
}

/// Fills the buffer as far as the file goes.
pub(super) fn read_full(file: &File, buffer: &mut [u8], from: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], from + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
