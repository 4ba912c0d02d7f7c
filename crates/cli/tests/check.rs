//! `stockade check` as a user calls it, on trees of our own and on those of fail2ban where they are there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use tempfile::TempDir;

/// What a call printed, and its exit code.
struct Said {
    code: i32,
    text: String,
    errors: String,
}

fn check(arguments: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_stockade"))
        .arg("check")
        .args(arguments)
        .output()
        .unwrap();
    Said {
        code: output.status.code().unwrap(),
        text: String::from_utf8(output.stdout).unwrap(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A tree with a sound filter, a log, and these files; `DIR` in them is its place.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let ours = [
        ("fail2ban.conf", "[DEFAULT]\nloglevel = INFO\n"),
        (
            "filter.d/bad.conf",
            "[Definition]\nfailregex = ^bad <HOST>$\n",
        ),
        (
            "action.d/iptables.conf",
            "[Definition]\nactionban = iptables <port> <blocktype>\n[Init]\nport = ssh\nblocktype = REJECT\n",
        ),
        (
            "action.d/mail.conf",
            "[Definition]\nactionban = mail <dest>\n[Init]\ndest = root\n",
        ),
        ("here.log", ""),
    ];
    for (name, content) in ours.iter().chain(files) {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let content = content.replace("DIR", &dir.path().display().to_string());
        fs::write(path, content).unwrap();
    }
    dir
}

fn json(dir: &Path, more: &[&str]) -> (i32, Value) {
    let said = check(&[&["--json", "-c", dir.to_str().unwrap()], more].concat());
    assert_eq!(said.text.lines().count(), 1, "one object in one line");
    (said.code, serde_json::from_str(&said.text).unwrap())
}

/// A jail `bad` with these lines, checked for people and for programs.
fn jail(lines: &str) -> (i32, String, Value) {
    let text =
        format!("[bad]\nenabled = true\nlogpath = DIR/here.log\naction = iptables\n{lines}\n");
    // A later line of one name wins only in another file.
    let dir = tree(&[
        ("jail.conf", &text.replace(lines, "")),
        (
            "jail.local",
            &format!(
                "[bad]\nfilter = bad\n{}\n",
                lines.replace("filter = bad\n", "")
            ),
        ),
    ]);
    let said = check(&[dir.path().to_str().unwrap()]);
    let (code, answer) = json(dir.path(), &[]);
    assert_eq!(code, said.code);
    assert_eq!(answer["v"], 1);
    assert!(said.errors.is_empty(), "{}", said.errors);
    (code, said.text, answer)
}

#[test]
fn each_state_has_its_reason_and_its_exit_code() {
    for (lines, code, state, reason, shown) in [
        ("", 0, "ok", None, "bad   ok     native"),
        (
            "logpath = DIR/none.log",
            0,
            "waiting",
            Some("DIR/none.log is missing"),
            "bad   waiting  native",
        ),
        (
            "logpath = DIR/n*.log",
            0,
            "waiting",
            Some("DIR/n*.log matches nothing"),
            "bad   waiting  native",
        ),
        (
            "logpath = DIR/none/x.log",
            0,
            "waiting",
            Some("DIR/none/x.log is missing"),
            "bad   waiting  native",
        ),
        (
            "failregex = ^bad( <HOST>$",
            1,
            "error",
            Some("missing ), unterminated subpattern (DIR/jail.local:3)"),
            "bad   ERROR",
        ),
        (
            "failregex = ^bad$",
            1,
            "error",
            Some("no failure-id group"),
            "bad   ERROR",
        ),
        (
            "datepattern = %%Y\n  %%Y",
            1,
            "error",
            Some("date pattern"),
            "bad   ERROR",
        ),
        (
            "action = nosuch",
            1,
            "error",
            Some("there is no readable action.d/nosuch.conf"),
            "bad   ERROR",
        ),
        (
            "action = iptables[port=sssh]",
            1,
            "error",
            Some("unknown port 'sssh'"),
            "bad   ERROR",
        ),
        (
            "logpath = DIR",
            1,
            "error",
            Some("no regular file"),
            "bad   ERROR",
        ),
    ] {
        let (said, text, answer) = jail(lines);
        let jail = &answer["jails"][0];
        assert_eq!(said, code, "{lines}\n{text}");
        assert_eq!(jail["state"], state, "{lines}");
        assert_eq!(answer["result"], if code == 0 { "ok" } else { "errors" });
        match (jail["reason"].as_str(), reason) {
            (None, None) => {}
            (Some(told), Some(reason)) => {
                let parts: Vec<&str> = reason.split("DIR").collect();
                assert!(parts.iter().all(|part| told.contains(part)), "{told}");
            }
            (told, _) => panic!("{lines}: {told:?}"),
        }
        assert!(text.contains(shown), "{lines}: {shown}\n{text}");
    }
}

#[test]
fn each_action_says_who_carries_it_out() {
    for (action, kinds, shown) in [
        ("iptables", &["native"][..], "native"),
        ("mail", &["shell"], "shell mail"),
        ("iptables\n  mail", &["native", "shell"], "native + 1 shell"),
        ("smtp.py[host=x]", &["mail"], "mail smtp.py"),
        ("other.py[host=x]", &["python"], "python other.py"),
        ("iptables[actionban=mine]", &["shell"], "shell iptables"),
    ] {
        let (code, text, answer) = jail(&format!("action = {action}"));
        assert_eq!(code, 0, "{text}");
        let actions = answer["jails"][0]["actions"].as_array().unwrap();
        let found: Vec<&str> = actions
            .iter()
            .map(|one| one["kind"].as_str().unwrap())
            .collect();
        assert_eq!(found, kinds, "{action}");
        assert!(text.contains(shown), "{shown}\n{text}");
    }
    let (_, _, answer) = jail("action = iptables[port=\"80,443\", protocol=udp, blocktype=DROP]");
    let action = &answer["jails"][0]["actions"][0];
    for (field, value) in [
        ("ports", "80,443"),
        ("protocol", "udp"),
        ("blocktype", "drop"),
        ("scope", "all"),
    ] {
        assert_eq!(action[field], value);
    }
}

#[test]
fn slips_are_told_with_their_line() {
    let (code, text, answer) = jail("maxrety = 3");
    // Nothing is lost but the line.
    assert_eq!(code, 0);
    assert!(
        text.contains("warning: unknown option 'maxrety' in [bad]; it is not read"),
        "{text}"
    );
    assert!(
        text.contains("    3 | maxrety = 3\n        ^^^^^^^\nhelp: did you mean maxretry?"),
        "{text}"
    );
    let found = &answer["diagnostics"][0];
    assert_eq!(found["severity"], "warning");
    assert_eq!(found["line"], 3);
    assert_eq!(found["text"], "maxrety = 3");
    assert_eq!(found["help"], "did you mean maxretry?");
}

#[test]
fn risky_patterns_come_with_an_example() {
    let (code, text, answer) = jail("failregex = failed for <F-USER>.*?</F-USER> from <HOST>");
    assert_eq!(code, 0);
    let regex = &answer["jails"][0]["regexes"][0];
    assert_eq!(regex["option"], "failregex");
    assert_eq!(regex["number"], 1);
    assert_eq!(regex["line"], 3);
    let risks = regex["risks"].as_array().unwrap();
    let kinds: Vec<&str> = risks
        .iter()
        .map(|risk| risk["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["unanchored", "free-text", "open-end"]);
    assert_eq!(risks[1]["example"], "x from 192.0.2.9");
    assert!(text.contains("not bound to the beginning (^)"), "{text}");
    assert!(
        text.contains(".*? in <F-USER> takes any text before the address"),
        "{text}"
    );
}

#[test]
fn many_risky_patterns_are_counted_unless_asked() {
    let regexes: Vec<String> = (0..8).map(|n| format!("  bad{n} <HOST>$")).collect();
    let filter = format!("[Definition]\nfailregex =\n{}\n", regexes.join("\n"));
    let dir = tree(&[
        (
            "jail.conf",
            "[many]\nenabled = true\nfilter = many\nlogpath = DIR/here.log\naction = iptables\n",
        ),
        ("filter.d/many.conf", &filter),
    ]);
    let place = dir.path().to_str().unwrap();
    let short = check(&[place]).text;
    assert!(short.contains("  many          8           8"), "{short}");
    assert!(!short.contains("not bound"), "{short}");
    let long = check(&[place, "--verbose"]).text;
    assert_eq!(long.matches("RISK: not bound").count(), 8, "{long}");
    assert!(long.contains("regex   failregex 1 ("), "{long}");
}

#[test]
fn each_regex_says_which_engine_runs_it() {
    for (failregex, engine, why, shown) in [
        ("^bad <HOST>$", "linear", None, "1 regex: 1 linear"),
        (
            "^(?!x)bad <HOST>$",
            "linear-product",
            Some("look-ahead"),
            "1 linear with look-around",
        ),
        (
            "^(?P<a>x+) (?P=a) <HOST>$",
            "backtracking",
            Some("it has a back-reference"),
            "failregex 1: it has a back-reference",
        ),
    ] {
        let (_, text, answer) = jail(&format!("failregex = {failregex}"));
        let regex = &answer["jails"][0]["regexes"][0];
        assert_eq!(regex["engine"], engine);
        assert_eq!(regex["why"].as_str(), why);
        assert!(text.contains(shown), "{shown}\n{text}");
    }
}

#[test]
fn forgeable_matches_are_listed() {
    for (lines, open) in [
        (
            "journalmatch = _SYSTEMD_UNIT=x.service + _COMM=bad",
            &["_COMM=bad"][..],
        ),
        (
            "journalmatch = SYSLOG_IDENTIFIER=bad",
            &["SYSLOG_IDENTIFIER=bad"],
        ),
        ("journalmatch = _COMM=bad\ntrusted_uid = 0", &[]),
        ("journalmatch = _SYSTEMD_UNIT=x.service", &[]),
        ("journalmatch = _COMM=bad\nbackend = polling", &[]),
    ] {
        let (code, text, answer) = jail(lines);
        assert_eq!(code, 0);
        assert_eq!(
            answer["jails"][0]["forgeable"],
            serde_json::json!(open),
            "{lines}"
        );
        let heading = "JOURNAL MATCHES THAT ANY LOCAL USER CAN SATISFY";
        assert_eq!(text.contains(heading), !open.is_empty(), "{text}");
    }
}

#[test]
fn what_cannot_be_used_of_growing_bans_and_networks_is_cited() {
    let options = "bantime.increment = true\nbantime.formula = ban.Time * (\nbantime.factor = x\n\
                   bantime.maxtime = soon\naggregate = 24:5, 8:2, 24, 128:9";
    let (code, text, _) = jail(options);
    assert_eq!(code, 0, "{text}");
    for words in [
        "bantime.formula, column",
        "the bans of this jail do not grow",
        "bantime.factor, column 1",
        "bantime.maxtime is no time; it is left out",
        "aggregate entry '8:2' is wider than /16; it is left out",
        "aggregate entry '24' is not LENGTH:NUMBER; it is left out",
        "aggregate entry '128:9' is no wider than what this jail bans by itself, /128",
        "jail.local:4",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let (_, text, _) = jail("bantime.increment = true\naggregate = 24:5, 48:20");
    assert!(text.contains("0 warnings"), "{text}");
}

#[test]
fn whom_a_jail_ignores_is_shown_and_mistakes_are_cited() {
    let options = "ignoreip = 192.0.2.1 10.0.0.0/33 host.example file:///none\nignorecache = max-count=1\n\
                   ignorecommand = true";
    let (code, text, answer) = jail(options);
    assert_eq!(code, 0);
    let ignored = answer["jails"][0]["ignored"].as_array().unwrap();
    assert_eq!(ignored.len(), 3);
    assert_eq!(ignored[0], "192.0.2.1");
    assert_eq!(ignored[1], "host.example (a host name)");
    for words in [
        "ignoreip entry '10.0.0.0/33' is no address and no network; it is left out",
        "ignorecache has no key; every failure is asked about",
        "jail.local:3",
        "bad: ignoreip file /none cannot be read: ",
        "spares nobody until it can",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn the_choice_of_jails() {
    let dir = tree(&[(
        "jail.conf",
        "[DEFAULT]\nfilter = bad\nlogpath = DIR/here.log\naction = iptables\n[on]\nenabled = true\n[off]\nenabled = false\n[other]\nmaxretry = 3\n",
    )]);
    for (more, code, names, left) in [
        (&[][..], 0, &["on"][..], 2),
        (&["--all"], 0, &["on", "off", "other"], 0),
        (&["--jail", "off"], 0, &["off"], 2),
        (&["--jail", "other", "--jail", "on"], 0, &["on", "other"], 1),
        (&["--jail", "none"], 1, &["none"], 2),
    ] {
        let (said, answer) = json(dir.path(), more);
        let jails = answer["jails"].as_array().unwrap();
        let found: Vec<&str> = jails
            .iter()
            .map(|jail| jail["name"].as_str().unwrap())
            .collect();
        assert_eq!((said, found.as_slice()), (code, names), "{more:?}");
        assert_eq!(answer["not_checked"], left, "{more:?}");
    }
}

#[test]
fn exit_codes() {
    let sound = tree(&[("jail.conf", "")]);
    let drop_ins = tempfile::tempdir().unwrap();
    let sound = sound.path().to_str().unwrap();
    for (arguments, code) in [
        (&[sound][..], 0),
        (&["-c", sound], 0),
        (&[drop_ins.path().to_str().unwrap()], 0),
        (&["/nonexistent/tree"], 3),
        (&["--json", "/nonexistent/tree"], 3),
        (&[sound, "-c", sound], 2),
        (&["--nosuch"], 2),
        (&["--all", "--jail", "x"], 2),
    ] {
        assert_eq!(check(arguments).code, code, "{arguments:?}");
    }
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let (_, text, _) = jail("max\u{1b}[31mrety = 3");
    assert!(!text.contains('\u{1b}'), "{text}");
}

/// Every jail of a whole tree, whatever it holds.
fn whole(name: &str, dir: &Path) {
    if !dir.join("jail.conf").exists() {
        println!("SKIPPED {name}: there is no {}", dir.display());
        return;
    }
    let began = Instant::now();
    let (code, answer) = json(dir, &["--all"]);
    let took = began.elapsed();
    let jails = answer["jails"].as_array().unwrap();
    let text = fs::read_to_string(dir.join("jail.conf")).unwrap();
    let headers = text
        .lines()
        .filter_map(|line| line.strip_prefix('[')?.split_once(']'));
    for (section, _) in headers.filter(|(name, _)| !matches!(*name, "DEFAULT" | "INCLUDES")) {
        assert!(
            jails.iter().any(|jail| jail["name"] == section),
            "{section}"
        );
    }
    let regexes: Vec<&Value> = jails
        .iter()
        .flat_map(|jail| jail["regexes"].as_array().unwrap())
        .collect();
    let of = |engine: &str| {
        regexes
            .iter()
            .filter(|regex| regex["engine"] == engine)
            .count()
    };
    let risks = |kind: &str| {
        let is_it = |regex: &&&Value| {
            regex["risks"]
                .as_array()
                .unwrap()
                .iter()
                .any(|risk| risk["kind"] == kind)
        };
        regexes.iter().filter(is_it).count()
    };
    let state = |state: &str| jails.iter().filter(|jail| jail["state"] == state).count();
    println!(
        "{name}: exit {code}, {} jails ({} ok, {} waiting, {} error), {} regexes ({} linear, {} product, {} backtracking), \
         risks: {} unanchored, {} free text, {} open end, {} back-reference; {} diagnostics; {took:?}",
        jails.len(),
        state("ok"),
        state("waiting"),
        state("error"),
        regexes.len(),
        of("linear"),
        of("linear-product"),
        of("backtracking"),
        risks("unanchored"),
        risks("free-text"),
        risks("open-end"),
        risks("back-reference"),
        answer["diagnostics"].as_array().unwrap().len(),
    );
    // The stock filters are written with care: a check that doubts many of them would be read by nobody.
    if regexes.len() > 100 {
        assert!(10 * risks("free-text") < regexes.len());
        assert!(10 * risks("unanchored") < regexes.len());
    }
}

#[test]
fn an_installed_fail2ban() {
    whole("an_installed_fail2ban", Path::new("/etc/fail2ban"));
}

#[test]
fn recorded_trees() {
    let trees = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/trees");
    for name in ["master", "debian-1.0.2", "tests"] {
        whole(&format!("recorded_trees {name}"), &trees.join(name));
    }
}
