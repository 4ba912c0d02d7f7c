//! The date of the next line, where all is as it was for the last one but for the time that it tells.
//!
//! A template for the beginning of the line that found the last date is tried first, and its hit is taken whatever else
//! the line holds. So detectors that found it by the same expression find the next one alike: one of them looks, and the
//! others need to hear of it only when they part.

use std::ops::Range;
use std::sync::Arc;

use base::Timestamp;
use jiff::tz::TimeZone;

use super::detect::Hit;
use super::fields::Zones;
use super::memo::Captured;
use super::template::{Kind, Template};
use super::{DateDetector, DateState, look_at};

/// A date that was found, of which nothing was learnt yet.
#[derive(Debug)]
pub(crate) struct Foreseen {
    hit: Hit,
    /// The bytes of the line to cut out.
    pub(crate) cut: Range<usize>,
    pub(crate) time: Timestamp,
    /// Index of the template.
    pub(crate) template: usize,
}

impl DateDetector {
    /// The template that found the last date, if that is remembered.
    fn leading(&self, state: &DateState) -> Option<&Template> {
        let same = &state.same;
        same.is_known().then(|| &self.templates[same.template()])
    }

    /// Whether another detector finds the date of the next line where this one does and takes it for the same time, if
    /// this one finds it by the template of the last line.
    pub(crate) fn finds_alike(&self, state: &DateState, other: &Self, of: &DateState) -> bool {
        let (Some(one), Some(other_one)) = (self.leading(state), other.leading(of)) else {
            return false;
        };
        Arc::ptr_eq(&one.regex, &other_one.regex) && self.zone == other.zone
    }

    /// The date of a line, if the template that found the last one finds it and is told to be the first: only where the
    /// date of the last line is remembered. Nothing is learnt but what the date means.
    pub(crate) fn foresee(
        &self,
        state: &mut DateState,
        line: &str,
        (now, tz): (Timestamp, &TimeZone),
    ) -> Option<Foreseen> {
        let Kind::Calendar(groups) = &self.leading(state)?.kind else {
            return None;
        };
        let (template, place) = (state.same.template(), state.last?.place);
        // What is known of the last date holds as long as its groups are there.
        std::mem::swap(&mut state.slots, &mut state.candidate_slots);
        let hit = self.search(state, place, line, None);
        std::mem::swap(&mut state.slots, &mut state.candidate_slots);
        let hit = hit?;
        let cache = state.caches[template].as_ref()?;
        self.templates[template].regex.deciding_bytes(cache)?;
        let captured = Captured {
            template,
            groups,
            slots: &state.candidate_slots,
            line,
        };
        let cut = captured.cut().filter(|cut| !cut.is_empty())?;
        let zones = Zones {
            log: self.zone,
            machine: tz,
        };
        // It means another time from here on.
        state.same.forget();
        let wall = look_at(&mut state.wall, now, tz)?;
        let time = state.memo.convert(&captured, &zones, wall)?;
        Some(Foreseen {
            hit,
            cut,
            time,
            template,
        })
    }

    /// Learns from a date that was foreseen in `line` just before.
    pub(crate) fn learn(
        &self,
        state: &mut DateState,
        line: &str,
        foreseen: &Foreseen,
        now: Timestamp,
    ) {
        std::mem::swap(&mut state.slots, &mut state.candidate_slots);
        let template = self.accept(state, line, foreseen.hit, now);
        self.learn_same(state, line, template, &foreseen.cut);
    }
}
