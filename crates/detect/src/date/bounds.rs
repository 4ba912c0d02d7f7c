//! Puts the group and the boundaries around a date's regular expression.
//!
//! A date must be a word of its own unless the pattern says otherwise, and group 1 is what is cut out of the line.
//! fail2ban decides both by looking at the text of the expression, not at its structure, and patterns in the field
//! rely on it; so this looks at the same characters.

/// Which boundaries the caller wants at the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// The beginning of a word.
    Word,
    /// The beginning of the line, after at most two characters that belong to no word.
    Line,
    /// None.
    Free,
}

/// What the names of groups that we name ourselves begin with; the number of the group follows.
const OWN_NAME: &str = "__group";

/// An expression with its group and boundaries.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bounded {
    pub(super) regex: String,
    /// It can match at one end of the line only.
    pub(super) anchored: bool,
    /// The boundary of [`Left::Line`] was added.
    pub(super) line_begin_added: bool,
}

/// Adds what `regex` lacks: global flags move to the front, group 1, then the boundaries.
pub(super) fn bound(regex: &str, left: Left, right: bool) -> Bounded {
    let regex = regex.trim();
    let (flags, mut regex) = take_global_flags(regex);
    let add_left = left != Left::Free && !begins_unbounded(&regex);
    let add_right = right && !ends_unbounded(&regex);
    if !has_plain_group(&regex) {
        regex = wrap_in_group(&regex);
    }
    if add_left {
        let boundary = if left == Left::Line {
            r"^(?:\W{0,2})?"
        } else {
            r"(?=^|\b|\W)"
        };
        regex.insert_str(0, boundary);
    }
    if add_right {
        regex.push_str(r"(?=\b|\W|$)");
    }
    let line_begin_added = add_left && left == Left::Line;
    let anchored = line_begin_added || begins_line(&regex) || ends_line(&regex);
    let regex = flags + &remove_stars(&regex);
    Bounded {
        regex,
        anchored,
        line_begin_added,
    }
}

/// Cuts the first `(?letters)` out of the expression.
fn take_global_flags(regex: &str) -> (String, String) {
    let mut from = 0;
    while let Some(at) = regex[from..].find("(?").map(|at| at + from) {
        let letters = regex[at + 2..]
            .bytes()
            .take_while(u8::is_ascii_lowercase)
            .count();
        let end = at + 2 + letters;
        if letters > 0 && regex[end..].starts_with(')') {
            return (
                regex[at..=end].to_owned(),
                format!("{}{}", &regex[..at], &regex[end + 1..]),
            );
        }
        from = at + 2;
    }
    (String::new(), regex.to_owned())
}

/// The text after a leading `(?word)`.
fn after_flags(regex: &str) -> Option<&str> {
    let rest = regex.strip_prefix("(?")?;
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    if end == 0 {
        None
    } else {
        rest[end..].strip_prefix(')')
    }
}

/// It begins with `^` or `**`, behind any opening brackets and flags: no boundary at the left.
fn begins_unbounded(regex: &str) -> bool {
    let direct = |text: &str| {
        let inner = text.trim_start_matches('(');
        text.starts_with('^')
            || inner.starts_with("**")
            || text.starts_with("(^")
            || text.starts_with("(?:^")
    };
    let brackets = regex.len() - regex.trim_start_matches('(').len();
    (0..=brackets).any(|skip| {
        let text = &regex[skip..];
        direct(text) || after_flags(text).is_some_and(direct)
    })
}

/// It ends with `$`, `\b`, `\s` or `**`: no boundary at the right.
fn ends_unbounded(regex: &str) -> bool {
    let unescaped = |before: &str| !before.ends_with('\\');
    let dollar = regex.strip_suffix("$)").or_else(|| regex.strip_suffix('$'));
    dollar.is_some_and(unescaped)
        || [r"\b", r"\s"]
            .iter()
            .any(|end| regex.strip_suffix(end).is_some_and(unescaped))
        || regex
            .trim_end_matches(')')
            .strip_suffix("**")
            .is_some_and(unescaped)
}

/// An opening bracket that is neither escaped nor followed by `?`.
fn has_plain_group(regex: &str) -> bool {
    let bytes = regex.as_bytes();
    (0..bytes.len()).any(|at| {
        bytes[at] == b'('
            && bytes.get(at + 1) != Some(&b'?')
            && !regex[..at].ends_with('\\')
            && !regex[..at].ends_with("(?")
    })
}

/// Makes everything between a leading `^` with flags and a closing `$` group 1.
fn wrap_in_group(regex: &str) -> String {
    let mut inner = after_flags(regex).unwrap_or(regex);
    inner = inner.strip_prefix('^').unwrap_or(inner);
    inner = after_flags(inner).unwrap_or(inner);
    let head = &regex[..regex.len() - inner.len()];
    match inner.strip_suffix('$') {
        Some(body) => format!("{head}({body})$"),
        None => format!("{head}({inner})"),
    }
}

fn begins_line(regex: &str) -> bool {
    let begins = |text: &str| {
        let bracketed = text
            .strip_prefix("(^")
            .or_else(|| text.strip_prefix("(?:^"));
        text.starts_with('^') || bracketed.is_some_and(|rest| !rest.starts_with('|'))
    };
    begins(regex) || after_flags(regex).is_some_and(begins)
}

fn ends_line(regex: &str) -> bool {
    let before = regex.strip_suffix("$)").or_else(|| regex.strip_suffix('$'));
    before.is_some_and(|before| !before.ends_with(['\\', '|']))
}

/// Removes the `**` that ask for no boundary, at the beginning and at the end.
fn remove_stars(regex: &str) -> String {
    let mut regex = regex.to_owned();
    let brackets = regex.len() - regex.trim_start_matches('(').len();
    let begin = (0..=brackets).find_map(|skip| {
        let text = after_flags(&regex[skip..]).unwrap_or(&regex[skip..]);
        let inner = text.trim_start_matches('(');
        inner.starts_with("**").then(|| regex.len() - inner.len())
    });
    if let Some(at) = begin {
        regex.replace_range(at..at + 2, "");
    }
    let tail = regex.trim_end_matches(')');
    if let Some(before) = tail.strip_suffix("**")
        && !before.ends_with('\\')
    {
        let at = before.len();
        regex.replace_range(at..at + 2, "");
    }
    regex
}

/// Gives the first `count` capturing groups names, because only named groups are captured.
pub(super) fn name_groups(regex: &str, count: usize) -> String {
    let mut out = String::new();
    let mut number = 0;
    let mut chars = regex.char_indices().peekable();
    // Inside of a class: where its first member begins, behind a `^`; a `]` there is a member.
    let mut class: Option<usize> = None;
    while let Some((at, c)) = chars.next() {
        out.push(c);
        match (c, class) {
            ('\\', _) => out.extend(chars.next().map(|(_, escaped)| escaped)),
            (']', Some(first)) if at > first => class = None,
            ('[', None) => {
                let negated = regex[at + 1..].starts_with('^');
                class = Some(at + 1 + usize::from(negated));
            }
            ('(', None) => {
                let rest = &regex[at + 1..];
                if !rest.starts_with('?') {
                    number += 1;
                    if number <= count {
                        out.push_str(&format!("?P<{OWN_NAME}{number}>"));
                    }
                } else if rest.starts_with("?P<") {
                    number += 1;
                }
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(regex: &str, left: Left, right: bool, expected: &str, anchored: bool) {
        let bounded = bound(regex, left, right);
        assert_eq!(
            (bounded.regex.as_str(), bounded.anchored),
            (expected, anchored),
            "{regex} {left:?} {right}"
        );
    }

    #[test]
    fn words_lines_and_nothing() {
        check("a", Left::Word, true, r"(?=^|\b|\W)(a)(?=\b|\W|$)", false);
        check("a", Left::Line, true, r"^(?:\W{0,2})?(a)(?=\b|\W|$)", true);
        check("a", Left::Free, false, "(a)", false);
        check("x(a)", Left::Word, false, r"(?=^|\b|\W)x(a)", false);
        check(r"\(a", Left::Free, false, r"(\(a)", false);
        check("(?P<Y>a)", Left::Free, false, "((?P<Y>a))", false);
    }

    #[test]
    fn anchors_need_no_boundary() {
        check("^a", Left::Word, true, r"^(a)(?=\b|\W|$)", true);
        check("^a", Left::Line, true, r"^(a)(?=\b|\W|$)", true);
        check("(^a)", Left::Word, true, r"(^a)(?=\b|\W|$)", true);
        check(
            "(?:^|x)a",
            Left::Word,
            true,
            r"((?:^|x)a)(?=\b|\W|$)",
            false,
        );
        check("a$", Left::Word, true, r"(?=^|\b|\W)(a)$", true);
        check(r"a\s", Left::Free, true, r"(a\s)", false);
        check("^$", Left::Word, true, "^()$", true);
        check("^", Left::Free, false, "^()", true);
    }

    #[test]
    fn stars_ask_for_no_boundary() {
        check("**a**", Left::Word, true, "(a)", false);
        check("(**a)", Left::Word, false, "(a)", false);
        check("()**", Left::Word, true, r"(?=^|\b|\W)()", false);
        check(r"a\**", Left::Free, true, r"(a\**)(?=\b|\W|$)", false);
    }

    #[test]
    fn the_first_groups_get_names() {
        for (regex, count, expected) in [
            ("(a)(b)(c)", 2, "(?P<__group1>a)(?P<__group2>b)(c)"),
            (
                r"\((?:x)[(\](]([^](])(y)",
                1,
                r"\((?:x)[(\](](?P<__group1>[^](])(y)",
            ),
            ("(?P<Y>a)(b)", 1, "(?P<Y>a)(b)"),
            ("(?i)(?=x)((?P=n))", 1, "(?i)(?=x)(?P<__group1>(?P=n))"),
            ("[]](a)", 1, "[]](?P<__group1>a)"),
        ] {
            assert_eq!(name_groups(regex, count), expected, "{regex}");
        }
    }

    #[test]
    fn global_flags_stay_in_front() {
        check(
            "(?iu)a",
            Left::Word,
            true,
            r"(?iu)(?=^|\b|\W)(a)(?=\b|\W|$)",
            false,
        );
        check("(?iu)^a", Left::Word, false, "(?iu)^(a)", true);
        check(
            "(?iu)(?i)a",
            Left::Word,
            false,
            r"(?iu)(?=^|\b|\W)(?i)(a)",
            false,
        );
        check("(?P<x>a)(?i)", Left::Free, false, "(?i)((?P<x>a))", false);
    }
}
