//! The walk over the text.

use super::cache::{Cache, DEAD, NOTHING, SPECIAL, UNKNOWN, tag};
use super::{CELLS, Found, NONE, NOW, Tdfa, UNSET};

/// What is left of a word's tag without that of the class that was looked for, if it is for another.
const OTHER: u64 = 0xFF << 56;

/// Where a word leads that the tag of the class was taken from; unknown if it is for another class.
fn target_of(word: u64) -> u32 {
    match word & OTHER {
        0 => word as u32,
        _ => UNKNOWN,
    }
}

impl Tdfa {
    /// Searches `text`. The tags of the match are then in the cache.
    pub(in crate::pyre) fn search(&self, cache: &mut Cache, text: &[u8]) -> Found {
        (cache.work, cache.steps) = (0, 0);
        if text.len() >= UNSET as usize {
            return Found::GaveUp;
        }
        if !cache.pace.begin(text.len()) {
            return Found::GaveUp;
        }
        if cache.comb.is_due() {
            self.lay_comb(cache);
        }
        // Work that has nothing to do reads this cell.
        cache.cells[usize::from(NONE)] = UNSET;
        let Ok(row) = self.start(cache) else {
            return Found::GaveUp;
        };
        let mut mark = 0;
        let (found, at, _) = self.follow::<true>(cache, text, row, &mut mark);
        cache.pace.read(at - mark);
        cache.comb.read(at);
        cache.steps = at + cache.work;
        cache.decided_at = at;
        found
    }

    /// Goes through the text from `row`; `mark` is where the cache was emptied last. Also returns where it stopped, and
    /// the row there. A text that is not `WHOLE` goes on: its end is none.
    pub(super) fn follow<const WHOLE: bool>(
        &self,
        cache: &mut Cache,
        text: &[u8],
        mut row: u32,
        mark: &mut usize,
    ) -> (Found, usize, u32) {
        let (mut at, mut found) = (0, Found::Nothing);
        loop {
            let target = self.walk(cache, text, &mut row, &mut at);
            if !WHOLE && at == text.len() {
                return (found, at, row);
            }
            if target == DEAD {
                return (found, at, row);
            }
            if target == UNKNOWN {
                let own = cache.comb.own_row(row);
                if own != row {
                    cache.comb.leave();
                    row = own;
                    continue;
                }
                if cache.bytes > self.bound {
                    row = cache.clear(self, row);
                    cache.pace.read(at - std::mem::replace(mark, at));
                    if cache.pace.thrashes() {
                        return (Found::GaveUp, at, row);
                    }
                }
                let class = match text.get(at) {
                    Some(&letter) => self.classes.of(letter),
                    None => self.end_class(),
                };
                if self.fill(cache, row, class).is_err() {
                    return (Found::GaveUp, at, row);
                }
                continue;
            }
            let Cache {
                edges,
                cells,
                records,
                copies,
                runs,
                chains,
                standing,
                found: groups,
                ..
            } = &mut *cache;
            let edge = &edges[(target & !SPECIAL) as usize];
            cells[usize::from(NOW)] = at as u32;
            if edge.record != NOTHING {
                let record = &records[edge.record as usize];
                found = Found::Pattern(record.pattern as usize);
                if edge.next == DEAD {
                    // Most matches end the search, and leave their tags in the registers.
                    *standing = Some(edge.record);
                    return (found, at, row);
                }
                *standing = None;
                groups.clear();
                groups.extend(record.spans.iter().map(|span| span.read(cells)));
            }
            if edge.next == DEAD {
                return (found, at, row);
            }
            for &(to, from) in &copies[edge.copies.0 as usize..edge.copies.1 as usize] {
                cells[usize::from(to) % CELLS] = cells[usize::from(from) % CELLS];
            }
            row = edge.next;
            at += 1;
            if edge.run != NOTHING {
                at = runs[edge.run as usize].skip(text, at);
            }
            if edge.chain != NOTHING {
                let chain = &chains[edge.chain as usize];
                // Where the letters do not follow, the text ends or fails on the ordinary way.
                if text[at..].starts_with(&chain.letters) {
                    row = chain.next;
                    at += chain.letters.len();
                }
            }
        }
    }

    /// Takes plain transitions as long as there are any; returns the first other one. A function of its own, so that
    /// the state stays in a register: to keep it in memory costs as much again as to look up the next one.
    #[inline(never)]
    fn walk(&self, cache: &mut Cache, text: &[u8], row: &mut u32, at: &mut usize) -> u32 {
        let (table, cells, classes) = (&cache.table[..], &mut cache.cells, &self.classes);
        let (mut state, mut position) = (*row as usize, *at);
        let target = loop {
            let Some(&letter) = text.get(position) else {
                let class = self.end_class();
                break target_of(table[state + class] ^ tag(class));
            };
            let class = classes.of(letter);
            // What depends on the letter alone need not wait for the state: from there to the next one is but one look-up.
            let column = &table[class..];
            let word = column[state];
            let checked = word ^ tag(class);
            if checked < u64::from(SPECIAL) {
                // Nearly all transitions: nothing to do but to go on.
                state = word as u32 as usize;
                position += 1;
                continue;
            }
            if checked & (OTHER | u64::from(SPECIAL)) != 0 {
                break target_of(checked);
            }
            // The copy comes first: it may read the cell that is set.
            let work = (word >> 32) as usize;
            cells[(work >> 8) % CELLS] = cells[(work >> 16) % CELLS];
            cells[work % CELLS] = position as u32;
            state = word as u32 as usize;
            position += 1;
        };
        (*row, *at) = (state as u32, position);
        target
    }
}
