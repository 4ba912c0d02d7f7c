//! What is told of a log's bytes.

use super::*;
use crate::plan::{Surroundings, compile};
use conf::{Choice, Manner, MemoryFiles, Tree};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};

const JAIL: JailId = JailId(0);

fn ingest(encoding: &str) -> (Ingest, Receiver<Message>) {
    let mut files = MemoryFiles::default();
    let text = format!(
        "[j]\nenabled = true\nfailregex = ^bad é <HOST>$\ndatepattern = {{NONE}}\nlogencoding = {encoding}\n"
    );
    files.insert("/c/jail.conf", text);
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Stockade);
    let (config, _) = conf::load(&files, &tree, Choice::Enabled);
    let around = Surroundings::of_this_machine(clock::now());
    let jails: Arc<[Jail]> = compile(config, &around, &mut Vec::new()).jails.into();
    let (hub, said) = channel();
    let ears = Arc::new(Ears::new(1));
    (
        Ingest::new(
            jails,
            hub,
            Gate::new(100),
            TimeZone::UTC,
            ears,
            Learnt::new(),
        ),
        said,
    )
}

/// How many failures and which notices come of the reads of two files.
fn told(encoding: &str, reads: &[(u32, &[u8])]) -> (usize, Vec<String>) {
    let (mut ingest, said) = ingest(encoding);
    let asked = Encoding::parse(encoding).unwrap();
    for (key, bytes) in reads {
        let key = SourceKey(*key);
        ingest.opened(key, &format!("/log{}", key.0), asked, &[JAIL]);
        ingest.read_begins(key);
        ingest.bytes(key, bytes);
        ingest.read_ends(key, None, true);
    }
    ingest.finish();
    drop(ingest);
    let (mut failures, mut notices) = (0, Vec::new());
    for message in said {
        let Message::Read(batch) = message else {
            continue;
        };
        for one in batch.said {
            match one {
                Read::Failure(..) => failures += 1,
                Read::Notice(_, text) => notices.push(text),
                _ => {}
            }
        }
    }
    (failures, notices)
}

#[test]
fn undecodable_bytes_are_told_once_a_file() {
    let bad = &b"\xff\n\xfe\n"[..];
    let (_, notices) = told("auto", &[(0, bad), (0, bad), (1, b"fine\n"), (2, bad)]);
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices[0].starts_with("Error decoding line from '/log0' with 'utf-8'"));
    assert!(notices[1].contains("'/log2'"));
}

#[test]
fn lines_are_found_in_their_encoding() {
    let text = "bad é 192.0.2.1\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for (encoding, bytes) in [
        ("auto", text.as_bytes()),
        ("latin1", b"bad \xe9 192.0.2.1\n"),
        ("utf-16-be", &wide),
        ("utf-16", &wide),
    ] {
        // However the reads tear it.
        let (one, other) = bytes.split_at(5);
        assert_eq!(
            told(encoding, &[(0, one), (0, other)]),
            (1, Vec::new()),
            "{encoding}"
        );
    }
    assert_eq!(told("ascii", &[(0, text.as_bytes())]).0, 0);
}

/// What comes back serves for the next failures, and is given up once the log is quiet.
#[test]
fn failures_that_were_heard_serve_again() {
    let (mut ingest, said) = ingest("utf-8");
    let key = SourceKey(0);
    ingest.opened(key, "/log", Encoding::Utf8, &[JAIL]);
    let mut expected = String::new();
    for round in 0..3_usize {
        let lines: String = (1..=10)
            .map(|last| format!("bad é 192.0.2.{}\n", 10 * round + last))
            .collect();
        ingest.read_begins(key);
        ingest.bytes(key, lines.as_bytes());
        ingest.read_ends(key, None, true);
        expected += &lines;
    }
    let mut found = String::new();
    let mut hear = |said: &Receiver<Message>| {
        for message in said.try_iter() {
            let Message::Read(batch) = message else {
                panic!("a part died");
            };
            let failures = batch.said.into_iter().filter_map(|one| match one {
                Read::Failure(_, failure) => Some(failure),
                _ => None,
            });
            let heard: Vec<Failure> = failures.collect();
            for failure in &heard {
                assert_eq!(failure.matches.len(), 1);
                found.extend(failure.matches.iter().chain(["\n"]));
            }
            batch.heard.unwrap().send(heard).unwrap();
        }
    };
    hear(&said);
    // They come back with the next batch that goes out.
    ingest.notice(JAIL, "a word");
    ingest.flush();
    assert_eq!(ingest.spare.len(), 30);
    let line = "bad é 192.0.2.99\n";
    ingest.read_begins(key);
    ingest.bytes(key, line.as_bytes());
    ingest.read_ends(key, None, true);
    assert_eq!(ingest.spare.len(), 29);
    hear(&said);
    assert_eq!(found, expected + line);
    ingest.idle();
    assert_eq!(ingest.spare.capacity(), 0);
    assert!(ingest.heard.1.try_recv().is_err());
}
