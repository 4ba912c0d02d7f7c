//! The last lines of a log, for expressions that span several (`maxlines`).
//!
//! Lines stand in the buffer without their dates; a match takes the lines that it covers out, except those that it
//! skips (`<SKIPLINES>`). With `maxlines = 1`, which nearly every filter has, this module is not used.

use std::collections::VecDeque;

/// A line in three parts: what is searched is `before` and `after`, people see all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SplitLine {
    pub(crate) before: String,
    pub(crate) date: String,
    pub(crate) after: String,
}

impl SplitLine {
    /// The line as people see it.
    pub(crate) fn whole(&self) -> String {
        [self.before.as_str(), &self.date, &self.after].concat()
    }

    /// True if the searched part is `text`.
    fn is(&self, text: &str) -> bool {
        text.strip_prefix(self.before.as_str()) == Some(self.after.as_str())
    }
}

/// What a match takes out of a buffer and what it leaves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) matched: Vec<SplitLine>,
    pub(crate) left: VecDeque<SplitLine>,
}

/// The last lines.
#[derive(Clone, Debug)]
pub(crate) struct LineBuffer {
    size: usize,
    lines: VecDeque<SplitLine>,
}

impl LineBuffer {
    /// A buffer for `size` lines.
    pub(crate) fn new(size: usize) -> Self {
        Self {
            size,
            lines: VecDeque::new(),
        }
    }

    /// Appends a line that `write` puts over an older one, whose memory serves again.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut SplitLine)) {
        let mut line = SplitLine::default();
        while self.lines.len() >= self.size
            && let Some(oldest) = self.lines.pop_front()
        {
            line = oldest;
        }
        write(&mut line);
        self.lines.push_back(line);
    }

    pub(crate) fn lines(&self) -> &VecDeque<SplitLine> {
        &self.lines
    }

    /// Puts other lines in place of those here, which are given back.
    pub(crate) fn replace(&mut self, lines: VecDeque<SplitLine>) -> VecDeque<SplitLine> {
        std::mem::replace(&mut self.lines, lines)
    }
}

/// Writes what is searched: the lines, each ended by a line feed.
pub(crate) fn write_search_text<'a>(
    lines: impl IntoIterator<Item = &'a SplitLine>,
    text: &mut String,
) {
    text.clear();
    for line in lines {
        text.push_str(&line.before);
        text.push_str(&line.after);
        text.push('\n');
    }
    if text.is_empty() {
        text.push('\n');
    }
}

/// Parts `lines`, of which `text` was made, by a match from byte `start` to `end`; `skipped` is what the match
/// passed over.
pub(crate) fn take(
    lines: &VecDeque<SplitLine>,
    text: &str,
    start: usize,
    end: usize,
    skipped: &str,
) -> Taken {
    let bytes = text.as_bytes();
    // A match that begins with a line feed belongs to the line after it.
    let head = &bytes[..bytes.len().min(start + 1)];
    let first_byte = head
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |at| at + 1);
    let tail = end.saturating_sub(1).min(bytes.len());
    let last_byte = bytes[tail..]
        .iter()
        .position(|&b| b == b'\n')
        .map_or(bytes.len(), |at| tail + at + 1);
    let feeds = |bytes: &[u8]| bytes.iter().filter(|&&b| b == b'\n').count();
    let first = feeds(&bytes[..first_byte]).min(lines.len());
    let last = feeds(&bytes[..last_byte]).clamp(first, lines.len());

    let mut taken = Taken {
        matched: Vec::new(),
        left: lines.range(..first).cloned().collect(),
    };
    let mut skipped = skipped.split_terminator('\n').peekable();
    for line in lines.range(first..last) {
        if skipped.next_if(|text| line.is(text)).is_some() {
            taken.left.push_back(line.clone());
        } else {
            taken.matched.push(line.clone());
        }
    }
    taken.left.extend(lines.range(last..).cloned());
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> VecDeque<SplitLine> {
        let line = |text: &&str| SplitLine {
            after: (*text).to_owned(),
            ..SplitLine::default()
        };
        texts.iter().map(line).collect()
    }

    fn check(texts: &[&str], found: &str, skipped: &str, matched: &str, left: &str) {
        let lines = lines(texts);
        let mut text = String::new();
        write_search_text(&lines, &mut text);
        let start = text.find(found).unwrap();
        let taken = take(&lines, &text, start, start + found.len(), skipped);
        let show = |lines: Vec<SplitLine>| {
            lines
                .iter()
                .map(SplitLine::whole)
                .collect::<Vec<_>>()
                .join(",")
        };
        assert_eq!(show(taken.matched), matched, "{found:?} in {texts:?}");
        assert_eq!(show(taken.left.into()), left, "{found:?} in {texts:?}");
    }

    #[test]
    fn takes_the_lines_that_a_match_covers() {
        check(&["a", "b", "c"], "b", "", "b", "a,c");
        check(&["a", "b", "c"], "b\n", "", "b", "a,c");
        check(&["a", "b", "c"], "b\nc", "", "b,c", "a");
        check(&["a", "b", "c"], "\nb", "", "b", "a,c");
        check(&["a"], "a\n", "", "a", "");
    }

    #[test]
    fn leaves_skipped_lines() {
        check(
            &["x", "a", "s", "t", "b"],
            "a\ns\nt\nb",
            "s\nt\n",
            "a,b",
            "x,s,t",
        );
        check(&["a", "s", "b"], "a\ns\nb", "other\n", "a,s,b", "");
    }

    #[test]
    fn keeps_so_many_lines() {
        let mut buffer = LineBuffer::new(2);
        for text in ["a", "b", "c"] {
            buffer.push_with(|line| text.clone_into(&mut line.after));
        }
        assert_eq!(buffer.lines(), &lines(&["b", "c"]));
    }
}
