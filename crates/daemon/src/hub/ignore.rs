//! Who is ignored: what the watcher says becomes the engine's lists.

use super::Hub;
use crate::clock;
use crate::ignore::Said;
use crate::log::Kind;
use engine::Input;

impl Hub {
    pub(super) fn ignore_says(&mut self, said: Said) {
        match said {
            Said::List(jail, list) => self.step(Input::IgnoreList { jail, list }),
            Said::Note(level, text) => {
                self.log
                    .write(clock::now(), level, Kind::Rare, "ignore", &text);
            }
        }
    }
}
