//! The actions of a jail that are carried out by scripts or letters.

use crate::actions::{Definition, Letters, Machine, Planned};
use conf::{ActionSpec, Globals, JailSpec};
use std::sync::Arc;

/// fail2ban's one Python action that we know.
pub(crate) const MAIL: &str = "smtp.py";

/// True if the kernel does it at our own word.
pub(super) fn is_native(action: &ActionSpec, globals: &Globals) -> bool {
    let stock = action.stock.as_ref();
    stock.is_some_and(|stock| stock.native || globals.banaction_native)
}

/// All of a jail, in the order of its configuration. What is wrong with them is noted; `whole` gets what becomes of an
/// action as a whole.
pub(super) fn plan(
    spec: &JailSpec,
    globals: &Globals,
    machine: &Machine,
    notes: &mut Vec<String>,
    whole: &mut Vec<String>,
) -> Vec<Planned> {
    let mut planned = Vec::new();
    for action in &spec.actions {
        if is_native(action, globals) {
            continue;
        }
        if action.name == MAIL {
            match Letters::new(&spec.name, action) {
                Ok(letters) => planned.push(Planned::Mail(Arc::new(letters))),
                Err(why) => {
                    notes.push(format!("its action '{}' sends nothing: {why}", action.name))
                }
            }
        } else if action.name.ends_with(".py") {
            whole.push(format!(
                "its action '{}' is Python and is not carried out: call the program from an action.d file with shell commands",
                action.name
            ));
        } else {
            let definition =
                Definition::new(spec.name.as_str(), spec.bantime, action, machine, notes);
            planned.push(Planned::Scripts(Arc::new(definition)));
        }
    }
    planned
}
