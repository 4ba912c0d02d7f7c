//! `*`, `+`, `?`, `{m,n}` with `?` (lazy) or `+` (possessive) after them.

use super::{Item, Parser, Result};
use crate::pyre::ast::{Kind, Node};

/// Repetition counts at or above this are refused: nothing real needs them, and every copy costs memory.
const MAX_COUNT: u32 = 100_000;

/// The bounds of a quantifier.
pub(super) struct Repeat {
    min: u32,
    max: Option<u32>,
}

impl Parser {
    /// Reads a quantifier that begins with `c` at `start`; `None` when `c` begins none (a brace can be a literal).
    pub(super) fn quantifier(&mut self, c: char, start: usize) -> Result<Option<Repeat>> {
        let (min, max) = match c {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            '{' => return self.braces(start),
            _ => return Ok(None),
        };
        Ok(Some(Repeat { min, max }))
    }

    fn braces(&mut self, start: usize) -> Result<Option<Repeat>> {
        let after = self.at;
        if self.peek() == Some('}') {
            return Ok(None);
        }
        let low = self.take_while(usize::MAX, |c| c.is_ascii_digit());
        let high = if self.eat(',') {
            self.take_while(usize::MAX, |c| c.is_ascii_digit())
        } else {
            low.clone()
        };
        if !self.eat('}') {
            self.at = after;
            return Ok(None);
        }
        let count = |digits: &str| match digits.parse::<u32>() {
            Ok(count) if count < MAX_COUNT => Ok(count),
            _ => Err(self.error_at("the repetition number is too large", start)),
        };
        let min = if low.is_empty() { 0 } else { count(&low)? };
        let max = if high.is_empty() {
            None
        } else {
            Some(count(&high)?)
        };
        if max.is_some_and(|max| max < min) {
            return Err(self.error_at("min repeat greater than max repeat", after));
        }
        Ok(Some(Repeat { min, max }))
    }

    /// Applies a quantifier that begins at `start` to the item before it.
    pub(super) fn repeat(
        &mut self,
        item: Option<Item>,
        repeat: Repeat,
        start: usize,
    ) -> Result<Item> {
        let Some(item) = item.filter(|item| !item.position) else {
            return Err(self.error_at("nothing to repeat", start));
        };
        if item.repeated {
            return Err(self.error_at("multiple repeat", start));
        }
        let kind = if self.eat('?') {
            Kind::Lazy
        } else if self.eat('+') {
            Kind::Possessive
        } else {
            Kind::Greedy
        };
        let Repeat { min, max } = repeat;
        let node = Node::Repeat {
            min,
            max,
            kind,
            body: Box::new(item.node),
        };
        Ok(Item {
            node,
            position: false,
            repeated: true,
        })
    }
}
