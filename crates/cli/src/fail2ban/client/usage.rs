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
    -x                      at a start: remove a socket that nobody answers
    -b                      start in the background (default)
    -f                      start in the foreground
    --async                 start a server that is set up through its socket
    --timeout <TIME>        how long a start or a stop may take (default 30 seconds)
    --str2sec <STRING>      convert a time expression to seconds
    -h, --help              this text
    -V, --version           the version (-V: the bare number)

{COMMANDS}"
    )
}

/// All commands; the words in capitals are the caller's.
const COMMANDS: &str = "\
The server:
    start                   start it, in the background unless -f is given
    stop                    stop it with all jails
    restart [--unban] [--if-exists] [JAIL]
                            stop and start it, or one jail
    reload [--restart] [--unban] [--if-exists] [--all|JAIL]
                            read the configuration again and change what differs
    ping [SECONDS]          whether it answers (in so many seconds)
    version                 its version
    status                  how many jails there are, and their names
    status --all [FLAVOR]   how all of them are
    stats, statistics       a table of all jails
    banned                  the banned of each jail
    banned IP...            the jails in which each of these is banned
    unban --all             lift all bans
    unban IP...             lift the bans of these in all jails
    echo WORD...            say that again
    sleep SECONDS           wait so long

Its log:
    set loglevel LEVEL      CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG, TRACEDEBUG, HEAVYDEBUG or a number
    get loglevel
    set logtarget TARGET    a file, STDOUT, STDERR, SYSLOG, SYSOUT or SYSTEMD-JOURNAL, perhaps with [OPTION=VALUE,...]
    get logtarget
    set syslogsocket auto|SOCKET
    get syslogsocket
    flushlogs               open the log anew

Its database and the rest:
    set dbfile FILE|None    only while there are no jails
    get dbfile
    set dbmaxmatches NUMBER
    get dbmaxmatches
    set dbpurgeage SECONDS
    get dbpurgeage
    set allowipv6 auto|yes|no

Jails:
    add JAIL [BACKEND]      make a jail that is not started yet
    start JAIL
    stop JAIL               end it and forget it
    status JAIL [FLAVOR]    how it is; FLAVOR is basic, short, cymru or stats

    set JAIL idle on|off
    set JAIL ignoreself true|false
    set JAIL addignoreip IP...
    set JAIL delignoreip IP
    set JAIL ignorecommand COMMAND
    set JAIL ignorecache OPTIONS
    set JAIL addlogpath FILE [tail]
    set JAIL dellogpath FILE
    set JAIL logencoding ENCODING
    set JAIL logtimezone ZONE
    set JAIL addjournalmatch MATCH...
    set JAIL deljournalmatch MATCH...
    set JAIL prefregex REGEX
    set JAIL addfailregex REGEX
    set JAIL delfailregex NUMBER
    set JAIL addignoreregex REGEX
    set JAIL delignoreregex NUMBER
    set JAIL datepattern PATTERN
    set JAIL usedns yes|warn|no|raw
    set JAIL findtime TIME
    set JAIL bantime TIME
    set JAIL bantime.OPTION VALUE
    set JAIL maxretry NUMBER
    set JAIL maxmatches NUMBER
    set JAIL maxlines NUMBER
    set JAIL attempt IP [LINE...]
                            count failures by hand
    set JAIL banip IP...
    set JAIL unbanip [--report-absent] IP...
    set JAIL addaction ACTION [PYTHONFILE JSON]
    set JAIL delaction ACTION
    set JAIL action ACTION PROPERTY VALUE
    set JAIL action ACTION METHOD [JSON]
                            call a method of the action

    get JAIL banned [IP...] who is banned, or which of these are (1 or 0)
    get JAIL banip [SEPARATOR|--with-time]
                            who is banned, as text
    get JAIL logpath
    get JAIL logencoding
    get JAIL logtimezone
    get JAIL journalmatch
    get JAIL ignoreself
    get JAIL ignoreip
    get JAIL ignorecommand
    get JAIL ignorecache
    get JAIL prefregex
    get JAIL failregex
    get JAIL ignoreregex
    get JAIL datepattern
    get JAIL usedns
    get JAIL findtime
    get JAIL bantime
    get JAIL bantime.OPTION
    get JAIL maxretry
    get JAIL maxmatches
    get JAIL maxlines
    get JAIL actions
    get JAIL action ACTION PROPERTY
    get JAIL actionproperties ACTION
    get JAIL actionmethods ACTION
";
