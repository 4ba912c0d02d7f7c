//! The fail2ban configuration dialect: layers, interpolation, jails, filters, actions; pure, files through a trait.
