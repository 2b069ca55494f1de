//! Reason codes of MQTT 5.

use std::fmt;

/// A reason code (MQTT 5.0 section 2.4). Values of 0x80 and above are failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReasonCode(pub u8);

/// Packets a reason code may stand in, as bits of [`Row::packets`].
pub(crate) mod packets {
    pub(crate) const CONNACK: u16 = 1 << 2;
    pub(crate) const PUBACK: u16 = 1 << 4;
    pub(crate) const PUBREC: u16 = 1 << 5;
    pub(crate) const PUBREL: u16 = 1 << 6;
    pub(crate) const PUBCOMP: u16 = 1 << 7;
    pub(crate) const SUBACK: u16 = 1 << 9;
    pub(crate) const UNSUBACK: u16 = 1 << 11;
    pub(crate) const DISCONNECT: u16 = 1 << 14;
    pub(crate) const AUTH: u16 = 1 << 15;
}
use packets::*;

struct Row {
    code: u8,
    name: &'static str,
    packets: u16,
}

macro_rules! reason_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $packets:expr;)*) => {
        impl ReasonCode {
            $($(#[$doc])* pub const $name: ReasonCode = ReasonCode($code);)*
        }
        const TABLE: &[Row] = &[$(Row { code: $code, name: $text, packets: $packets },)*];
    };
}

const PUBLISH_ACKS: u16 = PUBACK | PUBREC;

reason_codes! {
    /// Success, Normal disconnection or Granted QoS 0.
    SUCCESS = 0x00, "Success", CONNACK | PUBLISH_ACKS | PUBREL | PUBCOMP | SUBACK | UNSUBACK | DISCONNECT | AUTH;
    /// Granted QoS 1.
    GRANTED_QOS1 = 0x01, "Granted QoS 1", SUBACK;
    /// Granted QoS 2.
    GRANTED_QOS2 = 0x02, "Granted QoS 2", SUBACK;
    /// Disconnect with will message.
    DISCONNECT_WITH_WILL = 0x04, "Disconnect with Will Message", DISCONNECT;
    /// No matching subscribers.
    NO_MATCHING_SUBSCRIBERS = 0x10, "No matching subscribers", PUBLISH_ACKS;
    /// No subscription existed.
    NO_SUBSCRIPTION_EXISTED = 0x11, "No subscription existed", UNSUBACK;
    /// Continue authentication.
    CONTINUE_AUTHENTICATION = 0x18, "Continue authentication", AUTH;
    /// Re-authenticate.
    REAUTHENTICATE = 0x19, "Re-authenticate", AUTH;
    /// Unspecified error.
    UNSPECIFIED = 0x80, "Unspecified error", CONNACK | PUBLISH_ACKS | SUBACK | UNSUBACK | DISCONNECT;
    /// Malformed packet.
    MALFORMED_PACKET = 0x81, "Malformed Packet", CONNACK | DISCONNECT;
    /// Protocol error.
    PROTOCOL_ERROR = 0x82, "Protocol Error", CONNACK | DISCONNECT;
    /// Implementation specific error.
    IMPLEMENTATION_SPECIFIC = 0x83, "Implementation specific error", CONNACK | PUBLISH_ACKS | SUBACK | UNSUBACK | DISCONNECT;
    /// Unsupported protocol version.
    UNSUPPORTED_PROTOCOL_VERSION = 0x84, "Unsupported Protocol Version", CONNACK;
    /// Client identifier not valid.
    CLIENT_ID_NOT_VALID = 0x85, "Client Identifier not valid", CONNACK;
    /// Bad user name or password.
    BAD_USERNAME_OR_PASSWORD = 0x86, "Bad User Name or Password", CONNACK;
    /// Not authorized.
    NOT_AUTHORIZED = 0x87, "Not authorized", CONNACK | PUBLISH_ACKS | SUBACK | UNSUBACK | DISCONNECT;
    /// Server unavailable.
    SERVER_UNAVAILABLE = 0x88, "Server unavailable", CONNACK;
    /// Server busy.
    SERVER_BUSY = 0x89, "Server busy", CONNACK | DISCONNECT;
    /// Banned.
    BANNED = 0x8A, "Banned", CONNACK;
    /// Server shutting down.
    SERVER_SHUTTING_DOWN = 0x8B, "Server shutting down", DISCONNECT;
    /// Bad authentication method.
    BAD_AUTHENTICATION_METHOD = 0x8C, "Bad authentication method", CONNACK | DISCONNECT;
    /// Keep alive timeout.
    KEEP_ALIVE_TIMEOUT = 0x8D, "Keep Alive timeout", DISCONNECT;
    /// Session taken over.
    SESSION_TAKEN_OVER = 0x8E, "Session taken over", DISCONNECT;
    /// Topic filter invalid.
    TOPIC_FILTER_INVALID = 0x8F, "Topic Filter invalid", SUBACK | UNSUBACK | DISCONNECT;
    /// Topic name invalid.
    TOPIC_NAME_INVALID = 0x90, "Topic Name invalid", CONNACK | PUBLISH_ACKS | DISCONNECT;
    /// Packet identifier in use.
    PACKET_ID_IN_USE = 0x91, "Packet Identifier in use", PUBLISH_ACKS | SUBACK | UNSUBACK;
    /// Packet identifier not found.
    PACKET_ID_NOT_FOUND = 0x92, "Packet Identifier not found", PUBREL | PUBCOMP;
    /// Receive maximum exceeded.
    RECEIVE_MAXIMUM_EXCEEDED = 0x93, "Receive Maximum exceeded", DISCONNECT;
    /// Topic alias invalid.
    TOPIC_ALIAS_INVALID = 0x94, "Topic Alias invalid", DISCONNECT;
    /// Packet too large.
    PACKET_TOO_LARGE = 0x95, "Packet too large", CONNACK | DISCONNECT;
    /// Message rate too high.
    MESSAGE_RATE_TOO_HIGH = 0x96, "Message rate too high", DISCONNECT;
    /// Quota exceeded.
    QUOTA_EXCEEDED = 0x97, "Quota exceeded", CONNACK | PUBLISH_ACKS | SUBACK | DISCONNECT;
    /// Administrative action.
    ADMINISTRATIVE_ACTION = 0x98, "Administrative action", DISCONNECT;
    /// Payload format invalid.
    PAYLOAD_FORMAT_INVALID = 0x99, "Payload format invalid", CONNACK | PUBLISH_ACKS | DISCONNECT;
    /// Retain not supported.
    RETAIN_NOT_SUPPORTED = 0x9A, "Retain not supported", CONNACK | DISCONNECT;
    /// QoS not supported.
    QOS_NOT_SUPPORTED = 0x9B, "QoS not supported", CONNACK | DISCONNECT;
    /// Use another server.
    USE_ANOTHER_SERVER = 0x9C, "Use another server", CONNACK | DISCONNECT;
    /// Server moved.
    SERVER_MOVED = 0x9D, "Server moved", CONNACK | DISCONNECT;
    /// Shared subscriptions not supported.
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E, "Shared Subscriptions not supported", SUBACK | DISCONNECT;
    /// Connection rate exceeded.
    CONNECTION_RATE_EXCEEDED = 0x9F, "Connection rate exceeded", CONNACK | DISCONNECT;
    /// Maximum connect time.
    MAXIMUM_CONNECT_TIME = 0xA0, "Maximum connect time", DISCONNECT;
    /// Subscription identifiers not supported.
    SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xA1, "Subscription identifiers not supported", SUBACK | DISCONNECT;
    /// Wildcard subscriptions not supported.
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2, "Wildcard Subscriptions not supported", SUBACK | DISCONNECT;
}

impl ReasonCode {
    /// The code as it stands on the wire.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// Whether the code reports a failure (0x80 and above).
    pub const fn is_error(self) -> bool {
        self.0 >= 0x80
    }

    /// The specification's name of the code, if it has one.
    pub fn name(self) -> Option<&'static str> {
        self.row().map(|row| row.name)
    }

    /// Whether the specification allows this code in the packet type named by `packet`,
    /// one bit of [`packets`].
    pub(crate) fn allowed_in(self, packet: u16) -> bool {
        self.row().is_some_and(|row| row.packets & packet != 0)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE
            .binary_search_by_key(&self.0, |row| row.code)
            .ok()
            .map(|index| &TABLE[index])
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "reason code {:#04x}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_for_binary_search() {
        assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
    }

    #[test]
    fn codes_know_their_packets() {
        assert!(ReasonCode::SESSION_TAKEN_OVER.allowed_in(packets::DISCONNECT));
        assert!(!ReasonCode::SESSION_TAKEN_OVER.allowed_in(packets::CONNACK));
        assert!(!ReasonCode(0x7f).allowed_in(packets::DISCONNECT));
    }
}
