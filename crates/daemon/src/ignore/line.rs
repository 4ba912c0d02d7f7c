//! Who waits for an answer of `ignorecommand`.
//!
//! A few questions run at a time. What concerns one id keeps its order: the next question about it begins when the last
//! one is answered. Others go past it, and failures of jails without a command never come here. The number that waits is
//! bounded, as whoever fails decides how many there are; stored bans, which are checked once after the start, wait apart
//! and come when nothing else does.

use base::{FailureId, Prefix};
use engine::JailId;
use std::collections::{HashMap, VecDeque};

/// Questions that run at a time.
const HANDS: usize = 4;
/// Failures that wait for an answer.
const MOST_WAITING: usize = 1_000;

/// Whom a question is about.
pub(crate) type Whom = (JailId, FailureId);

/// One question; `T` is the failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About<T> {
    /// Shall this failure count?
    Failure(T),
    /// Shall this ban stand?
    Ban(Prefix),
}

/// The line.
pub(crate) struct Line<T> {
    /// In their order; the first of each is being asked or is next.
    waiting: HashMap<Whom, VecDeque<About<T>>>,
    /// Of whom nothing is being asked.
    ready: VecDeque<Whom>,
    stored: VecDeque<(JailId, Prefix)>,
    running: usize,
    failures: usize,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            ready: VecDeque::new(),
            stored: VecDeque::new(),
            running: 0,
            failures: 0,
        }
    }
}

impl<T> Line<T> {
    /// Lines a failure up; gives it back if too many wait.
    pub(crate) fn push(&mut self, whom: Whom, failure: T) -> Result<(), T> {
        if self.failures >= MOST_WAITING {
            return Err(failure);
        }
        self.failures += 1;
        self.line_up(whom, About::Failure(failure));
        Ok(())
    }

    /// Lines up a ban that stood at the start.
    pub(crate) fn push_stored(&mut self, jail: JailId, prefix: Prefix) {
        self.stored.push_back((jail, prefix));
    }

    fn line_up(&mut self, whom: Whom, about: About<T>) {
        let of_this_one = self.waiting.entry(whom.clone()).or_default();
        if of_this_one.is_empty() {
            self.ready.push_back(whom);
        }
        of_this_one.push_back(about);
    }

    /// The next question, if a hand is free; `answered` must follow.
    pub(crate) fn next(&mut self) -> Option<(Whom, &About<T>)> {
        if self.running >= HANDS {
            return None;
        }
        if self.ready.is_empty()
            && let Some((jail, prefix)) = self.stored.pop_front()
        {
            self.line_up((jail, FailureId::Prefix(prefix)), About::Ban(prefix));
        }
        let whom = self.ready.pop_front()?;
        let about = self.waiting.get(&whom)?.front()?;
        self.running += 1;
        Some((whom, about))
    }

    /// The question about this one is answered.
    pub(crate) fn answered(&mut self, whom: Whom) -> Option<About<T>> {
        let of_this_one = self.waiting.get_mut(&whom)?;
        let about = of_this_one.pop_front()?;
        self.running -= 1;
        self.failures -= usize::from(matches!(about, About::Failure(_)));
        if of_this_one.is_empty() {
            self.waiting.remove(&whom);
        } else {
            self.ready.push_back(whom);
        }
        Some(about)
    }

    /// Failures without an answer.
    pub(crate) fn failures(&self) -> usize {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whom(name: &str) -> Whom {
        (JailId(0), FailureId::Raw(name.into()))
    }

    /// Asks as much as there are hands for.
    fn asked(line: &mut Line<u32>) -> Vec<String> {
        let mut asked = Vec::new();
        while let Some(((_, id), about)) = line.next() {
            asked.push(format!("{id} {about:?}"));
        }
        asked
    }

    #[test]
    fn one_id_keeps_its_order_and_holds_up_nobody_else() {
        let mut line = Line::default();
        for (name, failure) in [("a", 1), ("a", 2), ("b", 3), ("a", 4)] {
            line.push(whom(name), failure).unwrap();
        }
        assert_eq!(asked(&mut line), ["a Failure(1)", "b Failure(3)"]);
        assert_eq!(line.answered(whom("b")), Some(About::Failure(3)));
        assert_eq!(asked(&mut line), [""; 0]);
        assert_eq!(line.answered(whom("a")), Some(About::Failure(1)));
        line.push(whom("a"), 5).unwrap();
        assert_eq!(asked(&mut line), ["a Failure(2)"]);
        assert_eq!(line.answered(whom("a")), Some(About::Failure(2)));
        assert_eq!(asked(&mut line), ["a Failure(4)"]);
        assert_eq!(line.failures(), 2);
        assert_eq!(line.answered(whom("c")), None);
    }

    #[test]
    fn a_few_run_at_a_time_and_a_bounded_number_waits() {
        let mut line = Line::default();
        for number in 0..MOST_WAITING as u32 {
            line.push(whom(&number.to_string()), number).unwrap();
        }
        assert_eq!(line.push(whom("more"), 9), Err(9));
        assert_eq!(asked(&mut line).len(), HANDS);
        assert!(line.answered(whom("2")).is_some());
        assert_eq!(asked(&mut line), ["4 Failure(4)"]);
        assert_eq!(line.push(whom("more"), 9), Ok(()));
    }

    #[test]
    fn stored_bans_come_when_nothing_else_does() {
        let mut line = Line::default();
        for last in 1..4 {
            line.push_stored(JailId(0), Prefix::host([192, 0, 2, last].into()));
        }
        line.push(whom("a"), 1).unwrap();
        let expected = [
            "a Failure(1)",
            "192.0.2.1 Ban(192.0.2.1)",
            "192.0.2.2 Ban(192.0.2.2)",
            "192.0.2.3 Ban(192.0.2.3)",
        ];
        assert_eq!(asked(&mut line), expected);
    }
}
