//! The words of the command line, as Python's `getopt` reads them: short options may stand together and with their
//! value (`-vdc/etc/x`), long ones may be cut short while they stay unique (`--du`), and the first word that is none
//! ends the options.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// `-h`.
    Help,
    /// `-V`: the bare number.
    Number,
    /// `--version`.
    Version,
    /// `--str2sec`.
    Seconds(String),
    /// To work with these options.
    Work(Options),
}

/// Options of a client that works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The configuration's directory.
    pub(crate) conf: PathBuf,
    /// Those of fail2ban.conf that are given here.
    pub(crate) given: Vec<(&'static str, String)>,
    /// Print the stream.
    pub(crate) dump: bool,
    /// Print it for people.
    pub(crate) is_pretty: bool,
    /// Test the configuration.
    pub(crate) test: bool,
    /// Steps up from warnings; down if negative.
    pub(crate) verbosity: i32,
    /// `-i`.
    pub(crate) is_interactive: bool,
    /// `-x`: a socket that nobody answers is removed at the start of a server.
    pub(crate) removes_socket: bool,
    /// `-f`: the server is this process; `-b`: another one.
    pub(crate) is_foreground: bool,
    /// `--async`: the server reads no configuration, but gets its commands through its socket.
    pub(crate) is_async: bool,
    /// `--timeout`: how long a start or a stop may take.
    pub(crate) timeout: Duration,
    /// `--pname`.
    pub(crate) process_name: Option<String>,
    /// The command.
    pub(crate) words: Vec<String>,
}

/// How long a server may take to answer or to end, if nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The options: each name, and whether it takes a value.
const SHORT: [(&str, bool); 13] = [
    ("c", true),
    ("s", true),
    ("p", true),
    ("d", false),
    ("t", false),
    ("i", false),
    ("v", false),
    ("q", false),
    ("x", false),
    ("b", false),
    ("f", false),
    ("h", false),
    ("V", false),
];
const LONG: [(&str, bool); 15] = [
    ("conf", true),
    ("socket", true),
    ("pidfile", true),
    ("pname", true),
    ("loglevel", true),
    ("logtarget", true),
    ("syslogsocket", true),
    ("dp", false),
    ("dump-pretty", false),
    ("test", false),
    ("async", false),
    ("timeout", true),
    ("str2sec", true),
    ("help", false),
    ("version", false),
];

/// What is wrong with the words, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// There is no such option, or its value is missing.
    Usage(String),
    /// A value makes no sense.
    Value(String),
}

/// Reads the words behind the program's name.
pub(super) fn parse(words: &[OsString]) -> Result<Wish, Wrong> {
    let words: Vec<String> = words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let (pairs, rest) = split(&words).map_err(Wrong::Usage)?;
    let mut options = Options {
        conf: "/etc/fail2ban".into(),
        given: Vec::new(),
        dump: false,
        is_pretty: false,
        test: false,
        verbosity: 0,
        is_interactive: false,
        removes_socket: false,
        is_foreground: false,
        is_async: false,
        timeout: TIMEOUT,
        process_name: None,
        words: rest.to_vec(),
    };
    for (name, value) in pairs {
        match name {
            "c" | "conf" => options.conf = value.into(),
            "s" | "socket" => options.give("socket", value),
            "p" | "pidfile" => options.give("pidfile", value),
            "loglevel" => options.give("loglevel", value),
            "logtarget" => options.give("logtarget", value),
            "syslogsocket" => options.give("syslogsocket", value),
            "d" => options.dump = true,
            "dp" | "dump-pretty" => (options.dump, options.is_pretty) = (true, true),
            "t" | "test" => options.test = true,
            "v" => options.verbosity += 1,
            "q" => options.verbosity -= 1,
            "i" => options.is_interactive = true,
            "timeout" => options.timeout = duration(&value)?,
            "x" => options.removes_socket = true,
            "f" => options.is_foreground = true,
            "b" => options.is_foreground = false,
            "async" => options.is_async = true,
            "pname" => options.process_name = Some(value),
            "str2sec" => return Ok(Wish::Seconds(value)),
            "h" | "help" => return Ok(Wish::Help),
            "V" => return Ok(Wish::Number),
            "version" => return Ok(Wish::Version),
            // No other name is in the tables.
            _ => {}
        }
    }
    Ok(Wish::Work(options))
}

fn duration(value: &str) -> Result<Duration, Wrong> {
    let wrong = |why: String| Wrong::Value(format!("--timeout '{value}': {why}"));
    let seconds = base::parse_duration(value).map_err(|why| wrong(why.to_string()))?;
    // Less than none is none: what is asked for must be there already.
    Duration::try_from_secs_f64(seconds.max(0.0)).map_err(|why| wrong(why.to_string()))
}

impl Options {
    fn give(&mut self, key: &'static str, value: String) {
        self.given.retain(|(known, _)| *known != key);
        self.given.push((key, value));
    }
}

type Pair = (&'static str, String);

/// The options with their values, and the words that are none.
fn split(words: &[String]) -> Result<(Vec<Pair>, &[String]), String> {
    let mut pairs = Vec::new();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        let Some(name) = word.strip_prefix('-').filter(|name| !name.is_empty()) else {
            break;
        };
        rest = after;
        if name == "-" {
            break;
        }
        match name.strip_prefix('-') {
            Some(name) => pairs.push(long(name, &mut rest)?),
            None => short(name, &mut rest, &mut pairs)?,
        }
    }
    Ok((pairs, rest))
}

fn long(word: &str, rest: &mut &[String]) -> Result<Pair, String> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    let alike: Vec<&(&str, bool)> = LONG
        .iter()
        .filter(|(known, _)| known.starts_with(name))
        .collect();
    let exact = alike.iter().find(|(known, _)| *known == name);
    let (name, takes_value) = match (exact, alike.as_slice()) {
        (Some(found), _) => **found,
        (None, [found]) => **found,
        (None, []) => return Err(format!("option --{name} is not known")),
        (None, many) => {
            let names: Vec<String> = many.iter().map(|(name, _)| format!("--{name}")).collect();
            return Err(format!("option --{name} may be {}", names.join(" or ")));
        }
    };
    match (takes_value, value) {
        (true, Some(value)) => Ok((name, value)),
        (true, None) => Ok((name, next(&format!("--{name}"), rest)?)),
        (false, None) => Ok((name, String::new())),
        (false, Some(_)) => Err(format!("option --{name} takes no value")),
    }
}

fn short(cluster: &str, rest: &mut &[String], pairs: &mut Vec<Pair>) -> Result<(), String> {
    let mut letters = cluster.chars();
    while let Some(letter) = letters.next() {
        let known = SHORT.iter().find(|(name, _)| name.starts_with(letter));
        let (name, takes_value) = *known.ok_or(format!("option -{letter} is not known"))?;
        if !takes_value {
            pairs.push((name, String::new()));
            continue;
        }
        let value = match letters.as_str() {
            "" => next(&format!("-{letter}"), rest)?,
            value => value.to_owned(),
        };
        pairs.push((name, value));
        return Ok(());
    }
    Ok(())
}

/// The value of an option that stands in the next word.
fn next(option: &str, rest: &mut &[String]) -> Result<String, String> {
    let (value, after) = rest
        .split_first()
        .ok_or(format!("option {option} needs a value"))?;
    *rest = after;
    Ok(value.clone())
}

#[cfg(test)]
mod tests;
