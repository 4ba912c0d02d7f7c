//! The counting of one jail against a plain list of failures.

use super::*;
use base::{JailName, Prefix, PrefixSet};
use proptest::prelude::*;

fn policy(findtime: i64, maxmatches: u32) -> JailPolicy {
    JailPolicy {
        name: JailName::new("j"),
        maxretry: 3,
        maxmatches,
        findtime: Span::from_secs(findtime),
        bantime: None,
        ignoreself: false,
        ignoreip: PrefixSet::default(),
        ipv4_prefix: 32,
        ipv6_prefix: 128,
        fed_by_bans: false,
        enforceable: true,
    }
}

fn limits(tracked_ids: usize, story_bytes: usize) -> Limits {
    Limits {
        tracked_ids,
        story_bytes,
    }
}

fn id(last: u8) -> FailureId {
    FailureId::Prefix(Prefix::host([192, 0, 2, last].into()))
}

fn failure(who: u8, time: i64, line: &str) -> Failure {
    Failure {
        id: id(who),
        time: Timestamp::from_secs(time),
        users: vec![format!("u{}", who % 3)],
        matches: vec![line.to_owned()],
        captures: BTreeMap::new(),
    }
}

/// What an entry's story takes, counted anew.
fn story_bytes(ticket: &Ticket) -> usize {
    let matches: usize = ticket.matches.iter().map(String::len).sum();
    let users: usize = ticket.users.iter().map(|(user, _)| user.len()).sum();
    matches + users + captures_bytes(&ticket.captures)
}

/// One id's failures at these seconds give this estimate.
fn check(findtime: i64, times: &[i64], expected: i64) {
    let mut window = Window::default();
    let policy = policy(findtime, 5);
    let mut slot = 0;
    for time in times {
        slot = window.add(id(1), failure(1, *time, ""), &policy, &Limits::default());
    }
    let ticket = window.ticket(slot).unwrap();
    assert_eq!(ticket.retry, expected, "findtime {findtime}, at {times:?}");
    assert_eq!(ticket.failures as usize, times.len());
}

#[test]
fn estimates_the_rate_as_fail2ban() {
    check(600, &[0, 1, 2], 3);
    check(600, &[0, 300, 601], 3);
    check(600, &[0, 1, 2, 900], 3);
    check(60, &[0, 0, 0, 0, 0, 90], 4);
    // Halves go to the even neighbour: 1 / 2 × 1 and 3 / 2 × 1.
    check(1, &[0, 2], 1);
    check(1, &[0, 0, 0, 2], 3);
    check(600, &[100, 50, 45], 3);
}

#[test]
fn keeps_the_last_lines_and_no_more_bytes_than_allowed() {
    let policy = policy(600, 2);
    let mut window = Window::default();
    let limits = limits(10, 13);
    let mut slot = 0;
    for (time, line) in ["one", "two", "three", "toolongaline"].iter().enumerate() {
        slot = window.add(id(1), failure(1, time as i64, line), &policy, &limits);
    }
    let ticket = window.ticket(slot).unwrap();
    assert_eq!(ticket.matches, ["two", "three"]);
    assert_eq!(ticket.users, [("u1".to_owned(), 4)]);
    assert_eq!(ticket.failures, 4);
    window.take(slot);
    assert_eq!(window.story_bytes, 0);
}

/// What the window must agree with: no heap, no slots.
#[derive(Default)]
struct Plain {
    entries: Vec<(FailureId, Timestamp)>,
    cleaned: Option<Timestamp>,
}

impl Plain {
    fn add(&mut self, id: FailureId, time: Timestamp, max: usize) {
        if let Some((_, last)) = self.entries.iter_mut().find(|(known, _)| *known == id) {
            *last = time.max(*last);
            return;
        }
        if self.entries.len() == max {
            let oldest = self.entries.iter().map(|(_, last)| *last).min().unwrap();
            let place = self.entries.iter().position(|(_, l)| *l == oldest).unwrap();
            self.entries.remove(place);
        }
        self.entries.push((id, time));
    }

    fn clean_up(&mut self, now: Timestamp, findtime: Span) {
        if self
            .cleaned
            .is_none_or(|c| now < c || now.since(c) >= CLEANUP_EVERY)
        {
            self.cleaned = Some(now);
            self.entries.retain(|(_, last)| *last > now - findtime);
        }
    }
}

proptest! {
    #[test]
    fn forgets_the_same_ids_as_a_plain_list(
        steps in proptest::collection::vec((0u8..4, 0u8..12, -20i64..20), 0..200),
        max in 1usize..8,
    ) {
        let policy = policy(30, 1);
        let limits = limits(max, 1000);
        let (mut window, mut plain, mut now) = (Window::default(), Plain::default(), 1000);
        for (kind, who, shift) in steps {
            now += shift.max(0) / 4;
            let time = now + shift;
            match kind {
                0 => {
                    window.clean_up(Timestamp::from_secs(now), policy.findtime);
                    plain.clean_up(Timestamp::from_secs(now), policy.findtime);
                }
                1 if plain.entries.iter().any(|(known, _)| *known == id(who)) => {
                    let slot = window.by_id[&id(who)];
                    window.take(slot);
                    plain.entries.retain(|(known, _)| *known != id(who));
                }
                _ => {
                    window.add(id(who), failure(who, time, "line"), &policy, &limits);
                    plain.add(id(who), Timestamp::from_secs(time), max);
                }
            }
            let mut expected: Vec<FailureId> = plain.entries.iter().map(|(id, _)| id.clone()).collect();
            expected.sort();
            prop_assert_eq!(window.counts().into_keys().collect::<Vec<_>>(), expected);
            let bytes: usize = window.slots.iter().flatten().map(story_bytes).sum();
            prop_assert_eq!(window.story_bytes, bytes);
        }
    }
}
