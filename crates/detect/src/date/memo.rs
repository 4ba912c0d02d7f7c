//! Remembers the last calendar date: lines of one second are many, and their dates are one text. Those of one minute
//! differ in two digits, and mean times that are as far apart.

use std::ops::Range;

use base::{Span, Timestamp};

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
    /// Where in the text the seconds stand.
    second: Option<Range<usize>>,
    clock: WallClock,
}

/// No zone has changed its clocks within a minute since, or by less than one: 1973-01-01.
const WHOLE_MINUTES: Timestamp = Timestamp::from_secs(94_694_400);

/// What a calendar template captured in a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Captured<'a> {
    pub(super) template: usize,
    /// The fields and their groups.
    pub(super) groups: &'a [(Field, usize)],
    pub(super) slots: &'a [Option<usize>],
    pub(super) line: &'a str,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    template: usize,
    time: Option<Timestamp>,
    holds: Holds,
    /// What the clock on the wall showed, and its minute.
    now: i64,
    minute: (i64, i64),
}

impl Memo {
    /// Converts the fields that a template captured in `line`, or says again what they meant the last time.
    pub(super) fn convert(
        &mut self,
        captured: &Captured<'_>,
        zones: &Zones<'_>,
        now: &WallNow,
    ) -> Option<Timestamp> {
        let known = self.known.as_ref();
        let known = known.filter(|known| known.template == captured.template);
        let text = self.text_of(captured).filter(|_| known.is_some());
        if let (Some(known), Some(text)) = (known, text)
            && known.holds_at(now)
        {
            if text == self.text {
                return known.time;
            }
            if let Some(time) = self.in_minute_of(known, text) {
                self.text.clear();
                self.text.push_str(text);
                self.known = Some(Known {
                    time: Some(time),
                    ..*known
                });
                return Some(time);
            }
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
        match text {
            // Digits of a clock go on where they are.
            Some(text) => {
                self.text.clear();
                self.text.push_str(text);
            }
            None => self.remember(captured),
        }
        self.known = Some(Known {
            template: captured.template,
            time,
            holds,
            now: now.now,
            minute: now.span(),
        });
        time
    }

    /// What a date means that differs from the last one in the second of its minute.
    fn in_minute_of(&self, known: &Known, text: &str) -> Option<Timestamp> {
        let time = known.time.filter(|time| *time >= WHOLE_MINUTES)?;
        // Where the answer holds for a minute it is the same all around that; see there.
        if known.holds == Holds::Instant {
            return None;
        }
        let seconds = self.second.clone()?;
        let (last, text) = (self.text.as_bytes(), text.as_bytes());
        let is_same = |range: Range<usize>| last.get(range.clone()) == text.get(range);
        if !is_same(0..seconds.start) || !is_same(seconds.end..text.len()) {
            return None;
        }
        let before = second_of(last.get(seconds.clone())?)?;
        let after = second_of(text.get(seconds)?)?;
        Some(time + Span::from_secs(after - before))
    }

    /// Takes over from another what decides about times that clocks show twice.
    pub(super) fn follow(&mut self, leader: &Self) {
        self.clock = leader.clock;
    }

    /// What the last date meant, if it means the same now: for a text that is known to be the same.
    pub(super) fn again(&self, template: usize, now: &WallNow) -> Option<Option<Timestamp>> {
        let known = self.known.as_ref()?;
        (known.template == template && known.holds_at(now)).then_some(known.time)
    }

    /// The text in which the fields stand as they do in the remembered one.
    fn text_of<'a>(&self, captured: &Captured<'a>) -> Option<&'a str> {
        let base = captured.base();
        // A field may stand before what is cut out: offsets wrap around and back.
        let mut places = captured.groups.iter().zip(&self.ends);
        let is_there = |((_, group), ends): (&(Field, usize), &Option<(usize, usize)>)| {
            captured.bytes(*group)
                == ends.map(|(from, to)| (base.wrapping_add(from), base.wrapping_add(to)))
        };
        let from = base.wrapping_add(self.text_from);
        let to = from.wrapping_add(self.text.len());
        let text = captured.line.get(from..to)?;
        places.all(is_there).then_some(text)
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
        let mut seconds = captured.groups.iter().filter_map(|(field, group)| {
            let (start, end) = captured.bytes(*group)?;
            (*field == Field::Second).then(|| start - from..end - from)
        });
        self.second = seconds.next().filter(|_| seconds.next().is_none());
    }
}

/// What two digits say that can be a second of a minute.
fn second_of(digits: &[u8]) -> Option<i64> {
    match digits {
        [tens @ b'0'..=b'5', ones @ b'0'..=b'9'] => {
            Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        }
        _ => None,
    }
}

impl Captured<'_> {
    /// Where what is cut out begins.
    fn base(&self) -> usize {
        self.bytes(1).map_or(0, |(from, _)| from)
    }

    /// What is cut out.
    pub(super) fn cut(&self) -> Option<Range<usize>> {
        self.bytes(1).map(|(from, to)| from..to)
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
            Holds::Minute => self.minute == now.span(),
            Holds::Instant => self.now == now.now,
        }
    }
}
