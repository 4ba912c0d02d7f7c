//! `set` and `get` of what concerns no single jail: the log, the database.

use super::{Commands, Reply, words};
use crate::hub::Message;
use crate::setup::{self, Setup, fault};
use base::Span;
use wire::fail2ban::{Exception, Value};

impl Commands<'_> {
    /// `set NAME VALUE`; none if the name is not one of the server's.
    pub(super) fn set_server(&mut self, name: &str, words: &[Value]) -> Option<Reply> {
        Setup::is_global(name).then(|| self.set_named(name, words))
    }

    fn set_named(&mut self, name: &str, words: &[Value]) -> Reply {
        let given = words::text(words, 1)?;
        let head = [Value::from("set")];
        let command: Vec<Value> = head.into_iter().chain(words.iter().cloned()).collect();
        self.act_on_global(&command)?;
        self.change(|setup| setup.set_global(&command).map(|()| Value::None))?;
        self.get_server(name)
            .unwrap_or_else(|| Ok(Value::from(given)))
    }

    /// Does at once what a command asks of the log and the store; the rest is configuration.
    pub(super) fn act_on_global(&self, command: &[Value]) -> Result<(), Exception> {
        if words::text(command, 0)? != "set" {
            return Ok(());
        }
        let words = command.get(1..).unwrap_or_default();
        let given = words::text(words, 1)?;
        match words::text(words, 0)?.as_str() {
            "loglevel" => {
                let wrong = |_| {
                    let level = Value::from(given.to_uppercase()).repr();
                    fault::value(format!("Invalid log level {level}"))
                };
                self.reloader.log.set_level(&given).map_err(wrong)?;
            }
            "logtarget" => {
                let failed = |why| fault::exception(format!("Failed to change log target: {why}"));
                self.reloader.log.retarget(&given).map_err(failed)?;
            }
            "syslogsocket" => {
                let changed = self.reloader.log.set_syslogsocket(&given);
                changed.map_err(fault::exception)?;
            }
            // The store is opened once, before there is anything to keep in it.
            "dbfile" if !self.is_store(&given) => {
                let wrong = "Cannot change database when there are jails present";
                return Err(fault::runtime(wrong));
            }
            "dbpurgeage" => {
                let age = Span::from_secs_f64(setup::seconds(words, 1)?.value);
                // One that cannot be told any more purges nothing either.
                drop(self.reloader.hub.send(Message::PurgeAge(age)));
            }
            // Threads have the size that they need.
            _ => {}
        }
        Ok(())
    }

    /// Whether this names the store that there is.
    fn is_store(&self, name: &str) -> bool {
        let is_memory = name.eq_ignore_ascii_case("none") || name == ":memory:";
        let store = self.reloader.store.as_str();
        name == store || is_memory && store == "memory"
    }

    /// `get NAME`; none if the name is not one of the server's.
    pub(super) fn get_server(&self, name: &str) -> Option<Reply> {
        let globals = &self.running.setup.globals;
        Some(Ok(match name {
            "loglevel" => Value::from(self.reloader.log.level()),
            "logtarget" => Value::from(self.reloader.log.target()),
            "syslogsocket" => Value::from(self.reloader.log.syslogsocket()),
            "dbfile" => match self.reloader.store.as_str() {
                "memory" => Value::None,
                path => Value::from(path),
            },
            "dbpurgeage" => Value::Int(globals.dbpurgeage.as_secs_f64() as i64),
            "dbmaxmatches" => Value::Int(globals.dbmaxmatches.into()),
            "thread" => Value::Dict(vec![(Value::from("stacksize"), Value::Int(0))]),
            "allowipv6" => Value::from(globals.allowipv6.as_str()),
            _ => return None,
        }))
    }

    /// `flushlogs`.
    pub(super) fn flush_logs(&self) -> Reply {
        let flushed = self.reloader.log.reopen();
        let flushed = flushed.map_err(fault::exception)?;
        Ok(Value::from(flushed.text()))
    }
}
