//! Who waits for whom, with real scripts: what they write is the record, and a pipe without a writer is what holds one up.

use super::super::Planned;
use super::super::definition::tests::action;
use super::super::mail;
use super::super::values::{History, NoHistory, Past};
use super::finish::Patience;
use super::thread::BATCH;
use super::*;
use crate::log::{Log, Setup, Target};
use base::Timestamp;
use jiff::tz::TimeZone;
use std::fs;
use std::path::Path;
use std::process::Command as Program;

/// A place for the record of all scripts, and the crew.
struct World {
    dir: tempfile::TempDir,
    crew: Crew,
    woken: Receiver<()>,
}

fn plan(name: &str, params: &[(&str, &str)]) -> Planned {
    let (mut definition, _) = action(params);
    definition.name = name.into();
    Planned::Scripts(Arc::new(definition))
}

/// An action that writes down what it is asked for.
fn recorder(dir: &Path, name: &str) -> Planned {
    let line = |what: &str| format!("echo {name} {what} >> {}", dir.join("out").display());
    let (start, stop, flush) = (line("start"), line("stop"), line("flush"));
    let (ban, unban, reload) = (line("ban '<ip>'"), line("unban '<ip>'"), line("reload"));
    let params = [
        ("actionstart", start.as_str()),
        ("actionstop", stop.as_str()),
        ("actionban", ban.as_str()),
        ("actionunban", unban.as_str()),
        ("actionflush", flush.as_str()),
        ("actionreload", reload.as_str()),
    ];
    plan(name, &params)
}

fn make_pipe(dir: &Path) -> String {
    let pipe = dir.join("pipe").display().to_string();
    let made = Program::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    pipe
}

/// One whose first ban waits until somebody writes to the pipe.
fn stuck(dir: &Path, name: &str) -> Planned {
    let (pipe, out) = (make_pipe(dir), dir.join("out"));
    let ban = format!(
        "[ <ip> != 192.0.2.0 ] || read line < {pipe}\necho {name} ban <ip> >> {}",
        out.display()
    );
    plan(name, &[("actionban", &ban)])
}

fn world(dir: tempfile::TempDir, jails: &[(&str, &[Planned])], history: Box<dyn History>) -> World {
    let log = Log::open(Setup::new(
        Target::file(dir.path().join("log")),
        Level::Info,
        TimeZone::UTC,
    ))
    .unwrap();
    let tools = Tools::new(Arc::new(log), history, false);
    let (wake, woken) = channel();
    let wake: Wake = Arc::new(move || wake.send(()).unwrap_or(()));
    let jails = jails.iter().map(|(name, plans)| {
        let workers = plans.iter().map(Planned::worker).collect();
        ((*name).to_owned(), workers)
    });
    let crew = Crew::new(jails.collect(), Arc::new(tools), wake);
    World { dir, crew, woken }
}

impl World {
    fn ban(&mut self, jail: usize, ip: &str) {
        let ticket = Ticket::bare(ip.parse().unwrap(), Timestamp::from_secs(0));
        let ticket = Arc::new(ticket);
        let job = Job::Ban(Arc::clone(&ticket), Default::default());
        self.crew.ban(jail, job, ticket);
    }

    /// Lets the crew work until this many are away at most.
    fn until_away(&mut self, most: usize) {
        self.crew.turn();
        while self.crew.away > most {
            self.woken.recv().unwrap();
            self.crew.turn();
        }
    }

    fn out(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.path().join("out")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
}

#[test]
fn one_that_is_stuck_holds_up_nobody_else() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two, slow) = (
        recorder(dir.path(), "one"),
        recorder(dir.path(), "two"),
        stuck(dir.path(), "slow"),
    );
    let mut world = world(
        dir,
        &[("a", &[slow, one]), ("b", &[two])],
        Box::new(NoHistory),
    );
    for round in 0..20 {
        world.ban(0, &format!("192.0.2.{round}"));
        world.ban(1, &format!("192.0.2.{round}"));
    }
    // Only the stuck one is away, and all the others are done.
    world.until_away(1);
    let out = world.out();
    assert!(!out.iter().any(|line| line.starts_with("slow")), "{out:?}");
    for name in ["one", "two"] {
        let own: Vec<&String> = out.iter().filter(|line| line.starts_with(name)).collect();
        let expected = (0..20).map(|round| format!("{name} ban 192.0.2.{round}"));
        let expected: Vec<String> = std::iter::once(format!("{name} start"))
            .chain(expected)
            .collect();
        assert_eq!(own, expected.iter().collect::<Vec<_>>());
    }
    let report = &world.crew.reports(0)[0];
    assert!(
        report.waiting >= 20 - BATCH && report.errors == 0,
        "{report:?}"
    );
    // With a writer it goes on, in order.
    fs::write(world.dir.path().join("pipe"), "\n").unwrap();
    world.until_away(0);
    let out = world.out();
    let slow: Vec<&String> = out.iter().filter(|line| line.starts_with("slow")).collect();
    assert_eq!(slow.len(), 20);
    assert_eq!(slow[19], "slow ban 192.0.2.19");
}

#[test]
fn the_end_flushes_and_stops_in_reverse_order() {
    let dir = tempfile::tempdir().unwrap();
    let plans = [recorder(dir.path(), "one"), recorder(dir.path(), "two")];
    let mut world = world(dir, &[("a", &plans)], Box::new(NoHistory));
    world.ban(0, "192.0.2.1");
    let World { dir, crew, .. } = world;
    let beats = std::cell::Cell::new(0);
    crew.finish(&|| beats.set(beats.get() + 1));
    assert!(beats.get() > 0);
    let out = fs::read_to_string(dir.path().join("out")).unwrap();
    let lines: Vec<&str> = out.lines().collect();
    let place = |line: &str| lines.iter().position(|other| *other == line).unwrap();
    for name in ["one", "two"] {
        let order = ["start", "ban 192.0.2.1", "flush", "stop"];
        let places: Vec<usize> = order
            .iter()
            .map(|what| place(&format!("{name} {what}")))
            .collect();
        assert!(places.is_sorted(), "{lines:?}");
    }
    assert_eq!(lines.len(), 8);
    assert!(place("two stop") < place("one stop"), "{lines:?}");
    assert!(place("one flush") < place("two stop"), "{lines:?}");
}

/// There is no time for what is queued, more than enough for the rest, and nobody is held up by who leaves before.
const NO_PATIENCE: Patience = Patience {
    queued: Duration::ZERO,
    flushes: Duration::from_secs(60),
    stops: Duration::from_secs(60),
    turn: Duration::ZERO,
};

#[test]
fn a_ban_without_an_end_is_cut_short_and_undone() {
    let dir = tempfile::tempdir().unwrap();
    let (pipe, out) = (make_pipe(dir.path()), dir.path().join("out"));
    let line = |what: &str| format!("echo {what} >> {}", out.display());
    let (check, flush, stop) = (line("check"), line("flush"), line("stop"));
    // It says that it runs; the second pipe has no other end.
    let ban = format!("echo > {pipe}; mkfifo {pipe}2; read line < {pipe}2");
    let params = [
        ("actionban", ban.as_str()),
        ("actioncheck", check.as_str()),
        ("actionflush", flush.as_str()),
        ("actionstop", stop.as_str()),
    ];
    let mut world = world(dir, &[("a", &[plan("fw", &params)])], Box::new(NoHistory));
    world.ban(0, "192.0.2.1");
    fs::read(&pipe).unwrap();
    let World { dir, crew, .. } = world;
    crew.finish_within(&NO_PATIENCE, &|| {});
    let told = fs::read_to_string(&out).unwrap();
    assert_eq!(told, "flush\nstop\n");
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    assert!(!log.contains("Invariant check failed"), "{log}");
}

#[test]
fn a_stop_that_takes_its_time_holds_up_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (pipe, out) = (make_pipe(dir.path()), dir.path().join("out"));
    // The last one, which stops first, waits for the stop of the one before it.
    let stops = |name: &str, stop: String| {
        let stop = format!("{stop}; echo {name} >> {}", out.display());
        plan(name, &[("actionstop", &stop), ("actionunban", "x")])
    };
    let plans = [
        stops("fw", format!("echo > {pipe}")),
        stops("slow", format!("read line < {pipe}")),
    ];
    let World {
        crew, dir: _dir, ..
    } = {
        let mut world = world(dir, &[("a", &plans)], Box::new(NoHistory));
        world.until_away(0);
        world
    };
    crew.finish_within(&NO_PATIENCE, &|| {});
    let told = fs::read_to_string(&out).unwrap();
    let mut told: Vec<&str> = told.lines().collect();
    told.sort();
    assert_eq!(told, ["fw", "slow"]);
}

#[test]
fn a_reload_starts_what_is_new_and_ends_what_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_owned();
    let plan = |name: &str| recorder(&root, name);
    let (kept, gone, last, new) = (plan("kept"), plan("gone"), plan("last"), plan("new"));
    let first = [kept.clone(), gone, last];
    let jails = [("a", &first[..]), ("left", &[plan("other")]), ("bare", &[])];
    let mut world = world(dir, &jails, Box::new(NoHistory));
    world.ban(0, "192.0.2.1");
    world.ban(1, "192.0.2.9");
    world.until_away(0);
    let before = world.out().len();
    let bare = |ip: &str| Ticket::bare(ip.parse().unwrap(), Timestamp::from_secs(0));
    let workers = vec![kept.worker(), new.worker()];
    world
        .crew
        .reload(0, workers, [bare("192.0.2.1")].into_iter());
    world.crew.leave(1);
    // Until now only the kernel held bans of this one.
    let workers = vec![plan("first").worker()];
    world
        .crew
        .reload(2, workers, [bare("192.0.2.5")].into_iter());
    world.crew.add("fresh".into(), vec![plan("fresh").worker()]);
    world.until_away(0);
    world.ban(0, "192.0.2.2");
    world.crew.unban(1, &"192.0.2.9".parse().unwrap());
    world.crew.unban(2, &"192.0.2.5".parse().unwrap());
    world.until_away(0);
    let out = world.out().split_off(before);
    let of = |name: &str| -> Vec<&str> {
        let own = out.iter().filter_map(|line| line.split_once(' '));
        own.filter(|(who, _)| *who == name)
            .map(|(_, what)| what)
            .collect()
    };
    assert_eq!(of("kept"), ["reload", "ban 192.0.2.2"]);
    assert_eq!(of("new"), ["start", "ban 192.0.2.1", "ban 192.0.2.2"]);
    assert_eq!(of("first"), ["start", "ban 192.0.2.5", "unban 192.0.2.5"]);
    for name in ["gone", "last", "other"] {
        assert_eq!(of(name), ["flush", "stop"], "{name}");
    }
    assert_eq!(of("fresh"), ["start"]);
    let place = |line: &str| out.iter().position(|other| other == line).unwrap();
    assert!(place("last stop") < place("gone flush"), "{out:?}");
    let reports = world.crew.reports(0).into_iter();
    let names: Vec<String> = reports.map(|report| report.name).collect();
    assert_eq!(names, ["kept", "new"]);
    assert!(
        world
            .crew
            .troops
            .iter()
            .all(|troop| troop.leaving.is_empty())
    );
}

#[test]
fn a_reload_tells_nobody_again_what_it_knows() {
    let dir = tempfile::tempdir().unwrap();
    // Nobody listens there: each letter is one error.
    let letters = |dest: &str| {
        let options = [("host", "127.0.0.1:1"), ("dest", dest)];
        Planned::Mail(Arc::new(mail::tests::letters(&options).unwrap()))
    };
    let line = |text: &str| format!("echo {text} >> {}", dir.path().join("out").display());
    let (ban, unban) = (line("'<ip>' is older: <restored>"), line("'<ip>' ends"));
    let newcomer = |norestored| {
        let params = [
            ("actionban", ban.as_str()),
            ("actionunban", &unban),
            ("norestored", norestored),
        ];
        plan("new", &params)
    };
    let one = plan("one", &[("actionban", "true")]);
    let other = plan("one", &[("actionban", "exit 0")]);
    let (silent, told) = (newcomer("1"), newcomer("0"));
    let jails = [("a", &[one, letters("root")][..])];
    let mut world = world(dir, &jails, Box::new(NoHistory));
    for number in 1..3 {
        world.ban(0, &format!("192.0.2.{number}"));
    }
    world.until_away(0);
    let reload = |world: &mut World, plans: &[&Planned]| {
        let workers = plans.iter().map(|plan| plan.worker()).collect();
        world.crew.reload(0, workers, std::iter::empty());
        world.until_away(0);
        let reports = world.crew.reports(0).into_iter();
        let mail = reports.filter(|report| report.name == "smtp");
        mail.map(|report| report.errors).collect::<Vec<_>>()
    };
    let mail = letters("root");
    // The start and two bans; a reload adds nothing to them.
    assert_eq!(reload(&mut world, &[&other, &mail]), [3]);
    // Other letters are another action. It tells that it starts, and of no ban that was there.
    assert_eq!(reload(&mut world, &[&other, &letters("admin")]), [1]);
    // Of these most are only owed.
    for number in 0..1_005 {
        world.ban(0, &format!("10.0.{}.{}", number / 256, number % 256));
    }
    reload(&mut world, &[&other, &silent]);
    world.ban(0, "192.0.2.3");
    for number in 1..4 {
        let id = format!("192.0.2.{number}").as_str().into();
        world.crew.unban(0, &id);
    }
    world.until_away(0);
    assert_eq!(world.out(), ["192.0.2.3 is older: 0", "192.0.2.3 ends"]);
    world.crew.flush(0);
    world.ban(0, "192.0.2.4");
    reload(&mut world, &[&other]);
    let before = world.out().len();
    reload(&mut world, &[&other, &told]);
    world.ban(0, "192.0.2.5");
    world.until_away(0);
    let expected = ["192.0.2.4 is older: 1", "192.0.2.5 is older: 0"];
    assert_eq!(world.out().split_off(before), expected);
}

#[test]
fn a_successor_begins_when_what_it_follows_is_gone() {
    // Each reload at once after the other, while the first one's flush waits for the pipe.
    let check = |reloads: &[&[&str]], expected: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        let (pipe, out) = (make_pipe(&root), root.join("out"));
        let line = |text: &str| format!("echo {text} >> {}", out.display());
        let held = |name: &str| {
            let flush = format!("read line < {pipe}; {}", line(&format!("{name} flush")));
            let (ban, stop) = (line("fw ban '<ip>'"), line(&format!("{name} stop")));
            let params = [
                ("actionban", ban.as_str()),
                ("actionunban", "x"),
                ("actionflush", &flush),
                ("actionstop", &stop),
            ];
            plan(name, &params)
        };
        let mail = |name: &str| {
            let (ban, stop) = (line(&format!("{name} ban")), line(&format!("{name} stop")));
            plan(name, &[("actionban", &ban), ("actionstop", &stop)])
        };
        let jails = [("a", &[held("fw"), mail("mail")][..])];
        let mut world = world(dir, &jails, Box::new(NoHistory));
        world.ban(0, "192.0.2.1");
        world.until_away(0);
        let before = world.out().len();
        for names in reloads {
            let plans = names.iter().map(|name| match name.contains("mail") {
                true => mail(name),
                false => recorder(&root, name),
            });
            let workers = plans.map(|plan| plan.worker()).collect();
            world.crew.reload(0, workers, std::iter::empty());
        }
        // Everything that need not wait is done.
        world.until_away(1);
        let mut at_once = world.out().split_off(before);
        at_once.sort();
        fs::write(&pipe, "\n").unwrap();
        world.until_away(0);
        let later = world.out().split_off(before + at_once.len());
        assert_eq!([at_once, later].concat(), expected, "{reloads:?}");
    };
    check(
        &[&["other"]],
        &[
            "mail stop",
            "fw flush",
            "fw stop",
            "other start",
            "other ban 192.0.2.1",
        ],
    );
    check(
        &[&["mail"], &["fw", "mail"]],
        &["fw flush", "fw stop", "fw start", "fw ban 192.0.2.1"],
    );
    // The jail goes and is back at once; what only tells of bans does so.
    check(
        &[&[], &["fw", "mail2"]],
        &["mail stop", "fw flush", "fw stop", "fw start"],
    );
    check(
        &[&["mail2"]],
        &["mail stop", "mail2 ban", "fw flush", "fw stop"],
    );
}

#[test]
fn failures_are_counted_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bad = plan("bad", &[("actionban", "echo no >&2; exit 3")]);
    let good = recorder(dir.path(), "good");
    let mut world = world(dir, &[("a", &[bad, good])], Box::new(NoHistory));
    world.ban(0, "192.0.2.1");
    world.until_away(0);
    assert_eq!(world.out(), ["good start", "good ban 192.0.2.1"]);
    let [bad, good] = &world.crew.reports(0)[..] else {
        panic!("two actions have two reports")
    };
    assert_eq!(
        (bad.errors, bad.is_failing, bad.last_error.as_deref()),
        (1, true, Some("Error banning 192.0.2.1"))
    );
    assert_eq!((good.errors, good.is_failing), (0, false));
    assert!(
        world
            .crew
            .standing(0, &"192.0.2.1".parse().unwrap())
            .is_some()
    );
    let log = world.log();
    for line in [
        " -- exec: echo no >&2; exit 3",
        " -- stderr: 'no'",
        " -- returned 3",
        "Failed to execute ban jail 'j1' action 'bad' info 'ActionInfo({'ip': '192.0.2.1', 'family': 'inet4'})': Error banning 192.0.2.1",
    ] {
        assert!(log.contains(line), "{line}: {log}");
    }
}

#[test]
fn one_that_dies_is_said_and_the_others_live() {
    struct Fatal;
    impl History for Fatal {
        fn past(&self, _id: &str, _jail: Option<&str>) -> Option<Past> {
            std::panic::resume_unwind(Box::new(()))
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let dies = plan("dies", &[("actionban", "echo <ipfailures>")]);
    let good = recorder(dir.path(), "good");
    let mut world = world(dir, &[("a", &[dies, good])], Box::new(Fatal));
    world.ban(0, "192.0.2.1");
    world.until_away(0);
    world.ban(0, "192.0.2.2");
    world.until_away(0);
    assert_eq!(
        world.out(),
        ["good start", "good ban 192.0.2.1", "good ban 192.0.2.2"]
    );
    assert!(
        world.log().contains("CRITICAL [a] action 'dies': it died"),
        "{}",
        world.log()
    );
    world.crew.finish(&|| {});
}

#[test]
fn what_was_put_off_is_told_in_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let pipe = make_pipe(dir.path());
    let out = dir.path().join("out");
    let start = format!("read line < {pipe}");
    let ban = format!("echo <ip> >> {}", out.display());
    let slow = plan("slow", &[("actionstart", &start), ("actionban", &ban)]);
    let mut world = world(dir, &[("a", &[slow])], Box::new(NoHistory));
    world.crew.turn();
    for number in 0..1_010 {
        world.ban(0, &format!("10.0.{}.{}", number / 256, number % 256));
    }
    // One of the owed ends meanwhile and is never told.
    world.crew.unban(0, &"10.0.3.241".parse().unwrap());
    fs::write(&pipe, "\n").unwrap();
    world.until_away(0);
    let mut told = world.out();
    assert_eq!(told.len(), 1_009);
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 1_009);
    assert_eq!(
        world.log().matches("is slower than the bans come").count(),
        1
    );
}
