//! What the engine tells, as lines of our log.
//!
//! The texts that fail2ban also has are fail2ban's to the letter (behaviour §6.9): recidive filters, reports
//! and dashboards read them, so that nothing may stand behind an address; what we have to add has a line of its own
//! before it. The others are ours. Each event has its lines here and nowhere else.

use crate::clock;
use crate::log::{Kind, Level, Log, local};
use base::{FailureId, JailName, Span, Timestamp};
use engine::{Event, IgnoreReason, LiftReason, ProtectReason};
use jiff::tz::TimeZone;

/// Writes the engine's event.
pub(crate) fn tell(log: &Log, zone: &TimeZone, name: Option<&JailName>, event: &Event) {
    let of_jail = |text: String| match name {
        Some(name) => format!("[{name}] {text}"),
        None => text,
    };
    if let Event::Found { .. } = event {
        // So many in a flood that they are not even put into words where the log leaves them out.
        let text = || of_jail(line(zone, event).3);
        return log.write_with(clock::now(), Level::Info, Kind::PerFailure, "filter", text);
    }
    let reason = reason(event).map(per_ban);
    for (level, kind, module, text) in reason.into_iter().chain([line(zone, event)]) {
        log.write(clock::now(), level, kind, module, &of_jail(text));
    }
}

/// Why a ban ends that neither its time nor somebody's wish ends.
fn reason(event: &Event) -> Option<String> {
    let Event::Unbanned { id, why, .. } = event else {
        return None;
    };
    match why {
        LiftReason::Expired | LiftReason::Request | LiftReason::JailRemoved => None,
        LiftReason::Protected => Some(format!("{id} must not be banned any more")),
        LiftReason::Ignored => Some(format!("{id} is ignored from now on")),
        LiftReason::Aggregated(network) => Some(format!("{id} is part of {network}")),
        LiftReason::Unenforceable => Some(format!(
            "{id} cannot be banned any more: no action of its jail can keep it out"
        )),
    }
}

fn line(zone: &TimeZone, event: &Event) -> (Level, Kind, &'static str, String) {
    match event {
        Event::Found { id, time, .. } => {
            per_failure("filter", format!("Found {id} - {}", local(*time, zone)))
        }
        Event::Attempted { id, time, .. } => {
            per_failure("filter", format!("Attempt {id} - {}", local(*time, zone)))
        }
        Event::FoundAgain {
            id,
            time,
            bans,
            weight,
            cut,
            enough,
            ..
        } => {
            // The original reckons in fractions, and shows it where nothing was cut.
            let point = if *cut { "" } else { ".0" };
            let ban = if *enough { ", Ban" } else { "" };
            let time = local(*time, zone);
            let text = format!("Found {id}, bad - {time}, {bans} # -> {weight}{point}{ban}");
            (Level::Info, Kind::PerFailure, "observer", text)
        }
        Event::BannedBefore {
            id,
            bans,
            last,
            usual,
            length,
            ..
        } => {
            let last = local(*last, zone);
            let (usual, length) = (words(*usual), base::format_seconds(*length));
            let text = format!("IP {id} is bad: {bans} # last {last} - incr {usual} to {length}");
            (Level::Info, Kind::PerBan, "observer", text)
        }
        Event::Grown {
            id,
            length,
            count,
            until,
            ..
        } => {
            let (length, until) = (base::format_seconds(*length), local(*until, zone));
            let text = format!("Increase Ban {id} ({count} # {length} -> {until})");
            (Level::Notice, Kind::PerBan, "observer", text)
        }
        Event::Aggregated {
            prefix,
            children,
            listed,
            ..
        } => {
            let text = format!("{children} bans in {prefix}: it is banned as a whole ({listed})");
            (Level::Notice, Kind::PerBan, "actions", text)
        }
        Event::GrowthFailed { id, error, .. } => {
            let text = format!("the ban of {id} does not grow: {error}");
            (Level::Error, Kind::PerFailure, "observer", text)
        }
        Event::Ignored { id, why, .. } => per_failure("filter", ignored(id, why)),
        Event::Banned {
            id,
            restored: false,
            ..
        } => per_ban(format!("Ban {id}")),
        Event::Banned {
            id, restored: true, ..
        } => per_ban(format!("Restore Ban {id}")),
        Event::Unbanned { id, .. } => per_ban(format!("Unban {id}")),
        Event::Ineffective { id, after, .. } => {
            let after = base::format_duration(after.as_secs());
            per_failure("filter", format!("{id} fails {after} after its ban"))
        }
        Event::AlreadyBanned { id, after, .. } => {
            let level = match after.as_secs() {
                ..3 => Level::Debug,
                3..60 => Level::Notice,
                _ => Level::Warning,
            };
            (
                level,
                Kind::PerFailure,
                "actions",
                format!("{id} already banned"),
            )
        }
        Event::ExpiredIgnored { id, .. } => {
            per_failure("actions", format!("Ignore {id}, expired bantime"))
        }
        Event::Protected { id, why, .. } => {
            let text = format!(
                "{id} has failures enough and is not banned: {}",
                protected(*why)
            );
            (Level::Warning, Kind::PerFailure, "actions", text)
        }
        Event::MalformedAddress { text, .. } => (
            Level::Warning,
            Kind::PerFailure,
            "filter",
            format!("Ignore '{text}': it is no address"),
        ),
        Event::NotEnforceable { id, .. } => {
            let text = format!(
                "{id} has failures enough and cannot be banned: no action of this jail can"
            );
            (Level::Warning, Kind::PerFailure, "actions", text)
        }
        Event::EnforceFailed { id, error, .. } => {
            let text =
                format!("the kernel refused the change for {id}: {error}; it is tried again");
            (Level::Error, Kind::PerFailure, "actions", text)
        }
        Event::StoreFailed { ban, error } => {
            let whom = ban.as_ref().map_or_else(
                || "all bans".to_owned(),
                |(_, id)| format!("the ban of {id}"),
            );
            let text =
                format!("the store could not write {whom}: {error}; guarding goes on from memory");
            (Level::Error, Kind::PerFailure, "database", text)
        }
    }
}

/// The jail that an event belongs to; the first one for what concerns all.
pub(crate) fn jail_of(event: &Event) -> engine::JailId {
    match event {
        Event::Found { jail, .. }
        | Event::Attempted { jail, .. }
        | Event::FoundAgain { jail, .. }
        | Event::BannedBefore { jail, .. }
        | Event::Grown { jail, .. }
        | Event::Aggregated { jail, .. }
        | Event::GrowthFailed { jail, .. }
        | Event::Ignored { jail, .. }
        | Event::Banned { jail, .. }
        | Event::Unbanned { jail, .. }
        | Event::Ineffective { jail, .. }
        | Event::AlreadyBanned { jail, .. }
        | Event::ExpiredIgnored { jail, .. }
        | Event::Protected { jail, .. }
        | Event::MalformedAddress { jail, .. }
        | Event::NotEnforceable { jail, .. }
        | Event::EnforceFailed { jail, .. } => *jail,
        Event::StoreFailed { ban, .. } => ban.as_ref().map_or(engine::JailId(0), |(jail, _)| *jail),
    }
}

/// The message for other programs; only bans and their ends have one.
pub(crate) fn message(
    name: &JailName,
    now: Timestamp,
    event: &Event,
    lines: Option<Vec<String>>,
) -> Option<wire::Event> {
    let base =
        |event: &str, id: &FailureId, time: Timestamp, until: &Option<Timestamp>, failures: u32| {
            wire::Event {
                v: wire::VERSION,
                event: event.to_owned(),
                jail: name.to_string(),
                ip: id.to_string(),
                time: time.as_secs(),
                until: until.map(Timestamp::as_secs),
                failures: failures.into(),
                users: Vec::new(),
                why: None,
                lines: None,
            }
        };
    match event {
        Event::Banned {
            id,
            time,
            until,
            failures,
            users,
            ..
        } => Some(wire::Event {
            users: message_users(users),
            lines,
            ..base("ban", id, *time, until, *failures)
        }),
        Event::Unbanned {
            id,
            until,
            failures,
            ..
        } => Some(base("unban", id, now, until, *failures)),
        _ => None,
    }
}

/// The message for who watches: bans and their ends as ever, with the reason if it is none of the usual, and what was
/// counted or ignored. `counted` are the failures that the id has now.
pub(crate) fn watched(
    name: &JailName,
    now: Timestamp,
    event: &Event,
    counted: u64,
    lines: Option<Vec<String>>,
) -> Option<wire::Event> {
    let (kind, id, time, failures, why) = match event {
        Event::Found { id, time, .. } | Event::Attempted { id, time, .. } => {
            ("failure", id, *time, counted, None)
        }
        Event::Ignored { id, why, .. } => ("ignored", id, now, 0, Some(by(why))),
        other => {
            let told = message(name, now, other, lines)?;
            let why = reason(other);
            return Some(wire::Event { why, ..told });
        }
    };
    Some(wire::Event {
        v: wire::VERSION,
        event: kind.to_owned(),
        jail: name.to_string(),
        ip: id.to_string(),
        time: time.as_secs(),
        until: None,
        failures,
        users: Vec::new(),
        why,
        lines: None,
    })
}

/// Which rule ignored.
fn by(why: &IgnoreReason) -> String {
    match why {
        IgnoreReason::OwnAddress => "ignoreself".to_owned(),
        IgnoreReason::Listed(source) => format!("ignoreip ({source})"),
        IgnoreReason::Command => "ignorecommand".to_owned(),
    }
}

/// Users as messages have them.
pub(crate) fn message_users(users: &[(String, u32)]) -> Vec<wire::User> {
    users
        .iter()
        .map(|(name, count)| wire::User {
            name: name.clone(),
            count: (*count).into(),
        })
        .collect()
}

fn per_failure(module: &'static str, text: String) -> (Level, Kind, &'static str, String) {
    (Level::Info, Kind::PerFailure, module, text)
}

fn per_ban(text: String) -> (Level, Kind, &'static str, String) {
    (Level::Notice, Kind::PerBan, "actions", text)
}

fn ignored(id: &FailureId, why: &IgnoreReason) -> String {
    match why {
        IgnoreReason::OwnAddress => format!("Ignore {id} by ignoreself rule"),
        IgnoreReason::Listed(source) => format!("Ignore {id} by {source}"),
        IgnoreReason::Command => format!("Ignore {id} by command"),
    }
}

/// A length as the original's log has it.
fn words(length: Span) -> String {
    base::format_duration(length.as_secs())
}

fn protected(why: ProtectReason) -> &'static str {
    match why {
        ProtectReason::OwnAddress => "it is an address of this machine",
        ProtectReason::Ignored => {
            "it holds an address that ignoreip names, itself or by a name or a file"
        }
        ProtectReason::Protected => {
            "it is the gateway or somebody logged in from there within the hour"
        }
    }
}

#[cfg(test)]
mod tests;
