//! From a log line to failures: Python regular expressions, dates, tags, sessions; pure.

pub mod date;
pub mod pyre;
