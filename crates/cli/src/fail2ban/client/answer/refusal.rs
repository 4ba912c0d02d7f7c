//! What a person reads of a server's "no".

use wire::fail2ban::{Exception, Value};

/// A "no" in two texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Refusal {
    /// For the log: everything that was said.
    pub(in super::super) log: String,
    /// For the standard output: the sentence.
    pub(in super::super) sentence: Option<String>,
}

/// What the value of a refusal says. Three classes have sentences of the client, all else speaks for itself.
pub(in super::super) fn refusal(value: &Value) -> Refusal {
    let Value::Exception(error) = value else {
        return Refusal {
            log: format!("The server says no and not why: {}", value.repr()),
            sentence: None,
        };
    };
    let Exception { class, args } = error;
    let sentence = match (class.as_str(), args.as_slice()) {
        ("IndexError", _) => "Sorry but the command is invalid".into(),
        ("fail2ban.exceptions.UnknownJailException", [Value::Str(jail), ..]) => {
            format!("Sorry but the jail '{jail}' does not exist")
        }
        ("fail2ban.exceptions.DuplicateJailException", [Value::Str(jail), ..]) => {
            format!("The jail '{jail}' already exists")
        }
        _ => error.message(),
    };
    // An error of the system keeps the file that it is about apart.
    let shown = match (args.as_slice(), error.message().starts_with("[Errno ")) {
        ([number, text, ..], true) => &[number.clone(), text.clone()],
        (all, _) => all,
    };
    Refusal {
        log: format!("NOK: {}", Value::Tuple(shown.to_vec()).repr()),
        sentence: Some(sentence),
    }
}
