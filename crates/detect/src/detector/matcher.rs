//! One jail's expressions on one line: which of them match, and what that means.
//!
//! The order of the steps is fail2ban's and decides what matches: join the last lines, test the prefregex, replace the
//! text by its content, take the first failregex, test the ignoreregexes, and only then ask whom it is about.

use base::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;

use super::Depth;
use super::judge::{Matched, Sink, Telling, Told};
use super::memo::Memo;
use super::search::{NextMatch, Search, ended_part};
use super::shown::ShownLine;
use crate::LineVerdict;
use crate::captures::{Captures, Name, group_range};
use crate::multiline::{LineBuffer, SplitLine, write_search_text};
use crate::pyre::{Gated, Outcome};
use crate::rule::Rule;
use crate::session::Sessions;

/// A rule with what its expressions need and remember.
#[derive(Debug)]
pub(crate) struct Matcher {
    pub(super) rule: Arc<Rule>,
    sessions: Sessions,
    /// Only with `maxlines` over 1.
    pub(super) buffer: Option<LineBuffer>,
    /// For how many more lines the buffer holds one that can match.
    heeded: usize,
    /// The lines of the buffer, as they are searched.
    pub(super) joined: String,
    pub(super) search: Search,
    /// The content of a prefregex, where it does not end with its line.
    content: String,
    /// What the match at hand captured.
    pub(super) captures: Captures,
    /// For captures that are joined.
    memory: Captures,
    /// What the last texts that matched were found to hold.
    memo: Memo,
    telling: Telling,
}

impl Matcher {
    pub(crate) fn new(rule: Arc<Rule>) -> Self {
        Self {
            sessions: Sessions::default(),
            buffer: (rule.maxlines > 1).then(|| LineBuffer::new(rule.maxlines)),
            heeded: 0,
            joined: String::new(),
            search: Search::new(&rule),
            content: String::new(),
            captures: Captures::default(),
            memory: Captures::default(),
            memo: Memo::default(),
            telling: Telling::Everything,
            rule,
        }
    }

    /// From now on failures tell who failed, how often and when, and the user, and nothing else.
    pub(crate) fn count_only(&mut self) {
        self.telling = Telling::Counts;
    }

    /// Whether expressions span several lines.
    pub(crate) fn spans_lines(&self) -> bool {
        self.buffer.is_some()
    }

    /// Whether it has to search every line, whatever its failregexes ask for: a prefregex changes which lines it keeps.
    pub(crate) fn sees_all(&self) -> bool {
        self.spans_lines() && self.rule.prefix.is_some()
    }

    /// How many lines an expression can span.
    pub(crate) fn maxlines(&self) -> usize {
        self.rule.maxlines
    }

    /// What a gate has to know of the rule.
    pub(crate) fn gated(&self) -> Gated<'_> {
        let prefix = self.rule.prefix.as_ref();
        let prefix = prefix.filter(|_| !self.spans_lines());
        Gated {
            prefix: prefix.map(|prefix| (&prefix.regex, prefix.content)),
            regexes: self.rule.failregexes().collect(),
            spans_lines: self.spans_lines(),
        }
    }

    /// Whether a line has to be searched that the gate did not name. Where expressions span several lines, one that was
    /// named makes those after it worth a search, as long as it is in the buffer.
    pub(crate) fn is_heeding(&self) -> bool {
        self.heeded > 0
    }

    /// Begins a line that the gate named, or not.
    pub(crate) fn heed(&mut self, is_named: bool) {
        if is_named && self.spans_lines() {
            self.heeded = self.rule.maxlines;
        }
        self.heeded = self.heeded.saturating_sub(1);
    }

    /// Takes a line that is not searched, but that later ones may be searched together with.
    pub(crate) fn pass_over(&mut self, shown: &ShownLine<'_>) {
        if let Some(buffer) = &mut self.buffer {
            buffer.push_with(|line| shown.write_split(line));
        }
    }

    /// Searches `text`, which is the line without its date. A match at no known `time` is not counted.
    pub(crate) fn run(
        &mut self,
        shown: &ShownLine<'_>,
        text: &str,
        (time, now): (Option<Timestamp>, Timestamp),
        depth: Depth,
        sink: &mut Sink<'_>,
    ) -> LineVerdict {
        let Self {
            rule,
            sessions,
            buffer,
            joined,
            search,
            content,
            captures,
            memory,
            memo,
            heeded,
            telling,
        } = self;
        let text = match buffer {
            Some(buffer) => {
                buffer.push_with(|line| shown.write_split(line));
                write_search_text(buffer.lines(), joined);
                joined.as_str()
            }
            None => text,
        };
        // Who asks for all matches, or for an explanation, is told of every search.
        let remembers =
            buffer.is_none() && depth == Depth::UntilMatch && matches!(sink, Sink::Failures(_));
        if remembers && let Some((index, known)) = memo.find(text) {
            let Some(time) = time else {
                return LineVerdict::Undated;
            };
            captures.copy_of(known);
            let matched = Matched {
                index,
                time,
                dated: shown.dated.time.is_some(),
            };
            let told = (Told::Line(shown), *telling);
            matched.judge(sessions, captures, told, (rule, now), sink);
            return LineVerdict::Failed;
        }
        if rule.ignores_early()
            && let Some(index) = search.ignored_by(rule, text)
        {
            sink.ignored_by(index);
            return LineVerdict::Ignored;
        }

        let mut searched = text;
        // The lines of the buffer, once the content of a prefregex took their place in it.
        let mut originals = None;
        if let Some(prefix) = &rule.prefix {
            match prefix
                .regex
                .search(&mut search.prefix_cache, text, &mut search.prefix_slots)
            {
                Outcome::NoMatch => return LineVerdict::NoMatch,
                Outcome::OverBudget => return LineVerdict::OverBudget,
                Outcome::Match => sink.prefix_matched(),
            }
            if let Some(part) = prefix
                .content
                .and_then(|group| group_range(&search.prefix_slots, group))
            {
                searched = ended_part(text, part, content);
                if let Some(buffer) = buffer.as_mut() {
                    let only = searched.strip_suffix('\n').unwrap_or(searched);
                    let only = SplitLine {
                        after: only.to_owned(),
                        ..SplitLine::default()
                    };
                    originals = Some(buffer.replace(VecDeque::from([only])));
                }
            }
        }

        // Expressions over several lines take lines away, so that the later ones would search another text.
        let depth = if buffer.is_some() {
            Depth::UntilMatch
        } else {
            depth
        };
        let mut verdict = LineVerdict::NoMatch;
        let mut next = 0;
        loop {
            let index = match search.next_match(rule, next, searched, depth) {
                NextMatch::At(index) => index,
                NextMatch::Nothing => return verdict,
                NextMatch::OverBudget => return LineVerdict::OverBudget.or(verdict),
            };
            next = index + 1;
            sink.matched(index);
            let pattern = &rule.fail[index];
            let taken = buffer.as_ref().map(|buffer| {
                let lines = originals.as_ref().unwrap_or(buffer.lines());
                search.take_lines(pattern, lines, searched)
            });
            let ignored_by = match &taken {
                Some(taken) => {
                    let mut matched = String::new();
                    write_search_text(&taken.matched, &mut matched);
                    search.ignored_by(rule, &matched)
                }
                None => search.ignored_by(rule, searched),
            };
            let ignored = ignored_by.is_some();
            if let Some(index) = ignored_by {
                sink.ignored_by(index);
            }
            if !ignored && time.is_none() {
                return LineVerdict::Undated.or(verdict);
            }
            let told = match taken {
                Some(taken) => {
                    if let Some(buffer) = buffer.as_mut() {
                        buffer.replace(taken.left);
                    }
                    // The lines that are left stay for so many more in the room of those.
                    *heeded = (*heeded + taken.matched.len()).min(rule.maxlines - 1);
                    Told::Lines(taken.matched)
                }
                None => Told::Line(shown),
            };
            if ignored {
                verdict = LineVerdict::Ignored.or(verdict);
            } else if let Some(time) = time {
                captures.clear();
                if let Some(prefix) = &rule.prefix {
                    let slots = &search.prefix_slots;
                    prefix.groups.read(text, slots, captures, memory);
                    captures.remove(Name::CONTENT);
                }
                let slots = &search.slots;
                pattern.groups.read(searched, slots, captures, memory);
                if remembers {
                    memo.keep(text, index, captures);
                }
                verdict = LineVerdict::Failed;
                let matched = Matched {
                    index,
                    time,
                    dated: shown.dated.time.is_some(),
                };
                matched.judge(sessions, captures, (told, *telling), (rule, now), sink);
            }
            if depth == Depth::UntilMatch {
                return verdict;
            }
        }
    }
}

impl LineVerdict {
    /// What one more expression said, unless another one already found a failure.
    fn or(self, verdict: Self) -> Self {
        if verdict == Self::Failed {
            verdict
        } else {
            self
        }
    }
}
