//! `name[key=value, …]` and the splitting of lists of them (behaviour §1.10, §1.11).

/// A name and its options in order, a later key in place of an earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) options: Vec<(String, String)>,
}

/// Reads one `name[…]`; `None` if the syntax is wrong.
pub(crate) fn parse(text: &str) -> Option<Call> {
    let Some(open) = text.find('[') else {
        return (!text.contains(']')).then(|| Call {
            name: text.into(),
            options: Vec::new(),
        });
    };
    let mut options: Vec<(String, String)> = Vec::new();
    let mut rest = &text[open..];
    while !rest.is_empty() {
        let (group, length) = group(rest)?;
        for (key, value) in group {
            options.retain(|(known, _)| *known != key);
            options.push((key, value));
        }
        rest = rest[length..].trim_start();
    }
    (open > 0).then(|| Call {
        name: text[..open].into(),
        options,
    })
}

/// Splits at blanks outside of well-formed groups; each part with the byte where it begins.
pub(crate) fn split(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut start: Option<usize> = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            let after = text[at..].len() - text[at..].trim_start().len() + at;
            // Blanks may stand between two groups of one entry.
            let goes_on =
                text[..at].ends_with(']') && start.is_some() && group(&text[after..]).is_some();
            if !goes_on && let Some(begin) = start.take() {
                parts.push((begin, &text[begin..at]));
            }
            at = after;
            continue;
        }
        let begin = *start.get_or_insert(at);
        match (c == '[' && at > begin)
            .then(|| group(&text[at..]))
            .flatten()
        {
            Some((_, length)) => at += length,
            None => at += c.len_utf8(),
        }
    }
    if let Some(begin) = start {
        parts.push((begin, &text[begin..]));
    }
    parts
}

type Options = Vec<(String, String)>;

/// One `[…]` at the start of the text and its length in bytes.
fn group(text: &str) -> Option<(Options, usize)> {
    let mut options = Vec::new();
    let mut at = text.starts_with('[').then_some(1)?;
    loop {
        at += text[at..].len()
            - text[at..]
                .trim_start_matches(|c: char| c.is_whitespace() || c == ',')
                .len();
        if text[at..].starts_with(']') {
            return Some((options, at + 1));
        }
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let key_length = match text[at..].find(|c| !word(c)) {
            Some(end) if text[at + end..].starts_with('?') => text[at..]
                .char_indices()
                .find(|(n, c)| *n > end && !word(*c))
                .and_then(|(equals, _)| {
                    let value = &text[at + equals + 1..];
                    Some(equals + 1 + value.find(|c| !word(c))?)
                })?,
            Some(end) => end,
            None => return None,
        };
        let key = &text[at..at + key_length];
        at += key_length;
        if key.is_empty() || !text[at..].starts_with('=') {
            return None;
        }
        at += 1;
        let quote = text[at..]
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\''));
        let quoted = quote.and_then(|quote| {
            let length = text[at + 1..].find(quote)?;
            let after = text[at + length + 2..].chars().next();
            matches!(after, Some(',' | ']')).then_some(length)
        });
        match quoted {
            Some(length) => {
                options.push((
                    key.to_owned(),
                    text[at + 1..at + 1 + length].trim().to_owned(),
                ));
                at += length + 2;
            }
            None => {
                let length = text[at..].find([',', ']'])?;
                let value = &text[at..at + length];
                if quote.is_some_and(|quote| value[1..].contains(quote)) {
                    return None;
                }
                options.push((key.to_owned(), value.trim().to_owned()));
                at += length;
            }
        }
    }
}
