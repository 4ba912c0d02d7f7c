//! Classes of characters, as far as a pattern's shape asks about them.

use crate::pyre::ast::{Kind, Node};
use crate::pyre::chars::{Category, CharSet, category};
use std::sync::Arc;

/// The shortest address has this many characters.
const SHORTEST: u32 = 7;
/// Ranges of a class that are shown.
const MOST_RANGES: usize = 8;
/// Examples are cut here.
const EXAMPLE: usize = 60;

/// Whether an IPv4 address can be written with this class, so often repeated. (A class without a full stop is nearly
/// always a field that ends at one.)
pub(super) fn is_free(set: &CharSet, max: Option<u32>) -> bool {
    max.is_none_or(|max| max >= SHORTEST)
        && ".0123456789".chars().all(|c| set.contains(u32::from(c)))
}

/// Whether it holds blanks and nothing else.
pub(super) fn is_blank(set: &CharSet) -> bool {
    !set.meets(&category(Category::Space, false).negated())
}

/// All characters that any set below the node holds.
pub(super) fn union(node: &Node) -> CharSet {
    let mut ranges = Vec::new();
    node.walk(&mut |node| {
        if let Node::Set(set) = node {
            ranges.extend_from_slice(set.ranges());
        }
    });
    CharSet::new(ranges)
}

/// A repetition as one would write it.
pub(super) fn piece(
    body: &Node,
    set: &CharSet,
    (min, max, kind): (u32, Option<u32>, Kind),
) -> String {
    let class = match body {
        Node::Set(_) => written(set),
        _ => "(?:…)".into(),
    };
    let times = match (min, max) {
        (0, None) => "*".to_owned(),
        (1, None) => "+".to_owned(),
        (min, None) => format!("{{{min},}}"),
        (min, Some(max)) => format!("{{{min},{max}}}"),
    };
    let sign = match kind {
        Kind::Greedy => "",
        Kind::Lazy => "?",
        Kind::Possessive => "+",
    };
    format!("{class}{times}{sign}")
}

fn written(set: &CharSet) -> String {
    let negated = set.negated();
    match negated.ranges() {
        [] | [(0x0A, 0x0A)] => return ".".into(),
        _ if negated == *category(Category::Space, false) => return r"\S".into(),
        _ => {}
    }
    let (sign, shown) = match negated.ranges().len() < set.ranges().len() {
        true => ("^", &negated),
        false => ("", set),
    };
    let mut text = String::from(sign);
    let mut rest = shown.clone();
    for (name, kind) in [(r"\s", Category::Space), (r"\w", Category::Word)] {
        let members = category(kind, false);
        let outside = rest.negated();
        if !members.meets(&outside) {
            text.push_str(name);
            let outside = [outside.ranges(), members.ranges()].concat();
            rest = CharSet::new(outside).negated();
        }
    }
    for &(low, high) in rest.ranges().iter().take(MOST_RANGES) {
        text.push_str(&escaped(low));
        if high > low {
            if high > low + 1 {
                text.push('-');
            }
            text.push_str(&escaped(high));
        }
    }
    if rest.ranges().len() > MOST_RANGES {
        text.push('…');
    }
    format!("[{text}]")
}

fn escaped(c: u32) -> String {
    match char::from_u32(c) {
        Some('\n') => r"\n".into(),
        Some('\t') => r"\t".into(),
        Some(c @ (']' | '\\' | '^' | '-')) => format!("\\{c}"),
        Some(c) if c == ' ' || !(c.is_control() || c.is_whitespace()) => c.into(),
        _ => format!("\\x{c:02x}"),
    }
}

/// A text with one character out of each set.
pub(super) fn sample(sets: &[Arc<CharSet>]) -> String {
    let text: String = sets.iter().map(|set| one_of(set)).collect();
    match text.char_indices().rev().nth(EXAMPLE) {
        Some((at, _)) => format!("…{}", &text[at..]),
        None => text,
    }
}

/// A character that looks like what is meant.
fn one_of(set: &CharSet) -> char {
    if let [(only, last)] = *set.ranges()
        && only == last
    {
        return char::from_u32(only).unwrap_or('?');
    }
    let small: Vec<(u32, u32)> = set.ranges().iter().copied().take(3).collect();
    if small.len() == 2 && small.iter().all(|(low, high)| low == high) {
        // A letter that may be a capital.
        return small
            .last()
            .and_then(|(c, _)| char::from_u32(*c))
            .unwrap_or('?');
    }
    let liked = [' ', 'x', '1'].into_iter();
    let mut liked = liked.filter(|c| set.contains(u32::from(*c)));
    let first = || set.ranges().first().and_then(|(c, _)| char::from_u32(*c));
    // A class that holds a blank and letters is no separator.
    match (liked.next(), liked.next()) {
        (Some(' '), Some(other)) | (Some(other), _) => other,
        (None, _) => first().unwrap_or('?'),
    }
}
