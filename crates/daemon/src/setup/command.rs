//! One command for one jail: `set J OPTION …` and `get J OPTION …` (behaviour §6.4).

use super::words::text;
use super::{Configured, Setup, fault};
use wire::fail2ban::{Exception, Value};

impl Setup {
    /// Changes a jail; the answer is the value as it is then.
    pub(crate) fn set(&mut self, words: &[Value]) -> Result<Value, Exception> {
        let name = text(words, 0)?;
        let option = text(words, 1)?;
        if !Configured::knows(&option) {
            return Err(fault::exception(format!(
                "Invalid command '{option}' (no set action or not yet implemented)"
            )));
        }
        self.jail_mut(&name)?.set(&words[1..])
    }

    /// `get J …`.
    pub(crate) fn get(&self, words: &[Value]) -> Result<Value, Exception> {
        let name = text(words, 0)?;
        let option = text(words, 1)?;
        let unknown = || fault::exception("Invalid command (no get action or not yet implemented)");
        if !Configured::tells(&option) {
            return Err(unknown());
        }
        let jail = self.jail(&name)?;
        let found = jail.option(&option).or_else(|| jail.rules(&option));
        match found.map(Ok).or_else(|| jail.actions(&words[1..])) {
            Some(answer) => answer,
            None => Err(unknown()),
        }
    }
}

/// Options and how what they change is asked for.
const SETTERS: [(&str, &str); 30] = [
    ("idle", "idle"),
    ("ignoreself", "ignoreself"),
    ("addignoreip", "ignoreip"),
    ("delignoreip", "ignoreip"),
    ("ignorecommand", "ignorecommand"),
    ("ignorecache", "ignorecache"),
    ("addlogpath", "logpath"),
    ("dellogpath", "logpath"),
    ("logencoding", "logencoding"),
    ("addjournalmatch", "journalmatch"),
    ("deljournalmatch", "journalmatch"),
    ("prefregex", "prefregex"),
    ("addfailregex", "failregex"),
    ("delfailregex", "failregex"),
    ("addignoreregex", "ignoreregex"),
    ("delignoreregex", "ignoreregex"),
    ("usedns", "usedns"),
    ("findtime", "findtime"),
    ("datepattern", "datepattern"),
    ("logtimezone", "logtimezone"),
    ("maxmatches", "maxmatches"),
    ("maxretry", "maxretry"),
    ("maxlines", "maxlines"),
    ("bantime", "bantime"),
    ("addaction", "actions"),
    ("delaction", "actions"),
    ("action", "action"),
    ("banip", "banip"),
    ("unbanip", "banip"),
    ("attempt", "attempt"),
];
/// What can be asked for and is set under another name, or not at all.
const GETTERS: [&str; 2] = ["actionproperties", "actionmethods"];

impl Configured {
    fn knows(option: &str) -> bool {
        option.starts_with("bantime.") || SETTERS.iter().any(|(known, _)| *known == option)
    }

    fn tells(option: &str) -> bool {
        let asked =
            |(_, known): &(&str, &str)| *known == option && !matches!(option, "idle" | "attempt");
        option.starts_with("bantime.") || GETTERS.contains(&option) || SETTERS.iter().any(asked)
    }

    /// `words` begins with the option.
    fn set(&mut self, words: &[Value]) -> Result<Value, Exception> {
        let option = text(words, 0)?;
        match option.as_str() {
            "addaction" => return self.add_action(words),
            "delaction" => return self.delete_action(words),
            "action" => return self.set_action(words),
            _ => {}
        }
        if self.set_option(&option, words)? || self.set_rules(&option, words)? {
            let shown = SETTERS.iter().find(|(known, _)| *known == option);
            let shown = shown.map_or(option.as_str(), |(_, shown)| shown);
            return Ok(self
                .option(shown)
                .or_else(|| self.rules(shown))
                .unwrap_or(Value::None));
        }
        Err(fault::exception("Invalid command"))
    }

    /// `multi-set J OPTION [VALUE, …]`: the option once for each value.
    pub(super) fn set_many(&mut self, words: &[Value]) -> Result<(), Exception> {
        let option = text(words, 0)?;
        if option == "action" {
            return self.set_action_whole(words);
        }
        let values = words
            .get(1)
            .and_then(Value::items)
            .ok_or_else(fault::too_few)?;
        for value in values {
            self.set_unchecked(&[Value::from(option.as_str()), value.clone()])?;
        }
        Ok(())
    }

    /// The same of a stream: it names logs that need not be there, and its expressions are looked at all together.
    pub(super) fn set_unchecked(&mut self, words: &[Value]) -> Result<(), Exception> {
        let option = text(words, 0)?;
        match option.as_str() {
            "addaction" => drop(self.add_action(words)?),
            "action" => drop(self.set_action(words)?),
            "addfailregex" | "addignoreregex" | "prefregex" => self.push_rule(&option, words)?,
            _ => {
                if !self.set_option(&option, words)? && !self.set_rules(&option, words)? {
                    return Err(fault::exception(format!(
                        "Invalid command '{option}' (no set action or not yet implemented)"
                    )));
                }
            }
        }
        Ok(())
    }
}
