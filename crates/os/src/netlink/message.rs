//! Netlink messages and attributes as bytes: building and reading, nothing else.
//!
//! Headers are in the machine's byte order, attribute values in whatever order the family says (nf_tables: big
//! endian, which [`Builder`]'s helpers write). The length field of an attribute has 16 bits: a nest that outgrows it
//! makes [`Builder::finish`] fail instead of sending a message cut short. Reading never panics and stops at the first
//! length that makes no sense.

use std::fmt;

/// The size of a message header.
pub const HEADER: usize = 16;
/// The most that one attribute, header included, can hold.
pub const ATTRIBUTE_LIMIT: usize = u16::MAX as usize;

/// `NLM_F_REQUEST`.
pub const REQUEST: u16 = 0x1;
/// `NLM_F_ACK`.
pub const ACK: u16 = 0x4;
/// `NLM_F_DUMP_INTR`: what is dumped changed meanwhile.
pub const DUMP_INTERRUPTED: u16 = 0x10;
/// `NLM_F_CAPPED`: the error holds only the header of the refused message.
pub const CAPPED: u16 = 0x100;
/// `NLM_F_ACK_TLVS`: the error is followed by attributes.
pub const ACK_TLVS: u16 = 0x200;
/// `NLM_F_EXCL`.
pub const EXCL: u16 = 0x200;
/// `NLM_F_DUMP`.
pub const DUMP: u16 = 0x300;
/// `NLM_F_CREATE`.
pub const CREATE: u16 = 0x400;
/// `NLM_F_APPEND`.
pub const APPEND: u16 = 0x800;

/// `NLMSG_ERROR`: an error or, with number 0, an acknowledgement.
pub const TYPE_ERROR: u16 = 2;
/// `NLMSG_DONE`: the end of a dump.
pub const TYPE_DONE: u16 = 3;

const NESTED: u16 = 0x8000;
const TYPE_MASK: u16 = 0x3fff;

/// A nest grew over the 65,535 bytes that its length field can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a netlink attribute exceeds 65,535 bytes")
    }
}

impl std::error::Error for TooLong {}

/// Builds one or more messages in one buffer.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    bytes: Vec<u8>,
    message: usize,
    too_long: bool,
}

impl Builder {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the next message and ends the one before. `REQUEST` is added to the flags.
    pub fn message(&mut self, kind: u16, flags: u16, seq: u32) {
        self.end_message();
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((flags | REQUEST).to_ne_bytes());
        self.bytes.extend(seq.to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
    }

    /// Sets further flags in the message that was begun last.
    pub fn add_flags(&mut self, flags: u16) {
        let at = self.message + 6;
        if let Some(before) = ne16(&self.bytes, at) {
            put(&mut self.bytes, at, &(before | flags).to_ne_bytes());
        }
    }

    /// Appends bytes as they are: a family's own header.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True before the first message.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// An attribute with `value` as it is, padded to four bytes.
    pub fn bytes(&mut self, kind: u16, value: &[u8]) {
        self.attribute(kind, |b| b.bytes.extend(value));
    }

    /// A text attribute, ended by NUL.
    pub fn text(&mut self, kind: u16, value: &str) {
        self.attribute(kind, |b| {
            b.bytes.extend(value.as_bytes());
            b.bytes.push(0);
        });
    }

    /// Four bytes, big endian.
    pub fn be32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// Eight bytes, big endian.
    pub fn be64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// An attribute that holds the attributes `content` appends.
    pub fn nest(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        self.attribute(kind | NESTED, content);
    }

    /// Ends the last message and hands out the bytes.
    pub fn finish(mut self) -> Result<Vec<u8>, TooLong> {
        self.end_message();
        if self.too_long {
            return Err(TooLong);
        }
        Ok(self.bytes)
    }

    fn attribute(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend(0u16.to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        content(self);
        match u16::try_from(self.bytes.len() - start) {
            Ok(length) => put(&mut self.bytes, start, &length.to_ne_bytes()),
            Err(_) => self.too_long = true,
        }
        let padded = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(padded, 0);
    }

    fn end_message(&mut self) {
        let length = self.bytes.len() - self.message;
        if length > 0 {
            match u32::try_from(length) {
                Ok(length) => put(&mut self.bytes, self.message, &length.to_ne_bytes()),
                Err(_) => self.too_long = true,
            }
        }
        self.message = self.bytes.len();
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + value.len()) {
        place.copy_from_slice(value);
    }
}

/// One received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The type.
    pub kind: u16,
    /// The flags.
    pub flags: u16,
    /// The number of the request that this answers.
    pub seq: u32,
    /// What follows the header.
    pub payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// The attributes behind a family header of `header` bytes.
    pub fn attributes(&self, header: usize) -> Attributes<'a> {
        Attributes(self.payload.get(header..).unwrap_or_default())
    }
}

/// The messages of one datagram.
pub fn messages(datagram: &[u8]) -> Messages<'_> {
    Messages(datagram)
}

/// Iterates over the messages of a datagram.
#[derive(Clone, Debug)]
pub struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let length = usize::try_from(ne32(self.0, 0)?).ok()?;
        let message = self.0.get(..length)?;
        let found = Message {
            kind: ne16(message, 4)?,
            flags: ne16(message, 6)?,
            seq: ne32(message, 8)?,
            payload: message.get(HEADER..)?,
        };
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(found)
    }
}

/// Iterates over attributes as pairs of type (without the nested and byte order bits) and value.
#[derive(Clone, Debug, Default)]
pub struct Attributes<'a>(&'a [u8]);

impl<'a> Attributes<'a> {
    /// The attributes in the value of a nest.
    pub fn of(value: &'a [u8]) -> Self {
        Self(value)
    }

    /// The value of the first attribute of this type.
    pub fn find(&self, kind: u16) -> Option<&'a [u8]> {
        self.clone().find_map(|(k, v)| (k == kind).then_some(v))
    }

    /// The attributes inside the first attribute of this type; none if it is absent.
    pub fn nested(&self, kind: u16) -> Self {
        Self(self.find(kind).unwrap_or_default())
    }

    /// A text attribute up to its NUL. Bytes that are no UTF-8 are replaced.
    pub fn text(&self, kind: u16) -> Option<String> {
        let value = self.find(kind)?;
        let text = value.split(|b| *b == 0).next().unwrap_or_default();
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// A big-endian number of four bytes.
    pub fn be32(&self, kind: u16) -> Option<u32> {
        Some(u32::from_be_bytes(self.find(kind)?.try_into().ok()?))
    }

    /// A big-endian number of eight bytes.
    pub fn be64(&self, kind: u16) -> Option<u64> {
        Some(u64::from_be_bytes(self.find(kind)?.try_into().ok()?))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let length = usize::from(ne16(self.0, 0)?);
        let kind = ne16(self.0, 2)? & TYPE_MASK;
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, value))
    }
}

/// Two bytes at `at` in the machine's order.
pub fn ne16(bytes: &[u8], at: usize) -> Option<u16> {
    let end = at.checked_add(2)?;
    Some(u16::from_ne_bytes(bytes.get(at..end)?.try_into().ok()?))
}

/// Four bytes at `at` in the machine's order.
pub fn ne32(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    Some(u32::from_ne_bytes(bytes.get(at..end)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
