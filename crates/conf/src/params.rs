//! `name[key=value, …]` and the splitting of lists of them (behaviour §1.10, §1.11).

/// What to write instead of a call that cannot be read.
pub(crate) const HELP: &str = "write NAME[KEY=\"VALUE\", KEY=\"VALUE\"]";

/// A name and its options in order, the later of two values in the place of the earlier.
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
            match options.iter_mut().find(|(known, _)| *known == key) {
                Some((_, earlier)) => *earlier = value,
                None => options.push((key, value)),
            }
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
    let mut rest = text.strip_prefix('[')?;
    loop {
        rest = rest.trim_start();
        // A comma may stand before the end, once.
        let end = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        if let Some(after) = end.strip_prefix(']') {
            return Some((options, text.len() - after.len()));
        }
        let (key, after) = key(rest)?;
        let (value, after) = value(after.strip_prefix('=')?)?;
        options.push((key.to_owned(), value.trim().to_owned()));
        rest = after;
        if let Some(after) = rest.strip_prefix(',')
            && !after.trim_start().starts_with(']')
        {
            rest = after;
        }
    }
}

/// `name` or `name?condition=value`, and what follows.
fn key(text: &str) -> Option<(&str, &str)> {
    let word = |text: &str| {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        text.find(|c| !is_part(c)).filter(|length| *length > 0)
    };
    let mut length = word(text)?;
    if let Some(condition) = text[length..].strip_prefix('?') {
        let name = word(condition)?;
        let value = condition[name..].strip_prefix('=')?;
        length += 1 + name + 1 + word(value)?;
    }
    Some(text.split_at(length))
}

/// A quoted value, which nothing but a comma or the end may follow, or a bare one; and what follows.
fn value(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let quoted = quote.and_then(|quote| text[1..].split_once(quote));
    match quoted {
        Some((value, after)) => after.starts_with([',', ']']).then_some((value, after)),
        None => Some(text.split_at(text.find([',', ']'])?)),
    }
}

#[cfg(test)]
mod tests;
