//! Two small notations in values: Python's JSON and the words of a shell.

/// A text as Python's JSON writes it, in plain ASCII.
pub(super) fn json_text(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            _ => {
                let units = &mut [0; 2];
                for unit in c.encode_utf16(units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

/// Cut as a shell does: at blanks outside of quotes, which vanish.
///
/// # Errors
/// What is missing at the end, in Python's words.
pub(super) fn shell_words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => {
                let next = chars.next().ok_or("No escaped character")?;
                let text = word.get_or_insert_default();
                // Between double quotes a backslash is one before all but these two.
                if quote.is_some() && !matches!(next, '"' | '\\') {
                    text.push(c);
                }
                text.push(next);
            }
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (' ' | '\t' | '\r' | '\n', None) => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("No closing quotation");
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_as_a_shell_does() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a=1 + b=2", &["a=1", "+", "b=2"]),
            ("a='x y' \\\\b #c", &["a=x y", "\\b", "#c"]),
            (r#"a="x\"y\z" '' b"c"d"#, &[r#"a=x"y\z"#, "", "bcd"]),
        ];
        for (line, expected) in cases {
            assert_eq!(shell_words(line).unwrap(), *expected, "{line}");
        }
        assert_eq!(shell_words("a\"b"), Err("No closing quotation"));
        assert_eq!(shell_words("a\\"), Err("No escaped character"));
    }

    #[test]
    fn json_is_plain_ascii() {
        assert_eq!(
            json_text("a\"\\\n\tü😀\u{1}"),
            "\"a\\\"\\\\\\n\\t\\u00fc\\ud83d\\ude00\\u0001\""
        );
    }
}
