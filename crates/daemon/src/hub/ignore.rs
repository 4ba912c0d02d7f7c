//! Who is ignored: what the watcher says becomes the engine's lists.
//!
//! Each configuration has a watcher of its own. Lists of the one to come wait until its jails are there, and a late word
//! of the one before is not heard any more.

use super::Hub;
use crate::clock;
use crate::ignore::Said;
use crate::log::Kind;
use crate::plan::Jail;
use engine::{IgnoreList, Input, JailId};
use std::collections::HashMap;

/// The lists of the jails that have names or files, by the configuration that they are of.
#[derive(Default)]
pub(crate) struct Lists {
    generation: u64,
    now: HashMap<JailId, IgnoreList>,
    next: HashMap<JailId, IgnoreList>,
}

impl Lists {
    /// Lists of the first configuration.
    pub(crate) fn of_start(lists: impl IntoIterator<Item = (JailId, IgnoreList)>) -> Self {
        Self {
            now: lists.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Goes over to the next configuration. Until its watcher has said otherwise the former lists hold: to ban
    /// somebody who was to be ignored would be worse than the reverse.
    pub(super) fn advance(&mut self, generation: u64) {
        self.generation = generation;
        self.now.extend(self.next.drain());
    }

    /// The whole list of a jail.
    pub(super) fn of(&self, jail: &Jail) -> IgnoreList {
        let watched = self.now.get(&jail.id);
        let watched = watched.filter(|_| jail.ignore.iter().any(|entry| !entry.is_fixed()));
        watched.unwrap_or(&jail.policy.ignoreip).clone()
    }
}

impl Hub {
    pub(super) fn ignore_says(&mut self, generation: u64, said: Said) {
        match said {
            Said::List(jail, list) if generation == self.lists.generation => {
                self.lists.now.insert(jail, list.clone());
                self.step(Input::IgnoreList { jail, list });
            }
            Said::List(jail, list) if generation > self.lists.generation => {
                self.lists.next.insert(jail, list);
            }
            Said::List(..) => {}
            Said::Note(level, text) => {
                self.log
                    .write(clock::now(), level, Kind::Rare, "ignore", &text);
            }
        }
    }
}
