//! What may change while lines are written: target, level, `syslogsocket`; and the answer to a rotation.
//!
//! The new target is opened before the old one is let go, and beside the lines that are written meanwhile.

use super::line::Line;
use super::output::Output;
use super::target::{Place, Target};
use super::{Level, Log, State, Threshold};
use crate::clock;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

/// What became of a wish to flush the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// The file was opened anew by its name.
    RolledOver,
    /// There is no file.
    Flushed,
}

impl Flushed {
    /// As fail2ban's client is told.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::RolledOver => "rolled over",
            Self::Flushed => "flushed",
        }
    }
}

impl Log {
    /// Opens the file anew by its name, after somebody moved the old one away. On failure the old one stays.
    pub(crate) fn reopen(&self) -> Result<Flushed, String> {
        let _changing = self.changing();
        let (target, socket) = self.standing();
        let Place::File(path) = &target.place else {
            self.say(
                &mut self.state(),
                Level::Info,
                &format!("flush performed on {}", target.name),
            );
            return Ok(Flushed::Flushed);
        };
        let output = Output::open(&target, &socket, &self.places)?;
        let mut state = self.state();
        state.output = output;
        let text = format!("rollover performed on {}", path.display());
        self.say(&mut state, Level::Info, &text);
        Ok(Flushed::RolledOver)
    }

    /// Says, in fail2ban's words, that a facility does not exist.
    pub(super) fn tell_facility(&self, state: &mut State) {
        if let Some(word) = &state.target.unknown_facility {
            let text = format!("Unable to set facility '{word}', using 'DAEMON'");
            self.say(state, Level::Error, &text);
        }
    }

    fn say(&self, state: &mut State, level: Level, text: &str) {
        if self.writes(level) {
            let line = Line {
                now: clock::now(),
                level,
                module: "server",
                text,
            };
            state.put(&self.origin, &line);
        }
    }

    fn standing(&self) -> (Target, String) {
        let state = self.state();
        (state.target.clone(), state.syslogsocket.clone())
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// From which level on lines are written; the text is as it was given, in capitals.
    pub(crate) fn level(&self) -> String {
        self.state().level.text.clone()
    }

    /// Takes one of fail2ban's words or a number.
    ///
    /// # Errors
    /// fail2ban's sentence of what is none.
    pub(crate) fn set_level(&self, text: &str) -> Result<(), String> {
        let level = Threshold::parse(text)?;
        let mut state = self.state();
        self.threshold.store(level.number, Ordering::Relaxed);
        state.level = level;
        Ok(())
    }

    /// The target as it was named, without its options.
    pub(crate) fn target(&self) -> String {
        self.state().target.name.clone()
    }

    /// Goes over to another target, if it is another. No line is lost: each is written to the one or to the other.
    ///
    /// # Errors
    /// What is wrong with the text, or with the place that it names; then all stays as it was.
    pub(crate) fn retarget(&self, text: &str) -> Result<(), String> {
        let target = Target::parse(text)?;
        let _changing = self.changing();
        let (before, socket) = self.standing();
        match target == before {
            true => Ok(()),
            false => self.go_over(target, socket),
        }
    }

    /// `syslogsocket`, as it was given.
    pub(crate) fn syslogsocket(&self) -> String {
        self.state().syslogsocket.clone()
    }

    /// Takes another socket for syslog, and goes over to it if lines go to syslog.
    ///
    /// # Errors
    /// Why lines cannot go there; then all stays as it was.
    pub(crate) fn set_syslogsocket(&self, text: &str) -> Result<(), String> {
        let _changing = self.changing();
        let (target, before) = self.standing();
        if matches!(target.place, Place::Syslog(_)) && before != text {
            return self.go_over(target, text.into());
        }
        self.state().syslogsocket = text.into();
        Ok(())
    }

    fn go_over(&self, target: Target, socket: String) -> Result<(), String> {
        let opened = Output::open(&target, &socket, &self.places);
        let mut state = self.state();
        let output = match opened {
            Ok(output) => output,
            Err(error) => {
                let stays = format!("Logging to previous target '{}'", state.target.name);
                self.say(&mut state, Level::Error, &error);
                self.say(&mut state, Level::Info, &stays);
                return Err(error);
            }
        };
        // fail2ban tells the socket only where it is written like this.
        let place = match target.name == "SYSLOG" {
            true => format!(
                "SYSLOG ({})",
                super::syslog::place(&socket, &self.places.syslog)
            ),
            false => target.name.clone(),
        };
        state.output = output;
        state.target = target;
        state.syslogsocket = socket;
        self.tell_facility(&mut state);
        self.say(&mut state, Level::Info, &format!("Start {}", self.product));
        let changed = format!("Changed logging target to {place} for {}", self.product);
        self.say(&mut state, Level::Info, &changed);
        Ok(())
    }
}
