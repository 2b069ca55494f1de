//! What the tests of the whole library share: a scripted broker, packets made by
//! hand, and the C API called as C calls it.
//!
//! Nothing here uses the crate's own codec: the bytes are judged by another hand.

#![allow(
    dead_code,
    missing_docs,
    unreachable_pub,
    unused_macros,
    unused_imports,
    clippy::undocumented_unsafe_blocks,
    reason = "each test binary uses its own part; C is called all over"
)]

pub mod broker;
pub mod capi;
pub mod client;
pub mod events;
pub mod packet;
pub mod prop;
pub mod queue;
pub mod wire;

pub use broker::{Broker, Peer, DEADLINE};
pub use capi::*;
pub use client::{Client, Drive, Handle};
pub use events::{Event, Message};
pub use packet::*;
pub use prop::Prop;
pub use wire::{Setup, Wire};

/// Makes a test for each MQTT version out of each function named; the function
/// takes the version, the test is called `function::mqtt_...`.
macro_rules! each_version {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            #[test]
            fn mqtt_3_1() {
                super::$name($crate::support::Version::V31);
            }
            #[test]
            fn mqtt_3_1_1() {
                super::$name($crate::support::Version::V311);
            }
            #[test]
            fn mqtt_5() {
                super::$name($crate::support::Version::V5);
            }
        })*
    };
}
pub(crate) use each_version;
