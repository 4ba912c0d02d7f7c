//! What an expression may come to on the way, and what it may come to in the end.

use super::FormulaFault;
use super::integer::Integer;
use std::fmt;

/// A number as Python has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Number {
    /// A whole number.
    Int(Integer),
    /// A floating point number; it may be infinite or no number.
    Float(f64),
}

impl Number {
    /// As a floating point number, rounded once; what is too large is infinite.
    pub fn to_f64(&self) -> f64 {
        match self {
            Self::Int(value) if value.is_negative() => value.to_f64().unwrap_or(f64::NEG_INFINITY),
            Self::Int(value) => value.to_f64().unwrap_or(f64::INFINITY),
            Self::Float(value) => *value,
        }
    }

    /// As Python's operators make a float of it.
    pub(crate) fn float(&self) -> Result<f64, FormulaFault> {
        match self {
            Self::Int(value) => value.to_f64(),
            Self::Float(value) => Ok(*value),
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
        }
    }
}

/// Anything on the stack.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(Integer),
    Float(f64),
    /// A tuple or a list: to be taken by `max`, `sum` and others, or by an index.
    Sequence(Vec<Self>),
}

impl Value {
    /// The number that it is; a truth value is 0 or 1.
    pub(crate) fn number(&self) -> Option<Number> {
        match self {
            Self::Bool(value) => Some(Number::Int(i64::from(*value).into())),
            Self::Int(value) => Some(Number::Int(value.clone())),
            Self::Float(value) => Some(Number::Float(*value)),
            Self::None | Self::Sequence(_) => None,
        }
    }

    /// Whether it counts as true.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(value) => !value.is_zero(),
            Self::Float(value) => *value != 0.0,
            Self::Sequence(items) => !items.is_empty(),
        }
    }

    /// What it is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a floating point number",
            Self::Sequence(_) => "a sequence",
        }
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(value) => Self::Int(value),
            Number::Float(value) => Self::Float(value),
        }
    }
}
