//! What one failure costs the engine: `cargo bench -p engine`.

#![expect(clippy::unwrap_used, reason = "a panic is its report")]

use base::{FailureId, JailName, NamedTexts, Span, Texts, Timestamp};
use divan::Bencher;
use divan::counter::ItemsCount;
use engine::{
    Effect, Enforceable, Engine, Failure, IgnoreList, Input, JailId, JailPolicy, StoreWrite,
};

fn main() {
    divan::main();
}

/// A failure that is counted and bans nobody, for one of so many addresses; a hundred failures a second.
#[divan::bench(sample_size = 1_000, args = [1, 1_000, 100_000])]
fn counted(bencher: Bencher<'_, '_>, addresses: u32) {
    let mut engine = Engine::new(vec![policy()]);
    let (mut out, mut n) = (Vec::new(), 0_u32);
    let (none, captures) = (Texts::default(), NamedTexts::default());
    bencher
        .counter(ItemsCount::new(1_usize))
        .with_inputs(|| {
            n += 1;
            let [_, b, c, d] = (n % addresses).to_be_bytes();
            let now = Timestamp::from_secs(1_795_521_600 + i64::from(n / 100));
            (
                now,
                FailureId::Prefix(format!("10.{b}.{c}.{d}").parse().unwrap()),
            )
        })
        .bench_local_refs(|(now, id)| {
            out.clear();
            let failure = Failure {
                id,
                time: *now,
                user: Some("root"),
                users: &none,
                matches: &none,
                captures: &captures,
            };
            let jail = JailId(0);
            engine.step(*now, Input::Failure { jail, failure }, &mut out);
            engine.step(*now, Input::ReadEnds, &mut out);
        });
}

/// A failure of one of 5,000 addresses that fail on while they are banned, as in a log that is read afterwards: each
/// fifth one makes a ban longer. In two of so many jails, which are answered at once.
#[divan::bench(sample_size = 1_000, args = [1, 2, 91])]
fn banned_and_failing_on(bencher: Bencher<'_, '_>, jails: u32) {
    let policies = (0..jails).map(|_| JailPolicy {
        maxretry: 5,
        ..policy()
    });
    let mut engine = Engine::new(policies.collect());
    let (mut effects, mut answered) = (Vec::new(), Vec::new());
    let mut n = 0_u32;
    let users = ["root", "admin", "test", "oracle", "git", "ubuntu"];
    let none = Texts::default();
    let captures: NamedTexts = [("ip4", "10.0.0.1"), ("port", "22")].into_iter().collect();
    bencher
        .counter(ItemsCount::new(1_usize))
        .with_inputs(|| {
            n += 1;
            let who = n.wrapping_mul(0x9e37_79b9) >> 8;
            let jail = JailId(who % 2 * (jails - 1));
            let [_, b, c, d] = (who % 5_000).to_be_bytes();
            let now = Timestamp::from_secs(1_795_521_600 + i64::from(n / 100));
            let id = FailureId::host([10, b, c, d].into());
            (now, jail, id, users[n as usize % users.len()])
        })
        .bench_local_refs(|(now, jail, id, user)| {
            let (now, jail) = (*now, *jail);
            let failure = Failure {
                id,
                time: now,
                user: Some(user),
                users: &none,
                matches: &none,
                captures: &captures,
            };
            engine.step(now, Input::ReadBegins { jail }, &mut effects);
            engine.step(now, Input::Failure { jail, failure }, &mut effects);
            engine.step(now, Input::ReadEnds, &mut effects);
            while !effects.is_empty() {
                std::mem::swap(&mut effects, &mut answered);
                for effect in answered.drain(..) {
                    if let Some(answer) = answer(&effect) {
                        engine.step(now, answer, &mut effects);
                    }
                }
            }
        });
}

/// As if kernel and store were instant.
fn answer(effect: &Effect) -> Option<Input<'static>> {
    let result = Ok(());
    match effect {
        Effect::Ban { seq, .. } => Some(Input::Applied { seq: *seq, result }),
        Effect::Persist(StoreWrite::Ban { seq, .. } | StoreWrite::Prolong { seq, .. }) => {
            Some(Input::Committed { seq: *seq, result })
        }
        _ => None,
    }
}

fn policy() -> JailPolicy {
    JailPolicy {
        name: JailName::new("sshd"),
        maxretry: u32::MAX,
        maxmatches: 0,
        findtime: Span::from_secs(600),
        bantime: Some(Span::from_secs(600)),
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
