//! The fail2ban configuration dialect: layers, interpolation, jails, filters, actions; pure, files through a trait.
//!
//! In come files, out come plain texts with the place where each stands. Regexes, ports and users stay texts.
//!
//! On the way a file becomes sections of lines (`ini`), all files of a name become one list of values an option
//! (`layers`), `%(name)s` is followed when a value is asked for (`interp`), then `<tag>` (`tags`), by the precedence that
//! filters and actions share (`definition`). `jail` joins a section with its `filter` and its `action`s; `stock` says
//! which of these stand for a ban in the kernel. Nothing fails whole: what is broken is named, all else is given.

mod action;
mod alone;
mod definition;
mod dump;
mod embedded;
mod files;
mod filter;
#[doc(hidden)]
pub mod fuzz;
mod globals;
mod ini;
mod interp;
mod jail;
mod layers;
mod lint;
mod load;
pub mod options;
mod params;
mod reader;
mod spec;
mod stock;
mod tags;
mod text;
mod tree;

pub use alone::{FilterFrom, load_filter, load_rules, parse_call};
pub use base::literal;
pub use dump::{Dump, DumpRequest, Item, LogFile, Own, Refused, Remark, dump, own_options};
pub use embedded::EmbeddedFiles;
pub use files::{Files, MemoryFiles};
pub use lint::{jail_names, unknown_names};
pub use load::{Choice, load};
pub use spec::{
    ActionSpec, BackendSpec, Blocktype, Config, Enabled, FilterSpec, Globals, Increment, JailSpec,
    LogPath, Scope, StockBan, UseDns, Value,
};
pub use stock::{is_stock_banaction, native_ban};
pub use tags::replace_tags;
pub use tree::{Manner, Tree};

#[cfg(test)]
mod tests;
