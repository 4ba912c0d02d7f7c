//! The trees of `status`: of the server, of a jail, of all jails.

use super::stats::{self, Signs};
use super::{Made, Misfit, members};
use wire::fail2ban::Value;

pub(super) fn shown(words: &[String], value: &Value, signs: Signs) -> Made {
    match words.get(1).map(String::as_str) {
        None => of_server(value, false, signs),
        Some("--all") => of_server(value, true, signs),
        Some(jail) => match stats::of_one(jail, value, signs) {
            Some(table) => Ok(table),
            None => {
                let mut lines = vec![format!("Status for the jail: {jail}")];
                of_jail(value, "", &mut lines)?;
                Ok(lines.join("\n"))
            }
        },
    }
}

/// What is known of all, and with `--all` below it each jail.
fn of_server(value: &Value, has_jails: bool, signs: Signs) -> Made {
    let mut lines = vec!["Status".to_owned()];
    let mut parts = members(value).ok_or_else(|| misfit(&lines))?;
    let jails = match has_jails {
        true => match parts.pop() {
            Some(Value::Dict(jails)) => jails.as_slice(),
            _ => return Err(misfit(&lines)),
        },
        false => &[],
    };
    for (place, part) in parts.iter().enumerate() {
        let is_last = place + 1 == parts.len() && jails.is_empty();
        lines.push(row(branch(is_last), part).ok_or_else(|| misfit(&lines))?);
    }
    if jails.is_empty() {
        return Ok(lines.join("\n"));
    }
    lines.push("`- Status for the jails:".into());
    if let Some(table) = stats::table(jails, signs) {
        lines.push(table);
        return Ok(lines.join("\n"));
    }
    for (place, (jail, status)) in jails.iter().enumerate() {
        let is_last = place + 1 == jails.len();
        lines.push(format!("   {} Jail: {jail}", branch(is_last)));
        let indent = format!("   {}", trunk(is_last));
        of_jail(status, &indent, &mut lines)?;
    }
    Ok(lines.join("\n"))
}

/// The parts of a jail, each with rows.
fn of_jail(value: &Value, indent: &str, lines: &mut Vec<String>) -> Result<(), Misfit> {
    let parts = members(value).ok_or_else(|| misfit(lines))?;
    for (place, part) in parts.iter().enumerate() {
        let is_last = place + 1 == parts.len();
        let Some([name, rows, ..]) = part.items() else {
            return Err(misfit(lines));
        };
        lines.push(format!("{indent}{} {name}", branch(is_last)));
        let rows = members(rows).ok_or_else(|| misfit(lines))?;
        for (place, part) in rows.iter().enumerate() {
            let branch = branch(place + 1 == rows.len());
            let before = format!("{indent}{}{branch}", trunk(is_last));
            lines.push(row(&before, part).ok_or_else(|| misfit(lines))?);
        }
    }
    Ok(())
}

/// A name and a value; a list is shown without its brackets.
fn row(before: &str, part: &Value) -> Option<String> {
    let [name, value, ..] = part.items()? else {
        return None;
    };
    let value = match value {
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(Value::to_string).collect();
            items.join(" ")
        }
        value => value.to_string(),
    };
    Some(format!("{before} {name}:\t{value}"))
}

fn branch(is_last: bool) -> &'static str {
    if is_last { "`-" } else { "|-" }
}

/// What goes on beside the rows below a branch.
fn trunk(is_last: bool) -> &'static str {
    if is_last { "   " } else { "|  " }
}

fn misfit(lines: &[String]) -> Misfit {
    let lines = lines.iter().map(|line| Value::from(line.as_str()));
    Misfit(Value::list(lines).repr())
}
