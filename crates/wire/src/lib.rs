//! Messages between the daemon and its clients; pure.
//!
//! One JSON object a line each way, on a Unix stream socket. Every object carries `"v":1`; times are whole
//! seconds since 1970 UTC, durations whole seconds, `null` for "until" means for ever, addresses are in
//! canonical text. Readers ignore fields that they do not know. These types are the messages and nothing else:
//! the engine's own types never travel.
//!
//! [`fail2ban`] is the other protocol, that of fail2ban's own socket.

mod answer;
pub mod explain;
pub mod fail2ban;
mod request;

pub use answer::{
    Action, Answer, AttemptAnswer, Ban, BanAnswer, BannedAnswer, BrokenJail, Enforcement, Event,
    Failed, IgnoreAnswer, Ignored, JailStatus, Lost, Pong, Refusal, ReloadAnswer, Source, Status,
    StatusAnswer, StopAnswer, Store, UnbanAnswer, Unbanned, User, WatchAnswer, Watched,
};
pub use request::Request;

/// The version of the messages.
pub const VERSION: u32 = 1;

/// The longest request line that a daemon accepts, in bytes; a ban of 20,000 addresses fits.
pub const MAX_REQUEST: usize = 1 << 20;

/// Why a line is no message.
#[derive(Debug)]
pub struct Malformed(serde_json::Error);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not a message of this protocol: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

/// One line without its end.
pub fn encode<T: serde::Serialize>(message: &T) -> String {
    // These types have text keys only, so there is nothing that JSON could not hold.
    let line = serde_json::to_string(message).unwrap_or_default();
    // JSON leaves DEL and the controls above it as they are; a terminal would obey them.
    if !line.contains(is_bare_control) {
        return line;
    }
    let mut safe = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if is_bare_control(c) {
            safe.push_str(&format!("\\u{:04x}", c as u32));
        } else {
            safe.push(c);
        }
    }
    safe
}

fn is_bare_control(c: char) -> bool {
    ('\u{7f}'..='\u{9f}').contains(&c)
}

/// The message in one line.
pub fn decode<T: serde::de::DeserializeOwned>(line: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice(line).map_err(Malformed)
}

#[cfg(test)]
mod tests;
