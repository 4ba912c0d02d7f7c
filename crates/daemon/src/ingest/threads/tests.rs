//! Several logs at once, each in its order.

use super::*;
use crate::hub::Read;
use crate::plan::{Surroundings, compile};
use conf::{Choice, Manner, MemoryFiles, Tree};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const LINES: usize = 5_000;

/// Jails with these logs, each of its log's name.
fn jails(dir: &TempDir, backend: &str, names: &[&str]) -> Arc<[Jail]> {
    let mut text = format!("[DEFAULT]\nenabled = true\nbackend = {backend}\nfilter = f\n");
    for name in names {
        let log = dir.path().join(name);
        text += &format!("[{name}]\nlogpath = {}\n", log.display());
    }
    let mut files = MemoryFiles::default();
    files.insert("/c/jail.conf", text);
    files.insert(
        "/c/filter.d/f.conf",
        "[Definition]\nfailregex = ^bad <HOST>$\ndatepattern = {NONE}\njournalmatch = _COMM=bad\n",
    );
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Stockade);
    let (config, _) = conf::load(&files, &tree, Choice::Enabled);
    let around = Surroundings::of_this_machine(clock::now());
    compile(config, &around, &mut Vec::new()).jails.into()
}

/// The lines of a jail's log.
fn lines(jail: usize) -> impl Iterator<Item = String> {
    (0..LINES).map(move |at| format!("bad 10.{jail}.{}.{}", at / 250, at % 250))
}

fn check(threads: usize, expected: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    for (at, name) in ["one", "two"].into_iter().enumerate() {
        let text: String = lines(at).map(|line| line + "\n").collect();
        fs::write(dir.path().join(name), text).unwrap();
    }
    let jails = jails(&dir, "polling", &["one", "two", "three"]);
    assert_eq!(jails.len(), 3);
    let shards = Shards::over(&jails, threads);
    let (hub, inbox) = channel();
    let (nowhere, zone) = (Positions::default(), TimeZone::UTC);
    let sources = start_shards(
        &jails,
        shards,
        nowhere,
        AllLearnt::default(),
        None,
        &zone,
        hub,
    )
    .unwrap();
    let mut found = vec![Vec::new(); jails.len()];
    while found[0].len() + found[1].len() < 2 * LINES {
        let Message::Read(batch) = inbox.recv().unwrap() else {
            panic!("a thread died")
        };
        for read in batch.said {
            if let Read::Failure(jail, failure) = read {
                found[jail.0 as usize].push(failure.matches.iter().collect::<String>());
            }
        }
    }
    let names = sources.threads.iter();
    let names: Vec<&str> = names
        .filter_map(|thread| thread.0.thread().name())
        .collect();
    assert_eq!(names, [expected, &["journal", "choose"]].concat());
    // What is under way is nobody's, so that its passes come back.
    drop(inbox);
    sources.stop();
    for (jail, found) in found.iter().enumerate().take(2) {
        assert!(lines(jail).eq(found.iter().cloned()), "{jail}");
    }
}

#[test]
fn a_thread_that_nobody_needed_ends_too() {
    let dir = tempfile::tempdir().unwrap();
    // There is no log, so that the jail goes on waiting, or reads the machine's journal.
    let jails = jails(&dir, "auto", &["one"]);
    let (hub, inbox) = channel();
    let (nowhere, zone) = (Positions::default(), TimeZone::UTC);
    let shards = Shards::over(&jails, 2);
    let sources = start_shards(
        &jails,
        shards,
        nowhere,
        AllLearnt::default(),
        None,
        &zone,
        hub,
    )
    .unwrap();
    drop(inbox);
    sources.stop();
}

#[test]
fn each_log_keeps_its_order_over_any_number_of_threads() {
    check(1, &["tail"]);
    check(2, &["tail", "tail-2"]);
    check(4, &["tail", "tail-2", "tail-3"]);
}
