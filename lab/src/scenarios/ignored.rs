//! Who is ignored by a name, a file or a command, also after the ban.

use crate::attack::{append, failed_passwords, set, sources4};
use crate::daemon::{Daemon, How, SOON};
use crate::process::must;
use crate::wait::until_true;
use crate::world::World;
use crate::{Done, ensure};
use std::path::Path;

/// A name of `/etc/hosts`, a list in a file to which somebody is added whose ban stands, and a command.
pub(crate) fn names_files_and_commands(program: &Path) -> Done {
    let world = World::new()?;
    let who = sources4(127, 4);
    let hosts = world.write(
        "hosts",
        "127.0.0.1 localhost\n10.77.127.1 friend.lab.test\n",
    )?;
    must(
        world
            .server("mount")
            .arg("--bind")
            .arg(hosts)
            .arg("/etc/hosts"),
    )?;
    let list = world.write("friends", "# nobody yet\n")?;
    let ignore = format!(
        "ignoreip = friend.lab.test file://{}\nignorecommand = test <ip> = 10.77.127.2",
        list.display()
    );
    let daemon = Daemon::on_a_log(&world, program, &ignore, &How::default())?;
    append(&world.file("auth.log"), failed_passwords(&who, 5)?)?;
    daemon.wait_banned("sshd", &set(&who[2..]), SOON)?;
    daemon.ensure_said(&["Ignore 10.77.127.1 by dns", "Ignore 10.77.127.2 by command"])?;
    daemon.agree("sshd")?;

    append(&list, "10.77.127.3 # who calls us\n")?;
    daemon.wait_banned("sshd", &set(&who[3..]), SOON)?;
    daemon.ensure_said(&["10.77.127.3 is ignored from now on", "Unban 10.77.127.3\n"])?;
    append(&world.file("auth.log"), failed_passwords(&who[2..3], 5)?)?;
    let by_file = format!("Ignore 10.77.127.3 by file:{}", list.display());
    until_true(SOON, &by_file, || Ok(daemon.times_said(&by_file) > 0))?;
    ensure(
        daemon.agree("sshd")? == set(&who[3..]),
        "daemon, store and kernel differ",
    )
}
