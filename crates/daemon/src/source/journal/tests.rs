//! Against a real journald in its own mount and process namespaces.

use super::*;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SCRIPT: &str = r#"
set -e
J=$1
mount --make-rprivate /
mkdir -p $J/run $J/dev
for name in null zero full random urandom; do touch $J/dev/$name; mount --bind /dev/$name $J/dev/$name; done
mknod $J/dev/kmsg c 1 3
mount --bind $J/run /run
mount --rbind $J/dev /dev
mkdir -p /run/systemd/journal /run/systemd/units /run/log/journal /run/systemd/journald.conf.d
printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\n' > /run/systemd/journald.conf.d/t.conf
for daemon in /usr/lib/systemd/systemd-journald /lib/systemd/systemd-journald; do
  if [ -x $daemon ]; then $daemon >/dev/null 2>&1 & PID=$!; break; fi
done
until [ -S /run/systemd/journal/dev-log ] && [ -n "$(ls /run/log/journal)" ]; do :; done
ln -sf /run/systemd/journal/dev-log /dev/log
cp "$(command -v logger)" $J/sshd
mkfifo $J/root $J/nobody
$J/sshd -t sshd < $J/root &
setpriv --reuid=65534 --clear-groups $J/sshd -t sshd < $J/nobody &
echo ready
while read -r command; do
  case $command in rotate) kill -USR2 $PID ;; esac
  echo done
done
"#;

const JAIL: JailId = JailId(0);
const OTHER: JailId = JailId(1);

fn line_of(entry: &Entry) -> String {
    let mut line = String::new();
    entry.write_line(&mut line);
    line
}

/// A journald of our own, which ends with this value.
struct Journald {
    dir: tempfile::TempDir,
    shell: Child,
    answers: BufReader<std::process::ChildStdout>,
    root: File,
    nobody: File,
}

impl Journald {
    /// `None`, with the reason on the standard error output, where that is not possible.
    fn start() -> Option<Self> {
        let has = |tool: &str| Command::new(tool).arg("--version").output().is_ok();
        let daemon = [
            "/usr/lib/systemd/systemd-journald",
            "/lib/systemd/systemd-journald",
        ];
        let possible = daemon.iter().any(|path| Path::new(path).exists())
            && ["unshare", "setpriv", "logger"].into_iter().all(has)
            && Command::new("unshare")
                .args(["-m", "true"])
                .status()
                .is_ok_and(|status| status.success());
        if !possible {
            eprintln!(
                "SKIPPED journald: needs root, unshare, setpriv, logger and systemd-journald"
            );
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(dir.path(), open_to_all).unwrap();
        let mut shell = Command::new("unshare")
            .args([
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "sh",
                "-c",
                SCRIPT,
                "sh",
            ])
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut answers = BufReader::new(shell.stdout.take().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let open = |name: &str| {
            OpenOptions::new()
                .write(true)
                .open(dir.path().join(name))
                .unwrap()
        };
        let (root, nobody) = (open("root"), open("nobody"));
        Some(Self {
            dir,
            shell,
            answers,
            root,
            nobody,
        })
    }

    fn rotate(&mut self) {
        self.shell
            .stdin
            .as_mut()
            .unwrap()
            .write_all(b"rotate\n")
            .unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n");
    }

    /// The directory of its files.
    fn files(&self) -> PathBuf {
        let mut machines = fs::read_dir(self.dir.path().join("run/log/journal")).unwrap();
        machines.next().unwrap().unwrap().path()
    }

    /// Sends an entry of its own protocol, as root.
    fn send(&self, fields: &str) {
        let socket = self.dir.path().join("run/systemd/journal/socket");
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to(fields.as_bytes(), socket).unwrap();
    }

    fn reader(&self, sink: Recorder, stored: Option<(String, Timestamp)>) -> Journals<Recorder> {
        let place = JournalSource {
            directory: Some(self.files()),
            ..JournalSource::default()
        };
        let matches = "_SYSTEMD_UNIT=ssh.service + _COMM=sshd";
        journals(sink, wish(JAIL, place, matches, stored))
    }
}

impl Drop for Journald {
    fn drop(&mut self) {
        self.shell.kill().ok();
        self.shell.wait().ok();
    }
}

fn journals(sink: Recorder, wish: JournalWish) -> Journals<Recorder> {
    let mut journals = Journals::new(sink, now);
    journals.add(wish);
    journals
}

fn wish(
    jail: JailId,
    place: JournalSource,
    matches: &str,
    stored: Option<(String, Timestamp)>,
) -> JournalWish {
    let findtime = base::Span::from_secs(600);
    JournalWish {
        jail,
        place,
        matches: vec![matches.to_owned()],
        trusted_uids: vec![0],
        findtime,
        stored,
    }
}

fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_micros(since.as_micros() as i64)
}

#[derive(Default)]
struct Recorder {
    lines: Vec<(JailId, String)>,
    times: Vec<Timestamp>,
    refused: Vec<String>,
    states: Vec<SourceState>,
    position: Option<(String, Timestamp)>,
}

impl Sink for Recorder {
    fn opened(&mut self, _: SourceKey, _: &str, _: Encoding, jails: &[JailId]) {
        assert!(jails.contains(&JAIL) || jails == [OTHER]);
    }
    fn closed(&mut self, _: SourceKey) {}
    fn read_begins(&mut self, _: SourceKey) {}
    fn bytes(&mut self, _: SourceKey, _: &[u8]) {
        panic!("the journal has entries");
    }
    fn entry(&mut self, _: SourceKey, jail: JailId, text: &str, time: Timestamp) {
        self.lines.push((jail, text.to_owned()));
        self.times.push(time);
    }
    fn reset(&mut self, _: SourceKey) {}
    fn read_ends(&mut self, _: SourceKey, position: Option<Position>, _: bool) {
        if let Some(Position::Journal {
            jails,
            cursor,
            time,
        }) = position
            && jails.contains(&JAIL)
        {
            self.position = Some((cursor, time));
        }
    }
    fn state(&mut self, _: JailId, _: &str, kind: &'static str, standing: Standing) {
        assert_eq!(kind, "journal");
        self.states.push(standing.state);
    }
    fn notice(&mut self, _: JailId, text: &str) {
        self.refused.push(text.to_owned());
    }
    fn date_of(&mut self, _: JailId, _: &str) -> Option<Timestamp> {
        None
    }
}

/// Polls as the daemon does until there are so many lines.
fn read(reader: &mut Journals<Recorder>, count: usize) {
    let end = Instant::now() + Duration::from_secs(20);
    while reader.sink.lines.len() < count {
        assert!(
            Instant::now() < end,
            "{} of {count} lines came; {:?} {:?}",
            reader.sink.lines.len(),
            reader.sink.states,
            reader.sink.refused
        );
        std::thread::park_timeout(reader.poll_once());
    }
}

fn numbers(reader: &Journals<Recorder>, jail: JailId) -> Vec<usize> {
    let own = reader.sink.lines.iter().filter(|(owner, _)| *owner == jail);
    own.map(|(_, line)| line.rsplit(' ').next().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn only_the_service_itself_is_heard() {
    let Some(mut journald) = Journald::start() else {
        return;
    };
    let mut reader = journald.reader(Recorder::default(), None);
    journald
        .nobody
        .write_all(b"Failed password for root from 192.0.2.1\n")
        .unwrap();
    journald
        .nobody
        .write_all(b"Failed password for root from 192.0.2.2\n")
        .unwrap();
    journald
        .root
        .write_all(b"Failed password for root from 192.0.2.3\n")
        .unwrap();
    read(&mut reader, 1);
    // What the other user wrote may come later than what was written after it.
    while reader.sink.refused.is_empty() {
        std::thread::park_timeout(reader.poll_once());
    }
    journald.root.write_all(b"the end\n").unwrap();
    read(&mut reader, 2);
    let sink = &reader.sink;
    let (_, line) = &sink.lines[0];
    assert!(
        line.ends_with("]: Failed password for root from 192.0.2.3"),
        "{line}"
    );
    assert!(line.contains(" sshd["), "{line}");
    assert!(now().since(sink.times[0]).as_secs() < 60);
    assert_eq!(sink.refused.len(), 1, "told once: {:?}", sink.refused);
    assert!(sink.refused[0].contains("65534"), "{:?}", sink.refused);
    assert_eq!(sink.states[0], SourceState::CatchingUp);
    assert!(sink.states.contains(&SourceState::Following));
}

#[test]
fn rotation_and_restart_neither_lose_nor_repeat() {
    let Some(mut journald) = Journald::start() else {
        return;
    };
    let mut reader = journald.reader(Recorder::default(), None);
    let mut written = 0;
    for round in 1..=6 {
        let until = round * 500;
        let text: String = (written..until).map(|at| format!("entry {at}\n")).collect();
        journald.root.write_all(text.as_bytes()).unwrap();
        written = until;
        // In the middle of the burst, as journald gets to it.
        journald.rotate();
        if round % 3 == 0 {
            // The daemon is away for a round; it comes back with what the store has.
            let sink = std::mem::take(reader.sink_mut());
            let stored = sink.position.clone();
            reader = journald.reader(sink, stored);
        }
        if round % 2 == 0 {
            read(&mut reader, written);
        }
    }
    read(&mut reader, written);
    // Nothing more comes.
    for _ in 0..20 {
        std::thread::park_timeout(reader.poll_once());
    }
    let read = numbers(&reader, JAIL);
    assert!(read.iter().copied().eq(0..written), "{read:?}");
}

#[test]
fn a_jail_that_comes_later_gets_its_past_and_disturbs_nobody() {
    let Some(mut journald) = Journald::start() else {
        return;
    };
    let mut reader = journald.reader(Recorder::default(), None);
    journald.root.write_all(b"entry 0\nentry 1\n").unwrap();
    read(&mut reader, 2);
    let place = reader.readers[0].place.clone();
    reader.add(wish(OTHER, place, "_COMM=sshd", None));
    assert_eq!(reader.readers.len(), 1);
    journald.root.write_all(b"entry 2\n").unwrap();
    read(&mut reader, 6);
    assert_eq!(numbers(&reader, JAIL), [0, 1, 2]);
    assert_eq!(numbers(&reader, OTHER), [0, 1, 2]);
}

#[test]
fn a_journalctl_child_gives_the_same_entries() {
    let Some(mut journald) = Journald::start() else {
        return;
    };
    let mut reader = journald.reader(Recorder::default(), None);
    journald.root.write_all(b"entry 0\nentry 1\n").unwrap();
    read(&mut reader, 2);
    let mut lines: Vec<String> = Vec::new();
    let group = reader.readers[0].subscriptions[0]
        .expression
        .alternatives
        .last()
        .unwrap();
    let since = now() - base::Span::from_secs(600);
    let mut follower = child::Follower::start(&reader.readers[0].place, &[group], since).unwrap();
    let mut entry = Entry::default();
    let end = Instant::now() + Duration::from_secs(30);
    while lines.len() < 2 {
        assert!(Instant::now() < end, "only {lines:?} came");
        match follower
            .next(&reader.readers[0].wanted, &mut entry)
            .unwrap()
        {
            true => lines.push(line_of(&entry)),
            false => std::thread::park_timeout(ACTIVE),
        }
    }
    assert!(
        reader.sink.lines.iter().map(|(_, line)| line).eq(&lines),
        "{lines:?}"
    );
    let (cursor, time) = reader.sink.position.clone().unwrap();
    assert_eq!((follower.cursor(), entry.received), (cursor.as_str(), time));
}

#[test]
fn reading_once_gives_everything_and_ends() {
    let Some(mut journald) = Journald::start() else {
        return;
    };
    let mut reader = journald.reader(Recorder::default(), None);
    journald.root.write_all(b"entry 0\nentry 1\n").unwrap();
    read(&mut reader, 2);
    let place = JournalSource {
        directory: Some(journald.files()),
        ..JournalSource::default()
    };
    let (mut all, mut first) = (Vec::new(), Vec::new());
    let matches = ["SYSLOG_IDENTIFIER=sshd".to_owned()];
    let mut each = |line: &str, time: Timestamp| {
        assert!(time > now() - base::Span::from_secs(600));
        all.push(line.to_owned());
        true
    };
    read_journal(&place, &matches, &mut each).unwrap();
    let mut once = |line: &str, _| {
        first.push(line.to_owned());
        false
    };
    read_journal(&place, &matches, &mut once).unwrap();
    assert_eq!(first, all[..1]);
    assert!(reader.sink.lines.iter().map(|(_, line)| line).eq(&all));
    // journalctl by itself ends as well.
    let expression = Expression::parse(&matches).unwrap();
    let groups: Vec<&Group> = expression.alternatives.iter().collect();
    let mut child = child::Follower::start_once(&place, &groups).unwrap();
    let (mut entry, mut lines) = (Entry::default(), Vec::new());
    let wanted = entry::FIELDS.map(str::to_owned);
    while child.next_or_end(&wanted, &mut entry) {
        lines.push(line_of(&entry));
    }
    assert_eq!(lines, all);
}

#[test]
fn single_files_are_followed_through_rotation() {
    let Some(mut journald) = Journald::start() else {
        return;
    };
    // Rotated files have other names, which this pattern does not match, and are deleted.
    let place = JournalSource {
        files: vec![
            journald
                .files()
                .join("syst*m.journal")
                .display()
                .to_string(),
        ],
        ..JournalSource::default()
    };
    let mut reader = journals(Recorder::default(), wish(JAIL, place, "_COMM=sshd", None));
    let mut written = 0;
    for round in 1..=3 {
        let until = round * 400;
        let text: String = (written..until).map(|at| format!("entry {at}\n")).collect();
        journald.root.write_all(text.as_bytes()).unwrap();
        written = until;
        read(&mut reader, written);
        journald.rotate();
    }
    journald.root.write_all(b"entry 1200\n").unwrap();
    read(&mut reader, written + 1);
    assert!(numbers(&reader, JAIL).into_iter().eq(0..=written));
}

#[test]
fn journals_of_different_places_are_read_side_by_side() {
    let Some(mut journald) = Journald::start() else {
        return;
    };
    // Neither an empty file nor one that is no journal hides the others.
    fs::write(journald.files().join("empty.journal"), "").unwrap();
    fs::write(journald.files().join("user-1.journal"), "no journal").unwrap();
    let mut reader = journald.reader(Recorder::default(), None);
    let system_only = JournalSource {
        directory: Some(journald.files()),
        flags: 4,
        ..JournalSource::default()
    };
    reader.add(wish(OTHER, system_only, "_COMM=sshd", None));
    let none = JournalSource {
        namespace: Some("stockade-none".into()),
        ..JournalSource::default()
    };
    reader.add(wish(JailId(2), none, "_COMM=sshd", None));
    assert_eq!(reader.readers.len(), 3);
    journald.root.write_all(b"entry 0\nentry 1\n").unwrap();
    read(&mut reader, 4);
    journald.rotate();
    journald.root.write_all(b"entry 2\n").unwrap();
    read(&mut reader, 6);
    assert_eq!(numbers(&reader, JAIL), [0, 1, 2]);
    assert_eq!(numbers(&reader, OTHER), [0, 1, 2]);
    let missing = &reader.readers[2].states[&JailId(2)];
    assert_eq!(missing.state, SourceState::Waiting);
}

#[test]
fn entries_are_lines_as_fail2ban_makes_them() {
    let Some(journald) = Journald::start() else {
        return;
    };
    let place = JournalSource {
        directory: Some(journald.files()),
        ..JournalSource::default()
    };
    journald.send("KIND=one\nSYSLOG_IDENTIFIER=app\nSYSLOG_PID=7\nMESSAGE=first\nMESSAGE=second\n");
    journald.send("KIND=no\nKIND=two\nSYSLOG_IDENTIFIER=kernel\nSYSLOG_PID=8\nMESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n");
    journald.send("KIND=three\nSYSLOG_IDENTIFIER=app\nMESSAGE=foreign\n");
    let expression = Expression::parse(&["KIND=one KIND=two".to_owned()]).unwrap();
    let groups: Vec<&Group> = expression.alternatives.iter().collect();
    let mut feed = Feed::open(&place, &groups, now() - base::Span::from_secs(600)).unwrap();
    let wanted: Vec<String> = entry::FIELDS
        .into_iter()
        .chain(["KIND"])
        .map(str::to_owned)
        .collect();
    let mut entry = Entry::default();
    let mut lines: Vec<String> = Vec::new();
    let end = Instant::now() + Duration::from_secs(20);
    while lines.len() < 2 {
        assert!(Instant::now() < end, "only {lines:?} came");
        match feed.next(&wanted, &mut entry).unwrap() {
            true => {
                assert!(expression.matching(&entry).is_some());
                lines.push(line_of(&entry));
            }
            false => {
                std::thread::park_timeout(ACTIVE);
                feed.process().unwrap();
            }
        }
    }
    // Seconds since the machine's start stand before what the kernel says.
    let (head, message) = lines[1].split_once(": [").unwrap();
    assert!(head.ends_with(" kernel[8]"), "{lines:?}");
    let (seconds, message) = message.split_once("] ").unwrap();
    assert_eq!((seconds.len().max(12), message), (seconds.len(), "a\\nb"));
    assert!(seconds.trim().parse::<f64>().unwrap() > 1.0);
}

#[test]
fn without_a_journal_it_waits() {
    let dir = tempfile::tempdir().unwrap();
    let none = JournalSource {
        directory: Some(dir.path().join("none")),
        ..JournalSource::default()
    };
    let mut reader = journals(
        Recorder::default(),
        wish(JAIL, none.clone(), "_COMM=sshd", None),
    );
    assert!(reader.poll_once() > Duration::ZERO);
    reader.poll_once();
    assert_eq!(reader.sink.states, [SourceState::Waiting]);
    reader.add(wish(OTHER, none, "sshd", None));
    assert!(matches!(
        reader.sink.states.last(),
        Some(SourceState::Error(_))
    ));
}
