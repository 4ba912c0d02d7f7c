//! The table of `stats`: a jail a row, with counters of its filter and its actions.
//!
//! The same values also come as the flavour `stats` of `status`, where the original prints what no one can read.

use super::{Made, Misfit};
use wire::fail2ban::Value;

/// What the lines are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Signs {
    /// For terminals that know nothing else.
    Ascii,
    /// Box drawing.
    Unicode,
}

/// The signs by the places where they stand.
struct Lines {
    /// Between jail, backend, filter and actions.
    column: char,
    /// Between the two counters.
    inner: char,
    /// Below `Filter` and `Actions`: its left end, its line and its crossing.
    under: [char; 3],
    /// Above the jails: the line and its crossing.
    above: [char; 2],
    /// Below them: the crossing; the line is the same.
    below: char,
}

impl Signs {
    /// Those of a locale: what `LC_ALL`, `LC_CTYPE` and `LANG` say. No locale and that of C mean UTF-8, as for Python.
    pub(in super::super) fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()));
        let locale = locale.unwrap_or_default().to_ascii_lowercase();
        let is_unicode = matches!(locale.as_str(), "" | "c" | "posix")
            || locale.contains("utf-8")
            || locale.contains("utf8");
        if is_unicode {
            Self::Unicode
        } else {
            Self::Ascii
        }
    }

    fn lines(self) -> Lines {
        match self {
            Self::Ascii => Lines {
                column: '|',
                inner: '|',
                under: ['|', '-', 'x'],
                above: ['-', 'x'],
                below: '-',
            },
            Self::Unicode => Lines {
                column: '║',
                inner: '│',
                under: ['╟', '─', '╫'],
                above: ['═', '╬'],
                below: '╩',
            },
        }
    }
}

/// The narrowest that jail, backend and the four counters may be.
const LEAST: [usize; 6] = [8, 9, 3, 3, 3, 3];

/// The answer to `stats`.
pub(super) fn of_all(value: &Value, signs: Signs) -> Made {
    let table = match value {
        Value::Dict(jails) if jails.is_empty() => Some("No jails found.".into()),
        Value::Dict(jails) => table(jails, signs),
        _ => None,
    };
    table.ok_or_else(|| Misfit(value.repr()))
}

/// The table of one jail, if that is what the value holds.
pub(super) fn of_one(jail: &str, value: &Value, signs: Signs) -> Option<String> {
    table(&[(jail.into(), value.clone())], signs)
}

/// The table, if the values of all jails are for one.
pub(super) fn table(jails: &[(Value, Value)], signs: Signs) -> Option<String> {
    let rows = jails.iter().map(|(jail, value)| cells(jail, value));
    let rows: Vec<[String; 6]> = rows.collect::<Option<_>>()?;
    let mut widths = LEAST;
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    Some(drawn(&rows, widths, &signs.lines()))
}

/// Jail, backend, and now and in all for the filter and for the actions.
fn cells(jail: &Value, value: &Value) -> Option<[String; 6]> {
    let [backend, filter, actions] = value.items()? else {
        return None;
    };
    let ([failed, failed_ever], [banned, banned_ever]) = (filter.items()?, actions.items()?) else {
        return None;
    };
    backend.as_str()?;
    Some([jail, backend, failed, failed_ever, banned, banned_ever].map(Value::to_string))
}

fn drawn(rows: &[[String; 6]], widths: [usize; 6], lines: &Lines) -> String {
    let Lines {
        column,
        inner,
        under: [left, flat, cross],
        above: [thick, crossing],
        below,
    } = lines;
    let [jail, backend, a, b, c, d] = widths;
    // Two counters, the sign between them and a blank on either side of it.
    let [filter, actions] = [a + b + 3, c + d + 3];
    let of = |sign: &char, width: usize| sign.to_string().repeat(width + 2);
    let border = |crossing: &char| {
        [jail, backend, filter, actions]
            .map(|width| of(thick, width))
            .join(&crossing.to_string())
    };
    let mut out = vec![
        format!(
            " {:jail$} {column} {:backend$} {column} {:filter$} {column} Actions",
            "", "", "Filter"
        ),
        format!(
            " {:jail$} {column} {:backend$} {left}{}{cross}{}",
            "Jail",
            "Backend",
            of(flat, filter),
            of(flat, actions)
        ),
    ];
    let line = |cells: [&str; 6]| {
        let [name, reader, failed, failed_ever, banned, banned_ever] = cells;
        format!(
            " {name:jail$} {column} {reader:backend$} {column} {failed:>a$} {inner} {failed_ever:>b$} {column} \
             {banned:>c$} {inner} {banned_ever:>d$}"
        )
    };
    out.push(line(["", "", "cur", "tot", "cur", "tot"]));
    out.push(border(crossing));
    out.extend(
        rows.iter()
            .map(|row| line(row.each_ref().map(String::as_str))),
    );
    out.push(border(below));
    out.join("\n")
}
