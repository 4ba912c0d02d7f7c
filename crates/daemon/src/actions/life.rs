//! The life of one action (behaviour §5.3, §5.7): started before it is needed, told of bans and their ends, checked when
//! something fails, repaired, stopped.
//!
//! The state says what stands outside: which families were started, which of them hold bans, which bans. What runs a
//! script is a trait, so that all this is tested without a process. Nothing here waits, logs or counts by itself; an
//! error is a sentence for the log and changes no ban.

use super::definition::{Command, Definition, For};
use super::template::{Script, Template};
use super::ticket::Ticket;
use crate::log::Level;
use base::{FailureId, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The time between two checks because somebody is banned and still there.
const CHECK_EVERY_SECS: i64 = 3;

/// Failures in a row after which the bans left are not told again for now: what is broken is broken for all.
const MOST_FAILURES: u32 = 3;

/// Who carries out what a life asks for.
pub(crate) trait Hands {
    /// The script for a command; the ban's values are put in, or those of no ban.
    fn fill(
        &mut self,
        action: &Definition,
        template: &Template,
        ticket: Option<&Ticket>,
        family: For,
    ) -> Script;
    /// Runs it; what went wrong is told already.
    fn run(&mut self, action: &Definition, script: &Script) -> Outcome;
    /// Writes a line of the log; the module is fail2ban's word for who speaks.
    fn tell(&mut self, level: Level, module: &'static str, text: &str);
    /// The time.
    fn now(&self) -> Timestamp;
}

/// What came of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Well,
    Failed,
    /// There was no time: it was ended, or not even begun. That says nothing of what it is about.
    CutShort,
}

/// Why a job is not done where a script is cut short.
const NO_TIME: &str = "there is no time left";

/// What went wrong, as fail2ban says it.
pub(crate) type Done = Result<(), String>;

/// One action and what it has done so far.
#[derive(Debug)]
pub(crate) struct Life {
    action: Arc<Definition>,
    /// The families that were started, in that order.
    started: Vec<Family>,
    /// The bans that it carried out, each with the epoch then; only where a check can miss them.
    held: BTreeMap<FailureId, (Arc<Ticket>, u32)>,
    /// How many times it was repaired.
    epoch: u32,
    checked: Option<Timestamp>,
}

/// What came of a repair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repaired {
    /// Nothing.
    No,
    /// By the action's own command; what it held it may still hold.
    InPlace,
    /// It was stopped and started.
    BegunAnew,
}

/// A family that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Family {
    name: For,
    /// It has had a ban since the last flush.
    holds: bool,
}

impl Life {
    pub(crate) fn new(action: Arc<Definition>) -> Self {
        Self {
            action,
            started: Vec::new(),
            held: BTreeMap::new(),
            epoch: 0,
            checked: None,
        }
    }

    pub(crate) fn action(&self) -> &Arc<Definition> {
        &self.action
    }

    /// The jail begins.
    pub(crate) fn start(&mut self, hands: &mut dyn Hands) -> Done {
        if self.action.on_demand {
            return Ok(());
        }
        let families = self.action.families.clone();
        self.start_families(hands, &families)
    }

    /// A ban.
    pub(crate) fn ban(&mut self, hands: &mut dyn Hands, ticket: &Arc<Ticket>) -> Done {
        self.impose(hands, Command::Ban, ticket)
    }

    /// The same one is seen again although it is banned: is all that the action made still there?
    pub(crate) fn again(&mut self, hands: &mut dyn Hands, ticket: &Arc<Ticket>) -> Done {
        let now = hands.now();
        let recent = |checked: Timestamp| {
            let since = now.since(checked).as_secs();
            (0..CHECK_EVERY_SECS).contains(&since)
        };
        if !self.action.has(Command::Check) || self.checked.is_some_and(recent) {
            return Ok(());
        }
        self.checked = Some(now);
        let started: Vec<For> = self.started.iter().map(|family| family.name).collect();
        for family in self.distinct(Command::Check, &started) {
            if !self.operate(hands, Command::Check, family)? {
                self.repair(hands, family)?;
            }
        }
        let current = self
            .held
            .get(&ticket.id)
            .is_some_and(|(_, epoch)| *epoch == self.epoch);
        match current {
            true => Ok(()),
            false => self.ban_again(hands, ticket),
        }
    }

    /// A ban that stands was made longer.
    pub(crate) fn prolong(&mut self, hands: &mut dyn Hands, ticket: &Arc<Ticket>) -> Done {
        let family = ticket.family();
        if let Some((held, _)) = self.held.get_mut(&ticket.id) {
            *held = Arc::clone(ticket);
        }
        if !self.action.has(Command::Prolong) || !self.holds(family) {
            return Ok(());
        }
        match self.process(hands, Command::Prolong, ticket)? {
            true => Ok(()),
            false => Err(format!("Error prolonging {}", ticket.id)),
        }
    }

    /// The end of a ban. A family that holds none has nothing to undo.
    pub(crate) fn unban(&mut self, hands: &mut dyn Hands, ticket: &Arc<Ticket>) -> Done {
        self.held.remove(&ticket.id);
        if !self.holds(ticket.family()) {
            return Ok(());
        }
        match self.process(hands, Command::Unban, ticket)? {
            true => Ok(()),
            false => Err(format!("Error unbanning {}", ticket.id)),
        }
    }

    /// The end of all bans at once. False if the action has no command for that.
    pub(crate) fn flush(&mut self, hands: &mut dyn Hands) -> Result<bool, String> {
        if !self.action.has(Command::Flush) {
            return Ok(false);
        }
        let text = format!(
            "[{}] Flush ticket(s) with {}",
            self.action.jail, self.action.name
        );
        hands.tell(Level::Notice, "actions", &text);
        let holding = self.started.iter().filter(|family| family.holds);
        let holding: Vec<For> = holding.map(|family| family.name).collect();
        self.held.clear();
        for family in &mut self.started {
            family.holds = false;
        }
        match self.operate_all(hands, Command::Flush, &holding)? {
            true => Ok(true),
            false => Err(self.failed("flushing")),
        }
    }

    /// The jail ends.
    pub(crate) fn stop(&mut self, hands: &mut dyn Hands) -> Done {
        let started = std::mem::take(&mut self.started);
        let started: Vec<For> = started.into_iter().map(|family| family.name).collect();
        self.held.clear();
        match self.operate_all(hands, Command::Stop, &started)? {
            true => Ok(()),
            false => Err(self.failed("stopping")),
        }
    }

    /// The configuration was read anew, and says this of the action now.
    pub(crate) fn reload(&mut self, hands: &mut dyn Hands, action: Arc<Definition>) -> Done {
        self.action = action;
        let started: Vec<For> = self.started.iter().map(|family| family.name).collect();
        match self.operate_all(hands, Command::Reload, &started)? {
            true => Ok(()),
            false => Err(self.failed("reloading")),
        }
    }

    fn impose(&mut self, hands: &mut dyn Hands, command: Command, ticket: &Arc<Ticket>) -> Done {
        let family = ticket.family();
        if self.action.on_demand && !self.is_started(family) {
            let ground = self.ground(family);
            self.start_families(hands, &ground)?;
        }
        if !self.process(hands, command, ticket)? {
            return Err(format!("Error banning {}", ticket.id));
        }
        self.mark(family, true);
        if self.action.has(Command::Check) {
            self.held
                .insert(ticket.id.clone(), (Arc::clone(ticket), self.epoch));
        }
        Ok(())
    }

    fn ban_again(&mut self, hands: &mut dyn Hands, ticket: &Arc<Ticket>) -> Done {
        self.tell_reban(hands, ticket);
        self.impose(hands, self.reban_command(), ticket)
    }

    fn tell_reban(&self, hands: &mut dyn Hands, ticket: &Ticket) {
        let Definition { jail, name, .. } = &*self.action;
        let text = format!("[{jail}] Reban {}, action '{name}'", ticket.id);
        hands.tell(Level::Notice, "actions", &text);
    }

    fn reban_command(&self) -> Command {
        match self.action.has(Command::Reban) {
            true => Command::Reban,
            false => Command::Ban,
        }
    }

    /// Runs a ban's command; if it fails, once more after a look at what it needs.
    fn process(
        &mut self,
        hands: &mut dyn Hands,
        command: Command,
        ticket: &Arc<Ticket>,
    ) -> Result<bool, String> {
        let family = ticket.family();
        if self.run(hands, command, family, Some(ticket))? {
            return Ok(true);
        }
        if self.action.has(Command::Check) && !self.operate(hands, Command::Check, family)? {
            if command == Command::Unban && !self.action.repairs_on_unban {
                let text = "Invariant check failed. Unban is impossible.";
                hands.tell(Level::Error, "CommandAction", text);
                return Ok(false);
            }
            match self.repair(hands, family)? {
                Repaired::No => return Ok(false),
                // What was to be undone is gone.
                Repaired::BegunAnew if command == Command::Unban => return Ok(true),
                Repaired::InPlace | Repaired::BegunAnew => {}
            }
        }
        self.run(hands, command, family, Some(ticket))
    }

    /// Makes again what a check misses.
    fn repair(&mut self, hands: &mut dyn Hands, family: For) -> Result<Repaired, String> {
        let text = "Invariant check failed. Trying to restore a sane environment";
        hands.tell(Level::Error, "CommandAction", text);
        self.epoch = self.epoch.wrapping_add(1);
        let own = self.action.has(Command::Repair);
        let mut lost = vec![family];
        let repaired = if own {
            self.operate(hands, Command::Repair, family)?
        } else {
            // It may fail, as some of it is gone already.
            let ground = self.ground(family);
            self.operate_all(hands, Command::Stop, &ground)?;
            for one in ground.iter().chain([&family]) {
                lost.extend(self.sharing(*one));
            }
            lost.extend(&ground);
            self.started.retain(|started| !lost.contains(&started.name));
            self.start_families(hands, &ground)?;
            for other in &lost {
                self.mark(*other, false);
            }
            true
        };
        if !repaired || !self.operate(hands, Command::Check, family)? {
            let text = "Unable to restore environment";
            hands.tell(Level::Critical, "CommandAction", text);
            return Ok(Repaired::No);
        }
        if own {
            return Ok(Repaired::InPlace);
        }
        self.put_back(hands, &lost);
        Ok(Repaired::BegunAnew)
    }

    /// What was begun anew is empty: the bans that it held are told to it again, at once. A command of the admin's own
    /// repair may have done so itself; then each is told when it is next seen.
    fn put_back(&mut self, hands: &mut dyn Hands, lost: &[For]) {
        let mut older = Vec::new();
        for (ticket, epoch) in self.held.values_mut() {
            match lost.contains(&ticket.family()) {
                true => older.push(Arc::clone(ticket)),
                false => *epoch = self.epoch,
            }
        }
        let mut failures = 0;
        for ticket in older {
            let family = ticket.family();
            self.tell_reban(hands, &ticket);
            match self.run(hands, self.reban_command(), family, Some(&ticket)) {
                Ok(true) => {
                    failures = 0;
                    self.mark(family, true);
                    self.held.insert(ticket.id.clone(), (ticket, self.epoch));
                }
                Ok(false) if failures + 1 < MOST_FAILURES => failures += 1,
                Ok(false) | Err(_) => return,
            }
        }
    }

    fn start_families(&mut self, hands: &mut dyn Hands, families: &[For]) -> Done {
        let mut good = true;
        for family in families {
            let is_made = self
                .started
                .iter()
                .any(|other| self.is_same(Command::Start, other.name, *family));
            if is_made || self.operate(hands, Command::Start, *family)? {
                self.mark(*family, false);
            } else {
                good = false;
            }
        }
        match good {
            true => Ok(()),
            false => Err(self.failed("starting")),
        }
    }

    /// A command for several families, each text once. False if one of them failed.
    fn operate_all(
        &mut self,
        hands: &mut dyn Hands,
        command: Command,
        families: &[For],
    ) -> Result<bool, String> {
        let mut good = true;
        for family in self.distinct(command, families) {
            good &= self.operate(hands, command, family)?;
        }
        Ok(good)
    }

    /// A command that is about no ban.
    fn operate(
        &mut self,
        hands: &mut dyn Hands,
        command: Command,
        family: For,
    ) -> Result<bool, String> {
        self.run(hands, command, family, None)
    }

    /// True if it went well. Where there is no time nothing may be concluded from what did not run, so that is an error
    /// which ends the whole job; what was begun may be there and is to be undone like what is known to be.
    fn run(
        &mut self,
        hands: &mut dyn Hands,
        command: Command,
        family: For,
        ticket: Option<&Ticket>,
    ) -> Result<bool, String> {
        let template = self.action.template(command, family);
        let template = template.map_err(|why| format!("Error in {}: {why}", command.option()))?;
        if template.is_blank() {
            return Ok(true);
        }
        let script = hands.fill(&self.action, template, ticket, family);
        if script.is_empty() {
            return Ok(true);
        }
        match hands.run(&self.action, &script) {
            Outcome::Well => Ok(true),
            Outcome::Failed => Ok(false),
            Outcome::CutShort => {
                match command {
                    Command::Start => self.mark(family, false),
                    Command::Ban | Command::Reban => self.mark(family, true),
                    _ => {}
                }
                Err(NO_TIME.to_owned())
            }
        }
    }

    /// What must be started for a ban: all that there is for one of no address, as nobody knows where it belongs.
    fn ground(&self, family: For) -> Vec<For> {
        match family {
            For::NoAddress => self.action.families.clone(),
            family => vec![family],
        }
    }

    /// True if a command is the same for both families.
    fn is_same(&self, command: Command, one: For, other: For) -> bool {
        let texts = [one, other].map(|family| self.action.template(command, family));
        let [Ok(first), Ok(second)] = texts else {
            return one == other;
        };
        // fail2ban puts the word for a family into the text before it compares, and no other one.
        let is_family = |whom| matches!(whom, For::Family(_));
        let names_it =
            (is_family(one) || is_family(other)) && first.tags().any(|tag| tag == "family");
        one == other || (first == second && !names_it)
    }

    /// The families whose commands differ, the first of those that are the same.
    fn distinct(&self, command: Command, families: &[For]) -> Vec<For> {
        let mut distinct: Vec<For> = Vec::new();
        for family in families {
            if !distinct
                .iter()
                .any(|known| self.is_same(command, *known, *family))
            {
                distinct.push(*family);
            }
        }
        distinct
    }

    /// The families that were started by the same command as this one.
    fn sharing(&self, family: For) -> Vec<For> {
        let started = self.started.iter().map(|started| started.name);
        let shared = started.filter(|other| self.is_same(Command::Start, *other, family));
        shared.collect()
    }

    fn is_started(&self, family: For) -> bool {
        self.started.iter().any(|started| started.name == family)
    }

    fn holds(&self, family: For) -> bool {
        self.started
            .iter()
            .any(|started| started.name == family && started.holds)
    }

    fn mark(&mut self, family: For, holds: bool) {
        match self
            .started
            .iter_mut()
            .find(|started| started.name == family)
        {
            Some(started) => started.holds |= holds,
            None => self.started.push(Family {
                name: family,
                holds,
            }),
        }
    }

    fn failed(&self, doing: &str) -> String {
        let Definition { jail, name, .. } = &*self.action;
        format!("Error {doing} action Jail('{jail}')/{name}: 'Script error'")
    }
}

#[cfg(test)]
mod tests;
