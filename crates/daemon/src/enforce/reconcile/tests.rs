//! Random orders against a firewall that fails: at rest it holds what is desired.

use super::super::model::Model;
use super::super::{Blocktype, Held, Inspection, Ports, Scope};
use super::*;
use proptest::prelude::*;

fn jail(name: &str) -> EnforceJail {
    EnforceJail {
        name: JailName::new(name),
        ports: Ports::All,
        protocol: Protocol::Tcp,
        blocktype: Blocktype::Drop,
        scope: Scope::All,
    }
}

fn prefix(text: &str) -> Prefix {
    text.parse().unwrap()
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn standing(text: &str, until: Option<i64>) -> Standing {
    Standing {
        jail: JailName::new("a"),
        prefix: prefix(text),
        until: until.map(at),
    }
}

fn ban(seq: u64, text: &str, until: Option<i64>) -> Command {
    Command::Ban {
        seq,
        jail: JailName::new("a"),
        prefix: prefix(text),
        until: until.map(at),
    }
}

fn unban(seq: u64, text: &str) -> Command {
    Command::Unban {
        seq: Some(seq),
        jail: JailName::new("a"),
        prefix: prefix(text),
        expired: false,
    }
}

/// A reconciler on a model, with one jail `a`.
struct Bench {
    model: Model,
    reconciler: Reconciler<Model>,
    told: Vec<Report>,
}

impl Bench {
    fn new(model: Model) -> Self {
        let mut told = Vec::new();
        let jails = vec![jail("a")];
        let reconciler = Reconciler::adopt(model.clone(), "t", jails, at(0), &mut told).unwrap();
        Self {
            model,
            reconciler,
            told,
        }
    }

    /// The reports of a step, without the status.
    fn step(&mut self, secs: i64, commands: Vec<Command>) -> Vec<Report> {
        self.told.clear();
        self.reconciler.step(commands, at(secs), &mut self.told);
        self.told.retain(|r| !matches!(r, Report::Status(_)));
        std::mem::take(&mut self.told)
    }

    fn watch(&mut self, secs: i64) -> Vec<Report> {
        self.told.clear();
        self.reconciler.watch(at(secs), &mut self.told);
        std::mem::take(&mut self.told)
    }

    fn held(&self, secs: i64) -> Vec<String> {
        let held = self.model.held(&JailName::new("a"), at(secs));
        held.keys().map(ToString::to_string).collect()
    }
}

/// Bans that were answered with an error and not well since.
#[derive(Default)]
struct Refused {
    seqs: BTreeSet<u64>,
    /// The number of the last ban of each one.
    latest: BTreeMap<Prefix, u64>,
}

impl Refused {
    /// Each of `asked` is answered once; others only well, after an error, and once.
    fn answer(&mut self, reports: &[Report], asked: &[u64]) -> Result<(), TestCaseError> {
        let mut left: BTreeSet<u64> = asked.iter().copied().collect();
        for report in reports {
            let Report::Applied { seq, result } = report else {
                continue;
            };
            let expected = left.remove(seq) || (result.is_ok() && self.seqs.remove(seq));
            prop_assert!(expected, "{} is answered again", seq);
            if result.is_err() {
                self.seqs.insert(*seq);
            }
        }
        prop_assert!(left.is_empty(), "{:?} are not answered", left);
        Ok(())
    }
}

fn applied(seq: u64) -> Report {
    Report::Applied {
        seq,
        result: Ok(()),
    }
}

#[test]
fn what_arrives_together_is_one_transaction() {
    let mut bench = Bench::new(Model::new(true));
    let reports = bench.step(
        0,
        vec![
            ban(1, "10.0.0.1", Some(600)),
            ban(2, "10.0.0.2", None),
            ban(3, "10.0.0.3", None),
            unban(4, "10.0.0.3"),
            ban(5, "10.0.0.1", Some(900)),
        ],
    );
    assert_eq!(reports, [1, 2, 3, 4, 5].map(applied));
    assert_eq!(bench.model.state().transactions, 1);
    assert_eq!(bench.held(0), ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(bench.held(800), ["10.0.0.1", "10.0.0.2"]);
    // The same again is nothing to do, and yet answered.
    assert_eq!(bench.step(1, vec![ban(6, "10.0.0.2", None)]), [applied(6)]);
    assert_eq!(bench.model.state().transactions, 1);
}

#[test]
fn connections_of_the_newly_banned_are_cut_once() {
    let mut bench = Bench::new(Model::new(true));
    bench.step(
        0,
        vec![
            ban(1, "10.0.0.1", None),
            ban(2, "10.0.0.2", None),
            unban(3, "10.0.0.2"),
        ],
    );
    let mut out = Vec::new();
    bench.reconciler.cut(&mut out);
    assert_eq!(out, [Report::Destroyed { sockets: 1 }]);
    out.clear();
    bench.reconciler.cut(&mut out);
    assert_eq!(out, []);
}

#[test]
fn one_refused_ban_does_not_hold_up_the_others() {
    let mut bench = Bench::new(Model::new(true));
    bench.model.state().poison.insert(prefix("10.0.0.3"));
    let bans = (1..=8)
        .map(|i| ban(i, &format!("10.0.0.{i}"), None))
        .collect();
    let reports = bench.step(0, bans);
    assert_eq!(bench.held(0).len(), 7);
    for report in reports {
        match report {
            Report::Applied { seq: 3, result } => {
                assert_eq!(result, Err("10.0.0.3 is poison".to_owned()))
            }
            Report::Applied { seq, result } => assert_eq!(result, Ok(()), "{seq}"),
            Report::Failing { waiting, .. } => assert_eq!(waiting, 1),
            other => panic!("{other:?}"),
        }
    }
    // It is tried again, told no more, and told when it is done.
    assert_eq!(bench.watch(1), []);
    bench.model.state().poison.clear();
    assert_eq!(bench.watch(2), [Report::Recovered, applied(3)]);
    assert_eq!(bench.held(2).len(), 8);
}

#[test]
fn what_is_taken_away_comes_back() {
    let mut bench = Bench::new(Model::new(true));
    bench.step(
        0,
        vec![ban(1, "10.0.0.1", Some(600)), ban(2, "10.0.0.2", Some(100))],
    );
    let lose = |bench: &Bench| {
        let mut state = bench.model.state();
        state.sets.clear();
        state.lost = true;
    };
    lose(&bench);
    let healed = |missing| Report::Healed {
        what: "the table".to_owned(),
        missing,
    };
    assert_eq!(bench.watch(1), [healed(2)]);
    assert_eq!(bench.held(1), ["10.0.0.1", "10.0.0.2"]);
    // Also when a ban is the first to meet it; what is over stays away.
    lose(&bench);
    assert_eq!(
        bench.step(200, vec![ban(3, "10.0.0.3", None)]),
        [healed(2), applied(3)]
    );
    assert_eq!(bench.held(200), ["10.0.0.1", "10.0.0.3"]);
    // Emptied sets are noticed by samples.
    {
        let mut state = bench.model.state();
        state.sets.clear();
        state.foreign = true;
    }
    assert!(matches!(
        bench.watch(201).as_slice(),
        [Report::Healed { missing: 2, .. }]
    ));
    bench.model.state().foreign = true;
    assert_eq!(bench.watch(202), [Report::ForeignChange]);
}

#[test]
fn single_bans_that_are_missing_are_found_without_a_list() {
    let mut bench = Bench::new(Model::new(true));
    let hosts: Vec<String> = (0..200).map(|n| format!("10.0.1.{n}")).collect();
    let commands = (1..).zip(&hosts).map(|(seq, host)| ban(seq, host, None));
    bench.step(0, commands.collect());
    let take_out = |bench: &Bench, hosts: &[&str]| {
        let mut state = bench.model.state();
        let set = state.sets.get_mut(&JailName::new("a")).unwrap();
        for host in hosts {
            set.remove(&prefix(host)).unwrap();
        }
    };
    let missing = |missing| Report::Healed {
        what: "single bans of jail a".to_owned(),
        missing,
    };
    // Nothing tells that anything changed, and each look asks for some of them only.
    take_out(&bench, &["10.0.1.7", "10.0.1.8", "10.0.1.150"]);
    let told: Vec<Report> = (1..=4).flat_map(|secs| bench.watch(secs)).collect();
    assert_eq!(told, [missing(2), missing(1)]);
    assert_eq!(bench.held(5).len(), 200);
    // One that is asked about is looked after at once.
    take_out(&bench, &["10.0.1.99"]);
    let inspect = |host: &str| Command::Inspect {
        jail: JailName::new("a"),
        prefix: prefix(host),
        after: Span::from_secs(60),
    };
    let answer = |host: &str, held| {
        Report::Inspected(Inspection {
            jail: JailName::new("a"),
            prefix: prefix(host),
            after: Span::from_secs(60),
            held,
            ports: Vec::new(),
            dropped: None,
        })
    };
    let mut check = |host: &str, held: Held| {
        let told = bench.step(6, vec![inspect(host)]);
        assert_eq!(told, [answer(host, held)]);
    };
    check("10.0.1.99", Held::PutBack);
    check("10.0.1.99", Held::Yes);
    check("10.9.9.9", Held::Unknown);
}

#[test]
fn a_firewall_out_of_order_is_told_once_and_waited_for() {
    let mut bench = Bench::new(Model::new(true));
    bench.model.state().unavailable = true;
    let reports = bench.step(0, vec![ban(1, "10.0.0.1", None)]);
    let error = "out of order".to_owned();
    let result = Err(error.clone());
    assert_eq!(
        reports,
        [
            Report::Failing { error, waiting: 1 },
            Report::Applied { seq: 1, result }
        ]
    );
    assert_eq!(bench.watch(1), []);
    bench.model.state().unavailable = false;
    // What was refused and has not ended meanwhile is answered once it holds.
    assert_eq!(bench.watch(2), [Report::Recovered, applied(1)]);
    assert_eq!(bench.held(2), ["10.0.0.1"]);
    assert_eq!(bench.watch(3), []);
    bench.model.state().unavailable = true;
    bench.step(
        4,
        vec![ban(2, "10.0.0.2", Some(5)), ban(3, "10.0.0.3", None)],
    );
    bench.step(4, vec![ban(4, "10.0.0.4", None), unban(5, "10.0.0.4")]);
    bench.model.state().unavailable = false;
    assert_eq!(bench.watch(6), [Report::Recovered, applied(3)]);
}

#[test]
fn a_restore_makes_the_kernel_equal() {
    let model = Model::new(true);
    {
        let held = [
            ("10.0.0.1", Some(600)),
            ("10.0.0.2", Some(600)),
            ("10.1.0.0/16", None),
        ];
        let holds = held.map(|(p, t)| (prefix(p), Hold::until(t.map(at))));
        model.state().sets.insert(JailName::new("a"), holds.into());
    }
    let mut bench = Bench::new(model);
    let adopted = vec![
        standing("10.0.0.1", Some(600)),
        standing("10.0.0.2", Some(600)),
        standing("10.1.0.0/16", None),
    ];
    assert_eq!(bench.told[0], Report::Adopted(adopted));
    bench.step(0, vec![ban(1, "10.0.0.9", Some(50))]);
    let store = vec![
        standing("10.0.0.1", Some(601)),
        standing("10.0.0.3", Some(700)),
        standing("10.0.0.4", Some(0)),
        standing("10.0.0.9", Some(10)),
        standing("10.2.0.0/16", None),
    ];
    let restored = Report::Restored {
        elements: 4,
        failed: 0,
    };
    assert_eq!(bench.step(1, vec![Command::Restore(store)]), [restored]);
    assert_eq!(
        bench.held(1),
        ["10.0.0.1", "10.0.0.3", "10.0.0.9", "10.2.0.0/16"]
    );
    assert_eq!(bench.held(49).len(), 4);
    assert_eq!(bench.model.state().transactions, 2);
}

#[test]
fn networks_inside_networks_come_to_light() {
    for moves_networks in [true, false] {
        let mut bench = Bench::new(Model::new(moves_networks));
        let bans = vec![
            ban(1, "10.0.1.0/24", None),
            ban(2, "10.0.0.0/16", Some(100)),
            ban(3, "10.0.2.0/24", Some(200)),
        ];
        assert_eq!(bench.step(0, bans), [1, 2, 3].map(applied));
        assert_eq!(bench.held(0), ["10.0.0.0/16"]);
        assert_eq!(bench.reconciler.next_deadline(), Some(at(100)));
        bench.watch(100);
        assert_eq!(bench.held(100), ["10.0.1.0/24", "10.0.2.0/24"]);
        bench.step(101, vec![ban(4, "10.0.0.0/8", None)]);
        assert_eq!(bench.held(101), ["10.0.0.0/8"]);
        bench.step(102, vec![unban(5, "10.0.0.0/8")]);
        assert_eq!(bench.held(102), ["10.0.1.0/24", "10.0.2.0/24"]);
    }
}

#[test]
fn an_overlap_that_nobody_knew_of_is_replaced() {
    let mut bench = Bench::new(Model::new(true));
    let foreign = [(prefix("10.0.0.0/8"), Hold::FOREVER)];
    bench
        .model
        .state()
        .sets
        .insert(JailName::new("a"), foreign.into());
    let reports = bench.step(
        0,
        vec![ban(1, "10.1.0.0/16", None), ban(2, "10.0.0.1", None)],
    );
    assert_eq!(reports, [applied(1), applied(2)]);
    assert_eq!(bench.held(0), ["10.0.0.1", "10.1.0.0/16"]);
}

#[test]
fn verify_puts_every_difference_right() {
    let mut bench = Bench::new(Model::new(true));
    let bans = (1..=20)
        .map(|i| ban(i, &format!("10.0.0.{i}"), Some(600)))
        .collect();
    bench.step(0, bans);
    {
        let mut state = bench.model.state();
        let set = state.sets.get_mut(&JailName::new("a")).unwrap();
        set.remove(&prefix("10.0.0.7"));
        set.insert(prefix("10.0.0.8"), Hold::until(Some(at(100))));
        set.insert(prefix("10.9.9.9"), Hold::FOREVER);
    }
    bench.step(1, vec![Command::Verify]);
    assert_eq!(bench.held(500).len(), 20);
    assert!(!bench.held(500).contains(&"10.9.9.9".to_owned()));
}

#[test]
fn jails_come_and_go() {
    let mut bench = Bench::new(Model::new(true));
    bench.step(0, vec![ban(1, "10.0.0.1", None)]);
    let mut changed = jail("a");
    changed.blocktype = Blocktype::Reject;
    bench.step(0, vec![Command::SetJails(vec![jail("b"), changed])]);
    assert_eq!(bench.held(0), ["10.0.0.1"]);
    bench.step(0, vec![Command::SetJails(vec![jail("b")])]);
    assert_eq!(bench.held(0), [""; 0]);
    let reports = bench.step(0, vec![ban(2, "10.0.0.1", None), unban(3, "10.0.0.1")]);
    let result = Err("the firewall knows no jail a".to_owned());
    assert_eq!(reports, [Report::Applied { seq: 2, result }, applied(3)]);
}

#[test]
fn a_clock_jump_sends_time_outs_again() {
    let mut bench = Bench::new(Model::new(true));
    bench.step(
        0,
        vec![ban(1, "10.0.0.1", Some(600)), ban(2, "10.0.0.2", None)],
    );
    let before = bench.model.state().transactions;
    let mut out = Vec::new();
    bench.reconciler.renew(at(300), &mut out);
    assert_eq!(
        (out, bench.model.state().transactions),
        (vec![], before + 1)
    );
    bench.reconciler.renew(at(700), &mut Vec::new());
    assert_eq!(bench.model.state().transactions, before + 1);
}

#[derive(Clone, Debug)]
enum Step {
    Ban(Prefix, Option<i64>),
    Unban(Prefix),
    Expire(Prefix),
    Lose,
    Empty,
    Unavailable(bool),
    Poison(Prefix),
    Watch,
    Renew,
    Verify,
    Sweep,
    Wait(i64),
}

fn any_prefix() -> impl Strategy<Value = Prefix> {
    (0u32..4, prop_oneof![Just(32u8), 8u8..=13], any::<bool>()).prop_map(|(bits, length, v6)| {
        let high = (10 << 24) + (bits << 19);
        if v6 {
            let length = if length == 32 { 128 } else { length * 6 - 8 };
            Prefix::new((u128::from(high) << 96).to_be_bytes().into(), length).unwrap()
        } else {
            Prefix::new(high.to_be_bytes().into(), length).unwrap()
        }
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any_prefix(), proptest::option::of(1i64..50)).prop_map(|(p, t)| Step::Ban(p, t)),
        4 => any_prefix().prop_map(Step::Unban),
        2 => any_prefix().prop_map(Step::Expire),
        1 => Just(Step::Lose),
        1 => Just(Step::Empty),
        1 => any::<bool>().prop_map(Step::Unavailable),
        1 => any_prefix().prop_map(Step::Poison),
        1 => Just(Step::Watch),
        1 => Just(Step::Renew),
        1 => Just(Step::Verify),
        1 => Just(Step::Sweep),
        4 => (1i64..20).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn at_rest_the_firewall_is_as_desired(
        groups in proptest::collection::vec(proptest::collection::vec(any_step(), 1..6), 1..12),
        moves_networks in any::<bool>(),
        bulk in prop_oneof![Just(usize::MAX), 1usize..5],
    ) {
        let mut model = Model::new(moves_networks);
        model.bulk = bulk;
        let mut bench = Bench::new(model);
        let mut desired: BTreeMap<Prefix, Hold> = BTreeMap::new();
        let mut now = 0;
        let mut seq = 0;
        let mut refused = Refused::default();
        for group in groups {
            let mut commands = Vec::new();
            let mut asked = Vec::new();
            for step in group {
                match step {
                    Step::Ban(prefix, length) => {
                        seq += 1;
                        asked.push(seq);
                        let until = length.map(|l| at(now + l));
                        desired.insert(prefix, Hold::until(until));
                        refused.latest.insert(prefix, seq);
                        commands.push(Command::Ban { seq, jail: JailName::new("a"), prefix, until });
                    }
                    Step::Unban(prefix) => {
                        seq += 1;
                        asked.push(seq);
                        desired.remove(&prefix);
                        refused.latest.remove(&prefix);
                        commands.push(Command::Unban { seq: Some(seq), jail: JailName::new("a"), prefix, expired: false });
                    }
                    // The engine says so only of what is over.
                    Step::Expire(prefix) if desired.get(&prefix).is_some_and(|h| !h.is_live(at(now))) => {
                        desired.remove(&prefix);
                        commands.push(Command::Unban { seq: None, jail: JailName::new("a"), prefix, expired: true });
                    }
                    Step::Expire(_) => {}
                    Step::Lose => {
                        let mut state = bench.model.state();
                        state.sets.clear();
                        state.lost = true;
                    }
                    Step::Empty => {
                        let mut state = bench.model.state();
                        state.sets.clear();
                        state.foreign = true;
                    }
                    Step::Unavailable(is) => bench.model.state().unavailable = is,
                    Step::Poison(prefix) => {
                        bench.model.state().poison.insert(prefix);
                    }
                    Step::Watch => {
                        refused.answer(&bench.watch(now), &[])?;
                    }
                    Step::Renew => {
                        let mut told = Vec::new();
                        bench.reconciler.renew(at(now), &mut told);
                        refused.answer(&told, &[])?;
                    }
                    Step::Verify => commands.push(Command::Verify),
                    Step::Sweep => bench.reconciler.sweep(at(now)),
                    Step::Wait(secs) => now += secs,
                }
            }
            let reports = bench.step(now, commands);
            refused.answer(&reports, &asked)?;
        }
        {
            let mut state = bench.model.state();
            state.unavailable = false;
            state.poison.clear();
        }
        // What is lost shows in the first look, and what was sampled out by chance in a verification.
        refused.answer(&bench.watch(now), &[])?;
        refused.answer(&bench.step(now, vec![Command::Verify]), &[])?;
        for (prefix, seq) in &refused.latest {
            let stands = desired.get(prefix).is_some_and(|hold| hold.is_live(at(now)));
            prop_assert!(!stands || !refused.seqs.contains(seq), "{} is never answered well", seq);
        }
        let live: BTreeMap<Prefix, Hold> = desired.into_iter().filter(|(_, h)| h.is_live(at(now))).collect();
        let is_network = |p: &Prefix| SetKind::of(p).is_interval();
        let visible: BTreeMap<Prefix, Hold> = live.iter()
            .filter(|(p, _)| !is_network(p) || !live.keys().any(|o| o != *p && is_network(o) && o.contains(p)))
            .map(|(p, h)| (*p, *h)).collect();
        prop_assert_eq!(bench.model.held(&JailName::new("a"), at(now)), visible);
        let status = bench.reconciler.status(at(now));
        prop_assert!(status.in_sync && !bench.reconciler.is_failing());
    }
}
