//! Time and memory of the engine under a flood: `cargo run --release -p engine --example flood [ADDRESSES]`.
//!
//! So many IPv6 addresses, 10,000,000 if not said, fail once each, in one jail and within its `findtime`; every
//! 50,000 of them an attacker fails who must be banned with the fifth failure.

use base::{FailureId, JailName, NamedTexts, Prefix, Span, Texts, Timestamp};
use engine::{Effect, Enforceable, Engine, Failure, IgnoreList, Input, JailId, JailPolicy};
use std::net::{IpAddr, Ipv6Addr};

const BETWEEN: u128 = 50_000;

fn main() {
    let asked = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let addresses: u128 = asked.unwrap_or(10_000_000);
    let mut engine = Engine::new(vec![JailPolicy {
        name: JailName::new("flooded"),
        maxretry: 5,
        maxmatches: 5,
        findtime: Span::from_secs(86_400),
        bantime: None,
        growth: None,
        ignoreself: true,
        ignoreip: IgnoreList::default(),
        ipv4_prefix: 32,
        ipv6_prefix: 128,
        aggregate: Vec::new(),
        fed_by_bans: false,
        enforceable: Enforceable::Addresses,
    }]);
    let matches: Texts = ["Failed password for root from an address of the flood port 22 ssh2"]
        .iter()
        .collect();
    let captures: NamedTexts = [("user", "root")].into_iter().collect();
    let mut out = Vec::new();
    let mut banned_after = None;
    let mut failures = 0_u64;
    let mut fail = |engine: &mut Engine, address: u128| {
        let id = FailureId::Prefix(Prefix::host(IpAddr::V6(Ipv6Addr::from_bits(address))));
        failures += 1;
        let time = Timestamp::from_micros(failures as i64);
        let failure = Failure {
            id: &id,
            time,
            user: Some("root"),
            users: &Texts::default(),
            matches: &matches,
            captures: &captures,
        };
        let jail = JailId(0);
        engine.step(time, Input::ReadBegins { jail }, &mut out);
        engine.step(time, Input::Failure { jail, failure }, &mut out);
        engine.step(time, Input::ReadEnds, &mut out);
        let is_ban = |effect: &Effect| matches!(effect, Effect::Ban { .. });
        if out.iter().any(is_ban) && banned_after.is_none() {
            banned_after = Some(failures);
        }
        out.clear();
    };
    for n in 0..addresses {
        // Spread as an attacker with many networks would.
        fail(
            &mut engine,
            (0x2001 << 112) | (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) << 48) | n,
        );
        if n % BETWEEN == 0 {
            fail(&mut engine, 0x2001_0db8 << 96 | 1);
        }
    }
    println!("{:#?}", engine.status());
    println!("attacker banned after {banned_after:?} failures of all");
}
