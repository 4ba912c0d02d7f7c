//! The values that travel: Python's plain data, types kept apart as clients tell them apart.

use super::Exception;

/// One value.
///
/// Two of them are equal if they have the same type, too: Python's `1 == True == 1.0` does not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number that does not fit into 64 bits, in decimal digits, with a minus if it is negative.
    BigInt(String),
    /// A number with a fraction.
    Float(f64),
    /// A text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A tuple: pairs of a name and a value, most of all.
    Tuple(Vec<Self>),
    /// A dictionary, in its own order. Who reads a dictionary gives its last value where a key comes twice.
    Dict(Vec<(Self, Self)>),
    /// A set, in the order in which it came.
    Set(Vec<Self>),
    /// An error, in replies.
    Exception(Exception),
}

impl Value {
    /// A list of what can be made values.
    pub fn list<T: Into<Self>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// A tuple of two: `("Number of jail", 2)`.
    pub fn pair(name: impl Into<Self>, value: impl Into<Self>) -> Self {
        Self::Tuple(vec![name.into(), value.into()])
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list or a tuple.
    pub fn items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Whether Python would take it as a key of a dictionary or a member of a set.
    pub(super) fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Dict(_) | Self::Set(_) => false,
            Self::Tuple(items) => items.iter().all(Self::is_hashable),
            _ => true,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<Exception> for Value {
    fn from(error: Exception) -> Self {
        Self::Exception(error)
    }
}

/// Nothing is `None`.
impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}
