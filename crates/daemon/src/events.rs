//! What the engine tells, as lines of our log.
//!
//! The texts that fail2ban also has are fail2ban's to the letter (behaviour §6.9): recidive filters, reports
//! and dashboards read them. The others are ours. Each event has its line here and nowhere else.

use crate::clock;
use crate::log::{Kind, Level, Log, local};
use base::{FailureId, JailName, Span, Timestamp};
use engine::{Event, IgnoreReason, LiftReason, ProtectReason};
use jiff::tz::TimeZone;

/// Writes the engine's event.
pub(crate) fn tell(log: &Log, zone: &TimeZone, name: Option<&JailName>, event: &Event) {
    let (level, kind, module, text) = line(zone, event);
    let text = match name {
        Some(name) => format!("[{name}] {text}"),
        None => text,
    };
    log.write(clock::now(), level, kind, module, &text);
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
        Event::Unbanned {
            id,
            why: LiftReason::Protected,
            ..
        } => per_ban(format!("Unban {id}: it must not be banned any more")),
        Event::Unbanned {
            id,
            why: LiftReason::Ignored,
            ..
        } => per_ban(format!("Unban {id}: it is ignored from now on")),
        Event::Unbanned {
            id,
            why: LiftReason::Aggregated(network),
            ..
        } => per_ban(format!("Unban {id}: it is part of {network}")),
        Event::Unbanned {
            id,
            why: LiftReason::Unenforceable,
            ..
        } => per_ban(format!(
            "Unban {id}: no action of its jail can keep it out any more"
        )),
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
mod tests {
    use super::*;
    use engine::JailId;

    fn check(event: &Event, level: Level, module: &str, text: &str) {
        let (got_level, _, got_module, got_text) = line(&TimeZone::UTC, event);
        assert_eq!(
            (got_level, got_module, got_text.as_str()),
            (level, module, text)
        );
    }

    #[test]
    fn lines_that_other_programs_read_are_fail2bans() {
        let jail = JailId(0);
        let id = FailureId::from("192.0.2.1");
        let time = Timestamp::from_secs(1_763_856_708);
        check(
            &Event::Found {
                jail,
                id: id.clone(),
                time,
            },
            Level::Info,
            "filter",
            "Found 192.0.2.1 - 2025-11-23 00:11:48",
        );
        let own = IgnoreReason::OwnAddress;
        check(
            &Event::Ignored {
                jail,
                id: id.clone(),
                why: own,
            },
            Level::Info,
            "filter",
            "Ignore 192.0.2.1 by ignoreself rule",
        );
        let ban = |restored| Event::Banned {
            jail,
            id: id.clone(),
            time,
            until: None,
            failures: 5,
            users: vec![("root".into(), 5)],
            count: 1,
            restored,
            seq: 1,
        };
        check(&ban(false), Level::Notice, "actions", "Ban 192.0.2.1");
        check(
            &ban(true),
            Level::Notice,
            "actions",
            "Restore Ban 192.0.2.1",
        );
        let why = LiftReason::Expired;
        let lifted = Event::Unbanned {
            jail,
            id: id.clone(),
            time,
            until: None,
            failures: 5,
            why,
        };
        check(&lifted, Level::Notice, "actions", "Unban 192.0.2.1");
        for (after, level) in [(2, Level::Debug), (3, Level::Notice), (60, Level::Warning)] {
            let event = Event::AlreadyBanned {
                jail,
                id: id.clone(),
                after: Span::from_secs(after),
                until: None,
                longer: false,
            };
            check(&event, level, "actions", "192.0.2.1 already banned");
        }
        let expired = Event::ExpiredIgnored { jail, id };
        check(
            &expired,
            Level::Info,
            "actions",
            "Ignore 192.0.2.1, expired bantime",
        );
    }
}
