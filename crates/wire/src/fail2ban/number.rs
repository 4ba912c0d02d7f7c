//! Numbers in pickles: two's complement of any length, and decimal digits.
//!
//! Decimal digits cost time that grows with the square of their number, so a number has a bound; it is above everything
//! that a number with a fraction can be.

use super::fault::Fault;
use super::value::Value;

/// The longest number, in bytes.
const MAX_BYTES: usize = 128;

/// The digits that so many bytes may have, and a minus.
const MAX_DIGITS: usize = 310;

/// A number in two's complement, the lowest byte first; no bytes are zero.
pub(super) fn from_bytes(bytes: &[u8]) -> Result<Value, Fault> {
    let is_negative = bytes.last().is_some_and(|last| *last >= 0x80);
    if bytes.len() <= 8 {
        let mut whole = [if is_negative { 0xff } else { 0 }; 8];
        whole[..bytes.len()].copy_from_slice(bytes);
        return Ok(Value::Int(i64::from_le_bytes(whole)));
    }
    if bytes.len() > MAX_BYTES {
        return Err(Fault::Number);
    }
    let magnitude = match is_negative {
        true => negated(bytes),
        false => bytes.to_vec(),
    };
    let digits = decimal(&magnitude);
    Ok(whole(is_negative, &digits))
}

/// A number in decimal digits, perhaps with a sign. `name` is the instruction that it came with.
pub(super) fn from_digits(text: &[u8], name: &'static str) -> Result<Value, Fault> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::Argument(name));
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let digits = &digits[zeros..];
    if digits.len() > MAX_DIGITS {
        return Err(Fault::Number);
    }
    let digits: String = digits.iter().copied().map(char::from).collect();
    Ok(whole(is_negative, &digits))
}

/// The value of digits without leading zeros; no digits are zero.
fn whole(is_negative: bool, digits: &str) -> Value {
    let text = match (is_negative, digits) {
        (_, "") => "0".to_owned(),
        (true, _) => format!("-{digits}"),
        (false, _) => digits.to_owned(),
    };
    match text.parse() {
        Ok(number) => Value::Int(number),
        Err(_) => Value::BigInt(text),
    }
}

fn negated(bytes: &[u8]) -> Vec<u8> {
    let mut carry = true;
    bytes
        .iter()
        .map(|byte| {
            let (sum, over) = (!byte).overflowing_add(carry.into());
            carry = over;
            sum
        })
        .collect()
}

/// The decimal digits of a number, without leading zeros.
fn decimal(bytes: &[u8]) -> String {
    /// What fits into a part nine digits long.
    const PART: u64 = 1_000_000_000;
    // The lowest part first.
    let mut parts: Vec<u64> = Vec::new();
    for byte in bytes.iter().rev() {
        let mut carry = u64::from(*byte);
        for part in &mut parts {
            let sum = *part * 256 + carry;
            *part = sum % PART;
            carry = sum / PART;
        }
        if carry > 0 {
            parts.push(carry);
        }
    }
    let digits: String = parts
        .iter()
        .rev()
        .map(|part| format!("{part:09}"))
        .collect();
    digits.trim_start_matches('0').to_owned()
}
