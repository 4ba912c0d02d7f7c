//! Random histories of log files against what must have been read.
//!
//! Two writers: one's log is rotated, copied, truncated and deleted under the names that a literal path and a glob
//! follow; the other's is reached through a symlink that is switched. After each step everything is read, so that
//! the expected order is that in which the lines were completed.

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

#[derive(Clone, Debug)]
enum Step {
    /// Complete lines, many of them perhaps.
    Write {
        linked: bool,
        count: usize,
    },
    /// The beginning of a line, which a later write completes.
    Begin {
        linked: bool,
    },
    /// The log is renamed; its writer goes on in it.
    Rename,
    /// The writer opens its log anew, without any break since the rename perhaps.
    Reopen,
    /// Rename and re-creation before anybody looks, then a last line in the old one.
    Rotate,
    /// A copy is made and the log truncated.
    CopyTruncate,
    /// The log is emptied and written beyond its former size before anybody looks.
    Refill,
    Delete,
    /// The symlink leads to a new file at once.
    Switch,
    /// The daemon starts again from its stored positions.
    Restart,
    /// The log is written and rotated, by renaming or copying, while the daemon is away.
    RotateUnseen {
        copied: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (any::<bool>(), 1..4_usize).prop_map(|(linked, count)| Step::Write { linked, count }),
        1 => any::<bool>().prop_map(|linked| Step::Write { linked, count: 6_000 }),
        3 => any::<bool>().prop_map(|linked| Step::Begin { linked }),
        2 => Just(Step::Rename),
        2 => Just(Step::Reopen),
        2 => Just(Step::Rotate),
        2 => Just(Step::CopyTruncate),
        1 => Just(Step::Refill),
        1 => Just(Step::Delete),
        2 => Just(Step::Switch),
        2 => Just(Step::Restart),
        2 => any::<bool>().prop_map(|copied| Step::RotateUnseen { copied }),
    ]
}

const LITERAL: JailId = JailId(0);
const GLOB: JailId = JailId(1);
const LINK: JailId = JailId(2);

struct World {
    dir: tempfile::TempDir,
    tail: Option<Tail<Recorder>>,
    /// The rotated log and the linked one.
    writers: [Writer; 2],
    serial: usize,
    /// Lines of each writer that were compared.
    checked: [usize; 3],
}

#[derive(Default)]
struct Writer {
    file: Option<File>,
    partial: String,
    expected: Vec<String>,
}

impl Writer {
    fn open(&mut self, path: &Path) {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .unwrap();
        if file.metadata().unwrap().len() == 0 {
            // A line that was begun in another file is never completed.
            self.partial.clear();
        }
        self.file = Some(file);
    }

    fn write(&mut self, text: &str) {
        self.file
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        self.partial.push_str(text);
        while let Some(end) = self.partial.find('\n') {
            let line: String = self.partial.drain(..=end).collect();
            self.expected.push(line.trim_end().to_owned());
        }
    }
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut world = Self {
            dir,
            tail: None,
            writers: Default::default(),
            serial: 0,
            checked: [0; 3],
        };
        world.step(&Step::Switch);
        world.start(Recorder::default());
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn log(&self) -> PathBuf {
        self.path("app.log")
    }

    fn next(&mut self) -> usize {
        self.serial += 1;
        self.serial
    }

    fn start(&mut self, mut sink: Recorder) {
        let patterns = [(LITERAL, "app.log"), (GLOB, "app.*"), (LINK, "link")];
        let wishes = patterns.map(|(jail, name)| {
            let mut wish = wish(jail, &self.path(name));
            wish.stored = sink.stored(jail);
            wish
        });
        sink.streams.clear();
        self.tail = Some(Tail::new(wishes.into(), sink, now).unwrap());
    }

    fn text(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| {
                format!(
                    "line number {}, long enough to be told apart\n",
                    self.next()
                )
            })
            .collect()
    }

    fn writer(&mut self, linked: bool) -> &mut Writer {
        let path = self.log();
        let writer = &mut self.writers[usize::from(linked)];
        if writer.file.is_none() {
            writer.open(&path);
        }
        writer
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Write { linked, count } => {
                let text = self.text(count);
                self.writer(linked).write(&text);
            }
            Step::Begin { linked } => {
                let text = self.text(1);
                self.writer(linked).write(&text[..20]);
            }
            Step::Rename => self.rename(),
            Step::Reopen => {
                let path = self.log();
                self.writers[0].open(&path);
            }
            Step::Rotate => {
                self.writer(false);
                // A log that comes and goes between two looks is nobody's.
                self.tail.as_mut().map(settle);
                let unread = self.text(2);
                self.writer(false).write(&unread);
                self.rename();
                let path = self.log();
                self.writers[0].open(&path);
                let text = self.text(2);
                self.writers[0].write(&text);
            }
            Step::CopyTruncate => self.copy_truncate(),
            Step::RotateUnseen { copied } => {
                self.forget_lost_file();
                // A file without a complete line cannot be recognised.
                let text = self.text(1);
                self.writer(false).write(&text);
                self.settle();
                let sink = std::mem::take(self.tail.take().unwrap().sink_mut());
                let unread = self.text(2);
                self.writer(false).write(&unread);
                if copied {
                    self.copy_truncate();
                } else {
                    self.rename();
                    let path = self.log();
                    self.writers[0].open(&path);
                }
                let text = self.text(2);
                self.writer(false).write(&text);
                self.start(sink);
            }
            Step::Refill => {
                self.writer(false);
                let size = fs::metadata(self.log()).map_or(0, |metadata| metadata.len()) as usize;
                if self.log().exists() && size < 100_000 {
                    self.truncate();
                    let text = self.text(1 + size / 40);
                    self.writer(false).write(&text);
                }
            }
            Step::Delete => {
                if self.log().exists() {
                    fs::remove_file(self.log()).unwrap();
                }
            }
            Step::Switch => {
                let serial = self.next();
                let target = self.path(&format!("target{serial}"));
                self.writers[1].open(&target);
                symlink(target.file_name().unwrap(), self.path("new")).unwrap();
                fs::rename(self.path("new"), self.path("link")).unwrap();
            }
            Step::Restart => {
                let sink = std::mem::take(self.tail.as_mut().unwrap().sink_mut());
                // What is written to a file that lost its name is not read after a restart.
                self.forget_lost_file();
                self.start(sink);
            }
        }
        self.settle();
    }

    fn settle(&mut self) {
        let unlinked = self
            .writers
            .iter()
            .filter_map(|writer| writer.file.as_ref())
            .any(|file| {
                use std::os::unix::fs::MetadataExt;
                file.metadata().unwrap().nlink() == 0
            });
        if let Some(tail) = &mut self.tail {
            if unlinked {
                // Nothing reports what is written to a deleted file: the regular look finds it.
                tail.next_look = Instant::now();
            }
            settle(tail);
        }
    }

    fn copy_truncate(&mut self) {
        let copy = self.path(&format!("app.log.{}", self.serial));
        self.writer(false);
        if fs::copy(self.log(), copy).is_ok() {
            self.truncate();
        }
    }

    fn rename(&mut self) {
        let serial = self.next();
        let to = self.path(&format!("app.log.{serial}"));
        if self.log().exists() {
            fs::rename(self.log(), to).unwrap();
        }
    }

    /// Empties the log, if it is the one that its writer has.
    fn truncate(&mut self) {
        self.forget_lost_file();
        let log = OpenOptions::new()
            .write(true)
            .truncate(true)
            .open(self.log())
            .unwrap();
        drop(log);
        self.writers[0].partial.clear();
    }

    fn forget_lost_file(&mut self) {
        use std::os::unix::fs::MetadataExt;
        let named = fs::metadata(self.log()).map(|metadata| metadata.ino()).ok();
        let own = self.writers[0]
            .file
            .as_ref()
            .map(|file| file.metadata().unwrap().ino());
        if named != own {
            self.writers[0].file = None;
            self.writers[0].partial.clear();
        }
    }

    fn check(&mut self) {
        let lines = &self.tail.as_ref().unwrap().sink.lines;
        for (at, (jail, writer)) in [(LITERAL, 0), (GLOB, 0), (LINK, 1)].into_iter().enumerate() {
            let from = self.checked[at];
            let read = lines.get(&jail).map_or(&[][..], |lines| &lines[from..]);
            let expected = &self.writers[writer].expected[from..];
            let differs = read
                .iter()
                .zip(expected)
                .position(|(one, other)| one != other);
            assert_eq!(differs, None, "jail {jail:?}: other line, {read:?}");
            assert_eq!(
                read.len(),
                expected.len(),
                "jail {jail:?}: {:?}",
                &read[read.len().saturating_sub(3)..]
            );
            self.checked[at] += read.len();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_line_is_read_once_and_in_order(steps in prop::collection::vec(step(), 1..40)) {
        let mut world = World::new();
        for step in &steps {
            world.step(step);
            world.check();
        }
    }
}
