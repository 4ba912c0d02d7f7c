//! Command lines, and what is understood.

use super::*;

fn read(line: &str) -> Result<Wish, Wrong> {
    let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    parse(&words)
}

/// The options in one line: the directory, what is to be done, the verbosity, what is given, the command.
fn shown(line: &str) -> String {
    let options = match read(line) {
        Ok(Wish::Work(options)) => options,
        Ok(other) => return format!("{other:?}"),
        Err(Wrong::Usage(why)) => return format!("usage: {why}"),
        Err(Wrong::Value(why)) => return format!("value: {why}"),
    };
    let flags = [
        (options.dump, "dump"),
        (options.is_pretty, "pretty"),
        (options.test, "test"),
        (options.is_interactive, "interactive"),
        (options.removes_socket, "remove"),
        (options.is_foreground, "foreground"),
        (options.is_async, "async"),
    ];
    let mut parts = vec![options.conf.display().to_string()];
    parts.extend(
        flags
            .iter()
            .filter(|(is_set, _)| *is_set)
            .map(|(_, name)| (*name).to_owned()),
    );
    parts.push(options.verbosity.to_string());
    if options.timeout != TIMEOUT {
        parts.push(format!("{:?}", options.timeout));
    }
    parts.extend(options.process_name);
    parts.extend(
        options
            .given
            .iter()
            .map(|(key, value)| format!("{key}={value}")),
    );
    parts.push(format!("[{}]", options.words.join(" ")));
    parts.join(" ")
}

#[test]
fn options_are_read_as_getopt_does() {
    let cases = [
        ("", "/etc/fail2ban 0 []"),
        ("-d", "/etc/fail2ban dump 0 []"),
        ("-vd", "/etc/fail2ban dump 1 []"),
        ("-dvv -q", "/etc/fail2ban dump 1 []"),
        ("-vdc /x", "/x dump 1 []"),
        ("-c/x -t", "/x test 0 []"),
        ("--conf=/x --test", "/x test 0 []"),
        ("--con /x --te", "/x test 0 []"),
        ("--dp", "/etc/fail2ban dump pretty 0 []"),
        ("--dump-pretty", "/etc/fail2ban dump pretty 0 []"),
        ("--du", "/etc/fail2ban dump pretty 0 []"),
        ("-td start", "/etc/fail2ban dump test 0 [start]"),
        ("status -d", "/etc/fail2ban 0 [status -d]"),
        ("-d -- -t", "/etc/fail2ban dump 0 [-t]"),
        (
            "-xfb --async --timeout 5m - -d",
            "/etc/fail2ban remove async 0 300s [- -d]",
        ),
        ("-xf start", "/etc/fail2ban remove foreground 0 [start]"),
        ("-bf --timeout -1", "/etc/fail2ban foreground 0 0ns []"),
        ("-i", "/etc/fail2ban interactive 0 []"),
        (
            "-s /s -p /p --pname n --loglevel DEBUG --logtarget STDOUT --syslogsocket auto",
            "/etc/fail2ban 0 n socket=/s pidfile=/p loglevel=DEBUG logtarget=STDOUT syslogsocket=auto []",
        ),
        ("--loglevel=A --loglevel=", "/etc/fail2ban 0 loglevel= []"),
        ("-dV", "Number"),
        ("--ver", "Version"),
        ("--he -V", "Help"),
        ("-h", "Help"),
        ("--str2sec 1d -d", "Seconds(\"1d\")"),
        ("-V --nosuch", "usage: option --nosuch is not known"),
        ("-y", "usage: option -y is not known"),
        ("-dé", "usage: option -é is not known"),
        ("-c", "usage: option -c needs a value"),
        ("--str2sec", "usage: option --str2sec needs a value"),
        ("--test=1", "usage: option --test takes no value"),
        (
            "--s 1",
            "usage: option --s may be --socket or --syslogsocket or --str2sec",
        ),
        (
            "--timeout foo",
            "value: --timeout 'foo': not a time expression such as 600, 10m or 1d 12h",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(shown(line), expected, "{line}");
    }
}
