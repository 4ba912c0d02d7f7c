//! One line as it is written: Python's `%(name)-24s` formats, and what keeps an attacker's text harmless.
//!
//! A format is read once and refused whole where Python would fail with every line, so that no line can fail.

use super::Level;
use base::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// The longest text of one line, in bytes: what an attacker writes into a log must not fill ours.
pub(super) const MAX_TEXT: usize = 4096;
/// The widest field of a format.
const MAX_WIDTH: usize = 1000;

/// What is said, and what the format may tell of it.
pub(super) struct Line<'a> {
    pub(super) now: Timestamp,
    pub(super) level: Level,
    pub(super) module: &'a str,
    pub(super) text: &'a str,
}

/// What is the same for every line.
pub(super) struct Origin {
    pub(super) zone: TimeZone,
    pub(super) pid: u32,
}

/// A format, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Format(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Field(Field),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    key: Key,
    flags: Flags,
    width: usize,
    precision: Option<usize>,
    conversion: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    left: bool,
    zero: bool,
    plus: bool,
    blank: bool,
    alternate: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Asctime,
    Created,
    LevelName,
    LevelNumber,
    Message,
    Msecs,
    Name,
    Process,
    ProcessName,
    ThreadName,
}

/// Python's names that have a meaning here.
const NAMES: [(&str, Key); 10] = [
    ("asctime", Key::Asctime),
    ("created", Key::Created),
    ("levelname", Key::LevelName),
    ("levelno", Key::LevelNumber),
    ("message", Key::Message),
    ("msecs", Key::Msecs),
    ("name", Key::Name),
    ("process", Key::Process),
    ("processName", Key::ProcessName),
    ("threadName", Key::ThreadName),
];

enum Value {
    Text(String),
    Whole(i64),
    Real(f64),
}

impl Format {
    /// fail2ban's own format, with or without the date and the columns.
    pub(super) fn usual(datetime: bool, padding: bool) -> Self {
        let column = |key, width| {
            Piece::Field(Field {
                key,
                flags: Flags {
                    left: padding,
                    ..Flags::default()
                },
                width: if padding { width } else { 0 },
                precision: None,
                conversion: b's',
            })
        };
        let text = |text: &str| Piece::Text(text.into());
        let mut pieces = Vec::new();
        if datetime {
            pieces.extend([column(Key::Asctime, 0), text(" ")]);
        }
        pieces.extend([
            column(Key::Name, 24),
            text("["),
            column(Key::Process, 0),
            text("]: "),
            column(Key::LevelName, 7),
            text(" "),
            column(Key::Message, 0),
        ]);
        Self(pieces)
    }

    /// The text and nothing else.
    pub(super) fn bare() -> Self {
        Self(vec![Piece::Field(Field {
            key: Key::Message,
            flags: Flags::default(),
            width: 0,
            precision: None,
            conversion: b's',
        })])
    }

    /// Reads a format of Python's `logging`.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn parse(format: &str) -> Result<Self, String> {
        let (mut pieces, mut text, mut rest) = (Vec::new(), String::new(), format);
        while let Some(at) = rest.find('%') {
            text.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix('%') {
                text.push('%');
                rest = after;
                continue;
            }
            let (field, after) = field(rest).map_err(|what| match format.contains("%(") {
                true => format!("{what} in the log's format '{format}'"),
                false => no_format(format),
            })?;
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Field(field));
            rest = after;
        }
        text.push_str(rest);
        if pieces.is_empty() {
            return Err(no_format(format));
        }
        if !text.is_empty() {
            pieces.push(Piece::Text(text));
        }
        Ok(Self(pieces))
    }

    /// Writes a line, without its end.
    pub(super) fn render(&self, out: &mut String, origin: &Origin, line: &Line<'_>) {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Field(field) => field.render(out, origin, line),
            }
        }
    }
}

/// fail2ban's sentence, which is Python's.
fn no_format(format: &str) -> String {
    format!("Invalid format '{format}' for '%' style")
}

/// Reads what follows a `%`.
fn field(rest: &str) -> Result<(Field, &str), String> {
    let named = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let Some((word, rest)) = named else {
        return Err("a % that neither %(name)s nor %% follows".into());
    };
    let Some((_, key)) = NAMES.iter().find(|(known, _)| *known == word) else {
        let known: Vec<&str> = NAMES.iter().map(|(known, _)| *known).collect();
        let known = known.join(", ");
        return Err(format!("unknown name %({word}) (known are {known})"));
    };
    let end = rest.find(|c| !"#0+ -".contains(c)).unwrap_or(rest.len());
    let (given, rest) = rest.split_at(end);
    let flags = Flags {
        left: given.contains('-'),
        zero: given.contains('0'),
        plus: given.contains('+'),
        blank: given.contains(' '),
        alternate: given.contains('#'),
    };
    let (width, rest) = number(rest)?;
    let (precision, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (precision, rest) = number(rest)?;
            let precision = precision.ok_or("a precision that is no number")?;
            (Some(precision), rest)
        }
        None => (None, rest),
    };
    let conversion = rest.chars().next().ok_or(format!(
        "%({word}) without its end, such as the s in %({word})s,"
    ))?;
    let is_number = matches!(
        key,
        Key::Process | Key::LevelNumber | Key::Created | Key::Msecs
    );
    let is_whole = matches!(key, Key::Process | Key::LevelNumber);
    let conversion = match conversion {
        's' => b's',
        'd' | 'i' | 'u' if is_number => b'd',
        'f' | 'F' if is_number => b'f',
        'x' | 'X' | 'o' if is_whole => conversion as u8,
        other => return Err(format!("%({word}){other}, which cannot be written,")),
    };
    let field = Field {
        key: *key,
        flags,
        width: width.unwrap_or(0),
        precision,
        conversion,
    };
    Ok((field, &rest[1..]))
}

fn number(rest: &str) -> Result<(Option<usize>, &str), String> {
    let is_digit = |c: char| c.is_ascii_digit();
    let end = rest.find(|c| !is_digit(c)).unwrap_or(rest.len());
    match &rest[..end] {
        "" => Ok((None, rest)),
        digits => match digits.parse() {
            Ok(number) if number <= MAX_WIDTH => Ok((Some(number), &rest[end..])),
            _ => Err(format!("a width above {MAX_WIDTH}")),
        },
    }
}

impl Field {
    fn render(&self, out: &mut String, origin: &Origin, line: &Line<'_>) {
        // Nearly every line's text goes out as it is.
        let is_plain = self.width == 0 && self.precision.is_none();
        if self.key == Key::Message && is_plain {
            return shorten_into(out, line.text);
        }
        match (self.value(origin, line), self.conversion) {
            (Value::Text(text), _) => self.text(out, &text),
            (Value::Whole(number), b's') => self.text(out, &number.to_string()),
            // As Python shows a whole one: 5.0.
            (Value::Real(number), b's') => self.text(out, &format!("{number:?}")),
            (Value::Whole(number), b'f') => self.real(out, number as f64),
            (Value::Real(number), b'f') => self.real(out, number),
            (Value::Whole(number), _) => self.whole(out, number),
            (Value::Real(number), _) => self.whole(out, number as i64),
        }
    }

    fn value(&self, origin: &Origin, line: &Line<'_>) -> Value {
        let micros = line.now.as_micros();
        let millis = micros.rem_euclid(1_000_000) / 1000;
        match self.key {
            Key::Asctime => Value::Text(format!("{},{millis:03}", local(line.now, &origin.zone))),
            Key::Created => Value::Real(micros as f64 / 1e6),
            Key::LevelName => Value::Text(line.level.word().into()),
            Key::LevelNumber => Value::Whole(line.level.number().into()),
            Key::Message => {
                let mut text = String::new();
                shorten_into(&mut text, line.text);
                Value::Text(text)
            }
            Key::Msecs => Value::Real(millis as f64),
            Key::Name => Value::Text(format!("fail2ban.{}", line.module)),
            Key::Process => Value::Whole(origin.pid.into()),
            Key::ProcessName => Value::Text("MainProcess".into()),
            Key::ThreadName => {
                let thread = std::thread::current();
                Value::Text(thread.name().unwrap_or("MainThread").into())
            }
        }
    }

    fn text(&self, out: &mut String, text: &str) {
        let end = self
            .precision
            .and_then(|most| text.char_indices().nth(most))
            .map_or(text.len(), |(at, _)| at);
        self.pad(out, "", &text[..end], false);
    }

    fn whole(&self, out: &mut String, number: i64) {
        let (digits, prefix) = match self.conversion {
            b'x' => (format!("{:x}", number.unsigned_abs()), "0x"),
            b'X' => (format!("{:X}", number.unsigned_abs()), "0X"),
            b'o' => (format!("{:o}", number.unsigned_abs()), "0o"),
            _ => (number.unsigned_abs().to_string(), ""),
        };
        let least = self.precision.unwrap_or(0);
        let digits = format!("{digits:0>least$}");
        let prefix = if self.flags.alternate { prefix } else { "" };
        let head = format!("{}{prefix}", self.sign(number < 0));
        self.pad(out, &head, &digits, true);
    }

    fn real(&self, out: &mut String, number: f64) {
        let places = self.precision.unwrap_or(6);
        let mut digits = format!("{:.places$}", number.abs());
        if places == 0 && self.flags.alternate {
            digits.push('.');
        }
        self.pad(out, self.sign(number < 0.0), &digits, true);
    }

    fn sign(&self, is_negative: bool) -> &'static str {
        match self.flags {
            _ if is_negative => "-",
            Flags { plus: true, .. } => "+",
            Flags { blank: true, .. } => " ",
            _ => "",
        }
    }

    fn pad(&self, out: &mut String, head: &str, body: &str, is_number: bool) {
        let length = head.chars().count() + body.chars().count();
        let (left, zero) = (self.flags.left, self.flags.zero && is_number);
        let missing = self.width.saturating_sub(length);
        let fill = |out: &mut String, with: char, is_here: bool| {
            out.extend(std::iter::repeat_n(with, if is_here { missing } else { 0 }));
        };
        fill(out, ' ', !left && !zero);
        out.push_str(head);
        fill(out, '0', !left && zero);
        out.push_str(body);
        fill(out, ' ', left);
    }
}

/// The text, harmless and bounded.
fn shorten_into(out: &mut String, text: &str) {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    escape_into(out, &text[..end]);
    if end < text.len() {
        // Writing to a String does not fail.
        write!(out, " ({} bytes more)", text.len() - end).ok();
    }
}

/// Dates with a blank before the time.
const CIVIL: DateTimePrinter = DateTimePrinter::new().separator(b' ');

/// `YYYY-MM-DD HH:MM:SS` in a zone.
pub fn local(time: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_second(time.as_secs()) {
        Ok(instant) => CIVIL.datetime_to_string(&zone.to_datetime(instant)),
        Err(_) => format!("@{}", time.as_secs()),
    }
}

/// Attackers choose parts of what is logged: no control character reaches a terminal or ends a line, and none turns
/// the order of what is read.
pub fn escape_into(out: &mut String, text: &str) {
    let plain = text.bytes().position(|byte| !is_plain(byte));
    let (before, mut rest) = text.split_at(plain.unwrap_or(text.len()));
    out.push_str(before);
    while let Some((at, harmful)) = rest.char_indices().find(|(_, c)| is_harmful(*c)) {
        out.push_str(&rest[..at]);
        let code = u32::from(harmful);
        // Writing to a String does not fail.
        match harmful.is_control() {
            true => write!(out, "\\x{code:02x}").ok(),
            false => write!(out, "\\u{code:04x}").ok(),
        };
        rest = &rest[at + harmful.len_utf8()..];
    }
    out.push_str(rest);
}

/// Nearly every character is one of these.
fn is_plain(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

fn is_harmful(c: char) -> bool {
    let turns = matches!(
        c,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    );
    turns || c.is_control()
}

#[cfg(test)]
mod tests;
