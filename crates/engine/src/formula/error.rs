//! What may be wrong with a formula, as sentences for who wrote it.

use super::{DEEPEST, LONGEST, integer};
use std::fmt;

/// A formula that cannot be read or evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormulaError {
    /// Where in the expression, in characters from 1.
    pub column: usize,
    /// What.
    pub fault: FormulaFault,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormulaFault {
    /// More bytes than [`LONGEST`].
    TooLong,
    /// Nested deeper than [`DEEPEST`].
    TooDeep,
    /// No Python expression.
    Syntax(String),
    /// Python knows it, a formula does not.
    Unsupported(String),
    /// A division by zero, or zero to a negative power.
    DivisionByZero,
    /// A result is beyond the range of floating point numbers.
    Overflow,
    /// A whole number has more than 4096 bits.
    TooLarge,
    /// A value that this operator or function does not take.
    Value(&'static str),
    /// Something that is not the kind of number that is needed here.
    Type(String),
}

impl FormulaFault {
    /// The error at this byte of the text.
    pub(crate) fn at(self, text: &str, byte: usize) -> FormulaError {
        let before = text.char_indices().take_while(|&(at, _)| at < byte);
        FormulaError {
            column: before.count() + 1,
            fault: self,
        }
    }
}

impl fmt::Display for FormulaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.fault)
    }
}

impl fmt::Display for FormulaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the expression is longer than {LONGEST} bytes"),
            Self::TooDeep => write!(f, "brackets or operators nest deeper than {DEEPEST}"),
            Self::Syntax(what) | Self::Unsupported(what) | Self::Type(what) => f.write_str(what),
            Self::DivisionByZero => f.write_str("division by zero"),
            Self::Overflow => f.write_str("the result is too large for a floating point number"),
            Self::TooLarge => write!(
                f,
                "a whole number of more than {} bits, which is too large",
                integer::BITS
            ),
            Self::Value(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for FormulaError {}
