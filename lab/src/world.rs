//! A small internet: one namespace with servers and the daemon, one with attackers.
//!
//! The attackers' namespace owns 10.77.0.0/16 and fd77::/32 as a whole (any address of them can be bound), so
//! that thousands of sources cost nothing. The servers' side also has mounts of its own: /dev/log, /run, /var/log,
//! the configuration of fail2ban, stockade and PAM and the list of users there are not the machine's.

use crate::process::{Running, must};
use crate::wait::until_true;
use crate::{Done, Stop};
use rustix::thread::LinkNameSpaceType;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

/// The servers' addresses.
pub(crate) const SERVER4: &str = "10.99.0.1";
pub(crate) const SERVER6: &str = "fd99::1";

/// The user and group of `good`.
const GOOD_ID: u32 = 61_234;

static WORLDS: AtomicU32 = AtomicU32::new(0);

/// One scenario's world; everything in it ends when it is dropped.
pub(crate) struct World {
    /// A scratch directory that both sides see.
    pub(crate) dir: PathBuf,
    server: String,
    attacker: String,
    holder: Option<Running>,
    scratch: PathBuf,
}

impl World {
    pub(crate) fn new() -> Done<Self> {
        let tag = format!(
            "{}-{}",
            std::process::id(),
            WORLDS.fetch_add(1, Ordering::Relaxed)
        );
        let scratch = std::env::temp_dir().join(format!("stockade-lab-{tag}"));
        fs::create_dir_all(&scratch)?;
        must(Command::new("chmod").arg("755").arg(&scratch))?;
        let mut world = Self {
            dir: scratch.clone(),
            server: format!("stk-s-{tag}"),
            attacker: format!("stk-a-{tag}"),
            holder: None,
            scratch,
        };
        world.make_network()?;
        world.make_users()?;
        world.make_mounts()?;
        Ok(world)
    }

    fn make_network(&self) -> Done {
        let (s, a) = (self.server.as_str(), self.attacker.as_str());
        add_namespace(s)?;
        add_namespace(a)?;
        ip(&format!(
            "link add veth-s netns {s} type veth peer name veth-a netns {a}"
        ))?;
        for (ns, device, host) in [(s, "veth-s", 1), (a, "veth-a", 2)] {
            ip(&format!("-n {ns} link set lo up"))?;
            ip(&format!("-n {ns} addr add 10.99.0.{host}/24 dev {device}"))?;
            ip(&format!(
                "-n {ns} -6 addr add fd99::{host}/64 dev {device} nodad"
            ))?;
            ip(&format!("-n {ns} link set {device} up"))?;
        }
        ip(&format!("-n {s} route add 10.77.0.0/16 via 10.99.0.2"))?;
        ip(&format!("-n {s} -6 route add fd77::/32 via fd99::2"))?;
        ip(&format!("-n {a} route add local 10.77.0.0/16 dev lo"))?;
        ip(&format!("-n {a} -6 route add local fd77::/32 dev lo"))?;
        for family in ["ipv4", "ipv6"] {
            must(
                self.attacker("sysctl")
                    .args(["-qw", &format!("net.{family}.ip_nonlocal_bind=1")]),
            )?;
        }
        Ok(())
    }

    /// The machine's users and one more, `good` with the password `secret`: whom servers let in.
    fn make_users(&self) -> Done {
        let home = self.file("home");
        fs::create_dir_all(home.join(".ssh"))?;
        let hash = must(Command::new("openssl").args(["passwd", "-6", "secret"]))?;
        let users = fs::read_to_string("/etc/passwd")?;
        let line = format!("good:x:{GOOD_ID}:{GOOD_ID}::{}:/bin/sh\n", home.display());
        self.write("passwd", &(users + &line))?;
        let secrets = fs::read_to_string("/etc/shadow")?;
        self.write(
            "shadow",
            &format!("{secrets}good:{}:20000:0:99999:7:::\n", hash.trim()),
        )?;
        must(Command::new("chmod").arg("600").arg(self.file("shadow")))?;
        must(
            Command::new("chown")
                .args(["-R", &GOOD_ID.to_string()])
                .arg(home),
        )
        .map(drop)
    }

    /// A process that holds the mount namespace, with private /dev, /run and /var/log.
    fn make_mounts(&mut self) -> Done {
        let script = "set -e
            dev=$1/dev; mkdir -p $dev; mount -t tmpfs -o mode=755 tmpfs $dev; cd $dev
            for d in null zero full random urandom tty kmsg; do [ -e /dev/$d ] || continue; touch $d; mount --bind /dev/$d $d; done
            mkdir pts shm; mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts pts; ln -s pts/ptmx ptmx
            ln -s /proc/self/fd fd; mount -t tmpfs tmpfs shm; cd /; mount --move $dev /dev
            mount -t tmpfs -o mode=755 tmpfs /run; mkdir -p /run/sshd /run/lock /run/systemd/journal /run/log/journal
            chmod 755 /run/sshd; mount -t tmpfs -o mode=755 tmpfs /var/log
            for d in /etc/fail2ban /etc/stockade /etc/pam.d; do [ ! -d $d ] || mount -t tmpfs tmpfs $d; done
            for f in passwd shadow; do [ ! -e $1/$f ] || mount --bind $1/$f /etc/$f; done
            touch $1/mounted; exec sleep infinity";
        // Not `ip netns exec`: that hides the control groups, and journald does not start without.
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.server))
            .args(["unshare", "-m", "--propagation", "private"]);
        command
            .args(["bash", "-c", script, "mounts"])
            .arg(&self.scratch);
        let mut holder = Running::start(&mut command, &self.scratch.join("mounts.log"))?;
        let mark = self.scratch.join("mounted");
        until_true(Duration::from_secs(10), "the servers' mounts", || {
            if let Some(code) = holder.ended()? {
                let said = fs::read_to_string(self.scratch.join("mounts.log")).unwrap_or_default();
                return Err(Stop::Fail(format!("mounts failed with {code}: {said}")));
            }
            Ok(mark.exists())
        })?;
        self.holder = Some(holder);
        Ok(())
    }

    /// A program on the servers' side, with its network and its mounts.
    pub(crate) fn server(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let pid = self.holder.as_ref().map_or(0, Running::pid);
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--mount=/proc/{pid}/ns/mnt"))
            .arg(format!("--net=/run/netns/{}", self.server));
        command.arg(program);
        command
    }

    /// A program on the attackers' side.
    pub(crate) fn attacker(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.attacker))
            .arg(program);
        command
    }

    /// Does something with a thread's own sockets on the attackers' side.
    pub(crate) fn as_attacker<T: Send>(&self, work: impl FnOnce() -> Done<T> + Send) -> Done<T> {
        let namespace = File::open(format!("/run/netns/{}", self.attacker))?;
        let moved = || {
            rustix::thread::move_into_link_name_space(
                namespace.as_fd(),
                Some(LinkNameSpaceType::Network),
            )
            .map_err(std::io::Error::from)?;
            work()
        };
        thread::scope(|scope| scope.spawn(moved).join())
            .unwrap_or_else(|_| Err(Stop::Fail("an attacker panicked".into())))
    }

    /// A path of the servers' side as it is seen from outside.
    pub(crate) fn inside(&self, path: &str) -> PathBuf {
        let pid = self.holder.as_ref().map_or(0, Running::pid);
        PathBuf::from(format!("/proc/{pid}/root{path}"))
    }

    /// A program that runs on the servers' side until it is dropped; its words go to NAME.log.
    pub(crate) fn start(&self, name: &str, command: &mut Command) -> Done<Running> {
        Running::start(command, &self.file(&format!("{name}.log")))
    }

    /// A path in the scratch directory.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a file of the scratch directory, with its parents.
    pub(crate) fn write(&self, name: &str, text: &str) -> Done<PathBuf> {
        let path = self.file(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, text)?;
        Ok(path)
    }

    /// What a program of this world has said so far.
    pub(crate) fn said(&self, name: &str) -> String {
        read(&self.file(&format!("{name}.log")))
    }

    /// Makes the attackers' side reach the server from this address even with clients that cannot choose one.
    pub(crate) fn speak_from(&self, source: &str) -> Done {
        let a = &self.attacker;
        if source.contains(':') {
            // An address must be a real one of the machine to be a route's source.
            let added = ip(&format!("-n {a} -6 addr replace {source}/128 dev lo nodad"));
            added.and_then(|()| {
                ip(&format!(
                    "-n {a} -6 route replace {SERVER6}/128 dev veth-a src {source}"
                ))
            })
        } else {
            ip(&format!(
                "-n {a} route replace {SERVER4}/32 dev veth-a src {source}"
            ))
        }
    }

    /// The name of the servers' network namespace.
    pub(crate) fn server_namespace(&self) -> &str {
        &self.server
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let is_kept = std::env::var_os("STOCKADE_LAB_KEEP").is_some();
        if is_kept {
            drop(must(
                Command::new("cp")
                    .arg("-r")
                    .arg(self.inside("/var/log"))
                    .arg(self.file("var-log")),
            ));
        }
        for ns in [&self.server, &self.attacker] {
            if let Ok(pids) = must(Command::new("ip").args(["netns", "pids", ns])) {
                for pid in pids.split_whitespace() {
                    drop(
                        Command::new("kill")
                            .args(["-9", pid])
                            .stderr(std::process::Stdio::null())
                            .status(),
                    );
                }
            }
        }
        drop(self.holder.take());
        for ns in [&self.server, &self.attacker] {
            drop(ip(&format!("netns del {ns}")));
        }
        if !is_kept {
            drop(fs::remove_dir_all(&self.scratch));
        }
    }
}

/// Text of a file; none is empty.
pub(crate) fn read(path: &Path) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .unwrap_or_default()
}

/// A network namespace whose addresses can be used at once.
pub(crate) fn add_namespace(name: &str) -> Done {
    ip(&format!("netns add {name}"))?;
    let settings = ["all", "default"].map(|which| format!("net.ipv6.conf.{which}.accept_dad=0"));
    must(
        Command::new("ip")
            .args(["netns", "exec", name, "sysctl", "-qw"])
            .args(settings),
    )
    .map(drop)
}

/// Runs `ip` with these words.
pub(crate) fn ip(words: &str) -> Done {
    must(Command::new("ip").args(words.split(' '))).map(drop)
}
