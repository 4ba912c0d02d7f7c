//! Every line exactly once and in order, whatever happens to the files.

use super::*;
use crate::source::{Position, SourceKey, SourceState};
use base::Span;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;

mod bursts;
mod killed;
mod model;
mod wishes;

/// Splits lines as the daemon does, and keeps positions as the store does.
#[derive(Default)]
pub(super) struct Recorder {
    streams: BTreeMap<SourceKey, Stream>,
    pub(super) lines: BTreeMap<JailId, Vec<String>>,
    positions: BTreeMap<(JailId, String), (u64, String)>,
    states: BTreeMap<(JailId, String), Standing>,
    caught_up: usize,
    reading: Option<SourceKey>,
    opened: usize,
    /// All bytes, in the order of their coming.
    given: Vec<u8>,
}

#[derive(Default)]
struct Stream {
    jails: Vec<JailId>,
    partial: Vec<u8>,
}

impl Recorder {
    fn stored(&self, jail: JailId) -> Vec<store::LogPosition> {
        let own = self
            .positions
            .iter()
            .filter(|((owner, _), _)| *owner == jail);
        own.map(|((_, path), (offset, hash))| store::LogPosition {
            jail: String::new(),
            path: path.clone(),
            first_line_hash: hash.clone(),
            offset: *offset,
        })
        .collect()
    }
}

impl Sink for Recorder {
    fn opened(&mut self, key: SourceKey, _path: &str, _: Encoding, jails: &[JailId]) {
        let stream = self.streams.entry(key).or_default();
        assert!(
            stream.partial.is_empty(),
            "jails change in the middle of a line"
        );
        stream.jails = jails.to_vec();
        self.opened += 1;
    }
    fn closed(&mut self, key: SourceKey) {
        self.streams.remove(&key).expect("closed once");
    }
    fn read_begins(&mut self, key: SourceKey) {
        assert_eq!(self.reading.replace(key), None);
    }
    fn bytes(&mut self, key: SourceKey, bytes: &[u8]) {
        assert_eq!(self.reading, Some(key));
        self.given.extend_from_slice(bytes);
        let stream = self.streams.get_mut(&key).expect("opened before");
        for byte in bytes {
            if *byte != b'\n' {
                stream.partial.push(*byte);
                continue;
            }
            let line = String::from_utf8_lossy(&std::mem::take(&mut stream.partial)).into_owned();
            for jail in &stream.jails {
                self.lines.entry(*jail).or_default().push(line.clone());
            }
        }
    }
    fn entry(&mut self, _: SourceKey, _: JailId, _: &str, _: Timestamp) {
        panic!("a file has no entries");
    }
    fn reset(&mut self, key: SourceKey) {
        self.streams
            .get_mut(&key)
            .expect("opened before")
            .partial
            .clear();
    }
    fn read_ends(&mut self, key: SourceKey, position: Option<Position>, caught_up: bool) {
        assert_eq!(self.reading.take(), Some(key));
        self.caught_up += usize::from(caught_up);
        if let Some(Position::File {
            path,
            offset,
            first_line_hash,
        }) = position
        {
            for jail in &self.streams[&key].jails {
                self.positions
                    .insert((*jail, path.clone()), (offset, first_line_hash.clone()));
            }
        }
    }
    fn state(&mut self, jail: JailId, path: &str, kind: &'static str, standing: Standing) {
        assert_eq!(kind, "file");
        self.states.insert((jail, path.to_owned()), standing);
    }
    fn notice(&mut self, jail: JailId, text: &str) {
        panic!("{jail:?}: {text}");
    }
    fn date_of(&mut self, _: JailId, line: &str) -> Option<Timestamp> {
        let seconds = line.split(' ').next()?.parse().ok()?;
        Some(Timestamp::from_secs(seconds))
    }
}

const JAIL: JailId = JailId(0);
const OTHER: JailId = JailId(1);

fn now() -> Timestamp {
    Timestamp::from_secs(100_000)
}

fn wish(jail: JailId, pattern: &Path) -> FileWish {
    FileWish {
        jail,
        patterns: vec![(pattern.display().to_string(), false)],
        findtime: Span::from_secs(600),
        encoding: Encoding::Utf8,
        polled: false,
        stored: Vec::new(),
        marks: Vec::new(),
    }
}

fn tail(wishes: Vec<FileWish>) -> Tail<Recorder> {
    let mut tail = Tail::new(wishes, Recorder::default(), now).unwrap();
    settle(&mut tail);
    tail
}

pub(super) fn settle(tail: &mut Tail<Recorder>) {
    for _ in 0..1000 {
        // The wait, if a scan is due later, ends with that.
        let wait = if tail.names_changed {
            LOOK_EVERY
        } else {
            Duration::ZERO
        };
        tail.poll_once(wait).unwrap();
        if !tail.is_busy() && !tail.names_changed {
            return;
        }
    }
    panic!("it never comes to rest");
}

fn append(path: &Path, text: &str) {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
}

fn lines(tail: &Tail<Recorder>, jail: JailId) -> Vec<&str> {
    tail.sink
        .lines
        .get(&jail)
        .map(|lines| lines.iter().map(String::as_str).collect())
        .unwrap_or_default()
}

fn state(tail: &Tail<Recorder>, jail: JailId, path: &Path) -> SourceState {
    tail.sink.states[&(jail, path.display().to_string())]
        .state
        .clone()
}

#[test]
fn two_jails_share_one_reading() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "a\nb\n");
    let mut tail = tail(vec![wish(JAIL, &path), wish(OTHER, &path)]);
    append(&path, "c\n");
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a", "b", "c"]);
    assert_eq!(lines(&tail, OTHER), ["a", "b", "c"]);
    assert_eq!(tail.readers.len(), 1);
    assert_eq!(tail.sink.opened, 1);
}

#[test]
fn a_jail_with_a_later_position_joins_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "a\nb\n");
    let first = tail(vec![wish(JAIL, &path)]);
    append(&path, "c\n");
    let stored = first.sink.stored(JAIL);
    drop(first);
    let mut resumed = wish(JAIL, &path);
    resumed.stored = stored;
    let mut tail = tail(vec![resumed, wish(OTHER, &path)]);
    assert_eq!(lines(&tail, JAIL), ["c"]);
    assert_eq!(lines(&tail, OTHER), ["a", "b", "c"]);
    append(&path, "d\n");
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["c", "d"]);
    assert_eq!(tail.readers.len(), 1);
}

#[test]
fn the_end_is_where_a_tail_begins() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "old\nhal");
    let mut wish = wish(JAIL, &path);
    wish.patterns[0].1 = true;
    let mut tail = tail(vec![wish]);
    append(&path, "f\nnew\n");
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["half", "new"]);
}

#[test]
fn old_lines_of_a_long_file_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(
        &path,
        &(0..100_000)
            .map(|at| format!("{at} text of the line\n"))
            .collect::<String>(),
    );
    let tail = tail(vec![wish(JAIL, &path)]);
    let lines = lines(&tail, JAIL);
    let first: i64 = lines[0].split(' ').next().unwrap().parse().unwrap();
    assert!((98_000..=99_400).contains(&first), "began at {first}");
    assert_eq!(lines.len() as i64, 100_000 - first);
}

#[test]
fn what_appears_later_is_read_whole_and_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("later/deep/app.log");
    let glob = dir.path().join("later/*/*.log");
    let mut tail = tail(vec![wish(JAIL, &path), wish(OTHER, &glob)]);
    assert_eq!(state(&tail, JAIL, &path), SourceState::Waiting);
    assert_eq!(state(&tail, OTHER, &glob), SourceState::Waiting);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    append(&path, "a\n");
    settle(&mut tail);
    append(&path, "b\n");
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a", "b"]);
    assert_eq!(lines(&tail, OTHER), ["a", "b"]);
    assert_eq!(state(&tail, JAIL, &path), SourceState::Following);
    assert_eq!(state(&tail, OTHER, &path), SourceState::Following);
    assert_eq!(state(&tail, OTHER, &glob), SourceState::Gone);
}

#[test]
fn a_directory_may_be_replaced() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("d");
    let path = dir.join("app.log");
    fs::create_dir(&dir).unwrap();
    append(&path, "a\n");
    let mut tail = tail(vec![wish(JAIL, &path)]);
    fs::remove_dir_all(&dir).unwrap();
    settle(&mut tail);
    assert_eq!(state(&tail, JAIL, &path), SourceState::Waiting);
    fs::create_dir(&dir).unwrap();
    append(&path, "b\n");
    settle(&mut tail);
    fs::rename(&dir, root.path().join("e")).unwrap();
    fs::create_dir(&dir).unwrap();
    settle(&mut tail);
    append(&path, "c\n");
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a", "b", "c"]);
}

#[test]
fn late_lines_of_a_renamed_file_still_count() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "a\n");
    let mut tail = tail(vec![wish(JAIL, &path)]);
    let mut old = OpenOptions::new().append(true).open(&path).unwrap();
    // All of this before the next look: the old file's rest comes first.
    old.write_all(b"b\n").unwrap();
    fs::rename(&path, dir.path().join("app.log.1")).unwrap();
    append(&path, "c\n");
    settle(&mut tail);
    old.write_all(b"d\n").unwrap();
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a", "b", "c", "d"]);
    let (offset, _) = &tail.sink.positions[&(JAIL, path.display().to_string())];
    assert_eq!(*offset, 2, "the position is the new file's");
}

#[test]
fn what_was_read_under_an_earlier_name_is_not_read_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let created = |path: &Path| fs::metadata(path).unwrap().created().ok();
    let (path, first) = (at("app.log"), at("app.log.1"));
    append(&path, "line one, long enough\n");
    let wishes = || vec![wish(JAIL, &path), wish(OTHER, &at("app.*"))];
    let mut before = tail(wishes());
    fs::rename(&path, &first).unwrap();
    // File systems give times in ticks: the second file is to be younger.
    append(&path, "");
    while created(&path).is_some() && created(&path) == created(&first) {
        fs::remove_file(&path).unwrap();
        append(&path, "");
    }
    settle(&mut before);
    // It loses its name while it is empty, and is written to then.
    let mut second = OpenOptions::new().append(true).open(&path).unwrap();
    fs::rename(&path, at("app.log.2")).unwrap();
    settle(&mut before);
    second.write_all(b"line two, long enough\n").unwrap();
    settle(&mut before);
    let read = ["line one, long enough", "line two, long enough"];
    assert_eq!(lines(&before, JAIL), read);
    let mut wishes = wishes();
    for wish in &mut wishes {
        wish.stored = before.sink.stored(wish.jail);
    }
    let mut after = tail(wishes);
    append(&path, "line three, long enough\n");
    settle(&mut after);
    assert_eq!(lines(&after, JAIL), ["line three, long enough"]);
}

#[test]
fn a_truncation_is_seen_even_if_the_file_has_grown_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "a\nb\n");
    let mut tail = tail(vec![wish(JAIL, &path)]);
    fs::write(&path, "c\nd\ne\nf\n").unwrap();
    settle(&mut tail);
    fs::write(&path, "g\n").unwrap();
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a", "b", "c", "d", "e", "f", "g"]);
}

#[test]
fn neither_a_copy_nor_a_compressed_log_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    append(&path, "a\nb\n");
    let mut tail = tail(vec![wish(JAIL, &dir.path().join("app*"))]);
    append(&path, "c\n");
    fs::copy(&path, dir.path().join("app.log.1")).unwrap();
    File::create(&path).unwrap();
    append(&path, "d\n");
    fs::write(dir.path().join("app.log.2.gz"), "x\n").unwrap();
    settle(&mut tail);
    let mut lines = lines(&tail, JAIL);
    lines.sort();
    assert_eq!(lines, ["a", "b", "c", "d"]);
}

#[test]
fn open_files_stay_few_over_many_rotations() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let mut tail = tail(vec![wish(JAIL, &path)]);
    for at in 0..200 {
        append(&path, &format!("{at}\n"));
        settle(&mut tail);
        fs::remove_file(&path).unwrap();
        tail.next_look = Instant::now();
        settle(&mut tail);
    }
    assert_eq!(lines(&tail, JAIL).len(), 200);
    assert!(tail.readers.len() <= ROTATED + 1);
}

#[test]
fn what_is_no_log_file_is_an_error_and_waits_for_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("sub");
    fs::create_dir(&path).unwrap();
    let mut tail = tail(vec![wish(JAIL, &path)]);
    assert_eq!(
        state(&tail, JAIL, &path),
        SourceState::Error("it is a directory".into())
    );
    fs::remove_dir(&path).unwrap();
    append(&path, "a\n");
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL), ["a"]);
    assert_eq!(state(&tail, JAIL, &path), SourceState::Following);
}

#[test]
fn lines_are_given_within_a_round_and_fairly() {
    let dir = tempfile::tempdir().unwrap();
    let (big, small) = (dir.path().join("big.log"), dir.path().join("small.log"));
    append(&big, &"no date\n".repeat(200_000));
    append(&small, "a\n");
    let mut tail = Tail::new(
        vec![wish(JAIL, &big), wish(OTHER, &small)],
        Recorder::default(),
        now,
    )
    .unwrap();
    tail.poll_once(Duration::ZERO).unwrap();
    assert_eq!(lines(&tail, OTHER), ["a"]);
    assert_eq!(lines(&tail, JAIL).len(), reader::ROUND / "no date\n".len());
    assert_eq!(state(&tail, JAIL, &big), SourceState::CatchingUp);
    settle(&mut tail);
    assert_eq!(lines(&tail, JAIL).len(), 200_000);
    assert_eq!(state(&tail, JAIL, &big), SourceState::Following);
}

#[test]
fn a_waker_ends_the_wait() {
    let dir = tempfile::tempdir().unwrap();
    let mut tail = tail(vec![wish(JAIL, &dir.path().join("x"))]);
    tail.waker().wake();
    let before = Instant::now();
    tail.poll_once(Duration::from_secs(60)).unwrap();
    assert!(before.elapsed() < Duration::from_secs(30));
}
