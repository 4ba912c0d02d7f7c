//! The encodings that log files come in, by Python's names for them.
//!
//! Characters of several bytes are left to `encoding_rs`; what it calls by the same name but reads otherwise than Python
//! (ASCII, ISO 8859-1) is read here. UTF-16 and UTF-32 are read here too, because in them a line feed is more than a
//! byte, and a place in a file must be a whole number of characters.

use std::fmt;

mod names;

/// How the bytes of a log stand for text. What stands for none becomes U+FFFD; nothing ends a line but its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; also `auto`.
    #[default]
    Utf8,
    /// UTF-8 that may begin with a byte order mark.
    Utf8Marked,
    /// ASCII: a byte above 127 stands for nothing.
    Ascii,
    /// ISO 8859-1: each byte is the code point of the same number.
    Latin1,
    /// One of the web's encodings, in all of which a line feed is one byte.
    Table(&'static encoding_rs::Encoding),
    /// UTF-16 (2 bytes) or UTF-32 (4 bytes).
    Wide {
        /// Bytes of a line feed.
        unit: usize,
        /// Which byte comes first.
        order: Order,
    },
}

/// The order of the bytes of a wide character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Low byte first.
    Little,
    /// High byte first.
    Big,
    /// As the file's first bytes say.
    Marked,
}

/// An encoding that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodingError {
    /// The name as given.
    pub name: String,
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "logencoding '{}' is not known", self.name)
    }
}

impl std::error::Error for EncodingError {}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Utf8 => f.write_str("utf-8"),
            Self::Utf8Marked => f.write_str("utf-8-sig"),
            Self::Ascii => f.write_str("ascii"),
            Self::Latin1 => f.write_str("iso-8859-1"),
            Self::Table(table) => f.write_str(&table.name().to_ascii_lowercase()),
            Self::Wide { unit, order } => {
                let order = match order {
                    Order::Little => "-le",
                    Order::Big => "-be",
                    Order::Marked => "",
                };
                write!(f, "utf-{}{order}", unit * 8)
            }
        }
    }
}

impl Encoding {
    /// Reads the value of `logencoding`: names as Python knows them, in any case, whatever stands between letters and
    /// digits.
    ///
    /// # Errors
    /// A name that stands for none of the encodings.
    pub fn parse(name: &str) -> Result<Self, EncodingError> {
        let key: String = name
            .trim()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_lowercase())
            .collect();
        names::find(&key).ok_or_else(|| EncodingError {
            name: name.to_owned(),
        })
    }

    /// Bytes of a line feed: 1, 2 or 4. Each line begins at a multiple of it.
    pub fn unit(self) -> usize {
        match self {
            Self::Wide { unit, .. } => unit,
            _ => 1,
        }
    }

    /// This encoding as a file with these first bytes has it. Without a byte order mark the zero byte of the first
    /// character decides, since logs begin with a digit or a Latin letter.
    #[must_use]
    pub fn of_file(self, head: &[u8]) -> Self {
        match self {
            Self::Wide {
                unit,
                order: Order::Marked,
            } if head.len() >= unit => {
                let is_big = match (unit, &head[..unit]) {
                    (2, [0xfe, 0xff]) | (4, [0, 0, 0xfe, 0xff]) => true,
                    (_, head) => head[0] == 0,
                };
                let order = if is_big { Order::Big } else { Order::Little };
                Self::Wide { unit, order }
            }
            other => other,
        }
    }

    /// The end of the first line feed in bytes that begin at `offset` of a file; `None` if there is none.
    pub fn line_end(self, bytes: &[u8], offset: u64) -> Option<usize> {
        memchr::memchr_iter(b'\n', bytes).find_map(|at| self.feed_end(bytes, offset, at))
    }

    /// The end of the last line feed in bytes that begin at `offset` of a file; `None` if there is none.
    pub fn last_line_end(self, bytes: &[u8], offset: u64) -> Option<usize> {
        memchr::memrchr_iter(b'\n', bytes).find_map(|at| self.feed_end(bytes, offset, at))
    }

    /// The end of the line feed whose byte 10 stands at `at`, if it is one.
    fn feed_end(self, bytes: &[u8], offset: u64, at: usize) -> Option<usize> {
        let Self::Wide { unit, order } = self else {
            return Some(at + 1);
        };
        let start = match order {
            Order::Big => at.checked_sub(unit - 1)?,
            Order::Little | Order::Marked => at,
        };
        let is_whole = (offset + start as u64).is_multiple_of(unit as u64);
        let character = bytes.get(start..start + unit)?;
        (is_whole && self.is_feed(character)).then_some(start + unit)
    }

    /// True if this whole character is a line feed.
    pub(super) fn is_feed(self, character: &[u8]) -> bool {
        match self {
            Self::Wide {
                order: Order::Big, ..
            } => matches!(character, [0, b'\n'] | [0, 0, 0, b'\n']),
            _ => matches!(character, [b'\n'] | [b'\n', 0] | [b'\n', 0, 0, 0]),
        }
    }

    /// The text of a line, as well as it can be read.
    pub fn text_of(self, line: &[u8]) -> String {
        let mut buffer = String::new();
        self.decode(line, &mut buffer).0.to_owned()
    }

    /// The text of `bytes`, in `buffer` unless the bytes are the text, and whether all of them stand for something.
    pub(super) fn decode<'a>(self, bytes: &'a [u8], buffer: &'a mut String) -> (&'a str, bool) {
        let as_they_are = match self {
            Self::Utf8 | Self::Utf8Marked => true,
            Self::Table(table) => table.is_ascii_compatible() && bytes.is_ascii(),
            Self::Ascii | Self::Latin1 => bytes.is_ascii(),
            Self::Wide { .. } => false,
        };
        if as_they_are && let Ok(text) = std::str::from_utf8(bytes) {
            return match self {
                Self::Utf8Marked => (text.trim_start_matches('\u{feff}'), true),
                _ => (text, true),
            };
        }
        buffer.clear();
        let is_sound = match self {
            Self::Utf8 | Self::Utf8Marked => {
                let bytes = bytes
                    .strip_prefix(b"\xef\xbb\xbf")
                    .filter(|_| self == Self::Utf8Marked)
                    .unwrap_or(bytes);
                buffer.push_str(&String::from_utf8_lossy(bytes));
                false
            }
            Self::Ascii => {
                let char_of = |&byte: &u8| match byte {
                    0..=127 => char::from(byte),
                    _ => char::REPLACEMENT_CHARACTER,
                };
                buffer.extend(bytes.iter().map(char_of));
                false
            }
            Self::Latin1 => {
                buffer.extend(bytes.iter().map(|&byte| char::from(byte)));
                true
            }
            Self::Table(table) => by_table(table, bytes, buffer),
            Self::Wide { unit, order } => wide(unit, order, bytes, buffer),
        };
        (buffer, is_sound)
    }
}

fn by_table(table: &'static encoding_rs::Encoding, bytes: &[u8], buffer: &mut String) -> bool {
    let (text, had_errors) = table.decode_without_bom_handling(bytes);
    if !table.name().starts_with("windows-") {
        buffer.push_str(&text);
        return !had_errors;
    }
    // The web reads the holes of Microsoft's tables as control characters; for Python they stand for nothing.
    let is_hole = |c: char| ('\u{80}'..='\u{9f}').contains(&c);
    buffer.extend(text.chars().map(|c| match is_hole(c) {
        true => char::REPLACEMENT_CHARACTER,
        false => c,
    }));
    !had_errors && !text.chars().any(is_hole)
}

fn wide(unit: usize, order: Order, bytes: &[u8], buffer: &mut String) -> bool {
    let number = |character: &[u8]| {
        let add = |sum: u32, byte: &u8| (sum << 8) | u32::from(*byte);
        match order {
            Order::Big => character.iter().fold(0, add),
            Order::Little | Order::Marked => character.iter().rev().fold(0, add),
        }
    };
    let (characters, rest) = (bytes.chunks_exact(unit), bytes.len() % unit);
    let mut is_sound = rest == 0;
    let mut push = |c: Option<char>| {
        is_sound &= c.is_some();
        // The byte order mark at the beginning of a file is no text.
        if c != Some('\u{feff}') || !buffer.is_empty() {
            buffer.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
        }
    };
    match unit {
        2 => char::decode_utf16(characters.map(|pair| number(pair) as u16))
            .for_each(|c| push(c.ok())),
        _ => characters
            .map(number)
            .for_each(|code| push(char::from_u32(code))),
    }
    if rest > 0 {
        push(None);
    }
    is_sound
}
