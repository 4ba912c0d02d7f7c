//! The names of fail2ban's programs in `/usr/bin`: ours by diversion, so that dpkg knows where the others went and an
//! upgrade of fail2ban takes nothing away.

use super::machine::Machine;
use super::{Done, Fault};

/// Where our own always are.
pub(super) const OWN: &str = "/usr/lib/stockade/bin";
const NAMES: [&str; 3] = ["fail2ban-client", "fail2ban-server", "fail2ban-regex"];
/// Where fail2ban's client stands that was installed by hand.
const ELSEWHERE: [&str; 2] = [
    "/usr/local/bin/fail2ban-client",
    "/opt/fail2ban/bin/fail2ban-client",
];
const DIVERT: &str = "/usr/bin/dpkg-divert";

/// fail2ban's own program of this name, wherever it is now.
pub(super) fn original(machine: &dyn Machine, name: &str) -> String {
    let (path, aside) = paths(name);
    [aside, path]
        .into_iter()
        .find(|path| machine.exists(path) && !is_ours(machine, path, name))
        .or_else(|| {
            let elsewhere = ELSEWHERE.into_iter().find(|path| machine.exists(path));
            let path = elsewhere?.strip_suffix("fail2ban-client")?;
            Some(format!("{path}{name}"))
        })
        .unwrap_or_else(|| name.to_owned())
}

/// fail2ban is installed where packages install it.
pub(super) fn has_original(machine: &dyn Machine) -> bool {
    original(machine, "fail2ban-server").starts_with("/usr/bin/")
}

/// fail2ban is installed, by a package or by hand.
pub(super) fn is_installed(machine: &dyn Machine) -> bool {
    has_original(machine) || ELSEWHERE.iter().any(|path| machine.exists(path))
}

/// Puts ours there.
pub(super) fn put(machine: &mut dyn Machine) -> Done {
    if !machine.exists(DIVERT) {
        return Err(Fault::new(
            "names are diverted by dpkg-divert, which is not here",
        ));
    }
    for name in NAMES {
        let (path, aside) = paths(name);
        if is_ours(machine, &path, name) {
            continue;
        }
        divert(machine, &["--divert", &aside, "--rename", "--add", &path])?;
        let linked = machine.link(&format!("{OWN}/{name}"), &path);
        linked.map_err(|error| Fault::new(format!("{path} cannot be made: {error}")))?;
    }
    Ok(())
}

/// Takes ours away and brings the originals back; those that are not there cost nothing.
pub(super) fn take(machine: &mut dyn Machine) -> Done {
    for name in NAMES {
        let (path, aside) = paths(name);
        if is_ours(machine, &path, name) {
            let removed = machine.remove(&path);
            removed.map_err(|error| Fault::new(format!("{path} cannot be removed: {error}")))?;
        }
        if machine.exists(DIVERT) {
            divert(
                machine,
                &["--divert", &aside, "--rename", "--remove", &path],
            )?;
        }
    }
    Ok(())
}

fn divert(machine: &mut dyn Machine, words: &[&str]) -> Done {
    let ran = machine.run(
        DIVERT,
        &[&["--quiet", "--package", "stockade"], words].concat(),
    );
    match ran.is_ok {
        true => Ok(()),
        false => Err(Fault::new(format!("dpkg-divert: {}", ran.why()))),
    }
}

fn is_ours(machine: &dyn Machine, path: &str, name: &str) -> bool {
    machine
        .link_at(path)
        .is_some_and(|target| target == format!("{OWN}/{name}"))
}

fn paths(name: &str) -> (String, String) {
    (
        format!("/usr/bin/{name}"),
        format!("/usr/bin/{name}.distrib"),
    )
}
