//! Where a jail's lines come from, as its `backend` and `logencoding` say.
//!
//! A backend that is not known, or an option of it that is not, costs the jail: to read something else than was asked
//! for would guard something else.

use super::Backend;
use crate::source::journal::JournalSource;
use base::{Diagnostic, Severity};
use conf::JailSpec;
use detect::Encoding;

/// fail2ban's name for the flags with which journals are opened by default.
pub(super) const FLAGS_VARIABLE: &str = "F2B_SYSTEMD_DEFAULT_FLAGS";

/// A jail's source.
pub(super) struct Source {
    pub(super) backend: Backend,
    pub(super) polled: bool,
    pub(super) place: JournalSource,
}

/// Reads `backend`.
pub(super) fn compile(spec: &JailSpec, flags: Option<i32>) -> Result<Source, Diagnostic> {
    let backend = match spec.backend.name.as_str() {
        "auto" => Backend::Either,
        "systemd" => Backend::Journal,
        "polling" | "pyinotify" | "inotify" => Backend::Files,
        other => {
            let message = format!("unknown backend '{other}'");
            return Err(
                fault(spec, &message, other).with_help("use auto, pyinotify, polling or systemd")
            );
        }
    };
    Ok(Source {
        backend,
        polled: spec.backend.name == "polling",
        place: match backend {
            Backend::Files => no_options(spec)?,
            _ => place(spec, flags)?,
        },
    })
}

fn no_options(spec: &JailSpec) -> Result<JournalSource, Diagnostic> {
    match spec.backend.options.first() {
        None => Ok(JournalSource::default()),
        Some((key, _)) => {
            let message = format!("backend '{}' has no option '{key}'", spec.backend.name);
            Err(fault(spec, &message, key).with_help("delete the brackets and what is in them"))
        }
    }
}

fn place(spec: &JailSpec, flags: Option<i32>) -> Result<JournalSource, Diagnostic> {
    let options = &spec.backend.options;
    JournalSource::of_options(options, flags)
        .map_err(|error| fault(spec, &error.message, &error.part).with_help(error.help))
}

/// Reads `logencoding`; one that is not known is replaced, for most of a log is ASCII whatever it is.
pub(super) fn encoding(spec: &JailSpec, diagnostics: &mut Vec<Diagnostic>) -> Encoding {
    Encoding::parse(&spec.logencoding.text).unwrap_or_else(|error| {
        let value = &spec.logencoding;
        let message = format!("{error}; utf-8 is taken instead");
        let diagnostic = Diagnostic::new(Severity::Warning, message)
            .with_jail(&spec.name)
            .with_origin(Some(&value.origin))
            .with_help("use a name such as utf-8, latin1, iso-8859-15, cp1252, koi8-r or utf-16");
        diagnostics.push(underlined(diagnostic, &value.text));
        Encoding::default()
    })
}

fn fault(spec: &JailSpec, message: &str, part: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(Severity::Error, format!("{message}; the jail is left out"))
        .with_jail(&spec.name)
        .with_origin(Some(&spec.backend.value.origin));
    underlined(diagnostic, part)
}

/// With a caret under the part, if the cited line shows it.
fn underlined(diagnostic: Diagnostic, part: &str) -> Diagnostic {
    let part = part.trim();
    let place = diagnostic.origin.as_ref().and_then(|origin| {
        let line = origin.text.to_lowercase();
        let at = line
            .find(&part.to_lowercase())
            .filter(|_| !part.is_empty())?;
        Some(line[..at].chars().count())
    });
    match place {
        Some(at) => diagnostic.with_span(at, part.chars().count()),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests;
