//! Seconds since 1970 written as a number.

use base::Timestamp;

use super::digits::decimal;

/// Ten or eleven digits, with a fraction of three to six.
pub(super) const PLAIN: &str = r"\d{10,11}\b(?:\.\d{3,6})?";

/// As [`PLAIN`] but also milliseconds (13 digits, perhaps with a fraction) and microseconds (16 digits).
pub(super) const LONG: &str = r"\d{10,11}(?:\d{3}(?:\.\d{1,6}|\d{3})?)?";

/// Reads a number that one of the two forms matched; a long one tells its unit by its length.
///
/// None when the text is no such number, which a user's own group may well be.
pub(super) fn time(text: &str, long: bool) -> Option<Timestamp> {
    let mut whole: i64 = 0;
    let mut fraction: i64 = 0;
    let mut scale: i64 = 0;
    let mut length = 0;
    let mut digits = 0;
    for c in text.chars() {
        length += 1;
        if c == '.' && scale == 0 {
            scale = 1;
            continue;
        }
        digits += 1;
        let digit = i64::from(decimal(c)?);
        if scale == 0 {
            whole = whole.checked_mul(10)?.checked_add(digit)?;
        } else if scale < 1_000_000_000 {
            fraction = fraction * 10 + digit;
            scale *= 10;
        }
    }
    if digits == 0 {
        return None;
    }
    let unit = match length {
        16.. if long && scale == 0 => 1,
        13.. if long => 1_000,
        _ => 1_000_000,
    };
    let part = if scale > 1 {
        (fraction * unit + scale / 2) / scale
    } else {
        0
    };
    Some(Timestamp::from_micros(
        whole.checked_mul(unit)?.checked_add(part)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_tells_the_unit() {
        for (text, long, micros) in [
            ("1124013500", false, Some(1_124_013_500_000_000)),
            ("1124013500.5", false, Some(1_124_013_500_500_000)),
            ("1124013500.123456", false, Some(1_124_013_500_123_456)),
            ("1124013500", true, Some(1_124_013_500_000_000)),
            ("1124013500123", true, Some(1_124_013_500_123_000)),
            ("1124013500123.4567", true, Some(1_124_013_500_123_457)),
            ("1124013500123456", true, Some(1_124_013_500_123_456)),
            ("١١٢٤٠١٣٥٠٠", false, Some(1_124_013_500_000_000)),
            ("", false, None),
            (".", false, None),
            ("1.2.3", false, None),
            ("x", true, None),
            ("99999999999999999999", false, None),
        ] {
            assert_eq!(
                time(text, long).map(Timestamp::as_micros),
                micros,
                "{text} {long}"
            );
        }
    }
}
