//! Which date detectors can find a date in a line, and by which of their templates, told by one pass over it.
//!
//! Most detectors have most of their templates in common. What is the same is one rule of the gate, so that it is built
//! once and followed once, and no detector needs a gate of its own. A template that looks for its date at several places is
//! a rule for each.

use std::collections::HashMap;

use super::dates::{Places, bit};
use super::sieve::{Alike, Sieve};
use crate::date::DateDetector;
use crate::pyre::{Gated, GaveUp, Searched};

/// Bound of the gate's cache.
const GATE_BYTES: usize = 2 << 20;

#[derive(Debug)]
pub(super) struct Templates {
    sieve: Sieve,
    /// The rules of the gate.
    rules: Vec<Rule>,
    /// Those that the gate does not know: they can find something always.
    open: Vec<usize>,
    /// Those that can find something in the line at hand.
    able: Vec<usize>,
    /// Templates of the detector that was asked for last.
    possible: Vec<usize>,
}

/// Who has a template.
#[derive(Debug, Default)]
struct Rule {
    detectors: Places,
    /// Of each detector its number of the template.
    templates: Vec<(usize, usize)>,
}

impl Templates {
    /// The gate for detectors by their places, if there can be one.
    pub(super) fn new<'a>(detectors: impl Iterator<Item = &'a DateDetector>) -> Option<Self> {
        let mut known: HashMap<(&str, bool), usize> = HashMap::new();
        let mut rules: Vec<Rule> = Vec::new();
        let mut gated: Vec<Gated<'_>> = Vec::new();
        for (detector, dates) in detectors.enumerate() {
            for (template, regex) in dates.ways() {
                let key = (regex.pattern(), regex.multiline());
                let rule = *known.entry(key).or_insert(rules.len());
                if rule == rules.len() {
                    rules.push(Rule::default());
                    gated.push(Gated::alone(regex));
                }
                rules[rule].detectors |= bit(detector);
                rules[rule].templates.push((detector, template));
            }
        }
        let sieve = Sieve::new(&gated, GATE_BYTES)?;
        Some(Self {
            open: (0..rules.len())
                .filter(|rule| sieve.is_open(*rule))
                .collect(),
            sieve,
            rules,
            able: Vec::new(),
            possible: Vec::new(),
        })
    }

    /// Looks at the text in which the lines stand that come next.
    pub(super) fn look_ahead(&mut self, text: &str) {
        self.sieve.look_ahead(text);
    }

    /// Which of a set of detectors can find a date in a line.
    pub(super) fn able(
        &mut self,
        asked: Places,
        searched: Searched<'_>,
        alike: Option<Alike>,
    ) -> Result<Places, GaveUp> {
        self.sieve.next_line();
        let detectors = |rule: &usize| self.rules[*rule].detectors;
        let rules = || (0..self.rules.len()).filter(|rule| detectors(rule) & asked != 0);
        let hits = self.sieve.search(asked, rules, searched, alike)?;
        self.able.clear();
        self.able.extend(hits);
        self.able.extend(&self.open);
        let of_all = self.able.iter().map(detectors);
        Ok(of_all.fold(0, |all, of| all | of) & asked)
    }

    /// By which of its templates a detector can find a date in the line for which it was asked last, ascending.
    pub(super) fn possible(&mut self, detector: usize) -> &[usize] {
        let has = |rule: &&Rule| rule.detectors & bit(detector) != 0;
        let able = self.able.iter().map(|rule| &self.rules[*rule]).filter(has);
        let templates = able.flat_map(|rule| &rule.templates);
        let its = templates.filter(|(of, _)| *of == detector);
        self.possible.clear();
        self.possible.extend(its.map(|(_, template)| *template));
        self.possible.sort_unstable();
        self.possible.dedup();
        &self.possible
    }
}
