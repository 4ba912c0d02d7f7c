//! Texts in pickles: UTF-8, the byte strings of Python 2, and two kinds of escapes of the first protocol.
//!
//! A Python text may hold half of a surrogate pair: that is how bytes of an argument or a log that are no UTF-8 travel. A
//! text in Rust cannot. In a command such a text is refused, as a changed regex or address would be a wrong one; in an
//! answer, which is only shown, U+FFFD stands in its place.

use super::fault::Fault;

/// What becomes of what no text in Rust can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It is refused.
    Refuse,
    /// U+FFFD stands in its place.
    Replace,
}

/// UTF-8, and what Python's `surrogatepass` adds to it.
pub(super) fn utf8(bytes: &[u8], unfit: Unfit) -> Result<String, Fault> {
    match (std::str::from_utf8(bytes), unfit) {
        (Ok(text), _) => Ok(text.to_owned()),
        (Err(_), Unfit::Refuse) => Err(Fault::Text),
        (Err(_), Unfit::Replace) => Ok(replaced(bytes)),
    }
}

/// One U+FFFD for each half of a pair, and for each other piece that is no UTF-8.
fn replaced(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    // A half has three bytes, each of which is a piece of its own.
    let mut of_this_half = 0;
    for chunk in bytes.utf8_chunks() {
        if !chunk.valid().is_empty() {
            of_this_half = 0;
            out.push_str(chunk.valid());
        }
        match chunk.invalid() {
            [] => {}
            [0x80..=0xbf] if of_this_half > 0 => of_this_half -= 1,
            invalid => {
                of_this_half = if invalid == [0xed] { 2 } else { 0 };
                out.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }
    out
}

/// The argument of `STRING`: a byte string as Python writes it, in quotes.
pub(super) fn string(line: &[u8], unfit: Unfit) -> Result<String, Fault> {
    const NAME: &str = "STRING";
    let ([b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"']) = line else {
        return Err(Fault::Argument(NAME));
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let Some((code, after)) = rest.split_first() else {
            return Err(Fault::Argument(NAME));
        };
        rest = after;
        match code {
            b'\\' | b'\'' | b'"' => out.push(*code),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b't' => out.push(b'\t'),
            b'n' => out.push(b'\n'),
            b'v' => out.push(0xb),
            b'f' => out.push(0xc),
            b'r' => out.push(b'\r'),
            b'x' => {
                let digits = rest.get(..2).ok_or(Fault::Argument(NAME))?;
                out.push(hex(digits).ok_or(Fault::Argument(NAME))? as u8);
                rest = &rest[2..];
            }
            b'0'..=b'7' => {
                let mut number = u32::from(code - b'0');
                for _ in 0..2 {
                    let [digit @ b'0'..=b'7', after @ ..] = rest else {
                        break;
                    };
                    number = number * 8 + u32::from(digit - b'0');
                    rest = after;
                }
                // Python takes the lowest eight bits of `\777`.
                out.push((number & 0xff) as u8);
            }
            _ => out.extend([b'\\', *code]),
        }
    }
    utf8(&out, unfit)
}

/// The argument of `UNICODE`: Latin-1 with `\u0041` and `\U00000041` for what else there is.
pub(super) fn unicode(line: &[u8], unfit: Unfit) -> Result<String, Fault> {
    const FAULT: Fault = Fault::Argument("UNICODE");
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let [first, after @ ..] = rest {
        rest = after;
        let width = match (first, rest.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            // What follows a backslash belongs to it, so that a second one begins nothing.
            (b'\\', Some(second)) => {
                out.extend(['\\', char::from(*second)]);
                rest = &rest[1..];
                continue;
            }
            _ => {
                out.push(char::from(*first));
                continue;
            }
        };
        let code = rest.get(1..1 + width).and_then(hex).ok_or(FAULT)?;
        rest = &rest[1 + width..];
        match (char::from_u32(code), unfit) {
            (Some(c), _) => out.push(c),
            (None, Unfit::Replace) if code <= 0xdfff => out.push(char::REPLACEMENT_CHARACTER),
            (None, _) if code <= 0xdfff => return Err(Fault::Text),
            (None, _) => return Err(FAULT),
        }
    }
    Ok(out)
}

/// Up to eight digits, and nothing else.
fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |number, digit| {
        Some(number << 4 | char::from(*digit).to_digit(16)?)
    })
}
