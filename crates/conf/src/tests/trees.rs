//! Which directory is read, and what lies over what (contract 1 and 2).

use super::*;
use std::ffi::OsString;
use std::io;

/// A disk on which some directories are empty.
struct Disk(MemoryFiles, &'static [&'static str]);

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        match self.1.iter().any(|empty| dir == Path::new(empty)) {
            true => Ok(Vec::new()),
            false => self.0.list(dir),
        }
    }
}

fn disk(parts: &[(&str, &str)], empty: &'static [&'static str]) -> Disk {
    let mut files = MemoryFiles::default();
    for (name, text) in parts {
        files.insert(*name, *text);
    }
    Disk(files, empty)
}

#[test]
fn the_tree_is_found() {
    use Manner::{Fail2ban, Stockade};
    let complete = ("/etc/fail2ban/jail.conf", "");
    let main = ("/etc/fail2ban/fail2ban.conf", "");
    let drop_in = ("/etc/stockade/jail.local", "# mine\n[sshd]\n");
    let comments = ("/etc/stockade/jail.local", "# [sshd]\n\n  ; port = 22\n");
    let over = "/etc/stockade over the built-in configuration";
    let built_in = "the built-in configuration";
    let cases = [
        (disk(&[], &[]), None, Stockade, built_in),
        (disk(&[complete], &[]), None, Stockade, "/etc/fail2ban"),
        (disk(&[main], &[]), None, Stockade, "/etc/fail2ban"),
        (disk(&[complete, drop_in], &[]), None, Stockade, over),
        (
            disk(
                &[complete, comments, ("/etc/stockade/jail.d/a.local", "")],
                &[],
            ),
            None,
            Stockade,
            over,
        ),
        // What a package puts there says nothing, and hides no fail2ban.
        (
            disk(&[complete, comments], &[]),
            None,
            Stockade,
            "/etc/fail2ban",
        ),
        (
            disk(&[complete], &["/etc/stockade"]),
            None,
            Stockade,
            "/etc/fail2ban",
        ),
        (disk(&[comments], &[]), None, Stockade, over),
        (disk(&[], &["/etc/stockade"]), None, Stockade, over),
        (
            disk(&[complete, drop_in], &[]),
            None,
            Fail2ban,
            "/etc/fail2ban",
        ),
        (disk(&[drop_in], &[]), None, Fail2ban, "/etc/fail2ban"),
        (
            disk(&[("/x/jail.local", "")], &[]),
            Some("/x"),
            Stockade,
            "/x over the built-in configuration",
        ),
        (
            disk(&[("/x/jail.local", "")], &[]),
            Some("/x"),
            Fail2ban,
            "/x",
        ),
        (
            disk(&[("/x/jail.conf", "")], &[]),
            Some("/x"),
            Stockade,
            "/x",
        ),
        (disk(&[complete], &[]), Some("/gone"), Stockade, "/gone"),
    ];
    for (disk, dir, manner, expected) in cases {
        let tree = Tree::find(&disk, dir.map(Path::new), manner);
        assert_eq!(tree.describe(), expected);
        assert_eq!(tree.is_fail2bans(), expected == "/etc/fail2ban");
    }
}

fn loaded(parts: &[(&str, &str)], empty: &'static [&'static str]) -> Config {
    let disk = disk(parts, empty);
    let tree = Tree::find(&disk, None, Manner::Stockade);
    let (config, found) = load(&disk, &tree, Choice::Enabled);
    assert_eq!(found, []);
    assert!(config.broken.is_empty(), "{:?}", config.broken);
    config
}

#[test]
fn an_empty_directory_changes_nothing() {
    let config = loaded(&[], &["/etc/stockade"]);
    assert!(config.globals.embedded);
    assert_eq!(config.jails.len(), loaded(&[], &[]).jails.len());
    assert!(
        config
            .jails
            .iter()
            .all(|jail| jail.enabled == Enabled::Auto)
    );
}

#[test]
fn drop_ins_of_one_kind_alone_are_enough() {
    let sshd = |config: &Config| {
        config
            .jails
            .iter()
            .find(|jail| jail.name.as_str() == "sshd")
            .cloned()
            .unwrap()
    };
    let jail = sshd(&loaded(
        &[("/etc/stockade/jail.d/x.conf", "[sshd]\nmaxretry = 9\n")],
        &[],
    ));
    assert_eq!((jail.maxretry, jail.enabled), (9, Enabled::Auto));
    let built_in = sshd(&loaded(&[], &[]));
    let extended = "[Definition]\nfailregex = %(known/failregex)s\n  ^mine <HOST>$\n";
    let jail = sshd(&loaded(
        &[("/etc/stockade/filter.d/sshd.local", extended)],
        &[],
    ));
    assert_eq!(
        jail.filter.failregex.len(),
        built_in.filter.failregex.len() + 1
    );
    let last = jail.filter.failregex.last().unwrap();
    assert_eq!(
        (last.text.as_str(), &*last.origin.file, last.origin.line),
        ("^mine <HOST>$", "/etc/stockade/filter.d/sshd.local", 3)
    );
    let jail = sshd(&loaded(
        &[(
            "/etc/stockade/action.d/stockade.local",
            "[Init]\nscope = host\n",
        )],
        &[],
    ));
    assert_eq!(jail.actions[0].stock.as_ref().unwrap().scope, Scope::Host);
    let own = [
        (
            "/etc/stockade/jail.local",
            "[mine]\nenabled = true\nlogpath = /l\nport = 99\n",
        ),
        (
            "/etc/stockade/filter.d/mine.conf",
            "[INCLUDES]\nbefore = vsftpd.conf\n[Definition]\nfailregex = ^x <HOST>$\n",
        ),
    ];
    let config = loaded(&own, &[]);
    let jail = config.jails.last().unwrap();
    assert_eq!((jail.name.as_str(), jail.enabled), ("mine", Enabled::Yes));
    assert!(
        jail.actions[0]
            .stock
            .as_ref()
            .is_some_and(|stock| stock.native)
    );
}

#[test]
fn auto_is_a_word_of_the_built_in_tree_alone() {
    let parts = [("jail.conf", "[j]\nenabled = auto\nfilter =\n")];
    let (config, found) = load_at(&parts, Choice::Enabled);
    assert!(config.jails.is_empty() && config.broken.is_empty());
    assert_eq!(found.len(), 1, "{found:?}");
    let (config, _) = load_at(&parts, Choice::All);
    assert_eq!(config.jails[0].enabled, Enabled::No);
}

#[test]
fn samples_are_not_built_in() {
    let names = EmbeddedFiles.list(Path::new("embedded:")).unwrap();
    assert_eq!(
        names,
        ["action.d", "filter.d", "jail.conf", "stockade.conf"]
    );
    for dir in ["filter.d", "action.d"] {
        let dir = Path::new("embedded:").join(dir);
        for name in EmbeddedFiles.list(&dir).unwrap() {
            assert_eq!(
                Path::new(&name).extension(),
                Some("conf".as_ref()),
                "{name:?}"
            );
            assert!(EmbeddedFiles.read(&dir.join(name)).is_ok());
        }
    }
    assert!(EmbeddedFiles.list(Path::new("embedded:/samples")).is_err());
    assert!(
        EmbeddedFiles
            .read(Path::new("embedded:/samples/sshd.log"))
            .is_err()
    );
    assert!(EmbeddedFiles.read(Path::new("/etc/passwd")).is_err());
}

#[test]
fn globals_come_from_both_files() {
    let fail2ban = (
        "fail2ban.conf",
        "[DEFAULT]\nloglevel = debug\nlogtarget = SYSLOG[facility=auth]\ndbpurgeage = 2d\n[Definition]\ndbmaxmatches = 3\nallowipv6 = no\nsocket = /s\ndbfile = None\n",
    );
    let ours = (
        "stockade.conf",
        "[Definition]\ntable_owner = no\nbanaction_native = off\n",
    );
    let (config, found) = load_at(&[fail2ban, ours, ("jail.conf", "")], Choice::Enabled);
    assert_eq!(found, []);
    let globals = config.globals;
    assert_eq!(
        (globals.loglevel.as_str(), globals.logtarget.as_deref()),
        ("debug", Some("SYSLOG[facility=auth]"))
    );
    assert_eq!(
        (globals.dbpurgeage.as_secs(), globals.dbmaxmatches),
        (172_800, 3)
    );
    assert_eq!(
        (
            globals.allowipv6.as_str(),
            globals.socket.as_deref(),
            globals.dbfile.as_deref()
        ),
        ("no", Some("/s"), Some("None"))
    );
    assert!(!globals.table_owner && !globals.banaction_native && !globals.embedded);
}

#[test]
fn a_directory_that_must_not_be_read_is_not_passed_over() {
    struct Closed;
    impl Files for Closed {
        fn read(&self, _: &Path) -> io::Result<Vec<u8>> {
            Err(io::ErrorKind::PermissionDenied.into())
        }

        fn list(&self, _: &Path) -> io::Result<Vec<OsString>> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    let tree = Tree::find(&Closed, None, Manner::Stockade);
    let (config, found) = load(&Closed, &tree, Choice::Enabled);
    assert!(config.jails.is_empty());
    let said = found.last().unwrap().to_string();
    assert!(
        said.contains("there is no readable configuration directory /etc/stockade"),
        "{said}"
    );
}
