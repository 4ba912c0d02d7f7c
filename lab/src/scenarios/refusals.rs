//! What cannot run says so with exit code 3; what is wrong in a part costs that part alone.

use crate::attack::{append, failed_passwords, set};
use crate::daemon::{Daemon, How, SOON, drop_in, refusal};
use crate::process::{must, need};
use crate::wait::until_true;
use crate::world::{World, read};
use crate::{Done, ensure};
use std::fs;
use std::path::Path;

/// Root without CAP_NET_ADMIN, and somebody who is not root.
pub(crate) fn without_the_capability(program: &Path) -> Done {
    need("setpriv")?;
    let world = World::new()?;
    let conf = drop_in(&world, "")?;
    let extra = ["-c", conf.as_str()];
    let weaker: [&[&str]; 2] = [
        &["setpriv", "--bounding-set=-net_admin"],
        &[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ],
    ];
    for wrapper in weaker {
        let (code, said) = refusal(
            &world,
            program,
            &How {
                wrapper,
                extra: &extra,
                ..How::default()
            },
        )?;
        let holds = code == 3 && said.contains("CAP_NET_ADMIN") && said.contains("--dry-run");
        ensure(holds, format!("{wrapper:?}: exit {code}: {said}"))?;
    }
    let how = How {
        wrapper: weaker[0],
        extra: &["--dry-run"],
        ..How::default()
    };
    let _daemon = Daemon::on_a_log(&world, program, "", &how)?;
    append(
        &world.file("auth.log"),
        failed_passwords(&["10.77.140.1".into()], 5)?,
    )?;
    until_true(SOON, "the dry run's word", || {
        Ok(world.said("stockade").contains("would ban 10.77.140.1"))
    })
}

/// A kernel without nf_tables: the socket for it cannot be had.
pub(crate) fn without_nf_tables(program: &Path) -> Done {
    need("/usr/bin/python3")?;
    let world = World::new()?;
    let launcher = world.write("no-nf-tables.py", include_str!("no_nf_tables.py"))?;
    let launcher = launcher.display().to_string();
    let conf = drop_in(&world, "")?;
    let how = How {
        wrapper: &["/usr/bin/python3", &launcher],
        extra: &["-c", &conf],
        ..How::default()
    };
    let (code, said) = refusal(&world, program, &how)?;
    let lower = said.to_lowercase();
    let clear = lower.contains("nf_tables") || lower.contains("nftables");
    ensure(
        code == 3 && clear && said.contains("help: "),
        format!("exit {code}: {said}"),
    )
}

pub(crate) fn second_daemon(program: &Path) -> Done {
    let world = World::new()?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    let pid = daemon.json(&["status"])?["pid"].to_string();
    let conf = drop_in(&world, "")?;
    let (code, said) = refusal(
        &world,
        program,
        &How {
            extra: &["-c", &conf],
            ..How::default()
        },
    )?;
    ensure(
        code == 3 && said.contains(&pid),
        format!("exit {code}, pid {pid} not named: {said}"),
    )?;
    daemon.json(&["ban", "sshd", "10.77.141.1"])?;
    daemon.agree("sshd").map(drop)
}

/// Debian's fail2ban guards the tree that we would guard.
pub(crate) fn live_fail2ban(program: &Path) -> Done {
    need("fail2ban-server")?;
    let world = World::new()?;
    // Copied from outside: in the world an empty mount lies over it.
    must(
        std::process::Command::new("cp")
            .arg("-a")
            .arg("/etc/fail2ban/.")
            .arg(world.inside("/etc/fail2ban")),
    )?;
    let log = world.write("auth.log", "")?;
    let local = format!(
        "[DEFAULT]\nbackend = polling\nbanaction = nftables\n[sshd]\nenabled = true\nlogpath = {}\n",
        log.display()
    );
    fs::write(world.inside("/etc/fail2ban/jail.local"), local)?;
    must(world.server("mkdir").args(["-p", "/run/fail2ban"]))?;
    let output = world.file("fail2ban.log").display().to_string();
    fs::write(
        world.inside("/etc/fail2ban/fail2ban.local"),
        format!(
            "[DEFAULT]\nlogtarget = {output}\ndbfile = {}\n",
            world.file("fail2ban.sqlite3").display()
        ),
    )?;
    let mut command = world.server("fail2ban-server");
    command.args(["-xf", "start"]);
    let mut fail2ban = world.start("fail2ban-out", &mut command)?;
    let socket = world.inside("/run/fail2ban/fail2ban.sock");
    until_true(
        std::time::Duration::from_secs(30),
        "fail2ban's socket",
        || {
            ensure(
                fail2ban.ended()?.is_none(),
                format!("fail2ban ended: {}", world.said("fail2ban-out")),
            )?;
            Ok(socket.exists() && read(Path::new(&output)).contains("started"))
        },
    )?;
    let (code, said) = refusal(&world, program, &How::default())?;
    let holds = code == 3
        && said.contains("fail2ban")
        && said.contains("stockade migrate")
        && said.contains("--force");
    ensure(holds, format!("exit {code}: {said}"))?;
    let daemon = Daemon::start(&world, program, &["--force"])?;
    daemon.wait_state("sshd", "running", SOON)
}

/// A port that nobody knows costs its jail, with the line shown; the others run.
pub(crate) fn unknown_port(program: &Path) -> Done {
    let world = World::new()?;
    let more = "\n[vsftpd]\nenabled = true\nport = 21,ftq\n";
    let daemon = Daemon::on_a_log(&world, program, more, &How::default())?;
    daemon.ensure_said(&["ftq", "jail.local:8", "port = 21,ftq"])?;
    let jail = daemon.jail("vsftpd")?;
    let reason = jail["reason"].as_str().unwrap_or_default();
    ensure(
        jail["state"] == "error" && reason.contains("ftq"),
        format!("jail: {jail}"),
    )?;
    ensure(
        daemon.ask(&["status"])?.status.code() == Some(1),
        "status is 0 with a broken jail",
    )?;
    append(
        &world.file("auth.log"),
        failed_passwords(&["10.77.142.1".into()], 5)?,
    )?;
    daemon.wait_banned("sshd", &set(&["10.77.142.1".into()]), SOON)
}

/// A line that is no configuration is shown with its file and number, and the rest goes on.
pub(crate) fn wrong_line(program: &Path) -> Done {
    let world = World::new()?;
    let more = "maxretry = five\n\n[vsftpd]\nenabled = true\nfailregex = ^broken (<HOST>$\n";
    let daemon = Daemon::on_a_log(&world, program, more, &How::default())?;
    daemon.ensure_said(&[
        "jail.local:5",
        "maxretry = five",
        "jail.local:9",
        "^broken (<HOST>$",
    ])?;
    ensure(
        daemon.jail("vsftpd")?["state"] == "error",
        "a jail without a usable rule is not in error",
    )?;
    append(
        &world.file("auth.log"),
        failed_passwords(&["10.77.143.1".into()], 5)?,
    )?;
    daemon.wait_banned("sshd", &set(&["10.77.143.1".into()]), SOON)
}

/// A store that is no database is set aside and said.
pub(crate) fn corrupt_store(program: &Path) -> Done {
    let world = World::new()?;
    world.write(
        "store.sqlite3",
        "this is no database, but it is long enough to look at\n",
    )?;
    let daemon = Daemon::on_a_log(&world, program, "", &How::default())?;
    daemon.ensure_said(&["set aside"])?;
    let aside = fs::read_dir(&world.dir)?.flatten().any(|entry| {
        entry
            .file_name()
            .to_string_lossy()
            .starts_with("store.sqlite3.")
            && read(&entry.path()).starts_with("this is no")
    });
    ensure(aside, "the corrupt file is gone")?;
    append(
        &world.file("auth.log"),
        failed_passwords(&["10.77.144.1".into()], 5)?,
    )?;
    daemon.wait_banned("sshd", &set(&["10.77.144.1".into()]), SOON)?;
    daemon.agree("sshd").map(drop)
}

/// A disk without room costs the memory of bans, not the bans.
pub(crate) fn full_disk(program: &Path) -> Done {
    let world = World::new()?;
    let script = "mkdir -p /run/full && mount -t tmpfs -o size=64k tmpfs /run/full && head -c 65536 /dev/zero > /run/full/fill || true";
    must(world.server("bash").args(["-c", script]))?;
    let how = How {
        extra: &["--db", "/run/full/store.sqlite3"],
        ..How::default()
    };
    let daemon = Daemon::on_a_log(&world, program, "", &how)?;
    append(
        &world.file("auth.log"),
        failed_passwords(&["10.77.145.1".into()], 5)?,
    )?;
    daemon.wait_banned("sshd", &set(&["10.77.145.1".into()]), SOON)?;
    ensure(
        crate::daemon::kernel(&world, "sshd")?.contains("10.77.145.1"),
        "not in the kernel",
    )?;
    let status = daemon.json(&["status"])?;
    ensure(
        status["store"]["state"] != "ok" && status["health"] != "ok",
        format!("status: {status}"),
    )
}
