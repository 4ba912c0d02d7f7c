//! The end of the hub: what was ordered is done and told before the process goes.
//!
//! A ban that the kernel took in the last moment is acknowledged like any other, in the log and in the store; else
//! the next start would be the first to speak of it.

use super::{End, Hub, Message};
use crate::clock;
use crate::enforce::Report;
use crate::events;
use crate::keep::{Keeper, Kept, Order, Written};
use crate::log::{Kind, Level, Log};
use crate::plan::Jail;
use engine::{Effect, Engine, Event, Input};
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

impl Hub {
    /// Lets the enforcer and then the store do what they were told, and hears their last words.
    pub(super) fn finish(mut self, flush: bool, inbox: &Receiver<Message>) -> End {
        self.keep_totals(clock::now(), true);
        let Self {
            engine,
            jails,
            enforcer,
            acting,
            questions,
            keeper,
            log,
            zone,
            pulse,
            is_dry_run,
            ..
        } = self;
        let tell = |module, text: &str| {
            log.write(clock::now(), Level::Info, Kind::Rare, module, text);
        };
        tell("server", "Shutdown in progress...");
        tell("server", "Stopping all jails");
        let unanswered = questions.finish();
        if unanswered > 0 {
            let text =
                format!("{unanswered} failures still wait for ignorecommand and are not counted");
            log.write(clock::now(), Level::Notice, Kind::Rare, "ignore", &text);
        }
        acting.finish(&jails, &log, &pulse);
        for jail in jails.iter().filter(|jail| !jail.is_removed) {
            tell("jail", &format!("Jail '{}' stopped", jail.name));
        }
        let in_order = enforcer.stop(flush).is_ok();
        let mut last = LastWords {
            engine,
            jails,
            log,
            zone,
            end: End {
                in_order,
                standing: 0,
                failure: None,
            },
        };
        last.hear(inbox, Some(&keeper), is_dry_run);
        last.end.in_order &= keeper.finish();
        last.hear(inbox, None, is_dry_run);
        last.end.in_order &= last.end.failure.is_none();
        last.end
    }
}

/// What is left of the hub when its performers are going.
struct LastWords {
    engine: Engine,
    jails: Arc<[Jail]>,
    log: Arc<Log>,
    zone: TimeZone,
    end: End,
}

impl LastWords {
    fn hear(&mut self, inbox: &Receiver<Message>, keeper: Option<&Keeper>, is_dry_run: bool) {
        for message in inbox.try_iter() {
            match message {
                Message::Enforcer(Report::Applied { seq, result }) => {
                    self.step(Input::Applied { seq, result }, keeper);
                }
                Message::Enforcer(Report::Stopped { standing }) if !is_dry_run => {
                    self.end.standing = standing;
                }
                Message::Enforcer(Report::Failing { error, .. }) => {
                    self.log
                        .write(clock::now(), Level::Error, Kind::Rare, "actions", &error);
                    self.end.failure = Some(error);
                }
                Message::Kept(Kept::Written(Written {
                    numbers, failure, ..
                })) => {
                    let result = failure.map_or(Ok(()), Err);
                    for seq in numbers {
                        self.step(
                            Input::Committed {
                                seq,
                                result: result.clone(),
                            },
                            keeper,
                        );
                    }
                }
                _ => {}
            }
        }
    }

    /// Of what follows only rows and words can still be had: the enforcer is gone, and what it should have done
    /// follows from the rows at the next start.
    fn step(&mut self, input: Input<'_>, keeper: Option<&Keeper>) {
        let mut effects = Vec::new();
        self.engine.step(clock::now(), input, &mut effects);
        for effect in effects {
            match (effect, keeper) {
                (Effect::Persist(write), Some(keeper)) => {
                    let (write, seq) = super::store_ban(&self.jails, write);
                    keeper.send(Order::Write(write, Some(seq)));
                }
                (Effect::Notify(event), _) => self.tell(&event),
                _ => {}
            }
        }
    }

    fn tell(&self, event: &Event) {
        let concerns_all = matches!(event, Event::StoreFailed { ban: None, .. });
        let name = (!concerns_all).then(|| &self.jails[events::jail_of(event).0 as usize].name);
        events::tell(&self.log, &self.zone, name, event);
    }
}
