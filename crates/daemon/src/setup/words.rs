//! The words of a command and what they are worth.
//!
//! fail2ban's client sends what was typed, as texts; the stream of a configuration has numbers and truth values, too.

use super::fault;
use base::Seconds;
use wire::fail2ban::{Exception, Value};

/// The word at this place, as a text.
pub(super) fn text(words: &[Value], at: usize) -> Result<String, Exception> {
    words
        .get(at)
        .map(ToString::to_string)
        .ok_or_else(fault::too_few)
}

/// Python's `int()` of the word at this place.
pub(super) fn int(words: &[Value], at: usize) -> Result<i64, Exception> {
    match words.get(at) {
        None => Err(fault::too_few()),
        Some(Value::Int(number)) => Ok(*number),
        Some(Value::Bool(flag)) => Ok(i64::from(*flag)),
        Some(Value::Float(number)) => Ok(*number as i64),
        Some(word) => {
            let text = word.to_string();
            let plain = text.trim().replace('_', "");
            plain.parse().map_err(|_| {
                let shown = Value::Str(text).repr();
                fault::value(format!("invalid literal for int() with base 10: {shown}"))
            })
        }
    }
}

/// A count that may not be negative; what Python would take and nobody can mean is the nearest that can be.
pub(super) fn count(words: &[Value], at: usize) -> Result<u32, Exception> {
    let number = int(words, at)?;
    Ok(number.clamp(0, i64::from(u32::MAX)) as u32)
}

/// A time, in any of the forms of a configuration.
pub(crate) fn seconds(words: &[Value], at: usize) -> Result<Seconds, Exception> {
    let text = text(words, at)?;
    base::parse_seconds(&text).map_err(|error| fault::value(format!("'{text}' is {error}")))
}

/// What fail2ban takes for true.
pub(super) fn flag(words: &[Value], at: usize) -> Result<bool, Exception> {
    Ok(is_true(&text(words, at)?))
}

pub(super) fn is_true(text: &str) -> bool {
    ["1", "on", "true", "yes"].contains(&text.to_ascii_lowercase().as_str())
}

/// A number as Python has it.
pub(super) fn number(seconds: Seconds) -> Value {
    match seconds.is_float {
        true => Value::Float(seconds.value),
        false => Value::Int(seconds.value as i64),
    }
}
