//! Why bytes are no pickle of plain data.

use std::fmt;

/// What is wrong with a pickle, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Where the instruction begins that cannot be followed, in bytes; the end, for what is the pickle's as a whole.
    pub at: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ends before its `STOP`.
    Truncated,
    /// There is no such instruction.
    Unknown(u8),
    /// The instruction of this name would name a class, call something or look outside of the pickle.
    Refused(&'static str),
    /// It is written in a version later than 5.
    Version(u8),
    /// The argument of the instruction of this name is not what it must be.
    Argument(&'static str),
    /// A text is not well formed: neither UTF-8 nor what a Python text can be in Rust.
    Text,
    /// A whole number has more than 1,024 bits.
    Number,
    /// The instruction of this name wants more or other values than there are.
    Stack(&'static str),
    /// It looks up a value that it never remembered.
    Memo(u64),
    /// A list, a dictionary or a set is a key of a dictionary or a member of a set.
    Unhashable,
    /// Values are nested more than 64 deep, perhaps in themselves.
    Deep,
    /// Shared values stand for more of them than a pickle of this length may hold.
    Many,
    /// A class is where a value should be.
    Class,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fault {
            Fault::Truncated => write!(f, "the pickle ends too early"),
            Fault::Unknown(code) => write!(f, "there is no pickle opcode 0x{code:02x}"),
            Fault::Refused(name) => write!(f, "{name} is refused: only plain data is read"),
            Fault::Version(version) => write!(f, "there is no pickle protocol {version}"),
            Fault::Argument(name) => write!(f, "{name} has a bad argument"),
            Fault::Text => write!(f, "a text is not well formed"),
            Fault::Number => write!(f, "a number has more than 1024 bits"),
            Fault::Stack(name) => write!(f, "{name} finds no fitting values"),
            Fault::Memo(key) => write!(f, "nothing was memoized as {key}"),
            Fault::Unhashable => write!(f, "a key is a list, a dict or a set"),
            Fault::Deep => write!(f, "values are nested more than 64 deep"),
            Fault::Many => write!(f, "shared values stand for too many"),
            Fault::Class => write!(f, "a class stands in the place of a value"),
        }?;
        write!(f, " (byte {})", self.at)
    }
}

impl std::error::Error for DecodeError {}
