//! How fast messages come and go: a limit for all that are sent, limits for topic filters, whose
//! messages wait in lanes (`outbound::lanes`), and one for what is received.

use std::time::Instant;

use super::outbound::lanes::Lane;
use super::outbound::{Content, Entry, Stage};
use super::publish_body::entry_len;
use super::token_bucket::{Excess, Limit, ThrottleOptions};
use super::{Outcome, Session, State};
use crate::codec::primitive::varint_len;
use crate::error::{CallerError, Error, Result};
use crate::types::QoS;

/// The limits that are not those of a lane, and what waits for any.
#[derive(Debug, Default)]
pub(super) struct Throttles {
    all: Option<Limit>,
    received: Option<Limit>,
    /// The queue waits until then, since the limit of all messages was reached.
    queue_due: Option<Instant>,
    /// The first lane that waits for its limit does so until then.
    lanes_due: Option<Instant>,
    /// What was received waits until then.
    input_due: Option<Instant>,
    /// The host has not been told that one of these times is earlier than it was.
    news: bool,
    /// The message that is being published goes no further than to be accepted.
    drops: bool,
}

impl Throttles {
    /// When something may go on.
    pub fn deadline(&self) -> Option<Instant> {
        let due = [self.queue_due, self.lanes_due, self.input_due];
        due.into_iter().flatten().min()
    }
}

impl Session {
    /// Limits the messages whose topics match `filter`, or all that are sent; `None` for no
    /// limit. Buckets are full at the beginning.
    pub fn set_throttle(
        &mut self,
        filter: Option<&str>,
        options: Option<&ThrottleOptions>,
        now: Instant,
    ) {
        let limit = options.map(|options| Limit::new(options, now));
        let throttles = self.throttles.get_or_insert_default();
        match filter {
            None => throttles.all = limit,
            Some(filter) => self.outbound.set_lane(filter, limit),
        }
        self.change_throttles(now);
    }

    /// Limits what is received.
    pub fn set_receive_throttle(&mut self, options: Option<&ThrottleOptions>, now: Instant) {
        let throttles = self.throttles.get_or_insert_default();
        throttles.received = options.map(|options| Limit::new(options, now));
        if throttles.input_due.is_some() {
            // It is to be judged anew.
            throttles.input_due = Some(now);
            throttles.news = true;
        }
        self.change_throttles(now);
    }

    fn change_throttles(&mut self, now: Instant) {
        self.send_waiting(now);
        self.drop_idle_throttles();
        self.send_waiting(now);
    }

    fn drop_idle_throttles(&mut self) {
        let in_use = |throttles: &Throttles| {
            throttles.all.is_some() || throttles.received.is_some() || throttles.input_due.is_some()
        };
        let in_use = self.outbound.lanes.is_some() || self.throttles.as_deref().is_some_and(in_use);
        if !in_use && self.throttles.take().is_some() {
            // What of QoS 0 still waits is not overtaken.
            self.set_queue(self.queue.as_deref().copied());
        }
    }

    /// Decides what becomes of a message that is about to be accepted: whether it is to be sent.
    pub(super) fn police(&mut self, topic: &str, body_len: usize, now: Instant) -> Result<bool> {
        self.send_waiting(now);
        let able = self.may_send_waiting();
        let len = 1 + varint_len(body_len as u32) + body_len;
        let (mut refused, mut dropped) = (false, false);
        let mut beyond = |limit: &mut Limit, waits: bool| {
            let beyond = able && (waits || limit.ready_at(len, now) > now);
            refused |= beyond && limit.excess == Excess::Refuse;
            dropped |= beyond && limit.excess == Excess::Drop;
            beyond
        };
        let mut own = None;
        let lanes = self.outbound.lanes.iter_mut();
        for (place, lane) in lanes.flat_map(|lanes| &mut lanes.list).enumerate() {
            if lane.matches(topic.as_bytes()) {
                let is_own = own.is_none();
                let waits = is_own && !lane.is_empty();
                if is_own {
                    let replaces = waits && lane.limit.excess == Excess::DropOldest;
                    own = Some((place, replaces));
                }
                beyond(&mut lane.limit, waits);
            }
        }
        let mut replaces_queue = false;
        if let Some(throttles) = &mut self.throttles {
            if let Some(limit) = &mut throttles.all {
                let beyond = beyond(limit, throttles.queue_due.is_some());
                replaces_queue = (beyond || !able) && limit.excess == Excess::DropOldest;
            }
            throttles.drops = dropped && !refused;
        }
        if refused {
            return Err(Error::Caller(CallerError::Throttled));
        }
        if dropped {
            return Ok(false);
        }
        if let Some((place, true)) = own {
            while let Some(entry) = self.pop_lane(place) {
                let entry = self.outbound.discard(entry);
                self.dropped(&entry, Outcome::Overflow);
            }
        }
        if replaces_queue {
            while let Some(entry) = self.outbound.drop_waiting(false) {
                self.dropped(&entry, Outcome::Overflow);
            }
        }
        Ok(true)
    }

    fn pop_lane(&mut self, place: usize) -> Option<Entry> {
        let lanes = self.outbound.lanes.as_mut()?;
        Some(lanes.list.get_mut(place)?.pop()?.entry)
    }

    /// Whether that was to drop it: then this message has ended.
    pub(super) fn drops_accepted(&mut self, entry: &Entry) -> bool {
        let throttles = self.throttles.as_mut();
        let drops = throttles.is_some_and(|throttles| std::mem::take(&mut throttles.drops));
        if drops {
            self.outbound.drop_proposed(&entry.content);
            self.dropped(entry, Outcome::Overflow);
        }
        drops
    }

    /// Sends what waits as far as the limits allow.
    #[cold]
    pub(super) fn send_throttled(&mut self, now: Instant) {
        let before = self.throttles.as_deref().and_then(Throttles::deadline);
        loop {
            if let Some(throttles) = &mut self.throttles {
                throttles.queue_due = None;
            }
            let (any, lanes_due) = self.leave_lanes(now);
            let left = self.outbound.left_queue();
            self.send_queue(now);
            // Whose last one is sent may have another one go on.
            if any || self.outbound.left_queue() != left {
                continue;
            }
            let Some(throttles) = &mut self.throttles else {
                return;
            };
            if let (None, Some(limit)) = (throttles.queue_due, &mut throttles.all) {
                limit.waits = false; // it is not for the limit that anything waits
            }
            throttles.lanes_due = lanes_due;
            let after = throttles.deadline();
            throttles.news |= after.is_some_and(|due| before.is_none_or(|old| due < old));
            return;
        }
    }

    /// Each lane whose limit allows it has its first message go on to the queue. Gives whether there
    /// was one, and when another lane may have one.
    fn leave_lanes(&mut self, now: Instant) -> (bool, Option<Instant>) {
        let Some(mut lanes) = self.outbound.lanes.take() else {
            return (false, None);
        };
        let (mut any, mut next) = (false, None::<Instant>);
        for place in 0..lanes.list.len() {
            let lane = &mut lanes.list[place];
            // One that went on and was not sent waits for something else than a limit: others
            // would only gather behind it, and go all at once.
            if lane.last.is_some_and(|last| !self.outbound.are_taken(last)) {
                continue;
            }
            let due = match lane.due.filter(|due| *due > now) {
                Some(due) => due,
                None => {
                    let Some(first) = lane.pop() else { continue };
                    let content = &first.entry.content;
                    let len = entry_len(&first.entry, self.version, &self.outbound_aliases);
                    let name = self.outbound.topic(content);
                    let expired = matches!(content, Content::Parts(parts)
                        if parts.expires.is_some_and(|at| at < now));
                    let fitting = |(index, lane): &(usize, &mut Lane)| {
                        !expired && (*index == place || lane.matches(name))
                    };
                    let mut at = None;
                    for (_, lane) in lanes.list.iter_mut().enumerate().filter(fitting) {
                        let ready = lane.limit.ready_at(len, now);
                        lane.limit.waits |= ready > now;
                        at = at.max(Some(ready));
                    }
                    let at = at.unwrap_or(now);
                    if at <= now {
                        for (_, lane) in lanes.list.iter_mut().enumerate().filter(fitting) {
                            lane.limit.take(len, at);
                        }
                        self.outbound.enqueue(first.entry);
                        let lane = &mut lanes.list[place];
                        lane.last = Some(self.outbound.mark());
                        lane.limit.waits &= !lane.is_empty();
                        any = true;
                        continue;
                    }
                    lanes.list[place].put_back(first, at);
                    at
                }
            };
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        self.outbound.lanes = Some(lanes);
        (any, next)
    }
}

impl Session {
    /// Whether the limit of all messages lets the next one go.
    #[inline(always)]
    pub(super) fn passes_throttle(&mut self, now: Instant) -> bool {
        self.throttles.is_none() || self.passes(now)
    }

    #[cold]
    fn passes(&mut self, now: Instant) -> bool {
        let (Some(throttles), Some(next)) = (&mut self.throttles, self.outbound.next()) else {
            return true;
        };
        let Some(limit) = throttles.all.as_mut() else {
            return true;
        };
        if next.stage == Stage::AwaitPubcomp {
            return true; // that is no message
        }
        let len = entry_len(next, self.version, &self.outbound_aliases);
        let at = limit.ready_at(len, now);
        if at > now {
            limit.waits = true;
            throttles.queue_due = Some(at);
            return false;
        }
        limit.take(len, at);
        true
    }

    /// Something may go on now, or was received and waits.
    pub(super) fn handle_throttle_timeout(&mut self, now: Instant) {
        let Some(throttles) = &self.throttles else {
            return;
        };
        if throttles.input_due.is_some() {
            // The server's sign of life may be behind what we do not take.
            self.keep_alive.received(now);
        }
        let due = [throttles.queue_due, throttles.lanes_due];
        if due.into_iter().flatten().any(|due| due <= now) {
            self.send_waiting(now);
        }
    }

    /// The connection is gone: nothing waits for a limit any more.
    pub(super) fn stop_throttles(&mut self) {
        if let Some(throttles) = &mut self.throttles {
            throttles.queue_due = None;
            throttles.lanes_due = None;
            throttles.input_due = None;
            for limit in [&mut throttles.all, &mut throttles.received] {
                limit.iter_mut().for_each(|limit| limit.waits = false);
            }
            self.drop_idle_throttles();
        }
    }

    /// Whether [`Session::poll_timeout`] is earlier than the host was told last.
    pub fn has_earlier_timeout(&mut self) -> bool {
        let throttles = self.throttles.as_mut();
        throttles.is_some_and(|throttles| std::mem::take(&mut throttles.news))
    }

    /// Whether there are limits.
    pub const fn is_throttled(&self) -> bool {
        self.throttles.is_some()
    }

    /// Whether what is received has a limit.
    #[inline(always)]
    pub(super) fn throttles_input(&self) -> bool {
        let throttles = self.throttles.as_ref();
        throttles.is_some_and(|throttles| throttles.received.is_some())
    }

    /// Until when [`Session::handle_input`] takes nothing, as the limit is reached: until then
    /// nothing should be read from the network, and then [`Session::resume_input`] called.
    #[inline(always)]
    pub fn input_held_until(&self) -> Option<Instant> {
        let throttles = self.throttles.as_ref()?;
        throttles
            .input_due
            .filter(|_| self.state == State::Connected)
    }

    /// Whether input was held and is not any more: what is there is to be handled.
    pub fn resume_input(&mut self, now: Instant) -> bool {
        let resumes = self.input_held_until().is_some_and(|due| due <= now);
        if let (true, Some(throttles)) = (resumes, &mut self.throttles) {
            throttles.input_due = None;
            self.drop_idle_throttles();
        }
        resumes
    }

    /// Whether a received message of `len` bytes goes to the program; `None` where it has to wait.
    #[cold]
    pub(super) fn admit(&mut self, qos: QoS, len: usize, now: Instant) -> Option<bool> {
        let Some(throttles) = &mut self.throttles else {
            return Some(true);
        };
        let Some(limit) = &mut throttles.received else {
            return Some(true);
        };
        let at = limit.ready_at(len, now);
        if at <= now {
            limit.take(len, at);
            throttles.input_due = None;
            return Some(true);
        }
        if limit.excess == Excess::Drop && qos == QoS::AtMostOnce {
            self.stats.dropped_received += 1;
            return Some(false);
        }
        limit.waits = true;
        throttles.input_due = Some(at);
        None
    }

    /// Nothing received waits.
    pub(super) fn input_is_dry(&mut self) {
        if let Some(throttles) = &mut self.throttles {
            throttles
                .received
                .iter_mut()
                .for_each(|limit| limit.waits = false);
        }
    }
}
