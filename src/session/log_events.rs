//! What can be logged. docs/logging.md explains each event and each key.

use crate::types::LogLevel;

/// Something that can be logged.
#[derive(Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// How important it is.
    pub level: LogLevel,
    /// Whether who wants lines only gets it: those are libmosquitto's, and programs compare them.
    pub is_line: bool,
    /// The name, the text, and the keys with spaces between, in one string: a library has
    /// to be relocated for each of them when it is loaded.
    parts: &'static str,
}

impl LogEvent {
    /// What happened: what it happened to, a dot, and a verb. Several events with other words
    /// may share a name; they have the same keys.
    pub fn name(&self) -> &'static str {
        self.part(0)
    }

    /// It in words: in braces the keys whose values have their places there, and `{client}`.
    pub fn text(&self) -> &'static str {
        self.part(1)
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.part(2).split_terminator(' ')
    }

    /// How many keys there are.
    pub(crate) const fn key_count(&self) -> usize {
        let bytes = self.parts.as_bytes();
        let (mut at, mut count) = (bytes.len(), 0);
        while at > 0 && bytes[at - 1] != b'\n' {
            at -= 1;
            count += (bytes[at] == b' ') as usize;
        }
        count
    }

    fn part(&self, at: usize) -> &'static str {
        self.parts.split('\n').nth(at).unwrap_or("")
    }
}

/// `NAME "name": level, audience, "text" [keys];` for each event; the audience is `line` or
/// `record`, the latter for those that are no line.
macro_rules! events {
    ($($id:ident $name:literal: $level:ident, $audience:ident,
        $text:literal [$($key:ident)*];)*) => {
        $(pub(crate) static $id: LogEvent = LogEvent {
            level: LogLevel::$level,
            is_line: events!($audience),
            parts: concat!($name, "\n", $text, "\n" $(, stringify!($key), " ")*),
        };)*

        /// All events, for tests and documents.
        pub static LOG_EVENTS: &[&LogEvent] = &[$(&$id),*];
    };
    (line) => {
        true
    };
    (record) => {
        false
    };
}

events! {
    CONNECT_SENT "connect.sent": Debug, line,
        "Client {client} sending CONNECT" [protocol clean_start keep_alive];
    CONNACK_RECEIVED "connack.received": Debug, line,
        "Client {client} received CONNACK ({reason_code})" [reason_code session_present];
    PUBLISH_SENT "publish.sent": Debug, line,
        "Client {client} sending PUBLISH (d{dup}, q{qos}, r{retain}, m{mid}, '{topic}', ... ({payload_len} bytes))"
        [dup qos retain mid topic payload_len];
    PUBLISH_RECEIVED "publish.received": Debug, line,
        "Client {client} received PUBLISH (d{dup}, q{qos}, r{retain}, m{mid}, '{topic}', ... ({payload_len} bytes))"
        [dup qos retain mid topic payload_len];
    PUBACK_SENT "puback.sent": Debug, line,
        "Client {client} sending PUBACK (m{mid}, rc{reason_code})" [mid reason_code];
    PUBACK_RECEIVED "puback.received": Debug, line,
        "Client {client} received PUBACK (Mid: {mid}, RC:{reason_code})" [mid reason_code];
    PUBREC_SENT "pubrec.sent": Debug, line,
        "Client {client} sending PUBREC (m{mid}, rc{reason_code})" [mid reason_code];
    PUBREC_RECEIVED "pubrec.received": Debug, line,
        "Client {client} received PUBREC (Mid: {mid})" [mid reason_code];
    PUBREC_UNKNOWN "pubrec.unknown": Warning, line,
        "Warning: Received PUBREC for an unknown packet identifier {mid}." [mid];
    PUBREL_SENT "pubrel.sent": Debug, line,
        "Client {client} sending PUBREL (m{mid})" [mid reason_code];
    PUBREL_RECEIVED "pubrel.received": Debug, line,
        "Client {client} received PUBREL (Mid: {mid})" [mid reason_code];
    PUBCOMP_SENT "pubcomp.sent": Debug, line,
        "Client {client} sending PUBCOMP (m{mid})" [mid reason_code];
    PUBCOMP_RECEIVED "pubcomp.received": Debug, line,
        "Client {client} received PUBCOMP (Mid: {mid}, RC:{reason_code})" [mid reason_code];
    SUBSCRIBE_SENT "subscribe.sent": Debug, line,
        "Client {client} sending SUBSCRIBE (Mid: {mid}, Topic: {filter}, QoS: {qos}, Options: {options})"
        [mid filter qos options];
    SUBACK_RECEIVED "suback.received": Debug, line,
        "Client {client} received SUBACK" [mid reason_codes];
    UNSUBSCRIBE_SENT "unsubscribe.sent": Debug, line,
        "Client {client} sending UNSUBSCRIBE (Mid: {mid}, Topic: {filter})" [mid filter];
    UNSUBACK_RECEIVED "unsuback.received": Debug, line,
        "Client {client} received UNSUBACK" [mid reason_codes];
    PINGREQ_SENT "pingreq.sent": Debug, line,
        "Client {client} sending PINGREQ" [];
    PINGRESP_RECEIVED "pingresp.received": Debug, line,
        "Client {client} received PINGRESP" [round_trip_us];
    AUTH_SENT "auth.sent": Debug, line,
        "Client {client} sending AUTH" [reason_code];
    AUTH_RECEIVED "auth.received": Debug, line,
        "Client {client} received AUTH" [reason_code];
    DISCONNECT_SENT "disconnect.sent": Debug, line,
        "Client {client} sending DISCONNECT" [reason_code];
    DISCONNECT_SENT_FOR_ERROR "disconnect.sent": Debug, record,
        "Client {client} sending DISCONNECT ({reason_code})" [reason_code];
    DISCONNECT_RECEIVED "disconnect.received": Debug, line,
        "Received DISCONNECT ({reason_code})" [reason_code];
    MESSAGE_DROPPED "message.dropped": Warning, record,
        "Message {mid} was dropped: {reason}" [mid reason];
    RESUBSCRIBE_FAILED "resubscribe.failed": Error, line,
        "Error: Unable to subscribe again: {error}" [error];
    SUBSCRIPTION_REFUSED "subscription.refused": Error, line,
        "Error: The server refuses the subscription to {filter}" [filter];
    CONNECTION_BEGUN "connection.begun": Info, record,
        "Connecting to {host}, port {port}" [host port];
    CONNECTION_MADE "connection.made": Info, record,
        "Connected to {address}" [address tls cipher];
    CONNECTION_FAILED "connection.failed": Warning, line,
        "Warning: Unable to connect: {error}" [error];
    // The call that was to connect returns it; what programs see of libmosquitto then is no line...
    CONNECTION_FAILED_IN_CALL "connection.failed": Warning, record,
        "Unable to connect: {error}" [error];
    // ... unless an error code says little of it.
    CONNECTION_FAILED_ABOVE_TCP "connection.failed": Error, line,
        "Error: {error}" [error];
    CONNECTION_LOST "connection.lost": Warning, record,
        "Connection lost: {error}" [error];
    CONNECTION_LOST_ABOVE_TCP "connection.lost": Error, line,
        "Error: {error}" [error];
    CONNECTION_CLOSED "connection.closed": Info, record,
        "Connection closed" [];
    RECONNECT_PLANNED "reconnect.planned": Info, record,
        "Connecting again in {delay_ms} ms" [delay_ms attempts];
    RECONNECT_GIVEN_UP "reconnect.given_up": Error, record,
        "No further attempt to connect" [attempts];
    SETTING_REFUSED "setting.refused": Error, line,
        "{error}" [error];
    STORE_CUT "store.cut": Warning, line,
        "Warning: {bytes} bytes at the end of the store were never completed." [bytes];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_in_a_text_is_that_of_a_key_or_of_the_client() {
        for event in LOG_EVENTS {
            assert_eq!(event.keys().count(), event.key_count());
            for place in event.text().split('{').skip(1) {
                let (name, _) = place.split_once('}').unwrap();
                assert!(
                    name == "client" || event.keys().any(|key| key == name),
                    "{name} in {}",
                    event.name()
                );
            }
        }
    }
}
