//! The lines as they travel: other programs depend on these texts.

use super::*;
use proptest::prelude::*;

fn check_request(line: &str, expected: Request) {
    assert_eq!(
        decode::<Request>(line.as_bytes()).unwrap(),
        expected,
        "{line}"
    );
    assert_eq!(
        decode::<Request>(encode(&expected).as_bytes()).unwrap(),
        expected,
        "{line}"
    );
}

#[test]
fn requests_may_leave_out_what_has_a_default() {
    check_request(r#"{"command":"ping"}"#, Request::Ping);
    check_request(
        r#"{"command":"status","later":"field"}"#,
        Request::Status { jail: None },
    );
    check_request(
        r#"{"command":"ban","jail":"sshd","ips":["192.0.2.1"]}"#,
        Request::Ban {
            jail: "sshd".into(),
            ips: vec!["192.0.2.1".into()],
            time: None,
            force: false,
        },
    );
    check_request(
        r#"{"command":"stop","flush":true}"#,
        Request::Stop { flush: true },
    );
    check_request(r#"{"command":"unban_all"}"#, Request::UnbanAll);
    check_request(
        r#"{"command":"attempt","jail":"sshd","ip":"192.0.2.1"}"#,
        Request::Attempt {
            jail: "sshd".into(),
            ip: "192.0.2.1".into(),
            lines: vec![],
        },
    );
}

#[test]
fn what_is_no_request_is_said() {
    for line in [
        "",
        "{}",
        "[]",
        r#"{"command":"explode"}"#,
        r#"{"command":"ban","jail":"sshd"}"#,
        "\u{0}",
    ] {
        let error = decode::<Request>(line.as_bytes()).unwrap_err().to_string();
        assert!(
            error.starts_with("not a message of this protocol: "),
            "{line}: {error}"
        );
    }
}

#[test]
fn an_answer_is_told_from_a_failure_by_its_fields() {
    let pong = Pong {
        v: VERSION,
        version: "0.1.0".into(),
        pid: 7,
    };
    assert_eq!(
        encode(&Answer::Done(pong.clone())),
        r#"{"v":1,"version":"0.1.0","pid":7}"#
    );
    assert_eq!(
        decode::<Answer<Pong>>(encode(&pong).as_bytes()).unwrap(),
        Answer::Done(pong)
    );
    let line = r#"{"v":1,"error":"no jail 'x'","help":"see stockade status"}"#;
    let failed = Failed {
        v: VERSION,
        error: "no jail 'x'".into(),
        help: Some("see stockade status".into()),
    };
    assert_eq!(
        decode::<Answer<Pong>>(line.as_bytes()).unwrap(),
        Answer::Failed(failed.clone())
    );
    assert_eq!(encode(&Answer::<Pong>::Failed(failed)), line);
}

#[test]
fn a_ban_without_end_says_null() {
    let ban = Ban {
        jail: "sshd".into(),
        ip: "2001:db8::1".into(),
        time: 1_700_000_000,
        until: None,
        failures: 5,
        users: vec![User {
            name: "root".into(),
            count: 5,
        }],
    };
    assert_eq!(
        encode(&ban),
        r#"{"jail":"sshd","ip":"2001:db8::1","time":1700000000,"until":null,"failures":5,"users":[{"name":"root","count":5}]}"#
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(request) = decode::<Request>(&line) {
            prop_assert_eq!(decode::<Request>(encode(&request).as_bytes()).unwrap(), request);
        }
    }
}

#[test]
fn no_control_character_travels_bare_and_each_comes_back() {
    let text = "\u{1b}[2J\u{7f}\u{9b}1mü";
    let line = encode(&Failed {
        v: VERSION,
        error: text.into(),
        help: None,
    });
    assert!(!line.contains(char::is_control), "{line:?}");
    let back: Failed = decode(line.as_bytes()).unwrap();
    assert_eq!(back.error, text);
}
