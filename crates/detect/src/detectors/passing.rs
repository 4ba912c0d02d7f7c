//! Which jails can have anything to say about a line.

use super::Jail;
use super::dates::Dates;
use super::sieve::Sieve;
use crate::Line;
use crate::pyre::Gated;

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
    /// The line itself can match. Else the jail has to see it, because its expressions span several lines.
    pub(super) is_named: bool,
}

#[derive(Debug, Default)]
pub(super) struct Passing {
    /// Built at the first line: most files are never read, or by one jail.
    gate: Option<Option<Gatekeeper>>,
}

impl Passing {
    /// Puts the jails that have to see the line into `out`, in no order.
    pub(super) fn pass(
        &mut self,
        jails: &[Jail],
        dates: &mut Dates,
        line: &Line<'_>,
        out: &mut Vec<Candidate>,
    ) {
        let gate = self.gate.get_or_insert_with(|| Gatekeeper::new(jails));
        for text in 0..dates.texts() {
            let named = match gate {
                Some(gate) if dates.fit() => gate.pass(jails, dates, (line, text), out),
                _ => false,
            };
            if named {
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
    sieve: Sieve,
    /// Jails that have to see every line.
    always: Vec<(usize, bool)>,
    trial: Trial,
}

impl Gatekeeper {
    /// A single jail searches at the cost of a gate.
    fn new(jails: &[Jail]) -> Option<Self> {
        if jails.len() < 2 && !jails.iter().any(|jail| jail.matcher.spans_lines()) {
            return None;
        }
        let rules: Vec<Gated<'_>> = jails.iter().map(|jail| jail.matcher.gated()).collect();
        let sieve = Sieve::new(&rules, GATE_BYTES)?;
        let always = jails.iter().enumerate().filter_map(|(place, jail)| {
            let is_open = sieve.is_open(place);
            (is_open || jail.matcher.spans_lines()).then_some((place, is_open))
        });
        Some(Self {
            always: always.collect(),
            trial: Trial::new(jails.len()),
            sieve,
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
        if self.trial.is_paused(text) {
            return false;
        }
        let is_of = |jail: usize| groups >> jails[jail].dates & 1 == 1;
        let rules = || (0..jails.len()).filter(|jail| is_of(*jail));
        let Ok(hits) = self.sieve.search(groups, rules, dates.write(text, line)) else {
            return false;
        };
        self.trial.count(text, hits.len());
        out.extend(hits.iter().map(|&jail| Candidate {
            jail,
            is_named: true,
        }));
        for &(jail, is_open) in &self.always {
            if is_of(jail) && (is_open || !hits.contains(&jail)) {
                out.push(Candidate {
                    jail,
                    is_named: is_open,
                });
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

    /// Whether the line with this text is searched without the gate; the first text counts as the line.
    fn is_paused(&mut self, text: usize) -> bool {
        if text == 0 {
            self.pause = self.pause.saturating_sub(1);
        }
        self.pause > 0
    }

    fn count(&mut self, text: usize, named: usize) {
        self.lines += u32::from(text == 0);
        self.named += named as u32;
        if self.lines >= TRIAL {
            let all = u64::from(self.jails) * u64::from(self.lines);
            if 4 * u64::from(self.named) > 3 * all {
                self.pause = PAUSE;
            }
            (self.lines, self.named) = (0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_that_lets_nearly_all_pass_is_left_alone_for_a_while() {
        for (named, pauses) in [(0, false), (3, false), (4, true)] {
            let mut trial = Trial::new(4);
            for _ in 0..TRIAL {
                assert!(!trial.is_paused(0));
                trial.count(0, named);
            }
            let without = (0..=PAUSE).take_while(|_| trial.is_paused(0)).count();
            assert_eq!(without > 0, pauses, "{named}");
            assert!(!trial.is_paused(0));
        }
    }
}
