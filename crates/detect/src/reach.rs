//! How far an expression that matches nowhere gets in a text: for people who ask why, never for guarding.
//!
//! An expression is cut off behind one of its parts, and the longest beginning that matches somewhere in the text is what
//! it reached. It is cut only where a match of the whole is a match of the beginning too: behind letters, classes and
//! groups, and within a group that is neither repeated nor has alternatives. So whatever stands next in the expression is
//! what the text does not have, and no guess is in it.

use crate::UseDns;
use crate::pyre::{Outcome, Regex};
use crate::tags::expand;

/// What of an expression was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Letters of its own, standing for nothing but themselves, that were found.
    pub letters: usize,
    /// How many characters of the expression, as it is written, were found.
    pub pattern: usize,
    /// Up to which byte of the text; what it repeats there is left out.
    pub text: usize,
    /// All of it was found.
    pub is_whole: bool,
}

/// One place to cut at.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Characters before it.
    end: usize,
    /// Groups that are open there.
    open: usize,
    letters: usize,
    /// What stands before it is no repetition.
    solid: bool,
}

/// How far `pattern`, which may hold tags, gets in `text`.
pub fn reach(pattern: &str, usedns: UseDns, multiline: bool, text: &str) -> Reach {
    let expanded = expand(pattern, usedns);
    let chars: Vec<char> = expanded.pattern.chars().collect();
    let mut best = Reach::default();
    for branch in branches(&chars) {
        let cuts = cuts(&chars[branch.clone()]);
        let end = |cut: &Cut| {
            let cut_off = &chars[branch.start..branch.start + cut.end];
            let closing = std::iter::repeat_n(')', cut.open);
            let beginning: String = cut_off.iter().copied().chain(closing).collect();
            end_of(&beginning, multiline, text)
        };
        // Each beginning matches wherever a longer one does.
        let found = cuts.partition_point(|cut| end(cut).is_some());
        let Some(last) = found.checked_sub(1).map(|last| cuts[last]) else {
            continue;
        };
        let solid = cuts[..found].iter().rev().find(|cut| cut.solid);
        let is_whole = found == cuts.len();
        let reached = Reach {
            letters: last.letters,
            pattern: match is_whole {
                true => pattern.chars().count(),
                false => expanded.source_offset(branch.start + last.end),
            },
            text: solid.and_then(end).unwrap_or_default(),
            is_whole,
        };
        let rank = |reach: &Reach| (reach.is_whole, reach.letters, reach.text);
        if rank(&reached) > rank(&best) {
            best = reached;
        }
    }
    best
}

fn end_of(pattern: &str, multiline: bool, text: &str) -> Option<usize> {
    let regex = Regex::new(pattern, multiline).ok()?;
    let mut slots = Vec::new();
    match regex.search(&mut regex.new_cache(), text, &mut slots) {
        Outcome::Match => slots.get(1).copied().flatten(),
        Outcome::NoMatch | Outcome::OverBudget => None,
    }
}

/// The alternatives that the whole is made of.
fn branches(chars: &[char]) -> Vec<std::ops::Range<usize>> {
    let mut branches = Vec::new();
    let (mut start, mut at, mut depth) = (0, 0, 0_usize);
    while at < chars.len() {
        match chars[at] {
            '\\' | '[' => {
                at = past_one(chars, at);
                continue;
            }
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                branches.push(start..at);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    branches.push(start..chars.len());
    branches
}

/// Where it can be cut off, ascending; the last one is its end.
fn cuts(chars: &[char]) -> Vec<Cut> {
    let mut cuts: Vec<Cut> = Vec::new();
    let text: String = chars.iter().collect();
    // Blanks and comments in an expression stand for nothing there.
    let is_verbose = text.contains("(?x");
    let (mut at, mut open, mut letters) = (0, 0, 0);
    while at < chars.len() && !is_verbose {
        let start = at;
        match chars[at] {
            '(' => match enters(chars, at) {
                Some(inside) => {
                    open += 1;
                    at = inside;
                    continue;
                }
                None => at = past_group(chars, at),
            },
            ')' => {
                open = usize::saturating_sub(open, 1);
                at += 1;
            }
            _ => at = past_one(chars, at),
        }
        let behind = past_quantifier(chars, at);
        let is_letter = match chars[start] {
            '\\' => chars
                .get(start + 1)
                .is_some_and(|next| !next.is_alphanumeric()),
            c => !"([).^$|".contains(c),
        };
        letters += usize::from(is_letter && behind == at && at - start <= 2);
        cuts.push(Cut {
            end: behind,
            open,
            letters,
            solid: behind == at,
        });
        at = behind;
    }
    if cuts.last().is_none_or(|last| last.end < chars.len()) {
        cuts.push(Cut {
            end: chars.len(),
            open: 0,
            letters,
            solid: true,
        });
    }
    cuts
}

/// Behind one character, class or escape.
fn past_one(chars: &[char], at: usize) -> usize {
    let digits = |from: usize, most: usize| {
        let digits = chars[from.min(chars.len())..].iter().take(most);
        from + digits.take_while(|c| c.is_ascii_hexdigit()).count()
    };
    let end = match (chars[at], chars.get(at + 1)) {
        ('\\', Some('x')) => digits(at + 2, 2),
        ('\\', Some('u')) => digits(at + 2, 4),
        ('\\', Some('U')) => digits(at + 2, 8),
        ('\\', Some('0'..='9')) => digits(at + 1, 3),
        ('\\', _) => at + 2,
        ('[', _) => {
            let mut end = at + 1;
            end += usize::from(chars.get(end) == Some(&'^'));
            // The first one stands for itself.
            end += usize::from(chars.get(end) == Some(&']'));
            while end < chars.len() && chars[end] != ']' {
                end += if chars[end] == '\\' { 2 } else { 1 };
            }
            end + 1
        }
        _ => at + 1,
    };
    end.min(chars.len())
}

/// Behind the group that begins here.
fn past_group(chars: &[char], at: usize) -> usize {
    let (mut end, mut depth) = (at, 0_usize);
    while end < chars.len() {
        match chars[end] {
            '\\' | '[' => {
                end = past_one(chars, end);
                continue;
            }
            '(' => depth += 1,
            ')' => {
                depth -= 1;
                if depth == 0 {
                    return end + 1;
                }
            }
            _ => {}
        }
        end += 1;
    }
    chars.len()
}

/// Where the body of a group begins whose parts can be looked at one by one.
fn enters(chars: &[char], at: usize) -> Option<usize> {
    let end = past_group(chars, at);
    let body = match (chars.get(at + 1), chars.get(at + 2), chars.get(at + 3)) {
        (Some('?'), Some(':'), _) => at + 3,
        (Some('?'), Some('P'), Some('<')) => {
            at + 1 + chars[at..end].iter().position(|c| *c == '>')?
        }
        (Some('?'), ..) => return None,
        _ => at + 1,
    };
    let inside = chars.get(body..end.checked_sub(1)?)?;
    let is_plain = branches(inside).len() == 1 && past_quantifier(chars, end) == end;
    is_plain.then_some(body)
}

/// Behind the quantifier that stands here, if one does.
fn past_quantifier(chars: &[char], at: usize) -> usize {
    let behind = match chars.get(at) {
        Some('*' | '+' | '?') => at + 1,
        Some('{') => {
            let close = chars[at..].iter().position(|c| *c == '}');
            let Some(close) = close.map(|length| at + length) else {
                return at;
            };
            let counts = |c: &char| c.is_ascii_digit() || *c == ',';
            if close == at + 1 || !chars[at + 1..close].iter().all(counts) {
                return at;
            }
            close + 1
        }
        _ => return at,
    };
    behind + usize::from(matches!(chars.get(behind), Some('?' | '+')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The part of the expression and the part of the text that are found.
    fn check(pattern: &str, text: &str, found: &str, read: &str) {
        let reach = reach(pattern, UseDns::Warn, false, text);
        let part: String = pattern.chars().take(reach.pattern).collect();
        assert_eq!(
            (part.as_str(), &text[..reach.text]),
            (found, read),
            "{pattern}"
        );
        assert_eq!(reach.is_whole, found == pattern, "{pattern}");
    }

    #[test]
    fn the_next_part_is_what_the_text_does_not_have() {
        let line = "bad user root from 192.0.2.1 port 22\n";
        check(
            "^bad user .* from <HOST>$",
            line,
            "^bad user .* from <HOST>",
            "bad user root from 192.0.2.1",
        );
        check(
            "^bad (?:user )?\\S+ by <HOST>",
            line,
            "^bad (?:user )?\\S+ ",
            "bad user root ",
        );
        check("\"<HOST>\"", line, "", "");
        check(
            "^bad <F-USER>user x</F-USER>",
            line,
            "^bad <F-USER>user ",
            "bad user ",
        );
        check("^(?:good|bad) login", line, "^(?:good|bad) ", "bad ");
        check("no|bad u\\w{3} q", line, "no|bad u\\w{3} ", "bad user ");
        check(
            "^bad [^]]+ \\[x",
            line,
            "^bad [^]]+ ",
            "bad user root from 192.0.2.1 port ",
        );
        check("^bad.*", line, "^bad.*", "bad");
        check("(?x) ^good", line, "", "");
    }

    /// Whatever is cut is still an expression, and each longer beginning matches less.
    #[test]
    fn beginnings_are_expressions() {
        for pattern in [
            r"^a(?P<x>b[\]c]+)(?:d|e){2,3}?f\x41\u0041(?=g)(?<!h)\1$",
            r"^(?:\[\])?\s*(?:<[^.]+>\s+)?(?P<user>\S+){1,}x{y}",
        ] {
            let chars: Vec<char> = pattern.chars().collect();
            for cut in cuts(&chars) {
                let closing = std::iter::repeat_n(')', cut.open);
                let text: String = chars[..cut.end].iter().copied().chain(closing).collect();
                assert!(Regex::new(&text, false).is_ok(), "{text}");
            }
        }
    }
}
