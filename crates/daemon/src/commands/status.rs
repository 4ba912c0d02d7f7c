//! `status` and `statistics`: lists of pairs whose order and types exporters insist on (behaviour §6.5, 6.6).

use super::{Commands, Reply};
use crate::log::Level;
use crate::setup::Configured;
use crate::source::tail::glob;
use conf::LogPath;
use wire::fail2ban::{Exception, Value};
use wire::{JailStatus, Request, StatusAnswer};

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flavor {
    Basic,
    /// Without the list of the banned.
    Short,
    /// Three rows more: whose networks they are in.
    Cymru,
    /// Numbers only.
    Stats,
}

impl Commands<'_> {
    /// `status`, `status J [FLAVOR]`, `status --all [FLAVOR]`.
    pub(super) fn status(&self, words: &[Value]) -> Reply {
        let Some(name) = words.first().map(ToString::to_string) else {
            return Ok(Value::List(self.overview()));
        };
        let flavor = self.flavor(words.get(1).map(ToString::to_string).as_deref());
        if name != "--all" {
            return self.of_jail(&name, flavor);
        }
        let mut rows = self.overview();
        for name in self.names() {
            let status = self.of_jail(&name, flavor)?;
            rows.push(Value::pair(name, status));
        }
        let (head, jails) = rows.split_at(2);
        let jails = jails.iter().filter_map(|row| {
            let row = row.items()?;
            Some((row.first()?.clone(), row.get(1)?.clone()))
        });
        let mut all = head.to_vec();
        all.push(Value::Dict(jails.collect()));
        Ok(Value::List(all))
    }

    /// `statistics`: for each jail its backend, and present and total numbers of failures and of bans.
    pub(super) fn statistics(&self) -> Reply {
        let jails: Result<Vec<_>, Exception> = self
            .names()
            .into_iter()
            .map(|name| {
                let numbers = self.of_jail(&name, Flavor::Stats)?;
                Ok((Value::from(name), numbers))
            })
            .collect();
        Ok(Value::Dict(jails?))
    }

    fn overview(&self) -> Vec<Value> {
        let names = self.names();
        vec![
            Value::pair("Number of jail", names.len() as i64),
            Value::pair("Jail list", names.join(", ")),
        ]
    }

    fn flavor(&self, word: Option<&str>) -> Flavor {
        match word.map(str::to_ascii_lowercase).as_deref() {
            None | Some("basic") => Flavor::Basic,
            Some("short") => Flavor::Short,
            Some("cymru") => Flavor::Cymru,
            Some("stats") => Flavor::Stats,
            Some(other) => {
                let text = format!(
                    "Unsupported extended jail status flavor {}. Supported: basic, short, cymru, stats",
                    Value::from(other).repr()
                );
                self.tell(Level::Warning, "jail", &text);
                Flavor::Basic
            }
        }
    }

    fn of_jail(&self, name: &str, flavor: Flavor) -> Reply {
        let jail = self.running.setup.jail(name)?;
        let status = match jail.is_started {
            true => {
                let request = Request::Status {
                    jail: Some(name.to_owned()),
                };
                let answer: StatusAnswer = self.ask(request)?;
                answer.status.jails.into_iter().next()
            }
            false => None,
        };
        let numbers = Numbers::of(status.as_ref());
        if flavor == Flavor::Stats {
            let pair = |now: u64, all: u64| {
                Value::Tuple(vec![Value::Int(now as i64), Value::Int(all as i64)])
            };
            return Ok(Value::List(vec![
                Value::from(backend(jail, status.as_ref())),
                pair(numbers.failing, numbers.failed),
                pair(numbers.banned, numbers.banned_total),
            ]));
        }
        let mut bans = vec![
            Value::pair("Currently banned", numbers.banned as i64),
            Value::pair("Total banned", numbers.banned_total as i64),
        ];
        if flavor != Flavor::Short {
            let ids = status.iter().flat_map(|status| &status.bans);
            let ids = Value::list(ids.map(|ban| ban.ip.as_str()));
            bans.push(Value::pair("Banned IP list", ids));
        }
        if flavor == Flavor::Cymru {
            // Nobody is asked over the network for it.
            for row in ["Banned ASN list", "Banned Country list", "Banned RIR list"] {
                bans.push(Value::pair(row, Value::List(vec![Value::from("error")])));
            }
        }
        let failures = vec![
            Value::pair("Currently failed", numbers.failing as i64),
            Value::pair("Total failed", numbers.failed as i64),
            read(jail, status.as_ref()),
        ];
        Ok(Value::List(vec![
            Value::pair("Filter", Value::List(failures)),
            Value::pair("Actions", Value::List(bans)),
        ]))
    }
}

#[derive(Default)]
struct Numbers {
    failing: u64,
    failed: u64,
    banned: u64,
    banned_total: u64,
}

impl Numbers {
    fn of(status: Option<&JailStatus>) -> Self {
        status.map_or_else(Self::default, |status| Self {
            failing: status.failing,
            failed: status.failed_total,
            banned: status.banned,
            banned_total: status.banned_total,
        })
    }
}

/// What a jail reads: its journal's matches or its files.
fn read(jail: &Configured, status: Option<&JailStatus>) -> Value {
    if backend(jail, status) != "systemd" {
        return Value::pair("File list", Value::list(logs(&jail.spec.logpath)));
    }
    let matches = jail.spec.filter.journalmatch.iter();
    let matches: Vec<&str> = matches.map(|line| line.text.as_str()).collect();
    Value::pair(
        "Journal matches",
        Value::List(vec![Value::from(matches.join(" + "))]),
    )
}

/// fail2ban's name for how a jail is fed.
fn backend(jail: &Configured, status: Option<&JailStatus>) -> &'static str {
    let mut kinds = status
        .iter()
        .flat_map(|status| &status.sources)
        .map(|source| source.kind.as_str());
    match jail.spec.backend.name.as_str() {
        "systemd" => "systemd",
        "auto" if kinds.any(|kind| kind == "journal") => "systemd",
        "polling" => "polling",
        _ => "pyinotify",
    }
}

/// The files that paths mean now, in their order.
pub(super) fn logs(paths: &[LogPath]) -> Vec<String> {
    let mut files = Vec::new();
    for log in paths {
        let found = match glob::is_pattern(&log.pattern) {
            true => glob::files(&log.pattern),
            false => vec![log.pattern.clone()],
        };
        for file in found {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    files
}
