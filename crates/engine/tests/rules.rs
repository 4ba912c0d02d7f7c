//! The engine's own rules, one short story each: what goes in, what is told.

#![expect(clippy::unwrap_used, reason = "a panic in a test is its report")]

#[path = "rules/ids.rs"]
mod ids;

use base::{FailureId, JailName, NamedTexts, Span, Texts, Timestamp};
use engine::formula::Formula;
use engine::{
    Aggregate, BanRecord, BanTime, Effect, Enforceable, Engine, Event, Failure, Growth, GrowthRule,
    IgnoreList, IgnoreSource, Input, JailId, JailPolicy, Request, RequestId, StoreWrite,
    USUAL_FORMULA,
};

fn policy() -> JailPolicy {
    JailPolicy {
        name: JailName::new("j"),
        maxretry: 2,
        maxmatches: 5,
        findtime: Span::from_secs(600),
        bantime: Some(Span::from_secs(60)),
        growth: None,
        ignoreself: true,
        ignoreip: IgnoreList::default(),
        ipv4_prefix: 32,
        ipv6_prefix: 64,
        aggregate: Vec::new(),
        fed_by_bans: false,
        enforceable: Enforceable::Addresses,
    }
}

/// A jail with an action that takes whatever it is told.
fn shell() -> JailPolicy {
    JailPolicy {
        enforceable: Enforceable::AnyId,
        ..policy()
    }
}

/// A story is told line by line, at the second in front: `0 fail ADDRESS`, `0 applied SEQ`, `0 refused SEQ`,
/// `0 committed SEQ`, `0 uncommitted SEQ`, `0 protect ADDRESS SECONDS`, `0 ignore ADDRESS…`, `0 spare ADDRESS`,
/// `0 ban ADDRESS`, `0 force ADDRESS`, `0 unban ADDRESS`, `0 attempt ADDRESS LINE…`, `0 bantime SECONDS`, `0 policy` (the plain one), `0 shell` (one with a shell action), `0 disarm`, `0 tick`.
fn check(policies: Vec<JailPolicy>, story: &str, expected: &[&str]) {
    assert_eq!(told(policies, story), expected, "{story}");
}

fn told(policies: Vec<JailPolicy>, story: &str) -> Vec<String> {
    let mut engine = Engine::new(policies);
    let mut told = Vec::new();
    for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split(' ').collect();
        let now = words[0].parse().unwrap();
        let mut out = Vec::new();
        let time = Timestamp::from_secs(now);
        match words[1] {
            "fail" => fail(&mut engine, time, words[2], &mut out),
            _ => engine.step(time, input(&words[1..]), &mut out),
        }
        told.extend(
            out.iter()
                .filter_map(text)
                .map(|text| format!("{now} {text}")),
        );
    }
    told
}

fn fail(engine: &mut Engine, time: Timestamp, who: &str, out: &mut Vec<Effect>) {
    let failure = Failure {
        id: &who.into(),
        time,
        user: Some("root"),
        users: &["never", "counted"].iter().collect(),
        matches: &["line"].iter().collect(),
        captures: &NamedTexts::default(),
    };
    let jail = JailId(0);
    engine.step(time, Input::Failure { jail, failure }, out);
    engine.step(time, Input::ReadEnds, out);
}

fn input(words: &[&str]) -> Input<'static> {
    let ids = || vec![words[1].into()];
    let seq = || words[1].parse().unwrap();
    let jail = JailId(0);
    let ban = |force| Request::Ban {
        jail,
        ids: ids(),
        time: words
            .get(2)
            .map(|s| BanTime::For(Span::from_secs(s.parse().unwrap()))),
        force,
    };
    let ask = |request| Input::Request {
        id: RequestId(7),
        request,
    };
    let change = |policy| Input::Policy {
        jail,
        policy: Box::new(policy),
    };
    match words[0] {
        "applied" => Input::Applied {
            seq: seq(),
            result: Ok(()),
        },
        "refused" => Input::Applied {
            seq: seq(),
            result: Err("no".to_owned()),
        },
        "committed" => Input::Committed {
            seq: seq(),
            result: Ok(()),
        },
        "uncommitted" => Input::Committed {
            seq: seq(),
            result: Err("full".to_owned()),
        },
        "protect" => {
            let until = words[2].parse().unwrap();
            let until = Some(Timestamp::from_secs(until));
            Input::Protected {
                own: Vec::new(),
                prefixes: vec![(words[1].parse().unwrap(), until)],
            }
        }
        "ignore" => {
            let mut list = IgnoreList::default();
            for who in &words[1..] {
                list.push(IgnoreSource::File("/f".into()), (*who).into());
            }
            Input::IgnoreList { jail, list }
        }
        "spare" => Input::Spared {
            jail,
            id: words[1].into(),
        },
        "ban" => ask(ban(false)),
        "force" => ask(ban(true)),
        "unban" => ask(Request::Unban {
            jail: None,
            ids: ids(),
        }),
        "attempt" => ask(Request::Attempt {
            jail,
            id: words[1].into(),
            matches: words[2..].iter().collect(),
        }),
        "bantime" => change(JailPolicy {
            bantime: Some(Span::from_secs(words[1].parse().unwrap())),
            ..policy()
        }),
        "policy" => change(policy()),
        "shell" => change(shell()),
        "disarm" => change(JailPolicy {
            enforceable: Enforceable::Nobody,
            ..policy()
        }),
        "tick" => Input::Tick,
        other => panic!("{other}?"),
    }
}

fn text(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Notify(Event::Found { .. }) => return None,
        Effect::Ban { seq, key, until } => {
            let until = until.map_or(-1, Timestamp::as_secs);
            format!("enforce {seq} {}:{} until {until}", key.jail.0, key.id)
        }
        Effect::Unban { seq, key, expired } => {
            format!(
                "{} {seq} {}",
                if *expired { "forget" } else { "lift" },
                key.id
            )
        }
        Effect::Persist(StoreWrite::Ban { seq, record, .. }) => {
            let captures: Vec<&str> = record.captures.iter().map(|(name, _)| name).collect();
            format!("store {seq} {} {} {captures:?}", record.id, record.failures)
        }
        Effect::Persist(StoreWrite::Prolong { seq, record, .. }) => {
            format!("prolong {seq} {} from {}", record.id, record.time.as_secs())
        }
        Effect::Persist(StoreWrite::Length { seq, id, .. }) => format!("length {seq} {id}"),
        Effect::Persist(StoreWrite::Delete {
            seq, id, inside, ..
        }) => {
            let inside = if *inside { " inside" } else { "" };
            format!("delete{inside} {seq} {id}")
        }
        Effect::Persist(StoreWrite::DeleteAll { seq }) => format!("delete all {seq}"),
        Effect::Notify(Event::Banned { id, users, .. }) => format!("Banned {id} {users:?}"),
        Effect::Notify(Event::Unbanned { id, why, .. }) => format!("Unbanned {id} {why:?}"),
        Effect::Notify(event) => {
            let event = format!("{event:?}");
            event.split(' ').next().unwrap().to_owned()
        }
        Effect::Reply { answer, .. } => format!("{answer:?}"),
    })
}

#[test]
fn acknowledges_after_both_answers() {
    for answers in ["0 applied 1\n1 committed 1", "0 committed 1\n1 applied 1"] {
        check(
            vec![policy()],
            &format!(
                "0 fail 192.0.2.1\n0 fail 192.0.2.1\n{answers}\n1 applied 1\n60 tick\n61 tick"
            ),
            &[
                "0 enforce 1 0:192.0.2.1 until 60",
                "0 store 1 192.0.2.1 2 []",
                "1 Banned 192.0.2.1 [(\"root\", 2)]",
                "61 forget 2 192.0.2.1",
                "61 Unbanned 192.0.2.1 Expired",
            ],
        );
    }
}

#[test]
fn keeps_a_refused_ban_and_counts_a_failed_store_as_answered() {
    check(
        vec![policy()],
        "0 ban 192.0.2.1
         0 uncommitted 1
         0 refused 1
         1 refused 1
         2 applied 1
         2 applied 1",
        &[
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 0 []",
            "0 StoreFailed",
            "0 EnforceFailed",
            "0 Ban([(192.0.2.1, Failed(\"no\"))])",
            "2 Banned 192.0.2.1 []",
        ],
    );
}

#[test]
fn lifts_for_real_what_the_kernel_never_took() {
    check(
        vec![policy()],
        "0 force 192.0.2.1 5
         0 refused 1
         9 tick",
        &[
            "0 enforce 1 0:192.0.2.1 until 5",
            "0 store 1 192.0.2.1 0 [\"stockade_fixed\", \"stockade_forced\"]",
            "0 EnforceFailed",
            "9 lift 2 192.0.2.1",
        ],
    );
}

#[test]
fn protects_and_goes_on_counting() {
    check(
        vec![policy()],
        "0 protect 192.0.2.1 10
         1 fail 192.0.2.1
         2 fail 192.0.2.1
         3 fail 192.0.2.1
         4 ban 192.0.2.0/24
         11 fail 192.0.2.1
         12 protect 192.0.2.0/30 50",
        &[
            "2 Protected",
            "4 Ban([(192.0.2.0/24, Refused(Protected))])",
            "11 enforce 1 0:192.0.2.1 until 71",
            "11 store 1 192.0.2.1 4 []",
            "12 lift 2 192.0.2.1",
            "12 delete 2 192.0.2.1",
        ],
    );
}

#[test]
fn lifts_at_once_what_a_new_list_forbids_unless_forced() {
    check(
        vec![policy(), policy()],
        "0 force 192.0.2.2
         0 applied 1
         0 committed 1
         1 ban 2001:db8::/64
         2 ignore 192.0.2.0/24 2001:db8::7
         2 applied 3
         2 committed 3
         2 applied 2
         2 committed 2
         3 fail 192.0.2.1
         3 ban 192.0.2.1
         4 ignore
         5 fail 192.0.2.1
         5 fail 192.0.2.1
         6 spare 192.0.2.1
         6 spare 192.0.2.2
         6 spare 192.0.2.9",
        &[
            "0 enforce 1 0:192.0.2.2 until 60",
            "0 store 1 192.0.2.2 0 [\"stockade_forced\"]",
            "0 Banned 192.0.2.2 []",
            "0 Ban([(192.0.2.2, Banned)])",
            "1 enforce 2 0:2001:db8::/64 until 61",
            "1 store 2 2001:db8::/64 0 []",
            "2 lift 3 2001:db8::/64",
            "2 delete 3 2001:db8::/64",
            "2 Ban([(2001:db8::/64, Banned)])",
            "3 Ignored",
            "3 Ban([(192.0.2.1, Refused(Ignored))])",
            "5 enforce 4 0:192.0.2.1 until 65",
            "5 store 4 192.0.2.1 2 []",
            "6 lift 5 192.0.2.1",
            "6 delete 5 192.0.2.1",
        ],
    );
}

#[test]
fn never_bans_ignored_own_or_malformed_ones() {
    let mut jail = policy();
    jail.maxretry = 1;
    jail.ignoreip = ["2001:db8::7".parse().unwrap()].into_iter().collect();
    jail.ignoreip
        .push(IgnoreSource::Ip, FailureId::Raw("nobody".into()));
    check(
        vec![jail],
        "0 fail 127.0.0.1
         0 fail 2001:db8::7
         0 fail 2001:db8::8
         0 fail 999.1.1.1
         0 fail 192.030.0.6
         0 fail 1::2::3
         0 fail root
         0 fail nobody
         0 ban 0.0.0.0/0
         0 ban ::/0",
        &[
            "0 Ignored",
            "0 Ignored",
            "0 Protected",
            "0 MalformedAddress",
            "0 MalformedAddress",
            "0 MalformedAddress",
            "0 NotEnforceable",
            "0 Ignored",
            "0 Ban([(0.0.0.0/0, Refused(OwnAddress))])",
            "0 Ban([(::/0, Refused(OwnAddress))])",
        ],
    );
}

#[test]
fn counts_and_bans_by_prefix_and_lifts_what_lies_inside() {
    check(
        vec![policy()],
        "0 fail 2001:db8::1
         0 fail 2001:db8::2
         1 unban 2001:db8::/32
         1 applied 2
         1 committed 2
         1 committed 3",
        &[
            "0 enforce 1 0:2001:db8::/64 until 60",
            "0 store 1 2001:db8::/64 2 []",
            "1 lift 2 2001:db8::/64",
            "1 delete 2 2001:db8::/64",
            "1 delete 3 2001:db8::/32",
            "1 Unban { lifted: [BanKey { jail: JailId(0), id: 2001:db8::/64 }], errors: [] }",
        ],
    );
}

#[test]
fn knows_who_is_banned_by_whatever_prefix_holds_the_address() {
    let jail = JailPolicy {
        maxretry: 1,
        aggregate: vec![Aggregate {
            family: base::Family::Inet4,
            length: 24,
            children: 2,
        }],
        ..policy()
    };
    let mut engine = Engine::new(vec![jail]);
    let time = Timestamp::from_secs(0);
    let is_banned = |engine: &Engine, jail, who: &str| {
        let id = who
            .parse()
            .map_or_else(|_| FailureId::Raw(who.into()), FailureId::Prefix);
        engine.is_banned(JailId(jail), &id)
    };
    for who in ["192.0.2.1", "2001:db8::1", "198.51.100.1", "198.51.100.2"] {
        assert!(!is_banned(&engine, 0, who), "{who}");
        let mut out = Vec::new();
        fail(&mut engine, time, who, &mut out);
        // Both have answered.
        for effect in out {
            let (Effect::Ban { seq, .. } | Effect::Persist(StoreWrite::Ban { seq, .. })) = effect
            else {
                continue;
            };
            let done = [
                Input::Applied {
                    seq,
                    result: Ok(()),
                },
                Input::Committed {
                    seq,
                    result: Ok(()),
                },
            ];
            for input in done {
                engine.step(time, input, &mut Vec::new());
            }
        }
    }
    for who in ["192.0.2.1", "2001:db8::2", "198.51.100.9"] {
        assert!(is_banned(&engine, 0, who), "{who}");
    }
    for who in ["192.0.2.2", "2001:db8:0:1::1", "nobody"] {
        assert!(!is_banned(&engine, 0, who), "{who}");
    }
    assert!(!is_banned(&engine, 1, "192.0.2.1"));
}

#[test]
fn makes_a_standing_ban_longer() {
    check(
        vec![policy()],
        "0 fail 192.0.2.1
         0 fail 192.0.2.1
         9 fail 192.0.2.1
         9 fail 192.0.2.1",
        &[
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 2 []",
            "9 enforce 2 0:192.0.2.1 until 69",
            "9 prolong 2 192.0.2.1 from 9",
            "9 AlreadyBanned",
        ],
    );
}

#[test]
fn feeds_the_jail_for_repeaters_with_acknowledged_bans() {
    let mut recidive = policy();
    recidive.fed_by_bans = true;
    recidive.maxretry = 1;
    recidive.bantime = None;
    check(
        vec![policy(), recidive],
        "0 ban 192.0.2.1
         0 applied 1
         0 committed 1",
        &[
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 0 []",
            "0 Banned 192.0.2.1 []",
            "0 Ban([(192.0.2.1, Banned)])",
            "0 enforce 2 1:192.0.2.1 until -1",
            "0 store 2 192.0.2.1 1 []",
        ],
    );
}

#[test]
fn bans_that_nothing_holds_are_enforced_anew_where_that_may_be_another_thing_now() {
    check(
        vec![policy()],
        "0 ban 192.0.2.1
         0 committed 1
         0 refused 1
         5 policy
         6 applied 2
         7 policy",
        &[
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 0 []",
            "0 EnforceFailed",
            "0 Ban([(192.0.2.1, Failed(\"no\"))])",
            "5 enforce 2 0:192.0.2.1 until 60",
            "6 Banned 192.0.2.1 []",
        ],
    );
}

#[test]
fn bans_of_a_jail_that_loses_its_actions_are_lifted() {
    check(
        vec![policy()],
        "0 ban 192.0.2.1
         0 applied 1
         0 committed 1
         5 disarm",
        &[
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 0 []",
            "0 Banned 192.0.2.1 []",
            "0 Ban([(192.0.2.1, Banned)])",
            "5 lift 2 192.0.2.1",
            "5 Unbanned 192.0.2.1 Unenforceable",
        ],
    );
}

#[test]
fn only_detects_without_an_action() {
    let mut jail = policy();
    jail.enforceable = Enforceable::Nobody;
    check(
        vec![jail],
        "0 fail 192.0.2.1\n0 fail 192.0.2.1\n0 force 192.0.2.1",
        &[
            "0 NotEnforceable",
            "0 Ban([(192.0.2.1, Refused(NotEnforceable))])",
        ],
    );
}

/// A jail whose bans double each time, up to ten minutes.
fn growing() -> JailPolicy {
    JailPolicy {
        maxretry: 3,
        growth: Some(Growth {
            rule: GrowthRule::Formula(Formula::parse(USUAL_FORMULA).unwrap()),
            factor: 1i64.into(),
            longest: Some(Span::from_secs(600)),
            spread: None,
            over_all_jails: false,
        }),
        ..policy()
    }
}

#[test]
fn bans_of_who_comes_back_grow_and_fewer_failures_are_enough() {
    check(
        vec![growing()],
        "0 attempt 192.0.2.1 a b c
         61 tick
         100 fail 192.0.2.1
         101 fail 192.0.2.1
         222 tick
         300 fail 192.0.2.1
         541 tick
         600 unban 192.0.2.1
         600 committed 7
         601 attempt 192.0.2.1 a b c",
        &[
            "0 Attempted",
            "0 Attempt(true)",
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 1 []",
            "61 lift 2 192.0.2.1",
            "100 FoundAgain",
            "101 FoundAgain",
            "101 BannedBefore",
            "101 Grown",
            "101 enforce 3 0:192.0.2.1 until 221",
            "101 store 3 192.0.2.1 3 []",
            "222 lift 4 192.0.2.1",
            "300 FoundAgain",
            "300 BannedBefore",
            "300 Grown",
            "300 enforce 5 0:192.0.2.1 until 540",
            "300 store 5 192.0.2.1 2 []",
            "541 lift 6 192.0.2.1",
            "600 delete 7 192.0.2.1",
            "600 Unban { lifted: [], errors: [] }",
            "601 Attempted",
            "601 Attempt(true)",
            "601 enforce 8 0:192.0.2.1 until 661",
            "601 store 8 192.0.2.1 1 []",
        ],
    );
}

#[test]
fn a_formula_that_fails_costs_the_growth_and_not_the_ban() {
    let mut jail = growing();
    let formula = Formula::parse("ban.Time / (ban.Count - 1)").unwrap();
    jail.growth.as_mut().unwrap().rule = GrowthRule::Formula(formula);
    check(
        vec![jail],
        "0 attempt 192.0.2.1 a b c\n61 tick\n100 attempt 192.0.2.1 a b c",
        &[
            "0 Attempted",
            "0 Attempt(true)",
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 1 []",
            "61 lift 2 192.0.2.1",
            "100 Attempted",
            "100 Attempt(true)",
            "100 FoundAgain",
            "100 GrowthFailed",
            "100 enforce 3 0:192.0.2.1 until 160",
            "100 store 3 192.0.2.1 1 []",
        ],
    );
}

#[test]
fn bans_follow_the_ban_time_of_their_jail_unless_they_have_their_own() {
    check(
        vec![policy()],
        "0 ban 192.0.2.1
         1 applied 1
         1 committed 1
         2 ban 192.0.2.2 500
         3 applied 2
         3 committed 2
         10 bantime 100
         20 bantime 30
         31 tick",
        &[
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 0 []",
            "1 Banned 192.0.2.1 []",
            "1 Ban([(192.0.2.1, Banned)])",
            "2 enforce 2 0:192.0.2.2 until 502",
            "2 store 2 192.0.2.2 0 [\"stockade_fixed\"]",
            "3 Banned 192.0.2.2 []",
            "3 Ban([(192.0.2.2, Banned)])",
            "10 enforce 3 0:192.0.2.1 until 100",
            "10 length 3 192.0.2.1",
            "20 enforce 4 0:192.0.2.1 until 30",
            "20 length 4 192.0.2.1",
            // The kernel has not said that it knows of the sooner end.
            "31 lift 5 192.0.2.1",
            "31 Unbanned 192.0.2.1 Expired",
        ],
    );
}

#[test]
fn what_follows_from_failures_waits_for_the_end_of_their_read() {
    let mut engine = Engine::new(vec![policy()]);
    let mut out = Vec::new();
    let now = Timestamp::from_secs(5);
    let failure = Failure {
        id: &FailureId::Prefix("192.0.2.1".parse().unwrap()),
        time: now,
        user: None,
        users: &Texts::default(),
        matches: &Texts::default(),
        captures: &NamedTexts::default(),
    };
    let jail = JailId(0);
    for _ in 0..3 {
        engine.step(now, Input::Failure { jail, failure }, &mut out);
    }
    assert!(out.iter().filter_map(text).next().is_none());
    assert!(
        engine.next_deadline().is_some_and(|due| due <= now),
        "something is due"
    );
    engine.step(now, Input::ReadEnds, &mut out);
    let told: Vec<String> = out.iter().filter_map(text).collect();
    assert_eq!(
        told,
        ["enforce 1 0:192.0.2.1 until 65", "store 1 192.0.2.1 2 []"]
    );
    assert_eq!(engine.failing(jail).len(), 1);
}

#[test]
fn many_banned_neighbours_make_a_ban_of_their_network() {
    let aggregate = |length, children| Aggregate {
        family: base::Family::Inet4,
        length,
        children,
    };
    let jail = || JailPolicy {
        maxretry: 1,
        aggregate: vec![aggregate(24, 2), aggregate(16, 5)],
        ..policy()
    };
    check(
        vec![jail()],
        "0 fail 192.0.2.1
         0 applied 1
         0 committed 1
         9 fail 192.0.2.2
         9 applied 2
         9 committed 2
         10 applied 3
         10 committed 3
         11 fail 192.0.2.9
         12 unban 192.0.2.77",
        &[
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 1 []",
            "0 Banned 192.0.2.1 [(\"root\", 1)]",
            "9 enforce 2 0:192.0.2.2 until 69",
            "9 store 2 192.0.2.2 1 []",
            "9 Aggregated",
            "9 enforce 3 0:192.0.2.0/24 until 69",
            "9 store 3 192.0.2.0/24 2 [\"stockade_children\", \"stockade_fixed\"]",
            "9 Banned 192.0.2.2 [(\"root\", 1)]",
            "10 Banned 192.0.2.0/24 [(\"root\", 2)]",
            "10 lift 4 192.0.2.1",
            "10 Unbanned 192.0.2.1 Aggregated(192.0.2.0/24)",
            "10 lift 5 192.0.2.2",
            "10 Unbanned 192.0.2.2 Aggregated(192.0.2.0/24)",
            // Who fails inside prolongs the whole, and to let somebody in lifts it.
            "11 enforce 6 0:192.0.2.0/24 until 71",
            "11 prolong 6 192.0.2.0/24 from 11",
            "11 AlreadyBanned",
            "12 lift 7 192.0.2.0/24",
            "12 Unbanned 192.0.2.0/24 Request",
            "12 delete inside 7 192.0.2.0/24",
            "12 delete 8 192.0.2.77",
        ],
    );
    // It stays the ban of all inside when there is no rule for it any more, and who must be let in opens it whole.
    let standing = "0 fail 192.0.2.1
         9 fail 192.0.2.2
         10 applied 3
         10 committed 3
         11 policy
         12 fail 192.0.2.9
         12 fail 192.0.2.9
         13 ignore 192.0.2.9";
    let mut changed = told(vec![jail()], standing);
    changed.retain(|told| told.starts_with("12 ") || told.starts_with("13 "));
    assert_eq!(
        changed,
        [
            "12 enforce 6 0:192.0.2.0/24 until 72",
            "12 prolong 6 192.0.2.0/24 from 12",
            "12 AlreadyBanned",
            "13 lift 7 192.0.2.0/24",
            "13 Unbanned 192.0.2.0/24 Ignored",
            "13 delete inside 7 192.0.2.0/24",
        ]
    );
    // Nobody who is ignored comes into it.
    let mut ignoring = jail();
    ignoring.ignoreip = std::iter::once("192.0.2.8/31".parse().unwrap()).collect();
    check(
        vec![ignoring],
        "0 fail 192.0.2.1\n9 fail 192.0.2.2",
        &[
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 1 []",
            "9 enforce 2 0:192.0.2.2 until 69",
            "9 store 2 192.0.2.2 1 []",
            "9 Protected",
        ],
    );
}

#[test]
fn a_ban_that_keeps_nobody_out_is_told_once() {
    check(
        vec![policy()],
        "0 ban 192.0.2.1
         1 applied 1
         1 committed 1
         9 fail 192.0.2.1
         12 fail 192.0.2.1
         13 fail 192.0.2.1",
        &[
            "0 enforce 1 0:192.0.2.1 until 60",
            "0 store 1 192.0.2.1 0 []",
            "1 Banned 192.0.2.1 []",
            "1 Ban([(192.0.2.1, Banned)])",
            // At 9 it may have been under way.
            "12 enforce 2 0:192.0.2.1 until 72",
            "12 prolong 2 192.0.2.1 from 12",
            "12 Ineffective",
            "12 AlreadyBanned",
        ],
    );
}
