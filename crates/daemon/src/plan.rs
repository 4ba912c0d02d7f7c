//! From configuration to what runs: the only place that joins conf, detect and engine.
//!
//! A plan is made once and never changed. A jail that cannot be compiled is left out with a diagnostic; the
//! others are as if it did not exist.

use crate::actions::{Machine, Planned};
use crate::enforce::{Blocktype, EnforceJail, PortRange, Ports, Protocol, Scope};
use crate::ignore::{self, Entry};
use crate::source::journal::JournalSource;
use base::{Diagnostic, JailName, Severity, Timestamp};
use conf::{ActionSpec, Config, Enabled, JailSpec, LogPath, UseDns, Value};
use detect::{Encoding, Rule, RuleError, RulePart, RuleSource};
use engine::{Enforceable, JailId, JailPolicy};
use jiff::tz::TimeZone;
use os::{Services, Users};
use std::env;
use std::sync::Arc;

mod actions;
mod aggregate;
mod growth;
mod merge;
mod reads;
mod sources;

pub(crate) use actions::MAIL;
pub(crate) use merge::{Merged, merge};

/// What runs.
pub(crate) struct Plan {
    /// The jails, each at the place that its id says.
    pub(crate) jails: Vec<Jail>,
    /// Jails that were left out, and why.
    pub(crate) broken: Vec<(JailName, Diagnostic)>,
}

/// One jail, ready to run.
#[derive(Clone)]
pub(crate) struct Jail {
    pub(crate) id: JailId,
    pub(crate) name: JailName,
    /// It may wait for its source for ever without anybody being told.
    pub(crate) auto: bool,
    pub(crate) rule: Arc<Rule>,
    pub(crate) policy: JailPolicy,
    /// The entries of `ignoreip`; those that need nobody's answer are in the policy too.
    pub(crate) ignore: Vec<Entry>,
    /// Who is asked whether a failure counts.
    pub(crate) ignore_command: Option<Arc<ignore::Command>>,
    pub(crate) logs: Vec<LogPath>,
    pub(crate) encoding: Encoding,
    /// Its log files are only looked at from time to time, without inotify.
    pub(crate) polled: bool,
    /// Which journal it reads, if it does.
    pub(crate) place: JournalSource,
    /// The lines of `journalmatch`.
    pub(crate) journal: Vec<String>,
    /// Whether the configuration asks for the journal, for files, or leaves it open.
    pub(crate) backend: Backend,
    /// Users whose journal entries are believed, as the filter names them; see [`trusted_uids`].
    pub(crate) trusted: Vec<String>,
    /// How bans reach the kernel; `None` if they do not at our own word.
    pub(crate) enforce: Option<EnforceJail>,
    /// What is told of each ban besides, in this order.
    pub(crate) actions: Vec<Planned>,
    /// What an admin should know, one sentence each.
    pub(crate) notes: Vec<String>,
    /// The same of its actions: what becomes of each that is not our own.
    pub(crate) action_notes: Vec<String>,
    /// What to change if the service as shipped logs no addresses.
    pub(crate) needs: Option<String>,
    /// All that says where its lines come from and what is seen in them, as a text to compare.
    pub(crate) reads: String,
    /// The same of its actions.
    pub(crate) acts: String,
    /// The configuration does not have it any more.
    pub(crate) is_removed: bool,
}

impl Jail {
    /// True if the other one counts and bans as this one does.
    fn acts_like(&self, other: &Self) -> bool {
        self.policy == other.policy
            && self.ignore == other.ignore
            && self.enforce == other.enforce
            && self.acts == other.acts
            && self.actions == other.actions
            && self.auto == other.auto
    }
}

/// Where the configuration wants lines from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    /// The journal if it has the service, else files.
    Either,
    /// Files only.
    Files,
    /// The journal only.
    Journal,
    /// Our own bans.
    Bans,
}

/// What the machine says about names.
pub(crate) struct Surroundings {
    pub(crate) services: Services,
    pub(crate) users: Users,
    pub(crate) start_year: i32,
    /// What fail2ban's environment variable says: how a journal is opened where the jail does not say.
    pub(crate) journal_flags: Option<i32>,
    /// The kernel speaks IPv6.
    pub(crate) has_ipv6: bool,
}

impl Surroundings {
    /// This machine's names; `now` gives the year that dates are expected in.
    pub(crate) fn of_this_machine(now: Timestamp) -> Self {
        Self {
            services: Services::of_this_machine(),
            users: Users::of_this_machine(),
            start_year: year_of(now),
            journal_flags: env::var(sources::FLAGS_VARIABLE)
                .ok()
                .and_then(|text| text.trim().parse().ok()),
            has_ipv6: os::has_ipv6(),
        }
    }

    /// What actions are told of the machine (behaviour §5.2): whether it has IPv6 the configuration may say otherwise.
    fn machine(&self, globals: &conf::Globals) -> Machine {
        let has_ipv6 = match globals.allowipv6.trim().to_ascii_lowercase().as_str() {
            "auto" | "" => self.has_ipv6,
            word => ["1", "on", "true", "yes"].contains(&word),
        };
        Machine::new(has_ipv6)
    }
}

/// Compiles every jail of a configuration. Findings that cost no jail are added to `diagnostics`.
pub(crate) fn compile(
    config: Config,
    around: &Surroundings,
    diagnostics: &mut Vec<Diagnostic>,
) -> Plan {
    let mut plan = Plan {
        jails: Vec::new(),
        broken: config.broken,
    };
    let machine = around.machine(&config.globals);
    for spec in config.jails {
        let id = JailId(plan.jails.len() as u32);
        match compile_jail(id, &spec, &config.globals, around, &machine, diagnostics) {
            Ok(jail) => plan.jails.push(jail),
            Err(diagnostic) => plan.broken.push((spec.name, diagnostic)),
        }
    }
    plan
}

fn compile_jail(
    id: JailId,
    spec: &JailSpec,
    globals: &conf::Globals,
    around: &Surroundings,
    machine: &Machine,
    diagnostics: &mut Vec<Diagnostic>,
) -> Result<Jail, Diagnostic> {
    let rule = compile_rule(spec, around.start_year)?;
    let mut notes = Vec::new();
    // Under our own name the recidive jail hears of bans from the engine itself (contract 22).
    let fed_by_bans = spec.filter.name == "recidive";
    let source = sources::compile(spec, around.journal_flags)?;
    let backend = if fed_by_bans {
        Backend::Bans
    } else {
        source.backend
    };
    let mut action_notes = Vec::new();
    let enforce = enforcement(spec, globals, &around.services, &mut action_notes)?;
    let actions = actions::plan(spec, globals, machine, &mut notes, &mut action_notes);
    if spec.actions.is_empty() {
        notes.push("it has no action and only detects".into());
    }
    let ignore = ignore::read(spec, diagnostics);
    let ignore_command = ignore::Command::read(spec, diagnostics).map(Arc::new);
    if fed_by_bans && ignore_command.is_some() {
        notes.push("its ignorecommand is not asked: it hears of bans, not of failures".into());
    }
    let policy = JailPolicy {
        name: spec.name.clone(),
        maxretry: spec.maxretry,
        maxmatches: spec.maxmatches.min(globals.dbmaxmatches),
        findtime: spec.findtime,
        bantime: spec.bantime,
        growth: growth::growth(spec, diagnostics),
        ignoreself: spec.ignoreself,
        ignoreip: ignore::fixed(&ignore),
        ipv4_prefix: spec.ipv4_prefix,
        ipv6_prefix: spec.ipv6_prefix,
        aggregate: aggregate::aggregate(spec, diagnostics),
        fed_by_bans,
        enforceable: match enforce {
            _ if !actions.is_empty() || globals.bans_in_name => Enforceable::AnyId,
            Some(_) => Enforceable::Addresses,
            None => Enforceable::Nobody,
        },
    };
    let journal: Vec<String> = spec
        .filter
        .journalmatch
        .iter()
        .map(|line| line.text.clone())
        .collect();
    Ok(Jail {
        id,
        name: spec.name.clone(),
        auto: spec.enabled == Enabled::Auto,
        rule: Arc::new(rule),
        policy,
        ignore,
        ignore_command,
        logs: spec.logpath.clone(),
        encoding: sources::encoding(spec, diagnostics),
        polled: source.polled,
        place: source.place,
        trusted: trusted(spec, &around.users, &mut notes),
        journal,
        backend,
        enforce,
        actions,
        notes,
        action_notes,
        needs: spec.filter.needs.clone(),
        reads: reads::text(spec),
        acts: reads::acts(spec),
        is_removed: false,
    })
}

/// Compiles the rules of a jail; the first mistake is cited with its file and line.
pub(crate) fn compile_rule(spec: &JailSpec, start_year: i32) -> Result<Rule, Diagnostic> {
    compile_filter(&spec.filter, start_year).map_err(|errors| {
        let Some(error) = errors.first() else {
            return Diagnostic::new(Severity::Error, "its rules cannot be used")
                .with_jail(&spec.name);
        };
        let more = match errors.len() {
            0 | 1 => String::new(),
            n => format!(" (and {} more)", n - 1),
        };
        mistake(spec, error, &format!("{more}; the jail is left out"))
    })
}

/// All that is wrong with the regexes, date patterns and the time zone of a jail.
pub fn mistakes(spec: &JailSpec) -> Vec<Diagnostic> {
    // Any year will do: whether a pattern is sound does not hang on it.
    let errors = compile_filter(&spec.filter, 2000).err().unwrap_or_default();
    let told = errors.iter().map(|error| mistake(spec, error, ""));
    told.collect()
}

fn mistake(spec: &JailSpec, error: &RuleError, done: &str) -> Diagnostic {
    let value = match error.part {
        RulePart::Prefregex => spec.filter.prefregex.as_ref(),
        RulePart::Failregex(n) => spec.filter.failregex.get(n),
        RulePart::Ignoreregex(n) => spec.filter.ignoreregex.get(n),
        RulePart::Datepattern => spec.filter.datepattern.as_ref(),
        RulePart::Logtimezone => spec.filter.logtimezone.as_ref(),
    };
    Diagnostic::new(Severity::Error, format!("{}{done}", error.message))
        .with_jail(&spec.name)
        .with_origin(value.map(|value| &value.origin))
        .with_help("correct the line, or switch the jail off with enabled = false")
}

/// Compiles the rules of a filter, whoever named it.
///
/// # Errors
/// All its mistakes.
pub fn compile_filter(filter: &conf::FilterSpec, start_year: i32) -> Result<Rule, Vec<RuleError>> {
    fn texts(values: &[Value]) -> Vec<&str> {
        values.iter().map(|value| value.text.as_str()).collect()
    }
    fn text(value: &Option<Value>) -> Option<&str> {
        value.as_ref().map(|value| value.text.as_str())
    }
    Rule::compile(&RuleSource {
        prefregex: text(&filter.prefregex),
        failregex: &texts(&filter.failregex),
        ignoreregex: &texts(&filter.ignoreregex),
        maxlines: filter.maxlines,
        datepattern: text(&filter.datepattern),
        logtimezone: text(&filter.logtimezone),
        usedns: usedns(filter.usedns),
        start_year,
    })
}

/// What detect calls the words of `usedns`.
pub fn usedns(word: UseDns) -> detect::UseDns {
    match word {
        UseDns::Yes => detect::UseDns::Yes,
        UseDns::Warn => detect::UseDns::Warn,
        UseDns::No => detect::UseDns::No,
        UseDns::Raw => detect::UseDns::Raw,
    }
}

/// The year that dates are expected in at this time.
pub fn year_of(now: Timestamp) -> i32 {
    let at = jiff::Timestamp::from_second(now.as_secs());
    at.map_or(1970, |at| i32::from(TimeZone::UTC.to_datetime(at).year()))
}

/// The union of what the jail's actions ask of the kernel.
fn enforcement(
    spec: &JailSpec,
    globals: &conf::Globals,
    services: &Services,
    notes: &mut Vec<String>,
) -> Result<Option<EnforceJail>, Diagnostic> {
    let mut merged: Option<EnforceJail> = None;
    for action in &spec.actions {
        let native = action.stock.as_ref();
        let Some(stock) = native.filter(|_| actions::is_native(action, globals)) else {
            continue;
        };
        if !stock.native {
            notes.push(format!(
                "its action '{}' is carried out natively",
                action.name
            ));
        }
        let one = EnforceJail {
            name: spec.name.clone(),
            ports: ports(spec, action, stock.port.as_ref(), services)?,
            protocol: protocol(spec, action, &stock.protocol)?,
            blocktype: match stock.blocktype {
                conf::Blocktype::Drop => Blocktype::Drop,
                conf::Blocktype::Reject => Blocktype::Reject,
            },
            scope: match stock.scope {
                conf::Scope::All => Scope::All,
                conf::Scope::Host => Scope::Host,
            },
        };
        merged = Some(match merged {
            None => one,
            Some(before) => both(before, one),
        });
    }
    Ok(merged)
}

/// What closes everything that either one closes: a jail has one chain.
fn both(one: EnforceJail, other: EnforceJail) -> EnforceJail {
    let ports = match (one.ports, other.ports) {
        (Ports::Ranges(a), Ports::Ranges(b)) => Ports::new(a.into_iter().chain(b)),
        _ => Ports::All,
    };
    let scope = if one.scope == other.scope {
        one.scope
    } else {
        Scope::All
    };
    EnforceJail {
        ports,
        scope,
        protocol: both_protocols(one.protocol, other.protocol),
        ..one
    }
}

fn both_protocols(one: Protocol, other: Protocol) -> Protocol {
    match (one, other) {
        (a, b) if a == b => a,
        (Protocol::All, _) | (_, Protocol::All) => Protocol::All,
        _ => Protocol::Both,
    }
}

fn ports(
    spec: &JailSpec,
    action: &ActionSpec,
    value: Option<&Value>,
    services: &Services,
) -> Result<Ports, Diagnostic> {
    let Some(value) = value else {
        return Ok(Ports::All);
    };
    let mut ports = Vec::new();
    for word in value
        .text
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
    {
        let (first, last) = word
            .split_once([':', '-'])
            .filter(|_| services.port(word).is_none())
            .unwrap_or((word, word));
        match (services.port(first), services.port(last)) {
            (Some(first), Some(last)) if first <= last => ports.push(PortRange::new(first, last)),
            _ => return Err(unknown_port(spec, value, word)),
        }
    }
    if ports.is_empty() {
        let message = format!(
            "action '{}' has an empty list of ports; the jail is left out",
            action.name
        );
        return Err(Diagnostic::new(Severity::Error, message)
            .with_jail(&spec.name)
            .with_origin(Some(&value.origin))
            .with_help("write port = 0:65535 to close all ports"));
    }
    let all = ports
        .iter()
        .any(|port| port.first <= 1 && port.last == u16::MAX);
    Ok(if all { Ports::All } else { Ports::new(ports) })
}

fn unknown_port(spec: &JailSpec, value: &Value, word: &str) -> Diagnostic {
    let at = value
        .origin
        .text
        .find(word)
        .map(|byte| value.origin.text[..byte].chars().count());
    let diagnostic = Diagnostic::new(
        Severity::Error,
        format!("unknown port '{word}'; the jail is left out"),
    )
    .with_jail(&spec.name)
    .with_origin(Some(&value.origin))
    .with_help("use a number, a range such as 8000:8100, or a name of /etc/services");
    match at {
        Some(at) => diagnostic.with_span(at, word.chars().count()),
        None => diagnostic,
    }
}

fn protocol(spec: &JailSpec, action: &ActionSpec, text: &str) -> Result<Protocol, Diagnostic> {
    let mut words = text
        .split([',', ' '])
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let one = |word: &str| match word.to_ascii_lowercase().as_str() {
        "tcp" => Some(Protocol::Tcp),
        "udp" => Some(Protocol::Udp),
        "both" => Some(Protocol::Both),
        "all" | "any" => Some(Protocol::All),
        _ => None,
    };
    let first = words.next().map_or(Some(Protocol::Tcp), one);
    words
        .fold(first, |merged, word| {
            Some(both_protocols(merged?, one(word)?))
        })
        .ok_or_else(|| {
            Diagnostic::new(
                Severity::Error,
                format!("unknown protocol '{text}'; the jail is left out"),
            )
            .with_jail(&spec.name)
            .with_origin(Some(&action.origin))
            .with_help("use tcp, udp, both or all")
        })
}

/// The users that the filter names; one whom the machine does not know is noted.
fn trusted(spec: &JailSpec, users: &Users, notes: &mut Vec<String>) -> Vec<String> {
    if spec.enabled != Enabled::Auto {
        let unknown = |name: &&String| users.uid(name).is_none();
        notes.extend(
            spec.trusted_uid
                .iter()
                .filter(unknown)
                .map(|name| format!("trusted_uid names '{name}', whom this machine does not know")),
        );
    }
    spec.trusted_uid.clone()
}

/// Users whose journal entries speak for a service (contract 14): those that the filter names, else root and whoever
/// the units of its match run as.
pub(crate) fn trusted_uids(names: &[String], journal: &[String], users: &Users) -> Vec<u32> {
    let mut uids: Vec<u32> = names.iter().filter_map(|name| users.uid(name)).collect();
    if names.is_empty() {
        uids.push(0);
        uids.extend(
            units(journal)
                .filter_map(os::unit_user)
                .filter_map(|user| users.uid(&user)),
        );
    }
    uids.sort_unstable();
    uids.dedup();
    uids
}

/// The units that a journalmatch names.
pub(crate) fn units(journal: &[String]) -> impl Iterator<Item = &str> {
    journal
        .iter()
        .flat_map(|line| line.split_whitespace())
        .filter_map(|word| {
            word.trim_matches(['"', '\''])
                .strip_prefix("_SYSTEMD_UNIT=")
                .map(|unit| unit.trim_matches(['"', '\'']))
        })
}
