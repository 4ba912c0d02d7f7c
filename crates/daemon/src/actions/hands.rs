//! The real hands of an action: a shell, our log, the resolver.
//!
//! Everything here may wait: it runs in the thread of one action and nobody else's.

use super::definition::{Definition, For};
use super::life::{Hands, Outcome};
use super::template::{Script, Template};
use super::ticket::Ticket;
use super::values::{Counters, History, Values};
use crate::clock;
use crate::log::{Kind, Level, Log};
use base::Timestamp;
use conf::literal;
use os::{Ran, ScriptEnd};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Lines of each output that the log gets after a failure.
const MOST_LINES: usize = 20;

/// How long the name of an address is believed, and how many are kept.
const NAME_AGE: Duration = Duration::from_secs(300);
const MOST_NAMES: usize = 1_000;

/// What all actions share.
pub(crate) struct Tools {
    pub(crate) log: Arc<Log>,
    pub(crate) history: Box<dyn History>,
    /// Nothing is run; what would be is told.
    pub(crate) is_dry_run: bool,
    /// Numbers for the lines about one script.
    scripts: AtomicU64,
}

impl Tools {
    pub(crate) fn new(log: Arc<Log>, history: Box<dyn History>, is_dry_run: bool) -> Self {
        Self {
            log,
            history,
            is_dry_run,
            scripts: AtomicU64::new(0),
        }
    }

    pub(crate) fn tell(&self, level: Level, module: &'static str, text: &str) {
        self.log
            .write(clock::now(), level, Kind::Rare, module, text);
    }
}

/// A word to one worker from outside: there is no time left. What it runs ends, and it begins nothing more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hurry(Arc<AtomicBool>);

impl Hurry {
    pub(crate) fn set(&self, is_on: bool) {
        self.0.store(is_on, Ordering::Relaxed);
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Names of addresses that were asked for a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Names(RefCell<HashMap<IpAddr, (Instant, Option<String>)>>);

impl Names {
    fn of(&self, address: IpAddr) -> Option<String> {
        let mut known = self.0.borrow_mut();
        if let Some((asked, name)) = known.get(&address)
            && asked.elapsed() < NAME_AGE
        {
            return name.clone();
        }
        if known.len() >= MOST_NAMES {
            known.clear();
        }
        let name = os::host_of(address);
        known.insert(address, (Instant::now(), name.clone()));
        name
    }
}

/// The hands for one job.
pub(crate) struct RealHands<'a> {
    pub(crate) tools: &'a Tools,
    pub(crate) names: &'a Names,
    pub(crate) hurry: &'a Hurry,
    pub(crate) counters: Counters,
}

impl Hands for RealHands<'_> {
    fn fill(
        &mut self,
        action: &Definition,
        template: &Template,
        ticket: Option<&Ticket>,
        family: For,
    ) -> Script {
        let values = Values {
            jail: &action.jail,
            ticket,
            family,
            bantime: action.bantime,
            now: clock::now(),
            counters: self.counters,
            history: &*self.tools.history,
            host_of: &|address| self.names.of(address),
        };
        template.fill(&mut |tag| values.of(tag))
    }

    fn run(&mut self, action: &Definition, script: &Script) -> Outcome {
        if self.tools.is_dry_run {
            let text = format!(
                "[{}] dry run: '{}' would run {}",
                action.jail,
                action.name,
                shown(script)
            );
            self.tell(Level::Notice, "actions", &text);
            return Outcome::Well;
        }
        if self.hurry.is_on() {
            return Outcome::CutShort;
        }
        let arguments = script.arguments();
        let arguments: Vec<&OsStr> = arguments.iter().map(AsRef::as_ref).collect();
        let hurry = || self.hurry.is_on();
        let ran = os::run_script(script.text.as_ref(), &arguments, action.timeout, &hurry);
        let ok = matches!(&ran, Ok(ran) if ran.end == ScriptEnd::Code(0) && !ran.timed_out);
        let number = self.tools.scripts.fetch_add(1, Ordering::Relaxed);
        if !ok {
            self.tell(
                Level::Error,
                "utils",
                &format!("{number:x} -- exec: {}", shown(script)),
            );
        }
        let ran = match ran {
            Ok(ran) => ran,
            Err(error) => {
                let text = format!("{number:x} -- cannot be started: {error}");
                self.tell(Level::Error, "utils", &text);
                return Outcome::Failed;
            }
        };
        let is_cut = ran.timed_out && self.hurry.is_on();
        self.report(number, action, script, &ran, is_cut);
        match ok {
            true => Outcome::Well,
            false if is_cut => Outcome::CutShort,
            false => Outcome::Failed,
        }
    }

    fn tell(&mut self, level: Level, module: &'static str, text: &str) {
        self.tools.tell(level, module, text);
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }
}

impl RealHands<'_> {
    fn report(
        &mut self,
        number: u64,
        action: &Definition,
        script: &Script,
        ran: &Ran,
        is_cut: bool,
    ) {
        let ok = ran.end == ScriptEnd::Code(0) && !ran.timed_out;
        let level = if ok { Level::Debug } else { Level::Error };
        if ran.timed_out {
            let text = match is_cut {
                true => format!("{number:x} -- ended: there is no time left."),
                false => format!(
                    "{number:x} -- timed out after {} seconds.",
                    action.timeout.as_secs()
                ),
            };
            self.tell(Level::Error, "utils", &text);
        }
        for (name, output) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
            let text = String::from_utf8_lossy(output);
            for line in text.lines().take(MOST_LINES) {
                let line = literal(line);
                self.tell(level, "utils", &format!("{number:x} -- {name}: {line}"));
            }
        }
        if ok {
            let text = format!("{number:x} -- returned successfully 0");
            self.tell(Level::Debug, "utils", &text);
            return;
        }
        self.tell(
            Level::Error,
            "utils",
            &format!("{number:x} -- {}", how(ran.end)),
        );
        if ran.end == ScriptEnd::Code(127) {
            let text = format!(
                "HINT on 127: \"Command not found\".  Make sure that all commands in {} are in the PATH of this daemon",
                literal(&script.text)
            );
            self.tell(Level::Info, "utils", &text);
        }
    }
}

/// The script as fail2ban shows it: with its values, if there are any, as a list.
fn shown(script: &Script) -> String {
    if script.values.is_empty() {
        return script.text.clone();
    }
    let all = std::iter::once(&script.text).chain(&script.values);
    let all: Vec<String> = all.map(|text| literal(text)).collect();
    format!("[{}]", all.join(", "))
}

fn how(end: ScriptEnd) -> String {
    let (code, signal) = match end {
        ScriptEnd::Code(code) if code > 128 => (code, code - 128),
        ScriptEnd::Code(code) => return format!("returned {code}"),
        ScriptEnd::Signal(signal) => (-signal, signal),
    };
    match signal_name(signal) {
        Some(name) => format!("killed with SIG{name} (return code: {code})"),
        None => format!("returned {code}"),
    }
}

fn signal_name(number: i32) -> Option<&'static str> {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
        "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
        "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let place = usize::try_from(number).ok()?.checked_sub(1)?;
    NAMES.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(end: ScriptEnd, expected: &str) {
        assert_eq!(how(end), expected);
    }

    #[test]
    fn ends_are_told_in_fail2bans_words() {
        check(ScriptEnd::Code(3), "returned 3");
        check(ScriptEnd::Code(127), "returned 127");
        check(
            ScriptEnd::Code(130),
            "killed with SIGINT (return code: 130)",
        );
        check(ScriptEnd::Code(255), "returned 255");
        check(
            ScriptEnd::Signal(9),
            "killed with SIGKILL (return code: -9)",
        );
        check(
            ScriptEnd::Signal(15),
            "killed with SIGTERM (return code: -15)",
        );
    }

    #[test]
    fn scripts_are_shown_with_their_values() {
        let script = |text: &str, values: &[&str]| Script {
            text: text.into(),
            values: values.iter().map(|value| (*value).into()).collect(),
        };
        assert_eq!(shown(&script("echo 1", &[])), "echo 1");
        assert_eq!(
            shown(&script("x=$0 \necho $x", &["a'b"])),
            "['x=$0 \\necho $x', \"a'b\"]"
        );
    }
}
