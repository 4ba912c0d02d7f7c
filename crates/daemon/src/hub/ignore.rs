//! Who is ignored: what the watcher says becomes the engine's lists, and what `ignorecommand` is asked about waits here.
//!
//! Each configuration has a watcher of its own. Lists of the one to come wait until its jails are there, and a late word
//! of the one before is not heard any more.

use super::{Hub, failures};
use crate::clock;
use crate::ignore::{self, About, Answer, Begun, Said, Verdict, Whom};
use crate::log::{Kind, Level};
use crate::plan::Jail;
use base::{FailureId, Timestamp};
use engine::{Event, IgnoreList, IgnoreReason, IgnoreSource, Input, JailId};
use std::cmp::Ordering;
use std::collections::HashMap;

/// The lists of the jails that have names or files, by the configuration that they are of.
#[derive(Default)]
pub(crate) struct Lists {
    generation: u64,
    now: HashMap<JailId, IgnoreList>,
    next: HashMap<JailId, Heard>,
}

/// What a watcher said of a jail.
struct Heard {
    list: IgnoreList,
    /// Names and files of which it knows nothing yet.
    silent: Vec<IgnoreSource>,
}

impl Heard {
    /// The list to go by. What was known of a silent name or file holds until it speaks: to ban somebody who was to be
    /// ignored would be worse than the reverse. What the configuration does not name any more is gone.
    fn after(self, before: Option<&IgnoreList>) -> IgnoreList {
        let mut list = self.list;
        for source in &self.silent {
            if let Some(before) = before {
                list.take_over(source, before);
            }
        }
        list
    }
}

impl Lists {
    /// Lists of the first configuration.
    pub(crate) fn of_start(lists: impl IntoIterator<Item = (JailId, IgnoreList)>) -> Self {
        Self {
            now: lists.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Goes over to the next configuration.
    pub(super) fn advance(&mut self, generation: u64, jails: &[Jail]) {
        self.generation = generation;
        let before = std::mem::take(&mut self.now);
        let mut heard = std::mem::take(&mut self.next);
        for jail in jails.iter().filter(|jail| !jail.is_removed) {
            let silent = ignore::sources(&jail.ignore);
            if silent.is_empty() {
                continue;
            }
            let list = jail.policy.ignoreip.clone();
            let heard = heard.remove(&jail.id);
            let heard = heard.unwrap_or(Heard { list, silent });
            self.now.insert(jail.id, heard.after(before.get(&jail.id)));
        }
    }

    /// The whole list of a jail.
    pub(super) fn of(&self, jail: &Jail) -> IgnoreList {
        let watched = self.now.get(&jail.id);
        watched.unwrap_or(&jail.policy.ignoreip).clone()
    }

    /// Takes what the watcher of a configuration says; gives the list that holds from now on, if it is of the present one.
    fn hear(&mut self, generation: u64, jail: JailId, heard: Heard) -> Option<IgnoreList> {
        match generation.cmp(&self.generation) {
            Ordering::Less => None,
            Ordering::Equal => {
                let list = heard.after(self.now.get(&jail));
                self.now.insert(jail, list.clone());
                Some(list)
            }
            Ordering::Greater => {
                self.next.insert(jail, heard);
                None
            }
        }
    }
}

impl Hub {
    /// What the watcher of names and files says.
    pub(super) fn ignore_says(&mut self, generation: u64, said: Said) {
        match said {
            Said::List { jail, list, silent } => {
                let heard = Heard { list, silent };
                if let Some(list) = self.lists.hear(generation, jail, heard) {
                    self.step(Input::IgnoreList { jail, list });
                }
            }
            Said::Note(level, text) => {
                self.log
                    .write(clock::now(), level, Kind::Rare, "ignore", &text);
            }
        }
    }

    /// Counts a failure of this id, or asks first whether it counts. Addresses of this machine and the list are looked
    /// at before a command is run, as fail2ban does, and nobody is asked about who is banned already.
    pub(super) fn admit(
        &mut self,
        now: Timestamp,
        jail: JailId,
        id: &FailureId,
        found: &detect::Failure,
    ) {
        let (engine, questions) = (&self.engine, &mut self.questions);
        if !questions.concern(jail) || engine.ignores(jail, id) || engine.is_banned(jail, id) {
            self.count(now, jail, id, found);
            return;
        }
        if let Some(((jail, id), found)) = questions.push(jail, id, found) {
            let text = format!(
                "[{}] too many failures wait for ignorecommand; one of {id} is counted without asking",
                self.name_of(jail)
            );
            self.log
                .write(now, Level::Warning, Kind::PerFailure, "ignore", &text);
            self.count(now, jail, &id, &found);
        }
        self.ask_on();
    }

    fn count(&mut self, now: Timestamp, jail: JailId, id: &FailureId, found: &detect::Failure) {
        for failure in failures(id, found) {
            let input = Input::Failure { jail, failure };
            self.engine.step(now, input, &mut self.effects);
        }
    }

    /// Begins as many questions as may run at a time.
    pub(super) fn ask_on(&mut self) {
        while let Some(begun) = self
            .questions
            .begin(|jail, id| self.engine.is_banned(jail, id))
        {
            if let Begun::Known(whom, ignored) = begun {
                self.settle(whom, ignored);
            }
        }
    }

    /// A command has answered.
    pub(super) fn ignore_answers(&mut self, answer: Answer) {
        self.questions.keep(&answer);
        if let Verdict::Failed(how) = &answer.verdict {
            let (jail, id) = &answer.whom;
            let name = self.name_of(*jail);
            let text = format!("[{name}] ignorecommand {how}; {id} is not ignored");
            self.log.write(
                clock::now(),
                Level::Error,
                Kind::PerFailure,
                "ignore",
                &text,
            );
        }
        let ignored = answer.verdict == Verdict::Ignored;
        self.settle(answer.whom, ignored);
        // Who is banned by it is not asked about again.
        self.step(Input::ReadEnds);
        self.ask_on();
        self.step(Input::ReadEnds);
    }

    fn settle(&mut self, whom: Whom, ignored: bool) {
        let (jail, id) = whom.clone();
        match self.questions.settle(whom) {
            Some(About::Failures(found)) if ignored => {
                for _ in found {
                    let (id, why) = (id.clone(), IgnoreReason::Command);
                    self.notify(&Event::Ignored { jail, id, why });
                }
            }
            Some(About::Failures(found)) => {
                for found in found {
                    self.count(clock::now(), jail, &id, &found);
                }
            }
            Some(About::Ban) if ignored => self.step(Input::Spared { jail, id }),
            Some(About::Ban) | None => {}
        }
    }

    /// Bans that stand from an earlier run are asked about once.
    pub(super) fn ask_about_stored(&mut self) {
        let bans = self.engine.bans();
        let concerned: Vec<_> = bans
            .filter(|ban| self.questions.concern(ban.jail))
            .map(|ban| (ban.jail, ban.id.clone()))
            .collect();
        for (jail, id) in concerned {
            self.questions.push_stored(jail, id);
        }
        self.ask_on();
    }
}
