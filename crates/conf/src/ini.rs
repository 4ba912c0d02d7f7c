//! The grammar of one file, as Python's configparser reads it (behaviour §1.2).
//!
//! A fault costs its own line: it is reported and the reader goes on, so that the caller decides what is left.

use crate::spec::Value;
use crate::text::Text;
use base::{Diagnostic, Origin, Severity, Stops};
use std::sync::Arc;

/// Faults told of one file; the others are only counted.
const MAX_FAULTS: usize = 20;

/// One section of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    /// Keys in lower case, in order, each once.
    pub(crate) options: Vec<(String, Text)>,
}

/// Reads a file. Of a section or option that comes twice the first is kept.
pub(crate) fn parse(file: &str, content: &str) -> (Vec<Section>, Vec<Diagnostic>) {
    let mut reader = Reader {
        file: file.into(),
        sections: Vec::new(),
        faults: Vec::new(),
        current: Current::Outside,
        option: None,
    };
    for (number, line) in content
        .strip_prefix('\u{feff}')
        .unwrap_or(content)
        .lines()
        .enumerate()
    {
        reader.line(number as u32 + 1, line.strip_suffix('\r').unwrap_or(line));
    }
    for (_, text) in reader
        .sections
        .iter_mut()
        .flat_map(|section| &mut section.options)
    {
        while text.lines.len() > 1 && text.lines.last().is_some_and(|line| line.text.is_empty()) {
            text.lines.pop();
        }
    }
    let more = reader.faults.len().saturating_sub(MAX_FAULTS);
    if more > 0 {
        reader.faults.truncate(MAX_FAULTS);
        let message =
            format!("{file} has {more} more lines that cannot be used; they are left out");
        let help = "check that this is a configuration file at all";
        reader
            .faults
            .push(Diagnostic::new(Severity::Error, message).with_help(help));
    }
    (reader.sections, reader.faults)
}

#[derive(Clone, Copy)]
enum Current {
    /// Before any header.
    Outside,
    In(usize),
    /// Below a header that cannot be used: what follows was reported with it.
    Skipped,
}

struct Reader {
    file: Arc<str>,
    sections: Vec<Section>,
    faults: Vec<Diagnostic>,
    current: Current,
    /// The indentation of the key line that a deeper line continues, and whether that option is kept.
    option: Option<(usize, bool)>,
}

impl Reader {
    fn line(&mut self, number: u32, line: &str) {
        let bare = line.trim();
        if bare.starts_with(['#', ';']) {
            return;
        }
        let origin = Origin {
            file: Arc::clone(&self.file),
            line: number,
            text: line.into(),
        };
        let value = without_comment(line).trim();
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if value.is_empty() {
            // A blank line belongs to a value if it goes on afterwards.
            if let Some(text) = self.kept() {
                text.lines.push(Value {
                    text: String::new(),
                    origin,
                });
            }
            return;
        }
        if self
            .option
            .is_some_and(|(key_indent, _)| indent > key_indent)
        {
            if let Some(text) = self.kept() {
                text.lines.push(Value {
                    text: value.into(),
                    origin,
                });
            }
            return;
        }
        if let Some(end) = value.strip_prefix('[').and_then(|rest| rest.rfind(']')) {
            return self.header(&value[1..=end], origin);
        }
        if value.starts_with('[') && !value.contains(['=', ':']) {
            self.option = None;
            self.current = Current::Skipped;
            return self.lost(
                "the header of a section has no ]; what stands below is left out",
                &origin,
                "write [NAME]",
            );
        }
        self.key(value, indent, origin);
    }

    fn kept(&mut self) -> Option<&mut Text> {
        let (Some((_, true)), Current::In(index)) = (self.option, self.current) else {
            return None;
        };
        Some(&mut self.sections.get_mut(index)?.options.last_mut()?.1)
    }

    fn header(&mut self, name: &str, origin: Origin) {
        self.option = None;
        if name.is_empty() {
            self.current = Current::Skipped;
            return self.lost(
                "a section needs a name; what stands below is left out",
                &origin,
                "write [NAME]",
            );
        }
        if let Some(first) = self.sections.iter().find(|section| section.name == name) {
            self.current = Current::Skipped;
            let message = format!(
                "section [{name}] stands in line {} already; this one is left out",
                first.origin.line
            );
            return self.lost(message, &origin, "put both into one section");
        }
        self.sections.push(Section {
            name: name.into(),
            origin,
            options: Vec::new(),
        });
        self.current = Current::In(self.sections.len() - 1);
    }

    fn key(&mut self, line: &str, indent: usize, origin: Origin) {
        let index = match self.current {
            Current::In(index) => index,
            Current::Skipped => return self.option = Some((indent, false)),
            Current::Outside => {
                self.option = Some((indent, false));
                return self.fault(
                    "an option stands before any [section]; it is left out",
                    &origin,
                    "put a [section] above it",
                );
            }
        };
        self.option = Some((indent, false));
        let Some(at) = line.find(['=', ':']) else {
            return self.fault(
                "a line that is neither option nor section; it is left out",
                &origin,
                "write KEY = VALUE, or indent the line if it continues the one above",
            );
        };
        let key = line[..at].trim().to_lowercase();
        if key.is_empty() {
            return self.fault(
                "an option without a name; it is left out",
                &origin,
                "write KEY = VALUE",
            );
        }
        let Some(section) = self.sections.get_mut(index) else {
            return;
        };
        if let Some((_, first)) = section.options.iter().find(|(known, _)| *known == key) {
            let message = format!(
                "option '{key}' of [{}] stands in line {} already; this one is left out",
                section.name,
                first.origin().line
            );
            return self.fault(message, &origin, "keep one of them");
        }
        section
            .options
            .push((key, Text::new(line[at + 1..].trim(), &origin)));
        self.option = Some((indent, true));
    }

    /// A line is lost.
    fn fault(&mut self, message: impl Into<String>, origin: &Origin, help: &str) {
        let found = Diagnostic::new(Severity::Warning, message).with_origin(Some(origin));
        self.faults
            .push(found.with_help(help).with_stops(Stops::All));
    }

    /// A section is lost, and with it maybe a jail.
    fn lost(&mut self, message: impl Into<String>, origin: &Origin, help: &str) {
        let found = Diagnostic::new(Severity::Error, message).with_origin(Some(origin));
        self.faults
            .push(found.with_help(help).with_stops(Stops::All));
    }
}

/// Cuts at the first `;` that follows a blank.
fn without_comment(line: &str) -> &str {
    let mut blank = true;
    for (at, c) in line.char_indices() {
        if c == ';' && blank {
            return &line[..at];
        }
        blank = c.is_whitespace();
    }
    line
}

#[cfg(test)]
mod tests;
