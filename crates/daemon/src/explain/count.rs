//! How often somebody failed, as far as the ends of the logs tell.

use super::Way;
use super::chain::step;
use super::date::is_recent;
use super::logs::Log;
use base::{FailureId, Timestamp, format_duration};
use detect::{Clock, Detector, Failures, Line};
use engine::JailPolicy;
use std::sync::Arc;
use wire::explain::{Outcome, Stage, Step};

/// The step, with the line itself among the failures.
pub(super) fn step_of(
    way: &Way<'_>,
    id: &FailureId,
    line: &str,
    time: Option<Timestamp>,
    read: &[&Log],
) -> Step {
    let policy = &way.jail.policy;
    let mut times: Vec<Timestamp> = Vec::new();
    for log in read {
        failures(way, log, &mut |failed, at, _| {
            if *failed == *id {
                times.push(at);
            }
        });
    }
    if !read.iter().any(|log| log.holds(line)) {
        times.push(time.unwrap_or(way.now).min(way.now));
    }
    times.sort_unstable();
    let is_counted = |time: &&Timestamp| is_recent(**time, way.now, policy.findtime);
    let recent = times.iter().filter(is_counted).count() as i64;
    let mut counted = match recent >= i64::from(policy.maxretry) {
        true => step(Stage::Count, Outcome::Ok, enough(recent, policy)),
        false => {
            let mut wait = step(Stage::Count, Outcome::Wait, enough(recent, policy));
            wait.help = Some(after(recent, policy));
            wait
        }
    };
    if times.len() as i64 > recent {
        counted.text.push_str(&format!(
            "; {} in all with the last MiB of its logs, never more than {} within findtime",
            times.len(),
            most_within(&times, policy)
        ));
    }
    counted.facts.count = Some(recent);
    counted.facts.maxretry = Some(policy.maxretry);
    counted.facts.findtime = Some(policy.findtime.as_secs());
    counted
}

/// `2 of maxretry = 5 failures within findtime = 10m`.
pub(crate) fn enough(count: i64, policy: &JailPolicy) -> String {
    format!(
        "{count} of maxretry = {} failures within findtime = {}",
        policy.maxretry,
        format_duration(policy.findtime.as_secs())
    )
}

/// What is missing for a ban.
pub(crate) fn after(count: i64, policy: &JailPolicy) -> String {
    let missing = i64::from(policy.maxretry) - count;
    let more = if missing == 1 {
        "failure bans"
    } else {
        "failures ban"
    };
    format!("{missing} more {more} it; lower maxretry, or raise findtime, to have it banned sooner")
}

/// The most failures that any window of findtime holds; they are sorted.
fn most_within(times: &[Timestamp], policy: &JailPolicy) -> usize {
    let within = |(last, time): (usize, &Timestamp)| {
        let before = times.partition_point(|other| *other < *time - policy.findtime);
        last + 1 - before
    };
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

/// The last line that is about somebody: the last failure, else the last line that names the address.
pub(super) fn last_about<'l>(
    way: &Way<'_>,
    id: &FailureId,
    read: &[&'l Log],
) -> Option<(&'l Log, usize)> {
    let subject = way.jail.policy.subject(id).into_owned();
    let mut last: Option<(Timestamp, &Log, usize)> = None;
    for log in read {
        failures(way, log, &mut |failed, at, line| {
            if *failed == subject && last.as_ref().is_none_or(|(time, ..)| at >= *time) {
                last = Some((at, log, line));
            }
        });
    }
    if let Some((_, log, line)) = last {
        return Some((log, line));
    }
    let text = id.to_string();
    read.iter().find_map(|log| {
        let line = log.lines.iter().rposition(|line| names(line, &text))?;
        Some((*log, line))
    })
}

/// True if the text stands in the line by itself: `192.0.2.1` not in `192.0.2.11`.
fn names(line: &str, text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_hexdigit();
    line.match_indices(text).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let mut behind = line[at + text.len()..].chars();
        let goes_on = match behind.next() {
            Some('.') => behind.next().is_some_and(|c| c.is_ascii_digit()),
            Some(c) => is_part(c),
            None => false,
        };
        !before.is_some_and(|c| is_part(c) || c == '.') && !goes_on
    })
}

/// Every failure in a log: whom it counts for, when, and in which line.
fn failures(way: &Way<'_>, log: &Log, each: &mut dyn FnMut(&FailureId, Timestamp, usize)) {
    let mut detector = Detector::timeless(Arc::clone(&way.jail.rule));
    let clock = Clock {
        now: way.now,
        zone: way.zone,
        in_operation: false,
    };
    let mut found = Failures::default();
    for (at, line) in log.lines.iter().enumerate() {
        found.clear();
        detector.feed(&Line::of_file(line), &clock, &mut found);
        for failure in found.iter().filter(|failure| failure.hostname.is_none()) {
            let id = way.jail.policy.subject(&failure.id);
            each(&id, failure.time.min(way.now), at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_by_itself_only() {
        let check = |line: &str, text: &str, expected| {
            assert_eq!(names(line, text), expected, "{line}");
        };
        check("bad 192.0.2.1", "192.0.2.1", true);
        check("bad 192.0.2.1:22", "192.0.2.1", true);
        check("bad 192.0.2.1.", "192.0.2.1", true);
        check("bad 192.0.2.11", "192.0.2.1", false);
        check("bad 192.0.2.1.5", "192.0.2.1", false);
        check("bad 1192.0.2.1 192.0.2.1", "192.0.2.1", true);
        check("bad 1192.0.2.1", "192.0.2.1", false);
        check("from [2001:db8::1]", "2001:db8::1", true);
        check("from 2001:db8::12", "2001:db8::1", false);
    }
}
