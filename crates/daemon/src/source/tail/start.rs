//! Where the reading of a file begins.

use super::reader::read_full;
use base::Timestamp;
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
    stored: &store::LogPosition,
) -> io::Result<Option<u64>> {
    if stored.first_line_hash.is_empty() || stored.first_line_hash != hash || stored.offset > size {
        return Ok(None);
    }
    let Some(last) = stored.offset.checked_sub(1) else {
        return Ok(Some(0));
    };
    // A line ends there, or a wide character that ends a line; else the file was written anew with the same beginning.
    let mut byte = [0];
    let filled = read_full(file, &mut byte, last)?;
    Ok((filled == 1 && matches!(byte, [b'\n' | 0])).then_some(stored.offset))
}

/// The end of the last complete line.
pub(super) fn last_line_end(file: &File, size: u64) -> io::Result<u64> {
    let mut end = size;
    let mut buffer = vec![0; PROBE];
    while end > 0 {
        let from = end.saturating_sub(PROBE as u64);
        let length = usize::try_from(end - from).unwrap_or(PROBE);
        let filled = read_full(file, &mut buffer[..length], from)?;
        if let Some(at) = buffer[..filled].iter().rposition(|byte| *byte == b'\n') {
            return Ok(from + at as u64 + 1);
        }
        end = from;
    }
    Ok(0)
}

/// The beginning of a line before which everything is older than `since`, close to the first one that is not. 0 if
/// nothing is older or no date is found. Takes the dates as ascending; where they are not, it begins too early.
pub(super) fn first_since(
    file: &File,
    size: u64,
    since: Timestamp,
    mut date_of: impl FnMut(&[u8]) -> Option<Timestamp>,
) -> io::Result<u64> {
    let (mut older, mut end) = (0, size);
    let mut buffer = vec![0; PROBE];
    while end - older > NEAR {
        let middle = older + (end - older) / 2;
        let filled = read_full(file, &mut buffer, middle)?;
        match probe(&buffer[..filled], &mut date_of) {
            Some((at, date)) if date < since && middle + (at as u64) < end => {
                older = middle + at as u64
            }
            _ => end = middle,
        }
    }
    Ok(older)
}

/// The first line with a date that begins in the bytes, and the date.
fn probe(
    bytes: &[u8],
    date_of: &mut impl FnMut(&[u8]) -> Option<Timestamp>,
) -> Option<(usize, Timestamp)> {
    let mut at = bytes.iter().position(|byte| *byte == b'\n')? + 1;
    for _ in 0..PROBE_LINES {
        let rest = &bytes[at..];
        let length = rest.iter().position(|byte| *byte == b'\n')?;
        if let Some(date) = date_of(&rest[..length]) {
            return Some((at, date));
        }
        at += length + 1;
    }
    None
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

    fn date(line: &[u8]) -> Option<Timestamp> {
        let text = std::str::from_utf8(line).ok()?;
        Some(Timestamp::from_secs(text.split(' ').next()?.parse().ok()?))
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
            let start =
                first_since(&file, size, Timestamp::from_secs(since), date).unwrap() as usize;
            assert!(start == 0 || text.as_bytes()[start - 1] == b'\n');
            let first = text[start..]
                .lines()
                .next()
                .map_or(since, |line| date(line.as_bytes()).unwrap().as_secs());
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
        assert_eq!(
            first_since(&file, size, Timestamp::from_secs(5), date).unwrap(),
            0
        );
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
                resume(&file, size, &own, &stored).unwrap(),
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
            assert_eq!(last_line_end(&file, size).unwrap(), expected);
        };
        check("", 0);
        check("abc", 0);
        check("abc\n", 4);
        check("abc\nde", 4);
        check(&format!("abc\n{}", "x".repeat(40_000)), 4);
    }
}
