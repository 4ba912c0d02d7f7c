//! Sessions line by line.

use super::*;
use crate::captures::Names;
use base::NamedTexts;
use std::collections::{BTreeMap, BTreeSet};

/// One line of session `id` with its captures; tells the matches, or why there is nothing to report.
fn line(
    sessions: &mut Sessions,
    at: i64,
    id: &str,
    text: &str,
    captures: &[(&str, &str)],
) -> String {
    let names_subject = |captures: &Captures| captures.get(Name::IP4).is_some();
    let now = Timestamp::from_secs(at);
    let mut captures: Captures = captures.iter().copied().chain([("mlfid", id)]).collect();
    let lines = |lines: &mut Texts| lines.push(text);
    let merged = sessions.merge(&mut captures, lines, now, names_subject);
    if merged.harmless {
        "harmless".to_owned()
    } else if merged.is_pending() {
        "pending".to_owned()
    } else {
        let mut matches = Texts::default();
        merged.write_matches(lines, &mut matches);
        matches.iter().collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn harmless_lines_go_with_the_first_failure_only() {
    let mut sessions = Sessions::default();
    let conn = [("nofail", "1"), ("ip4", "1.1.1.1")];
    assert_eq!(line(&mut sessions, 0, "a", "conn", &conn), "harmless");
    assert_eq!(
        line(&mut sessions, 0, "a", "bad1", &[("user", "a")]),
        "conn bad1"
    );
    assert_eq!(
        line(&mut sessions, 0, "a", "bad2", &[("user", "a")]),
        "bad2"
    );
}

#[test]
fn a_failure_waits_for_its_address() {
    let mut sessions = Sessions::default();
    assert_eq!(
        line(&mut sessions, 0, "a", "bad", &[("user", "a")]),
        "pending"
    );
    assert_eq!(
        line(&mut sessions, 0, "a", "worse", &[("user", "a")]),
        "pending"
    );
    let conn = [("nofail", "1"), ("ip4", "1.1.1.1")];
    assert_eq!(line(&mut sessions, 0, "a", "conn", &conn), "bad worse conn");
}

#[test]
fn getting_in_ends_what_waits_unless_several_users_were_tried() {
    let conn = [("nofail", "1"), ("ip4", "1.1.1.1")];
    for (second, expected) in [("a", "harmless"), ("b", "ok")] {
        let mut sessions = Sessions::default();
        line(&mut sessions, 0, "s", "conn", &conn);
        line(&mut sessions, 0, "s", "bad", &[("user", "a")]);
        let gained = [("user", second), ("mlfgained", "ok"), ("mlfforget", "ok")];
        assert_eq!(line(&mut sessions, 0, "s", "ok", &gained), expected);
        assert_eq!(
            line(&mut sessions, 0, "s", "bad", &[("user", "a")]),
            "pending"
        );
    }
    let mut sessions = Sessions::default();
    assert_eq!(
        line(&mut sessions, 0, "s", "bad", &[("user", "a")]),
        "pending"
    );
    assert_eq!(
        line(
            &mut sessions,
            0,
            "s",
            "ok",
            &[("user", "a"), ("mlfgained", "ok")]
        ),
        "harmless"
    );
}

#[test]
fn a_session_known_by_its_last_line_only_is_not_kept() {
    let mut sessions = Sessions::default();
    let bye = [("mlfforget", "1"), ("ip4", "1.1.1.1"), ("user", "a")];
    assert_eq!(line(&mut sessions, 0, "s", "bye", &bye), "bye");
    assert_eq!(sessions.live.len(), 0);
}

#[test]
fn sessions_end_after_five_minutes_from_their_first_line() {
    let mut sessions = Sessions::default();
    let conn = [("nofail", "1"), ("ip4", "1.1.1.1")];
    line(&mut sessions, 0, "s", "conn", &conn);
    assert_eq!(line(&mut sessions, 299, "s", "bad", &[]), "conn bad");
    assert_eq!(line(&mut sessions, 300, "s", "bad", &[]), "pending");
}

#[test]
fn the_oldest_session_makes_room() {
    let mut sessions = Sessions::default();
    let conn = [("nofail", "1"), ("ip4", "1.1.1.1")];
    for number in 0..=MAX_SESSIONS {
        line(&mut sessions, 0, &number.to_string(), "conn", &conn);
    }
    assert_eq!(sessions.live.len(), MAX_SESSIONS);
    assert_eq!(line(&mut sessions, 0, "1", "bad", &[]), "conn bad");
    assert_eq!(line(&mut sessions, 0, "0", "bad", &[]), "pending");
}

/// Sessions as they are meant: maps and lists of their own, nothing is used twice.
#[derive(Default)]
struct Model {
    /// Oldest first.
    live: Vec<(String, Timestamp, ModelSession)>,
}

#[derive(Clone, Default)]
struct ModelSession {
    standing: Standing,
    captures: BTreeMap<&'static str, String>,
    users: BTreeSet<String>,
    matches: Vec<String>,
    harmless: Vec<String>,
}

impl Model {
    /// What is told of a line, and what its session then knows.
    fn line(
        &mut self,
        now: Timestamp,
        id: &str,
        text: &str,
        mut captures: BTreeMap<&'static str, String>,
    ) -> (bool, ModelSession) {
        let marked = |captures: &BTreeMap<&str, String>, name| {
            captures
                .get(name)
                .is_some_and(|text: &String| !text.is_empty())
        };
        let gained = marked(&captures, "mlfgained");
        if gained && !marked(&captures, "nofail") {
            captures.insert("nofail", captures["mlfgained"].clone());
        }
        let is_marked = marked(&captures, "nofail");
        let forget = marked(&captures, "mlfforget");
        captures.remove("mlfforget");
        captures.insert("mlfid", id.to_owned());

        let known = self.live.iter().position(|(known, ..)| known == id);
        let known = known.map(|index| (index, self.live.remove(index)));
        let known = known.filter(|(_, (_, end, _))| *end > now);
        let counts = known.is_some() || !forget;
        if known.is_none() && !forget && self.live.len() >= MAX_SESSIONS {
            self.live.retain(|(_, end, _)| *end > now);
            if self.live.len() >= MAX_SESSIONS {
                self.live.remove(0);
            }
        }
        let fresh = || {
            let session = ModelSession::default();
            (self.live.len(), (id.to_owned(), now + LIFETIME, session))
        };
        let (index, (id, end, mut session)) = known.unwrap_or_else(fresh);
        if let Some(user) = captures
            .get("user")
            .filter(|user| counts && !user.is_empty())
        {
            session.users.insert(user.clone());
        }
        let was_pending = session.standing == Standing::Pending && !gained;
        if session.standing != Standing::Harmless && !was_pending {
            session.matches.clear();
        }
        session.captures.remove("nofail");
        session.captures.remove("mlfgained");
        session.captures.extend(captures);
        let overruled = was_pending || session.users.len() > 1;
        if overruled {
            session.captures.remove("nofail");
            session.captures.remove("mlfgained");
        }
        let harmless = is_marked && !overruled;
        if !harmless {
            let mut matches = std::mem::take(&mut session.harmless);
            matches.append(&mut session.matches);
            matches.push(text.to_owned());
            session.matches = matches;
        } else if !forget {
            session.harmless.push(text.to_owned());
        }
        session.standing = match (harmless, session.captures.contains_key("ip4")) {
            (true, _) => Standing::Harmless,
            (false, true) => Standing::Reported,
            (false, false) => Standing::Pending,
        };
        if !forget {
            self.live.insert(index, (id, end, session.clone()));
        }
        (harmless, session)
    }
}

proptest::proptest! {
    /// Memory that is used again changes nothing.
    #[test]
    fn sessions_are_what_they_are_meant_to_be(
        lines in proptest::collection::vec((0..5_u8, 0..170_usize, 0..90_i64, "[ab]?[cd]{0,2}", 0..48_u8), 0..700),
    ) {
        let (mut sessions, mut model) = (Sessions::default(), Model::default());
        let mut now = Timestamp::from_secs(1_000);
        for (number, (kind, id, later, user, marks)) in lines.into_iter().enumerate() {
            // Most lines belong to few sessions, and most come within a moment.
            let id = if kind > 0 { id % 4 } else { id };
            now = now + Span::from_secs(if kind == 1 { later } else { 0 });
            let (id, text) = (format!("s{id}"), format!("line {number}"));
            let mut captures = BTreeMap::new();
            let mut mark = |bit: u8, name, text: &str| {
                if marks >> bit & 1 == 1 {
                    captures.insert(name, text.to_owned());
                }
            };
            mark(0, "nofail", &user);
            mark(1, "ip4", &format!("1.1.1.{number}"));
            mark(2, "mlfforget", "bye");
            mark(3, "user", &user);
            if marks >= 40 {
                mark(0, "mlfgained", "ok");
            }
            let mut line: Captures = captures.iter().map(|(name, text)| (*name, &**text)).chain([("mlfid", &*id)]).collect();
            let names_subject = |captures: &Captures| captures.get(Name::IP4).is_some();
            let add = |lines: &mut Texts| lines.push(&text);
            let merged = sessions.merge(&mut line, add, now, names_subject);
            let (harmless, session) = model.line(now, &id, &text, captures);
            proptest::prop_assert_eq!(merged.harmless, harmless, "{}", number);
            let (mut users, mut matches) = (Texts::default(), Texts::default());
            merged.write_users(&mut users);
            merged.write_matches(add, &mut matches);
            proptest::prop_assert_eq!(matches, session.matches.iter().collect());
            proptest::prop_assert_eq!(users, session.users.iter().collect());
            if let Of::Session(known) = merged.of {
                proptest::prop_assert_eq!(known.standing, session.standing);
            }
            let mut named = NamedTexts::default();
            merged.captures().write_named(&Names::default(), None, &mut named);
            proptest::prop_assert_eq!(named, session.captures.iter().map(|(name, text)| (*name, &**text)).collect());
            proptest::prop_assert_eq!(sessions.live.len(), model.live.len());
        }
    }
}

/// Whoever goes on guessing on one connection fills no memory, and is no less a failure.
#[test]
fn a_session_takes_so_much_text_and_no_more() {
    let mut sessions = Sessions::default();
    let long = "x".repeat(1_000);
    for number in 0..1_000 {
        let user = format!("{number}{long}");
        assert_eq!(
            line(&mut sessions, 0, "a", &long, &[("user", &user)]),
            "pending"
        );
    }
    let found = line(&mut sessions, 0, "a", "last", &[("ip4", "1.1.1.1")]);
    assert!(
        found.starts_with('x') && found.len() < MAX_TEXT + 3_000,
        "{}",
        found.len()
    );
    let users = sessions
        .stored
        .iter()
        .map(|stored| stored.session.users.bytes())
        .max();
    assert!(users.unwrap() < MAX_TEXT + 3_000);
}
