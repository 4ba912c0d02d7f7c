//! How much a line matters, and from which level on lines are written.

/// How much a line matters, in fail2ban's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// For developers.
    Debug,
    /// Each failure.
    Info,
    /// Each ban.
    Notice,
    /// Something is not as it should be, and it goes on.
    Warning,
    /// Something failed.
    Error,
    /// The machine is not guarded.
    Critical,
}

impl Level {
    /// Python's number of it.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Debug => 10,
            Self::Info => 20,
            Self::Notice => 25,
            Self::Warning => 30,
            Self::Error => 40,
            Self::Critical => 50,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Notice => "NOTICE",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
        }
    }

    /// Syslog's number of it, which the journal has too.
    pub(super) fn priority(self) -> u8 {
        match self {
            Self::Debug => 7,
            Self::Info => 6,
            Self::Notice => 5,
            Self::Warning => 4,
            Self::Error => 3,
            Self::Critical => 2,
        }
    }
}

/// Every word of `loglevel`, with Python's number.
const WORDS: [(&str, u32); 12] = [
    ("CRITICAL", 50),
    ("FATAL", 50),
    ("ERROR", 40),
    ("WARNING", 30),
    ("WARN", 30),
    ("NOTICE", 25),
    ("INFO", 20),
    ("MSG", 18),
    ("DEBUG", 10),
    ("TRACEDEBUG", 7),
    ("HEAVYDEBUG", 5),
    ("NOTSET", 0),
];

/// From which level on lines are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Threshold {
    pub(super) number: u32,
    /// As who asks is told.
    pub(super) text: String,
}

impl Threshold {
    /// One of fail2ban's words, in whatever case, or a plain number.
    ///
    /// # Errors
    /// fail2ban's sentence of what is none.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.to_uppercase();
        let word = WORDS.iter().find(|(word, _)| *word == text);
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = match word {
            Some((_, number)) => Some(*number),
            None if is_number => text.parse().ok(),
            None => None,
        };
        match number {
            Some(number) => Ok(Self { number, text }),
            None => Err(format!("Invalid log level '{text}'")),
        }
    }
}

impl From<Level> for Threshold {
    fn from(level: Level) -> Self {
        Self {
            number: level.number(),
            text: level.word().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_fail2bans() {
        let check = |text: &str, expected: Result<(u32, &str), &str>| {
            let got = Threshold::parse(text);
            let got = match &got {
                Ok(level) => Ok((level.number, level.text.as_str())),
                Err(error) => Err(error.as_str()),
            };
            assert_eq!(got, expected, "{text}");
        };
        // What Debian's fail2ban answers to each.
        check("INFO", Ok((20, "INFO")));
        check("info", Ok((20, "INFO")));
        check("heavydebug", Ok((5, "HEAVYDEBUG")));
        check("TRACEDEBUG", Ok((7, "TRACEDEBUG")));
        check("msg", Ok((18, "MSG")));
        check("WARN", Ok((30, "WARN")));
        check("fatal", Ok((50, "FATAL")));
        check("NOTSET", Ok((0, "NOTSET")));
        check("18", Ok((18, "18")));
        check("0", Ok((0, "0")));
        check("xyz", Err("Invalid log level 'XYZ'"));
        check(" INFO ", Err("Invalid log level ' INFO '"));
        check("TRACE", Err("Invalid log level 'TRACE'"));
        check("-5", Err("Invalid log level '-5'"));
        check("+7", Err("Invalid log level '+7'"));
        check("3.5", Err("Invalid log level '3.5'"));
        check("", Err("Invalid log level ''"));
        check("99999999999", Err("Invalid log level '99999999999'"));
        for level in [Level::Debug, Level::Notice, Level::Critical] {
            assert_eq!(Threshold::parse(level.word()), Ok(level.into()));
        }
    }
}
