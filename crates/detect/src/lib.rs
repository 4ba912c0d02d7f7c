//! From a log line to failures: Python regular expressions, dates, tags, sessions; pure.
//!
//! The way of a line: [`Splitter`] makes it of bytes; [`Detector::feed`] cuts its date out (`date`), searches it with
//! the expressions of a [`Rule`] (`tags`, `pyre`, `multiline`), joins it with its session (`session`) and says whom it
//! is about (`address`). No name is resolved here and nothing is counted.

pub mod date;
#[doc(hidden)]
pub mod fuzz;
pub mod pyre;

mod address;
mod captures;
mod detector;
mod detectors;
mod failure;
mod hash;
mod line;
mod multiline;
mod reach;
mod review;
mod rule;
mod session;
mod split;
mod tags;
mod timing;

pub use detector::{Asked, CutDate, Detector, Explained, Explanation};
pub use detectors::{Detectors, Passed, Said};
pub use failure::{Failure, Failures, LineVerdict};
pub use line::{Clock, Line};
pub use reach::{Reach, reach};
pub use review::{Reviewed, Risk, Search};
pub use rule::{Rule, RuleError, RulePart, RuleSource, UseDns};
pub use split::{Encoding, EncodingError, MAX_LINE, Order, Split, Splitter};
