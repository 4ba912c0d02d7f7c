//! Bans and log positions in SQLite, in fail2ban's schema version 4.
