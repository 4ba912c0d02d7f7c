//! What a jail may wish: polling, the end of a file, an encoding; and what is told of files that cannot be read.

use super::*;

fn errors(tail: &Tail<Recorder>, path: &Path) -> u64 {
    tail.sink.states[&(JAIL, path.display().to_string())].errors
}

/// The regular look, without any event.
fn look(tail: &mut Tail<Recorder>) {
    tail.next_look = Instant::now();
    settle(tail);
}

#[test]
fn a_polled_file_needs_no_inotify() {
    let dir = tempfile::tempdir().unwrap();
    let (path, glob) = (dir.path().join("app.log"), dir.path().join("*.log"));
    append(&path, "a\n");
    let polled = |jail, pattern| FileWish {
        polled: true,
        ..wish(jail, pattern)
    };
    let mut tail = tail(vec![polled(JAIL, &path), polled(OTHER, &glob)]);
    tail.watches = Watches::new(None);
    append(&path, "b\n");
    look(&mut tail);
    fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    append(&path, "c\n");
    look(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a", "b", "c"]);
    assert_eq!(lines(&tail, OTHER), ["a", "b", "c"]);
}

#[test]
fn a_polled_file_is_read_at_once_where_inotify_reports_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "a\n");
    let polled = FileWish {
        polled: true,
        ..wish(JAIL, &path)
    };
    let mut tail = tail(vec![polled]);
    assert!(!tail.watches.is_idle());
    append(&path, "b\n");
    // Long before the regular look.
    tail.next_look = Instant::now() + Duration::from_secs(600);
    tail.poll_once(Duration::ZERO).unwrap();
    assert_eq!(lines(&tail, JAIL), ["a", "b"]);
}

#[test]
fn without_inotify_everything_is_polled() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let mut tail = tail(vec![wish(JAIL, &path)]);
    tail.watches = Watches::new(None);
    append(&path, "a\n");
    look(&mut tail);
    append(&path, "b\n");
    look(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a", "b"]);
}

#[test]
fn what_begins_at_the_end_begins_there_after_a_restart_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "a\nb\n");
    let stored = tail(vec![wish(JAIL, &path)]).sink.stored(JAIL);
    append(&path, "c\nd\n");
    let at_end = |jail| {
        let mut wish = wish(jail, &path);
        wish.patterns[0].1 = true;
        wish
    };
    let stored_only = FileWish {
        stored: stored.clone(),
        ..at_end(JAIL)
    };
    // The jail has heard of everything before the mark otherwise.
    let marked = FileWish {
        marks: stored,
        ..at_end(OTHER)
    };
    let mut tail = tail(vec![stored_only, marked]);
    append(&path, "e\n");
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["e"]);
    assert_eq!(lines(&tail, OTHER), ["c", "d", "e"]);
}

#[test]
fn a_stored_position_is_followed_by_the_search_for_young_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "1 the first line\n");
    let stored = tail(vec![wish(JAIL, &path)]).sink.stored(JAIL);
    let text: String = (2..100_000)
        .map(|at| format!("{at} text of the line\n"))
        .collect();
    append(&path, &text);
    let tail = tail(vec![FileWish {
        stored,
        ..wish(JAIL, &path)
    }]);
    let first: i64 = lines(&tail, JAIL)[0]
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!((98_000..=99_400).contains(&first), "began at {first}");
}

#[test]
fn wide_lines_are_resumed_at_whole_characters() {
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    fs::write(&path, utf16("\u{feff}one\ntwo\nthr")).unwrap();
    let encoding = Encoding::parse("utf-16").unwrap();
    let wide = || FileWish {
        encoding,
        ..wish(JAIL, &path)
    };
    let mut first = tail(vec![wide()]);
    let offset = |tail: &Tail<Recorder>| tail.sink.positions[&(JAIL, path.display().to_string())].0;
    assert_eq!(offset(&first), 2 + 2 * 8);
    // The rest of a line feed comes with another read.
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&utf16("ee\n")[..5]).unwrap();
    settle(&mut first);
    assert_eq!(offset(&first), 2 + 2 * 8);
    file.write_all(&utf16("\n")[1..]).unwrap();
    settle(&mut first);
    assert_eq!(offset(&first), 2 + 2 * 14);
    let stored = first.sink.stored(JAIL);
    file.write_all(&utf16("four\n")).unwrap();
    let resumed = tail(vec![FileWish { stored, ..wide() }]);
    assert_eq!(resumed.sink.given, utf16("four\n"));
}

#[test]
fn jails_with_different_encodings_read_a_file_each_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "a\n");
    let other = FileWish {
        encoding: Encoding::Latin1,
        ..wish(OTHER, &path)
    };
    let mut tail = tail(vec![wish(JAIL, &path), other, wish(JailId(2), &path)]);
    assert_eq!(tail.readers.len(), 2);
    fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    append(&path, "b\n");
    settle(&mut tail);
    for jail in [JAIL, OTHER, JailId(2)] {
        assert_eq!(lines(&tail, jail), ["a", "b"]);
    }
}

#[test]
fn errors_are_counted_and_cost_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let (bad, good) = (dir.path().join("bad"), dir.path().join("good"));
    fs::create_dir(&bad).unwrap();
    append(&good, "a\n");
    let mut tail = tail(vec![wish(JAIL, &bad), wish(OTHER, &good)]);
    assert_eq!((errors(&tail, &bad), lines(&tail, OTHER)), (1, vec!["a"]));
    append(&good, "b\n");
    look(&mut tail);
    assert_eq!(
        (errors(&tail, &bad), lines(&tail, OTHER)),
        (1, vec!["a", "b"]),
        "not before its time"
    );
    let bound = tail.bound.get_mut(&bad).unwrap();
    bound.refused.as_mut().unwrap().1 = Instant::now();
    look(&mut tail);
    assert_eq!(errors(&tail, &bad), 2);
}

#[test]
fn a_backup_beside_the_log_is_not_read_again_and_does_not_hide_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let (path, backup) = (dir.path().join("app.log"), dir.path().join("app.log.bak"));
    append(&path, "a\nb\n");
    let mut tail = tail(vec![wish(JAIL, &dir.path().join("app*"))]);
    fs::copy(&path, &backup).unwrap();
    settle(&mut tail);
    append(&path, "c\n");
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a", "b", "c"]);
    // What is written to it itself tells it from a copy.
    append(&backup, "d\n");
    look(&mut tail);
    fs::remove_file(&path).unwrap();
    append(&path, "e\n");
    look(&mut tail);
    assert!(lines(&tail, JAIL).contains(&"e"));
}

#[test]
fn truncations_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "a\n");
    let mut tail = tail(vec![wish(JAIL, &path)]);
    for line in ["b\n", "c\n"] {
        fs::write(&path, "").unwrap();
        append(&path, line);
        settle(&mut tail);
    }
    look(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a", "b", "c"]);
    let standing = &tail.sink.states[&(JAIL, path.display().to_string())];
    assert_eq!((standing.truncations, standing.errors), (2, 0));
}
