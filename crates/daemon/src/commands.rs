//! fail2ban's commands (behaviour §6.4), answered in its types.
//!
//! They are worked on one after the other in the thread that owns the configuration, as the original does: what one
//! changes the next one sees. Who is banned and what was counted the hub tells, by the same messages that our own
//! clients get.

use crate::clock;
use crate::hub::By;
use crate::log::{Kind, Level};
use crate::plan::{Jail, Plan};
use crate::reload::{Reloader, Running};
use crate::setup::{Reload, Setup, fault};
use base::JailName;
use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;
use wire::fail2ban::{Exception, Value};

mod bans;
mod server;
mod status;
mod words;

/// What `version` says: the release whose manners these are.
pub(crate) const VERSION: &str = "1.1.1";
/// How long the hub may take for an answer; less than a client's patience.
const ANSWER: Duration = Duration::from_secs(50);
/// The longest `sleep`: nobody else is answered meanwhile.
const MOST_SLEEP: f64 = 10.0;

/// What a client gets.
pub(crate) type Reply = Result<Value, Exception>;

/// Commands that only ask, whatever their words.
const ASKING: [&str; 8] = [
    "ping",
    "version",
    "echo",
    "status",
    "stats",
    "statistic",
    "statistics",
    "banned",
];

/// Whether a command changes nothing, so that whoever may only look may give it.
pub(crate) fn only_asks(command: &Value) -> bool {
    let words = command.items().unwrap_or_default();
    let word = |at: usize| words.get(at).and_then(Value::as_str).unwrap_or_default();
    // What actions are made of may hold passwords.
    ASKING.contains(&word(0)) || word(0) == "get" && word(2) != "action"
}

/// What commands work on.
pub(crate) struct Commands<'a> {
    pub(crate) reloader: &'a Reloader,
    pub(crate) running: &'a mut Running,
}

impl Commands<'_> {
    /// Answers one command.
    pub(crate) fn answer(&mut self, command: &Value) -> Reply {
        // Python takes the first letter of a text that is no list.
        let Some(all) = command.items() else {
            return Err(fault::exception("Invalid command"));
        };
        let first = words::text(all, 0)?;
        let rest = all.get(1..).unwrap_or_default();
        match first.as_str() {
            "ping" => Ok(Value::from("pong")),
            "version" => Ok(Value::from(VERSION)),
            "echo" => Ok(Value::List(rest.to_vec())),
            "sleep" => sleep(rest),
            "server-status" => Ok(Value::from("Server ready")),
            "config-error" => {
                let text: Vec<String> = rest.iter().map(ToString::to_string).collect();
                self.tell(Level::Error, "transmitter", &text.join(" "));
                Ok(Value::None)
            }
            "add" => self.change(|setup| setup.add(rest)),
            "start" => {
                let name = words::text(rest, 0)?;
                self.change(|setup| setup.start(&name))
            }
            "stop" => {
                let name = words::text(rest, 0)?;
                self.change(|setup| setup.stop(&name))
            }
            "reload" => self.reload(rest),
            "server-stream" => self.stream(rest.first().and_then(Value::items).unwrap_or_default()),
            "multi-set" => {
                let name = words::text(rest, 0)?;
                let words = rest.get(1..).unwrap_or_default();
                self.change(|setup| setup.set_many(&name, words))
            }
            "set" => self.set(rest),
            "get" => self.get(rest),
            "status" => self.status(rest),
            "stats" | "statistic" | "statistics" => self.statistics(),
            "banned" => self.banned(rest),
            "unban" => self.unban(rest),
            "flushlogs" => self.flush_logs(),
            _ => Err(fault::exception("Invalid command")),
        }
    }

    fn set(&mut self, words: &[Value]) -> Reply {
        let name = words::text(words, 0)?;
        if let Some(answer) = self.set_server(&name, words) {
            return answer;
        }
        let option = words::text(words, 1)?;
        match option.as_str() {
            "banip" => self.ban(&name, &words[2..]),
            "unbanip" => self.unban_in(&name, &words[2..]),
            "attempt" => self.attempt(&name, &words[2..]),
            "addlogpath" => {
                self.running.setup.jail(&name)?;
                // A log that somebody names must be there, or the name is wrong.
                let path = words::text(words, 2)?;
                os::open_log_file(path.as_ref()).map_err(|error| fault::file(&error))?;
                self.change(|setup| setup.set(words))
            }
            _ => self.change(|setup| setup.set(words)),
        }
    }

    fn get(&mut self, words: &[Value]) -> Reply {
        let name = words::text(words, 0)?;
        if let Some(answer) = self.get_server(&name) {
            return answer;
        }
        match words::text(words, 1)?.as_str() {
            "banip" => self.banned_in(&name, &words[2..]),
            "banned" => self.is_banned_in(&name, &words[2..]),
            "logpath" => {
                let jail = self.running.setup.jail(&name)?;
                Ok(Value::list(status::logs(&jail.spec.logpath)))
            }
            _ => self.running.setup.get(words),
        }
    }

    /// Changes the setup and goes over to it; if that fails nothing has changed.
    fn change(&mut self, change: impl FnOnce(&mut Setup) -> Reply) -> Reply {
        let before = self.running.setup.clone();
        let answer = match change(&mut self.running.setup) {
            Ok(answer) => answer,
            Err(why) => {
                self.running.setup = before;
                return Err(why);
            }
        };
        // A jail that turns out wrong is what it was before.
        match self.go_over(&before).into_values().next() {
            Some(why) => Err(why),
            None => Ok(answer),
        }
    }

    /// `reload J|--all OPTIONS COMMANDS`. A daemon that reads its configuration itself does so, whatever a client has
    /// made of its own.
    fn reload(&mut self, words: &[Value]) -> Reply {
        let name = words::text(words, 0)?;
        let options = words.get(1).and_then(Value::items).unwrap_or_default();
        let has = |option: &str| options.iter().any(|word| word.as_str() == Some(option));
        let what = match name.as_str() {
            "--all" => Reload::All,
            name => Reload::Jail(name),
        };
        if let Reload::Jail(name) = what
            && !has("--if-exists")
        {
            self.running.setup.jail(name)?;
        }
        if has("--unban") {
            self.unban_before(what)?;
        }
        if self.reloader.configuration.is_read_here() {
            let done = self.reloader.reread(self.running);
            return done.map(|_| Value::from("OK")).map_err(fault::exception);
        }
        let stream = words.get(2).and_then(Value::items).unwrap_or_default();
        if has("--restart") {
            self.restart(what, stream);
        }
        self.tell(
            Level::Info,
            "server",
            &match what {
                Reload::All => "Reload all jails".to_owned(),
                Reload::Jail(name) => format!("Reload jail '{name}'"),
            },
        );
        let done = self.apply(what, stream);
        self.tell(Level::Info, "server", "Reload finished.");
        done.map(|()| Value::from("OK"))
    }

    /// `server-stream COMMANDS`.
    fn stream(&mut self, stream: &[Value]) -> Reply {
        self.apply(Reload::All, stream).map(|()| Value::None)
    }

    /// Goes over to what a stream says. Jails that are wrong stay as they were, and the first of them is told.
    fn apply(&mut self, what: Reload<'_>, stream: &[Value]) -> Result<(), Exception> {
        let before = self.running.setup.clone();
        let applied = self.running.setup.apply(what, stream);
        for words in &applied.others {
            // A log target that cannot be opened is no reason to guard by an old configuration.
            let done = self.act_on_global(words);
            if let Err(why) = done.and_then(|()| self.running.setup.set_global(words)) {
                self.tell(Level::Error, "transmitter", &why.message());
            }
        }
        let mut wrong = applied.wrong;
        wrong.extend(self.go_over(&before));
        for (jail, why) in &wrong {
            let text = format!(
                "[{jail}] its new form is wrong, it stays as it was: {}",
                why.message()
            );
            self.tell(Level::Error, "jail", &text);
        }
        match wrong.into_values().next() {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }

    /// Ends jails, so that they begin anew. The stream says again what they are; what clients have set since is gone with
    /// them, as in fail2ban. One whose new form is wrong is not ended: it would not begin again.
    fn restart(&mut self, what: Reload<'_>, stream: &[Value]) {
        let before = self.running.setup.clone();
        let stays = |jail: &str| match what {
            Reload::All => false,
            Reload::Jail(name) => jail != name,
        };
        let mut trial = before.clone();
        trial.retain(|jail| stays(jail.spec.name.as_str()));
        let mut wrong: BTreeSet<JailName> = trial.apply(what, stream).wrong.into_keys().collect();
        let plan = self.reloader.configuration.compile(trial.config());
        wrong.extend(plan.broken.into_iter().map(|(jail, _)| jail));
        self.running
            .setup
            .retain(|jail| stays(jail.spec.name.as_str()) || wrong.contains(&jail.spec.name));
        drop(self.go_over(&before));
    }

    /// Compiles what is other than before; the rest is taken as it runs.
    fn compile(&self, before: &Setup) -> Plan {
        let mut config = self.running.setup.config();
        let mut as_before = Vec::new();
        if config.globals == before.globals {
            let old = before.config();
            let runs = |jail: &&Jail| !jail.is_removed;
            let running: Vec<&Jail> = self.running.jails.iter().filter(runs).collect();
            config.jails.retain(|spec| {
                let runs = running.iter().find(|jail| jail.name == spec.name);
                match runs.filter(|_| old.jails.contains(spec)) {
                    Some(jail) => {
                        as_before.push(Jail::clone(jail));
                        false
                    }
                    None => true,
                }
            });
        }
        let mut plan = self.reloader.configuration.compile(config);
        plan.jails.extend(as_before);
        plan
    }

    /// Compiles the setup and goes over to it. Jails that cannot be compiled are put back to what they were.
    fn go_over(&mut self, before: &Setup) -> BTreeMap<JailName, Exception> {
        let plan = self.compile(before);
        let mut wrong = BTreeMap::new();
        for (jail, diagnostic) in &plan.broken {
            self.running.setup.undo(before, jail.as_str());
            wrong.insert(jail.clone(), fault::exception(diagnostic.message.clone()));
        }
        if let Err(text) = self.reloader.swap(self.running, plan, By::Command) {
            self.tell(Level::Error, "server", &text);
        }
        wrong
    }

    fn tell(&self, level: Level, module: &str, text: &str) {
        self.reloader
            .log
            .write(clock::now(), level, Kind::Rare, module, text);
    }
}

/// `sleep SECONDS`.
fn sleep(words: &[Value]) -> Reply {
    let text = words::text(words, 0)?;
    let seconds: f64 = text.trim().parse().map_err(|_| {
        let quoted = Value::from(text.as_str()).repr();
        fault::value(format!("could not convert string to float: {quoted}"))
    })?;
    let time = Duration::try_from_secs_f64(seconds.clamp(0.0, MOST_SLEEP));
    let time = time.map_err(|_| fault::value("Invalid value NaN (not a number)"))?;
    thread::sleep(time);
    Ok(Value::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_only_look_changes_nothing_and_sees_no_secret() {
        let check = |line: &str, expected: bool| {
            let command = Value::list(line.split(' '));
            assert_eq!(only_asks(&command), expected, "{line}");
        };
        for line in [
            "ping",
            "status",
            "status sshd",
            "banned",
            "get sshd banip",
            "statistics",
        ] {
            check(line, true);
        }
        for line in [
            "stop",
            "set sshd banip 1.2.3.4",
            "unban --all",
            "reload",
            "flushlogs",
            "",
        ] {
            check(line, false);
        }
        check("get sshd action mail password", false);
        assert!(!only_asks(&Value::from("status")));
    }
}
