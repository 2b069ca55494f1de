//! From received bytes to messages in the program's hands: packets are taken in batches
//! under the mutex, and their messages are lent without it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::receive::ReceiveBuf;
use super::{Client, Guard, Message};
use crate::codec::Properties;
use crate::error::{Error, Result};
use crate::session::{AckMode, Delivery, PlainReader, Session, AT_LEAST_ONCE, AT_MOST_ONCE};
use crate::types::{PacketId, QoS, ReasonCode};

/// How many messages are taken at most before the first of them is delivered.
const LARGEST_BATCH: usize = 128;
/// How long acknowledgements, and messages queued in callbacks, wait for company while
/// received messages are delivered.
const FLUSH_INTERVAL: Duration = Duration::from_millis(2);

/// How messages are taken in: what [`Client::take_packets`] keeps from call to call.
#[derive(Debug)]
pub(super) struct Intake {
    /// How many messages to take at once: as many as the program handles in a short time,
    /// so that acknowledgements are not kept back by a slow one.
    limit: usize,
    /// Kept for its memory.
    batch: Vec<Place>,
}

impl Default for Intake {
    fn default() -> Self {
        Intake {
            limit: 1,
            batch: Vec::new(),
        }
    }
}

/// A message, and where in the unread bytes its packet begins.
#[derive(Debug)]
struct Place {
    offset: usize,
    delivery: Delivery,
}

/// What a batch came to.
struct Taken {
    /// How many bytes.
    consumed: usize,
    /// Events that wait come before the last message of the batch, not after it.
    last_is_late: bool,
    end: End,
}

enum End {
    /// There may be more packets.
    More,
    /// No whole packet is left.
    Dry,
    /// The packet behind the batch ends the connection.
    Failed(Error),
}

impl Client {
    /// Sets who acknowledges messages of QoS 1 and 2 that come from now on.
    pub fn set_ack_mode(&self, mode: AckMode) {
        self.lock().session.set_ack_mode(mode);
    }

    /// Acknowledges a message that the program has, see [`Session::acknowledge`].
    pub fn acknowledge(&self, packet_id: PacketId, reason: ReasonCode) -> Result<()> {
        let mut st = self.lock();
        st.session.acknowledge(packet_id, reason)?;
        // What the program has done with is not to come again, should the process end now.
        st.store_first()?;
        self.kick_output(st);
        Ok(())
    }

    /// The program has had a message: acknowledges it, unless its callback has. What has gathered
    /// is sent when that last happened some time ago, since the next message may take its time.
    #[cold]
    fn acknowledge_delivered(&self, delivery: &Delivery, flushed: &mut Instant) {
        let mut st = self.lock();
        if let Some(packet_id) = delivery.packet_id {
            let _ = st.session.acknowledge(packet_id, ReasonCode::SUCCESS);
        }
        if flushed.elapsed() >= FLUSH_INTERVAL {
            drop(self.flush(st));
            *flushed = Instant::now();
        }
    }

    /// Takes the packets out of the receive buffer and delivers what they bring.
    pub(super) fn take_packets<'a>(&'a self, mut st: Guard<'a>) -> Guard<'a> {
        let generation = st.generation;
        let now = Instant::now();
        let mut flushed = now;
        let mut batch = std::mem::take(&mut st.intake.batch);
        loop {
            st = self.deliver_waiting(st);
            if st.closed || st.generation != generation {
                return st;
            }
            let limit = st.intake.limit;
            if let Some(reader) = st.session.plain_reader() {
                let state = &mut *st;
                let unread = state.received.unread();
                let mut count = state.session.acknowledge_plain(reader, unread, limit);
                if count > 0 {
                    st = self.deliver_acknowledged(st, reader, count);
                } else {
                    (st, count) = self.deliver_plain(st, reader, limit);
                }
                if st.closed || st.generation != generation {
                    return st;
                }
                if count > 0 {
                    st.session.received(now);
                }
                if count >= limit {
                    (st, flushed) = self.adapt(st, flushed);
                    continue;
                }
            }
            let state = &mut *st;
            let unread = state.received.unread();
            let taken = take(&mut state.session, unread, limit, now, &mut batch);
            let full = batch.len() >= limit;
            // That a message was received is stored before the program has it.
            let stored = st.store_first();
            st = self.deliver_messages(st, &mut batch, taken.last_is_late, &mut flushed);
            if st.generation != generation {
                return st;
            }
            st.received.consume(taken.consumed);
            if let Err(error) = stored {
                st.end_link(Some(error));
                return st;
            }
            match taken.end {
                End::More => {}
                End::Dry => {
                    st.intake.batch = batch;
                    return self.deliver_waiting(st);
                }
                End::Failed(error) => {
                    // A refusal is heard of while the connection is still there, so that
                    // the program can end it by itself.
                    st = self.deliver_waiting(st);
                    if st.closed || st.generation != generation {
                        return st;
                    }
                    st = self.flush(st);
                    if st.generation == generation {
                        st.end_link(Some(error));
                    }
                    return st;
                }
            }
            if full || st.session.has_transmit() {
                (st, flushed) = self.adapt(st, flushed);
            }
        }
    }

    /// Finds out how fast the program is, and sends what waited for its company too long;
    /// gives when that last happened.
    fn adapt<'a>(&'a self, mut st: Guard<'a>, flushed: Instant) -> (Guard<'a>, Instant) {
        let limit = st.intake.limit;
        if flushed.elapsed() < FLUSH_INTERVAL {
            st.intake.limit = (2 * limit).min(LARGEST_BATCH);
            return (st, flushed);
        }
        st.intake.limit = (limit / 2).max(1);
        (self.flush(st), Instant::now())
    }

    /// Lends so many plain messages of QoS 1, which are at the front, to the program.
    fn deliver_acknowledged<'a>(
        &'a self,
        mut st: Guard<'a>,
        reader: PlainReader,
        count: usize,
    ) -> Guard<'a> {
        let generation = st.generation;
        let mut received = std::mem::take(&mut st.received);
        let epoch = self.epoch.load(Ordering::Relaxed);
        drop(st);
        for _ in 0..count {
            // Their acknowledgements may be on the way, whatever became of the connection.
            let taken = reader.take::<AT_LEAST_ONCE>(received.unread());
            let Some((len, delivery)) = taken else { break };
            if self.epoch.load(Ordering::Relaxed) == epoch {
                self.lend(&mut received, 0, &delivery);
            }
            received.consume(len);
        }
        st = self.lock();
        if st.generation == generation {
            st.received = received;
        }
        st
    }

    /// Lends the plain messages of QoS 0 at the front to the program, at most `limit`; gives
    /// their number.
    fn deliver_plain<'a>(
        &'a self,
        mut st: Guard<'a>,
        reader: PlainReader,
        limit: usize,
    ) -> (Guard<'a>, usize) {
        let Some((mut len, mut delivery)) = reader.take::<AT_MOST_ONCE>(st.received.unread())
        else {
            return (st, 0);
        };
        let generation = st.generation;
        let mut received = std::mem::take(&mut st.received);
        let mark = || {
            (
                self.epoch.load(Ordering::Relaxed),
                self.goodbyes.load(Ordering::Relaxed),
            )
        };
        let begun = mark();
        drop(st);
        let unread = received.unread().len();
        let mut count = 0;
        loop {
            self.lend(&mut received, 0, &delivery);
            received.consume(len);
            count += 1;
            if count >= limit || mark() != begun {
                break;
            }
            match reader.take::<AT_MOST_ONCE>(received.unread()) {
                Some(next) => (len, delivery) = next,
                None => break,
            }
        }
        st = self.lock();
        let bytes = unread - received.unread().len();
        st.session.count_taken(QoS::AtMostOnce, count, bytes);
        if st.generation == generation {
            st.received = received;
        }
        (st, count)
    }

    /// Lends the messages of a batch to the program in the places where they were received.
    fn deliver_messages<'a>(
        &'a self,
        mut st: Guard<'a>,
        batch: &mut Vec<Place>,
        last_is_late: bool,
        flushed: &mut Instant,
    ) -> Guard<'a> {
        if batch.is_empty() {
            return st;
        }
        let generation = st.generation;
        let mut received = std::mem::take(&mut st.received);
        let epoch = self.epoch.load(Ordering::Relaxed);
        let go_on = || self.epoch.load(Ordering::Relaxed) == epoch;
        let late = if last_is_late { batch.pop() } else { None };
        if !batch.is_empty() {
            drop(st);
            for place in batch.drain(..) {
                if go_on() {
                    self.lend(&mut received, place.offset, &place.delivery);
                    if place.delivery.ack_due {
                        self.acknowledge_delivered(&place.delivery, flushed);
                    }
                }
            }
            st = self.lock();
        }
        if let Some(place) = late {
            st = self.deliver_waiting(st);
            drop(st);
            // Its acknowledgement may be on the way, whatever became of the connection.
            if go_on() {
                self.lend(&mut received, place.offset, &place.delivery);
                if place.delivery.ack_due {
                    self.acknowledge_delivered(&place.delivery, flushed);
                }
            }
            st = self.lock();
        }
        if st.generation == generation {
            st.received = received;
        }
        st
    }

    #[inline]
    fn lend(&self, received: &mut ReceiveBuf, offset: usize, delivery: &Delivery) {
        let alias_topic = delivery.alias_topic.as_ref().map(|topic| {
            let mut text = topic.as_bytes().to_vec();
            text.push(0);
            text
        });
        received.lend_c(
            offset,
            delivery.topic.clone(),
            delivery.payload.clone(),
            |topic, payload, packet| {
                let message = Message {
                    packet_id: delivery.packet_id,
                    qos: delivery.qos,
                    retain: delivery.retain,
                    dup: delivery.dup,
                    properties: Properties::trusted(&packet[delivery.properties.clone()]),
                    topic_nul: alias_topic.as_deref().unwrap_or(topic),
                    payload_nul: payload,
                };
                if !self.expects.load(Ordering::Relaxed) || !self.hand_over(&message) {
                    self.handler.message(&message);
                }
            },
        );
    }
}

/// Takes packets, and up to `limit` messages out of them, as far as these can be delivered
/// in one go: an event has its place between them.
#[inline]
fn take(
    session: &mut Session,
    unread: &[u8],
    limit: usize,
    now: Instant,
    batch: &mut Vec<Place>,
) -> Taken {
    let mut taken = Taken {
        consumed: 0,
        last_is_late: false,
        end: End::More,
    };
    while batch.len() < limit && !taken.last_is_late {
        let offset = taken.consumed;
        match session.handle_input(&unread[offset..], now) {
            Ok(Some(step)) => {
                taken.consumed += step.consumed;
                let has_events = session.has_events();
                if let Some(delivery) = step.delivery {
                    batch.push(Place { offset, delivery });
                    taken.last_is_late = has_events;
                } else if has_events && !(batch.is_empty() && session.has_only_published()) {
                    // What the program does when it hears of it has its place before the
                    // next packet.
                    break;
                }
            }
            Ok(None) => {
                taken.end = End::Dry;
                break;
            }
            Err(error) => {
                taken.end = End::Failed(error);
                break;
            }
        }
    }
    taken
}
