//! The words of a command, as texts.

use crate::setup::fault;
use wire::fail2ban::{Exception, Value};

/// The word at this place.
pub(super) fn text(words: &[Value], at: usize) -> Result<String, Exception> {
    words
        .get(at)
        .map(ToString::to_string)
        .ok_or_else(fault::too_few)
}

/// All of them.
pub(super) fn texts(words: &[Value]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}
