//! The help text of both names.

/// What `-h` prints.
pub(super) fn usage(program: &str) -> String {
    format!(
        "Usage: {program} [OPTIONS] <COMMAND>

Stockade under a name of fail2ban: the same options, answers and exit codes.

Options:
    -c, --conf <DIR>        configuration directory (default /etc/fail2ban)
    -s, --socket <FILE>     socket path
    -p, --pidfile <FILE>    pidfile path
    --pname <NAME>          name of the process
    --loglevel <LEVEL>      logging level
    --logtarget <TARGET>    a file, or STDOUT, STDERR, SYSLOG, SYSOUT, SYSTEMD-JOURNAL
    --syslogsocket auto|<FILE>
    -d                      print the commands that the configuration stands for
    --dp, --dump-pretty     the same, broken into lines
    -t, --test              test the configuration; also compiles its regexes and date patterns
    -i                      interactive mode
    -v                      say more
    -q                      say less
    -x                      remove a stale socket
    -b                      start in the background (default)
    -f                      start in the foreground
    --async                 do not read the configuration
    --timeout <TIME>        how long to wait for the server
    --str2sec <STRING>      convert a time expression to seconds
    -h, --help              this text
    -V, --version           the version (-V: the bare number)

Commands need a running server, which this program cannot be yet under this name:
`stockade run` guards with the same configuration, `stockade --help` names its commands.
"
    )
}
