//! The page of results: what each expression found, the date formats, the lines that are left.

use super::count::{Hits, Tally};
use super::debuggex;
use super::lists::List;
use super::page::Page;
use base::Timestamp;
use detect::Detector;
use jiff::tz::TimeZone;
use std::io::{self, Write};

/// What the report is about.
pub(super) struct Report<'a> {
    pub(super) detector: &'a Detector,
    pub(super) tally: &'a Tally,
    /// The expressions as they are written.
    pub(super) failregex: &'a [String],
    pub(super) ignoreregex: &'a [String],
    pub(super) zone: &'a TimeZone,
    pub(super) verbose: bool,
    pub(super) verbose_date: bool,
    pub(super) debuggex: bool,
    /// Dates are searched for in the lines.
    pub(super) has_dates: bool,
    pub(super) seconds: f64,
}

impl Report<'_> {
    pub(super) fn print(&self, page: &mut Page<impl Write>) -> io::Result<()> {
        page.line("\nResults\n=======\n")?;
        self.prefix(page)?;
        let hits = self.tally.fail.iter().map(|hits| hits.count);
        let total: u64 = hits.clone().sum();
        let rows = self.failregex.iter().zip(&self.tally.fail);
        let rows = rows.map(|(text, hits)| (text, hits.count, Some(hits)));
        self.expressions(page, "Failregex", total, rows)?;
        let rows = self.ignoreregex.iter().zip(&self.tally.ignore);
        let rows = rows.map(|(text, count)| (text, *count, None));
        let total = self.tally.ignore.iter().sum();
        self.expressions(page, "Ignoreregex", total, rows)?;
        if self.has_dates {
            self.dates(page)?;
        }
        let lists = &self.tally.lists;
        page.line(&format!(
            "\nLines: {} lines, {} ignored, {} matched, {} missed\n[processed in {:.2} sec]\n",
            self.tally.tested,
            lists.ignored.count,
            lists.matched.count,
            lists.missed.count,
            self.seconds,
        ))?;
        self.list(page, "Matched", &lists.matched)?;
        self.list(page, "Ignored", &lists.ignored)?;
        self.list(page, "Missed", &lists.missed)
    }

    fn prefix(&self, page: &mut Page<impl Write>) -> io::Result<()> {
        let Some(regex) = self.detector.rule().prefregex() else {
            return Ok(());
        };
        page.line(&format!("Prefregex: {} total", self.tally.prefix))?;
        page.line(&format!("|  {}", regex.pattern()))?;
        for groups in &self.tally.prefixes {
            page.line(&format!("|      {groups}"))?;
        }
        page.line("`-\n")
    }

    fn expressions<'a>(
        &self,
        page: &mut Page<impl Write>,
        name: &str,
        total: u64,
        rows: impl Iterator<Item = (&'a String, u64, Option<&'a Hits>)>,
    ) -> io::Result<()> {
        page.line(&format!(
            "{}{name}: {total} total",
            if name == "Failregex" { "" } else { "\n" }
        ))?;
        let rows = rows.enumerate();
        let mut rows = rows
            .filter(|(_, (_, count, _))| self.verbose || *count > 0)
            .peekable();
        if rows.peek().is_none() {
            return Ok(());
        }
        page.line("|-  #) [# of hits] regular expression")?;
        for (index, (text, count, hits)) in rows {
            page.line(&format!("|  {:2}) [{count}] {text}", index + 1))?;
            for seen in hits.iter().flat_map(|hits| &hits.seen) {
                let id = seen.id.as_deref().unwrap_or("None");
                let several = if seen.among_several {
                    " (multiple regex matched)"
                } else {
                    ""
                };
                page.line(&format!(
                    "|      {id}  {}{several}",
                    self.clock_face(seen.time)
                ))?;
            }
        }
        page.line("`-")
    }

    fn clock_face(&self, time: Timestamp) -> String {
        match jiff::Timestamp::from_second(time.as_secs()) {
            Ok(instant) => self
                .zone
                .to_datetime(instant)
                .strftime("%a %b %d %H:%M:%S %Y")
                .to_string(),
            Err(_) => format!("@{}", time.as_secs()),
        }
    }

    fn dates(&self, page: &mut Page<impl Write>) -> io::Result<()> {
        page.line("\nDate template hits:")?;
        let uses = self.detector.date_templates();
        let mut uses = uses.filter(|one| self.verbose || one.hits > 0).peekable();
        if uses.peek().is_none() {
            return Ok(());
        }
        page.line("|- [# of hits] date format")?;
        for one in uses {
            page.line(&format!("|  [{}] {}", one.hits, one.name()))?;
            if self.verbose_date {
                let (weight, own) = (one.weight, one.own_weight());
                page.line(&format!(
                    "|      # weight: {weight:.3} ({own:.3}), pattern: {}",
                    one.pattern()
                ))?;
                page.line(&format!("|      # regex:   {}", one.regex()))?;
            }
        }
        page.line("`-")
    }

    fn list(&self, page: &mut Page<impl Write>, name: &str, list: &List) -> io::Result<()> {
        if list.is_too_long() {
            let option = name.to_lowercase();
            let count = list.count;
            return page.line(&format!(
                "{name} line(s): too many to print.  Use --print-all-{option} to print all {count} lines"
            ));
        }
        let rule = self.detector.rule();
        let (texts, regexes): (_, Vec<_>) = match name {
            "Ignored" => (self.ignoreregex, rule.ignoreregexes().collect()),
            _ => (self.failregex, rule.failregexes().collect()),
        };
        if list.lines.is_empty() || self.debuggex && texts.is_empty() {
            return Ok(());
        }
        page.line(&format!("|- {name} line(s):"))?;
        for line in &list.lines {
            if !self.debuggex {
                page.line(&format!("|  {}", line.trim_end()))?;
                continue;
            }
            for (text, regex) in texts.iter().zip(&regexes) {
                let address = debuggex::address(regex.pattern(), line);
                page.line(&format!("|  {line} | {text} |  {address}"))?;
            }
        }
        page.line("`-")
    }
}

#[cfg(test)]
mod tests;
