//! Generated values: what CPython writes we read, what we write CPython reads, and both print it alike.

use super::ask;
use super::tagged::{self, from_hex, hex, sorted, tagged};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use std::collections::HashSet;
use wire::fail2ban::fuzz::fuzz_pickle;
use wire::fail2ban::{Fault, Value, decode, decode_reply, encode, encode_reply};

/// For each line, a value and our pickles of it and of the answer that holds it: the pickles of every protocol of the
/// value and of the answer, what was read of ours, and how it is printed. The pickler that is written in Python makes
/// other pickles than the one in C.
const SCRIPT: &str = r#"
for number, line in enumerate(sys.stdin):
    tag, ours, reply = json.loads(line)
    wanted = value(tag)
    dumps = pickle._dumps if number % 5 == 0 else pickle.dumps
    code, result = pickle.loads(bytes.fromhex(reply))
    assert code == 0 and type(code) is int
    versions = range(min(6, pickle.HIGHEST_PROTOCOL + 1))
    print(json.dumps([
        [dumps(wanted, version).hex() for version in versions],
        [dumps((0, wanted), version).hex() for version in versions],
        tagged(pickle.loads(bytes.fromhex(ours))),
        tagged(result),
        repr(wanted),
        str(wanted),
    ]))
"#;

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[ -~]{0,12}",
        2 => r#"['"\\\n\r\t\x00\x1a\x7f\u{80}\u{a0}éß€\u{2028}\u{fffd}\u{1f600}xu0]{0,12}"#,
        1 => prop::sample::select(vec![
            "Jail list", "sshd, nginx", "192.0.2.1", "2001:db8::1", "<F2B_END_COMMAND>", "\\u0041", "\\", "L", "",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// Numbers at the borders between instructions, and others.
fn numbers() -> impl Strategy<Value = Value> {
    prop_oneof![
        (0u32..64, -2i64..3, any::<bool>()).prop_map(|(bits, more, is_negative)| {
            let number = (1i64 << bits).wrapping_add(more);
            Value::Int(if is_negative {
                number.wrapping_neg()
            } else {
                number
            })
        }),
        any::<i64>().prop_map(Value::Int),
        "-?[1-9][0-9]{20,300}".prop_map(Value::BigInt),
        (63u32..=127, -2i128..3, any::<bool>()).prop_map(|(bits, more, is_negative)| {
            let number = (1i128 << bits).wrapping_add(more);
            let number = if is_negative {
                number.wrapping_neg()
            } else {
                number
            };
            i64::try_from(number).map_or_else(|_| Value::BigInt(number.to_string()), Value::Int)
        }),
    ]
}

fn floats() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::num::f64::ANY.prop_filter("one nan is enough", |number| !number.is_nan()),
        (-1_000_000i64..1_000_000, -20i32..20)
            .prop_map(|(number, exponent)| number as f64 * 10f64.powi(exponent)),
        prop::sample::select(vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN]),
    ]
    .prop_map(Value::Float)
}

fn leaves() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => Just(Value::None),
        1 => any::<bool>().prop_map(Value::Bool),
        3 => numbers(),
        2 => floats(),
        5 => texts().prop_map(Value::Str),
        1 => prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::Bytes),
    ]
}

/// What may be a key or a member of a set; of one kind, as Python takes 1, 1.0 and True for the same.
fn keys(count: usize) -> impl Strategy<Value = Vec<Value>> {
    let pairs = (texts(), texts()).prop_map(|(first, second)| Value::pair(first, second));
    prop_oneof![
        prop::collection::vec(texts().prop_map(Value::Str), 0..count),
        prop::collection::vec(numbers(), 0..count),
        prop::collection::vec(pairs, 0..count),
    ]
    .prop_map(|mut keys| {
        let mut seen = HashSet::new();
        keys.retain(|key| seen.insert(key.repr()));
        keys
    })
}

fn values() -> impl Strategy<Value = Value> {
    leaves().prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            3 => prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Tuple),
            2 => (keys(5), prop::collection::vec(inner, 5))
                .prop_map(|(keys, values)| Value::Dict(keys.into_iter().zip(values).collect())),
            1 => keys(5).prop_map(Value::Set),
        ]
    })
}

/// What generated values are too short for: parts of more than 255 bytes, of more than a thousand items, and of more
/// than one frame.
fn long_values() -> Vec<Value> {
    let many = || (0..2500).map(Value::Int);
    vec![
        Value::list([
            "é".repeat(127),
            "é".repeat(128),
            "x".repeat(255),
            "x".repeat(256),
        ]),
        Value::list([Value::Bytes(vec![1; 255]), Value::Bytes(vec![1; 256])]),
        Value::list(["x".repeat(65_535), "x".repeat(70_000)]),
        Value::List(many().collect()),
        Value::Tuple(many().collect()),
        Value::Set(many().collect()),
        Value::Dict(
            many()
                .map(|key| (key.clone(), Value::pair("n", key)))
                .collect(),
        ),
        // More values than one byte can number in the memo, each of them twice.
        Value::List(many().chain(many()).map(|n| Value::Str(n.repr())).collect()),
        (0..50).fold(Value::None, |inner, _| Value::List(vec![inner])),
    ]
}

/// The lowest protocols that write a value without a call: bytes from 3 on, sets from 4 on.
fn plain_from(value: &Value) -> usize {
    let of_all = |items: &[Value]| items.iter().map(plain_from).max().unwrap_or(0);
    match value {
        Value::Bytes(_) => 3,
        Value::Set(_) => 4,
        Value::List(items) | Value::Tuple(items) => of_all(items),
        Value::Dict(pairs) => {
            let pairs = pairs.iter();
            let each = pairs.map(|(key, value)| plain_from(key).max(plain_from(value)));
            each.max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// Whether all versions of Unicode agree on which of its characters are printed as they are.
fn is_old_text(value: &Value) -> bool {
    // JSON leaves them as they are.
    let text = tagged(value).to_string();
    text.chars()
        .all(|c| c < '\u{500}' || "€\u{fffd}😀".contains(c))
}

/// Whether Python prints it in one order only.
fn is_ordered(value: &Value) -> bool {
    match value {
        Value::Set(items) => items.len() < 2,
        Value::List(items) | Value::Tuple(items) => items.iter().all(is_ordered),
        Value::Dict(pairs) => pairs.iter().all(|(_, value)| is_ordered(value)),
        _ => true,
    }
}

#[test]
fn pickles_are_as_cpythons() {
    let mut runner = TestRunner::deterministic();
    let generated = (0..6000).map(|_| values().new_tree(&mut runner).unwrap().current());
    let cases: Vec<Value> = generated.chain(long_values()).collect();
    let lines = cases.iter().map(|value| {
        // Without the mark.
        let reply = encode_reply(0, value);
        let reply = &reply[..reply.len() - wire::fail2ban::END.len()];
        format!(
            "{}\n",
            json!([tagged(value), hex(&encode(value)), hex(reply)])
        )
    });
    let script = format!("{}{SCRIPT}", tagged::SCRIPT);
    let Some(answers) = ask("pickles_are_as_cpythons", &script, lines.collect()) else {
        return;
    };
    let answers: Vec<Json> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), cases.len());
    let (mut read, mut refused, mut printed) = (0, 0, 0);
    for (value, answer) in cases.iter().zip(&answers) {
        let expected = sorted(tagged(value));
        let pickles = |place: usize| {
            let all = answer[place].as_array().unwrap().iter();
            all.map(|pickle| from_hex(pickle.as_str().unwrap()))
                .enumerate()
        };
        for (version, pickle) in pickles(0) {
            let shown = || format!("protocol {version}: {value:?}\n{}", pickle.escape_ascii());
            match decode(&pickle) {
                Ok(got) => {
                    assert_eq!(sorted(tagged(&got)), expected, "{}", shown());
                    read += 1;
                }
                Err(error) => {
                    assert!(version < plain_from(value), "{error}: {}", shown());
                    assert!(
                        matches!(error.fault, Fault::Refused(_)),
                        "{error}: {}",
                        shown()
                    );
                    refused += 1;
                }
            }
        }
        for (version, pickle) in pickles(1) {
            let reply = decode_reply(&pickle);
            let shown = || format!("protocol {version}: {value:?}\n{}", pickle.escape_ascii());
            let reply = reply.unwrap_or_else(|error| panic!("{error}: {}", shown()));
            assert_eq!(reply.code, 0);
            assert_eq!(sorted(tagged(&reply.value)), expected, "{}", shown());
            read += 1;
        }
        for (version, mut pickle) in pickles(0).chain(pickles(1)) {
            // One byte is another one, or the end is missing; where and how depends on the case.
            let (place, byte) = (read * 31 % pickle.len(), (read * 97 + version) as u8);
            match version % 2 {
                0 => pickle[place] = byte,
                _ => pickle.truncate(place),
            }
            fuzz_pickle(&pickle);
        }
        assert_eq!(sorted(answer[2].clone()), expected, "CPython read ours");
        assert_eq!(
            sorted(answer[3].clone()),
            expected,
            "CPython read our answer"
        );
        if is_ordered(value) && is_old_text(value) {
            printed += 1;
            assert_eq!(value.repr(), answer[4]);
            assert_eq!(value.to_string(), answer[5]);
        }
    }
    println!(
        "{} values, {read} pickles read, {refused} refused, {printed} printed",
        cases.len()
    );
    assert!(read > 50_000 && refused > 1000 && printed > 4000);
}
