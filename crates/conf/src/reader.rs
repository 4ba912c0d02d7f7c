//! Typed reading of a jail's options; what makes no sense is replaced by its default, and said.

use crate::interp::{Scope, fault};
use crate::options::{default, is_true};
use crate::params;
use crate::spec::{BackendSpec, LogPath, UseDns, Value};
use crate::text::Text;
use base::{Diagnostic, JailName, Origin, Severity, parse_duration};

/// Reads the options of one jail.
pub(crate) struct Reader<'a> {
    pub(crate) jail: JailName,
    pub(crate) scope: &'a Scope<'a>,
    pub(crate) faults: &'a mut Vec<Diagnostic>,
}

impl Reader<'_> {
    /// A text that says something.
    pub(crate) fn text(&self, key: &str) -> Result<Option<Value>, Diagnostic> {
        let text = self.scope.get(key)?.map(|text| text.value());
        Ok(text.filter(|value| !value.text.trim().is_empty()))
    }

    /// A text that says something, or the default, which then stands where the jail does.
    pub(crate) fn text_or_default(&self, key: &str, header: &Origin) -> Result<Value, Diagnostic> {
        Ok(self.text(key)?.unwrap_or_else(|| Value {
            text: default(key).into(),
            origin: header.clone(),
        }))
    }

    /// `NAME` or `NAME[KEY=VALUE, …]`. Whatever else it is, the jail has no source and cannot run.
    pub(crate) fn backend(&self, header: &Origin) -> Result<BackendSpec, Diagnostic> {
        let value = self.text_or_default("backend", header)?;
        let text = value.text.trim();
        let call = params::parse(text).map_err(|why| {
            let message = format!("invalid backend '{text}': {why}");
            fault(&message, &value.origin, Some(text)).with_help(params::HELP)
        })?;
        Ok(BackendSpec {
            name: call.name.trim().to_lowercase(),
            options: call.options,
            value,
        })
    }

    pub(crate) fn lines(&self, key: &str) -> Result<Vec<Value>, Diagnostic> {
        let text = self.scope.get(key)?;
        Ok(text.map(|text| text.spoken()).unwrap_or_default())
    }

    /// The entries of a list, whose separators are commas and blanks.
    pub(crate) fn words(&self, key: &str) -> Result<Vec<Value>, Diagnostic> {
        let words = |line: Value| {
            let words = line
                .text
                .split([',', ' ', '\t'])
                .filter(|word| !word.is_empty());
            let words: Vec<Value> = words
                .map(|word| Value {
                    text: word.into(),
                    origin: line.origin.clone(),
                })
                .collect();
            words
        };
        Ok(self.lines(key)?.into_iter().flat_map(words).collect())
    }

    /// Any other word is no, as in fail2ban, but not silently.
    pub(crate) fn flag(&mut self, key: &str) -> Result<bool, Diagnostic> {
        let Some(value) = self.text(key)? else {
            return Ok(is_true(default(key)));
        };
        let word = value.text.trim().to_lowercase();
        if !is_true(&word) && !matches!(word.as_str(), "0" | "off" | "false" | "no") {
            self.replaced(key, &value, "is neither yes nor no", "no");
        }
        Ok(is_true(&word))
    }

    pub(crate) fn count(&mut self, key: &str) -> Result<u32, Diagnostic> {
        let text = self.scope.get(key)?;
        Ok(self.count_of(key, text))
    }

    /// The number that a jail or its filter gives. Below zero is zero.
    pub(crate) fn count_of(&mut self, key: &str, text: Option<Text>) -> u32 {
        let instead = default(key).parse().unwrap_or_default();
        let Some(value) = text.map(|text| text.value()) else {
            return instead;
        };
        match integer(&value.text) {
            Some(number) => number.clamp(0, u32::MAX.into()) as u32,
            None => self.replaced(key, &value, "is no whole number", instead),
        }
    }

    pub(crate) fn seconds(&mut self, key: &str) -> Result<f64, Diagnostic> {
        let instead = default(key).parse().unwrap_or_default();
        let Some(text) = self.scope.get(key)? else {
            return Ok(instead);
        };
        let value = text.value();
        Ok(match parse_duration(&value.text) {
            Ok(seconds) if seconds.is_finite() => seconds,
            _ => {
                let why = "is no time such as 600, 10m or 1d 12h";
                self.replaced(key, &value, why, instead)
            }
        })
    }

    /// The length of a prefix; absent = a whole address.
    pub(crate) fn bits(&mut self, key: &str, most: u8) -> Result<u8, Diagnostic> {
        let Some(text) = self.scope.get(key)? else {
            return Ok(most);
        };
        let value = text.value();
        Ok(match value.text.trim().parse::<u8>() {
            Ok(bits) if (1..=most).contains(&bits) => bits,
            _ => {
                let why = format!("is no prefix length from 1 to {most}");
                self.replaced(key, &value, &why, most)
            }
        })
    }

    /// Of a bad word fail2ban's server makes `no`.
    pub(crate) fn usedns(&mut self, text: Option<Text>) -> UseDns {
        let Some(value) = text.map(|text| text.value()) else {
            return UseDns::default();
        };
        match value.text.trim().to_lowercase().as_str() {
            "yes" => UseDns::Yes,
            "warn" => UseDns::Warn,
            "no" => UseDns::No,
            "raw" => UseDns::Raw,
            _ => {
                self.replaced("usedns", &value, "is none of yes, warn, no, raw", "no");
                UseDns::No
            }
        }
    }

    /// `PATH`, `PATH head`, `PATH tail`, one a line; a path with blanks stands in quotes (fail2ban has no way to
    /// write one).
    pub(crate) fn log_paths(&mut self) -> Result<Vec<LogPath>, Diagnostic> {
        let mut paths = Vec::new();
        for line in self.lines("logpath")? {
            let quoted = line.text.strip_prefix('"');
            let (path, word) = match quoted.and_then(|rest| rest.split_once('"')) {
                Some((path, word)) => (path, word.trim()),
                None => match line.text.rsplit_once([' ', '\t']) {
                    Some((path, word)) => (path.trim(), word),
                    None => (line.text.as_str(), ""),
                },
            };
            if !matches!(word, "" | "head" | "tail") {
                let message = format!(
                    "logpath: '{word}' behind the path is neither head nor tail; it is left out"
                );
                let help = "write a path that holds blanks in double quotes";
                self.warn(&message, &line, word, help);
            }
            paths.push(LogPath {
                pattern: path.to_owned(),
                tail: word == "tail",
                origin: line.origin.clone(),
            });
        }
        Ok(paths)
    }

    /// Says that a jail has nothing to look for.
    pub(crate) fn finds_nothing(&mut self, header: &Origin) {
        let found = Diagnostic::new(
            Severity::Warning,
            "it has no failregex and will find nothing",
        )
        .with_jail(&self.jail)
        .with_origin(Some(header))
        .with_help("name a filter with filter = NAME, or write failregex into the jail");
        self.faults.push(found);
    }

    fn replaced<T: std::fmt::Display>(
        &mut self,
        key: &str,
        value: &Value,
        why: &str,
        instead: T,
    ) -> T {
        let text = value.text.trim();
        let message = match text.is_empty() {
            true => format!("{key} has no value; {instead} is taken instead"),
            false => format!("{key} = '{text}' {why}; {instead} is taken instead"),
        };
        let help = match text.is_empty() {
            true => "write a value behind the =, or delete the line",
            false => "correct the value, or delete the line",
        };
        let part = if text.is_empty() { key } else { text };
        self.warn(&message, value, part, help);
        instead
    }

    fn warn(&mut self, message: &str, value: &Value, part: &str, help: &str) {
        let found = fault(message, &value.origin, Some(part)).with_jail(&self.jail);
        self.faults.push(Diagnostic {
            severity: Severity::Warning,
            help: Some(help.into()),
            ..found
        });
    }
}

/// A decimal integer as Python writes it: a sign, and single underscores between digits.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_sound = digits
        .split('_')
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    let number = is_sound.then(|| digits.replace('_', "").parse::<i64>().unwrap_or(i64::MAX))?;
    Some(if text.starts_with('-') {
        -number
    } else {
        number
    })
}

#[cfg(test)]
mod tests {
    use super::integer;

    #[test]
    fn integers_are_pythons() {
        let cases = [
            ("5", Some(5)),
            (" +7 ", Some(7)),
            ("-1", Some(-1)),
            ("1_0", Some(10)),
            ("007", Some(7)),
            ("99999999999999999999", Some(i64::MAX)),
            ("_1", None),
            ("1__0", None),
            ("1_", None),
            ("", None),
            ("-", None),
            ("1.5", None),
            ("five", None),
        ];
        for (text, expected) in cases {
            assert_eq!(integer(text), expected, "{text}");
        }
    }
}
