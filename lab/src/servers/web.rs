//! nginx.

use crate::Done;
use crate::process::{Running, need};
use crate::servers::wait_port;
use crate::world::World;
use std::fs;

/// Starts it on port 80 behind a password (good, secret); its error log is /var/log/nginx/error.log.
pub(crate) fn nginx(world: &World) -> Done<Running> {
    need("nginx")?;
    need("curl")?;
    fs::create_dir_all(world.inside("/var/log/nginx"))?;
    world.write("www/index.html", "welcome\n")?;
    world.write("htpasswd", "good:{PLAIN}secret\n")?;
    let dir = world.dir.display();
    let config = world.write(
        "nginx.conf",
        &format!(
            "pid {dir}/nginx.pid; worker_processes 1; error_log /var/log/nginx/error.log; events {{}}\n\
             http {{ access_log /var/log/nginx/access.log; server {{\n\
             listen 80; listen [::]:80; root {dir}/www; auth_basic lab; auth_basic_user_file {dir}/htpasswd; }} }}\n"
        ),
    )?;
    let mut server = world.start(
        "nginx",
        world
            .server("nginx")
            .arg("-c")
            .arg(config)
            .args(["-g", "daemon off;"]),
    )?;
    wait_port(world, &mut server, "nginx", 80)?;
    Ok(server)
}
