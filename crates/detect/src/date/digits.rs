//! Numbers as Python's `int()` reads them.
//!
//! `\d` in a pattern means any decimal digit of Unicode, and Python turns all of them into numbers; a log with
//! Arabic digits has dates, too.

/// The zero of every decimal digit system (Unicode 14, category Nd); the nine digits follow it.
#[rustfmt::skip]
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
    0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

/// The value of one decimal digit of any script.
pub(super) fn decimal(c: char) -> Option<i32> {
    if c.is_ascii() {
        return c.to_digit(10).map(|value| value as i32);
    }
    let code = u32::from(c);
    let zero = *ZEROS.get(ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?)?;
    (code - zero < 10).then_some((code - zero) as i32)
}

/// A whole number: blanks around it, a sign, single underscores between digits. None also when it is beyond any date.
pub(super) fn integer(text: &str) -> Option<i32> {
    if let &[tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = text.as_bytes() {
        return Some(i32::from(tens - b'0') * 10 + i32::from(ones - b'0'));
    }
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let mut value: i32 = 0;
    let mut after_digit = false;
    for c in digits.chars() {
        if c == '_' && after_digit {
            after_digit = false;
            continue;
        }
        value = value.checked_mul(10)?.checked_add(decimal(c)?)?;
        after_digit = true;
    }
    after_digit.then_some(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_python_reads_them() {
        for (text, expected) in [
            ("07", Some(7)),
            (" 5", Some(5)),
            ("2026", Some(2026)),
            ("١٤", Some(14)),
            ("２０", Some(20)),
            ("-3", Some(-3)),
            ("1_0", Some(10)),
            ("+1", Some(1)),
            ("", None),
            ("_1", None),
            ("1_", None),
            ("1__0", None),
            ("x", None),
            ("1x", None),
            ("--1", None),
            ("99999999999", None),
            ("²", None),
            (" ", None),
        ] {
            assert_eq!(integer(text), expected, "{text:?}");
        }
    }
}
