//! A reader in a process of its own, killed in the middle of its work, again and again.
//!
//! It notes each line that comes, and then its position, in files. What must hold is what the histories of `bursts` show
//! for a reader that is merely dropped; here nothing of the process is left but its files.

use super::*;
use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

const DIR: &str = "STOCKADE_TEST_OF_KILLED_READER";
const ROUNDS: usize = 8;
const BURST: usize = 1_500;

/// Keeps what the recorder takes.
struct Durable {
    recorder: Recorder,
    lines: File,
    kept: usize,
}

impl Sink for Durable {
    fn opened(&mut self, key: SourceKey, path: &str, encoding: Encoding, jails: &[JailId]) {
        self.recorder.opened(key, path, encoding, jails);
    }
    fn closed(&mut self, key: SourceKey) {
        self.recorder.closed(key);
    }
    fn read_begins(&mut self, key: SourceKey) {
        self.recorder.read_begins(key);
    }
    fn bytes(&mut self, key: SourceKey, bytes: &[u8]) {
        self.recorder.bytes(key, bytes);
    }
    fn entry(&mut self, _: SourceKey, _: JailId, _: &str, _: Timestamp) {
        panic!("a file has no entries");
    }
    fn reset(&mut self, key: SourceKey) {
        self.recorder.reset(key);
    }
    fn read_ends(&mut self, key: SourceKey, position: Option<Position>, caught_up: bool) {
        self.recorder.read_ends(key, position, caught_up);
        let lines = self
            .recorder
            .lines
            .get(&JAIL)
            .map_or(&[][..], Vec::as_slice);
        // As in the daemon: first what was found, then the position behind it.
        let text: String = lines[self.kept..]
            .iter()
            .map(|line| format!("{line}\n"))
            .collect();
        self.lines.write_all(text.as_bytes()).unwrap();
        self.kept = lines.len();
        keep_positions(
            Path::new(&env::var(DIR).unwrap()),
            &self.recorder,
            lines.last(),
        );
        println!("at {}", lines.last().map_or("", String::as_str));
    }
    fn state(&mut self, _: JailId, _: &str, _: &'static str, _: Standing) {}
    fn notice(&mut self, _: JailId, _: &str) {}
    fn date_of(&mut self, _: JailId, _: &str) -> Option<Timestamp> {
        None
    }
}

/// In one step, whenever the process ends.
fn keep_positions(dir: &Path, recorder: &Recorder, last: Option<&String>) {
    let mut text = last.cloned().unwrap_or_default();
    for ((_, path), (offset, hash)) in &recorder.positions {
        text.push_str(&format!("\n{offset} {hash} {path}"));
    }
    fs::write(dir.join("positions.new"), text).unwrap();
    fs::rename(dir.join("positions.new"), dir.join("positions")).unwrap();
}

/// The last line before the position, and the positions.
fn kept_positions(dir: &Path) -> (Option<usize>, Vec<store::LogPosition>) {
    let text = fs::read_to_string(dir.join("positions")).unwrap_or_default();
    let mut lines = text.lines();
    let last = lines.next().and_then(number);
    let position = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let mut part = || parts.next().unwrap().to_owned();
        let (offset, first_line_hash, path) = (part(), part(), part());
        store::LogPosition {
            jail: String::new(),
            path,
            first_line_hash,
            offset: offset.parse().unwrap(),
        }
    };
    (last, lines.map(position).collect())
}

/// How many lines were kept; one that was being written is none.
fn kept_lines(dir: &Path) -> usize {
    let text = fs::read_to_string(dir.join("lines")).unwrap_or_default();
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    fs::write(dir.join("lines"), &text[..end]).unwrap();
    text[..end].lines().count()
}

fn number(line: &str) -> Option<usize> {
    line.split(' ').nth(1)?.parse().ok()
}

/// The process that the other test starts and kills; by itself it does nothing.
#[test]
fn reader() {
    let Ok(dir) = env::var(DIR) else { return };
    let dir = Path::new(&dir);
    let lines = OpenOptions::new()
        .append(true)
        .create(true)
        .open(dir.join("lines"))
        .unwrap();
    let sink = Durable {
        recorder: Recorder::default(),
        lines,
        kept: 0,
    };
    let wish = FileWish {
        stored: kept_positions(dir).1,
        ..wish(JAIL, &dir.join("app.log"))
    };
    let mut tail = Tail::new(vec![wish], sink, now).unwrap();
    loop {
        tail.poll_once(Duration::from_secs(1)).unwrap();
    }
}

struct Reader(Child, BufReader<std::process::ChildStdout>);

impl Reader {
    fn start(dir: &Path) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "--exact",
                "source::tail::tests::killed::reader",
                "--nocapture",
            ])
            .env(DIR, dir)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().unwrap();
        Self(child, BufReader::new(output))
    }

    /// Waits until a line has come, or a later one.
    fn wait_for(&mut self, wanted: usize) {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.1.read_line(&mut line).unwrap() > 0, "it has ended");
            let come = line.split_once("at ").and_then(|(_, line)| number(line));
            if come.is_some_and(|come| come >= wanted) {
                return;
            }
        }
    }

    /// `kill -9`; what it had read by then came before its end.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_reader_that_is_killed_goes_on_at_its_position() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("app.log");
    let mut written = 0;
    let mut write = |count: usize| {
        let text: String = (written..written + count)
            .map(|at| format!("line {at} of the log\n"))
            .collect();
        append(&log, &text);
        written += count;
        written - 1
    };
    let mut firsts = Vec::new();
    let mut reader = Reader::start(dir.path());
    for round in 0..ROUNDS {
        let begun = write(BURST);
        reader.wait_for(begun - BURST / 2);
        // Killed while it reads, and while the log is rotated or not.
        write(BURST);
        if round % 2 == 0 {
            fs::rename(&log, dir.path().join(format!("app.log.{round}"))).unwrap();
            write(10);
        }
        reader.kill();
        let (last, _) = kept_positions(dir.path());
        let come = kept_lines(dir.path());
        firsts.push((come, last.map_or(0, |last| last + 1)));
        write(10);
        reader = Reader::start(dir.path());
    }
    let end = write(1);
    reader.wait_for(end);
    reader.kill();
    kept_lines(dir.path());
    let text = fs::read_to_string(dir.path().join("lines")).unwrap();
    let come: Vec<usize> = text.lines().map(|line| number(line).unwrap()).collect();
    firsts.insert(0, (0, 0));
    for (at, (begin, first)) in firsts.iter().enumerate() {
        let run = &come[*begin..firsts.get(at + 1).map_or(come.len(), |(begin, _)| *begin)];
        // Exactly there, and without a gap.
        assert!(
            run.iter().copied().eq(*first..*first + run.len()),
            "run {at} from {first}: {run:?}"
        );
    }
    assert_eq!(come.last(), Some(&end));
}
