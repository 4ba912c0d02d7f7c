//! What a client sent, as a value.

use super::build::build;
use super::fault::DecodeError;
use super::machine::{Machine, Manner, run};
use super::value::Value;

/// The value of a pickle of any protocol from 0 to 5, which may hold plain data only. What is behind its `STOP` is
/// ignored, as Python does.
///
/// Byte strings of Python 2, which clients in other languages send, are texts; they may be UTF-8.
///
/// # Errors
/// If it is no pickle, if it holds more than data, or if it is beyond a bound; see [`super::Fault`].
pub fn decode(data: &[u8]) -> Result<Value, DecodeError> {
    decode_as(data, Manner::Request)
}

pub(super) fn decode_as(data: &[u8], manner: Manner) -> Result<Value, DecodeError> {
    let (Machine { nodes, .. }, id) = run(data, manner)?;
    build(&nodes, id, data.len()).map_err(|fault| DecodeError {
        at: data.len(),
        fault,
    })
}
