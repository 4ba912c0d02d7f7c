//! Vocabulary that every part shares: time, durations, addresses and prefixes and the hash of them, jail names, lists of
//! texts, texts as Python's literals, diagnostics.
//!
//! Nothing here reads a clock, a file or the environment; the parts that do hand the values in.

mod diagnostic;
mod duration;
mod failure_id;
mod id_hash;
mod jail;
mod literal;
mod prefix;
mod prefix_set;
mod texts;
mod time;

pub use diagnostic::{Diagnostic, Origin, Severity, Stops};
pub use duration::{
    DurationError, Seconds, format_duration, format_seconds, parse_duration, parse_seconds,
};
pub use failure_id::FailureId;
pub use id_hash::IdHash;
pub use jail::JailName;
pub use literal::literal;
pub use prefix::{Family, Prefix, PrefixError, canonical};
pub use prefix_set::PrefixSet;
pub use texts::{NamedTexts, Texts};
pub use time::{Span, Timestamp};
