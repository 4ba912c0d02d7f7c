//! The store as its callers see it: real files, reopened.

use super::*;
use base::{Span, Timestamp};
use std::fs;
use std::os::unix::fs::PermissionsExt;

mod files;
mod history;
mod import;
mod upgrade;

fn ban(prefix: &str, time: i64, length: Option<i64>) -> Ban {
    Ban {
        jail: "sshd".into(),
        id: prefix.into(),
        time: Timestamp::from_secs(time),
        length: length.map(Span::from_secs),
        count: 1,
        failures: 5,
        users: vec![("admin".into(), 2), ("root".into(), 3)],
        matches: vec!["line \"one\"".into(), "line two".into()],
        captures: vec![("ip4".into(), "192.0.2.1".into())],
    }
}

/// As a start reads it.
fn without_lines(ban: Ban) -> Ban {
    Ban {
        matches: vec![],
        ..ban
    }
}

fn open(path: &Path) -> Store {
    let opened = Store::open(path, "stamp", Timestamp::from_secs(0), 10);
    assert_eq!(opened.notes, Vec::<String>::new());
    assert_eq!(opened.store.place(), &Place::File(path.to_owned()));
    assert!(opened.store.trouble().is_none());
    opened.store
}

fn enabled() -> Write {
    Write::JailEnabled("sshd".into())
}

#[test]
fn bans_come_back_whole_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/store.sqlite3");
    let bans = [
        ban("192.0.2.1", 100, Some(50)),
        ban("2001:db8::1", 101, None),
        ban("2001:db8::/64", 99, Some(60)),
    ];
    {
        let mut store = open(&path);
        store.write(&[enabled()]).unwrap();
        store.write(&bans.clone().map(Write::Ban)).unwrap();
    }
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let store = open(&path);
    assert_eq!(
        store.current_bans(Timestamp::from_secs(149)).unwrap(),
        (bans.clone().map(without_lines).to_vec(), 0)
    );
    // A ban is over when its end is reached.
    assert_eq!(
        store.current_bans(Timestamp::from_secs(150)).unwrap().0,
        bans[1..]
            .iter()
            .cloned()
            .map(without_lines)
            .collect::<Vec<_>>()
    );
    assert_eq!(
        store.current_bans(Timestamp::from_secs(1000)).unwrap().0,
        [without_lines(bans[1].clone())]
    );
    let lines: String = store
        .raw()
        .query_row(
            "SELECT json_extract(data, '$.matches[0]') FROM bips WHERE ip = '192.0.2.1'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(lines, bans[0].matches[0]);
}

#[test]
fn a_ban_that_is_told_again_keeps_its_lines() {
    let mut store = Store::memory();
    let first = ban("192.0.2.1", 100, Some(50));
    let network = ban("192.0.2.0/24", 100, Some(50));
    let again = |of: &Ban| Ban {
        length: Some(Span::from_secs(500)),
        count: 3,
        matches: vec![],
        users: vec![],
        ..of.clone()
    };
    let unknown = ban("192.0.2.9", 100, None);
    store
        .write(&[
            Write::Ban(first.clone()),
            Write::Ban(network.clone()),
            Write::Stands(again(&first)),
            Write::Stands(again(&network)),
            Write::Stands(unknown.clone()),
        ])
        .unwrap();
    let mut bans = store.current_bans(Timestamp::from_secs(0)).unwrap().0;
    store.read_lines(&mut bans, 10).unwrap();
    let with_story = |of: &Ban| Ban {
        matches: of.matches.clone(),
        users: of.users.clone(),
        ..again(of)
    };
    assert_eq!(bans, [with_story(&first), unknown, with_story(&network)]);
}

#[test]
fn unban_removes_every_row_of_that_ban_only() {
    let mut store = Store::memory();
    let kept = ban("192.0.2.2", 100, None);
    store
        .write(&[
            enabled(),
            Write::Ban(ban("192.0.2.1", 100, None)),
            Write::Ban(ban("192.0.2.0/24", 100, None)),
            Write::Ban(kept.clone()),
            Write::Unban {
                jail: "sshd".into(),
                id: "192.0.2.1".into(),
            },
            Write::Unban {
                jail: "sshd".into(),
                id: "192.0.2.0/24".into(),
            },
        ])
        .unwrap();
    assert_eq!(
        store.current_bans(Timestamp::from_secs(0)).unwrap().0,
        [without_lines(kept)]
    );
    let history: i64 = store
        .raw()
        .query_row("SELECT count(*) FROM bans", [], |row| row.get(0))
        .unwrap();
    assert_eq!(history, 1);
    store.write(&[Write::UnbanAll]).unwrap();
    assert_eq!(store.current_bans(Timestamp::from_secs(0)).unwrap().0, []);
}

#[test]
fn a_failed_transaction_changes_nothing() {
    let mut store = Store::memory();
    store.raw().execute_batch("DROP TABLE bips").unwrap();
    let writes = [enabled(), Write::Ban(ban("192.0.2.1", 1, None))];
    assert!(store.write(&writes).is_err());
    let jails: i64 = store
        .raw()
        .query_row("SELECT count(*) FROM jails", [], |row| row.get(0))
        .unwrap();
    assert_eq!(jails, 0);
}

#[test]
fn positions_are_kept_per_jail_and_path() {
    let mut store = Store::memory();
    let log = |path: &str, offset| LogPosition {
        jail: "sshd".into(),
        path: path.into(),
        first_line_hash: "ab".into(),
        offset,
    };
    let journal = JournalPosition {
        jail: "sshd".into(),
        cursor: "s=1".into(),
        time: Timestamp::from_micros(1_700_000_000_123_456),
    };
    store
        .write(&[
            enabled(),
            Write::LogPosition(log("/b", 1)),
            Write::LogPosition(log("/a", 2)),
            Write::LogPosition(log("/b", 30)),
            Write::JournalPosition(journal.clone()),
        ])
        .unwrap();
    assert_eq!(
        store.log_positions().unwrap(),
        (vec![log("/a", 2), log("/b", 30)], 0)
    );
    assert_eq!(store.journal_positions().unwrap(), (vec![journal], 0));
    // fail2ban ran since: its later time counts and the old cursor does not.
    store
        .raw()
        .execute(
            "UPDATE logs SET lastfilepos = 1700000500.5 WHERE path = 'systemd-journal'",
            [],
        )
        .unwrap();
    let later = store.journal_positions().unwrap().0.remove(0);
    assert_eq!(
        (later.cursor.as_str(), later.time.as_micros()),
        ("", 1_700_000_500_500_000)
    );
}

#[test]
fn purge_follows_fail2bans_rule() {
    let mut store = Store::memory();
    let day = 86_400;
    let writes = [
        enabled(),
        Write::JailEnabled("empty".into()),
        Write::JournalPosition(JournalPosition {
            jail: "empty".into(),
            cursor: "s=1".into(),
            time: Timestamp::from_secs(1),
        }),
        Write::Ban(ban("192.0.2.1", 0, Some(600))), // ended long ago
        Write::Ban(ban("192.0.2.2", 0, None)),      // permanent
        Write::Ban(ban("192.0.2.3", 0, Some(2 * day))), // three times its length is not over
        Write::Ban(ban("192.0.2.4", 3 * day, Some(60))), // young
    ];
    store.write(&writes).unwrap();
    store.write(&[Write::AllJailsDisabled]).unwrap();
    store
        .purge(Timestamp::from_secs(3 * day + 10), Span::from_secs(day))
        .unwrap();
    let ips = |sql: &str| -> Vec<String> {
        let mut statement = store.raw().prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(
        ips("SELECT ip FROM bips ORDER BY ip"),
        ["192.0.2.2", "192.0.2.3", "192.0.2.4"]
    );
    assert_eq!(ips("SELECT ip FROM bans ORDER BY ip"), ["192.0.2.4"]);
    assert_eq!(ips("SELECT name FROM jails"), ["sshd"]);
    assert_eq!(ips("SELECT jail FROM stockade_journal"), [""; 0]);
}

#[test]
fn reads_what_fail2ban_writes() {
    let store = Store::memory();
    store.raw()
        .execute_batch(
            r#"INSERT INTO jails(name) VALUES('j');
            INSERT INTO bips VALUES('192.0.2.1', 'j', 1700000000, 600.5, 2,
                '{"matches": [["a ", "date", " b"], "c"], "failures": 3, "user": "u", "users": ["v", "u"], "ip4": "192.0.2.1"}');
            INSERT INTO bips VALUES('a-user-name', 'j', 1700000000, -1, 1, '{}'), ('a/b', 'j', 1700000000, -1, 1, '{}'),
                ('192.030.0.6', 'j', 1700000000, -1, 1, '{}');
            INSERT INTO bips VALUES('192.0.2.2', 'j', 1700000000, -1, 1, 'not json');"#,
        )
        .unwrap();
    let (bans, skipped) = store
        .current_bans(Timestamp::from_secs(1_700_000_000))
        .unwrap();
    assert_eq!(skipped, 1);
    let ids: Vec<String> = bans.iter().map(|ban| ban.id.to_string()).collect();
    assert_eq!(ids, ["192.0.2.1", "192.0.2.2", "a-user-name", "a/b"]);
    assert_eq!(bans[0].length, Some(Span::from_micros(600_500_000)));
    assert_eq!((bans[0].count, bans[0].failures), (2, 3));
    assert_eq!(bans[0].users, [("u".to_owned(), 1), ("v".to_owned(), 1)]);
    assert_eq!(
        bans[0].captures,
        [("ip4".to_owned(), "192.0.2.1".to_owned())]
    );
    assert_eq!((bans[1].length, bans[1].failures), (None, 0));
}

/// fail2ban keeps a network that was banned by hand among the addresses, where ours must not come to stand beside it.
#[test]
fn a_network_of_fail2bans_is_one_ban() {
    let mut store = Store::memory();
    let row = "INSERT INTO jails(name) VALUES('sshd');
        INSERT INTO bips VALUES('192.0.2.0/24', 'sshd', 100, -1, 1, '{}');";
    store.raw().execute_batch(row).unwrap();
    let standing = |store: &Store| store.current_bans(Timestamp::from_secs(0)).unwrap().0;
    assert_eq!(standing(&store)[0].id.to_string(), "192.0.2.0/24");
    let ours = ban("192.0.2.0/24", 100, None);
    store.write(&[Write::Prolong(ours.clone())]).unwrap();
    assert_eq!(standing(&store), [without_lines(ours.clone())]);
    store
        .raw()
        .execute_batch(row.split_once(';').unwrap().1)
        .unwrap();
    let (jail, id) = (ours.jail, ours.id);
    store.write(&[Write::Unban { jail, id }]).unwrap();
    assert_eq!(standing(&store), []);
}

#[test]
fn a_strange_row_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut store = open(&path);
    store
        .write(&[Write::Ban(ban("192.0.2.1", 1, None))])
        .unwrap();
    let rows = "INSERT INTO bips(ip, jail, timeofban, bantime) SELECT x'ff', jail, 1, -1 FROM bips;
        INSERT INTO bips(ip, jail, timeofban, bantime) SELECT '192.0.2.9', jail, 'never', -1 FROM bips WHERE ip = '192.0.2.1';";
    store.raw().execute_batch(rows).unwrap();
    drop(store);
    let opened = Store::open(&path, "x", Timestamp::from_secs(0), 10);
    assert_eq!(opened.notes, Vec::<String>::new());
    assert_eq!((opened.held.bans.len(), opened.held.passed_over), (1, 2));
}

#[test]
fn a_strange_position_costs_only_itself() {
    let check = |rows: &str, positions: (usize, usize), bad: usize| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let mut store = open(&path);
        let good = r#"INSERT INTO logs VALUES('sshd', '/good', 'h', 5), ('sshd', 'systemd-journal', 'h', 7);
            INSERT INTO stockade_journal VALUES('sshd', 's=1', 8000000);"#;
        let ban = Write::Ban(ban("192.0.2.1", 1, None));
        store.write(&[enabled(), ban]).unwrap();
        store.raw().execute_batch(good).unwrap();
        store.raw().execute_batch(rows).unwrap();
        drop(store);
        let opened = Store::open(&path, "x", Timestamp::from_secs(0), 10);
        assert_eq!(opened.notes, Vec::<String>::new(), "{rows}");
        let held = opened.held;
        assert_eq!(held.bans.len(), 1, "{rows}");
        assert_eq!((held.logs.len(), held.journal.len()), positions, "{rows}");
        assert_eq!(held.bad_positions, bad, "{rows}");
    };
    check("", (1, 1), 0);
    check(
        "INSERT INTO logs VALUES('sshd', '/a', 'h', NULL)",
        (1, 1),
        1,
    );
    check(
        "INSERT INTO logs VALUES('sshd', '/a', 'h', 'far')",
        (1, 1),
        1,
    );
    check("INSERT INTO logs VALUES('sshd', '/a', x'00', 1)", (1, 1), 1);
    // A path that is no UTF-8.
    check(
        "INSERT INTO logs VALUES('sshd', CAST(x'2fff' AS TEXT), 'h', 1)",
        (1, 1),
        1,
    );
    check("UPDATE stockade_journal SET micros = 'late'", (1, 0), 1);
    check("UPDATE stockade_journal SET cursor = x'ff'", (1, 0), 1);
}

#[test]
fn what_the_kernel_alone_told_lowers_nothing_that_the_file_knows() {
    let check = |prefix: &str, before: Option<(i64, Option<i64>)>, stays: bool| {
        let mut store = Store::memory();
        let before = before.map(|(time, length)| Ban {
            count: 7,
            ..ban(prefix, time, length)
        });
        let known: Vec<_> = before.iter().cloned().map(Write::Ban).collect();
        store.write(&known).unwrap();
        let adopted = Ban {
            count: 2,
            failures: 0,
            users: vec![],
            matches: vec![],
            captures: vec![("stockade_fixed".into(), "yes".into())],
            ..ban(prefix, 1_000, Some(60))
        };
        store.write(&[Write::Adopted(adopted.clone())]).unwrap();
        let mut bans = store.current_bans(Timestamp::from_secs(1_000)).unwrap().0;
        store.read_lines(&mut bans, 10).unwrap();
        let count = before.as_ref().map_or(2, |before| before.count);
        let kept = before.clone().filter(|_| stays);
        assert_eq!(
            bans,
            [kept.unwrap_or(Ban { count, ..adopted })],
            "{before:?}"
        );
        let rows: u32 = store
            .raw()
            .query_row("SELECT count(*) FROM bans", [], |row| row.get(0))
            .unwrap();
        let expected = known.len() + usize::from(!stays);
        let is_host = !ban(prefix, 0, None).id.is_network();
        assert_eq!(rows as usize, expected * usize::from(is_host), "{before:?}");
    };
    for prefix in ["192.0.2.1", "192.0.2.0/24"] {
        check(prefix, None, false);
        check(prefix, Some((900, Some(600))), true);
        check(prefix, Some((900, None)), true);
        check(prefix, Some((900, Some(100))), false);
    }
}

#[test]
fn what_waits_is_foreseen_as_it_will_be() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(&dir.path().join("store"));
    let of = |jail: &str, prefix: &str| Ban {
        jail: jail.into(),
        ..ban(prefix, 100, None)
    };
    let unban = |jail: &str, prefix: &str| {
        let (jail, id) = (jail.into(), prefix.into());
        Write::Unban { jail, id }
    };
    let stored =
        ["192.0.2.1", "192.0.2.2", "198.51.100.0/24"].map(|prefix| Write::Ban(of("a", prefix)));
    store.write(&stored).unwrap();
    store.write(&[Write::Ban(of("b", "192.0.2.1"))]).unwrap();
    let waiting = [
        unban("a", "192.0.2.1"),
        Write::Ban(of("a", "192.0.2.3")),
        unban("b", "192.0.2.1"),
    ];
    let seen = |store: &Store, jail: &str| -> Vec<Ban> {
        let mut bans = store.current_bans(Timestamp::from_secs(100)).unwrap().0;
        store.read_lines(&mut bans, 10).unwrap();
        bans.retain(|ban| ban.jail == jail);
        bans
    };
    let foreseen = store.foreseen(&["a"], &waiting).unwrap();
    assert_eq!(seen(&store, "a").len(), 3, "nothing was written");
    store.write(&waiting).unwrap();
    let written = seen(&store, "a");
    assert_eq!(
        written,
        ["192.0.2.2", "192.0.2.3", "198.51.100.0/24"].map(|prefix| of("a", prefix))
    );
    assert_eq!(seen(&foreseen, "a"), written);
    assert_eq!(foreseen.past().unwrap(), store.past().unwrap());
}

/// Wherever reading fails on the way: nothing that stays may be said to be gone.
#[test]
fn an_unban_is_done_whole_or_not_at_all() {
    let mut store = Store::memory();
    let bans = (1..6).map(|n| ban(&format!("192.0.2.{n}"), 100, None));
    let bans: Vec<_> = bans.map(Write::Ban).collect();
    store.write(&bans).unwrap();
    let (jail, prefix) = ("sshd".into(), "192.0.2.0/24".parse().unwrap());
    let unban = [Write::UnbanInside { jail, prefix }];
    let rows = |store: &Store| -> u32 {
        let sql = "SELECT (SELECT count(*) FROM bips) + (SELECT count(*) FROM bans)";
        store.raw().query_row(sql, [], |row| row.get(0)).unwrap()
    };
    let mut failures = 0;
    loop {
        let mut steps = 0;
        let fails = move || {
            steps += 1;
            steps == 1 + failures
        };
        let connection = store.writer().unwrap();
        connection.progress_handler(1, Some(fails)).unwrap();
        let unbanned = store.write(&unban);
        let connection = store.writer().unwrap();
        connection
            .progress_handler(1, None::<fn() -> bool>)
            .unwrap();
        if unbanned.is_ok() {
            break;
        }
        if !store.raw().is_autocommit() {
            // It failed right behind the begin, as no real failure does.
            store.raw().execute_batch("ROLLBACK").unwrap();
        }
        if rows(&store) == 0 {
            // Nor does any come between the end of the commit and its answer.
            break;
        }
        assert_eq!(rows(&store), 10, "after {failures} steps");
        failures += 1;
    }
    assert_eq!(rows(&store), 0, "after {failures} steps");
    assert!(failures > 100);
}

#[test]
fn totals_grow_by_what_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let counted = |failures, bans| Write::Counted {
        jail: "sshd".into(),
        more: Totals { failures, bans },
    };
    {
        let mut store = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
        store.write(&[counted(3, 1), counted(2, 0)]).unwrap();
    }
    let store = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
    let totals = store.totals().unwrap();
    assert_eq!(totals.len(), 1);
    assert_eq!(
        totals["sshd"],
        Totals {
            failures: 5,
            bans: 1
        }
    );
}
