//! The hub from its messages to what it sends, without threads of its own.

use super::*;
use crate::enforce::{EnforceConfig, Enforcer};
use crate::log::Target;
use crate::plan::{Surroundings, compile};
use std::fs;
use std::sync::mpsc::{Sender, channel, sync_channel};
use store::{Place, Store};

/// A hub with one jail that bans in a dry run, and its inbox; its log is the file `out`.
fn hub(dir: &std::path::Path) -> (Hub, Sender<Message>, Receiver<Message>) {
    hub_with(dir, "stockade[port=22]")
}

/// The same with this `action`; nothing reaches the kernel, while scripts are run.
pub(super) fn hub_with(
    dir: &std::path::Path,
    action: &str,
) -> (Hub, Sender<Message>, Receiver<Message>) {
    fs::create_dir(dir.join("filter.d")).unwrap();
    fs::write(
        dir.join("filter.d/one.conf"),
        "[Definition]\nfailregex = ^bad <HOST>$\n",
    )
    .unwrap();
    let jail = format!("[one]\nenabled = true\nfilter = one\nlogpath = /none\naction = {action}\n");
    fs::write(dir.join("jail.local"), jail).unwrap();
    let tree = conf::Tree::find(&crate::DiskFiles, Some(dir), conf::Manner::Stockade);
    let (config, _) = conf::load(&crate::DiskFiles, &tree, conf::Choice::Enabled);
    let around = Surroundings::of_this_machine(clock::now());
    let jails: Arc<[Jail]> = compile(config, &around, &mut Vec::new()).jails.into();
    let (sender, inbox) = channel();
    let config = EnforceConfig {
        table: "x".into(),
        owner: false,
        jails: jails
            .iter()
            .filter_map(|jail| jail.enforce.clone())
            .collect(),
        dry_run: true,
    };
    let reports = sender.clone();
    let enforcer = Enforcer::start(config, move |report| {
        drop(reports.send(Message::Enforcer(report)));
    })
    .unwrap();
    let kept = sender.clone();
    let keeper = Keeper::start(Store::memory(), Place::Memory, move |report| {
        drop(kept.send(Message::Kept(report)));
    })
    .unwrap();
    let store = wire::Store {
        path: "memory".into(),
        state: "ok".into(),
    };
    let log = Log::open(Target::File(dir.join("out")), Level::Info, TimeZone::UTC).unwrap();
    let log = Arc::new(log);
    let acting = Acting::new(&jails, &log, false, sender.clone());
    let hub = Hub::new(Parts {
        engine: Engine::new(jails.iter().map(|jail| jail.policy.clone()).collect()),
        board: Board::new(clock::now(), String::new(), Vec::new(), store),
        jails,
        enforcer,
        acting,
        keeper,
        resolver: Resolver::start(|_, _, _| {}).unwrap(),
        protection: Protection::new(None, clock::now()),
        log,
        zone: TimeZone::UTC,
        purge_age: Span::from_secs(86_400),
        pulse: Pulse::default(),
        is_dry_run: true,
    });
    (hub, sender, inbox)
}

pub(super) fn ask(hub: &Sender<Message>, request: wire::Request) -> String {
    let (reply, answer) = sync_channel(1);
    hub.send(Message::Ask(request, reply)).unwrap();
    answer.recv().unwrap()
}

#[test]
fn a_dead_part_ends_the_hub_with_an_error_and_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let (hub, sender, inbox) = hub(dir.path());
    sender.send(Message::Died("tail".into())).unwrap();
    assert!(!hub.run(&inbox));
    let log = fs::read_to_string(dir.path().join("out")).unwrap();
    assert!(log.contains("CRITICAL tail has died"), "{log}");
}

#[test]
fn orders_are_answered_and_the_end_tells_what_stands() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, sender, inbox) = hub(dir.path());
    hub.restore(Vec::new(), Vec::new());
    let thread = std::thread::spawn(move || hub.run(&inbox));
    let ban = |ips: &[&str]| wire::Request::Ban {
        jail: "one".into(),
        ips: ips.iter().map(|ip| (*ip).to_owned()).collect(),
        time: None,
        force: false,
    };
    let answer = ask(&sender, ban(&["198.51.100.201", "127.0.0.1", "x"]));
    let answer: wire::BanAnswer = wire::decode(answer.as_bytes()).unwrap();
    assert_eq!(answer.banned, ["198.51.100.201"], "{answer:?}");
    assert_eq!(answer.refused.len(), 2);
    let stop = wire::Request::Stop { flush: false };
    let answer: wire::StopAnswer = wire::decode(ask(&sender, stop).as_bytes()).unwrap();
    // A dry run leaves nothing in the kernel.
    assert_eq!((answer.flushed, answer.standing), (false, 0));
    assert!(thread.join().unwrap());
}
