//! `name[key=value, …]` and the splitting of lists of them (behaviour §1.10, §1.11).

/// What to write instead of a call that cannot be read.
pub(crate) const HELP: &str = "write NAME[KEY=\"VALUE\", KEY=\"VALUE\"]";

/// A name and its options in order, the later of two values in the place of the earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) name: String,
    pub(crate) options: Vec<(String, String)>,
}

/// Reads one `name[…]`.
///
/// # Errors
/// What is wrong with the syntax, in fail2ban's words: they are part of what its client hands to its server.
pub(crate) fn parse(text: &str) -> Result<Call, String> {
    let Some(open) = text.find('[') else {
        return Ok(Call {
            name: text.into(),
            options: Vec::new(),
        });
    };
    let inner = text[open + 1..].trim_end().strip_suffix(']');
    let inner = inner
        .filter(|_| open > 0)
        .ok_or("unexpected option syntax")?;
    let mut options: Options = Vec::new();
    let mut rest = inner;
    while !rest.strip_prefix(',').unwrap_or(rest).trim().is_empty() {
        let at = |rest: &str| inner[..inner.len() - rest.len()].chars().count();
        let option = key(rest.trim_start()).and_then(|(key, after)| {
            let (value, after) = value(after.strip_prefix('=')?);
            Some((key, value.trim(), after))
        });
        let Some((key, value, after)) = option else {
            let (at, part) = (at(rest), beginning(rest));
            return Err(format!("expected option, wrong syntax at {at}: {part}"));
        };
        match options.iter_mut().find(|(known, _)| known == key) {
            Some((_, earlier)) => *earlier = value.into(),
            None => options.push((key.into(), value.into())),
        }
        let next_group = || after.strip_prefix(']')?.trim_start().strip_prefix('[');
        rest = match after.strip_prefix(',').or_else(next_group) {
            Some(next) => next,
            None if after.is_empty() => after,
            None => {
                let (at, part) = (at(after), beginning(after));
                return Err(format!(
                    "unexpected syntax at {at} after option '{key}': {part}"
                ));
            }
        };
    }
    Ok(Call {
        name: text[..open].into(),
        options,
    })
}

/// As much of a text as fail2ban cites.
fn beginning(text: &str) -> &str {
    let end = text.char_indices().nth(25).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// Splits at blanks outside of well-formed groups; each part with the byte where it begins. Groups that something else
/// than a blank follows are none.
pub(crate) fn split(text: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(begin) = text[at..].find(|c: char| !c.is_whitespace()) {
        let begin = at + begin;
        let rest = &text[begin..];
        let to_blank = |rest: &str| rest.find(char::is_whitespace).unwrap_or(rest.len());
        let name = rest.find(|c: char| c == '[' || c.is_whitespace());
        let name = name.filter(|length| *length > 0);
        let with_groups = name.and_then(|length| {
            let mut end = None;
            let mut after = &rest[length..];
            while let Some(length) = group(after.trim_start()) {
                let (group, behind) = after.trim_start().split_at(length);
                after = behind;
                if to_blank(after) == 0 {
                    end = Some(rest.len() - after.len());
                }
                // An empty one is the last.
                if group[1..length - 1].trim().is_empty() {
                    break;
                }
            }
            end
        });
        let length = with_groups.unwrap_or_else(|| to_blank(rest));
        parts.push((begin, &rest[..length]));
        at = begin + length;
    }
    parts
}

type Options = Vec<(String, String)>;

/// The length in bytes of one well-formed `[…]` at the start of the text. Behind a quoted value anything may stand: it
/// is for the reader of the group to refuse it.
fn group(text: &str) -> Option<usize> {
    let mut rest = text.strip_prefix('[')?.trim_start();
    while !rest.starts_with(']') {
        let (_, after) = key(rest)?;
        let (_, after) = value(after.strip_prefix('=')?);
        let end = after.find([',', ']'])?;
        let after = &after[end..];
        rest = after.strip_prefix(',').unwrap_or(after).trim_start();
    }
    Some(text.len() - rest.len() + 1)
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

/// A quoted value, or a bare one up to a comma or bracket; and what follows.
fn value(text: &str) -> (&str, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let quoted = quote.and_then(|quote| text[1..].split_once(quote));
    quoted.unwrap_or_else(|| text.split_at(text.find([',', ']']).unwrap_or(text.len())))
}

#[cfg(test)]
mod tests;
