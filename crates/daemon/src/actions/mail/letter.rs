//! A letter as text: headers, an empty line, the body.
//!
//! What is cited in it an attacker may have written: a body that is not plain ASCII in short lines is sent as base64, so
//! that no byte of it can mean anything on the way.

use base::Timestamp;
use jiff::fmt::rfc2822;

/// Characters of a line that every server takes.
const LONGEST_LINE: usize = 900;

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) time: Timestamp,
    /// Lines that end with a line feed.
    pub(super) body: String,
}

impl Letter {
    /// The whole, each line with CR LF.
    pub(super) fn text(&self) -> String {
        let is_plain = |c: char| matches!(c, '\n' | '\t' | ' '..='~');
        let is_short = |line: &str| line.len() <= LONGEST_LINE;
        let plain = self.body.chars().all(is_plain) && self.body.lines().all(is_short);
        let (encoding, body) = match plain {
            true => (
                "7bit",
                self.body
                    .lines()
                    .map(|line| format!("{line}\r\n"))
                    .collect(),
            ),
            false => ("base64", wrapped(&base64(self.body.as_bytes()))),
        };
        let date = jiff::Timestamp::from_second(self.time.as_secs())
            .ok()
            .and_then(|time| {
                rfc2822::DateTimePrinter::new()
                    .timestamp_to_string(&time)
                    .ok()
            });
        let mut text = String::new();
        let headers = [
            ("Content-Type", "text/plain; charset=\"utf-8\"".to_owned()),
            ("MIME-Version", "1.0".to_owned()),
            ("Content-Transfer-Encoding", encoding.to_owned()),
            ("Subject", worded(&self.subject)),
            ("From", worded_name(&self.from)),
            ("To", self.to.clone()),
            ("Date", date.unwrap_or_default()),
            // Nobody's holiday notice should answer.
            ("Auto-Submitted", "auto-generated".to_owned()),
        ];
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&body);
        text
    }
}

/// A header's text; an encoded word if it is not ASCII.
fn worded(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_owned(),
        false => format!("=?utf-8?B?{}?=", base64(text.as_bytes())),
    }
}

/// The same where an address follows the text.
fn worded_name(text: &str) -> String {
    match text.rsplit_once(" <") {
        Some((name, address)) => format!("{} <{address}", worded(name)),
        None => text.to_owned(),
    }
}

fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    for (number, c) in text.chars().enumerate() {
        if number > 0 && number.is_multiple_of(76) {
            lines.push_str("\r\n");
        }
        lines.push(c);
    }
    lines.push_str("\r\n");
    lines
}

/// RFC 4648, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
        let all = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = DIGITS[(all >> (18 - 6 * place) & 63) as usize];
            text.push(match place <= group.len() {
                true => char::from(digit),
                false => '=',
            });
        }
    }
    text
}
