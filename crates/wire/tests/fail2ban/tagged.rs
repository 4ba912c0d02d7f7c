//! Values in JSON with their types, which Python's side of the tests reads and writes.

use serde_json::{Value as Json, json};
use wire::fail2ban::Value;

/// Python's side: `value` makes a value of JSON, `tagged` JSON of a value. Parts that are equal are one and the same
/// object, so that pickles look values up.
pub(crate) const SCRIPT: &str = r#"
import io, json, pickle, struct, sys
known = {}
def value(tag):
    key = json.dumps(tag)
    if key not in known:
        if len(known) > 10000: known.clear()
        known[key] = made(*tag)
    return known[key]
def made(kind, data=None):
    if kind == "none": return None
    if kind == "bool": return data
    if kind == "int": return int(data)
    if kind == "float": return struct.unpack(">d", bytes.fromhex(data))[0]
    if kind == "str": return data
    if kind == "bytes": return bytes.fromhex(data)
    if kind == "list": return [value(item) for item in data]
    if kind == "tuple": return tuple(value(item) for item in data)
    if kind == "set": return {value(item) for item in data}
    if kind == "dict": return {value(key): value(item) for key, item in data}
    if kind == "error": return getattr(__import__(data[0], fromlist=["x"]), data[1])(*map(value, data[2]))
    raise ValueError(kind)
def tagged(value):
    kind = type(value)
    if value is None: return ["none"]
    if kind is bool: return ["bool", value]
    if kind is int: return ["int", str(value)]
    if kind is float: return ["float", struct.pack(">d", value).hex()]
    if kind is str: return ["str", value]
    if kind is bytes: return ["bytes", value.hex()]
    if kind is list: return ["list", [tagged(item) for item in value]]
    if kind is tuple: return ["tuple", [tagged(item) for item in value]]
    if kind is set: return ["set", [tagged(item) for item in value]]
    if kind is dict: return ["dict", [[tagged(key), tagged(item)] for key, item in value.items()]]
    if isinstance(value, BaseException):
        return ["error", [kind.__module__, kind.__name__, [tagged(arg) for arg in value.args]]]
    raise TypeError(kind)
"#;

/// The JSON of a value.
pub(crate) fn tagged(value: &Value) -> Json {
    let all = |items: &[Value]| items.iter().map(tagged).collect::<Vec<_>>();
    match value {
        Value::None => json!(["none"]),
        Value::Bool(truth) => json!(["bool", truth]),
        Value::Int(number) => json!(["int", number.to_string()]),
        Value::BigInt(digits) => json!(["int", digits]),
        Value::Float(number) => json!(["float", hex(&number.to_be_bytes())]),
        Value::Str(text) => json!(["str", text]),
        Value::Bytes(bytes) => json!(["bytes", hex(bytes)]),
        Value::List(items) => json!(["list", all(items)]),
        Value::Tuple(items) => json!(["tuple", all(items)]),
        Value::Set(items) => json!(["set", all(items)]),
        Value::Dict(pairs) => {
            let pairs = pairs.iter();
            let pairs: Vec<Json> = pairs
                .map(|(key, value)| json!([tagged(key), tagged(value)]))
                .collect();
            json!(["dict", pairs])
        }
        Value::Exception(error) => {
            let (module, class) = error.path();
            json!(["error", [module, class, all(&error.args)]])
        }
    }
}

/// The same JSON with the members of each set in the order of their texts.
pub(crate) fn sorted(mut json: Json) -> Json {
    if let Json::Array(parts) = &mut json {
        let is_set = parts.first().is_some_and(|kind| kind == "set");
        for part in parts.iter_mut() {
            *part = sorted(part.take());
        }
        if let (true, Some(Json::Array(items))) = (is_set, parts.get_mut(1)) {
            items.sort_by_cached_key(Json::to_string);
        }
    }
    json
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|place| u8::from_str_radix(&text[place..place + 2], 16).unwrap())
        .collect()
}
