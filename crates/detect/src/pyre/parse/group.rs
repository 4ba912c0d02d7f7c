//! `(…)` in all its forms.

use super::{Flags, MAX_DEPTH, Parser, Result};
use crate::pyre::ast::Node;

impl Parser {
    /// Reads a group whose parenthesis at `start` is taken. `None`: a comment or global flags, which leave no node.
    pub(super) fn group(&mut self, start: usize, flags_allowed: bool) -> Result<Option<Node>> {
        if !self.eat('?') {
            if let Some(flags) = self.leading_flags() {
                return self.scoped(flags, start).map(Some);
            }
            return self.capture(None, start).map(Some);
        }
        let Some(c) = self.take() else {
            return Err(self.error_at("unexpected end of pattern", self.at));
        };
        match c {
            'P' => self.named(start).map(Some),
            ':' => {
                let flags = self.leading_flags().unwrap_or(self.flags);
                self.scoped(flags, start).map(Some)
            }
            '#' => loop {
                match self.take() {
                    Some(')') => return Ok(None),
                    Some(_) => {}
                    None => return Err(self.error_at("missing ), unterminated comment", start)),
                }
            },
            '=' | '!' => self.look(true, c == '!', start).map(Some),
            '<' => match self.take() {
                Some(d @ ('=' | '!')) => self.look(false, d == '!', start).map(Some),
                Some(d) => Err(self.error_at(format!("unknown extension ?<{d}"), start + 1)),
                None => Err(self.error_at("unexpected end of pattern", self.at)),
            },
            '(' => self.conditional(start).map(Some),
            '>' => {
                let body = self.body(self.flags, start)?;
                Ok(Some(Node::Atomic(Box::new(body))))
            }
            c if is_flag(c) || c == '-' => {
                let (flags, end) = self.flag_letters(c)?;
                if end == ':' {
                    return self.scoped(flags, start).map(Some);
                }
                if !flags_allowed {
                    return Err(
                        self.error_at("global flags not at the start of the expression", start)
                    );
                }
                // A verbose pattern has to be read from its start in verbose mode.
                self.restart |= flags.verbose && !self.flags.verbose;
                self.flags = flags;
                Ok(None)
            }
            c => Err(self.error_at(format!("unknown extension ?{c}"), start + 1)),
        }
    }

    /// `(?i)` right after an opening parenthesis, which fail2ban takes for `(?i:`.
    fn leading_flags(&mut self) -> Option<Flags> {
        let rest = self.text.get(self.at..)?;
        let letters = rest.strip_prefix(&['(', '?'])?;
        let length = letters.iter().position(|&c| !c.is_ascii_lowercase())?;
        if length == 0 || letters[length] != ')' {
            return None;
        }
        let before = self.at;
        self.at += 3;
        match self.flag_letters(letters_first(&self.text, before)) {
            Ok((flags, ')')) => Some(flags),
            _ => {
                self.at = before;
                None
            }
        }
    }

    fn scoped(&mut self, flags: Flags, start: usize) -> Result<Node> {
        self.body(flags, start)
    }

    /// What stands inside, up to and with the closing parenthesis.
    fn body(&mut self, flags: Flags, start: usize) -> Result<Node> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error_at("groups are nested too deeply", start));
        }
        let outside = std::mem::replace(&mut self.flags, flags);
        let body = self.alternatives(false)?;
        self.flags = outside;
        self.depth -= 1;
        self.close(start)?;
        Ok(body)
    }

    fn close(&mut self, start: usize) -> Result<()> {
        if self.eat(')') {
            return Ok(());
        }
        Err(self.error_at("missing ), unterminated subpattern", start))
    }

    fn capture(&mut self, name: Option<Box<str>>, start: usize) -> Result<Node> {
        let group = self.names.len();
        self.names.push(name);
        self.closed.push(None);
        let body = self.body(self.flags, start)?;
        // A width of a body that has none known counts as unbounded: it only matters in look-behinds.
        self.closed[group] = Some(self.width(&body));
        Ok(Node::Capture(group, Box::new(body)))
    }

    /// `(?P<name>…)` and `(?P=name)`.
    fn named(&mut self, start: usize) -> Result<Node> {
        if self.eat('<') {
            let at = self.at;
            let name = self.name('>')?;
            if let Some(before) = self.group_named(&name) {
                let group = self.names.len();
                return Err(self.error_at(
                    format!(
                        "redefinition of group name '{name}' as group {group}; was group {before}"
                    ),
                    at,
                ));
            }
            return self.capture(Some(name.into()), start);
        }
        if self.eat('=') {
            let at = self.at;
            let name = self.name(')')?;
            let Some(group) = self.group_named(&name) else {
                return Err(self.error_at(format!("unknown group name '{name}'"), at));
            };
            return self.backref(group, at);
        }
        match self.peek() {
            Some(c) => Err(self.error_at(format!("unknown extension ?P{c}"), start + 1)),
            None => Err(self.error_at("unexpected end of pattern", self.at)),
        }
    }

    fn group_named(&self, name: &str) -> Option<usize> {
        self.names
            .iter()
            .position(|known| known.as_deref() == Some(name))
    }

    /// A group name up to `end`.
    fn name(&mut self, end: char) -> Result<String> {
        let (at, name) = self.until(end)?;
        if !is_identifier(&name) {
            return Err(self.error_at(format!("bad character in group name '{name}'"), at));
        }
        Ok(name)
    }

    fn until(&mut self, end: char) -> Result<(usize, String)> {
        let at = self.at;
        while let Some(c) = self.take() {
            if c != end {
                continue;
            }
            if self.at == at + 1 {
                return Err(self.error_at("missing group name", at));
            }
            return Ok((at, self.text_between(at, self.at - 1)));
        }
        let message = if self.at == at {
            "missing group name".to_owned()
        } else {
            format!("missing {end}, unterminated name")
        };
        Err(self.error_at(message, at))
    }

    fn look(&mut self, ahead: bool, negative: bool, start: usize) -> Result<Node> {
        let outermost = !ahead && self.behind.is_none();
        if outermost {
            self.behind = Some(self.names.len());
        }
        let body = self.body(self.flags, start)?;
        if outermost {
            self.behind = None;
        }
        let (width, max) = self.width(&body);
        if !ahead && max != Some(width) {
            return Err(self.error_at("look-behind requires fixed-width pattern", start));
        }
        Ok(Node::Look {
            ahead,
            negative,
            width,
            body: Box::new(body),
        })
    }

    /// `(?(group)yes|no)`.
    fn conditional(&mut self, start: usize) -> Result<Node> {
        let (at, name) = self.until(')')?;
        let group = if is_identifier(&name) {
            self.group_named(&name)
                .ok_or_else(|| self.error_at(format!("unknown group name '{name}'"), at))?
        } else {
            let number = name
                .bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| name.parse::<usize>().ok())
                .flatten();
            match number {
                None => {
                    return Err(self.error_at(format!("bad character in group name '{name}'"), at));
                }
                Some(0) => return Err(self.error_at("bad group number", at)),
                Some(group) => {
                    self.forward.push((group, at));
                    group
                }
            }
        };
        self.check_behind(group, at)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error_at("groups are nested too deeply", start));
        }
        let outside = self.flags;
        let yes = self.sequence(false)?;
        let no = if self.eat('|') {
            self.sequence(false)?
        } else {
            Node::Empty
        };
        self.depth -= 1;
        if self.peek() == Some('|') {
            return Err(self.error_at("conditional backref with more than two branches", self.at));
        }
        self.flags = outside;
        self.close(start)?;
        Ok(Node::Conditional {
            group,
            yes: Box::new(yes),
            no: Box::new(no),
        })
    }

    /// A look-behind may not refer to groups that begin inside of it.
    pub(super) fn check_behind(&self, group: usize, offset: usize) -> Result<()> {
        match self.behind {
            Some(_) if self.closed.get(group).is_some_and(Option::is_none) => {
                Err(self.error_at("cannot refer to an open group", offset))
            }
            Some(before) if group >= before => Err(self.error_at(
                "cannot refer to group defined in the same lookbehind subpattern",
                offset,
            )),
            _ => Ok(()),
        }
    }

    /// The width of a node, with back-references as wide as their groups.
    fn width(&self, node: &Node) -> (u64, Option<u64>) {
        let mut node = node.clone();
        self.resolve_references(&mut node);
        node.width().unwrap_or((0, None))
    }

    /// Puts a repetition of the same width in the place of every back-reference.
    fn resolve_references(&self, node: &mut Node) {
        match node {
            Node::Backref { group, .. } => {
                let (min, max) = self
                    .closed
                    .get(*group)
                    .copied()
                    .flatten()
                    .unwrap_or((0, None));
                let bound = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
                *node = Node::Repeat {
                    min: bound(min),
                    max: max.map(bound),
                    kind: crate::pyre::ast::Kind::Greedy,
                    body: Box::new(self.dot()),
                };
            }
            Node::Concat(items) | Node::Alternate(items) => {
                items
                    .iter_mut()
                    .for_each(|item| self.resolve_references(item));
            }
            Node::Capture(_, body) | Node::Atomic(body) => self.resolve_references(body),
            Node::Repeat { body, .. } | Node::Look { body, .. } => self.resolve_references(body),
            Node::Conditional { yes, no, .. } => {
                self.resolve_references(yes);
                self.resolve_references(no);
            }
            Node::Empty | Node::Set(_) | Node::Assert(_) => {}
        }
    }

    /// Flag letters from `first` on, up to `)` or `:`, which is returned.
    fn flag_letters(&mut self, first: char) -> Result<(Flags, char)> {
        let mut flags = self.flags;
        let (mut on, mut kinds) = (true, (false, false));
        let mut c = first;
        loop {
            let at = self.at - 1;
            match c {
                'i' => flags.ignore_case = on,
                'm' => flags.multiline = on,
                's' => flags.dot_all = on,
                'x' => flags.verbose = on,
                't' => {}
                'a' | 'u' if on => {
                    flags.ascii = c == 'a';
                    if c == 'a' {
                        kinds.0 = true
                    } else {
                        kinds.1 = true
                    }
                    if kinds == (true, true) {
                        return Err(self.error_at(
                            "bad inline flags: flags 'a', 'u' and 'L' are incompatible",
                            at + 1,
                        ));
                    }
                }
                'L' if on => {
                    return Err(self.error_at(
                        "bad inline flags: cannot use 'L' flag with a str pattern",
                        at + 1,
                    ));
                }
                'a' | 'u' | 'L' => {
                    let message = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                    return Err(self.error_at(message, at + 1));
                }
                '-' if on => {
                    on = false;
                    let next = self.take();
                    match next {
                        Some(next) if is_flag(next) => c = next,
                        Some(next) if next.is_alphabetic() => {
                            return Err(self.error_at("unknown flag", self.at - 1));
                        }
                        Some(_) => return Err(self.error_at("missing flag", self.at - 1)),
                        None => return Err(self.error_at("missing flag", self.at)),
                    }
                    continue;
                }
                ':' => return Ok((flags, ':')),
                ')' if on => return Ok((flags, ')')),
                c if c.is_alphabetic() => return Err(self.error_at("unknown flag", at)),
                _ if on => return Err(self.error_at("missing -, : or )", at)),
                _ => return Err(self.error_at("missing :", at)),
            }
            let Some(next) = self.take() else {
                let message = if on { "missing -, : or )" } else { "missing :" };
                return Err(self.error_at(message, self.at));
            };
            c = next;
        }
    }
}

/// The first flag letter of `(?…` that begins at `before`.
fn letters_first(text: &[char], before: usize) -> char {
    text.get(before + 2).copied().unwrap_or(')')
}

fn is_flag(c: char) -> bool {
    matches!(c, 'a' | 'i' | 'L' | 'm' | 's' | 't' | 'u' | 'x')
}

/// Python's `str.isidentifier()`, near enough for names anyone writes.
fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}
