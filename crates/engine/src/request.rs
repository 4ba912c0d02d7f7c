//! Bans and unbans by hand.

use crate::admit::Source;
use crate::impose::{Imposed, Origin, Proposal};
use crate::pending::{Flight, Wait};
use crate::{
    Answer, BanKey, BanOutcome, BanTime, Effect, Enforceable, Engine, Failure, JailId, LiftReason,
    ProtectReason, RefusalReason, Request, RequestId, StoreWrite,
};
use base::{FailureId, NamedTexts, Span, Texts, Timestamp};

impl Engine {
    /// Begins a request; its reply comes when everything that it caused was answered.
    pub(crate) fn request(
        &mut self,
        now: Timestamp,
        id: RequestId,
        request: Request,
        out: &mut Vec<Effect>,
    ) {
        if let Request::Attempt {
            jail,
            id: of,
            matches,
        } = &request
        {
            let answer = match self.jail(*jail) {
                Some(_) => Answer::Attempt(self.attempt(now, *jail, of, matches, out)),
                None => Answer::UnknownJail,
            };
            out.push(Effect::Reply { id, answer });
            return;
        }
        let known = match &request {
            Request::Ban { jail, .. } => self.jail(*jail).is_some(),
            Request::Unban { jail, .. } => jail.is_none_or(|jail| self.jail(jail).is_some()),
            Request::UnbanAll | Request::Attempt { .. } => true,
        };
        let answer = match &request {
            _ if !known => Answer::UnknownJail,
            Request::Ban { .. } => Answer::Ban(Vec::new()),
            _ => Answer::Unban {
                lifted: Vec::new(),
                errors: Vec::new(),
            },
        };
        if !self.pending.open(id, answer) {
            let answer = Answer::DuplicateId;
            out.push(Effect::Reply { id, answer });
            return;
        }
        match request {
            _ if !known => {}
            Request::Ban {
                jail,
                ids,
                time,
                force,
            } => {
                for of in ids {
                    self.ban_by_hand(now, id, BanKey { jail, id: of }, time, force, out);
                }
            }
            Request::Unban { jail, ids } => self.unban_by_hand(id, jail, &ids, out),
            Request::UnbanAll => self.unban_all(id, out),
            // Answered above.
            Request::Attempt { .. } => {}
        }
        self.pending.close(id, out);
    }

    fn attempt(
        &mut self,
        now: Timestamp,
        jail: JailId,
        id: &FailureId,
        matches: &Texts,
        out: &mut Vec<Effect>,
    ) -> bool {
        let failure = Failure {
            id,
            time: now,
            user: None,
            users: &Texts::default(),
            matches,
            captures: &NamedTexts::default(),
        };
        self.admit(now, jail, &failure, Source::Hand, out)
    }

    fn ban_by_hand(
        &mut self,
        now: Timestamp,
        id: RequestId,
        key: BanKey,
        time: Option<BanTime>,
        force: bool,
        out: &mut Vec<Effect>,
    ) {
        if let Some(refusal) = self.refusal(now, &key, force) {
            let outcome = BanOutcome::Refused(refusal);
            self.pending.note_ban(id, &key.id, outcome);
            return;
        }
        let jails = self.jail(key.jail).and_then(|jail| jail.policy.bantime);
        let (length, origin) = match time {
            None => (jails, Origin::Request),
            Some(BanTime::For(span)) => (Some(span), Origin::RequestWithLength),
            Some(BanTime::Permanent) => (None, Origin::RequestWithLength),
        };
        if length.is_some_and(|length| length < Span::ZERO) {
            let outcome = BanOutcome::Refused(RefusalReason::Expired);
            self.pending.note_ban(id, &key.id, outcome);
            return;
        }
        let proposal = Proposal {
            time: now,
            length,
            count: 1,
            failures: 0,
            users: Vec::new(),
            matches: Vec::new(),
            captures: NamedTexts::default(),
            origin,
            forced: force,
        };
        let outcome = match self.bans.get(&key) {
            Some(_) => BanOutcome::AlreadyBanned,
            None => BanOutcome::Waiting,
        };
        let place = self.pending.note_ban(id, &key.id, outcome);
        let imposed = self.impose(now, key, proposal, Some((id, place)), out);
        debug_assert_ne!(imposed, Imposed::Expired, "negative lengths were refused");
    }

    fn refusal(&self, now: Timestamp, key: &BanKey, force: bool) -> Option<RefusalReason> {
        let policy = &self.jail(key.jail)?.policy;
        if policy.enforceable == Enforceable::Nobody {
            return Some(RefusalReason::NotEnforceable);
        }
        if !policy.enforceable.covers(&key.id) {
            return Some(RefusalReason::NoAddress);
        }
        if force {
            return None;
        }
        let why = self.guard.protected(now, policy, &key.id)?;
        Some(match why {
            ProtectReason::OwnAddress => RefusalReason::OwnAddress,
            ProtectReason::Ignored => RefusalReason::Ignored,
            ProtectReason::Protected => RefusalReason::Protected,
        })
    }

    /// Lifts what stands of these ids or inside them. The rows of exactly these go also where nothing stands: what
    /// somebody unbans must not come back with a restart.
    fn unban_by_hand(
        &mut self,
        id: RequestId,
        jail: Option<JailId>,
        ids: &[FailureId],
        out: &mut Vec<Effect>,
    ) {
        let jails = match jail {
            Some(jail) => jail.0..jail.0 + 1,
            None => 0..self.jails.len() as u32,
        };
        for jail in jails.map(JailId) {
            for of in ids {
                let exact = BanKey {
                    jail,
                    id: of.clone(),
                };
                // Nobody is let in while the network around is banned.
                let parent = self.parent_of(&exact);
                let whole = parent.as_ref().unwrap_or(&exact);
                let mut keys: Vec<BanKey> = self.bans.inside(whole).cloned().collect();
                let stands = keys.contains(&exact);
                for key in keys.drain(..) {
                    self.pending.note_lifted(id, &key);
                    self.lift_for_good(key, LiftReason::Request, Some((id, 0)), out);
                }
                if !stands {
                    let request = Some((id, 0));
                    let seq = self.fly(&exact, true, Wait::Over, Wait::Waiting, request);
                    self.delete(seq, exact, false, out);
                }
            }
        }
    }

    /// Deletes a row, with those inside if the ban had taken them in.
    pub(crate) fn delete(&mut self, seq: u64, key: BanKey, inside: bool, out: &mut Vec<Effect>) {
        self.history.forget(&key);
        let BanKey { jail, id } = key;
        out.push(Effect::Persist(StoreWrite::Delete {
            seq,
            jail,
            id,
            inside,
        }));
    }

    fn unban_all(&mut self, id: RequestId, out: &mut Vec<Effect>) {
        self.history.clear();
        let keys: Vec<BanKey> = self.bans.iter().map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.pending.note_lifted(id, &key);
            self.lift(key, LiftReason::Request, Wait::Over, Some((id, 0)), out);
        }
        let seq = self.pending.begin(Flight {
            key: None,
            lifts: true,
            kernel: Wait::Over,
            store: Wait::Waiting,
            request: Some((id, 0)),
        });
        out.push(Effect::Persist(StoreWrite::DeleteAll { seq }));
    }
}
