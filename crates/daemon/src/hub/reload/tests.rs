//! Changes of the configuration, through a hub whose messages are dealt with one by one.

use super::super::act::tests::{recorder, told};
use super::super::tests::{failure, hub_with, one, plan};
use super::super::*;
use crate::plan::merge;
use crate::source::SourceState;
use std::time::Duration;

/// A hub and its inbox.
struct World {
    dir: tempfile::TempDir,
    hub: Hub,
    inbox: Receiver<Message>,
}

impl World {
    /// One jail with this `action` and further options; `one` is a recorder.
    fn new(action: &str, options: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        recorder(dir.path(), "one", "");
        let (mut hub, _, inbox) = hub_with(dir.path(), action, options);
        hub.restore(Vec::new(), Vec::new(), Vec::new());
        Self { dir, hub, inbox }
    }

    /// Reads a changed configuration; without an `action` the jail is gone.
    fn reload(&mut self, action: Option<&str>, options: &str) {
        let jail = |action| {
            format!(
                "[one]\nenabled = true\nfilter = one\nlogpath = /none\naction = {action}\n{options}"
            )
        };
        let plan = plan(self.dir.path(), &action.map(jail).unwrap_or_default());
        let merged = merge(&self.hub.jails, plan);
        self.hub.reload(merged, By::Files);
        self.hub.keep_house();
    }

    fn ban(&mut self, ip: &str) {
        let (reply, _answer) = std::sync::mpsc::sync_channel(1);
        let request = wire::Request::Ban {
            jail: "one".into(),
            ips: vec![ip.into()],
            time: None,
            force: false,
        };
        self.hub.handle(Message::Ask(request, reply));
    }

    /// Deals with messages until this holds.
    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            let message = self.inbox.recv_timeout(Duration::from_secs(20));
            let message = message.unwrap_or_else(|_| {
                let told = told(self.dir.path(), "one");
                panic!("{what}: {told:?}\n{}", self.log())
            });
            self.hub.handle(message);
            self.hub.keep_house();
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("out")).unwrap()
    }

    /// The recorder has been told this.
    fn knows(&self, what: &str) -> bool {
        told(self.dir.path(), "one")
            .iter()
            .any(|told| told.starts_with(what))
    }
}

/// Our own action.
const NATIVE: &str = "stockade[port=22]";

#[test]
fn what_enforces_the_bans_of_a_jail_may_change() {
    // From no action to the kernel.
    let mut world = World::new("", "");
    world.reload(Some(NATIVE), "");
    world.ban("198.51.100.1");
    world.until("a ban", |world| {
        world.log().contains("would ban 198.51.100.1")
    });

    // From a script to the kernel and the script: the ban that stands comes into the kernel, and out of it.
    let mut world = World::new("one", "");
    world.ban("198.51.100.1");
    world.until("a ban", |world| world.knows("ban 198.51.100.1"));
    world.reload(Some("stockade[port=22]\n one"), "");
    world.until("a ban", |world| {
        world.log().contains("would ban 198.51.100.1")
    });
    let jail = Some(one(&world.hub));
    let ids = vec!["198.51.100.1".into()];
    world.hub.step(Input::Request {
        id: RequestId(77),
        request: engine::Request::Unban { jail, ids },
    });
    world.hub.perform();
    world.until("an unban", |world| {
        world.log().contains("would unban 198.51.100.1")
    });

    // And back: the script alone is told.
    world.reload(Some("one"), "");
    world.ban("198.51.100.2");
    world.until("a ban", |world| world.knows("ban 198.51.100.2"));
    assert!(
        !world.log().contains("would ban 198.51.100.2"),
        "{}",
        world.log()
    );

    // To no action: nobody stays banned in name only.
    world.reload(Some(""), "");
    assert_eq!(world.hub.engine.bans().count(), 0);
    assert!(world.log().contains(
        "[one] 198.51.100.2 cannot be banned any more: no action of its jail can keep it out\n"
    ));
    world.until("an unban", |world| world.knows("unban 198.51.100.2"));
}

#[test]
fn an_id_that_is_no_address_stays_banned_as_long_as_an_action_is_there_for_it() {
    let mut world = World::new("one", "");
    world.ban("mallory");
    world.until("a ban", |world| world.knows("ban mallory 1 0"));
    world.reload(Some("stockade[port=22]\n one"), "");
    assert_eq!(world.hub.engine.bans().count(), 1);
    world.reload(Some(NATIVE), "");
    assert_eq!(world.hub.engine.bans().count(), 0);
    world.until("an unban", |world| world.knows("unban mallory"));
    assert!(
        world
            .log()
            .contains("[one] mallory cannot be banned any more: no action")
    );
    // Its row waits for the next one.
    world.reload(Some("one"), "");
    world.until("a ban", |world| world.knows("ban mallory 1 1"));
    assert!(world.log().contains("[one] Restore Ban mallory"));
    assert!(!world.log().contains("would"), "{}", world.log());
}

#[test]
fn bans_of_a_jail_that_comes_back_have_their_lines() {
    let shows = "actionban = echo one banned <ip> <matches> >> TOLD\n";
    let mut world = World::new("one", "");
    let told = world.dir.path().join("told").display().to_string();
    let text = format!("[Definition]\n{}", shows.replace("TOLD", &told));
    std::fs::write(world.dir.path().join("action.d/one.conf"), text).unwrap();
    world.reload(None, "");
    let row = store::Ban {
        jail: "one".into(),
        id: "198.51.100.1".into(),
        time: clock::now(),
        length: None,
        count: 1,
        failures: 2,
        users: Vec::new(),
        matches: vec!["first".into(), "second".into()],
        captures: Vec::new(),
    };
    world.hub.keeper.send(Order::Write(Write::Ban(row), None));
    world.reload(Some("one"), "");
    world.until("a ban", |world| {
        world.knows("banned 198.51.100.1 first second")
    });
    assert!(world.hub.acting.awaits_nothing());
}

#[test]
fn bans_that_begin_to_grow_have_a_past() {
    let mut world = World::new(NATIVE, "maxretry = 1\n");
    let row = store::Ban {
        jail: "one".into(),
        id: "198.51.100.1".into(),
        time: clock::now() - Span::from_secs(3_000),
        length: Some(Span::from_secs(600)),
        count: 5,
        failures: 2,
        users: Vec::new(),
        matches: Vec::new(),
        captures: Vec::new(),
    };
    world.hub.keeper.send(Order::Write(Write::Ban(row), None));
    world.reload(Some(NATIVE), "maxretry = 1\nbantime.increment = true\n");
    let mut is_told = false;
    while !is_told {
        let message = world.inbox.recv_timeout(Duration::from_secs(20)).unwrap();
        is_told = matches!(&message, Message::Kept(Kept::Recalled(_, past)) if !past.is_empty());
        world.hub.handle(message);
    }
    let jail = one(&world.hub);
    let found = Read::Failure(jail, failure("198.51.100.1", "x"));
    world.hub.read(vec![found]);
    world.hub.perform();
    let count = world.hub.engine.bans().next().map(|ban| ban.count);
    assert_eq!(count, Some(6), "{}", world.log());
}

#[test]
fn the_lives_of_jails_and_logs_are_told_as_fail2ban_does() {
    let mut world = World::new("", "");
    world.reload(None, "");
    world.reload(Some(""), "");
    let jail = one(&world.hub);
    let standing = |state, hash: &str| Standing {
        position: 37,
        first_line_hash: hash.into(),
        ..Standing::new(state)
    };
    let hash = "03cfd743661f07975fa2f1220c5194cbaff48451";
    let state = |path: &str, standing| Read::State {
        jail,
        path: path.into(),
        kind: "file",
        standing,
    };
    world.hub.read(vec![
        state("/a.log", standing(SourceState::CatchingUp, hash)),
        state("/a.log", standing(SourceState::Following, hash)),
        state("/b c.log", standing(SourceState::Following, "")),
        state("/a.log", standing(SourceState::Gone, "")),
    ]);
    let World { dir, hub, inbox } = world;
    hub.finish(false, &inbox);
    let log = std::fs::read_to_string(dir.path().join("out")).unwrap();
    let lines = log.lines().filter_map(|line| {
        let (_, line) = line.split_once(" fail2ban.")?;
        let (module, line) = line.split_once('[')?;
        let (_, line) = line.split_once("]: INFO    ")?;
        Some(format!("{} {line}", module.trim_end()))
    });
    // The built-in jails run too.
    let lines = lines.filter(|line| !line.starts_with("jail ") || line.contains("'one'"));
    #[rustfmt::skip]
    let expected = [
        "jail Jail 'one' stopped",
        "jail Creating new jail 'one'",
        "jail Jail 'one' started",
        "filter Added logfile: '/a.log' (pos = 37, hash = 03cfd743661f07975fa2f1220c5194cbaff48451)",
        "filter Added logfile: '/b c.log' (pos = 37, hash = )",
        "filter Removed logfile: '/a.log'",
        "server Shutdown in progress...",
        "server Stopping all jails",
        "jail Jail 'one' stopped",
    ];
    assert_eq!(lines.collect::<Vec<_>>(), expected, "{log}");
}
