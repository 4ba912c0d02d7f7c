//! The kernel's firewall and socket tables over netlink, without any foreign binary.
//!
//! Every message is built and read by pure code ([`message`]); one small [`socket`] moves bytes. `nft` speaks
//! nf_tables, [`sock_diag`] cuts established connections. Nothing here remembers what should be in the kernel:
//! that is the caller's; and nothing here waits, since the kernel answers a netlink request before `send` returns.

pub mod message;
pub mod nft;
pub mod sock_diag;
pub mod socket;

mod ports;

pub use ports::{PortRange, Ports};
/// The number of an error, as the kernel gives it.
pub use rustix::io::Errno;
pub use socket::{Error, Refusal};
