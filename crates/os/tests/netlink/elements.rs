//! Elements: all kinds, time-outs, intervals, many at once.

use super::namespace::{has_nft, in_namespace, run};
use super::*;
use os::netlink::nft::{Capabilities, SetKind};

/// The same on a kernel without DESTROYSETELEM, which this one pretends to be.
fn with_and_without_destroy(test: impl Fn(&mut Nft) + Send + Clone + 'static) {
    for destroy_element in [true, false] {
        let test = test.clone();
        in_namespace(move || {
            let mut nft = Nft::open().unwrap();
            nft.restrict(Capabilities {
                destroy_element,
                ..nft.capabilities()
            });
            test(&mut nft);
        });
    }
}

#[test]
fn come_back_as_they_were_put() {
    with_and_without_destroy(|nft| {
        let jail = jail("sshd", &[22]);
        install(nft, 0, std::slice::from_ref(&jail));
        let all = [
            ("10.0.0.1", Some(600)),
            ("10.0.0.2", None),
            ("10.1.0.0/16", Some(700)),
            ("10.2.0.0/16", None),
            ("240.0.0.0/4", Some(800)),
            ("2001:db8::1", Some(900)),
            ("2001:db8::/64", Some(1000)),
            ("2001:db8:1::/48", None),
            ("ff00::/8", Some(1100)),
        ];
        let elements: Vec<Element> = all.iter().map(|(p, t)| element(p, *t)).collect();
        put(nft, &jail, &elements);
        for (text, seconds) in all {
            assert_eq!(left(nft, &jail, text), seconds, "{text}");
            assert!(
                nft.holds(TABLE, &jail.name, &prefix(text)).unwrap(),
                "{text}"
            );
        }
        assert_eq!(listed(nft, &jail).len(), all.len());
        for absent in [
            "10.0.0.3",
            "10.3.0.0/16",
            "2001:db8::2",
            "2001:db8:0:1::/64",
        ] {
            let held = nft.holds(TABLE, &jail.name, &prefix(absent)).unwrap();
            assert!(!held, "{absent}");
        }
        if has_nft() {
            let seen = run(&format!("nft -j list set inet {TABLE} net4-sshd"));
            assert!(
                seen.contains(r#""prefix": {"addr": "10.1.0.0", "len": 16}"#),
                "{seen}"
            );
            let seen = run(&format!("nft list set inet {TABLE} host6-sshd"));
            assert!(seen.contains("2001:db8::1 timeout 15m"), "{seen}");
        }
        remove(
            nft,
            &jail,
            &[
                "10.0.0.1",
                "10.1.0.0/16",
                "10.9.9.9",
                "2001:db8::/64",
                "ff00::/8",
            ],
        );
        let expected = [
            "10.0.0.2",
            "10.2.0.0/16",
            "240.0.0.0/4",
            "2001:db8::1",
            "2001:db8:1::/48",
        ];
        assert_eq!(listed(nft, &jail), expected);
    });
}

#[test]
fn everything_there_is_can_be_one_element() {
    with_and_without_destroy(|nft| {
        let jail = jail("sshd", &[22]);
        install(nft, 0, std::slice::from_ref(&jail));
        put(
            nft,
            &jail,
            &[element("0.0.0.0/0", Some(60)), element("::/0", Some(60))],
        );
        assert_eq!(listed(nft, &jail), ["0.0.0.0/0", "::/0"]);
        remove(nft, &jail, &["0.0.0.0/0", "::/0"]);
        assert_eq!(listed(nft, &jail), [""; 0]);
    });
}

#[test]
fn time_outs_change_both_ways() {
    with_and_without_destroy(|nft| {
        let jail = jail("sshd", &[22]);
        install(nft, 0, std::slice::from_ref(&jail));
        for text in ["10.0.0.1", "2001:db8::/64", "10.1.0.0/16"] {
            for seconds in [
                Some(30),
                Some(7200),
                Some(60),
                None,
                Some(90),
                Some(584 * 31_000_000),
            ] {
                put(nft, &jail, &[element(text, seconds)]);
                assert_eq!(left(nft, &jail, text), seconds, "{text}");
            }
        }
        assert_eq!(listed(nft, &jail).len(), 3);
    });
}

#[test]
fn expire_by_themselves() {
    in_namespace(|| {
        let mut nft = Nft::open().unwrap();
        let jail = jail("sshd", &[22]);
        install(&mut nft, 0, std::slice::from_ref(&jail));
        let mut short = element("10.0.0.1", None);
        short.timeout = Some(Duration::from_millis(1));
        put(&mut nft, &jail, &[short, element("10.0.0.2", Some(60))]);
        // The kernel's clock has to pass; each round asks it.
        while nft.holds(TABLE, &jail.name, &prefix("10.0.0.1")).unwrap() {}
        assert_eq!(listed(&mut nft, &jail), ["10.0.0.2"]);
    });
}

#[test]
fn neighbouring_intervals_stay_apart_and_overlaps_are_refused() {
    with_and_without_destroy(|nft| {
        let jail = jail("sshd", &[22]);
        install(nft, 0, std::slice::from_ref(&jail));
        put(
            nft,
            &jail,
            &[
                element("10.0.0.0/24", Some(60)),
                element("10.0.2.0/24", Some(70)),
            ],
        );
        put(nft, &jail, &[element("10.0.1.0/24", Some(80))]);
        remove(nft, &jail, &["10.0.0.0/24"]);
        assert_eq!(listed(nft, &jail), ["10.0.1.0/24", "10.0.2.0/24"]);
        let mut transaction = nft.transaction(TABLE);
        transaction.put(
            &jail.name,
            &[element("10.9.9.9", None), element("10.0.0.0/16", None)],
        );
        let error = nft.commit(transaction).unwrap_err();
        assert_eq!(error.errno(), Some(rustix::io::Errno::EXIST), "{error}");
        // All or nothing: the innocent address did not come in either.
        assert_eq!(listed(nft, &jail), ["10.0.1.0/24", "10.0.2.0/24"]);
        // A set can be given new members as a whole.
        let mut transaction = nft.transaction(TABLE);
        transaction.replace(
            SetKind::Net4,
            &jail.name,
            &[element("10.0.0.0/16", Some(60))],
        );
        nft.commit(transaction).unwrap();
        assert_eq!(listed(nft, &jail), ["10.0.0.0/16"]);
        let inner = [
            element("10.0.1.0/24", Some(60)),
            element("10.0.3.0/24", None),
        ];
        let mut transaction = nft.transaction(TABLE);
        transaction.replace(SetKind::Net4, &jail.name, &inner);
        nft.commit(transaction).unwrap();
        assert_eq!(listed(nft, &jail), ["10.0.1.0/24", "10.0.3.0/24"]);
        let mut transaction = nft.transaction(TABLE);
        transaction.replace(SetKind::Net4, &jail.name, &[]);
        transaction.replace(SetKind::Net6, &jail.name, &[]);
        nft.commit(transaction).unwrap();
        assert_eq!(listed(nft, &jail), [""; 0]);
    });
}

#[test]
fn an_outer_network_takes_the_place_of_inner_ones_and_back() {
    in_namespace(|| {
        let mut nft = Nft::open().unwrap();
        if !nft.capabilities().destroy_element {
            eprintln!("SKIPPED: needs Linux 6.3 or later");
            return;
        }
        let jail = jail("sshd", &[22]);
        install(&mut nft, 0, std::slice::from_ref(&jail));
        put(
            &mut nft,
            &jail,
            &[
                element("10.0.1.0/24", Some(70)),
                element("10.0.2.0/24", None),
            ],
        );
        let mut transaction = nft.transaction(TABLE);
        transaction.remove(&jail.name, &[prefix("10.0.1.0/24"), prefix("10.0.2.0/24")]);
        transaction.put(&jail.name, &[element("10.0.0.0/16", Some(60))]);
        nft.commit(transaction).unwrap();
        assert_eq!(listed(&mut nft, &jail), ["10.0.0.0/16"]);
        let mut transaction = nft.transaction(TABLE);
        transaction.remove(&jail.name, &[prefix("10.0.0.0/16")]);
        transaction.put(&jail.name, &[element("10.0.1.0/24", Some(60))]);
        nft.commit(transaction).unwrap();
        assert_eq!(listed(&mut nft, &jail), ["10.0.1.0/24"]);
    });
}

#[test]
fn a_hundred_thousand_at_once() {
    in_namespace(|| {
        let mut nft = Nft::open().unwrap();
        let jail = jail("sshd", &[22]);
        install(&mut nft, 0, std::slice::from_ref(&jail));
        let elements: Vec<Element> = (0..100_000u32)
            .map(|i| {
                let bits = 0x0a00_0000 + i * 37;
                let address = if i % 4 == 0 {
                    std::net::IpAddr::from(
                        (0x2001_0db8u128 << 96 | u128::from(bits) << 64).to_be_bytes(),
                    )
                } else {
                    std::net::IpAddr::from(bits.to_be_bytes())
                };
                let host = Prefix::host(address);
                Element {
                    prefix: if i % 8 == 0 { host.widened(64) } else { host },
                    timeout: Some(Duration::from_secs(600 + u64::from(i % 1000))),
                }
            })
            .collect();
        let began = std::time::Instant::now();
        put(&mut nft, &jail, &elements);
        let added = began.elapsed();
        let mut found = nft.elements(TABLE, &jail.name).unwrap();
        let read = began.elapsed() - added;
        // Once more: every time-out is replaced.
        put(&mut nft, &jail, &elements);
        eprintln!("added in {added:?}, read in {read:?}");
        assert_eq!(found.len(), elements.len());
        let mut sent = elements.clone();
        sent.sort_unstable_by_key(|e| e.prefix);
        found.sort_unstable_by_key(|e| e.prefix);
        for (found, sent) in found.iter().zip(&sent) {
            assert_eq!(found.prefix, sent.prefix);
            assert!(found.timeout <= sent.timeout && found.timeout.is_some());
        }
        let all: Vec<Prefix> = elements.iter().map(|e| e.prefix).collect();
        let mut transaction = nft.transaction(TABLE);
        transaction.remove(&jail.name, &all);
        nft.commit(transaction).unwrap();
        assert_eq!(nft.elements(TABLE, &jail.name).unwrap(), vec![]);
    });
}
