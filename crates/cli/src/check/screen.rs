//! The answer of `check` for people: what is wrong first to the eye, in as many columns as the terminal has.

use super::text::{count, cut, wrapped};
use crate::output::Output;
use crate::table::{Align, Table};
use base::Severity;
use daemon::{CheckReport, CheckedJail, CheckedRegex, Enforcement, Verdict};
use detect::Search;
use std::collections::BTreeMap;
use std::io;

/// Risky expressions that are shown one by one without being asked.
const FEW: usize = 5;

pub(super) fn print(report: &CheckReport, verbose: bool, output: &mut Output) -> io::Result<()> {
    let width = os::terminal_width();
    let mut screen = Screen { width, output };
    screen
        .output
        .say(&format!("configuration  {}", report.tree))?;
    screen.findings(report)?;
    if verbose {
        report.jails.iter().try_for_each(|jail| screen.jail(jail))?;
    } else {
        screen.jails(report)?;
        screen.notes(report)?;
        screen.risks(report)?;
        screen.engines(report)?;
    }
    screen.forgeable(report)?;
    screen.summary(report)
}

struct Screen<'a> {
    /// Of a terminal; what goes elsewhere is cut nowhere.
    width: Option<usize>,
    output: &'a mut Output,
}

impl Screen<'_> {
    fn findings(&mut self, report: &CheckReport) -> io::Result<()> {
        for diagnostic in &report.diagnostics {
            self.output.say("")?;
            self.output.say_lines(&diagnostic.to_string())?;
        }
        Ok(())
    }

    fn jails(&mut self, report: &CheckReport) -> io::Result<()> {
        if report.jails.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&[
            ("JAIL", Align::Left),
            ("STATE", Align::Left),
            ("ACTION", Align::Left),
            ("SOURCE, OR WHY NOT", Align::Left),
        ]);
        for jail in &report.jails {
            table.row(vec![
                jail.name.to_string(),
                state(jail.verdict).to_owned(),
                actions(jail),
                jail.reason.clone().unwrap_or_else(|| sources(jail)),
            ]);
        }
        self.output.say("")?;
        for line in table.lines() {
            self.output.say(&cut(&line, self.width))?;
        }
        Ok(())
    }

    fn notes(&mut self, report: &CheckReport) -> io::Result<()> {
        let mut notes = BTreeMap::<&str, Vec<&str>>::new();
        for jail in &report.jails {
            for note in &jail.notes {
                notes.entry(note).or_default().push(jail.name.as_str());
            }
        }
        if notes.is_empty() && report.notes.is_empty() {
            return Ok(());
        }
        self.heading("NOTES")?;
        for note in &report.notes {
            self.paragraph(2, note)?;
        }
        for (note, jails) in notes {
            self.paragraph(2, &format!("{}: {note}", jails.join(", ")))?;
        }
        Ok(())
    }

    fn risks(&mut self, report: &CheckReport) -> io::Result<()> {
        let filters = by_filter(report);
        let risky = |regexes: &[&CheckedRegex]| {
            let risky = regexes.iter().filter(|regex| !regex.risks.is_empty());
            risky.count()
        };
        let total: usize = filters.values().map(|regexes| risky(regexes)).sum();
        if total == 0 {
            return Ok(());
        }
        self.heading("RISKY PATTERNS")?;
        if total <= FEW {
            for (filter, regexes) in &filters {
                self.few(filter, regexes)?;
            }
            return Ok(());
        }
        let kinds = ["unanchored", "free-text", "open-end", "back-reference"];
        let mut table = Table::new(&[
            ("  FILTER", Align::Left),
            ("REGEXES", Align::Right),
            ("UNANCHORED", Align::Right),
            ("FREE TEXT", Align::Right),
            ("OPEN END", Align::Right),
            ("BACK-REF", Align::Right),
        ]);
        for (filter, regexes) in filters.iter().filter(|(_, regexes)| risky(regexes) > 0) {
            let of_kind = |kind: &str| {
                let is_it =
                    |regex: &&&CheckedRegex| regex.risks.iter().any(|risk| risk.name() == kind);
                match regexes.iter().filter(is_it).count() {
                    0 => String::new(),
                    n => n.to_string(),
                }
            };
            let mut row = vec![format!("  {filter}"), regexes.len().to_string()];
            row.extend(kinds.map(of_kind));
            table.row(row);
        }
        for line in table.lines() {
            self.output.say(&line)?;
        }
        for text in [
            "unanchored: may begin anywhere in a line, so also in an attacker's text (write ^)",
            "free text: an attacker's text before the address, and nothing fixes the address from the end (write $)",
            "open end: a host name may go on where the address seems to end (write a blank, \\s or $ behind it)",
        ] {
            self.paragraph(2, text)?;
        }
        self.paragraph(2, "--verbose shows each with what an attacker could write")
    }

    /// The risks of one filter, each once.
    fn few(&mut self, filter: &str, regexes: &[&CheckedRegex]) -> io::Result<()> {
        let mut risks = Vec::<(String, Vec<&CheckedRegex>)>::new();
        for regex in regexes {
            for risk in regex.risks.iter().map(ToString::to_string) {
                match risks.iter_mut().find(|(known, _)| *known == risk) {
                    Some((_, places)) => places.push(regex),
                    None => risks.push((risk, vec![regex])),
                }
            }
        }
        for (risk, places) in risks {
            let places: Vec<String> = match places.as_slice() {
                [only] => vec![place(only)],
                several => several.iter().map(|regex| named(regex)).collect(),
            };
            self.paragraph(2, &format!("{filter} {}: {risk}", places.join(", ")))?;
        }
        Ok(())
    }

    fn engines(&mut self, report: &CheckReport) -> io::Result<()> {
        let filters = by_filter(report);
        let all: Vec<&CheckedRegex> = filters.values().flatten().copied().collect();
        if all.is_empty() {
            return Ok(());
        }
        let of = |search: Search| all.iter().filter(|regex| regex.search == search).count();
        let (linear, product) = (of(Search::Linear), of(Search::LinearProduct));
        self.heading("ENGINES")?;
        let mut parts = vec![format!("{linear} linear")];
        if product > 0 {
            parts.push(format!("{product} linear with look-around"));
        }
        let rest = all.len() - linear - product;
        if rest > 0 {
            parts.push(format!("{rest} by trying, under a budget of steps"));
        }
        let text = format!(
            "{}: {}",
            count(all.len(), "regex", "regexes"),
            parts.join(", ")
        );
        self.paragraph(2, &text)?;
        for (filter, regexes) in &filters {
            let mut reasons = BTreeMap::<&str, Vec<String>>::new();
            for regex in regexes {
                if let Search::Backtracking(why) = regex.search {
                    reasons.entry(why).or_default().push(named(regex));
                }
            }
            for (why, numbers) in reasons {
                self.paragraph(2, &format!("{filter}: {}: {why}", numbers.join(", ")))?;
            }
        }
        Ok(())
    }

    fn forgeable(&mut self, report: &CheckReport) -> io::Result<()> {
        let open = report
            .jails
            .iter()
            .filter(|jail| !jail.forgeable.is_empty());
        let open: Vec<&CheckedJail> = open.collect();
        if open.is_empty() {
            return Ok(());
        }
        self.heading("JOURNAL MATCHES THAT ANY LOCAL USER CAN SATISFY")?;
        for jail in open {
            self.paragraph(2, &format!("{}: {}", jail.name, jail.forgeable.join(" + ")))?;
        }
        self.paragraph(
            2,
            "fail2ban believes such entries; stockade believes only those of root and of the users of the units that \
             the match names. trusted_uid in the jail or its filter says who else writes them.",
        )
    }

    /// One jail with everything.
    fn jail(&mut self, jail: &CheckedJail) -> io::Result<()> {
        self.output.say("")?;
        let filter = match jail.filter.as_str() {
            "" => "no filter".to_owned(),
            filter => format!("filter {filter}"),
        };
        self.output.say(&format!(
            "{}  {} ({filter})",
            jail.name,
            state(jail.verdict)
        ))?;
        if let Some(reason) = &jail.reason {
            self.paragraph(2, reason)?;
        }
        for source in &jail.sources {
            self.paragraph(
                2,
                &format!("source  {} {}: {}", source.kind, source.place, source.state),
            )?;
        }
        if !jail.why.is_empty() {
            self.paragraph(10, &format!("because {}", jail.why))?;
        }
        for action in &jail.actions {
            let by = match &action.by {
                Enforcement::Native {
                    ports,
                    protocol,
                    blocktype,
                    scope,
                } => format!(
                    "native: {blocktype} {protocol} {}{}, in the sets of [{}]",
                    match ports {
                        Some(ports) => format!("ports {ports}"),
                        None => "all ports".into(),
                    },
                    if *scope == "host" {
                        ", this machine only"
                    } else {
                        ""
                    },
                    jail.name
                ),
                Enforcement::Shell { why } => {
                    format!("shell: {why}; its commands run as the daemon's user")
                }
                Enforcement::Mail => "mail: letters to a mail server, without python".into(),
                Enforcement::Python => {
                    "python: a class of fail2ban's own program; it is not carried out".into()
                }
            };
            self.paragraph(2, &format!("action  {} {by}", action.name))?;
        }
        if !jail.ignored.is_empty() {
            self.paragraph(2, &format!("ignores {}", jail.ignored.join(", ")))?;
        }
        for note in &jail.notes {
            self.paragraph(2, &format!("note    {note}"))?;
        }
        for regex in &jail.regexes {
            self.paragraph(2, &format!("regex   {}: {}", place(regex), engine(regex)))?;
            self.risks_of(regex)?;
        }
        for pattern in &jail.special_dates {
            let text = "by trying, under a budget of steps: it has a back-reference";
            self.paragraph(2, &format!("date    {pattern}: {text}"))?;
        }
        Ok(())
    }

    fn risks_of(&mut self, regex: &CheckedRegex) -> io::Result<()> {
        if let Some(origin) = &regex.origin {
            let cited = format!("          {}", origin.text.trim());
            self.output.say(&cut(&cited, self.width))?;
        }
        regex
            .risks
            .iter()
            .try_for_each(|risk| self.paragraph(10, &format!("RISK: {risk}")))
    }

    fn summary(&mut self, report: &CheckReport) -> io::Result<()> {
        let jails = |verdict| {
            report
                .jails
                .iter()
                .filter(|jail| jail.verdict == verdict)
                .count()
        };
        let found = |severity| {
            let found = report.diagnostics.iter();
            found.filter(|found| found.severity == severity).count()
        };
        let mut text = format!(
            "{}: {} ok, {} waiting, {} with an error; {}, {}",
            count(report.jails.len(), "jail", "jails"),
            jails(Verdict::Ok),
            jails(Verdict::Waiting),
            jails(Verdict::Error),
            count(found(Severity::Error), "error", "errors"),
            count(found(Severity::Warning), "warning", "warnings"),
        );
        if report.left_out > 0 {
            text.push_str(&format!(
                "; {} not enabled (--all checks them too)",
                report.left_out
            ));
        }
        self.output.say("")?;
        self.paragraph(0, &text)
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        self.output.say("")?;
        self.output.say(text)
    }

    fn paragraph(&mut self, indent: usize, text: &str) -> io::Result<()> {
        for line in wrapped(text, indent, self.width) {
            self.output.say(&line)?;
        }
        Ok(())
    }
}

fn state(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "ok",
        Verdict::Waiting => "waiting",
        Verdict::Error => "ERROR",
    }
}

/// What a ban would do, in a few words.
fn actions(jail: &CheckedJail) -> String {
    let is_native = |by: &Enforcement| matches!(by, Enforcement::Native { .. });
    let native = jail.actions.iter().any(|action| is_native(&action.by));
    let others = jail.actions.iter().filter(|action| !is_native(&action.by));
    let others = others.map(|action| match action.by {
        Enforcement::Python => format!("python {}", action.name),
        Enforcement::Mail => format!("mail {}", action.name),
        _ => format!("shell {}", action.name),
    });
    let all: Vec<String> = native
        .then(|| "native".to_owned())
        .into_iter()
        .chain(others)
        .collect();
    match (all.as_slice(), jail.verdict) {
        // It would ban nobody, whatever its actions.
        (_, Verdict::Error) => "-".into(),
        ([], _) => "none: it only detects".into(),
        ([first], _) => first.clone(),
        ([first, rest @ ..], _) => format!("{first} + {}", count(rest.len(), "shell", "shell")),
    }
}

fn sources(jail: &CheckedJail) -> String {
    let live = jail
        .sources
        .iter()
        .filter(|source| source.state == "readable");
    let live = live.map(|source| match source.kind {
        "journal" => format!("journal {}", source.place),
        _ => source.place.clone(),
    });
    live.collect::<Vec<_>>().join(", ")
}

fn place(regex: &CheckedRegex) -> String {
    let place = regex.origin.as_ref();
    let place = place.map(|at| format!(" ({}:{})", at.file, at.line));
    format!("{}{}", named(regex), place.unwrap_or_default())
}

fn named(regex: &CheckedRegex) -> String {
    match regex.option {
        "prefregex" => "prefregex".to_owned(),
        option => format!("{option} {}", regex.number),
    }
}

fn engine(regex: &CheckedRegex) -> String {
    match regex.search {
        Search::Linear => "linear (tagged automaton)".into(),
        Search::LinearProduct => format!(
            "linear; its {} became states of the automaton",
            regex.constructs.join(", ")
        ),
        Search::Backtracking(why) => format!("by trying, under a budget of steps: {why}"),
    }
}

/// The expressions of each filter once, however many jails have it. A jail's own stand under its name.
fn by_filter(report: &CheckReport) -> BTreeMap<String, Vec<&CheckedRegex>> {
    let mut filters = BTreeMap::<String, Vec<&CheckedRegex>>::new();
    for jail in &report.jails {
        let name = match jail.filter.as_str() {
            "" => jail.name.as_str(),
            filter => filter,
        };
        let known = filters.entry(name.to_owned()).or_default();
        for regex in &jail.regexes {
            if !known.iter().any(|other| same(other, regex)) {
                known.push(regex);
            }
        }
    }
    filters
}

fn same(one: &CheckedRegex, other: &CheckedRegex) -> bool {
    one.option == other.option
        && one.number == other.number
        && one.origin == other.origin
        && one.risks == other.risks
}
