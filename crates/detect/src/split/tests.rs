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
fn bytes_that_stand_for_nothing_are_counted_by_line() {
    for (encoding, bytes, malformed) in [
        ("auto", &b"a\xff\xff\nb\n\xc3\xa9\n"[..], 1),
        ("ascii", b"a\xc3\xa9\nb\n", 1),
        ("latin1", b"a\xff\n", 0),
        ("cp1252", b"\x81\n\x80\n", 1),
        ("euc-jp", b"\xff\na\n\xa4\xa2\n", 1),
        ("utf-16le", b"\x00\xd8\n\x00a\0\n\0", 1),
        ("utf-32le", b"\x00\xd8\0\0\n\x00\0\0", 1),
    ] {
        let mut splitter = Splitter::new(Encoding::parse(encoding).unwrap(), 0);
        splitter.push(bytes, |_, _| {});
        assert_eq!(splitter.malformed_lines(), malformed, "{encoding}");
    }
}

#[test]
fn each_encoding_gives_its_characters() {
    check("ascii", &[b"caf\xe9\n"], &[("caf\u{fffd}", 5)]);
    check(
        "utf-8-sig",
        &[b"\xef\xbb\xbfa\n\xef\xbb\xbf\xff\n"],
        &[("a", 5), ("\u{fffd}", 10)],
    );
    check("iso-8859-15", &[b"\xa4\n"], &[("€", 2)]);
    check("koi8-r", &[b"\xf0\xd2\xc9\n"], &[("При", 4)]);
    check("cp1251", &[b"\xcf\xf0\xe8\n"], &[("При", 4)]);
    check("cp866", &[b"\x8f\n"], &[("П", 2)]);
    check("gbk", &[b"\xc4", b"\xe3\n"], &[("你", 3)]);
    check("shift_jis", &[b"\x82\xa0\n"], &[("あ", 3)]);
    check("iso-2022-jp", &[b"\x1b$B$\"\x1b(B\n"], &[("あ", 9)]);
}

/// A text as UTF-16 and UTF-32, each in both orders.
fn wide(text: &str) -> [(&'static str, Vec<u8>); 4] {
    let (short, long) = (text.encode_utf16(), text.chars().map(u32::from));
    [
        (
            "utf-16-le",
            short.clone().flat_map(u16::to_le_bytes).collect(),
        ),
        ("utf-16-be", short.flat_map(u16::to_be_bytes).collect()),
        (
            "utf-32-le",
            long.clone().flat_map(u32::to_le_bytes).collect(),
        ),
        ("utf-32-be", long.flat_map(u32::to_be_bytes).collect()),
    ]
}

#[test]
fn wide_lines_end_at_whole_characters() {
    // U+0A00 and U+000A hold the same bytes.
    for (name, bytes) in wide("a\u{0a00}\u{0100}b\nc\r\n") {
        let unit = Encoding::parse(name).unwrap().unit() as u64;
        let expected = [("a\u{0a00}\u{0100}b", 5 * unit), ("c", 8 * unit)];
        for at in 0..bytes.len() {
            let (one, other) = bytes.split_at(at);
            check(name, &[one, other], &expected);
            // The first character tells the order.
            check(&name[..6], &[one, other], &expected);
        }
    }
    for (name, bytes) in wide("\u{feff}你\n") {
        let unit = Encoding::parse(name).unwrap().unit() as u64;
        check(&name[..6], &[&bytes], &[("你", 3 * unit)]);
    }
}

#[test]
fn line_ends_are_found_from_both_sides() {
    for (name, bytes) in wide("a\u{0a00}\nb\nc\u{0a0a}") {
        let encoding = Encoding::parse(name).unwrap();
        let unit = encoding.unit();
        assert_eq!(encoding.line_end(&bytes, 0), Some(3 * unit), "{name}");
        assert_eq!(encoding.last_line_end(&bytes, 0), Some(5 * unit), "{name}");
        // From the middle of a character on.
        assert_eq!(
            encoding.line_end(&bytes[1..], 1),
            Some(3 * unit - 1),
            "{name}"
        );
        assert_eq!(
            encoding.last_line_end(&bytes[..3 * unit - 1], 0),
            None,
            "{name}"
        );
    }
    assert_eq!(Encoding::Utf8.line_end(b"ab\nc\n", 7), Some(3));
    assert_eq!(Encoding::Utf8.last_line_end(b"ab\nc\nd", 7), Some(5));
}

#[test]
fn overlong_wide_lines_are_cut_at_whole_characters() {
    for (name, bytes) in wide(&format!("{}\nend\n", "é".repeat(MAX_LINE))) {
        let encoding = Encoding::parse(name).unwrap();
        let (lines, cut) = split(encoding, &[&bytes]);
        let lengths: Vec<usize> = lines.iter().map(|(text, _)| text.chars().count()).collect();
        assert_eq!(
            (lengths, cut),
            (vec![MAX_LINE / encoding.unit(), 3], 1),
            "{name}"
        );
    }
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
    let names = [
        "utf-8",
        "utf-8-sig",
        "ascii",
        "latin-1",
        "cp1252",
        "gbk",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-be",
    ];
    prop::sample::select(names.to_vec()).prop_map(|name| Encoding::parse(name).unwrap())
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
        let malformed = |chunks: &[&[u8]]| {
            let mut splitter = Splitter::new(encoding, 0);
            chunks.iter().for_each(|chunk| splitter.push(chunk, |_, _| {}));
            splitter.malformed_lines()
        };
        prop_assert_eq!(malformed(&chunks), malformed(&[&bytes]));
    }
}

proptest! {
    /// Who looks ahead hears the same lines, and those that say where they stand in the text ahead stand there, in order.
    #[test]
    fn lines_stand_where_they_say_in_the_text_ahead(
        reads in prop::collection::vec(prop_oneof!["[ab\n\r]{0,9}", "[aé\n]{0,5}"], 1..6),
        torn: bool,
        name in prop::sample::select(vec!["auto", "latin-1", "utf-16le"]),
    ) {
        let encoding = Encoding::parse(name).unwrap();
        let bytes: Vec<u8> = reads.concat().into_bytes();
        let chunks: Vec<&[u8]> = match torn {
            true => bytes.chunks(3).collect(),
            false => reads.iter().map(String::as_bytes).collect(),
        };
        let (mut ahead, mut from) = (String::new(), 0);
        let (mut asks, mut takes) = (false, false);
        let (mut plain, mut looking) = (Splitter::new(encoding, 0), Splitter::new(encoding, 0));
        let (mut expected, mut lines) = (Vec::new(), Vec::new());
        for chunk in chunks {
            plain.push(chunk, |text, _| expected.push(text.to_owned()));
            looking.split(chunk, |split| {
                match split {
                    Split::Ahead(text) => {
                        text.clone_into(&mut ahead);
                        from = 0;
                        asks = !asks;
                        return usize::from(asks);
                    }
                    // Every other line that stands here as a whole is taken by ourselves.
                    Split::Next { text, place } => {
                        assert!(asks && place >= from && ahead[place..] == *text);
                        takes = !takes;
                        if let Some(end) = text.find('\n').filter(|_| takes) {
                            let line = text[..end].trim_end_matches(['\r', '\n']);
                            lines.push(line.to_owned());
                            from = place + end;
                            return end + 1;
                        }
                    }
                    Split::Line(line) => {
                        lines.push(line.text.to_owned());
                        if let Some(place) = line.place {
                            assert!(place >= from && ahead[place..].starts_with(line.text));
                            from = place + line.text.len();
                        }
                    }
                }
                0
            });
        }
        prop_assert_eq!(lines, expected);
    }
}
