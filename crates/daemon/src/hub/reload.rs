//! A plan read anew takes the place of the one that runs: only what differs is touched.

use super::{Hub, translate};
use crate::actions::Planned;
use crate::clock;
use crate::enforce::Command;
use crate::ingest::Positions;
use crate::keep::{Order, Recalled};
use crate::log::{Kind, Level};
use crate::plan::{Jail, Merged};
use base::{Diagnostic, JailName};
use engine::{BanKey, Input, JailId, JailPolicy, RestoredBan};
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use store::Write;

/// What a change comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The files were read again.
    Files,
    /// A client said so, in fail2ban's manner.
    Command,
}

/// What the readers of logs go on with.
pub(crate) struct Swapped {
    /// All jails.
    pub(crate) jails: Arc<[Jail]>,
    /// How far their logs were read.
    pub(crate) positions: Positions,
    /// Those whose logs are read in another way from now on.
    pub(crate) reread: BTreeSet<JailId>,
    /// What changed, for who asked.
    pub(crate) answer: wire::ReloadAnswer,
}

impl Hub {
    /// Goes over to the new plan. Readers must have ended, so that nobody speaks in the name of a jail's former form.
    pub(super) fn reload(&mut self, merged: Merged, by: By) -> Swapped {
        let before = Arc::clone(&self.jails);
        let now = clock::now();
        self.settle_totals(now, &merged.removed);
        for id in &merged.removed {
            self.acting.leave(*id);
            self.step(Input::Removed { jail: *id });
            self.board.jail_left(*id);
        }
        // Bans of jails that go are lifted in the sets that still are there.
        self.perform();
        for id in &merged.reread {
            self.board.jail_left(*id);
        }
        self.jails = merged.jails.clone().into();
        self.questions.change(&self.jails);
        let jails = Arc::clone(&self.jails);
        let enforced = jails.iter().filter(|jail| !jail.is_removed);
        let enforced: Vec<_> = enforced.filter_map(|jail| jail.enforce.clone()).collect();
        let had: HashSet<&str> = before
            .iter()
            .filter(|jail| jail.enforce.is_some() && !jail.is_removed)
            .map(|jail| jail.name.as_str())
            .collect();
        self.enforce(Command::SetJails(enforced));
        for jail in jails.iter() {
            let mut policy = Box::new(jail.policy.clone());
            policy.ignoreip = self.lists.of(jail);
            let is_new = jail.id.0 as usize >= before.len();
            if is_new {
                self.step(Input::Added { policy });
            } else if !jail.is_removed {
                let jail = jail.id;
                self.step(Input::Policy { jail, policy });
            }
            let is_other = before
                .get(jail.id.0 as usize)
                .is_none_or(|before| before.actions != jail.actions || before.is_removed);
            let reloads = jail.actions.iter().any(Planned::reloads);
            self.acting.learn(jail);
            if (is_other || reloads) && !jail.is_removed {
                let bans = self.engine.bans().filter(|ban| ban.jail == jail.id);
                self.acting.change(jail, bans);
            }
            // What was banned by other means until now comes into the kernel.
            if jail.enforce.is_some() && !jail.is_removed && !had.contains(jail.name.as_str()) {
                self.enforce_all_of(jail);
            }
        }
        self.perform();
        self.keep_jails(&merged, &before);
        match by {
            By::Files => self.board.broken = merged.broken.clone(),
            By::Command => {
                let broken = self.newly_broken(&merged);
                self.board.broken.extend(broken);
            }
        }
        let answer = self.answer(&merged);
        match by {
            By::Files => self.tell_reload(now, &answer),
            By::Command => self.tell_command(now, &answer),
        }
        Swapped {
            jails,
            positions: self.reached.positions(),
            reread: merged.reread,
            answer,
        }
    }

    /// Jails that a command has made wrong; what was said of the others still holds, but for those that a command put right.
    fn newly_broken(&mut self, merged: &Merged) -> Vec<(JailName, Diagnostic)> {
        let put_right = merged
            .added
            .iter()
            .chain(&merged.changed)
            .chain(&merged.removed);
        let put_right = put_right.map(|id| &merged.jails[id.0 as usize].name);
        let put_right: BTreeSet<&JailName> = put_right.collect();
        let again = merged.broken.iter().map(|(name, _)| name);
        let again: BTreeSet<&JailName> = again.collect();
        let still = |name: &JailName| !put_right.contains(name) && !again.contains(name);
        self.board.broken.retain(|(name, _)| still(name));
        // Its former form runs on, which the client that asked for another one is told.
        let is_there = |name: &JailName| {
            let mut jails = merged.jails.iter();
            jails.any(|jail| !jail.is_removed && jail.name == *name)
        };
        let broken = merged.broken.iter().filter(|(name, _)| !is_there(name));
        broken.cloned().collect()
    }

    fn enforce_all_of(&mut self, jail: &Jail) {
        let bans = self.engine.bans().filter(|ban| ban.jail == jail.id);
        let commands: Vec<Command> = bans
            .filter_map(|ban| {
                Some(Command::Ban {
                    // Nobody waits for this number.
                    seq: 0,
                    jail: jail.name.clone(),
                    prefix: ban.id.prefix()?,
                    until: ban.until,
                })
            })
            .collect();
        for command in commands {
            self.enforce(command);
        }
    }

    /// Tells the store which jails there are, and asks it for what those need that are new or have another use for it.
    fn keep_jails(&self, merged: &Merged, before: &[Jail]) {
        let name = |id: &JailId| merged.jails[id.0 as usize].name.to_string();
        for id in &merged.removed {
            let write = Write::JailDisabled(name(id));
            self.keeper.send(Order::Write(write, None));
        }
        for id in &merged.added {
            let write = Write::JailEnabled(name(id));
            self.keeper.send(Order::Write(write, None));
        }
        let there = merged.jails.iter().filter(|jail| !jail.is_removed);
        let over_all = there
            .clone()
            .any(|jail| looks_over_all(jail) && !before.iter().any(looks_over_all));
        let asks = there.filter(|jail| {
            let known = before
                .get(jail.id.0 as usize)
                .filter(|jail| !jail.is_removed);
            over_all || known.is_none_or(|known| needs_more(&known.policy, &jail.policy))
        });
        let asks: Vec<Recalled> = asks.map(Recalled::new).collect();
        if !asks.is_empty() {
            self.keeper.send(Order::Recall(asks));
        }
    }

    /// What the store holds of jails that were added, or of all if it could not be read before.
    pub(super) fn recalled(&mut self, bans: Vec<store::Ban>, past: Vec<store::Past>) {
        let jails = Arc::clone(&self.jails);
        let id_of = |name: &str| {
            let mut found = jails.iter().filter(|jail| !jail.is_removed);
            found
                .find(|jail| jail.name.as_str() == name)
                .map(|jail| jail.id)
        };
        for one in past {
            if let Some(jail) = id_of(&one.jail) {
                self.step(translate::remembered(jail, &one));
            }
        }
        for ban in bans {
            if let Some(jail) = id_of(&ban.jail) {
                self.recall(jail, translate::restored(ban));
            }
        }
        self.ask_on();
    }

    /// Brings back a ban that the store holds, unless it stands.
    fn recall(&mut self, jail: JailId, ban: RestoredBan) {
        let id = ban.id.clone();
        let key = BanKey { jail, id };
        if self.engine.ban(&key).is_some() {
            return;
        }
        self.pulse.beat();
        self.acting.expect(jail, &ban, true);
        let bans = vec![ban];
        self.step(Input::Restored { jail, bans });
        match self.engine.ban(&key).is_some() {
            true if self.questions.concern(jail) => self.questions.push_stored(jail, key.id),
            true => {}
            false => self.acting.forget(&key),
        }
    }

    fn answer(&self, merged: &Merged) -> wire::ReloadAnswer {
        let names = |ids: &[JailId]| -> Vec<String> {
            let name = |id: &JailId| merged.jails[id.0 as usize].name.to_string();
            ids.iter().map(name).collect()
        };
        let there = merged.jails.iter().filter(|jail| !jail.is_removed).count();
        wire::ReloadAnswer {
            v: wire::VERSION,
            added: names(&merged.added),
            changed: names(&merged.changed),
            removed: names(&merged.removed),
            unchanged: (there - merged.added.len() - merged.changed.len()) as u64,
            broken: merged
                .broken
                .iter()
                .map(|(name, diagnostic)| wire::BrokenJail {
                    jail: name.to_string(),
                    error: diagnostic.to_string(),
                    runs_as_before: self.jail_named(name.as_str()).is_ok(),
                })
                .collect(),
        }
    }

    /// What fail2ban says of jails that begin and end.
    fn tell_command(&self, now: base::Timestamp, answer: &wire::ReloadAnswer) {
        let tell = |text: String| {
            self.log.write(now, Level::Info, Kind::Rare, "jail", &text);
        };
        for name in &answer.removed {
            tell(format!("Jail '{name}' stopped"));
        }
        for name in &answer.added {
            tell(format!("Creating new jail '{name}'"));
            tell(format!("Jail '{name}' started"));
        }
    }

    fn tell_reload(&self, now: base::Timestamp, answer: &wire::ReloadAnswer) {
        let list = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!("; {what}: {}", names.join(", ")),
        };
        let text = format!(
            "the configuration was read again; {} jails are as before{}{}{}",
            answer.unchanged,
            list("new", &answer.added),
            list("changed", &answer.changed),
            list("gone, their bans lifted", &answer.removed)
        );
        self.log
            .write(now, Level::Notice, Kind::Rare, "server", &text);
        let tell = |text: &str| self.log.write(now, Level::Info, Kind::Rare, "jail", text);
        for name in &answer.added {
            tell(&format!("Creating new jail '{name}'"));
            tell(&format!("Jail '{name}' started"));
        }
        for name in &answer.removed {
            tell(&format!("Jail '{name}' stopped"));
        }
        for broken in &answer.broken {
            let what = match broken.runs_as_before {
                true => "its new form is wrong, it runs on as before",
                false => "it cannot run",
            };
            let first = broken.error.lines().next().unwrap_or_default();
            let text = format!("[{}] {what}: {first}", broken.jail);
            self.log.write(now, Level::Error, Kind::Rare, "jail", &text);
        }
    }
}

fn looks_over_all(jail: &Jail) -> bool {
    let growth = jail.policy.growth.as_ref();
    !jail.is_removed && growth.is_some_and(|growth| growth.over_all_jails)
}

/// Whether a jail wants to know what the store holds of it now, and did not before: it can ban, or its bans grow.
fn needs_more(before: &JailPolicy, now: &JailPolicy) -> bool {
    now.enforceable > before.enforceable || now.growth.is_some() && before.growth.is_none()
}

#[cfg(test)]
mod tests;
