//! Peers whose handshakes go wrong: a well-behaved server in memory, whose bytes are cut,
//! delayed, altered or withheld at any place on their way to the client.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_imports,
    unused_macros,
    clippy::undocumented_unsafe_blocks,
    reason = "each test binary uses its own part; C is called all over"
)]

#[path = "../support/certificates.rs"]
pub mod certificates;
#[path = "../transport_support/settings.rs"]
pub mod settings;

pub mod handshake;
pub mod layers;
pub mod log;
pub mod server;
pub mod subject;
pub mod tls;
pub mod tls_settings;
pub mod unread;

pub(crate) use handshake::for_each_handshake;
pub use handshake::Handshake;
pub use server::{Edit, Report, Server, Trick};
pub use settings::Settings;
pub use subject::{Outcome, Subject, Way, WAYS};
