//! A rehearsal decides and tells what an engine does whose effects are all carried out at once, but for each failure that
//! counts.

use crate::random::Random;
use crate::world::policies;
use base::{FailureId, NamedTexts, Texts, Timestamp};
use engine::{BanKey, Effect, Engine, Event, Failure, Input, JailId, StoreWrite};

/// Steps, answers what it asks for until it asks for nothing, and gives what it told.
fn step(engine: &mut Engine, now: Timestamp, input: Input<'_>) -> Vec<Event> {
    let (mut told, mut effects) = (Vec::new(), Vec::new());
    engine.step(now, input, &mut effects);
    while !effects.is_empty() {
        for effect in std::mem::take(&mut effects) {
            let answer = match effect {
                Effect::Notify(event) => {
                    told.push(event);
                    continue;
                }
                Effect::Ban { seq, .. }
                | Effect::Unban {
                    seq,
                    expired: false,
                    ..
                } => Input::Applied {
                    seq,
                    result: Ok(()),
                },
                Effect::Persist(
                    StoreWrite::Ban { seq, .. }
                    | StoreWrite::Prolong { seq, .. }
                    | StoreWrite::Length { seq, .. }
                    | StoreWrite::Delete { seq, .. }
                    | StoreWrite::DeleteAll { seq },
                ) => Input::Committed {
                    seq,
                    result: Ok(()),
                },
                Effect::Unban { expired: true, .. } | Effect::Reply { .. } => continue,
            };
            engine.step(now, answer, &mut effects);
        }
    }
    told
}

/// Steps an engine that asks for nothing, and gives what it told.
fn rehearse(engine: &mut Engine, now: Timestamp, input: Input<'_>) -> Vec<Event> {
    let mut effects = Vec::new();
    engine.step(now, input, &mut effects);
    let told = effects.into_iter().filter_map(|effect| match effect {
        Effect::Notify(event) => Some(event),
        Effect::Unban { expired: true, .. } | Effect::Persist(StoreWrite::Ban { .. }) => None,
        effect => panic!("{effect:?} asks for an answer"),
    });
    told.collect()
}

/// What was told in one moment, but for the numbers of effects, of which a rehearsal has fewer. Answers make for another
/// order.
fn of_a_moment(mut told: Vec<Event>) -> Vec<Event> {
    for event in &mut told {
        if let Event::Banned { seq, .. } = event {
            *seq = 0;
        }
    }
    told.sort_by_cached_key(|event| format!("{event:?}"));
    told
}

type Standing = (BanKey, Option<Timestamp>, u32, Vec<(String, u32)>);

fn bans(engine: &Engine) -> Vec<Standing> {
    let bans = engine.bans();
    bans.map(|ban| {
        let (jail, id) = (ban.jail, ban.id.clone());
        (
            BanKey { jail, id },
            ban.until,
            ban.count,
            ban.users.to_vec(),
        )
    })
    .collect()
}

#[test]
fn decides_and_tells_the_same() {
    let (mut begun, mut longer, mut lifted) = (0, 0, 0);
    for seed in 0..300 {
        let mut random = Random(seed);
        let [mut carried_out, mut rehearsed] = [false, true].map(|is_rehearsal| {
            let mut engine = Engine::new(policies());
            engine.seed(seed);
            match is_rehearsal {
                true => engine.as_rehearsal(),
                false => engine,
            }
        });
        let mut now = 1_000_000;
        for _ in 0..200 {
            now += random.below(20) as i64;
            let time = Timestamp::from_secs(now - random.below(3) as i64);
            let jail = JailId(random.below(4) as u32);
            let id = match random.below(12) {
                0 => FailureId::from("mallory"),
                last => FailureId::host([192, 0, 2, last as u8].into()),
            };
            let user = ["root", "admin", "x"][random.below(3)];
            let mut matches = Texts::default();
            matches.push(&format!("line of {now}"));
            let failure = Failure {
                id: &id,
                time,
                user: Some(user),
                users: &Texts::default(),
                matches: &matches,
                captures: &NamedTexts::default(),
            };
            for input in [
                Input::ReadBegins { jail },
                Input::Failure { jail, failure },
                Input::ReadEnds,
                Input::Tick,
            ] {
                let now = Timestamp::from_secs(now);
                let mut expected = step(&mut carried_out, now, input.clone());
                expected.retain(|event| !matches!(event, Event::Found { .. }));
                let expected = of_a_moment(expected);
                let told = of_a_moment(rehearse(&mut rehearsed, now, input));
                assert_eq!(told, expected, "seed {seed}");
                for event in &told {
                    begun += usize::from(matches!(event, Event::Banned { .. }));
                    longer +=
                        usize::from(matches!(event, Event::AlreadyBanned { longer: true, .. }));
                    lifted += usize::from(matches!(event, Event::Unbanned { .. }));
                }
            }
            assert_eq!(bans(&rehearsed), bans(&carried_out), "seed {seed}");
            assert_eq!(rehearsed.status(), carried_out.status(), "seed {seed}");
        }
    }
    assert!(
        begun > 1_000 && longer > 100 && lifted > 1_000,
        "{begun} {longer} {lifted}"
    );
}
