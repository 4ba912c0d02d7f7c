//! Which thread reads for a jail (contract 13).
//!
//! A jail has one source: the journal if it has a match there and journald runs, unless one of its log files was
//! written within the last hour. A jail that has neither yet waits, and is looked at again every second. A jail on the
//! journal whose files come to life while the journal says nothing of it changes over to them: many a service has a
//! unit and logs to files only, and one that had nothing to log for an hour must not go unguarded for ever.

use super::ears::Ears;
use super::shards::Ways;
use crate::clock;
use crate::gate::Gate;
use crate::hub::{Batch, Message, Read};
use crate::plan::{Backend, Jail, trusted_uids, units};
use crate::source::journal::JournalSource;
use crate::source::tail::{expand, first_line_hash};
use crate::source::{FileWish, JournalWish, SourceState, Standing};
use base::{Span, Timestamp};
use engine::JailId;
use os::Users;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::UNIX_EPOCH;
use store::{JournalPosition, LogPosition};

/// A log file that was written so lately is where the service logs.
const LATELY: Span = Span::from_secs(3600);
const JOURNALD: &str = "/run/systemd/journal/socket";
/// Looks, a second apart, that the journal is given to say what a file says.
const SILENT_LOOKS: u32 = 2;

/// How far earlier runs have read.
#[derive(Default)]
pub(crate) struct Positions {
    pub(crate) logs: Vec<LogPosition>,
    pub(crate) journal: Vec<JournalPosition>,
    /// They are of this run: they count also for logs that a start begins at the end.
    pub(crate) are_fresh: bool,
}

/// Gives each jail to one of the threads.
pub(super) struct Chooser {
    pub(super) jails: Arc<[Jail]>,
    pub(super) undecided: Vec<JailId>,
    pub(super) listening: Vec<Listening>,
    pub(super) positions: Positions,
    pub(super) journal: Option<PathBuf>,
    pub(super) files: Ways,
    pub(super) entries: Sender<JournalWish>,
    pub(super) hub: Sender<Message>,
    pub(super) gate: Gate,
    pub(super) ears: Arc<Ears>,
}

/// A jail that listens to the journal while it has log files too.
pub(super) struct Listening {
    jail: JailId,
    /// Entries that it had heard when its files were looked at.
    heard: u64,
    /// When its files were last written then, and how far they went.
    written: Option<Timestamp>,
    marks: Vec<LogPosition>,
    /// Looks since one of them was written, while the journal was silent.
    silent: u32,
}

/// What kind of source a jail gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Its log files.
    Files,
    /// The journal.
    Journal,
}

impl Chooser {
    /// Chooses for all jails.
    pub(super) fn begin(&mut self) {
        let jails = Arc::clone(&self.jails);
        let reads = |jail: &&Jail| jail.backend != Backend::Bans && !jail.is_removed;
        for jail in jails.iter().filter(reads) {
            match self.choose(jail) {
                Some(choice) => self.give(jail, choice),
                None => {
                    self.undecided.push(jail.id);
                    self.say_waiting(jail, &SourceState::Waiting);
                }
            }
        }
    }

    /// True if every choice is made for good.
    pub(super) fn is_done(&self) -> bool {
        self.undecided.is_empty() && self.listening.is_empty()
    }

    /// Looks again at what is not decided for good.
    pub(super) fn look(&mut self) {
        let jails = Arc::clone(&self.jails);
        for one in std::mem::take(&mut self.listening) {
            self.listen_on(&jails[one.jail.0 as usize], one);
        }
        for id in std::mem::take(&mut self.undecided) {
            let jail = &jails[id.0 as usize];
            match self.choose(jail) {
                Some(choice) => {
                    self.say_waiting(jail, &SourceState::Gone);
                    self.give(jail, choice);
                }
                None => self.undecided.push(id),
            }
        }
    }

    /// A jail on the journal stays there unless its files are written and the journal says nothing: then that is where
    /// the service logs. What a file held before was heard or was nothing, so it is read from there on.
    fn listen_on(&mut self, jail: &Jail, one: Listening) {
        if self.ears.heard(jail.id) != one.heard {
            let again = self.listening_of(jail);
            self.listening.push(again);
        } else if last_written(jail) <= one.written {
            self.listening.push(Listening { silent: 0, ..one });
        } else if one.silent < SILENT_LOOKS {
            let silent = one.silent + 1;
            self.listening.push(Listening { silent, ..one });
        } else {
            self.ears.close(jail.id);
            let left = Read::Left {
                jail: jail.id,
                kind: "journal",
            };
            self.say(vec![left]);
            self.give_files(jail, Vec::new(), one.marks);
        }
    }

    fn listening_of(&self, jail: &Jail) -> Listening {
        // In this order: what is written while we look shows later as written.
        let (heard, written) = (self.ears.heard(jail.id), last_written(jail));
        let paths = jail.logs.iter().flat_map(|log| expand(&log.pattern));
        Listening {
            jail: jail.id,
            heard,
            written,
            marks: paths.filter_map(|path| mark(jail, &path)).collect(),
            silent: 0,
        }
    }

    fn choose(&self, jail: &Jail) -> Option<Choice> {
        choice(jail, self.journal.as_deref())
    }

    fn give(&mut self, jail: &Jail, choice: Choice) {
        let name = jail.name.as_str();
        match choice {
            Choice::Files => {
                let stored = self.positions.logs.iter();
                let own = stored.filter(|position| position.jail == name);
                let own: Vec<LogPosition> = own.cloned().collect();
                match self.positions.are_fresh {
                    true => self.give_files(jail, Vec::new(), own),
                    false => self.give_files(jail, own, Vec::new()),
                }
            }
            Choice::Journal => {
                if jail.backend == Backend::Either && !jail.logs.is_empty() {
                    let listening = self.listening_of(jail);
                    self.listening.push(listening);
                }
                let stored = self
                    .positions
                    .journal
                    .iter()
                    .find(|position| position.jail == name);
                let wish = JournalWish {
                    jail: jail.id,
                    place: self.place(jail),
                    matches: jail.journal.clone(),
                    // Read now: a service that was installed since the start brought its user along.
                    trusted_uids: trusted_uids(
                        &jail.trusted,
                        &jail.journal,
                        &Users::of_this_machine(),
                    ),
                    findtime: jail.policy.findtime,
                    stored: stored.map(|position| (position.cursor.clone(), position.time)),
                };
                // The thread ends only with us.
                drop(self.entries.send(wish));
            }
        }
    }

    fn give_files(&self, jail: &Jail, stored: Vec<LogPosition>, marks: Vec<LogPosition>) {
        let patterns = jail.logs.iter();
        let wish = FileWish {
            jail: jail.id,
            patterns: patterns
                .map(|log| (log.pattern.clone(), log.tail))
                .collect(),
            findtime: jail.policy.findtime,
            encoding: jail.encoding,
            polled: jail.polled,
            stored,
            marks,
        };
        self.files.send(wish);
    }

    /// The jail's journal: another directory given for the system's counts where the jail names none.
    fn place(&self, jail: &Jail) -> JournalSource {
        let mut place = jail.place.clone();
        if place.files.is_empty() && place.namespace.is_none() && place.directory.is_none() {
            place.directory = self.journal.clone();
        }
        place
    }

    /// What an undecided jail waits for: any of its files, or its unit.
    fn say_waiting(&self, jail: &Jail, state: &SourceState) {
        let files = jail.logs.iter().map(|log| (log.pattern.clone(), "file"));
        let units = units(&jail.journal).map(|unit| (format!("journal of {unit}"), "journal"));
        let read = |(path, kind): (String, &'static str)| Read::State {
            jail: jail.id,
            path,
            kind,
            standing: Standing::new(state.clone()),
        };
        let said = files.chain(units).map(read).collect();
        self.say(said);
    }

    fn say(&self, said: Vec<Read>) {
        drop(self.hub.send(Message::Read(Batch {
            said,
            pass: self.gate.enter(),
            heard: None,
        })));
    }
}

/// What a jail would read now; `None` as long as it has neither. `journal` is the directory of a journal that is not
/// the system's.
pub(crate) fn choice(jail: &Jail, journal: Option<&Path>) -> Option<Choice> {
    let has_files = !jail.logs.is_empty();
    match jail.backend {
        Backend::Files => return Some(Choice::Files),
        Backend::Journal => return Some(Choice::Journal),
        Backend::Either | Backend::Bans => {}
    }
    let has_entries = !jail.journal.is_empty() && journal_has(jail, journal);
    match (has_entries, last_written(jail)) {
        (true, Some(written)) if clock::now().since(written) < LATELY => Some(Choice::Files),
        (true, _) => Some(Choice::Journal),
        (false, Some(_)) => Some(Choice::Files),
        // Without a match in any journal there is nothing but files to wait for.
        (false, None) if jail.journal.is_empty() && has_files => Some(Choice::Files),
        (false, None) => None,
    }
}

/// Whether a journal is there at all.
pub(crate) fn journald_runs() -> bool {
    Path::new(JOURNALD).exists()
}

/// Whether journald runs and knows the jail's service.
pub(crate) fn journal_has(jail: &Jail, journal: Option<&Path>) -> bool {
    let runs = journal.is_some() || journald_runs();
    let mut units = units(&jail.journal).peekable();
    runs && (journal.is_some() || units.peek().is_none() || units.any(os::unit_exists))
}

/// When the youngest of the jail's log files was last written; `None` if there is none.
fn last_written(jail: &Jail) -> Option<Timestamp> {
    let written = |path: PathBuf| {
        let since = fs::metadata(path)
            .ok()?
            .modified()
            .ok()?
            .duration_since(UNIX_EPOCH)
            .ok()?;
        Some(Timestamp::from_micros(since.as_micros() as i64))
    };
    jail.logs
        .iter()
        .flat_map(|log| expand(&log.pattern))
        .filter_map(written)
        .max()
}

/// How far a file goes now; `None` where it has no complete line to know it by.
fn mark(jail: &Jail, path: &Path) -> Option<LogPosition> {
    // Never waits, whatever lies there.
    let file = os::open_log_file(path).ok()?;
    let metadata = file.metadata().ok()?;
    let first_line_hash = first_line_hash(&file).ok()?;
    (!first_line_hash.is_empty()).then(|| LogPosition {
        jail: jail.name.to_string(),
        path: path.to_string_lossy().into_owned(),
        first_line_hash,
        offset: metadata.len(),
    })
}

#[cfg(test)]
mod tests;
