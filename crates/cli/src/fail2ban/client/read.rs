//! What becomes of a configuration, for `-d`, `-t` and servers: the one road of the command line and of those who judge it.

use super::log::Line;
use crate::fail2ban::{FAILED, glob, python};
use base::Severity;
use conf::{Choice, DumpRequest, Item, Manner, Own, Refused, Remark, Tree};
use daemon::DiskFiles;
use std::path::Path;

/// The sentence of a test that passed.
const SOUND: &str = "OK: configuration test is successful";
/// The sentence of one that failed.
const UNSOUND: &str = "ERROR: test configuration failed";
/// What stands in place of a stream.
const NO_STREAM: &str = "ERROR: The configuration stream failed because of the invalid syntax.";
/// The last word of a client that gave up.
pub(super) const GAVE_UP: &str = "Init of command line failed";

/// Options of fail2ban.conf that the command line gives.
pub(crate) type Given = [(&'static str, String)];

/// The answer to `-d`.
pub(crate) struct Dumped {
    /// The exit code.
    pub(crate) rc: u8,
    /// The commands.
    pub(crate) commands: Vec<Vec<Item>>,
    /// What the standard output says behind them.
    pub(crate) behind: Vec<String>,
    /// What the log says.
    pub(crate) log: Vec<Line>,
}

/// The answer to `-t`.
pub(crate) struct Tested {
    /// The exit code.
    pub(crate) rc: u8,
    /// The standard output, whole.
    pub(crate) stdout: String,
    /// What the log says.
    pub(crate) log: Vec<Line>,
}

impl Dumped {
    /// The standard output, a line each.
    pub(super) fn lines(&self, is_pretty: bool) -> Vec<String> {
        let shown = |command: &Vec<Item>| match is_pretty {
            true => python::pretty(command),
            false => python::repr_list(command),
        };
        let commands = self.commands.iter().map(shown);
        commands.chain(self.behind.iter().cloned()).collect()
    }
}

/// `-d` of a directory.
pub(crate) fn dump(dir: &Path, given: &Given) -> Dumped {
    let read = read(dir, given, false, None);
    let mut log = remarks(&read);
    let mut behind = Vec::new();
    match &read.refused {
        Some(Refused::AtOnce(why)) => behind.push(format!("ERROR: {}", why.told())),
        Some(Refused::Configuration(why)) => {
            log.push(failed(why));
            behind.push(NO_STREAM.into());
        }
        None => {}
    }
    if read.fails() {
        log.push(Line::error(GAVE_UP));
    }
    Dumped {
        rc: if read.fails() { FAILED } else { 0 },
        commands: read.commands,
        behind,
        log,
    }
}

/// The configuration for a server.
pub(crate) struct Streamed {
    /// The commands that set it up; none if nothing can be started with them.
    pub(crate) commands: Option<Vec<Vec<Item>>>,
    /// What the log says.
    pub(crate) log: Vec<Line>,
}

/// What a server is told at its start, or at a reload of all or of one jail.
pub(crate) fn stream(dir: &Path, given: &Given, only: Option<&str>) -> Streamed {
    let read = read(dir, given, true, only);
    let mut log = remarks(&read);
    if let Some(Refused::AtOnce(why) | Refused::Configuration(why)) = &read.refused {
        log.push(failed(why));
    }
    Streamed {
        commands: (!read.fails()).then_some(read.commands),
        log,
    }
}

/// What the client needs for itself, and what the log says.
///
/// # Errors
/// A sentence: fail2ban.conf cannot be used.
pub(super) fn own(dir: &Path, given: &Given) -> Result<(Own, Vec<Line>), String> {
    let is_all_given = given.len() == OWN_OPTIONS;
    if !is_all_given && let Some(why) = no_directory(dir) {
        return Err(why.told().to_string());
    }
    let tree = Tree::find(&DiskFiles, Some(dir), Manner::Fail2ban);
    let read = conf::own_options(&DiskFiles, &tree, given);
    let (own, remarks) = read.map_err(|why| why.told().to_string())?;
    Ok((own, remarks.iter().map(line).collect()))
}

/// Of which nothing has to be read if the command line gives them all.
const OWN_OPTIONS: usize = 5;

/// `-t` of a directory.
pub(crate) fn test(dir: &Path, given: &Given) -> Tested {
    let read = read(dir, given, true, None);
    let mut log = remarks(&read);
    if let Some(Refused::AtOnce(why)) = &read.refused {
        return Tested {
            rc: FAILED,
            stdout: format!("ERROR: {}\n", why.told()),
            log,
        };
    }
    if let Some(Refused::Configuration(why)) = &read.refused {
        log.push(failed(why));
    }
    let mut is_sound = read.is_sound();
    if read.refused.is_none() {
        let mistakes = mistakes(dir);
        is_sound &= mistakes.is_empty();
        log.extend(mistakes);
    }
    Tested {
        rc: if is_sound { 0 } else { FAILED },
        stdout: format!("{}\n", if is_sound { SOUND } else { UNSOUND }),
        log,
    }
}

/// `-d -t`: the stream, and whether every jail is right; logs may be missing, as for a dump.
pub(super) fn dump_and_test(dir: &Path, given: &Given) -> Dumped {
    let read = read(dir, given, false, None);
    if matches!(read.refused, Some(Refused::AtOnce(_))) {
        return dump(dir, given);
    }
    let mut log = remarks(&read);
    let mut is_sound = read.is_sound();
    if let Some(Refused::Configuration(why)) = &read.refused {
        log.push(failed(why));
    } else {
        let mistakes = mistakes(dir);
        is_sound &= mistakes.is_empty();
        log.extend(mistakes);
    }
    Dumped {
        rc: if is_sound { 0 } else { FAILED },
        commands: read.commands,
        behind: vec![if is_sound { SOUND } else { UNSOUND }.into()],
        log,
    }
}

fn no_directory(dir: &Path) -> Option<base::Diagnostic> {
    let shown = dir.display();
    let message = format!("Base configuration directory {shown} does not exist");
    (!dir.is_dir()).then(|| base::Diagnostic::new(Severity::Error, message))
}

fn read(dir: &Path, given: &Given, needs_logs: bool, only: Option<&str>) -> conf::Dump {
    if let Some(why) = no_directory(dir) {
        return conf::Dump {
            refused: Some(Refused::AtOnce(why)),
            ..conf::Dump::default()
        };
    }
    let tree = Tree::find(&DiskFiles, Some(dir), Manner::Fail2ban);
    let request = DumpRequest {
        needs_logs,
        given,
        only,
        expand: &glob::expand,
    };
    conf::dump(&DiskFiles, &tree, &request)
}

fn failed(why: &base::Diagnostic) -> Line {
    Line::error(format!("Failed during configuration: {}", why.told()))
}

fn remarks(dump: &conf::Dump) -> Vec<Line> {
    dump.remarks.iter().map(line).collect()
}

fn line(remark: &Remark) -> Line {
    Line {
        severity: remark.severity,
        logger: format!("fail2ban.{}", remark.part),
        text: remark.text.clone(),
    }
}

/// What fail2ban would find out only when it starts: regexes and date patterns that do not compile (behaviour §11, 2).
fn mistakes(dir: &Path) -> Vec<Line> {
    let tree = Tree::find(&DiskFiles, Some(dir), Manner::Fail2ban);
    let (config, _) = conf::load(&DiskFiles, &tree, Choice::Enabled);
    let found = config.jails.iter().flat_map(daemon::mistakes);
    let lines = found.map(|mistake| Line {
        severity: mistake.severity,
        logger: "fail2ban.jailreader".into(),
        text: mistake.told().to_string(),
    });
    lines.collect()
}
