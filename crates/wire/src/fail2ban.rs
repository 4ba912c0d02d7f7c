//! The protocol of fail2ban's socket: Python's pickles, each with a mark behind it; pure.
//!
//! A client sends a pickled list of words and [`END`]; the server answers with a pickled pair of a code and a value (0
//! and the result, or 1 and an exception) and [`END`]. Commands may be pipelined; [`CLOSE`] says that no more come and
//! has no answer.
//!
//! On the way bytes become frames ([`Frames`]), a frame becomes a [`Value`] ([`decode`], for our own client
//! [`decode_reply`]), and an answer becomes bytes ([`encode_reply`]). [`Value::repr`] is what the client prints.
//!
//! A pickle is a program for a machine with a stack. Ours knows data only: whatever would name a class, build an object
//! or call something is refused, where Python would run it. Neither what is nested nor what is shared inside of a pickle
//! makes the reader take more time or room than the pickle's length allows.

mod build;
mod decode;
mod encode;
mod exception;
mod fault;
mod frames;
#[doc(hidden)]
pub mod fuzz;
mod machine;
mod number;
mod opcode;
mod reply;
mod repr;
mod text;
mod value;

pub use decode::decode;
pub use encode::{encode, encode_command, encode_message, encode_reply};
pub use exception::Exception;
pub use fault::{DecodeError, Fault};
pub use frames::{Frame, Frames, TooLong};
pub use reply::{Reply, ReplyError, decode_reply};
pub use value::Value;

/// What ends every message, in both directions.
pub const END: &[u8] = b"<F2B_END_COMMAND>";

/// What a client sends last, before the end mark that it needs, too.
pub const CLOSE: &[u8] = b"<F2B_CLOSE_COMMAND>";

/// The longest request that a daemon accepts, in bytes and without its mark.
pub const MAX_REQUEST: usize = 1 << 20;

/// The longest reply that our client accepts: a hundred thousand bans with their times are less than a tenth of it.
pub const MAX_REPLY: usize = 64 << 20;

#[cfg(test)]
mod tests;
