//! The log as a whole: files, sockets made for it, and changes while lines are written.

use super::change::Flushed;
use super::*;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::thread;

fn log_to(path: &Path) -> Log {
    let target = Target::file(path.to_owned());
    Log::open(Setup::new(target, Level::Info, TimeZone::UTC)).unwrap()
}

fn log_beside(dir: &Path) -> Log {
    let path = |name: &str| dir.join(name).display().to_string();
    let setup = Setup::new(Target::file(dir.join("log")), Level::Info, TimeZone::UTC);
    let places = Places {
        syslog: path("dev-log"),
        journal: path("journal"),
    };
    Log::open(Setup {
        places,
        product: "Fail2ban v1.1.1".into(),
        ..setup
    })
    .unwrap()
}

fn info(log: &Log, text: &str) {
    log.write(
        Timestamp::from_secs(1),
        Level::Info,
        Kind::Rare,
        "jail",
        text,
    );
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

/// The texts of a file's lines, without date, module and process.
fn texts_of(path: &Path) -> Vec<String> {
    let text = text_of(path);
    let texts = text.lines().map(|line| match line.split_once("]: ") {
        Some((_, text)) => text.to_owned(),
        None => line.to_owned(),
    });
    texts.collect()
}

fn received(socket: &UnixDatagram) -> Vec<String> {
    socket.set_nonblocking(true).unwrap();
    let mut buffer = vec![0; 10_000];
    let mut messages = Vec::new();
    while let Ok(length) = socket.recv(&mut buffer) {
        messages.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    messages
}

#[test]
fn a_line_has_fail2bans_form() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = log_to(&path);
    let now = Timestamp::from_micros(1_763_856_708_516_999);
    log.write(
        now,
        Level::Notice,
        Kind::PerBan,
        "actions",
        "[t1] Ban 192.0.2.1",
    );
    log.write(now, Level::Debug, Kind::Rare, "actions", "not written");
    log.write(now, Level::Warning, Kind::Rare, "filter", "a\nb\u{1b}[31m");
    let pid = std::process::id();
    assert_eq!(
        text_of(&path),
        format!(
            "2025-11-23 00:11:48,516 fail2ban.actions        [{pid}]: NOTICE  [t1] Ban 192.0.2.1\n\
             2025-11-23 00:11:48,516 fail2ban.filter         [{pid}]: WARNING a\\x0ab\\x1b[31m\n"
        )
    );
}

#[test]
fn a_storm_is_counted_instead_of_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = log_to(&path);
    let write = |second, level, kind, text| {
        log.write(Timestamp::from_secs(second), level, kind, "filter", text);
    };
    for _ in 0..1_500 {
        write(10, Level::Info, Kind::PerFailure, "x");
    }
    write(10, Level::Notice, Kind::PerBan, "still written");
    write(11, Level::Info, Kind::PerFailure, "next second");
    let text = text_of(&path);
    assert_eq!(text.lines().count(), 1_000 + 1 + 1 + 1);
    assert!(
        text.contains("500 more lines about failures were left out"),
        "{text}"
    );
}

/// A line that is left out costs no words, and is counted like any other.
#[test]
fn only_what_is_written_is_put_into_words() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = log_to(&path);
    let mut worded = 0;
    let mut write = |second, level| {
        log.write_with(
            Timestamp::from_secs(second),
            level,
            Kind::PerFailure,
            "filter",
            || {
                worded += 1;
                "x".into()
            },
        );
    };
    for _ in 0..1_500 {
        write(10, Level::Info);
        write(10, Level::Debug);
    }
    write(11, Level::Info);
    assert_eq!(worded, 1_000 + 1);
    let text = text_of(&path);
    assert_eq!(text.lines().count(), 1_000 + 1 + 1);
    assert!(
        text.contains("500 more lines about failures were left out"),
        "{text}"
    );
}

#[test]
fn reopening_follows_a_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = log_to(&path);
    fs::rename(&path, dir.path().join("log.1")).unwrap();
    info(&log, "old");
    assert_eq!(log.reopen(), Ok(Flushed::RolledOver));
    info(&log, "new");
    assert_eq!(texts_of(&dir.path().join("log.1")), ["INFO    old"]);
    let rollover = format!("INFO    rollover performed on {}", path.display());
    assert_eq!(texts_of(&path), [rollover.as_str(), "INFO    new"]);
    assert_eq!(Flushed::RolledOver.text(), "rolled over");
}

#[test]
fn a_file_that_cannot_be_opened_anew_stays() {
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let log = log_to(&inner.join("log"));
    let moved = dir.path().join("moved");
    fs::rename(&inner, &moved).unwrap();
    let error = log.reopen().unwrap_err();
    assert!(error.starts_with("Unable to log to '"), "{error}");
    info(&log, "still here");
    assert_eq!(texts_of(&moved.join("log")), ["INFO    still here"]);
}

#[test]
fn levels_change_while_lines_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_beside(dir.path());
    let check = |text: &str, answer: &str, expected: &[&str]| {
        log.set_level(text).unwrap();
        assert_eq!(log.level(), answer);
        fs::write(dir.path().join("log"), "").unwrap();
        for level in [
            Level::Debug,
            Level::Info,
            Level::Notice,
            Level::Warning,
            Level::Error,
            Level::Critical,
        ] {
            log.write(Timestamp::from_secs(1), level, Kind::Rare, "jail", "x");
        }
        let texts = texts_of(&dir.path().join("log"));
        let words: Vec<&str> = texts
            .iter()
            .filter_map(|text| text.split(' ').next())
            .collect();
        assert_eq!(words, expected, "{text}");
    };
    let all = ["DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"];
    assert_eq!(log.level(), "INFO");
    check("critical", "CRITICAL", &all[5..]);
    check("ERROR", "ERROR", &all[4..]);
    check("Warning", "WARNING", &all[3..]);
    check("NOTICE", "NOTICE", &all[2..]);
    check("INFO", "INFO", &all[1..]);
    check("MSG", "MSG", &all[1..]);
    check("DEBUG", "DEBUG", &all);
    check("heavydebug", "HEAVYDEBUG", &all);
    check("21", "21", &all[2..]);
    check("51", "51", &[]);
    assert_eq!(
        log.set_level("loud").unwrap_err(),
        "Invalid log level 'LOUD'"
    );
    assert_eq!(log.level(), "51");
}

#[test]
fn a_change_is_told_as_fail2ban_does() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_beside(dir.path());
    let path = |name: &str| dir.path().join(name);
    let told = |name: &str| {
        [
            "Start Fail2ban v1.1.1".to_owned(),
            format!("Changed logging target to {name} for Fail2ban v1.1.1"),
        ]
    };
    info(&log, "first");
    let other = path("other").display().to_string();
    let text = format!("{other}[format=\"%(name)s|%(levelname)s|%(message)s\"]");
    log.retarget(&text).unwrap();
    assert_eq!(log.target(), other);
    // Once more the same is no change.
    log.retarget(&text).unwrap();
    info(&log, "second");
    let [start, changed] = told(&other);
    assert_eq!(texts_of(&path("log")), ["INFO    first"]);
    assert_eq!(
        texts_of(&path("other")),
        [
            format!("fail2ban.server|INFO|{start}"),
            format!("fail2ban.server|INFO|{changed}"),
            "fail2ban.jail|INFO|second".into()
        ]
    );
    // The same file in another form is one.
    log.retarget(&format!("{other}[datetime=off, padding=off]"))
        .unwrap();
    let pid = std::process::id();
    let line = format!("fail2ban.server[{pid}]: INFO {changed}\n");
    assert!(text_of(&path("other")).ends_with(&line));
}

#[test]
fn what_cannot_be_opened_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = log_beside(dir.path());
    let own = log.target();
    let inside = |name: &str| dir.path().join(name).display().to_string();
    fs::write(inside("file"), "").unwrap();
    let check = |text: &str, error: &str, said: bool| {
        fs::write(inside("log"), "").unwrap();
        let got = log.retarget(text).unwrap_err();
        assert!(got.starts_with(error), "{text}: {got}");
        assert_eq!(log.target(), own);
        let expected = [
            format!("ERROR   {got}"),
            format!("INFO    Logging to previous target '{own}'"),
        ];
        let expected = if said { &expected[..] } else { &[] };
        assert_eq!(texts_of(Path::new(&own)), expected);
    };
    let missing = inside("none/x");
    let unable = format!("Unable to log to '{missing}': No such file or directory");
    check(&missing, &unable, true);
    let socket = format!(
        "Syslog socket file: {} does not exists or is not a socket",
        inside("dev-log")
    );
    check("SYSLOG", &socket, true);
    let journal = format!(
        "the systemd journal takes no log lines at {}: No such",
        inside("journal")
    );
    check("SYSTEMD-JOURNAL", &journal, true);
    check("/x[a", "unexpected option syntax", false);
    check("/x[format=short]", "Invalid format 'short'", false);
    log.set_syslogsocket(&inside("file")).unwrap();
    let nobody = format!(
        "nobody takes log lines at the syslog socket {}: ",
        inside("file")
    );
    check("SYSLOG[facility=AUTH]", &nobody, true);
    assert_eq!(log.syslogsocket(), inside("file"));
}

#[test]
fn syslog_gets_lines_as_from_fail2ban() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let socket = UnixDatagram::bind(path("dev-log")).unwrap();
    let log = log_beside(dir.path());
    let pid = std::process::id();
    log.retarget("SYSLOG").unwrap();
    let now = Timestamp::from_secs(1);
    log.write(
        now,
        Level::Notice,
        Kind::PerBan,
        "actions",
        "[t1] Ban 192.0.2.1\n",
    );
    assert_eq!(log.reopen(), Ok(Flushed::Flushed));
    assert_eq!(Flushed::Flushed.text(), "flushed");
    let server = |level: &str, text: &str| format!("fail2ban.server[{pid}]: {level} {text}\0");
    let changed = |to: &str| {
        server(
            "INFO",
            &format!("Changed logging target to {to} for Fail2ban v1.1.1"),
        )
    };
    let start = server("INFO", "Start Fail2ban v1.1.1");
    assert_eq!(
        received(&socket),
        [
            format!("<30>{start}"),
            format!("<30>{}", changed(&format!("SYSLOG ({})", path("dev-log")))),
            format!("<29>fail2ban.actions[{pid}]: NOTICE [t1] Ban 192.0.2.1\\x0a\0"),
            format!("<30>{}", server("INFO", "flush performed on SYSLOG")),
        ]
    );

    // Another facility, one that does not exist, and another socket.
    log.retarget("syslog[facility=authpriv]").unwrap();
    log.retarget("SYSLOG[facility=nope]").unwrap();
    let unable = server("ERROR", "Unable to set facility 'nope', using 'DAEMON'");
    let dev_log = changed(&format!("SYSLOG ({})", path("dev-log")));
    assert_eq!(
        received(&socket),
        [
            format!("<86>{start}"),
            format!("<86>{}", changed("syslog")),
            format!("<27>{unable}"),
            format!("<30>{start}"),
            format!("<30>{dev_log}"),
        ]
    );
    let error = log.set_syslogsocket(&path("none")).unwrap_err();
    assert!(error.contains("does not exists"), "{error}");
    assert_eq!(log.syslogsocket(), "auto");
    received(&socket);
    let other = UnixDatagram::bind(path("other")).unwrap();
    log.set_syslogsocket(&path("other")).unwrap();
    assert_eq!(log.syslogsocket(), path("other"));
    info(&log, "to the other");
    assert!(received(&socket).is_empty());
    let messages = received(&other);
    assert!(messages[2].contains(&format!("SYSLOG ({})", path("other"))));
    assert!(messages[3].ends_with("INFO to the other\0"), "{messages:?}");
}

#[test]
fn the_journal_gets_bare_texts_with_their_priority() {
    let dir = tempfile::tempdir().unwrap();
    let journal = UnixDatagram::bind(dir.path().join("journal")).unwrap();
    let log = log_beside(dir.path());
    log.retarget("SYSTEMD-JOURNAL").unwrap();
    let now = Timestamp::from_secs(1);
    log.write(
        now,
        Level::Notice,
        Kind::PerBan,
        "actions",
        "[t1] Ban 192.0.2.1",
    );
    let messages = received(&journal);
    assert_eq!(
        messages[2],
        "MESSAGE=[t1] Ban 192.0.2.1\nPRIORITY=5\nSYSLOG_IDENTIFIER=fail2ban\nLOGGER=fail2ban.actions\n"
    );
    assert!(
        messages[1].contains("MESSAGE=Changed logging target to SYSTEMD-JOURNAL for Fail2ban"),
        "{messages:?}"
    );
}

#[test]
fn a_full_socket_holds_nobody_up_and_is_told_later() {
    for target in ["SYSLOG", "SYSTEMD-JOURNAL"] {
        let dir = tempfile::tempdir().unwrap();
        let socket = match target {
            "SYSLOG" => UnixDatagram::bind(dir.path().join("dev-log")),
            _ => UnixDatagram::bind(dir.path().join("journal")),
        };
        let socket = socket.unwrap();
        let log = log_beside(dir.path());
        log.retarget(target).unwrap();
        let all: Vec<String> = (0..5_000).map(|number| format!("line {number}.")).collect();
        let write = |text: &str| {
            let now = Timestamp::from_secs(1);
            log.write(now, Level::Info, Kind::PerBan, "jail", text);
        };
        all.iter().for_each(|text| write(text));
        let taken = received(&socket);
        let lines = &taken[2..];
        assert!(lines.len() < all.len(), "it was never full");
        for (line, text) in lines.iter().zip(&all) {
            assert!(line.contains(text.as_str()), "{line}");
        }
        write("there is room again");
        let told = received(&socket);
        let missing = format!(
            "{} lines are missing here: they could not be written",
            all.len() - lines.len()
        );
        assert_eq!(told.len(), 2);
        assert!(told[0].contains(&missing), "{}: {missing}", told[0]);
        assert!(told[1].contains("there is room again"));
    }
}

#[test]
fn a_full_disk_is_told_where_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    if !Path::new("/dev/full").exists() {
        println!("SKIPPED a_full_disk_is_told_where_there_is_room: there is no /dev/full");
        return;
    }
    let log = log_to(Path::new("/dev/full"));
    info(&log, "lost");
    info(&log, "lost, too");
    let path = dir.path().join("log");
    log.retarget(&path.display().to_string()).unwrap();
    assert_eq!(
        texts_of(&path)[..2],
        [
            "WARNING 2 lines are missing here: they could not be written".to_owned(),
            format!("INFO    Start {PRODUCT}"),
        ]
    );
}

#[test]
fn no_line_is_lost_while_the_target_changes() {
    const LINES: usize = 4_000;
    let dir = tempfile::tempdir().unwrap();
    let log = log_beside(dir.path());
    let path = |name: &str| dir.path().join(name);
    let changes = thread::scope(|scope| {
        let writers: Vec<_> = ["one", "two"]
            .map(|who| {
                let log = &log;
                scope.spawn(move || {
                    for number in 0..LINES {
                        let text = format!("{who} {number}");
                        let now = Timestamp::from_secs(1);
                        log.write(now, Level::Notice, Kind::PerBan, "actions", &text);
                    }
                })
            })
            .into();
        let mut changes = 0;
        while changes < 3 || writers.iter().any(|writer| !writer.is_finished()) {
            log.retarget(&path(&changes.to_string()).display().to_string())
                .unwrap();
            let moved = format!("{changes}.1");
            fs::rename(path(&changes.to_string()), path(&moved)).unwrap();
            log.reopen().unwrap();
            changes += 1;
        }
        changes
    });
    let mut names = vec!["log".to_owned()];
    names.extend((0..changes).flat_map(|number| [format!("{number}.1"), number.to_string()]));
    let lines: Vec<String> = names
        .iter()
        .flat_map(|name| texts_of(&path(name)))
        .collect();
    for who in ["one", "two"] {
        let of_one = lines
            .iter()
            .filter_map(|line| line.strip_prefix(&format!("NOTICE  {who} ")));
        let expected: Vec<String> = (0..LINES).map(|number| number.to_string()).collect();
        assert!(of_one.eq(&expected), "{who}, {changes} changes");
    }
}
