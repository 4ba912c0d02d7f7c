//! Lines of one connection, joined by the id that they carry (`<F-MLFID>`).
//!
//! One line names the address, another the user, a third says that it failed: each alone is no failure. A session
//! keeps what its lines told, and its [`Standing`] says what the last one meant; that decides what the next one
//! means. Sessions live five minutes from their first line, and at most a hundred at a time, so that nobody can fill
//! the memory with connections.

use base::{Span, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

use crate::captures::Captures;

const MAX_SESSIONS: usize = 100;
const LIFETIME: Span = Span::from_secs(5 * 60);

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
    users: BTreeSet<String>,
    /// Lines of failures that are not reported yet, or just were.
    matches: Vec<String>,
    /// Harmless lines since; a failure takes them along.
    harmless: Vec<String>,
}

impl Session {
    fn new() -> Self {
        Self {
            standing: Standing::Reported,
            captures: Captures::default(),
            users: BTreeSet::new(),
            matches: Vec::new(),
            harmless: Vec::new(),
        }
    }

    fn add_user(&mut self, captures: &Captures) {
        if let Some(user) = captures
            .get("user")
            .filter(|user| !user.is_empty() && !self.users.contains(*user))
        {
            self.users.insert(user.to_owned());
        }
    }

    /// Takes a line in and tells what is known with it.
    fn join(
        &mut self,
        captures: Captures,
        marks: &Marks,
        lines: Vec<String>,
        names_subject: impl Fn(&Captures) -> bool,
    ) -> Merged {
        let mut was_pending = false;
        match self.standing {
            Standing::Harmless => {}
            Standing::Pending if !marks.gained => was_pending = true,
            // Whoever gets in at last ends what waits.
            Standing::Pending | Standing::Reported => self.matches.clear(),
        }
        self.captures.remove("nofail");
        self.captures.remove("mlfgained");
        self.captures.overlay(captures);

        // Success after a failure that nobody was blamed for, or after several users were tried, is a failure still.
        let overruled = was_pending || self.users.len() > 1;
        if overruled {
            self.captures.remove("nofail");
            self.captures.remove("mlfgained");
        }
        let harmless = marks.harmless && !overruled;
        if !harmless {
            self.harmless.append(&mut self.matches);
            self.matches = std::mem::take(&mut self.harmless);
            self.matches.extend(lines);
        } else if !marks.forget {
            self.harmless.extend(lines);
        }
        self.standing = if harmless {
            Standing::Harmless
        } else if names_subject(&self.captures) {
            Standing::Reported
        } else {
            Standing::Pending
        };
        Merged {
            captures: self.captures.clone(),
            users: self.users.clone(),
            matches: self.matches.clone(),
            harmless,
            pending: self.standing == Standing::Pending,
        }
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
            let mark = captures.get("mlfgained").unwrap_or_default().to_owned();
            captures.set("nofail", &mark);
        }
        Self {
            harmless: captures.has("nofail"),
            gained,
            forget: captures
                .remove("mlfforget")
                .is_some_and(|text| !text.is_empty()),
        }
    }
}

/// A line together with what its session knew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) captures: Captures,
    pub(crate) users: BTreeSet<String>,
    pub(crate) matches: Vec<String>,
    /// Nothing is to be reported, whoever it was.
    pub(crate) harmless: bool,
    /// A failure, but nobody knows whose.
    pub(crate) pending: bool,
}

/// The sessions of one log.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    live: BTreeMap<Box<str>, Stored>,
    created: u64,
}

#[derive(Clone, Debug)]
struct Stored {
    /// Grows from one session to the next.
    number: u64,
    end: Timestamp,
    session: Session,
}

impl Sessions {
    /// Joins a matching line, whose original text is `lines`, to the session `id`. `names_subject` tells whether
    /// captures say whom they are about: a failure without it waits for the line that does.
    pub(crate) fn merge(
        &mut self,
        id: &str,
        mut captures: Captures,
        lines: Vec<String>,
        now: Timestamp,
        names_subject: impl Fn(&Captures) -> bool,
    ) -> Merged {
        let marks = Marks::take(&mut captures);
        if self.live.get(id).is_some_and(|stored| stored.end <= now) {
            self.live.remove(id);
        }
        if marks.forget {
            // A session that only its last line is known of leaves no trace, and its user counts for nothing.
            return match self.live.remove(id) {
                Some(stored) => {
                    let mut session = stored.session;
                    session.add_user(&captures);
                    session.join(captures, &marks, lines, names_subject)
                }
                None => Session::new().join(captures, &marks, lines, names_subject),
            };
        }
        let session = self.session(id, now);
        session.add_user(&captures);
        session.join(captures, &marks, lines, names_subject)
    }

    fn session(&mut self, id: &str, now: Timestamp) -> &mut Session {
        if !self.live.contains_key(id) && self.live.len() >= MAX_SESSIONS {
            self.make_room(now);
        }
        let number = self.created;
        self.created += 1;
        let new = || Stored {
            number,
            end: now + LIFETIME,
            session: Session::new(),
        };
        &mut self.live.entry(id.into()).or_insert_with(new).session
    }

    /// Drops what has ended, and the oldest session if that was not enough.
    fn make_room(&mut self, now: Timestamp) {
        self.live.retain(|_, stored| stored.end > now);
        if self.live.len() >= MAX_SESSIONS {
            let oldest = self
                .live
                .iter()
                .min_by_key(|(_, stored)| stored.number)
                .map(|(id, _)| id.clone());
            if let Some(id) = oldest {
                self.live.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests;
