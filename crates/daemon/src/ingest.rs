//! From what the sources read to the hub: decode, detect, batch.
//!
//! One [`Ingest`] works inside each source thread, so that lines never cross a thread: only failures do, with the
//! position behind them. Positions are written when failures came before them, and otherwise every few seconds: an
//! idle machine's disk stays idle.

use crate::clock;
use crate::gate::Gate;
use crate::hub::{Batch, Message, Read};
use crate::plan::Jail;
use crate::source::{Position, Sink, SourceKey, Standing};
use base::{Span, Timestamp};
use complaints::Complaints;
use detect::{Clock, Detectors, Encoding, Failure, Line, Split, Splitter};
use ears::Ears;
use engine::JailId;
use jiff::tz::TimeZone;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use store::{JournalPosition, LogPosition, Write};

mod choose;
mod complaints;
mod ears;
mod shards;
mod threads;

pub(crate) use choose::{Choice, Positions, choice, journal_has, journald_runs};
pub(crate) use threads::{AllLearnt, Sources, start};

/// What the jails of a log have learnt, by who they are: all logs of the same jails are one to them.
pub(crate) type Learnt = HashMap<Box<[JailId]>, Detectors>;

/// Failures that travel together at most.
const BATCH: usize = 2_000;
/// Failures that are kept for their memory at most.
const MAX_SPARE: usize = BATCH;
/// How old a position in the store may be when nothing was found since.
const POSITION_EVERY: Span = Span::from_secs(10);
/// The same complaint is told once in so long.
const SAME_COMPLAINT: Span = Span::from_secs(86_400);

/// What one source thread does with what it reads.
pub(crate) struct Ingest {
    jails: Arc<[Jail]>,
    detectors: Learnt,
    streams: HashMap<SourceKey, Stream>,
    hub: Sender<Message>,
    gate: Gate,
    zone: TimeZone,
    batch: Vec<Read>,
    /// Failures that the hub has heard come back here, and their memory serves for the next ones.
    heard: (Sender<Vec<Failure>>, Receiver<Vec<Failure>>),
    spare: Vec<Failure>,
    /// Something was found since the last batch went out.
    is_urgent: bool,
    /// Positions that were reached and not sent yet, and when one was last sent.
    reached: HashMap<SourceKey, Vec<Write>>,
    sent: HashMap<SourceKey, Timestamp>,
    complaints: Complaints,
    /// When it was last told of a file that its bytes are not what its encoding says.
    told_malformed: HashMap<String, Timestamp>,
    ears: Arc<Ears>,
}

/// One file, or the journal.
struct Stream {
    path: String,
    jails: Vec<JailId>,
    splitter: Splitter,
    /// Lines that could not be decoded, as far as that was told.
    malformed: u64,
    in_operation: bool,
}

impl Ingest {
    pub(crate) fn new(
        jails: Arc<[Jail]>,
        hub: Sender<Message>,
        gate: Gate,
        zone: TimeZone,
        ears: Arc<Ears>,
        learnt: Learnt,
    ) -> Self {
        Self {
            jails,
            detectors: learnt,
            streams: HashMap::new(),
            hub,
            gate,
            zone,
            batch: Vec::new(),
            heard: channel(),
            spare: Vec::new(),
            is_urgent: false,
            reached: HashMap::new(),
            sent: HashMap::new(),
            complaints: Complaints::default(),
            told_malformed: HashMap::new(),
            ears,
        }
    }

    /// Sends what waited for its time, such as the positions of logs that went quiet.
    pub(crate) fn idle(&mut self) {
        let now = clock::now();
        let due = |key: &SourceKey| {
            self.sent
                .get(key)
                .is_none_or(|sent| now < *sent || now.since(*sent) >= POSITION_EVERY)
        };
        let keys: Vec<SourceKey> = self.reached.keys().copied().filter(due).collect();
        for key in keys {
            self.take_positions(key, now);
        }
        self.flush();
        // Nothing is kept for a flood that is over.
        self.heard.1.try_iter().for_each(drop);
        self.spare = Vec::new();
    }

    /// Sends everything, since the thread ends; gives what was learnt.
    pub(crate) fn finish(&mut self) -> Learnt {
        let now = clock::now();
        let keys: Vec<SourceKey> = self.reached.keys().copied().collect();
        for key in keys {
            self.take_positions(key, now);
        }
        self.flush();
        std::mem::take(&mut self.detectors)
    }

    fn take_positions(&mut self, key: SourceKey, now: Timestamp) {
        if let Some(writes) = self.reached.remove(&key) {
            self.sent.insert(key, now);
            self.batch.extend(writes.into_iter().map(Read::Position));
        }
    }

    fn flush(&mut self) {
        self.is_urgent = false;
        if self.batch.is_empty() {
            return;
        }
        let batch = Batch {
            said: std::mem::take(&mut self.batch),
            pass: self.gate.enter(),
            heard: Some(self.heard.0.clone()),
        };
        // The hub ends last; if it is gone there is nobody left to guard.
        drop(self.hub.send(Message::Read(batch)));
        for heard in self.heard.1.try_iter() {
            let room = MAX_SPARE.saturating_sub(self.spare.len());
            self.spare.extend(heard.into_iter().take(room));
        }
    }

    /// Takes lines of a log of `jails`: `read` gives them to its argument.
    fn lines(
        &mut self,
        jails: &[JailId],
        in_operation: bool,
        now: Timestamp,
        read: impl FnOnce(&mut dyn FnMut(Split<'_>) -> usize),
    ) {
        let Self {
            jails: all,
            detectors,
            complaints,
            batch,
            spare,
            is_urgent,
            zone,
            ..
        } = self;
        if !detectors.contains_key(jails) {
            let known = |jail: &JailId| {
                let jail = &all[jail.0 as usize];
                (Arc::clone(&jail.rule), jail.policy.findtime)
            };
            detectors.insert(jails.into(), Detectors::new(jails.iter().map(known)));
        }
        let Some(detectors) = detectors.get_mut(jails) else {
            return;
        };
        let clock = Clock {
            now,
            zone,
            in_operation,
        };
        read(&mut |split| {
            let line = match split {
                Split::Ahead(text) => return usize::from(detectors.look_ahead(text)),
                Split::Next { text, place } => {
                    return detectors.pass_over(text, place, &clock).bytes;
                }
                Split::Line(line) => line,
            };
            detectors.feed(&line, &clock, |said| {
                let jail = jails[said.jail];
                said.failures.exchange(|failure| {
                    *is_urgent = true;
                    batch.push(Read::Failure(jail, failure));
                    spare.pop().unwrap_or_default()
                });
                let findtime = all[jail.0 as usize].policy.findtime;
                let about = (said.verdict, said.skew);
                if let Some(text) = complaints.about(jail, about, findtime, now) {
                    batch.push(Read::Notice(jail, text));
                }
            });
            0
        });
    }

    /// Tells once a file and day that some of its bytes stand for nothing.
    fn malformed(&mut self, stream: &Stream, now: Timestamp) {
        self.told_malformed
            .retain(|_, told| now.since(*told) < SAME_COMPLAINT);
        let Some(jail) = stream.jails.first().copied() else {
            return;
        };
        if !self.told_malformed.contains_key(&stream.path) {
            self.told_malformed.insert(stream.path.clone(), now);
            let text = format!(
                "Error decoding line from '{}' with '{}'; what is no character is taken as U+FFFD. \
                 Consider setting logencoding to the encoding of this file",
                stream.path, self.jails[jail.0 as usize].encoding
            );
            self.batch.push(Read::Notice(jail, text));
        }
    }

    fn writes(&self, key: SourceKey, position: Position) -> Vec<Write> {
        let name = |jail: &JailId| self.jails[jail.0 as usize].name.to_string();
        match position {
            Position::File {
                path,
                offset,
                first_line_hash,
            } => {
                let jails = self
                    .streams
                    .get(&key)
                    .map(|stream| stream.jails.as_slice())
                    .unwrap_or_default();
                let row = |jail| LogPosition {
                    jail: name(jail),
                    path: path.clone(),
                    first_line_hash: first_line_hash.clone(),
                    offset,
                };
                jails
                    .iter()
                    .map(|jail| Write::LogPosition(row(jail)))
                    .collect()
            }
            Position::Journal {
                jails,
                cursor,
                time,
            } => {
                let row = |jail| JournalPosition {
                    jail: name(jail),
                    cursor: cursor.clone(),
                    time,
                };
                jails
                    .iter()
                    .map(|jail| Write::JournalPosition(row(jail)))
                    .collect()
            }
        }
    }

    fn begin(&mut self, jails: &[JailId]) {
        self.batch
            .extend(jails.iter().map(|jail| Read::Begins(*jail)));
    }
}

/// Whether two positions are kept in the same row of the store.
fn is_same_row(one: &Write, other: &Write) -> bool {
    match (one, other) {
        (Write::LogPosition(one), Write::LogPosition(other)) => {
            one.jail == other.jail && one.path == other.path
        }
        (Write::JournalPosition(one), Write::JournalPosition(other)) => one.jail == other.jail,
        _ => false,
    }
}

impl Sink for Ingest {
    fn opened(&mut self, key: SourceKey, path: &str, encoding: Encoding, jails: &[JailId]) {
        let stream = self.streams.entry(key).or_insert_with(|| Stream {
            path: String::new(),
            jails: Vec::new(),
            splitter: Splitter::new(encoding, 0),
            malformed: 0,
            in_operation: false,
        });
        path.clone_into(&mut stream.path);
        let before = std::mem::replace(&mut stream.jails, jails.to_vec());
        // Where jails came together anew, what those of before have learnt is of no use. A log that is opened again
        // after a rotation finds its own; and a jail by itself may read the journal, whose entries it hears alone.
        let are_apart = before.len() > 1 && before != jails;
        if are_apart && !self.streams.values().any(|stream| stream.jails == before) {
            self.detectors.remove(&before[..]);
        }
    }

    fn closed(&mut self, key: SourceKey) {
        self.streams.remove(&key);
        self.take_positions(key, clock::now());
        self.sent.remove(&key);
    }

    fn read_begins(&mut self, key: SourceKey) {
        if let Some(stream) = self.streams.get(&key) {
            let jails = stream.jails.clone();
            self.begin(&jails);
        }
    }

    fn bytes(&mut self, key: SourceKey, bytes: &[u8]) {
        // Out of the map while its lines are at work, since they need the rest of us.
        let Some(mut stream) = self.streams.remove(&key) else {
            return;
        };
        let now = clock::now();
        let Stream {
            jails,
            splitter,
            in_operation,
            ..
        } = &mut stream;
        self.lines(jails, *in_operation, now, |take| {
            splitter.split(bytes, take);
        });
        if stream.splitter.malformed_lines() > stream.malformed {
            stream.malformed = stream.splitter.malformed_lines();
            self.malformed(&stream, now);
        }
        self.streams.insert(key, stream);
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    fn entry(&mut self, key: SourceKey, jail: JailId, text: &str, time: Timestamp) {
        if !self.ears.hears(jail) {
            return;
        }
        let in_operation = self
            .streams
            .get(&key)
            .is_some_and(|stream| stream.in_operation);
        self.lines(&[jail], in_operation, clock::now(), |take| {
            take(Split::Line(Line::of_journal(text, time)));
        });
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    fn reset(&mut self, key: SourceKey) {
        if let Some(stream) = self.streams.get_mut(&key) {
            let jail = stream.jails.first();
            let encoding = jail.map(|jail| self.jails[jail.0 as usize].encoding);
            stream.splitter = Splitter::new(encoding.unwrap_or_default(), 0);
            stream.malformed = 0;
        }
    }

    fn read_ends(&mut self, key: SourceKey, position: Option<Position>, caught_up: bool) {
        if let Some(stream) = self.streams.get_mut(&key) {
            stream.in_operation |= caught_up;
        }
        match position {
            Some(position) => {
                let writes = self.writes(key, position);
                // One row belongs to one path: what another key reached there before is overtaken.
                for other in self.reached.values_mut() {
                    other.retain(|old| !writes.iter().any(|new| is_same_row(old, new)));
                }
                self.reached.insert(key, writes);
            }
            // A rotated file: its path is its successor's now.
            None => drop(self.reached.remove(&key)),
        }
        if self.is_urgent {
            self.take_positions(key, clock::now());
            self.flush();
        } else if self
            .batch
            .iter()
            .all(|read| matches!(read, Read::Begins(_)))
        {
            // Nothing was found: the engine need not be woken for its clean-up alone.
            self.batch.clear();
        }
    }

    fn state(&mut self, jail: JailId, path: &str, kind: &'static str, standing: Standing) {
        if kind == "journal" && self.ears.is_closed(jail) {
            return;
        }
        self.batch.push(Read::State {
            jail,
            path: path.to_owned(),
            kind,
            standing,
        });
        self.flush();
    }

    fn notice(&mut self, jail: JailId, text: &str) {
        self.batch.push(Read::Notice(jail, text.to_owned()));
    }

    fn date_of(&mut self, jail: JailId, line: &str) -> Option<Timestamp> {
        let clock = Clock {
            now: clock::now(),
            zone: &self.zone,
            in_operation: false,
        };
        self.jails[jail.0 as usize].rule.date_of(line, &clock)
    }
}

#[cfg(test)]
mod tests;
