//! What a match means: joined with its session, it says whom it is about, or nothing.
//!
//! Most matches of some filters only feed a session. A [`Failure`] with all its text is made for those alone that
//! somebody takes.

use base::{FailureId, Prefix, Texts, Timestamp};

use super::explain::{Asked, CutDate, Explained, Explanation};
use super::shown::ShownLine;
use crate::Failures;
use crate::address::{Subject, names_subject, subject};
use crate::captures::{Captures, Name};
use crate::date::DateFound;
use crate::multiline::SplitLine;
use crate::rule::Rule;
use crate::session::Sessions;

/// Who takes what was found.
pub(crate) enum Sink<'a> {
    /// Failures of somebody.
    Failures(&'a mut Failures),
    /// What somebody asked, and how the expressions came to it.
    Explanation(Asked, &'a mut Explanation),
}

impl Sink<'_> {
    pub(super) fn dated(&mut self, found: &DateFound) {
        if let Self::Explanation(_, explanation) = self {
            explanation.date = CutDate::of(found);
        }
    }

    pub(super) fn prefix_matched(&mut self) {
        if let Self::Explanation(_, explanation) = self {
            explanation.prefix_matches = true;
        }
    }

    pub(super) fn matched(&mut self, index: usize) {
        if let Self::Explanation(_, explanation) = self {
            explanation.matched.push(index);
        }
    }

    pub(super) fn ignored_by(&mut self, index: usize) {
        if let Self::Explanation(_, explanation) = self {
            explanation.ignored_by.push(index);
        }
    }
}

/// The lines that a match covers.
pub(super) enum Told<'a> {
    Line(&'a ShownLine<'a>),
    Lines(Vec<SplitLine>),
}

impl Told<'_> {
    fn append(&self, lines: &mut Texts) {
        match self {
            Self::Line(line) => lines.push_with(|text| line.write_whole(text)),
            Self::Lines(taken) => taken.iter().for_each(|line| lines.push(&line.whole())),
        }
    }
}

/// How much failures tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    Everything,
    /// Neither lines nor captured texts but the user.
    Counts,
}

/// The most failures that one line may stand for.
const MOST: usize = 20;

/// A match of a failregex that counts.
pub(super) struct Matched {
    pub(super) index: usize,
    pub(super) time: Timestamp,
    pub(super) dated: bool,
}

impl Matched {
    /// Joins it with its session, asks whom it is about and hands it out. Nothing comes out under `usedns = no` if
    /// that is a host name.
    pub(super) fn judge(
        self,
        sessions: &mut Sessions,
        captures: &mut Captures,
        (told, telling): (Told<'_>, Telling),
        (rule, now): (&Rule, Timestamp),
        sink: &mut Sink<'_>,
    ) {
        let append = |lines: &mut Texts| match telling {
            Telling::Everything => told.append(lines),
            Telling::Counts => {}
        };
        let merged = sessions.merge(captures, append, now, names_subject);
        let (known, harmless) = (merged.captures(), merged.harmless);
        // As in fail2ban, the mark is heeded within a session only; without one the line counts all the same.
        if harmless && merged.has_session() && matches!(sink, Sink::Failures(_)) {
            return;
        }
        let nobody = || FailureId::Raw("".into());
        let (has_subject, id, address, hostname): (bool, _, Option<Prefix>, _) =
            match subject(known, rule.usedns) {
                Subject::Known { id, address } => (true, id, address, None),
                Subject::Host(name) => {
                    (true, FailureId::Raw(name.as_str().into()), None, Some(name))
                }
                Subject::Unknown => (false, nobody(), None, None),
                Subject::Refused => return,
            };
        // Only a session can still learn whom it is about.
        if !has_subject && (!merged.has_session() || matches!(sink, Sink::Failures(_))) {
            return;
        }
        match sink {
            Sink::Failures(failures) => {
                let failure = failures.add();
                failure.id = id;
                failure.address = address;
                failure.hostname = hostname;
                failure.time = self.time;
                failure.rule = self.index;
                failure.weight = weight(known);
                match telling {
                    Telling::Everything => {
                        let seen = address.filter(|seen| failure.id.prefix() != Some(*seen));
                        known.write_named(&rule.names, seen, &mut failure.captures);
                    }
                    Telling::Counts => known.write_user(&rule.names, &mut failure.captures),
                }
                merged.write_users(&mut failure.users);
                merged.write_matches(append, &mut failure.matches);
            }
            // Who does not ask for everything does not ask what a session only takes note of.
            Sink::Explanation(asked, _)
                if !asked.every_failregex && merged.has_session() && harmless => {}
            Sink::Explanation(asked, explanation) => {
                let captures = match asked.captures {
                    true => known.to_list(&rule.names),
                    false => Vec::new(),
                };
                let (mut users, mut matches) = (Texts::default(), Texts::default());
                if asked.captures {
                    merged.write_users(&mut users);
                    merged.write_matches(|lines| told.append(lines), &mut matches);
                }
                explanation.matches.push(Explained {
                    rule: self.index,
                    id: has_subject.then_some(id),
                    address,
                    hostname,
                    time: self.dated.then_some(self.time),
                    harmless,
                    captures,
                    users: owned(&users),
                    matches: owned(&matches),
                });
            }
        }
    }
}

/// For how many failures a line stands: one, unless it says another number.
fn weight(captures: &Captures) -> u32 {
    let attempts = captures.get(Name::ATTEMPTS);
    let attempts = attempts.and_then(|text| text.parse().ok()).unwrap_or(1);
    attempts.clamp(1, MOST) as u32
}

fn owned(texts: &Texts) -> Vec<String> {
    texts.iter().map(str::to_owned).collect()
}
