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
    let error = &as_made(error);
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
    let shown = match args.as_slice() {
        [number, text, _] if error.message().starts_with("[Errno ") => {
            vec![number.clone(), text.clone()]
        }
        all => all.to_vec(),
    };
    Refusal {
        log: format!("NOK: {}", Value::Tuple(shown).repr()),
        sentence: Some(sentence),
    }
}

/// The error as it is once it has been made again. That of JSON, which arguments of an action's method may be, travels as
/// text, document and place, and makes one sentence of them.
fn as_made(error: &Exception) -> Exception {
    let parts = match (error.class.as_str(), error.args.as_slice()) {
        (
            "json.decoder.JSONDecodeError",
            [Value::Str(text), Value::Str(document), Value::Int(at)],
        ) => Some((text, document, *at)),
        _ => None,
    };
    let Some((text, document, at)) = parts else {
        return error.clone();
    };
    let before = document
        .chars()
        .take(usize::try_from(at).unwrap_or_default());
    let (mut line, mut column) = (1, 1);
    for letter in before {
        (line, column) = match letter {
            '\n' => (line + 1, 1),
            _ => (line, column + 1),
        };
    }
    let sentence = format!("{text}: line {line} column {column} (char {at})");
    Exception::new(&error.class, sentence)
}
