//! What REGEX stands for: a jail, a filter, a filter's file, or a failregex as it is.
//!
//! Only text that could be a name or a path is looked up. Jails go before filters, and a file goes for what it is: inside
//! of a `filter.d` it is a filter of that tree with all its layers, elsewhere it stands alone.

use base::{Diagnostic, Severity};
use conf::{Files, FilterFrom, FilterSpec, Manner, Tree, UseDns};
use std::path::{Path, PathBuf};

/// What to look for, and how that is told at the head of the page.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) head: Vec<String>,
    /// The texts after all substitutions; none from a literal but its failregex.
    pub(super) prefregex: Option<String>,
    pub(super) failregex: Vec<String>,
    pub(super) ignoreregex: Vec<String>,
    pub(super) maxlines: Option<u32>,
    pub(super) datepattern: Option<String>,
    pub(super) journalmatch: Vec<String>,
    pub(super) usedns: Option<UseDns>,
    pub(super) logtimezone: Option<String>,
    /// What is wrong and costs nothing.
    pub(super) findings: Vec<Diagnostic>,
}

/// Where REGEX was found.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Jail(String),
    /// A filter's name and its tree.
    Filter(String, PathBuf),
    File(PathBuf),
}

/// Reads REGEX. `backend` is that of the log at hand; `detailed` tells the filter's options.
///
/// # Errors
/// What is printed as an error, and what could be said before.
pub(super) fn read(
    files: &dyn Files,
    config: &Path,
    text: &str,
    backend: &str,
    detailed: bool,
) -> Result<Source, (Vec<String>, String)> {
    if !could_be_name(text) {
        return Ok(literal(text));
    }
    let Ok((name, options)) = conf::parse_call(text) else {
        let message = "Wrong filter name or options: write NAME[KEY=\"VALUE\", KEY=\"VALUE\"]";
        return Err((
            Vec::new(),
            format!("{message}\n       while parsing: {text}"),
        ));
    };
    let tree = Tree::find(files, Some(config), Manner::Fail2ban);
    let is_jail = |name: &str| {
        let from = FilterFrom::Jail(name);
        conf::load_rules(files, &tree, from, &options, backend).is_some()
    };
    let Some(place) = place(files, config, &name, is_jail) else {
        return Ok(literal(text));
    };
    let (from, label) = match &place {
        Place::Jail(name) => (
            FilterFrom::Jail(name),
            format!("Use             jail : {name}"),
        ),
        Place::Filter(name, base) => {
            let label = format!("Use      filter file : {name}, basedir: {}", base.display());
            (FilterFrom::Tree(name), label)
        }
        Place::File(path) => {
            let label = format!("Use      filter file : {}", path.display());
            (FilterFrom::File(path), label)
        }
    };
    let tree = match &place {
        Place::Filter(_, base) => Tree::find(files, Some(base), Manner::Fail2ban),
        Place::Jail(_) | Place::File(_) => tree,
    };
    let mut head = vec![label];
    if !options.is_empty() {
        head.push(format!("Use   filter options : {}", dictionary(&options)));
    }
    if detailed {
        let logtype = if backend == "systemd" {
            "journal"
        } else {
            "file"
        };
        let mut real = options.clone();
        if !real.iter().any(|(key, _)| key == "logtype") {
            real.insert(0, ("logtype".to_owned(), logtype.to_owned()));
        }
        head.push(format!("Real  filter options : {}", dictionary(&real)));
    }
    match conf::load_rules(files, &tree, from, &options, backend) {
        Some((Ok(spec), findings)) => Ok(of_filter(head, spec, findings)),
        Some((Err(fault), _)) => Err((head, told(&fault))),
        None => Ok(literal(text)),
    }
}

/// A fault as one error of this program: what and where.
fn told(fault: &Diagnostic) -> String {
    let text = fault.to_string();
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

fn literal(text: &str) -> Source {
    Source {
        head: vec![format!(
            "Use   failregex line : {}",
            super::python::short(text)
        )],
        failregex: vec![text.to_owned()],
        ..Source::default()
    }
}

fn of_filter(head: Vec<String>, spec: FilterSpec, findings: Vec<Diagnostic>) -> Source {
    let texts = |values: Vec<conf::Value>| values.into_iter().map(|value| value.text).collect();
    Source {
        head,
        prefregex: spec.prefregex.map(|value| value.text),
        failregex: texts(spec.failregex),
        ignoreregex: texts(spec.ignoreregex),
        maxlines: spec.maxlines_given.then_some(spec.maxlines),
        datepattern: spec.datepattern.map(|value| value.text),
        journalmatch: texts(spec.journalmatch),
        usedns: Some(spec.usedns),
        logtimezone: spec.logtimezone.map(|value| value.text),
        findings: findings
            .into_iter()
            .filter(|finding| finding.severity > Severity::Notice)
            .collect(),
    }
}

/// Options as Python shows them.
fn dictionary(options: &[(String, String)]) -> String {
    let shown = options
        .iter()
        .map(|(key, value)| format!("{}: {}", conf::literal(key), conf::literal(value)));
    format!("{{{}}}", shown.collect::<Vec<_>>().join(", "))
}

/// Word characters, slashes, dots and dashes, perhaps with brackets behind.
fn could_be_name(text: &str) -> bool {
    let (name, rest) = text.split_at(text.find('[').unwrap_or(text.len()));
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '-' | '.');
    !name.is_empty() && name.chars().all(fits) && (rest.is_empty() || rest.ends_with(']'))
}

fn place(
    files: &dyn Files,
    config: &Path,
    name: &str,
    is_jail: impl Fn(&str) -> bool,
) -> Option<Place> {
    let has_extension = name.ends_with(".conf") || name.ends_with(".local");
    let is_path = name.contains('/');
    if !is_path && !has_extension && is_jail(name) {
        return Some(Place::Jail(name.to_owned()));
    }
    let names: Vec<String> = match has_extension {
        true => vec![name.to_owned()],
        false => [".conf", ".local"].map(|end| format!("{name}{end}")).into(),
    };
    let is_file = |path: &Path| files.read(path).is_ok();
    // A name is one of the tree first; a path is one of the working directory first, as paths are.
    let in_tree = |name: &String| match is_path {
        true => config.join(name),
        false => config.join("filter.d").join(name),
    };
    let near = names.iter().map(PathBuf::from);
    let near = is_path.then(|| PathBuf::from(name)).into_iter().chain(near);
    let inside: Vec<PathBuf> = names.iter().map(in_tree).collect();
    let ordered: Vec<PathBuf> = match is_path {
        true => near.chain(inside).collect(),
        false => inside.into_iter().chain(near).collect(),
    };
    let path = ordered.into_iter().find(|path| is_file(path))?;
    let directory = path.parent().filter(|dir| dir.ends_with("filter.d"));
    Some(match directory.zip(path.file_stem()) {
        Some((directory, stem)) => {
            let base = directory.parent().unwrap_or(Path::new(""));
            let base = if base == Path::new("") {
                Path::new(".")
            } else {
                base
            };
            Place::Filter(stem.to_string_lossy().into_owned(), base.to_owned())
        }
        None => Place::File(path),
    })
}

#[cfg(test)]
mod tests;
