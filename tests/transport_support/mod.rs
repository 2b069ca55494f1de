//! What stands between a client and the scripted broker: servers that end TLS and WebSocket,
//! proxies, slow and broken ones included, and the table of all ways through them.
//!
//! Everything is a plain blocking or polling thread of its own, on 127.0.0.1, ::1 or a Unix
//! socket, and ends with the connection it serves.

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

pub mod carrier;
pub mod cut;
pub mod frames;
pub mod front;
pub mod gate;
pub mod http_proxy;
pub mod listen;
pub mod pump;
pub mod route;
pub mod script;
pub mod settings;
pub mod socks5;
pub mod stages;

pub use carrier::TlsSide;
pub use frames::{Answer, Framing, WebSocketSide};
pub use front::{Front, Visit};
pub use gate::Gate;
pub use http_proxy::{HttpProxy, HttpRequest};
pub use listen::Place;
pub use route::Rules;
pub use route::{Host, Link, Path, Route, Through};
pub use settings::Settings;
pub use socks5::{Address, Socks5, SocksRequest};
pub use stages::Stage;
