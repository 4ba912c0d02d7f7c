//! Who would carry out a jail's actions.

use conf::{ActionSpec, Globals, JailSpec};

/// One action of a jail.
#[derive(Clone, Debug)]
pub struct CheckedAction {
    /// The file's stem in `action.d`.
    pub name: String,
    /// What it is called in this jail.
    pub actname: String,
    /// Who carries it out.
    pub by: Enforcement,
}

/// Who carries an action out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// The kernel, at our own word.
    Native {
        /// The ports as written; `None` for all.
        ports: Option<String>,
        /// As written.
        protocol: String,
        /// `drop` or `reject`.
        blocktype: &'static str,
        /// `all` or `host`.
        scope: &'static str,
    },
    /// Commands of a shell, and why it is not native.
    Shell {
        /// One sentence, without a full stop.
        why: &'static str,
    },
    /// Letters: fail2ban's `smtp.py`.
    Mail,
    /// A class of fail2ban's own program; nobody carries it out.
    Python,
}

/// All actions of a jail.
pub(crate) fn of(spec: &JailSpec, globals: &Globals) -> Vec<CheckedAction> {
    let actions = spec.actions.iter();
    let checked = actions.map(|action| CheckedAction {
        name: action.name.clone(),
        actname: action.actname.clone(),
        by: by(action, globals),
    });
    checked.collect()
}

fn by(action: &ActionSpec, globals: &Globals) -> Enforcement {
    if action.name.ends_with(".py") {
        let is_mail = action.name == crate::plan::MAIL;
        return if is_mail {
            Enforcement::Mail
        } else {
            Enforcement::Python
        };
    }
    match &action.stock {
        Some(stock) if stock.native || globals.banaction_native => Enforcement::Native {
            ports: stock.port.as_ref().map(|port| port.text.clone()),
            protocol: stock.protocol.clone(),
            blocktype: match stock.blocktype {
                conf::Blocktype::Drop => "drop",
                conf::Blocktype::Reject => "reject",
            },
            scope: match stock.scope {
                conf::Scope::All => "all",
                conf::Scope::Host => "host",
            },
        },
        Some(_) => Enforcement::Shell {
            why: "banaction_native = no",
        },
        None if conf::is_stock_banaction(&action.name) => Enforcement::Shell {
            why: "its commands or its blocktype were changed",
        },
        None => Enforcement::Shell {
            why: "it is none of the stock ban actions",
        },
    }
}
