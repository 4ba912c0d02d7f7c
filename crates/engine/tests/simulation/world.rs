//! What surrounds the engine: it carries effects out late, out of step and with failures, and crashes.

use crate::laws::Laws;
use crate::random::Random;
use base::{FailureId, Family, JailName, NamedTexts, Prefix, Span, Texts, Timestamp};
use engine::formula::Formula;
use engine::{
    Aggregate, BanKey, BanRecord, BanTime, Effect, Enforceable, Engine, Failure, Growth,
    GrowthRule, IgnoreSource, Input, JailId, JailPolicy, Limits, Request, RequestId, StoreWrite,
    USUAL_FORMULA,
};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};

/// One way in which the world lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The kernel says yes and does nothing.
    KernelLies,
    /// The kernel never ends a ban by itself.
    KernelForgetsTimeouts,
    /// The kernel does the later thing first.
    KernelReorders,
    /// The enforcer does not try again.
    NoRetry,
    /// The store says yes and writes nothing.
    StoreLies,
    /// Stored bans are not read at the start.
    NothingRestored,
    /// The kernel's elements are not read at the start.
    NothingAdopted,
    /// The engine is not told whom a jail ignores.
    ListUntold,
    /// The engine is not told who is protected.
    ProtectionUntold,
    /// Answers to one effect get lost.
    AnswersLost,
}

impl Fault {
    pub(crate) const ALL: [Self; 10] = [
        Self::KernelLies,
        Self::KernelForgetsTimeouts,
        Self::KernelReorders,
        Self::NoRetry,
        Self::StoreLies,
        Self::NothingRestored,
        Self::NothingAdopted,
        Self::ProtectionUntold,
        Self::ListUntold,
        Self::AnswersLost,
    ];
}

/// What the kernel is asked: an end, or to hold the ban no longer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum KernelOrder {
    Hold(Option<Timestamp>),
    Drop,
}

pub(crate) struct World {
    random: Random,
    /// The rules as they are now.
    policies: Vec<JailPolicy>,
    fault: Fault,
    now: i64,
    engine: Engine,
    pub(crate) kernel: BTreeMap<BanKey, Option<Timestamp>>,
    pub(crate) store: BTreeMap<BanKey, BanRecord>,
    kernel_queue: VecDeque<(u64, BanKey, KernelOrder)>,
    kernel_retry: BTreeMap<BanKey, (u64, KernelOrder)>,
    store_queue: VecDeque<StoreWrite>,
    /// Answers on their way to the engine, in any order.
    answers: Vec<Input<'static>>,
    protected: Vec<(Prefix, Option<Timestamp>)>,
    next_request: u64,
    laws: Laws,
    digest: DefaultHasher,
}

pub(crate) fn policies() -> Vec<JailPolicy> {
    let jail = |name: &str| JailPolicy {
        name: JailName::new(name),
        maxretry: 2,
        maxmatches: 2,
        findtime: Span::from_secs(60),
        bantime: Some(Span::from_secs(90)),
        growth: None,
        ignoreself: true,
        ignoreip: std::iter::once(prefix("10.0.0.8/31")).collect(),
        ipv4_prefix: 32,
        ipv6_prefix: 64,
        aggregate: Vec::new(),
        fed_by_bans: false,
        enforceable: Enforceable::Addresses,
    };
    let mut policies = vec![
        jail("short"),
        jail("permanent"),
        jail("recidive"),
        jail("growing"),
    ];
    for open in [0, 3] {
        policies[open].enforceable = Enforceable::AnyId;
    }
    policies[1].bantime = None;
    policies[1].ignoreself = false;
    policies[1].maxretry = 4;
    policies[3].aggregate = vec![Aggregate {
        family: Family::Inet4,
        length: 29,
        children: 3,
    }];
    policies[3].bantime = Some(Span::from_secs(30));
    policies[3].growth = Some(Growth {
        rule: GrowthRule::Formula(Formula::parse(USUAL_FORMULA).unwrap()),
        factor: 1i64.into(),
        longest: Some(Span::from_secs(300)),
        spread: Some(Span::from_secs(20)),
        over_all_jails: true,
    });
    policies[2].fed_by_bans = true;
    policies[2].bantime = Some(Span::from_secs(400));
    policies[2].findtime = Span::from_secs(600);
    policies
}

pub(crate) fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

const SUBJECTS: [&str; 17] = [
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
    "10.0.0.4",
    "10.0.0.5",
    "10.0.0.6",
    "10.0.0.7",
    "10.0.0.8",
    "127.0.0.1",
    "192.168.0.1",
    "2001:db8::1",
    "2001:db8::2",
    "2001:db8:0:1::1",
    "999.1.1.1",
    "mallory",
    "a b",
    "é'\"x",
];
/// Whom a jail's list holds now and then.
pub(crate) const LISTED: [&str; 4] = ["10.0.0.3", "10.0.0.4/31", "2001:db8:0:1::1", "a b"];
const OWN: &str = "192.168.0.1";

impl World {
    pub(crate) fn new(seed: u64, fault: Fault) -> Self {
        let mut world = Self {
            random: Random(seed),
            policies: policies(),
            fault,
            now: 1_000_000,
            engine: fresh_engine(policies()),
            kernel: BTreeMap::new(),
            store: BTreeMap::new(),
            kernel_queue: VecDeque::new(),
            kernel_retry: BTreeMap::new(),
            store_queue: VecDeque::new(),
            answers: Vec::new(),
            protected: Vec::new(),
            next_request: 0,
            laws: Laws::default(),
            digest: DefaultHasher::new(),
        };
        world.laws.own.push(prefix(OWN));
        let lists = policies().into_iter().map(|policy| policy.ignoreip);
        world.laws.lists = lists.collect();
        let enforceable = policies().into_iter().map(|policy| policy.enforceable);
        world.laws.enforceable = enforceable.collect();
        world
    }

    /// Lives through some steps, comes to rest, lifts everything; gives a digest of all effects.
    pub(crate) fn run(mut self) -> Result<u64, String> {
        self.start()?;
        for _ in 0..20 + self.random.below(100) {
            self.act()?;
        }
        self.rest()?;
        self.laws
            .at_rest(self.now(), &self.engine, &self.kernel, &self.store)?;
        self.ask(Request::UnbanAll)?;
        self.rest()?;
        self.laws
            .after_unban_all(self.now(), &self.engine, &self.kernel, &self.store)?;
        Ok(self.digest.finish())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.now)
    }

    fn act(&mut self) -> Result<(), String> {
        match self.random.below(40) {
            0..=15 => self.failures(),
            16..=19 => {
                let seconds = [1, 3, 10, 30, 91][self.random.below(5)];
                self.pass(seconds)
            }
            20..=25 => self.kernel_works(false),
            26..=30 => self.store_works(false),
            31..=35 => self.answer_arrives(),
            36 => self.requests(),
            37 => {
                let jail = JailId(self.random.below(4) as u32);
                self.step(Input::ReadBegins { jail })
            }
            38 => match self.random.below(3) {
                0 => self.rules_change(),
                1 => self.protection_changes(),
                _ => self.list_changes(),
            },
            _ if self.random.once_in(2) => self.crash(),
            _ => self.step(Input::Tick),
        }
    }

    /// The ban time of a jail changes, or how many failures are enough.
    fn rules_change(&mut self) -> Result<(), String> {
        let jail = JailId(self.random.below(4) as u32);
        let place = jail.0 as usize;
        // Growing bans have a bound, which a restart would cut the longer ones to.
        let times = match jail.0 {
            3 => [Some(20), Some(90), Some(250), Some(30)],
            _ => [Some(20), Some(90), Some(400), None],
        };
        let mut policy = self.policies[place].clone();
        policy.ignoreip = self.laws.lists[place].clone();
        policy.bantime = times[self.random.below(4)].map(Span::from_secs);
        policy.maxretry = 1 + self.random.below(4) as u32;
        if jail.0 == 0 && self.random.once_in(3) {
            policy.enforceable = [Enforceable::AnyId, Enforceable::Addresses][self.random.below(2)];
        }
        let enforceable = policy.enforceable;
        self.policies[place] = policy.clone();
        self.laws.ends_changed(&self.engine, jail, policy.bantime);
        let policy = Box::new(policy);
        self.step(Input::Policy { jail, policy })?;
        self.laws.enforceable[place] = enforceable;
        Ok(())
    }

    fn failures(&mut self) -> Result<(), String> {
        let jail = JailId([0, 1, 3][self.random.below(3)]);
        let subject = SUBJECTS[self.random.below(SUBJECTS.len())];
        let late = self.random.once_in(6);
        for _ in 0..1 + self.random.below(4) {
            let age = if late { self.random.below(120) } else { 0 };
            let failure = Failure {
                id: &subject.into(),
                time: Timestamp::from_secs(self.now - age as i64),
                user: Some(["u0", "u1", "u2"][self.random.below(3)]),
                users: &Texts::default(),
                matches: &["line"].iter().collect(),
                captures: &NamedTexts::default(),
            };
            self.step(Input::Failure { jail, failure })?;
        }
        // Sometimes something else comes first, or a crash.
        match self.random.once_in(4) {
            true => Ok(()),
            false => self.step(Input::ReadEnds),
        }
    }

    fn requests(&mut self) -> Result<(), String> {
        let some = |random: &mut Random| {
            let texts = [
                "10.0.0.1",
                "10.0.0.3",
                "10.0.0.0/29",
                "10.0.0.8",
                "127.0.0.1",
                "2001:db8::/64",
                "mallory",
                "a b",
                "1.2.3.456",
                OWN,
            ];
            (0..1 + random.below(3))
                .map(|_| FailureId::from(texts[random.below(texts.len())]))
                .collect()
        };
        let jail = JailId(self.random.below(4) as u32);
        let request = match self.random.below(6) {
            0 | 1 => Request::Ban {
                jail,
                ids: some(&mut self.random),
                time: match self.random.below(4) {
                    0 => Some(BanTime::Permanent),
                    1 => Some(BanTime::For(Span::from_secs(500))),
                    _ => None,
                },
                force: self.random.once_in(4),
            },
            5 => Request::Attempt {
                jail,
                id: SUBJECTS[self.random.below(SUBJECTS.len())].into(),
                matches: ["by", "hand"].iter().collect(),
            },
            2 | 3 => Request::Unban {
                jail: self.random.once_in(2).then_some(jail),
                ids: some(&mut self.random),
            },
            _ => Request::UnbanAll,
        };
        self.ask(request)
    }

    fn ask(&mut self, request: Request) -> Result<(), String> {
        self.next_request += 1;
        let id = RequestId(self.next_request);
        self.laws.asked(id, &request);
        self.step(Input::Request { id, request })
    }

    fn protection_changes(&mut self) -> Result<(), String> {
        let until = self
            .random
            .once_in(2)
            .then(|| Timestamp::from_secs(self.now + 60));
        let who = ["10.0.0.2", "10.0.0.6", "2001:db8::2"][self.random.below(3)];
        self.protected = vec![(prefix(who), until)];
        self.protect()
    }

    fn list_changes(&mut self) -> Result<(), String> {
        let jail = self.random.below(4);
        let mut list = policies()[jail].ignoreip.clone();
        for _ in 0..self.random.below(3) {
            let who = LISTED[self.random.below(LISTED.len())];
            list.push(IgnoreSource::File("/list".into()), who.into());
        }
        self.laws.lists[jail] = list;
        self.tell_list(jail)
    }

    fn tell_list(&mut self, jail: usize) -> Result<(), String> {
        if self.fault == Fault::ListUntold {
            return Ok(());
        }
        let list = self.laws.lists[jail].clone();
        let jail = JailId(jail as u32);
        self.step(Input::IgnoreList { jail, list })
    }

    fn protect(&mut self) -> Result<(), String> {
        self.laws.protected = self.protected.clone();
        if self.fault == Fault::ProtectionUntold {
            return Ok(());
        }
        self.step(Input::Protected {
            own: vec![prefix(OWN)],
            prefixes: self.protected.clone(),
        })
    }

    /// Time passes second by second for the kernel; the engine is woken at its deadlines, sometimes late.
    fn pass(&mut self, seconds: i64) -> Result<(), String> {
        self.now += seconds;
        let now = self.now();
        if self.fault != Fault::KernelForgetsTimeouts {
            self.kernel
                .retain(|_, until| until.is_none_or(|until| now <= until));
        }
        match self.engine.next_deadline() {
            Some(deadline) if deadline <= now && !self.random.once_in(4) => self.step(Input::Tick),
            _ => Ok(()),
        }
    }

    fn kernel_works(&mut self, surely: bool) -> Result<(), String> {
        let reorders = self.fault == Fault::KernelReorders;
        let next = if reorders {
            self.kernel_queue.pop_back()
        } else {
            self.kernel_queue.pop_front()
        };
        let (seq, key, order) = match next {
            Some(next) => next,
            None => {
                let Some((key, (seq, order))) = self.kernel_retry.pop_first() else {
                    return Ok(());
                };
                (seq, key, order)
            }
        };
        // What comes later about the same ban takes the place of what could not be done.
        self.kernel_retry.remove(&key);
        if !surely && self.random.once_in(5) {
            if self.fault != Fault::NoRetry {
                self.kernel_retry.insert(key, (seq, order));
            }
            return self.send(Input::Applied {
                seq,
                result: Err("no memory".to_owned()),
            });
        }
        match order {
            _ if self.fault == Fault::KernelLies && self.random.once_in(4) => {}
            KernelOrder::Hold(until) if until.is_some_and(|until| until < self.now()) => {
                self.kernel.remove(&key);
            }
            KernelOrder::Hold(until) => {
                self.kernel.insert(key, until);
            }
            KernelOrder::Drop => {
                self.kernel.remove(&key);
            }
        }
        self.send(Input::Applied {
            seq,
            result: Ok(()),
        })
    }

    fn store_works(&mut self, surely: bool) -> Result<(), String> {
        let Some(write) = self.store_queue.pop_front() else {
            return Ok(());
        };
        let (StoreWrite::Ban { seq, .. }
        | StoreWrite::Prolong { seq, .. }
        | StoreWrite::Length { seq, .. }
        | StoreWrite::Delete { seq, .. }
        | StoreWrite::DeleteAll { seq }) = write;
        if !surely && self.random.once_in(8) {
            self.laws.store_failed(&write);
            return self.send(Input::Committed {
                seq,
                result: Err("disk full".to_owned()),
            });
        }
        match write {
            _ if self.fault == Fault::StoreLies && self.random.once_in(4) => {}
            StoreWrite::Ban { jail, record, .. } | StoreWrite::Prolong { jail, record, .. } => {
                let id = record.id.clone();
                self.store.insert(BanKey { jail, id }, record);
            }
            StoreWrite::Length {
                jail, id, length, ..
            } => {
                if let Some(row) = self.store.get_mut(&BanKey { jail, id }) {
                    row.length = length;
                }
            }
            StoreWrite::Delete {
                jail, id, inside, ..
            } => {
                self.store.retain(|key, _| {
                    let gone = key.id == id || inside && id.contains(&key.id);
                    key.jail != jail || !gone
                });
            }
            StoreWrite::DeleteAll { .. } => self.store.clear(),
        }
        self.send(Input::Committed {
            seq,
            result: Ok(()),
        })
    }

    fn send(&mut self, answer: Input<'static>) -> Result<(), String> {
        if self.fault != Fault::AnswersLost || !self.random.once_in(10) {
            self.answers.push(answer);
        }
        Ok(())
    }

    fn answer_arrives(&mut self) -> Result<(), String> {
        if self.answers.is_empty() {
            return Ok(());
        }
        let place = self.random.below(self.answers.len());
        let answer = self.answers.swap_remove(place);
        self.step(answer)
    }

    /// Everything but the kernel and the store is lost; after a while it begins anew.
    fn crash(&mut self) -> Result<(), String> {
        self.kernel_queue.clear();
        self.kernel_retry.clear();
        self.store_queue.clear();
        self.answers.clear();
        // What holds an id that is no address does not outlive the process, and nobody reads it back.
        self.kernel.retain(|key, _| key.id.prefix().is_some());
        self.engine = fresh_engine(self.policies.clone());
        self.laws.crashed();
        let seconds = self.random.below(60) as i64;
        self.pass(seconds)?;
        self.start()
    }

    fn start(&mut self) -> Result<(), String> {
        self.protect()?;
        for jail in 0..4 {
            self.tell_list(jail)?;
        }
        let now = self.now();
        for jail in (0..4).map(JailId) {
            let rows = self.store.iter().filter(|(key, _)| key.jail == jail);
            let bans = rows.map(|(_, row)| row.clone()).collect();
            if self.fault != Fault::NothingRestored {
                self.step(Input::Restored { jail, bans })?;
            }
        }
        let runs = |row: &BanRecord| row.until().is_none_or(|until| until > now);
        let elements: Vec<_> = self
            .kernel
            .iter()
            .filter(|(key, _)| !self.store.get(key).is_some_and(runs))
            .map(|(key, until)| (key.clone(), *until))
            .collect();
        for (key, until) in elements {
            let BanKey { jail, id } = key;
            let prefix = id.prefix().unwrap();
            if self.fault != Fault::NothingAdopted {
                self.step(Input::Adopted {
                    jail,
                    prefix,
                    until,
                })?;
            }
        }
        self.laws.started(now, &self.engine)
    }

    /// Nothing new happens, and everything that is under way is done.
    fn rest(&mut self) -> Result<(), String> {
        self.step(Input::ReadEnds)?;
        for _ in 0..10_000 {
            let idle = self.kernel_queue.is_empty()
                && self.kernel_retry.is_empty()
                && self.store_queue.is_empty()
                && self.answers.is_empty();
            if idle {
                return self.step(Input::Tick);
            }
            self.kernel_works(true)?;
            self.store_works(true)?;
            self.answer_arrives()?;
        }
        Err("never comes to rest".to_owned())
    }

    fn step(&mut self, input: Input<'_>) -> Result<(), String> {
        let mut out = Vec::new();
        let now = self.now();
        self.engine.step(now, input, &mut out);
        let mut text = String::new();
        for effect in &out {
            write!(text, "{effect:?}").unwrap();
            self.laws.effect(now, effect, &self.kernel, &self.store)?;
        }
        self.digest.write(text.as_bytes());
        for effect in out {
            match effect {
                Effect::Ban { seq, key, until } => {
                    self.kernel_queue
                        .push_back((seq, key, KernelOrder::Hold(until)));
                }
                Effect::Unban {
                    key, expired: true, ..
                } => {
                    // The enforcer forgets: nothing to try again, and nothing to undo.
                    self.kernel_retry.remove(&key);
                }
                Effect::Unban {
                    seq,
                    key,
                    expired: false,
                } => {
                    self.kernel_queue.push_back((seq, key, KernelOrder::Drop));
                }
                Effect::Persist(write) => self.store_queue.push_back(write),
                Effect::Notify(_) | Effect::Reply { .. } => {}
            }
        }
        self.laws.counters(&self.engine)
    }
}

fn fresh_engine(policies: Vec<JailPolicy>) -> Engine {
    Engine::with_limits(
        policies,
        Limits {
            tracked_ids: 6,
            story_bytes: 200,
            former_bans: 5,
        },
    )
}
