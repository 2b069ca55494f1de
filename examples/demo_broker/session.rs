//! One client's subscriptions and unacknowledged messages; outlives connections.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use mqttrs::codec::{Ack, AckKind, Packet, SubscriptionOptions};
use mqttrs::types::{topic, PacketId, ProtocolVersion, QoS, ReasonCode};

use crate::message::{encoded_len, Delivery, Message};
use crate::outbox::Outbox;

#[derive(Default)]
pub(crate) struct Session {
    /// The connection that serves this session now.
    pub(crate) link: Option<Link>,
    /// Seconds this session outlives its connection; `u32::MAX` is for ever.
    pub(crate) expiry: u32,
    /// When it ends, while there is no connection.
    pub(crate) ends: Option<Instant>,
    /// What to publish should the connection break.
    pub(crate) will: Option<Will>,
    /// A will that waits out its delay, and until when.
    pub(crate) delayed_will: Option<(Instant, Arc<Message>)>,
    /// QoS 2 messages received and not released yet.
    pub(crate) unreleased: HashSet<PacketId>,
    subscriptions: HashMap<String, Subscription>,
    /// QoS 1 and 2 messages not sent yet.
    queue: VecDeque<Delivery>,
    /// QoS 1 and 2 messages sent and not fully acknowledged.
    inflight: HashMap<PacketId, Inflight>,
    last_packet_id: u16,
    sent: u64,
}

/// What a session needs to know of its connection.
pub(crate) struct Link {
    pub(crate) connection: u64,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) version: ProtocolVersion,
    pub(crate) receive_maximum: usize,
    pub(crate) maximum_packet_size: usize,
}

pub(crate) struct Will {
    pub(crate) message: Arc<Message>,
    /// Seconds to wait before publishing it.
    pub(crate) delay: u32,
}

pub(crate) struct Subscription {
    pub(crate) options: SubscriptionOptions,
    pub(crate) id: Option<u32>,
}

struct Inflight {
    delivery: Delivery,
    /// PUBREC came, so PUBREL is what is unacknowledged.
    released: bool,
    /// Its place in the order of sending.
    order: u64,
}

impl Session {
    /// Subscribes, and says whether the filter is new.
    pub(crate) fn subscribe(&mut self, filter: &str, subscription: Subscription) -> bool {
        self.subscriptions
            .insert(filter.to_owned(), subscription)
            .is_none()
    }

    /// Unsubscribes, and says whether there was such a subscription.
    pub(crate) fn unsubscribe(&mut self, filter: &str) -> bool {
        self.subscriptions.remove(filter).is_some()
    }

    /// Delivers `message` once if any subscription matches, and says whether one did.
    /// `own` is a message that this very client published.
    pub(crate) fn offer(&mut self, message: &Arc<Message>, own: bool, now: Instant) -> bool {
        let mut granted = None;
        let mut retain = false;
        let mut subscription_ids = Vec::new();
        for (filter, subscription) in &self.subscriptions {
            let options = subscription.options;
            if own && options.no_local()
                || !topic::matches(filter.as_bytes(), message.topic.as_bytes())
            {
                continue;
            }
            granted = granted.max(QoS::new(options.qos()));
            retain |= message.retain && retain_as_published(options);
            subscription_ids.extend(subscription.id);
        }
        let Some(granted) = granted else {
            return false;
        };
        let message = Arc::clone(message);
        let qos = granted.min(message.qos);
        self.deliver(
            Delivery {
                message,
                qos,
                retain,
                subscription_ids,
            },
            now,
        );
        true
    }

    /// Sends `delivery` now or when the client can take it; QoS 0 now or never.
    pub(crate) fn deliver(&mut self, delivery: Delivery, now: Instant) {
        if delivery.qos == QoS::AtMostOnce {
            if let Some(link) = &self.link {
                link.send(&delivery, None, false, now);
            }
        } else {
            self.queue.push_back(delivery);
            self.pump(now);
        }
    }

    /// Takes the client's PUBACK, PUBREC or PUBCOMP.
    pub(crate) fn acknowledged(&mut self, ack: &Ack<'_>, now: Instant) {
        let found = self.inflight.get_mut(&ack.packet_id);
        match ack.kind {
            AckKind::Pubrec => {
                let known = found.is_some();
                if let Some(inflight) = found {
                    inflight.released = true;
                }
                if ack.reason.is_error() {
                    self.inflight.remove(&ack.packet_id);
                } else {
                    let reason = match known {
                        true => ReasonCode::SUCCESS,
                        false => ReasonCode::PACKET_ID_NOT_FOUND,
                    };
                    self.send(&Packet::Ack(Ack::new(
                        AckKind::Pubrel,
                        ack.packet_id,
                        reason,
                    )));
                }
            }
            AckKind::Puback | AckKind::Pubcomp => {
                self.inflight.remove(&ack.packet_id);
            }
            AckKind::Pubrel => {}
        }
        self.pump(now);
    }

    /// Sends again, in order, what a former connection left unacknowledged, then the queue.
    pub(crate) fn resume(&mut self, now: Instant) {
        if let Some(link) = &self.link {
            let mut unacknowledged: Vec<_> = self.inflight.iter().collect();
            unacknowledged.sort_by_key(|(_, inflight)| inflight.order);
            for (&id, inflight) in unacknowledged {
                if inflight.released {
                    let ack = Ack::new(AckKind::Pubrel, id, ReasonCode::SUCCESS);
                    link.outbox.push(&Packet::Ack(ack), link.version);
                } else {
                    link.send(&inflight.delivery, Some(id), true, now);
                }
            }
        }
        self.pump(now);
    }

    /// Sends a packet if there is a connection.
    pub(crate) fn send(&self, packet: &Packet<'_>) {
        if let Some(link) = &self.link {
            link.outbox.push(packet, link.version);
        }
    }

    /// Sends from the queue what the client's receive maximum allows.
    fn pump(&mut self, now: Instant) {
        let Some(link) = &self.link else { return };
        while self.inflight.len() < link.receive_maximum {
            let Some(delivery) = self.queue.pop_front() else {
                return;
            };
            if delivery.message.is_expired(now) {
                continue;
            }
            // There is a free one: fewer than 65535 are in flight.
            let id = loop {
                self.last_packet_id = self.last_packet_id.wrapping_add(1);
                match PacketId::new(self.last_packet_id) {
                    Some(id) if !self.inflight.contains_key(&id) => break id,
                    _ => {}
                }
            };
            if link.send(&delivery, Some(id), false, now) {
                self.sent += 1;
                let order = self.sent;
                self.inflight.insert(
                    id,
                    Inflight {
                        delivery,
                        released: false,
                        order,
                    },
                );
            }
        }
    }
}

impl Link {
    /// Sends a PUBLISH, or drops it where the client said it is too large for it.
    fn send(&self, delivery: &Delivery, id: Option<PacketId>, dup: bool, now: Instant) -> bool {
        let mut fits = true;
        delivery.with_publish(id, dup, now, |publish| {
            fits = encoded_len(&publish, self.version) <= self.maximum_packet_size;
            if fits {
                self.outbox.push(&Packet::Publish(publish), self.version);
            }
        });
        fits
    }
}

/// Retain As Published (MQTT 5.0 section 3.8.3.1).
fn retain_as_published(options: SubscriptionOptions) -> bool {
    options.byte() & 0x08 != 0
}
