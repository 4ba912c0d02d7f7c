//! `set NAME VALUE` for what concerns no single jail, as far as it is configuration.

use super::words::{count, seconds, text};
use super::{Setup, fault};
use base::Span;
use wire::fail2ban::{Exception, Value};

/// Names of what a server has once.
const NAMES: [&str; 8] = [
    "loglevel",
    "logtarget",
    "syslogsocket",
    "dbfile",
    "dbpurgeage",
    "dbmaxmatches",
    "allowipv6",
    "thread",
];

impl Setup {
    /// Whether this is the name of a thing of the server's, and so no jail's.
    pub(crate) fn is_global(name: &str) -> bool {
        NAMES.contains(&name)
    }

    /// `set NAME VALUE`, the whole command.
    pub(crate) fn set_global(&mut self, command: &[Value]) -> Result<(), Exception> {
        let words = command.get(1..).unwrap_or_default();
        let given = text(words, 1);
        let globals = &mut self.globals;
        match text(command, 0)?.as_str() {
            "set" => {}
            "config-error" => return Err(fault::exception(text(command, 1)?)),
            _ => return Ok(()),
        }
        match text(words, 0)?.as_str() {
            "loglevel" => globals.loglevel = given?,
            "logtarget" => globals.logtarget = Some(given?),
            "syslogsocket" => globals.syslogsocket = Some(given?),
            "allowipv6" => globals.allowipv6 = given?,
            "dbfile" => globals.dbfile = Some(given?),
            "dbpurgeage" => globals.dbpurgeage = Span::from_secs_f64(seconds(words, 1)?.value),
            "dbmaxmatches" => globals.dbmaxmatches = count(words, 1)?,
            _ => {}
        }
        Ok(())
    }
}
