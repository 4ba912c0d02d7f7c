//! From the bytes of a log to its lines, wherever the reads end.
//!
//! A line counts once its line feed was read; what comes after the last one is kept until then. A line is cut at
//! [`MAX_LINE`] bytes and the cut counted, so that a writer who never ends a line costs no memory. NUL and bytes that
//! are no text end nothing.

mod encoding;

pub use encoding::{Encoding, EncodingError, Order};

use crate::Line;

/// Bytes of a line that are looked at.
pub const MAX_LINE: usize = 64 * 1024;

/// What a log is made of, for one who looks at many lines at once before they come one by one.
#[derive(Clone, Copy, Debug)]
pub enum Split<'a> {
    /// Lines that come next stand in this text, one after the other, and know where. Unless the answer is 0, each of them
    /// is asked for by `Next` before it comes.
    Ahead(&'a str),
    /// Those that come next from here on: this is its end from `place` on, which begins with a line. The answer is how
    /// many bytes of it, whole lines, need not come.
    Next {
        /// The end of the text.
        text: &'a str,
        /// Where it begins.
        place: usize,
    },
    /// A line.
    Line(Line<'a>),
}

/// Cuts a stream of bytes into lines.
#[derive(Clone, Debug)]
pub struct Splitter {
    encoding: Encoding,
    /// The line that is not complete yet, at most [`MAX_LINE`] bytes of it.
    partial: Vec<u8>,
    /// True if the incomplete line is longer than what is kept of it.
    overlong: bool,
    /// Where in the stream the next byte stands.
    offset: u64,
    cut_lines: u64,
    malformed_lines: u64,
    text: String,
}

impl Splitter {
    /// A splitter for a stream that is read from byte `offset`, which must be the beginning of a line.
    pub fn new(encoding: Encoding, offset: u64) -> Self {
        Self {
            encoding,
            partial: Vec::new(),
            overlong: false,
            offset,
            cut_lines: 0,
            malformed_lines: 0,
            text: String::new(),
        }
    }

    /// Takes the next bytes and calls `each` for every line that they complete: with its text without the line end,
    /// and where in the stream the next line begins.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&str, u64)) {
        self.cut(bytes, |split, next| {
            if let Split::Line(line) = split {
                each(line.text, next);
            }
            0
        });
    }

    /// The same, with a look ahead. What is answered to a line does not matter.
    pub fn split(&mut self, bytes: &[u8], mut each: impl FnMut(Split<'_>) -> usize) {
        self.cut(bytes, |split, _| each(split));
    }

    fn cut(&mut self, bytes: &[u8], mut each: impl FnMut(Split<'_>, u64) -> usize) {
        if self.encoding.unit() > 1 {
            return self.push_wide(bytes, &mut |text, next| {
                each(Split::Line(Line::of_file(text)), next);
            });
        }
        let known = match self.encoding {
            Encoding::Utf8 => text_at_start(bytes),
            _ => "",
        };
        let asks = each(Split::Ahead(known), self.offset) > 0;
        let mut start = 0;
        loop {
            let is_new = self.partial.is_empty() && !self.overlong;
            if asks
                && is_new
                && let Some(text) = known.get(start..).filter(|text| !text.is_empty())
            {
                let place = start;
                let passed = each(Split::Next { text, place }, self.offset);
                self.offset += passed as u64;
                start += passed;
            }
            let Some(length) = memchr::memchr(b'\n', &bytes[start..]) else {
                break;
            };
            let end = start + length;
            self.offset += length as u64 + 1;
            let is_whole = is_new && length <= MAX_LINE;
            match known.get(start..end) {
                // Nearly every line stands complete in the bytes that were read, and is used where it stands.
                Some(text) if is_whole => {
                    let line = Line::of_file(trimmed(text)).at(start);
                    each(Split::Line(line), self.offset);
                }
                _ => self.complete(&bytes[start..end], &mut |text, next| {
                    each(Split::Line(Line::of_file(text)), next);
                }),
            }
            start = end + 1;
        }
        let rest = &bytes[start..];
        self.offset += rest.len() as u64;
        self.append(rest);
    }

    /// The same, character by character: a read may end within one, and the byte of a line feed is part of others.
    fn push_wide(&mut self, bytes: &[u8], each: &mut impl FnMut(&str, u64)) {
        let unit = self.encoding.unit();
        for byte in bytes {
            self.offset += 1;
            self.partial.push(*byte);
            let Some(start) = self.partial.len().checked_sub(unit) else {
                continue;
            };
            if start % unit != 0 {
                continue;
            }
            let character = &self.partial[start..];
            self.encoding = self.encoding.of_file(character);
            if self.encoding.is_feed(character) {
                self.partial.truncate(start);
                self.complete(&[], each);
            } else if start == MAX_LINE {
                // A multiple of every unit, so that what follows stays whole.
                self.partial.truncate(start);
                self.overlong = true;
            }
        }
    }

    /// The end of the stream: what was not ended by a line feed is a line too.
    pub fn finish(&mut self, mut each: impl FnMut(&str, u64)) {
        if !self.partial.is_empty() || self.overlong {
            self.complete(&[], &mut each);
        }
    }

    /// Where the incomplete line begins: reading again from there loses nothing.
    pub fn resume_offset(&self) -> Option<u64> {
        // Of an overlong line only the beginning is known.
        (!self.overlong).then(|| self.offset - self.partial.len() as u64)
    }

    /// How many lines were longer than [`MAX_LINE`] and lost their end.
    pub fn cut_lines(&self) -> u64 {
        self.cut_lines
    }

    /// How many lines held bytes that stand for no character of the encoding.
    pub fn malformed_lines(&self) -> u64 {
        self.malformed_lines
    }

    /// Keeps the beginning of a line whose end was not read yet.
    fn append(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.partial.len();
        self.overlong |= bytes.len() > room;
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// A line is complete with `bytes`, which hold no line feed.
    fn complete(&mut self, bytes: &[u8], each: &mut impl FnMut(&str, u64)) {
        let mut line = bytes;
        if !self.partial.is_empty() || self.overlong {
            self.append(bytes);
            line = &self.partial;
        }
        if self.overlong || line.len() > MAX_LINE {
            line = &line[..line.len().min(MAX_LINE)];
            self.cut_lines += 1;
        }
        let (text, is_sound) = self.encoding.decode(line, &mut self.text);
        self.malformed_lines += u64::from(!is_sound);
        each(trimmed(text), self.offset);
        self.partial.clear();
        self.overlong = false;
    }
}

/// The text that bytes begin with, up to the first that are none: one look at many lines costs less than one at each.
fn text_at_start(bytes: &[u8]) -> &str {
    match simdutf8::compat::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let known = &bytes[..error.valid_up_to()];
            simdutf8::basic::from_utf8(known).unwrap_or_default()
        }
    }
}

/// A line without its end.
fn trimmed(line: &str) -> &str {
    match line.as_bytes().last() {
        Some(b'\r' | b'\n') => line.trim_end_matches(['\r', '\n']),
        _ => line,
    }
}

#[cfg(test)]
mod tests;
