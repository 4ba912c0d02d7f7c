//! What fail2ban's client says while it reads, in its words, with the place that it does not name.

use base::{Diagnostic, Severity};

/// One line of the client's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How much it matters.
    pub severity: Severity,
    /// The part of fail2ban that says it, without `fail2ban.`.
    pub part: &'static str,
    /// The sentence, and below it the cited line.
    pub text: String,
}

/// Something about the option of a section or a jail, where it stands.
pub(super) fn warning(part: &'static str, words: String, place: Option<&Diagnostic>) -> Remark {
    Remark {
        severity: Severity::Warning,
        part,
        text: placed(words, place),
    }
}

pub(super) fn error(part: &'static str, words: String, place: Option<&Diagnostic>) -> Remark {
    Remark {
        severity: Severity::Error,
        ..warning(part, words, place)
    }
}

/// The words in place of those of the finding, with its line and advice.
fn placed(words: String, place: Option<&Diagnostic>) -> String {
    match place {
        None => words,
        Some(found) => {
            let told = Diagnostic {
                message: words,
                jail: None,
                ..found.clone()
            };
            told.told().to_string()
        }
    }
}
