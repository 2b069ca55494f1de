//! Publishing: the program's call, up to where its message is queued or, at QoS 0, is sent (MQTT
//! 5.0 sections 3.3 and 4.4).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::log_events::{LogEvent, PUBLISH_SENT};
use super::outbound::{Content, Entry, Parts, Stage};
use super::publish_body::{body_len, packet_id_len, properties_len, put_body, without_alias};
use super::{Session, Token};
use crate::codec::primitive::{varint_len, VARINT_MAX};
use crate::codec::{Place, Properties, PropertyBuf, PropertyId, Publish, Value};
use crate::error::{CallerError, Error, Result};
use crate::types::{topic, PacketId, QoS};

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
pub(super) const LENT_FROM: usize = 64 * 1024;

/// How much a topic alias may add to a packet: itself, and a byte for each of the two
/// lengths that it is part of.
pub(super) const AUTOMATIC_ALIAS_LEN: usize = 5;

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
}
