//! Who waits for an answer of `ignorecommand`.
//!
//! A few questions run at a time. What concerns one id keeps its order: the next question about it begins when the last
//! one is answered. Others go past it, and failures of jails without a command never come here.
//!
//! The number that waits is bounded, as whoever fails decides how many there are. Nobody may spend it for others: an id
//! has a few questions, and beyond them one for all that follow; and where the line is full, who has most in it gives
//! way, an IPv6 network counting as one. What gives way has no answer. Stored bans, which are checked once after the
//! start, wait apart and come when nothing else does.

use base::{FailureId, Family};
use engine::JailId;
use std::collections::{HashMap, VecDeque};

/// Questions that run at a time.
const HANDS: usize = 4;
/// Failures that wait for an answer.
const MOST_WAITING: usize = 1_000;
/// Questions that wait about one id.
const MOST_QUESTIONS: usize = 16;
/// The network that one IPv6 client has.
const NETWORK: u8 = 64;

/// Whom a question is about.
pub(crate) type Whom = (JailId, FailureId);

/// One question; `T` is the failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About<T> {
    /// Shall these failures count? What is answered of the first holds for all.
    Failures(Vec<T>),
    /// Shall this ban stand?
    Ban,
}

/// What is to be asked about one id, in its order.
struct OfOne<T> {
    waiting: VecDeque<About<T>>,
    /// The first one runs.
    runs: bool,
}

impl<T> OfOne<T> {
    /// The newest failure that can still be taken out.
    fn give_up(&mut self) -> Option<T> {
        let first = usize::from(self.runs);
        let mut places = (first..self.waiting.len()).rev();
        let place = places.find(|place| matches!(self.waiting[*place], About::Failures(_)))?;
        let Some(About::Failures(failures)) = self.waiting.get_mut(place) else {
            return None;
        };
        let newest = failures.pop();
        if failures.is_empty() {
            self.waiting.remove(place);
        }
        newest
    }
}

/// The line.
pub(crate) struct Line<T> {
    waiting: HashMap<Whom, OfOne<T>>,
    /// Of whom nothing is being asked.
    ready: VecDeque<Whom>,
    stored: VecDeque<Whom>,
    running: usize,
    failures: usize,
    /// How many of the failures each one has, a network's together.
    shares: HashMap<Whom, usize>,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            ready: VecDeque::new(),
            stored: VecDeque::new(),
            running: 0,
            failures: 0,
            shares: HashMap::new(),
        }
    }
}

impl<T> Line<T> {
    /// Lines a failure up. If too many wait, gives one that will have no answer: of whoever has most, or this one.
    pub(crate) fn push(&mut self, whom: Whom, failure: T) -> Option<(Whom, T)> {
        let mut surplus = None;
        if self.failures >= MOST_WAITING {
            surplus = self.make_room_for(&whom);
            if surplus.is_none() {
                return Some((whom, failure));
            }
        }
        self.failures += 1;
        *self.shares.entry(client(&whom)).or_default() += 1;
        let known = self.waiting.get_mut(&whom).map(|one| &mut one.waiting);
        match known.filter(|waiting| waiting.len() >= MOST_QUESTIONS) {
            Some(waiting) => match waiting.back_mut() {
                Some(About::Failures(failures)) => failures.push(failure),
                _ => waiting.push_back(About::Failures(vec![failure])),
            },
            None => self.line_up(whom, About::Failures(vec![failure])),
        }
        surplus
    }

    /// Takes a failure of whoever has most, if that is more than this one would have.
    fn make_room_for(&mut self, whom: &Whom) -> Option<(Whom, T)> {
        let own = self.shares.get(&client(whom)).copied().unwrap_or(0) + 1;
        let (most, count) = self.shares.iter().max_by_key(|(_, count)| **count)?;
        if *count <= own {
            return None;
        }
        let theirs = self.waiting.keys().filter(|whom| client(whom) == *most);
        let mut theirs: Vec<Whom> = theirs.cloned().collect();
        theirs.sort_by_cached_key(|whom| self.waiting.get(whom).map(|one| one.waiting.len()));
        while let Some(one) = theirs.pop() {
            let questions = self.waiting.get_mut(&one)?;
            if let Some(failure) = questions.give_up() {
                if questions.waiting.is_empty() {
                    self.waiting.remove(&one);
                    self.ready.retain(|ready| *ready != one);
                }
                self.leave(&one, 1);
                return Some((one, failure));
            }
        }
        None
    }

    /// So many failures of this one do not wait any more.
    fn leave(&mut self, whom: &Whom, count: usize) {
        self.failures -= count;
        let client = client(whom);
        if let Some(share) = self.shares.get_mut(&client) {
            *share -= count;
            if *share == 0 {
                self.shares.remove(&client);
            }
        }
    }

    /// Lines up a ban that stood at the start.
    pub(crate) fn push_stored(&mut self, jail: JailId, id: FailureId) {
        self.stored.push_back((jail, id));
    }

    fn line_up(&mut self, whom: Whom, about: About<T>) {
        let known = self.waiting.entry(whom.clone());
        let of_this_one = known.or_insert_with(|| OfOne {
            waiting: VecDeque::new(),
            runs: false,
        });
        if of_this_one.waiting.is_empty() {
            self.ready.push_back(whom);
        }
        of_this_one.waiting.push_back(about);
    }

    /// The next question, if a hand is free; `answered` must follow.
    pub(crate) fn next(&mut self) -> Option<(Whom, &About<T>)> {
        if self.running >= HANDS {
            return None;
        }
        if self.ready.is_empty()
            && let Some(whom) = self.stored.pop_front()
        {
            self.line_up(whom, About::Ban);
        }
        let whom = self.ready.pop_front()?;
        let of_this_one = self.waiting.get_mut(&whom)?;
        of_this_one.runs = true;
        let about = of_this_one.waiting.front()?;
        self.running += 1;
        Some((whom, about))
    }

    /// The question about this one is answered.
    pub(crate) fn answered(&mut self, whom: Whom) -> Option<About<T>> {
        let of_this_one = self.waiting.get_mut(&whom)?;
        let about = of_this_one.waiting.pop_front()?;
        of_this_one.runs = false;
        self.running -= 1;
        let is_last = of_this_one.waiting.is_empty();
        if let About::Failures(failures) = &about {
            self.leave(&whom, failures.len());
        }
        if is_last {
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

/// Whose share of the line an id takes.
fn client((jail, id): &Whom) -> Whom {
    let id = match id {
        FailureId::Prefix(prefix) if prefix.family() == Family::Inet6 => {
            FailureId::Prefix(prefix.widened(NETWORK))
        }
        id => id.clone(),
    };
    (*jail, id)
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
            assert_eq!(line.push(whom(name), failure), None);
        }
        let about = |failure: u32| Some(About::Failures(vec![failure]));
        assert_eq!(asked(&mut line), ["a Failures([1])", "b Failures([3])"]);
        assert_eq!(line.answered(whom("b")), about(3));
        assert_eq!(asked(&mut line), [""; 0]);
        assert_eq!(line.answered(whom("a")), about(1));
        assert_eq!(line.push(whom("a"), 5), None);
        assert_eq!(asked(&mut line), ["a Failures([2])"]);
        assert_eq!(line.answered(whom("a")), about(2));
        assert_eq!(asked(&mut line), ["a Failures([4])"]);
        assert_eq!(line.failures(), 2);
        assert_eq!(line.answered(whom("c")), None);
    }

    #[test]
    fn a_few_run_at_a_time_and_a_bounded_number_waits() {
        let mut line = Line::default();
        for number in 0..MOST_WAITING as u32 {
            assert_eq!(line.push(whom(&number.to_string()), number), None);
        }
        let surplus = Some((whom("more"), 9));
        assert_eq!(line.push(whom("more"), 9), surplus);
        assert_eq!(asked(&mut line).len(), HANDS);
        assert!(line.answered(whom("2")).is_some());
        assert_eq!(asked(&mut line), ["4 Failures([4])"]);
        assert_eq!(line.push(whom("more"), 9), None);
    }

    #[test]
    fn one_client_spends_its_own_share_and_nobody_elses() {
        let check = |of_flood: &dyn Fn(u32) -> Whom, questions: usize| {
            let mut line = Line::default();
            for number in 0..MOST_WAITING as u32 {
                assert_eq!(line.push(of_flood(number), number), None);
            }
            // The first questions run: they are not taken back.
            asked(&mut line);
            for other in 0..MOST_WAITING as u32 / 2 - 1 {
                let (gone, failure) = line.push(whom(&other.to_string()), other).unwrap();
                assert_eq!(client(&gone), client(&of_flood(0)), "{other}");
                assert!(failure >= HANDS as u32, "{failure}");
            }
            // Who has most has no more than all others have, and gives way itself.
            let more = of_flood(MOST_WAITING as u32);
            assert_eq!(line.push(more.clone(), 7), Some((more, 7)));
            assert_eq!(line.failures(), MOST_WAITING);
            let mut left = HashMap::<bool, (usize, usize)>::new();
            while line.failures() > 0 {
                while line.next().is_some() {}
                let running = line.waiting.iter().find(|(_, one)| one.runs);
                let of = running.unwrap().0.clone();
                let is_flood = client(&of) == client(&of_flood(0));
                let Some(About::Failures(failures)) = line.answered(of) else {
                    panic!("nothing else waits")
                };
                let (asked, answered) = left.entry(is_flood).or_default();
                (*asked, *answered) = (*asked + 1, *answered + failures.len());
            }
            assert_eq!(left[&false], (499, 499));
            assert_eq!(left[&true], (questions, 501));
            assert!(line.waiting.is_empty() && line.shares.is_empty() && line.ready.is_empty());
        };
        check(&|_| whom("flood"), MOST_QUESTIONS);
        // A client of IPv6 has as many addresses as it wants.
        let address = |number: u32| {
            let text = format!("2001:db8::{number:x}");
            (JailId(0), FailureId::Prefix(text.parse().unwrap()))
        };
        check(&address, 501);
    }

    #[test]
    fn stored_bans_come_when_nothing_else_does() {
        let mut line = Line::default();
        for last in 1..4 {
            line.push_stored(JailId(0), FailureId::host([192, 0, 2, last].into()));
        }
        assert_eq!(line.push(whom("a"), 1), None);
        let expected = [
            "a Failures([1])",
            "192.0.2.1 Ban",
            "192.0.2.2 Ban",
            "192.0.2.3 Ban",
        ];
        assert_eq!(asked(&mut line), expected);
    }
}
