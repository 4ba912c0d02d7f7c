//! Files that are damaged, foreign, busy or out of reach.

use super::*;

const START: Timestamp = Timestamp::from_secs(0);

fn many() -> Vec<Write> {
    (0..400)
        .map(|n| Write::Ban(ban(&format!("10.0.{}.{}", n / 200, n % 200), 1, None)))
        .collect()
}

/// Which page of the file a table or index begins with.
fn root(store: &Store, name: &str) -> usize {
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    store
        .raw()
        .query_row(sql, [name], |row| row.get::<_, i64>(0))
        .unwrap() as usize
}

/// Fills pages with noise.
fn damage(path: &Path, pages: impl Iterator<Item = usize>) {
    let mut bytes = fs::read(path).unwrap();
    for page in pages {
        bytes[(page - 1) * 4096..page * 4096].fill(0x55);
    }
    fs::write(path, bytes).unwrap();
}

#[test]
fn unusable_files_are_set_aside_and_said() {
    let garbage: &[u8] = b"SQLite format 3\0 but not really, only a header and noise behind it";
    let version = |version: i64| {
        move |path: &Path| {
            let mut store = open(path);
            let writes = [enabled(), Write::Ban(ban("192.0.2.1", 1, None))];
            store.write(&writes).unwrap();
            store
                .raw()
                .execute("UPDATE fail2banDb SET version = ?1", [version])
                .unwrap();
        }
    };
    let foreign = |path: &Path| {
        let connection = Connection::open(path).unwrap();
        connection.execute_batch("CREATE TABLE other(x)").unwrap();
    };
    let damaged = |path: &Path| {
        let mut store = open(path);
        store.write(&[enabled()]).unwrap();
        store.write(&many()).unwrap();
        drop(store);
        let pages = fs::metadata(path).unwrap().len() as usize / 4096;
        damage(path, 3..=pages);
    };
    let check = |name: &str, make: &dyn Fn(&Path), why: &str, bans: usize| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        make(&path);
        let before = fs::read(&path).unwrap();
        let opened = Store::open(&path, "20260101-000000", START, 10);
        assert!(opened.store.trouble().is_none(), "{name}");
        assert_eq!(opened.notes.len(), 1, "{name}: {:?}", opened.notes);
        assert!(
            opened.notes[0].contains(why) && opened.notes[0].contains("set aside"),
            "{name}: {:?}",
            opened.notes
        );
        let aside = dir.path().join("store.set-aside-20260101-000000");
        assert!(fs::read(aside).unwrap() == before, "{name}");
        assert_eq!(opened.held.bans.len(), bans, "{name}");
    };
    check(
        "garbage",
        &|path| fs::write(path, garbage).unwrap(),
        "not a database",
        0,
    );
    check("newer", &version(5), "version 5", 1);
    check("older than any", &version(0), "version 0", 1);
    check("foreign", &foreign, "no such table", 0);
    check("damaged", &damaged, "nothing could be read", 0);
}

#[test]
fn of_a_damaged_file_everything_readable_is_taken_over() {
    let check = |lost_pages: &dyn Fn(&Store) -> Vec<usize>, least: usize, positions: usize| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let mut store = open(&path);
        let position = Write::LogPosition(LogPosition {
            jail: "sshd".into(),
            path: "/log".into(),
            first_line_hash: "ab".into(),
            offset: 7,
        });
        store.write(&[enabled(), position]).unwrap();
        store.write(&many()).unwrap();
        let lost = lost_pages(&store);
        drop(store);
        damage(&path, lost.into_iter());
        let opened = Store::open(&path, "x", START, 10);
        assert!(opened.store.trouble().is_none());
        let note = &opened.notes[0];
        assert!(
            opened.notes.len() == 1 && note.contains("malformed"),
            "{note}"
        );
        let held = opened.held;
        assert!(
            held.bans.len() >= least,
            "{} of 400: {note}",
            held.bans.len()
        );
        assert_eq!(held.logs.len(), positions);
        assert!(
            note.contains(&format!(
                "the {} last bans and {positions} positions",
                held.bans.len()
            )),
            "{note}"
        );
        // Whole rows came, with their lines.
        let mut bans = held.bans;
        opened.store.read_lines(&mut bans, 10).unwrap();
        let whole = ban("192.0.2.1", 1, None);
        assert!(
            bans.iter()
                .all(|ban| ban.matches == whole.matches && ban.failures == 5)
        );
    };
    let leaves = |store: &Store, table: &str, which: &str| -> Vec<usize> {
        // Without the module that lists pages, the leaves are those that hold a known row's bytes.
        let bytes = fs::read(store.path().unwrap()).unwrap();
        let needle = which.as_bytes();
        let root = root(store, table);
        (root + 1..=bytes.len() / 4096)
            .filter(|page| {
                let page = &bytes[(page - 1) * 4096..page * 4096];
                page[0] == 0x0d && page.windows(needle.len()).any(|window| window == needle)
            })
            .collect()
    };
    // One row of a full table sits on a leaf with some twenty others, in the history and in the table of what stands.
    check(&|store| leaves(store, "bips", "10.0.0.150sshd"), 360, 1);
    check(&|store| leaves(store, "bips", "10.0.1.199sshd"), 360, 1);
    check(
        &|store| {
            vec![root(store, "logs")]
                .into_iter()
                .chain(leaves(store, "bips", "10.0.0.3sshd"))
                .collect()
        },
        360,
        0,
    );
}

#[test]
fn damage_that_shows_later_is_told_from_other_troubles() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    // A start does not read the history, so damage there shows first when a ban is written.
    let page = root(&open(&path), "bans");
    damage(&path, std::iter::once(page));
    let mut store = open(&path);
    let error = store
        .write(&[Write::Ban(ban("192.0.2.1", 1, None))])
        .unwrap_err();
    assert!(error.is_damage(), "{error}");
    let notes = store.begin_anew("later", "damaged");
    assert!(
        notes.len() == 1 && notes[0].contains("set aside"),
        "{notes:?}"
    );
    store
        .write(&[Write::Ban(ban("192.0.2.1", 1, None))])
        .unwrap();
}

#[test]
fn without_a_place_for_a_file_it_waits_for_one() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("folder");
    fs::write(&blocked, "").unwrap();
    let mut opened = Store::open(&blocked.join("store"), "stamp", START, 10);
    assert!(
        opened.notes[0].contains("waits in memory"),
        "{:?}",
        opened.notes
    );
    let writes = [enabled(), Write::Ban(ban("192.0.2.1", 1, None))];
    let store = &mut opened.store;
    assert!(!store.write(&writes).unwrap_err().is_damage());
    assert_eq!(store.retry("stamp").notes, Vec::<String>::new());
    assert!(store.trouble().is_some());
    fs::remove_file(&blocked).unwrap();
    assert_eq!(store.retry("stamp").notes, Vec::<String>::new());
    assert!(store.trouble().is_none());
    store.write(&writes).unwrap();
    assert_eq!(store.current_bans(START).unwrap().0.len(), 1);
}

#[test]
fn a_file_that_is_only_busy_or_no_file_is_never_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut store = open(&path);
    store
        .write(&[Write::Ban(ban("192.0.2.1", 1, None))])
        .unwrap();
    store.raw().execute_batch("BEGIN EXCLUSIVE").unwrap();
    let device = Path::new("/dev/null");
    for (path, why) in [(path.as_path(), "locked"), (device, "no regular file")] {
        let mut opened = Store::open(path, "stamp", START, 10);
        assert!(opened.notes[0].contains(why), "{:?}", opened.notes);
        assert!(opened.store.write(&[enabled()]).is_err());
        assert!(path.exists());
    }
    store.raw().execute_batch("ROLLBACK").unwrap();
    let again = Store::open(&path, "stamp", START, 10);
    assert_eq!(again.held.bans.len(), 1);
}

#[test]
fn what_could_not_be_read_at_the_start_is_told_when_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut other = open(&path);
    other.write(&many()).unwrap();
    other.raw().execute_batch("BEGIN EXCLUSIVE").unwrap();
    let Opened {
        mut store,
        held,
        notes,
        ..
    } = Store::open(&path, "stamp", START, 10);
    assert_eq!(held.bans.len(), 0);
    assert!(
        notes.len() == 1 && notes[0].contains("cannot be read: "),
        "{notes:?}"
    );
    let tried = store.retry("stamp");
    assert!(!tried.is_unread && store.trouble().is_some());
    other.raw().execute_batch("ROLLBACK").unwrap();
    let tried = store.retry("stamp");
    assert!(tried.is_unread && tried.notes.is_empty());
    assert!(store.trouble().is_none());
    assert_eq!(store.current_bans(START).unwrap().0.len(), 400);
    assert!(!store.retry("stamp").is_unread, "told once");
}

#[test]
fn a_file_that_is_moved_away_is_let_go_of() {
    let writes = [enabled(), Write::Ban(ban("192.0.2.1", 1, None))];
    let check = |what: &dyn Fn(&Path), bans: usize| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let mut store = open(&path);
        store.write(&writes).unwrap();
        what(&path);
        let error = store.write(&writes).unwrap_err();
        assert!(error.is_moved() && !error.is_damage(), "{error}");
        assert!(store.trouble().is_some());
        let tried = store.retry("stamp");
        assert!(
            tried.notes.len() == 1 && tried.notes[0].contains("moved or removed"),
            "{:?}",
            tried.notes
        );
        assert!(!tried.is_unread && store.trouble().is_none());
        assert_eq!(store.current_bans(START).unwrap().0.len(), bans);
        store.write(&writes).unwrap();
        let again = Store::open(&path, "x", START, 10);
        assert_eq!(again.held.bans.len(), bans + 1);
    };
    check(&|path| fs::remove_file(path).unwrap(), 0);
    check(
        &|path| fs::rename(path, path.with_extension("away")).unwrap(),
        0,
    );
    check(
        &|path| {
            let other = path.with_extension("other");
            open(&other).write(&many()).unwrap();
            fs::rename(other, path).unwrap();
        },
        400,
    );
}

#[test]
fn a_file_that_can_only_be_read_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let mut store = open(&path);
    let writes = [enabled(), Write::Ban(ban("192.0.2.1", 1, None))];
    store.write(&writes).unwrap();
    // A file of fail2ban's, in which our tables would have to be made, while somebody else is about to write.
    let sql = "DROP TABLE stockade_prefix_bans; DROP TABLE stockade_journal; BEGIN IMMEDIATE";
    store.raw().execute_batch(sql).unwrap();
    let mut opened = Store::open(&path, "stamp", START, 10);
    assert!(opened.notes[0].contains("locked"), "{:?}", opened.notes);
    let mut bans = opened.held.bans;
    opened.store.read_lines(&mut bans, 10).unwrap();
    assert_eq!(bans, [ban("192.0.2.1", 1, None)]);
    assert!(opened.store.write(&writes).is_err());
    store.raw().execute_batch("ROLLBACK").unwrap();
    assert_eq!(opened.store.retry("stamp").notes, Vec::<String>::new());
    opened.store.write(&writes).unwrap();
}

#[test]
fn a_journal_goes_aside_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let (path, journal) = (dir.path().join("store"), dir.path().join("store-journal"));
    let mut store = open(&path);
    fs::write(&journal, "left behind").unwrap();
    store.begin_anew("x", "damaged");
    assert!(store.trouble().is_none());
    let aside = dir.path().join("store.set-aside-x-journal");
    assert!(aside.exists() && path.exists());
}

#[test]
fn nothing_that_was_set_aside_is_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    for (content, name) in [
        ("one", "store.set-aside-x"),
        ("two", "store.set-aside-x.2"),
        ("three", "store.set-aside-x.3"),
    ] {
        let content = content.repeat(1000);
        fs::write(&path, &content).unwrap();
        Store::open(&path, "x", START, 10);
        assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), content);
    }
}

/// Whatever a disk does to the bytes: there is a store in the end that takes bans.
#[test]
fn any_damage_leaves_a_store_that_works() {
    use proptest::prelude::*;
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model");
    let mut store = open(&model);
    store.write(&[enabled()]).unwrap();
    store.write(&many()).unwrap();
    drop(store);
    let model = fs::read(&model).unwrap();
    let anew = std::cell::Cell::new(0);
    let wound = (any::<prop::sample::Index>(), 1..6000_usize, any::<u8>());
    let check = |wounds: Vec<(prop::sample::Index, usize, u8)>, cut: Option<usize>| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let mut bytes = model.clone();
        for (place, length, byte) in wounds {
            let from = place.index(bytes.len());
            let to = (from + length).min(bytes.len());
            bytes[from..to].fill(byte);
        }
        bytes.truncate(cut.unwrap_or(usize::MAX));
        fs::write(&path, bytes).unwrap();
        let opened = Store::open(&path, "x", START, 10);
        let mut store = opened.store;
        prop_assert!(store.trouble().is_none(), "{:?}", opened.notes);
        let writes = [enabled(), Write::Ban(ban("192.0.2.77", 1, None))];
        let mut written = store.write(&writes);
        let begun = match &written {
            Err(error) => {
                prop_assert!(error.is_damage(), "{error}");
                let notes = store.begin_anew("y", &error.to_string());
                prop_assert_eq!(notes.len(), 1);
                written = store.write(&writes);
                true
            }
            Ok(()) => !opened.notes.is_empty(),
        };
        prop_assert!(written.is_ok(), "{written:?}");
        let (bans, _) = store.current_bans(START).unwrap();
        let new = "192.0.2.77".parse().unwrap();
        prop_assert!(bans.iter().any(|ban| ban.id == new));
        if begun {
            anew.set(anew.get() + 1);
            let sql = "PRAGMA integrity_check";
            let said: String = store.raw().query_row(sql, [], |row| row.get(0)).unwrap();
            prop_assert_eq!(said, "ok");
        }
        Ok(())
    };
    let config = ProptestConfig {
        cases: 50,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let wounds = prop::collection::vec(wound, 0..4);
    let cut = prop::option::weighted(0.2, 0..model.len());
    proptest::test_runner::TestRunner::new(config)
        .run(&(wounds, cut), |(wounds, cut)| check(wounds, cut))
        .unwrap();
    assert!(
        anew.get() > 10,
        "only {} files were damaged enough",
        anew.get()
    );
}
