//! Numbers as Python writes them.

use super::FormulaFault as Fault;
use super::integer::Integer;
use super::value::Value;

/// The number at the beginning of a text, and its length in bytes.
pub(crate) fn number(text: &str) -> Result<(Value, usize), Fault> {
    let bytes = text.as_bytes();
    let base = match bytes {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => return decimal(text),
    };
    // An underline may stand before each digit here.
    let is_digit = |byte: u8| char::from(byte).is_digit(base);
    let mut end = 2;
    loop {
        let skip = usize::from(bytes.get(end) == Some(&b'_'));
        if !bytes.get(end + skip).is_some_and(|byte| is_digit(*byte)) {
            break;
        }
        end += skip + 1;
    }
    check_end(&text[end..])?;
    if end == 2 {
        return Err(malformed());
    }
    let digits = text[2..end].replace('_', "");
    Ok((Value::Int(Integer::parse(&digits, base)?), end))
}

fn decimal(text: &str) -> Result<(Value, usize), Fault> {
    let bytes = text.as_bytes();
    let mut end = digits(bytes, 0);
    let whole = end;
    if bytes.get(end) == Some(&b'.') {
        end = digits(bytes, end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = end + 1 + sign;
        let after = digits(bytes, exponent);
        if after > exponent {
            end = after;
        }
    }
    if matches!(bytes.get(end), Some(b'j' | b'J')) {
        return Err(Fault::Unsupported(
            "a formula has no complex numbers".into(),
        ));
    }
    check_end(&text[end..])?;
    let plain = text[..end].replace('_', "");
    if end > whole {
        let value = plain.parse().map_err(|_| malformed())?;
        return Ok((Value::Float(value), end));
    }
    if plain.starts_with('0') && plain.bytes().any(|digit| digit != b'0') {
        return Err(Fault::Syntax(
            "a whole number does not begin with 0; an octal one is written 0o17".into(),
        ));
    }
    Ok((Value::Int(Integer::parse(&plain, 10)?), end))
}

/// The end of digits from here on; one underline may stand between two of them.
fn digits(bytes: &[u8], from: usize) -> usize {
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = from;
    while is_digit(end) || (end > from && bytes.get(end) == Some(&b'_') && is_digit(end + 1)) {
        end += 1;
    }
    end
}

/// A letter right behind a number is an error, unless an operator's name begins (`1if x else 2`).
fn check_end(rest: &str) -> Result<(), Fault> {
    let words = ["and", "else", "for", "if", "in", "is", "or", "not"];
    let joined = rest
        .chars()
        .next()
        .is_some_and(|c| c.is_alphanumeric() || c == '_');
    if joined && !words.iter().any(|word| rest.starts_with(word)) {
        return Err(malformed());
    }
    Ok(())
}

fn malformed() -> Fault {
    Fault::Syntax("this is no number".into())
}
