//! Generated configuration trees: small ones that use much of the dialect, most of them sound, some with one fault.

use std::fs;
use std::path::Path;

/// Numbers that look random and are the same for the same seed.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below the bound.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

/// One tree: its files, with `@DIR@` for its directory.
pub(crate) struct Tree {
    pub(crate) files: Vec<(String, Vec<u8>)>,
}

impl Tree {
    /// Writes it to disk.
    pub(crate) fn write(&self, dir: &Path) {
        let place = dir.to_str().unwrap();
        for (name, content) in &self.files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match std::str::from_utf8(content) {
                Ok(text) => fs::write(path, text.replace("@DIR@", place)).unwrap(),
                Err(_) => fs::write(path, content).unwrap(),
            }
        }
        std::os::unix::fs::symlink("gone", dir.join("log/link.log")).unwrap();
    }

    pub(crate) fn contains(&self, part: &str) -> bool {
        self.files
            .iter()
            .any(|(_, content)| String::from_utf8_lossy(content).contains(part))
    }

    /// All files, for a report.
    pub(crate) fn shown(&self) -> String {
        let file = |(name, content): &(String, Vec<u8>)| {
            format!("--- {name}\n{}", String::from_utf8_lossy(content))
        };
        let logs = |name: &str| name.starts_with("log/");
        let files = self.files.iter().filter(|(name, _)| !logs(name));
        files.map(file).collect()
    }
}

/// The sections of one file.
#[derive(Default)]
struct Sheet(String);

impl Sheet {
    fn section(&mut self, name: &str) {
        self.0.push_str(&format!("[{name}]\n"));
    }

    fn set(&mut self, dice: &mut Dice, key: &str, value: &str) {
        let between = dice.pick(&[" = ", "=", ": ", " =", " : "]);
        let comment = match dice.below(12) {
            0 => " ; a comment",
            1 => "\n    # a line of its own",
            _ => "",
        };
        let value = value.replace('\n', "\n    ");
        self.0
            .push_str(&format!("{key}{between}{value}{comment}\n"));
        if dice.one_in(8) {
            self.0.push('\n');
        }
    }
}

/// A word that may stand anywhere.
const WORDS: [&str; 14] = [
    "a", "b-c", "x y", "10", "it's", "\"q\"", "%%", "é", "\\d+", "$", "/p/q", "a;b", "1 # 2", "[z]",
];

/// References to variables that exist in `[DEFAULT]` of every file of that kind.
const REFERENCES: [&str; 8] = [
    "%(v0)s",
    "%(v1)s",
    "%(V2)s",
    "%(v3)s",
    "%(__name__)s",
    "%(default/v0)s",
    "%(other/v1)s",
    "%(other/v4)s",
];

/// References to tags that filters and actions have.
const TAGS: [&str; 10] = [
    "<t0>",
    "<t1>",
    "<t2>",
    "<t<kind>>",
    "<other/v1>",
    "<known/t1>",
    "<gone>",
    "<ip>",
    "<maxretry>",
    "<default/v0>",
];

fn text(dice: &mut Dice, has_tags: bool) -> String {
    let parts: Vec<&str> = (0..1 + dice.below(3))
        .map(|_| match dice.below(4) {
            0 => dice.pick(&REFERENCES),
            1 if has_tags => dice.pick(&TAGS),
            _ => dice.pick(&WORDS),
        })
        .collect();
    parts.join(dice.pick(&["", " ", "-"]))
}

fn variables(dice: &mut Dice, sheet: &mut Sheet) {
    sheet.section("DEFAULT");
    sheet.set(dice, "v0", "zero");
    sheet.set(dice, "v1", "one");
    sheet.set(dice, "v2", "%(v1)s-two");
    sheet.set(dice, "V3", "%(v2)s");
    sheet.set(dice, "v4", "four %(v0)s");
}

fn regex(dice: &mut Dice, has_tags: bool) -> String {
    let before = match dice.below(4) {
        0 => "%(v0)s",
        1 if has_tags => "<t0>",
        2 => "\\S+ é",
        _ => "bad",
    };
    let after = dice.pick(&["$", "", " \\d+", " it's \"x\"", " %%"]);
    format!("^{before} <HOST>{after}")
}

fn regexes(dice: &mut Dice, has_tags: bool) -> String {
    let lines: Vec<String> = (0..1 + dice.below(3))
        .map(|_| regex(dice, has_tags))
        .collect();
    let begin = dice.pick(&["", "\n"]);
    format!(
        "{begin}{}",
        lines.join(dice.pick(&["\n", "\n\n", "\n# c\n"]))
    )
}

/// `[x=1, y="2"]`, or nothing.
fn arguments(dice: &mut Dice) -> String {
    let mut out = String::new();
    for _ in 0..dice.below(3) {
        let pairs: Vec<String> = (0..dice.below(4))
            .map(|_| {
                let key = dice.pick(&[
                    "t0",
                    "t1",
                    "t2",
                    "kind",
                    "u",
                    "port",
                    "failregex",
                    "actionban",
                ]);
                let value = dice.pick(&[
                    "1",
                    "\"2, 3\"",
                    "'a \"b\"'",
                    "",
                    "x y",
                    "\"<t2>\"",
                    "\"<known/t1>\"",
                    "%(v1)s",
                    "\"\"",
                    "\"é\"",
                    "\"[b]\"",
                    "\"a\n  b\"",
                    "' c '",
                    "bare'quote",
                    "<HOST>",
                ]);
                format!("{key}={value}")
            })
            .collect();
        let blank = dice.pick(&["", "", " "]);
        let separator = dice.pick(&[", ", ",", ",\n  "]);
        out.push_str(&format!("{blank}[{}]", pairs.join(separator)));
    }
    out.trim_start().to_owned()
}

fn filter_layer(dice: &mut Dice, is_first: bool) -> String {
    let mut sheet = Sheet::default();
    if dice.one_in(4) {
        sheet.section("INCLUDES");
        let (key, name) = (
            dice.pick(&["before", "after"]),
            dice.pick(&["common.conf", "gone.conf", "common.local\ncommon.conf"]),
        );
        sheet.set(dice, key, name);
    }
    if is_first {
        variables(dice, &mut sheet);
        sheet.section("other");
        sheet.set(dice, "v1", "other one");
    }
    sheet.section("Definition");
    if is_first || dice.one_in(2) {
        let value = match !is_first && dice.one_in(3) {
            true => format!("%(known/failregex)s\n{}", regex(dice, true)),
            false => regexes(dice, true),
        };
        sheet.set(dice, "failregex", &value);
    }
    if is_first {
        for (key, value) in [
            ("t0", "tag"),
            ("t1", "<t0>-%(v0)s"),
            ("t_x", "nested"),
            ("kind", "_x"),
        ] {
            sheet.set(dice, key, value);
        }
    }
    for _ in 0..dice.below(3) {
        let (key, value) = match dice.below(9) {
            0 => ("ignoreregex", regexes(dice, true)),
            1 => ("maxlines", dice.pick(&["1", "2", "x", ""]).to_owned()),
            2 => ("journalmatch", "_A=b + _C='d e'\n  _F=%(v0)s".to_owned()),
            3 => (
                "datepattern",
                dice.pick(&["%%Y-%%m-%%d", "{^LN-BEG}", "EPOCH"]).to_owned(),
            ),
            4 => ("usedns", dice.pick(&["no", "raw", "x"]).to_owned()),
            5 => ("logtype", "short".to_owned()),
            6 => ("prefregex", "^pre <F-CONTENT>.+</F-CONTENT>$".to_owned()),
            7 => ("free", text(dice, true)),
            _ => ("ignoreregex", String::new()),
        };
        if !sheet.0.contains(&format!("\n{key}")) {
            sheet.set(dice, key, &value);
        }
    }
    if dice.one_in(2) {
        sheet.section("Init");
        let value = text(dice, false);
        sheet.set(dice, "t1", &value);
        if dice.one_in(3) {
            sheet.set(dice, "maxlines", "3");
        }
    }
    sheet.0
}

fn action_layer(dice: &mut Dice, is_first: bool) -> String {
    let mut sheet = Sheet::default();
    if is_first {
        variables(dice, &mut sheet);
        sheet.section("other");
        sheet.set(dice, "v1", "other one");
    }
    sheet.section("Definition");
    if is_first {
        for (key, value) in [
            ("t0", "tag"),
            ("t1", "<t0>-%(v0)s"),
            ("t_x", "nested"),
            ("kind", "_x"),
        ] {
            sheet.set(dice, key, value);
        }
    }
    for key in [
        "actionstart",
        "actionstop",
        "actionban",
        "actionunban",
        "actioncheck",
        "norestored",
    ] {
        if dice.one_in(2) {
            let value = match key {
                "norestored" => dice.pick(&["1", "no", "TRUE", "maybe"]).to_owned(),
                _ if !is_first && dice.one_in(4) => format!("%(known/{key})s"),
                _ => format!("{}\n{} <ip> <matches>", text(dice, true), text(dice, true)),
            };
            // What was never there before has no earlier value.
            let is_extension = value.contains("known/");
            if !is_extension || key == "actionban" {
                sheet.set(dice, key, &value);
            }
        }
    }
    if is_first && !sheet.0.contains("actionban") {
        sheet.set(dice, "actionban", "ban <ip> <t1> <u>");
    }
    if dice.one_in(2) {
        sheet.section("Init");
        let value = text(dice, false);
        sheet.set(dice, "t1", &value);
        sheet.set(dice, "u", "plain");
    }
    if dice.one_in(4) {
        sheet.section(dice.pick(&["Init?family=inet6", "Definition?family=inet6"]));
        sheet.set(dice, "u", "six");
    }
    sheet.0
}

fn jail_options(dice: &mut Dice, sheet: &mut Sheet) {
    let options: [(&str, &[&str]); 17] = [
        ("maxretry", &["3", "05", "-1", "+7", "x", "%(v0)s", "1_0"]),
        ("maxmatches", &["%(maxretry)s", "2"]),
        ("findtime", &["10m", "1d 2h", "600"]),
        ("bantime", &["-1", "1w", "nonsense"]),
        ("bantime.increment", &["true", "0", "ja"]),
        ("bantime.factor", &["2", "%(v1)s"]),
        ("bantime.maxtime", &["5w"]),
        (
            "ignorecommand",
            &["", "/x <ip>", "\"a\" 'b'", "é\u{ad}\u{2028}😀"],
        ),
        ("ignoreself", &["false", "yes", ""]),
        ("ignoreip", &["::1, 10.0.0.0/8", "a b\n c,,d", "", "%(v0)s"]),
        ("ignorecache", &["key=\"<ip>\", max-count=1"]),
        ("logtimezone", &["UTC+0200"]),
        ("logencoding", &["utf-8", "auto"]),
        ("usedns", &["no", "%(v1)s"]),
        ("datepattern", &["^%%s", "{NONE}"]),
        ("free", &["%(gone)s", "1"]),
        ("journalmatch", &["_A=\"b c\" + _D=e", "_X=1\n  _Y=2"]),
    ];
    for (key, values) in options {
        if dice.one_in(6) {
            let value = dice.pick(values);
            sheet.set(dice, key, value);
        }
    }
}

fn jail(dice: &mut Dice, sheet: &mut Sheet, name: &str, is_first: bool) {
    sheet.section(name);
    if is_first || dice.one_in(4) {
        let enabled = dice.pick(&["true", "yes", "1", "on", "TRUE", "false", "x"]);
        sheet.set(dice, "enabled", enabled);
        let filter = match dice.below(8) {
            0 => "%(__name__)s".to_owned(),
            n => format!("f{}{}", n % 2, arguments(dice)),
        };
        sheet.set(dice, "filter", &filter);
        let actions: Vec<String> = (0..dice.below(3))
            .map(|n| match dice.below(6) {
                0 => format!("py.py[k=\"v\\é\", name=x{n}]"),
                1 => format!("a1[name=%(__name__)s-{n}]"),
                2 => format!("a0[actname=n{n}]"),
                _ => format!("a{n}{}", arguments(dice)),
            })
            .collect();
        let between = dice.pick(&["\n", " ", "\n\n"]);
        sheet.set(dice, "action", &actions.join(between));
        let logs = dice.pick(&[
            "@DIR@/log/a.log",
            "@DIR@/log/*.log tail",
            "@DIR@/log/a.log head\n@DIR@/log/[bc].*",
            "@DIR@//log/?.log\n@DIR@/log/gone",
            "@DIR@/*/a.log word",
            "@DIR@/log/",
        ]);
        sheet.set(dice, "logpath", logs);
    }
    if dice.one_in(5) {
        let value = match dice.one_in(2) {
            true => format!("%(known/failregex)s\n{}", regex(dice, false)),
            false => regexes(dice, false),
        };
        sheet.set(dice, "failregex", &value);
    }
    if dice.one_in(6) {
        let backend = dice.pick(&[
            "auto",
            "polling",
            "systemd",
            "systemd[journalflags=1]",
            "%(v0)s",
        ]);
        sheet.set(dice, "backend", backend);
    }
    jail_options(dice, sheet);
}

/// One fault, somewhere.
fn break_it(dice: &mut Dice, files: &mut Vec<(String, String)>) -> Vec<(String, Vec<u8>)> {
    let mut more = Vec::new();
    let put = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    match dice.below(22) {
        0 => more.push(put("jail.d/z.conf", "[DEFAULT]\nmaxretry = %(gone)s\n")),
        1 => more.push(put("jail.d/z.conf", "[j0]\nmaxretry = 5 %\n")),
        2 => more.push(put("jail.d/z.conf", "[j0\nmaxretry = 5\n")),
        3 => more.push(put("jail.d/z.conf", "[j0]\nport = 1\nport = 2\n")),
        4 => more.push(put("jail.d/z.conf", "[j0]\n[j0]\n")),
        5 => more.push(put("jail.d/z.conf", "[j0]\nno value here\n")),
        6 => more.push(put(
            "jail.d/z.conf",
            "[j0]\nenabled = true\nfilter = gone\n",
        )),
        7 => more.push(put(
            "jail.d/z.conf",
            "[j0]\nenabled = true\naction = a0[x=1]\n gone[y=2]\n",
        )),
        8 => more.push(put(
            "jail.d/z.conf",
            "[j0]\nenabled = true\naction = a0[x=1 b=\"c\" d, e]\n",
        )),
        9 => more.push(put(
            "jail.d/z.conf",
            "[j0]\nenabled = true\nfilter = f0[x=\"1\"y]\n",
        )),
        10 => more.push(put(
            "jail.d/z.conf",
            "[j0]\nenabled = true\nlogpath = /gone/*.log\n",
        )),
        11 => more.push(put(
            "jail.d/z.conf",
            "[j0]\nenabled = true\nbackend = auto\nlogpath = @DIR@/log/link.log\n",
        )),
        12 => more.push(put(
            "jail.d/z.conf",
            "[j0]\nenabled = true\njournalmatch = _A='b\n",
        )),
        13 => more.push(put(
            "filter.d/f0.local",
            "[Definition]\nfailregex = ^<r0> <HOST>\nr0 = <r1>\nr1 = <r0>\n",
        )),
        14 => more.push(put("filter.d/f0.local", "[Definition]\nfree = %(gone)s\n")),
        15 => more.push(put(
            "action.d/a0.local",
            "[Definition]\nactionban = <r0>\nr0 = <r0>\n",
        )),
        16 => more.push(put(
            "action.d/a0.local",
            "[Definition]\nactionstart = %(gone)s\n",
        )),
        17 => more.push(put("action.d/a0.local", "[Init]\nx = %(gone)s\n")),
        18 => more.push((
            "filter.d/f0.local".to_owned(),
            b"[Definition]\nx = \xe9\n".to_vec(),
        )),
        19 => more.push(put(
            "fail2ban.d/z.conf",
            dice.pick(&[
                "[Definition]\nloglevel = LOUD\n",
                "[Definition]\nsocket = %(x)s\n",
                "[Definition]\ndbfile = %(x)s\n",
                "[Definition\n",
            ]),
        )),
        20 => {
            let at = dice.below(files.len());
            files.remove(at);
        }
        _ => {
            // A character in the middle of something is lost.
            let at = dice.below(files.len());
            let text = &mut files[at].1;
            let place = text.char_indices().nth(dice.below(text.chars().count()));
            if let Some((place, _)) = place {
                text.remove(place);
            }
        }
    }
    more
}

/// The tree of a seed.
pub(crate) fn tree(seed: u64) -> Tree {
    let dice = &mut Dice::new(seed);
    let mut files: Vec<(String, String)> = Vec::new();
    let mut main = Sheet::default();
    main.section("Definition");
    for (key, values) in [
        ("loglevel", ["INFO", "debug", "18"]),
        ("logtarget", ["STDOUT", "/l.log", "SYSLOG[facility=AUTH]"]),
        ("dbfile", ["None", "/d.db", ":memory:"]),
        ("dbpurgeage", ["1d", "86400", "2w"]),
        ("dbmaxmatches", ["10", "x", "0"]),
        ("allowipv6", ["auto", "no", "true"]),
    ] {
        if dice.one_in(2) {
            let value = dice.pick(&values);
            main.set(dice, key, value);
        }
    }
    if dice.one_in(4) {
        main.section("Thread");
        main.set(dice, "stacksize", "64");
    }
    files.push(("fail2ban.conf".into(), main.0));
    let mut jails = Sheet::default();
    if dice.one_in(3) {
        jails.section("INCLUDES");
        jails.set(dice, "before", "paths.conf");
    }
    variables(dice, &mut jails);
    jail_options(dice, &mut jails);
    jails.section("other");
    jails.set(dice, "v1", "other one");
    let count = 1 + dice.below(3);
    for n in 0..count {
        jail(dice, &mut jails, &format!("j{n}"), true);
    }
    files.push(("jail.conf".into(), jails.0));
    files.push(("paths.conf".into(), "[DEFAULT]\nv0 = from paths\n".into()));
    for name in ["jail.local", "jail.d/a.conf", "jail.d/b.local"] {
        if dice.one_in(3) {
            let mut sheet = Sheet::default();
            let n = dice.below(count);
            jail(dice, &mut sheet, &format!("j{n}"), false);
            files.push((name.into(), sheet.0));
        }
    }
    for n in 0..2 {
        files.push((format!("filter.d/f{n}.conf"), filter_layer(dice, true)));
        files.push((format!("action.d/a{n}.conf"), action_layer(dice, true)));
        for (suffix, times) in [("local", 3), ("d/x.conf", 5)] {
            if dice.one_in(times) {
                files.push((format!("filter.d/f{n}.{suffix}"), filter_layer(dice, false)));
            }
            if dice.one_in(times) {
                files.push((format!("action.d/a{n}.{suffix}"), action_layer(dice, false)));
            }
        }
    }
    files.push((
        "filter.d/j0.conf".into(),
        "[Definition]\nfailregex = ^own <HOST>\n".into(),
    ));
    files.push((
        "filter.d/common.conf".into(),
        "[DEFAULT]\nv0 = common\n[Definition]\nt2 = common tag\n".into(),
    ));
    let more = match dice.one_in(3) {
        true => break_it(dice, &mut files),
        false => Vec::new(),
    };
    let mut files: Vec<(String, Vec<u8>)> = files
        .into_iter()
        .map(|(name, text)| (name, text.into_bytes()))
        .collect();
    files.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    files.extend(more);
    for log in ["a", "b", "c"] {
        files.push((format!("log/{log}.log"), Vec::new()));
    }
    Tree { files }
}
