//! `stockade migrate`: from fail2ban to Stockade and back, with every ban that stands.
//!
//! Without an option it says what would change and changes nothing. `--switch` stops fail2ban, starts Stockade in its
//! place, and looks whether each jail and each ban is there again; whatever fails on the way is undone, so that fail2ban
//! guards as before. `--back` is the way back. What it did stands in a record until then.
//!
//! Everything that touches the system goes through [`machine::Machine`], so that each step can fail in a test.

mod back;
mod bans;
mod guardian;
mod hand_back;
mod machine;
mod names;
mod plan;
mod record;
mod switch;
#[cfg(test)]
mod tests;

use crate::args;
use crate::output::Output;
use guardian::Guardian;
use machine::{Machine, Real};
use std::io;
use std::process::ExitCode;

/// Why it did not come to pass.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    what: String,
    help: &'static str,
    /// Nothing was begun.
    is_refusal: bool,
}

type Done<T = ()> = Result<T, Fault>;

impl Fault {
    /// On the way.
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            help: "",
            is_refusal: false,
        }
    }

    /// Before anything was done.
    fn refusal(what: impl Into<String>, help: &'static str) -> Self {
        Self {
            what: what.into(),
            help,
            is_refusal: true,
        }
    }
}

pub(crate) fn migrate(options: &args::Migrate, output: &mut Output) -> io::Result<ExitCode> {
    let target = match options.native {
        true => Guardian::Native,
        false => Guardian::StandIn,
    };
    // A line that drops, or a key that is pressed, must not leave the machine between two guardians.
    let _signals = (options.switch || options.back).then(os::Signals::block);
    let mut machine = Real::new(output);
    let done = match (options.switch, options.back) {
        (true, _) => switch::switch(&mut machine, target, options.names).map(|()| true),
        (_, true) => back::back(&mut machine),
        _ => {
            let plan = plan::plan(&mut machine, target);
            match options.json {
                true => output.data(&wire::encode(&plan))?,
                false => plan::show(&mut machine, target, &plan),
            }
            Ok(plan.is_well())
        }
    };
    Ok(ExitCode::from(match done {
        Ok(is_well) => u8::from(!is_well),
        Err(fault) => {
            output.complain(&format!("error: {}", fault.what));
            if !fault.help.is_empty() {
                output.complain(&format!("help: {}", fault.help));
            }
            match fault.is_refusal {
                true => 3,
                false => 1,
            }
        }
    }))
}

/// Only root may stop and start guardians.
fn must_be_root(machine: &dyn Machine) -> Done {
    match machine.is_root() {
        true => Ok(()),
        false => Err(Fault::refusal(
            "only root may stop one guardian and start another",
            "try sudo",
        )),
    }
}

/// A number and what it is of.
fn count(number: usize, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}
