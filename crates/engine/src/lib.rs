//! Who is banned, when and for how long: one pure state machine that takes inputs and gives effects.
//!
//! [`Engine`] is the single owner of the truth. What it wants (failures counted, bans that stand) and what was
//! done about it (the kernel's and the store's answers) are separate: a ban stands from the moment it is decided,
//! and is *acknowledged* once both answers came. Nothing here reads a clock, a file or a socket: the same inputs
//! give the same effects in the same order, which is what lets a simulation prove it.

mod acknowledge;
mod admit;
mod aggregate;
mod bans;
mod change;
mod effect;
mod engine;
mod escalate;
mod event;
mod explain;
pub mod formula;
mod growth;
mod history;
mod ignore;
mod impose;
mod input;
mod pending;
mod policy;
mod request;
mod restore;
mod settle;
mod slots;
mod status;
mod window;

pub use aggregate::Aggregate;
pub use effect::{Answer, BanOutcome, BanRecord, Effect, RefusalReason, StoreWrite};
pub use engine::Engine;
pub use event::{Event, IgnoreReason, LiftReason, ProtectReason};
pub use explain::Counted;
pub use growth::{Growth, GrowthError, GrowthRule, USUAL_FORMULA};
pub use history::Past;
pub use ignore::{IgnoreList, IgnoreSource};
pub use input::{BanKey, BanTime, Failure, Input, JailId, Request, RequestId, RestoredBan};
pub use policy::{Enforceable, JailPolicy, Limits};
pub use status::{BanView, JailStatus};
