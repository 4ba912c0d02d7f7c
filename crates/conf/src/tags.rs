//! `<tag>` (behaviour §1.7): values within values, innermost first.

use crate::interp::{MAX_SIZE, fault, too_long};
use crate::text::Text;
use base::Diagnostic;
use std::collections::{BTreeMap, BTreeSet};

/// How often one tag may come up again in one value. All its occurrences at a time count once: a filter may name its
/// prefix in each of a hundred lines.
const MAX_TAG: u32 = 25;

/// Replacements in one value; what needs more multiplies itself.
const MAX_REPLACED: u32 = 20_000;

/// Replaces tags by values, innermost first, until nothing changes; a tag without value stays. So does one whose value
/// is only another spelling of it: `<lt_<logtype>/datepattern>` as the default of a type that has none.
pub(crate) fn substitute(own: &str, text: &Text, lookup: Lookup<'_>) -> Result<Text, Diagnostic> {
    replace(own, text, lookup, true)
}

/// The value of a tag.
type Lookup<'a> = &'a mut dyn FnMut(&str) -> Result<Option<Text>, Diagnostic>;

/// With `spelling`, tags whose value is another spelling of them stay.
fn replace(own: &str, text: &Text, lookup: Lookup<'_>, spelling: bool) -> Result<Text, Diagnostic> {
    let mut text = text.clone();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    let mut total = 0;
    loop {
        let mut replaced: BTreeSet<String> = BTreeSet::new();
        let mut out = Text::empty();
        for line in &text.lines {
            out.begin_line(&line.origin);
            let mut rest = line.text.as_str();
            while let Some((start, end)) = tag(rest) {
                out.push_str(&rest[..start]);
                let name = &rest[start + 1..end];
                let value = lookup(name)?;
                match value {
                    Some(value) if !(spelling && spells(&value, name, lookup)) => {
                        let before = counts.get(name).copied().unwrap_or_default();
                        if name == own || before >= MAX_TAG {
                            return Err(fault(
                                &format!("the tag <{name}> refers to itself"),
                                &line.origin,
                                Some(name),
                            )
                            .with_help("give one of the tags on the way another value"));
                        }
                        total += 1;
                        replaced.insert(name.to_owned());
                        out.push(&value);
                    }
                    _ => out.push_str(&rest[start..=end]),
                }
                rest = &rest[end + 1..];
                if out.len() > MAX_SIZE || total > MAX_REPLACED {
                    return Err(too_long(&line.origin, name));
                }
            }
            out.push_str(rest);
        }
        text = out;
        if replaced.is_empty() {
            return Ok(text);
        }
        for name in replaced {
            *counts.entry(name).or_default() += 1;
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
