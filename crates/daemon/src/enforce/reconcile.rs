//! The decisions: what is wanted, what is missing, and what to tell. How it is written is in `write`.

mod patrol;
mod write;

use super::backend::{Backend, Fault, Seen};
use super::ledger::{Hold, Ledger};
use super::networks::Networks;
use super::{Command, EnforceJail, EnforceStatus, Protocol, Report, Standing};
use base::{JailName, Prefix, Span, Timestamp};
use os::netlink::nft::SetKind;
use os::netlink::sock_diag::Target;
use patrol::Round;
use std::collections::{BTreeMap, BTreeSet};

/// Time-outs that differ by no more are taken as equal when the kernel's and the store's are compared.
const SAME_END_MICROS: u64 = 2_000_000;
/// Bans that are asked for, from each end of a jail's list, to see whether somebody emptied its sets.
const SAMPLES: usize = 3;

/// What is known of one jail.
#[derive(Debug, Default)]
struct Books {
    ledger: Ledger,
    networks: Networks,
    /// Found in the kernel and not yet confirmed by a restore or a command.
    adopted: BTreeSet<Prefix>,
    /// Newly banned, connections not yet cut.
    uncut: BTreeSet<Prefix>,
    /// Bans whose command was answered with an error, by their number and until when they are to hold: once they do, that
    /// is answered under the same number.
    refused: BTreeMap<Prefix, (u64, Hold)>,
}

impl Books {
    fn hold(&mut self, prefix: Prefix, hold: Hold) {
        if !SetKind::of(&prefix).is_interval() {
            self.ledger.want(prefix, hold);
            return;
        }
        for (prefix, hold) in self.networks.set(prefix, hold) {
            self.ledger.want(prefix, hold);
        }
    }
}

/// A command that waits for its answer.
struct Asked {
    seq: u64,
    jail: usize,
    prefix: Prefix,
    /// How long the ban is to hold, if it is one.
    ban: Option<Hold>,
}

/// Desired and applied, and the firewall that makes them one.
#[derive(Debug)]
pub(super) struct Reconciler<B> {
    backend: B,
    table: String,
    jails: Vec<EnforceJail>,
    books: Vec<Books>,
    /// What is gone and must be built anew before anything else.
    lost: Option<String>,
    /// The last thing that failed and was not done since.
    failing: Option<String>,
    cannot_destroy: bool,
    round: Round,
}

impl<B: Backend> Reconciler<B> {
    /// Takes over what the firewall holds.
    pub(super) fn adopt(
        mut backend: B,
        table: &str,
        jails: Vec<EnforceJail>,
        now: Timestamp,
        out: &mut Vec<Report>,
    ) -> Result<Self, Fault> {
        let holdings = backend.adopt(&jails, now)?;
        let mut books: Vec<Books> = jails.iter().map(|_| Books::default()).collect();
        let mut adopted = Vec::new();
        for ((jail, books), held) in jails.iter().zip(&mut books).zip(holdings) {
            for (prefix, hold) in held {
                books.hold(prefix, hold);
                books.ledger.applied(prefix, hold);
                books.adopted.insert(prefix);
                adopted.push(Standing {
                    jail: jail.name.clone(),
                    prefix,
                    until: hold.end(),
                });
            }
        }
        out.push(Report::Adopted(adopted));
        let reconciler = Self {
            backend,
            table: table.to_owned(),
            jails,
            books,
            lost: None,
            failing: None,
            cannot_destroy: false,
            round: Round::default(),
        };
        out.push(Report::Status(reconciler.status(now)));
        Ok(reconciler)
    }

    /// Carries out all commands together.
    pub(super) fn step(&mut self, commands: Vec<Command>, now: Timestamp, out: &mut Vec<Report>) {
        let mut asked = Vec::new();
        let mut restored = false;
        let mut status = false;
        for command in commands {
            match command {
                Command::Ban {
                    seq,
                    jail,
                    prefix,
                    until,
                } => match self.index(&jail) {
                    Some(index) => {
                        let hold = Hold::until(until);
                        self.ban(index, prefix, hold, now);
                        asked.push(Asked {
                            seq,
                            jail: index,
                            prefix,
                            ban: Some(hold),
                        });
                    }
                    None => out.push(unknown_jail(seq, &jail)),
                },
                Command::Unban {
                    seq,
                    jail,
                    prefix,
                    expired,
                } => match self.index(&jail) {
                    Some(index) => {
                        self.unban(index, prefix, expired, now);
                        asked.extend(seq.map(|seq| Asked {
                            seq,
                            jail: index,
                            prefix,
                            ban: None,
                        }));
                    }
                    // A jail that is gone holds nobody.
                    None => out.extend(seq.map(|seq| Report::Applied {
                        seq,
                        result: Ok(()),
                    })),
                },
                Command::Restore(bans) => {
                    self.restore(bans, now);
                    restored = true;
                }
                Command::SetJails(jails) => {
                    self.answer(&mut asked, now, out);
                    self.set_jails(jails);
                    status = true;
                }
                Command::Inspect {
                    jail,
                    prefix,
                    after,
                } => {
                    self.answer(&mut asked, now, out);
                    self.inspect(&jail, prefix, after, now, out);
                }
                Command::Verify => {
                    self.answer(&mut asked, now, out);
                    self.verify(now);
                    status = true;
                }
                // The thread sees to the end.
                Command::Stop { .. } => {}
            }
        }
        self.answer(&mut asked, now, out);
        if restored {
            out.push(Report::Restored {
                elements: self.standing(now),
                failed: self.waiting(),
            });
        }
        if restored || status {
            out.push(Report::Status(self.status(now)));
        }
    }

    /// Looks whether anybody else changed the firewall and puts back what is gone.
    pub(super) fn watch(&mut self, now: Timestamp, out: &mut Vec<Report>) {
        let samples: Vec<Vec<Prefix>> =
            self.books.iter().map(|b| samples(&b.ledger, now)).collect();
        match self.backend.look(&self.jails, &samples) {
            Ok(Seen::Quiet) => {}
            Ok(Seen::Foreign) => out.push(Report::ForeignChange),
            Ok(Seen::Lost(what)) => self.lost = Some(what),
            // Until it can be seen what stands, nothing is said to have recovered.
            Err(fault) => return self.tell_failing(fault.to_string(), out),
        }
        self.patrol(now, out);
        self.reconcile(now, out);
    }

    /// Sends all time-outs again: the wall clock, by which they are meant, jumped.
    pub(super) fn renew(&mut self, now: Timestamp, out: &mut Vec<Report>) {
        for books in &mut self.books {
            books.ledger.renew(now);
        }
        self.reconcile(now, out);
    }

    /// Forgets what is over.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        for books in &mut self.books {
            books.ledger.sweep(now);
        }
    }

    /// Cuts the open connections of those that were banned since the last call.
    pub(super) fn cut(&mut self, out: &mut Vec<Report>) {
        let mut targets = Vec::new();
        for (jail, books) in self.jails.iter().zip(&mut self.books) {
            let uncut = std::mem::take(&mut books.uncut);
            if uncut.is_empty() || jail.protocol == Protocol::Udp {
                continue;
            }
            targets.push(Target {
                peers: uncut.into_iter().collect(),
                ports: jail.ports.clone(),
            });
        }
        if targets.is_empty() || self.cannot_destroy {
            return;
        }
        match self.backend.destroy(&targets) {
            Ok(outcome) if outcome.unsupported => {
                self.cannot_destroy = true;
                let why = "this kernel has no CONFIG_INET_DIAG_DESTROY".to_owned();
                out.push(Report::CannotDestroy(why));
            }
            Ok(outcome) if outcome.destroyed == 0 => {}
            Ok(outcome) => out.push(Report::Destroyed {
                sockets: outcome.destroyed,
            }),
            Err(why) => {
                self.cannot_destroy = true;
                out.push(Report::CannotDestroy(why));
            }
        }
    }

    /// True if there are connections to cut.
    pub(super) fn has_uncut(&self) -> bool {
        !self.cannot_destroy && self.books.iter().any(|b| !b.uncut.is_empty())
    }

    /// When something must be done without being told.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let ends = self.books.iter().filter_map(|b| b.networks.next_end());
        ends.min()
    }

    /// True while something that is wanted could not be done.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// True if nobody else can change the table.
    pub(super) fn is_owner(&self) -> bool {
        self.backend.is_owner()
    }

    /// Ends: removes everything or leaves it standing. Returns how many bans stand.
    pub(super) fn stop(mut self, flush: bool, now: Timestamp) -> Result<usize, Fault> {
        if !flush {
            return Ok(self.standing(now));
        }
        self.backend.remove().map(|()| 0)
    }

    fn index(&self, name: &JailName) -> Option<usize> {
        self.jails.iter().position(|jail| jail.name == *name)
    }

    fn ban(&mut self, jail: usize, prefix: Prefix, hold: Hold, now: Timestamp) {
        let Some(books) = self.books.get_mut(jail) else {
            return;
        };
        books.adopted.remove(&prefix);
        books.refused.remove(&prefix);
        if hold.is_live(now) {
            books.hold(prefix, hold);
            books.uncut.insert(prefix);
        } else {
            books.hold(prefix, Hold::NONE);
        }
    }

    fn unban(&mut self, jail: usize, prefix: Prefix, expired: bool, now: Timestamp) {
        let Some(books) = self.books.get_mut(jail) else {
            return;
        };
        books.adopted.remove(&prefix);
        books.uncut.remove(&prefix);
        books.refused.remove(&prefix);
        let soon = now + Span::from_secs(1);
        let gone = expired && !books.ledger.is_applied(&prefix).is_live(soon);
        if gone && !SetKind::of(&prefix).is_interval() {
            // The kernel's own time-out has done it.
            books.ledger.settle(prefix, Hold::NONE);
        } else {
            books.hold(prefix, Hold::NONE);
        }
    }

    fn restore(&mut self, bans: Vec<Standing>, now: Timestamp) {
        for ban in bans {
            let Some(index) = self.index(&ban.jail) else {
                continue;
            };
            let Some(books) = self.books.get_mut(index) else {
                continue;
            };
            let adopted = books.adopted.remove(&ban.prefix);
            let wanted = Hold::until(ban.until);
            let newer = !adopted && books.ledger.wanted(&ban.prefix).is_live(now);
            if newer || !wanted.is_live(now) {
                continue;
            }
            let held = books.ledger.is_applied(&ban.prefix);
            if held.is_near(wanted, SAME_END_MICROS) {
                continue;
            }
            books.hold(ban.prefix, wanted);
            if !adopted {
                books.uncut.insert(ban.prefix);
            }
        }
        for books in &mut self.books {
            for prefix in std::mem::take(&mut books.adopted) {
                books.hold(prefix, Hold::NONE);
            }
        }
    }

    fn set_jails(&mut self, jails: Vec<EnforceJail>) {
        let names = self.jails.iter().map(|jail| jail.name.clone());
        let mut former: BTreeMap<JailName, Books> = names.zip(self.books.drain(..)).collect();
        let books = |jail: &EnforceJail| former.remove(&jail.name).unwrap_or_default();
        self.books = jails.iter().map(books).collect();
        self.jails = jails;
        if let Err(fault) = self.backend.change_jails(&self.jails) {
            self.lost = Some(format!("the layout of the table ({fault})"));
        }
    }

    /// Takes what the kernel says for what was applied.
    fn verify(&mut self, now: Timestamp) {
        let holdings = match self.backend.holdings(&self.jails, now) {
            Ok(Some(holdings)) => holdings,
            Ok(None) => return,
            Err(fault) => {
                self.lost = Some(fault.to_string());
                return;
            }
        };
        for (books, held) in self.books.iter_mut().zip(holdings) {
            let held: BTreeMap<Prefix, Hold> = held.into_iter().collect();
            let known: Vec<Prefix> = books.ledger.prefixes().collect();
            for prefix in known {
                let really = held.get(&prefix).copied().unwrap_or(Hold::NONE);
                if !really.is_near(books.ledger.is_applied(&prefix), SAME_END_MICROS) {
                    books.ledger.applied(prefix, really);
                }
            }
            for (prefix, hold) in held {
                if books.ledger.is_applied(&prefix) == Hold::NONE {
                    books.ledger.applied(prefix, hold);
                }
            }
        }
    }

    /// Reconciles and answers what was asked.
    fn answer(&mut self, asked: &mut Vec<Asked>, now: Timestamp, out: &mut Vec<Report>) {
        let failures = self.reconcile(now, out);
        for Asked {
            seq,
            jail,
            prefix,
            ban,
        } in asked.drain(..)
        {
            let books = self.books.get_mut(jail);
            let due = books.filter(|books| books.ledger.is_due(&prefix));
            let text = failures.get(&(jail, prefix)).or(self.failing.as_ref());
            let result = match (text, due) {
                (Some(text), Some(books)) => {
                    books.refused.extend(ban.map(|hold| (prefix, (seq, hold))));
                    Err(text.clone())
                }
                _ => Ok(()),
            };
            out.push(Report::Applied { seq, result });
        }
    }

    /// Tells of refused bans that hold by now.
    fn answer_late(&mut self, now: Timestamp, out: &mut Vec<Report>) {
        for books in &mut self.books {
            let ledger = &books.ledger;
            books.refused.retain(|prefix, (seq, hold)| {
                let (is_live, is_held) = (hold.is_live(now), !ledger.is_due(prefix));
                if is_live && is_held {
                    let (seq, result) = (*seq, Ok(()));
                    out.push(Report::Applied { seq, result });
                }
                is_live && !is_held
            });
        }
    }

    fn tell_failing(&mut self, error: String, out: &mut Vec<Report>) {
        if self.failing.is_none() {
            out.push(Report::Failing {
                error: error.clone(),
                waiting: self.waiting(),
            });
        }
        self.failing = Some(error);
    }

    fn waiting(&self) -> usize {
        self.books.iter().map(|b| b.ledger.due_count()).sum()
    }

    fn standing(&self, now: Timestamp) -> usize {
        self.books.iter().map(|b| b.ledger.standing(now)).sum()
    }

    fn status(&self, now: Timestamp) -> EnforceStatus {
        EnforceStatus {
            backend: self.backend.name(),
            table: self.table.clone(),
            owner: self.backend.is_owner(),
            in_sync: self.lost.is_none() && self.waiting() == 0,
            elements: self.standing(now),
        }
    }
}

fn unknown_jail(seq: u64, jail: &JailName) -> Report {
    Report::Applied {
        seq,
        result: Err(format!("the firewall knows no jail {jail}")),
    }
}

/// A few bans that must be in the kernel, of both ends of the order and so of all families.
fn samples(ledger: &Ledger, now: Timestamp) -> Vec<Prefix> {
    let lasting = now + Span::from_secs(5);
    let held = |p: &Prefix| ledger.is_applied(p).is_live(lasting);
    let front = ledger.prefixes().take(100).filter(held).take(SAMPLES);
    let back = ledger.prefixes().rev().take(100).filter(held).take(SAMPLES);
    front.chain(back).collect()
}

#[cfg(test)]
mod tests;
