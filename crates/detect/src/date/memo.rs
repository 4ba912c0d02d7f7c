//! Remembers the last calendar date: lines of one second are many, and their dates are one text.

use base::Timestamp;

use super::civil::{WallClock, WallNow};
use super::directive::Field;
use super::fields::{Fields, Holds, Zones};

/// The text of the last converted date and what it meant.
#[derive(Debug, Default)]
pub(super) struct Memo {
    known: Option<Known>,
    /// From the first to the last field.
    text: String,
    /// The ends of the fields, counted from the first; as many as the template has groups.
    ends: Vec<(u32, u32)>,
    clock: WallClock,
}

/// What a calendar template captured in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Captured<'a> {
    pub(super) template: usize,
    /// The fields and their groups.
    pub(super) groups: &'a [(Field, usize)],
    pub(super) slots: &'a [Option<usize>],
    pub(super) line: &'a str,
}

#[derive(Debug)]
struct Known {
    template: usize,
    time: Option<Timestamp>,
    holds: Holds,
    now: WallNow,
}

impl Memo {
    /// Converts the fields that a template captured in `line`, or says again what they meant the last time.
    pub(super) fn convert(
        &mut self,
        captured: &Captured<'_>,
        zones: &Zones<'_>,
        now: &WallNow,
    ) -> Option<Timestamp> {
        let Captured {
            template,
            groups,
            slots,
            line,
        } = *captured;
        let bytes = |group: usize| {
            Some((
                slots.get(2 * group).copied()??,
                slots.get(2 * group + 1).copied()??,
            ))
        };
        let spans = groups.iter().filter_map(|(_, group)| bytes(*group));
        let from = spans.clone().map(|(from, _)| from).min().unwrap_or(0);
        let to = spans.map(|(_, to)| to).max().unwrap_or(0);
        let relative = groups.iter().map(|(_, group)| match bytes(*group) {
            Some((start, end)) => ((start - from) as u32, (end - from) as u32),
            None => (u32::MAX, u32::MAX),
        });
        if let Some(known) = &self.known
            && known.template == template
            && known.holds_at(now)
            && self.text == line[from..to]
            && self.ends.iter().copied().eq(relative.clone())
        {
            return known.time;
        }
        let texts = groups.iter().filter_map(|(field, group)| {
            let (start, end) = bytes(*group)?;
            Some((*field, &line[start..end]))
        });
        let (time, holds) = match Fields::read(texts) {
            Some(fields) => {
                let converted = fields.convert(zones, &mut self.clock, now);
                (converted.time, converted.holds)
            }
            None => (None, Holds::Always),
        };
        self.text.clear();
        self.text.push_str(&line[from..to]);
        self.ends.clear();
        self.ends.extend(relative);
        self.known = Some(Known {
            template,
            time,
            holds,
            now: *now,
        });
        time
    }
}

#[cfg(test)]
impl Memo {
    /// Forgets the date, not the clock.
    pub(super) fn forget(&mut self) {
        self.known = None;
    }
}

impl Known {
    fn holds_at(&self, now: &WallNow) -> bool {
        match self.holds {
            Holds::Always => true,
            Holds::Minute => self.now.span() == now.span(),
            Holds::Instant => self.now.now == now.now,
        }
    }
}
