//! The command lines, in the order in which both servers are told them. A dot in the middle stands for a blank inside of a
//! word, `{dir}` for the directory of the server.

/// One command line each; empty lines and those that begin with `//` are for the reader.
pub(crate) const LINES: &str = r"
// What there is.
ping
ping 5
ping x
ping -1
ping 0.5 more
version
status
status j1
status j1 short
status j1 basic
status j1 nosuch
status j1 cymru x
status nosuch
status --all
status --all short
status ·
stats
statistic
statistics
banned
banned 192.0.2.1
banned 192.0.2.1 2001:db8::1
echo a b
echo
echo é☃ a'b \
nosuch
nosuch loglevel
nosuch a b c

// The server's options.
get
set
get loglevel
set loglevel
set loglevel DEBUG
get loglevel
set loglevel NOSUCH
set loglevel 20
get loglevel
set loglevel INFO
get logtarget
set logtarget {dir}/other.log
get logtarget
flushlogs
set logtarget /nonexistent/x
set logtarget {dir}/f.log
get syslogsocket
set syslogsocket auto
get dbfile
set dbfile {dir}/other.sqlite3
set dbfile None
get dbpurgeage
set dbpurgeage 3600
set dbpurgeage x
set dbpurgeage 1d
get dbmaxmatches
set dbmaxmatches 7
set dbmaxmatches x
get dbmaxmatches
get thread
set thread x
set allowipv6 auto
set allowipv6 nosuch
get nosuch
set nosuch x
get nosuch logpath
set nosuch logpath x

// A jail's options.
get j1
set j1
get j1 nosuch
set j1 nosuch
set j1 nosuch x
get j1 logpath
get j1 logencoding
set j1 logencoding UTF-8
set j1 logencoding nosuch
set j1 logencoding auto
get j1 journalmatch
set j1 addjournalmatch A=B
set j1 deljournalmatch A=B
get j1 ignoreself
set j1 ignoreself false
get j1 ignoreself
set j1 ignoreself yes
get j1 ignoreip
set j1 addignoreip 192.0.2.200
set j1 addignoreip 198.51.100.0/24 2001:db8:1::/64
get j1 ignoreip
set j1 delignoreip 192.0.2.200
set j1 delignoreip 192.0.2.201
get j1 ignoreip
get j2 ignoreip
get j1 ignorecommand
set j1 ignorecommand true·<ip>
get j1 ignorecommand
set j1 ignorecommand ·
get j1 ignorecache
set j1 ignorecache key=<ip>,max-count=5,max-time=60
get j1 ignorecache
set j1 ignorecache ·
get j1 prefregex
set j1 prefregex ^x·<F-CONTENT>.*</F-CONTENT>$
get j1 prefregex
set j1 prefregex (
set j1 prefregex ·
get j1 failregex
set j1 addfailregex ^other·<HOST>$
get j1 failregex
set j1 addfailregex (·<HOST>
set j1 addfailregex nohost
set j1 addfailregex
set j1 delfailregex 0
set j1 delfailregex 7
set j1 delfailregex x
get j1 failregex
get j1 ignoreregex
set j1 addignoreregex ^never$
set j1 addignoreregex ^no·'quote'·and·a·\d+$
get j1 ignoreregex
set j1 delignoreregex 0
set j1 delignoreregex 0
get j1 findtime
set j1 findtime 1h
set j1 findtime x
get j1 findtime
get j1 bantime
set j1 bantime -1
set j1 bantime 1d
get j1 bantime
get j1 maxretry
set j1 maxretry 7
set j1 maxretry x
get j1 maxretry
get j1 maxmatches
set j1 maxmatches 3
get j1 maxlines
set j1 maxlines 2
set j1 maxlines 0
set j1 maxlines 1
get j1 usedns
set j1 usedns no
set j1 usedns nosuch
get j1 usedns
get j1 datepattern
set j1 datepattern %Y-%m-%d
get j1 datepattern
set j1 datepattern {NONE}
get j1 datepattern
set j1 datepattern %Y··%%d{{
get j1 logtimezone
set j1 logtimezone UTC+0100
get j1 logtimezone
set j1 logtimezone nosuch
get j1 bantime.increment
set j1 bantime.increment true
get j1 bantime.increment
get j1 bantime.factor
set j1 bantime.factor 2
get j1 bantime.maxtime
set j1 bantime.maxtime 1w
get j1 bantime.nosuch
set j1 idle on
status j1
set j1 idle off
set j1 idle nosuch
set j1 addlogpath {dir}/second.log
get j1 logpath
set j1 addlogpath {dir}/third.log tail
set j1 addlogpath {dir}/third.log nosuch
set j1 addlogpath /nonexistent
set j1 dellogpath {dir}/second.log
set j1 dellogpath /nonexistent
get j1 logpath

// Actions.
get j1 actions
get j1 actionproperties
get j1 actionproperties act
get j1 actionmethods act
get j1 actionproperties nosuch
get j1 action act actionban
get j1 action act timeout
get j1 action act nosuch
get j1 action nosuch timeout
get j1 action act
set j1 action act timeout 5
set j1 action act timeout x
set j1 action act actionban echo·ban·<ip>·>>{dir}/out
set j1 action act nosuch value
set j1 action act mine value
get j1 action act mine
set j1 action act
set j1 action nosuch x y
set j1 addaction second
set j1 addaction second
get j1 actions
get j1 actionproperties second
set j1 action second flush
set j1 action second flush {}
set j1 action second flush nonsense
set j1 addaction python /nonexistent.py {}
set j1 addaction
set j1 delaction second
set j1 delaction second
get j1 actions

// Bans.
set j1 banip 192.0.2.1
set j1 banip 192.0.2.1
set j1 banip 192.0.2.2 2001:db8::1
set j1 banip 192.0.2.0/28
set j1 banip ·
set j1 banip
set j2 banip 192.0.2.1
status
status j1
status j1 short
get j1 banip
get j1 banip ,
get j1 banip ·
get j1 banip --with-time
get j2 banip --with-time
get j1 banned
get j1 banned 192.0.2.1
get j1 banned 192.0.2.1 192.0.2.9
banned
banned 192.0.2.1
banned 192.0.2.1 192.0.2.9
set j1 unbanip 192.0.2.1
set j1 unbanip 192.0.2.1
set j1 unbanip --report-absent 192.0.2.1
set j1 unbanip 192.0.2.2 192.0.2.9
unban 192.0.2.1
unban 192.0.2.9
unban
get j1 banip
set j1 attempt 192.0.2.3
set j1 attempt 192.0.2.3 line·one line·two
set j1 attempt
status j1
unban --all
unban --all

// Jails.
add
add j1
add j1 polling
add new polling
add newer nosuch
add --all polling
status
status new
get new logpath
get new failregex
get new datepattern
get new actions
set new addfailregex ^x·<HOST>$
set new action nosuch x y
start new
start new
start nosuch
status new
stop new
stop new
stop nosuch
status
sleep 0
sleep x
sleep

// The configuration.
reload
status
get j1 maxretry
get j1 failregex
reload j1
reload j2 j1
reload nosuch
reload --if-exists nosuch
reload --if-exists off
reload off
reload --unban
reload --restart j1
reload --restart --unban --all
reload --nosuch
reload ·
restart j1
restart --unban j2
restart --if-exists j1
restart nosuch
restart --nosuch j1
-t status
-t reload j1
start
-f start
-x start
-b start
--async start
-vq status
-q status nosuch
-qq status nosuch
-qqq ping
--timeout 5 ping
--pname x ping
-s {dir}/nosuch status
-s {dir}/nosuch ping
-s {dir}/nosuch reload
-s {dir}/nosuch stop
-s {dir}/nosuch reload nosuch
-s /nonexistent/nosuch -i ping
-s {dir}/second.log status
-s {dir}/second.log ping
-s {dir}/second.log reload
-s {dir}/second.log start
-s {dir} status
-c {dir}/broken reload
-c {dir}/broken reload j1
-c {dir}/broken start
-c {dir}/broken status
-c {dir}/unreadable status
-c {dir}/unreadable -s {dir}/f.sock status
-c {dir}/empty -s {dir}/f.sock ping
-c /nonexistent status
-c /nonexistent -s {dir}/f.sock -p {dir}/f.pid --loglevel INFO --logtarget {dir}/f.log --syslogsocket auto status
--loglevel NOSUCH status
status j1
stop j1
status
stop j2 j1
stop
stop
ping
status
";

/// What is typed interactively, a session each.
pub(crate) const SESSIONS: &[&str] = &[
    "",
    "ping\n",
    "exit",
    "quit\nping\n",
    "status\nstatus nosuch\nping\nquit\n",
    "  get   j1\tmaxretry  \nexit\n",
    "echo 'a b' \"c d\" e\\ f ''\nquit\n",
    "echo 'unclosed\necho \\\nping\nquit\n",
    "EXIT\nexit now\nquit\n",
    "# no comment\nquit\n",
    "\n\nping\nquit\n",
    "start\nreload j1\nreload nosuch\nrestart j2\nquit\n",
    "-v\nget j1 failregex\nset j1 banip 192.0.2.77\nget j1 banip\nunban --all\nquit\n",
];
