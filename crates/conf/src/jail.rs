//! How one jail is put together (behaviour §1.12, 1.14, 1.15).

use crate::action;
use crate::definition::Definition;
use crate::interp::{Scope, Vars, fault};
use crate::layers::{self, Merged};
use crate::options::{JAIL, default, is_true};
use crate::params;
use crate::spec::{Enabled, FilterSpec, Increment, JailSpec, LogPath, UseDns, Value};
use crate::text::Text;
use crate::tree::Source;
use base::{Diagnostic, JailName, Origin, Severity, Span, parse_duration};

/// Options that the jail may set in place of its filter.
const RULES: &[&str] = &[
    "usedns",
    "prefregex",
    "ignoreregex",
    "failregex",
    "maxlines",
    "datepattern",
    "journalmatch",
];

/// What `enabled` says; nothing else of the jail is looked at. `auto` has a meaning only over the built-in tree.
pub(crate) fn enabled(merged: &Merged, name: &str, auto: bool) -> Result<Enabled, Diagnostic> {
    let text = Scope::new(merged, name)
        .get("enabled")?
        .map(|text| text.plain())
        .unwrap_or_default();
    Ok(match text.trim() {
        "auto" if auto => Enabled::Auto,
        text if is_true(text) => Enabled::Yes,
        _ => Enabled::No,
    })
}

/// Reads the whole jail.
pub(crate) fn read(
    source: Source<'_>,
    merged: &Merged,
    name: &str,
    enabled: Enabled,
    origin: &Origin,
    faults: &mut Vec<Diagnostic>,
) -> Result<JailSpec, Diagnostic> {
    let mut scope = Scope::new(merged, name);
    let backend = scope
        .get("backend")?
        .map_or_else(|| default("backend").to_owned(), |text| text.plain());
    let filter = Filter::read(source, &scope, &backend, faults)?;
    let definition = filter.definition()?;
    if let Some(definition) = &definition {
        for key in RULES {
            if let Some(text) = definition.get(key)? {
                scope.vars.insert(format!("known/{key}"), text);
            }
        }
    }
    let rules = rules(&scope, &filter, definition.as_ref(), &backend, faults)?;
    let mut reader = Reader {
        jail: JailName::new(name),
        scope: &scope,
        faults,
    };
    let spec = JailSpec {
        name: reader.jail.clone(),
        enabled,
        logpath: log_paths(reader.lines("logpath")?),
        logencoding: reader
            .text("logencoding")?
            .map_or_else(|| default("logencoding").into(), |value| value.text),
        filter: rules,
        maxretry: reader.count("maxretry")?,
        maxmatches: reader.count("maxmatches")?,
        findtime: Span::from_secs_f64(reader.seconds("findtime")?),
        // Negative is for ever; a fraction of a second is none.
        bantime: Some(reader.seconds("bantime")?)
            .filter(|seconds| *seconds >= 0.0)
            .map(|seconds| Span::from_secs(seconds.trunc() as i64)),
        ignoreself: reader
            .text("ignoreself")?
            .is_none_or(|value| is_true(&value.text)),
        ignoreip: words(reader.lines("ignoreip")?),
        ignorecommand: reader.text("ignorecommand")?,
        ignorecache: reader.text("ignorecache")?,
        increment: Increment {
            enabled: reader
                .text("bantime.increment")?
                .is_some_and(|value| is_true(&value.text)),
            factor: reader.text("bantime.factor")?,
            formula: reader.text("bantime.formula")?,
            multipliers: reader.text("bantime.multipliers")?,
            maxtime: reader.text("bantime.maxtime")?,
            rndtime: reader.text("bantime.rndtime")?,
            overalljails: reader
                .text("bantime.overalljails")?
                .is_some_and(|value| is_true(&value.text)),
        },
        ipv6_prefix: reader.bits("ipv6_prefix", 128)?,
        ipv4_prefix: reader.bits("ipv4_prefix", 32)?,
        trusted_uid: trusted(&scope, definition.as_ref())?,
        actions: Vec::new(),
        notes: Vec::new(),
        origin: origin.clone(),
        backend,
    };
    let mut actions = match scope.get("action")? {
        Some(list) => action::read(source, name, &list, &lent(&scope)?, faults)?,
        None => Vec::new(),
    };
    // An action gets its ports handed in; who wrote them wrote them in the jail.
    if let Some(own) = scope.get("port")? {
        let ports = actions
            .iter_mut()
            .filter_map(|action| action.stock.as_mut()?.port.as_mut());
        for port in ports.filter(|port| port.text == own.plain()) {
            port.origin = own.origin();
        }
    }
    Ok(JailSpec { actions, ..spec })
}

/// The filter that a jail names, its files not yet looked into.
struct Filter {
    name: String,
    options: Vec<(String, String)>,
    arguments: Vars,
    merged: Option<Merged>,
}

impl Filter {
    fn read(
        source: Source<'_>,
        scope: &Scope<'_>,
        backend: &str,
        faults: &mut Vec<Diagnostic>,
    ) -> Result<Self, Diagnostic> {
        let Some(text) = scope
            .get("filter")?
            .filter(|text| !text.plain().trim().is_empty())
        else {
            return Ok(Self {
                name: String::new(),
                options: Vec::new(),
                arguments: Vars::new(),
                merged: None,
            });
        };
        let origin = text.origin();
        let call = params::parse(&text.plain()).ok_or_else(|| {
            fault(
                &format!("invalid filter '{}'; the jail is left out", text.plain()),
                &origin,
                None,
            )
            .with_help("write NAME[KEY=\"VALUE\", …]")
        })?;
        let merged =
            layers::read(source, &format!("filter.d/{}", call.name), faults).ok_or_else(|| {
                let message = format!(
                    "there is no filter.d/{}.conf; the jail is left out",
                    call.name
                );
                fault(&message, &origin, Some(&call.name))
                    .with_help("correct the name, or create the file")
            })?;
        let mut arguments: Vars = call
            .options
            .iter()
            .map(|(key, value)| (key.clone(), Text::new(value, &origin)))
            .collect();
        // The filter's own [Definition] may fix the type of the log; then the backend has no say.
        let is_fixed = merged
            .section("Definition")
            .is_some_and(|slots| slots.contains_key("logtype"));
        if !is_fixed {
            let logtype = if backend.starts_with("systemd") {
                "journal"
            } else {
                "file"
            };
            arguments
                .entry("logtype".into())
                .or_insert_with(|| Text::new(logtype, &origin));
        }
        Ok(Self {
            name: call.name,
            options: call.options,
            arguments,
            merged: Some(merged),
        })
    }

    fn definition(&self) -> Result<Option<Definition<'_>>, Diagnostic> {
        self.merged
            .as_ref()
            .map(|merged| Definition::new(merged, &self.arguments, Vars::new(), &[]))
            .transpose()
    }
}

/// The rules: each option of the jail if it sets it, else of the filter.
fn rules(
    scope: &Scope<'_>,
    filter: &Filter,
    definition: Option<&Definition<'_>>,
    backend: &str,
    faults: &mut Vec<Diagnostic>,
) -> Result<FilterSpec, Diagnostic> {
    let get = |key: &str| -> Result<Option<Text>, Diagnostic> {
        match (scope.get(key)?, definition) {
            (Some(text), _) => Ok(Some(text)),
            (None, Some(definition)) => definition.get(key),
            (None, None) => Ok(None),
        }
    };
    let lines = |key: &str| -> Result<Vec<Value>, Diagnostic> {
        Ok(get(key)?.map(|text| text.spoken()).unwrap_or_default())
    };
    let filled = |text: Option<Text>| {
        text.map(|text| text.value())
            .filter(|value| !value.text.trim().is_empty())
    };
    let usedns = match get("usedns")? {
        None => UseDns::Warn,
        Some(text) => match text.plain().trim().to_lowercase().as_str() {
            "yes" => UseDns::Yes,
            "warn" => UseDns::Warn,
            "no" => UseDns::No,
            "raw" => UseDns::Raw,
            other => {
                let message = format!(
                    "usedns = '{other}' is none of yes, warn, no, raw; no is taken instead"
                );
                faults.push(Diagnostic {
                    severity: Severity::Warning,
                    ..fault(&message, &text.origin(), Some(other))
                });
                UseDns::No
            }
        },
    };
    let maxlines = match filled(get("maxlines")?) {
        None => 1,
        Some(value) => value.text.trim().parse().unwrap_or_else(|_| {
            let message = format!(
                "maxlines = '{}' is no number; 1 is taken instead",
                value.text
            );
            faults.push(Diagnostic {
                severity: Severity::Warning,
                ..fault(&message, &value.origin, None)
            });
            1
        }),
    };
    Ok(FilterSpec {
        name: filter.name.clone(),
        options: filter.options.clone(),
        prefregex: filled(get("prefregex")?),
        failregex: lines("failregex")?,
        ignoreregex: lines("ignoreregex")?,
        maxlines: maxlines.max(1),
        datepattern: filled(get("datepattern")?),
        journalmatch: lines("journalmatch")?,
        usedns,
        logtimezone: filled(scope.get("logtimezone")?),
        logtype_journal: backend.starts_with("systemd"),
        needs: definition
            .map(|definition| definition.get("needs_setting"))
            .transpose()?
            .flatten()
            .map(|t| t.plain()),
    })
}

fn trusted(
    scope: &Scope<'_>,
    definition: Option<&Definition<'_>>,
) -> Result<Vec<String>, Diagnostic> {
    let text = match (scope.get("trusted_uid")?, definition) {
        (Some(text), _) => Some(text),
        (None, Some(definition)) => definition.get("trusted_uid")?,
        (None, None) => None,
    };
    let plain = text.map(|text| text.plain()).unwrap_or_default();
    Ok(plain.split_whitespace().map(str::to_owned).collect())
}

/// The jail's options, as actions see them.
fn lent(scope: &Scope<'_>) -> Result<Vars, Diagnostic> {
    let mut lent = Vars::new();
    for key in JAIL
        .iter()
        .map(|option| option.name)
        .filter(|name| *name != "action")
    {
        if let Some(text) = scope.get(key)? {
            lent.insert(key.to_owned(), text);
        }
    }
    Ok(lent)
}

/// Reads options of one section; what makes no sense is replaced by its default, and said.
struct Reader<'a> {
    jail: JailName,
    scope: &'a Scope<'a>,
    faults: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    fn text(&self, key: &str) -> Result<Option<Value>, Diagnostic> {
        let text = self.scope.get(key)?.map(|text| text.value());
        Ok(text.filter(|value| !value.text.trim().is_empty()))
    }

    fn lines(&self, key: &str) -> Result<Vec<Value>, Diagnostic> {
        Ok(self
            .scope
            .get(key)?
            .map(|text| text.spoken())
            .unwrap_or_default())
    }

    fn count(&mut self, key: &str) -> Result<u32, Diagnostic> {
        let instead = default(key).parse().unwrap_or_default();
        let Some(value) = self.text(key)? else {
            return Ok(instead);
        };
        Ok(match value.text.trim().parse::<i64>() {
            Ok(number) => number.clamp(0, u32::MAX.into()) as u32,
            Err(_) => self.replaced(key, &value, "is no whole number", instead),
        })
    }

    fn seconds(&mut self, key: &str) -> Result<f64, Diagnostic> {
        let instead = default(key).parse().unwrap_or_default();
        let Some(value) = self.text(key)? else {
            return Ok(instead);
        };
        Ok(match parse_duration(&value.text) {
            Ok(seconds) if seconds.is_finite() => seconds,
            _ => self.replaced(
                key,
                &value,
                "is no time such as 600, 10m or 1d 12h",
                instead,
            ),
        })
    }

    fn bits(&mut self, key: &str, most: u8) -> Result<u8, Diagnostic> {
        let Some(value) = self.text(key)? else {
            return Ok(most);
        };
        Ok(match value.text.trim().parse::<u8>() {
            Ok(bits) if (1..=most).contains(&bits) => bits,
            _ => self.replaced(
                key,
                &value,
                &format!("is no prefix length from 1 to {most}"),
                most,
            ),
        })
    }

    fn replaced<T: std::fmt::Display>(
        &mut self,
        key: &str,
        value: &Value,
        why: &str,
        instead: T,
    ) -> T {
        let message = format!("{key} = '{}' {why}; {instead} is taken instead", value.text);
        let found = fault(&message, &value.origin, Some(value.text.trim())).with_jail(&self.jail);
        self.faults.push(Diagnostic {
            severity: Severity::Warning,
            ..found
        });
        instead
    }
}

fn words(lines: Vec<Value>) -> Vec<Value> {
    let words = |line: Value| {
        let words: Vec<String> = line
            .text
            .split([',', ' ', '\t'])
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        words.into_iter().map(move |text| Value {
            text,
            origin: line.origin.clone(),
        })
    };
    lines.into_iter().flat_map(words).collect()
}

/// `PATH`, `PATH head`, `PATH tail`, one a line; a path with blanks stands in quotes (fail2ban has no way to
/// write one).
fn log_paths(lines: Vec<Value>) -> Vec<LogPath> {
    lines
        .into_iter()
        .map(|line| {
            let (path, word) = match line
                .text
                .strip_prefix('"')
                .and_then(|rest| rest.split_once('"'))
            {
                Some((path, word)) => (path, word.trim()),
                None => line
                    .text
                    .rsplit_once(' ')
                    .map_or((line.text.as_str(), ""), |(p, w)| (p.trim(), w)),
            };
            LogPath {
                pattern: path.to_owned(),
                tail: word == "tail",
                origin: line.origin.clone(),
            }
        })
        .collect()
}
