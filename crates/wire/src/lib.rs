//! Messages between the daemon and its clients; pure.
