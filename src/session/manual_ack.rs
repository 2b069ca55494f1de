//! Received messages of QoS 1 and 2 that the program acknowledges: when it says so, or when its
//! callback has returned.
//!
//! PUBACKs leave in the order in which the PUBLISHes came, and so do PUBRECs (MQTT 5.0 section
//! 4.6), so an acknowledgement that comes early is held. What is not acknowledged outlives the
//! connection with the session: the message is the program's, and is not delivered again when the
//! server sends it again.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hasher};

use super::packet_id_map::PacketIdMap;
use super::{Session, State};
use crate::codec::{AckKind, Publish};
use crate::error::{CallerError, Error, Result};
use crate::types::{reason_packets, PacketId, QoS, ReasonCode};

/// Who acknowledges received messages of QoS 1 and 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckMode {
    /// The session, before the program has them.
    Automatic,
    /// The host, when the program has had them.
    AfterCallback,
    /// The program.
    Manual,
}

/// What waits to be acknowledged; there is none in a session that does so by itself.
#[derive(Debug)]
pub(super) struct ManualAck {
    /// Of messages to come.
    mode: AckMode,
    /// Those of QoS 1 and those of QoS 2.
    held: [Held; 2],
}

/// The messages of one QoS.
#[derive(Debug, Default)]
struct Held {
    messages: PacketIdMap<Message>,
    /// The order in which they came on this connection, each once; those that have not come
    /// again since an earlier one are not here.
    order: VecDeque<PacketId>,
}

#[derive(Debug, Clone, Copy)]
struct Message {
    /// Of topic and payload: a server may set DUP on another message than it has sent with the
    /// same identifier on an earlier connection.
    fingerprint: u64,
    /// The connection it last came on.
    connection: u32,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Next: `Acknowledged`, by the program; `Ended`, by PUBREL.
    Awaited,
    /// The acknowledgement is sent as soon as those before it are. Next: gone.
    Acknowledged(ReasonCode),
    /// The server does not want it any more. Next: gone, or `Awaited` with another message.
    Ended,
}

impl Session {
    /// Who acknowledges messages that come from now on.
    pub fn set_ack_mode(&mut self, mode: AckMode) {
        match &mut self.manual_ack {
            Some(manual) => manual.mode = mode,
            None => {
                self.manual_ack = Some(Box::new(ManualAck {
                    mode,
                    held: Default::default(),
                }));
            }
        }
        self.end_manual_ack();
    }

    /// Acknowledges a message that was delivered: at once, or when those before it are. Without a
    /// connection it is remembered, and sent should the server send the message again.
    ///
    /// # Errors
    ///
    /// `NotFound` for an identifier that awaits none, `InvalidArgument` for a reason code that is
    /// not for it.
    pub fn acknowledge(&mut self, packet_id: PacketId, reason: ReasonCode) -> Result<()> {
        let allowed = match self.version.has_properties() {
            true => reason.allowed_in(reason_packets::PUBACK),
            false => reason == ReasonCode::SUCCESS,
        };
        if !allowed {
            return Err(Error::invalid("reason code is none of PUBACK's"));
        }
        for qos in [QoS::AtLeastOnce, QoS::ExactlyOnce] {
            let Some(held) = self.held(qos) else { break };
            let Some(mut message) = held.messages.get(packet_id) else {
                continue;
            };
            if message.stage == Stage::Awaited {
                message.stage = Stage::Acknowledged(reason);
                held.messages.insert(packet_id, message);
                if qos == QoS::ExactlyOnce && !reason.is_error() {
                    self.journal_received(packet_id);
                }
                self.send_held(qos);
                return Ok(());
            }
        }
        Err(Error::Caller(CallerError::NotFound(
            "a message with this mid that awaits an acknowledgement",
        )))
    }

    /// Whether the host acknowledges messages that come now when the program has had them.
    pub(super) fn acknowledges_after(&self) -> bool {
        let manual = self.manual_ack.as_ref();
        manual.is_some_and(|manual| manual.mode == AckMode::AfterCallback)
    }

    /// As `take_over`, in a session that has had another mode than the automatic one. Our Receive
    /// Maximum is not held against the server: Mosquitto 2.0 answers an acknowledgement with several
    /// messages where one is its due, and what is not acknowledged costs us little.
    #[cold]
    pub(super) fn take_over_held(
        &mut self,
        packet: &Publish<'_>,
        packet_id: PacketId,
        topic: &str,
    ) -> bool {
        let connection = self.connection as u32;
        let exactly_once = packet.qos == QoS::ExactlyOnce;
        let fingerprint = match exactly_once {
            true => 0, // its identifier is the message's until PUBREL
            false => fingerprint(topic, packet.payload),
        };
        let automatic = self.ack_mode() == AckMode::Automatic;
        let Some(held) = self.held(packet.qos) else {
            return true;
        };
        let known = held.messages.get(packet_id);
        let last_came = known.map(|message| message.connection);
        let repeated = if exactly_once {
            let last_came = self.unreleased.get(packet_id);
            self.unreleased.insert(packet_id, self.connection);
            let counted = packet.dup || last_came == Some(self.connection);
            self.outstanding += i32::from(!counted);
            last_came.is_some()
        } else {
            packet.dup && known.is_some_and(|message| message.fingerprint == fingerprint)
        };
        let stage = match known {
            Some(message) if repeated => message.stage,
            // What the program acknowledged before.
            None if repeated => Stage::Acknowledged(ReasonCode::SUCCESS),
            _ if automatic => {
                if exactly_once {
                    self.journal_received(packet_id);
                }
                Stage::Acknowledged(ReasonCode::SUCCESS)
            }
            _ => Stage::Awaited,
        };
        if let Some(held) = self.held(packet.qos) {
            if last_came != Some(connection) {
                held.order.push_back(packet_id);
            }
            let message = Message {
                fingerprint,
                connection,
                stage,
            };
            held.messages.insert(packet_id, message);
        }
        self.send_held(packet.qos);
        !repeated
    }

    /// PUBREL came: the message's flow is over, whether it was acknowledged or not.
    pub(super) fn end_held(&mut self, packet_id: PacketId) {
        let connection = self.connection as u32;
        if let Some(held) = self.held(QoS::ExactlyOnce) {
            match held.messages.get(packet_id) {
                // It keeps its place in the order, or its identifier would come to have several.
                Some(message) if message.connection == connection => {
                    let stage = Stage::Ended;
                    held.messages
                        .insert(packet_id, Message { stage, ..message });
                }
                _ => {
                    held.messages.remove(packet_id);
                }
            }
            self.send_held(QoS::ExactlyOnce);
        }
    }

    /// The connection is gone: what is held is sent when it has come again.
    pub(super) fn suspend_held(&mut self) {
        if let Some(manual) = &mut self.manual_ack {
            for held in &mut manual.held {
                held.order = VecDeque::new();
            }
        }
    }

    /// The server has lost the session, and knows nothing of what it sent.
    pub(super) fn forget_held(&mut self) {
        if let Some(manual) = &mut self.manual_ack {
            manual.held = Default::default();
        }
        self.end_manual_ack();
    }

    fn ack_mode(&self) -> AckMode {
        let manual = self.manual_ack.as_ref();
        manual.map_or(AckMode::Automatic, |manual| manual.mode)
    }

    fn held(&mut self, qos: QoS) -> Option<&mut Held> {
        let index = usize::from(qos == QoS::ExactlyOnce);
        self.manual_ack
            .as_mut()
            .map(|manual| &mut manual.held[index])
    }

    /// Sends the acknowledgements that nothing holds back.
    fn send_held(&mut self, qos: QoS) {
        if self.state != State::Connected {
            return; // nothing follows DISCONNECT
        }
        let kind = match qos {
            QoS::ExactlyOnce => AckKind::Pubrec,
            _ => AckKind::Puback,
        };
        while let Some((packet_id, stage)) = self.held(qos).and_then(Held::pop) {
            let Stage::Acknowledged(mut reason) = stage else {
                continue;
            };
            if !self.version.has_properties() {
                reason = ReasonCode::SUCCESS; // the program gave it to an MQTT 5 server
            }
            if qos == QoS::ExactlyOnce && reason.is_error() {
                // That ends the flow: it gives quota back (MQTT 5.0 section 4.9), and the next one
                // with this identifier is a new one (MQTT-4.3.3-9).
                self.outstanding = self.outstanding.saturating_sub(1);
                self.unreleased.remove(packet_id);
            }
            self.queue_ack(kind, packet_id, reason);
        }
        self.end_manual_ack();
    }

    /// Where the session acknowledges again by itself and nothing is left, it is as it was.
    fn end_manual_ack(&mut self) {
        let done = |manual: &ManualAck| {
            let empty = |held: &Held| held.messages.len() == 0;
            manual.mode == AckMode::Automatic && manual.held.iter().all(empty)
        };
        if self.manual_ack.as_deref().is_some_and(done) {
            self.manual_ack = None;
        }
    }

    fn journal_received(&mut self, packet_id: PacketId) {
        if let Some(journal) = &mut self.outbound.journal {
            journal.received(packet_id);
        }
    }
}

impl Held {
    /// Takes out the first message if its acknowledgement can be sent, or need not be.
    fn pop(&mut self) -> Option<(PacketId, Stage)> {
        let packet_id = *self.order.front()?;
        let stage = self.messages.get(packet_id)?.stage;
        if stage == Stage::Awaited {
            return None;
        }
        self.order.pop_front();
        self.messages.remove(packet_id);
        Some((packet_id, stage))
    }
}

fn fingerprint(topic: &str, payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(topic.as_bytes());
    hasher.write_u8(0); // no topic has one
    hasher.write(payload);
    hasher.finish()
}
