//! What this process may do.

use rustix::thread::{CapabilitySet, capabilities};

/// Whether the firewall of this network namespace may be changed by us. Asks the kernel itself: a small container may
/// have no `/proc`.
pub fn has_net_admin() -> bool {
    capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::NET_ADMIN))
}

/// Whether this is root.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Files that this process and its children make from now on are their owner's alone, unless they say otherwise.
pub fn keep_files_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_what_proc_says() {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().split_whitespace().next().unwrap().to_owned()
        };
        let effective = u64::from_str_radix(&field("CapEff:"), 16).unwrap();
        assert_eq!(has_net_admin(), effective >> 12 & 1 == 1);
        let uids = status
            .lines()
            .find(|line| line.starts_with("Uid:"))
            .unwrap();
        assert_eq!(is_root(), uids.split_whitespace().nth(2) == Some("0"));
    }
}
