//! What a client tells its program.

use super::LifecycleEvent;
use crate::codec::Properties;
use crate::error::{Error, Result};
use crate::session::{Done, LogRecord, Outcome};
use crate::types::{PacketId, QoS, ReasonCode};

/// Something that happened, lent to [`Handler::event`] until it returns.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A connection attempt is about to be made; options may still be changed.
    PreConnect,
    /// CONNACK arrived, accepting (code 0) or refusing.
    Connected {
        /// Return code, or reason code in MQTT 5.
        code: u8,
        /// The server kept our session.
        session_present: bool,
        /// Properties of CONNACK.
        properties: Properties<'a>,
    },
    /// The connection ended; `None` when the program had asked for it.
    Disconnected {
        /// Why, if it was not us.
        error: Option<&'a Error>,
        /// Properties of the server's DISCONNECT.
        properties: Properties<'a>,
    },
    /// A message reached the end of its flow: written out (QoS 0) or acknowledged.
    Published {
        /// The identifier `publish` gave it.
        packet_id: PacketId,
        /// The server's verdict.
        reason: ReasonCode,
        /// Properties of the last acknowledgement.
        properties: Properties<'a>,
    },
    /// A message arrived.
    Message(Message<'a>),
    /// A SUBSCRIBE was answered.
    Subscribed {
        /// The identifier `subscribe` gave it.
        packet_id: PacketId,
        /// A code for each filter, never empty.
        codes: &'a [u8],
        /// Properties of SUBACK.
        properties: Properties<'a>,
    },
    /// An UNSUBSCRIBE was answered.
    Unsubscribed {
        /// The identifier `unsubscribe` gave it.
        packet_id: PacketId,
        /// A code for each filter; empty below MQTT 5.
        codes: &'a [u8],
        /// Properties of UNSUBACK.
        properties: Properties<'a>,
    },
    /// The life of the connection went on, for who asked to hear of it.
    Lifecycle(&'a LifecycleEvent),
    /// Something to log.
    Log(&'a LogRecord),
}

/// An application message that arrived.
///
/// `topic` and `payload` are each followed by a NUL byte in memory, so that C can
/// read them in place; see [`Message::topic_c`].
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The packet identifier, `None` for QoS 0.
    pub packet_id: Option<PacketId>,
    /// QoS.
    pub qos: QoS,
    /// The retain flag.
    pub retain: bool,
    /// A re-delivery.
    pub dup: bool,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
    /// Topic name and one NUL byte.
    pub(crate) topic_nul: &'a [u8],
    /// Payload and one NUL byte.
    pub(crate) payload_nul: &'a [u8],
}

impl<'a> Message<'a> {
    /// The topic name.
    pub fn topic(&self) -> &'a str {
        // Checked when the packet was parsed; an empty text is the harmless answer otherwise.
        std::str::from_utf8(&self.topic_nul[..self.topic_nul.len() - 1]).unwrap_or("")
    }

    /// The topic name with its NUL byte.
    pub const fn topic_c(&self) -> &'a [u8] {
        self.topic_nul
    }

    /// The payload.
    pub fn payload(&self) -> &'a [u8] {
        &self.payload_nul[..self.payload_nul.len() - 1]
    }

    /// The payload with one NUL byte behind it.
    pub const fn payload_c(&self) -> &'a [u8] {
        self.payload_nul
    }
}

/// The program's side of a client. Its methods are called one at a time, with no lock
/// held, and may call any method of the client.
pub trait Handler: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);

    /// A message arrived: as [`Event::Message`].
    fn message(&self, message: &Message<'_>) {
        self.event(Event::Message(*message));
    }

    /// Whether it matters to anybody that an attempt to connect is about to be made.
    fn hears_pre_connect(&self) -> bool {
        true
    }

    /// Whether it matters to anybody that a message was published with success.
    fn hears_published(&self) -> bool {
        true
    }

    /// These messages were published with success and nothing more is to be said of them:
    /// as [`Event::Published`] for each, as long as `go_on` says so.
    fn published(&self, packet_ids: &[PacketId], go_on: &dyn Fn() -> bool) {
        for packet_id in packet_ids {
            if !go_on() {
                return;
            }
            self.event(Event::Published {
                packet_id: *packet_id,
                reason: ReasonCode::SUCCESS,
                properties: Properties::EMPTY,
            });
        }
    }

    /// What became of a message that was accepted, see [`super::Client::set_outcomes`].
    fn outcome(
        &self,
        packet_id: PacketId,
        outcome: Outcome,
        reason: ReasonCode,
        properties: Properties<'_>,
    ) {
        let _ = (packet_id, outcome, reason, properties);
    }

    /// What became of a message or a request with a token.
    fn done(&self, done: &Done) {
        let _ = done;
    }

    /// The password of the client's private key, which is encrypted; `None` without one. The
    /// key came from a file or from the program's memory.
    fn key_password(&self, from_file: bool) -> Option<Vec<u8>> {
        let _ = from_file;
        None
    }

    /// The server wants a step of enhanced authentication. The program answers with
    /// `Client::authenticate`, here or later; an error ends the connection.
    fn authenticate(
        &self,
        method: &str,
        data: Option<&[u8]>,
        properties: Properties<'_>,
    ) -> Result<()> {
        let _ = (method, data, properties);
        Ok(())
    }
}
