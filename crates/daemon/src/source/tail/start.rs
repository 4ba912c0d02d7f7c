//! Where the reading of a file begins.

use super::reader::read_full;
use base::Timestamp;
use detect::Encoding;
use sha1::{Digest, Sha1};
use std::fs::File;
use std::io;

/// The longest first line that is looked at.
const FIRST_LINE: usize = 1024 * 1024;
/// How much is looked at around one place of a file to find a date.
const PROBE: usize = 16 * 1024;
/// Lines of a probe that are tried.
const PROBE_LINES: usize = 5;
/// The search by date ends when what is left is not worth a probe.
const NEAR: u64 = 4 * 1024;

/// SHA-1 of the first complete line with its line feed, in hex; empty if there is none yet.
pub(crate) fn first_line_hash(file: &File) -> io::Result<String> {
    let mut buffer = vec![0; 4096];
    loop {
        let filled = read_full(file, &mut buffer, 0)?;
        if let Some(end) = buffer[..filled].iter().position(|byte| *byte == b'\n') {
            let digest = Sha1::digest(&buffer[..=end]);
            return Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        if filled < buffer.len() || filled >= FIRST_LINE {
            return Ok(String::new());
        }
        buffer.resize(buffer.len() * 4, 0);
    }
}

/// The stored offset, if this is still the file that it was stored for.
pub(super) fn resume(
    file: &File,
    size: u64,
    hash: &str,
    encoding: Encoding,
    stored: &store::LogPosition,
) -> io::Result<Option<u64>> {
    if stored.first_line_hash.is_empty() || stored.first_line_hash != hash || stored.offset > size {
        return Ok(None);
    }
    if stored.offset == 0 {
        return Ok(Some(0));
    }
    // A line ends there; else the file was written anew with the same beginning.
    let unit = encoding.unit();
    let Some(from) = stored.offset.checked_sub(unit as u64) else {
        return Ok(None);
    };
    let mut last = vec![0; unit];
    let filled = read_full(file, &mut last, from)?;
    let ends = filled == unit && encoding.last_line_end(&last, from) == Some(unit);
    Ok(ends.then_some(stored.offset))
}

/// The encoding with the order of bytes that the file's beginning tells.
pub(super) fn encoding_of(file: &File, asked: Encoding) -> io::Result<Encoding> {
    let mut head = [0; 4];
    let filled = read_full(file, &mut head, 0)?;
    Ok(asked.of_file(&head[..filled]))
}

/// The end of the last complete line.
pub(super) fn last_line_end(file: &File, size: u64, encoding: Encoding) -> io::Result<u64> {
    let mut end = size;
    let mut buffer = vec![0; PROBE];
    while end > 0 {
        let from = end.saturating_sub(PROBE as u64);
        let length = usize::try_from(end - from).unwrap_or(PROBE);
        let filled = read_full(file, &mut buffer[..length], from)?;
        if let Some(at) = encoding.last_line_end(&buffer[..filled], from) {
            return Ok(from + at as u64);
        }
        if from == 0 {
            break;
        }
        // A line feed may stand across the edge.
        end = from + encoding.unit() as u64 - 1;
    }
    Ok(0)
}

/// A file and how its lines are read.
pub(super) struct Dated<'a, D> {
    pub(super) file: &'a File,
    pub(super) encoding: Encoding,
    /// The date of a line.
    pub(super) date_of: D,
}

impl<D: FnMut(&str) -> Option<Timestamp>> Dated<'_, D> {
    /// From `from` to `end`: the beginning of a line before which everything is older than `since`, close to the first
    /// one that is not. `from` if nothing is older or no date is found. Takes the dates as ascending; where they are
    /// not, it begins too early.
    pub(super) fn first_since(&mut self, from: u64, end: u64, since: Timestamp) -> io::Result<u64> {
        let (mut older, mut end) = (from, end);
        let mut buffer = vec![0; PROBE];
        while end.saturating_sub(older) > NEAR {
            let middle = older + (end - older) / 2;
            let filled = read_full(self.file, &mut buffer, middle)?;
            match self.probe(&buffer[..filled], middle) {
                Some((at, date)) if date < since && middle + (at as u64) < end => {
                    older = middle + at as u64
                }
                _ => end = middle,
            }
        }
        Ok(older)
    }

    /// The first line with a date that begins in the bytes, and the date.
    fn probe(&mut self, bytes: &[u8], offset: u64) -> Option<(usize, Timestamp)> {
        let end_from = |at: usize| {
            let length = self.encoding.line_end(&bytes[at..], offset + at as u64)?;
            Some(at + length)
        };
        let mut at = end_from(0)?;
        for _ in 0..PROBE_LINES {
            let end = end_from(at)?;
            let line = &bytes[at..end - self.encoding.unit()];
            if let Some(date) = (self.date_of)(&self.encoding.text_of(line)) {
                return Some((at, date));
            }
            at = end;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn file(text: &str) -> (File, u64) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        (file, text.len() as u64)
    }

    fn date(line: &str) -> Option<Timestamp> {
        Some(Timestamp::from_secs(line.split(' ').next()?.parse().ok()?))
    }

    fn first_since(file: &File, from: u64, size: u64, since: i64) -> u64 {
        let (encoding, date_of) = (Encoding::Utf8, date);
        let mut dated = Dated {
            file,
            encoding,
            date_of,
        };
        let since = Timestamp::from_secs(since);
        dated.first_since(from, size, since).unwrap()
    }

    fn dated(count: i64) -> String {
        (0..count)
            .map(|at| format!("{at} a line of the log\n"))
            .collect()
    }

    #[test]
    fn the_search_ends_before_the_first_line_that_counts() {
        let text = dated(20_000);
        let (file, size) = file(&text);
        for since in [0, 1, 777, 10_000, 19_999, 30_000] {
            let start = first_since(&file, 0, size, since) as usize;
            assert!(start == 0 || text.as_bytes()[start - 1] == b'\n');
            let first = text[start..]
                .lines()
                .next()
                .map_or(since, |line| date(line).unwrap().as_secs());
            assert!(first <= since, "{since}: began too late, at {first}");
            assert!(
                since.min(20_000) - first < 1000,
                "{since}: began too early, at {first}"
            );
        }
    }

    #[test]
    fn without_dates_a_file_is_read_whole() {
        let (file, size) = file(&"no date here\n".repeat(10_000));
        assert_eq!(first_since(&file, 0, size, 5), 0);
        assert_eq!(first_since(&file, 26, size, 5), 26);
    }

    #[test]
    fn the_search_begins_where_the_last_run_ended() {
        let text = dated(20_000);
        let (file, size) = file(&text);
        let from = text.find("15000 a").unwrap() as u64;
        assert_eq!(first_since(&file, from, size, 10_000), from);
        let later = first_since(&file, from, size, 18_000) as usize;
        assert!(text[later..].starts_with("17") || text[later..].starts_with("18000 "));
        assert_eq!(first_since(&file, size, size, 18_000), size);
    }

    #[test]
    fn lines_of_wide_characters_have_places_too() {
        let mut file = tempfile::tempfile().unwrap();
        let text: String = dated(20_000);
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        file.write_all(&bytes).unwrap();
        let (size, asked) = (bytes.len() as u64, Encoding::parse("utf-16").unwrap());
        let encoding = encoding_of(&file, asked).unwrap();
        assert_eq!(encoding, Encoding::parse("utf-16-be").unwrap());
        let (file, date_of) = (&file, date);
        let mut dated = Dated {
            file,
            encoding,
            date_of,
        };
        let start = dated
            .first_since(0, size, Timestamp::from_secs(777))
            .unwrap() as usize
            / 2;
        let first = date(text[start..].lines().next().unwrap()).unwrap();
        assert!((700..=777).contains(&first.as_secs()), "{first:?}");
        assert_eq!(last_line_end(file, size, encoding).unwrap(), size);
        assert_eq!(last_line_end(file, size - 1, encoding).unwrap() % 2, 0);
    }

    #[test]
    fn the_first_line_is_hashed_once_it_is_complete() {
        assert_eq!(first_line_hash(&file("abc").0).unwrap(), "");
        assert_eq!(first_line_hash(&file("").0).unwrap(), "");
        let hash = first_line_hash(&file("abc\nmore").0).unwrap();
        assert_eq!(hash, "03cfd743661f07975fa2f1220c5194cbaff48451");
        let long = format!("{}\nrest", "x".repeat(100_000));
        assert_eq!(first_line_hash(&file(&long).0).unwrap().len(), 40);
    }

    #[test]
    fn an_offset_is_resumed_only_in_its_own_file() {
        let (file, size) = file("first\nsecond\nthi");
        let own = first_line_hash(&file).unwrap();
        let check = |hash: &str, offset, expected| {
            let stored = store::LogPosition {
                jail: "j".into(),
                path: "p".into(),
                first_line_hash: hash.into(),
                offset,
            };
            assert_eq!(
                resume(&file, size, &own, Encoding::Utf8, &stored).unwrap(),
                expected,
                "{hash} {offset}"
            );
        };
        check(&own, 13, Some(13));
        check(&own, 0, Some(0));
        check(&own, 10, None);
        check(&own, 99, None);
        check("", 13, None);
        check("0123", 13, None);
    }

    #[test]
    fn the_end_is_that_of_the_last_complete_line() {
        let check = |text: &str, expected| {
            let (file, size) = file(text);
            assert_eq!(
                last_line_end(&file, size, Encoding::Utf8).unwrap(),
                expected
            );
        };
        check("", 0);
        check("abc", 0);
        check("abc\n", 4);
        check("abc\nde", 4);
        check(&format!("abc\n{}", "x".repeat(40_000)), 4);
    }
}
