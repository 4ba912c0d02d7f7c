//! Who was banned before, and what their lines were.

use super::*;

const AT: i64 = 1_700_000_000;

/// Rows as fail2ban writes them: `(table, ip, jail, time, length, count, data)`.
fn with_rows(path: &Path, rows: &[(&str, &str, &str, i64, f64, i64, &str)]) -> Store {
    let store = open(path);
    for (table, ip, jail, time, length, count, data) in rows {
        store
            .raw()
            .execute("INSERT OR IGNORE INTO jails(name) VALUES(?1)", [jail])
            .unwrap();
        let column = if table.starts_with("stockade") {
            "prefix"
        } else {
            "ip"
        };
        let sql = format!(
            "INSERT INTO {table}({column}, jail, timeofban, bantime, bancount, data) VALUES(?1, ?2, ?3, ?4, ?5, ?6)"
        );
        let values = rusqlite::params![ip, jail, AT + time, length, count, data.as_bytes()];
        store.raw().execute(&sql, values).unwrap();
    }
    store
}

#[test]
fn everybody_who_was_banned_is_remembered_for_longer_bans() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    with_rows(
        &path,
        &[
            ("bips", "192.0.2.1", "a", -500, 600.0, 2, "{}"),
            ("bips", "192.0.2.1", "b", -500, 1630.97, 7, "{}"),
            ("bips", "192.0.2.2", "a", -9000, 600.0, 1, "not json"),
            ("bips", "192.0.2.3", "a", -9000, -1.0, 4, "{}"),
            ("bips", "192.0.2.4", "a", -9000, -2.0, 1, "{}"),
            ("bips", "some-user", "a", -9000, -1.0, 1, "{}"),
            ("bips", "999.1.1.1", "a", -9000, -1.0, 1, "{}"),
            ("stockade_prefix_bans", "some-user", "a", -7, 1.0, 3, "{}"),
            (
                "stockade_prefix_bans",
                "2001:db8::/64",
                "a",
                -7,
                1.0,
                3,
                "{}",
            ),
        ],
    );
    let held = Store::open(&path, "x", Timestamp::from_secs(AT), 10).held;
    let said: Vec<String> = held
        .past
        .iter()
        .map(|past| {
            let length = past.length.map(Span::as_secs_f64);
            let time = past.time.as_secs() - AT;
            format!("{} {} {time} {length:?} {}", past.jail, past.id, past.count)
        })
        .collect();
    assert_eq!(
        said,
        [
            "a 192.0.2.1 -500 Some(600.0) 2",
            "b 192.0.2.1 -500 Some(1630.97) 7",
            "a 192.0.2.2 -9000 Some(600.0) 1",
            "a 192.0.2.3 -9000 None 4",
            "a 192.0.2.4 -9000 Some(0.0) 1",
            "a some-user -9000 None 1",
            "a 2001:db8::/64 -7 Some(1.0) 3",
        ]
    );
    let standing: Vec<String> = held.bans.iter().map(|ban| ban.id.to_string()).collect();
    assert_eq!(
        standing,
        ["192.0.2.3", "some-user", "192.0.2.1", "192.0.2.1"]
    );
    // What was meant as an address, and a text among our networks whose ban is over.
    assert_eq!(held.passed_over, 1);
}

#[test]
fn lines_come_with_the_bans_of_whoever_asks_for_them() {
    let check = |data: &str, most: usize, expected: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let rows = [
            ("bips", "192.0.2.1", "a", 0, -1.0, 1, data),
            (
                "stockade_prefix_bans",
                "192.0.2.0/24",
                "a",
                0,
                -1.0,
                1,
                data,
            ),
        ];
        let store = with_rows(&path, &rows);
        let mut bans = store.current_bans(Timestamp::from_secs(AT)).unwrap().0;
        assert!(bans.iter().all(|ban| ban.matches.is_empty()));
        store.read_lines(&mut bans, most).unwrap();
        assert_eq!(bans.len(), 2);
        for ban in bans {
            assert_eq!(ban.matches, expected, "{data}");
        }
    };
    let pieces = r#"{"matches": [["a ", "date", " b"], "c", "d"], "failures": 3}"#;
    check(pieces, 10, &["a date b", "c", "d"]);
    check(pieces, 2, &["c", "d"]);
    check(pieces, 0, &[]);
    check(r#"{"matches": ["x", 5, null, ["y", 7]]}"#, 10, &["x", "y"]);
    check(r#"{"matches": "x"}"#, 10, &[]);
    check(r#"{"failures": 3}"#, 10, &[]);
    check("[]", 10, &[]);
    check("nonsense", 10, &[]);
}

#[test]
fn the_bans_of_an_address_are_told_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    with_rows(
        &path,
        &[
            // Not in the order of time: what counts is when a ban began, not when its row came.
            (
                "bans",
                "192.0.2.1",
                "a",
                30,
                600.0,
                3,
                r#"{"matches": ["e", "f"], "failures": 2}"#,
            ),
            (
                "bans",
                "192.0.2.1",
                "a",
                10,
                600.0,
                1,
                r#"{"matches": [["a", "b", "c"], "d"], "failures": 3}"#,
            ),
            (
                "bans",
                "192.0.2.1",
                "b",
                20,
                600.0,
                1,
                r#"{"matches": ["B"], "failures": 4}"#,
            ),
            ("bans", "192.0.2.1", "b", 25, 600.0, 1, "nonsense"),
            (
                "bans",
                "192.0.2.2",
                "b",
                25,
                600.0,
                1,
                r#"{"matches": ["other"], "failures": 100}"#,
            ),
        ],
    );
    let check = |most, ip: &str, jail, expected: Option<(u32, u64, &[&str])>| {
        let mut history = History::new(&Place::File(path.clone()), most);
        let merged = history.merged(&ip.parse().unwrap(), jail);
        let expected = expected.map(|(bans, failures, matches)| Merged {
            bans,
            failures,
            matches: matches.iter().map(|line| (*line).to_owned()).collect(),
        });
        assert_eq!(merged, expected, "{most} {ip} {jail:?}");
    };
    check(
        10,
        "192.0.2.1",
        None,
        Some((4, 9, &["abc", "d", "B", "e", "f"])),
    );
    check(4, "192.0.2.1", None, Some((4, 9, &["d", "B", "e", "f"])));
    check(1, "192.0.2.1", None, Some((4, 9, &["f"])));
    check(0, "192.0.2.1", None, Some((4, 9, &[])));
    check(
        10,
        "192.0.2.1",
        Some("a"),
        Some((2, 5, &["abc", "d", "e", "f"])),
    );
    check(10, "192.0.2.1", Some("b"), Some((2, 4, &["B"])));
    check(10, "192.0.2.1", Some("c"), None);
    check(10, "192.0.2.9", None, None);
    check(10, "192.0.2.0/24", None, None);
}

#[test]
fn history_that_cannot_be_read_is_no_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let address = "192.0.2.1".parse().unwrap();
    assert_eq!(History::new(&Place::Memory, 5).merged(&address, None), None);
    let mut history = History::new(&Place::File(path.clone()), 5);
    assert_eq!(history.merged(&address, None), None);
    fs::write(&path, "no database, and no empty file either ".repeat(99)).unwrap();
    assert_eq!(history.merged(&address, None), None);
    // The damaged file goes aside and a fresh one comes: the same reader finds it.
    let mut store = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
    store
        .write(&[enabled(), Write::Ban(ban("192.0.2.1", 1, None))])
        .unwrap();
    assert_eq!(history.merged(&address, None).unwrap().failures, 5);
    fs::remove_file(&path).unwrap();
    assert_eq!(history.merged(&address, None), None);
    let mut store = Store::open(&path, "x", Timestamp::from_secs(0), 10).store;
    assert_eq!(history.merged(&address, None), None);
    store
        .write(&[enabled(), Write::Ban(ban("192.0.2.1", 1, None))])
        .unwrap();
    assert_eq!(history.merged(&address, None).unwrap().failures, 5);
}
