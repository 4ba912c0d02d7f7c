//! The words of a command, as Python has them.

/// One word of a command, as Python has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An `int`.
    Int(i64),
    /// A `str`.
    Text(String),
    /// A `list`.
    List(Vec<Self>),
    /// A `dict` in its order.
    Map(Vec<(String, Self)>),
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
