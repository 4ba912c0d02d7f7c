//! `<tag>` (behaviour §1.7): values within values, innermost first.

use crate::interp::{MAX_SIZE, fault, too_long};
use crate::text::Text;
use base::{Diagnostic, Origin, Stops};
use std::collections::BTreeMap;

/// Replacements of one tag in one value. Each takes all places where the tag stands then, so that a list of fifty
/// expressions with one prefix needs one; a tag that is needed over and over is in a circle (fail2ban's bound).
const MAX_TAG: u32 = 26;

/// Places filled in one value; what needs more multiplies itself.
const MAX_PLACES: usize = 20_000;

/// The value of a tag; nothing for a tag that has none.
type Lookup<'a> = &'a mut dyn FnMut(&str) -> Result<Option<Text>, Diagnostic>;

/// Replaces tags by values, innermost first, until nothing changes; a tag without value stays, and so does one whose
/// value is that tag itself, spelled with others (`<lt_<logtype>/x>` as what `<lt_file/x>` means).
pub(crate) fn substitute(own: &str, text: &Text, lookup: Lookup<'_>) -> Result<Text, Diagnostic> {
    replace(own, text, lookup, true)
}

/// The tags of a value that are known only when it is used, by the same rules and bounds.
///
/// # Errors
/// A tag refers to itself, or the value grows beyond all bounds.
pub fn replace_tags(
    own: &str,
    text: &str,
    origin: &Origin,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Diagnostic> {
    let mut known = |tag: &str| Ok(lookup(tag).map(|value| Text::new(&value, origin)));
    let filled = substitute(own, &Text::new(text, origin), &mut known)?;
    Ok(filled.plain())
}

fn replace(own: &str, text: &Text, lookup: Lookup<'_>, spelling: bool) -> Result<Text, Diagnostic> {
    let mut text = text.clone();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut places = 0;
    loop {
        let mut changed = false;
        let (mut number, mut from) = (0, 0);
        while let Some(line) = text.lines.get(number) {
            let Some((start, end)) = tag(&line.text[from..]) else {
                (number, from) = (number + 1, 0);
                continue;
            };
            let (start, end) = (from + start, from + end);
            let name = line.text[start + 1..end].to_owned();
            let value = lookup(&name)?;
            let Some(value) = value.filter(|value| !(spelling && spells(value, &name, lookup)))
            else {
                from = end + 1;
                continue;
            };
            let count = counts.entry(name.clone()).or_default();
            *count += 1;
            if name == own || *count > MAX_TAG {
                let message = format!("the tag <{name}> refers to itself");
                return Err(fault(&message, &line.origin, Some(&name))
                    .with_help("give one of the tags on the way another value")
                    .with_stops(Stops::All));
            }
            let tag = format!("<{name}>");
            let here: usize = text
                .lines
                .iter()
                .map(|line| places_of(&tag, &line.text).count())
                .sum();
            places += here;
            if text.len() + here * value.len() > MAX_SIZE || places > MAX_PLACES {
                return Err(too_long(&line.origin, &name));
            }
            text = replaced(text, &tag, &value);
            changed = true;
            // What came in may begin with a tag.
            from = start;
        }
        if !changed {
            return Ok(text);
        }
    }
}

/// True if `value` is one tag with others inside, and these make it the tag `name`.
fn spells(value: &Text, name: &str, lookup: Lookup<'_>) -> bool {
    let [line] = value.lines.as_slice() else {
        return false;
    };
    let inner = line
        .text
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    let Some(inner) = inner.filter(|inner| inner.contains('<')) else {
        return false;
    };
    // What is wrong inside shows when the value is replaced.
    let inner = replace(name, &Text::new(inner, &line.origin), lookup, false);
    inner.is_ok_and(|inner| inner.plain() == name)
}

/// The text with a value in every place of a tag.
fn replaced(text: Text, tag: &str, value: &Text) -> Text {
    let mut out = Text::empty();
    for line in text.lines {
        if places_of(tag, &line.text).next().is_none() {
            out.lines.push(line);
            continue;
        }
        out.begin_line(&line.origin);
        let mut from = 0;
        for at in places_of(tag, &line.text) {
            out.push_str(&line.text[from..at]);
            out.push(value);
            from = at + tag.len();
        }
        out.push_str(&line.text[from..]);
    }
    out
}

/// Where `tag` stands, with its brackets. No place overlaps another, since there is one `<` in it. This search has nothing
/// to prepare, as one for any text has: there are tens of thousands of short lines.
fn places_of<'a>(tag: &'a str, text: &'a str) -> impl Iterator<Item = usize> + 'a {
    let brackets = text.match_indices('<').map(|(at, _)| at);
    brackets.filter(move |at| text[*at..].starts_with(tag))
}

/// The first `<…>` without blanks and brackets inside: the bytes of `<` and `>`.
fn tag(text: &str) -> Option<(usize, usize)> {
    let first = text.find('<')?;
    let mut open = None;
    for (at, c) in text[first..].char_indices() {
        let at = first + at;
        match (c, open) {
            ('<', _) => open = Some(at),
            ('>', Some(start)) if at > start + 1 => return Some((start, at)),
            ('>' | ' ', _) => open = None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
