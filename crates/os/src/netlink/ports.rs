//! Which ports a rule or a search for sockets is about.

use std::fmt;

/// Ports from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    /// The lowest port.
    pub first: u16,
    /// The highest port, never below `first`.
    pub last: u16,
}

impl PortRange {
    /// The ports from the lower to the higher of the two.
    pub fn new(one: u16, other: u16) -> Self {
        Self {
            first: one.min(other),
            last: one.max(other),
        }
    }

    /// One port alone.
    pub const fn single(port: u16) -> Self {
        Self {
            first: port,
            last: port,
        }
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

/// All ports, or those in some ranges: sorted, apart from each other, never the whole range.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ports {
    /// Every port, and traffic that has no ports.
    All,
    /// These and no others; empty matches nothing.
    Ranges(Box<[PortRange]>),
}

impl Ports {
    /// Ranges in any order; those that touch are joined.
    pub fn new(ranges: impl IntoIterator<Item = PortRange>) -> Self {
        let mut sorted: Vec<PortRange> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut joined: Vec<PortRange> = Vec::with_capacity(sorted.len());
        for range in sorted {
            match joined.last_mut() {
                Some(before) if u32::from(range.first) <= u32::from(before.last) + 1 => {
                    before.last = before.last.max(range.last);
                }
                _ => joined.push(range),
            }
        }
        Self::Ranges(joined.into())
    }

    /// True if `port` is one of them.
    pub fn contains(&self, port: u16) -> bool {
        match self {
            Self::All => true,
            Self::Ranges(ranges) => ranges.iter().any(|r| (r.first..=r.last).contains(&port)),
        }
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Ranges(ranges) = self else {
            return f.write_str("all");
        };
        for (index, range) in ranges.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{range}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_what_touches() {
        let check = |ranges: &[(u16, u16)], expected: &str| {
            let ports = Ports::new(ranges.iter().map(|(a, b)| PortRange::new(*a, *b)));
            assert_eq!(ports.to_string(), expected);
        };
        check(&[(22, 22)], "22");
        check(&[(443, 443), (80, 80)], "80,443");
        check(&[(80, 81), (82, 90), (85, 86)], "80-90");
        check(&[(9, 5), (65535, 65535), (1, 65534)], "1-65535");
        check(&[], "");
    }

    #[test]
    fn knows_its_ports() {
        let ports = Ports::new([PortRange::single(22), PortRange::new(80, 90)]);
        assert!(ports.contains(22) && ports.contains(80) && ports.contains(90));
        assert!(!ports.contains(23) && !ports.contains(91));
        assert!(Ports::All.contains(0));
    }
}
