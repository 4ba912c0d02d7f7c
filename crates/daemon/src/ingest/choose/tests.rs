//! Which source a jail gets, and when it changes over.

use super::*;
use crate::ingest::shards::{Shards, Way};
use crate::plan::{Surroundings, compile};
use crate::source::tail::Tail;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A chooser for one jail with a log file and a match in a journal that is there.
struct World {
    dir: TempDir,
    chooser: Chooser,
    files: Receiver<FileWish>,
    entries: Receiver<JournalWish>,
    said: Receiver<Message>,
}

const JAIL: JailId = JailId(0);

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("filter.d")).unwrap();
        let filter =
            "[Definition]\nfailregex = ^bad <HOST>$\njournalmatch = _SYSTEMD_UNIT=x.service\n";
        fs::write(at("filter.d/one.conf"), filter).unwrap();
        let jail = format!(
            "[one]\nenabled = true\nfilter = one\nlogpath = {}\n",
            at("log").display()
        );
        fs::write(at("jail.conf"), jail).unwrap();
        fs::write(at("log"), "an old line\n").unwrap();
        let ago = SystemTime::now() - Duration::from_secs(7200);
        fs::File::options()
            .write(true)
            .open(at("log"))
            .unwrap()
            .set_modified(ago)
            .unwrap();
        let tree = conf::Tree::find(&crate::DiskFiles, Some(dir.path()), conf::Manner::Stockade);
        let (config, _) = conf::load(&crate::DiskFiles, &tree, conf::Choice::Enabled);
        let around = Surroundings::of_this_machine(clock::now());
        let plan = compile(config, &around, &mut Vec::new());
        let jails: Arc<[Jail]> = plan.jails.into();
        assert_eq!(jails.len(), 1);
        let (file_sender, file_wishes) = channel();
        let (entry_sender, entries) = channel();
        let (hub, said) = channel();
        let gate = Gate::new(100);
        let ears = Arc::new(Ears::new(1));
        let ingest = super::super::Ingest::new(
            Arc::clone(&jails),
            hub.clone(),
            gate.clone(),
            jiff::tz::TimeZone::UTC,
            Arc::clone(&ears),
            Default::default(),
        );
        let tail = Tail::new(Vec::new(), ingest, clock::now).unwrap();
        let way = Way {
            wishes: file_sender,
            waker: tail.waker(),
        };
        let files = Ways {
            shards: Shards::of(&jails),
            ways: vec![way],
        };
        let chooser = Chooser {
            jails,
            undecided: Vec::new(),
            listening: Vec::new(),
            positions: Positions::default(),
            journal: Some(dir.path().to_owned()),
            files,
            entries: entry_sender,
            hub,
            gate,
            ears,
        };
        Self {
            dir,
            chooser,
            files: file_wishes,
            entries,
            said,
        }
    }

    fn log(&self, line: &str) {
        let path = self.dir.path().join("log");
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        writeln!(file, "{line}").unwrap();
    }

    fn look(&mut self, times: u32) {
        for _ in 0..times {
            self.chooser.look();
        }
    }
}

#[test]
fn a_service_that_logs_to_a_file_only_is_found_there() {
    let mut world = World::new();
    world.chooser.begin();
    let wish = world.entries.try_recv().unwrap();
    assert_eq!(wish.trusted_uids, [0]);
    world.look(10);
    assert!(world.files.try_recv().is_err(), "nothing was written");
    world.log("bad 192.0.2.1");
    world.look(SILENT_LOOKS);
    assert!(world.files.try_recv().is_err(), "the journal may be late");
    world.look(1);
    let wish = world.files.try_recv().unwrap();
    let [mark] = wish.marks.as_slice() else {
        panic!("{:?}", wish.marks)
    };
    // What was written since the choice is read, and nothing before.
    assert_eq!(mark.offset, "an old line\n".len() as u64);
    assert!(!world.chooser.ears.hears(JAIL), "both would count twice");
    let left = |message: Message| matches!(message, Message::Read(batch) if matches!(batch.said.as_slice(), [Read::Left { kind: "journal", .. }]));
    assert!(world.said.try_iter().any(left));
    assert!(world.chooser.is_done());
}

#[test]
fn what_the_journal_says_too_is_not_read_twice() {
    let mut world = World::new();
    world.chooser.begin();
    // First in the file, then in both, a little late.
    for late in 0..=SILENT_LOOKS {
        world.log("bad 192.0.2.1");
        world.look(late);
        assert!(world.chooser.ears.hears(JAIL));
        world.look(1);
    }
    world.look(10);
    assert!(world.files.try_recv().is_err());
    // The journal falls silent for good, such as by a change of the service's own log settings.
    world.log("bad 192.0.2.2");
    world.look(SILENT_LOOKS + 1);
    let wish = world.files.try_recv().unwrap();
    let heard = "an old line\n".len() + 3 * "bad 192.0.2.1\n".len();
    assert_eq!(wish.marks[0].offset, heard as u64);
}

#[test]
fn a_file_that_was_written_lately_is_chosen_at_once() {
    let mut world = World::new();
    world.log("bad 192.0.2.1");
    world.chooser.begin();
    assert!(world.files.try_recv().is_ok());
    assert!(world.entries.try_recv().is_err());
    assert!(world.chooser.is_done());
}
