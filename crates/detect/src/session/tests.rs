//! Sessions line by line.

use super::*;

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
    let merged = sessions
        .merge(&mut captures, lines, now, names_subject)
        .unwrap();
    if merged.harmless {
        "harmless".to_owned()
    } else if merged.is_pending() {
        "pending".to_owned()
    } else {
        merged.matches().iter().collect::<Vec<_>>().join(" ")
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
    assert!(sessions.live.is_empty());
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
