//! What each target does with its input, apart from the fuzzer: `tests/fuzz_seeds.rs` does it
//! with the seeds.

#![allow(
    dead_code,
    unused_imports,
    clashing_extern_declarations,
    missing_docs,
    unreachable_pub,
    clippy::undocumented_unsafe_blocks,
    clippy::missing_safety_doc,
    reason = "each target uses its own part; the C API is declared for the model's tests too"
)]

pub mod backlog;
pub mod c_api;
pub mod c_connection;
pub mod codec_decode;
#[cfg(fuzzing)]
pub mod dns;
mod loopback;
pub mod model;
mod mqttrs_api;
pub mod properties;
pub mod proxy;
#[cfg(fuzzing)]
pub mod references;
mod script;
pub mod session;
pub mod short_ways;
#[cfg(feature = "store")]
pub mod store;
pub mod tls_settings;
pub mod topics;
pub mod websocket;

#[allow(missing_docs)]
#[path = "../../tests/support/capi.rs"]
mod capi;
