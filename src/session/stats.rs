//! What a client has counted since it was made. Counting is adding to numbers under the mutex
//! that is held anyway, for batches where messages come in such.

use std::time::{Duration, Instant};

use super::Session;
use crate::error::Error;
use crate::types::{PacketId, QoS};

/// The numbers of one client.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    /// PUBLISH packets queued for the network, by QoS, repeated ones too.
    pub sent: [Flow; 3],
    /// PUBLISH packets from the server, by QoS, repeated ones too.
    pub received: [Flow; 3],
    /// Packets of other types queued for the network.
    pub control_sent: u64,
    /// Packets of other types from the server.
    pub control_received: u64,
    /// Bytes that the network took, without those of TLS and WebSocket.
    pub bytes_sent: u64,
    /// Bytes that the network brought, likewise.
    pub bytes_received: u64,
    /// Attempts to connect.
    pub attempts: u64,
    /// Connections that the server accepted.
    pub connections: u64,
    /// Connections that ended.
    pub disconnects: u64,
    /// Why the last connection ended, `None` where the program asked for it.
    pub last_disconnect: Option<Error>,
    /// Accepted messages that will not be sent, by [`DropReason`].
    pub dropped: [u64; 5],
    /// Received messages that were above the limit and so not given to the program.
    pub dropped_received: u64,
    /// How long the server takes to answer.
    pub round_trip: RoundTrip,
    /// Messages that were accepted and have not ended.
    pub queued: usize,
    /// Their bytes.
    pub queued_bytes: usize,
    /// Those of them that were sent on this connection.
    pub in_flight: usize,
}

/// Messages that went the same way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flow {
    /// How many.
    pub messages: u64,
    /// The size of their packets.
    pub bytes: u64,
}

/// Why a message that was accepted is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// Its message expiry interval was over.
    Expired,
    /// Its QoS is higher than the server takes.
    QosNotSupported,
    /// It is larger than the server takes.
    TooLarge,
    /// It made room for a newer one.
    Overflow,
    /// Of QoS 0: the connection ended before the network took it.
    ConnectionLost,
}

/// How long the server takes to answer: PINGREQ, and one message of QoS 1 or 2 at a time.
#[derive(Debug, Clone, Default)]
pub struct RoundTrip {
    sample: Sample,
    /// How many were measured.
    pub count: u64,
    /// The last one.
    pub last: Duration,
    /// The shortest.
    pub minimum: Duration,
    /// Smoothed as for TCP (RFC 6298 section 2).
    pub smoothed: Duration,
}

/// The message whose answer is awaited.
#[derive(Debug, Clone, Copy, Default)]
enum Sample {
    /// None. Next: `Queued`.
    #[default]
    Free,
    /// It ends there in what was queued on this connection. Next: `Sent`, or `Free` when the
    /// connection ends.
    Queued(PacketId, u64),
    /// The network took it then. Next: `Free`, with the answer or the end of the connection.
    Sent(PacketId, Instant),
}

impl Flow {
    /// Adds a message.
    #[inline(always)]
    pub fn add(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }
}

impl RoundTrip {
    /// A message of QoS 1 or 2 was queued for the first time.
    #[inline(always)]
    pub fn queued(&mut self, id: PacketId, end: u64) {
        if matches!(self.sample, Sample::Free) {
            self.sample = Sample::Queued(id, end);
        }
    }

    /// The network took what was queued on this connection up to `sent`.
    pub fn transmitted(&mut self, sent: u64, now: Instant) {
        if let Sample::Queued(id, end) = self.sample {
            if end <= sent {
                self.sample = Sample::Sent(id, now);
            }
        }
    }

    /// The first acknowledgement of a message came.
    #[inline(always)]
    pub fn answered(&mut self, id: PacketId, now: Instant) {
        if let Sample::Sent(awaited, since) = self.sample {
            if awaited == id {
                self.sample = Sample::Free;
                self.measured(since, now);
            }
        }
    }

    /// The connection ended: answers on the next one say nothing about the network.
    pub fn forget(&mut self) {
        self.sample = Sample::Free;
    }

    /// What was sent at `since` was answered.
    #[cold]
    pub fn measured(&mut self, since: Instant, now: Instant) {
        let measured = now.saturating_duration_since(since);
        self.last = measured;
        if self.count == 0 {
            self.minimum = measured;
            self.smoothed = measured;
        } else {
            self.minimum = self.minimum.min(measured);
            self.smoothed = (self.smoothed * 7 + measured) / 8;
        }
        self.count += 1;
    }
}

impl Session {
    /// The numbers so far.
    pub fn stats(&self) -> Stats {
        let (queued, queued_bytes) = self.outbound.size();
        Stats {
            queued,
            queued_bytes,
            in_flight: self.outbound.in_flight(),
            ..(*self.stats).clone()
        }
    }

    /// An attempt to connect begins.
    pub fn count_attempt(&mut self) {
        self.stats.attempts += 1;
    }

    /// The network brought so many bytes.
    pub fn count_received(&mut self, bytes: usize) {
        self.stats.bytes_received += bytes as u64;
    }

    /// So many messages, of so many bytes altogether, were taken without
    /// [`Session::handle_input`].
    pub fn count_taken(&mut self, qos: QoS, messages: usize, bytes: usize) {
        let flow = &mut self.stats.received[usize::from(qos.number())];
        flow.messages += messages as u64;
        flow.bytes += bytes as u64;
    }

    /// A message of QoS 1 or 2 was queued.
    #[inline(always)]
    pub(super) fn count_sent(&mut self, id: PacketId, qos: QoS, bytes: usize, dup: bool) {
        self.stats.sent[usize::from(qos.number())].add(bytes);
        if !dup && qos != QoS::AtMostOnce {
            self.stats.round_trip.queued(id, self.queued);
        }
    }

    /// So many accepted messages will not be sent.
    pub(super) fn count_dropped(&mut self, reason: DropReason, messages: usize) {
        self.stats.dropped[reason as usize] += messages as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u16) -> PacketId {
        PacketId::new(number).unwrap()
    }

    #[test]
    fn one_message_at_a_time_is_timed_from_when_the_network_took_it() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut trips = RoundTrip::default();
        trips.queued(id(1), 100);
        trips.queued(id(2), 200);
        trips.transmitted(99, at(0));
        trips.answered(id(1), at(1));
        assert_eq!(trips.count, 0, "the network had not taken it");
        trips.transmitted(250, at(10));
        trips.answered(id(2), at(20));
        assert_eq!(trips.count, 0, "another one");
        trips.answered(id(1), at(50));
        assert_eq!((trips.count, trips.last), (1, Duration::from_millis(40)));
        trips.answered(id(1), at(60));
        assert_eq!(trips.count, 1, "once");
    }

    #[test]
    fn measurements_are_smoothed_as_tcp_does() {
        let begin = Instant::now();
        let mut trips = RoundTrip::default();
        for ms in [80, 160, 40] {
            trips.measured(begin, begin + Duration::from_millis(ms));
        }
        assert_eq!(trips.minimum, Duration::from_millis(40));
        assert_eq!(trips.last, Duration::from_millis(40));
        assert_eq!(trips.smoothed, Duration::from_micros(83_750));
    }

    #[test]
    fn an_answer_on_another_connection_is_no_measurement() {
        let now = Instant::now();
        let mut trips = RoundTrip::default();
        trips.queued(id(1), 10);
        trips.transmitted(10, now);
        trips.forget();
        trips.answered(id(1), now);
        assert_eq!(trips.count, 0);
    }
}
