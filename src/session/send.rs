//! Sending the messages that wait: as many as the window has room for, in order, for the first
//! time and again (MQTT 5.0 sections 3.3 and 4.4).

use std::sync::Arc;
use std::time::Instant;

use super::log::log;
use super::outbound::{Content, Entry, Stage};
use super::publish::{AUTOMATIC_ALIAS_LEN, LENT_FROM};
use super::publish_body::entry_len;
use super::stats::DropReason;
use super::{Outcome, Resume, Session, SessionEvent, State};
use crate::codec::{
    put_fixed_header, AckKind, PacketType, PropertyBuf, PropertyId, Publish, Value,
};
use crate::types::{PacketId, ProtocolVersion, QoS, ReasonCode};

impl Session {
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
