//! Follows the systemd journal for all jails in one thread.
//!
//! Jails that name the same journal share one handle, which shows what any of them asks for; each entry is then judged
//! jail by jail: whether it matches, and whether its writer may speak for the service ([`trust`]). The journal is asked
//! every few milliseconds instead of waited for, because journald announces changes only after a quarter of a second.

use super::{JournalWish, Position, Sink, SourceKey, SourceState, Standing};
use base::Timestamp;
use detect::Encoding;
use engine::JailId;
use entry::Entry;
use expression::{Expression, Group};
use feed::{Absent, Feed};
pub(crate) use forge::forgeable;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use trust::Verdict;

mod child;
mod entry;
mod expression;
mod feed;
mod forge;
mod once;
mod place;
mod trust;

pub use once::read_journal;
pub use place::{JournalSource, PlaceError};

#[cfg(test)]
mod tests;

/// Entries of one call, so that others get their turn.
const BATCH: usize = 1000;
/// How long to wait after entries came, and after nothing came for a while. A wake-up costs some 40 µs, so that an
/// idle machine pays for no more than 20 of them a second; an attack pays the difference once, at its first line.
const ACTIVE: Duration = Duration::from_millis(10);
const IDLE: Duration = Duration::from_millis(50);
const CALM_AFTER: Duration = Duration::from_secs(10);
/// How often new and rotated files are looked for.
const PROCESS_EVERY: Duration = Duration::from_millis(100);
/// When a missing journal is looked for again, and when a broken one is tried again.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// Causes of refusal that are told apart for a jail.
const CAUSES: usize = 16;

/// All journals of all jails.
pub(crate) struct Journals<S> {
    sink: S,
    clock: fn() -> Timestamp,
    readers: Vec<JournalReader>,
}

/// One journal, for the jails that read it.
struct JournalReader {
    key: SourceKey,
    place: JournalSource,
    clock: fn() -> Timestamp,
    subscriptions: Vec<Subscription>,
    feed: Option<Feed>,
    /// Fields that are asked for.
    wanted: Vec<String>,
    entry: Entry,
    /// The entry as a line; empty as long as no jail wanted it.
    line: String,
    /// The last entry that everybody has seen: cursor and time of reception.
    last: Option<(String, Timestamp)>,
    caught_up: bool,
    last_entry: Instant,
    next_open: Instant,
    next_process: Instant,
    states: BTreeMap<JailId, Standing>,
    /// How often it could not be opened or read.
    errors: u64,
}

/// One jail.
struct Subscription {
    jail: JailId,
    expression: Expression,
    trusted_uids: Vec<u32>,
    /// What it has seen already, as long as the reading is not past that.
    seen: Option<Seen>,
    /// How many entries were refused, by cause.
    refused: BTreeMap<String, u64>,
}

/// Everything up to a time, of which the last entry may be known by its cursor.
#[derive(Clone, Debug)]
struct Seen {
    cursor: String,
    time: Timestamp,
}

impl<S: Sink> Journals<S> {
    /// Follows no journal yet.
    pub(crate) fn new(sink: S, clock: fn() -> Timestamp) -> Self {
        Self {
            sink,
            clock,
            readers: Vec::new(),
        }
    }

    /// Follows a journal for another jail too, from the next poll on. A match that is none is told as the jail's state.
    pub(crate) fn add(&mut self, wish: JournalWish) {
        let known = self
            .readers
            .iter()
            .position(|reader| reader.place == wish.place);
        let at = known.unwrap_or_else(|| {
            let key = SourceKey(self.readers.len() as u32);
            let place = wish.place.clone();
            self.readers
                .push(JournalReader::new(key, place, self.clock));
            self.readers.len() - 1
        });
        self.readers[at].add(wish, &mut self.sink);
    }

    /// The sink.
    pub(crate) fn sink_mut(&mut self) -> &mut S {
        &mut self.sink
    }

    /// Reads what is there, a bounded amount of each, without waiting; gives how long to wait before the next call.
    pub(crate) fn poll_once(&mut self) -> Duration {
        let sink = &mut self.sink;
        let pauses = self.readers.iter_mut().map(|reader| reader.poll_once(sink));
        pauses.min().unwrap_or(CALM_AFTER)
    }
}

impl JournalReader {
    fn new(key: SourceKey, place: JournalSource, clock: fn() -> Timestamp) -> Self {
        let now = Instant::now();
        Self {
            key,
            place,
            clock,
            subscriptions: Vec::new(),
            feed: None,
            wanted: Vec::new(),
            entry: Entry::default(),
            line: String::new(),
            last: None,
            caught_up: false,
            last_entry: now,
            next_open: now,
            next_process: now,
            states: BTreeMap::new(),
            errors: 0,
        }
    }

    fn add<S: Sink>(&mut self, wish: JournalWish, sink: &mut S) {
        let JournalWish {
            jail,
            place: _,
            matches,
            trusted_uids,
            findtime,
            stored,
        } = wish;
        let expression = match Expression::parse(&matches) {
            Ok(expression) => expression,
            Err(error) => return self.tell(jail, SourceState::Error(error.to_string()), sink),
        };
        let oldest = Seen {
            cursor: String::new(),
            time: (self.clock)() - findtime,
        };
        let stored = stored.map(|(cursor, time)| Seen { cursor, time });
        let seen = Some(
            stored
                .filter(|stored| stored.time >= oldest.time)
                .unwrap_or(oldest),
        );
        let refused = BTreeMap::new();
        self.subscriptions.push(Subscription {
            jail,
            expression,
            trusted_uids,
            seen,
            refused,
        });
        let fields = self
            .subscriptions
            .iter()
            .flat_map(|one| one.expression.fields());
        let wanted: BTreeSet<&str> = entry::FIELDS.into_iter().chain(fields).collect();
        self.wanted = wanted.into_iter().map(str::to_owned).collect();
        self.close();
    }

    /// Reads what is there, a bounded amount, without waiting; gives how long to wait before the next call.
    fn poll_once<S: Sink>(&mut self, sink: &mut S) -> Duration {
        let now = Instant::now();
        if self.subscriptions.is_empty() {
            return CALM_AFTER;
        }
        if self.feed.is_none() && (now < self.next_open || !self.open(now, sink)) {
            return self
                .next_open
                .saturating_duration_since(now)
                .min(CALM_AFTER);
        }
        match self.read(now, sink) {
            Ok(pause) => pause,
            Err(error) => {
                self.close();
                self.failed(now, error, sink);
                CALM_AFTER
            }
        }
    }

    /// Opens the journal before the first entry that anybody has not seen; false if that is not possible now.
    fn open<S: Sink>(&mut self, now: Instant, sink: &mut S) -> bool {
        let asks_for_all = self
            .subscriptions
            .iter()
            .any(|one| one.expression.alternatives.is_empty());
        let mut groups: Vec<&Group> = Vec::new();
        if !asks_for_all {
            let all = self.subscriptions.iter();
            for group in all.flat_map(|one| &one.expression.alternatives) {
                // libsystemd looks for each, also for the same again.
                if !groups.contains(&group) {
                    groups.push(group);
                }
            }
        }
        let since = self
            .subscriptions
            .iter()
            .filter_map(|one| Some(one.seen.as_ref()?.time))
            .min();
        let since = since.unwrap_or_else(|| (self.clock)());
        match Feed::open(&self.place, &groups, since) {
            Ok(feed) => {
                self.feed = Some(feed);
                let jails: Vec<JailId> = self.subscriptions.iter().map(|one| one.jail).collect();
                let place = self.place.to_string();
                sink.opened(self.key, &place, Encoding::default(), &jails);
                self.tell_all(&SourceState::CatchingUp, sink);
                true
            }
            Err(absent) => {
                match absent {
                    Absent::Nothing => {
                        self.next_open = now + LOOK_AGAIN;
                        self.tell_all(&SourceState::Waiting, sink);
                    }
                    Absent::Error(why) => self.failed(now, why, sink),
                }
                false
            }
        }
    }

    /// It could not be read; other journals go on.
    fn failed<S: Sink>(&mut self, now: Instant, why: String, sink: &mut S) {
        self.errors += 1;
        self.next_open = now + TRY_AGAIN;
        self.tell_all(&SourceState::Error(why), sink);
    }

    /// Lets go of the handle; the next one begins behind what was read.
    fn close(&mut self) {
        self.feed = None;
        self.caught_up = false;
        self.next_open = Instant::now();
        if let Some((cursor, time)) = &self.last {
            for one in &mut self.subscriptions {
                one.seen.get_or_insert_with(|| Seen {
                    cursor: cursor.clone(),
                    time: *time,
                });
            }
        }
    }

    fn read<S: Sink>(&mut self, now: Instant, sink: &mut S) -> Result<Duration, String> {
        let Some(feed) = &mut self.feed else {
            return Ok(CALM_AFTER);
        };
        if now >= self.next_process {
            self.next_process = now + PROCESS_EVERY;
            feed.process()?;
        }
        let is_stale = feed.is_stale(now);
        let mut count = 0;
        let mut failure = None;
        while count < BATCH && failure.is_none() {
            match feed.next(&self.wanted, &mut self.entry) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            }
            if count == 0 {
                sink.read_begins(self.key);
            }
            count += 1;
            self.line.clear();
            for one in &mut self.subscriptions {
                if !one.has_seen(&self.entry, feed) {
                    one.take(self.key, &self.entry, &mut self.line, sink);
                }
            }
        }
        let at_end = count < BATCH && failure.is_none();
        if count > 0 {
            // After the last entry of the journal the handle still stands on it.
            let cursor = feed.cursor().unwrap_or_default();
            self.last = Some((cursor, self.entry.received));
        }
        let became_idle = at_end && !self.caught_up;
        if count > 0 || became_idle {
            if count == 0 {
                sink.read_begins(self.key);
            }
            let position = self.position();
            sink.read_ends(self.key, position, at_end);
        }
        if became_idle {
            self.caught_up = true;
            self.subscriptions
                .iter_mut()
                .for_each(|one| one.seen = None);
            self.tell_all(&SourceState::Following, sink);
        }
        if let Some(error) = failure {
            return Err(error);
        }
        if is_stale && at_end {
            self.close();
            return Ok(Duration::ZERO);
        }
        if count > 0 {
            self.last_entry = now;
        }
        Ok(
            match (at_end, now.duration_since(self.last_entry) < CALM_AFTER) {
                (false, _) => Duration::ZERO,
                (true, true) => ACTIVE,
                (true, false) => IDLE,
            },
        )
    }

    fn position(&self) -> Option<Position> {
        let (cursor, time) = self.last.clone()?;
        let past = self
            .subscriptions
            .iter()
            .filter(|one| one.seen.as_ref().is_none_or(|seen| seen.time <= time));
        Some(Position::Journal {
            jails: past.map(|one| one.jail).collect(),
            cursor,
            time,
        })
    }

    fn tell_all<S: Sink>(&mut self, state: &SourceState, sink: &mut S) {
        let jails: Vec<JailId> = self.subscriptions.iter().map(|one| one.jail).collect();
        for jail in jails {
            self.tell(jail, state.clone(), sink);
        }
    }

    fn tell<S: Sink>(&mut self, jail: JailId, state: SourceState, sink: &mut S) {
        let before = self.states.get(&jail);
        // To begin again behind what was read is no news.
        let follows = before.is_some_and(|before| before.state == SourceState::Following);
        if follows && state == SourceState::CatchingUp {
            return;
        }
        let errors = self.errors;
        let standing = Standing {
            errors,
            ..Standing::new(state)
        };
        if before != Some(&standing) {
            let place = self.place.to_string();
            sink.state(jail, &place, "journal", standing.clone());
            self.states.insert(jail, standing);
        }
    }
}

impl Subscription {
    /// True for an entry that an earlier reading has given to this jail, or that is too old for it.
    fn has_seen(&mut self, entry: &Entry, feed: &mut Feed) -> bool {
        let Some(seen) = &self.seen else { return false };
        if entry.received > seen.time {
            self.seen = None;
            return false;
        }
        let is_last = entry.received == seen.time
            && !seen.cursor.is_empty()
            && feed.cursor().is_ok_and(|cursor| cursor == seen.cursor);
        if is_last {
            self.seen = None;
        }
        true
    }

    fn take<S: Sink>(&mut self, key: SourceKey, entry: &Entry, line: &mut String, sink: &mut S) {
        match trust::judge(&self.expression, &self.trusted_uids, entry) {
            Verdict::Foreign => {}
            Verdict::Trusted => {
                if line.is_empty() {
                    entry.write_line(line);
                }
                sink.entry(key, self.jail, line, entry.time());
            }
            Verdict::Refused(cause) => {
                if self.refused.len() >= CAUSES && !self.refused.contains_key(&cause) {
                    return;
                }
                let count = self.refused.entry(cause.clone()).or_default();
                *count += 1;
                match *count {
                    1 => sink.notice(self.jail, &format!("{cause}: they are not counted")),
                    many if is_power_of_ten(many) => {
                        sink.notice(self.jail, &format!("{cause}: {many} so far, none counted"));
                    }
                    _ => {}
                }
            }
        }
    }
}

fn is_power_of_ten(mut number: u64) -> bool {
    while number > 1 && number.is_multiple_of(10) {
        number /= 10;
    }
    number == 1
}
