//! Making a transition when a text needs it.

use super::cache::{Cache, Chain, DEAD, Edge, IDLE, NOTHING, RegistersFull, word};
use super::closure::Kind;
use super::step::Stepped;
use super::{NONE, NOW, Tdfa};
use crate::pyre::pace::OF_SEVERAL;

/// Fewest letters of a chain: comparing fewer is no faster than single steps.
const MIN_CHAIN: usize = 6;
/// Most letters of a chain.
const MAX_CHAIN: usize = 128;
/// States with more places than this are not tried for chains.
const MAX_CHAIN_PLACES: usize = 8;

impl Tdfa {
    /// The row of the start state.
    pub(super) fn start(&self, cache: &mut Cache) -> Result<u32, RegistersFull> {
        if let Some(row) = cache.start {
            return Ok(row);
        }
        let place = self.places.start;
        let (row, _) = cache.intern(self, &[place], &vec![NONE; self.tags])?;
        cache.start = Some(row);
        Ok(row)
    }

    /// Makes the transition of the state at `row` over `class`. Apart from the walk, which needs few registers.
    #[cold]
    #[inline(never)]
    pub(super) fn fill(
        &self,
        cache: &mut Cache,
        row: u32,
        class: usize,
    ) -> Result<(), RegistersFull> {
        let before = cache.work;
        cache.comb.make();
        let mut stepped = std::mem::take(&mut cache.stepped);
        self.step(cache, row, class, &mut stepped);
        let made = self.made(cache, row, class, &mut stepped);
        cache.stepped = stepped;
        cache.pace.make(match self.is_of_several {
            true => OF_SEVERAL,
            false => cache.work - before,
        });
        if let Some(made) = made? {
            cache.put(self, row, class, made);
        }
        Ok(())
    }

    /// The transition that leads where `stepped` says; none if it was made together with others.
    fn made(
        &self,
        cache: &mut Cache,
        row: u32,
        class: usize,
        stepped: &mut Stepped,
    ) -> Result<Option<u64>, RegistersFull> {
        let mut edge = Edge {
            next: DEAD,
            copies: (0, 0),
            record: NOTHING,
            run: NOTHING,
            chain: NOTHING,
        };
        if let Some(record) = stepped.record.take() {
            edge.record = cache.records.len() as u32;
            cache.bytes += 32 + size_of_val(&*record.spans);
            cache.records.push(record);
        }
        if stepped.places.is_empty() {
            return Ok(Some(match edge.record {
                NOTHING => word(DEAD, 0),
                _ => cache.edge(edge),
            }));
        }
        let (next, copies) = cache.intern(self, &stepped.places, &stepped.values)?;
        (edge.next, edge.copies) = (cache.entrance(self, next), copies);
        let stays = next == row && copies.0 == copies.1 && edge.record == NOTHING;
        if stays && self.stays(cache, row, class) {
            return Ok(None);
        }
        if next != row {
            edge.chain = self.chain(cache, next, stepped)?;
        }
        Ok(Some(
            match pack(&cache.copies[copies.0 as usize..copies.1 as usize]) {
                Some(work) if edge.record == NOTHING && edge.chain == NOTHING => {
                    word(edge.next, work)
                }
                _ => cache.edge(edge),
            },
        ))
    }

    /// The letters that must follow the state at `row`, when they are many enough: an index into `Cache::chains`. The
    /// states between are not made; a text that leaves the chain makes those it needs.
    fn chain(
        &self,
        cache: &mut Cache,
        row: u32,
        stepped: &mut Stepped,
    ) -> Result<u32, RegistersFull> {
        let id = row as usize / self.stride();
        if let Some(known) = cache.states.of(id).chain {
            return Ok(known);
        }
        cache.states.of(id).chain = Some(NOTHING);
        if cache.states.places(id).len() > MAX_CHAIN_PLACES {
            return Ok(NOTHING);
        }
        let mut places = cache.states.places(id).to_vec();
        let mut registers = cache.states.registers(id).to_vec();
        let mut letters = Vec::new();
        while places.len() <= MAX_CHAIN_PLACES && letters.len() < MAX_CHAIN {
            let Some(letter) = self.only_letter(cache, &places) else {
                break;
            };
            let class = self.classes.of(letter);
            let state = (&places[..], &registers[..]);
            self.step_from(&mut cache.closure, state, class, stepped);
            cache.work += stepped.work;
            if stepped.record.is_some()
                || stepped.places.is_empty()
                || stepped.values.contains(&NOW)
            {
                break;
            }
            std::mem::swap(&mut places, &mut stepped.places);
            std::mem::swap(&mut registers, &mut stepped.values);
            letters.push(letter);
        }
        if letters.len() < MIN_CHAIN {
            return Ok(NOTHING);
        }
        let (next, copies) = cache.intern(self, &places, &registers)?;
        if copies.0 != copies.1 {
            return Ok(NOTHING);
        }
        let entrance = cache.entrance(self, next);
        cache.bytes += 32 + letters.len();
        cache.chains.push(Chain {
            letters: letters.into(),
            next: entrance,
        });
        let chain = cache.chains.len() as u32 - 1;
        cache.states.of(id).chain = Some(chain);
        Ok(chain)
    }

    /// The one letter on which any of `places` can go on; `None` when there are several or a match is possible.
    fn only_letter(&self, cache: &mut Cache, places: &[u32]) -> Option<u8> {
        let (mut only, mut are_several) = (None, false);
        let looked_at = cache.closure.of(&self.places, places, false, |leaf| {
            are_several |= match leaf.kind {
                Kind::Letters { from, to } => {
                    let letters = self.places.transitions(from, to);
                    letters.iter().any(|&(first, last, _)| {
                        first != last || *only.get_or_insert(first) != first
                    })
                }
                Kind::Match(_) => true,
            };
            !are_several
        });
        cache.work += looked_at;
        only.filter(|_| !are_several)
    }
}

/// Copies as the high half of a word: at most one from a register, which comes first, and one of the position.
fn pack(copies: &[(u8, u8)]) -> Option<u32> {
    let (mut work, mut positions, mut others) = (IDLE, 0, 0);
    for &(to, from) in copies {
        if from == NOW {
            positions += 1;
            work = work & !0xFF | u32::from(to);
        } else {
            others += 1;
            work = work & 0xFF | u32::from(to) << 8 | u32::from(from) << 16;
        }
    }
    let work = if copies.is_empty() { 0 } else { work };
    (positions <= 1 && others <= 1).then_some(work)
}
