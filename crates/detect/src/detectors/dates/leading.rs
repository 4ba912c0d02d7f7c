//! Dates of one second after the other: looked for once for all detectors that find them by the same expression.
//!
//! Many filters have date patterns of their own and the usual template among them, so that a dozen detectors would find
//! the date of each line in the same way. Here the first of them looks for all. The others hear of it when a line comes
//! that is not as those before; up to then nobody asks what they have learnt.

use super::{Dates, Places, Shown, Steady, bit, places};
use crate::timing::Settled;
use crate::{Clock, Line};

impl Dates {
    /// Chooses who looks for the next date, after a line in which all that found one did so at one place.
    pub(super) fn lead(&mut self) {
        // In operation each line is read at another time, and a date that is off gives way to that.
        if !self.steady.holds || self.steady.in_operation || self.used != 2 {
            return;
        }
        let mut leaders: Places = 0;
        for place in places(self.remembering) {
            let group = &self.groups[place];
            let is_dated = group
                .dated
                .as_ref()
                .is_some_and(|dated| dated.time.is_some() && matches!(dated.shown, Shown::Cut(_)));
            if !is_dated {
                return;
            }
            let leads = |leader: &usize| self.groups[*leader].dating.finds_alike(&group.dating);
            let leader = places(leaders).find(leads).unwrap_or(place);
            leaders |= bit(leader);
            self.groups[place].leader = leader;
        }
        self.steady.leaders = leaders;
    }

    /// Whether a line is like the last one but for the time that it tells: whoever found a date then finds one now, by the
    /// same expression and all at one place. Only the leaders hear of it.
    pub(super) fn goes_on(&mut self, line: &Line<'_>, clock: &Clock<'_>) -> bool {
        let Steady {
            holds,
            leaders,
            others,
            now,
            ..
        } = self.steady;
        let is_asked = holds && leaders != 0 && self.tried.is_empty() && line.time.is_none();
        if !is_asked || clock.in_operation || clock.now != now {
            return false;
        }
        let mut cut = None;
        for leader in places(leaders) {
            let group = &mut self.groups[leader];
            group.foreseen = group.dating.foresee(line.text, clock);
            let Some(foreseen) = &group.foreseen else {
                return false;
            };
            if *cut.get_or_insert_with(|| foreseen.cut.clone()) != foreseen.cut {
                return false;
            }
        }
        // What is silent after how lines began so far may speak in this one.
        self.steady.alike = None;
        if !self.find_nothing(others, line, clock) {
            return false;
        }
        self.texts[1].cut = cut;
        let repeated = std::mem::take(&mut self.steady.lines);
        self.steady.behind = (self.steady.behind.saturating_add(repeated)).saturating_add(1);
        for leader in places(leaders) {
            let group = &mut self.groups[leader];
            group.dating.repeat(repeated, now);
            let foreseen = group.foreseen.take();
            group.dated = foreseen.map(|foreseen| group.dating.learn(line, foreseen, now));
        }
        self.begin_alike(leaders);
        if self.timed {
            self.concern_all = self.concerns_all(clock);
        }
        true
    }

    /// Whether the date of the line at hand is something to tell anybody about.
    fn concerns_all(&mut self, clock: &Clock<'_>) -> bool {
        (0..self.groups.len()).any(|place| {
            if self.remembering & bit(place) != 0 {
                self.follow_date(place);
            }
            let group = &mut self.groups[place];
            let (Some(dated), Some(least)) = (&group.dated, group.least) else {
                return false;
            };
            let settled = group.dating.settle(dated, Some(least), clock);
            matches!(settled, Settled::TooOld | Settled::Now { skew: Some(_) })
        })
    }

    /// Gives a detector the date that its leader found in the line at hand.
    pub(super) fn follow_date(&mut self, place: usize) {
        let leader = self.groups[place].leader;
        if leader != place {
            let dated = self.groups[leader].dated.clone();
            self.groups[place].dated = dated;
        }
    }

    /// Tells all detectors of the lines of which they have not heard.
    pub(super) fn tell_all(&mut self) {
        let repeated = std::mem::take(&mut self.steady.lines);
        let behind = std::mem::take(&mut self.steady.behind);
        let now = self.steady.now;
        if (repeated, behind) == (0, 0) {
            return;
        }
        let all = behind.saturating_add(repeated);
        for place in places(self.remembering) {
            let leader = self.groups[place].leader;
            if behind == 0 || leader == place {
                self.groups[place].dating.repeat(repeated, now);
            } else if let Ok([group, leading]) = self.groups.get_disjoint_mut([place, leader]) {
                // The leader is told before or after: that is no more than a count.
                group.dating.follow(&leading.dating, all, now);
            }
        }
    }
}
