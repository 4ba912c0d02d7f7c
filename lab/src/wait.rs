//! Waiting for something that real programs do in their own time: looked at often, up to a deadline.

use crate::{Done, Stop};
use std::thread;
use std::time::{Duration, Instant};

/// Looks until there is something; fails with the sentence when the time is over.
pub(crate) fn until<T>(
    limit: Duration,
    what: &str,
    mut look: impl FnMut() -> Done<Option<T>>,
) -> Done<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if Instant::now() >= deadline {
            return Err(Stop::Fail(format!(
                "not within {:.1} s: {what}",
                limit.as_secs_f64()
            )));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Looks until it is true.
pub(crate) fn until_true(
    limit: Duration,
    what: &str,
    mut look: impl FnMut() -> Done<bool>,
) -> Done {
    until(limit, what, || Ok(look()?.then_some(())))
}
