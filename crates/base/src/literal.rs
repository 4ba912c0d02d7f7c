//! A text as a Python literal: fail2ban's words, its stream and its answers quote that way.

/// The literal of a text: in single quotes, unless it holds some and no double ones.
pub fn literal(text: &str) -> String {
    let quote = match text.contains('\'') && !text.contains('"') {
        true => '"',
        false => '\'',
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ if is_printable(c) => out.push(c),
            _ => out.push_str(&match u32::from(c) {
                code @ ..0x100 => format!("\\x{code:02x}"),
                code @ ..0x10000 => format!("\\u{code:04x}"),
                code => format!("\\U{code:08x}"),
            }),
        }
    }
    out.push(quote);
    out
}

/// Neither a control or format character nor a blank, and known to Unicode. Rust's own rule for what it escapes is the
/// same, but for combining characters, which it escapes only at the beginning.
fn is_printable(c: char) -> bool {
    let text = String::from_iter(['a', c]);
    text.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::literal;

    /// The expected ones were printed by Python 3.11.
    #[test]
    fn texts_are_pythons_literals() {
        let cases = [
            ("", "''"),
            ("a'b", "\"a'b\""),
            ("a\"b", "'a\"b'"),
            ("a'b\"c", "'a\\'b\"c'"),
            ("\\d\n\r\t", "'\\\\d\\n\\r\\t'"),
            (
                "\u{0}\u{1f}\u{7f}\u{80}\u{a0}\u{ad}",
                "'\\x00\\x1f\\x7f\\x80\\xa0\\xad'",
            ),
            ("é😀ß", "'é😀ß'"),
            (
                "\u{200b}\u{2028}\u{3000}\u{e000}\u{feff}",
                "'\\u200b\\u2028\\u3000\\ue000\\ufeff'",
            ),
            ("\u{e0001}\u{10ffff}", "'\\U000e0001\\U0010ffff'"),
            ("e\u{301}\u{301}", "'e\u{301}\u{301}'"),
            ("\u{301}", "'\u{301}'"),
            ("\u{378}", "'\\u0378'"),
        ];
        for (text, expected) in cases {
            assert_eq!(literal(text), expected, "{text:?}");
        }
    }
}
