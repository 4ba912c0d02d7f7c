//! What a jail would read on this machine, and whether it can.

use super::Verdict;
use crate::ingest::{Choice, choice, journal_has, journald_runs};
use crate::plan::{Backend, Jail, units};
use crate::source::journal::forgeable;
use crate::source::tail::{expand, is_glob};
use conf::LogPath;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// One thing that a jail would read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedSource {
    /// `file`, `journal` or `bans`.
    pub kind: &'static str,
    /// The path, the pattern that nothing matches, or the match.
    pub place: String,
    /// `readable`, `missing`, `no match`, or what is wrong.
    pub state: String,
}

/// What was seen of a jail's source.
#[derive(Debug, Default)]
pub(crate) struct Looked {
    pub(crate) sources: Vec<CheckedSource>,
    /// Why these.
    pub(crate) why: String,
    /// Why it would not run.
    pub(crate) fault: Option<(Verdict, String)>,
    pub(super) forgeable: Vec<String>,
    pub(super) notes: Vec<String>,
}

pub(crate) fn of(jail: &Jail) -> Looked {
    let mut looked = match (jail.backend, choice(jail, None)) {
        (Backend::Bans, _) => bans(),
        (_, Some(Choice::Files)) => files(jail),
        (_, Some(Choice::Journal)) => journal(jail),
        (_, None) => nothing_yet(jail),
    };
    let listens = !jail.journal.is_empty() || jail.backend == Backend::Journal;
    if listens && matches!(jail.backend, Backend::Journal | Backend::Either) {
        match forgeable(&jail.journal) {
            Ok(open) if jail.trusted.is_empty() => looked.forgeable = open,
            Ok(_) => {}
            Err(error) if looked.sources.iter().any(|source| source.kind == "journal") => {
                looked.fault = Some((Verdict::Error, error));
            }
            Err(error) => looked.notes.push(error),
        }
    }
    looked
}

fn bans() -> Looked {
    Looked {
        sources: vec![CheckedSource {
            kind: "bans",
            place: "bans of the other jails".into(),
            state: "readable".into(),
        }],
        why: "it hears of bans from the daemon itself, not from a log".into(),
        ..Looked::default()
    }
}

fn files(jail: &Jail) -> Looked {
    let why = match jail.backend {
        Backend::Files => "its backend reads files",
        _ if jail.journal.is_empty() => "it has no journalmatch",
        _ if journal_has(jail, None) => "one of its log files was written within the last hour",
        _ => no_journal(),
    };
    let sources: Vec<CheckedSource> = jail.logs.iter().flat_map(of_pattern).collect();
    let with = |state: &str| sources.iter().find(|source| source.state == state);
    let wrong = sources
        .iter()
        .find(|source| !matches!(source.state.as_str(), "readable" | "missing" | "no match"));
    let fault = match (wrong, with("readable")) {
        _ if sources.is_empty() => Some((
            Verdict::Error,
            "it has no logpath, and nothing else to read".to_owned(),
        )),
        (Some(wrong), _) => Some((Verdict::Error, format!("{}: {}", wrong.place, wrong.state))),
        (None, Some(_)) => None,
        (None, None) => Some((Verdict::Waiting, waits_for(&sources))),
    };
    Looked {
        sources,
        why: why.into(),
        fault,
        ..Looked::default()
    }
}

fn waits_for(sources: &[CheckedSource]) -> String {
    let places: Vec<String> = sources
        .iter()
        .map(|source| match (source.kind, source.state.as_str()) {
            ("journal", _) => format!("no unit {}", source.place),
            (_, "no match") => format!("{} matches nothing", source.place),
            _ => format!("{} is missing", source.place),
        })
        .collect();
    places.join(", ")
}

fn journal(jail: &Jail) -> Looked {
    let why = match jail.backend {
        Backend::Journal => "its backend is systemd",
        _ => "the journal knows its service, and no log file was written within the last hour",
    };
    let mut notes = Vec::new();
    if jail.journal.is_empty() {
        notes.push("it has no journalmatch and reads every entry of the journal".into());
    }
    let strangers: Vec<&str> = units(&jail.journal)
        .filter(|unit| !os::unit_exists(unit))
        .collect();
    if !strangers.is_empty() && strangers.len() == units(&jail.journal).count() {
        notes.push(format!("this machine has no unit {}", strangers.join(", ")));
    }
    let (state, fault) = match journald_runs() {
        true => ("readable", None),
        false => ("missing", Some((Verdict::Waiting, no_journal().to_owned()))),
    };
    let place = match jail.journal.as_slice() {
        [] => "every entry".to_owned(),
        lines => lines.join(" + "),
    };
    Looked {
        sources: vec![CheckedSource {
            kind: "journal",
            place,
            state: state.into(),
        }],
        why: why.into(),
        fault,
        notes,
        ..Looked::default()
    }
}

fn no_journal() -> &'static str {
    match journald_runs() {
        true => "this machine has none of its units",
        false => "no journal: journald does not run here",
    }
}

/// A jail that takes whichever of the two comes first.
fn nothing_yet(jail: &Jail) -> Looked {
    let mut looked = files(jail);
    if jail.logs.is_empty() && jail.journal.is_empty() {
        looked.fault = Some((
            Verdict::Error,
            "it has no logpath and no journalmatch, and would wait for ever".into(),
        ));
        return looked;
    }
    looked.why = "it takes the journal or a log file, whichever is there first".into();
    let units = units(&jail.journal).map(|unit| CheckedSource {
        kind: "journal",
        place: unit.to_owned(),
        state: "missing".into(),
    });
    looked.sources.extend(units);
    // A file that cannot be read is more than one that is not there.
    if !matches!(looked.fault, Some((Verdict::Error, _))) || jail.logs.is_empty() {
        looked.fault = Some((Verdict::Waiting, waits_for(&looked.sources)));
    }
    looked
}

/// What is there of one `logpath`.
fn of_pattern(log: &LogPath) -> Vec<CheckedSource> {
    let source = |place: &Path, state: String| CheckedSource {
        kind: "file",
        place: place.display().to_string(),
        state,
    };
    let pattern = Path::new(&log.pattern);
    if !pattern.is_absolute() {
        return vec![source(pattern, "it is no absolute path".into())];
    }
    if !is_glob(&log.pattern) {
        return vec![source(pattern, state_of(pattern))];
    }
    let found = expand(&log.pattern);
    if found.is_empty() {
        let state = match fs::read_dir(fixed_part(&log.pattern)) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => denied(),
            _ => "no match".into(),
        };
        return vec![source(pattern, state)];
    }
    found
        .iter()
        .map(|path| source(path, state_of(path)))
        .collect()
}

/// The directory above the first wildcard.
fn fixed_part(pattern: &str) -> PathBuf {
    let parts = pattern.split_inclusive('/');
    parts
        .take_while(|part| !is_glob(part))
        .collect::<String>()
        .into()
}

fn state_of(path: &Path) -> String {
    // To open anything but a file may take for ever.
    let opened: io::Result<_> = fs::metadata(path).and_then(|metadata| match metadata.is_file() {
        true => File::open(path).map(|_| true),
        false => Ok(false),
    });
    match opened {
        Ok(true) => "readable".into(),
        Ok(false) => "it is no regular file".into(),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => "missing".into(),
            ErrorKind::PermissionDenied => denied(),
            _ => error.to_string(),
        },
    }
}

fn denied() -> String {
    "permission denied for the user of this check (sudo shows what the daemon sees)".into()
}
