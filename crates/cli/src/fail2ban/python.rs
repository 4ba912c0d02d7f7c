//! Values as Python prints them: `repr`, and `pprint` with a width of 1000 and an indent of 2.

use conf::{Item, literal};

/// The literal of a value.
pub(crate) fn repr(item: &Item) -> String {
    match item {
        Item::None => "None".into(),
        Item::Bool(true) => "True".into(),
        Item::Bool(false) => "False".into(),
        Item::Int(number) => number.to_string(),
        Item::Text(text) => literal(text),
        Item::List(items) => repr_list(items),
        Item::Map(pairs) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{}: {}", literal(key), repr(value)))
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
    }
}

/// The literal of a list.
pub(crate) fn repr_list(items: &[Item]) -> String {
    let items: Vec<String> = items.iter().map(repr).collect();
    format!("[{}]", items.join(", "))
}

const WIDTH: usize = 1000;
const INDENT: usize = 2;

/// A list as `pprint` shows it: what is longer than a line is broken, long texts at line ends and blanks.
pub(crate) fn pretty(items: &[Item]) -> String {
    let mut out = String::new();
    let literal = repr_list(items);
    if literal.chars().count() <= WIDTH {
        return literal;
    }
    list(items, 0, 0, &mut out);
    out
}

/// `indent` is where the value begins, `allowance` the room that its end must leave for brackets and commas.
fn value(item: &Item, indent: usize, allowance: usize, out: &mut String) {
    let whole = repr(item);
    if fits(&whole, WIDTH.saturating_sub(indent + allowance)) {
        return out.push_str(&whole);
    }
    match item {
        Item::List(items) => list(items, indent, allowance, out),
        Item::Text(text) => lines(text, indent, allowance, out),
        _ => out.push_str(&whole),
    }
}

fn list(items: &[Item], indent: usize, allowance: usize, out: &mut String) {
    let indent = indent + INDENT;
    out.push('[');
    out.push_str(&" ".repeat(INDENT - 1));
    for (at, item) in items.iter().enumerate() {
        let is_last = at + 1 == items.len();
        if at > 0 {
            out.push_str(",\n");
            out.push_str(&" ".repeat(indent));
        }
        value(item, indent, if is_last { allowance + 1 } else { 1 }, out);
    }
    out.push(']');
}

/// A text as several literals, one below the other.
fn lines(text: &str, indent: usize, allowance: usize, out: &mut String) {
    let width = WIDTH.saturating_sub(indent);
    let lines = split_lines(text);
    let mut chunks = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let is_last_line = at + 1 == lines.len();
        let room = |is_last: bool| match is_last && is_last_line {
            true => width.saturating_sub(allowance),
            false => width,
        };
        let whole = literal(line);
        if fits(&whole, room(true)) {
            chunks.push(whole);
            continue;
        }
        let words = split_words(line);
        let mut current = String::new();
        for (at, word) in words.iter().enumerate() {
            let candidate = format!("{current}{word}");
            if fits(&literal(&candidate), room(at + 1 == words.len())) {
                current = candidate;
                continue;
            }
            if !current.is_empty() {
                chunks.push(literal(&current));
            }
            current = (*word).to_owned();
        }
        if !current.is_empty() {
            chunks.push(literal(&current));
        }
    }
    out.push_str(&chunks.join(&format!("\n{}", " ".repeat(indent))));
}

fn fits(literal: &str, width: usize) -> bool {
    literal.chars().count() <= width
}

/// Lines with their ends, by Python's idea of an end.
fn split_lines(text: &str) -> Vec<&str> {
    let is_end = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_end) {
        let length = match rest[at..].starts_with("\r\n") {
            true => 2,
            false => rest[at..].chars().next().map_or(0, char::len_utf8),
        };
        let (line, after) = rest.split_at(at + length);
        lines.push(line);
        rest = after;
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// Words, each with the blanks behind it.
fn split_words(line: &str) -> Vec<&str> {
    // Python's blanks are Unicode's and four old separators.
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}');
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let word = rest.find(is_blank).unwrap_or(rest.len());
        let blanks = rest[word..].find(|c| !is_blank(c));
        let (first, after) = rest.split_at(blanks.map_or(rest.len(), |blanks| word + blanks));
        words.push(first);
        rest = after;
    }
    words
}

#[cfg(test)]
mod tests;
