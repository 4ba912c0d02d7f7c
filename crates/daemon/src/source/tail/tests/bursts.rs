//! Twelve thousand numbered lines through every kind of rotation, with crashes.
//!
//! The log is written and rotated while the reader gets to look only now and then, so that most of what happens to the
//! files happens unseen. What must hold:
//! - within one run every line comes once and in order;
//! - after a crash reading goes on at the last checkpoint: what came behind it comes once more, nothing before it does;
//! - no line is missing but those that no file held when there was a reader: written between the copying of a log and
//!   its emptying, or in a file that was deleted while nobody had it open.

use super::*;
use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Renamed, and a new one made.
    Rename,
    /// Copied, and emptied.
    CopyTruncate,
    /// Renamed, compressed and deleted.
    Gzip,
    /// Renamed to a name that the jail's glob matches too.
    IntoGlob,
    /// Copied to such a name, and emptied.
    CopyIntoGlob,
    /// Deleted, and a new one made.
    Delete,
    /// A symlink is led to a new file.
    Symlink,
}

const KINDS: [Kind; 7] = [
    Kind::Rename,
    Kind::CopyTruncate,
    Kind::Gzip,
    Kind::IntoGlob,
    Kind::CopyIntoGlob,
    Kind::Delete,
    Kind::Symlink,
];
const LINES: usize = 12_000;
/// Histories of each kind.
const SEEDS: u64 = 4;

/// Where the lines between two rotations stand.
struct Part {
    /// The first line.
    from: usize,
    /// No name leads to it any more, nor to a copy of it.
    is_gone: bool,
}

struct History {
    kind: Kind,
    seed: u64,
    dir: tempfile::TempDir,
    tail: Option<Tail<Recorder>>,
    writer: File,
    written: usize,
    parts: Vec<Part>,
    /// Positions, and the first line behind them.
    checkpoint: Option<(Recorder, usize)>,
    /// For each run, where its lines begin among those that came, and the first line that it may give.
    runs: Vec<(usize, usize)>,
    lost: BTreeSet<usize>,
    rotations: u64,
    losses: u64,
}

impl History {
    fn new(kind: Kind, seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let writer = File::create(dir.path().join("first")).unwrap();
        let mut history = Self {
            kind,
            seed,
            dir,
            tail: None,
            writer,
            written: 0,
            parts: Vec::new(),
            checkpoint: None,
            runs: vec![(0, 0)],
            lost: BTreeSet::new(),
            rotations: 0,
            losses: 0,
        };
        history.new_log();
        history.start(Recorder::default());
        history
    }

    /// A number below the bound, from the seed.
    fn any(&mut self, bound: u64) -> u64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % bound
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The log under its own name, or the link.
    fn log(&self) -> PathBuf {
        self.path(if self.kind == Kind::Symlink {
            "link"
        } else {
            "app.log"
        })
    }

    fn start(&mut self, mut sink: Recorder) {
        let globs = [Kind::IntoGlob, Kind::CopyIntoGlob];
        let pattern = match globs.contains(&self.kind) {
            true => self.path("app.log*"),
            false => self.log(),
        };
        let mut wish = wish(JAIL, &pattern);
        wish.stored = sink.stored(JAIL);
        sink.streams.clear();
        sink.reading = None;
        self.tail = Some(Tail::new(vec![wish], sink, now).unwrap());
        self.settle();
    }

    fn sink(&self) -> &Recorder {
        &self.tail.as_ref().unwrap().sink
    }

    fn come(&self) -> Vec<usize> {
        let lines = self.sink().lines.get(&JAIL).into_iter().flatten();
        lines.map(|line| number(line)).collect()
    }

    fn settle(&mut self) {
        let tail = self.tail.as_mut().unwrap();
        tail.next_look = Instant::now();
        settle(tail);
    }

    /// The reader gets a turn or not.
    fn perhaps_look(&mut self) {
        if self.any(3) == 0 {
            self.tail
                .as_mut()
                .unwrap()
                .poll_once(Duration::ZERO)
                .unwrap();
        }
        if self.any(4) == 0 && !self.sink().positions.is_empty() {
            let next = self.come().last().map_or(0, |last| last + 1);
            let positions = self.sink().positions.clone();
            let kept = Recorder {
                positions,
                ..Recorder::default()
            };
            self.checkpoint = Some((kept, next));
        }
    }

    fn write(&mut self, count: usize) {
        for _ in 0..count {
            let text = format!(
                "line {} of the log, long enough to be told apart\n",
                self.written
            );
            let (one, other) = text.split_at(self.any(text.len() as u64) as usize);
            // A line may stand incomplete for a moment.
            self.writer.write_all(one.as_bytes()).unwrap();
            if self.any(100) == 0 {
                self.perhaps_look();
            }
            self.writer.write_all(other.as_bytes()).unwrap();
            self.written += 1;
        }
    }

    fn new_log(&mut self) {
        // Files are told apart by when they were made, which the file system notes by its own coarse clock.
        self.wait_for_a_tick();
        let serial = self.parts.len();
        let path = match self.kind {
            Kind::Symlink => self.path(&format!("target{serial}")),
            _ => self.log(),
        };
        let open = OpenOptions::new().append(true).create_new(true).open(&path);
        self.writer = open.unwrap();
        if self.kind == Kind::Symlink {
            symlink(&path, self.path("new")).unwrap();
            fs::rename(self.path("new"), self.log()).unwrap();
        }
        self.begin_part();
    }

    fn begin_part(&mut self) {
        let (from, is_gone) = (self.written, false);
        self.parts.push(Part { from, is_gone });
    }

    fn wait_for_a_tick(&self) {
        let born = |path: PathBuf| {
            let file = File::create(&path).unwrap();
            let created = file.metadata().unwrap().created().ok();
            fs::remove_file(path).unwrap();
            created
        };
        let first = born(self.path("tick"));
        while first.is_some() && born(self.path("tick")) <= first {}
    }

    fn rotate(&mut self) {
        // What comes and goes between two looks is nobody's: the log was seen before it is rotated.
        self.settle();
        // Once more than is read in one round, so that the old file is still being read when the new one is there.
        if self.rotations == 1 {
            self.write_unseen(6_000);
        }
        let count = self.any(300) as usize;
        self.write(count);
        self.perhaps_look();
        self.rotations += 1;
        let log = self.log();
        let serial = self.parts.len();
        let old = self.path(&format!("app.log.{serial}"));
        match self.kind {
            Kind::Rename | Kind::IntoGlob => {
                fs::rename(&log, old).unwrap();
                if self.any(2) == 0 {
                    // The writer has not noticed yet.
                    self.write(20);
                }
            }
            Kind::Gzip => {
                fs::rename(&log, &old).unwrap();
                self.write(20);
                self.perhaps_look();
                let compressed = self.path(&format!("app.log.{serial}.gz"));
                fs::copy(&old, compressed).unwrap();
                fs::remove_file(old).unwrap();
                self.parts.last_mut().unwrap().is_gone = true;
            }
            Kind::Delete => {
                fs::remove_file(&log).unwrap();
                self.write(20);
                self.parts.last_mut().unwrap().is_gone = true;
            }
            Kind::Symlink => {}
            Kind::CopyTruncate | Kind::CopyIntoGlob => {
                self.wait_for_a_tick();
                self.copy_truncate(&log, &old);
                return self.begin_part();
            }
        }
        self.new_log();
    }

    fn copy_truncate(&mut self, log: &Path, old: &Path) {
        // As `cp` does it: in pieces, and somebody may look in between.
        let content = fs::read(log).unwrap();
        let mut copy = File::create(old).unwrap();
        for piece in content.chunks(content.len() / 3 + 1) {
            copy.write_all(piece).unwrap();
            self.perhaps_look();
        }
        let copied = self.written;
        let gap = self.any(3) as usize * 5;
        self.write(gap);
        self.perhaps_look();
        // What was not read by now and is not in the copy is lost.
        let next = self.come().last().map_or(0, |last| last + 1);
        let gone = copied.max(next)..self.written;
        self.losses += u64::from(!gone.is_empty());
        self.lost.extend(gone);
        let emptied = OpenOptions::new().write(true).truncate(true).open(log);
        drop(emptied.unwrap());
    }

    /// `kill -9`, and a start some time and perhaps a rotation later.
    fn crash(&mut self) {
        let Some((kept, next)) = &self.checkpoint else {
            return;
        };
        let (positions, next) = (kept.positions.clone(), *next);
        let come = self.come();
        let mut sink = std::mem::take(self.tail.take().unwrap().sink_mut());
        let delivered: BTreeSet<usize> = come.iter().copied().collect();
        let count = self.any(50) as usize;
        self.write_unseen(count);
        let current = self.parts.len() - 1;
        // Files that nobody holds open now and no name leads to; of a link's targets only the one that was being read
        // is known by its content.
        let known = self
            .parts
            .iter()
            .rposition(|part| part.from < next.max(1))
            .unwrap_or(0);
        for at in 0..current {
            let is_known = self.kind != Kind::Symlink || at == known;
            if self.parts[at].is_gone || !is_known {
                let lines = self.parts[at].from..self.parts[at + 1].from;
                self.lost
                    .extend(lines.filter(|line| !delivered.contains(line)));
            }
        }
        sink.positions = positions;
        self.runs.push((come.len(), next));
        self.start(sink);
    }

    fn write_unseen(&mut self, count: usize) {
        for _ in 0..count {
            let text = format!(
                "line {} of the log, long enough to be told apart\n",
                self.written
            );
            self.writer.write_all(text.as_bytes()).unwrap();
            self.written += 1;
        }
    }

    fn check(&mut self) {
        self.settle();
        let come = self.come();
        for (at, (begin, first)) in self.runs.iter().enumerate() {
            let end = self
                .runs
                .get(at + 1)
                .map_or(come.len(), |(begin, _)| *begin);
            let run = &come[*begin..end];
            let back = run.windows(2).find(|pair| pair[0] >= pair[1]);
            let twice = back
                .is_some_and(|pair| come[..].iter().filter(|line| **line == pair[1]).count() > 1);
            let parts: Vec<usize> = self.parts.iter().map(|part| part.from).collect();
            assert_eq!(
                back, None,
                "run {at}: not in order, twice: {twice}, parts {parts:?}"
            );
            assert!(
                run.first().is_none_or(|line| line >= first),
                "run {at}: before the checkpoint {first}"
            );
        }
        let come: BTreeSet<usize> = come.into_iter().collect();
        let missing: Vec<usize> = (0..self.written)
            .filter(|line| !come.contains(line) && !self.lost.contains(line))
            .collect();
        assert_eq!(missing, [0_usize; 0], "of {}", self.written);
    }
}

fn number(line: &str) -> usize {
    line.split(' ').nth(1).unwrap().parse().unwrap()
}

fn history(kind: Kind, crashes: bool, seed: u64) {
    // A failure tells the history that led to it.
    println!("{kind:?}, crashes: {crashes}, seed {seed}");
    let mut history = History::new(kind, seed);
    while history.written < LINES {
        let count = history.any(600) as usize;
        history.write(count);
        history.perhaps_look();
        if history.any(3) > 0 {
            history.rotate();
        }
        if crashes && history.any(4) == 0 {
            history.crash();
        }
    }
    history.check();
    assert!(history.rotations > 0);
    if !crashes {
        let path = history.log().display().to_string();
        let counted = history.sink().states[&(JAIL, path)].truncations;
        let copies = [Kind::CopyTruncate, Kind::CopyIntoGlob].contains(&kind);
        assert_eq!(counted, if copies { history.rotations } else { 0 });
        assert!(counted >= history.losses, "{} losses", history.losses);
        assert!(copies || history.lost.is_empty());
    }
}

#[test]
fn every_line_of_every_rotation_comes_once() {
    for kind in KINDS {
        (0..SEEDS).for_each(|seed| history(kind, false, seed));
    }
}

#[test]
fn after_a_crash_lines_come_from_the_checkpoint_on() {
    for kind in KINDS {
        (0..SEEDS).for_each(|seed| history(kind, true, seed));
    }
}
