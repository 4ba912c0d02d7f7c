//! Elements built and read back.

use super::super::super::message::messages;
use super::*;
use proptest::prelude::*;

fn written(prefix: &Prefix, timeout: Option<Duration>) -> Vec<Listed> {
    let mut builder = Builder::new();
    builder.message(0, 0, 0);
    push(&mut builder, prefix, timeout);
    assert!(builder.len() - 16 <= MOST_BYTES);
    let bytes = builder.finish().unwrap();
    let message = messages(&bytes).next().unwrap();
    let family = prefix.family();
    message
        .attributes(0)
        .map(|(_, value)| parse(family, value).unwrap())
        .collect()
}

fn assembled(kind: SetKind, mut listed: Vec<Listed>) -> Vec<Element> {
    listed.sort_unstable();
    assemble(kind, &listed)
}

fn prefix() -> impl Strategy<Value = Prefix> {
    let v4 = (any::<u32>(), 0u8..=32).prop_map(|(a, l)| (IpAddr::from(a.to_be_bytes()), l));
    let v6 = (any::<u128>(), 0u8..=128).prop_map(|(a, l)| (IpAddr::from(a.to_be_bytes()), l));
    prop_oneof![v4, v6].prop_filter_map("a mapped network", |(a, l)| Prefix::new(a, l))
}

proptest! {
    #[test]
    fn reads_back_what_it_wrote(prefix in prefix(), ms in proptest::option::of(1u64..LONGEST)) {
        let timeout = ms.map(Duration::from_millis);
        let got = assembled(SetKind::of(&prefix), written(&prefix, timeout));
        prop_assert_eq!(got, vec![Element { prefix, timeout }]);
    }

    #[test]
    fn intervals_apart_from_each_other_stay_apart(lengths in proptest::collection::vec(9u8..=24, 1..20)) {
        // Neighbours: each begins where the one before ends.
        let mut at = Some(IpAddr::from([10, 0, 0, 0]));
        let mut expected = Vec::new();
        for length in lengths {
            let Some(prefix) = at.and_then(|a| Prefix::new(a, length)) else { break };
            if expected.last().is_some_and(|e: &Element| e.prefix.contains(&prefix) || prefix.contains(&e.prefix)) {
                continue;
            }
            at = next(prefix.last_address());
            expected.push(Element { prefix, timeout: None });
        }
        let mut listed: Vec<Listed> = expected.iter().flat_map(|e| written(&e.prefix, None)).collect();
        listed.reverse();
        prop_assert_eq!(assembled(SetKind::Net4, listed), expected);
    }

    #[test]
    fn any_range_is_covered_exactly(first in 0u32..2000, length in 1u32..2000, open in any::<bool>()) {
        let base = u32::MAX - 4000;
        let first = base + first;
        let end = first + length;
        let address = |bits: u32| IpAddr::from(bits.to_be_bytes());
        let cover = cover(address(first), (!open).then(|| address(end)));
        let mut at = first;
        for prefix in &cover {
            prop_assert_eq!(prefix.address(), address(at));
            at = match next(prefix.last_address()) {
                Some(IpAddr::V4(a)) => a.to_bits(),
                _ => 0,
            };
        }
        prop_assert_eq!(at, if open { 0 } else { end });
    }
}

#[test]
fn time_outs_round_up_and_never_mean_for_ever() {
    let check = |left: Duration, expected: u64| assert_eq!(milliseconds(left), expected);
    check(Duration::ZERO, 1);
    check(Duration::from_micros(1), 1);
    check(Duration::from_micros(1001), 2);
    check(Duration::from_secs(600), 600_000);
    check(Duration::MAX, LONGEST);
}

#[test]
fn an_end_without_its_beginning_is_nothing() {
    let net: Prefix = "10.0.0.0/24".parse().unwrap();
    let mut listed = written(&net, None);
    listed.remove(0);
    assert_eq!(assembled(SetKind::Net4, listed), vec![]);
}
