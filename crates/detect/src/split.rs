//! From the bytes of a log to its lines, wherever the reads end.
//!
//! A line counts once its line feed was read; what comes after the last one is kept until then. A line is cut at
//! [`MAX_LINE`] bytes and the cut counted, so that a writer who never ends a line costs no memory. NUL and bytes that
//! are no text end nothing.

mod encoding;

pub use encoding::{Encoding, EncodingError};

/// Bytes of a line that are looked at.
pub const MAX_LINE: usize = 64 * 1024;

/// Cuts a stream of bytes into lines.
#[derive(Clone, Debug)]
pub struct Splitter {
    encoding: Encoding,
    /// The line that is not complete yet, at most [`MAX_LINE`] bytes of it.
    partial: Vec<u8>,
    /// True if the incomplete line is longer than what is kept of it.
    overlong: bool,
    /// UTF-16: the first half of a character whose other half was not read yet.
    half: Option<u8>,
    /// Where in the stream the next byte stands.
    offset: u64,
    cut_lines: u64,
    text: String,
}

impl Splitter {
    /// A splitter for a stream that is read from byte `offset`, which must be the beginning of a line.
    pub fn new(encoding: Encoding, offset: u64) -> Self {
        Self {
            encoding,
            partial: Vec::new(),
            overlong: false,
            half: None,
            offset,
            cut_lines: 0,
            text: String::new(),
        }
    }

    /// Takes the next bytes and calls `each` for every line that they complete: with its text without the line end,
    /// and where in the stream the next line begins.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&str, u64)) {
        let mut rest = bytes;
        while let Some(end) = self.line_end(rest) {
            let (line, after) = rest.split_at(end);
            self.offset += end as u64;
            rest = after;
            self.complete(line, &mut each);
        }
        self.offset += rest.len() as u64;
        self.keep(rest);
    }

    /// The end of the stream: what was not ended by a line feed is a line too.
    pub fn finish(&mut self, mut each: impl FnMut(&str, u64)) {
        self.partial.extend(self.half.take());
        if !self.partial.is_empty() || self.overlong {
            self.complete(&[], &mut each);
        }
    }

    /// Where the incomplete line begins: reading again from there loses nothing.
    pub fn resume_offset(&self) -> Option<u64> {
        // Of an overlong line only the beginning is known.
        (!self.overlong)
            .then(|| self.offset - self.partial.len() as u64 - u64::from(self.half.is_some()))
    }

    /// How many lines were longer than [`MAX_LINE`] and lost their end.
    pub fn cut_lines(&self) -> u64 {
        self.cut_lines
    }

    /// The number of bytes up to and with the first line feed.
    fn line_end(&self, bytes: &[u8]) -> Option<usize> {
        if self.encoding.unit() == 1 {
            return memchr::memchr(b'\n', bytes).map(|at| at + 1);
        }
        let odd = usize::from(self.half.is_some());
        if let (Some(half), Some(&first)) = (self.half, bytes.first())
            && self.is_feed([half, first])
        {
            return Some(1);
        }
        // The line feed's byte may also be one half of another character.
        memchr::memchr_iter(b'\n', bytes).find_map(|at| {
            let start = match self.encoding {
                Encoding::Utf16Be => at.checked_sub(1)?,
                _ => at,
            };
            let pair = [*bytes.get(start)?, *bytes.get(start + 1)?];
            (start >= odd && (start - odd) % 2 == 0 && self.is_feed(pair)).then_some(start + 2)
        })
    }

    fn is_feed(&self, pair: [u8; 2]) -> bool {
        match self.encoding {
            Encoding::Utf16Be => pair == [0, b'\n'],
            _ => pair == [b'\n', 0],
        }
    }

    /// Keeps the beginning of a line whose end was not read yet.
    fn keep(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if self.encoding.unit() == 2 && !bytes.is_empty() {
            if let Some(half) = self.half.take() {
                self.append(&[half, bytes[0]]);
                bytes = &bytes[1..];
            }
            if bytes.len() % 2 == 1 {
                self.half = bytes.last().copied();
                bytes = &bytes[..bytes.len() - 1];
            }
        }
        self.append(bytes);
    }

    fn append(&mut self, bytes: &[u8]) {
        let room = MAX_LINE - self.partial.len();
        self.overlong |= bytes.len() > room;
        self.partial
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// A line is complete with `bytes`, which end with the line feed (or with nothing, at the end of the stream).
    fn complete(&mut self, bytes: &[u8], each: &mut impl FnMut(&str, u64)) {
        let fresh = self.partial.is_empty() && self.half.is_none() && !self.overlong;
        // Most lines stand complete in the bytes that were read, and are used where they stand.
        let mut line = if fresh {
            bytes
        } else {
            self.keep_all(bytes);
            &self.partial
        };
        if !self.overlong {
            line = without_feed(line, self.encoding);
        }
        if self.overlong || line.len() > MAX_LINE {
            line = &line[..line.len().min(MAX_LINE)];
            self.cut_lines += 1;
        }
        let text = self.encoding.decode(line, &mut self.text);
        each(text.trim_end_matches(['\r', '\n']), self.offset);
        self.partial.clear();
        self.overlong = false;
    }

    /// Like [`keep`](Self::keep), but the line feed needs no room.
    fn keep_all(&mut self, bytes: &[u8]) {
        let joined_feed = self.half.is_some() && bytes.len() == 1;
        let body = if joined_feed {
            &[]
        } else {
            without_feed(bytes, self.encoding)
        };
        if joined_feed {
            self.half = None;
        }
        self.keep(body);
    }
}

fn without_feed(line: &[u8], encoding: Encoding) -> &[u8] {
    let feed: &[u8] = match encoding {
        Encoding::Utf16Le => b"\n\0",
        Encoding::Utf16Be => b"\0\n",
        Encoding::Utf8 | Encoding::Latin1 | Encoding::Windows1252 => b"\n",
    };
    line.strip_suffix(feed).unwrap_or(line)
}

#[cfg(test)]
mod tests;
