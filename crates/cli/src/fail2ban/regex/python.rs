//! How Python shows values: what scripts around fail2ban parse.

/// `repr` of a text.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push(quote);
    for c in text.chars() {
        let number = c as u32;
        match c {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            c if c == quote => {
                shown.push('\\');
                shown.push(c);
            }
            c if is_printable(c) => shown.push(c),
            _ if number < 0x100 => shown.push_str(&format!("\\x{number:02x}")),
            _ if number < 0x1_0000 => shown.push_str(&format!("\\u{number:04x}")),
            _ => shown.push_str(&format!("\\U{number:08x}")),
        }
    }
    shown.push(quote);
    shown
}

/// Python shows blanks other than the plain one, controls, formats and what stands for nothing by their numbers. Of the
/// last, those are known here that logs hold: private use, the ends of planes and what follows the assigned planes.
fn is_printable(c: char) -> bool {
    let number = c as u32;
    let format = matches!(
        number,
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x180e | 0x200b..=0x200f
            | 0x202a..=0x202e | 0x2060..=0x2064 | 0x2066..=0x206f | 0xfeff | 0xfff9..=0xfffb
            | 0x1d173..=0x1d17a | 0xe0001 | 0xe0020..=0xe007f
    );
    let unassigned = matches!(
        number,
        0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0x3_2000..=0xd_ffff | 0xe_0000..
    ) && !(0xe_0100..=0xe_01ef).contains(&number)
        || number & 0xfffe == 0xfffe;
    !(c.is_control() || format || unassigned || (c.is_whitespace() && c != ' '))
}

/// `repr` of a number with a fraction, from microseconds.
pub(super) fn float(micros: i64) -> String {
    let number = micros as f64 / 1e6;
    if number.fract() == 0.0 {
        format!("{number:.1}")
    } else {
        format!("{number}")
    }
}

/// A text cut to what fits into a line of the head.
pub(super) fn short(text: &str) -> String {
    if text.chars().count() <= 53 {
        return text.to_owned();
    }
    let kept: String = text.chars().take(50).collect();
    kept + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_shown_as_python_shows_them() {
        for (text, expected) in [
            ("a", "'a'"),
            ("it's", "\"it's\""),
            ("it's \"x\"", "'it\\'s \"x\"'"),
            (
                "\\\n\r\t\0\u{7f}\u{85}\u{a0}",
                r"'\\\n\r\t\x00\x7f\x85\xa0'",
            ),
            (
                "äö\u{200b}\u{2028}😀\u{e000}\u{10ffff}",
                "'äö\\u200b\\u2028😀\\ue000\\U0010ffff'",
            ),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn numbers_keep_their_fraction() {
        for (micros, expected) in [
            (1_795_341_600_000_000, "1795341600.0"),
            (1_795_412_484_123_000, "1795412484.123"),
            (1_500_000, "1.5"),
            (0, "0.0"),
        ] {
            assert_eq!(float(micros), expected);
        }
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(short(&"x".repeat(53)), "x".repeat(53));
        assert_eq!(short(&"é".repeat(54)), "é".repeat(50) + "...");
    }
}
