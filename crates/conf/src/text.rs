//! Text whose every line knows where it stands, so that a message about one regex cites the right line.

use crate::spec::Value;
use base::Origin;

/// One or more lines, each with its place. Never empty: the empty text is one empty line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) lines: Vec<Value>,
}

impl Text {
    pub(crate) fn new(text: &str, origin: &Origin) -> Self {
        Self {
            lines: text
                .split('\n')
                .map(|line| Value {
                    text: line.into(),
                    origin: origin.clone(),
                })
                .collect(),
        }
    }

    pub(crate) fn plain(&self) -> String {
        let lines: Vec<&str> = self.lines.iter().map(|line| line.text.as_str()).collect();
        lines.join("\n")
    }

    /// The place of the first line that says something.
    pub(crate) fn origin(&self) -> Origin {
        let spoken = self.lines.iter().find(|line| !line.text.trim().is_empty());
        match spoken.or(self.lines.first()) {
            Some(line) => line.origin.clone(),
            None => Origin {
                file: "".into(),
                line: 0,
                text: "".into(),
            },
        }
    }

    pub(crate) fn value(&self) -> Value {
        Value {
            text: self.plain(),
            origin: self.origin(),
        }
    }

    /// The lines that say something, trimmed.
    pub(crate) fn spoken(&self) -> Vec<Value> {
        let trimmed = self.lines.iter().map(|line| Value {
            text: line.text.trim().into(),
            origin: line.origin.clone(),
        });
        trimmed.filter(|line| !line.text.is_empty()).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.iter().map(|line| line.text.len() + 1).sum()
    }

    /// Starts a line-wise copy.
    pub(crate) fn empty() -> Self {
        Self { lines: Vec::new() }
    }

    pub(crate) fn begin_line(&mut self, origin: &Origin) {
        self.lines.push(Value {
            text: String::new(),
            origin: origin.clone(),
        });
    }

    pub(crate) fn push_str(&mut self, text: &str) {
        if let Some(last) = self.lines.last_mut() {
            last.text.push_str(text);
        }
    }

    /// Continues with another text; a line that was blank so far stands where the other's first line does.
    pub(crate) fn push(&mut self, other: &Self) {
        let mut lines = other.lines.iter();
        let (Some(first), Some(last)) = (lines.next(), self.lines.last_mut()) else {
            return;
        };
        if last.text.trim().is_empty() {
            last.origin = first.origin.clone();
        }
        last.text.push_str(&first.text);
        self.lines.extend(lines.cloned());
    }
}
