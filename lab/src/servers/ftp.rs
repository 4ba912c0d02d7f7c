//! vsftpd.

use crate::Done;
use crate::process::{Running, need};
use crate::servers::wait_port;
use crate::world::World;
use std::fs;

/// Starts it on port 21 for `good`; its log is /var/log/vsftpd.log.
pub(crate) fn vsftpd(world: &World) -> Done<Running> {
    need("vsftpd")?;
    need("curl")?;
    // As Debian's, without the seconds that PAM waits after a wrong password.
    fs::write(
        world.inside("/etc/pam.d/vsftpd"),
        "auth required pam_unix.so nodelay\naccount required pam_unix.so\n",
    )?;
    fs::create_dir_all(world.file("empty"))?;
    let config = world.write(
        "vsftpd.conf",
        &format!(
            "listen=NO\nlisten_ipv6=YES\nanonymous_enable=NO\nlocal_enable=YES\nxferlog_enable=YES\n\
             vsftpd_log_file=/var/log/vsftpd.log\nsecure_chroot_dir={}\npam_service_name=vsftpd\n\
             background=NO\ndelay_failed_login=0\n",
            world.file("empty").display()
        ),
    )?;
    let mut server = world.start("vsftpd", world.server("vsftpd").arg(config))?;
    wait_port(world, &mut server, "vsftpd", 21)?;
    Ok(server)
}
