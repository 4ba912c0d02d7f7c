//! A whole log, offline, by its own dates: the same rules and the same engine as live, with another "now".
//!
//! No clock decides anything here but the log's own; no store, no kernel, no names are asked. Every ban counts
//! as carried out at once.

use crate::events::message;
use crate::ignore;
use crate::plan::{Surroundings, compile};
use base::{Diagnostic, JailName, NamedTexts, Severity, Timestamp};
use conf::{Choice, Manner, Tree};
use detect::{
    Clock, Detectors, Encoding, Failure, Failures, Line, LineVerdict, Passed, Split, Splitter,
};
use distinct::Distinct;
use engine::{Effect, Enforceable, Engine, Event, Input, JailId, StoreWrite};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;

mod distinct;

/// What to read and by which rules.
pub struct Scan {
    /// The log; the standard input if absent.
    pub file: Option<PathBuf>,
    /// The jails; every jail whose filter matches something if empty.
    pub jails: Vec<JailName>,
    /// The configuration directory, if not the usual ones.
    pub config: Option<PathBuf>,
    /// What dates without a year are counted back from; when the file was last written if absent.
    pub now: Option<Timestamp>,
    /// Keep the matched lines for the events.
    pub keep_lines: bool,
}

/// What was read.
pub struct ScanReport {
    /// Lines in all.
    pub lines: u64,
    /// Lines that were cut at 64 KiB.
    pub cut: u64,
    /// Lines with a failure and without a date: not counted.
    pub undated: u64,
    /// The jails that were asked for, or that found something.
    pub jails: Vec<ScannedJail>,
    /// What was found wrong in the configuration on the way.
    pub diagnostics: Vec<Diagnostic>,
}

/// What one jail found.
pub struct ScannedJail {
    /// Its name.
    pub name: JailName,
    /// Failures counted.
    pub failures: u64,
    /// Different ids among them, counted up to 200,000.
    pub addresses: u64,
    /// There were more than that.
    pub more_addresses: bool,
    /// Bans.
    pub bans: u64,
}

/// Reads the log to its end and gives each ban and unban as it comes to pass in the log's time. `progress` hears now and
/// then how many bytes were read.
pub fn scan(
    scan: &Scan,
    event: &mut dyn FnMut(wire::Event),
    progress: &mut dyn FnMut(u64),
) -> Result<ScanReport, Vec<Diagnostic>> {
    let (input, written) = open(scan).map_err(|diagnostic| vec![diagnostic])?;
    let mut input = Told {
        input,
        read: 0,
        progress,
    };
    let reference = scan.now.unwrap_or(written);
    let files = crate::DiskFiles;
    let tree = Tree::find(&files, scan.config.as_deref(), Manner::Stockade);
    let choice = if scan.jails.is_empty() {
        Choice::All
    } else {
        Choice::Named(&scan.jails)
    };
    let (config, mut diagnostics) = conf::load(&files, &tree, choice);
    let around = Surroundings::of_this_machine(reference);
    let mut plan = compile(config, &around, &mut diagnostics);
    for name in &scan.jails {
        let known = plan.jails.iter().any(|jail| jail.name == *name);
        if !known && !plan.broken.iter().any(|(broken, _)| broken == name) {
            diagnostics.push(
                Diagnostic::new(
                    Severity::Error,
                    format!("there is no jail '{name}' in the configuration"),
                )
                .with_help(format!("the configuration is {}", tree.describe())),
            );
        }
    }
    diagnostics.extend(plan.broken.iter().map(|(_, diagnostic)| diagnostic.clone()));
    if plan.jails.is_empty() {
        return Err(diagnostics);
    }
    if scan.jails.is_empty() {
        // Of a whole configuration only what this log is about is of interest.
        diagnostics.clear();
        plan.jails.retain(|jail| !jail.policy.fed_by_bans);
    }
    for (place, jail) in plan.jails.iter_mut().enumerate() {
        jail.id = JailId(place as u32);
        // The addresses of this machine mean nothing in a log from elsewhere, and what cannot be enforced here
        // is still worth knowing.
        jail.policy.ignoreself = false;
        // Files are read as they are now; the addresses of names are nobody's business but the name system's.
        let (list, notes) = ignore::offline(&jail.ignore);
        jail.policy.ignoreip = list;
        let warnings = notes
            .into_iter()
            .map(|note| Diagnostic::new(Severity::Warning, note).with_jail(&jail.name));
        diagnostics.extend(warnings);
        jail.policy.enforceable = Enforceable::AnyId;
        jail.policy.fed_by_bans = false;
        jail.policy.maxmatches = match scan.keep_lines {
            true => jail.policy.maxmatches.max(jail.policy.maxretry),
            false => 0,
        };
    }
    let mut replay = Replay::new(&plan.jails, reference, scan.keep_lines, event);
    let cut = replay.read(&mut input, &plan.jails).map_err(|error| {
        let name = scan
            .file
            .as_ref()
            .map_or("the standard input".into(), |path| {
                path.display().to_string()
            });
        vec![Diagnostic::new(
            Severity::Error,
            format!("{name} cannot be read: {error}"),
        )]
    })?;
    let asked = !scan.jails.is_empty();
    let jails = replay
        .jails()
        .into_iter()
        .filter(|jail| asked || jail.failures > 0)
        .collect();
    Ok(ScanReport {
        lines: replay.lines,
        cut,
        undated: replay.undated,
        jails,
        diagnostics,
    })
}

/// A log of which it is told how far it was read.
struct Told<'a> {
    input: Box<dyn Read>,
    read: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl Read for Told<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.read += read as u64;
        (self.progress)(self.read);
        Ok(read)
    }
}

fn open(scan: &Scan) -> Result<(Box<dyn Read>, Timestamp), Diagnostic> {
    let now = crate::clock::now();
    let Some(path) = &scan.file else {
        return Ok((Box::new(io::stdin().lock()), now));
    };
    let opened = File::open(path).and_then(|file| file.metadata().map(|metadata| (file, metadata)));
    match opened {
        Ok((_, metadata)) if metadata.is_dir() => Err(Diagnostic::new(
            Severity::Error,
            format!("{} is a directory, not a log", path.display()),
        )),
        Ok((file, metadata)) => {
            let written = metadata
                .modified()
                .ok()
                .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            let written = written.map_or(now, |since| Timestamp::from_secs(since.as_secs() as i64));
            Ok((Box::new(file), written))
        }
        Err(error) => {
            let diagnostic = Diagnostic::new(
                Severity::Error,
                format!("{} cannot be read: {error}", path.display()),
            );
            Err(match error.kind() {
                io::ErrorKind::PermissionDenied => {
                    diagnostic.with_help("run the same command with sudo")
                }
                _ => diagnostic,
            })
        }
    }
}

/// How jails of one encoding read the log.
struct Reading {
    encoding: Encoding,
    splitter: Splitter,
    /// The jails.
    places: Vec<usize>,
    lines: u64,
}

/// The engine, driven by the dates of the lines.
struct Replay<'a> {
    engine: Engine,
    names: Vec<JailName>,
    tallies: Vec<Tally>,
    reference: Timestamp,
    /// The latest time that the log has told: it never goes back.
    now: Timestamp,
    /// The jail and the time of the last read that the engine was told of.
    begun: Option<(JailId, Timestamp)>,
    keep_lines: bool,
    lines: u64,
    undated: u64,
    effects: Vec<Effect>,
    no_captures: NamedTexts,
    /// Failures that are not counted yet, and the places of their jails.
    heard: Failures,
    heard_by: Vec<usize>,
    /// The lines of bans that begin, until they are told.
    records: HashMap<(JailId, base::FailureId), Vec<String>>,
    event: &'a mut dyn FnMut(wire::Event),
}

/// So many failures are counted one after the other: were each counted as it comes, the code that finds and the code that
/// counts would push each other out of the processor's first cache with every line.
const BATCH: usize = 64;

#[derive(Default)]
struct Tally {
    failures: u64,
    ids: Distinct,
    bans: u64,
}

impl<'a> Replay<'a> {
    fn new(
        jails: &[crate::plan::Jail],
        reference: Timestamp,
        keep_lines: bool,
        event: &'a mut dyn FnMut(wire::Event),
    ) -> Self {
        Self {
            engine: Engine::new(jails.iter().map(|jail| jail.policy.clone()).collect())
                .as_rehearsal(),
            names: jails.iter().map(|jail| jail.name.clone()).collect(),
            tallies: jails.iter().map(|_| Tally::default()).collect(),
            reference,
            now: Timestamp::from_secs(0),
            begun: None,
            keep_lines,
            lines: 0,
            undated: 0,
            effects: Vec::new(),
            no_captures: NamedTexts::default(),
            heard: Failures::default(),
            heard_by: Vec::new(),
            records: HashMap::new(),
            event,
        }
    }

    /// Reads to the end, for jails of one encoding after the other with each piece; gives how many lines were cut.
    fn read(&mut self, input: &mut dyn Read, jails: &[crate::plan::Jail]) -> io::Result<u64> {
        let mut readings: Vec<Reading> = Vec::new();
        for (place, jail) in jails.iter().enumerate() {
            let known = readings
                .iter_mut()
                .find(|reading| reading.encoding == jail.encoding);
            match known {
                Some(reading) => reading.places.push(place),
                None => readings.push(Reading {
                    encoding: jail.encoding,
                    splitter: Splitter::new(jail.encoding, 0),
                    places: vec![place],
                    lines: 0,
                }),
            }
        }
        let mut detectors: Vec<Detectors> = readings
            .iter()
            .map(|reading| {
                let rule = |place: &usize| Arc::clone(&jails[*place].rule);
                let detectors = Detectors::timeless(reading.places.iter().map(rule));
                match self.keep_lines {
                    true => detectors,
                    false => detectors.counting_only(),
                }
            })
            .collect();
        let zone = crate::clock::zone();
        let clock = Clock {
            now: self.reference,
            zone: &zone,
            in_operation: false,
        };
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = match input.read(&mut buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            for (reading, detectors) in readings.iter_mut().zip(&mut detectors) {
                let Reading {
                    splitter,
                    places,
                    lines,
                    ..
                } = reading;
                let mut each = |split: Split<'_>| {
                    let mut passed = Passed::default();
                    match split {
                        Split::Ahead(text) => return usize::from(detectors.look_ahead(text)),
                        Split::Next { text, place } => {
                            passed = detectors.pass_over(text, place, &clock);
                            *lines += u64::from(passed.lines);
                        }
                        Split::Line(line) => {
                            *lines += 1;
                            self.line(&line, &clock, detectors, places);
                        }
                    }
                    passed.bytes
                };
                match read {
                    0 => splitter.finish(|text, _| {
                        each(Split::Line(Line::of_file(text)));
                    }),
                    read => splitter.split(&buffer[..read], each),
                }
            }
            // Who writes into a pipe and waits has an answer to all of it.
            self.count();
            if read == 0 {
                break;
            }
        }
        // The first jail's reading stands for the file.
        let first = readings.first();
        self.lines = first.map_or(0, |reading| reading.lines);
        Ok(first.map_or(0, |reading| reading.splitter.cut_lines()))
    }

    fn line(
        &mut self,
        line: &Line<'_>,
        clock: &Clock<'_>,
        detectors: &mut Detectors,
        places: &[usize],
    ) {
        detectors.feed(line, clock, |said| {
            if said.verdict == LineVerdict::Undated {
                self.undated += 1;
            }
            for failure in said.failures.iter_mut() {
                self.heard.swap_in(failure);
                self.heard_by.push(places[said.jail]);
            }
        });
        if self.heard.len() >= BATCH {
            self.count();
        }
    }

    /// Counts the failures that were heard.
    fn count(&mut self) {
        // Both lists are kept: their memory serves for the next failures.
        let mut heard = std::mem::take(&mut self.heard);
        let mut by = std::mem::take(&mut self.heard_by);
        for (place, failure) in by.drain(..).zip(heard.iter_mut()) {
            self.failure(place, failure);
        }
        heard.clear();
        (self.heard, self.heard_by) = (heard, by);
    }

    fn failure(&mut self, place: usize, failure: &mut Failure) {
        let jail = JailId(place as u32);
        self.now = self.now.max(failure.time);
        // No names are asked here: a name stands for itself.
        if let Some(name) = failure.hostname.take() {
            failure.id = base::FailureId::Raw(name.into());
        }
        self.advance();
        // What that does again at the same time is nothing.
        if self.begun.replace((jail, self.now)) != Some((jail, self.now)) {
            self.engine
                .step(self.now, Input::ReadBegins { jail }, &mut self.effects);
        }
        let before = self.tallies[place].failures;
        for one in crate::hub::failures(&failure.id, failure) {
            // Nobody is told of any, and a ban would copy them.
            let captures = &self.no_captures;
            let failure = engine::Failure { captures, ..one };
            // A rehearsal tells which of them do not count.
            self.tallies[place].failures += 1;
            self.engine.step(
                self.now,
                Input::Failure { jail, failure },
                &mut self.effects,
            );
        }
        if !self.engine.is_settled() {
            self.engine
                .step(self.now, Input::ReadEnds, &mut self.effects);
        }
        self.settle();
        let tally = &mut self.tallies[place];
        if tally.failures > before {
            tally.ids.note(&failure.id);
        }
    }

    /// Lets what ends before the log's time end.
    fn advance(&mut self) {
        if self
            .engine
            .next_deadline()
            .is_some_and(|deadline| deadline <= self.now)
        {
            self.engine.step(self.now, Input::Tick, &mut self.effects);
            self.settle();
        }
    }

    /// Hears what came of the last steps. In a rehearsal nothing is to be answered.
    fn settle(&mut self) {
        // The list is kept: its memory serves for the next failure.
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            match effect {
                Effect::Notify(told) => self.told(&told),
                Effect::Persist(StoreWrite::Ban { jail, record, .. }) if self.keep_lines => {
                    self.records.insert((jail, record.id), record.matches);
                }
                _ => {}
            }
        }
        self.effects = effects;
    }

    fn told(&mut self, told: &Event) {
        let (jail, lines) = match told {
            Event::Ignored { jail, .. } | Event::MalformedAddress { jail, .. } => {
                self.tallies[jail.0 as usize].failures -= 1;
                return;
            }
            Event::Banned { jail, id, .. } => {
                self.tallies[jail.0 as usize].bans += 1;
                (jail, self.records.remove(&(*jail, id.clone())))
            }
            Event::Unbanned { jail, .. } => (jail, None),
            _ => return,
        };
        let name = &self.names[jail.0 as usize];
        if let Some(message) = message(name, self.now, told, lines) {
            (self.event)(message);
        }
    }

    fn jails(&self) -> Vec<ScannedJail> {
        let rows = self.names.iter().zip(&self.tallies);
        rows.map(|(name, tally)| ScannedJail {
            name: name.clone(),
            failures: tally.failures,
            addresses: tally.ids.count(),
            more_addresses: tally.ids.has_more(),
            bans: tally.bans,
        })
        .collect()
    }
}
