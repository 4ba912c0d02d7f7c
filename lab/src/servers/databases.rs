//! MariaDB and PostgreSQL, each with fresh data and a user `good` with the password `secret`.

use crate::Done;
use crate::process::{Running, must, need};
use crate::servers::wait_port;
use crate::world::World;
use std::process::Command;
use std::{fs, path::PathBuf};

/// Starts MariaDB on port 3306; its error log is /var/log/mysql/error.log.
pub(crate) fn mariadb(world: &World) -> Done<Running> {
    for program in ["mariadbd", "mariadb-install-db", "mariadb"] {
        need(program)?;
    }
    let data = world.file("mysql");
    let own = |path: &PathBuf| must(Command::new("chown").arg("mysql:").arg(path)).map(drop);
    fs::create_dir_all(&data)?;
    own(&data)?;
    let logs = world.inside("/var/log/mysql");
    fs::create_dir_all(&logs)?;
    own(&logs)?;
    must(
        Command::new("mariadb-install-db")
            .args([
                "--no-defaults",
                "--user=mysql",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ])
            .args(["--innodb-log-file-size=8M", "--innodb-flush-method=nosync"])
            .arg(format!("--datadir={}", data.display())),
    )?;
    let init = world.write(
        "mysql.sql",
        "CREATE USER good@'%' IDENTIFIED BY 'secret';\n",
    )?;
    let mut command = world.server("mariadbd");
    command.args([
        "--no-defaults",
        "--user=mysql",
        "--port=3306",
        "--bind-address=*",
        "--skip-name-resolve",
    ]);
    command.args([
        "--log-error=/var/log/mysql/error.log",
        "--log-warnings=2",
        "--innodb-buffer-pool-size=16M",
    ]);
    command.args(["--innodb-log-file-size=8M", "--innodb-flush-method=nosync"]);
    command
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--init-file={}", init.display()));
    command
        .arg(format!("--socket={}/s", data.display()))
        .arg(format!("--pid-file={}/pid", data.display()));
    let mut server = world.start("mariadbd", &mut command)?;
    wait_port(world, &mut server, "mariadbd", 3306)?;
    Ok(server)
}

/// Starts PostgreSQL on port 5432 with the client's address in its log, /var/log/postgresql/postgresql-main.log.
pub(crate) fn postgresql(world: &World) -> Done<Running> {
    need("psql")?;
    let programs = newest_postgresql()?;
    let data = world.file("postgresql");
    let logs = world.inside("/var/log/postgresql");
    for dir in [&data, &logs] {
        fs::create_dir_all(dir)?;
        must(Command::new("chown").arg("postgres:").arg(dir))?;
    }
    let password = world.write("postgresql.password", "secret\n")?;
    let as_postgres = |mut command: Command, program: &str| {
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(programs.join(program));
        command
    };
    let mut initdb = as_postgres(Command::new("setpriv"), "initdb");
    initdb.args([
        "-N",
        "-U",
        "good",
        "-A",
        "scram-sha-256",
        "-E",
        "UTF8",
        "--locale=C",
    ]);
    initdb
        .arg(format!("--pwfile={}", password.display()))
        .arg("-D")
        .arg(&data)
        .current_dir("/");
    must(&mut initdb)?;
    fs::write(data.join("pg_hba.conf"), "host all all all scram-sha-256\n")?;
    let mut command = as_postgres(world.server("setpriv"), "postgres");
    command.arg("-D").arg(&data).current_dir("/");
    for setting in [
        "listen_addresses=*",
        "port=5432",
        "unix_socket_directories=",
        "fsync=off",
        "shared_buffers=16MB",
        "log_line_prefix=%m %h [%p] %q%u@%d ",
        "logging_collector=on",
        "log_directory=/var/log/postgresql",
        "log_filename=postgresql-main.log",
    ] {
        command.args(["-c", setting]);
    }
    let mut server = world.start("postgres", &mut command)?;
    wait_port(world, &mut server, "postgres", 5432)?;
    Ok(server)
}

fn newest_postgresql() -> Done<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|dir| dir.join("initdb").exists())
        .collect();
    found.sort();
    found
        .pop()
        .ok_or_else(|| crate::Stop::Skip("postgresql is not installed".into()))
}
