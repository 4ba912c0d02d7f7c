//! The answer of `check` for programs (docs/configuration.md).

use base::{Diagnostic, Severity};
use conf::Enabled;
use daemon::{CheckReport, CheckedAction, CheckedJail, CheckedRegex, Enforcement, Verdict};
use detect::Search;
use serde::Serialize;

#[derive(Serialize)]
struct Answer<'a> {
    v: u32,
    config: &'a str,
    result: &'static str,
    jails: Vec<Jail<'a>>,
    not_checked: usize,
    notes: &'a [String],
    diagnostics: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Jail<'a> {
    name: &'a str,
    enabled: Option<&'static str>,
    state: &'static str,
    reason: Option<&'a str>,
    filter: &'a str,
    sources: Vec<Source<'a>>,
    why: &'a str,
    actions: Vec<Action<'a>>,
    regexes: Vec<Regex<'a>>,
    special_dates: &'a [String],
    forgeable: &'a [String],
    ignored: &'a [String],
    notes: &'a [String],
}

#[derive(Serialize)]
struct Source<'a> {
    kind: &'static str,
    place: &'a str,
    state: &'a str,
}

#[derive(Serialize)]
struct Action<'a> {
    name: &'a str,
    actname: &'a str,
    kind: &'static str,
    ports: Option<&'a str>,
    protocol: Option<&'a str>,
    blocktype: Option<&'static str>,
    scope: Option<&'static str>,
    why: Option<&'static str>,
}

#[derive(Serialize)]
struct Regex<'a> {
    option: &'static str,
    number: usize,
    file: Option<&'a str>,
    line: Option<u32>,
    engine: &'static str,
    why: Option<String>,
    risks: Vec<Risk>,
}

#[derive(Serialize)]
struct Risk {
    kind: &'static str,
    message: String,
    example: Option<String>,
}

#[derive(Serialize)]
struct Finding<'a> {
    severity: &'static str,
    jail: Option<&'a str>,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    text: Option<&'a str>,
    help: Option<&'a str>,
}

/// The whole answer in one line.
pub(super) fn text(report: &CheckReport) -> String {
    wire::encode(&Answer {
        v: 1,
        config: &report.tree,
        result: match (report.is_there, report.has_errors()) {
            (false, _) => "no configuration",
            (true, true) => "errors",
            (true, false) => "ok",
        },
        jails: report.jails.iter().map(jail).collect(),
        not_checked: report.left_out,
        notes: &report.notes,
        diagnostics: report.diagnostics.iter().map(finding).collect(),
    })
}

fn jail(jail: &CheckedJail) -> Jail<'_> {
    Jail {
        name: jail.name.as_str(),
        enabled: jail.enabled.map(|enabled| match enabled {
            Enabled::Yes => "yes",
            Enabled::No => "no",
            Enabled::Auto => "auto",
        }),
        state: match jail.verdict {
            Verdict::Ok => "ok",
            Verdict::Waiting => "waiting",
            Verdict::Error => "error",
        },
        reason: jail.reason.as_deref(),
        filter: &jail.filter,
        sources: (jail.sources.iter())
            .map(|source| Source {
                kind: source.kind,
                place: &source.place,
                state: &source.state,
            })
            .collect(),
        why: &jail.why,
        actions: jail.actions.iter().map(action).collect(),
        regexes: jail.regexes.iter().map(regex).collect(),
        special_dates: &jail.special_dates,
        forgeable: &jail.forgeable,
        ignored: &jail.ignored,
        notes: &jail.notes,
    }
}

fn action(action: &CheckedAction) -> Action<'_> {
    let plain = Action {
        name: &action.name,
        actname: &action.actname,
        kind: "python",
        ports: None,
        protocol: None,
        blocktype: None,
        scope: None,
        why: None,
    };
    match &action.by {
        Enforcement::Native {
            ports,
            protocol,
            blocktype,
            scope,
        } => Action {
            kind: "native",
            ports: Some(ports.as_deref().unwrap_or("all")),
            protocol: Some(protocol),
            blocktype: Some(blocktype),
            scope: Some(scope),
            ..plain
        },
        Enforcement::Shell { why } => Action {
            kind: "shell",
            why: Some(why),
            ..plain
        },
        Enforcement::Mail => Action {
            kind: "mail",
            ..plain
        },
        Enforcement::Python => plain,
    }
}

fn regex(regex: &CheckedRegex) -> Regex<'_> {
    let (engine, why) = match regex.search {
        Search::Linear => ("linear", None),
        Search::LinearProduct => ("linear-product", Some(regex.constructs.join(", "))),
        Search::Backtracking(why) => ("backtracking", Some(why.to_owned())),
    };
    let risks = regex.risks.iter().map(|risk| Risk {
        kind: risk.name(),
        message: risk.to_string(),
        example: risk.example(),
    });
    Regex {
        option: regex.option,
        number: regex.number,
        file: regex.origin.as_ref().map(|origin| &*origin.file),
        line: regex.origin.as_ref().map(|origin| origin.line),
        engine,
        why,
        risks: risks.collect(),
    }
}

fn finding(found: &Diagnostic) -> Finding<'_> {
    let origin = found.origin.as_ref();
    Finding {
        severity: match found.severity {
            Severity::Notice => "notice",
            Severity::Warning => "warning",
            Severity::Error => "error",
        },
        jail: found.jail.as_ref().map(|jail| jail.as_str()),
        message: &found.message,
        file: origin.map(|origin| &*origin.file),
        line: origin.map(|origin| origin.line),
        text: origin.map(|origin| &*origin.text),
        help: found.help.as_deref(),
    }
}
