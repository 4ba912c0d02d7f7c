//! Which template finds the date of a line.
//!
//! fail2ban tries the template of the last line first, then the others in an order that learns from hits. A date
//! further right than where dates stood before may be part of a message, so it is only a candidate while the search
//! goes on. Columns are counted in characters, as there. One set of all expressions tells beforehand which of them
//! can match at all, so a line without a date costs one pass and not one per template; unless the caller knows that from
//! one pass for many detectors, or it is one of the first lines, of which the set may turn out not to be needed.

use base::{Span, Timestamp};

use crate::pyre::{Cache, Outcome};

use super::columns::{char_at, char_before, column_of, offset_of};
use super::template::{Kind, Template};
use super::{DateDetector, DateState};

/// A template that another was not used for this long gives way to.
const UNUSED: Span = Span::from_secs(300);

/// In so many lines templates are tried one by one before there is a set of them, which takes longer to build than to
/// read a hundred lines. In most logs one is enough: it is known from the first line which finds the dates.
const MAX_TRIED: u32 = 3;
/// A longer line is left to the set: somebody may have made it so that trying takes long.
const MAX_TRIED_LINE: usize = 1_024;

/// What a template's place in the order has learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Index among the detector's templates.
    pub(super) template: usize,
    hits: u32,
    last_used: Option<Timestamp>,
    /// Column of its last hit.
    column: usize,
}

impl Place {
    pub(super) fn new(template: usize) -> Self {
        // Before the first hit every column is as good as any.
        Self {
            template,
            hits: 0,
            last_used: None,
            column: usize::MAX,
        }
    }

    pub(super) fn hits(&self) -> u32 {
        self.hits
    }

    /// What its hits count for: the further right they were, the less.
    pub(super) fn weight(&self, template: &Template) -> f64 {
        f64::from(self.hits) * template.weight / self.column.max(1) as f64
    }
}

/// Where the last date stood.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastHit {
    /// Index among the places.
    pub(super) place: usize,
    start: usize,
    end: usize,
    /// The characters around and inside of both ends; None beyond the line.
    before: Option<char>,
    first: Option<char>,
    last: Option<char>,
    after: Option<char>,
}

/// A match: its place in the order, the byte where it ends and the column where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hit {
    place: usize,
    to: usize,
    column: usize,
}

impl DateDetector {
    /// Finds the template and leaves its groups in `state.slots`.
    pub(super) fn find(
        &self,
        state: &mut DateState,
        line: &str,
        possible: Option<&[usize]>,
        now: Timestamp,
    ) -> Option<usize> {
        let mut candidate: Option<Hit> = None;
        let mut tried = None;
        if let Some(last) = state.last {
            let template = &self.templates[state.places[last.place].template];
            let part = (!template.anchored)
                .then(|| same_frame(line, &last))
                .flatten();
            if part.is_none() {
                tried = Some(last.place);
            }
            if let Some(hit) = self.search(state, last.place, line, part) {
                let same_place = || hit.column == last.start && column_of(line, hit.to) == last.end;
                if self.templates.len() == 1 || template.anchored || same_place() {
                    return Some(self.accept(state, line, hit, now));
                }
                std::mem::swap(&mut state.slots, &mut state.candidate_slots);
                candidate = Some(hit);
            }
        }
        let hit = self.search_others(state, line, possible, tried, &mut candidate);
        if hit.is_none() && candidate.is_some() {
            std::mem::swap(&mut state.slots, &mut state.candidate_slots);
        }
        let hit = hit.or(candidate)?;
        Some(self.accept(state, line, hit, now))
    }

    /// Whether the next search begins where the last date stood.
    pub(crate) fn looks_at_parts(&self, state: &DateState) -> bool {
        state
            .last
            .is_some_and(|last| !self.templates[state.places[last.place].template].anchored)
    }

    /// Tries the places in order; what is found too far right becomes the candidate.
    fn search_others(
        &self,
        state: &mut DateState,
        line: &str,
        possible: Option<&[usize]>,
        tried: Option<usize>,
        candidate: &mut Option<Hit>,
    ) -> Option<Hit> {
        let is_few = state.tried < MAX_TRIED && line.len() <= MAX_TRIED_LINE;
        let tries = possible.is_none() && self.set.is_some() && is_few;
        state.tried += u32::from(tries);
        state.possible.clear();
        match (possible, &self.set, &mut state.set_cache) {
            (Some(possible), ..) => state.possible.extend(possible),
            (None, Some(set), Some(cache)) if !tries => {
                set.matches(cache, line, &mut state.possible);
            }
            _ => state.possible.extend(0..self.templates.len()),
        }
        if state.possible.is_empty() {
            return None;
        }
        let last_column = state.last.map_or(1, |last| last.start);
        for place in 0..state.places.len() {
            let index = state.places[place].template;
            if tried == Some(place) || state.possible.binary_search(&index).is_err() {
                continue;
            }
            // One that was searched for before has its automaton.
            let is_new = state.caches[index].is_none();
            if tries && is_new && !self.templates[index].regex.can_match_once(line) {
                continue;
            }
            let Some(hit) = self.search(state, place, line, None) else {
                continue;
            };
            let is_last = place + 1 == state.places.len();
            let too_far = hit.column > state.places[place].column || hit.column > last_column;
            if is_last || self.templates[index].anchored || !too_far {
                return Some(hit);
            }
            if candidate.is_none_or(|best| hit.column < best.column) {
                *candidate = Some(hit);
                std::mem::swap(&mut state.slots, &mut state.candidate_slots);
            }
        }
        None
    }

    /// One search of one template, in the whole line or in the part between two columns.
    pub(super) fn search(
        &self,
        state: &mut DateState,
        place: usize,
        line: &str,
        part: Option<(usize, usize)>,
    ) -> Option<Hit> {
        let index = state.places[place].template;
        let template = &self.templates[index];
        let DateState {
            caches,
            slots,
            masked,
            ..
        } = state;
        let cache = caches[index].get_or_insert_with(|| template.regex.new_cache());
        let found = match part {
            None => matches!(template.regex.search(cache, line, slots), Outcome::Match),
            Some((from, to)) => search_part(template, cache, (&line[..to], from), masked, slots),
        };
        if !found {
            return None;
        }
        let (from, to) = bounds(template, &state.slots)?;
        Some(Hit {
            place,
            to,
            column: column_of(line, from),
        })
    }

    /// Learns from the winner and returns its template.
    pub(super) fn accept(
        &self,
        state: &mut DateState,
        line: &str,
        hit: Hit,
        now: Timestamp,
    ) -> usize {
        let place = &mut state.places[hit.place];
        let index = place.template;
        place.hits = place.hits.saturating_add(1);
        place.last_used = Some(now);
        place.column = hit.column;
        if state.first_unused == hit.place {
            state.first_unused += 1;
        }
        let stays = hit.place == 0 || state.last.is_some_and(|last| last.place == hit.place);
        let new_place = if stays {
            hit.place
        } else {
            self.reorder(state, hit.place, now)
        };
        let end = if self.templates[index].anchored {
            hit.column
        } else {
            column_of(line, hit.to)
        };
        state.last = Some(LastHit {
            place: new_place,
            start: hit.column,
            end,
            before: char_before(line, hit.column),
            first: char_at(line, hit.column),
            // An empty match at the beginning has the line's last character there, as Python's `line[-1]`.
            last: if end == 0 {
                line.chars().next_back()
            } else {
                char_before(line, end)
            },
            after: char_at(line, end),
        });
        index
    }

    /// Moves a template up if it earned it; returns its new place.
    fn reorder(&self, state: &mut DateState, place: usize, now: Timestamp) -> usize {
        let places = &mut state.places;
        let weight_of = |place: &Place| place.weight(&self.templates[place.template]);
        let weight = weight_of(&places[place]);
        let gives_way = |occupant: &Place| {
            weight > weight_of(occupant)
                || occupant
                    .last_used
                    .is_none_or(|used| now.since(used) > UNUSED)
        };
        let far = if state.first_unused < place {
            state.first_unused
        } else {
            place / 2
        };
        let target = if gives_way(&places[far]) {
            far
        } else if far != place - 1 && gives_way(&places[place - 1]) {
            place - 1
        } else {
            return place;
        };
        places[target..=place].rotate_right(1);
        while places
            .get(state.first_unused)
            .is_some_and(|place| place.hits > 0)
        {
            state.first_unused += 1;
        }
        target
    }
}

impl DateState {
    /// Learns from so many more hits where the last one was.
    pub(crate) fn repeat(&mut self, lines: u32, now: Timestamp) {
        if lines > 0
            && let Some(last) = &self.last
        {
            let place = &mut self.places[last.place];
            place.hits = place.hits.saturating_add(lines);
            place.last_used = Some(now);
        }
    }

    /// Learns what `leader` did from so many lines, in which both had the same hits: see
    /// [`DateDetector::finds_alike`].
    pub(crate) fn follow(&mut self, leader: &Self, lines: u32, now: Timestamp) {
        self.repeat(lines, now);
        if let (Some(last), Some(leading)) = (&mut self.last, leader.last) {
            self.places[last.place].column = leading.start;
            *last = LastHit {
                place: last.place,
                ..leading
            };
        }
        self.memo.follow(&leader.memo);
        self.same.forget();
    }
}

/// The bytes between which the last date stood, if the characters at both ends are as they were.
fn same_frame(line: &str, last: &LastHit) -> Option<(usize, usize)> {
    let same_inside = |now: Option<char>, then: Option<char>| {
        now == then && !then.is_some_and(char::is_alphanumeric)
    };
    let left = char_before(line, last.start) == last.before
        || same_inside(char_at(line, last.start), last.first);
    let right = char_at(line, last.end) == last.after
        || same_inside(char_before(line, last.end), last.last);
    (left && right).then(|| (offset_of(line, last.start), offset_of(line, last.end)))
}

/// The bytes of the match; they count from the number on where the expression names what stands before it.
fn bounds(template: &Template, slots: &[Option<usize>]) -> Option<(usize, usize)> {
    let begin = match template.kind {
        Kind::Epoch { begins_at, .. } => begins_at,
        _ => 0,
    };
    Some(((*slots.get(2 * begin)?)?, (*slots.get(1)?)?))
}

/// How many characters before its match the expression of a number looks at: `audit(` and one before it.
const NUMBER_CONTEXT: usize = 7;

/// The first match that begins at or after `from`, in a line that ends where the last date ended.
fn search_part(
    template: &Template,
    cache: &mut Cache,
    (line, from): (&str, usize),
    masked: &mut String,
    slots: &mut Vec<Option<usize>>,
) -> bool {
    let begins_late =
        |slots: &[Option<usize>]| bounds(template, slots).is_some_and(|(start, _)| start >= from);
    if !matches!(template.regex.search(cache, line, slots), Outcome::Match) {
        return false;
    }
    if begins_late(slots) {
        return true;
    }
    // An earlier match hides the one that is wanted: blank out what stands before it. What a number looks back at has to
    // stay; elsewhere only whether a word goes on there matters, and no date begins with the stand-in for it.
    let before = &line[..from];
    masked.clear();
    if matches!(template.kind, Kind::Epoch { begins_at: 1.., .. }) {
        let kept = before
            .char_indices()
            .rev()
            .take(NUMBER_CONTEXT)
            .last()
            .map_or(from, |(offset, _)| offset);
        masked.extend(std::iter::repeat_n('\0', kept));
        masked.push_str(&before[kept..]);
    } else {
        let in_word = before
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        masked.extend(std::iter::repeat_n('\0', from - usize::from(in_word)));
        masked.extend(in_word.then_some('_'));
    }
    masked.push_str(&line[from..]);
    matches!(template.regex.search(cache, masked, slots), Outcome::Match) && begins_late(slots)
}
