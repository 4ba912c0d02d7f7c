//! A place where actions can do no harm: stand-ins for every program, paths that lead nowhere else.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Programs that change something, ask somebody or tell the time.
const STAND_INS: &[&str] = &[
    "afctl",
    "apf",
    "apprise",
    "conntrack",
    "csf",
    "curl",
    "date",
    "dig",
    "fail2ban-client",
    "firewall-cmd",
    "geoiplookup",
    "hostname",
    "ip",
    "ip6tables",
    "ipf",
    "ipfw",
    "ipset",
    "iptables",
    "jq",
    "logger",
    "mail",
    "mailx",
    "nft",
    "nginx",
    "npfctl",
    "nsupdate",
    "pfctl",
    "python",
    "sendmail",
    "service",
    "shorewall",
    "shorewall6",
    "sleep",
    "ss",
    "ssh",
    "sudo",
    "systemctl",
    "ufw",
    "uname",
    "wget",
    "whois",
];

/// Programs that only work on texts and files: the real ones.
const REAL: &[&str] = &[
    "[", "awk", "basename", "cat", "chmod", "cp", "cut", "dirname", "echo", "egrep", "env", "expr",
    "false", "fgrep", "grep", "head", "ls", "mkdir", "mktemp", "mv", "perl", "printf", "rm", "sed",
    "sh", "sort", "tail", "tee", "test", "touch", "tr", "true", "uniq", "wc", "xargs",
];

/// Writes down its name, its arguments and, of programs that are given something, its input. In an unwilling mood it
/// says no to whoever asks whether something is there.
const STAND_IN: &str = r#"#!/bin/sh
name=${0##*/}
input=
case $name in apprise | ipf | jq | mail | mailx | nsupdate | sendmail) input=$(cat) ;; esac
case "$name $*" in "pfctl "*-f-*) input=$(cat) ;; esac
{
    printf -- '-- %s' "$name"
    for word; do printf ' [%s]' "$word"; done
    if [ -n "$input" ]; then printf ' < %s' "$input"; fi
    printf '\n'
} >>"$RECORD"
case "$name $*" in
"date +%s") echo 1700000000 ;;
date*) echo "a date" ;;
uname* | hostname*) echo machine ;;
whois* | dig*) echo "\"abuse@example.org\"" ;;
esac
case "$MOOD $*" in
"unwilling"*" -C "* | "unwilling"*" -c "* | "unwilling"*list* | "unwilling"*info* | "unwilling"*show* | "unwilling"*query*) exit 1 ;;
esac
exit 0
"#;

/// What came of a life.
pub(crate) struct Outcome {
    /// What the stand-ins wrote.
    pub(crate) record: String,
    /// The files that the actions left, by their paths.
    pub(crate) files: BTreeMap<String, String>,
    /// What the program said was wrong.
    pub(crate) errors: Vec<String>,
}

/// The place.
pub(crate) struct Stage {
    dir: tempfile::TempDir,
    source: PathBuf,
}

impl Stage {
    /// With these actions.
    pub(crate) fn new(source: &Path) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let stage = Self {
            dir,
            source: source.to_owned(),
        };
        let bin = stage.root().join("bin");
        fs::create_dir(&bin).unwrap();
        let stand_in = bin.join("stand-in");
        fs::write(&stand_in, STAND_IN).unwrap();
        fs::set_permissions(&stand_in, fs::Permissions::from_mode(0o755)).unwrap();
        for name in STAND_INS {
            symlink("stand-in", bin.join(name)).unwrap();
        }
        for name in REAL {
            let places = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(name));
            if let Some(real) = places.iter().find(|path| path.exists()) {
                symlink(real, bin.join(name)).unwrap();
            }
        }
        stage
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    /// The names of all actions that a jail can name; pieces of others are none.
    pub(crate) fn actions(&self) -> Vec<String> {
        let files = fs::read_dir(&self.source)
            .unwrap()
            .map(|file| file.unwrap().path());
        let configs = files.filter(|file| file.extension().is_some_and(|end| end == "conf"));
        let actions = configs.filter(|file| {
            let text = String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned();
            text.contains("actionban") || text.contains("before =")
        });
        let stems = actions.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned());
        let mut names: Vec<String> = stems.filter(|name| !name.contains("common")).collect();
        names.sort();
        names
    }

    /// Makes everything anew for one action.
    pub(crate) fn set(&self, action: &str, mood: &str) {
        let root = self.root();
        for gone in [
            "tree", "etc", "var", "run", "proc", "usr", "tmp", "record", "mood",
        ] {
            let path = root.join(gone);
            if path.is_dir() {
                fs::remove_dir_all(&path).unwrap();
            } else if path.exists() {
                fs::remove_file(&path).unwrap();
            }
        }
        for made in [
            "tree/action.d",
            "tree/filter.d",
            "etc/nginx",
            "etc/symbiosis/firewall/blacklist.d",
            "var/run/fail2ban",
            "run",
            "proc/net/xt_recent",
            "usr",
            "tmp",
        ] {
            fs::create_dir_all(root.join(made)).unwrap();
        }
        fs::write(root.join("mood"), mood).unwrap();
        fs::write(root.join("etc/protocols"), "tcp 6 TCP\n").unwrap();
        fs::write(
            root.join("var/log"),
            format!("line of 192.0.2.7 {}\n", super::HOSTILE),
        )
        .unwrap();
        for file in fs::read_dir(&self.source).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                let name = path.file_name().unwrap();
                fs::write(
                    root.join("tree/action.d").join(name),
                    led_astray(&text, root),
                )
                .unwrap();
            }
        }
        let filter = "[Definition]\nfailregex = ^bad <HOST>$\n";
        fs::write(root.join("tree/filter.d/one.conf"), filter).unwrap();
        fs::write(
            root.join("tree/fail2ban.conf"),
            "[Definition]\nloglevel = INFO\n",
        )
        .unwrap();
        let own = "[Definition]\nbanaction_native = no\n";
        fs::write(root.join("tree/stockade.conf"), own).unwrap();
        let log = root.join("var/log");
        let jail = format!(
            "[t]\nenabled = true\nbackend = polling\nfilter = one\nlogpath = {log}\nbantime = 600\nport = {port}\n\
             action = {action}[name=%(__name__)s, port=\"%(port)s\", protocol=\"tcp\", logpath=\"{log}\", dest=\"root\", {}]\n",
            arguments(action),
            port = ports(action),
            log = log.display(),
        );
        fs::write(root.join("tree/jail.conf"), jail).unwrap();
    }

    /// Lets somebody lead the actions through a life.
    pub(crate) fn play(
        &self,
        steps: &[Value],
        subject: impl FnOnce(&Value) -> Vec<String>,
    ) -> Outcome {
        let root = self.root();
        let errors = subject(&self.question(steps, &root.join("bin").display().to_string()));
        let mut files = BTreeMap::new();
        for place in ["etc", "var/run", "run", "proc", "usr"] {
            collect(&root.join(place), &mut files);
        }
        Outcome {
            record: fs::read_to_string(root.join("record")).unwrap_or_default(),
            files,
            errors,
        }
    }

    /// The same with the real programs, in namespaces of its own; gives the tables that are left there.
    pub(crate) fn play_for_real(&self, firewall: &str, steps: &[Value], subject: &str) -> String {
        let question = self.question(steps, "/usr/sbin:/usr/bin:/sbin:/bin");
        let mut child = Command::new("unshare")
            .args(["--net", "--mount", "sh", "-c"])
            .arg(format!("{PREPARE}{subject} >&2; {TABLES}"))
            .env("SCRATCH", self.root().join("tmp"))
            .env("FIREWALL", firewall)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{question}").unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn question(&self, steps: &[Value], path: &str) -> Value {
        let root = self.root();
        let record = root.join("record");
        let mood = fs::read_to_string(root.join("mood")).unwrap();
        json!({
            "tree": root.join("tree"),
            "record": record,
            "now": 1_700_000_000.0,
            "ipv6": Path::new("/proc/net/if_inet6").exists(),
            "environment": {
                "PATH": path,
                "RECORD": record,
                "MOOD": mood,
                "TMPDIR": root.join("tmp"),
                "HOME": root.join("tmp"),
                "LC_ALL": "C.UTF-8",
            },
            "steps": steps,
        })
    }
}

/// Both programs as a shell starts them; the question is their input.
pub(crate) const FAIL2BAN: &str = concat!(
    "/usr/bin/python3 -B ",
    env!("CARGO_MANIFEST_DIR"),
    "/tests/actions/driver.py"
);
pub(crate) const STOCKADE: &str = concat!(env!("CARGO_BIN_EXE_stockade"), " conform-eval action");

/// ufw keeps its rules in files: they are copies here.
const PREPARE: &str = "mount --make-rprivate /; ip link set lo up
if [ \"$FIREWALL\" = ufw ]; then
    cp -r /etc/ufw $SCRATCH/ufw; mount --bind $SCRATCH/ufw /etc/ufw; ufw --force enable >&2 </dev/null
fi
";

/// All tables, without the times at which they were printed and the counters, which are nobody's doing.
const TABLES: &str = "
{ iptables-save; ip6tables-save; ipset save | sort | sed s/initval.*//; nft list ruleset; ufw status; } 2>/dev/null \
    | grep -v '^#' | sed -E 's/counter packets [0-9]+ bytes [0-9]+/counter/; s/\\[[0-9]+:[0-9]+\\]//; s/timeout ([0-9])[0-9]*$/timeout \\1/'
";

/// Why the real programs cannot be run apart from this machine's own tables.
pub(crate) fn no_namespace() -> Option<&'static str> {
    let can = |words: &[&str]| {
        let ran = Command::new("unshare")
            .args(["--net", "--mount"])
            .args(words)
            .output();
        ran.is_ok_and(|ran| ran.status.success())
    };
    if !can(&["true"]) {
        return Some("no namespaces can be made (not root?)");
    }
    let programs = [
        &["iptables", "-L", "-n"][..],
        &["ip6tables", "-L", "-n"],
        &["nft", "list", "ruleset"],
        &["ipset", "create", "x", "hash:ip"],
        &["ufw", "version"],
    ];
    let missing = programs.iter().find(|words| !can(words));
    missing.map(|words| match words.first() {
        Some(&"ipset") => "ipset is not there or the kernel has none",
        Some(&"ufw") => "ufw is not there",
        _ => "iptables or nft are not there",
    })
}

/// The text with all paths of the system below the root, and programs without theirs.
fn led_astray(text: &str, root: &Path) -> String {
    let root = root.display();
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let mut rest = line;
        let mut before = ' ';
        while let Some(c) = rest.chars().next() {
            let begins = " \t=\"'>|:(".contains(before) && rest.starts_with('/');
            let program = [
                "/usr/sbin/",
                "/usr/bin/",
                "/usr/libexec/",
                "/sbin/",
                "/bin/",
            ];
            let program = program
                .iter()
                .find_map(|dir| rest.strip_prefix(dir))
                .filter(|_| begins);
            let place = ["/etc/", "/var/", "/run/", "/proc/", "/usr/"];
            if let Some(name) = program {
                rest = name;
                before = '/';
                continue;
            }
            if begins && place.iter().any(|dir| rest.starts_with(dir)) {
                write!(out, "{root}").unwrap();
            }
            out.push(c);
            before = c;
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// The ports, as many as an action can close.
fn ports(action: &str) -> &'static str {
    match action {
        "iptables" | "iptables-new" | "iptables-ipset" => "22",
        _ => "22,80:90",
    }
}

/// What an action asks for besides.
fn arguments(action: &str) -> &'static str {
    match action {
        "abuseipdb" => "abuseipdb_apikey=\"KEY\", abuseipdb_category=\"18,22\"",
        "blocklist_de" => "email=\"a@example.org\", apikey=\"KEY\", service=\"ssh\"",
        "cloudflare" | "cloudflare-token" => {
            "cfuser=\"u\", cftoken=\"KEY\", cfzone=\"z\", cfname=\"n\""
        }
        "dshield" | "mynetwatchman" => {
            "lines=1, minreportinterval=0, maxbufferage=0, mnwlogin=\"l\", mnwpass=\"p\""
        }
        "mail-buffered" | "sendmail-buffered" => "lines=2",
        "netscaler" => "ns_host=\"h\", ns_auth=\"QQ==\", ns_dataset=\"d\"",
        "nsupdate" => "domain=\"example.org\", keyfile=\"k\", ttl=60",
        "ufw" => "application=\"app\", kill-mode=\"ss\"",
        _ => "lines=5",
    }
}

fn collect(dir: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let bytes = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            files.insert(path.display().to_string(), text);
        }
    }
}

/// Where two outcomes part.
pub(crate) fn difference(theirs: &Outcome, ours: &Outcome) -> String {
    let mut out = String::new();
    let (mut a, mut b) = (theirs.record.lines(), ours.record.lines());
    loop {
        match (a.next(), b.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => {
                writeln!(out, "  theirs: {one:?}\n  ours:   {other:?}").unwrap();
                break;
            }
        }
    }
    if theirs.files != ours.files {
        writeln!(
            out,
            "  files: {:?}\n  ours:  {:?}",
            theirs.files, ours.files
        )
        .unwrap();
    }
    writeln!(
        out,
        "  errors: {:?}\n  ours:   {:?}",
        theirs.errors, ours.errors
    )
    .unwrap();
    out
}

/// Debian's fail2ban, kept running: to start Python takes longer than to answer.
pub(crate) struct Fail2ban {
    child: Child,
}

impl Fail2ban {
    /// Whether it is installed; if not, that the test is left out is said.
    pub(crate) fn is_there(test: &str) -> bool {
        let is_there = Path::new("/usr/lib/python3/dist-packages/fail2ban/server").is_dir();
        if !is_there {
            println!("SKIPPED {test}: Debian's fail2ban is not installed");
        }
        is_there
    }

    pub(crate) fn start() -> Self {
        let driver = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/actions/driver.py");
        let child = Command::new("/usr/bin/python3")
            .arg(driver)
            .env("LC_ALL", "C.UTF-8")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self { child }
    }

    pub(crate) fn ask(&mut self, question: &Value) -> Vec<String> {
        writeln!(self.child.stdin.as_mut().unwrap(), "{question}").unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::with_capacity(1, self.child.stdout.as_mut().unwrap());
        stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Fail2ban {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// Our own answer.
pub(crate) fn ours(question: &Value) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
    command.args(["conform-eval", "action"]).env_clear();
    for (name, value) in question["environment"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{question}").unwrap();
    let output = child.wait_with_output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(answer["error"].is_null(), "{answer}");
    serde_json::from_value(answer["errors"].clone()).unwrap()
}
