//! From a pattern's text to its tree: the grammar of Python 3.11's `re` for `str` patterns.
//!
//! What Python refuses is refused here with the same words and the same offset (in characters), because users look
//! such messages up. One thing more is accepted, as fail2ban does: `((?i)x)` and `(?:(?i)x)` mean `(?i:x)`.

mod class;
mod escape;
mod group;
mod quantifier;

use super::ast::{Assertion, Node, Pattern};
use super::chars::{self, Category, CharSet, category, complement};
use super::refer::write_out;
use std::sync::Arc;

/// Why a pattern is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Python's message.
    pub message: String,
    /// Where, in characters from the start of the pattern.
    pub offset: usize,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at position {}", self.message, self.offset)
    }
}

impl std::error::Error for Error {}

type Result<T> = std::result::Result<T, Error>;

/// Groups nested deeper than this are refused, so that no pattern can exhaust the stack.
const MAX_DEPTH: usize = 200;

/// The flags in force at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flags {
    ignore_case: bool,
    multiline: bool,
    dot_all: bool,
    verbose: bool,
    ascii: bool,
}

/// The state of one parse.
struct Parser {
    text: Vec<char>,
    at: usize,
    flags: Flags,
    names: Vec<Option<Box<str>>>,
    /// Per group: its width once it is closed.
    closed: Vec<Option<(u64, Option<u64>)>>,
    /// Groups named by number before they exist, with the place.
    forward: Vec<(usize, usize)>,
    /// How many groups existed where the outermost open look-behind began.
    behind: Option<usize>,
    depth: usize,
    /// Set when a global `(?x)` was met outside verbose mode: everything is read again.
    restart: bool,
}

/// Parses `pattern`; `multiline` is Python's `re.MULTILINE` given from outside.
pub(super) fn parse(pattern: &str, multiline: bool) -> Result<Pattern> {
    let Pattern { root, names } = read(pattern, multiline)?;
    let root = write_out(root);
    Ok(Pattern { root, names })
}

/// The same, with all back-references that are written.
pub(super) fn read(pattern: &str, multiline: bool) -> Result<Pattern> {
    let mut flags = Flags {
        ignore_case: false,
        multiline,
        dot_all: false,
        verbose: false,
        ascii: false,
    };
    // A global flag holds for the whole pattern, also for what stands before it (nothing but other flags).
    loop {
        let mut parser = Parser {
            text: pattern.chars().collect(),
            at: 0,
            flags,
            names: vec![None],
            closed: vec![None],
            forward: Vec::new(),
            behind: None,
            depth: 0,
            restart: false,
        };
        let root = parser.alternatives(true);
        if parser.restart {
            flags.verbose = true;
            continue;
        }
        let root = root?;
        if parser.at < parser.text.len() {
            return Err(parser.error_at("unbalanced parenthesis", parser.at));
        }
        if let Some(&(group, offset)) = parser
            .forward
            .iter()
            .find(|&&(group, _)| group >= parser.names.len())
        {
            return Err(parser.error_at(format!("invalid group reference {group}"), offset));
        }
        return Ok(Pattern {
            root,
            names: parser.names,
        });
    }
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let eaten = self.peek() == Some(c);
        if eaten {
            self.at += 1;
        }
        eaten
    }

    /// Takes up to `most` characters that satisfy `test`.
    fn take_while(&mut self, most: usize, test: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while taken.len() < most && self.peek().is_some_and(&test) {
            taken.extend(self.take());
        }
        taken
    }

    fn error_at(&self, message: impl Into<String>, offset: usize) -> Error {
        Error {
            message: message.into(),
            offset,
        }
    }

    fn text_between(&self, start: usize, end: usize) -> String {
        self.text[start..end.min(self.text.len())].iter().collect()
    }

    /// `a|b|c`, up to a closing parenthesis or the end.
    fn alternatives(&mut self, outermost: bool) -> Result<Node> {
        let mut branches = vec![self.sequence(outermost)?];
        while self.eat('|') {
            branches.push(self.sequence(false)?);
        }
        Ok(if branches.len() == 1 {
            branches.remove(0)
        } else {
            Node::Alternate(branches)
        })
    }

    /// What stands between two bars; `first` is true where global flags may still come.
    fn sequence(&mut self, first: bool) -> Result<Node> {
        let mut items: Vec<Item> = Vec::new();
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            if self.flags.verbose && self.skip_verbose(c) {
                continue;
            }
            let start = self.at;
            self.at += 1;
            if let Some(repeat) = self.quantifier(c, start)? {
                let repeated = self.repeat(items.pop(), repeat, start)?;
                items.push(repeated);
                continue;
            }
            let item = match c {
                '.' => Item::plain(self.dot()),
                '^' if self.flags.multiline => Item::position(Assertion::LineStart),
                '^' => Item::position(Assertion::TextStart),
                '$' if self.flags.multiline => Item::position(Assertion::LineEnd),
                '$' => Item::position(Assertion::LastLineEnd),
                '[' => Item::plain(self.class(start)?),
                '(' => match self.group(start, first && items.is_empty())? {
                    Some(node) => Item::plain(node),
                    None => continue,
                },
                '\\' => self.escape(start)?,
                c => Item::plain(self.literal(u32::from(c))),
            };
            items.push(item);
        }
        let mut nodes: Vec<Node> = items.into_iter().map(|item| item.node).collect();
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Concat(nodes),
        })
    }

    /// Skips a blank or a comment of verbose mode.
    fn skip_verbose(&mut self, c: char) -> bool {
        match c {
            ' ' | '\t' | '\n' | '\r' | '\x0B' | '\x0C' => {
                self.at += 1;
                true
            }
            '#' => {
                while let Some(c) = self.take() {
                    if c == '\n' {
                        break;
                    }
                }
                true
            }
            _ => false,
        }
    }

    fn dot(&self) -> Node {
        let all = CharSet::all();
        Node::Set(Arc::new(if self.flags.dot_all {
            all
        } else {
            CharSet::single(u32::from('\n')).negated()
        }))
    }

    fn literal(&self, c: u32) -> Node {
        if !self.flags.ignore_case {
            return Node::Set(chars::literal(c));
        }
        Node::Set(chars::folded(c, self.flags.ascii))
    }

    /// The set of `\d`, `\s`, `\w` (lower case) or its complement (upper case).
    fn category_of(&self, letter: char) -> Option<Arc<CharSet>> {
        let kind = match letter.to_ascii_lowercase() {
            'd' => Category::Digit,
            's' => Category::Space,
            'w' => Category::Word,
            _ => return None,
        };
        let of = match letter.is_ascii_uppercase() {
            true => complement,
            false => category,
        };
        Some(of(kind, self.flags.ascii))
    }
}

/// A parsed element with what the quantifier after it must know.
struct Item {
    node: Node,
    /// A position such as `^`, which cannot be repeated.
    position: bool,
    /// Already repeated.
    repeated: bool,
}

impl Item {
    fn plain(node: Node) -> Self {
        Self {
            node,
            position: false,
            repeated: false,
        }
    }

    fn position(assertion: Assertion) -> Self {
        Self {
            node: Node::Assert(assertion),
            position: true,
            repeated: false,
        }
    }
}

#[cfg(test)]
mod tests;
