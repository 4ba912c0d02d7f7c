//! Our own log, in fail2ban's line format, because other programs read it.
//!
//! Several threads write whole lines; a storm of attackers must not fill the disk, so each kind of line has a
//! ceiling per second and what was left out is counted and said. So is what a full disk or a daemon that hangs did not
//! take: nobody waits for it. Nothing decides by what stands here: the recidive jail is fed by the engine's own events.

use base::Timestamp;
use jiff::tz::TimeZone;
use line::{Line, Origin};
use output::Output;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

mod change;
mod journal;
mod level;
mod line;
mod output;
mod syslog;
mod target;

pub(crate) use level::{Level, Threshold};
pub use line::{escape_into, local};
pub(crate) use target::Target;

/// Who logs, as the lines about the log itself have it.
pub(crate) const PRODUCT: &str = concat!("Stockade v", env!("CARGO_PKG_VERSION"));

/// Kinds of lines with a ceiling of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A failure, an ignored one, and what else comes once a log line.
    PerFailure,
    /// A ban or its end.
    PerBan,
    /// Everything else: rare by nature.
    Rare,
}

impl Kind {
    const ALL: [Self; 3] = [Self::PerFailure, Self::PerBan, Self::Rare];

    const fn ceiling(self) -> u32 {
        match self {
            Self::PerFailure => 1_000,
            Self::PerBan => 20_000,
            Self::Rare => 1_000,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::PerFailure => "failures",
            Self::PerBan => "bans",
            Self::Rare => "other events",
        }
    }
}

/// What a log is opened with.
pub(crate) struct Setup {
    pub(crate) target: Target,
    pub(crate) level: Threshold,
    /// `syslogsocket`: a path, or `auto`.
    pub(crate) syslogsocket: String,
    /// Who logs: `Fail2ban v1.1.1`.
    pub(crate) product: String,
    pub(crate) zone: TimeZone,
    pub(crate) places: Places,
}

impl Setup {
    /// In our own manner, with the machine's sockets.
    pub(crate) fn new(target: Target, level: impl Into<Threshold>, zone: TimeZone) -> Self {
        Self {
            target,
            level: level.into(),
            syslogsocket: "auto".into(),
            product: PRODUCT.into(),
            zone,
            places: Places::default(),
        }
    }
}

/// Where the sockets of log daemons are.
pub(crate) struct Places {
    /// What `syslogsocket = auto` means.
    pub(crate) syslog: String,
    pub(crate) journal: String,
}

impl Default for Places {
    fn default() -> Self {
        Self {
            syslog: "/dev/log".into(),
            journal: "/run/systemd/journal/socket".into(),
        }
    }
}

/// The log. Cheap to share by `Arc`.
pub(crate) struct Log {
    /// The number of the threshold, for whoever has a line to write.
    threshold: AtomicU32,
    origin: Origin,
    product: String,
    places: Places,
    state: Mutex<State>,
    /// Held by who changes the target: opening one may take its time, and lines go on meanwhile.
    changing: Mutex<()>,
}

struct State {
    level: Threshold,
    syslogsocket: String,
    target: Target,
    output: Output,
    second: i64,
    /// Lines written in `second` and lines left out since they were last said, by kind.
    counts: [(u32, u64); 3],
    /// Lines that the output did not take, since that was last said.
    lost: u64,
}

impl Log {
    /// Opens the log. An error says what cannot be opened, and why.
    pub(crate) fn open(setup: Setup) -> Result<Self, String> {
        let output = Output::open(&setup.target, &setup.syslogsocket, &setup.places)?;
        let log = Self {
            threshold: AtomicU32::new(setup.level.number),
            origin: Origin {
                zone: setup.zone,
                pid: std::process::id(),
            },
            product: setup.product,
            places: setup.places,
            state: Mutex::new(State {
                level: setup.level,
                syslogsocket: setup.syslogsocket,
                target: setup.target,
                output,
                second: 0,
                counts: [(0, 0); 3],
                lost: 0,
            }),
            changing: Mutex::new(()),
        };
        log.tell_facility(&mut log.state());
        Ok(log)
    }

    /// Writes one line, or counts it as left out. `module` is fail2ban's name for the part that speaks,
    /// such as `actions`. Line ends and other control characters in `text` are written as `\x..`.
    pub(crate) fn write(&self, now: Timestamp, level: Level, kind: Kind, module: &str, text: &str) {
        if !self.writes(level) {
            return;
        }
        let line = Line {
            now,
            level,
            module,
            text,
        };
        let mut state = self.state();
        if state.has_room(&self.origin, now, level, kind) {
            let (written, _) = &mut state.counts[kind as usize];
            *written += 1;
            state.put(&self.origin, &line);
        }
    }

    /// The same for a line that comes so often that it is only put into words if it is written: most are left out then.
    pub(crate) fn write_with(
        &self,
        now: Timestamp,
        level: Level,
        kind: Kind,
        module: &str,
        text: impl FnOnce() -> String,
    ) {
        if self.writes(level) && self.state().has_room(&self.origin, now, level, kind) {
            self.write(now, level, kind, module, &text());
        }
    }

    fn writes(&self, level: Level) -> bool {
        level.number() >= self.threshold.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a line is written; else it is counted as left out.
    fn has_room(&mut self, origin: &Origin, now: Timestamp, level: Level, kind: Kind) -> bool {
        self.tell_left_out(origin, now);
        let (written, left_out) = &mut self.counts[kind as usize];
        let has_room = *written < kind.ceiling() || level == Level::Critical;
        *left_out += u64::from(!has_room);
        has_room
    }

    /// Once a second: how many lines were left out.
    fn tell_left_out(&mut self, origin: &Origin, now: Timestamp) {
        if now.as_secs() == self.second {
            return;
        }
        self.second = now.as_secs();
        for kind in Kind::ALL {
            let (written, left_out) = std::mem::take(&mut self.counts[kind as usize]);
            if left_out > 0 {
                let text = format!(
                    "{left_out} more lines about {} were left out (ceiling: {} a second, {written} written)",
                    kind.name(),
                    kind.ceiling()
                );
                self.put(origin, &warning(now, &text));
            }
        }
    }

    /// Writes a line, and before it how many were lost. A log that cannot be written has no better place to say so.
    fn put(&mut self, origin: &Origin, line: &Line<'_>) {
        if self.lost > 0 {
            let text = format!(
                "{} lines are missing here: they could not be written",
                self.lost
            );
            match self.send(origin, &warning(line.now, &text)) {
                true => self.lost = 0,
                false => {
                    self.lost += 1;
                    return;
                }
            }
        }
        if !self.send(origin, line) {
            self.lost += 1;
        }
    }

    fn send(&mut self, origin: &Origin, line: &Line<'_>) -> bool {
        self.output.write(&self.target, origin, line).is_ok()
    }
}

fn warning(now: Timestamp, text: &str) -> Line<'_> {
    Line {
        now,
        level: Level::Warning,
        module: "log",
        text,
    }
}

#[cfg(test)]
mod tests;
