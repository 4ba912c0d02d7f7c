//! What fail2ban's client makes of a tree: the commands by which it would set up its server (`-d`, `-t`; behaviour
//! §1.13), and what it refuses (§1.17).
//!
//! Values stand here as they are written, not as our own specs hold them: only options that are set have a command.
//! What fail2ban gives up for a fault is given up here; [`load`](crate::load) never does.

mod action;
mod general;
mod item;
mod jail;
mod remark;
mod words;

use crate::interp::fault;
use crate::layers::{Cache, Merged};
use crate::reader::integer;
use crate::spec::Enabled;
use crate::text::Text;
use crate::tree::{Source, Tree};
use crate::{Files, load};
use base::{Diagnostic, Severity, Stops};
pub use general::Own;
pub use item::Item;
pub use remark::Remark;

type Command = Vec<Item>;

/// What is asked for.
pub struct DumpRequest<'a> {
    /// A jail without a log file is refused, as it is at a start; a dump only says so.
    pub needs_logs: bool,
    /// Options of fail2ban.conf that the command line gives.
    pub given: &'a [(&'a str, String)],
    /// This jail alone, if it is enabled; `None`: all that are enabled.
    pub only: Option<&'a str>,
    /// The files that a log path means now.
    pub expand: &'a dyn Fn(&str) -> Vec<LogFile>,
}

/// A file that a log path means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its path.
    pub path: String,
    /// It is a link that leads nowhere.
    pub is_dangling: bool,
}

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Before any option was asked for: the client cannot even work itself.
    AtOnce(Diagnostic),
    /// While the options of all or of a jail were read.
    Configuration(Diagnostic),
}

/// What fail2ban's client makes of a tree.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    /// The commands; none if the whole configuration is refused.
    pub commands: Vec<Vec<Item>>,
    /// Why it is.
    pub refused: Option<Refused>,
    /// Jails that would start.
    pub started: usize,
    /// Jails that are wrong and would be skipped.
    pub skipped: usize,
    /// What the client says meanwhile.
    pub remarks: Vec<Remark>,
}

impl Dump {
    /// True if nothing can be started with it: all or every wanted jail is wrong.
    pub fn fails(&self) -> bool {
        self.refused.is_some() || (self.started == 0 && self.skipped > 0)
    }

    /// True if no jail is wrong.
    pub fn is_sound(&self) -> bool {
        self.refused.is_none() && self.skipped == 0
    }
}

/// What a client needs to know before it can ask its server or start one, and what it says meanwhile; `given` is what
/// the command line says.
///
/// # Errors
/// If fail2ban.conf cannot be used.
pub fn own_options(
    files: &dyn Files,
    tree: &Tree,
    given: &[(&str, String)],
) -> Result<(Own, Vec<Remark>), Diagnostic> {
    let cache = Cache::default();
    let source = Source {
        files,
        tree,
        cache: &cache,
        strict: true,
    };
    let mut remarks = Vec::new();
    let own = general::own(source, given, &mut Vec::new(), &mut remarks)?;
    Ok((own, remarks))
}

/// Reads the configuration as fail2ban does.
pub fn dump(files: &dyn Files, tree: &Tree, request: &DumpRequest<'_>) -> Dump {
    let cache = Cache::default();
    let source = Source {
        files,
        tree,
        cache: &cache,
        strict: true,
    };
    let mut dump = Dump::default();
    if let Err(refused) = read(source, request, &mut dump) {
        dump.commands.clear();
        dump.refused = Some(refused);
    }
    dump
}

fn read(source: Source<'_>, request: &DumpRequest<'_>, dump: &mut Dump) -> Result<(), Refused> {
    let mut faults = Vec::new();
    dump.commands = general::read(source, request.given, &mut faults, &mut dump.remarks)?;
    let merged = load::jails(source, &mut faults);
    tell(&mut faults, dump)?;
    let merged = merged.map_err(|found| {
        let message = "Read jails configuration failed.".to_owned();
        Refused::Configuration(Diagnostic { message, ..found })
    })?;
    let mut starts = Vec::new();
    if let Some(jail) = request.only
        && merged.section(jail).is_none()
    {
        let message = format!("No section: {}", base::literal(jail));
        let found = Diagnostic::new(Severity::Error, message);
        return Err(Refused::Configuration(found));
    }
    for (name, ..) in &merged.sections {
        let is_wanted = request.only.is_none_or(|jail| jail == name);
        if name == "INCLUDES" || !is_wanted || !is_enabled(source, &merged, name)? {
            continue;
        }
        let mut dumping = jail::Dumping {
            source,
            merged: &merged,
            name,
            request,
            faults: &mut faults,
            remarks: &mut dump.remarks,
        };
        let read = dumping.commands();
        tell(&mut faults, dump)?;
        match read {
            Ok(jail::Outcome::Starts(commands)) => {
                dump.commands.extend(commands);
                starts.push(vec!["start".into(), name.as_str().into()]);
            }
            Ok(jail::Outcome::Skipped(why)) => {
                let text = format!("Jail '{name}' skipped, because of {why}.");
                dump.commands
                    .push(vec!["config-error".into(), Item::Text(text)]);
            }
            Err(found) => {
                let Some(Stops::Jail(why)) = found.stops.as_deref() else {
                    return Err(Refused::Configuration(found));
                };
                let text = format!("Jail '{name}' skipped, because of wrong configuration: {why}");
                dump.commands
                    .push(vec!["config-error".into(), Item::Text(text)]);
                let skipping = if request.needs_logs {
                    ""
                } else {
                    " Skipping..."
                };
                let errors = format!("Errors in jail '{name}'.{skipping}");
                dump.remarks.extend([
                    remark::error("jailreader", why.clone(), Some(&found)),
                    remark::error("jailsreader", errors, None),
                ]);
                dump.skipped += 1;
            }
        }
    }
    dump.started = starts.len();
    dump.commands.extend(starts);
    Ok(())
}

fn stops_all(found: &Diagnostic) -> bool {
    matches!(found.stops.as_deref(), Some(Stops::All))
}

/// Says what was found in files; ends with what the whole configuration is refused for.
fn tell(faults: &mut Vec<Diagnostic>, dump: &mut Dump) -> Result<(), Refused> {
    for found in faults.drain(..) {
        if stops_all(&found) {
            return Err(Refused::Configuration(found));
        }
        dump.remarks.push(Remark {
            severity: found.severity,
            part: "configreader",
            text: found.told().to_string(),
        });
    }
    Ok(())
}

/// What is read of any jail; the others' options may be wrong.
fn is_enabled(source: Source<'_>, merged: &Merged, name: &str) -> Result<bool, Refused> {
    let scope = crate::interp::Scope::new(merged, name);
    for key in ["backend", "filter"] {
        scope.get(key).map_err(Refused::Configuration)?;
    }
    let enabled = crate::jail::enabled(merged, name, source.tree.embedded, &mut Vec::new());
    Ok(enabled.map_err(Refused::Configuration)? != Enabled::No)
}

fn set(jail: &str, option: &str, values: impl IntoIterator<Item = Item>) -> Command {
    let head = ["set".into(), jail.into(), option.into()];
    head.into_iter().chain(values).collect()
}

/// What the client makes of a number; of a bad one `None`.
fn number(key: &str, section: &str, text: &Text, remarks: &mut Vec<Remark>) -> Item {
    let plain = text.plain();
    match integer(&plain) {
        Some(number) => Item::Int(number),
        None => {
            let words =
                format!("Wrong value for '{key}' in '{section}'. Using default one: 'None'");
            let place = fault("", &text.origin(), Some(plain.trim()));
            let place = Diagnostic {
                severity: Severity::Warning,
                ..place.with_help("write a whole number")
            };
            remarks.push(remark::warning("configreader", words, Some(&place)));
            Item::None
        }
    }
}

#[cfg(test)]
mod tests;
