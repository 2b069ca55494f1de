//! Protocol versions.

/// A version of the MQTT protocol; the number is CONNECT's protocol level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ProtocolVersion {
    /// MQTT 3.1 (`MQIsdp`).
    V31 = 3,
    /// MQTT 3.1.1, the default.
    V311 = 4,
    /// MQTT 5.0.
    V5 = 5,
}

impl ProtocolVersion {
    /// The version with this protocol level.
    pub const fn new(level: u8) -> Option<Self> {
        match level {
            3 => Some(ProtocolVersion::V31),
            4 => Some(ProtocolVersion::V311),
            5 => Some(ProtocolVersion::V5),
            _ => None,
        }
    }

    /// CONNECT's protocol level.
    pub const fn level(self) -> u8 {
        self as u8
    }

    /// CONNECT's protocol name.
    pub const fn name(self) -> &'static str {
        match self {
            ProtocolVersion::V31 => "MQIsdp",
            _ => "MQTT",
        }
    }

    /// Whether packets of this version carry properties.
    pub const fn has_properties(self) -> bool {
        matches!(self, ProtocolVersion::V5)
    }
}
