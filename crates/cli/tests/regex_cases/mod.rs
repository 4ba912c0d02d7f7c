//! The command lines that are run on both programs, and the files that they name.

pub(super) mod rules;

use std::fs;
use std::path::Path;

const TWO: &str = "\
[Definition]
failregex = ^ fail <HOST>
            ^ fail <ADDR> <F-USER>\\w+</F-USER>
            ^ <F-NOFAIL>ok</F-NOFAIL> <ADDR>
ignoreregex = ^ fail 9\\.
 x
";

const SESSIONS: &str = "\
[Definition]
prefregex = ^ <F-MLFID>s\\[\\d+\\]</F-MLFID>: <F-CONTENT>.+</F-CONTENT>$
failregex = ^<F-NOFAIL>conn</F-NOFAIL> <HOST>
            ^bad <F-USER>\\w+</F-USER>(?: <F-EXTRA>\\w+</F-EXTRA>)?
            ^<F-MLFFORGET>bye</F-MLFFORGET>
            ^<F-MLFFORGET><F-MLFGAINED>ok</F-MLFGAINED></F-MLFFORGET> <F-USER>\\w+</F-USER>
";

const SEVERAL_LINES: &str = "\
[Definition]
failregex = ^ begin a<SKIPLINES> end from <HOST>$
            ^ fail \\[?<HOST>\\]?
            ^ fail <ADDR>
ignoreregex = ^ fail 9\\.
maxlines = 4
datepattern = %%Y-%%m-%%d %%H:%%M:%%S
   Epoch
journalmatch = _COMM=foo + _COMM=bar
";

const THREE: &str = "\
[Definition]
failregex = x y <HOST>
  y <HOST>
  q <HOST>
  <ADDR>
  <F-ID>1\\S+</F-ID>
";

const DRAWN: &str = "\
[Definition]
failregex = a <F-ID>\\d\\S+</F-ID>
   a <F-NOFAIL>1<F-ID>\\.\\d\\S+</F-ID></F-NOFAIL>
   c~<F-ID>\\S+</F-ID>
ignoreregex = 9\\.
";

const OPTIONS: &str = "\
[INCLUDES]
before = two.conf
[Init]
maxlines = 3
word = fail
[Definition]
failregex = ^ <word> <HOST>$
";

/// Puts the filters and logs into the directory.
pub(super) fn write_files(directory: &Path, samples: &Path) {
    let filters = directory.join("tree/filter.d");
    fs::create_dir_all(&filters).unwrap();
    fs::create_dir_all(directory.join("other")).unwrap();
    for (name, text) in [
        ("two", TWO),
        ("sessions", SESSIONS),
        ("several", SEVERAL_LINES),
        ("three", THREE),
        ("drawn", DRAWN),
        ("options", OPTIONS),
    ] {
        fs::write(filters.join(format!("{name}.conf")), text).unwrap();
    }
    fs::write(directory.join("other/two.conf"), TWO).unwrap();
    for entry in fs::read_dir(samples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "log") {
            fs::copy(&path, directory.join(path.file_name().unwrap())).unwrap();
        }
    }
    let odd = b"x 1.9.8.7 a\xff\xe4c\x00d\r\nx 1.9.8.8 \xe2\x80\xa8 b\n\n#x 1.9.8.7 a\n #x 1.9.8.7 b\n\t\nx 1.1.1.1 last\nx 1.2.3.4 not ended";
    fs::write(directory.join("odd.log"), odd).unwrap();
}

const DATES: &str = "1795412484 f 1.1.1.1
1795412484.123 f 1.1.1.1
@400000006a13d2a012345678 f 1.1.1.1
2026-11-22T10:00:00Z f 1.1.1.1
2026-11-22T10:00:00 f 1.1.1.1
2026-11-22T10:00:00+01:00 f 1.1.1.1
Nov 3 10:00:00 2025 f 1.1.1.1
x 2026-11-22T10:00:00 f 1.1.1.1
22/Nov/2026:10:00:00 +0100 f 1.1.1.1";

const MIXED: &str = "2026-11-22 10:00:00 fail from 1.2.3.4 port 5
2026-11-22 10:00:01 fail from no host
 2026-11-22 10:00:02 ignore fail from 1.2.3.7 \x20
# comment

\t
2026-11-22 10:00:03 other ";

const TWO_LOG: &str = "2026-11-22 10:00:00 fail 1.2.3.4 bob
2026-11-22 10:00:01 ok 1.2.3.4
2026-11-22 10:00:02 fail 9.1.1.1 z
2026-11-22 10:00:02 miss";

const SESSIONS_LOG: &str = "2026-11-22 10:00:00 s[1]: conn 1.1.1.1
2026-11-22 10:00:01 s[1]: bad a
2026-11-22 10:00:02 s[1]: bad a y
2026-11-22 10:00:03 s[1]: bad b
2026-11-22 10:00:04 s[1]: ok a
2026-11-22 10:00:05 s[1]: bad a
2026-11-22 10:00:06 s[2]: bad x
2026-11-22 10:00:07 s[2]: conn 2.2.2.2
2026-11-22 10:00:08 s[3]: conn 3.3.3.3
2026-11-22 10:00:09 s[3]: ok a
2026-11-22 10:00:10 s[5]: conn 5.5.5.5
2026-11-22 10:00:11 s[5]: bad a
2026-11-22 10:00:12 s[5]: bye
2026-11-22 10:00:13 s[6]: bye
2026-11-22 10:00:14 s[6]: bad r t
2026-11-22 10:00:15 s[6]: conn 6.6.6.6
2026-11-22 10:00:16 other";

const SEVERAL_LOG: &str = "2026-11-22 10:00:00 begin a
2026-11-22 10:00:01 other
2026-11-22 10:00:02 end from 1.2.3.4
2026-11-22 10:00:03 fail 1.2.3.5
1795412484 fail 1.2.3.5
2026-11-22 10:00:04 fail 9.2.3.5
2026-11-22 10:00:05 nothing
2026-11-22 10:00:06 begin a
2026-11-22 10:00:07 z
2026-11-22 10:00:08 y
2026-11-22 10:00:09 x
2026-11-22 10:00:10 end from 1.2.3.7
2026-11-22 10:00:11 begin a
2026-11-22 10:00:12 end from 1.2.3.8";

const DRAWN_LOG: &str = "2026-11-22 10:00:00 a 1.2.3.4 bob
2026-11-22 10:00:02 b 9.1.1.1 z<>&+/~-_.*
2026-11-22 10:00:02 missé ";

/// All command lines.
pub(super) fn cases() -> Vec<Vec<String>> {
    let mut cases: Vec<Vec<String>> = Vec::new();
    let mut add =
        |words: &[&str]| cases.push(words.iter().map(|word| (*word).to_owned()).collect());
    words_alone(&mut add);
    texts(&mut add);
    own_filters(&mut add);
    samples(&mut add);
    dates(&mut add);
    tokens(&mut add);
    mixtures(&mut add);
    cases
}

type Add<'a> = &'a mut dyn FnMut(&[&str]);

/// What is wrong or asks for no log.
fn words_alone(add: Add<'_>) {
    add(&[]);
    add(&["a"]);
    add(&["a", "b", "c", "d"]);
    add(&["-h"]);
    add(&["-V"]);
    add(&["--version"]);
    add(&["--bogus", "a", "b"]);
    add(&["--verb", "a", "b"]);
    add(&["-L", "x", "a", "b<HOST>"]);
    add(&["-l"]);
    add(&["--print-no-missed", "--print-all-missed", "a", "b<HOST>"]);
    add(&["--print-no-ignored", "--print-all-ignored", "a", "b<HOST>"]);
    add(&["a", "b"]);
    add(&["a", ""]);
    add(&["a", "b<HOST>", ""]);
    add(&["a", "b<HOST>("]);
    add(&["a", "b<HOST>", "c("]);
    add(&["a", "b<HOST>", "sshd"]);
    add(&["a", "<HOST> <HOST>"]);
    add(&["a", "x<HOST>\ny<HOST>"]);
    add(&["-o", "id", "a", "b("]);
    add(&["a", "nosuch"]);
    add(&["a", "/nosuch"]);
    add(&["a", "sshd[mode=foo"]);
    add(&["a", "sshd[mode foo]"]);
    add(&["-d", "%Q", "a", "b<HOST>"]);
    add(&["--TZ", "foo", "a", "b<HOST>"]);
    add(&["-c", "/nosuch", "a", "two"]);
}

/// Texts as logs, and expressions as they are.
fn texts(add: Add<'_>) {
    add(&["", "x <HOST>"]);
    add(&["#", "x <HOST>"]);
    add(&["\n\n", "x <HOST>"]);
    add(&["/nosuch/file", "x <HOST>"]);
    add(&["/root", "x <HOST>"]);
    add(&[MIXED, "fail from <ADDR>"]);
    add(&[MIXED, "fail from <ADDR>", "ignore"]);
    add(&["-v", MIXED, "fail from <ADDR>", "ignore"]);
    add(&["--print-all-matched", MIXED, "fail from <ADDR>", "ignore"]);
    add(&[
        "--print-no-missed",
        "--print-no-ignored",
        MIXED,
        "fail from <ADDR>",
        "ignore",
    ]);
    add(&["-r", MIXED, "fail from <HOST>"]);
    add(&["-rv", MIXED, "fail from <HOST>", "ignore"]);
    add(&["--usedns", "no", MIXED, "fail from <HOST>"]);
    add(&["--usedns=raw", "-o", "row", MIXED, "fail from <HOST>"]);
    add(&["--usedns=bogus", MIXED, "fail from <HOST>"]);
    add(&["-l", "ERROR", "-o", "id", "a 1.2.3.4", "a <HOST>"]);
    add(&["x 1.9.8.7 a\r\nx 1.2.3.4 b", "x <HOST> b$"]);
    add(&["x fe80::1 [1::2]:3", r"x <ADDR>.*\[(?:<DNS>)?"]);
    let long = "x".repeat(300);
    add(&[&long, &format!("x{long}<HOST>"), &format!("y{long}")]);
    let many = (1..=25)
        .map(|n| format!("line {n} {long} "))
        .collect::<Vec<_>>()
        .join("\n");
    add(&[&many, "f <HOST>"]);
    add(&["-L", "30", &many, "f <HOST>"]);
    add(&["-L", "10", &many, "f <HOST>"]);
    add(&["-L", "0", &many, "f <HOST>"]);
    add(&["-L", "10", "--print-all-missed", &many, "f <HOST>"]);
    add(&["--print-all-mi", &many, "f <HOST>"]);
    add(&["--print-no-missed", "-D", &many, "f <HOST>"]);
    add(&["-m", "A=B", "a 1.2.3.4", "a <HOST>"]);
    add(&[
        "-t",
        "--full-traceback",
        "--verbosity",
        "1",
        "2026-11-22 10:00:00 a 1.2.3.4",
        "a <HOST>",
    ]);
}

/// Filters of the test's own.
fn own_filters(add: Add<'_>) {
    for options in [
        &[][..],
        &["-v"],
        &["-v", "--no-check-all"],
        &["-vv"],
        &["--print-all-matched"],
        &["-o", "row"],
    ] {
        for (log, filter) in [
            (TWO_LOG, "two"),
            (SESSIONS_LOG, "sessions"),
            (SEVERAL_LOG, "several"),
            ("x y 1.1.1.1", "three"),
            (DRAWN_LOG, "drawn"),
        ] {
            let mut words = options.to_vec();
            // What has no date is told with the time of the run.
            if filter == "three" {
                words.extend(["-d", "^"]);
            }
            words.extend(["-c", "tree", log, filter]);
            if filter != "three"
                || !options.contains(&"-v")
                    && !options.contains(&"-vv")
                    && !options.contains(&"row")
            {
                add(&words);
            }
        }
    }
    add(&[
        "-v",
        "2026-11-22 10:00:00 x y 1.1.1.1",
        "-c",
        "tree",
        "three",
    ]);
    add(&["-c", "tree", TWO_LOG, "two.conf"]);
    add(&["-c", "tree", TWO_LOG, "two.local"]);
    add(&[TWO_LOG, "tree/filter.d/two.conf"]);
    add(&["-v", "tree/filter.d/two.conf", "tree/filter.d/two.conf"]);
    add(&[TWO_LOG, "other/two.conf"]);
    add(&[TWO_LOG, "other/two.conf[a=b, c='d e', f=\"g'h\"]"]);
    add(&["-c", "tree", TWO_LOG, "options"]);
    add(&["-c", "tree", TWO_LOG, "options[word=ok]"]);
    add(&[
        "-c",
        "tree",
        "-vv",
        TWO_LOG,
        "options[word=\"(?:ok|fail)\"]",
        "bob",
    ]);
    add(&[
        "-c",
        "tree",
        "-L",
        "2",
        "-d",
        "Epoch",
        "-v",
        SEVERAL_LOG,
        "several",
    ]);
    add(&[
        "-c",
        "tree",
        "-L",
        "3",
        "--print-all-matched",
        SEVERAL_LOG,
        "several",
    ]);
    add(&[
        "-c",
        "tree",
        "-D",
        "--print-all-matched",
        DRAWN_LOG,
        "drawn",
    ]);
    add(&["-c", "tree", "-D", "-v", TWO_LOG, "two"]);
    add(&["-c", "tree", "-D", SESSIONS_LOG, "sessions"]);
    add(&["-c", "tree", TWO_LOG, "two", "9"]);
}

/// Real servers' logs with Debian's filters.
fn samples(add: Add<'_>) {
    for (log, filter) in [
        ("sshd.log", "sshd"),
        ("sshd.log", "sshd[mode=aggressive]"),
        ("sshd.log", "sshd[mode=extra, publickey=any]"),
        ("sshd.attack.log", "sshd[mode=aggressive]"),
        ("sshd-forms.log", "sshd[mode=ddos]"),
        ("dovecot.log", "dovecot"),
        ("dovecot.attack.log", "dovecot[mode=aggressive]"),
        ("vsftpd.log", "vsftpd"),
        ("vsftpd-pam.log", "vsftpd"),
        ("vsftpd.attack.log", "vsftpd"),
        ("nginx-http-auth.log", "nginx-http-auth"),
        ("nginx-http-auth.attack.log", "nginx-http-auth"),
        ("postfix-sasl.log", "postfix[mode=auth]"),
        ("postfix-sasl.attack.log", "postfix[mode=aggressive]"),
        ("mysqld-auth.log", "mysqld-auth"),
        ("mysqld-auth.attack.log", "mysqld-auth"),
        ("recidive.log", "recidive"),
        ("sshd.log", "pam-generic"),
        ("sshd.log", "/etc/fail2ban/filter.d/sshd.conf"),
    ] {
        add(&[log, filter]);
        add(&["-o", "row", log, filter]);
    }
    for (log, filter) in [
        ("sshd.log", "sshd"),
        ("dovecot.attack.log", "dovecot"),
        ("postfix-sasl.log", "postfix[mode=auth]"),
    ] {
        add(&["-v", log, filter]);
        add(&["-o", "msg", log, filter]);
    }
    add(&[
        "--print-all-ignored",
        "--print-all-missed",
        "--print-all-matched",
        "sshd.log",
        "sshd",
    ]);
    add(&["--no-check-all", "-v", "sshd.log", "sshd"]);
    add(&["-D", "vsftpd.log", "vsftpd"]);
    add(&["-vvv", "--VD", "vsftpd.log", "vsftpd"]);
    add(&["-e", "latin1", "odd.log", "x <ADDR>"]);
    add(&["odd.log", "x <ADDR> <F-USER>.*Q</F-USER>"]);
    add(&["-o", "user", "odd.log", "x <ADDR> <F-USER>.*</F-USER>"]);
    add(&[
        "-r",
        "sshd.log",
        r"Failed \S+ for .* from <HOST>",
        "invalid",
    ]);
}

/// Date formats.
fn dates(add: Add<'_>) {
    for options in [
        &[][..],
        &["-v"],
        &["--VD"],
        &["-v", "--verbose-date"],
        &["-o", "row"],
        &["-o", "<time>"],
        &["-o", "row", "--TZ", "UTC+0100"],
        &["-d", "{^LN-BEG}"],
        &["-d", "^{DATE} f"],
        &["-d", "Epoch\n%Y-%m-%dT%H:%M:%S"],
        &["-d", "{DEFAULT}"],
        &["-d", ""],
        &["-d", "{NONE}"],
        &["-d", "TAI64N"],
        &["-d", "LEPOCH"],
        &["-d", "x %ExY-%m-%d"],
        &["-d", "{UNB}%Y-%m-%dT"],
        &["-d", "^%b %d %k:%M:%S %Y", "-v"],
    ] {
        let mut words = options.to_vec();
        words.extend([DATES, "f <ADDR>"]);
        add(&words);
    }
}

/// `-o`.
fn tokens(add: Add<'_>) {
    for token in [
        "id",
        "fid",
        "ip",
        "msg",
        "row",
        "host",
        "ip4",
        "ip6",
        "dns",
        "user",
        "F-USER",
        "<F-USER>",
        "%",
        "x y",
        "time",
        "<ip> <F-USER> <time>",
        "<msg>",
        "<ip>: <msg>",
        "ID:<fid> | IP:<ip> <matches>",
        "<bogus> <x",
        "<ip-rev> <family>",
        "<failures> <bancount> <restored>",
        "<HOST> <<ip>> <F-user> <f-user> <F-NONE> <F-A_B>",
        "<F-MLFID>|<F-IP4>|<F-ALT_USER>",
        "",
    ] {
        add(&["-o", token, "sshd.log", "sshd"]);
    }
    for token in [
        "row",
        "id",
        "ip",
        "<ip> <fid> <F-IP4> <cidr> <F-FID> <F-ID> <F-PORT> <family> <ip-rev>",
    ] {
        add(&[
            "-o",
            token,
            "x 10.9.8.7/24 y 1.1.1.1",
            r"<SUBNET> y <F-ID>\S+</F-ID>",
        ]);
        add(&[
            "-o",
            token,
            "x 10.9.8.7/24 y 1.1.1.a'b\"",
            r"<SUBNET> y <F-ID>\S+</F-ID>",
        ]);
        add(&["-o", token, "x 10.9.8.7/24 y", r"<SUBNET> y"]);
        add(&["-o", token, "x 2001:db8::7/64 y", r"<SUBNET> y"]);
        add(&[
            "-o",
            token,
            "x 10.9.8.7 y 1.1.1.a'b",
            r"<ADDR> y <F-ID>\S+</F-ID><F-TUPLE_ID>.</F-TUPLE_ID>",
        ]);
        add(&[
            "-o",
            token,
            "x 999.9.8.7 y \u{e4}\u{1}\u{200b}\u{1f600}",
            "x <ADDR> y <F-USER>.*</F-USER>",
        ]);
        add(&[
            "-o",
            token,
            "x some-host b",
            "x <F-ID>\\S+</F-ID> <F-USER>.*</F-USER>",
        ]);
        add(&[
            "-r",
            "-o",
            token,
            "x some-host b",
            "x <HOST> <F-ALT_USER>.*</F-ALT_USER>",
        ]);
        add(&["-o", token, "-c", "tree", SEVERAL_LOG, "several"]);
    }
    add(&["-o", "<ip-host>", "x 127.0.0.1", "x <HOST>"]);
    add(&[
        "-o",
        "users",
        "-c",
        "tree",
        "2026-11-22 10:00:06 s[2]: bad x\n2026-11-22 10:00:06 s[2]: conn 2.2.2.2",
        "sessions",
    ]);
    add(&[
        "-o",
        "<F-USERS> <F-EXTRA> <F-NOFAIL>",
        "-c",
        "tree",
        "2026-11-22 10:00:06 s[2]: bad x\n2026-11-22 10:00:06 s[2]: conn 2.2.2.2",
        "sessions",
    ]);
}

/// Options thrown together, the same ones each time.
fn mixtures(add: Add<'_>) {
    const OPTIONS: &[&[&str]] = &[
        &["-v"],
        &["--verbosity=3"],
        &["--VD"],
        &["-D"],
        &["-r"],
        &["--raw", "--usedns=no"],
        &["--usedns", "yes"],
        &["-L", "1"],
        &["-L", "3"],
        &["--maxlines=25"],
        &["-d", "{^LN-BEG}"],
        &["--TZ", "UTC+0200"],
        &["--timezone=EST"],
        &["-e", "latin1"],
        &["--no-check-all"],
        &["--print-no-missed"],
        &["--print-no-ignored"],
        &["--print-all-matched"],
        &["--print-all-missed"],
        &["--print-all-ignored"],
        &["-o", "row"],
        &["-o", "<ip> <F-USER>|<time>"],
        &["-o", "msg"],
        &["-m", "A=B"],
        &["-l", "CRITICAL"],
        &["-t"],
    ];
    // Every line of them has a date that the formats find: without one the time of the run would be told.
    const LOGS: &[&str] = &[TWO_LOG, SESSIONS_LOG, DRAWN_LOG, "sshd.log", "vsftpd.log"];
    const REGEXES: &[&[&str]] = &[
        &["two"],
        &["sessions"],
        &["drawn"],
        &["options[word=ok]"],
        &["other/two.conf"],
        &["fail <ADDR>", "9"],
        &["[a-z]+ <F-ID>\\S+</F-ID>"],
        &[r"<F-ID>\d+\.\d+\.</F-ID><F-USER>\S*</F-USER>", "[78]$"],
        &[r#"(?i)FAIL (?:LOGIN: Client "?)?<ADDR>"#],
    ];
    let mut state: u64 = 2026;
    let mut pick = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..40 {
        let mut words = vec!["-c", "tree"];
        for _ in 0..pick(5) {
            words.extend(OPTIONS[pick(OPTIONS.len())]);
        }
        words.push(LOGS[pick(LOGS.len())]);
        words.extend(REGEXES[pick(REGEXES.len())]);
        add(&words);
    }
}
