//! An MQTT 3.1, 3.1.1 and 5.0 client library that speaks libmosquitto's C API.
//!
//! The layers, lowest first; each may use those above it in this list and none below:
//!
//! | module | what it is |
//! |---|---|
//! | [`error`] | the one error type, sorted by whose fault it was |
//! | [`types`] | QoS, packet identifiers, topics, reason codes: parsed, so they cannot be wrong |
//! | [`codec`] | bytes to packets and back, all protocol versions together |
//! | [`session`] | the protocol machine: no socket, no clock, no thread |
//! | [`transport`] | non-blocking byte pipes and name resolution |
//! | `store` | a session on the disk, as bytes in a log |
//! | [`client`] | one mutex, the API in Rust, the pump between session and transport |
//! | [`reactor`] | `mio` polling: who calls the pump, and when |
//! | [`ffi`] | the C API |

pub mod client;
pub mod codec;
pub mod error;
pub mod ffi;
pub mod reactor;
pub mod session;
#[cfg(any(feature = "store", test))]
pub mod store;
pub mod transport;
pub mod types;
