//! The options: one table of names, types, defaults and meanings, from which the reader takes its defaults.

/// What an option's text is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `1 on true yes`; all else is no.
    Bool,
    /// A decimal integer.
    Int,
    /// A time expression.
    Time,
    /// As it stands.
    Text,
    /// One entry a line or word.
    List,
}

/// One option of a jail.
#[derive(Clone, Copy, Debug)]
pub struct JailOption {
    /// The key.
    pub name: &'static str,
    /// How it is read.
    pub kind: Kind,
    /// The text that stands for an absent or unusable one; `None` = unset.
    pub default: Option<&'static str>,
    /// Its meaning.
    pub doc: &'static str,
}

const fn option(
    name: &'static str,
    kind: Kind,
    default: Option<&'static str>,
    doc: &'static str,
) -> JailOption {
    JailOption {
        name,
        kind,
        default,
        doc,
    }
}

/// All options of a jail, in the order in which a dump gives them.
#[rustfmt::skip]
pub const JAIL: &[JailOption] = &[
    option("enabled", Kind::Bool, Some("false"), "whether the jail runs"),
    option("backend", Kind::Text, Some("auto"), "where lines come from"),
    option("filter", Kind::Text, None, "the filter and its options"),
    option("usedns", Kind::Text, Some("warn"), "whether host names are resolved"),
    option("maxlines", Kind::Int, Some("1"), "lines looked at together"),
    option("prefregex", Kind::Text, None, "what each line must match first"),
    option("failregex", Kind::List, None, "failures"),
    option("ignoreregex", Kind::List, None, "exceptions"),
    option("datepattern", Kind::List, None, "date formats"),
    option("journalmatch", Kind::List, None, "entries of the journal"),
    option("maxretry", Kind::Int, Some("3"), "failures that ban"),
    option("maxmatches", Kind::Int, Some("5"), "matched lines kept with an address"),
    option("findtime", Kind::Time, Some("600"), "the window of counting"),
    option("bantime", Kind::Time, Some("600"), "the length of a ban; -1 = for ever"),
    option("bantime.increment", Kind::Bool, Some("false"), "bans grow"),
    option("bantime.factor", Kind::Text, None, "growth factor"),
    option("bantime.formula", Kind::Text, None, "growth formula"),
    option("bantime.multipliers", Kind::Text, None, "growth steps"),
    option("bantime.maxtime", Kind::Time, None, "the longest ban"),
    option("bantime.rndtime", Kind::Time, None, "random addition"),
    option("bantime.overalljails", Kind::Bool, Some("false"), "bans of all jails count"),
    option("ignorecommand", Kind::Text, None, "a command that says who is ignored"),
    option("ignoreself", Kind::Bool, Some("true"), "the machine's own addresses are ignored"),
    option("ignoreip", Kind::List, None, "who is ignored"),
    option("ignorecache", Kind::Text, None, "how answers of ignorecommand are kept"),
    option("logtimezone", Kind::Text, None, "the zone of stamps that carry none"),
    option("logencoding", Kind::Text, Some("auto"), "the encoding of the logs"),
    option("logpath", Kind::List, None, "the log files"),
    option("skip_if_nologs", Kind::Bool, Some("false"), "skip the jail without logs"),
    option("systemd_if_nologs", Kind::Bool, Some("true"), "take the journal without logs"),
    option("action", Kind::List, None, "what a ban does"),
    option("trusted_uid", Kind::List, None, "users whose journal entries are believed"),
    option("ipv4_prefix", Kind::Int, Some("32"), "bits of an IPv4 address that count"),
    option("ipv6_prefix", Kind::Int, Some("128"), "bits of an IPv6 address that count"),
    option("aggregate", Kind::List, None, "when networks are banned as a whole"),
];

/// Options of a filter that mean something; its others are variables for these.
pub const FILTER: &[&str] = &[
    "prefregex",
    "failregex",
    "ignoreregex",
    "maxlines",
    "datepattern",
    "journalmatch",
    "usedns",
    "logtype",
    "mode",
    "trusted_uid",
    "needs_setting",
];

/// Options of fail2ban.conf and of stockade.conf.
pub const GLOBAL: &[&str] = &[
    "loglevel",
    "logtarget",
    "syslogsocket",
    "socket",
    "pidfile",
    "allowipv6",
    "dbfile",
    "dbpurgeage",
    "dbmaxmatches",
    "stacksize",
    "table_owner",
    "banaction_native",
];
/// Those that fail2ban does not know.
pub(crate) const OWN: [&str; 4] = ["trusted_uid", "ipv4_prefix", "ipv6_prefix", "aggregate"];

/// The default of an option as its text.
pub(crate) fn default(name: &str) -> &'static str {
    JAIL.iter()
        .find(|option| option.name == name)
        .and_then(|option| option.default)
        .unwrap_or_default()
}

/// fail2ban's bool.
pub(crate) fn is_true(text: &str) -> bool {
    matches!(text.to_lowercase().as_str(), "1" | "on" | "true" | "yes")
}
