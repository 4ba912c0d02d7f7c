//! The store and Debian's fail2ban on the same files: what one writes the other reads, and both tidy up and bring old
//! tables up to date alike. fail2ban runs; of its code nothing is known here but the names that it answers to.

#![expect(clippy::unwrap_used, reason = "a panic of a test is its report")]

#[path = "beside/rows.rs"]
mod rows;

use base::{Span, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rows::{NOW, Old, any_ban, any_log, any_old};
use rusqlite::Connection;
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use store::{Ban, History, JournalPosition, LogPosition, Place, Store, Write};

const THEIRS: &str = "/usr/lib/python3/dist-packages/fail2ban/server/database.py";

/// Debian's fail2ban, kept running.
struct Theirs {
    child: Child,
}

impl Theirs {
    /// `None`, loudly, where it is not installed.
    fn start(test: &str) -> Option<RefCell<Self>> {
        if !Path::new(THEIRS).exists() {
            println!("SKIPPED beside_fail2ban {test}: Debian's fail2ban is not installed");
            return None;
        }
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/beside/driver.py");
        let child = Command::new("/usr/bin/python3")
            .arg(driver)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(RefCell::new(Self { child }))
    }

    fn ask(&mut self, what: &str, path: &Path, mut question: Value) -> Value {
        question["do"] = what.into();
        question["path"] = path.to_str().unwrap().into();
        writeln!(self.child.stdin.as_mut().unwrap(), "{question}").unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::with_capacity(1, self.child.stdout.as_mut().unwrap());
        stdout.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["error"], Value::Null, "{question}");
        answer
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

fn open(path: &Path, most_lines: usize) -> Store {
    let opened = Store::open(path, "stamp", NOW, most_lines);
    assert!(opened.store.trouble().is_none());
    opened.store
}

/// A second as Python rounds it.
fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_secs(time.as_secs_f64().round_ties_even() as i64)
}

/// As the store reads a ban of its own back, without lines.
fn stored(ban: &Ban) -> Ban {
    let mut ban = ban.clone();
    ban.time = whole(ban.time);
    ban.matches.clear();
    ban
}

/// The last ban of each address, as both programs keep it.
fn last_of_each(bans: &[Ban]) -> Vec<Ban> {
    let mut last: Vec<Ban> = Vec::new();
    for ban in bans {
        last.retain(|one| (&one.id, &one.jail) != (&ban.id, &ban.jail));
        last.push(ban.clone());
    }
    last.sort_by_key(|ban| (whole(ban.time), ban.jail.clone(), ban.id.to_string()));
    last
}

fn stands(ban: &Ban) -> bool {
    let end = ban.length.map(|length| whole(ban.time) + length);
    // The table compares as seconds with fractions.
    end.is_none_or(|end| end.as_micros() > NOW.as_micros())
}

fn last_lines(ban: &Ban, most: usize) -> &[String] {
    &ban.matches[ban.matches.len().saturating_sub(most)..]
}

/// What fail2ban shall say of a ban of ours.
fn as_theirs(ban: &Ban, most: usize) -> Value {
    let mut data = serde_json::Map::new();
    for (name, value) in &ban.captures {
        data.insert(name.clone(), json!(value));
    }
    if let Some((name, _)) = ban.users.iter().rev().max_by_key(|(_, count)| count) {
        data.insert("user".into(), json!(name));
        let counts: serde_json::Map<_, _> = ban
            .users
            .iter()
            .map(|(name, count)| (name.clone(), json!(count)))
            .collect();
        data.insert("stockade_users".into(), Value::Object(counts));
    }
    if ban.users.len() > 1 {
        let names: Vec<&String> = ban.users.iter().map(|(name, _)| name).collect();
        data.insert("users".into(), json!(names));
    }
    json!({
        "ip": ban.id.to_string(),
        "time": whole(ban.time).as_secs(),
        "length": seconds(ban.length),
        "count": ban.count,
        "matches": last_lines(ban, most),
        "failures": ban.failures,
        "data": data,
    })
}

/// Whole numbers without a point, as a column of integers gives them back.
fn seconds(length: Option<Span>) -> Value {
    match length {
        None => json!(-1),
        Some(length) if length.as_micros() % 1_000_000 == 0 => json!(length.as_secs()),
        Some(length) => json!(length.as_secs_f64()),
    }
}

fn by_address(bans: &Value) -> Vec<Value> {
    let mut bans = bans.as_array().cloned().unwrap_or_default();
    bans.sort_by_key(|ban| ban["ip"].to_string());
    bans
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

#[test]
fn what_we_write_fail2ban_reads() {
    let Some(theirs) = Theirs::start("what_we_write_fail2ban_reads") else {
        return;
    };
    let bans = proptest::collection::vec(any_ban(), 1..12);
    let logs = proptest::collection::vec(any_log(), 0..4);
    let all = (bans, logs, 0..12_usize, 0..2_000_000_000_000_000_i64);
    let check = |(bans, logs, most, micros): (Vec<Ban>, Vec<LogPosition>, usize, i64)| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        let mut store = open(&path, most);
        let journal = JournalPosition {
            jail: "a".into(),
            cursor: "s=1".into(),
            time: Timestamp::from_micros(micros),
        };
        let mut writes: Vec<Write> = bans.iter().cloned().map(Write::Ban).collect();
        writes.extend(logs.iter().cloned().map(Write::LogPosition));
        writes.push(Write::JournalPosition(journal));
        store.write(&writes).unwrap();
        let (read, passed_over) = store.current_bans(NOW).unwrap();
        let last = last_of_each(&bans);
        let standing: Vec<&Ban> = last.iter().filter(|ban| stands(ban)).collect();
        prop_assert_eq!(passed_over, 0);
        let expected: Vec<Ban> = standing.iter().map(|ban| stored(ban)).collect();
        prop_assert_eq!(read, expected);
        drop(store);

        for jail in ["a", "b"] {
            let question = json!({"jail": jail, "now": NOW.as_secs()});
            let answer = theirs.borrow_mut().ask("read", &path, question);
            let expected = standing
                .iter()
                .filter(|ban| ban.jail == jail)
                .map(|ban| as_theirs(ban, most))
                .collect();
            prop_assert_eq!(by_address(&answer["bans"]), by_address(&expected));
        }
        let rows: Vec<Value> = logs.iter().map(as_log).collect();
        let question = json!({"logs": rows, "journal": ["a", "b"]});
        let answer = theirs.borrow_mut().ask("positions", &path, question);
        let time = micros as f64 / 1e6;
        prop_assert_eq!(&answer["journal"][0].as_f64(), &Some(time));
        prop_assert_eq!(&answer["journal"][1], &Value::Null);
        for (log, offset) in logs.iter().zip(answer["logs"].as_array().unwrap()) {
            let last = logs
                .iter()
                .rfind(|other| (&other.jail, &other.path) == (&log.jail, &log.path))
                .unwrap();
            let same = last.first_line_hash == log.first_line_hash;
            prop_assert_eq!(offset.as_u64(), same.then_some(last.offset));
        }
        Ok(())
    };
    runner(150).run(&all, check).unwrap();
}

fn as_log(log: &LogPosition) -> Value {
    json!({"jail": log.jail, "path": log.path, "hash": log.first_line_hash, "offset": log.offset})
}

/// A ban as fail2ban is to write it; the first line of a failure is in three pieces there.
fn to_write(ban: &Ban) -> Value {
    let mut data: serde_json::Map<_, _> = ban
        .captures
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    if let Some((name, _)) = ban.users.first() {
        data.insert("user".into(), json!(name));
    }
    if ban.users.len() > 1 {
        let names: Vec<&String> = ban.users.iter().map(|(name, _)| name).collect();
        data.insert("users".into(), json!(names));
    }
    let matches: Vec<Value> = ban
        .matches
        .iter()
        .enumerate()
        .map(|(n, line)| match n {
            0 => json!([line, "2026-01-01 ", "end"]),
            _ => json!(line),
        })
        .collect();
    json!({
        "jail": ban.jail, "ip": ban.id.to_string(), "time": ban.time.as_secs_f64(), "length": seconds(ban.length),
        "count": ban.count, "matches": matches, "failures": ban.failures, "data": data,
    })
}

/// As we shall read what `to_write` made fail2ban write.
fn from_theirs(ban: &Ban, most: usize) -> Ban {
    let mut ban = ban.clone();
    ban.time = whole(ban.time);
    for (_, count) in &mut ban.users {
        *count = 1;
    }
    if let Some(first) = ban.matches.first_mut() {
        first.push_str("2026-01-01 end");
    }
    ban.matches = last_lines(&ban, most).to_vec();
    ban
}

#[test]
fn what_fail2ban_writes_we_read() {
    let Some(theirs) = Theirs::start("what_fail2ban_writes_we_read") else {
        return;
    };
    let bans = proptest::collection::vec(any_ban(), 1..12);
    let logs = proptest::collection::vec(any_log(), 0..4);
    let all = (bans, logs, 1..12_usize, 0..2_000_000_000_000_000_i64);
    let check = |(bans, logs, most, micros): (Vec<Ban>, Vec<LogPosition>, usize, i64)| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("database");
        let question = json!({
            "most": most,
            "bans": bans.iter().map(to_write).collect::<Vec<_>>(),
            "logs": logs.iter().map(as_log).collect::<Vec<_>>(),
            "journal": [{"jail": "a", "time": micros as f64 / 1e6}],
        });
        theirs.borrow_mut().ask("write", &path, question);
        let opened = Store::open(&path, "stamp", NOW, most);
        prop_assert_eq!(opened.notes, Vec::<String>::new());
        let last = last_of_each(&bans);
        let mut read = opened.held.bans;
        opened.store.read_lines(&mut read, usize::MAX).unwrap();
        let expected: Vec<Ban> = last
            .iter()
            .filter(|ban| stands(ban))
            .map(|ban| from_theirs(ban, most))
            .collect();
        prop_assert_eq!(read, expected);
        prop_assert_eq!(opened.held.past.len(), last.len());
        let mut kept: Vec<LogPosition> = Vec::new();
        for log in &logs {
            kept.retain(|one| (&one.jail, &one.path) != (&log.jail, &log.path));
            kept.push(log.clone());
        }
        kept.sort_by_key(|log| (log.jail.clone(), log.path.clone()));
        prop_assert_eq!(opened.held.logs, kept);
        let journal = &opened.held.journal[0];
        prop_assert_eq!((journal.cursor.as_str(), journal.jail.as_str()), ("", "a"));
        prop_assert!((journal.time.as_micros() - micros).abs() <= 1);

        // The sums that actions ask for.
        let mut history = History::new(&Place::File(path.clone()), most);
        let id = &bans[0].id;
        for jail in [None, Some("a"), Some("b")] {
            let question = json!({"most": most, "ip": id.to_string(), "jail": jail});
            let answer = theirs.borrow_mut().ask("merged", &path, question);
            let ours = history.merged(id, jail);
            let ours = ours.map_or(Value::Null, |merged| {
                json!([merged.failures, merged.matches])
            });
            let theirs = match &answer["merged"] {
                Value::Null => Value::Null,
                ticket => json!([ticket["failures"], ticket["matches"]]),
            };
            prop_assert_eq!(ours, theirs);
        }
        Ok(())
    };
    runner(150).run(&all, check).unwrap();
}

/// Every row of fail2ban's tables, and what its tables and indexes are.
fn content(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let rows = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<Cell> = (0..columns).map(|n| row.get(n).unwrap()).collect();
            all.push(format!("{cells:?}"));
        }
        all
    };
    let mut all = rows(
        "SELECT t.name, i.cid, i.name, i.type, i.\"notnull\", lower(i.dflt_value), i.pk
            FROM sqlite_schema t, pragma_table_info(t.name) i
            WHERE t.type = 'table' AND t.name NOT LIKE 'stockade%' ORDER BY 1, 2",
    );
    all.extend(rows(
        "SELECT t.name, l.name, l.\"unique\", i.name
            FROM sqlite_schema t, pragma_index_list(t.name) l, pragma_index_info(l.name) i
            WHERE t.type = 'table' AND t.name NOT LIKE 'stockade%' ORDER BY 1, 2, i.seqno",
    ));
    for table in ["fail2banDb", "jails", "logs", "bans", "bips"] {
        all.push(table.to_owned());
        all.extend(rows(&format!(
            "SELECT rowid, * FROM {table} ORDER BY rowid"
        )));
    }
    all
}

#[test]
fn both_bring_old_tables_up_to_date_alike() {
    let Some(theirs) = Theirs::start("both_bring_old_tables_up_to_date_alike") else {
        return;
    };
    let check = |old: Old| {
        let dir = tempfile::tempdir().unwrap();
        let [ours, other] = ["ours", "theirs"].map(|name| dir.path().join(name));
        old.make(&ours);
        std::fs::copy(&ours, &other).unwrap();
        drop(open(&ours, 10));
        theirs.borrow_mut().ask("upgrade", &other, json!({}));
        // Opening disables all jails there, and with us once the jails are known.
        disable_all(&ours);
        disable_all(&other);
        let (ours, other) = (content(&ours), content(&other));
        prop_assert_eq!(ours, other);
        Ok(())
    };
    let mut count = 0;
    for version in 1..=3 {
        runner(60).run(&any_old(version), check).unwrap();
        count += 60;
    }
    println!("{count} files of versions 1 to 3 upgraded by both");
}

fn disable_all(path: &Path) {
    let connection = Connection::open(path).unwrap();
    connection
        .execute("UPDATE jails SET enabled = 0", [])
        .unwrap();
}

#[test]
fn both_tidy_up_and_unban_alike() {
    let Some(theirs) = Theirs::start("both_tidy_up_and_unban_alike") else {
        return;
    };
    let bans = proptest::collection::vec(any_ban(), 1..12);
    let logs = proptest::collection::vec(any_log(), 0..4);
    let all = (bans, logs, 0..4000_i64);
    let check = |(bans, logs, age): (Vec<Ban>, Vec<LogPosition>, i64)| {
        let dir = tempfile::tempdir().unwrap();
        let [ours, other] = ["ours", "theirs"].map(|name| dir.path().join(name));
        let mut store = open(&ours, 10);
        let mut writes: Vec<Write> = bans.iter().cloned().map(Write::Ban).collect();
        writes.extend(logs.iter().cloned().map(Write::LogPosition));
        writes.push(Write::AllJailsDisabled);
        store.write(&writes).unwrap();
        std::fs::copy(&ours, &other).unwrap();

        let (jail, id) = (bans[0].jail.clone(), bans[0].id.clone());
        let question = json!({"jail": jail, "ips": [id.to_string()]});
        theirs.borrow_mut().ask("unban", &other, question);
        store.write(&[Write::Unban { jail, id }]).unwrap();
        prop_assert_eq!(content(&ours), content(&other));

        store.purge(NOW, Span::from_secs(age)).unwrap();
        let question = json!({"now": NOW.as_secs(), "age": age});
        theirs.borrow_mut().ask("purge", &other, question);
        prop_assert_eq!(content(&ours), content(&other));
        Ok(())
    };
    runner(100).run(&all, check).unwrap();
}
