//! Lines out of bytes, wherever the reads end.

use super::*;
use proptest::prelude::*;

fn split(encoding: Encoding, chunks: &[&[u8]]) -> (Vec<(String, u64)>, u64) {
    let mut splitter = Splitter::new(encoding, 0);
    let mut lines = Vec::new();
    for chunk in chunks {
        splitter.push(chunk, |text, end| lines.push((text.to_owned(), end)));
    }
    splitter.finish(|text, end| lines.push((text.to_owned(), end)));
    (lines, splitter.cut_lines())
}

fn check(encoding: &str, chunks: &[&[u8]], expected: &[(&str, u64)]) {
    let expected: Vec<(String, u64)> = expected
        .iter()
        .map(|(text, end)| (text.to_string(), *end))
        .collect();
    assert_eq!(
        split(Encoding::parse(encoding).unwrap(), chunks),
        (expected, 0),
        "{chunks:?}"
    );
}

#[test]
fn joins_what_the_reads_tore_apart() {
    check(
        "auto",
        &[b"a\nb", b"c", b"\n", b"\nd\r\n"],
        &[("a", 2), ("bc", 5), ("", 6), ("d", 9)],
    );
    check("auto", &[b"a\nrest"], &[("a", 2), ("rest", 6)]);
    check(
        "auto",
        &[
            "é\n".as_bytes().split_at(1).0,
            "é\n".as_bytes().split_at(1).1,
        ],
        &[("é", 3)],
    );
}

#[test]
fn no_byte_ends_anything() {
    check(
        "auto",
        &[b"a\0b\xff\xfec\n"],
        &[("a\0b\u{fffd}\u{fffd}c", 7)],
    );
    check("auto", &[b"a\rb\x0b\x85\r\n"], &[("a\rb\x0b\u{fffd}", 7)]);
    check("latin-1", &[b"caf\xe9\n"], &[("café", 5)]);
    check("cp1252", &[b"\x80\x81\xe9\n"], &[("€\u{fffd}é", 4)]);
}

#[test]
fn utf_16_lines_end_at_whole_characters() {
    // U+0A00 and U+000A hold the same bytes.
    let text = "a\u{0a00}\u{0100}b\nc\r\n";
    let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let expected = [("a\u{0a00}\u{0100}b", 10), ("c", 16)];
    for at in 0..le.len() {
        check("utf-16", &[&le[..at], &le[at..]], &expected);
        check("UTF_16BE", &[&be[..at], &be[at..]], &expected);
    }
    check("utf-16", &[b"\xff\xfea\0\n\0"], &[("a", 6)]);
}

#[test]
fn refuses_unknown_encodings() {
    assert!(Encoding::parse("klingon").is_err());
}

#[test]
fn cuts_long_lines_and_counts_them() {
    let mut log = vec![b'x'; MAX_LINE];
    log.extend(b"\nshort\n");
    log.extend(vec![b'y'; MAX_LINE + 1]);
    log.extend(b"\nend\n");
    for size in [log.len(), MAX_LINE, 4096, 1000, 7] {
        let chunks: Vec<&[u8]> = log.chunks(size).collect();
        let (lines, cut) = split(Encoding::Utf8, &chunks);
        let lengths: Vec<usize> = lines.iter().map(|(text, _)| text.len()).collect();
        assert_eq!(
            (lengths, cut),
            (vec![MAX_LINE, 5, MAX_LINE, 3], 1),
            "chunks of {size}"
        );
        assert_eq!(lines.last().unwrap().1, log.len() as u64);
    }
}

#[test]
fn tells_where_to_read_on() {
    let mut splitter = Splitter::new(Encoding::Utf8, 100);
    splitter.push(b"abc\nde", |_, _| {});
    assert_eq!(splitter.resume_offset(), Some(104));
}

fn any_encoding() -> impl Strategy<Value = Encoding> {
    prop::sample::select(vec![
        Encoding::Utf8,
        Encoding::Latin1,
        Encoding::Windows1252,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
    ])
}

proptest! {
    #[test]
    fn the_reads_do_not_matter(
        encoding in any_encoding(),
        bytes in prop::collection::vec(prop::sample::select(vec![0, b'\n', b'\r', b'a', 0xc3, 0xa9, 0xd8, 0xff]), 0..60),
        size in 1_usize..9,
    ) {
        let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
        prop_assert_eq!(split(encoding, &chunks), split(encoding, &[&bytes]));
    }
}
