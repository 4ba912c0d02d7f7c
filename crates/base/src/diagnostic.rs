//! What is wrong with an input, where it stands, and what to do about it.
//!
//! Readers never fail whole: they give what is good and a list of these. Whoever decides reports each once.

use crate::JailName;
use std::fmt;
use std::sync::Arc;

/// Where a piece of configuration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file as the reader named it.
    pub file: Arc<str>,
    /// Counted from 1.
    pub line: u32,
    /// The line's text, without its end.
    pub text: Arc<str>,
}

/// How much of the work is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing, nothing is lost.
    Notice,
    /// Something was left out or replaced by a default.
    Warning,
    /// A jail, or everything, cannot run.
    Error,
}

/// What fail2ban gives up because of a fault, where it may cost us less. Only its own names have this manner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stops {
    /// It skips the jail, and says so in these words.
    Jail(String),
    /// It refuses the whole configuration.
    All,
}

/// One finding about an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much is lost.
    pub severity: Severity,
    /// The jail that it concerns, if one.
    pub jail: Option<JailName>,
    /// What is wrong and what was done about it, as one sentence without a full stop.
    pub message: String,
    /// Where it stands.
    pub origin: Option<Origin>,
    /// The part of the cited line to underline: start and length in characters.
    pub span: Option<(u32, u32)>,
    /// What to do.
    pub help: Option<Box<str>>,
    /// What fail2ban would give up for it; `None` if it goes on.
    pub stops: Option<Box<Stops>>,
}

impl Diagnostic {
    /// A finding without place and advice; add them with the `with_` functions.
    pub fn new(severity: Severity, message: impl Into<String>) -> Self {
        Self {
            severity,
            jail: None,
            message: message.into(),
            origin: None,
            span: None,
            help: None,
            stops: None,
        }
    }

    /// The jail that it concerns.
    #[must_use]
    pub fn with_jail(mut self, jail: &JailName) -> Self {
        self.jail = Some(jail.clone());
        self
    }

    /// Where it stands.
    #[must_use]
    pub fn with_origin(mut self, origin: Option<&Origin>) -> Self {
        self.origin = origin.cloned();
        self
    }

    /// The part of the cited line to underline: start and length in characters.
    #[must_use]
    pub fn with_span(mut self, start: usize, length: usize) -> Self {
        self.span = Some((start as u32, length as u32));
        self
    }

    /// What to do.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<Box<str>>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What fail2ban would give up for it.
    #[must_use]
    pub fn with_stops(mut self, stops: Stops) -> Self {
        self.stops = Some(Box::new(stops));
        self
    }
}

/// `error: WHAT (FILE:LINE)`, the line, a caret, `help: …` (contract: exit codes and errors).
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self.severity {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{word}: {}", self.told())
    }
}

impl Diagnostic {
    /// The same without the word of its severity, for lines that have one of their own.
    pub fn told(&self) -> impl fmt::Display {
        Told(self)
    }
}

struct Told<'a>(&'a Diagnostic);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.0;
        if let Some(jail) = &found.jail {
            write!(f, "jail '{jail}': ")?;
        }
        f.write_str(&found.message)?;
        if let Some(origin) = &found.origin {
            write!(f, " ({}:{})", origin.file, origin.line)?;
            let margin = format!("{:>5} | ", origin.line);
            write!(f, "\n{margin}{}", printable(&origin.text))?;
            if let Some((start, length)) = found.span {
                let indent = margin.chars().count() + start as usize;
                write!(f, "\n{:indent$}{}", "", "^".repeat(length.max(1) as usize))?;
            }
        }
        if let Some(help) = &found.help {
            write!(f, "\nhelp: {help}")?;
        }
        Ok(())
    }
}

/// Control characters as one blank each, so that carets stay in place and terminals stay safe.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_place_line_caret_and_help() {
        let origin = Origin {
            file: "jail.local".into(),
            line: 7,
            text: "port = sssh".into(),
        };
        let finding = Diagnostic::new(Severity::Error, "unknown port 'sssh'")
            .with_jail(&JailName::new("sshd"))
            .with_origin(Some(&origin))
            .with_span(7, 4)
            .with_help("use a number or a name of /etc/services");
        assert_eq!(
            finding.to_string(),
            "error: jail 'sshd': unknown port 'sssh' (jail.local:7)\n    7 | port = sssh\n               ^^^^\nhelp: use a number or a name of /etc/services"
        );
    }
}
