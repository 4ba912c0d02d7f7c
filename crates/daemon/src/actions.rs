//! Shell actions: `action.d` with fail2ban's whole life cycle (behaviour §5).
//!
//! From a configuration's texts to running scripts: `definition` works an action out, once; `template` and `values` make
//! a script of a command and a ban, with everything that an attacker may have written kept out of the script's text;
//! `life` knows what was started and what is held; `worker` does one job, in the thread that `crew` makes for it, with
//! the `hands` of this machine; `queue` is what waits. `mail` is fail2ban's `smtp.py`;
//! `rehearse` leads all that through a life for comparison.
//!
//! The kernel's bans never wait for any of this: an action is told of a ban after the ban is acknowledged, and whatever
//! it does or fails to do changes no ban.

mod crew;
mod definition;
mod hands;
mod life;
mod mail;
mod queue;
mod rehearse;
mod remembered;
mod template;
mod ticket;
mod values;
mod worker;

pub(crate) use crew::{Crew, Report};
pub(crate) use definition::{Definition, For, Machine};
pub(crate) use hands::Tools;
pub(crate) use mail::Letters;
pub(crate) use queue::Job;
pub use rehearse::{Rehearsed, Step, rehearse};
pub(crate) use remembered::Remembered;
pub(crate) use template::Template;
pub(crate) use ticket::{Ticket, newest};
pub(crate) use values::{Counters, NoHistory, Values};

use definition::Command;
use life::Life;
use mail::Mailer;
use std::sync::Arc;
use worker::{Act, Worker};

/// An action of a jail that is carried out here and not in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Planned {
    /// By scripts.
    Scripts(Arc<Definition>),
    /// By letters.
    Mail(Arc<Letters>),
}

impl Planned {
    /// Somebody to do it.
    pub(crate) fn worker(&self) -> Worker {
        let (jail, name, norestored, act) = match self {
            Self::Scripts(action) => (
                &action.jail,
                &action.name,
                action.norestored,
                Act::Scripts(Life::new(Arc::clone(action))),
            ),
            Self::Mail(letters) => (
                &letters.jail,
                &letters.name,
                true,
                Act::Mail(Mailer::new(Arc::clone(letters))),
            ),
        };
        Worker {
            jail: jail.clone(),
            name: name.clone(),
            act,
            norestored,
            untold: Default::default(),
            names: Default::default(),
            hurry: Default::default(),
        }
    }

    /// True if what it does after the ban itself needs the lines of the ban.
    pub(crate) fn keeps_lines(&self) -> bool {
        let later = |action: &Definition| {
            let repairs = action.has(Command::Check);
            let mut commands = vec![Command::Prolong, Command::Unban];
            if repairs {
                commands.extend([Command::Ban, Command::Reban]);
            }
            action.asks_for(&commands, values::is_lines)
        };
        matches!(self, Self::Scripts(action) if later(action))
    }

    /// True if any of it needs the lines of a ban, so that a start has to read them.
    pub(crate) fn asks_for_lines(&self) -> bool {
        let commands = [
            Command::Ban,
            Command::Reban,
            Command::Prolong,
            Command::Unban,
        ];
        matches!(self, Self::Scripts(action) if action.asks_for(&commands, values::is_lines))
    }

    /// True if it does something when the configuration is read anew, even if that says nothing new of it.
    pub(crate) fn reloads(&self) -> bool {
        matches!(self, Self::Scripts(action) if action.has(Command::Reload))
    }

    /// True if a ban's command asks for the counters of the jail.
    pub(crate) fn counts(&self) -> bool {
        matches!(self, Self::Scripts(action) if action.asks_for(&[Command::Ban], values::is_counter))
    }
}
