//! Publishing: from the program's call to the bytes of PUBLISH, for the first
//! time and again (MQTT 5.0 sections 3.3 and 4.4).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::aliases::OutboundAliases;
use super::log::log;
use super::log_events::{LogEvent, PUBLISH_SENT};
use super::outbound::{Content, Entry, Parts, Stage};
use super::stats::DropReason;
use super::{Outcome, Resume, Session, SessionEvent, State, Token};
use crate::codec::primitive::{put_string, varint_len, VARINT_MAX};
use crate::codec::{
    put_fixed_header, AckKind, PacketType, Place, Properties, PropertyBuf, PropertyId, Publish,
    Value,
};
use crate::error::{CallerError, Error, Result};
use crate::types::{topic, PacketId, ProtocolVersion, QoS, ReasonCode};

/// A message to publish.
#[derive(Debug, Clone, Copy)]
pub struct Publication<'a> {
    /// Topic name; in MQTT 5 it may be empty when a topic alias stands for it.
    pub topic: &'a str,
    /// Payload, at most 268 435 455 bytes.
    pub payload: &'a [u8],
    /// QoS.
    pub qos: QoS,
    /// Whether the server shall retain it.
    pub retain: bool,
    /// MQTT 5 properties.
    pub properties: Properties<'a>,
}

/// What checking a message has found, and the host's word for it.
struct Checked {
    /// The length of its PUBLISH without the fixed header.
    body_len: usize,
    retain: bool,
    /// Its topic alias and the topic that stands for.
    alias: Option<(u16, Arc<str>)>,
    token: Token,
}

/// QoS 0 payloads of this size and more are lent, see [`Session::publish_lent`].
const LENT_FROM: usize = 64 * 1024;

/// How much a topic alias may add to a packet: itself, and a byte for each of the two
/// lengths that it is part of.
const AUTOMATIC_ALIAS_LEN: usize = 5;

impl Session {
    /// Publishes a message; `on_id` gets its packet identifier before anything can be sent.
    ///
    /// QoS 0 needs a connection (CONNACK is not waited for). QoS 1 and 2 are accepted at
    /// any time and sent when there is a connection and the window has room.
    pub fn publish(
        &mut self,
        message: &Publication<'_>,
        now: Instant,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        self.publish_tracked(message, Token::NONE, now, on_id)
    }

    /// As [`Session::publish`]; of a message with a token there is one [`SessionEvent::Done`].
    pub fn publish_tracked(
        &mut self,
        message: &Publication<'_>,
        token: Token,
        now: Instant,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        let packet_id = self.publish_lent(message, token, now, on_id)?;
        if self.lends(message) {
            self.append_lent(message.payload);
        }
        Ok(packet_id)
    }

    /// Whether [`Session::publish_lent`] leaves this message's payload to the host.
    pub fn lends(&self, message: &Publication<'_>) -> bool {
        message.qos == QoS::AtMostOnce
            && message.payload.len() >= LENT_FROM
            && self.queue.is_none()
            && self.throttles.is_none()
    }

    /// As [`Session::publish_tracked`], but of a message that [`Session::lends`] the payload is left
    /// to the host: it follows what [`Session::poll_transmit`] gives now, before anything else.
    /// Either the host sends it there, or it calls [`Session::append_lent`].
    pub fn publish_lent(
        &mut self,
        message: &Publication<'_>,
        token: Token,
        now: Instant,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        if message.payload.len() > VARINT_MAX as usize {
            return Err(Error::Caller(CallerError::PayloadTooLarge));
        }
        self.check_properties(message.properties, Place::Publish)?;
        let alias = self.check_topic(message)?;
        if message.qos > self.server.maximum_qos {
            return Err(Error::Caller(CallerError::QosNotSupported));
        }
        // A topic left to an alias that this server does not know goes with the message.
        let topic_len = match &alias {
            Some((alias, meant)) if !self.outbound_aliases.knows(*alias, meant) => meant.len(),
            _ => message.topic.len(),
        };
        let alias_number = alias.as_ref().map(|(alias, _)| *alias);
        let body_len = 2
            + topic_len
            + packet_id_len(message.qos)
            + properties_len(
                message.properties,
                alias_number,
                self.version,
                &self.outbound_aliases,
            )
            + message.payload.len();
        self.check_body_len(body_len)?;
        let checked = Checked {
            body_len,
            retain: message.retain && self.server.retain_available,
            alias,
            token,
        };
        if message.qos != QoS::AtMostOnce {
            self.check_room(body_len)?;
        }
        if self.queue.is_none() && !self.fits_memory(body_len) {
            return Err(Error::Caller(CallerError::QueueFull));
        }
        if self.queue.is_some() || self.throttles.is_some() {
            return self.publish_limited(message, checked, now, on_id);
        }
        match message.qos {
            QoS::AtMostOnce => self.publish_at_most_once(message, checked, on_id),
            _ => self.publish_stored(message, checked, now, on_id),
        }
    }

    /// The same where there are options for what may wait.
    #[cold]
    fn publish_limited(
        &mut self,
        message: &Publication<'_>,
        checked: Checked,
        now: Instant,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        let ready = match message.qos {
            QoS::AtMostOnce => self.check_ready(),
            _ => Ok(()),
        };
        if !self
            .queue
            .as_ref()
            .is_some_and(|queue| queue.keep_at_most_once)
        {
            ready.clone()?;
        }
        let mut goes_on = true;
        if self.throttles.is_some() {
            let alias = checked.alias.as_ref();
            let topic = alias.map_or(message.topic, |(_, meant)| meant);
            goes_on = self.police(topic, checked.body_len, now)?;
        }
        if goes_on {
            self.make_room(checked.body_len)?;
        }
        let at_once = ready.is_ok()
            && message.qos == QoS::AtMostOnce
            && self.throttles.is_none()
            && self.outbound.waiting_at_most_once() == 0
            && self.may_send_at_most_once();
        if at_once {
            self.publish_at_most_once(message, checked, on_id)
        } else {
            self.publish_stored(message, checked, now, on_id)
        }
    }

    /// The payload that [`Session::publish_lent`] left to the host is copied after all.
    pub fn append_lent(&mut self, payload: &[u8]) {
        self.transmit.append_shared(Arc::new(payload.to_vec()));
    }

    /// Checks the topic; for a message with an alias gives the alias and the topic meant.
    fn check_topic(&mut self, message: &Publication<'_>) -> Result<Option<(u16, Arc<str>)>> {
        let alias = message.properties.number(PropertyId::TopicAlias);
        if !(topic::is_name(message.topic) || message.topic.is_empty() && alias.is_some()) {
            return Err(Error::invalid("topic name"));
        }
        // MQTT-3.3.4-6
        if message
            .properties
            .number(PropertyId::SubscriptionIdentifier)
            .is_some()
        {
            return Err(Error::Caller(CallerError::InvalidProperty(
                "a client does not send subscription identifiers in PUBLISH",
            )));
        }
        // MQTT-3.3.2-14
        if message
            .properties
            .string(PropertyId::ResponseTopic)
            .is_some_and(|t| !topic::is_name(t))
        {
            return Err(Error::Caller(CallerError::InvalidProperty(
                "response topic",
            )));
        }
        match alias {
            Some(alias) => {
                let alias = alias as u16;
                let topic = self.outbound_aliases.say(alias, message.topic)?;
                Ok(Some((alias, topic)))
            }
            None => Ok(None),
        }
    }

    fn check_body_len(&self, body_len: usize) -> Result<()> {
        if body_len > VARINT_MAX as usize {
            return Err(Error::Caller(CallerError::PayloadTooLarge));
        }
        self.check_size(1 + varint_len(body_len as u32) + body_len)
    }

    fn publish_at_most_once(
        &mut self,
        message: &Publication<'_>,
        checked: Checked,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        self.check_ready()?;
        let packet_id = self.ids.pass();
        on_id(packet_id);
        let stripped;
        let mut packet = Publish {
            dup: false,
            qos: QoS::AtMostOnce,
            retain: checked.retain,
            topic: message.topic,
            packet_id: None,
            properties: message.properties,
            payload: message.payload,
        };
        let mut full_topic = None;
        if let Some((alias, meant)) = checked.alias {
            if !self.outbound_aliases.usable(alias) {
                stripped = without_alias(message.properties);
                packet.properties = stripped.as_properties();
                full_topic = Some(meant);
            } else if !self.outbound_aliases.announce(alias, &meant) {
                full_topic = Some(meant);
            }
        }
        if let Some(topic) = &full_topic {
            packet.topic = topic;
        }
        let with_alias;
        if let Some((properties, known)) = self.automatic_alias(&packet) {
            with_alias = properties;
            packet.properties = with_alias.as_properties();
            if known {
                packet.topic = "";
            }
        }
        self.queue_at_most_once(&packet, packet_id);
        self.track_unwritten(packet_id, checked.token);
        Ok(packet_id)
    }

    #[inline(always)]
    fn queue_at_most_once(&mut self, packet: &Publish<'_>, packet_id: PacketId) {
        let version = self.version;
        let before = self.transmit.len();
        let mut lent = 0;
        if packet.payload.len() < LENT_FROM || self.queue.is_some() {
            self.transmit.append_with(|out| packet.encode(out, version));
        } else {
            self.transmit
                .append_with(|out| packet.encode_header(out, version));
            lent = packet.payload.len();
        }
        let len = (self.transmit.len() - before + lent) as u64;
        self.stats.sent[0].add(len as usize);
        self.queued += len;
        self.unwritten.bytes += len;
        self.unwritten.push(self.queued, packet_id);
        if self.logging {
            self.log_publish(&PUBLISH_SENT, packet, Some(packet_id), packet.topic);
        }
    }

    /// The packet's properties with a topic alias of our own choice, if there is to be one,
    /// and whether the server knows what it stands for.
    fn automatic_alias(&mut self, packet: &Publish<'_>) -> Option<(PropertyBuf, bool)> {
        if !self.outbound_aliases.is_automatic()
            || packet.properties.number(PropertyId::TopicAlias).is_some()
        {
            return None;
        }
        // Where the alias makes the packet too long, it goes without.
        let body_len = packet.body_len(self.version);
        self.check_size(5 + body_len + AUTOMATIC_ALIAS_LEN).ok()?;
        let (alias, known) = self.outbound_aliases.automatic(packet.topic)?;
        let mut properties = packet.properties.to_buf();
        properties
            .push(PropertyId::TopicAlias, Value::U16(alias))
            .ok()?;
        Some((properties, known))
    }

    fn publish_stored(
        &mut self,
        message: &Publication<'_>,
        checked: Checked,
        now: Instant,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        let packet_id = match message.qos {
            QoS::AtMostOnce => self.ids.pass(),
            _ => self.allocate_id()?,
        };
        on_id(packet_id);
        let expiry = message.properties.number(PropertyId::MessageExpiryInterval);
        let automatic = self.version.has_properties() && self.outbound_aliases.wants_automatic();
        let content = if checked.alias.is_some() || expiry.is_some() || automatic {
            let (alias, topic) = match checked.alias {
                Some((alias, topic)) => (Some(alias), topic),
                None => (None, message.topic.into()),
            };
            Content::Parts(Box::new(Parts {
                topic,
                topic_by_alias: message.topic.is_empty(),
                alias,
                expires: expiry.map(|seconds| now + Duration::from_secs(u64::from(seconds))),
                properties: message.properties.to_buf(),
                payload: message.payload.to_vec(),
            }))
        } else {
            let (version, len) = (self.version, body_len(self.version, message));
            let put = |out: &mut Vec<u8>| put_body(out, version, message, packet_id);
            if message.qos == QoS::AtMostOnce {
                // What may be dropped before its neighbours has memory of its own.
                let mut body = Vec::with_capacity(len);
                put(&mut body);
                Content::Large(Arc::new(body))
            } else {
                self.outbound.keep_body(len, put)
            }
        };
        let entry = Entry {
            packet_id,
            stage: Stage::Waiting,
            qos: message.qos,
            retain: checked.retain,
            token: checked.token,
            content,
        };
        if self.drops_accepted(&entry) {
            return Ok(packet_id);
        }
        // What is to be stored first is accepted later.
        if let Some(entry) = self.propose(entry) {
            self.outbound.push(entry);
            self.send_waiting(now);
        }
        Ok(packet_id)
    }

    /// An identifier that nothing in flight has. More than 65535 messages may wait; then
    /// identifiers repeat in the queue, and who has one in flight goes first.
    pub(super) fn allocate_id(&mut self) -> Result<PacketId> {
        if let Some(id) = self.ids.allocate() {
            return Ok(id);
        }
        self.overdrawn = true;
        if self.outbound.unacknowledged() + self.requests.len() < usize::from(u16::MAX) {
            for _ in 0..u16::MAX {
                let id = self.ids.next_number();
                if !self.is_in_flight(id) {
                    return Ok(id);
                }
            }
        }
        Err(Error::Caller(CallerError::NoPacketIds))
    }

    pub(super) fn is_in_flight(&self, id: PacketId) -> bool {
        self.outbound.is_sent(id) || self.requests.contains(id)
    }

    pub(super) fn window(&self) -> usize {
        // "No limit" leaves half of the identifiers to messages that wait and to requests,
        // so that a program that is faster than the server is never short of one.
        let own = match self.send_maximum {
            0 => u16::MAX / 2,
            maximum => maximum,
        };
        usize::from(own.min(self.server.receive_maximum))
    }

    /// Whether what waits may be sent now.
    #[inline(always)]
    pub(super) fn may_send_waiting(&self) -> bool {
        self.resume == Resume::Running && matches!(self.state, State::Connected | State::Connecting)
    }

    /// Sends what waits, in order, as far as the window has room.
    pub(super) fn send_waiting(&mut self, now: Instant) {
        if !self.may_send_waiting() {
            return;
        }
        if self.throttles.is_some() {
            return self.send_throttled(now);
        }
        self.send_queue(now);
    }

    /// The same of what stands in the queue.
    pub(super) fn send_queue(&mut self, now: Instant) {
        if self.overdrawn {
            self.overdrawn = !self.outbound.is_empty();
        }
        let window = self.window();
        while self.outbound.in_flight() < window || self.outbound.next_is_at_most_once() {
            if self.send_plain(window) {
                continue;
            }
            let Some(entry) = self.outbound.next() else {
                return;
            };
            let (packet_id, stage) = (entry.packet_id, entry.stage);
            if entry.qos == QoS::AtMostOnce {
                if !self.may_send_at_most_once() {
                    return; // the network takes what it has first
                }
                if !self.refuse_if_unsendable(now) {
                    if !self.passes_throttle(now) {
                        return;
                    }
                    self.send_entry(false, now);
                    self.outbound.drop_next();
                }
                continue;
            }
            if self.state == State::Connecting && stage != Stage::Waiting {
                // Whether to repeat it depends on the session that CONNACK reports.
                return;
            }
            if stage == Stage::Waiting && self.is_in_flight(packet_id) {
                return; // its older namesake ends first
            }
            if stage != Stage::AwaitPubcomp && self.refuse_if_unsendable(now) {
                continue;
            }
            if !self.passes_throttle(now) {
                return;
            }
            match stage {
                Stage::AwaitPubcomp => {
                    self.queue_ack(AckKind::Pubrel, packet_id, ReasonCode::SUCCESS);
                }
                _ => self.send_entry(stage != Stage::Waiting, now),
            }
            // Its older namesake, if it had one, has given the identifier back.
            self.ids.reserve(packet_id);
            self.outbound.mark_sent(packet_id);
        }
    }

    /// Drops the next message if it expired while waiting, or if this server cannot
    /// take it, though an earlier one could; the program hears of it as published with
    /// an error.
    fn refuse_if_unsendable(&mut self, now: Instant) -> bool {
        let (maximum_qos, limit) = (self.server.maximum_qos, self.server.maximum_packet_size);
        let version = self.version;
        let Some(entry) = self.outbound.next() else {
            return false;
        };
        // What was sent does not expire any more (MQTT-4.3.3-7).
        let expired = entry.stage == Stage::Waiting
            && matches!(&entry.content, Content::Parts(parts)
                if parts.expires.is_some_and(|at| at < now));
        let (outcome, reason) = if expired {
            (Outcome::Expired, ReasonCode::IMPLEMENTATION_SPECIFIC)
        } else if entry.qos > maximum_qos {
            (Outcome::QosNotSupported, ReasonCode::QOS_NOT_SUPPORTED)
        } else if entry_len(entry, version, &self.outbound_aliases) > limit as usize {
            (Outcome::TooLarge, ReasonCode::PACKET_TOO_LARGE)
        } else {
            return false;
        };
        let dropped = match reason {
            ReasonCode::IMPLEMENTATION_SPECIFIC => DropReason::Expired,
            ReasonCode::QOS_NOT_SUPPORTED => DropReason::QosNotSupported,
            _ => DropReason::TooLarge,
        };
        self.count_dropped(dropped, 1);
        if let Some(entry) = self.outbound.drop_next() {
            // A server that has seen a QoS 2 message would take a new one with its
            // identifier for a repetition.
            if entry.stage != Stage::AwaitPubrec && entry.qos != QoS::AtMostOnce {
                self.ids.release(entry.packet_id);
            }
            self.events.push(SessionEvent::Published {
                packet_id: entry.packet_id,
                reason,
                properties: PropertyBuf::new(),
            });
            let none = PropertyBuf::new();
            self.note_outcome(entry.packet_id, outcome, reason, &none);
            self.tell_done(entry.token, entry.packet_id, outcome, reason, &none);
            log!(self, MESSAGE_DROPPED, entry.packet_id, outcome);
        }
        true
    }

    /// Queues the PUBLISH of the next message.
    fn send_entry(&mut self, dup: bool, now: Instant) {
        let Some((entry, bodies)) = self.outbound.next_and_bodies() else {
            return;
        };
        let (packet_id, qos, token) = (entry.packet_id, entry.qos, entry.token);
        let retain = entry.retain && self.server.retain_available;
        if !dup && qos != QoS::AtMostOnce {
            entry.stage = Stage::after_sending(qos);
        }
        let flags = u8::from(dup) << 3 | qos.number() << 1 | u8::from(retain);
        let room_for_alias = entry_len(entry, self.version, &self.outbound_aliases)
            + AUTOMATIC_ALIAS_LEN
            <= self.server.maximum_packet_size as usize;
        let before = self.transmit.len();
        match &entry.content {
            Content::Body(span) => self.transmit.append_with(|out| {
                put_fixed_header(out, PacketType::Publish, flags, span.len());
                out.extend_from_slice(bodies.get(*span));
            }),
            Content::Large(body) if body.len() < LENT_FROM && entry.qos == QoS::AtMostOnce => {
                self.transmit.append_with(|out| {
                    put_fixed_header(out, PacketType::Publish, flags, body.len());
                    out.extend_from_slice(body);
                });
            }
            Content::Large(body) => {
                let body = Arc::clone(body);
                self.transmit.append_with(|out| {
                    put_fixed_header(out, PacketType::Publish, flags, body.len());
                });
                self.transmit.append_shared(body);
            }
            Content::Parts(parts) => {
                let alias = parts
                    .alias
                    .filter(|alias| self.outbound_aliases.usable(*alias));
                let known =
                    alias.is_some_and(|alias| self.outbound_aliases.announce(alias, &parts.topic));
                let mut properties = parts.properties_at(now, alias.is_some());
                let version = self.version;
                let automatic = match parts.alias {
                    None if room_for_alias => self.outbound_aliases.automatic(&parts.topic),
                    _ => None,
                };
                if let Some((alias, _)) = automatic {
                    // A number of the right type is always taken.
                    let _ = properties.push(PropertyId::TopicAlias, Value::U16(alias));
                }
                let leave_out_topic = match automatic {
                    Some((_, known)) => known,
                    None => known && parts.topic_by_alias,
                };
                self.transmit.append_with(|out| {
                    Publish {
                        dup,
                        qos,
                        retain,
                        topic: if leave_out_topic { "" } else { &parts.topic },
                        packet_id: (qos != QoS::AtMostOnce).then_some(packet_id),
                        properties: properties.as_properties(),
                        payload: &parts.payload,
                    }
                    .encode(out, version);
                });
            }
            Content::Released(_) => {}
        }
        let len = (self.transmit.len() - before) as u64;
        self.queued += len;
        self.count_sent(packet_id, qos, len as usize, dup);
        if qos == QoS::AtMostOnce {
            self.unwritten.bytes += len;
            self.unwritten.push(self.queued, packet_id);
            self.track_unwritten(packet_id, token);
        }
        if self.logging {
            self.log_sent_entry(dup, retain);
        }
    }

    fn log_sent_entry(&mut self, dup: bool, retain: bool) {
        let version = self.version;
        let Some((entry, bodies)) = self.outbound.next_and_bodies() else {
            return;
        };
        let (id, qos) = (entry.packet_id, entry.qos);
        let body = match &entry.content {
            Content::Body(span) => bodies.get(*span),
            Content::Large(body) => body,
            Content::Parts(_) | Content::Released(_) => &[],
        };
        let (topic, len) = describe(entry, body, version);
        log!(self, PUBLISH_SENT, dup, qos, retain, id, &topic, len);
    }

    pub(super) fn log_publish(
        &mut self,
        event: &'static LogEvent,
        packet: &Publish<'_>,
        packet_id: Option<PacketId>,
        topic: &str,
    ) {
        let values = [
            packet.dup.into(),
            packet.qos.into(),
            packet.retain.into(),
            packet_id.map_or(0, PacketId::number).into(),
            topic.into(),
            packet.payload.len().into(),
        ];
        self.log(event, &values);
    }

    /// Rewrites the bodies of waiting messages for another protocol version.
    pub(super) fn convert_waiting(&mut self, version: ProtocolVersion) {
        let old = self.version;
        if old.has_properties() == version.has_properties() {
            return;
        }
        self.outbound.convert(|outbound, entry| {
            let flags = entry.qos.number() << 1;
            let packet;
            let (topic, payload): (&str, &[u8]) = match &entry.content {
                Content::Parts(parts) => (&parts.topic, &parts.payload),
                Content::Released(_) => return None,
                content => {
                    let body = outbound.body(content).to_vec();
                    packet = body;
                    // We encoded it ourselves, so it decodes.
                    let packet = Publish::decode(flags, &packet, old).ok()?;
                    (packet.topic, packet.payload)
                }
            };
            let message = Publication {
                topic,
                payload,
                qos: entry.qos,
                retain: entry.retain,
                properties: Properties::EMPTY,
            };
            let len = body_len(version, &message);
            Some(outbound.keep_body(len, |out| put_body(out, version, &message, entry.packet_id)))
        });
    }
}

fn without_alias(properties: Properties<'_>) -> PropertyBuf {
    let mut rest = PropertyBuf::new();
    for (id, value) in properties
        .iter()
        .filter(|(id, _)| *id != PropertyId::TopicAlias)
    {
        // The values were accepted before, so they are again.
        let _ = rest.push(id, value);
    }
    rest
}

impl Session {
    /// Keeps the PUBLISH of an earlier process as it is sent in the present version.
    pub(super) fn keep_publish(&mut self, packet: &Publish<'_>, id: PacketId) -> Content {
        let version = self.version;
        let message = Publication {
            topic: packet.topic,
            payload: packet.payload,
            qos: packet.qos,
            retain: packet.retain,
            properties: packet.properties,
        };
        let mut body = Vec::new();
        put_body(&mut body, version, &message, id);
        self.outbound
            .keep_body(body.len(), |out| out.extend_from_slice(&body))
    }
}

/// The size of what [`put_body`] appends.
#[inline(always)]
pub(super) fn body_len(version: ProtocolVersion, message: &Publication<'_>) -> usize {
    let properties = match version.has_properties() {
        true => message.properties.encoded_len(),
        false => 0,
    };
    let packet_id = 2 * usize::from(message.qos != QoS::AtMostOnce);
    2 + message.topic.len() + packet_id + properties + message.payload.len()
}

/// Appends the variable header and payload of a PUBLISH.
#[inline(always)]
pub(super) fn put_body(
    out: &mut Vec<u8>,
    version: ProtocolVersion,
    message: &Publication<'_>,
    id: PacketId,
) {
    put_string(out, message.topic);
    if message.qos != QoS::AtMostOnce {
        out.extend_from_slice(&id.number().to_be_bytes());
    }
    if version.has_properties() {
        message.properties.put(out);
    }
    out.extend_from_slice(message.payload);
}

/// The size of the PUBLISH at most.
pub(super) fn entry_len(
    entry: &Entry,
    version: ProtocolVersion,
    aliases: &OutboundAliases,
) -> usize {
    let body_len = match &entry.content {
        Content::Body(span) => span.len(),
        Content::Large(body) => body.len(),
        Content::Parts(parts) => {
            let properties = parts.properties.as_properties();
            let properties = properties_len(properties, parts.alias, version, aliases);
            let by_alias = parts.topic_by_alias
                && parts
                    .alias
                    .is_some_and(|alias| aliases.knows(alias, &parts.topic));
            let topic_len = if by_alias { 0 } else { parts.topic.len() };
            2 + topic_len + packet_id_len(entry.qos) + properties + parts.payload.len()
        }
        Content::Released(_) => 0,
    };
    1 + varint_len(body_len.min(VARINT_MAX as usize) as u32) + body_len
}

/// Bytes of the properties of a message with this alias, as they are sent: an alias that the
/// server does not take is left out.
fn properties_len(
    properties: Properties<'_>,
    alias: Option<u16>,
    version: ProtocolVersion,
    aliases: &OutboundAliases,
) -> usize {
    if !version.has_properties() {
        0
    } else if alias.is_some_and(|alias| !aliases.usable(alias)) {
        without_alias(properties).as_properties().encoded_len()
    } else {
        properties.encoded_len()
    }
}

/// Bytes of the packet identifier, which only messages that are acknowledged have.
const fn packet_id_len(qos: QoS) -> usize {
    match qos {
        QoS::AtMostOnce => 0,
        _ => 2,
    }
}

/// Topic and payload length, for the log.
fn describe(entry: &Entry, body: &[u8], version: ProtocolVersion) -> (String, usize) {
    if let Content::Parts(parts) = &entry.content {
        return (parts.topic.to_string(), parts.payload.len());
    }
    match Publish::decode(entry.qos.number() << 1, body, version) {
        Ok(packet) => (packet.topic.to_owned(), packet.payload.len()),
        Err(_) => (String::new(), 0),
    }
}
