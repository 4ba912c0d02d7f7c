//! The commands for one jail, in the order in which the server must get them.

use super::remark::{self, Remark};
use super::words::shell_words;
use super::{Command, DumpRequest, Item, action, number, set};
use crate::action as actions;
use crate::definition::Definition;
use crate::filter::Filter;
use crate::interp::{Scope, fault};
use crate::jail::{self, lent};
use crate::layers::Merged;
use crate::options::{JAIL, Kind, is_true};
use crate::params;
use crate::text::Text;
use crate::tree::Source;
use base::{Diagnostic, Severity, Stops};

/// Options of filters in the order of their commands.
const RULES: [&str; 7] = [
    "usedns",
    "prefregex",
    "maxlines",
    "ignoreregex",
    "failregex",
    "datepattern",
    "journalmatch",
];

/// A jail on its way into the stream.
pub(super) struct Dumping<'a> {
    pub(super) source: Source<'a>,
    pub(super) merged: &'a Merged,
    pub(super) name: &'a str,
    pub(super) request: &'a DumpRequest<'a>,
    pub(super) faults: &'a mut Vec<Diagnostic>,
    pub(super) remarks: &'a mut Vec<Remark>,
}

/// What becomes of a jail whose configuration is right.
pub(super) enum Outcome {
    /// Its commands.
    Starts(Vec<Command>),
    /// It does without, because of this.
    Skipped(&'static str),
}

/// The log files of a jail.
enum Logs {
    /// There are some, or none are wanted.
    Found(Vec<Command>),
    /// The journal stands in for them.
    Journal,
    /// There are none, and the jail wants to be left out then.
    Missing,
}

impl Dumping<'_> {
    pub(super) fn commands(&mut self) -> Result<Outcome, Diagnostic> {
        let (scope, mut backend, filter) =
            jail::prepared(self.source, self.merged, self.name, self.faults)?;
        let lent = lent(&scope, self.source.strict)?;
        let definition = filter
            .as_ref()
            .map(|filter| filter.definition(lent.clone()));
        let definition = definition.transpose()?;
        if filter.is_none() {
            let words = format!("No filter set for jail {}", self.name);
            self.remarks
                .push(remark::warning("jailreader", words, None));
        }
        let list = scope.get("action")?.unwrap_or_else(Text::empty);
        let actions = actions::read(self.source, self.name, &list, &lent, self.faults)?;
        let mut commands = Vec::new();
        if let Some((filter, definition)) = filter.as_ref().zip(definition.as_ref()) {
            commands = self.rules(filter, definition, &scope)?;
        }
        let behind_rules = JAIL.iter().skip_while(|option| option.name != "maxretry");
        for option in behind_rules.take_while(|option| option.name != "logpath") {
            if let Some(text) = scope.get(option.name)? {
                commands.push(self.option(option.name, option.kind, &text));
            }
        }
        if actions.is_empty() {
            let words = format!("No actions were defined for {}", self.name);
            self.remarks
                .push(remark::warning("jailreader", words, None));
        }
        match self.logs(&scope, &backend)? {
            Logs::Found(logs) => commands.extend(logs),
            Logs::Journal => backend = "systemd".into(),
            Logs::Missing => return Ok(Outcome::Skipped("missing log files")),
        }
        let plain = list.plain();
        for (action, (_, entry)) in actions.iter().zip(params::split(&plain)) {
            let of_action = action::commands(self.source, self.name, action, entry, self.faults);
            commands.extend(of_action);
        }
        let add = vec!["add".into(), self.name.into(), Item::Text(backend)];
        commands.insert(0, add);
        Ok(Outcome::Starts(commands))
    }

    /// What the filter was given counts beside what the jail sets, and is sent as well. What must be known before any
    /// regex comes first, the jail's in front; the rest of the jail's comes last.
    fn rules(
        &mut self,
        filter: &Filter,
        definition: &Definition<'_>,
        scope: &Scope<'_>,
    ) -> Result<Vec<Command>, Diagnostic> {
        let mut given = filter.given();
        given.retain(|key| RULES.contains(key));
        let mut of_filter = Vec::new();
        let mut of_jail = Vec::new();
        for key in RULES {
            match scope.get(key)? {
                Some(text) => of_jail.push((key, self.rule(key, &text)?)),
                None if given.contains(&key) => {}
                None => {
                    if let Some(text) = definition.get(key)? {
                        of_filter.push((key, self.rule(key, &text)?));
                    }
                }
            }
        }
        for key in given {
            if let Some(text) = definition.get(key)? {
                of_filter.push((key, self.rule(key, &text)?));
            }
        }
        let is_early =
            |(key, _): &(&str, Vec<Command>)| ["usedns", "prefregex", "maxlines"].contains(key);
        let (early_of_jail, of_jail): (Vec<_>, Vec<_>) = of_jail.into_iter().partition(is_early);
        let (mut early, of_filter): (Vec<_>, Vec<_>) = of_filter.into_iter().partition(is_early);
        early.sort_by_key(|(key, _)| *key != "usedns");
        let early = early_of_jail.into_iter().chain(early);
        let all = early.chain(of_filter).chain(of_jail);
        Ok(all.flat_map(|(_, commands)| commands).collect())
    }

    fn rule(&mut self, key: &str, text: &Text) -> Result<Vec<Command>, Diagnostic> {
        let lines = text.spoken().into_iter().map(|line| Item::Text(line.text));
        Ok(match key {
            "failregex" | "ignoreregex" => {
                let option = format!("add{key}");
                let mut command = match lines.len() {
                    0 => return Ok(Vec::new()),
                    1 => set(self.name, &option, lines),
                    _ => set(self.name, &option, [Item::List(lines.collect())]),
                };
                if let (Some(Item::List(_)), Some(word)) =
                    (command.last().cloned(), command.first_mut())
                {
                    *word = "multi-set".into();
                }
                vec![command]
            }
            "journalmatch" => {
                let mut commands = Vec::new();
                for line in text.spoken() {
                    let words = shell_words(&line.text).map_err(|why| {
                        fault(why, &line.origin, Some(&line.text))
                            .with_help("close the quote, or write \\\\ for a backslash")
                            .with_stops(Stops::All)
                    })?;
                    let words = words.into_iter().map(Item::Text);
                    commands.push(set(self.name, "addjournalmatch", words));
                }
                commands
            }
            "maxlines" => match number(key, self.name, text, self.remarks) {
                Item::None => Vec::new(),
                number => vec![set(self.name, key, [number])],
            },
            _ => vec![set(self.name, key, [Item::Text(text.plain())])],
        })
    }

    fn option(&mut self, name: &str, kind: Kind, text: &Text) -> Command {
        let plain = text.plain();
        let value = match kind {
            Kind::Int => number(name, self.name, text, self.remarks),
            Kind::Bool => Item::Bool(is_true(&plain)),
            Kind::List => {
                let words = plain.split([',', ' ', '\t', '\n']);
                let words = words.filter(|word| !word.is_empty()).map(Item::from);
                return set(self.name, &format!("add{name}"), words);
            }
            Kind::Text | Kind::Time => Item::Text(plain),
        };
        set(self.name, name, [value])
    }

    fn logs(&mut self, scope: &Scope<'_>, backend: &str) -> Result<Logs, Diagnostic> {
        let wanted = scope
            .get("logpath")?
            .filter(|_| !backend.starts_with("systemd"));
        let Some(wanted) = wanted else {
            return Ok(Logs::Found(Vec::new()));
        };
        let mut commands = Vec::new();
        for line in wanted.spoken() {
            let (path, word) = line.text.rsplit_once(' ').unwrap_or((&line.text, "head"));
            let files = (self.request.expand)(path);
            if files.is_empty() {
                let severity = Severity::Notice;
                let text = format!("No file(s) found for glob {path}");
                self.remarks.push(Remark {
                    severity,
                    part: "jailreader",
                    text,
                });
            }
            for file in files {
                if file.is_dangling {
                    let path = &file.path;
                    let words = format!("File {path} is a dangling link, thus cannot be monitored");
                    self.remarks
                        .push(remark::warning("jailreader", words, None));
                    continue;
                }
                let values = [Item::Text(file.path), word.into()];
                commands.push(set(self.name, "addlogpath", values));
            }
        }
        if !commands.is_empty() {
            return Ok(Logs::Found(commands));
        }
        self.without_logs(scope, backend, &wanted)
    }

    fn without_logs(
        &mut self,
        scope: &Scope<'_>,
        backend: &str,
        wanted: &Text,
    ) -> Result<Logs, Diagnostic> {
        let words = format!("Have not found any log file for '{}' jail.", self.name);
        let place = fault("", &wanted.origin(), None)
            .with_help("correct logpath, create the file, or switch the jail off");
        let flag = |key: &str| -> Result<Option<bool>, Diagnostic> {
            Ok(scope.get(key)?.map(|text| is_true(&text.plain())))
        };
        let may_switch = backend.starts_with("auto") && flag("systemd_if_nologs")? != Some(false);
        let (words, found) = if may_switch && scope.get("journalmatch")?.is_some() {
            let words = format!("{words} Jail will monitor systemd journal.");
            (words, Logs::Journal)
        } else if flag("skip_if_nologs")? == Some(true) {
            (words, Logs::Missing)
        } else if self.request.needs_logs {
            let message = words;
            return Err(Diagnostic { message, ..place }.with_stops(Stops::All));
        } else {
            (words, Logs::Found(Vec::new()))
        };
        self.remarks
            .push(remark::warning("jailreader", words, Some(&place)));
        Ok(found)
    }
}
