//! The one place that reads the clock.

use base::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The wall clock now. A clock before 1970 reads as 1970.
pub fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
