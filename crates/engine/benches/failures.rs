//! What one failure costs the engine: `cargo bench -p engine`.

#![expect(clippy::unwrap_used, reason = "a panic is its report")]

use base::{FailureId, JailName, NamedTexts, Span, Texts, Timestamp};
use divan::Bencher;
use divan::counter::ItemsCount;
use engine::{Enforceable, Engine, Failure, IgnoreList, Input, JailId, JailPolicy};

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
