//! `stockade metrics`: how the daemon stands, as text for Prometheus, from the answer that `status` gets.
//!
//! Counters are what the daemon says of them and go on over its restarts. Nothing is kept here: each call asks and
//! prints, for a textfile collector or whatever serves the text.

use crate::args;
use crate::client::with_answer;
use crate::output::Output;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::fmt;
use std::hash::Hash;
use std::io;
use std::process::ExitCode;
use wire::{JailStatus, Request, Status, StatusAnswer};

pub(crate) fn metrics(options: &args::Metrics, output: &mut Output) -> io::Result<ExitCode> {
    let client = args::Client {
        socket: options.socket.clone(),
        json: false,
    };
    let request = Request::Status { jail: None };
    with_answer(
        &client,
        &request,
        output,
        |answer: &StatusAnswer, output| {
            let text = page(&answer.status).map_err(io::Error::other)?;
            output.data(text.trim_end())?;
            Ok(ExitCode::SUCCESS)
        },
    )
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Jail {
    jail: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct InState {
    jail: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSource {
    jail: String,
    kind: String,
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAction {
    jail: String,
    action: String,
}

/// All metrics of a status.
fn page(status: &Status) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("stockade");
    let one = |registry: &mut Registry, name: &str, help: &str, value: i64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    one(
        &mut registry,
        "healthy",
        "1 if nothing is wrong",
        status.problems.is_empty().into(),
    );
    one(
        &mut registry,
        "problems",
        "Things that are wrong",
        status.problems.len() as i64,
    );
    one(
        &mut registry,
        "start_time_seconds",
        "When the daemon began, in seconds since 1970",
        status.started,
    );
    one(
        &mut registry,
        "kernel_in_sync",
        "1 if the kernel holds what it should",
        status.enforcement.in_sync.into(),
    );
    one(
        &mut registry,
        "kernel_elements",
        "Bans that the kernel should hold",
        signed(status.enforcement.elements),
    );
    one(
        &mut registry,
        "store_ok",
        "1 if bans are kept on disk",
        (status.store.state == "ok").into(),
    );
    jails(&mut registry, &status.jails);
    sources(&mut registry, &status.jails);
    actions(&mut registry, &status.jails);
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

/// A metric of jails: its name, what it is, and its value.
type Row = (&'static str, &'static str, fn(&JailStatus) -> u64);

fn jails(registry: &mut Registry, jails: &[JailStatus]) {
    let states = Family::<InState, Gauge>::default();
    for jail in jails {
        let label = InState {
            jail: jail.name.clone(),
            state: jail.state.clone(),
        };
        states.get_or_create(&label).set(1);
    }
    registry.register("jail_state", "1 for the state that a jail is in", states);
    let label = |jail: &JailStatus| Jail {
        jail: jail.name.clone(),
    };
    let rows: [Row; 3] = [
        (
            "jail_failing",
            "Ids with counted failures at present",
            |jail| jail.failing,
        ),
        ("jail_banned", "Bans in force", |jail| jail.banned),
        (
            "jail_ineffective_bans",
            "Bans in force that keep nobody out",
            |jail| jail.ineffective,
        ),
    ];
    for (name, help, value) in rows {
        let pairs = jails.iter().map(|jail| (label(jail), value(jail)));
        gauges(registry, name, help, pairs);
    }
    let rows: [Row; 4] = [
        ("jail_failures", "Failures that were counted", |jail| {
            jail.failed_ever
        }),
        ("jail_bans", "Bans that were made or taken over", |jail| {
            jail.banned_ever
        }),
        (
            "jail_evicted",
            "Ids forgotten before their time because there were too many",
            |jail| jail.evicted,
        ),
        (
            "jail_lost_lines",
            "Lines that bans would have told if newer ones had not taken their room",
            |jail| jail.lost_lines,
        ),
    ];
    for (name, help, value) in rows {
        let pairs = jails.iter().map(|jail| (label(jail), value(jail)));
        counters(registry, name, help, pairs);
    }
}

fn sources(registry: &mut Registry, jails: &[JailStatus]) {
    let all = || {
        jails.iter().flat_map(|jail| {
            jail.sources.iter().map(|source| {
                let label = OfSource {
                    jail: jail.name.clone(),
                    kind: source.kind.clone(),
                    path: source.path.clone(),
                };
                (label, source)
            })
        })
    };
    let followed = |state: &str| matches!(state, "following" | "catching up");
    gauges(
        registry,
        "source_followed",
        "1 if a source is read",
        all().map(|(label, source)| (label, followed(&source.state).into())),
    );
    counters(
        registry,
        "source_errors",
        "Times that a source could not be opened or read",
        all().map(|(label, source)| (label, source.errors)),
    );
}

fn actions(registry: &mut Registry, jails: &[JailStatus]) {
    let all = || {
        jails.iter().flat_map(|jail| {
            jail.actions.iter().map(|action| {
                let label = OfAction {
                    jail: jail.name.clone(),
                    action: action.name.clone(),
                };
                (label, action)
            })
        })
    };
    gauges(
        registry,
        "action_waiting",
        "What waits to be done by an action",
        all().map(|(label, action)| (label, action.waiting)),
    );
    counters(
        registry,
        "action_errors",
        "Times that an action failed",
        all().map(|(label, action)| (label, action.errors)),
    );
}

fn gauges<L: Label>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    pairs: impl Iterator<Item = (L, u64)>,
) {
    let family = Family::<L, Gauge>::default();
    for (label, value) in pairs {
        family.get_or_create(&label).set(signed(value));
    }
    registry.register(name, help, family);
}

fn counters<L: Label>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    pairs: impl Iterator<Item = (L, u64)>,
) {
    let family = Family::<L, Counter>::default();
    for (label, value) in pairs {
        family.get_or_create(&label).inc_by(value);
    }
    registry.register(name, help, family);
}

trait Label: Clone + Hash + Eq + EncodeLabelSet + fmt::Debug + Send + Sync + 'static {}
impl<L: Clone + Hash + Eq + EncodeLabelSet + fmt::Debug + Send + Sync + 'static> Label for L {}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::fixtures::{jail, status};

    #[test]
    fn a_page_has_a_line_for_each_number() {
        let mut sshd = jail("sshd", 100, 3);
        (sshd.failed_ever, sshd.banned_ever) = (1100, 13);
        let page = page(&status(vec![sshd, jail("odd \"name\"\\", 0, 0)])).unwrap();
        for line in [
            "stockade_healthy 1",
            "stockade_kernel_elements 3",
            "# HELP stockade_jail_failures Failures that were counted.",
            "# TYPE stockade_jail_failures counter",
            "stockade_jail_failures_total{jail=\"sshd\"} 1100",
            "stockade_jail_bans_total{jail=\"sshd\"} 13",
            "stockade_jail_banned{jail=\"sshd\"} 3",
            "stockade_jail_state{jail=\"sshd\",state=\"running\"} 1",
            "stockade_source_followed{jail=\"sshd\",kind=\"file\",path=\"/var/log/sshd.log\"} 1",
            "stockade_jail_banned{jail=\"odd \\\"name\\\"\\\\\"} 0",
        ] {
            assert!(page.lines().any(|one| one == line), "{line}\n{page}");
        }
    }
}
