//! Effects that were not answered yet, and requests that wait for them.
//!
//! Each numbered effect may wait for the kernel, the store or both. A request is replied to when everything it
//! caused was answered. After the kernel's refusal the effect stays known until the enforcer's own retry succeeds
//! or something later takes its place.

use crate::{Answer, BanKey, BanOutcome, Effect, RequestId};
use base::FailureId;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

/// Room for so many effects is kept for the next ones.
const KEPT: usize = 1_000;

/// Sentences in one answer.
const MAX_ERRORS: usize = 20;

/// How far one of the two answers is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not needed, or it came and was good (the store: or bad, which is told but never holds up).
    Over,
    Waiting,
    Failed(String),
}

/// One numbered effect that waits.
#[derive(Debug)]
pub(crate) struct Flight {
    /// Which ban; `None` for all.
    pub(crate) key: Option<BanKey>,
    /// It lifts instead of imposing.
    pub(crate) lifts: bool,
    pub(crate) kernel: Wait,
    pub(crate) store: Wait,
    /// Who waits for it, and at which place of the answer.
    pub(crate) request: Option<(RequestId, usize)>,
}

#[derive(Debug)]
struct OpenRequest {
    waiting: usize,
    answer: Answer,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    last_seq: u64,
    /// In no order: each is found by its number.
    flights: HashMap<u64, Flight, BuildHasherDefault<BySeq>>,
    requests: BTreeMap<RequestId, OpenRequest>,
}

impl Pending {
    /// Registers an effect and gives its number, from 1.
    pub(crate) fn begin(&mut self, flight: Flight) -> u64 {
        if let Some((id, _)) = flight.request
            && let Some(open) = self.requests.get_mut(&id)
        {
            open.waiting += 1;
        }
        let seq = self.next_seq();
        self.flights.insert(seq, flight);
        seq
    }

    /// A number that nobody waits for.
    pub(crate) fn next_seq(&mut self) -> u64 {
        self.last_seq += 1;
        self.last_seq
    }

    pub(crate) fn get_mut(&mut self, seq: u64) -> Option<&mut Flight> {
        self.flights.get_mut(&seq)
    }

    /// Forgets a refused effect whose ban is over or has a later effect. One that still waits stays.
    pub(crate) fn supersede(&mut self, seq: u64) {
        if let Some(flight) = self.flights.get(&seq)
            && matches!(flight.kernel, Wait::Failed(_))
            && flight.store != Wait::Waiting
        {
            self.end(seq);
        }
    }

    /// If both answers of an effect are there, tells the waiting request. `live` says whether a retry of a
    /// refused effect still matters.
    pub(crate) fn settle(&mut self, seq: u64, live: bool, out: &mut Vec<Effect>) {
        let Some(flight) = self.flights.get_mut(&seq) else {
            return;
        };
        if flight.kernel == Wait::Waiting || flight.store == Wait::Waiting {
            return;
        }
        let request = flight.request.take();
        let keep = live && matches!(flight.kernel, Wait::Failed(_));
        let errors = [&flight.kernel, &flight.store].map(|wait| match wait {
            Wait::Failed(error) => Some(error.clone()),
            _ => None,
        });
        let lifts = flight.lifts;
        if !keep {
            self.end(seq);
        }
        if let Some((id, place)) = request {
            self.resolve(id, place, lifts, errors, out);
        }
    }

    fn end(&mut self, seq: u64) {
        self.flights.remove(&seq);
        if self.flights.is_empty() && self.flights.capacity() > 2 * KEPT {
            self.flights.shrink_to(KEPT);
        }
    }

    /// Opens a request. It holds one wait of its own until `close`, so that it cannot end while it grows.
    /// False if the number is in use.
    pub(crate) fn open(&mut self, id: RequestId, answer: Answer) -> bool {
        if self.requests.contains_key(&id) {
            return false;
        }
        let open = OpenRequest { waiting: 1, answer };
        self.requests.insert(id, open);
        true
    }

    /// Everything that a request causes is registered.
    pub(crate) fn close(&mut self, id: RequestId, out: &mut Vec<Effect>) {
        self.count_down(id, out);
    }

    /// Appends one id to the answer of a ban request; gives its place.
    pub(crate) fn note_ban(&mut self, id: RequestId, of: &FailureId, outcome: BanOutcome) -> usize {
        match self.requests.get_mut(&id).map(|open| &mut open.answer) {
            Some(Answer::Ban(outcomes)) => {
                outcomes.push((of.clone(), outcome));
                outcomes.len() - 1
            }
            _ => 0,
        }
    }

    /// Appends one lifted ban to the answer of an unban request.
    pub(crate) fn note_lifted(&mut self, id: RequestId, key: &BanKey) {
        if let Some(Answer::Unban { lifted, .. }) =
            self.requests.get_mut(&id).map(|open| &mut open.answer)
        {
            lifted.push(key.clone());
        }
    }

    fn resolve(
        &mut self,
        id: RequestId,
        place: usize,
        lifts: bool,
        [kernel, store]: [Option<String>; 2],
        out: &mut Vec<Effect>,
    ) {
        let Some(open) = self.requests.get_mut(&id) else {
            return;
        };
        match &mut open.answer {
            Answer::Ban(outcomes) if !lifts => {
                if let Some((_, outcome)) = outcomes.get_mut(place) {
                    match kernel {
                        Some(error) => *outcome = BanOutcome::Failed(error),
                        None if *outcome == BanOutcome::Waiting => *outcome = BanOutcome::Banned,
                        None => {}
                    }
                }
            }
            Answer::Unban { errors, .. } => {
                let room = MAX_ERRORS.saturating_sub(errors.len());
                errors.extend(kernel.into_iter().chain(store).take(room));
            }
            _ => {}
        }
        self.count_down(id, out);
    }

    fn count_down(&mut self, id: RequestId, out: &mut Vec<Effect>) {
        let Some(open) = self.requests.get_mut(&id) else {
            return;
        };
        open.waiting = open.waiting.saturating_sub(1);
        if open.waiting == 0
            && let Some(open) = self.requests.remove(&id)
        {
            let answer = open.answer;
            out.push(Effect::Reply { id, answer });
        }
    }
}

/// Effects are numbered by ourselves, so that no secret is needed: neighbours lie apart, which is all.
#[derive(Default)]
struct BySeq(u64);

impl Hasher for BySeq {
    fn write_u64(&mut self, seq: u64) {
        self.0 = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
