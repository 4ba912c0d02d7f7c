//! What clients ask: from words to the engine's requests, and from its answers to words.

use super::{End, Hub};
use crate::events::message_users;
use base::{FailureId, Span, parse_duration};
use engine::{Answer, BanOutcome, BanTime, BanView, Input, JailId, RefusalReason, RequestId};
use std::sync::mpsc::SyncSender;
use wire::{
    AttemptAnswer, BanAnswer, BannedAnswer, Failed, Pong, Refusal, Request, StatusAnswer,
    StopAnswer, UnbanAnswer, Unbanned, VERSION,
};

/// A question that the engine works on.
pub(crate) struct Asked {
    reply: SyncSender<String>,
    /// The texts as they were given, by what they mean.
    given: Vec<(String, FailureId)>,
}

impl Hub {
    pub(super) fn ask(&mut self, request: Request, reply: SyncSender<String>) {
        let line = match request {
            Request::Ping => wire::encode(&Pong {
                v: VERSION,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                pid: std::process::id(),
            }),
            Request::Status { jail } => self.status(jail.as_deref()),
            Request::Banned { jail, newest } => self.banned(jail.as_deref(), newest),
            Request::Explain { ip, jails, lines } => {
                return self.explain(ip.as_deref(), &jails, lines, reply);
            }
            Request::Ban {
                jail,
                ips,
                time,
                force,
            } => match self.jail_named(&jail) {
                Ok(jail) => match ban_time(time.as_deref()) {
                    Ok(time) => {
                        return self.submit(ips, reply, |ids| engine::Request::Ban {
                            jail,
                            ids,
                            time,
                            force,
                        });
                    }
                    Err(line) => line,
                },
                Err(line) => line,
            },
            Request::Unban { ips, jail } => {
                match jail.map(|name| self.jail_named(&name)).transpose() {
                    Ok(jail) => {
                        return self.submit(ips, reply, |ids| engine::Request::Unban { jail, ids });
                    }
                    Err(line) => line,
                }
            }
            Request::Attempt { jail, ip, lines } => match self.jail_named(&jail) {
                Ok(jail) => {
                    let id = ip.as_str().into();
                    let matches = lines.iter().collect();
                    return self.submit(Vec::new(), reply, |_| engine::Request::Attempt {
                        jail,
                        id,
                        matches,
                    });
                }
                Err(line) => line,
            },
            Request::UnbanAll => {
                self.acting.flush_all();
                return self.submit(Vec::new(), reply, |_| engine::Request::UnbanAll);
            }
            // The hub's loop takes the first itself, the thread that owns the readers the next ones; a watch comes as a
            // message of its own.
            Request::Stop { .. }
            | Request::Reload
            | Request::Ignore { .. }
            | Request::Watch { .. } => return,
        };
        send(&reply, line);
    }

    fn submit(
        &mut self,
        ips: Vec<String>,
        reply: SyncSender<String>,
        request: impl FnOnce(Vec<FailureId>) -> engine::Request,
    ) {
        let ids = ips.into_iter().map(|text| {
            let id = text.as_str().into();
            (text, id)
        });
        let asked = Asked {
            reply,
            given: ids.collect(),
        };
        self.next_request += 1;
        let id = RequestId(self.next_request);
        let request = request(asked.given.iter().map(|(_, id)| id.clone()).collect());
        self.waiting.insert(id, asked);
        self.step(Input::Request { id, request });
    }

    pub(super) fn reply(&mut self, id: RequestId, answer: Answer) {
        let Some(asked) = self.waiting.remove(&id) else {
            return;
        };
        let line = match answer {
            Answer::Ban(outcomes) => wire::encode(&ban_answer(outcomes)),
            Answer::Unban { lifted, errors } => match errors.first() {
                Some(error) => failed(&format!("{error} ({} in all)", errors.len()), None),
                None => wire::encode(&self.unban_answer(&asked, &lifted)),
            },
            Answer::Attempt(counted) => wire::encode(&AttemptAnswer {
                v: VERSION,
                counted,
            }),
            Answer::UnknownJail => failed("there is no such jail", Some("see: stockade status")),
            Answer::DuplicateId => failed("the same request is being worked on", None),
        };
        send(&asked.reply, line);
    }

    fn unban_answer(&self, asked: &Asked, lifted: &[engine::BanKey]) -> UnbanAnswer {
        let is_absent = |id: &FailureId| !lifted.iter().any(|key| id.contains(&key.id));
        let absent = asked
            .given
            .iter()
            .filter(|(_, id)| is_absent(id))
            .map(|(text, _)| text.clone());
        UnbanAnswer {
            v: VERSION,
            unbanned: lifted
                .iter()
                .map(|key| Unbanned {
                    jail: self.name_of(key.jail).to_string(),
                    ip: key.id.to_string(),
                })
                .collect(),
            absent: absent.collect(),
        }
    }

    fn status(&self, jail: Option<&str>) -> String {
        let only = match jail.map(|name| self.known(name)).transpose() {
            Ok(only) => only,
            Err(line) => return line,
        };
        let counts = self.engine.status();
        let mut status = self.board.status(&self.jails, &counts);
        for one in &mut status.jails {
            if let Some(counts) = counts
                .iter()
                .find(|counts| counts.name.as_str() == one.name)
            {
                let ever = self.totals.ever(counts);
                (one.failed_ever, one.banned_ever) = (ever.failures, ever.bans);
            }
        }
        self.add_actions(&mut status);
        if let Some(name) = only {
            status.jails.retain(|jail| jail.name == name);
            for one in &mut status.jails {
                one.bans = self.bans_of(
                    self.jails
                        .iter()
                        .find(|jail| jail.name.as_str() == name)
                        .map(|jail| jail.id),
                );
            }
        }
        wire::encode(&StatusAnswer { v: VERSION, status })
    }

    /// What the actions of the jails do; one that fails is a problem where nothing else bans.
    fn add_actions(&self, status: &mut wire::Status) {
        for jail in self.jails.iter() {
            let reports = self.acting.reports(jail.id);
            let failing = reports.iter().find(|report| report.is_failing);
            if let Some(report) = failing.filter(|_| jail.enforce.is_none()) {
                let why = report.last_error.as_deref().unwrap_or("it failed");
                let text = format!("jail {}: action {}: {why}", jail.name, report.name);
                if status.problems.is_empty() {
                    status.health = text.clone();
                }
                status.problems.push(text);
            }
            let named = |one: &&mut wire::JailStatus| one.name == jail.name.as_str();
            if let Some(one) = status.jails.iter_mut().find(named) {
                one.actions = reports.into_iter().map(action_message).collect();
            }
        }
    }

    fn banned(&self, jail: Option<&str>, newest: Option<u32>) -> String {
        let mut bans: Vec<wire::Ban> = match jail.map(|name| self.jail_named(name)).transpose() {
            Ok(None) => self
                .jails
                .iter()
                .filter(|jail| !jail.is_removed)
                .flat_map(|jail| self.bans_of(Some(jail.id)))
                .collect(),
            Ok(only) => self.bans_of(only),
            Err(line) => return line,
        };
        if let Some(most) = newest {
            bans.sort_by_key(|ban| std::cmp::Reverse(ban.time));
            bans.truncate(most as usize);
        }
        wire::encode(&BannedAnswer { v: VERSION, bans })
    }

    /// The bans of a jail, those that end first at the top.
    fn bans_of(&self, jail: Option<JailId>) -> Vec<wire::Ban> {
        let mut bans: Vec<wire::Ban> = self
            .engine
            .bans()
            .filter(|ban| Some(ban.jail) == jail)
            .map(|ban| self.ban_message(&ban))
            .collect();
        bans.sort_by_key(|ban| ban.until.unwrap_or(i64::MAX));
        bans
    }

    fn ban_message(&self, ban: &BanView<'_>) -> wire::Ban {
        wire::Ban {
            jail: self.name_of(ban.jail).to_string(),
            ip: ban.id.to_string(),
            time: ban.time.as_secs(),
            until: ban.until.map(base::Timestamp::as_secs),
            failures: ban.failures.into(),
            users: message_users(ban.users),
        }
    }

    /// The id of a jail that runs or waits, or the line of the failure.
    pub(super) fn jail_named(&self, name: &str) -> Result<JailId, String> {
        self.jails
            .iter()
            .find(|jail| jail.name.as_str() == name && !jail.is_removed)
            .map(|jail| jail.id)
            .ok_or_else(|| {
                let why = match self.board.is_broken(name) {
                    true => format!("jail '{name}' is not running: its configuration is wrong"),
                    false => format!("there is no jail '{name}'"),
                };
                failed(&why, Some("see: stockade status"))
            })
    }

    /// The name of any jail of the configuration, broken ones too, or the line of the failure.
    fn known(&self, name: &str) -> Result<String, String> {
        if self.board.is_broken(name) {
            Ok(name.to_owned())
        } else {
            self.jail_named(name).map(|id| self.name_of(id).to_string())
        }
    }
}

fn action_message(report: crate::actions::Report) -> wire::Action {
    wire::Action {
        name: report.name,
        errors: report.errors,
        last_error: report.last_error,
        waiting: report.waiting as u64,
        put_off: report.put_off,
    }
}

fn ban_answer(outcomes: Vec<(FailureId, BanOutcome)>) -> BanAnswer {
    let mut answer = BanAnswer {
        v: VERSION,
        banned: Vec::new(),
        already: Vec::new(),
        refused: Vec::new(),
    };
    for (id, outcome) in outcomes {
        let reason = match outcome {
            BanOutcome::Banned => {
                answer.banned.push(id.to_string());
                continue;
            }
            BanOutcome::AlreadyBanned => {
                answer.already.push(id.to_string());
                continue;
            }
            BanOutcome::Refused(reason) => refusal(reason).to_owned(),
            BanOutcome::Failed(error) => format!("the kernel refused: {error}; it is tried again"),
            BanOutcome::Waiting => "it is not decided yet".to_owned(),
        };
        answer.refused.push(Refusal {
            ip: id.to_string(),
            reason,
        });
    }
    answer
}

/// What a client that ended the daemon is told.
pub(super) fn stop_answer(flush: bool, end: &End) -> String {
    match &end.failure {
        Some(error) => failed(&format!("stopped, but {error}"), None),
        None => wire::encode(&StopAnswer {
            v: VERSION,
            flushed: flush,
            standing: end.standing as u64,
        }),
    }
}

fn refusal(reason: RefusalReason) -> &'static str {
    match reason {
        RefusalReason::OwnAddress => {
            "it is or holds an address of this machine (--force bans it all the same)"
        }
        RefusalReason::Ignored => {
            "ignoreip of this jail covers it or a part of it (--force bans it all the same)"
        }
        RefusalReason::Protected => {
            "it is or holds the gateway or the address of somebody who logged in within the hour (--force bans it all the same)"
        }
        RefusalReason::NotEnforceable => "this jail has no action that can ban",
        RefusalReason::NoAddress => {
            "not an IP address, and no action of this jail can ban anything else"
        }
        RefusalReason::Expired => "the time asked for is over already",
    }
}

fn ban_time(text: Option<&str>) -> Result<Option<BanTime>, String> {
    let Some(text) = text else { return Ok(None) };
    match parse_duration(text) {
        Ok(seconds) if seconds < 0.0 => Ok(Some(BanTime::Permanent)),
        Ok(seconds) if seconds >= 1.0 => {
            Ok(Some(BanTime::For(Span::from_secs_f64(seconds.trunc()))))
        }
        Ok(_) => Err(failed(
            &format!("a ban of '{text}' has no length"),
            Some("e.g. --time 1h"),
        )),
        Err(error) => Err(failed(
            &format!("'{text}' is {error}"),
            Some("e.g. --time 1h, or -1 for ever"),
        )),
    }
}

pub(super) fn failed(why: &str, help: Option<&str>) -> String {
    wire::encode(&Failed {
        v: VERSION,
        error: why.to_owned(),
        help: help.map(str::to_owned),
    })
}

pub(super) fn send(reply: &SyncSender<String>, line: String) {
    // A client that went away has nobody left to tell; the channel holds one line, so this never waits.
    drop(reply.try_send(line));
}
