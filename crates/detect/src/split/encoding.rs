//! The encodings that log files come in.

use std::fmt;

/// How the bytes of a log stand for text. What stands for none becomes U+FFFD; nothing ends a line but its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; also `auto`, `ascii` and everything that is a part of it.
    #[default]
    Utf8,
    /// ISO 8859-1: each byte is the code point of the same number.
    Latin1,
    /// Windows code page 1252.
    Windows1252,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

/// An encoding that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodingError {
    /// The name as given.
    pub name: String,
}

impl fmt::Display for EncodingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        write!(
            f,
            "unknown encoding '{name}': use auto, utf-8, latin-1, cp1252, utf-16, utf-16-le or utf-16-be"
        )
    }
}

impl std::error::Error for EncodingError {}

impl Encoding {
    /// Reads the value of `logencoding`: names as Python knows them, in any case, `-` and `_` being the same.
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
        Ok(match key.as_str() {
            "" | "auto" | "utf8" | "u8" | "utf" | "utf8sig" | "ascii" | "usascii" | "646" => {
                Self::Utf8
            }
            "latin1" | "latin" | "iso88591" | "88591" | "l1" | "cp819" | "isoir100" => Self::Latin1,
            "cp1252" | "1252" | "windows1252" => Self::Windows1252,
            "utf16" | "u16" | "utf16le" => Self::Utf16Le,
            "utf16be" => Self::Utf16Be,
            _ => {
                return Err(EncodingError {
                    name: name.to_owned(),
                });
            }
        })
    }

    /// Bytes of a line feed.
    pub(super) fn unit(self) -> usize {
        match self {
            Self::Utf8 | Self::Latin1 | Self::Windows1252 => 1,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    /// The text of `bytes`, in `buffer` unless the bytes are the text.
    pub(super) fn decode<'a>(self, bytes: &'a [u8], buffer: &'a mut String) -> &'a str {
        if self.unit() == 1
            && (self == Self::Utf8 || bytes.is_ascii())
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return text;
        }
        buffer.clear();
        match self {
            Self::Utf8 => {
                for chunk in bytes.utf8_chunks() {
                    buffer.push_str(chunk.valid());
                    if !chunk.invalid().is_empty() {
                        buffer.push(char::REPLACEMENT_CHARACTER);
                    }
                }
            }
            Self::Latin1 => buffer.extend(bytes.iter().map(|&b| char::from(b))),
            Self::Windows1252 => buffer.extend(bytes.iter().map(|&b| windows_1252(b))),
            Self::Utf16Le | Self::Utf16Be => self.decode_utf16(bytes, buffer),
        }
        buffer
    }

    fn decode_utf16(self, bytes: &[u8], buffer: &mut String) {
        let units = bytes.chunks_exact(2).map(|pair| match self {
            Self::Utf16Be => u16::from_be_bytes([pair[0], pair[1]]),
            _ => u16::from_le_bytes([pair[0], pair[1]]),
        });
        let chars = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        // The byte order mark at the beginning of a file is no text.
        buffer.extend(chars.skip_while(|&c| c == '\u{feff}'));
        if bytes.len() % 2 == 1 {
            buffer.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

fn windows_1252(byte: u8) -> char {
    // 0x80 to 0x9f; five bytes stand for nothing.
    const HIGH: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž',
        '\u{fffd}', '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ',
        '\u{fffd}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}
