//! Values as pickles.
//!
//! Protocol 2, which every Python since 2.3 reads, unless the value holds bytes (3) or a set (4). Each value is written
//! out where it stands; nothing is remembered and looked up, which no reader insists on. Addresses are plain texts,
//! not the calls of `str` that the original writes: readers that know no classes read them, too.

use super::END;
use super::exception::Exception;
use super::value::Value;

/// The pickle of a value, without a mark.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut writer = Writer::new(protocol(value));
    writer.value(value);
    writer.end()
}

/// A whole message: the pickle and the end mark. What a server answers that is no pair is written so: `ERROR: …`,
/// `['SHUTDOWN']`.
pub fn encode_message(value: &Value) -> Vec<u8> {
    with_mark(encode(value))
}

/// An answer with its mark: 0 and the result, or 1 and an exception.
pub fn encode_reply(code: i64, value: &Value) -> Vec<u8> {
    let mut writer = Writer::new(protocol(value));
    writer.int(code);
    writer.value(value);
    writer.out.push(0x86);
    with_mark(writer.end())
}

/// A command with its mark.
pub fn encode_command(words: &[Value]) -> Vec<u8> {
    let mut writer = Writer::new(highest(words));
    writer.list(words);
    with_mark(writer.end())
}

fn with_mark(mut pickle: Vec<u8>) -> Vec<u8> {
    pickle.extend_from_slice(END);
    pickle
}

/// The lowest protocol, from 2 on, that has all it takes.
fn protocol(value: &Value) -> u8 {
    match value {
        Value::Bytes(_) => 3,
        Value::Set(_) => 4,
        Value::List(items) | Value::Tuple(items) => highest(items),
        Value::Exception(error) => highest(&error.args),
        Value::Dict(pairs) => {
            let each = pairs
                .iter()
                .map(|(key, value)| protocol(key).max(protocol(value)));
            each.max().unwrap_or(2)
        }
        _ => 2,
    }
}

fn highest(values: &[Value]) -> u8 {
    values.iter().map(protocol).max().unwrap_or(2)
}

/// A pickle under way.
struct Writer {
    protocol: u8,
    out: Vec<u8>,
}

impl Writer {
    fn new(protocol: u8) -> Self {
        Self {
            protocol,
            out: vec![0x80, protocol],
        }
    }

    fn end(mut self) -> Vec<u8> {
        self.out.push(b'.');
        self.out
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::None => self.out.push(b'N'),
            Value::Bool(true) => self.out.push(0x88),
            Value::Bool(false) => self.out.push(0x89),
            Value::Int(number) => self.int(*number),
            Value::BigInt(digits) => {
                self.out.push(b'L');
                self.out.extend_from_slice(digits.as_bytes());
                self.out.extend(*b"L\n");
            }
            Value::Float(number) => {
                self.out.push(b'G');
                self.out.extend(number.to_be_bytes());
            }
            Value::Str(text) => self.counted(text.as_bytes(), b'X', 0x8d),
            Value::Bytes(bytes) => self.counted(bytes, b'B', 0x8e),
            Value::List(items) => self.list(items),
            Value::Tuple(items) => self.tuple(items),
            Value::Dict(pairs) => {
                self.out.extend(*b"}(");
                for (key, value) in pairs {
                    self.value(key);
                    self.value(value);
                }
                self.out.push(b'u');
            }
            Value::Set(items) => {
                self.out.extend([0x8f, b'(']);
                self.values(items);
                self.out.push(0x90);
            }
            Value::Exception(error) => self.exception(error),
        }
    }

    fn values(&mut self, values: &[Value]) {
        for value in values {
            self.value(value);
        }
    }

    fn int(&mut self, number: i64) {
        if let Ok(byte) = u8::try_from(number) {
            self.out.extend([b'K', byte]);
        } else if let Ok(number) = u16::try_from(number) {
            self.out.push(b'M');
            self.out.extend(number.to_le_bytes());
        } else if let Ok(number) = i32::try_from(number) {
            self.out.push(b'J');
            self.out.extend(number.to_le_bytes());
        } else {
            self.out.extend([0x8a, 8]);
            self.out.extend(number.to_le_bytes());
        }
    }

    /// Bytes behind their length, in four bytes or else in eight.
    fn counted(&mut self, bytes: &[u8], short: u8, long: u8) {
        match u32::try_from(bytes.len()) {
            Ok(length) => {
                self.out.push(short);
                self.out.extend(length.to_le_bytes());
            }
            Err(_) => {
                self.out.push(long);
                self.out.extend((bytes.len() as u64).to_le_bytes());
            }
        }
        self.out.extend_from_slice(bytes);
    }

    fn list(&mut self, items: &[Value]) {
        self.out.extend(*b"](");
        self.values(items);
        self.out.push(b'e');
    }

    fn tuple(&mut self, items: &[Value]) {
        match items.len() {
            0 => self.out.push(b')'),
            short @ 1..=3 => {
                self.values(items);
                self.out.push(0x84 + short as u8);
            }
            _ => {
                self.out.push(b'(');
                self.values(items);
                self.out.push(b't');
            }
        }
    }

    /// A call of the class.
    fn exception(&mut self, error: &Exception) {
        let (module, class) = error.path();
        let is_old = self.protocol == 2 && module == "builtins" && OF_PYTHON_2.contains(&class);
        let module = if is_old { "exceptions" } else { module };
        self.out.push(b'c');
        for name in [module, class] {
            // A line feed in a name would end it; no name has one.
            self.out.extend(name.bytes().filter(|byte| *byte != b'\n'));
            self.out.push(b'\n');
        }
        self.tuple(&error.args);
        self.out.push(b'R');
    }
}

/// Errors that Python 2 knows by the module `exceptions`; Python 3 knows that name, too, in a pickle of protocol 2.
const OF_PYTHON_2: &[&str] = &[
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "EOFError",
    "Exception",
    "IOError",
    "ImportError",
    "IndexError",
    "KeyError",
    "LookupError",
    "MemoryError",
    "NameError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "RuntimeError",
    "SyntaxError",
    "SystemError",
    "TypeError",
    "ValueError",
    "ZeroDivisionError",
];
