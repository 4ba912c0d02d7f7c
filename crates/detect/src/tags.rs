//! fail2ban's tags: what `<HOST>`, `<F-USER>` or `<SKIPLINES>` stand for in a regular expression.
//!
//! Only `<`, an optional `/`, word characters or `-`, an optional `/` and `>` can be a tag; whatever has that form and
//! is none stays as it is written. Expansion never fails: a wrong tag shows as an error of the expression made of it.

use crate::UseDns;

/// Four groups of digits, with the prefix that IPv6 sockets give IPv4 peers outside of the capture.
const V4: &str = r"(?:::f{4,6}:)?(?P<ip4>\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})";
const V6: &str = r"(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|:){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):))";
const NAME: &str = r"(?P<dns>[\w\-.^_]*\w)";
const CIDR: &str = r"(?P<cidr>\d+)";

/// An expression without tags, and where each part of it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expanded {
    pub(crate) pattern: String,
    /// Where tags were replaced, ascending.
    replaced: Vec<Replaced>,
}

/// One replaced tag; all numbers are characters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Replaced {
    source_start: usize,
    source_length: usize,
    start: usize,
    length: usize,
}

impl Expanded {
    /// The place in the text as written for a place in the pattern, both in characters. Inside of what a tag became
    /// it is the tag's beginning.
    pub(crate) fn source_offset(&self, offset: usize) -> usize {
        let mut shift = 0_isize;
        for tag in &self.replaced {
            if offset < tag.start {
                break;
            }
            if offset < tag.start + tag.length {
                return tag.source_start;
            }
            shift += tag.source_length as isize - tag.length as isize;
        }
        offset.saturating_add_signed(shift)
    }
}

/// Replaces all tags of `source`. `usedns = no` takes host names out of `<HOST>`.
pub(crate) fn expand(source: &str, usedns: UseDns) -> Expanded {
    let mut expanded = Expanded {
        pattern: String::with_capacity(2 * source.len()),
        replaced: Vec::new(),
    };
    let mut open = Vec::new();
    let mut skiplines = 0;
    let mut rest = source;
    // Characters of the pattern and of the source that are done.
    let (mut written, mut read) = (0, 0);
    while let Some(start) = rest.find('<') {
        let (plain, from_tag) = rest.split_at(start);
        let tag = tag_at(from_tag).unwrap_or("<");
        let replacement = match tag {
            "<SKIPLINES>" => {
                skiplines += 1;
                Some(format!(r"\n(?P<skiplines{}>(?:.*\n)*?)", skiplines - 1))
            }
            _ => fixed(tag, usedns).or_else(|| group(tag, &mut open)),
        };
        let plain_length = plain.chars().count();
        let length = tag.chars().count();
        written += plain_length;
        read += plain_length;
        expanded.pattern.push_str(plain);
        match replacement {
            Some(text) => {
                let replaced = Replaced {
                    source_start: read,
                    source_length: length,
                    start: written,
                    length: text.chars().count(),
                };
                written += replaced.length;
                expanded.replaced.push(replaced);
                expanded.pattern.push_str(&text);
            }
            None => {
                written += length;
                expanded.pattern.push_str(tag);
            }
        }
        read += length;
        rest = &from_tag[tag.len()..];
    }
    expanded.pattern.push_str(rest);
    expanded
}

/// The text of tag form at the beginning of `text`, which begins with `<`.
fn tag_at(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('<')?;
    let inner = inner.strip_prefix('/').unwrap_or(inner);
    let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))?;
    let after = &inner[end..];
    let after = after.strip_prefix('/').unwrap_or(after);
    let closed = after.strip_prefix('>')?;
    (end > 0).then(|| &text[..text.len() - closed.len()])
}

/// Tags that always mean the same.
fn fixed(tag: &str, usedns: UseDns) -> Option<String> {
    Some(match tag {
        "<IP4>" | "<F-IP4/>" => V4.to_owned(),
        "<IP6>" | "<F-IP6/>" => V6.to_owned(),
        "<ADDR>" | "<F-ADDR/>" => address(),
        "<DNS>" | "<F-DNS/>" => NAME.to_owned(),
        "<HOST>" if usedns == UseDns::No => address(),
        "<HOST>" => format!("(?:{}|{NAME})", address()),
        "<CIDR>" | "<F-CIDR/>" => CIDR.to_owned(),
        "<SUBNET>" | "<F-SUBNET/>" => format!(r"\[?(?:{V4}|{V6})(?:/{CIDR})?\]?"),
        "<F-ID/>" => r"(?P<fid>\S+)".to_owned(),
        "<F-PORT/>" => r"(?P<fport>\w+)".to_owned(),
        _ => return None,
    })
}

fn address() -> String {
    format!(r"\[?(?:{V4}|{V6})\]?")
}

/// `<F-NAME>` and `</F-NAME>`; a close tag counts only after its open tag.
fn group(tag: &str, open: &mut Vec<String>) -> Option<String> {
    if let Some(name) = tag.strip_prefix("</F-").and_then(|t| t.strip_suffix('>')) {
        return open
            .iter()
            .any(|known| known == name)
            .then(|| ")".to_owned());
    }
    let name = tag.strip_prefix("<F-")?.strip_suffix('>')?;
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.is_empty() || !name.chars().all(upper) {
        return None;
    }
    open.push(name.to_owned());
    Some(match name {
        "ID" => "(?P<fid>".to_owned(),
        "PORT" => "(?P<fport>".to_owned(),
        // A group name cannot hold `-`, which fail2ban makes an error of.
        _ => format!("(?P<{}>", name.to_ascii_lowercase().replace('-', "_")),
    })
}

#[cfg(test)]
mod tests;
