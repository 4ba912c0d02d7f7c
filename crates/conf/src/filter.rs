//! The filter of a jail: its files, and the rules that jail and filter make together (behaviour §1.12).

use crate::definition::Definition;
use crate::interp::{Scope, Vars, fault};
use crate::layers::{self, Merged};
use crate::params;
use crate::reader::Reader;
use crate::spec::{FilterSpec, Value};
use crate::text::Text;
use crate::tree::Source;
use base::literal;
use base::{Diagnostic, Stops};
use std::rc::Rc;

/// The filter that a jail names.
pub(crate) struct Filter {
    name: String,
    options: Vec<(String, String)>,
    arguments: Vars,
    merged: Rc<Merged>,
}

impl Filter {
    /// `None` if the jail names none.
    pub(crate) fn read(
        source: Source<'_>,
        scope: &Scope<'_>,
        backend: &str,
        faults: &mut Vec<Diagnostic>,
    ) -> Result<Option<Self>, Diagnostic> {
        let Some(text) = scope.get("filter")? else {
            return Ok(None);
        };
        let (plain, origin) = (text.plain(), text.origin());
        if plain.trim().is_empty() {
            return Ok(None);
        }
        let call = params::parse(&plain).map_err(|why| {
            let words = format!("Invalid filter definition {}: {why}", literal(&plain));
            fault(
                &format!("invalid filter '{plain}': {why}"),
                &origin,
                Some(&plain),
            )
            .with_help(params::HELP)
            .with_stops(Stops::Jail(words))
        })?;
        let file = format!("filter.d/{}", call.name);
        let merged = layers::read(source, &file, faults).ok_or_else(|| {
            let message = format!("there is no readable {file}.conf");
            fault(&message, &origin, Some(&call.name))
                .with_help("correct the name, or create the file")
                .with_stops(Stops::Jail(format!(
                    "Unable to read the filter '{}'",
                    call.name
                )))
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
            let logtype = if is_journal(backend) {
                "journal"
            } else {
                "file"
            };
            arguments
                .entry("logtype".into())
                .or_insert_with(|| Text::new(logtype, &origin));
        }
        Ok(Some(Self {
            name: call.name,
            options: call.options,
            arguments,
            merged,
        }))
    }

    /// What stands above the filter's `[Definition]`: the names of the jail's arguments, then of the other options of
    /// `[Init]`, each in its order.
    pub(crate) fn given(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.options.iter().map(|(key, _)| key.as_str()).collect();
        let of_init = self.merged.order.iter();
        for (_, key) in of_init.filter(|(section, _)| section == "Init") {
            if !names.contains(&key.as_str()) {
                names.push(key);
            }
        }
        names
    }

    /// The filter's options; those that the jail sets as well, and which are `lent`, stand above its own.
    pub(crate) fn definition(&self, lent: Vars) -> Result<Definition<'_>, Diagnostic> {
        Definition::of_filter(&self.merged, &self.arguments, lent)
    }
}

/// True if a backend's text means the journal; fail2ban's server takes the name in any case.
fn is_journal(backend: &str) -> bool {
    backend.trim_start().to_lowercase().starts_with("systemd")
}

/// The rules: each option of the jail if it sets it, else of the filter.
pub(crate) fn rules(
    reader: &mut Reader<'_>,
    filter: Option<(&Filter, &Definition<'_>)>,
    backend: &str,
) -> Result<FilterSpec, Diagnostic> {
    let scope = reader.scope;
    let of_filter = |key: &str| match filter {
        Some((_, definition)) => definition.get(key),
        None => Ok(None),
    };
    let get = |key: &str| match scope.get(key)? {
        Some(text) => Ok(Some(text)),
        None => of_filter(key),
    };
    let lines = |key: &str| -> Result<Vec<Value>, Diagnostic> {
        Ok(get(key)?.map(|text| text.spoken()).unwrap_or_default())
    };
    let filled = |text: Option<Text>| {
        let value = text.map(|text| text.value());
        value.filter(|value| !value.text.trim().is_empty())
    };
    Ok(FilterSpec {
        name: filter.map_or_else(String::new, |(filter, _)| filter.name.clone()),
        options: filter.map_or_else(Vec::new, |(filter, _)| filter.options.clone()),
        prefregex: filled(get("prefregex")?),
        failregex: lines("failregex")?,
        ignoreregex: lines("ignoreregex")?,
        maxlines: reader.count_of("maxlines", get("maxlines")?).max(1),
        maxlines_given: get("maxlines")?.is_some(),
        datepattern: filled(get("datepattern")?),
        journalmatch: lines("journalmatch")?,
        usedns: reader.usedns(get("usedns")?),
        logtimezone: filled(scope.get("logtimezone")?),
        logtype_journal: is_journal(backend),
        needs: of_filter("needs_setting")?.map(|text| text.plain()),
    })
}
