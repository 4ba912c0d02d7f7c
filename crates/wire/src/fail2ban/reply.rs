//! What a server answered.
//!
//! Stock servers write more than data: an address is a call of `str`, an error an instance of its class, and protocols
//! before 4 have calls for bytes and sets. Each of these is read as the data that it stands for; nothing is called, and
//! no class is looked for.

use super::build::Builder;
use super::decode::decode_as;
use super::exception::Exception;
use super::fault::{DecodeError, Fault};
use super::machine::{Id, Machine, Manner, Node};
use super::value::Value;
use std::fmt;

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// 0: done; 1: not done.
    pub code: i64,
    /// The result, or an exception.
    pub value: Value,
}

/// Why there is no answer in it.
#[derive(Clone, Debug, PartialEq)]
pub enum ReplyError {
    /// It is no pickle that a server would send.
    Pickle(DecodeError),
    /// It is no pair of a number and a value: the text `ERROR: …` after a request that was no pickle,
    /// `['SHUTDOWN']` from a server that ends.
    NoPair(Value),
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pickle(error) => error.fmt(f),
            Self::NoPair(value) => value.fmt(f),
        }
    }
}

impl std::error::Error for ReplyError {}

/// The answer in a pickle. Whatever class is called that is none of plain data is taken for an exception, as servers send
/// no other objects.
///
/// # Errors
/// If it is no pickle, is beyond a bound, or holds no answer.
pub fn decode_reply(data: &[u8]) -> Result<Reply, ReplyError> {
    match decode_as(data, Manner::Reply).map_err(ReplyError::Pickle)? {
        Value::Tuple(mut pair) if pair.len() == 2 => match (pair.remove(0), pair.remove(0)) {
            (Value::Int(code), value) => Ok(Reply { code, value }),
            (first, value) => Err(ReplyError::NoPair(Value::Tuple(vec![first, value]))),
        },
        other => Err(ReplyError::NoPair(other)),
    }
}

/// Does an instruction that has to do with classes, as far as answers need it.
pub(super) fn object(
    machine: &mut Machine,
    code: u8,
    name: &'static str,
    argument: &[u8],
    second: &[u8],
) -> Result<(), Fault> {
    match code {
        b'c' => {
            let mut word = |bytes| match std::str::from_utf8(bytes) {
                Ok(word) => Ok(machine.keep(Node::Leaf(word.into()))),
                Err(_) => Err(Fault::Argument(name)),
            };
            let class = Node::Class(word(argument)?, word(second)?);
            machine.push(class);
        }
        0x93 => {
            let class = machine.pop(name)?;
            let module = machine.pop(name)?;
            machine.push(Node::Class(module, class));
        }
        b'R' => {
            let args = machine.pop(name)?;
            let class = machine.pop(name)?;
            machine.push(Node::Called(class, args));
        }
        b'b' => {
            // What an exception remembers beside its arguments is not told.
            machine.pop(name)?;
            if !matches!(machine.top(name)?, Node::Called(..)) {
                return Err(Fault::Refused(name));
            }
        }
        _ => return Err(Fault::Refused(name)),
    }
    Ok(())
}

/// What a call gives: the plain data that it stands for, or an exception.
pub(super) fn called(
    builder: &mut Builder<'_>,
    class: Id,
    args: Id,
    depth: usize,
) -> Result<Value, Fault> {
    let Node::Class(module, name) = builder.nodes[class] else {
        return Err(Fault::Class);
    };
    let (Value::Str(module), Value::Str(name), Value::Tuple(mut args)) = (
        builder.value(module, depth)?,
        builder.value(name, depth)?,
        builder.value(args, depth)?,
    ) else {
        return Err(Fault::Class);
    };
    match (module.as_str(), name.as_str(), args.as_mut_slice()) {
        ("builtins" | "__builtin__", "str" | "unicode", [Value::Str(text)]) => {
            Ok(Value::Str(std::mem::take(text)))
        }
        ("builtins" | "__builtin__", "set", [Value::List(items)]) => {
            Builder::set(std::mem::take(items))
        }
        ("builtins" | "__builtin__", "bytes", []) => Ok(Value::Bytes(Vec::new())),
        ("_codecs", "encode", [Value::Str(text), Value::Str(encoding)]) if encoding == "latin1" => {
            let bytes = text.chars().map(|c| u8::try_from(u32::from(c)));
            let bytes: Result<_, _> = bytes.collect();
            Ok(Value::Bytes(bytes.map_err(|_| Fault::Class)?))
        }
        ("builtins" | "__builtin__" | "exceptions", ..) => {
            Ok(Value::Exception(Exception { class: name, args }))
        }
        _ => Ok(Value::Exception(Exception {
            class: format!("{module}.{name}"),
            args,
        })),
    }
}
