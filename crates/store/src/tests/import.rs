//! Taking over fail2ban's file once.

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn theirs(path: &Path) {
    let store = open(path);
    store
        .raw()
        .execute_batch(
            r#"INSERT INTO jails(name) VALUES('a'), ('b');
            INSERT INTO bips VALUES
                ('192.0.2.1', 'a', 999900, 600, 2, '{"failures": 3, "matches": ["x"]}'),
                ('192.0.2.2', 'a', 900000, 600, 5, '{}'),
                ('192.0.2.3', 'a', 900000, -1, 1, NULL),
                ('a-user', 'a', 900000, -1, 1, '{}'),
                ('192.0.2.1', 'b', 900000, -1, 1, '{}');
            INSERT INTO logs VALUES('a', '/one', 'h', 10), ('a', '/two', 'h', 20), ('b', '/one', 'h', 30);"#,
        )
        .unwrap();
}

#[test]
fn fail2bans_bans_counts_and_positions_come_once() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (
        dir.path().join("store"),
        dir.path().join("fail2ban.sqlite3"),
    );
    theirs(&other);
    let before = fs::read(&other).unwrap();
    let mut store = open(&path);
    let own = Ban {
        jail: "a".into(),
        count: 9,
        ..ban("192.0.2.3", 950_000, None)
    };
    let position = |path: &str, offset| LogPosition {
        jail: "a".into(),
        path: path.into(),
        first_line_hash: "h".into(),
        offset,
    };
    store
        .write(&[Write::Ban(own), Write::LogPosition(position("/two", 25))])
        .unwrap();
    let imported = store.import(&other, &["a", "c"], NOW).unwrap();
    // The jail b does not run here, so that its rows are not counted; of what stood here already, what is younger stays.
    assert_eq!(
        imported,
        Some(Imported {
            bans: 2,
            positions: 1,
            left_out: 0
        })
    );
    assert!(fs::read(&other).unwrap() == before);
    let held = store.held(NOW).unwrap();
    let mut said: Vec<String> = held
        .past
        .iter()
        .map(|past| format!("{} {} {}", past.jail, past.id, past.count))
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            "a 192.0.2.1 2",
            "a 192.0.2.2 5",
            "a 192.0.2.3 9",
            "a a-user 1",
            "b 192.0.2.1 1"
        ]
    );
    let standing: Vec<String> = held
        .bans
        .iter()
        .map(|ban| format!("{} {}", ban.jail, ban.id))
        .collect();
    assert_eq!(
        standing,
        ["a a-user", "b 192.0.2.1", "a 192.0.2.3", "a 192.0.2.1"]
    );
    assert_eq!(held.bans[3].failures, 3);
    assert_eq!(held.logs[..2], [position("/one", 10), position("/two", 25)]);
    assert_eq!(held.logs.len(), 3);
    // Whatever happens over there later is of no interest any more.
    let unban = Write::Unban {
        jail: "a".into(),
        id: "192.0.2.1".into(),
    };
    store.write(&[unban]).unwrap();
    assert_eq!(store.import(&other, &["a", "b"], NOW).unwrap(), None);
    drop(store);
    let mut store = open(&path);
    assert_eq!(store.import(&other, &["a", "b"], NOW).unwrap(), None);
    assert_eq!(store.current_bans(NOW).unwrap().0.len(), 3);
}

#[test]
fn a_strange_row_of_fail2bans_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("fail2ban.sqlite3");
    theirs(&other);
    let rows = "PRAGMA foreign_keys = OFF;
        INSERT INTO bips VALUES('192.0.2.4', 'unlisted', 999900, 600, 1, '{}');
        INSERT INTO logs VALUES('unlisted too', '/one', 'h', 10);
        INSERT INTO bips VALUES(CAST(x'ff' AS TEXT), 'a', 999900, 600, 1, '{}');";
    Connection::open(&other)
        .unwrap()
        .execute_batch(rows)
        .unwrap();
    let mut store = Store::memory();
    let jails = ["a", "unlisted", "unlisted too"];
    let expected = Imported {
        bans: 4,
        positions: 3,
        left_out: 1,
    };
    assert_eq!(store.import(&other, &jails, NOW).unwrap(), Some(expected));
}

#[test]
fn a_file_that_cannot_be_imported_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("fail2ban.sqlite3");
    let mut store = Store::memory();
    assert!(store.import(&other, &["a"], NOW).is_err());
    fs::write(&other, "no database ".repeat(1000)).unwrap();
    assert!(store.import(&other, &["a"], NOW).is_err());
    fs::remove_file(&other).unwrap();
    theirs(&other);
    assert!(store.import(&other, &["a"], NOW).unwrap().is_some());
}
