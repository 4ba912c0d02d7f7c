//! The hub from its messages to what it sends, without threads of its own.

use super::*;
use crate::enforce::{EnforceConfig, Enforcer};
use crate::log::{Setup, Target};
use crate::plan::{Plan, Surroundings, compile};
use engine::{IgnoreList, IgnoreSource};
use std::fs;
use std::sync::mpsc::{Sender, channel, sync_channel};
use store::Store;

/// Our own action.
const NATIVE: &str = "stockade[port=22]";

/// A hub with one jail that bans in a dry run, and its inbox; its log is the file `out`.
fn hub(dir: &std::path::Path) -> (Hub, Sender<Message>, Receiver<Message>) {
    hub_with(dir, NATIVE, "")
}

/// The same with this `action` and more options of its jail; nothing reaches the kernel, while scripts are run.
pub(super) fn hub_with(
    dir: &std::path::Path,
    action: &str,
    options: &str,
) -> (Hub, Sender<Message>, Receiver<Message>) {
    let jail = "[one]\nenabled = true\nfilter = one\nlogpath = /none\n";
    let text = format!("{jail}action = {action}\n{options}");
    let jails: Arc<[Jail]> = plan(dir, &text).jails.into();
    let (sender, inbox) = channel();
    let config = EnforceConfig {
        table: "x".into(),
        owner: false,
        jails: jails
            .iter()
            .filter_map(|jail| jail.enforce.clone())
            .collect(),
        firewall: crate::enforce::Firewall::DryRun,
    };
    let reports = sender.clone();
    let enforcer = Enforcer::start(config, move |report| {
        drop(reports.send(Message::Enforcer(report)));
    })
    .unwrap();
    let kept = sender.clone();
    let keeper = Keeper::start(Store::memory(), move |report| {
        drop(kept.send(Message::Kept(report)));
    })
    .unwrap();
    let store = wire::Store {
        path: "memory".into(),
        state: "ok".into(),
    };
    let log = Log::open(Setup::new(
        Target::file(dir.join("out")),
        Level::Info,
        TimeZone::UTC,
    ))
    .unwrap();
    let log = Arc::new(log);
    let acting = Acting::new(&jails, &log, None, false, sender.clone());
    let questions = Questions::new(&jails, sender.clone());
    let hub = Hub::new(Parts {
        engine: Engine::new(jails.iter().map(|jail| jail.policy.clone()).collect()),
        board: Board::new(clock::now(), String::new(), Vec::new(), store),
        jails,
        enforcer,
        questions,
        acting,
        keeper,
        resolver: Resolver::start(|_, _, _| {}).unwrap(),
        protection: Protection::new(None, clock::now()),
        log,
        zone: TimeZone::UTC,
        purge_age: Span::from_secs(86_400),
        reached: Reached::default(),
        lists: Lists::default(),
        pulse: Pulse::default(),
        is_dry_run: true,
        flushes: false,
        totals: Totals::default(),
    });
    (hub, sender, inbox)
}

/// What a `jail.local` makes of the tree in `dir`, which has the filter `one`.
pub(super) fn plan(dir: &std::path::Path, jails: &str) -> Plan {
    fs::create_dir_all(dir.join("filter.d")).unwrap();
    fs::write(
        dir.join("filter.d/one.conf"),
        "[Definition]\nfailregex = ^bad <HOST>$\n",
    )
    .unwrap();
    fs::write(dir.join("jail.local"), jails).unwrap();
    let tree = conf::Tree::find(&crate::DiskFiles, Some(dir), conf::Manner::Stockade);
    let (config, _) = conf::load(&crate::DiskFiles, &tree, conf::Choice::Enabled);
    let around = Surroundings::of_this_machine(clock::now());
    compile(config, &around, &mut Vec::new())
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
    hub.restore(Vec::new(), Vec::new(), Vec::new());
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

pub(super) fn failure(of: &str, user: &str) -> detect::Failure {
    detect::Failure {
        id: of
            .parse()
            .map_or_else(|_| base::FailureId::Raw(of.into()), base::FailureId::Prefix),
        address: None,
        hostname: None,
        time: clock::now(),
        rule: 0,
        users: Default::default(),
        captures: [("user", user)].into_iter().collect(),
        matches: Default::default(),
        weight: 1,
    }
}

/// The jail, among those of the built-in tree.
pub(super) fn one(hub: &Hub) -> JailId {
    let mut jails = hub.jails.iter();
    jails.find(|jail| jail.name.as_str() == "one").unwrap().id
}

/// Takes answers of `ignorecommand` until so many have come.
fn hear(hub: &mut Hub, inbox: &Receiver<Message>, answers: usize) {
    let mut heard = 0;
    while heard < answers {
        let message = inbox.recv().unwrap();
        heard += usize::from(matches!(message, Message::IgnoreAnswer(_)));
        hub.handle(message);
    }
}

/// What the log has of these.
fn told(dir: &std::path::Path, words: &[&str]) -> Vec<String> {
    let log = fs::read_to_string(dir.join("out")).unwrap();
    let of_interest = |line: &&str| words.iter().any(|word| line.contains(word));
    let text = |line: &str| line.split_once("[one] ").unwrap().1.to_owned();
    let lines = log.lines().filter(of_interest).map(text);
    lines
        .map(|line| line.split(" - ").next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_command_is_asked_before_a_failure_counts() {
    let dir = tempfile::tempdir().unwrap();
    let options = "maxretry = 9\nignoreip = 198.51.100.9\n\
                   ignorecommand = case <ip>/<F-USER> in (*/good) exit 0;; (*.7/*) exit 7;; (*) exit 1;; esac\n";
    let (mut hub, _sender, inbox) = hub_with(dir.path(), NATIVE, options);
    let jail = one(&hub);
    let said = [
        ("198.51.100.1", "good"),
        ("198.51.100.1", "bad"),
        ("198.51.100.1", "good"),
        ("198.51.100.7", "x"),
        ("198.51.100.9", "x"),
    ];
    let said = said.map(|(of, user)| Read::Failure(jail, failure(of, user)));
    hub.read(said.into());
    hear(&mut hub, &inbox, 4);
    hub.perform();
    let lines = told(dir.path(), &["Found", "Ignore", "ignorecommand"]);
    assert_eq!(lines[0], "Ignore 198.51.100.9 by ip", "nobody was asked");
    let of =
        |who: &str| -> Vec<&String> { lines.iter().filter(|line| line.contains(who)).collect() };
    let first = "Ignore 198.51.100.1 by command";
    assert_eq!(
        of("198.51.100.1"),
        [first, "Found 198.51.100.1", first],
        "in order"
    );
    let failed =
        "ignorecommand returned 7, which is neither 0 (ignored) nor 1; 198.51.100.7 is not ignored";
    assert_eq!(of("198.51.100.7"), [failed, "Found 198.51.100.7"]);
}

fn make_pipe(dir: &std::path::Path) -> std::path::PathBuf {
    let pipe = dir.join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    pipe
}

#[test]
fn no_question_outlives_the_daemon() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = make_pipe(dir.path());
    let place = pipe.display();
    let options =
        format!("ignorecommand = trap '' TERM; echo $$ > {place}; read line < {place}; exit 1\n");
    let (mut hub, _sender, _inbox) = hub_with(dir.path(), NATIVE, &options);
    let jail = one(&hub);
    hub.read(vec![Read::Failure(jail, failure("198.51.100.1", "x"))]);
    let process = fs::read_to_string(&pipe).unwrap();
    let process = std::path::Path::new("/proc").join(process.trim());
    assert!(process.exists());
    assert_eq!(hub.questions.finish(), 1);
    assert!(!process.exists());
}

#[test]
fn one_client_cannot_spend_the_questions_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let (pipe, asked) = (make_pipe(dir.path()), dir.path().join("asked"));
    // Its own name server answers for it, when it likes.
    let options = format!(
        "maxretry = 1\nignorecommand = echo <ip> >> {}; test <ip> = 198.51.100.1 && exit 0; read line < {}; exit 1\n",
        asked.display(),
        pipe.display()
    );
    let (mut hub, _sender, inbox) = hub_with(dir.path(), NATIVE, &options);
    let jail = one(&hub);
    let flood = (0..1_000).map(|_| Read::Failure(jail, failure("198.51.100.7", "x")));
    let spared = Read::Failure(jail, failure("198.51.100.1", "x"));
    hub.read(flood.chain([spared]).collect());
    hear(&mut hub, &inbox, 1);
    let told = || told(dir.path(), &["Ignore", "too many"]);
    let surplus =
        "too many failures wait for ignorecommand; one of 198.51.100.7 is counted without asking";
    assert_eq!(told(), [surplus, "Ignore 198.51.100.1 by command"]);
    // It is banned by what it has done too much; what of it waits needs no answer any more, and new ones do not wait.
    fs::write(&pipe, "\n").unwrap();
    hub.read(vec![Read::Failure(jail, failure("198.51.100.7", "x"))]);
    hear(&mut hub, &inbox, 1);
    assert_eq!(hub.questions.finish(), 0);
    let bans = hub.engine.bans().map(|ban| ban.id.to_string());
    assert_eq!(bans.collect::<Vec<_>>(), ["198.51.100.7"]);
    let asked = fs::read_to_string(asked).unwrap();
    let mut asked: Vec<&str> = asked.lines().collect();
    asked.sort();
    assert_eq!(asked, ["198.51.100.1", "198.51.100.7"]);
}

#[test]
fn what_waits_for_an_answer_keeps_as_many_lines_as_a_ban() {
    let dir = tempfile::tempdir().unwrap();
    let options = "maxretry = 1\nmaxmatches = 99\nignorecommand = exit 1\n";
    let (mut hub, _sender, inbox) = hub_with(dir.path(), NATIVE, options);
    let jail = one(&hub);
    let mut long = failure("198.51.100.7", "x");
    long.matches = (0..8).map(|line| line.to_string().repeat(30_000)).collect();
    hub.read(vec![Read::Failure(jail, long)]);
    let Some(Message::IgnoreAnswer(answer)) = inbox
        .iter()
        .find(|message| matches!(message, Message::IgnoreAnswer(_)))
    else {
        panic!("the command answers")
    };
    let Some(crate::ignore::About::Failures(kept)) = hub.questions.settle(answer.whom) else {
        panic!("a failure waited")
    };
    let expected = ["6".repeat(30_000), "7".repeat(30_000)];
    assert_eq!(kept[0].matches.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn an_answer_that_is_remembered_is_not_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let list = dir.path().join("asked");
    let options = format!(
        "maxretry = 9\nignorecommand = echo <ip> >> {}\nignorecache = key=\"<ip>\"\n",
        list.display()
    );
    let (mut hub, _sender, inbox) = hub_with(dir.path(), NATIVE, &options);
    let jail = one(&hub);
    for count in [3, 2] {
        let one = || Read::Failure(jail, failure("198.51.100.1", "x"));
        hub.read((0..count).map(|_| one()).collect());
        hear(&mut hub, &inbox, usize::from(count == 3));
        hub.perform();
    }
    assert_eq!(fs::read_to_string(list).unwrap(), "198.51.100.1\n");
    let expected = ["Ignore 198.51.100.1 by command"; 5];
    assert_eq!(told(dir.path(), &["Found", "Ignore"]), expected);
}

/// A row of the store.
fn stored(ip: &str) -> store::Ban {
    store::Ban {
        jail: "one".into(),
        id: ip.into(),
        time: clock::now(),
        length: None,
        count: 1,
        failures: 5,
        users: Vec::new(),
        matches: Vec::new(),
        captures: Vec::new(),
    }
}

/// Who is banned.
fn standing(hub: &Hub) -> Vec<String> {
    let bans = hub.engine.bans();
    bans.map(|ban| ban.id.to_string()).collect()
}

#[test]
fn a_store_that_can_be_read_late_is_restored_late_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, _sender, inbox) = hub(dir.path());
    for ip in ["198.51.100.1", "198.51.100.2"] {
        let row = store::Ban {
            count: 7,
            users: vec![("root".into(), 5)],
            ..stored(ip)
        };
        hub.keeper.send(Order::Write(Write::Ban(row), None));
    }
    // Nothing of that was read; the kernel tells of one.
    let adopted = crate::enforce::Standing {
        jail: hub.name_of(one(&hub)),
        prefix: "198.51.100.1".parse().unwrap(),
        until: None,
    };
    hub.restore(Vec::new(), Vec::new(), vec![adopted]);
    assert_eq!(standing(&hub), ["198.51.100.1"]);
    hub.handle(Message::Kept(Kept::Written(Written {
        is_unread: true,
        ..Written::default()
    })));
    let rows = loop {
        let message = inbox.recv().unwrap();
        let rows = match &message {
            Message::Kept(Kept::Recalled(bans, _)) => Some(bans.clone()),
            _ => None,
        };
        hub.handle(message);
        if let Some(rows) = rows {
            break rows;
        }
    };
    let known = |row: &store::Ban| row.count == 7 && row.users == [("root".to_owned(), 5)];
    assert!(rows.len() == 2 && rows.iter().all(known), "{rows:?}");
    assert_eq!(standing(&hub), ["198.51.100.1", "198.51.100.2"]);
}

#[test]
fn stored_bans_are_asked_about_and_lists_lift_bans() {
    let dir = tempfile::tempdir().unwrap();
    let options = "ignoreip = 198.51.100.9\nignorecommand = test <ip> = 198.51.100.1\n";
    let (mut hub, _sender, inbox) = hub_with(dir.path(), NATIVE, options);
    let stored = ["198.51.100.1", "198.51.100.2", "198.51.100.9"].map(stored);
    hub.restore(stored.into(), Vec::new(), Vec::new());
    hear(&mut hub, &inbox, 2);
    assert_eq!(standing(&hub), ["198.51.100.2"]);
    let list = ["198.51.100.0/30".parse().unwrap()].into_iter().collect();
    let said = crate::ignore::Said::List {
        jail: one(&hub),
        list,
        silent: Vec::new(),
    };
    hub.handle(Message::Ignore(0, said));
    assert_eq!(standing(&hub), [""; 0]);
}

#[test]
fn of_the_former_list_only_what_is_still_asked_for_holds() {
    let dir = tempfile::tempdir().unwrap();
    let options = "ignoreip = 203.0.113.5 kept.invalid new.invalid file:///none\n";
    let (mut hub, _sender, _inbox) = hub_with(dir.path(), NATIVE, options);
    let jail = one(&hub);
    let dns = |name: &str| IgnoreSource::Dns(name.into());
    let file = |path: &str| IgnoreSource::File(path.into());
    let list = |entries: &[(IgnoreSource, &str)]| {
        let mut list = IgnoreList::default();
        for (source, id) in entries {
            let id = base::FailureId::Prefix(id.parse().unwrap());
            list.push(source.clone(), id);
        }
        list
    };
    let former = list(&[
        (IgnoreSource::Ip, "198.51.100.50"),
        (dns("kept.invalid"), "192.0.2.1"),
        (dns("gone.invalid"), "192.0.2.2"),
        (file("/none"), "192.0.2.3"),
    ]);
    hub.lists = Lists::of_start([(jail, former)]);
    let check = |hub: &Hub, expected: &[&str]| {
        let list = hub.lists.of(&hub.jails[jail.0 as usize]);
        let held: Vec<String> = list.prefixes().map(ToString::to_string).collect();
        assert_eq!(held, expected);
    };
    // The new watcher has not said a word: its names may never be found.
    let jails = Arc::clone(&hub.jails);
    hub.lists.advance(1, &jails);
    check(&hub, &["203.0.113.5", "192.0.2.1", "192.0.2.3"]);
    // It knows one name, and what it cannot tell of yet stays.
    let mut say = |entries: &[(IgnoreSource, &str)], silent: Vec<IgnoreSource>| {
        let mut all = vec![(IgnoreSource::Ip, "203.0.113.5")];
        all.extend_from_slice(entries);
        let list = list(&all);
        let said = crate::ignore::Said::List { jail, list, silent };
        hub.handle(Message::Ignore(1, said));
        let list = hub.lists.of(&hub.jails[jail.0 as usize]);
        list.prefixes()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let new = (dns("new.invalid"), "192.0.2.9");
    let silent = vec![dns("kept.invalid"), file("/none")];
    let held = say(std::slice::from_ref(&new), silent);
    assert_eq!(held, "203.0.113.5 192.0.2.9 192.0.2.1 192.0.2.3");
    // The file is there now, and empty.
    let held = say(&[new], vec![dns("kept.invalid")]);
    assert_eq!(held, "203.0.113.5 192.0.2.9 192.0.2.1");
}

#[test]
fn a_ban_that_only_the_kernel_tells_is_one_more_of_its_owners() {
    let dir = tempfile::tempdir().unwrap();
    let (mut hub, _sender, _inbox) = hub_with(dir.path(), NATIVE, "bantime.increment = true\n");
    let prefix: Prefix = "198.51.100.1".parse().unwrap();
    let past = store::Past {
        jail: "one".into(),
        id: prefix.to_string().as_str().into(),
        time: clock::now() - Span::from_secs(3_000),
        length: Some(Span::from_secs(600)),
        count: 5,
    };
    let adopted = crate::enforce::Standing {
        jail: hub.name_of(one(&hub)),
        prefix,
        until: None,
    };
    hub.restore(Vec::new(), vec![past], vec![adopted]);
    let counts: Vec<u32> = hub.engine.bans().map(|ban| ban.count).collect();
    assert_eq!(counts, [6]);
}
