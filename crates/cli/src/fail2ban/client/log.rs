//! What the client says beside its answer: lines in fail2ban's log format on the standard error output.

use crate::output::Output;
use base::Severity;

/// One line, or a few that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// How much it matters.
    pub(crate) severity: Severity,
    /// Who says it: `fail2ban`, `fail2ban.jailreader` and the like.
    pub(crate) logger: String,
    /// What it says.
    pub(crate) text: String,
}

impl Line {
    /// Something failed, says the client itself.
    pub(crate) fn error(text: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            logger: "fail2ban".into(),
            text: text.into(),
        }
    }

    /// fail2ban's word for the severity.
    pub(crate) fn level(&self) -> &'static str {
        match self.severity {
            Severity::Notice => "NOTICE",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
        }
    }

    fn print(&self, output: &mut Output) {
        let now = daemon::now();
        let date = daemon::local(now, &daemon::zone());
        let milliseconds = now.as_micros().rem_euclid(1_000_000) / 1000;
        let (logger, level) = (&self.logger, self.level());
        let process = std::process::id();
        output.complain(&format!(
            "{date},{milliseconds:03} {logger:<24}[{process}]: {level:<7} {}",
            self.text
        ));
    }
}

/// Prints the lines that a verbosity shows: warnings and errors; one step down errors only, one step up all.
pub(crate) fn print(lines: &[Line], verbosity: i32, output: &mut Output) {
    let least = match verbosity {
        ..0 => Severity::Error,
        0 => Severity::Warning,
        _ => Severity::Notice,
    };
    for line in lines.iter().filter(|line| line.severity >= least) {
        line.print(output);
    }
}
