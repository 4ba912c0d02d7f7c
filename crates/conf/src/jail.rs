//! How one jail is put together (behaviour §1.12, 1.14, 1.15).

use crate::action;
use crate::definition::Definition;
use crate::filter::{self, Filter};
use crate::interp::{Scope, Vars};
use crate::layers::Merged;
use crate::options::{JAIL, Kind, OWN, default, is_true};
use crate::reader::{Reader, integer};
use crate::spec::{Enabled, Increment, JailSpec};
use crate::text::Text;
use crate::tree::Source;
use base::{Diagnostic, JailName, Origin, Span};

/// What `enabled` says; nothing else of the jail is looked at. `auto` has a meaning only over the built-in tree.
pub(crate) fn enabled(
    merged: &Merged,
    name: &str,
    auto: bool,
    faults: &mut Vec<Diagnostic>,
) -> Result<Enabled, Diagnostic> {
    let scope = Scope::new(merged, name);
    let is_auto = scope
        .get("enabled")?
        .is_some_and(|text| text.plain() == "auto");
    if is_auto && auto {
        return Ok(Enabled::Auto);
    }
    let mut reader = Reader {
        jail: JailName::new(name),
        scope: &scope,
        faults,
    };
    Ok(match reader.flag("enabled")? {
        true => Enabled::Yes,
        false => Enabled::No,
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
    let (scope, backend, filter) = prepared(source, merged, name, faults)?;
    let lent = lent(&scope, source.strict)?;
    let definition = filter
        .as_ref()
        .map(|filter| filter.definition(lent.clone()));
    let definition = definition.transpose()?;
    let mut reader = Reader {
        jail: JailName::new(name),
        scope: &scope,
        faults,
    };
    let rules = filter::rules(
        &mut reader,
        filter.as_ref().zip(definition.as_ref()),
        &backend,
    )?;
    if rules.failregex.is_empty() {
        reader.finds_nothing(origin);
    }
    let spec = JailSpec {
        name: reader.jail.clone(),
        enabled,
        logpath: reader.log_paths()?,
        logencoding: reader.text_or_default("logencoding", origin)?,
        filter: rules,
        maxretry: reader.count("maxretry")?,
        maxmatches: reader.count("maxmatches")?,
        findtime: Span::from_secs_f64(reader.seconds("findtime")?),
        // Negative is for ever; a fraction of a second is none.
        bantime: Some(reader.seconds("bantime")?)
            .filter(|seconds| *seconds >= 0.0)
            .map(|seconds| Span::from_secs(seconds.trunc() as i64)),
        ignoreself: reader.flag("ignoreself")?,
        ignoreip: reader.words("ignoreip")?,
        ignorecommand: reader.text("ignorecommand")?,
        ignorecache: reader.text("ignorecache")?,
        increment: Increment {
            enabled: reader.flag("bantime.increment")?,
            factor: reader.text("bantime.factor")?,
            formula: reader.text("bantime.formula")?,
            multipliers: reader.text("bantime.multipliers")?,
            maxtime: reader.text("bantime.maxtime")?,
            rndtime: reader.text("bantime.rndtime")?,
            overalljails: reader.flag("bantime.overalljails")?,
        },
        ipv6_prefix: reader.bits("ipv6_prefix", 128)?,
        ipv4_prefix: reader.bits("ipv4_prefix", 32)?,
        aggregate: reader.words("aggregate")?,
        trusted_uid: trusted(&scope, definition.as_ref())?,
        actions: Vec::new(),
        origin: origin.clone(),
        backend: reader.backend(origin)?,
    };
    let mut actions = match scope.get("action")? {
        Some(list) => action::read(source, name, &list, &lent, faults)?,
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

/// The jail as it is seen once its filter is known, its backend and that filter.
pub(crate) fn prepared<'a>(
    source: Source<'_>,
    merged: &'a Merged,
    name: &'a str,
    faults: &mut Vec<Diagnostic>,
) -> Result<(Scope<'a>, String, Option<Filter>), Diagnostic> {
    let mut scope = Scope::new(merged, name);
    let backend = scope
        .get("backend")?
        .map_or_else(|| default("backend").to_owned(), |text| text.plain());
    let filter = Filter::read(source, &scope, &backend, faults)?;
    if let Some(filter) = &filter {
        scope.vars = known(&filter.definition(Vars::new())?, source.strict)?;
        scope.rereads = source.strict;
    }
    Ok((scope, backend, filter))
}

/// All options of the filter under the names by which the jail extends them. What is wrong with one is told when its
/// rules are read; only fail2ban does not wait until somebody asks for it.
fn known(definition: &Definition<'_>, strict: bool) -> Result<Vars, Diagnostic> {
    if strict {
        definition.check_own()?;
    }
    let mut vars = Vars::new();
    for key in definition.keys() {
        match definition.get(&key) {
            Ok(Some(text)) => drop(vars.insert(format!("known/{key}"), text)),
            Err(fault) if strict => return Err(fault),
            Ok(None) | Err(_) => {}
        }
    }
    Ok(vars)
}

/// Options of the jail, as filters and actions see them: numbers and yes or no as Python prints them.
pub(crate) fn lent(scope: &Scope<'_>, strict: bool) -> Result<Vars, Diagnostic> {
    let mut vars = Vars::new();
    let seen = JAIL.iter().filter(|option| option.name != "action");
    for option in seen.filter(|option| !strict || !OWN.contains(&option.name)) {
        let Some(text) = scope.get(option.name)? else {
            continue;
        };
        let plain = text.plain();
        let printed = match (option.kind, integer(&plain)) {
            (Kind::Int, Some(number)) => Some(number.to_string()),
            // fail2ban has no number then.
            (Kind::Int, None) if strict => continue,
            (Kind::Bool, _) if is_true(&plain) => Some("True".to_owned()),
            (Kind::Bool, _) => Some("False".to_owned()),
            _ => None,
        };
        let text = match printed {
            Some(printed) => Text::new(&printed, &text.origin()),
            None => text,
        };
        vars.insert(option.name.to_owned(), text);
    }
    Ok(vars)
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
