//! A lazy automaton that tells every pattern that matches, without groups or priorities.
//!
//! A state is the set of places in the nondeterministic automaton that the last letter led to. States and transitions
//! are made when a text needs them. A pattern that was found is looked for no more: its places leave the state. A
//! search may ask for some of the patterns only; that is nothing but another start state.

mod cache;
mod fill;
mod heads;

pub(super) use cache::Cache;

use super::byte_classes::ByteClasses;
use super::places::Places;
use cache::{DEAD, NOTHING, SPECIAL, UNKNOWN};
use heads::Known;
use regex_automata::nfa::thompson::NFA;

/// The immutable part; shared by threads.
#[derive(Debug)]
pub(super) struct Subsets {
    places: Places,
    classes: ByteClasses,
    /// Bytes from here on are no letters.
    letters: u16,
    /// Bytes of transitions and states after which the cache is emptied.
    bound: usize,
}

/// The automaton gave up: it says nothing of this text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct GaveUp;

impl Subsets {
    /// The automaton over `nfas`, one per pattern, whose text has letters below `letters`.
    pub(super) fn new(nfas: &[NFA], letters: u16, bound: usize) -> Self {
        let places = Places::new(nfas, 0);
        Self {
            classes: places.classes(),
            places,
            letters,
            bound,
        }
    }

    /// Entries of a state in the table.
    fn stride(&self) -> usize {
        self.classes.count() + 1
    }

    /// Appends those of the patterns that match anywhere in `text` with `ending` behind it to `hits`, in no order;
    /// `selection` is one that the cache gave for them.
    pub(super) fn search<'t>(
        &self,
        cache: &mut Cache,
        selection: usize,
        mut text: &'t [u8],
        mut ending: &'t [u8],
        hits: &mut Vec<usize>,
    ) -> Result<(), GaveUp> {
        (cache.work, cache.steps, cache.silent_after) = (0, 0, None);
        if !cache.pace.begin(text.len() + ending.len()) {
            return Err(GaveUp);
        }
        let begin = hits.len();
        cache.last = None;
        let (mut row, mut at) = self.begin(cache, selection, text);
        // Letters before `text`, and how many had been read when the cache was last emptied.
        let (mut before, mut mark) = (0, 0);
        let done = loop {
            let word = match row {
                DEAD => DEAD,
                _ => self.walk(cache, text, &mut row, &mut at),
            };
            if at == text.len() && row != DEAD {
                if !ending.is_empty() {
                    before = at;
                    (text, ending, at) = (ending, &[], 0);
                    continue;
                }
                cache.last = Some(row);
            }
            if word == DEAD {
                break Ok(());
            }
            if word == UNKNOWN {
                if cache.bytes > self.bound {
                    row = cache.clear(self, row);
                    cache.pace.read(before + at - mark);
                    mark = before + at;
                    if cache.pace.thrashes() {
                        hits.truncate(begin);
                        break Err(GaveUp);
                    }
                }
                let class = match text.get(at) {
                    Some(&letter) => self.classes.of(letter),
                    None => self.classes.count(),
                };
                self.fill(cache, row, class);
                continue;
            }
            let edge = cache.edges[(word & !SPECIAL) as usize];
            for &pattern in &cache.hits[edge.hits.0 as usize..edge.hits.1 as usize] {
                hits.push(pattern as usize);
            }
            if edge.next == DEAD {
                break Ok(());
            }
            row = edge.next;
            at += 1;
            if edge.run != NOTHING {
                at = cache.runs[edge.run as usize].skip(text, at);
            }
        };
        cache.pace.read(before + at - mark);
        cache.steps = before + at + cache.work;
        cache.silent_after = (hits.len() == begin).then_some(before + at + 1);
        done
    }

    /// The row after the first letters, as far as it is known from texts before, and how many those are. Lines of one
    /// log begin with the same time, and with the same few names.
    fn begin(&self, cache: &mut Cache, selection: usize, text: &[u8]) -> (u32, usize) {
        let (mut row, mut at) = (self.start(cache, selection), 0);
        for depth in 0..heads::DEPTHS {
            let Some(&letters) = text[at..].first_chunk().filter(|_| row != DEAD) else {
                break;
            };
            match cache.heads.after(depth, row, letters) {
                Known::Row(next) => (row, at) = (next, at + letters.len()),
                Known::Nothing => {
                    let (mut next, mut walked) = (row, 0);
                    let word = self.walk(cache, &letters, &mut next, &mut walked);
                    // Only where nobody has to be told of anything that is found on the way.
                    let is_plain = walked == letters.len();
                    if is_plain || word == DEAD {
                        next = if is_plain { next } else { DEAD };
                        cache.heads.learn(row, letters, next);
                        (row, at) = (next, at + letters.len());
                    }
                    break;
                }
                Known::Unasked => break,
            }
        }
        (row, at)
    }

    /// The patterns that the end of the last text found still in the running; ascending.
    pub(super) fn in_the_running<'a>(&'a self, cache: &'a Cache) -> impl Iterator<Item = u32> + 'a {
        let mut places: Vec<u32> = cache
            .last
            .and_then(|row| cache.states.get(row as usize / self.stride()))
            .map_or(Vec::new(), |state| {
                state
                    .places
                    .iter()
                    .map(|&place| self.places.pattern_of(place))
                    .collect()
            });
        places.dedup();
        places.into_iter()
    }

    /// Takes plain transitions as long as there are any; returns the first other one. A function of its own, so that
    /// the state stays in a register.
    #[inline(never)]
    fn walk(&self, cache: &Cache, text: &[u8], row: &mut u32, at: &mut usize) -> u32 {
        let (table, classes) = (&cache.table[..], &self.classes);
        let (mut state, mut position) = (*row as usize, *at);
        let word = loop {
            let Some(&letter) = text.get(position) else {
                break table[state + classes.count()];
            };
            // What depends on the letter alone need not wait for the state.
            let column = &table[classes.of(letter)..];
            let word = column[state];
            if word >= SPECIAL {
                break word;
            }
            state = word as usize;
            position += 1;
        };
        (*row, *at) = (state as u32, position);
        word
    }
}
