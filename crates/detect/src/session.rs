//! Lines of one connection, joined by the id that they carry (`<F-MLFID>`).
//!
//! One line names the address, another the user, a third says that it failed: each alone is no failure. A session
//! keeps what its lines told, and its [`Standing`] says what the last one meant; that decides what the next one
//! means. Sessions live five minutes from their first line, and at most a hundred at a time, so that nobody can fill
//! the memory with connections; the memory of those that end serves for those that begin.

use base::{Span, Texts, Timestamp};
use std::hash::BuildHasher;

use crate::captures::{Captures, Name};
use crate::hash::QuickHash;

const MAX_SESSIONS: usize = 100;
const LIFETIME: Span = Span::from_secs(5 * 60);
/// Bytes of lines, and of users, beyond which a session takes no more: whoever holds a connection open and goes on
/// guessing must not fill the memory. What a line means is not touched by that.
const MAX_TEXT: usize = 256 * 1024;
/// Bytes of text that a session may leave to the next one.
const MAX_KEPT: usize = 16 * 1024;

/// What the last line of a session meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// A failure that was reported.
    #[default]
    Reported,
    /// Marked `nofail` or `mlfgained`: nothing to report.
    Harmless,
    /// A failure whose address no line has told yet.
    Pending,
}

/// What the lines of a connection told.
#[derive(Clone, Debug, Default)]
struct Session {
    standing: Standing,
    captures: Captures,
    /// Sorted.
    users: Texts,
    /// Lines of failures that are not reported yet, or just were.
    matches: Texts,
    /// Harmless lines since; a failure takes them along.
    harmless: Texts,
}

impl Session {
    fn clear(&mut self) {
        let lists = [&self.users, &self.matches, &self.harmless];
        let kept: usize = lists.map(Texts::capacity).iter().sum();
        if kept + self.captures.capacity() > MAX_KEPT {
            *self = Self::default();
            return;
        }
        self.standing = Standing::Reported;
        self.captures.clear();
        self.users.clear();
        self.matches.clear();
        self.harmless.clear();
    }

    fn add_user(&mut self, captures: &Captures) {
        let Some(user) = captures.get(Name::USER).filter(|user| !user.is_empty()) else {
            return;
        };
        let place = self.users.partition_point(|known| known < user);
        if self.users.get(place) != Some(user) && self.users.bytes() < MAX_TEXT {
            self.users.insert(place, user);
        }
    }

    fn mark_users(&mut self) {
        if !self.users.is_empty() {
            self.captures.add_absent(Name::USERS);
        }
    }

    /// Takes a line in; true if there is nothing to report.
    fn join(
        &mut self,
        captures: &mut Captures,
        marks: &Marks,
        lines: impl FnOnce(&mut Texts),
        names_subject: impl Fn(&Captures) -> bool,
    ) -> bool {
        let mut was_pending = false;
        match self.standing {
            Standing::Harmless => {}
            Standing::Pending if !marks.gained => was_pending = true,
            // Whoever gets in at last ends what waits.
            Standing::Pending | Standing::Reported => self.matches.clear(),
        }
        self.captures.remove(Name::NOFAIL);
        self.captures.remove(Name::MLFGAINED);
        // Where the users of a session stand when its captures are shown: behind those of the line before, or of its
        // only line.
        if !self.captures.is_empty() {
            self.mark_users();
        }
        self.captures.renew(captures);
        self.mark_users();

        // Success after a failure that nobody was blamed for, or after several users were tried, is a failure still.
        let overruled = was_pending || self.users.len() > 1;
        if overruled {
            self.captures.remove(Name::NOFAIL);
            self.captures.remove(Name::MLFGAINED);
        }
        let harmless = marks.harmless && !overruled;
        if !harmless {
            self.harmless.append(&self.matches);
            self.matches.clear();
            std::mem::swap(&mut self.matches, &mut self.harmless);
            if self.matches.bytes() < MAX_TEXT {
                lines(&mut self.matches);
            }
        } else if !marks.forget && self.matches.bytes() + self.harmless.bytes() < MAX_TEXT {
            lines(&mut self.harmless);
        }
        self.standing = if harmless {
            Standing::Harmless
        } else if names_subject(&self.captures) {
            Standing::Reported
        } else {
            Standing::Pending
        };
        harmless
    }
}

/// The marks that a line carries.
struct Marks {
    harmless: bool,
    gained: bool,
    forget: bool,
}

impl Marks {
    /// Reads the marks; only that to forget is no data for later.
    fn take(captures: &mut Captures) -> Self {
        let gained = captures.has(Name::MLFGAINED);
        if gained && !captures.has(Name::NOFAIL) {
            captures.copy(Name::MLFGAINED, Name::NOFAIL);
        }
        Self {
            harmless: captures.has(Name::NOFAIL),
            gained,
            forget: captures.remove(Name::MLFFORGET),
        }
    }
}

/// A line together with what its session knew.
#[derive(Debug)]
pub(crate) struct Merged<'s> {
    captures: &'s Captures,
    of: Of<'s>,
    /// It is marked so: nothing is to be reported, if there is a session, whoever it was.
    pub(crate) harmless: bool,
}

#[derive(Debug)]
enum Of<'s> {
    /// The line carries no id.
    None,
    /// It ends a session that nothing else is known of.
    Line,
    Session(&'s Session),
}

impl<'s> Merged<'s> {
    pub(crate) fn captures(&self) -> &'s Captures {
        self.captures
    }

    pub(crate) fn has_session(&self) -> bool {
        !matches!(self.of, Of::None)
    }

    /// Writes all users that were tried, sorted.
    pub(crate) fn write_users(&self, users: &mut Texts) {
        match self.of {
            Of::Session(session) => users.clone_from(&session.users),
            Of::None | Of::Line => users.clear(),
        }
    }

    /// A failure, but nobody knows whose.
    #[cfg(test)]
    fn is_pending(&self) -> bool {
        matches!(self.of, Of::Session(session) if session.standing == Standing::Pending)
    }

    /// Writes the lines that told it; `lines` appends the one at hand.
    pub(crate) fn write_matches(&self, lines: impl FnOnce(&mut Texts), matches: &mut Texts) {
        match self.of {
            Of::Session(session) => return matches.clone_from(&session.matches),
            Of::None | Of::Line => matches.clear(),
        }
        // A session takes no note of a harmless line that ends it.
        if !self.harmless || !self.has_session() {
            lines(matches);
        }
    }
}

/// The sessions of one log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    live: Live,
    /// Those alive, and others whose memory waits to be used again.
    stored: Vec<Stored>,
    free: Vec<usize>,
    /// No live session ends before.
    first_end: Option<Timestamp>,
    hash: QuickHash,
}

/// The sessions that go on, oldest first, each with one byte of its id's hash: an id is looked for by looking for that
/// byte. Ids that somebody makes collide cost little, because so few live.
#[derive(Clone, Debug, Default)]
struct Live {
    hashes: Vec<u8>,
    places: Vec<usize>,
}

impl Live {
    fn len(&self) -> usize {
        self.places.len()
    }
}

#[derive(Clone, Debug)]
struct Stored {
    id: String,
    end: Timestamp,
    session: Session,
}

impl Sessions {
    /// Joins a matching line, whose original text `lines` appends, to the session that its captures name, if they do.
    /// `names_subject` tells whether captures say whom they are about: a failure without it waits for the line that
    /// does.
    pub(crate) fn merge<'s>(
        &'s mut self,
        captures: &'s mut Captures,
        lines: impl FnOnce(&mut Texts),
        now: Timestamp,
        names_subject: impl Fn(&Captures) -> bool,
    ) -> Merged<'s> {
        let of_line = |captures: &'s Captures, of, harmless| Merged {
            captures,
            of,
            harmless,
        };
        if captures.get(Name::MLFID).is_none() {
            let harmless = captures.has(Name::NOFAIL);
            return of_line(captures, Of::None, harmless);
        }
        let marks = Marks::take(captures);
        let id = captures.get(Name::MLFID).unwrap_or_default();
        let hash = self.hash.hash_one(id) as u8;
        let mut known = self.find(hash, id);
        if let Some(index) = known
            && self.end_of(index) <= now
        {
            self.remove(index);
            known = None;
        }
        let place = match known {
            Some(index) if marks.forget => self.remove(index),
            Some(index) => self.live.places[index],
            // A session that only its last line is known of leaves no trace, and its user counts for nothing.
            None if marks.forget => return of_line(captures, Of::Line, marks.harmless),
            None => self.begin(hash, id, now),
        };
        let session = &mut self.stored[place].session;
        session.add_user(captures);
        let harmless = session.join(captures, &marks, lines, names_subject);
        Merged {
            captures: &session.captures,
            of: Of::Session(session),
            harmless,
        }
    }

    /// The place of a live session among them; lines that belong together mostly come together.
    fn find(&self, hash: u8, id: &str) -> Option<usize> {
        let is_it = |index: &usize| self.stored[self.live.places[*index]].id == *id;
        memchr::memrchr_iter(hash, &self.live.hashes).find(is_it)
    }

    fn end_of(&self, index: usize) -> Timestamp {
        self.stored[self.live.places[index]].end
    }

    fn begin(&mut self, hash: u8, id: &str, now: Timestamp) -> usize {
        if self.live.len() >= MAX_SESSIONS {
            self.make_room(now);
        }
        let place = self.free_place();
        self.free.pop();
        let end = now + LIFETIME;
        self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
        let stored = &mut self.stored[place];
        stored.session.clear();
        stored.id.clear();
        stored.id.push_str(id);
        stored.end = end;
        self.live.hashes.push(hash);
        self.live.places.push(place);
        place
    }

    /// A place that no live session has; it stays free.
    fn free_place(&mut self) -> usize {
        if let Some(place) = self.free.last() {
            return *place;
        }
        self.stored.push(Stored {
            id: String::new(),
            end: Timestamp::from_secs(0),
            session: Session::default(),
        });
        self.free.push(self.stored.len() - 1);
        self.stored.len() - 1
    }

    /// Ends a live session; what it knew stays until its place is needed.
    fn remove(&mut self, index: usize) -> usize {
        self.live.hashes.remove(index);
        let place = self.live.places.remove(index);
        self.free.push(place);
        place
    }

    /// Drops what has ended, and the oldest session if that was not enough.
    fn make_room(&mut self, now: Timestamp) {
        if self.first_end.is_some_and(|end| end <= now) {
            for index in (0..self.live.len()).rev() {
                if self.end_of(index) <= now {
                    self.remove(index);
                }
            }
            let ends = (0..self.live.len()).map(|index| self.end_of(index));
            self.first_end = ends.min();
        }
        while self.live.len() >= MAX_SESSIONS {
            self.remove(0);
        }
    }
}

#[cfg(test)]
mod tests;
