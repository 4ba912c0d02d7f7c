//! Which jails can have anything to say about a line.

use super::Jail;
use super::ahead::Ahead;
use super::dates::Dates;
use super::sieve::Sieve;
use crate::Line;
use crate::pyre::{Choice, Gated, Needles, Searched};

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
}

impl Passing {
    /// Looks at the text of lines that come next.
    pub(super) fn look_ahead(&mut self, jails: &[Jail], text: &str) {
        let gate = self.gate.get_or_insert_with(|| Gatekeeper::new(jails));
        if let Some(Gatekeeper {
            way: Way::One(one),
            trial,
        }) = gate
        {
            match trial.pause {
                0 => one.ahead.look(text, &one.needles),
                _ => one.ahead.forget(),
            }
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
        let mut gate = gate.as_mut().filter(|_| dates.fit());
        if gate.as_mut().is_some_and(|gate| gate.trial.is_paused()) {
            gate = None;
        }
        if let Some(Gatekeeper {
            way: Way::Many { sieve, .. },
            ..
        }) = &mut gate
        {
            sieve.next_line();
        }
        for text in 0..dates.texts() {
            if let Some(gate) = &mut gate
                && gate.pass(jails, dates, (line, text), out)
            {
                continue;
            }
            for (place, jail) in jails.iter().enumerate() {
                if dates.text_of(jail.dates) == text {
                    dates.write(text, line);
                    out.push(Candidate {
                        jail: place,
                        is_named: true,
                    });
                }
            }
        }
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
    Many {
        sieve: Box<Sieve>,
        /// Jails that may have to see a line that the gate does not name, and whether that is every line.
        unnamed: Vec<(usize, bool)>,
    },
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
            self.choose(dates.unwritten(text, line));
        }
        let place = line.place.map(|from| from..from + line.text.len());
        let known = place.and_then(|place| self.ahead.holds(&place));
        // A literal may stand across the place of the date.
        let spans = || {
            let seam = dates.seam(text, line);
            seam.is_some_and(|seam| self.needles.may_hold(seam))
        };
        let known = known.filter(|holds| *holds || !spans());
        known.unwrap_or_else(|| self.needles.any(dates.unwritten(text, line).as_bytes()))
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
                let sieve = Box::new(Sieve::new(rules, GATE_BYTES)?);
                let unnamed = jails.iter().enumerate().filter_map(|(place, jail)| {
                    let sees_all = sieve.is_open(place) || jail.matcher.sees_all();
                    (sees_all || jail.matcher.spans_lines()).then_some((place, sees_all))
                });
                let unnamed = unnamed.collect();
                Way::Many { sieve, unnamed }
            }
        };
        Some(Self {
            way,
            trial: Trial::new(jails.len()),
        })
    }

    /// Names the jails of a text; false if all of them have to look.
    fn pass(
        &mut self,
        jails: &[Jail],
        dates: &mut Dates,
        (line, text): (&Line<'_>, usize),
        out: &mut Vec<Candidate>,
    ) -> bool {
        let groups = dates.groups(text);
        if groups == 0 {
            return true;
        }
        let named = |jail| Candidate {
            jail,
            is_named: true,
        };
        match &mut self.way {
            Way::One(one) => {
                let holds = one.holds(dates, (line, text));
                self.trial.count(usize::from(holds));
                if holds {
                    dates.write(text, line);
                    out.push(named(0));
                }
            }
            Way::Many { sieve, unnamed } => {
                let is_of = |jail: usize| groups >> jails[jail].dates & 1 == 1;
                let rules = || (0..jails.len()).filter(|jail| is_of(*jail));
                let is_ascii = dates.is_ascii();
                let part_of = dates.is_end(text).then_some(line.text);
                let searched = Searched {
                    text: dates.write(text, line),
                    is_ascii,
                    part_of,
                };
                let Ok(hits) = sieve.search(groups, rules, searched) else {
                    return false;
                };
                self.trial.count(hits.len());
                out.extend(hits.iter().copied().map(named));
                for &(jail, sees_all) in unnamed.iter() {
                    let sees = sees_all || jails[jail].matcher.is_heeding();
                    if sees && is_of(jail) && !hits.contains(&jail) {
                        out.push(Candidate {
                            jail,
                            is_named: sees_all,
                        });
                    }
                }
            }
        }
        true
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
