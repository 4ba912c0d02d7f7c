//! `<tag>` (behaviour §1.7): values within values, innermost first.

use crate::interp::{MAX_SIZE, fault, too_long};
use crate::text::Text;
use base::{Diagnostic, Stops};
use std::collections::BTreeMap;

/// Replacements of one tag in one value.
const MAX_TAG: u32 = 25;

/// Replaces tags by values, innermost first, until nothing changes; a tag without value stays.
pub(crate) fn substitute(
    own: &str,
    text: &Text,
    lookup: &mut dyn FnMut(&str) -> Result<Option<Text>, Diagnostic>,
) -> Result<Text, Diagnostic> {
    let mut text = text.clone();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    loop {
        let mut changed = false;
        let mut out = Text::empty();
        for line in &text.lines {
            out.begin_line(&line.origin);
            let mut rest = line.text.as_str();
            while let Some((start, end)) = tag(rest) {
                out.push_str(&rest[..start]);
                let name = &rest[start + 1..end];
                match lookup(name)? {
                    Some(value) => {
                        let count = counts.entry(name.to_owned()).or_default();
                        *count += 1;
                        if name == own || *count > MAX_TAG {
                            return Err(fault(
                                &format!("the tag <{name}> refers to itself"),
                                &line.origin,
                                Some(name),
                            )
                            .with_help("give one of the tags on the way another value")
                            .with_stops(Stops::All));
                        }
                        changed = true;
                        out.push(&value);
                    }
                    None => out.push_str(&rest[start..=end]),
                }
                rest = &rest[end + 1..];
                if out.len() > MAX_SIZE {
                    return Err(too_long(&line.origin, name));
                }
            }
            out.push_str(rest);
        }
        text = out;
        if !changed {
            return Ok(text);
        }
    }
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
