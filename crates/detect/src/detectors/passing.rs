//! Which jails can have anything to say about a line.

use super::Jail;
use super::dates::Dates;
use super::sieve::Sieve;
use crate::Line;
use crate::detector::Matcher;
use crate::pyre::{Ahead, Choice, Gated, Needles, Part, Searched, Wanted};

/// Bound of the gate's cache. A hundred filters need half of it on a log of many kinds of lines.
const GATE_BYTES: usize = 4 << 20;

/// After so many lines the gate is judged.
const TRIAL: u32 = 4_096;
/// Lines without the gate after it was found useless.
const PAUSE: u32 = 65_536;

/// A jail that is to search the line at hand.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) jail: usize,
    /// The line itself can match. Else it is searched together with one before it.
    pub(super) is_named: bool,
}

#[derive(Debug, Default)]
pub(super) struct Passing {
    /// Built at the first line: most files are never read, or by one jail.
    gate: Option<Option<Gatekeeper>>,
    /// A jail whose expressions span several lines has seen the line before: it may have to see the next.
    is_alert: bool,
}

impl Passing {
    /// Looks at the text of lines that come next.
    pub(super) fn look_ahead(&mut self, jails: &[Jail], text: &str) {
        let gate = self.gate.get_or_insert_with(|| Gatekeeper::new(jails));
        let Some(Gatekeeper { way, trial }) = gate else {
            return;
        };
        match way {
            Way::One(one) if trial.pause == 0 && one.needles.are_literals() => {
                one.ahead.look(text, &one.needles, Wanted::Any);
            }
            Way::One(one) => one.ahead.forget(),
            Way::Many(many) => many.sieve.look_ahead(text),
        }
    }

    /// The needles of a single jail, once they are chosen and as long as they are of use.
    fn single(&self) -> Option<&One> {
        match self.gate.as_ref()?.as_ref()? {
            Gatekeeper {
                way: Way::One(one),
                trial,
            } => Some(&**one).filter(|one| trial.pause == 0 && one.choice.is_none()),
            _ => None,
        }
    }

    /// The place in the text ahead up to which lines from `place` on mean nothing to anybody if they have the date of the
    /// line before, if that is known.
    pub(super) fn quiet_until(&self, place: usize) -> Option<usize> {
        self.single()?.ahead.next_from(place)
    }

    /// Whether something may stand across the place of a date, where these letters meet.
    pub(super) fn may_hold(&self, seam: Option<[u8; 2]>) -> bool {
        let may_hold = |seam| self.single().is_none_or(|one| one.needles.may_hold(seam));
        seam.is_some_and(may_hold)
    }

    /// So many lines meant nothing.
    pub(super) fn repeat(&mut self, lines: u32) {
        if let Some(Some(gate)) = &mut self.gate {
            gate.trial.repeat(lines);
        }
    }

    /// Puts the jails that have to see the line into `out`, in no order.
    pub(super) fn pass(
        &mut self,
        jails: &[Jail],
        dates: &mut Dates,
        line: &Line<'_>,
        out: &mut Vec<Candidate>,
    ) {
        let gate = self.gate.get_or_insert_with(|| Gatekeeper::new(jails));
        let gate = gate.as_mut().filter(|_| dates.fit());
        match gate.and_then(|gate| (!gate.trial.is_paused()).then_some(gate)) {
            Some(Gatekeeper {
                way: Way::One(one),
                trial,
            }) => {
                let text = dates.text_of(jails[0].dates);
                let holds = one.holds(dates, (line, text));
                trial.count(usize::from(holds));
                if holds {
                    dates.write(text, line);
                    out.push(named(0));
                }
            }
            Some(Gatekeeper {
                way: Way::Many(many),
                trial,
            }) => {
                many.sieve.next_line();
                for text in 0..dates.texts() {
                    match many.pass(jails, dates, (line, text), self.is_alert, out) {
                        Some(count) => trial.count(count),
                        None => all_of(text, jails, dates, line, out),
                    }
                }
            }
            None => (0..dates.texts()).for_each(|text| all_of(text, jails, dates, line, out)),
        }
        let mut seeing = out.iter().map(|candidate| &jails[candidate.jail].matcher);
        self.is_alert = seeing.any(Matcher::spans_lines);
    }
}

/// All jails of a text have to look at it.
fn all_of(
    text: usize,
    jails: &[Jail],
    dates: &mut Dates,
    line: &Line<'_>,
    out: &mut Vec<Candidate>,
) {
    for (place, jail) in jails.iter().enumerate() {
        if dates.text_of(jail.dates) == text {
            dates.write(text, line);
            out.push(named(place));
        }
    }
}

fn named(jail: usize) -> Candidate {
    Candidate {
        jail,
        is_named: true,
    }
}

/// The gate, as long as it is of use.
#[derive(Debug)]
struct Gatekeeper {
    way: Way,
    trial: Trial,
}

/// How jails are told apart.
#[derive(Debug)]
enum Way {
    /// A single jail searches at the cost of a gate, but a needle is found faster.
    One(Box<One>),
    Many(Box<Many>),
}

/// The gate of several jails.
#[derive(Debug)]
struct Many {
    sieve: Sieve,
    /// Jails that have to see every line.
    open: Vec<usize>,
    /// Others whose expressions span several lines.
    spanning: Vec<usize>,
}

/// The needles of a single jail.
#[derive(Debug)]
struct One {
    needles: Needles,
    ahead: Ahead,
    /// What they are chosen from, as long as that is open, and how many texts it has seen.
    choice: Option<(Choice, u32)>,
}

/// After so many texts it is seen which needles are rare.
const CHOOSING: u32 = 256;

impl One {
    fn new(choice: Choice) -> Option<Self> {
        let needles = choice.needles();
        Some(Self {
            needles: Needles::new(std::iter::once((0, &needles[..])))?,
            ahead: Ahead::default(),
            choice: Some((choice, 0)),
        })
    }

    /// Whether a needle stands in a text.
    fn holds(&mut self, dates: &mut Dates, (line, text): (&Line<'_>, usize)) -> bool {
        if self.choice.is_some() {
            self.choose(dates.unended(text, line));
        }
        let literals = line
            .place
            .and_then(|place| self.ahead.of(place, line.text.len()));
        let known = literals.map(|mut literals| literals.next().is_some());
        // A literal may stand across the place of the date.
        let spans = || {
            let seam = dates.seam(text, line);
            seam.is_some_and(|seam| self.needles.may_hold(seam))
        };
        let known = known.filter(|holds| *holds || !spans());
        known.unwrap_or_else(|| self.needles.any(dates.unended(text, line).as_bytes()))
    }

    /// Sees one more text, and chooses the needles when it has seen enough.
    #[cold]
    fn choose(&mut self, text: &str) {
        let Some((choice, texts)) = &mut self.choice else {
            return;
        };
        choice.see(text);
        *texts += 1;
        if *texts < CHOOSING {
            return;
        }
        let needles = choice.needles();
        self.choice = None;
        if let Some(needles) = Needles::new(std::iter::once((0, &needles[..]))) {
            self.needles = needles;
            self.ahead.forget();
        }
    }
}

impl Gatekeeper {
    fn new(jails: &[Jail]) -> Option<Self> {
        let rules: Vec<Gated<'_>> = jails.iter().map(|jail| jail.matcher.gated()).collect();
        let way = match &rules[..] {
            [rule] if !rule.spans_lines => Way::One(Box::new(One::new(rule.choice())?)),
            rules => {
                let sieve = Sieve::new(rules, GATE_BYTES)?;
                let sees_all =
                    |jail: &usize| sieve.is_open(*jail) || jails[*jail].matcher.sees_all();
                let (open, rest): (Vec<usize>, Vec<usize>) = (0..jails.len()).partition(sees_all);
                let spans = |jail: &usize| jails[*jail].matcher.spans_lines();
                Way::Many(Box::new(Many {
                    open,
                    spanning: rest.into_iter().filter(spans).collect(),
                    sieve,
                }))
            }
        };
        Some(Self {
            way,
            trial: Trial::new(jails.len()),
        })
    }
}

impl Many {
    /// Names the jails of a text, and tells how many; none if all of them have to look.
    fn pass(
        &mut self,
        jails: &[Jail],
        dates: &mut Dates,
        (line, text): (&Line<'_>, usize),
        is_alert: bool,
        out: &mut Vec<Candidate>,
    ) -> Option<usize> {
        let groups = dates.groups(text);
        if groups == 0 {
            return Some(0);
        }
        let is_of = |jail: usize| groups >> jails[jail].dates & 1 == 1;
        let rules = || (0..jails.len()).filter(|jail| is_of(*jail));
        let (is_ascii, is_end) = (dates.is_ascii(), dates.is_end(text));
        // Of the line itself the beginning tells enough, most often.
        let alike = dates.alike().filter(|_| dates.is_whole(text));
        let searched = Searched {
            text: dates.unended(text, line),
            has_feed: true,
            is_ascii,
            part_of: is_end.then_some(Part {
                whole: line.text,
                place: line.place,
            }),
        };
        let hits = self.sieve.search(groups, rules, searched, alike).ok()?;
        let before = out.len();
        out.extend(hits.iter().copied().map(named));
        let is_left = |jail: &&usize| is_of(**jail) && !hits.contains(*jail);
        out.extend(self.open.iter().filter(is_left).copied().map(named));
        if is_alert {
            let heeding = |jail: &&usize| jails[**jail].matcher.is_heeding();
            let left = self.spanning.iter().filter(is_left).filter(heeding);
            out.extend(left.map(|&jail| Candidate {
                jail,
                is_named: false,
            }));
        }
        if out.len() > before {
            dates.write(text, line);
        }
        Some(hits.len())
    }
}

/// Whether the gate is worth its pass: not where it names nearly every jail on nearly every line.
#[derive(Debug)]
struct Trial {
    jails: u32,
    lines: u32,
    named: u32,
    pause: u32,
}

impl Trial {
    fn new(jails: usize) -> Self {
        Self {
            jails: u32::try_from(jails).unwrap_or(u32::MAX),
            lines: 0,
            named: 0,
            pause: 0,
        }
    }

    /// Begins a line; whether it is searched without the gate.
    fn is_paused(&mut self) -> bool {
        if self.pause > 0 {
            self.pause -= 1;
            return true;
        }
        if self.lines == TRIAL {
            let all = u64::from(self.jails) * u64::from(self.lines);
            if 4 * u64::from(self.named) > 3 * all {
                self.pause = PAUSE;
            }
            (self.lines, self.named) = (0, 0);
        }
        self.lines += 1;
        false
    }

    /// So many lines came for which none was named.
    fn repeat(&mut self, lines: u32) {
        self.lines = self.lines.saturating_add(lines).min(TRIAL);
    }

    /// So many jails more were named.
    fn count(&mut self, named: usize) {
        self.named += named as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_that_lets_nearly_all_pass_is_left_alone_for_a_while() {
        for (named, pauses) in [(0, false), (3, false), (4, true)] {
            let mut trial = Trial::new(4);
            for _ in 0..=TRIAL {
                assert!(!trial.is_paused());
                trial.count(named);
            }
            let without = (0..=PAUSE).take_while(|_| trial.is_paused()).count();
            assert_eq!(without, if pauses { PAUSE as usize } else { 0 }, "{named}");
        }
    }
}
