//! The journal through a `journalctl` child, for binaries that cannot load libsystemd.
//!
//! Slower than the library by the quarter of a second in which journald announces changes, and in memory bounded by
//! a short queue: a child whose output is not taken waits.

use super::entry::Entry;
use super::expression::Group;
use crate::source::journal::JournalSource;
use base::Timestamp;
use serde_json::{Map, Value};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

/// Entries that wait to be taken at most.
const QUEUE: usize = 256;
/// The longest entry; what is longer is passed over.
const LONGEST: u64 = 1024 * 1024;

/// A running `journalctl`.
pub(super) struct Follower {
    child: Child,
    lines: Receiver<Vec<u8>>,
    cursor: String,
}

impl Follower {
    /// Starts it for what the alternatives ask for, from a time on.
    pub(super) fn start(
        place: &JournalSource,
        groups: &[&Group],
        since: Timestamp,
    ) -> io::Result<Self> {
        let mut command = Command::new("journalctl");
        command.args(["--follow", "--no-tail"]);
        command.arg(format!("--since=@{}", since.as_secs()));
        command.args(options_of(place));
        Self::run(command, groups)
    }

    /// Starts it for everything that is there.
    pub(super) fn start_once(place: &JournalSource, groups: &[&Group]) -> io::Result<Self> {
        let mut command = Command::new("journalctl");
        command.args(options_of(place));
        Self::run(command, groups)
    }

    fn run(mut command: Command, groups: &[&Group]) -> io::Result<Self> {
        command.args(["--output=json", "--all", "--quiet", "--no-pager"]);
        for (at, group) in groups.iter().enumerate() {
            command.args((at > 0).then_some("+"));
            command.args(group.terms());
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = child
            .stdout
            .take()
            .ok_or_else(|| io::Error::other("journalctl has no output"))?;
        let (sender, lines) = sync_channel(QUEUE);
        thread::Builder::new()
            .name("journalctl".into())
            .spawn(move || {
                let mut output = BufReader::new(output);
                while let Ok(Some(line)) = next_line(&mut output) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            })?;
        Ok(Self {
            child,
            lines,
            cursor: String::new(),
        })
    }

    pub(super) fn next(&mut self, wanted: &[String], entry: &mut Entry) -> Result<bool, String> {
        loop {
            match self.lines.try_recv() {
                Ok(line) => {
                    if let Some(cursor) = fill(&line, wanted, entry) {
                        self.cursor = cursor;
                        return Ok(true);
                    }
                }
                Err(TryRecvError::Empty) => return Ok(false),
                Err(TryRecvError::Disconnected) => return Err("journalctl has ended".into()),
            }
        }
    }

    /// As `next`, but waits for the next entry; false at the end of the journal.
    pub(super) fn next_or_end(&mut self, wanted: &[String], entry: &mut Entry) -> bool {
        while let Ok(line) = self.lines.recv() {
            if fill(&line, wanted, entry).is_some() {
                return true;
            }
        }
        false
    }

    pub(super) fn cursor(&self) -> &str {
        &self.cursor
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What `journalctl` calls the place.
fn options_of(place: &JournalSource) -> Vec<OsString> {
    let option = |name: &str, value: &OsStr| {
        let mut option = OsString::from(name);
        option.push(value);
        option
    };
    let mut options: Vec<OsString> = Vec::new();
    options.extend(
        place
            .directory
            .iter()
            .map(|directory| option("--directory=", directory.as_ref())),
    );
    options.extend(
        place
            .files
            .iter()
            .map(|file| option("--file=", file.as_ref())),
    );
    options.extend(
        place
            .namespace
            .iter()
            .map(|name| option("--namespace=", name.as_ref())),
    );
    let is_whole = place.directory.is_none() && place.files.is_empty();
    for (flag, text) in [
        (2, "--directory=/run/log/journal"),
        (4, "--system"),
        (8, "--user"),
    ] {
        if place.flags & flag != 0 && (flag != 2 || is_whole) {
            options.push(text.into());
        }
    }
    options
}

/// The next line that is not too long.
fn next_line(output: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    loop {
        let mut line = Vec::new();
        if output.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if line.last() == Some(&b'\n') {
            return Ok(Some(line));
        }
        output.skip_until(b'\n')?;
    }
}

/// Makes an entry of a line of JSON and gives its cursor; `None` if it is no entry.
fn fill(line: &[u8], wanted: &[String], entry: &mut Entry) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_slice(line).ok()?;
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let received = text("__REALTIME_TIMESTAMP")?.parse().ok()?;
    entry.clear(Timestamp::from_micros(received));
    for name in wanted {
        match object.get(name) {
            // Several values, each of which may be a list of bytes.
            Some(Value::Array(items)) if !items.iter().all(Value::is_u64) => {
                let values = items.iter().filter_map(bytes);
                values.for_each(|value| entry.set(name, &value));
            }
            Some(value) => bytes(value)
                .into_iter()
                .for_each(|value| entry.set(name, &value)),
            None => {}
        }
    }
    text("__CURSOR").map(str::to_owned)
}

/// A value is a text, or a list of bytes if it is none.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.clone().into_bytes()),
        Value::Array(items) => {
            let byte = |item: &Value| u8::try_from(item.as_u64()?).ok();
            items.iter().map(byte).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_json_is_an_entry() {
        let wanted = ["MESSAGE", "_UID", "_COMM", "A"].map(str::to_owned);
        let mut entry = Entry::default();
        let line = br#"{"__CURSOR":"s=1","__REALTIME_TIMESTAMP":"1000001","MESSAGE":[104,105,255],"_UID":"0","A":["x","y"],"B":"z","_COMM":null}"#;
        assert_eq!(fill(line, &wanted, &mut entry).as_deref(), Some("s=1"));
        assert_eq!(entry.received, Timestamp::from_micros(1_000_001));
        assert_eq!(entry.get("MESSAGE"), Some(&b"hi\xff"[..]));
        assert_eq!(entry.text("_UID"), Some("0"));
        assert!(entry.values("A").eq([&b"x"[..], b"y"]));
        assert_eq!((entry.get("B"), entry.get("_COMM")), (None, None));
        assert_eq!(fill(b"no json", &wanted, &mut entry), None);
        assert_eq!(fill(b"{}", &wanted, &mut entry), None);
    }

    #[test]
    fn places_have_options() {
        let check = |place: JournalSource, expected: &[&str]| {
            assert_eq!(options_of(&place), expected, "{place:?}");
        };
        let plain = JournalSource::default;
        check(plain(), &[]);
        let directory = Some("/j".into());
        check(
            JournalSource {
                directory,
                flags: 6,
                ..plain()
            },
            &["--directory=/j", "--system"],
        );
        let files = vec!["/a*".into(), "/b".into()];
        check(
            JournalSource { files, ..plain() },
            &["--file=/a*", "--file=/b"],
        );
        let namespace = Some("n".into());
        check(
            JournalSource {
                namespace,
                flags: 8,
                ..plain()
            },
            &["--namespace=n", "--user"],
        );
        check(
            JournalSource {
                flags: 2,
                ..plain()
            },
            &["--directory=/run/log/journal"],
        );
    }

    #[test]
    fn a_line_too_long_is_passed_over() {
        let text = format!("{}\nnext\n", "x".repeat(LONGEST as usize + 5));
        let mut output = text.as_bytes();
        assert_eq!(
            next_line(&mut output).unwrap().as_deref(),
            Some(&b"next\n"[..])
        );
        assert_eq!(next_line(&mut output).unwrap(), None);
    }
}
