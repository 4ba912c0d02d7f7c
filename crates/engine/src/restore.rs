//! The start: what the store and the kernel already hold becomes bans again (behaviour §4.6).

use crate::bans::{MARK_FIXED, MARK_FORCED, ends_later, has_mark};
use crate::impose::{Origin, Proposal};
use crate::pending::Wait;
use crate::{BanKey, Effect, Engine, Event, JailId, JailPolicy, Past, RestoredBan};
use base::{FailureId, NamedTexts, Prefix, Span, Timestamp};

impl Engine {
    /// Takes the store's rows of one jail. What is not restored is also taken out of the kernel, if the kernel's
    /// own time-out has not yet done so; the rows stay.
    pub(crate) fn restore(
        &mut self,
        now: Timestamp,
        jail: JailId,
        mut rows: Vec<RestoredBan>,
        out: &mut Vec<Effect>,
    ) {
        for row in &rows {
            let (id, time) = (row.id.clone(), row.time);
            let (count, length) = (row.count, row.length);
            let past = Past {
                count,
                time,
                length,
            };
            self.note_past(BanKey { jail, id }, past);
        }
        let Some(enforceable) = self.jail(jail).map(|jail| jail.policy.enforceable) else {
            return;
        };
        // They wait in the store until something can keep them out.
        rows.retain(|row| enforceable.covers(&row.id));
        // In order of address, whatever the store's: thus the effects do not depend on it, and filling is quick.
        rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        for row in rows {
            self.restore_one(now, jail, row, out);
        }
    }

    fn restore_one(
        &mut self,
        now: Timestamp,
        jail: JailId,
        row: RestoredBan,
        out: &mut Vec<Effect>,
    ) {
        let id = row.id.clone();
        let key = BanKey { jail, id };
        if row.until().is_some_and(|until| until <= now) || self.bans.get(&key).is_some() {
            return;
        }
        // It went into the ban of its network.
        let parent = self
            .parent_of(&key)
            .and_then(|parent| self.bans.get(&parent));
        if parent.is_some_and(|parent| !ends_later(row.until(), parent.until)) {
            self.drop_from_kernel(key, out);
            return;
        }
        let forced = has_mark(&row, MARK_FORCED);
        let Some(policy) = self.jail(jail).map(|jail| &jail.policy) else {
            return;
        };
        let length = restored_length(policy, &row);
        let over = length.is_some_and(|length| row.time + length <= now);
        if over || !self.may_return(now, &key, forced, out) {
            self.drop_from_kernel(key, out);
            return;
        }
        let proposal = Proposal {
            time: row.time,
            length,
            count: row.count,
            failures: row.failures,
            users: row.users,
            matches: row.matches,
            captures: row.captures,
            origin: Origin::Store,
            forced,
        };
        self.impose(now, key, proposal, None, out);
    }

    /// Takes an element that only the kernel held. It keeps the kernel's end, also over the next restarts.
    pub(crate) fn adopt(
        &mut self,
        now: Timestamp,
        jail: JailId,
        prefix: Prefix,
        until: Option<Timestamp>,
        out: &mut Vec<Effect>,
    ) {
        let id = FailureId::Prefix(prefix);
        let key = BanKey { jail, id };
        let known = self.jail(jail).is_some() && self.bans.get(&key).is_none();
        if !known || until.is_some_and(|until| until <= now) {
            return;
        }
        let enforceable = self.jail(jail).map(|jail| jail.policy.enforceable);
        let enforceable = enforceable.is_some_and(|whom| whom.covers(&key.id));
        if !enforceable || !self.may_return(now, &key, false, out) {
            self.drop_from_kernel(key, out);
            return;
        }
        // Its row may be over or was never written: it is one more than what is known.
        let past = self.history.of(&key);
        let count = past.map_or(1, |past| past.count.saturating_add(1));
        let proposal = Proposal {
            time: now,
            length: until.map(|until| until.since(now)),
            count,
            failures: 0,
            users: Vec::new(),
            matches: Vec::new(),
            captures: NamedTexts::default(),
            origin: Origin::Kernel,
            forced: false,
        };
        self.impose(now, key, proposal, None, out);
    }

    /// False, and told, for whom the rules now ignore or protect.
    fn may_return(
        &self,
        now: Timestamp,
        key: &BanKey,
        forced: bool,
        out: &mut Vec<Effect>,
    ) -> bool {
        let (jail, id) = (key.jail, key.id.clone());
        let Some(policy) = self.jail(jail).map(|jail| &jail.policy) else {
            return false;
        };
        if forced {
            return true;
        }
        if let Some(why) = self.guard.ignored(policy, &id) {
            out.push(Effect::Notify(Event::Ignored { jail, id, why }));
            return false;
        }
        if let Some(why) = self.guard.protected(now, policy, &id) {
            out.push(Effect::Notify(Event::Protected { jail, id, why }));
            return false;
        }
        true
    }

    fn drop_from_kernel(&mut self, key: BanKey, out: &mut Vec<Effect>) {
        let seq = self.fly(&key, true, Wait::Waiting, Wait::Over, None);
        let expired = false;
        out.push(Effect::Unban { seq, key, expired });
    }
}

/// A row's length, cut to what the jail gives now unless it was chosen on purpose.
fn restored_length(policy: &JailPolicy, row: &RestoredBan) -> Option<Span> {
    let longest = policy.longest_restored();
    match (row.length, longest) {
        _ if has_mark(row, MARK_FIXED) => row.length,
        (Some(length), Some(longest)) => Some(length.min(longest)),
        (length, longest) => length.or(longest),
    }
}
