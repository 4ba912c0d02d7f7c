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
    /// Where the text begins, counted from what is cut out: what a pattern takes before that differs from line to line.
    text_from: usize,
    /// Both ends of every field, counted likewise; None for a field that took no part.
    ends: Vec<Option<(usize, usize)>>,
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
        if let Some(known) = &self.known
            && known.template == captured.template
            && known.holds_at(now)
            && self.is_of(captured)
        {
            return known.time;
        }
        let texts = captured.groups.iter().filter_map(|(field, group)| {
            let (from, to) = captured.bytes(*group)?;
            Some((*field, &captured.line[from..to]))
        });
        let (time, holds) = match Fields::read(texts) {
            Some(fields) => {
                let converted = fields.convert(zones, &mut self.clock, now);
                (converted.time, converted.holds)
            }
            None => (None, Holds::Always),
        };
        self.remember(captured);
        self.known = Some(Known {
            template: captured.template,
            time,
            holds,
            now: *now,
        });
        time
    }

    /// What the last date meant, if it means the same now: for a text that is known to be the same.
    pub(super) fn again(&self, template: usize, now: &WallNow) -> Option<Option<Timestamp>> {
        let known = self.known.as_ref()?;
        (known.template == template && known.holds_at(now)).then_some(known.time)
    }

    /// Whether the same fields hold the same texts as in the remembered line.
    fn is_of(&self, captured: &Captured<'_>) -> bool {
        let base = captured.base();
        // A field may stand before what is cut out: offsets wrap around and back.
        let from = base.wrapping_add(self.text_from);
        captured
            .line
            .as_bytes()
            .get(from..from.wrapping_add(self.text.len()))
            == Some(self.text.as_bytes())
            && captured
                .groups
                .iter()
                .zip(&self.ends)
                .all(|((_, group), ends)| {
                    captured.bytes(*group)
                        == ends.map(|(from, to)| (base.wrapping_add(from), base.wrapping_add(to)))
                })
    }

    fn remember(&mut self, captured: &Captured<'_>) {
        let base = captured.base();
        let spans = captured
            .groups
            .iter()
            .filter_map(|(_, group)| captured.bytes(*group));
        let from = spans.clone().map(|(from, _)| from).min().unwrap_or(base);
        let to = spans.map(|(_, to)| to).max().unwrap_or(base);
        self.text.clear();
        self.text.push_str(&captured.line[from..to]);
        self.text_from = from.wrapping_sub(base);
        self.ends.clear();
        self.ends.extend(captured.groups.iter().map(|(_, group)| {
            captured
                .bytes(*group)
                .map(|(from, to)| (from.wrapping_sub(base), to.wrapping_sub(base)))
        }));
    }
}

impl Captured<'_> {
    /// Where what is cut out begins.
    fn base(&self) -> usize {
        self.bytes(1).map_or(0, |(from, _)| from)
    }

    fn bytes(&self, group: usize) -> Option<(usize, usize)> {
        match self.slots.get(2 * group..2 * group + 2)? {
            [Some(from), Some(to)] => Some((*from, *to)),
            _ => None,
        }
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
