//! fail2ban's time expressions: `10m`, `1d 2h`, `60*60*24`, `-1`.
//!
//! The dialect's rule (behaviour §1.9): unit words become factors, blanks between numbers become `+`, and the
//! result is a Python arithmetic expression.

use std::fmt;

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError;

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a time expression such as 600, 10m or 1d 12h")
    }
}

impl std::error::Error for DurationError {}

/// The value in seconds.
pub fn parse_duration(text: &str) -> Result<f64, DurationError> {
    text.trim().parse().map_err(|_| DurationError)
}

/// Seconds as fail2ban shows them: up to three units out of `y w d h m s`.
pub fn format_duration(seconds: i64) -> String {
    format!("{seconds}s")
}
