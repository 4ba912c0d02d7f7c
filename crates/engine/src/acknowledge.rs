//! The kernel's and the store's answers, and when a ban counts as acknowledged.

use crate::pending::Wait;
use crate::{BanKey, Effect, Engine, Event};
use base::Timestamp;

impl Engine {
    /// The kernel answered.
    pub(crate) fn applied(
        &mut self,
        now: Timestamp,
        seq: u64,
        result: Result<(), String>,
        out: &mut Vec<Effect>,
    ) {
        let Some(flight) = self.pending.get_mut(seq) else {
            return;
        };
        let (Some(key), false) = (flight.key.clone(), flight.kernel == Wait::Over) else {
            return;
        };
        let lifts = flight.lifts;
        let first = flight.kernel == Wait::Waiting;
        let live = match result {
            Ok(()) => {
                flight.kernel = Wait::Over;
                !lifts && self.answered(now, seq, &key, |ban| ban.applied(seq), out)
            }
            Err(error) => {
                flight.kernel = Wait::Failed(error.clone());
                // Each further failed try would say the same.
                if first {
                    let BanKey { jail, id } = key.clone();
                    out.push(Effect::Notify(Event::EnforceFailed { jail, id, error }));
                }
                self.bans.get(&key).is_some_and(|ban| ban.last_seq == seq)
            }
        };
        self.pending.settle(seq, live, out);
    }

    /// The store answered. A store that cannot write is told and holds nothing up: the kernel keeps the ban, and
    /// a later start adopts it from there.
    pub(crate) fn committed(
        &mut self,
        now: Timestamp,
        seq: u64,
        result: Result<(), String>,
        out: &mut Vec<Effect>,
    ) {
        let Some(flight) = self.pending.get_mut(seq) else {
            return;
        };
        if flight.store != Wait::Waiting {
            return;
        }
        let key = flight.key.clone();
        let lifts = flight.lifts;
        flight.store = Wait::Over;
        if let Err(error) = result {
            flight.store = Wait::Failed(error.clone());
            let ban = key.clone().map(|key| (key.jail, key.id));
            out.push(Effect::Notify(Event::StoreFailed { ban, error }));
        }
        let live = key.is_some_and(|key| {
            !lifts && self.answered(now, seq, &key, |ban| ban.committed = true, out)
        });
        self.pending.settle(seq, live, out);
    }

    /// Notes an answer for the ban that it belongs to, and tells the ban once it has both. True if it answers the
    /// latest effect of a ban that stands.
    fn answered(
        &mut self,
        now: Timestamp,
        seq: u64,
        key: &BanKey,
        note: impl FnOnce(&mut crate::bans::Ban),
        out: &mut Vec<Effect>,
    ) -> bool {
        // An answer about an earlier ban of the same one, lifted since, says nothing about this one.
        let Some(ban) = self.bans.get_mut(key).filter(|ban| seq >= ban.first_seq) else {
            return false;
        };
        note(ban);
        let live = ban.last_seq == seq;
        if !ban.announced && ban.applied && ban.committed {
            self.announce(now, key, out);
        }
        live
    }

    /// Tells a ban that holds.
    pub(crate) fn announce(&mut self, now: Timestamp, key: &BanKey, out: &mut Vec<Effect>) {
        let Some(ban) = self.bans.get_mut(key) else {
            return;
        };
        ban.announced = true;
        ban.announced_at = now;
        let restored = ban.restored;
        out.push(Effect::Notify(Event::Banned {
            jail: key.jail,
            id: key.id.clone(),
            time: ban.time,
            until: ban.until,
            failures: ban.failures,
            users: ban.users.clone(),
            count: ban.count,
            restored,
            seq: ban.first_seq,
        }));
        self.lift_children(key, out);
        if !restored {
            self.feed(now, key, out);
        }
    }
}
