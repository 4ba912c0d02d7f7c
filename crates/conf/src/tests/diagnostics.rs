//! Every message says what is wrong, where, what was done about it, and what to do.

use super::*;
use std::ffi::OsString;
use std::io;

/// A good jail of five lines.
const JAIL: &str = "[j]\nenabled = true\nfilter = f\nlogpath = /l\n";

fn tree(parts: &[(&str, &str)]) -> MemoryFiles {
    let good = [
        ("filter.d/f.conf", "[Definition]\nfailregex = x <HOST>\n"),
        ("action.d/a.conf", "[Definition]\nactionban = ban\n"),
    ];
    files(&[&good, parts].concat())
}

fn told(files: &dyn Files, choice: Choice<'_>) -> Vec<String> {
    let tree = Tree::find(files, Some(Path::new("/c")), Manner::Stockade);
    let (config, found) = load(files, &tree, choice);
    let broken = config.broken.iter().map(|(_, fault)| fault);
    found
        .iter()
        .chain(broken)
        .map(ToString::to_string)
        .collect()
}

fn check(parts: &[(&str, &str)], expected: &[&str]) {
    assert_eq!(told(&tree(parts), Choice::Enabled), expected, "{parts:?}");
}

#[test]
fn lines_that_are_no_options() {
    let cases: &[(&str, &[&str])] = &[
        (
            "[j\nx = 1\n",
            &[
                "error: the header of a section has no ]; what stands below is left out (/c/jail.conf:1)\n    1 | [j\nhelp: write [NAME]",
            ],
        ),
        (
            "[]\nx = 1\n",
            &[
                "error: a section needs a name; what stands below is left out (/c/jail.conf:1)\n    1 | []\nhelp: write [NAME]",
            ],
        ),
        (
            "[j]\nnothing\n",
            &[
                "warning: a line that is neither option nor section; it is left out (/c/jail.conf:2)\n    2 | nothing\nhelp: write KEY = VALUE, or indent the line if it continues the one above",
            ],
        ),
        (
            "[j]\n= 1\n",
            &[
                "warning: an option without a name; it is left out (/c/jail.conf:2)\n    2 | = 1\nhelp: write KEY = VALUE",
            ],
        ),
        (
            "[j]\nx = 1\nX = 2\n",
            &[
                "warning: option 'x' of [j] stands in line 2 already; this one is left out (/c/jail.conf:3)\n    3 | X = 2\nhelp: keep one of them",
            ],
        ),
        (
            "[j]\nx = 1\n[j]\ny = 2\n",
            &[
                "error: section [j] stands in line 1 already; this one is left out (/c/jail.conf:3)\n    3 | [j]\nhelp: put both into one section",
            ],
        ),
        (
            "x = 1\n[j]\n",
            &[
                "warning: an option stands before any [section]; it is left out (/c/jail.conf:1)\n    1 | x = 1\nhelp: put a [section] above it",
            ],
        ),
    ];
    for (text, expected) in cases {
        check(&[("jail.conf", text)], expected);
    }
}

#[test]
fn values_that_make_no_sense() {
    let cases: &[(&str, &[&str])] = &[
        (
            "maxretry = %(nothing)s",
            &[
                "error: jail 'j': unknown option 'nothing' in %(nothing)s; the jail is left out (/c/jail.conf:5)\n    5 | maxretry = %(nothing)s\n                   ^^^^^^^^^^^\nhelp: define 'nothing' in [j] or [DEFAULT]",
            ],
        ),
        (
            "nothing = 1\nmaxretry = %(nothin)s%",
            &[
                "error: jail 'j': unknown option 'nothin' in %(nothin)s; the jail is left out (/c/jail.conf:6)\n    6 | maxretry = %(nothin)s%\n                   ^^^^^^^^^^\nhelp: define 'nothin' in [j] or [DEFAULT]",
            ],
        ),
        (
            "maxretry = %(logpath)s 5% of",
            &[
                "error: jail 'j': '%' must be followed by '%' or '(NAME)s'; the jail is left out (/c/jail.conf:5)\n    5 | maxretry = %(logpath)s 5% of\n                                ^\nhelp: write %% for a plain percent sign",
            ],
        ),
        (
            "action = gone",
            &[
                "error: jail 'j': there is no readable action.d/gone.conf; the jail is left out (/c/jail.conf:5)\n    5 | action = gone\n                 ^^^^\nhelp: correct the name, or create the file",
            ],
        ),
        (
            "action = a[x=\"1\" y=2]",
            &[
                "error: jail 'j': invalid action 'a[x=\"1\" y=2]': unexpected syntax at 5 after option 'x':  y=2; the jail is left out (/c/jail.conf:5)\n    5 | action = a[x=\"1\" y=2]\n                 ^^^^^^^^^^^^\nhelp: write NAME[KEY=\"VALUE\", KEY=\"VALUE\"]",
            ],
        ),
        (
            "maxretry = five",
            &[
                "warning: jail 'j': maxretry = 'five' is no whole number; 3 is taken instead (/c/jail.conf:5)\n    5 | maxretry = five\n                   ^^^^\nhelp: correct the value, or delete the line",
            ],
        ),
        (
            "maxretry =",
            &[
                "warning: jail 'j': maxretry has no value; 3 is taken instead (/c/jail.conf:5)\n    5 | maxretry =\n        ^^^^^^^^\nhelp: write a value behind the =, or delete the line",
            ],
        ),
        (
            "findtime = soon",
            &[
                "warning: jail 'j': findtime = 'soon' is no time such as 600, 10m or 1d 12h; 600 is taken instead (/c/jail.conf:5)\n    5 | findtime = soon\n                   ^^^^\nhelp: correct the value, or delete the line",
            ],
        ),
        (
            "bantime = 10 parsecs",
            &[
                "warning: jail 'j': bantime = '10 parsecs' is no time such as 600, 10m or 1d 12h; 600 is taken instead (/c/jail.conf:5)\n    5 | bantime = 10 parsecs\n                  ^^^^^^^^^^\nhelp: correct the value, or delete the line",
            ],
        ),
        (
            "usedns = use",
            &[
                "warning: jail 'j': usedns = 'use' is none of yes, warn, no, raw; no is taken instead (/c/jail.conf:5)\n    5 | usedns = use\n                 ^^^\nhelp: correct the value, or delete the line",
            ],
        ),
        (
            "maxlines = many",
            &[
                "warning: jail 'j': maxlines = 'many' is no whole number; 1 is taken instead (/c/jail.conf:5)\n    5 | maxlines = many\n                   ^^^^\nhelp: correct the value, or delete the line",
            ],
        ),
        (
            "ipv6_prefix = 300",
            &[
                "warning: jail 'j': ipv6_prefix = '300' is no prefix length from 1 to 128; 128 is taken instead (/c/jail.conf:5)\n    5 | ipv6_prefix = 300\n                      ^^^\nhelp: correct the value, or delete the line",
            ],
        ),
        (
            "bantime.increment = perhaps",
            &[
                "warning: jail 'j': bantime.increment = 'perhaps' is neither yes nor no; no is taken instead (/c/jail.conf:5)\n    5 | bantime.increment = perhaps\n                            ^^^^^^^\nhelp: correct the value, or delete the line",
            ],
        ),
        (
            "x = %(y)s\ny = %(x)s\nmaxretry = %(x)s",
            &[
                "error: jail 'j': option 'x' refers to itself; the jail is left out (/c/jail.conf:6)\n    6 | y = %(x)s\n            ^^^^^\nhelp: write the text itself in place of one of the references",
            ],
        ),
    ];
    for (line, expected) in cases {
        check(&[("jail.conf", &format!("{JAIL}{line}\n"))], expected);
    }
}

#[test]
fn trees_with_a_fault() {
    check(
        &[("jail.conf", "[j]\nenabled = true\nfilter = gone\n")],
        &[
            "error: jail 'j': there is no readable filter.d/gone.conf; the jail is left out (/c/jail.conf:3)\n    3 | filter = gone\n                 ^^^^\nhelp: correct the name, or create the file",
        ],
    );
    check(
        &[("jail.conf", "[j]\nenabled = true\nfilter = f[x\n")],
        &[
            "error: jail 'j': invalid filter 'f[x': unexpected option syntax; the jail is left out (/c/jail.conf:3)\n    3 | filter = f[x\n                 ^^^\nhelp: write NAME[KEY=\"VALUE\", KEY=\"VALUE\"]",
        ],
    );
    check(
        &[(
            "jail.conf",
            "[j]\nenabled = true\nfilter = f\nlogpath = /var/log/my app.log\n",
        )],
        &[
            "warning: jail 'j': logpath: 'app.log' behind the path is neither head nor tail; it is left out (/c/jail.conf:4)\n    4 | logpath = /var/log/my app.log\n                              ^^^^^^^\nhelp: write a path that holds blanks in double quotes",
        ],
    );
    check(
        &[("jail.conf", "[j]\nenabled = ture\n")],
        &[
            "warning: jail 'j': enabled = 'ture' is neither yes nor no; no is taken instead (/c/jail.conf:2)\n    2 | enabled = ture\n                  ^^^^\nhelp: correct the value, or delete the line",
        ],
    );
    check(
        &[
            ("jail.conf", JAIL),
            (
                "filter.d/f.conf",
                "[Definition]\nfailregex = <a>\na = <b>\nb = <a>\n",
            ),
        ],
        &[
            "error: jail 'j': the tag <a> refers to itself; the jail is left out (/c/filter.d/f.conf:4)\n    4 | b = <a>\n             ^\nhelp: give one of the tags on the way another value",
        ],
    );
    check(
        &[
            ("jail.conf", JAIL),
            (
                "filter.d/f.conf",
                "[INCLUDES]\nbefore = %(x)s\n[Definition]\nfailregex = x\n",
            ),
        ],
        &[
            "error: unknown option 'x' in %(x)s; nothing is included (/c/filter.d/f.conf:2)\n    2 | before = %(x)s\n                 ^^^^^\nhelp: define 'x' in [INCLUDES] or [DEFAULT]",
        ],
    );
    check(
        &[
            ("jail.conf", JAIL),
            (
                "fail2ban.conf",
                "[Definition]\nloglevel = LOUD\ndbpurgeage = %(x)s\ndbmaxmatches = -1\n",
            ),
        ],
        &[
            "warning: loglevel = 'LOUD' cannot be used; INFO is taken instead (/c/fail2ban.conf:2)\n    2 | loglevel = LOUD\n                   ^^^^\nhelp: correct the value, or delete the line",
            "warning: unknown option 'x' in %(x)s; the default is taken instead (/c/fail2ban.conf:3)\n    3 | dbpurgeage = %(x)s\n                     ^^^^^\nhelp: define 'x' in [Definition] or [DEFAULT]",
            "warning: dbmaxmatches = '-1' cannot be used; 10 is taken instead (/c/fail2ban.conf:4)\n    4 | dbmaxmatches = -1\n                       ^^\nhelp: correct the value, or delete the line",
        ],
    );
    check(
        &[("fail2ban.conf", "[Definition]\n")],
        &[
            "error: there is no jail.conf and no jail.local in /c; no jail runs\nhelp: write jail.local with a section for each jail",
        ],
    );
}

#[test]
fn jails_that_nobody_wrote() {
    let names = [base::JailName::new("j"), base::JailName::new("nobody")];
    let found = told(&tree(&[("jail.conf", JAIL)]), Choice::Named(&names));
    assert_eq!(
        found,
        [
            "error: jail 'nobody': there is no section [nobody] in the configuration\nhelp: the jails are j"
        ]
    );
}

#[test]
fn bytes_that_are_not_utf8() {
    let mut files = tree(&[]);
    files.insert(
        "/c/jail.conf",
        [JAIL.as_bytes(), b"# caf\xe9\nmaxretry = 9\n"].concat(),
    );
    let expected = "warning: the file is not UTF-8; lines that are not are read as Latin-1 (/c/jail.conf:5)\n    5 | # caf\u{e9}\nhelp: save the file as UTF-8";
    assert_eq!(told(&files, Choice::Enabled), [expected]);
    let tree = Tree::find(&files, Some(Path::new("/c")), Manner::Stockade);
    assert_eq!(load(&files, &tree, Choice::Enabled).0.jails[0].maxretry, 9);
}

/// Files of which one must not be read, and directories of which one is not there.
struct Locked(MemoryFiles, &'static str);

impl Files for Locked {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.ends_with(self.1) {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => self.0.read(path),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.0.list(dir)
    }
}

#[test]
fn files_that_must_not_be_read() {
    let found = told(
        &Locked(tree(&[("jail.conf", JAIL)]), "f.conf"),
        Choice::Enabled,
    );
    let expected = [
        "error: cannot read /c/filter.d/f.conf: permission denied; the file is left out\nhelp: make it a file that this program may read, or remove it",
        "error: jail 'j': there is no readable filter.d/f.conf; the jail is left out (/c/jail.conf:3)\n    3 | filter = f\n                 ^\nhelp: correct the name, or create the file",
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_directory_that_is_not_there() {
    let expected = "error: there is no readable configuration directory /c; no jail runs\nhelp: name another directory with -c, or create this one";
    assert_eq!(told(&MemoryFiles::default(), Choice::Enabled), [expected]);
}

/// A disk with one directory that must not be listed.
struct ClosedDir(MemoryFiles, &'static str);

impl Files for ClosedDir {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        match dir.ends_with(self.1) {
            true => Err(io::ErrorKind::PermissionDenied.into()),
            false => self.0.list(dir),
        }
    }
}

#[test]
fn directories_that_must_not_be_listed() {
    let found = told(
        &ClosedDir(tree(&[("jail.conf", JAIL)]), "jail.d"),
        Choice::Enabled,
    );
    let expected = "error: cannot list /c/jail.d: permission denied; its files are left out\nhelp: let this program read the directory, or remove it";
    assert_eq!(found, [expected]);
}

#[test]
fn jails_that_find_nothing() {
    let expected = "warning: jail 'j': it has no failregex and will find nothing (/c/jail.conf:1)\n    1 | [j]\nhelp: name a filter with filter = NAME, or write failregex into the jail";
    check(&[("jail.conf", "[j]\nenabled = true\n")], &[expected]);
    check(
        &[("jail.conf", JAIL), ("filter.d/f.conf", "[Definition]\n")],
        &[expected],
    );
    check(
        &[("jail.conf", "[j]\nenabled = true\nfailregex = ^x <HOST>$\n")],
        &[],
    );
}
