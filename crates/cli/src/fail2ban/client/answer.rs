//! What a person reads of a server's answer: for each command its layout, for all else Python's text of the value.
//!
//! Which layout it is follows from the words of the command alone, as in the original: the third word decides, whatever the
//! first two are. A value that does not fit its layout, which no sound server sends, is told as the original tells it: what
//! was laid out so far and the value, both as literals.

mod refusal;
mod stats;
mod status;

use base::literal;
pub(super) use refusal::refusal;
pub(super) use stats::Signs;
use wire::fail2ban::Value;

/// The text; or, if the value does not fit, what there is to print instead.
pub(super) type Shown = Result<String, String>;

/// The answer to a command.
pub(super) fn shown(words: &[String], value: &Value, signs: Signs) -> Shown {
    let made = laid_out(words, value, signs);
    made.map_err(|Misfit(so_far)| format!("{so_far}{}", value.repr()))
}

/// The value is none that the layout is for. Holds the literal of what was laid out by then.
struct Misfit(String);

type Made = Result<String, Misfit>;

fn laid_out(words: &[String], value: &Value, signs: Signs) -> Made {
    let word = |place: usize| words.get(place).map(String::as_str);
    match word(0) {
        Some("ping") => Ok(format!("Server replied: {}", text(value)?)),
        Some("version") => Ok(value.to_string()),
        Some("start") => Ok("Jail started".into()),
        Some("stop") if *value != Value::None => Ok(value.to_string()),
        Some("stop") if words.len() == 1 => Ok("Shutdown successful".into()),
        Some("stop") => Ok("Jail stopped".into()),
        Some("add") => Ok(format!("Added jail {}", text(value)?)),
        Some("flushlogs") => Ok(format!("logs: {}", text(value)?)),
        Some("echo") => Ok(texts(value)?.join(" ")),
        Some("status") => status::shown(words, value, signs),
        Some("stats" | "statistic" | "statistics") => stats::of_all(value, signs),
        // What the client itself puts together has jails in it, which may be called like an option.
        Some("reload" | "server-stream" | "server-status") => Ok(value.to_string()),
        _ => match (of_server(word(1), value), word(2)) {
            (Some(made), _) => made,
            (None, Some(item)) => of_jail(words, item, value),
            (None, None) => Ok(value.to_string()),
        },
    }
}

/// Options of the server.
fn of_server(option: Option<&str>, value: &Value) -> Option<Made> {
    let below = |title: &str| {
        let head = format!("{title}:\n");
        match value {
            Value::Str(text) => Ok(format!("{head}`- {text}")),
            _ => Err(Misfit(literal(&head))),
        }
    };
    let made = match option? {
        "loglevel" => Ok(format!("Current logging level is {}", level(value))),
        "logtarget" => below("Current logging target is"),
        "syslogsocket" => below("Current syslog socket is"),
        "dbfile" | "dbpurgeage" if *value == Value::None => {
            Ok("Database currently disabled".to_owned())
        }
        "dbfile" => below("Current database file is"),
        "dbpurgeage" => {
            let head = "Current database purge age is:\n";
            match value {
                Value::Int(seconds) => Ok(format!("{head}`- {seconds}seconds")),
                _ => Err(Misfit(literal(head))),
            }
        }
        _ => return None,
    };
    Some(made)
}

/// A level is a name, quoted, or the number of one.
fn level(value: &Value) -> String {
    let name = match value {
        Value::Int(50) => "CRITICAL",
        Value::Int(40) => "ERROR",
        Value::Int(30) => "WARNING",
        Value::Int(25) => "NOTICE",
        Value::Int(20) => "INFO",
        Value::Int(18) => "MSG",
        Value::Int(10) => "DEBUG",
        Value::Int(7) => "TRACE",
        Value::Int(5) => "HEAVY",
        Value::Int(0) => "NOTSET",
        Value::Int(number) => return literal(&format!("Level {number}")),
        other => return other.repr(),
    };
    literal(name)
}

/// Options of a jail, asked for or just set.
fn of_jail(words: &[String], item: &str, value: &Value) -> Made {
    match item {
        "logpath" | "addlogpath" | "dellogpath" => tree(
            value,
            "No file is currently monitored",
            "Current monitored log file(s):",
            |_| String::new(),
        ),
        "ignoreip" | "addignoreip" | "delignoreip" => tree(
            value,
            "No IP address/network is ignored",
            "These IP addresses/networks are ignored:",
            |_| String::new(),
        ),
        "failregex" | "addfailregex" | "delfailregex" | "ignoreregex" | "addignoreregex"
        | "delignoreregex" => tree(
            value,
            "No regular expression is defined",
            "The following regular expression are defined:",
            |place| format!("[{place}]: "),
        ),
        "logencoding" => under("Current log encoding is set to:", text(value)),
        "journalmatch" | "addjournalmatch" | "deljournalmatch" => matches(value),
        "datepattern" => date_pattern(value),
        "actions" => named(words, "actions", value),
        "actionproperties" => named(words, "properties", value),
        "actionmethods" => named(words, "methods", value),
        "banip" if words[0] == "get" && matches!(value, Value::List(_)) => {
            let separator = match words.get(3).map(String::as_str) {
                None => " ",
                Some("--with-time") => "\n",
                Some(other) => other,
            };
            Ok(texts(value)?.join(separator))
        }
        _ => Ok(value.to_string()),
    }
}

/// A title and below it one line for each text; or a sentence for none.
fn tree(value: &Value, none: &str, title: &str, mark: impl Fn(usize) -> String) -> Made {
    let items = some(value)?;
    let Some(last) = items.len().checked_sub(1) else {
        return Ok(none.into());
    };
    let mut out = format!("{title}\n");
    for (place, item) in items.iter().enumerate() {
        let Value::Str(item) = item else {
            return Err(Misfit(literal(&out)));
        };
        let (branch, end) = if place == last {
            ("`-", "")
        } else {
            ("|-", "\n")
        };
        out += &format!("{branch} {}{item}{end}", mark(place));
    }
    Ok(out)
}

/// A title and below it a text.
fn under(title: &str, made: Made) -> Made {
    let head = format!("{title}\n");
    match made {
        Ok(text) => Ok(head + &text),
        Err(_) => Err(Misfit(literal(&head))),
    }
}

/// Alternatives, each of which is a list of conditions.
fn matches(value: &Value) -> Made {
    let alternatives = some(value)?;
    if alternatives.is_empty() {
        return Ok("No journal match filter set".into());
    }
    let parts = alternatives.iter().map(|alternative| match alternative {
        Value::Str(text) => Ok(text.clone()),
        conditions => Ok(texts(conditions)?.join(" ")),
    });
    let parts: Result<Vec<String>, Misfit> = parts.collect();
    under(
        "Current match filter:",
        parts.map(|parts| parts.join(" + ")),
    )
}

fn date_pattern(value: &Value) -> Made {
    let head = "Current date pattern set to: ";
    let pattern = match value {
        Value::None => "Not set/required".into(),
        Value::Tuple(pair) => match pair.as_slice() {
            [Value::None, name] => name.to_string(),
            [pattern, name] => format!("{pattern} ({name})"),
            _ => return Err(Misfit(literal(head))),
        },
        _ => return Err(Misfit(literal(head))),
    };
    Ok(format!("{head}{pattern}"))
}

/// The actions of a jail, or what an action has.
fn named(words: &[String], what: &str, value: &Value) -> Made {
    let jail = words.get(1).map_or("", String::as_str);
    let whose = match words.get(3) {
        Some(action) if what != "actions" => format!("jail {jail} action {action}"),
        _ => format!("jail {jail}"),
    };
    if some(value)?.is_empty() {
        return Ok(format!("No {what} for {whose}"));
    }
    under(
        &format!("The {whose} has the following {what}:"),
        texts(value).map(|names| names.join(", ")),
    )
}

/// The members of what has members; of a dictionary its keys.
fn members(value: &Value) -> Option<Vec<&Value>> {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            Some(items.iter().collect())
        }
        Value::Dict(pairs) => Some(pairs.iter().map(|(key, _)| key).collect()),
        _ => None,
    }
}

fn some(value: &Value) -> Result<Vec<&Value>, Misfit> {
    members(value).ok_or_else(|| Misfit(value.repr()))
}

fn text(value: &Value) -> Made {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| Misfit(value.repr()))
}

fn texts(value: &Value) -> Result<Vec<&str>, Misfit> {
    let texts = some(value)?.into_iter().map(Value::as_str);
    let texts: Option<Vec<&str>> = texts.collect();
    texts.ok_or_else(|| Misfit(value.repr()))
}

#[cfg(test)]
mod tests;
