//! Packets from the server.

use std::ops::Range;
use std::time::Instant;

use super::log::log;
use super::log_events::PUBLISH_RECEIVED;
use super::outbound::Stage;
use super::{Delivery, Outcome, Request, Session, SessionEvent, State, Step, Token};
use crate::codec::{
    Ack, AckKind, Auth, Connack, Disconnect, Frame, Packet, PacketType, PropertyBuf, PropertyId,
    Publish, Suback, Unsuback,
};
use crate::error::{Error, PeerError, Result};
use crate::types::{topic, PacketId, ProtocolVersion, QoS, ReasonCode};

/// The size of an acknowledgement with a reason code.
const LARGEST_ACK: usize = 5;

impl Session {
    /// Takes the first packet of `input`; `None` when it is not complete.
    ///
    /// After an error the connection is closing: what is queued (for MQTT 5 a
    /// DISCONNECT) should still be sent, then the network connection closed.
    #[inline]
    pub fn handle_input(&mut self, input: &[u8], now: Instant) -> Result<Option<Step>> {
        if !matches!(self.state, State::Connecting | State::Connected) {
            // Nothing is taken from a server that was told goodbye.
            return Ok(match input.len() {
                0 => None,
                consumed => Some(Step {
                    consumed,
                    delivery: None,
                }),
            });
        }
        match self.handle_packet(input, now) {
            Ok(step) => Ok(step),
            Err(error) => Err(self.fail(error)),
        }
    }

    #[inline]
    fn handle_packet(&mut self, input: &[u8], now: Instant) -> Result<Option<Step>> {
        if !input.is_empty() {
            // Part of a large packet is a sign of life too.
            self.keep_alive.received(now);
        }
        if self.state == State::Connected && self.maximum_packet_size >= AckKind::SUCCESS_LEN {
            let ends = self.take_ends(input, now);
            if ends > 0 {
                return Ok(Some(Step {
                    consumed: ends * AckKind::SUCCESS_LEN,
                    delivery: None,
                }));
            }
            if let Some((kind, packet_id)) = AckKind::parse_success(input) {
                self.stats.control_received += 1;
                self.handle_ack(&Ack::new(kind, packet_id, ReasonCode::SUCCESS), now)?;
                return Ok(Some(Step {
                    consumed: AckKind::SUCCESS_LEN,
                    delivery: None,
                }));
            }
        }
        let Some(frame) = Frame::parse(input, self.maximum_packet_size)? else {
            self.input_is_dry();
            return Ok(None);
        };
        let delivery = if frame.packet_type == PacketType::Publish {
            if self.state != State::Connected {
                return Err(Error::protocol("PUBLISH before CONNACK"));
            }
            let packet = Publish::decode(frame.flags, frame.body, self.version)?;
            let admitted = match self.throttles {
                None => true,
                Some(_) => match self.admit(packet.qos, frame.len, now) {
                    Some(admitted) => admitted,
                    None => return Ok(None),
                },
            };
            self.stats.received[usize::from(packet.qos.number())].add(frame.len);
            self.handle_publish(&packet, input)?.filter(|_| admitted)
        } else {
            let packet = Packet::decode(&frame, self.version)?;
            self.stats.control_received += 1;
            self.handle_control(packet, now)?;
            None
        };
        Ok(Some(Step {
            consumed: frame.len,
            delivery,
        }))
    }

    fn handle_control(&mut self, packet: Packet<'_>, now: Instant) -> Result<()> {
        match (self.state, packet) {
            (State::Connecting, Packet::Connack(packet)) => self.handle_connack(&packet),
            (_, Packet::Auth(packet)) => self.handle_auth(&packet),
            (State::Connecting, _) => Err(Error::protocol("packet before CONNACK")),
            (_, Packet::Ack(packet)) => self.handle_ack(&packet, now),
            (_, Packet::Suback(packet)) => self.handle_suback(&packet, now),
            (_, Packet::Unsuback(packet)) => self.handle_unsuback(&packet, now),
            (_, Packet::Pingresp) => {
                let asked = self.keep_alive.asked();
                let time = asked.map(|asked| now.saturating_duration_since(asked).as_micros());
                log!(self, PINGRESP_RECEIVED, time.map(|time| time as u64));
                if let Some(asked) = asked {
                    self.stats.round_trip.measured(asked, now);
                }
                self.keep_alive.answered();
                Ok(())
            }
            (_, Packet::Disconnect(packet)) => self.handle_disconnect(&packet),
            (_, Packet::Connack(_)) => Err(Error::protocol("second CONNACK")),
            _ => Err(Error::protocol("packet that only a client may send")),
        }
    }

    fn handle_connack(&mut self, packet: &Connack<'_>) -> Result<()> {
        let properties = packet.properties;
        let accepted = packet.code == 0;
        if packet.session_present && (self.clean_start || !accepted) {
            return Err(Error::protocol("session present without a session"));
        }
        if let Some(assigned) = properties.string(PropertyId::AssignedClientIdentifier) {
            self.client_id = Some(assigned.to_owned());
        }
        let code = packet.code;
        log!(self, CONNACK_RECEIVED, code, packet.session_present);
        let event = SessionEvent::Connected {
            code,
            session_present: packet.session_present,
            properties: properties.to_buf(),
        };
        if !accepted {
            self.events.push(event);
            self.state = State::Closing;
            self.refused = true;
            return Err(Error::Peer(PeerError::ConnectionRefused(code)));
        }
        // MQTT-4.12.0-5 and -6
        let method = properties.string(PropertyId::AuthenticationMethod);
        if method != self.authentication_method.as_deref() {
            return Err(Error::protocol(
                "CONNACK without CONNECT's authentication method",
            ));
        }
        let number = |id| properties.number(id);
        if let Some(maximum) = number(PropertyId::ReceiveMaximum) {
            self.server.receive_maximum = maximum as u16;
        }
        if let Some(maximum) = number(PropertyId::MaximumQos).and_then(|qos| QoS::new(qos as u8)) {
            self.server.maximum_qos = maximum;
        }
        if let Some(available) = number(PropertyId::RetainAvailable) {
            self.server.retain_available = available != 0;
        }
        if let Some(maximum) = number(PropertyId::MaximumPacketSize) {
            self.server.maximum_packet_size = maximum;
            // A server that takes no acknowledgement cannot be served (MQTT-3.2.2-15).
            self.check_size(LARGEST_ACK)?;
        }
        self.outbound_aliases
            .reset(number(PropertyId::TopicAliasMaximum).unwrap_or(0) as u16);
        self.keep_alive
            .connected(number(PropertyId::ServerKeepAlive).map(|s| s as u16));
        self.state = State::Connected;
        self.stats.connections += 1;
        self.events.push(event);
        // MQTT 3.1 does not report the session, so a client that wanted one assumes it.
        let kept = match self.version {
            ProtocolVersion::V31 => !self.clean_start,
            _ => packet.session_present,
        };
        // Nor can its server say that the session is lost: asking twice does no harm.
        if !packet.session_present {
            if let Some(subscriptions) = &mut self.subscriptions {
                subscriptions.session_is_new();
            }
        }
        if !kept {
            self.unreleased.clear();
            self.forget_held();
            for entry in self.outbound.forget_session() {
                // PUBREC had made the server the owner of these.
                self.finish(
                    entry.token,
                    entry.packet_id,
                    Outcome::SessionLost,
                    ReasonCode::SUCCESS,
                    PropertyBuf::new(),
                );
                log!(self, MESSAGE_DROPPED, entry.packet_id, Outcome::SessionLost);
            }
        }
        Ok(())
    }

    #[inline]
    fn handle_publish(&mut self, packet: &Publish<'_>, input: &[u8]) -> Result<Option<Delivery>> {
        let mut alias_topic = None;
        if let Some(alias) = packet.properties.number(PropertyId::TopicAlias) {
            alias_topic = self.inbound_aliases.resolve(alias as u16, packet.topic)?;
        } else if packet.topic.is_empty() {
            return Err(Error::protocol("PUBLISH without a topic"));
        }
        // MQTT-3.3.2-14
        let response_topic = packet.properties.string(PropertyId::ResponseTopic);
        if response_topic.is_some_and(|topic| !topic::is_name(topic)) {
            return Err(Error::protocol("response topic is no topic name"));
        }
        if self.logging {
            let topic = alias_topic.as_deref().unwrap_or(packet.topic).to_owned();
            self.log_publish(&PUBLISH_RECEIVED, packet, packet.packet_id, &topic);
        }
        if let Some(packet_id) = packet.packet_id {
            let new = if self.manual_ack.is_some() {
                let topic = alias_topic.as_deref().unwrap_or(packet.topic);
                self.take_over_held(packet, packet_id, topic)
            } else {
                self.take_over(packet, packet_id)?
            };
            if !new {
                return Ok(None);
            }
        }
        Ok(Some(Delivery {
            topic: range_in(input, packet.topic.as_bytes()),
            alias_topic,
            properties: range_in(input, packet.properties.as_bytes()),
            payload: range_in(input, packet.payload),
            packet_id: packet.packet_id,
            qos: packet.qos,
            retain: packet.retain,
            dup: packet.dup,
            ack_due: packet.packet_id.is_some() && self.acknowledges_after(),
        }))
    }

    /// Acknowledges a QoS 1 or 2 message; `false` when it was delivered before.
    fn take_over(&mut self, packet: &Publish<'_>, packet_id: PacketId) -> Result<bool> {
        let last_came = match packet.qos {
            QoS::ExactlyOnce => self.unreleased.get(packet_id),
            _ => None,
        };
        let repeated = last_came.is_some();
        // The server's quota begins anew with each connection (MQTT 5.0 section 4.9). What it
        // sends again was within its quota once, and there are servers that send it all at once:
        // a connection that ends for it would end for it again and again.
        let counted = packet.dup || last_came == Some(self.connection);
        if self.version == ProtocolVersion::V5
            && !counted
            && self.outstanding >= i32::from(self.receive_maximum)
        {
            return Err(Error::Peer(PeerError::ReceiveMaximumExceeded));
        }
        let kind = match packet.qos {
            QoS::ExactlyOnce => {
                self.unreleased.insert(packet_id, self.connection);
                if let (Some(journal), false) = (&mut self.outbound.journal, repeated) {
                    journal.received(packet_id);
                }
                self.outstanding += i32::from(!counted);
                AckKind::Pubrec
            }
            _ => AckKind::Puback,
        };
        self.queue_ack(kind, packet_id, ReasonCode::SUCCESS);
        Ok(!repeated)
    }

    fn handle_ack(&mut self, packet: &Ack<'_>, now: Instant) -> Result<()> {
        let (packet_id, reason) = (packet.packet_id, packet.reason);
        if self.logging {
            self.log_ack_received(packet.kind, packet_id, reason);
        }
        if packet.kind == AckKind::Pubrel {
            self.handle_pubrel(packet_id);
            return Ok(());
        }
        if packet.kind != AckKind::Pubcomp {
            self.stats.round_trip.answered(packet_id, now);
        }
        let stage = self.outbound.get_mut(packet_id).map(|entry| entry.stage);
        match (packet.kind, stage) {
            (AckKind::Puback, Some(Stage::AwaitPuback))
            | (AckKind::Pubcomp, Some(Stage::AwaitPubcomp)) => {
                let token = self.outbound.remove(packet_id);
                self.finish_acknowledged(token, packet);
                self.send_waiting(now);
                Ok(())
            }
            (AckKind::Pubrec, Some(Stage::AwaitPubrec)) if reason.is_error() => {
                let token = self.outbound.remove(packet_id);
                self.finish_acknowledged(token, packet);
                self.send_waiting(now);
                Ok(())
            }
            (AckKind::Pubrec, Some(Stage::AwaitPubrec | Stage::AwaitPubcomp)) => {
                self.outbound.release(packet_id);
                self.send_pubrel(packet_id, ReasonCode::SUCCESS);
                Ok(())
            }
            (AckKind::Pubrec, None) => {
                log!(self, PUBREC_UNKNOWN, packet_id);
                if !reason.is_error() {
                    self.send_pubrel(packet_id, ReasonCode::PACKET_ID_NOT_FOUND);
                }
                Ok(())
            }
            // A late answer to something a lost session had sent.
            (_, None) => Ok(()),
            _ => Err(Error::protocol("acknowledgement of the wrong kind")),
        }
    }

    fn handle_pubrel(&mut self, packet_id: PacketId) {
        // Each PUBCOMP gives quota back, whatever it is for (MQTT 5.0 section 4.9); before the
        // server has used what it had, it has more then.
        self.outstanding = self.outstanding.saturating_sub(1);
        let reason = match self.unreleased.remove(packet_id) {
            Some(_) => {
                if let Some(journal) = &mut self.outbound.journal {
                    journal.completed(packet_id);
                }
                ReasonCode::SUCCESS
            }
            None => ReasonCode::PACKET_ID_NOT_FOUND,
        };
        self.end_held(packet_id);
        self.queue_ack(AckKind::Pubcomp, packet_id, reason);
    }

    fn send_pubrel(&mut self, packet_id: PacketId, reason: ReasonCode) {
        self.queue_ack(AckKind::Pubrel, packet_id, reason);
    }

    #[inline(always)]
    fn finish_acknowledged(&mut self, token: Token, packet: &Ack<'_>) {
        let (packet_id, reason) = (packet.packet_id, packet.reason);
        let properties = packet.properties.to_buf();
        self.finish(token, packet_id, Outcome::Acknowledged, reason, properties);
    }

    /// The end of a message's flow.
    #[inline(always)]
    fn finish(
        &mut self,
        token: Token,
        packet_id: PacketId,
        outcome: Outcome,
        reason: ReasonCode,
        properties: PropertyBuf,
    ) {
        self.ids.release(packet_id);
        if self.outcomes || !token.is_none() {
            return self.tell_end(token, packet_id, outcome, reason, properties);
        }
        if reason == ReasonCode::SUCCESS && properties.as_properties().is_empty() {
            self.events.push_published([packet_id]);
            return;
        }
        self.events.push(SessionEvent::Published {
            packet_id,
            reason,
            properties,
        });
    }

    #[cold]
    fn tell_end(
        &mut self,
        token: Token,
        packet_id: PacketId,
        outcome: Outcome,
        reason: ReasonCode,
        properties: PropertyBuf,
    ) {
        self.events.push(SessionEvent::Published {
            packet_id,
            reason,
            properties: properties.clone(),
        });
        self.note_outcome(packet_id, outcome, reason, &properties);
        self.tell_done(token, packet_id, outcome, reason, &properties);
    }

    fn handle_suback(&mut self, packet: &Suback<'_>, now: Instant) -> Result<()> {
        log!(self, SUBACK_RECEIVED, packet.packet_id, packet.codes);
        self.end_request(packet.packet_id, Request::Subscribe(packet.codes.len()))?;
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.answered(packet.packet_id, packet.codes);
        }
        self.events.push(SessionEvent::Subscribed {
            packet_id: packet.packet_id,
            codes: packet.codes.to_vec(),
            properties: packet.properties.to_buf(),
        });
        self.tell_answered(packet.packet_id, packet.codes, packet.properties.to_buf());
        // A message may have waited for the identifier.
        self.send_waiting(now);
        Ok(())
    }

    fn handle_unsuback(&mut self, packet: &Unsuback<'_>, now: Instant) -> Result<()> {
        log!(self, UNSUBACK_RECEIVED, packet.packet_id, packet.codes);
        let count = match (self.version, self.requests.get(packet.packet_id)) {
            (ProtocolVersion::V5, _) => packet.codes.len(),
            (_, Some(Request::Unsubscribe(count))) => count,
            _ => 0,
        };
        self.end_request(packet.packet_id, Request::Unsubscribe(count))?;
        self.events.push(SessionEvent::Unsubscribed {
            packet_id: packet.packet_id,
            codes: packet.codes.to_vec(),
            properties: packet.properties.to_buf(),
        });
        self.tell_answered(packet.packet_id, packet.codes, packet.properties.to_buf());
        self.send_waiting(now);
        Ok(())
    }

    /// Ends a request that the server answered; the answer has to fit it.
    fn end_request(&mut self, packet_id: PacketId, answered: Request) -> Result<()> {
        if self.requests.get(packet_id) != Some(answered) {
            return Err(Error::protocol("answer that fits no request"));
        }
        self.requests.remove(packet_id);
        self.ids.release(packet_id);
        // Requests are rare, and the client may have nothing to do from now on.
        self.requests.shrink();
        self.ids.shrink();
        Ok(())
    }

    fn handle_auth(&mut self, packet: &Auth<'_>) -> Result<()> {
        log!(self, AUTH_RECEIVED, packet.reason);
        let Some(method) = self.authentication_method.clone() else {
            return Err(Error::protocol(
                "AUTH without an authentication method in CONNECT",
            ));
        };
        if packet.properties.string(PropertyId::AuthenticationMethod) != Some(&method) {
            return Err(Error::protocol("AUTH with another authentication method"));
        }
        let expected = self.state == State::Connecting || self.authenticating;
        match packet.reason {
            ReasonCode::CONTINUE_AUTHENTICATION if expected => {
                self.events.push(SessionEvent::Authenticate {
                    method,
                    data: packet
                        .properties
                        .binary(PropertyId::AuthenticationData)
                        .map(<[u8]>::to_vec),
                    properties: packet.properties.to_buf(),
                });
                Ok(())
            }
            ReasonCode::SUCCESS if self.authenticating => {
                self.authenticating = false;
                Ok(())
            }
            _ => Err(Error::protocol("AUTH that was not asked for")),
        }
    }

    fn handle_disconnect(&mut self, packet: &Disconnect<'_>) -> Result<()> {
        if self.version != ProtocolVersion::V5 {
            return Err(Error::protocol("DISCONNECT from a server below MQTT 5"));
        }
        let reason = packet.reason;
        log!(self, DISCONNECT_RECEIVED, reason);
        self.server_disconnect = packet.properties.to_buf();
        self.state = State::Closing;
        Err(Error::Peer(PeerError::Disconnected(reason)))
    }
}

/// Where `part`, a piece of `whole`, stands in it.
#[inline]
fn range_in(whole: &[u8], part: &[u8]) -> Range<usize> {
    // An empty part may be a constant from elsewhere.
    if part.is_empty() {
        return 0..0;
    }
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}
