//! From the machine's arena to a value.
//!
//! The arena shares: a list that holds another one twice, which holds another one twice, thirty times over, is a hundred
//! bytes of pickle and a milliard of values. What stands in a pickle by itself always fits; what sharing adds has a
//! bound. A list that holds itself is too deep.

use super::fault::Fault;
use super::machine::{Id, Node};
use super::reply;
use super::value::Value;

/// How deep values may be nested. Commands are at most four deep.
const MAX_DEPTH: usize = 64;

/// How many values sharing may add.
const SHARED_VALUES: usize = 100_000;

/// How many bytes of text sharing may add.
const SHARED_BYTES: usize = 4 << 20;

/// No byte of a pickle makes more than three bytes of text: U+FFFD in the place of something.
const BYTES_A_BYTE: usize = 3;

/// The value at a place in the arena, which came of a pickle of so many bytes.
pub(super) fn build(nodes: &[Node], id: Id, length: usize) -> Result<Value, Fault> {
    let mut builder = Builder {
        nodes,
        values: length + SHARED_VALUES,
        bytes: BYTES_A_BYTE * length + SHARED_BYTES,
    };
    builder.value(id, MAX_DEPTH)
}

/// What is still allowed.
pub(super) struct Builder<'a> {
    pub(super) nodes: &'a [Node],
    values: usize,
    bytes: usize,
}

impl Builder<'_> {
    /// The value at a place, which may be so deep.
    pub(super) fn value(&mut self, id: Id, depth: usize) -> Result<Value, Fault> {
        self.values = self.values.checked_sub(1).ok_or(Fault::Many)?;
        let depth = depth.checked_sub(1).ok_or(Fault::Deep)?;
        Ok(match &self.nodes[id] {
            Node::Leaf(value) => self.leaf(value)?,
            Node::List(items) => Value::List(self.values(items, depth)?),
            Node::Tuple(items) => Value::Tuple(self.values(items, depth)?),
            Node::Set(items) => Self::set(self.values(items, depth)?)?,
            Node::Dict(items) => {
                let mut pairs = Vec::with_capacity(items.len() / 2);
                for pair in items.chunks_exact(2) {
                    pairs.push((self.value(pair[0], depth)?, self.value(pair[1], depth)?));
                }
                check_keys(pairs.iter().map(|(key, _)| key))?;
                Value::Dict(pairs)
            }
            Node::Called(class, args) => reply::called(self, *class, *args, depth)?,
            Node::Class(..) => return Err(Fault::Class),
        })
    }

    fn values(&mut self, ids: &[Id], depth: usize) -> Result<Vec<Value>, Fault> {
        // No more room than is allowed to be filled.
        let mut values = Vec::with_capacity(ids.len().min(self.values));
        for id in ids {
            values.push(self.value(*id, depth)?);
        }
        Ok(values)
    }

    /// A set of these.
    pub(super) fn set(items: Vec<Value>) -> Result<Value, Fault> {
        check_keys(items.iter())?;
        Ok(Value::Set(items))
    }

    fn leaf(&mut self, value: &Value) -> Result<Value, Fault> {
        let length = match value {
            Value::Str(text) | Value::BigInt(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        self.bytes = self.bytes.checked_sub(length).ok_or(Fault::Many)?;
        Ok(value.clone())
    }
}

fn check_keys<'a>(mut keys: impl Iterator<Item = &'a Value>) -> Result<(), Fault> {
    match keys.all(Value::is_hashable) {
        true => Ok(()),
        false => Err(Fault::Unhashable),
    }
}
