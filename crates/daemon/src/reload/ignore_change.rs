//! Whom a jail ignores, changed by a client of ours: fail2ban's `addignoreip` and `delignoreip`, entry by entry, with an
//! answer that says what became of each. Like these it holds until the configuration is read again.

use super::{Reloader, Running};
use crate::commands::Commands;
use crate::control;
use crate::ignore;
use wire::fail2ban::Value;
use wire::{IgnoreAnswer, Ignored, Refusal};

/// What is asked for.
pub(crate) struct IgnoreChange {
    /// The jail; all, to tell only, if absent.
    pub(crate) jail: Option<String>,
    pub(crate) add: Vec<String>,
    pub(crate) del: Vec<String>,
}

impl IgnoreChange {
    /// Gives the line of the answer.
    pub(super) fn carry_out(self, reloader: &Reloader, running: &mut Running) -> String {
        let mut answer = IgnoreAnswer {
            v: wire::VERSION,
            ..IgnoreAnswer::default()
        };
        if let Some(jail) = &self.jail {
            if running.setup.jail(jail).is_err() {
                return control::failed(&format!("the daemon runs no jail '{jail}'"));
            }
            self.change(jail, reloader, running, &mut answer);
        } else if !self.add.is_empty() || !self.del.is_empty() {
            return control::failed("entries are added to, or removed from, one jail");
        }
        let mut jails = running.setup.jails().iter();
        let is_asked = |name: &str| self.jail.as_deref().is_none_or(|jail| jail == name);
        answer.jails = jails
            .by_ref()
            .filter(|jail| is_asked(jail.spec.name.as_str()))
            .map(|jail| Ignored {
                jail: jail.spec.name.to_string(),
                ignoreip: entries(&jail.spec),
                ignoreself: jail.spec.ignoreself,
                ignorecommand: jail.spec.ignorecommand.is_some(),
            })
            .collect();
        wire::encode(&answer)
    }

    fn change(
        &self,
        jail: &str,
        reloader: &Reloader,
        running: &mut Running,
        answer: &mut IgnoreAnswer,
    ) {
        for entry in &self.add {
            if let Err(what) = ignore::is_entry(entry) {
                answer.refused.push(Refusal {
                    ip: entry.clone(),
                    reason: format!("it {what}"),
                });
            }
        }
        let refused = |entry: &&String| answer.refused.iter().any(|one| one.ip == **entry);
        let add: Vec<String> = self
            .add
            .iter()
            .filter(|entry| !refused(entry))
            .cloned()
            .collect();
        let count = |running: &Running| {
            let jail = running.setup.jail(jail);
            jail.map_or(0, |jail| jail.spec.ignoreip.len())
        };
        // One by one, so that each is told as what it was; the change itself is cheap where no log is read otherwise.
        for (command, entries) in [("addignoreip", &add), ("delignoreip", &self.del)] {
            for entry in entries {
                let before = count(running);
                let words = ["set", jail, command, entry.trim()];
                let command = Value::list(words.map(Value::from));
                let done = Commands { reloader, running }.answer(&command);
                let changed = count(running) != before;
                match (done, words[2], changed) {
                    (Err(_), "delignoreip", _) => answer.absent.push(entry.clone()),
                    (Err(why), ..) => answer.refused.push(Refusal {
                        ip: entry.clone(),
                        reason: why.message(),
                    }),
                    (Ok(_), "addignoreip", true) => answer.added.push(entry.clone()),
                    (Ok(_), "addignoreip", false) => answer.present.push(entry.clone()),
                    (Ok(_), ..) => answer.removed.push(entry.clone()),
                }
            }
        }
    }
}

fn entries(spec: &conf::JailSpec) -> Vec<String> {
    spec.ignoreip
        .iter()
        .map(|entry| entry.text.clone())
        .collect()
}
