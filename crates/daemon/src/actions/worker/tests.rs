//! What an attacker writes goes through every tag into a shell: nothing of it is run, and it arrives whole.

use super::super::Planned;
use super::super::definition::tests::action;
use super::super::values::{History, Past};
use super::*;
use crate::log::{Log, Setup, Target};
use base::{NamedTexts, Timestamp};
use jiff::tz::TimeZone;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// The tags whose values somebody else may have written.
const TAGS: [&str; 8] = [
    "matches",
    "ipmatches",
    "ipjailmatches",
    "F-USER",
    "F-NOTE",
    "F-MATCHES",
    "raw-ticket",
    "F-*",
];

/// It remembers the ban's own lines.
struct Same(Vec<String>);

impl History for Same {
    fn past(&self, _id: &str, _jail: Option<&str>) -> Option<Past> {
        Some(Past {
            failures: 1,
            matches: self.0.clone(),
        })
    }
}

fn check(dir: &Path, hostile: &str) {
    let files: String = TAGS
        .iter()
        .enumerate()
        .map(|(number, tag)| format!("printf %s \"<{tag}>\" > {}/{number}\n", dir.display()))
        .collect();
    // As authors write it, and as nobody should.
    let careless =
        "true <matches> '<matches>' <F-USER>x<F-USER> `true <F-NOTE>` $(true <matches>)\n";
    let (definition, _) = action(&[(
        "actionban",
        &format!("cd {}\n{files}{careless}", dir.display()),
    )]);
    let mut worker = Planned::Scripts(Arc::new(definition)).worker();
    let ticket = Ticket {
        users: vec![hostile.to_owned()],
        matches: vec![hostile.to_owned(), "second".into()],
        captures: [("note", hostile)].into_iter().collect::<NamedTexts>(),
        ..Ticket::bare("192.0.2.1".parse().unwrap(), Timestamp::from_secs(1))
    };
    let log = Log::open(Setup::new(
        Target::file(dir.join("log")),
        Level::Info,
        TimeZone::UTC,
    ))
    .unwrap();
    let tools = Tools::new(Arc::new(log), Box::new(Same(ticket.matches.clone())), false);
    let job = Job::Ban(Arc::new(ticket), Counters::default());
    let errors = worker.perform(&job, &tools);
    let told = fs::read_to_string(dir.join("log")).unwrap();
    assert!(errors.is_empty(), "{hostile:?}: {errors:?}\n{told}");
    let shown = hostile.replace('\0', "\\x00");
    let list = format!("[{}, 'second']", literal(hostile));
    let read = |number: usize| {
        let bytes = fs::read(dir.join(number.to_string())).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    for (number, tag) in TAGS.iter().enumerate().take(3) {
        assert_eq!(read(number), format!("{shown}\nsecond"), "{tag}");
    }
    assert_eq!((read(3), read(4)), (shown.clone(), shown));
    assert_eq!(read(5), list);
    assert!(read(6).ends_with(&list) && read(7).contains(&list));
    let left = fs::read_dir(dir).unwrap().count();
    assert_eq!(left, TAGS.len() + 1, "{hostile:?} made a file");
}

#[test]
fn a_reload_may_change_whether_older_bans_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let ban = format!("echo >> {}", dir.path().join("out").display());
    let plan = |norestored| action(&[("actionban", &ban), ("norestored", norestored)]).0;
    let mut worker = Planned::Scripts(Arc::new(plan("0"))).worker();
    let log = Log::open(Setup::new(
        Target::file(dir.path().join("log")),
        Level::Info,
        TimeZone::UTC,
    ))
    .unwrap();
    let tools = Tools::new(Arc::new(log), Box::new(Same(Vec::new())), false);
    let ticket = Ticket::bare("192.0.2.1".parse().unwrap(), Timestamp::from_secs(1));
    let older = Job::Ban(Arc::new(ticket).as_older(), Counters::default());
    for (norestored, told) in [("1", 0), ("0", 1), ("1", 1)] {
        let reload = Job::Reload(Arc::new(plan(norestored)));
        for job in [&reload, &older] {
            assert!(worker.perform(job, &tools).is_empty());
        }
        let out = fs::read_to_string(dir.path().join("out")).unwrap_or_default();
        assert_eq!(out.lines().count(), told, "{norestored}");
    }
}

#[test]
fn hostile_values_are_told_whole_and_run_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let ten_kilobytes = "x'\"$(touch pwned)\n".repeat(600);
    for hostile in [
        "plain words",
        "a'b",
        "a\"b",
        "$(touch pwned)",
        "`touch pwned`",
        "'; touch pwned; '",
        "\"; touch pwned; \"",
        "\n touch pwned\n",
        "\r\ntouch pwned\r\n",
        "& touch pwned | touch pwned > pwned",
        "\\'; touch pwned #",
        "${IFS}touch${IFS}pwned",
        "<ip> <matches> <F-USER>",
        "a\0b; touch pwned",
        "*?~[a]{b,c}",
        "é\u{1f600}\u{202e}\u{7f}\u{1b}[2J",
        "-rf --help",
        "",
        &ten_kilobytes,
    ] {
        check(dir.path(), hostile);
    }
}
