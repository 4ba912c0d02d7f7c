//! Bans of those who were banned before: counted, and made longer where the jail says so (behaviour §4.5).

use crate::impose::Proposal;
use crate::{BanKey, Effect, Engine, Event, Past};
use base::{Span, Timestamp};

/// What became of a ban that its jail's rule of growing bans is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Grown {
    /// It has a length of its own.
    Yes,
    /// The same, but under fail2ban's name the store keeps what it has: these failures come from before the last ban
    /// and were read twice, or the ban is over already.
    NotToBeStored,
}

impl Engine {
    /// Gives a new ban its number and, if its owner was banned before, the length that follows; none if it keeps the
    /// jail's.
    pub(crate) fn grow(
        &mut self,
        now: Timestamp,
        key: &BanKey,
        proposal: &mut Proposal,
        out: &mut Vec<Effect>,
    ) -> Option<Grown> {
        let (jail, id) = (key.jail, &key.id);
        let random = self.random.next();
        let policy = &self.jail(jail)?.policy;
        let growth = policy.growth.as_ref()?;
        let usual = policy.bantime.filter(|usual| usual.as_micros() > 0)?;
        let past = match growth.over_all_jails {
            true => self.history.over_all(self.jails.len() as u32, id)?,
            false => self.history.of(key)?,
        };
        proposal.count = proposal.count.max(past.count.saturating_add(1));
        let length = match growth.length(usual, past.count, random) {
            Ok(length) => length,
            Err(error) => {
                let error = error.to_string();
                out.push(Effect::Notify(Event::GrowthFailed {
                    jail,
                    id: id.clone(),
                    error,
                }));
                return None;
            }
        };
        let span = Span::from_secs_f64(length.value);
        proposal.length = Some(span);
        let is_new = proposal.time > past.time;
        if is_new {
            out.push(Effect::Notify(Event::BannedBefore {
                jail,
                id: id.clone(),
                bans: past.count,
                last: past.time,
                usual,
                length,
            }));
        }
        let until = proposal.time + span;
        let over = until < now;
        if !over && span != usual {
            out.push(Effect::Notify(Event::Grown {
                jail,
                id: id.clone(),
                count: proposal.count,
                length,
                until,
            }));
        }
        match is_new && !over || !self.as_fail2ban {
            true => Some(Grown::Yes),
            false => Some(Grown::NotToBeStored),
        }
    }

    /// Keeps a ban in mind, if a jail may ask for it at the next one.
    pub(crate) fn remember(&mut self, key: &BanKey, proposal: &Proposal) {
        let past = Past {
            count: proposal.count,
            time: proposal.time,
            length: proposal.length,
        };
        self.note_past(key.clone(), past);
    }

    /// The same, of a ban that the store tells.
    pub(crate) fn note_past(&mut self, key: BanKey, past: Past) {
        let grows = |jail: &crate::engine::Jail| jail.policy.growth.is_some();
        let of_all = self
            .jails
            .iter()
            .any(|jail| jail.policy.looks_over_all_jails());
        if of_all || self.jail(key.jail).is_some_and(grows) {
            self.history.note(key, past);
        }
    }
}

/// A source of numbers that differ: who knows the seed knows them all, which is what tests want.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one, by splitmix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
