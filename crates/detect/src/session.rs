//! Lines of one connection, joined by the id that they carry (`<F-MLFID>`).
//!
//! One line names the address, another the user, a third says that it failed: each alone is no failure. A session
//! keeps what its lines told, and its [`Standing`] says what the last one meant; that decides what the next one
//! means. Sessions live five minutes from their first line, and at most a hundred at a time, so that nobody can fill
//! the memory with connections.

use base::{Span, Timestamp};
use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use crate::captures::Captures;
use crate::hash::QuickMap;

const MAX_SESSIONS: usize = 100;
const LIFETIME: Span = Span::from_secs(5 * 60);
/// The name under which a session's users are shown among its captures.
static USERS: LazyLock<Arc<str>> = LazyLock::new(|| "users".into());

/// What the last line of a session meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// A failure that was reported.
    Reported,
    /// Marked `nofail` or `mlfgained`: nothing to report.
    Harmless,
    /// A failure whose address no line has told yet.
    Pending,
}

/// What the lines of a connection told.
#[derive(Clone, Debug)]
struct Session {
    standing: Standing,
    captures: Captures,
    /// Sorted.
    users: Vec<String>,
    /// Lines of failures that are not reported yet, or just were.
    matches: Vec<String>,
    /// Harmless lines since; a failure takes them along.
    harmless: Vec<String>,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            standing: Standing::Reported,
            captures: Captures::default(),
            users: Vec::new(),
            matches: Vec::new(),
            harmless: Vec::new(),
        }
    }
}

impl Session {
    fn clear(&mut self) {
        self.standing = Standing::Reported;
        self.captures.clear();
        self.users.clear();
        self.matches.clear();
        self.harmless.clear();
    }

    fn add_user(&mut self, captures: &Captures) {
        if let Some(user) = captures.get("user").filter(|user| !user.is_empty())
            && let Err(place) = self
                .users
                .binary_search_by(|known| known.as_str().cmp(user))
        {
            self.users.insert(place, user.to_owned());
        }
    }

    fn mark_users(&mut self) {
        if !self.users.is_empty() {
            self.captures.add_absent(&USERS);
        }
    }

    /// Takes a line in; true if there is nothing to report.
    fn join(
        &mut self,
        captures: &mut Captures,
        marks: &Marks,
        lines: impl FnOnce(&mut Vec<String>),
        names_subject: impl Fn(&Captures) -> bool,
    ) -> bool {
        let mut was_pending = false;
        match self.standing {
            Standing::Harmless => {}
            Standing::Pending if !marks.gained => was_pending = true,
            // Whoever gets in at last ends what waits.
            Standing::Pending | Standing::Reported => self.matches.clear(),
        }
        self.captures.remove("nofail");
        self.captures.remove("mlfgained");
        // Where the users of a session stand when its captures are shown: behind those of the line before, or of its
        // only line.
        if !self.captures.is_empty() {
            self.mark_users();
        }
        self.captures.overlay(captures);
        self.mark_users();

        // Success after a failure that nobody was blamed for, or after several users were tried, is a failure still.
        let overruled = was_pending || self.users.len() > 1;
        if overruled {
            self.captures.remove("nofail");
            self.captures.remove("mlfgained");
        }
        let harmless = marks.harmless && !overruled;
        if !harmless {
            self.harmless.append(&mut self.matches);
            std::mem::swap(&mut self.matches, &mut self.harmless);
            lines(&mut self.matches);
        } else if !marks.forget {
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
        let gained = captures.has("mlfgained");
        if gained && !captures.has("nofail") {
            captures.copy("mlfgained", "nofail");
        }
        Self {
            harmless: captures.has("nofail"),
            gained,
            forget: captures.remove("mlfforget"),
        }
    }
}

/// A line together with what its session knew.
#[derive(Debug)]
pub(crate) struct Merged<'s> {
    session: &'s mut Session,
    /// The session goes on.
    lives: bool,
    /// Nothing is to be reported, whoever it was.
    pub(crate) harmless: bool,
}

impl Merged<'_> {
    pub(crate) fn captures(&self) -> &Captures {
        &self.session.captures
    }

    /// All users that were tried, sorted.
    pub(crate) fn users(&self) -> &[String] {
        &self.session.users
    }

    /// A failure, but nobody knows whose.
    #[cfg(test)]
    fn is_pending(&self) -> bool {
        self.session.standing == Standing::Pending
    }

    /// The lines that told it.
    pub(crate) fn into_matches(self) -> Vec<String> {
        if self.lives {
            self.session.matches.clone()
        } else {
            std::mem::take(&mut self.session.matches)
        }
    }
}

/// The sessions of one log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    /// Its order decides nothing.
    live: Live,
    /// Numbers and ids of sessions, oldest first; also of some that are no more.
    ages: VecDeque<(u64, Arc<str>)>,
    created: u64,
    /// No live session ends before.
    first_end: Option<Timestamp>,
    /// The session that the last line ended.
    ended: Session,
    /// The memory of a session that made room, for the next one.
    spare: Session,
}

/// Ids that somebody makes collide cost little, because so few sessions live.
type Live = QuickMap<Arc<str>, Stored>;

#[derive(Clone, Debug)]
struct Stored {
    /// Grows from one session to the next.
    number: u64,
    end: Timestamp,
    session: Session,
}

impl Sessions {
    /// Joins a matching line, whose original text `lines` appends, to the session that its captures name.
    /// `names_subject` tells whether captures say whom they are about: a failure without it waits for the line that
    /// does. None without a session; the captures are then as they were, and else of no use afterwards.
    pub(crate) fn merge(
        &mut self,
        captures: &mut Captures,
        lines: impl FnOnce(&mut Vec<String>),
        now: Timestamp,
        names_subject: impl Fn(&Captures) -> bool,
    ) -> Option<Merged<'_>> {
        captures.get("mlfid")?;
        let marks = Marks::take(captures);
        let id = captures.get("mlfid")?;
        let (session, lives) = if marks.forget {
            // A session that only its last line is known of leaves no trace, and its user counts for nothing.
            match self.live.remove(id).filter(|stored| stored.end > now) {
                Some(stored) => {
                    self.ended = stored.session;
                    self.ended.add_user(captures);
                }
                None => self.ended.clear(),
            }
            (&mut self.ended, false)
        } else {
            let session = self.session(id, now);
            session.add_user(captures);
            (session, true)
        };
        let harmless = session.join(captures, &marks, lines, names_subject);
        Some(Merged {
            session,
            lives,
            harmless,
        })
    }

    fn session(&mut self, id: &str, now: Timestamp) -> &mut Session {
        let ended = self.live.get(id).map(|stored| stored.end <= now);
        if ended == Some(true) {
            self.live.remove(id);
        }
        if ended != Some(false) {
            if self.live.len() >= MAX_SESSIONS {
                self.make_room(now);
            }
            let end = now + LIFETIME;
            self.first_end = Some(self.first_end.map_or(end, |first| first.min(end)));
            let id: Arc<str> = id.into();
            self.ages.push_back((self.created, id.clone()));
            let stored = Stored {
                number: self.created,
                end,
                session: std::mem::take(&mut self.spare),
            };
            self.created += 1;
            if self.ages.len() > 2 * MAX_SESSIONS {
                let live = &self.live;
                self.ages
                    .retain(|(number, id)| *number == stored.number || is_live(live, *number, id));
            }
            self.live.insert(id, stored);
        }
        // It was just put there if it was not.
        match self.live.get_mut(id) {
            Some(stored) => &mut stored.session,
            None => &mut self.ended,
        }
    }

    /// Drops what has ended, and the oldest session if that was not enough.
    fn make_room(&mut self, now: Timestamp) {
        if self.first_end.is_some_and(|end| end <= now) {
            self.live.retain(|_, stored| stored.end > now);
            self.first_end = self.live.values().map(|stored| stored.end).min();
        }
        while self.live.len() >= MAX_SESSIONS
            && let Some((number, id)) = self.ages.pop_front()
        {
            if is_live(&self.live, number, &id)
                && let Some(stored) = self.live.remove(&id)
            {
                self.spare = stored.session;
                self.spare.clear();
            }
        }
    }
}

fn is_live(live: &Live, number: u64, id: &str) -> bool {
    live.get(id).is_some_and(|stored| stored.number == number)
}

#[cfg(test)]
mod tests;
