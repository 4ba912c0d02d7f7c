//! The counting of one jail against plain lists.

use super::*;
use crate::{Enforceable, IgnoreList};
use base::{JailName, NamedTexts, Prefix};
use proptest::prelude::*;

fn policy(findtime: i64, maxmatches: u32) -> JailPolicy {
    JailPolicy {
        name: JailName::new("j"),
        maxretry: 3,
        maxmatches,
        findtime: Span::from_secs(findtime),
        bantime: None,
        growth: None,
        ignoreself: false,
        ignoreip: IgnoreList::default(),
        ipv4_prefix: 32,
        ipv6_prefix: 128,
        aggregate: Vec::new(),
        fed_by_bans: false,
        enforceable: Enforceable::Addresses,
    }
}

fn window(tracked_ids: usize, story_bytes: usize) -> Window {
    Window::new(&Limits {
        tracked_ids,
        story_bytes,
        former_bans: 1,
    })
}

fn id(number: u32) -> FailureId {
    FailureId::Prefix(Prefix::host(std::net::IpAddr::V4(number.into())))
}

fn fail(window: &mut Window, policy: &JailPolicy, who: u32, time: i64, line: &str) -> u32 {
    let failure = Failure {
        id: &id(who),
        time: Timestamp::from_secs(time),
        user: None,
        users: &[format!("u{}", time.rem_euclid(3))].iter().collect(),
        matches: &[line].iter().collect(),
        captures: &NamedTexts::default(),
    };
    window.add(failure.id, &failure, 1, policy).0
}

/// One id's failures at these seconds give this estimate.
fn check(findtime: i64, times: &[i64], expected: i64) {
    let mut window = window(10, 1000);
    let policy = policy(findtime, 5);
    let mut slot = 0;
    for time in times {
        slot = fail(&mut window, &policy, 1, *time, "");
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
fn tells_the_last_lines_and_all_users() {
    let policy = policy(600, 2);
    let mut window = window(10, 1000);
    let mut slot = 0;
    for (time, line) in ["one", "two", "three"].iter().enumerate() {
        slot = fail(&mut window, &policy, 1, time as i64 * 2, line);
    }
    let told = window.take(slot, &policy).unwrap();
    assert_eq!(told.matches, ["two", "three"]);
    let users = ["u0", "u2", "u1"].map(|user| (user.to_owned(), 1));
    assert_eq!(told.users, users);
    assert_eq!(told.last, Timestamp::from_secs(4));
    assert_eq!(
        (told.failures, window.lost_lines(), window.len()),
        (3, 0, 0)
    );
}

#[test]
fn newer_lines_take_the_room_of_older_ones() {
    // A failure takes 4 + 8 bytes for its line and 2 + 8 for its user.
    let policy = policy(600, 5);
    let mut window = window(10, 66);
    let one = fail(&mut window, &policy, 1, 0, "old1");
    let two = fail(&mut window, &policy, 2, 0, "old2");
    for line in ["new1", "new2"] {
        fail(&mut window, &policy, 1, 1, line);
    }
    assert_eq!(window.take(two, &policy).unwrap().matches, ["old2"]);
    let told = window.take(one, &policy).unwrap();
    assert_eq!(told.matches, ["new1", "new2"]);
    assert_eq!(told.users, [("u1".to_owned(), 2)]);
    assert_eq!((told.failures, window.lost_lines()), (3, 1));
}

#[test]
fn a_flood_hides_nobody_who_comes_back() {
    const BOUND: u32 = 400;
    let policy = policy(1_000_000, 1);
    // The flood's addresses fail so many times each; the attacker comes after so many of them.
    for (times, after, is_seen) in [
        (1, BOUND / 4, true),
        (1, BOUND - 2, true),
        (1, BOUND + 1, false),
        (2, BOUND / 4 - 1, true),
    ] {
        let mut window = window(BOUND as usize, 1000);
        let mut next = 1_000_000;
        let mut flood = |window: &mut Window, addresses: u32| {
            for _ in 0..addresses {
                next += 1;
                for _ in 0..times {
                    fail(window, &policy, next, 0, "");
                }
            }
        };
        flood(&mut window, 10 * BOUND);
        fail(&mut window, &policy, 1, 0, "");
        flood(&mut window, after);
        let slot = fail(&mut window, &policy, 1, 0, "");
        let retry = window.ticket(slot).unwrap().retry;
        assert_eq!(
            retry,
            1 + i64::from(is_seen),
            "{times} times, {after} later"
        );
        // Whoever is known to come back outlasts any number of addresses that do not.
        if is_seen && times == 1 {
            flood(&mut window, 10 * BOUND);
            let slot = fail(&mut window, &policy, 1, 0, "");
            assert_eq!(window.ticket(slot).unwrap().retry, 3);
        }
        assert_eq!(window.len(), BOUND as usize);
        assert!(window.slots.len() == BOUND as usize);
        let places = window.once.len() + window.again.len();
        assert!(places <= 2 * (64 + 2 * BOUND as usize), "{places}");
    }
}

#[test]
fn a_flood_leaves_no_memory_behind() {
    let policy = policy(600, 1);
    let mut window = window(5_000, 100_000);
    for who in 0..4_000 {
        fail(&mut window, &policy, who, 0, "line");
    }
    assert!(window.slots.len() == 4_000 && !window.stories.is_empty());
    window.clean_up(Timestamp::from_secs(600), policy.findtime);
    assert_eq!((window.len(), window.slots.room()), (0, 0));
    assert!(window.stories.is_empty());
    let slot = fail(&mut window, &policy, 1, 600, "line");
    assert_eq!(window.take(slot, &policy).unwrap().matches, ["line"]);
}

/// What the window must agree with: no heap, no slots, no ring.
struct Plain {
    entries: Vec<Entry>,
    cleaned: Option<Timestamp>,
    max: usize,
    room: usize,
    moment: usize,
    evicted: u64,
    lost: u64,
    /// Bytes that all texts so far took.
    written: usize,
}

struct Entry {
    id: u32,
    first: Timestamp,
    last: Timestamp,
    retry: i64,
    /// When it failed, counted in failures of all.
    moments: Vec<usize>,
    /// Lines and users, and how many bytes were written when they begin.
    lines: Vec<(String, usize)>,
    users: Vec<(String, usize)>,
}

impl Plain {
    fn add(&mut self, id: u32, time: Timestamp, findtime: Span, line: &str, user: &str) {
        self.moment += 1;
        if !self.entries.iter().any(|entry| entry.id == id) {
            self.make_room();
            self.entries.push(Entry {
                id,
                first: time,
                last: time,
                retry: 0,
                moments: Vec::new(),
                lines: Vec::new(),
                users: Vec::new(),
            });
        }
        let entry = self.entries.iter_mut().find(|e| e.id == id).unwrap();
        if time > entry.last {
            if entry.first < time - findtime {
                let elapsed = time.since(entry.first).as_secs_f64();
                let scaled = entry.retry as f64 / elapsed * findtime.as_secs_f64();
                entry.retry = scaled.round_ties_even() as i64;
                entry.first = time - findtime;
            }
            entry.last = time;
        }
        entry.retry += 1;
        entry.moments.push(self.moment);
        for (list, text) in [(&mut entry.lines, line), (&mut entry.users, user)] {
            list.push((text.to_owned(), self.written));
            self.written += text.len() + 8;
        }
    }

    fn make_room(&mut self) {
        if self.entries.len() < self.max {
            return;
        }
        let once = self.entries.iter().filter(|e| e.moments.len() == 1).count();
        let of_once = once > self.max / 4 || once == self.entries.len();
        let oldest = self
            .entries
            .iter()
            .filter(|entry| (entry.moments.len() == 1) == of_once)
            .min_by_key(|entry| (entry.last, *entry.moments.last().unwrap()))
            .unwrap()
            .id;
        self.entries.retain(|entry| entry.id != oldest);
        self.evicted += 1;
    }

    fn clean_up(&mut self, now: Timestamp, findtime: Span) {
        let is_due = |c| now < c || now.since(c) >= CLEANUP_EVERY;
        if self.cleaned.is_none_or(is_due) {
            self.cleaned = Some(now);
            self.entries.retain(|entry| entry.last > now - findtime);
        }
    }

    fn take(&mut self, id: u32, maxmatches: usize) -> Told {
        let place = self.entries.iter().position(|e| e.id == id).unwrap();
        let entry = self.entries.remove(place);
        let kept = |(_, begin): &&(String, usize)| self.written - begin <= self.room;
        let wanted = maxmatches.min(entry.lines.len());
        let lines = &entry.lines[entry.lines.len() - wanted..];
        let matches: Vec<String> = lines.iter().filter(kept).map(|(l, _)| l.clone()).collect();
        self.lost += (wanted - matches.len()) as u64;
        let mut users: Vec<(String, u32)> = Vec::new();
        for (user, _) in entry.users.iter().filter(kept) {
            match users.iter_mut().find(|(known, _)| known == user) {
                Some((_, times)) => *times += 1,
                None => users.push((user.clone(), 1)),
            }
        }
        Told {
            bans: 0,
            last: entry.last,
            failures: entry.moments.len() as u32,
            users,
            matches,
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_plain_lists(
        steps in proptest::collection::vec((0u8..5, 0u32..14, -20i64..20, "[a-c]{0,9}"), 0..250),
        max in 1usize..10,
        maxmatches in 1u32..4,
        room in 20usize..400,
    ) {
        let policy = policy(30, maxmatches);
        let mut window = window(max, room);
        let mut now = 1000;
        let mut plain = Plain {
            entries: Vec::new(),
            cleaned: None,
            max,
            room,
            moment: 0,
            evicted: 0,
            lost: 0,
            written: 0,
        };
        for (kind, who, shift, line) in steps {
            now += shift.max(0) / 4;
            match kind {
                0 => {
                    let now = Timestamp::from_secs(now);
                    window.clean_up(now, policy.findtime);
                    plain.clean_up(now, policy.findtime);
                }
                1 if plain.entries.iter().any(|entry| entry.id == who) => {
                    let slot = window.slots.find(&id(who)).unwrap();
                    let told = window.take(slot, &policy).unwrap();
                    prop_assert_eq!(told, plain.take(who, maxmatches as usize));
                }
                _ => {
                    let time = now + shift;
                    fail(&mut window, &policy, who, time, &line);
                    let user = format!("u{}", time.rem_euclid(3));
                    plain.add(who, Timestamp::from_secs(time), policy.findtime, &line, &user);
                }
            }
            let expected = plain.entries.iter().map(|entry| (id(entry.id), entry.retry));
            prop_assert_eq!(window.counts(), expected.collect::<BTreeMap<_, _>>());
            prop_assert_eq!((window.len(), window.evicted()), (plain.entries.len(), plain.evicted));
            prop_assert_eq!(window.lost_lines(), plain.lost);
        }
    }
}
