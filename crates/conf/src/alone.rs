//! A filter without a jail that runs: for testing it, and for asking what it says.
//!
//! The road is a jail's own: a section that sets nothing but its filter. A file that lies in no tree stands alone, with
//! what it includes.

use crate::Files;
use crate::filter;
use crate::interp::Scope;
use crate::jail;
use crate::layers::{self, Cache, Merged};
use crate::load::{each_once, jails};
use crate::params;
use crate::reader::Reader;
use crate::spec::FilterSpec;
use crate::text::Text;
use crate::tree::{Source, Tree};
use base::{Diagnostic, Origin, Severity};
use std::path::Path;

/// Options of a filter in order, as they stand in brackets behind its name.
type FilterOptions = Vec<(String, String)>;

/// Where a filter comes from.
#[derive(Clone, Copy, Debug)]
pub enum FilterFrom<'a> {
    /// `filter.d/NAME` in the tree, all layers of it.
    Tree(&'a str),
    /// This file and what it includes, whatever tree it lies in.
    File(&'a Path),
    /// The filter that a jail of the tree names, and what the jail sets itself.
    Jail(&'a str),
}

/// Parts `name[key=value, …]`.
///
/// # Errors
/// Where that is not its form, in fail2ban's words.
pub fn parse_call(text: &str) -> Result<(String, FilterOptions), String> {
    params::parse(text).map(|call| (call.name, call.options))
}

/// Reads one filter by itself, written as a jail names it (`sshd[mode=aggressive]`), for a jail with this `backend`.
///
/// # Errors
/// What makes the filter unusable; the list holds what does not.
pub fn load_filter(
    files: &dyn Files,
    tree: &Tree,
    filter: &str,
    backend: &str,
) -> (Result<FilterSpec, Diagnostic>, Vec<Diagnostic>) {
    let cache = Cache::default();
    let source = Source::new(files, tree, &cache);
    let mut faults = Vec::new();
    let merged = one_section("", filter, backend, Merged::default());
    let spec = rules_alone(source, &merged, "", &mut faults);
    (spec, each_once(faults))
}

/// Reads the rules of a filter with more options than are written where it comes from, the later of two values winning.
/// None if there is no such jail in the tree; only a jail can be missing like that.
///
/// # Errors
/// What makes the filter unusable; the list holds what does not.
pub fn load_rules(
    files: &dyn Files,
    tree: &Tree,
    from: FilterFrom<'_>,
    options: &[(String, String)],
    backend: &str,
) -> Option<(Result<FilterSpec, Diagnostic>, Vec<Diagnostic>)> {
    let cache = Cache::default();
    let source = Source::new(files, tree, &cache);
    let mut faults = Vec::new();
    let (section, filter, merged) = match from {
        FilterFrom::Tree(name) => ("", Ok(call(name, options)), Merged::default()),
        FilterFrom::File(path) => {
            let name = path.file_stem().unwrap_or(path.as_os_str());
            let name = name.to_string_lossy().into_owned();
            let read = layers::read_alone(source, path, &format!("filter.d/{name}"), &mut faults);
            let filter = read.map(|()| call(&name, options)).ok_or_else(|| {
                let message = format!("cannot read {}", path.display());
                Diagnostic::new(Severity::Error, message)
            });
            ("", filter, Merged::default())
        }
        FilterFrom::Jail(name) => {
            let merged = jails(source, &mut faults).ok()?;
            merged.section(name).filter(|_| name != "INCLUDES")?;
            let filter = with_options(&merged, name, options);
            (name, filter, merged)
        }
    };
    let spec = filter.and_then(|filter| {
        let merged = one_section(section, &filter, backend, merged);
        rules_alone(source, &merged, section, &mut faults)
    });
    Some((spec, each_once(faults)))
}

/// A filter's name and options as a jail writes them.
fn call(name: &str, options: &[(String, String)]) -> String {
    if options.is_empty() {
        return name.to_owned();
    }
    let option = |(key, value): &(String, String)| {
        // No value holds both kinds of quotes: there is no way to write one.
        let quote = if value.contains('"') { '\'' } else { '"' };
        format!("{key}={quote}{value}{quote}")
    };
    let options: Vec<String> = options.iter().map(option).collect();
    format!("{name}[{}]", options.join(", "))
}

/// The filter of a jail with more options.
fn with_options(
    merged: &Merged,
    jail: &str,
    options: &[(String, String)],
) -> Result<String, Diagnostic> {
    let text = Scope::new(merged, jail).get("filter")?;
    let text = text.map(|text| text.plain()).unwrap_or_default();
    let Some(mut known) = params::parse(&text).ok().filter(|_| !options.is_empty()) else {
        return Ok(text);
    };
    known.options.extend_from_slice(options);
    Ok(call(&known.name, &known.options))
}

/// The section with this filter and backend on top of what it sets.
fn one_section(section: &str, filter: &str, backend: &str, mut merged: Merged) -> Merged {
    let nowhere = Origin {
        file: "the command line".into(),
        line: 0,
        text: filter.into(),
    };
    if merged.section(section).is_none() {
        let new = (section.to_owned(), layers::Slots::new(), nowhere.clone());
        merged.sections.push(new);
    }
    let mut sections = merged.sections.iter_mut();
    if let Some((_, slots, _)) = sections.find(|(name, ..)| name == section) {
        for (key, text) in [("filter", filter), ("backend", backend)] {
            let text = Text::new(&text.replace('%', "%%"), &nowhere);
            slots.entry(key.to_owned()).or_default().push(text);
        }
    }
    merged
}

/// The rules of a section, which is no jail that runs.
fn rules_alone(
    source: Source<'_>,
    merged: &Merged,
    section: &str,
    faults: &mut Vec<Diagnostic>,
) -> Result<FilterSpec, Diagnostic> {
    let (scope, backend, filter) = jail::prepared(source, merged, section, faults)?;
    let lent = jail::lent(&scope, source.strict)?;
    let definition = filter.as_ref().map(|filter| filter.definition(lent));
    let definition = definition.transpose()?;
    let mut reader = Reader {
        jail: base::JailName::new(section),
        scope: &scope,
        faults,
    };
    filter::rules(
        &mut reader,
        filter.as_ref().zip(definition.as_ref()),
        &backend,
    )
}
