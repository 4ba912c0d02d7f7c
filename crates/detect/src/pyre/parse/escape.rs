//! `\…`, inside and outside of classes.

use super::{Item, Parser, Result};
use crate::pyre::ast::{Assertion, Node};

/// The largest value of an octal escape.
const MAX_OCTAL: u32 = 0o377;

impl Parser {
    /// An escape outside of a class; the backslash at `start` is already taken.
    pub(super) fn escape(&mut self, start: usize) -> Result<Item> {
        let Some(c) = self.peek() else {
            return Err(self.error_at("bad escape (end of pattern)", start));
        };
        if let Some(set) = self.category_of(c) {
            self.at += 1;
            return Ok(Item::plain(Node::Set(set)));
        }
        let ascii = self.flags.ascii;
        let position = match c {
            'A' => Some(Assertion::TextStart),
            'Z' => Some(Assertion::TextEnd),
            'b' => Some(Assertion::WordBoundary {
                negative: false,
                ascii,
            }),
            'B' => Some(Assertion::WordBoundary {
                negative: true,
                ascii,
            }),
            _ => None,
        };
        if let Some(assertion) = position {
            self.at += 1;
            return Ok(Item::position(assertion));
        }
        if c.is_ascii_digit() && c != '0' {
            return self.number(start);
        }
        let value = if c == '0' {
            self.at += 1;
            let digits = self.take_while(2, is_octal);
            u32::from_str_radix(&digits, 8).unwrap_or(0)
        } else {
            self.character(start)?
        };
        Ok(Item::plain(self.literal(value)))
    }

    /// `\1` to `\99`: a back-reference, or an octal escape when three octal digits follow.
    fn number(&mut self, start: usize) -> Result<Item> {
        let mut digits = self.take_while(2, |c| c.is_ascii_digit());
        if digits.len() == 2 && digits.chars().all(is_octal) && self.peek().is_some_and(is_octal) {
            digits.extend(self.take());
            let value = u32::from_str_radix(&digits, 8).unwrap_or(u32::MAX);
            if value > MAX_OCTAL {
                return Err(self.octal_range(start));
            }
            return Ok(Item::plain(self.literal(value)));
        }
        let group: usize = digits.parse().unwrap_or(usize::MAX);
        if group >= self.names.len() {
            return Err(self.error_at(format!("invalid group reference {group}"), start + 1));
        }
        let node = self.backref(group, start)?;
        Ok(Item::plain(node))
    }

    /// A reference to a group that exists; `start` is where it is written.
    pub(super) fn backref(&mut self, group: usize, start: usize) -> Result<Node> {
        if self.closed[group].is_none() {
            return Err(self.error_at("cannot refer to an open group", start));
        }
        self.check_behind(group, start)?;
        Ok(Node::Backref {
            group,
            ignore_case: self.flags.ignore_case,
        })
    }

    /// An escape inside of a class that is no category; the backslash at `start` is already taken.
    pub(super) fn class_escape(&mut self, start: usize) -> Result<u32> {
        let Some(c) = self.peek() else {
            return Err(self.error_at("bad escape (end of pattern)", start));
        };
        if c == 'b' {
            self.at += 1;
            return Ok(0x08);
        }
        if is_octal(c) {
            let digits = self.take_while(3, is_octal);
            let value = u32::from_str_radix(&digits, 8).unwrap_or(u32::MAX);
            if value > MAX_OCTAL {
                return Err(self.octal_range(start));
            }
            return Ok(value);
        }
        if c.is_ascii_digit() {
            return Err(self.error_at(format!("bad escape \\{c}"), start));
        }
        self.character(start)
    }

    /// Escapes that stand for one character everywhere.
    fn character(&mut self, start: usize) -> Result<u32> {
        let Some(c) = self.take() else {
            return Err(self.error_at("bad escape (end of pattern)", start));
        };
        let digits = match c {
            'a' => return Ok(0x07),
            'f' => return Ok(0x0C),
            'n' => return Ok(0x0A),
            'r' => return Ok(0x0D),
            't' => return Ok(0x09),
            'v' => return Ok(0x0B),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            'N' => {
                return Err(self.error_at(
                    "character names (\\N{...}) are not supported, write the character",
                    start,
                ));
            }
            c if c.is_ascii_alphabetic() => {
                return Err(self.error_at(format!("bad escape \\{c}"), start));
            }
            c => return Ok(u32::from(c)),
        };
        let hex = self.take_while(digits, |c| c.is_ascii_hexdigit());
        if hex.len() < digits {
            return Err(self.error_at(format!("incomplete escape \\{c}{hex}"), start));
        }
        let value = u32::from_str_radix(&hex, 16).unwrap_or(u32::MAX);
        if value > crate::pyre::chars::MAX {
            return Err(self.error_at(format!("bad escape \\{c}{hex}"), start));
        }
        Ok(value)
    }

    fn octal_range(&self, start: usize) -> super::Error {
        let written = self.text_between(start, self.at);
        self.error_at(
            format!("octal escape value {written} outside of range 0-0o377"),
            start,
        )
    }
}

fn is_octal(c: char) -> bool {
    ('0'..='7').contains(&c)
}
