//! Jails stay whole, logs stay with their jails, and what is large is spread.

use super::*;
use proptest::prelude::*;

/// Each jail: its patterns, and how many bytes they lead to.
fn share(jails: &[(&[&str], u64)], threads: usize) -> (Vec<usize>, usize) {
    let logs = jails.iter().map(|(patterns, bytes)| Logs {
        patterns: patterns.to_vec(),
        bytes: *bytes,
    });
    let shards = Shards::share_out(logs, threads);
    (shards.of_jail, shards.count)
}

#[test]
fn jails_with_a_log_in_common_are_together_and_others_are_spread() {
    let check = |jails: &[(&[&str], u64)], threads, expected: &[usize], count| {
        assert_eq!(
            share(jails, threads),
            (expected.to_vec(), count),
            "{jails:?}"
        );
    };
    check(&[], 4, &[], 1);
    check(&[(&["/l/auth"], 9)], 4, &[0], 1);
    check(&[(&["/l/auth"], 9), (&["/l/web"], 5)], 1, &[0, 0], 1);
    check(&[(&["/l/auth"], 5), (&["/l/web"], 9)], 4, &[1, 0], 2);
    check(&[(&["/l/auth"], 9), (&["/l/auth"], 9)], 4, &[0, 0], 1);
    // The third joins the first two; one without files is nowhere.
    check(
        &[
            (&["/l/a"], 1),
            (&["/l/w/*error"], 1),
            (&["/l/w/*access"], 8),
            (&["/l/w/x*", "/l/a"], 1),
            (&[], 0),
        ],
        4,
        &[0, 0, 0, 0, 0],
        1,
    );
    // The two that are busy do not meet, however many are idle.
    check(
        &[
            (&["/l/idle1"], 0),
            (&["/l/busy1"], 500),
            (&["/l/idle2"], 0),
            (&["/l/busy2"], 400),
            (&["/l/idle3"], 0),
        ],
        2,
        &[1, 0, 1, 1, 1],
        2,
    );
}

fn jails() -> impl Strategy<Value = Vec<(Vec<String>, u64)>> {
    let pattern = "/(l|m)/[abc*][ab*?]";
    let patterns = prop::collection::vec(pattern, 0..3);
    prop::collection::vec((patterns, 0_u64..100), 0..12)
}

proptest! {
    #[test]
    fn no_two_shards_share_a_log(jails in jails(), threads in 1_usize..5) {
        let patterns = |jail: usize| jails[jail].0.iter();
        let logs = jails.iter().map(|(patterns, bytes)| Logs {
            patterns: patterns.iter().map(String::as_str).collect(),
            bytes: *bytes,
        });
        let shards = Shards::share_out(logs, threads);
        prop_assert_eq!(shards.of_jail.len(), jails.len());
        prop_assert!((1..=threads).contains(&shards.count));
        prop_assert!(shards.of_jail.iter().all(|shard| *shard < shards.count));
        for one in 0..jails.len() {
            for other in 0..one {
                let meet = patterns(one).any(|one| patterns(other).any(|other| may_name_same(one, other)));
                prop_assert!(!meet || shards.of_jail[one] == shards.of_jail[other]);
            }
        }
        // None of several is started for nothing.
        for shard in 0..shards.count {
            let mut busy = (0..jails.len()).filter(|jail| !jails[*jail].0.is_empty());
            prop_assert!(shards.count == 1 || busy.any(|jail| shards.of_jail[jail] == shard));
        }
    }
}
