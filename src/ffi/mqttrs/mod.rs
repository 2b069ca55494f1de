//! What libmosquitto does not have: `mqttrs.h`, a file for each section of it.

mod ack;
pub(super) mod completion;
mod connection;
pub(super) mod filters;
pub(super) mod lifecycle;
pub(super) mod log;
pub(super) mod loops;
mod message;
mod oneshot;
mod publish;
pub(super) mod queue;
mod request;
mod stats;
mod store;
mod throttle;
mod tls;
