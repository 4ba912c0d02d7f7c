//! The commands by which fail2ban's client would set up its server (`-d`; behaviour §1.13).
//!
//! Values stand here as they are written, not as our own specs hold them: only options that are set have a command.

use crate::action;
use crate::interp::Scope;
use crate::jail::{self, lent};
use crate::layers::{self, Cache, Merged};
use crate::options::{JAIL, Kind, is_true};
use crate::params;
use crate::reader::{Reader, integer};
use crate::spec::{ActionSpec, Enabled};
use crate::text::Text;
use crate::tree::{Source, Tree};
use crate::{Files, load};
use base::{Diagnostic, JailName};
use std::collections::BTreeMap;

/// One word of a command, as Python has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An `int`.
    Int(i64),
    /// A `str`.
    Text(String),
    /// A `list`.
    List(Vec<Self>),
    /// A `dict` in its order.
    Map(Vec<(String, Self)>),
}

impl From<&str> for Item {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Options of fail2ban.conf in the order of their commands, and the texts that stand for absent ones.
const GENERAL: [(&str, Option<&str>); 7] = [
    ("syslogsocket", Some("auto")),
    ("loglevel", Some("INFO")),
    ("logtarget", Some("/var/log/fail2ban.log")),
    ("allowipv6", Some("auto")),
    ("dbfile", Some("/var/lib/fail2ban/fail2ban.sqlite3")),
    ("dbmaxmatches", None),
    ("dbpurgeage", Some("1d")),
];

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

/// Options of an action that are yes or no.
const FLAGS: [&str; 3] = [
    "actionstart_on_demand",
    "actionrepair_on_unban",
    "norestored",
];

type Command = Vec<Item>;

/// The commands for all jails that run. `expand` gives the files that a log path means now, sorted. A jail that cannot
/// be used has a `config-error` in its place.
pub fn dump(
    files: &dyn Files,
    tree: &Tree,
    expand: &dyn Fn(&str) -> Vec<String>,
) -> (Vec<Vec<Item>>, Vec<Diagnostic>) {
    let cache = Cache::default();
    let source = Source {
        files,
        tree,
        cache: &cache,
    };
    let mut faults = Vec::new();
    let mut commands = general(source, &mut faults);
    let merged = load::jails(source, &mut faults).unwrap_or_else(|fault| {
        faults.push(fault);
        Merged::default()
    });
    let mut starts = Vec::new();
    for (name, ..) in merged
        .sections
        .iter()
        .filter(|(name, ..)| name != "INCLUDES")
    {
        let enabled = jail::enabled(&merged, name, tree.embedded, &mut faults);
        if matches!(enabled, Ok(Enabled::No)) {
            continue;
        }
        let mut dumping = Dumping {
            source,
            merged: &merged,
            name,
            faults: &mut faults,
        };
        match enabled.and_then(|_| dumping.jail(expand)) {
            Ok(of_jail) => {
                commands.extend(of_jail);
                starts.push(vec!["start".into(), name.as_str().into()]);
            }
            Err(fault) => {
                let why = &fault.message;
                let text = format!("Jail '{name}' skipped, because of wrong configuration: {why}");
                commands.push(vec!["config-error".into(), Item::Text(text)]);
            }
        }
    }
    commands.extend(starts);
    (commands, faults)
}

fn general(source: Source<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Command> {
    let merged = layers::read(source, "fail2ban", faults).unwrap_or_default();
    let mut get = |section: &str, key: &str| {
        let found = Scope::new(&merged, section).get(key);
        found.unwrap_or_else(|fault| {
            faults.push(fault);
            None
        })
    };
    let mut commands = Vec::new();
    if let Some(size) = merged
        .section("Thread")
        .and_then(|_| get("Thread", "stacksize"))
    {
        let size = Item::Map(vec![("stacksize".into(), int(&size))]);
        commands.push(vec!["set".into(), "thread".into(), size]);
    }
    let is_defined = merged.section("Definition").is_some();
    for (key, instead) in GENERAL {
        let found = get("Definition", key).filter(|_| is_defined);
        let value = match (found, instead) {
            (Some(text), None) => int(&text),
            (Some(text), Some(_)) => Item::Text(text.plain()),
            (None, Some(instead)) => instead.into(),
            (None, None) if is_defined => continue,
            (None, None) => Item::None,
        };
        commands.push(vec!["set".into(), key.into(), value]);
    }
    commands
}

struct Dumping<'a> {
    source: Source<'a>,
    merged: &'a Merged,
    name: &'a str,
    faults: &'a mut Vec<Diagnostic>,
}

impl Dumping<'_> {
    fn jail(&mut self, expand: &dyn Fn(&str) -> Vec<String>) -> Result<Vec<Command>, Diagnostic> {
        let (scope, backend, filter) =
            jail::prepared(self.source, self.merged, self.name, self.faults)?;
        let lent = lent(&scope)?;
        let definition = filter
            .as_ref()
            .map(|filter| filter.definition(lent.clone()));
        let definition = definition.transpose()?;
        let mut commands = vec![vec![
            "add".into(),
            self.name.into(),
            backend.as_str().into(),
        ]];
        // First what must be there before any regex, then the filter's own, then what it was given, then the jail's.
        let rank = |key: &str| {
            let front = match key {
                "usedns" => 0,
                "prefregex" | "maxlines" => 1,
                _ => 2,
            };
            let is_given = definition
                .as_ref()
                .is_some_and(|definition| definition.arguments().any(|(given, _)| given == key));
            let is_jails = matches!(scope.get(key), Ok(Some(_)));
            (front, is_jails, is_given)
        };
        let mut rules = RULES;
        rules.sort_by_key(|key| rank(key));
        for key in rules.iter().filter(|_| filter.is_some()) {
            let text = match (scope.get(key)?, &definition) {
                (None, Some(definition)) => definition.get(key)?,
                (text, _) => text,
            };
            commands.extend(text.into_iter().flat_map(|text| self.rule(key, &text)));
        }
        let behind_rules = JAIL.iter().skip_while(|option| option.name != "maxretry");
        for option in behind_rules.take_while(|option| option.name != "logpath") {
            if let Some(text) = scope.get(option.name)? {
                commands.push(self.option(option.name, option.kind, &text));
            }
        }
        if !backend.starts_with("systemd") {
            let mut reader = Reader {
                jail: JailName::new(self.name),
                scope: &scope,
                faults: self.faults,
            };
            for log in reader.log_paths()? {
                let word = if log.tail { "tail" } else { "head" };
                let files = expand(&log.pattern);
                let of_file =
                    |file: &String| self.set("addlogpath", [file.as_str().into(), word.into()]);
                commands.extend(files.iter().map(of_file));
            }
        }
        if let Some(list) = scope.get("action")? {
            let actions = action::read(self.source, self.name, &list, &lent, self.faults)?;
            let plain = list.plain();
            for (action, (_, entry)) in actions.iter().zip(params::split(&plain)) {
                commands.extend(self.action(action, entry));
            }
        }
        Ok(commands)
    }

    fn set(&self, option: &str, values: impl IntoIterator<Item = Item>) -> Command {
        let head = ["set".into(), self.name.into(), option.into()];
        head.into_iter().chain(values).collect()
    }

    fn rule(&self, key: &str, text: &Text) -> Vec<Command> {
        let mut lines = text.spoken().into_iter().map(|line| Item::Text(line.text));
        match key {
            "failregex" | "ignoreregex" => {
                let option = format!("add{key}");
                let mut command = match lines.len() {
                    0 => return Vec::new(),
                    1 => self.set(&option, lines),
                    _ => self.set(&option, [Item::List(lines.collect())]),
                };
                if let (Some(Item::List(_)), Some(word)) =
                    (command.last().cloned(), command.first_mut())
                {
                    *word = "multi-set".into();
                }
                vec![command]
            }
            "journalmatch" => {
                let texts = text.spoken();
                let words = texts.iter().map(|line| shell_words(&line.text));
                words
                    .map(|words| self.set("addjournalmatch", words.into_iter().map(Item::Text)))
                    .collect()
            }
            "maxlines" => match int(text) {
                Item::None => Vec::new(),
                number => vec![self.set(key, [number])],
            },
            _ => lines.next().map_or_else(Vec::new, |_| {
                vec![self.set(key, [Item::Text(text.plain())])]
            }),
        }
    }

    fn option(&self, name: &str, kind: Kind, text: &Text) -> Command {
        match kind {
            Kind::Int => self.set(name, [int(text)]),
            Kind::Bool => self.set(name, [Item::Bool(is_true(&text.plain()))]),
            Kind::List => {
                let plain = text.plain();
                let words = plain
                    .split([',', ' ', '\t', '\n'])
                    .filter(|word| !word.is_empty());
                self.set(&format!("add{name}"), words.map(Item::from))
            }
            Kind::Text | Kind::Time => self.set(name, [Item::Text(text.plain())]),
        }
    }

    /// What names an action, and its options: the server's own, then the jail's, then those of `[Init]`.
    fn action(&mut self, action: &ActionSpec, entry: &str) -> Vec<Command> {
        let actname = action.actname.as_str();
        let given = params::parse(entry)
            .map(|call| call.options)
            .unwrap_or_default();
        let given = given.into_iter().map(|(key, _)| key);
        if action.name.ends_with(".py") {
            let own = given.filter(|key| key != "actname" && key != "name");
            let pairs: Vec<String> = own
                .filter_map(|key| {
                    Some(format!(
                        "{}: {}",
                        json_text(&key),
                        json_text(action.params.get(&key)?)
                    ))
                })
                .collect();
            let path = self.source.tree.roots().pop().unwrap_or_default();
            let path = path
                .join("action.d")
                .join(&action.name)
                .display()
                .to_string();
            let kwargs = format!("{{{}}}", pairs.join(", "));
            return vec![self.set(
                "addaction",
                [actname.into(), Item::Text(path), Item::Text(kwargs)],
            )];
        }
        let file = format!("action.d/{}", action.name);
        let merged = layers::read(self.source, &file, self.faults).unwrap_or_default();
        let of_init = merged.order.iter().filter(|(section, _)| section == "Init");
        let names = ["name", "actname"].map(str::to_owned);
        let others: Vec<String> = given
            .chain(names)
            .chain(of_init.map(|(_, key)| key.clone()))
            .collect();
        let own = action::OPTIONS.iter().map(|key| (*key).to_owned());
        let is_own = |key: &String| action::OPTIONS.contains(&key.as_str());
        let keys = own
            .filter(|key| !others.contains(key))
            .chain(others.iter().filter(|key| is_own(key)).cloned())
            .chain(others.iter().cloned());
        let mut pairs: Vec<Item> = Vec::new();
        let mut left: BTreeMap<&str, &String> = action
            .params
            .iter()
            .map(|(key, text)| (key.as_str(), text))
            .collect();
        let is_defined = merged.section("Definition").is_some();
        for key in keys {
            let value = match left.remove(key.as_str()) {
                Some(text) if FLAGS.contains(&key.as_str()) => Item::Bool(is_true(text)),
                Some(text) => Item::Text(text.clone()),
                None if !is_defined && action::OPTIONS.contains(&key.as_str()) => Item::None,
                None => continue,
            };
            pairs.push(Item::List(vec![Item::Text(key), value]));
        }
        let mut multi = self.set("action", [actname.into(), Item::List(pairs)]);
        if let Some(word) = multi.first_mut() {
            *word = "multi-set".into();
        }
        vec![self.set("addaction", [actname.into()]), multi]
    }
}

/// What the client makes of a number; of a bad one `None`.
fn int(text: &Text) -> Item {
    integer(&text.plain()).map_or(Item::None, Item::Int)
}

/// A text as Python's JSON writes it, in plain ASCII.
fn json_text(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            ' '..='~' => out.push(c),
            _ => {
                let units = &mut [0; 2];
                for unit in c.encode_utf16(units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
    out
}

/// Cut as a shell does: at blanks outside of quotes, which vanish.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests;
