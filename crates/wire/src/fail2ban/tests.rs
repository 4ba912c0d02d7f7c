//! Pickles byte by byte; what CPython itself reads and writes is compared in `tests/fail2ban`.

use super::*;
use proptest::prelude::*;

fn list(words: &[&str]) -> Value {
    Value::list(words.iter().copied())
}

fn check(pickle: &[u8], expected: Value) {
    let shown = pickle.escape_ascii();
    assert_eq!(decode(pickle), Ok(expected.clone()), "{shown}");
    assert_eq!(decode(&encode(&expected)), Ok(expected), "{shown}");
}

fn check_fault(pickle: &[u8], at: usize, fault: Fault) {
    let expected = Err(DecodeError { at, fault });
    assert_eq!(decode(pickle), expected, "{}", pickle.escape_ascii());
}

#[test]
fn what_clients_send_is_read() {
    // CPython, protocols 0, 2, 4 and 5.
    check(
        b"(lp0\nVstatus\np1\naVsshd\np2\na.",
        list(&["status", "sshd"]),
    );
    check(
        b"\x80\x02]q\x00(X\x06\x00\x00\x00statusq\x01X\x04\x00\x00\x00sshdq\x02e.",
        list(&["status", "sshd"]),
    );
    check(
        b"\x80\x04\x95\x15\0\0\0\0\0\0\0]\x94(\x8c\x06status\x94\x8c\x04sshd\x94e.",
        list(&["status", "sshd"]),
    );
    check(b"\x80\x05]\x94.", list(&[]));
    // Go: byte strings, short, long and in quotes.
    check(
        b"\x80\x02](U\x06statusU\x04sshde.",
        list(&["status", "sshd"]),
    );
    check(b"(T\x06\0\0\0statusl.", list(&["status"]));
    check(
        b"(S'status'\nS\"it's \\x41\\101\\t\\\\\\q\"\nl.",
        list(&["status", "it's AA\t\\\\q"]),
    );
    // What is behind the end is Python's to ignore.
    check(b"](U\x04pinge.\n", list(&["ping"]));
}

#[test]
fn every_kind_of_value_is_read() {
    for (pickle, expected) in [
        (&b"N."[..], Value::None),
        (b"I01\n.", Value::Bool(true)),
        (b"I00\n.", Value::Bool(false)),
        (b"\x88.", Value::Bool(true)),
        (b"\x89.", Value::Bool(false)),
        (b"I-12\n.", Value::Int(-12)),
        (b"L600L\n.", Value::Int(600)),
        (b"K\xff.", Value::Int(255)),
        (b"M\xff\xff.", Value::Int(65535)),
        (b"J\xff\xff\xff\xff.", Value::Int(-1)),
        (b"\x8a\x00.", Value::Int(0)),
        (b"\x8a\x02\x00\xff.", Value::Int(-256)),
        (b"\x8a\x08\0\0\0\0\0\0\0\x80.", Value::Int(i64::MIN)),
        (
            b"\x8a\x09\0\0\0\0\0\0\0\x80\0.",
            Value::BigInt("9223372036854775808".into()),
        ),
        (
            b"\x8a\x09\0\0\0\0\0\0\0\0\xff.",
            Value::BigInt("-18446744073709551616".into()),
        ),
        (b"\x8b\x09\0\0\0\x01\0\0\0\0\0\0\0\0.", Value::Int(1)),
        (
            b"L18446744073709551616L\n.",
            Value::BigInt("18446744073709551616".into()),
        ),
        (b"F1.5\n.", Value::Float(1.5)),
        (b"G\x3f\xf8\0\0\0\0\0\0.", Value::Float(1.5)),
        (
            b"V\\u20ac\xe9\\U0001f600\\\\u0041\n.",
            "€é😀\\\\u0041".into(),
        ),
        (b"C\x02\x00\xff.", Value::Bytes(vec![0, 255])),
        (b"B\x01\0\0\0a.", Value::Bytes(vec![b'a'])),
        (b"\x8e\x01\0\0\0\0\0\0\0a.", Value::Bytes(vec![b'a'])),
        (b"\x8d\x01\0\0\0\0\0\0\0a.", "a".into()),
        (b").", Value::Tuple(vec![])),
        (b"(t.", Value::Tuple(vec![])),
        (b"K\x01K\x02\x86.", Value::pair(1, 2)),
        (
            b"(K\x01K\x02K\x03K\x04t.",
            Value::Tuple((1..5).map(Value::Int).collect()),
        ),
        (b"}U\x01aK\x01s.", Value::Dict(vec![("a".into(), 1.into())])),
        (b"(U\x01aK\x01d.", Value::Dict(vec![("a".into(), 1.into())])),
        (
            b"\x8f(K\x01K\x02\x90.",
            Value::Set(vec![1.into(), 2.into()]),
        ),
        // Thrown away, doubled, looked up.
        (b"K\x01K\x020.", Value::Int(1)),
        (b"K\x01(0.", Value::Int(1)),
        (b"K\x01(K\x02K\x031.", Value::Int(1)),
        (b"K\x012\x86.", Value::pair(1, 1)),
        (
            b"](K\x01q\x05h\x05p9\ng9\nr\0\0\0\x80j\0\0\0\x80e.",
            Value::list([1; 4]),
        ),
        // A list that is filled after it was put into another one.
        (
            b"]\x94]\x94h\x00ah\x00K\x01a0.",
            Value::List(vec![Value::list([1])]),
        ),
    ] {
        check(pickle, expected);
    }
}

#[test]
fn what_is_more_than_data_is_refused_by_its_name() {
    for (pickle, at, name) in [
        (&b"cos\nsystem\n."[..], 0, "GLOBAL"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", 14, "STACK_GLOBAL"),
        (b"N)R.", 2, "REDUCE"),
        (b"N}b.", 2, "BUILD"),
        (b"(ios\nsystem\n.", 1, "INST"),
        (b"(No.", 2, "OBJ"),
        (b"N)\x81.", 2, "NEWOBJ"),
        (b"N)}\x92.", 3, "NEWOBJ_EX"),
        (b"\x82\x01.", 0, "EXT1"),
        (b"\x83\x01\0.", 0, "EXT2"),
        (b"\x84\x01\0\0\0.", 0, "EXT4"),
        (b"P7\n.", 0, "PERSID"),
        (b"NQ.", 1, "BINPERSID"),
        (b"(\x91.", 1, "FROZENSET"),
        (b"\x96\0\0\0\0\0\0\0\0.", 0, "BYTEARRAY8"),
        (b"\x97.", 0, "NEXT_BUFFER"),
        (b"N\x98.", 1, "READONLY_BUFFER"),
    ] {
        check_fault(pickle, at, Fault::Refused(name));
    }
    let error = decode(b"]cos\nsystem\n.").unwrap_err().to_string();
    assert_eq!(error, "GLOBAL is refused: only plain data is read (byte 1)");
}

#[test]
fn what_is_no_pickle_is_said() {
    for (pickle, at, fault) in [
        (&b""[..], 0, Fault::Truncated),
        (b"N", 1, Fault::Truncated),
        (b"U\x05abc.", 0, Fault::Truncated),
        (
            b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff.",
            0,
            Fault::Truncated,
        ),
        (b"Vabc", 0, Fault::Truncated),
        (b"\x80\x04\x95\x09\0\0\0\0\0\0\0N.", 2, Fault::Truncated),
        (b"hello", 0, Fault::Memo(u64::from(b'e'))),
        (b"{\"v\":1}", 0, Fault::Unknown(b'{')),
        (b"\x80\x06N.", 0, Fault::Version(6)),
        (b".", 0, Fault::Stack("STOP")),
        (b"(.", 1, Fault::Stack("STOP")),
        (b"K\x01(.", 3, Fault::Stack("STOP")),
        (b"K\x01(a.", 3, Fault::Stack("APPEND")),
        (b"NNa.", 2, Fault::Stack("APPEND")),
        (b"Ne.", 1, Fault::Stack("APPENDS")),
        (b"](K\x01e(t\x90.", 7, Fault::Stack("ADDITEMS")),
        (b"}(K\x01u.", 4, Fault::Stack("SETITEMS")),
        (b"(K\x01d.", 3, Fault::Stack("DICT")),
        (b"K\x01\x86.", 2, Fault::Stack("TUPLE2")),
        (b"h\x01.", 0, Fault::Memo(1)),
        (b"q\x01.", 0, Fault::Stack("BINPUT")),
        (b"I0x1\n.", 0, Fault::Argument("INT")),
        (b"L\n.", 0, Fault::Argument("LONG")),
        (b"Fone\n.", 0, Fault::Argument("FLOAT")),
        (b"g-1\n.", 0, Fault::Argument("GET")),
        (b"Sabc\n.", 0, Fault::Argument("STRING")),
        (b"S'\n.", 0, Fault::Argument("STRING")),
        (b"S'\\x4'\n.", 0, Fault::Argument("STRING")),
        (b"S'\\'\n.", 0, Fault::Argument("STRING")),
        (b"V\\u004\n.", 0, Fault::Argument("UNICODE")),
        (b"V\\U00110000\n.", 0, Fault::Argument("UNICODE")),
        (b"V\\ud800\n.", 0, Fault::Text),
        (b"X\x03\0\0\0\xed\xb3\xbf.", 0, Fault::Text),
        (b"U\x01\xff.", 0, Fault::Text),
        (b"}]Ns.", 5, Fault::Unhashable),
        (b"\x8f(]\x85\x90.", 6, Fault::Unhashable),
    ] {
        check_fault(pickle, at, fault);
    }
}

#[test]
fn hostile_pickles_find_their_bounds() {
    let deep = |depth: usize| [&b"]".repeat(depth)[..], &b"a".repeat(depth - 1), b"."].concat();
    assert!(decode(&deep(64)).is_ok());
    check_fault(&deep(65), 130, Fault::Deep);
    let deepest = deep(500_000);
    check_fault(&deepest, deepest.len(), Fault::Deep);
    // A list in itself.
    check_fault(b"]\x94h\x00a.", 6, Fault::Deep);
    // A list that holds the last one twice, thirty times over.
    let bomb = [&b"]\x94(K\x01e"[..], &b"\x852\x86".repeat(30), b"."].concat();
    check_fault(&bomb, bomb.len(), Fault::Many);
    // A text of 10,000 bytes, 1,000 times.
    let text = [
        &b"X\x10\x27\0\0"[..],
        &b"a".repeat(10_000),
        b"\x940(",
        &b"h\0".repeat(1000),
        b"l.",
    ];
    let text = text.concat();
    check_fault(&text, text.len(), Fault::Many);
    // The same, but no more than sharing may add.
    let shared = [
        &b"X\x10\x27\0\0"[..],
        &b"a".repeat(10_000),
        b"\x940(",
        &b"h\0".repeat(400),
        b"l.",
    ];
    assert!(decode(&shared.concat()).is_ok());
    // Whatever stands by itself is read.
    let long = [&b"("[..], &b"N".repeat(1_000_000), b"l."].concat();
    assert_eq!(decode(&long), Ok(Value::List(vec![Value::None; 1_000_000])));
    // A number of a million digits.
    check_fault(
        &[b"L", &b"9".repeat(1_000_000)[..], b"L\n."].concat(),
        0,
        Fault::Number,
    );
    check_fault(
        &[&b"\x8b\0\0\x01\0"[..], &b"\x7f".repeat(65_536), b"."].concat(),
        0,
        Fault::Number,
    );
}

fn reply(pickle: &[u8]) -> Result<Reply, ReplyError> {
    decode_reply(pickle)
}

fn check_reply(pickle: &[u8], code: i64, value: Value) {
    let expected = Ok(Reply {
        code,
        value: value.clone(),
    });
    assert_eq!(reply(pickle), expected, "{}", pickle.escape_ascii());
    let ours = encode_reply(code, &value);
    assert_eq!(reply(&ours[..ours.len() - END.len()]), expected);
}

#[test]
fn what_stock_servers_answer_is_read() {
    check_reply(
        b"\x80\x04K\x00]\x94\x8c\x08builtins\x94\x8c\x03str\x94\x93\x94\x8c\x07192.0.2\x94\x85\x94R\x94a\x86\x94.",
        0,
        list(&["192.0.2"]),
    );
    check_reply(
        b"\x80\x05K\x01\x8c\x08builtins\x94\x8c\x08KeyError\x94\x93\x94\x8c\x01x\x94\x85\x94R\x94\x86\x94.",
        1,
        Exception::new("KeyError", "x").into(),
    );
    check_reply(
        b"\x80\x02K\x01cexceptions\nOSError\nq\x00K\x02X\x01\x00\x00\x00xq\x01\x86q\x02Rq\x03\x86q\x04.",
        1,
        Exception { class: "OSError".into(), args: vec![2.into(), "x".into()] }.into(),
    );
    // With a state.
    check_reply(
        b"K\x01cfail2ban.exceptions\nUnknownJailException\nU\x01x\x85R}U\x01aK\x01sb\x86.",
        1,
        Exception::new("fail2ban.exceptions.UnknownJailException", "x").into(),
    );
    check_reply(
        b"K\x00c__builtin__\nset\n(K\x01l\x85R\x86.",
        0,
        Value::Set(vec![1.into()]),
    );
    check_reply(
        b"K\x00c_codecs\nencode\n(X\x02\0\0\0\xc3\xbfU\x06latin1tR\x86.",
        0,
        Value::Bytes(vec![0xff]),
    );
    // Half a pair, which a log that is no UTF-8 left.
    check_reply(
        b"K\x00X\x05\0\0\0a\xed\xb3\xbfb\x86.",
        0,
        "a\u{fffd}b".into(),
    );

    let text = Value::from("ERROR: not a pickle");
    assert_eq!(reply(&encode(&text)), Err(ReplyError::NoPair(text)));
    let down = list(&["SHUTDOWN"]);
    assert_eq!(reply(&encode(&down)), Err(ReplyError::NoPair(down)));
}

#[test]
fn answers_hold_no_classes_and_no_calls_but_of_classes() {
    for (pickle, at, fault) in [
        (&b"K\x00cos\nsystem\n\x86."[..], 15, Fault::Class),
        (b"K\x00N)R\x86.", 7, Fault::Class),
        (b"K\x00cx\ny\nNR\x86.", 11, Fault::Class),
        (b"K\x00cx\ny\n)\x81\x86.", 8, Fault::Refused("NEWOBJ")),
        (b"K\x00N}b\x86.", 4, Fault::Refused("BUILD")),
        (b"K\x00NN\x93)R\x86.", 9, Fault::Class),
    ] {
        let shown = pickle.escape_ascii();
        let expected = Err(ReplyError::Pickle(DecodeError { at, fault }));
        assert_eq!(reply(pickle), expected, "{shown}");
    }
}

#[test]
fn values_are_printed_as_python_does() {
    for (value, repr, text) in [
        (Value::None, "None", "None"),
        (true.into(), "True", "True"),
        (Value::Int(-1), "-1", "-1"),
        ("it's".into(), "\"it's\"", "it's"),
        (
            Value::Bytes(b"a'\n\xff".to_vec()),
            "b\"a'\\n\\xff\"",
            "b\"a'\\n\\xff\"",
        ),
        (Value::list(["192.0.2.1"]), "['192.0.2.1']", "['192.0.2.1']"),
        (Value::Tuple(vec![]), "()", "()"),
        (Value::Tuple(vec![1.into()]), "(1,)", "(1,)"),
        (Value::pair("a", 1), "('a', 1)", "('a', 1)"),
        (Value::Set(vec![]), "set()", "set()"),
        (Value::Set(vec![1.into()]), "{1}", "{1}"),
        (
            Value::Dict(vec![("sshd".into(), Value::list(["x"]))]),
            "{'sshd': ['x']}",
            "{'sshd': ['x']}",
        ),
        (
            Exception::new("KeyError", "x").into(),
            "KeyError('x')",
            "'x'",
        ),
        (
            Exception::new("ValueError", "x").into(),
            "ValueError('x')",
            "x",
        ),
        (
            Exception {
                class: "FileNotFoundError".into(),
                args: vec![2.into(), "No".into(), "/x".into()],
            }
            .into(),
            "FileNotFoundError(2, 'No', '/x')",
            "[Errno 2] No: '/x'",
        ),
        (
            Exception {
                class: "a.B".into(),
                args: vec![],
            }
            .into(),
            "B()",
            "",
        ),
        (Value::Float(1.0), "1.0", "1.0"),
        (Value::Float(0.0001), "0.0001", "0.0001"),
        (Value::Float(0.00001), "1e-05", "1e-05"),
        (
            Value::Float(1e15),
            "1000000000000000.0",
            "1000000000000000.0",
        ),
        (Value::Float(-1.5e16), "-1.5e+16", "-1.5e+16"),
        (
            Value::Float(1.7976931348623157e308),
            "1.7976931348623157e+308",
            "1.7976931348623157e+308",
        ),
        (Value::Float(-0.0), "-0.0", "-0.0"),
        (Value::Float(f64::NAN), "nan", "nan"),
        (Value::Float(f64::NEG_INFINITY), "-inf", "-inf"),
    ] {
        assert_eq!(value.repr(), repr);
        assert_eq!(value.to_string(), text);
    }
}

/// What comes of a stream, in one piece and byte by byte.
fn check_frames(stream: &[u8], expected: &[Frame]) {
    for size in [stream.len(), 1] {
        let mut frames = Frames::of_requests();
        let mut found = Vec::new();
        for piece in stream.chunks(size) {
            frames.push(piece);
            while let Some(frame) = frames.next_frame().unwrap() {
                found.push(frame);
            }
        }
        assert_eq!(found, expected, "{}", stream.escape_ascii());
    }
}

fn pickle(bytes: &[u8]) -> Frame {
    Frame::Pickle(bytes.to_vec())
}

#[test]
fn messages_end_behind_the_pickle() {
    let mark = "<F2B_END_COMMAND>";
    let tricky = encode(&list(&[
        "set",
        "sshd",
        "addfailregex",
        mark,
        "<F2B_CLOSE_COMMAND>",
        ".",
    ]));
    let lines = format!("(V{mark}\nI1\nS'{mark}'\nl.");
    check_frames(&[&tricky[..], END].concat(), &[pickle(&tricky)]);
    check_frames(
        &[lines.as_bytes(), END].concat(),
        &[pickle(lines.as_bytes())],
    );
    check_frames(
        &[&tricky[..], END, b"N.", END, &tricky, END, CLOSE, END].concat(),
        &[
            pickle(&tricky),
            pickle(b"N."),
            pickle(&tricky),
            Frame::Close,
        ],
    );
    check_frames(b"N.<F2B_END_COMMAND", &[]);
    check_frames(&tricky, &[]);
}

#[test]
fn nonsense_is_one_message_up_to_its_mark() {
    for (stream, expected) in [
        (
            &b"<F2B_END_COMMAND>N.<F2B_END_COMMAND>"[..],
            vec![pickle(b""), pickle(b"N.")],
        ),
        (
            b"{\"v\":1}\n<F2B_END_COMMAND>",
            vec![pickle(b"{\"v\":1}\n")],
        ),
        (
            b"N.x<F2B_END<F2B_END_COMMAND>N.<F2B_END_COMMAND>",
            vec![pickle(b"N.x<F2B_END"), pickle(b"N.")],
        ),
        (
            b"N.<F2B_END_COMMANDX<F2B_END_COMMAND>",
            vec![pickle(b"N.<F2B_END_COMMANDX")],
        ),
        (b"N.\n<F2B_END_COMMAND>", vec![pickle(b"N.\n")]),
        (
            b"N<F2B_END_COMMAND>N.<F2B_END_COMMAND>",
            vec![pickle(b"N"), pickle(b"N.")],
        ),
        (
            b"<F2B_CLOSE_COMMAND>x<F2B_END_COMMAND>",
            vec![pickle(b"<F2B_CLOSE_COMMAND>x")],
        ),
    ] {
        check_frames(stream, &expected);
    }
}

#[test]
fn too_long_messages_are_refused_as_soon_as_they_say_so() {
    let limit = TooLong { limit: MAX_REQUEST };
    let next = |bytes: &[u8]| {
        let mut frames = Frames::of_requests();
        frames.push(bytes);
        let first = frames.next_frame();
        frames.push(b"N.<F2B_END_COMMAND>");
        assert!(first.is_ok() || frames.next_frame() == first);
        first
    };
    assert_eq!(next(b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), Err(limit));
    assert_eq!(next(b"X\0\0\x10\0"), Err(limit));
    assert_eq!(next(b"X\xf0\xff\x0f\0"), Ok(None));
    for filling in [&b"N"[..], b"<", b"V"] {
        let fitting = filling.repeat(MAX_REQUEST / filling.len());
        assert_eq!(next(&fitting), Ok(None), "{}", filling.escape_ascii());
        assert_eq!(
            next(&[&fitting[..], &filling.repeat(17)].concat()),
            Err(limit)
        );
    }
    // As long as it may be.
    let longest = [&b"N".repeat(MAX_REQUEST - 1)[..], b"."].concat();
    assert_eq!(
        next(&[&longest[..], END].concat()),
        Ok(Some(pickle(&longest)))
    );
    assert_eq!(next(&[b"N", &longest[..], END].concat()), Err(limit));
}

proptest! {
    #[test]
    fn arbitrary_bytes_break_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        fuzz::fuzz_pickle(&bytes);
    }

    #[test]
    fn instructions_in_any_order_break_nothing(
        codes in proptest::collection::vec(
            proptest::sample::select(&b"(.012FIJKLMNRSTUVXabcd}eghjl]opqrst)uG\n'\x80\x85\x86\x87\x88\x89\x8a\x8c\x8f\x90\x93\x94\0\x01\x02"[..]),
            0..200,
        ),
    ) {
        fuzz::fuzz_pickle(&codes);
    }

    #[test]
    fn changed_pickles_break_nothing(
        words in proptest::collection::vec(".{0,40}", 0..6),
        changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 0..6),
        cut in any::<usize>(),
    ) {
        let words: Vec<Value> = words.into_iter().map(Value::from).collect();
        let mut bytes = encode_command(&words);
        for (place, byte) in changes {
            let place = place % bytes.len();
            bytes[place] = byte;
        }
        bytes.truncate(cut % (bytes.len() + 1));
        fuzz::fuzz_pickle(&bytes);
    }

    #[test]
    fn where_reads_end_does_not_matter(
        words in proptest::collection::vec(proptest::collection::vec(".{0,20}|<F2B_END_COMMAND>", 0..4), 0..6),
        cuts in proptest::collection::vec(1usize..50, 1..40),
    ) {
        let messages: Vec<Vec<u8>> = words
            .iter()
            .map(|words| encode(&Value::list(words.iter().map(String::as_str))))
            .collect();
        let stream: Vec<u8> = messages.iter().flat_map(|message| [message, END].concat()).collect();
        let mut frames = Frames::of_requests();
        let mut found = Vec::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            frames.push(piece);
            rest = after;
            while let Some(frame) = frames.next_frame().unwrap() {
                found.push(frame);
            }
        }
        let expected: Vec<Frame> = messages.into_iter().map(Frame::Pickle).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(!frames.is_within());
    }
}
