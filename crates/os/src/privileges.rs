//! What this process may do.

use std::fs;

const CAP_NET_ADMIN: u32 = 12;

/// Whether the firewall of this network namespace may be changed by us.
pub fn has_net_admin() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    effective(&status).is_some_and(|set| set >> CAP_NET_ADMIN & 1 == 1)
}

/// Files that this process and its children make from now on are their owner's alone, unless they say otherwise.
pub fn keep_files_private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

fn effective(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effective_set_is_a_hexadecimal_line() {
        assert_eq!(
            effective("Name:\tx\nCapPrm:\t0\nCapEff:\t0000000000001004\n"),
            Some(0x1004)
        );
        assert_eq!(effective("Name:\tx\n"), None);
    }
}
