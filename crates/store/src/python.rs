//! Lists of texts in Python's own notation: `['root', "o'neill"]`, as fail2ban 1.0 writes the users of a ban.

/// The texts of a list or set; `None` if it is none of texts alone.
pub(crate) fn texts(notation: &str) -> Option<Vec<String>> {
    let inner = ['[', '{'].iter().zip([']', '}']);
    let inner = inner
        .filter_map(|(&open, close)| notation.strip_prefix(open)?.strip_suffix(close))
        .next()?;
    let mut rest = inner.trim_start();
    let mut texts = Vec::new();
    while !rest.is_empty() {
        let (text, behind) = quoted(rest)?;
        texts.push(text);
        rest = behind.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
        }
    }
    Some(texts)
}

/// The text in quotes that this begins with, and what follows it.
fn quoted(notation: &str) -> Option<(String, &str)> {
    let mut chars = notation.chars();
    let quote = chars.next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut text = String::new();
    loop {
        match chars.next()? {
            '\\' => text.push(escaped(&mut chars)?),
            c if c == quote => return Some((text, chars.as_str())),
            c => text.push(c),
        }
    }
}

fn escaped(chars: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match chars.next()? {
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        c => return Some(c),
    };
    let digits: String = chars.by_ref().take(digits).collect();
    char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
}

#[cfg(test)]
mod tests {
    use super::texts;

    #[test]
    fn texts_are_read_as_python_shows_them() {
        let check = |notation: &str, expected: Option<&[&str]>| {
            let texts = texts(notation);
            let texts: Option<Vec<&str>> = texts
                .as_ref()
                .map(|texts| texts.iter().map(String::as_str).collect());
            assert_eq!(texts.as_deref(), expected, "{notation}");
        };
        check("[]", Some(&[]));
        check("['root']", Some(&["root"]));
        check("['a', 'b', 'a b, c']", Some(&["a", "b", "a b, c"]));
        check("{'a', 'b'}", Some(&["a", "b"]));
        check(
            r#"["o'neill", 'a"b', 'a\'"b']"#,
            Some(&["o'neill", "a\"b", "a'\"b"]),
        );
        check(
            r"['\\', '\n\t\r', '\x00\xe9', '\u2028', '\U000e0001']",
            Some(&["\\", "\n\t\r", "\0é", "\u{2028}", "\u{e0001}"]),
        );
        check("['日本']", Some(&["日本"]));
        for nonsense in [
            "",
            "[",
            "['a'",
            "['a",
            "['a' 'b']",
            "[1, 2]",
            "['a', 1]",
            "root",
            "['\\",
            r"['\x']",
            r"['\ud800']",
            "['a'}",
        ] {
            check(nonsense, None);
        }
    }
}
