//! Ids that are no address: who is banned where something can keep them out.

use super::*;

#[test]
fn bans_ids_that_are_no_address_where_an_action_takes_them() {
    check(
        vec![shell()],
        "0 fail mallory
         0 fail mallory
         0 applied 1
         0 committed 1
         1 fail mallory
         2 fail mallory
         3 applied 2
         3 committed 2
         20 fail mallory
         63 tick",
        &[
            "0 enforce 1 0:mallory until 60",
            "0 store 1 mallory 2 []",
            "0 Banned mallory [(\"root\", 2)]",
            "2 enforce 2 0:mallory until 62",
            "2 prolong 2 mallory from 2",
            "2 AlreadyBanned",
            "20 Ineffective",
            "63 forget 3 mallory",
            "63 Unbanned mallory Expired",
        ],
    );
    check(
        vec![policy()],
        "0 fail mallory\n0 fail mallory\n0 force mallory",
        &[
            "0 NotEnforceable",
            "0 Ban([(\"mallory\", Refused(NoAddress))])",
        ],
    );
}

#[test]
fn of_a_very_long_id_only_the_beginning_counts() {
    let long = "é".repeat(600);
    let told = told(vec![shell()], &format!("0 fail {long}1\n0 fail {long}2"));
    let kept = "é".repeat(512);
    assert_eq!(
        told,
        [
            format!("0 enforce 1 0:{kept} until 60"),
            format!("0 store 1 {kept} 2 []"),
        ]
    );
    assert!(!Enforceable::AnyId.covers(&"".into()));
}

#[test]
fn bans_no_text_that_was_meant_as_an_address() {
    check(
        vec![shell()],
        "0 fail 999.1.1.1\n0 fail 999.1.1.1\n0 force 999.1.1.1\n0 force 10.0.0.0/33\n0 attempt 1::2::3",
        &[
            "0 MalformedAddress",
            "0 MalformedAddress",
            "0 Ban([(\"999.1.1.1\", Refused(NoAddress))])",
            "0 Ban([(\"10.0.0.0/33\", Refused(NoAddress))])",
            "0 MalformedAddress",
            "0 Attempt(false)",
        ],
    );
}

#[test]
fn orders_by_hand_and_lists_concern_exactly_the_id() {
    check(
        vec![shell()],
        "0 ban mallory
         0 applied 1
         0 committed 1
         1 unban mallor
         1 committed 2
         2 ignore mallory
         3 ban mallory
         4 fail mallory
         5 force mallory
         5 applied 4
         5 committed 4
         6 unban 0.0.0.0/0
         6 committed 5
         7 unban mallory
         7 applied 6
         7 committed 6",
        &[
            "0 enforce 1 0:mallory until 60",
            "0 store 1 mallory 0 []",
            "0 Banned mallory []",
            "0 Ban([(\"mallory\", Banned)])",
            "1 delete 2 mallor",
            "1 Unban { lifted: [], errors: [] }",
            "2 lift 3 mallory",
            "2 Unbanned mallory Ignored",
            "2 delete 3 mallory",
            "3 Ban([(\"mallory\", Refused(Ignored))])",
            "4 Ignored",
            "5 enforce 4 0:mallory until 65",
            "5 store 4 mallory 0 [\"stockade_forced\"]",
            "5 Banned mallory []",
            "5 Ban([(\"mallory\", Banned)])",
            "6 delete 5 0.0.0.0/0",
            "6 Unban { lifted: [], errors: [] }",
            "7 lift 6 mallory",
            "7 Unbanned mallory Request",
            "7 delete 6 mallory",
            "7 Unban { lifted: [BanKey { jail: JailId(0), id: \"mallory\" }], errors: [] }",
        ],
    );
}

#[test]
fn a_jail_that_loses_its_shell_actions_keeps_the_bans_of_addresses() {
    check(
        vec![shell()],
        "0 ban mallory
         0 applied 1
         0 committed 1
         0 ban 192.0.2.1
         0 applied 2
         0 committed 2
         1 policy
         2 shell
         61 tick",
        &[
            "0 enforce 1 0:mallory until 60",
            "0 store 1 mallory 0 []",
            "0 Banned mallory []",
            "0 Ban([(\"mallory\", Banned)])",
            "0 enforce 2 0:192.0.2.1 until 60",
            "0 store 2 192.0.2.1 0 []",
            "0 Banned 192.0.2.1 []",
            "0 Ban([(192.0.2.1, Banned)])",
            "1 lift 3 mallory",
            "1 Unbanned mallory Unenforceable",
            "61 forget 4 192.0.2.1",
            "61 Unbanned 192.0.2.1 Expired",
        ],
    );
}

#[test]
fn what_the_store_holds_comes_back_where_something_can_keep_it_out() {
    for (policy, expected) in [(shell(), 2), (policy(), 1)] {
        let row = |id: &str| BanRecord {
            id: id.into(),
            time: Timestamp::from_secs(0),
            length: Some(Span::from_secs(60)),
            count: 1,
            failures: 2,
            users: Vec::new(),
            matches: Vec::new(),
            captures: NamedTexts::default(),
        };
        let bans = ["mallory", "999.1.1.1", "192.0.2.1"].map(row).into();
        let mut engine = Engine::new(vec![policy]);
        let jail = JailId(0);
        let mut out = Vec::new();
        let now = Timestamp::from_secs(1);
        engine.step(now, Input::Restored { jail, bans }, &mut out);
        assert_eq!(engine.bans().count(), expected, "{out:?}");
    }
}
