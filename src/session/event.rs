//! What the session tells its host.

use std::ops::Range;
use std::sync::Arc;

use super::{Done, LogRecord, Outcome};
use crate::codec::PropertyBuf;
use crate::error::Error;
use crate::types::{PacketId, QoS, ReasonCode};

/// Something that happened, in the order in which it did.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// CONNACK arrived, accepting (code 0) or refusing.
    Connected {
        /// Return code, or reason code in MQTT 5.
        code: u8,
        /// The server kept our session.
        session_present: bool,
        /// Properties of CONNACK.
        properties: PropertyBuf,
    },
    /// The connection ended; `None` when [`super::Session::disconnect`] had asked for it.
    Disconnected {
        /// Why, if it was not us.
        error: Option<Error>,
        /// Properties of the server's DISCONNECT.
        properties: PropertyBuf,
    },
    /// A message reached the end of its flow.
    Published {
        /// Its packet identifier.
        packet_id: PacketId,
        /// The server's verdict; success where it gave none.
        reason: ReasonCode,
        /// Properties of the last acknowledgement.
        properties: PropertyBuf,
    },
    /// What became of a message that was accepted, see [`super::Session::set_outcomes`].
    Outcome {
        /// Its packet identifier.
        packet_id: PacketId,
        /// What.
        outcome: Outcome,
        /// The server's verdict; success where it gave none.
        reason: ReasonCode,
        /// Properties of the last acknowledgement.
        properties: PropertyBuf,
    },
    /// What became of a message or a request with a token.
    Done(Box<Done>),
    /// SUBACK.
    Subscribed {
        /// The packet identifier of the SUBSCRIBE.
        packet_id: PacketId,
        /// A code for each filter.
        codes: Vec<u8>,
        /// Properties of SUBACK.
        properties: PropertyBuf,
    },
    /// UNSUBACK.
    Unsubscribed {
        /// The packet identifier of the UNSUBSCRIBE.
        packet_id: PacketId,
        /// A code for each filter; empty below MQTT 5.
        codes: Vec<u8>,
        /// Properties of UNSUBACK.
        properties: PropertyBuf,
    },
    /// The server wants a step of enhanced authentication.
    Authenticate {
        /// The authentication method.
        method: String,
        /// The authentication data, if there is some.
        data: Option<Vec<u8>>,
        /// All properties of AUTH.
        properties: PropertyBuf,
    },
    /// The host's own, put in its place among the others by [`super::Session::mark`].
    Mark,
    /// The host's own, which reminds it by [`super::Session::remind`] of what it has to tell.
    Reminder,
    /// Something to log.
    Log(LogRecord),
}

/// What one packet of the input was.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// How many bytes of the input it took.
    pub consumed: usize,
    /// A message for the program, if the packet was one. It happened after every
    /// event that waits to be polled.
    pub delivery: Option<Delivery>,
}

/// An incoming message, as places in the input it came from: nothing is copied.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// Where the topic name stands; never at the very start of the input.
    pub topic: Range<usize>,
    /// The topic name, where a topic alias stood for it.
    pub alias_topic: Option<Arc<str>>,
    /// Where the encoded properties stand.
    pub properties: Range<usize>,
    /// Where the payload stands.
    pub payload: Range<usize>,
    /// The packet identifier, for QoS 1 and 2.
    pub packet_id: Option<PacketId>,
    /// QoS.
    pub qos: QoS,
    /// The retain flag.
    pub retain: bool,
    /// A re-delivery.
    pub dup: bool,
    /// The host calls [`super::Session::acknowledge`] when the program has had it.
    pub ack_due: bool,
}
