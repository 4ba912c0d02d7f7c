//! Exceptions: Python makes the same instances of ours, we read its own, and both say the same.

use super::ask;
use super::tagged::{self, from_hex, hex, tagged};
use serde_json::{Value as Json, json};
use wire::fail2ban::{END, Exception, Reply, Value, decode_reply, encode_reply};

/// For each line, an exception and our answer with it: the answers of every protocol, what was read of ours, and how it
/// is printed.
const SCRIPT: &str = r#"
for line in sys.stdin:
    tag, ours = json.loads(line)
    wanted = value(tag)
    code, error = pickle.loads(bytes.fromhex(ours))
    assert code == 1
    print(json.dumps([
        [pickle.dumps((1, wanted), version).hex() for version in range(pickle.HIGHEST_PROTOCOL + 1)],
        tagged(error),
        repr(wanted),
        str(wanted),
    ]))
"#;

/// Errors that commands end with.
fn errors() -> Vec<Exception> {
    let of = |class: &str, args: Vec<Value>| Exception {
        class: class.to_owned(),
        args,
    };
    let no_file = || vec![2.into(), "No such file or directory".into()];
    vec![
        Exception::new("fail2ban.exceptions.UnknownJailException", "it's"),
        Exception::new("fail2ban.exceptions.DuplicateJailException", "sshd"),
        Exception::new(
            "fail2ban.server.failregex.RegexException",
            "No failure-id group in 'x'",
        ),
        Exception::new(
            "Exception",
            "Invalid command (no get action or not yet implemented)",
        ),
        Exception::new("KeyError", "sshd"),
        Exception::new("ValueError", "not banned: ['192.0.2.1']"),
        Exception::new("IndexError", "list index out of range"),
        Exception::new("NameError", "x"),
        Exception::new("TypeError", "x"),
        Exception::new("AttributeError", "x"),
        Exception::new("RuntimeError", "x"),
        Exception::new("NotImplementedError", "x"),
        Exception::new("OverflowError", "x"),
        Exception::new("LookupError", "unknown encoding: x"),
        Exception::new("RecursionError", "x"),
        of("KeyError", vec![]),
        of("ValueError", vec!["a".into(), 1.into(), Value::list(["b"])]),
        of("ValueError", vec![Value::Bytes(vec![0xff])]),
        of("FileNotFoundError", no_file()),
        of(
            "PermissionError",
            vec![13.into(), "Permission denied".into()],
        ),
        of("OSError", vec![22.into(), "x".into()]),
        of("TimeoutError", vec![]),
    ]
}

/// What Python calls the class in a pickle that Python 2 could read, too.
fn old_class(class: &str) -> &str {
    match class {
        "FileNotFoundError" | "PermissionError" | "TimeoutError" => "OSError",
        class => class,
    }
}

#[test]
fn exceptions_are_as_cpythons() {
    let errors = errors();
    let lines = errors.iter().map(|error| {
        let value = Value::Exception(error.clone());
        let ours = encode_reply(1, &value);
        let ours = &ours[..ours.len() - END.len()];
        format!("{}\n", json!([tagged(&value), hex(ours)]))
    });
    let script = format!("{}{SCRIPT}", tagged::SCRIPT);
    let Some(answers) = ask("exceptions_are_as_cpythons", &script, lines.collect()) else {
        return;
    };
    let answers: Vec<Json> = answers
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), errors.len());
    for (error, answer) in errors.iter().zip(&answers) {
        let value = Value::Exception(error.clone());
        for (version, pickle) in answer[0].as_array().unwrap().iter().enumerate() {
            let pickle = from_hex(pickle.as_str().unwrap());
            let class = match version {
                0..3 => old_class(&error.class),
                _ => &error.class,
            };
            let expected = Exception {
                class: class.to_owned(),
                args: error.args.clone(),
            };
            let expected = Reply {
                code: 1,
                value: expected.into(),
            };
            let shown = pickle.escape_ascii();
            assert_eq!(
                decode_reply(&pickle),
                Ok(expected),
                "protocol {version}: {shown}"
            );
        }
        assert_eq!(answer[1], tagged(&value), "CPython read ours");
        assert_eq!(answer[2], value.repr());
        assert_eq!(answer[3], value.to_string());
    }
}
