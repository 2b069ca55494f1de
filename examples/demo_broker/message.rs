//! A message and how it is passed on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use mqttrs::codec::{Properties, PropertyBuf, PropertyId, Publish, Value};
use mqttrs::types::{PacketId, ProtocolVersion, QoS};

/// A message as its publisher sent it.
pub(crate) struct Message {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    /// The properties that go to subscribers unchanged.
    properties: PropertyBuf,
    expires: Option<Instant>,
}

impl Message {
    /// The message of a PUBLISH or a will that arrives `now`.
    pub(crate) fn new(
        topic: &str,
        payload: &[u8],
        qos: QoS,
        retain: bool,
        properties: Properties<'_>,
        now: Instant,
    ) -> Self {
        let expiry = properties.number(PropertyId::MessageExpiryInterval);
        Message {
            topic: topic.to_owned(),
            payload: payload.to_owned(),
            qos,
            retain,
            properties: forwarded(properties),
            expires: expiry.map(|seconds| now + Duration::from_secs(seconds.into())),
        }
    }

    pub(crate) fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// A message on its way to one subscriber.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) message: Arc<Message>,
    /// The smaller of the message's and the subscription's.
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    pub(crate) subscription_ids: Vec<u32>,
}

impl Delivery {
    /// Calls `send` with the PUBLISH that carries this delivery.
    pub(crate) fn with_publish(
        &self,
        packet_id: Option<PacketId>,
        dup: bool,
        now: Instant,
        send: impl FnOnce(Publish<'_>),
    ) {
        let own = self.own_properties(now);
        let properties = own
            .as_ref()
            .unwrap_or(&self.message.properties)
            .as_properties();
        send(Publish {
            dup,
            qos: self.qos,
            retain: self.retain,
            topic: &self.message.topic,
            packet_id,
            properties,
            payload: &self.message.payload,
        });
    }

    /// The properties where they are not just the publisher's.
    fn own_properties(&self, now: Instant) -> Option<PropertyBuf> {
        if self.subscription_ids.is_empty() && self.message.expires.is_none() {
            return None;
        }
        let mut properties = self.message.properties.clone();
        if let Some(expires) = self.message.expires {
            let left = expires.saturating_duration_since(now).as_secs_f64().ceil();
            push(
                &mut properties,
                PropertyId::MessageExpiryInterval,
                Value::U32(left as u32),
            );
        }
        for &id in &self.subscription_ids {
            push(
                &mut properties,
                PropertyId::SubscriptionIdentifier,
                Value::VarInt(id),
            );
        }
        Some(properties)
    }
}

/// The length of `publish` on the wire.
pub(crate) fn encoded_len(publish: &Publish<'_>, version: ProtocolVersion) -> usize {
    let body = publish.body_len(version);
    let length_bytes = match body {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    };
    1 + length_bytes + body
}

/// Appends a property whose type is known to fit.
pub(crate) fn push(properties: &mut PropertyBuf, id: PropertyId, value: Value<'_>) {
    properties
        .push(id, value)
        .expect("the value has the property's type and fits");
}

fn forwarded(properties: Properties<'_>) -> PropertyBuf {
    let mut kept = PropertyBuf::new();
    for (id, value) in properties.iter() {
        // These concern one hop; the rest is end to end (MQTT 5.0 section 3.3.2.3).
        if !matches!(
            id,
            PropertyId::TopicAlias
                | PropertyId::MessageExpiryInterval
                | PropertyId::SubscriptionIdentifier
                | PropertyId::WillDelayInterval
        ) {
            push(&mut kept, id, value);
        }
    }
    kept
}
