//! What would ban, and whether it may.

use super::Way;
use super::chain::step;
use super::whom::is_own;
use crate::check::{Enforcement, action};
use crate::clock;
use base::{FailureId, Prefix, Span, format_duration};
use engine::ProtectReason;
use wire::explain::{Outcome, Stage, Step};

/// How long a log-in protects its peer.
const LOGIN_GRACE: Span = Span::from_secs(3600);

pub(super) fn step_of(way: &Way<'_>, id: &FailureId) -> Step {
    let actions = action::of(way.spec, way.globals);
    let told: Vec<String> = actions
        .iter()
        .map(|action| told(&action.actname, &action.by))
        .collect();
    let told = told.join("; ");
    if !way.jail.policy.enforceable.covers(id) {
        let mut stop = step(
            Stage::Ban,
            Outcome::Stop,
            match actions.is_empty() {
                true => "the jail has no action: it only detects".to_owned(),
                false => format!("none of its actions bans anybody ({told})"),
            },
        );
        stop.help = Some("set banaction, e.g. banaction = stockade".into());
        return stop;
    }
    let prefix = match id {
        FailureId::Prefix(prefix) => prefix,
        FailureId::Raw(text) => {
            return step(
                Stage::Ban,
                Outcome::Stop,
                format!("'{text}' is no address, and only addresses are banned"),
            );
        }
    };
    if let Some(why) = offline(way, prefix) {
        return protected(prefix, why);
    }
    let length = match way.jail.policy.bantime {
        Some(length) => format!("for {}", format_duration(length.as_secs())),
        None => "for ever".to_owned(),
    };
    step(
        Stage::Ban,
        Outcome::Ok,
        format!("it would be banned {length} by {told}"),
    )
}

fn told(name: &str, by: &Enforcement) -> String {
    match by {
        Enforcement::Native {
            ports,
            protocol,
            blocktype,
            ..
        } => {
            let ports = ports
                .as_deref()
                .map_or("all ports".to_owned(), |ports| format!("port {ports}"));
            format!("{name} in the kernel ({ports}, {protocol}, {blocktype})")
        }
        Enforcement::Shell { .. } => format!("{name} by commands of a shell"),
        Enforcement::Mail => format!("{name} by a letter"),
        Enforcement::Python => format!("{name}, which is a class of fail2ban's own and is not run"),
    }
}

/// Whoever holds for all jails, as the machine says now.
fn offline(way: &Way<'_>, prefix: &Prefix) -> Option<ProtectReason> {
    if is_own(prefix) {
        return Some(ProtectReason::OwnAddress);
    }
    let now = clock::now();
    let gateways = os::default_gateways().into_iter();
    let logins = os::logins().into_iter();
    let peers = logins
        .filter(|login| login.time + LOGIN_GRACE > now)
        .map(|login| login.address);
    if gateways.chain(peers).any(|address| prefix.covers(address)) {
        return Some(ProtectReason::Protected);
    }
    let overlaps = way
        .jail
        .policy
        .ignoreip
        .overlaps(&FailureId::Prefix(*prefix));
    overlaps.then_some(ProtectReason::Ignored)
}

/// Somebody must not be banned, and why.
pub(crate) fn protected(prefix: &Prefix, why: ProtectReason) -> Step {
    let (text, help) = match why {
        ProtectReason::OwnAddress => ("it is or holds an address of this machine", None),
        ProtectReason::Ignored => (
            "it holds somebody whom ignoreip names",
            Some("take the entry out of ignoreip, or count by longer prefixes"),
        ),
        ProtectReason::Protected => (
            "it is or holds the gateway, or somebody logged in from there within the hour",
            Some("to ban it all the same: stockade ban JAIL IP --force"),
        ),
    };
    let mut stop = step(
        Stage::Ban,
        Outcome::Stop,
        format!("{prefix} must not be banned: {text}"),
    );
    stop.help = help.map(str::to_owned);
    stop
}
