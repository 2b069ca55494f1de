//! How much may wait, what happens beyond that, and what became of each message.

use std::time::Duration;

use super::log::log;
use super::outbound::{Entry, Mark};
use super::{publish_body, Publication, Session, SessionEvent, State};
use crate::codec::PropertyBuf;
use crate::error::{CallerError, Error, Result};
use crate::types::{PacketId, QoS, ReasonCode};

/// Where there is a limit, messages of QoS 0 are handed to the network in portions of this size, so
/// that the others can still be dropped.
const PORTION: u64 = 64 * 1024;

/// How much memory messages may take in a session that has no [`QueueOptions`], unless the host
/// knows better.
pub(super) const MEMORY: usize = 1 << 30;

/// About what it takes to keep a message, beside its bytes.
const KEEPING: usize = 64;

/// How much may wait or be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueOptions {
    /// How many messages; 0 for no limit.
    pub max_messages: usize,
    /// How many bytes of messages; 0 for no limit.
    pub max_bytes: usize,
    /// What happens to a message for which there is no room.
    pub overflow: Overflow,
    /// Messages of QoS 0 wait too while there is no connection.
    pub keep_at_most_once: bool,
    /// How long the host lets a publishing thread wait for room instead of refusing its message.
    pub wait: Duration,
}

/// What happens to a message for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// It is not accepted.
    Refuse,
    /// The oldest that was never sent makes room for it.
    DropOldest,
    /// The oldest of QoS 0 that was never sent makes room for it, and where there is none, the
    /// oldest that was never sent.
    DropAtMostOnce,
}

/// What became of a message that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Of QoS 0: handed to the network.
    Sent,
    /// The server has answered; the reason code says what.
    Acknowledged,
    /// It waited longer than its message expiry interval.
    Expired,
    /// It made room for a newer one.
    Overflow,
    /// The program let go of it, or of the client.
    Cleared,
    /// It is larger than the present server takes.
    TooLarge,
    /// Its QoS is higher than the present server takes.
    QosNotSupported,
    /// Of QoS 0: the connection ended before it was handed to the network.
    ConnectionLost,
    /// The server had taken it over and lost the session before it said that it was done.
    SessionLost,
}

/// See [`Session::drain_mark`].
#[derive(Debug, Clone, Copy)]
pub struct DrainMark {
    step: DrainStep,
}

#[derive(Debug, Clone, Copy)]
enum DrainStep {
    /// So many of those that ever stood in lanes have to leave them.
    Throttled(u64),
    /// Messages wait to be sent.
    Sending(Mark),
    /// They were sent; those before this one may not have ended. On this connection so many
    /// bytes were queued.
    Ending(u64, u64, u64),
    /// All have ended; so many events have to be taken for the program to know.
    Telling(u64),
}

impl Session {
    /// Sets how much may wait or be in flight; what is there already stays. `None` for no
    /// limit, and no messages of QoS 0 that wait.
    pub fn set_queue(&mut self, options: Option<QueueOptions>) {
        // What waits goes on waiting until it is its turn.
        let unlimited = (self.outbound.waiting_at_most_once() > 0).then_some(QueueOptions {
            max_messages: 0,
            max_bytes: self.memory,
            overflow: Overflow::Refuse,
            keep_at_most_once: false,
            wait: Duration::ZERO,
        });
        self.queue = options.or(unlimited).map(Box::new);
    }

    /// Sets about how much memory messages may take where there are no [`QueueOptions`]: nobody
    /// asked for a limit, and the machine shall survive a long outage all the same.
    pub fn set_memory(&mut self, bytes: usize) {
        self.memory = bytes;
    }

    /// See [`Session::set_memory`].
    pub const fn memory(&self) -> usize {
        self.memory
    }

    /// Whether a message of `len` bytes is within that.
    #[inline(always)]
    pub(super) fn fits_memory(&self, len: usize) -> bool {
        let (number, bytes) = self.outbound.size();
        let kept = bytes + number * KEEPING + (self.queued - self.sent) as usize;
        kept.saturating_add(len) <= self.memory
    }

    /// Whether each accepted message has one [`SessionEvent::Outcome`]; off by default.
    pub fn set_outcomes(&mut self, on: bool) {
        self.outcomes = on;
    }

    /// How many messages were accepted and have no outcome, and their bytes.
    pub fn queued_messages(&self) -> (usize, usize) {
        (
            self.outbound.len() + self.unwritten.len(),
            self.outbound.bytes() + self.unwritten_bytes() as usize,
        )
    }

    /// The bytes of QoS 0 that are not written out.
    fn unwritten_bytes(&self) -> u64 {
        self.unwritten.bytes.min(self.queued - self.sent)
    }

    /// Whether a message of QoS 0 is sent at once, instead of waiting with others.
    pub(super) fn may_send_at_most_once(&self) -> bool {
        let Some(queue) = &self.queue else {
            return true;
        };
        let portion = match queue.max_bytes {
            0 => PORTION,
            limit => PORTION.min(limit as u64 / 2),
        };
        let number = match queue.max_messages {
            0 => usize::MAX,
            limit => limit.div_ceil(2),
        };
        let (messages, bytes) = (self.unwritten.len(), self.queued - self.sent);
        messages == 0 || messages < number && bytes < portion
    }

    /// Makes room for a message of `len` bytes as the options say, or has an error.
    pub(super) fn make_room(&mut self, len: usize) -> Result<()> {
        const FULL: Error = Error::Caller(CallerError::QueueFull);
        let Some(queue) = self.queue.as_deref().copied() else {
            return Ok(());
        };
        let limit = |limit| if limit == 0 { usize::MAX } else { limit };
        let (max_messages, max_bytes) = (limit(queue.max_messages), limit(queue.max_bytes));
        let fits = |number: usize, bytes: usize| {
            number < max_messages && bytes.saturating_add(len) <= max_bytes
        };
        let (number, bytes) = self.queued_messages();
        if fits(number, bytes) {
            return Ok(());
        }
        // Nothing is dropped for a message that is not accepted all the same.
        let (droppable, droppable_bytes) = self.outbound.droppable();
        let possible = fits(number - droppable, bytes - droppable_bytes);
        if queue.overflow == Overflow::Refuse || !possible {
            return Err(FULL);
        }
        loop {
            let (number, bytes) = self.queued_messages();
            if fits(number, bytes) {
                return Ok(());
            }
            let first = queue.overflow == Overflow::DropAtMostOnce;
            let entry = self.outbound.drop_oldest(first).ok_or(FULL)?;
            self.dropped(&entry, Outcome::Overflow);
        }
    }

    /// How long a publishing thread may wait for room.
    pub fn queue_wait(&self) -> Duration {
        self.queue
            .as_ref()
            .map_or(Duration::ZERO, |queue| queue.wait)
    }

    /// Whether there is room for a message.
    pub fn has_room(&self, message: &Publication<'_>) -> bool {
        let len = publish_body::body_len(self.version, message);
        let Some(queue) = &self.queue else {
            return self.fits_memory(len);
        };
        let (number, bytes) = self.queued_messages();
        let fits = |value: usize, limit: usize| limit == 0 || value <= limit;
        fits(number + 1, queue.max_messages) && fits(bytes.saturating_add(len), queue.max_bytes)
    }

    /// Drops all messages that were never sent.
    pub fn clear_queue(&mut self) {
        while let Some(entry) = self.outbound.drop_oldest(false) {
            self.dropped(&entry, Outcome::Cleared);
        }
    }

    /// Drops all messages, as nothing will come of them any more: those without an outcome.
    pub fn take_all(&mut self) -> Vec<PacketId> {
        let mut ids = self.outbound.take_all();
        ids.extend(self.unwritten.take());
        ids
    }

    pub(super) fn dropped(&mut self, entry: &Entry, outcome: Outcome) {
        // An older namesake may be in flight.
        if entry.qos != QoS::AtMostOnce && !self.is_in_flight(entry.packet_id) {
            self.ids.release(entry.packet_id);
        }
        if outcome == Outcome::Overflow {
            self.count_dropped(super::DropReason::Overflow, 1);
        }
        if self.outcomes {
            self.events.push_outcomes(outcome, [entry.packet_id]);
        }
        let none = PropertyBuf::new();
        self.tell_done(
            entry.token,
            entry.packet_id,
            outcome,
            ReasonCode::SUCCESS,
            &none,
        );
        log!(self, MESSAGE_DROPPED, entry.packet_id, outcome);
    }

    /// Notes what became of a message, for who wants to know.
    #[inline(always)]
    pub(super) fn note_outcome(
        &mut self,
        packet_id: PacketId,
        outcome: Outcome,
        reason: ReasonCode,
        properties: &PropertyBuf,
    ) {
        if !self.outcomes {
            return;
        }
        if reason == ReasonCode::SUCCESS && properties.is_empty() {
            return self.events.push_outcomes(outcome, [packet_id]);
        }
        self.events.push(SessionEvent::Outcome {
            packet_id,
            outcome,
            reason,
            properties: properties.clone(),
        });
    }

    /// Up to where messages were accepted, for [`Session::is_drained`].
    pub fn drain_mark(&self) -> DrainMark {
        DrainMark {
            step: DrainStep::Throttled(self.outbound.lane_mark()),
        }
    }

    /// Whether every message that was accepted before the mark has its outcome, and the
    /// program was told, but perhaps for the event that was taken last.
    pub fn is_drained(&self, mark: &mut DrainMark) -> bool {
        loop {
            mark.step = match mark.step {
                DrainStep::Throttled(accepted) => {
                    if !self.outbound.lanes_are_through(accepted) {
                        return false;
                    }
                    DrainStep::Sending(self.outbound.mark())
                }
                DrainStep::Sending(accepted) => {
                    if !self.outbound.are_taken(accepted) {
                        return false;
                    }
                    let (_, next) = self.outbound.begun();
                    DrainStep::Ending(next, self.connection, self.queued)
                }
                DrainStep::Ending(next, connection, queued) => {
                    let (oldest, _) = self.outbound.begun();
                    let written = self.connection != connection
                        || self.state == State::Offline
                        || self.sent >= queued
                        || self.unwritten.len() == 0;
                    if !(written && (oldest >= next || self.outbound.is_empty())) {
                        return false;
                    }
                    DrainStep::Telling(self.events.appended())
                }
                DrainStep::Telling(appended) => return self.events.taken() >= appended,
            };
        }
    }
}
