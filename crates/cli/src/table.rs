//! Columns for people: as wide as their widest cell, numbers to the right.

/// Rows under headings.
pub(crate) struct Table {
    headings: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
    /// What lines taken before were as wide as; empty before the first.
    widths: Vec<usize>,
}

/// Which way a column leans.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

impl Table {
    pub(crate) fn new(headings: &[(&'static str, Align)]) -> Self {
        Self {
            headings: headings.to_vec(),
            rows: Vec::new(),
            widths: Vec::new(),
        }
    }

    /// How many rows wait to be shown.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// The lines, headings first; nothing behind the last word of a line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let widths = self.widths_of_all();
        std::iter::once(&self.headings())
            .chain(&self.rows)
            .map(|cells| self.line(cells, &widths))
            .collect()
    }

    /// The lines so far, whose rows are forgotten. Those of a later call have no headings and are no narrower: a
    /// table without end is shown in parts.
    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        let widths = self.widths_of_all();
        let headings = self.widths.is_empty().then(|| self.headings());
        let rows = std::mem::take(&mut self.rows);
        let lines = headings
            .iter()
            .chain(&rows)
            .map(|cells| self.line(cells, &widths))
            .collect();
        self.widths = widths;
        lines
    }

    fn headings(&self) -> Vec<String> {
        let texts = self.headings.iter();
        texts.map(|(text, _)| (*text).to_owned()).collect()
    }

    fn widths_of_all(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self
                .rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count());
            let heading = self.headings.get(column).map_or(0, |(text, _)| text.len());
            let before = self.widths.get(column).copied().unwrap_or(0);
            cells.max().unwrap_or(0).max(heading).max(before)
        };
        (0..self.headings.len()).map(width).collect()
    }

    fn line(&self, cells: &[String], widths: &[usize]) -> String {
        let mut line = String::with_capacity(widths.iter().map(|width| width + 2).sum());
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.headings) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let missing = width.saturating_sub(cell.chars().count());
            match align {
                Align::Left => {
                    line.push_str(cell);
                    fill(&mut line, missing);
                }
                Align::Right => {
                    fill(&mut line, missing);
                    line.push_str(cell);
                }
            }
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// Appends so many blanks.
fn fill(line: &mut String, mut count: usize) {
    const BLANKS: &str = "                                ";
    while count > 0 {
        let some = count.min(BLANKS.len());
        line.push_str(&BLANKS[..some]);
        count -= some;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&[
            ("JAIL", Align::Left),
            ("N", Align::Right),
            ("WHY", Align::Left),
        ]);
        table.row(vec!["nginx-http-auth".into(), "7".into(), String::new()]);
        table.row(vec!["sshd".into(), "1234".into(), "ü".into()]);
        assert_eq!(
            table.lines(),
            [
                "JAIL                N  WHY",
                "nginx-http-auth     7",
                "sshd             1234  ü"
            ]
        );
        let whole = table.lines();
        assert_eq!(table.take_lines(), whole);
        assert_eq!((table.len(), table.take_lines().len()), (0, 0));
        table.row(vec!["a".into(), "12345".into(), "later".into()]);
        assert_eq!(table.take_lines(), ["a                12345  later"]);
    }
}
