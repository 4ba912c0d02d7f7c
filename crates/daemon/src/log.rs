//! Our own log, in fail2ban's line format, because other programs read it.
//!
//! Several threads write whole lines; a storm of attackers must not fill the disk, so each kind of line has a
//! ceiling per second and what was left out is counted and said. Nothing decides by what stands here: the
//! recidive jail is fed by the engine's own events.

use base::Timestamp;
use jiff::tz::TimeZone;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The longest text of one line, in bytes: what an attacker writes into a log must not fill ours.
const MAX_TEXT: usize = 4096;

/// How much a line matters, in fail2ban's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// For developers.
    Debug,
    /// Each failure.
    Info,
    /// Each ban.
    Notice,
    /// Something is not as it should be, and it goes on.
    Warning,
    /// Something failed.
    Error,
    /// The machine is not guarded.
    Critical,
}

impl Level {
    /// fail2ban's `loglevel` words; `None` for others.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_uppercase().as_str() {
            "DEBUG" | "TRACEDEBUG" | "HEAVYDEBUG" => Self::Debug,
            "INFO" => Self::Info,
            "NOTICE" => Self::Notice,
            "WARNING" => Self::Warning,
            "ERROR" => Self::Error,
            "CRITICAL" => Self::Critical,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }
}

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

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The standard error output.
    Stderr,
    /// A file, appended to, its owner's alone.
    File(PathBuf),
}

/// The log. Cheap to share by `Arc`.
pub(crate) struct Log {
    threshold: Level,
    zone: TimeZone,
    pid: u32,
    target: Target,
    output: Mutex<Output>,
}

struct Output {
    file: Option<File>,
    second: i64,
    /// Lines written in `second` and lines left out since they were last said, by kind.
    counts: [(u32, u64); 3],
}

impl Log {
    /// Opens the log. An error names the file.
    pub(crate) fn open(target: Target, threshold: Level, zone: TimeZone) -> io::Result<Self> {
        let file = match &target {
            Target::Stderr => None,
            Target::File(path) => Some(append_to(path)?),
        };
        let output = Mutex::new(Output {
            file,
            second: 0,
            counts: [(0, 0); 3],
        });
        Ok(Self {
            threshold,
            zone,
            pid: std::process::id(),
            target,
            output,
        })
    }

    /// Opens the file anew by its name, after somebody moved the old one away. On failure the old one stays.
    pub(crate) fn reopen(&self) -> io::Result<()> {
        if let Target::File(path) = &self.target {
            let file = append_to(path)?;
            self.output
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .file = Some(file);
        }
        Ok(())
    }

    /// Writes one line, or counts it as left out. `module` is fail2ban's name for the part that speaks,
    /// such as `actions`. Line ends and other control characters in `text` are written as `\x..`.
    pub(crate) fn write(&self, now: Timestamp, level: Level, kind: Kind, module: &str, text: &str) {
        if level < self.threshold {
            return;
        }
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = String::new();
        if now.as_secs() != output.second {
            output.second = now.as_secs();
            for kind in [Kind::PerFailure, Kind::PerBan, Kind::Rare] {
                let (written, left_out) = std::mem::take(&mut output.counts[kind as usize]);
                if left_out > 0 {
                    let told = format!(
                        "{left_out} more lines about {} were left out (ceiling: {} a second, {written} written)",
                        kind.name(),
                        kind.ceiling()
                    );
                    self.format(&mut lines, now, Level::Warning, "log", &told);
                }
            }
        }
        let (written, left_out) = &mut output.counts[kind as usize];
        if *written < kind.ceiling() || level == Level::Critical {
            *written += 1;
            self.format(&mut lines, now, level, module, text);
        } else {
            *left_out += 1;
        }
        // A log that cannot be written has no better place to say so; guarding goes on.
        let done = match &mut output.file {
            Some(file) => file.write_all(lines.as_bytes()),
            None => io::stderr().write_all(lines.as_bytes()),
        };
        drop(done);
    }

    fn format(&self, out: &mut String, now: Timestamp, level: Level, module: &str, text: &str) {
        use std::fmt::Write as _;
        let stamp = local(now, &self.zone);
        let millis = now.as_micros().rem_euclid(1_000_000) / 1000;
        let name = format!("fail2ban.{module}");
        // Writing to a String does not fail.
        write!(
            out,
            "{stamp},{millis:03} {name:<24}[{}]: {:<7} ",
            self.pid,
            level.word()
        )
        .ok();
        let mut end = text.len().min(MAX_TEXT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        escape_into(out, &text[..end]);
        if end < text.len() {
            write!(out, " ({} bytes more)", text.len() - end).ok();
        }
        out.push('\n');
    }
}

/// `YYYY-MM-DD HH:MM:SS` in a zone.
pub fn local(time: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_second(time.as_secs()) {
        Ok(instant) => zone
            .to_datetime(instant)
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => format!("@{}", time.as_secs()),
    }
}

/// Attackers choose parts of what is logged: no control character reaches a terminal or ends a line, and none turns
/// the order of what is read.
pub fn escape_into(out: &mut String, text: &str) {
    use std::fmt::Write as _;
    for c in text.chars() {
        // Writing to a String does not fail.
        match c {
            c if c.is_control() => write!(out, "\\x{:02x}", c as u32).ok(),
            '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}' => write!(out, "\\u{:04x}", c as u32).ok(),
            c => {
                out.push(c);
                None
            }
        };
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn log_to(path: &Path) -> Log {
        Log::open(Target::File(path.to_owned()), Level::Info, TimeZone::UTC).unwrap()
    }

    #[test]
    fn a_line_has_fail2bans_form() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = log_to(&path);
        let now = Timestamp::from_micros(1_763_856_708_516_999);
        log.write(
            now,
            Level::Notice,
            Kind::PerBan,
            "actions",
            "[t1] Ban 192.0.2.1",
        );
        log.write(now, Level::Debug, Kind::Rare, "actions", "not written");
        log.write(now, Level::Warning, Kind::Rare, "filter", "a\nb\u{1b}[31m");
        let pid = std::process::id();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            format!(
                "2025-11-23 00:11:48,516 fail2ban.actions        [{pid}]: NOTICE  [t1] Ban 192.0.2.1\n\
                 2025-11-23 00:11:48,516 fail2ban.filter         [{pid}]: WARNING a\\x0ab\\x1b[31m\n"
            )
        );
    }

    #[test]
    fn text_is_harmless_and_bounded() {
        let check = |text: &str, expected: &str| {
            let mut out = String::new();
            escape_into(&mut out, text);
            assert_eq!(out, expected);
        };
        check("a\r\n\u{7f}\u{9b}1m", "a\\x0d\\x0a\\x7f\\x9b1m");
        check("user \u{202e}toor \u{2066}", "user \\u202etoor \\u2066");
        check("Grüße, 日本", "Grüße, 日本");
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let time = Timestamp::from_secs(1);
        // A character of two bytes stands across the limit.
        let text = format!("x{}", "ü".repeat(30_000));
        log_to(&path).write(time, Level::Warning, Kind::Rare, "filter", &text);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.len() < MAX_TEXT + 200, "{}", text.len());
        assert!(
            text.ends_with("ü (55906 bytes more)\n"),
            "{}",
            &text[4000..]
        );
    }

    #[test]
    fn a_storm_is_counted_instead_of_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = log_to(&path);
        for _ in 0..1_500 {
            log.write(
                Timestamp::from_secs(10),
                Level::Info,
                Kind::PerFailure,
                "filter",
                "x",
            );
        }
        log.write(
            Timestamp::from_secs(10),
            Level::Notice,
            Kind::PerBan,
            "actions",
            "still written",
        );
        log.write(
            Timestamp::from_secs(11),
            Level::Info,
            Kind::PerFailure,
            "filter",
            "next second",
        );
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 1_000 + 1 + 1 + 1);
        assert!(
            text.contains("500 more lines about failures were left out"),
            "{text}"
        );
    }

    #[test]
    fn reopening_follows_a_rotation() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let log = log_to(&path);
        fs::rename(&path, dir.path().join("log.1")).unwrap();
        log.write(
            Timestamp::from_secs(1),
            Level::Info,
            Kind::Rare,
            "server",
            "old",
        );
        log.reopen().unwrap();
        log.write(
            Timestamp::from_secs(1),
            Level::Info,
            Kind::Rare,
            "server",
            "new",
        );
        assert!(
            fs::read_to_string(dir.path().join("log.1"))
                .unwrap()
                .ends_with("old\n")
        );
        assert!(fs::read_to_string(&path).unwrap().ends_with("new\n"));
    }
}
