//! `[…]`.

use super::{Parser, Result};
use crate::pyre::ast::Node;
use crate::pyre::chars::CharSet;
use std::sync::Arc;

/// One member of a class.
enum Member {
    Char(u32),
    Set(Arc<CharSet>),
}

impl Parser {
    /// Reads a class; `start` is the place of its opening bracket.
    pub(super) fn class(&mut self, start: usize) -> Result<Node> {
        let negated = self.eat('^');
        let mut written = Vec::new();
        let mut categories = Vec::new();
        let mut first = true;
        loop {
            let at = self.at;
            let unterminated = || super::Error {
                message: "unterminated character set".into(),
                offset: start,
            };
            let c = self.take().ok_or_else(unterminated)?;
            if c == ']' && !first {
                break;
            }
            first = false;
            let low = self.member(c, at)?;
            if !self.eat('-') {
                add(low, &mut written, &mut categories);
                continue;
            }
            let high_at = self.at;
            let c = self.take().ok_or_else(unterminated)?;
            if c == ']' {
                add(low, &mut written, &mut categories);
                written.push((u32::from('-'), u32::from('-')));
                break;
            }
            match (low, self.member(c, high_at)?) {
                (Member::Char(low), Member::Char(high)) if low <= high => written.push((low, high)),
                _ => {
                    let range = self.text_between(at, self.at);
                    return Err(self.error_at(format!("bad character range {range}"), at));
                }
            }
        }
        let written = CharSet::new(written);
        let categories = CharSet::new(categories);
        let set = if self.flags.ignore_case {
            CharSet::fold(&written, &categories, self.flags.ascii)
        } else {
            CharSet::new(
                written
                    .ranges()
                    .iter()
                    .chain(categories.ranges())
                    .copied()
                    .collect(),
            )
        };
        Ok(Node::Set(Arc::new(if negated {
            set.negated()
        } else {
            set
        })))
    }

    fn member(&mut self, c: char, at: usize) -> Result<Member> {
        if c == '\\' {
            if let Some(set) = self.peek().and_then(|letter| self.category_of(letter)) {
                self.at += 1;
                return Ok(Member::Set(set));
            }
            return Ok(Member::Char(self.class_escape(at)?));
        }
        Ok(Member::Char(u32::from(c)))
    }
}

fn add(member: Member, written: &mut Vec<(u32, u32)>, categories: &mut Vec<(u32, u32)>) {
    match member {
        Member::Char(c) => written.push((c, c)),
        Member::Set(set) => categories.extend_from_slice(set.ranges()),
    }
}
