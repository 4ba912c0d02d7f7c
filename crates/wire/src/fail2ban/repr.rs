//! Values as Python prints them, which is how `fail2ban-client` shows what has no form of its own.

use super::exception::Exception;
use super::value::Value;
use base::literal;
use std::fmt::{self, Write as _};

impl Value {
    /// The literal of the value, Python's `repr`.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        write(self, &mut out);
        out
    }
}

/// Python's `str`: a text is itself, an error its message, all else its literal.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Str(text) => f.write_str(text),
            Self::Exception(error) => f.write_str(&error.message()),
            value => f.write_str(&value.repr()),
        }
    }
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::BigInt(digits) => out.push_str(digits),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Str(text) => out.push_str(&literal(text)),
        Value::Bytes(bytes) => write_bytes(bytes, out),
        Value::List(items) => write_items("[", items, "]", out),
        Value::Tuple(items) => write_tuple(items, out),
        Value::Set(items) if items.is_empty() => out.push_str("set()"),
        Value::Set(items) => write_items("{", items, "}", out),
        Value::Dict(pairs) => {
            out.push('{');
            for (place, (key, value)) in pairs.iter().enumerate() {
                if place > 0 {
                    out.push_str(", ");
                }
                write(key, out);
                out.push_str(": ");
                write(value, out);
            }
            out.push('}');
        }
        Value::Exception(Exception { class, args }) => {
            out.push_str(class.rsplit('.').next().unwrap_or_default());
            // Python leaves the comma out here, other than in a tuple.
            write_items("(", args, ")", out);
        }
    }
}

fn write_tuple(items: &[Value], out: &mut String) {
    let end = if items.len() == 1 { ",)" } else { ")" };
    write_items("(", items, end, out);
}

fn write_items(begin: &str, items: &[Value], end: &str, out: &mut String) {
    out.push_str(begin);
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            out.push_str(", ");
        }
        write(item, out);
    }
    out.push_str(end);
}

/// The shortest digits that give the number again, with an exponent below 1e-4 and from 1e16 on.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.into();
    }
    // Rust's digits are the shortest, too.
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    match exponent {
        -4..16 if number.fract() == 0.0 => format!("{number:.1}"),
        -4..16 => number.to_string(),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
    }
}

/// A literal of bytes, which quotes as one of a text does.
fn write_bytes(bytes: &[u8], out: &mut String) {
    let quote = match bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        true => '"',
        false => '\'',
    };
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match *byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte if char::from(byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(*byte)),
            // Writing to a text cannot fail.
            _ => drop(write!(out, "\\x{byte:02x}")),
        }
    }
    out.push(quote);
}
