//! What libmosquitto does not have: `mqttrs.h`, a file for each section of it.

mod connection;
pub(super) mod lifecycle;
pub(super) mod loops;
#[allow(dead_code)]
mod message;
mod publish;
pub(super) mod queue;
mod stats;
mod store;
mod tls;
