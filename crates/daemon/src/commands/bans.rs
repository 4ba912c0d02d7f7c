//! Who is banned, and bans and unbans by hand.

use super::{ANSWER, Commands, Reply, words};
use crate::hub::Message;
use crate::log::local;
use crate::setup::{Reload, fault};
use base::Timestamp;
use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use wire::fail2ban::{Exception, Value};
use wire::{Answer, AttemptAnswer, Ban, BanAnswer, BannedAnswer, Request, UnbanAnswer};

/// How a ban that never ends is shown.
const NEVER: &str = "9999-12-31 23:59:59";

impl Commands<'_> {
    /// Asks the hub as a client of our own would.
    pub(super) fn ask<T: serde::de::DeserializeOwned>(
        &self,
        request: Request,
    ) -> Result<T, Exception> {
        let stopping = || fault::exception("the daemon is stopping");
        let (reply, answer) = sync_channel(1);
        let asked = self.reloader.hub.send(Message::Ask(request, reply));
        asked.map_err(|_| stopping())?;
        let late = "the kernel or the disk has not confirmed it in time; it is still worked on";
        let line = answer.recv_timeout(ANSWER).map_err(|error| match error {
            RecvTimeoutError::Timeout => fault::exception(late),
            RecvTimeoutError::Disconnected => stopping(),
        })?;
        match wire::decode(line.as_bytes()) {
            Ok(Answer::Done(done)) => Ok(done),
            Ok(Answer::Failed(failed)) => Err(fault::exception(failed.error)),
            Err(malformed) => Err(fault::exception(malformed.to_string())),
        }
    }

    /// `banned [ID…]`.
    pub(super) fn banned(&self, ids: &[Value]) -> Reply {
        let answer: BannedAnswer = self.ask(Request::Banned {
            jail: None,
            newest: None,
        })?;
        let mut by_jail: BTreeMap<&str, Vec<&Ban>> = BTreeMap::new();
        for ban in &answer.bans {
            by_jail.entry(&ban.jail).or_default().push(ban);
        }
        let jails = self.running.setup.jails();
        let jails: Vec<String> = jails
            .iter()
            .map(|jail| jail.spec.name.to_string())
            .collect();
        if ids.is_empty() {
            let rows = jails.iter().map(|jail| {
                let bans = by_jail.get(jail.as_str()).map_or(&[][..], Vec::as_slice);
                let ids = Value::list(bans.iter().map(|ban| ban.ip.as_str()));
                Value::Dict(vec![(Value::from(jail.as_str()), ids)])
            });
            return Ok(Value::List(rows.collect()));
        }
        let holders = |id: &Value| {
            let id = canonical(&id.to_string());
            let holds = |jail: &&String| {
                let bans = by_jail.get(jail.as_str());
                bans.is_some_and(|bans| bans.iter().any(|ban| ban.ip == id))
            };
            Value::list(jails.iter().filter(holds).map(String::as_str))
        };
        Ok(Value::List(ids.iter().map(holders).collect()))
    }

    /// `get J banned [ID…]`.
    pub(super) fn is_banned_in(&self, jail: &str, ids: &[Value]) -> Reply {
        let bans = self.bans_of(jail)?;
        let is_banned = |id: &Value| {
            let id = canonical(&id.to_string());
            Value::Int(bans.iter().any(|ban| ban.ip == id).into())
        };
        Ok(match ids {
            [] => Value::list(bans.iter().map(|ban| ban.ip.as_str())),
            [id] => is_banned(id),
            ids => Value::List(ids.iter().map(is_banned).collect()),
        })
    }

    /// `get J banip [SEPARATOR|--with-time]`; what stands between two is the client's affair.
    pub(super) fn banned_in(&self, jail: &str, words: &[Value]) -> Reply {
        let bans = self.bans_of(jail)?;
        let with_time = words.first().and_then(Value::as_str) == Some("--with-time");
        if !with_time {
            return Ok(Value::list(bans.iter().map(|ban| ban.ip.as_str())));
        }
        let zone = &self.reloader.zone;
        let rows = bans.iter().map(|ban| {
            let shown = |seconds| local(Timestamp::from_secs(seconds), zone);
            let (length, end) = match ban.until {
                Some(until) => (until - ban.time, shown(until)),
                None => (-1, NEVER.to_owned()),
            };
            format!("{} \t{} + {length} = {end}", ban.ip, shown(ban.time))
        });
        Ok(Value::list(rows))
    }

    /// `set J banip ID…`: also who is ignored, for that is what fail2ban does with it.
    pub(super) fn ban(&self, jail: &str, ids: &[Value]) -> Reply {
        self.running.setup.jail(jail)?;
        let answer: BanAnswer = self.ask(Request::Ban {
            jail: jail.to_owned(),
            ips: words::texts(ids),
            time: None,
            force: true,
        })?;
        match answer.refused.first() {
            Some(refusal) if answer.banned.is_empty() && answer.already.is_empty() => {
                Err(fault::value(format!("{}: {}", refusal.ip, refusal.reason)))
            }
            _ => Ok(Value::Int(answer.banned.len() as i64)),
        }
    }

    /// `set J unbanip [--report-absent] ID…`.
    pub(super) fn unban_in(&self, jail: &str, ids: &[Value]) -> Reply {
        self.running.setup.jail(jail)?;
        words::text(ids, 0)?;
        let ids = words::texts(ids);
        let reports = ids.first().is_some_and(|word| word == "--report-absent");
        let ids = ids
            .into_iter()
            .filter(|id| !id.is_empty() && id != "--report-absent");
        let answer = self.lift(ids.collect(), Some(jail))?;
        match reports && !answer.absent.is_empty() {
            true => {
                let absent = Value::list(answer.absent).repr();
                Err(fault::value(format!("not banned: {absent}")))
            }
            false => Ok(Value::Int(answer.unbanned.len() as i64)),
        }
    }

    /// `unban --all` or `unban ID…`.
    pub(super) fn unban(&self, ids: &[Value]) -> Reply {
        let ids = words::texts(ids);
        let answer = match ids.as_slice() {
            [] => return Err(fault::exception("Invalid command")),
            [all] if all == "--all" => self.ask(Request::UnbanAll)?,
            _ => self.lift(ids, None)?,
        };
        Ok(Value::Int(answer.unbanned.len() as i64))
    }

    fn lift(&self, ips: Vec<String>, jail: Option<&str>) -> Result<UnbanAnswer, Exception> {
        let jail = jail.map(str::to_owned);
        self.ask(Request::Unban { ips, jail })
    }

    /// What `--unban` of a reload lifts.
    pub(super) fn unban_before(&self, what: Reload<'_>) -> Result<(), Exception> {
        match what {
            Reload::All => drop(self.ask::<UnbanAnswer>(Request::UnbanAll)?),
            Reload::Jail(name) => {
                let ips = self.bans_of(name)?.into_iter().map(|ban| ban.ip);
                drop(self.lift(ips.collect(), Some(name))?);
            }
        }
        Ok(())
    }

    /// `set J attempt ID [LINE…]`.
    pub(super) fn attempt(&self, jail: &str, words: &[Value]) -> Reply {
        self.running.setup.jail(jail)?;
        let ip = words::text(words, 0)?;
        let answer: AttemptAnswer = self.ask(Request::Attempt {
            jail: jail.to_owned(),
            ip,
            lines: words::texts(words.get(1..).unwrap_or_default()),
        })?;
        Ok(Value::Int(answer.counted.into()))
    }

    /// The bans of a jail, those that end first at the top; one that does not run yet has none.
    fn bans_of(&self, jail: &str) -> Result<Vec<Ban>, Exception> {
        if !self.running.setup.jail(jail)?.is_started {
            return Ok(Vec::new());
        }
        let jail = Some(jail.to_owned());
        let newest = None;
        let answer: BannedAnswer = self.ask(Request::Banned { jail, newest })?;
        Ok(answer.bans)
    }

    /// All jails, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let jails = self.running.setup.jails();
        let mut names: Vec<String> = jails
            .iter()
            .map(|jail| jail.spec.name.to_string())
            .collect();
        names.sort();
        names
    }
}

fn canonical(id: &str) -> String {
    match id.parse::<base::Prefix>() {
        Ok(prefix) => prefix.to_string(),
        Err(_) => id.to_owned(),
    }
}
