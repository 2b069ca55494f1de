//! The C API.
//!
//! One file for each section of the header. An exported function makes five moves:
//! guard against panics, look at the pointers, convert the arguments, make one call of
//! the Rust API, map the result. What it decides, it decides about arguments only.

// With the socket options of `transport` this is the only place for unsafe code.
#![allow(unsafe_code)]
// C's names, as `mosquitto_property` or `mosq_err_t`, are kept as C spells them.
#![allow(non_camel_case_types)]

mod alloc;
mod arguments;
mod filter_callbacks;
mod fork;
mod guard;
mod handle;
mod handler;
mod slots;
mod stack;
mod terminal;
mod waiters;

pub mod auth;
pub mod callbacks;
pub mod connect;
pub mod constants;
pub mod errno;
pub mod helpers;
pub mod instance;
pub mod library;
pub mod loops;
pub mod message;
pub mod mqttrs;
pub mod options;
pub mod property;
pub mod publish;
pub mod strings;
pub mod subscribe;
pub mod tls;
pub mod topic;
pub mod will;
