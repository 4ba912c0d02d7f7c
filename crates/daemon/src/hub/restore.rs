//! The start: what the store and the kernel hold becomes one set of bans.

use super::Hub;
use super::translate::{remembered, restored, store_ban};
use crate::clock;
use crate::enforce::{Command, Standing};
use crate::keep::Order;
use base::FailureId;
use engine::{BanKey, Effect, Input, JailId, StoreWrite};
use std::collections::{HashMap, HashSet};
use store::Write;

impl Hub {
    /// Brings back what the store and the kernel hold, in one go, before anything is read.
    pub(crate) fn restore(
        &mut self,
        stored: Vec<store::Ban>,
        past: Vec<store::Past>,
        adopted: Vec<Standing>,
    ) {
        let now = clock::now();
        self.refresh_protection(now);
        let ids: HashMap<&str, JailId> = self
            .jails
            .iter()
            .map(|jail| (jail.name.as_str(), jail.id))
            .collect();
        for one in past {
            if let Some(jail) = ids.get(one.jail.as_str()).copied() {
                let input = remembered(jail, &one);
                self.engine.step(now, input, &mut self.effects);
            }
        }
        let mut rows: HashMap<JailId, Vec<engine::RestoredBan>> = HashMap::new();
        let mut known: HashSet<(JailId, FailureId)> = HashSet::new();
        for ban in stored {
            if let Some(id) = ids.get(ban.jail.as_str()) {
                known.insert((*id, ban.id.clone()));
                rows.entry(*id).or_default().push(restored(ban));
            }
        }
        for jail in self.jails.iter() {
            let bans = rows.remove(&jail.id).unwrap_or_default();
            for ban in &bans {
                self.acting.expect(jail.id, ban, true);
            }
            let input = Input::Restored {
                jail: jail.id,
                bans,
            };
            self.engine.step(now, input, &mut self.effects);
        }
        // Only what the store does not know at all comes from the kernel: a ban whose row was being written when
        // the last process died.
        for element in adopted {
            let Some(jail) = ids.get(element.jail.as_str()).copied() else {
                continue;
            };
            if !known.contains(&(jail, FailureId::Prefix(element.prefix))) {
                let input = Input::Adopted {
                    jail,
                    prefix: element.prefix,
                    until: element.until,
                };
                self.engine.step(now, input, &mut self.effects);
            }
        }
        let mut all = Vec::new();
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                Effect::Ban { seq, key, until } => match self.acting.for_kernel(&key) {
                    Some(prefix) => {
                        self.restoring.push(seq);
                        all.push(Standing {
                            jail: self.name_of(key.jail),
                            prefix,
                            until,
                        });
                    }
                    None => self.effects.push(Effect::Ban { seq, key, until }),
                },
                // Written is only what the kernel alone told: if the file could not be read, it knows more of these.
                Effect::Persist(write @ StoreWrite::Ban { .. }) => {
                    self.acting.note(&write);
                    if let (Write::Ban(ban), seq) = store_ban(&self.jails, write) {
                        let order = Order::Write(Write::Adopted(ban), Some(seq));
                        self.keeper.send(order);
                    }
                }
                other => self.effects.push(other),
            }
        }
        let engine = &self.engine;
        let standing: HashSet<BanKey> = engine
            .bans()
            .map(|ban| BanKey {
                jail: ban.jail,
                id: ban.id.clone(),
            })
            .collect();
        self.acting.keep(|key| standing.contains(key));
        self.enforce(Command::Restore(all));
        self.ask_about_stored();
        self.perform();
        self.acting.turn();
    }
}
