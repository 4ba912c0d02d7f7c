//! Which date detectors can find a date in a line, told by one pass over it.
//!
//! Most detectors have most of their templates in common. What the same detectors have is one rule of the gate, so that
//! it is built once and followed once.

use std::collections::HashMap;

use super::dates::{Places, bit};
use super::sieve::{Alike, Sieve};
use crate::date::DateDetector;
use crate::pyre::{Gated, GaveUp, Regex, Searched};

/// Bound of the gate's cache.
const GATE_BYTES: usize = 2 << 20;

#[derive(Debug)]
pub(super) struct Templates {
    sieve: Sieve,
    /// Of each rule of the gate the detectors that have its templates.
    of: Vec<Places>,
    /// Detectors with a template that the gate does not know.
    open: Places,
}

impl Templates {
    /// The gate for detectors by their places, if there can be one.
    pub(super) fn new<'a>(detectors: impl Iterator<Item = &'a DateDetector>) -> Option<Self> {
        let mut places: HashMap<(&str, bool), usize> = HashMap::new();
        let mut templates: Vec<(&Regex, Places)> = Vec::new();
        for (detector, dates) in detectors.enumerate() {
            for regex in dates.regexes() {
                let place = *places
                    .entry((regex.pattern(), regex.multiline()))
                    .or_insert(templates.len());
                if place == templates.len() {
                    templates.push((regex, 0));
                }
                templates[place].1 |= bit(detector);
            }
        }
        let mut rules: Vec<(Vec<&Regex>, Places)> = Vec::new();
        for (regex, of) in templates {
            match rules.iter_mut().find(|(_, known)| *known == of) {
                Some((regexes, _)) => regexes.push(regex),
                None => rules.push((vec![regex], of)),
            }
        }
        let (regexes, of): (Vec<_>, Vec<_>) = rules.into_iter().unzip();
        let gated = |regexes| Gated {
            prefix: None,
            regexes,
            spans_lines: false,
        };
        let gated: Vec<Gated<'_>> = regexes.into_iter().map(gated).collect();
        let sieve = Sieve::new(&gated, GATE_BYTES)?;
        let open = (0..of.len()).filter(|rule| sieve.is_open(*rule));
        Some(Self {
            open: open.fold(0, |open, rule| open | of[rule]),
            sieve,
            of,
        })
    }

    /// Looks at the text in which the lines stand that come next.
    pub(super) fn look_ahead(&mut self, text: &str) {
        self.sieve.look_ahead(text);
    }

    /// Which of a set of detectors can find a date.
    pub(super) fn able(
        &mut self,
        asked: Places,
        searched: Searched<'_>,
        alike: Option<Alike>,
    ) -> Result<Places, GaveUp> {
        self.sieve.next_line();
        let of = &self.of;
        let rules = || (0..of.len()).filter(|rule| of[*rule] & asked != 0);
        let hits = self.sieve.search(asked, rules, searched, alike)?;
        Ok(hits.iter().fold(self.open, |able, rule| able | of[*rule]) & asked)
    }
}
