//! The short way of the messages that most are: without properties, in a client without limits,
//! aliases, log and store. The general way is in [`super::publish`] and [`super::inbound`], and
//! does the same.

use std::time::Instant;

use super::outbound::{Entry, Stage};
use super::publish_body::put_body;
use super::{Publication, Session, State, Token};
use crate::codec::{put_fixed_header, put_plain, AckKind, PacketType, Properties, PLAIN_BODY_LEN};
use crate::types::{PacketId, QoS};

impl Session {
    /// Publishes a message without properties; `topic` was checked. Gives `None`, and has done
    /// nothing, where there is more to it.
    #[inline(always)]
    pub fn publish_plain(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: QoS,
        retain: bool,
        on_id: impl FnOnce(PacketId),
    ) -> Option<PacketId> {
        let with_properties = self.version.has_properties();
        let is_stored = qos != QoS::AtMostOnce;
        let body_len = 2
            + topic.len()
            + 2 * usize::from(is_stored)
            + usize::from(with_properties)
            + payload.len();
        let is_plain = body_len < PLAIN_BODY_LEN
            && self.check_size(3 + body_len).is_ok()
            && !self.logging
            && self.queue.is_none()
            && self.throttles.is_none()
            && self.fits_memory(body_len)
            // Not even where it is kept for a server that may take aliases.
            && !self.outbound_aliases.wants_automatic();
        if !is_plain {
            return None;
        }
        if is_stored {
            if qos > self.server.maximum_qos || self.outbound.journal.is_some() {
                return None;
            }
            let packet_id = self.allocate_id().ok()?;
            on_id(packet_id);
            let (version, message) = (
                self.version,
                Publication {
                    topic,
                    payload,
                    qos,
                    retain,
                    properties: Properties::EMPTY,
                },
            );
            let content = self
                .outbound
                .keep_body(body_len, |out| put_body(out, version, &message, packet_id));
            self.outbound.push(Entry {
                packet_id,
                stage: Stage::Waiting,
                qos,
                retain,
                token: Token::NONE,
                content,
            });
            if self.may_send_waiting() {
                // What waited before could not be sent, so there is nothing else to do.
                self.send_plain(self.window());
            }
            return Some(packet_id);
        }
        if self.state != State::Connected {
            return None;
        }
        let packet_id = self.ids.pass();
        on_id(packet_id);
        let flags = u8::from(retain && self.server.retain_available);
        let out = self.transmit.open_segment();
        let before = out.len();
        put_plain(out, flags, topic, with_properties, payload, body_len);
        let len = out.len() - before;
        self.stats.sent[0].add(len);
        self.queued += len as u64;
        self.unwritten.push(self.queued, packet_id);
        Some(packet_id)
    }

    /// Sends the messages at the front of the queue that are sent for the first time and as they
    /// are kept, as far as the window has room; whether there were any.
    #[inline(always)]
    pub(super) fn send_plain(&mut self, window: usize) -> bool {
        if self.logging || self.throttles.is_some() {
            return false;
        }
        let (maximum_qos, limit) = (self.server.maximum_qos, self.server.maximum_packet_size);
        let mut any = false;
        loop {
            let (overdrawn, requests) = (self.overdrawn, &self.requests);
            let may_use = |id, is_sent: bool| !(overdrawn && (is_sent || requests.contains(id)));
            let limit = limit as usize;
            let Some(next) = self
                .outbound
                .begin_plain(window, maximum_qos, limit, may_use)
            else {
                return any;
            };
            let retain = next.retain && self.server.retain_available;
            let flags = next.qos.number() << 1 | u8::from(retain);
            let out = self.transmit.open_segment();
            let before = out.len();
            put_fixed_header(out, PacketType::Publish, flags, next.body.len());
            out.extend_from_slice(next.body);
            let len = out.len() - before;
            let (packet_id, qos) = (next.packet_id, next.qos);
            self.queued += len as u64;
            self.count_sent(packet_id, qos, len, false);
            if overdrawn {
                // Its older namesake, if it had one, has given the identifier back.
                self.ids.reserve(packet_id);
            }
            any = true;
        }
    }

    /// Takes the PUBACK and PUBCOMP packets of success at the start of `input` that end messages;
    /// gives their number.
    #[inline(always)]
    pub(super) fn take_ends(&mut self, input: &[u8], now: Instant) -> usize {
        if self.logging || self.outcomes {
            return 0;
        }
        let mut count = 0;
        for packet in input.chunks_exact(AckKind::SUCCESS_LEN) {
            let (stage, packet_id) = match AckKind::parse_success(packet) {
                Some((AckKind::Puback, id)) => (Stage::AwaitPuback, id),
                Some((AckKind::Pubcomp, id)) => (Stage::AwaitPubcomp, id),
                _ => break,
            };
            if !self.outbound.end(packet_id, stage) {
                break;
            }
            if stage == Stage::AwaitPuback {
                self.stats.round_trip.answered(packet_id, now);
            }
            self.ids.release(packet_id);
            self.events.push_success(packet_id);
            count += 1;
        }
        if count > 0 {
            self.stats.control_received += count as u64;
            self.send_waiting(now);
        }
        count
    }
}
