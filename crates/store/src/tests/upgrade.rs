//! Tables of fail2ban's older versions.

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

/// The tables as fail2ban 0.9 made them: of version 1, 2 or 3.
fn old_tables(version: i64) -> String {
    let unique = if version < 2 {
        "UNIQUE(path)"
    } else {
        "UNIQUE(jail, path), UNIQUE(jail, path, firstlinemd5)"
    };
    let lengths = if version < 3 {
        ""
    } else {
        "bantime INTEGER NOT NULL, bancount INTEGER NOT NULL DEFAULT 1,"
    };
    format!(
        "CREATE TABLE fail2banDb(version INTEGER);
        INSERT INTO fail2banDb VALUES({version});
        CREATE TABLE jails(name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
        CREATE INDEX jails_name ON jails(name);
        CREATE TABLE logs(jail TEXT NOT NULL, path TEXT, firstlinemd5 TEXT, lastfilepos INTEGER DEFAULT 0,
            FOREIGN KEY(jail) REFERENCES jails(name) ON DELETE CASCADE, {unique});
        CREATE INDEX logs_path ON logs(path);
        CREATE TABLE bans(jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL, {lengths} data JSON,
            FOREIGN KEY(jail) REFERENCES jails(name));
        CREATE INDEX bans_jail_timeofban_ip ON bans(jail, timeofban);
        CREATE INDEX bans_jail_ip ON bans(jail, ip);
        CREATE INDEX bans_ip ON bans(ip);"
    )
}

/// A file of an old version with `rows` bans of as many addresses, two each.
fn old_file(path: &Path, version: i64, rows: i64) {
    let mut connection = Connection::open(path).unwrap();
    let transaction = connection.transaction().unwrap();
    transaction.execute_batch(&old_tables(version)).unwrap();
    transaction
        .execute_batch("INSERT INTO jails VALUES('a', 1), ('b', 0); INSERT INTO logs VALUES('a', '/log', 'h', 77);")
        .unwrap();
    let lengths = if version < 3 { "" } else { "600, 4," };
    let sql = format!("INSERT INTO bans VALUES('a', ?1, ?2, {lengths} ?3)");
    for n in 0..rows {
        let ip = format!("10.{}.{}.{}", n / 65536, n / 256 % 256, n % 256);
        for (ago, data) in [(1000, r#"{"failures": 1}"#), (100, r#"{"failures": 2}"#)] {
            let values = rusqlite::params![ip, NOW.as_secs() - ago, data];
            transaction.execute(&sql, values).unwrap();
        }
    }
    transaction.commit().unwrap();
}

fn count(connection: &Connection, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

fn is_whole(connection: &Connection) -> bool {
    let said: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    said == "ok"
}

#[test]
fn old_tables_are_brought_up_to_date_and_the_old_file_is_kept() {
    for version in 1..=3 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        old_file(&path, version, 3);
        let before = fs::read(&path).unwrap();
        let opened = Store::open(&path, "20260101-000000", NOW, 10);
        assert!(opened.store.trouble().is_none());
        let backup = dir.path().join("store.20260101-000000");
        assert_eq!(
            opened.upgraded,
            Some(format!(
                "the store {} had tables of version {version} and has those of version 4 now; as it was it lies in {}",
                path.display(),
                backup.display()
            ))
        );
        assert_eq!(opened.notes, Vec::<String>::new());
        // Only SQLite's counter of changes in the file's first bytes may differ.
        assert!(fs::read(&backup).unwrap()[100..] == before[100..]);
        let mode = fs::metadata(&backup).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let held = opened.held;
        // Before version 3 nobody wrote down how long a ban lasts.
        let (known, unknown) = if version < 3 { (0, 3) } else { (3, 0) };
        assert_eq!(held.bans.len(), known);
        assert_eq!(held.of_unknown_length.len(), unknown);
        for ban in held.bans.iter().chain(&held.of_unknown_length) {
            assert_eq!((ban.failures, NOW.since(ban.time).as_secs()), (2, 100));
            assert_eq!(ban.count, if version < 3 { 1 } else { 4 });
        }
        assert_eq!(held.past.len(), 3);
        assert_eq!(held.logs[0].offset, 77);
        assert!(is_whole(opened.store.raw()));
        assert_eq!(count(opened.store.raw(), "bans"), 6);
        drop(opened.store);
        // Once is enough.
        let again = Store::open(&path, "20260101-000001", NOW, 10);
        assert_eq!(again.upgraded, None);
        assert_eq!(again.held.past.len(), 3);
    }
}

#[test]
fn rows_that_fit_no_rule_do_not_stop_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    old_file(&path, 1, 1);
    let connection = Connection::open(&path).unwrap();
    let sql = "PRAGMA foreign_keys = off;
        INSERT INTO bans VALUES('gone', '192.0.2.1', 5, NULL), ('a', NULL, 5, NULL);
        INSERT INTO logs VALUES('gone', '/other', NULL, 1);";
    connection.execute_batch(sql).unwrap();
    drop(connection);
    let opened = Store::open(&path, "x", NOW, 10);
    assert!(
        opened
            .upgraded
            .is_some_and(|text| text.contains("version 1"))
    );
    assert_eq!(opened.notes, Vec::<String>::new());
    let said: Vec<String> = opened
        .held
        .past
        .iter()
        .map(|past| format!("{} {}", past.jail, past.id))
        .collect();
    assert_eq!(said, ["gone 192.0.2.1", "a 10.0.0.0"]);
    assert_eq!(count(opened.store.raw(), "jails"), 3);
}

/// The file and the journal beside it, at one moment.
type Shot = (Vec<u8>, Option<Vec<u8>>);

/// What a process that dies in the midst leaves on the disk is looked at from step to step of the upgrade: always all
/// of the old version or all of the new one.
#[test]
fn dying_in_the_midst_leaves_one_version_or_the_other() {
    use std::sync::{Arc, Mutex};
    for version in 1..=3 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        old_file(&path, version, 300);
        let mut connection = Connection::open(&path).unwrap();
        // So few pages in memory that the file itself is written long before the end.
        connection.pragma_update(None, "cache_size", 4).unwrap();
        let shots: Arc<Mutex<Vec<Shot>>> = Arc::default();
        let (film, file) = (Arc::clone(&shots), path.clone());
        let journal = dir.path().join("store-journal");
        connection
            .progress_handler(
                2000,
                Some(move || {
                    let shot = (fs::read(&file).unwrap(), fs::read(&journal).ok());
                    film.lock().unwrap().push(shot);
                    false
                }),
            )
            .unwrap();
        crate::upgrade::upgrade(&mut connection, version).unwrap();
        drop(connection);
        let mut shots = std::mem::take(&mut *shots.lock().unwrap());
        shots.push((fs::read(&path).unwrap(), None));
        let original = shots[0].0.clone();
        let changed = shots.iter().filter(|shot| shot.0 != original).count();
        assert!(changed > 3, "only {changed} looks at a file half written");
        let mut old = 0;
        for (at, (file, journal)) in shots.iter().enumerate() {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("store");
            fs::write(&path, file).unwrap();
            if let Some(journal) = journal {
                fs::write(dir.path().join("store-journal"), journal).unwrap();
            }
            let connection = Connection::open(&path).unwrap();
            assert!(is_whole(&connection), "version {version}, look {at}");
            let found = schema::version(&connection).unwrap();
            old += usize::from(found == Some(version));
            assert!(found == Some(version) || found == Some(4));
            assert_eq!(count(&connection, "bans"), 600);
            drop(connection);
            let opened = Store::open(&path, "x", NOW, 10);
            assert_eq!(opened.held.past.len(), 300, "version {version}, look {at}");
            assert!(opened.store.trouble().is_none());
        }
        assert_eq!(old, shots.len() - 1);
    }
}

#[test]
fn an_upgrade_that_fails_leaves_the_file_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    old_file(&path, 2, 2);
    // A table in the way of the new ones.
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE bips(x)").unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    let opened = Store::open(&path, "x", NOW, 10);
    let note = &opened.notes[0];
    assert!(
        opened.notes.len() == 1
            && note.contains("its tables of version 2 cannot be brought up to date")
            && note.contains("set aside"),
        "{note}"
    );
    assert_eq!(
        fs::read(dir.path().join("store.set-aside-x")).unwrap(),
        before
    );
    assert!(!dir.path().join("store.x").exists());
    // The bans came over all the same.
    assert_eq!(opened.held.logs.len(), 1);
    let history = count(opened.store.raw(), "bans");
    assert_eq!(history, 4);
}

#[test]
fn without_room_for_a_copy_nothing_is_changed_and_bans_are_known() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    old_file(&path, 3, 2);
    let before = fs::read(&path).unwrap();
    // Another process writes at the moment.
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut opened = Store::open(&path, "x", NOW, 10);
    assert!(opened.notes[0].contains("locked"), "{:?}", opened.notes);
    assert_eq!(opened.held.bans.len(), 2);
    assert!(fs::read(&path).unwrap() == before);
    let names = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(names, 1, "a copy was left behind");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(opened.store.retry("y").notes.len(), 1);
    assert!(opened.store.trouble().is_none());
    assert!(dir.path().join("store.y").exists());
}
