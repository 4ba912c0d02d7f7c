//! Lines as wide as the terminal.

/// A number and the word for so many.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A line, cut where the terminal ends.
pub(crate) fn cut(line: &str, width: Option<usize>) -> String {
    match width {
        Some(width) if line.chars().count() > width => {
            let kept: String = line.chars().take(width.saturating_sub(1)).collect();
            format!("{kept}…")
        }
        _ => line.to_owned(),
    }
}

/// Lines broken at blanks, all but the first a little further in. Words are never broken.
pub(crate) fn wrapped(text: &str, indent: usize, width: Option<usize>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = " ".repeat(indent);
    let mut is_empty = true;
    for word in text.split_inclusive(' ') {
        let length = line.chars().count() + word.trim_end().chars().count();
        if !is_empty && width.is_some_and(|width| length > width) {
            lines.push(line.trim_end().to_owned());
            line = " ".repeat(indent + 2);
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push(line.trim_end().to_owned());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_keep_their_words() {
        let check = |text: &str, indent, width, lines: &[&str]| {
            assert_eq!(wrapped(text, indent, width), lines);
        };
        check("one two three", 2, Some(10), &["  one two", "    three"]);
        check("one two three", 0, None, &["one two three"]);
        check("unbreakable", 2, Some(4), &["  unbreakable"]);
        check("", 2, Some(4), &[""]);
        check("äää ööö", 0, Some(7), &["äää ööö"]);
    }

    #[test]
    fn lines_are_cut_with_a_sign() {
        assert_eq!(cut("abcdef", Some(4)), "abc…");
        assert_eq!(cut("abcd", Some(4)), "abcd");
        assert_eq!(cut("abcdef", None), "abcdef");
    }

    #[test]
    fn numbers_choose_their_word() {
        assert_eq!(count(1, "jail", "jails"), "1 jail");
        assert_eq!(count(0, "jail", "jails"), "0 jails");
    }
}
