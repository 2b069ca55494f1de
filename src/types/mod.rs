//! Values that cannot be wrong: each is checked where it is made.

mod filter_trie;
mod log_level;
mod packet_id;
mod qos;
mod reason_code;
pub mod topic;
pub mod utf8;
mod version;

pub use filter_trie::FilterTrie;
pub use log_level::LogLevel;
pub use packet_id::PacketId;
pub use qos::QoS;
pub(crate) use reason_code::packets as reason_packets;
pub use reason_code::ReasonCode;
pub use version::ProtocolVersion;
