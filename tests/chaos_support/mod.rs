//! What the fault tests stand on; `tests/chaos.rs` tells what they show.

pub(crate) mod broker;
pub(crate) mod client;
pub(crate) mod ledger;
pub(crate) mod proxy;
pub(crate) mod report;
pub(crate) mod rng;
pub(crate) mod world;
