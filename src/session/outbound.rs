//! Outgoing QoS 1 and 2 messages, from acceptance to their last acknowledgement
//! (MQTT 5.0 sections 4.3 and 4.4).
//!
//! Messages stand in the order they were accepted: first those that were sent at some time,
//! then those that never were. `cursor` divides the former: what is before it was sent on this
//! connection, the rest still has to be. What waits for the first time has a queue of its own,
//! so that the oldest of it can be dropped and leaves no gap. Every operation is O(1) a message.

pub(super) mod lanes;

use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::bodies::{Bodies, Span};
use super::journal::Journal;
use super::packet_id_map::PacketIdMap;
use super::Token;
use crate::codec::primitive::varint_len;
use crate::codec::{PropertyBuf, PropertyId, Value};
use crate::types::{PacketId, QoS};
use lanes::Lanes;

/// Bodies of this size and more are shared with the transmit buffer instead of copied.
const SHARE_FROM: usize = 16 * 1024;

/// Room for so many messages is kept when there are none.
const LARGEST_KEPT: usize = 32 * 1024;

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Never sent, or sent in a session the server has lost.
    /// Next: `AwaitPuback` or `AwaitPubrec` once sent.
    Waiting,
    /// QoS 1, sent. Next: gone, with PUBACK; `Waiting` when the session is lost.
    AwaitPuback,
    /// QoS 2, sent. Next: `AwaitPubcomp` with PUBREC, gone with a PUBREC that
    /// refuses; `Waiting` when the session is lost.
    AwaitPubrec,
    /// QoS 2, released by PUBREL. Next: gone, with PUBCOMP or a lost session.
    AwaitPubcomp,
}

impl Stage {
    /// Where a message of this QoS stands when its PUBLISH was sent.
    #[inline(always)]
    pub fn after_sending(qos: QoS) -> Self {
        match qos {
            QoS::ExactlyOnce => Stage::AwaitPubrec,
            _ => Stage::AwaitPuback,
        }
    }
}

/// One message.
#[derive(Debug)]
pub struct Entry {
    /// Its packet identifier.
    pub packet_id: PacketId,
    /// How far it has come.
    pub stage: Stage,
    /// QoS; messages of QoS 0 only wait here to be sent.
    pub qos: QoS,
    /// The retain flag.
    pub retain: bool,
    /// For the host, if it wants to hear of the message.
    pub token: Token,
    /// What is sent.
    pub content: Content,
}

/// A message that is sent as it is kept.
#[derive(Debug)]
pub struct PlainBody<'a> {
    /// Its packet identifier.
    pub packet_id: PacketId,
    /// QoS.
    pub qos: QoS,
    /// The retain flag.
    pub retain: bool,
    /// The body of its PUBLISH.
    pub body: &'a [u8],
}

/// What a message carries, in the form that makes sending it cheap.
#[derive(Debug)]
pub enum Content {
    /// The PUBLISH body as it goes over the wire.
    Body(Span),
    /// The same, of [`SHARE_FROM`] bytes or more.
    Large(Arc<Vec<u8>>),
    /// A message whose bytes depend on the moment it is sent: a topic alias, or a
    /// message expiry interval that runs down while it waits.
    Parts(Box<Parts>),
    /// Nothing: PUBREC has made the content superfluous. The number grows from one
    /// PUBREC to the next.
    Released(u64),
}

impl Content {
    /// How many bytes it keeps.
    #[inline(always)]
    pub fn len(&self) -> usize {
        match self {
            Content::Body(span) => span.len(),
            Content::Large(body) => body.len(),
            Content::Parts(parts) => {
                parts.topic.len()
                    + parts.properties.as_properties().as_bytes().len()
                    + parts.payload.len()
            }
            Content::Released(_) => 0,
        }
    }
}

/// A message whose bytes depend on the moment it is sent.
#[derive(Debug)]
pub struct Parts {
    /// The topic name, also where the program gave only an alias.
    pub topic: Arc<str>,
    /// The program left the topic to the alias.
    pub topic_by_alias: bool,
    /// The topic alias.
    pub alias: Option<u16>,
    /// When the message expires.
    pub expires: Option<Instant>,
    /// Properties as the program gave them.
    pub properties: PropertyBuf,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Parts {
    /// The properties with the remaining expiry interval, and without the alias if
    /// `keep_alias` is not set. A partly elapsed second counts as a whole one still
    /// to go, so that an interval never reaches 0 early.
    pub fn properties_at(&self, now: Instant, keep_alias: bool) -> PropertyBuf {
        let mut adjusted = PropertyBuf::new();
        for (id, value) in self.properties.as_properties().iter() {
            let value = match (id, self.expires) {
                (PropertyId::TopicAlias, _) if !keep_alias => continue,
                (PropertyId::MessageExpiryInterval, Some(at)) => {
                    let left = at.saturating_duration_since(now);
                    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
                    Value::U32(u32::try_from(seconds).unwrap_or(u32::MAX))
                }
                _ => value,
            };
            // The values were accepted before, so they are again.
            let _ = adjusted.push(id, value);
        }
        adjusted
    }
}

/// The queue.
#[derive(Debug, Default)]
pub struct Outbound {
    /// What was sent at some time, on this connection or before; `None` stands for a message
    /// that ended before an older one.
    begun: VecDeque<Option<Entry>>,
    /// The sequence number of the first of these.
    base: u64,
    /// The sequence number of the next one to send on this connection; behind the last one it
    /// is the turn of those that wait.
    cursor: u64,
    /// What was never sent.
    waiting: VecDeque<Entry>,
    /// How many have left that queue.
    taken: u64,
    /// Messages of QoS 0 that wait; most programs never have one.
    at_most_once: Option<Box<AtMostOnce>>,
    /// Messages whose topics have limits of their own stand there before they come to wait here.
    pub(super) lanes: Option<Box<Lanes>>,
    /// All messages.
    count: usize,
    /// The bytes of those begun, and of those that wait.
    begun_bytes: usize,
    waiting_bytes: usize,
    /// Messages sent on this connection and not yet ended: what the window counts.
    in_flight: usize,
    /// Where the messages are that were ever sent and have not ended.
    sent: PacketIdMap<u64>,
    bodies: Bodies,
    /// What is done to messages is written down there, if they are to survive the process.
    pub(super) journal: Option<Box<Journal>>,
    /// How many messages PUBREC has released.
    releases: u64,
    /// There are, or were since the queue was last empty, messages of the kind
    /// [`Content::Parts`].
    has_parts: bool,
}

/// Messages of QoS 0 that wait, so that the oldest of them is found at once.
#[derive(Debug, Default)]
struct AtMostOnce {
    /// Each with how many will have left `waiting` when it is its turn.
    entries: VecDeque<(u64, Entry)>,
    /// How many have left.
    taken: u64,
}

/// Up to where messages were accepted, see [`Outbound::mark`].
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    waiting: u64,
    at_most_once: u64,
}

impl Outbound {
    /// Keeps a PUBLISH body of `len` bytes, which `write` appends, for a message to come.
    #[inline(always)]
    pub fn keep_body(&mut self, len: usize, write: impl FnOnce(&mut Vec<u8>)) -> Content {
        if len < SHARE_FROM {
            return Content::Body(self.bodies.put(len, write));
        }
        let mut body = Vec::with_capacity(len);
        write(&mut body);
        Content::Large(Arc::new(body))
    }

    /// The PUBLISH body that is kept as `content`; empty for one that is not kept as such.
    pub fn body<'a>(&'a self, content: &'a Content) -> &'a [u8] {
        match content {
            Content::Body(span) => self.bodies.get(*span),
            Content::Large(body) => body,
            Content::Parts(_) | Content::Released(_) => &[],
        }
    }

    /// Accepts a message.
    #[inline(always)]
    pub fn push(&mut self, entry: Entry) {
        self.has_parts |= matches!(entry.content, Content::Parts(_));
        self.count += 1;
        self.waiting_bytes += entry.content.len();
        if entry.qos == QoS::AtMostOnce || self.lanes.is_some() {
            return self.push_aside(entry);
        }
        self.waiting.push_back(entry);
    }

    /// Whether there may be messages whose bytes depend on the moment they are sent.
    pub const fn has_parts(&self) -> bool {
        self.has_parts
    }

    /// Messages sent on this connection and not ended.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// All messages.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Their bytes.
    pub const fn bytes(&self) -> usize {
        self.begun_bytes + self.waiting_bytes
    }

    /// The messages that were never sent, and their bytes.
    pub fn droppable(&self) -> (usize, usize) {
        let number = self.waiting.len() + self.waiting_at_most_once() + self.in_lanes();
        (number, self.waiting_bytes)
    }

    /// The messages of QoS 0 that wait.
    pub fn waiting_at_most_once(&self) -> usize {
        let queue = self.at_most_once.as_ref();
        queue.map_or(0, |queue| queue.entries.len())
    }

    /// How many messages there are, and their bytes.
    pub fn size(&self) -> (usize, usize) {
        (self.len(), self.bytes())
    }

    /// Whether a message with this identifier was sent and has not ended.
    pub fn is_sent(&self, id: PacketId) -> bool {
        self.sent.contains(id)
    }

    /// Messages ever sent and not ended.
    pub fn unacknowledged(&self) -> usize {
        self.sent.len()
    }

    /// The next message to send on this connection.
    #[inline(always)]
    pub fn next(&mut self) -> Option<&mut Entry> {
        self.next_and_bodies().map(|(entry, _)| entry)
    }

    /// The next message to send on this connection, and where its body may be.
    #[inline(always)]
    pub fn next_and_bodies(&mut self) -> Option<(&mut Entry, &Bodies)> {
        if let Some(index) = self.next_begun() {
            let entry = self.begun[index].as_mut()?;
            return Some((entry, &self.bodies));
        }
        if self.at_most_once_is_oldest() {
            let (_, entry) = self.at_most_once.as_mut()?.entries.front_mut()?;
            return Some((entry, &self.bodies));
        }
        Some((self.waiting.front_mut()?, &self.bodies))
    }

    /// Whether the next message to send is one of QoS 0.
    pub fn next_is_at_most_once(&mut self) -> bool {
        self.at_most_once_is_oldest() && self.next_begun().is_none()
    }

    /// The place of the next message to send, if that was sent before.
    #[inline(always)]
    fn next_begun(&mut self) -> Option<usize> {
        loop {
            let index = self.index(self.cursor)?;
            match self.begun.get(index)? {
                Some(_) => return Some(index),
                None => self.cursor += 1,
            }
        }
    }

    /// Whether the oldest message that was never sent is one of QoS 0.
    #[inline(always)]
    fn at_most_once_is_oldest(&self) -> bool {
        let queue = self.at_most_once.as_ref();
        let first = queue.and_then(|queue| queue.entries.front());
        first.is_some_and(|(turn, _)| *turn <= self.taken)
    }

    /// The message given by [`Outbound::next`], which has this identifier and not QoS 0, was
    /// sent: it is in flight now.
    #[inline(always)]
    pub fn mark_sent(&mut self, id: PacketId) {
        if self.cursor == self.base + self.begun.len() as u64 {
            if let Some(entry) = self.waiting.pop_front() {
                self.has_begun(entry);
            }
        }
        self.mark_in_flight(id);
    }

    /// This message has left those that wait and is sent now.
    #[inline(always)]
    fn has_begun(&mut self, entry: Entry) {
        let len = entry.content.len();
        self.waiting_bytes -= len;
        self.begun_bytes += len;
        self.taken += 1;
        self.begun.push_back(Some(entry));
    }

    #[inline(always)]
    fn mark_in_flight(&mut self, id: PacketId) {
        self.sent.insert(id, self.cursor);
        self.in_flight += 1;
        self.cursor += 1;
        if let Some(journal) = &mut self.journal {
            journal.sent(id);
        }
    }

    /// Takes the next message to send, which is in flight then, if it is sent for the first time,
    /// as it is kept, and is within these limits; `may_use` says whether its identifier can be
    /// used, being told whether a message has it that was sent.
    #[inline(always)]
    pub fn begin_plain(
        &mut self,
        window: usize,
        maximum_qos: QoS,
        maximum_packet_size: usize,
        may_use: impl FnOnce(PacketId, bool) -> bool,
    ) -> Option<PlainBody<'_>> {
        let all_begun = self.cursor == self.base + self.begun.len() as u64;
        if self.in_flight >= window || !all_begun || self.at_most_once.is_some() {
            return None;
        }
        let next = self.waiting.front()?;
        let Content::Body(span) = next.content else {
            return None;
        };
        let (packet_id, qos, retain) = (next.packet_id, next.qos, next.retain);
        let fits = qos <= maximum_qos
            && 1 + varint_len(span.len() as u32) + span.len() <= maximum_packet_size;
        if !fits || !may_use(packet_id, self.sent.contains(packet_id)) {
            return None;
        }
        let mut entry = self.waiting.pop_front()?;
        entry.stage = Stage::after_sending(qos);
        self.has_begun(entry);
        self.mark_in_flight(packet_id);
        Some(PlainBody {
            packet_id,
            qos,
            retain,
            body: self.bodies.get(span),
        })
    }

    /// Whether there are no messages.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Gives memory back that is kept for messages to come.
    pub fn shrink(&mut self) {
        self.bodies.shrink();
        if self.is_empty() {
            self.begun = VecDeque::new();
            self.waiting = VecDeque::new();
            self.sent.shrink();
        }
    }

    /// Takes out the message given by [`Outbound::next`]: it is not sent, or of QoS 0.
    pub fn drop_next(&mut self) -> Option<Entry> {
        let Some(index) = self.next_begun() else {
            return self.drop_waiting(false);
        };
        let entry = self.begun.get_mut(index)?.take()?;
        if let Some(journal) = &mut self.journal {
            journal.ended(&entry, true);
        }
        self.drop_body(&entry.content);
        self.sent.remove(entry.packet_id);
        self.count -= 1;
        self.cursor += 1;
        self.trim();
        Some(entry)
    }

    /// Takes out the oldest message that was never sent, or the oldest of QoS 0 if that is to
    /// go `at_most_once_first`.
    pub fn drop_oldest(&mut self, at_most_once_first: bool) -> Option<Entry> {
        match self.take_from_lane(at_most_once_first) {
            Some(entry) => Some(self.discard(entry)),
            None => self.drop_waiting(at_most_once_first),
        }
    }

    /// The same, but for those in lanes.
    pub fn drop_waiting(&mut self, at_most_once_first: bool) -> Option<Entry> {
        let from_queue = at_most_once_first || self.at_most_once_is_oldest();
        let first = match &mut self.at_most_once {
            Some(queue) if from_queue => queue.entries.pop_front().inspect(|_| queue.taken += 1),
            _ => None,
        };
        let entry = match first {
            Some((_, entry)) => entry,
            None => self.waiting.pop_front().inspect(|_| self.taken += 1)?,
        };
        Some(self.discard(entry))
    }

    /// Lets go of a message that was never sent and is in no queue any more.
    pub fn discard(&mut self, entry: Entry) -> Entry {
        let len = entry.content.len();
        if let Some(journal) = &mut self.journal {
            journal.ended(&entry, false);
        }
        self.waiting_bytes -= len;
        self.begun_bytes += len; // which dropping the body takes off again
        self.drop_body(&entry.content);
        self.count -= 1;
        self.trim();
        entry
    }

    /// Takes out all messages, whatever became of them.
    pub fn take_all(&mut self) -> Vec<PacketId> {
        self.journal = None; // where they are stored they stay
        let begun = self.begun.drain(..).flatten();
        let mut ids: Vec<_> = begun.map(|entry| entry.packet_id).collect();
        while let Some(entry) = self.drop_oldest(false) {
            ids.push(entry.packet_id);
        }
        *self = Outbound::default();
        ids
    }

    /// Up to where messages were accepted, for [`Outbound::are_taken`].
    pub fn mark(&self) -> Mark {
        let queue = self.at_most_once.as_ref();
        Mark {
            waiting: self.taken + self.waiting.len() as u64,
            at_most_once: queue.map_or(0, |queue| queue.taken + queue.entries.len() as u64),
        }
    }

    /// Whether all that were accepted before the mark have been sent, or dropped.
    pub fn are_taken(&self, mark: Mark) -> bool {
        let queue = self.at_most_once.as_ref();
        self.taken >= mark.waiting
            && queue
                .is_none_or(|queue| queue.taken >= mark.at_most_once || queue.entries.is_empty())
    }

    /// The sequence numbers of the oldest message that was sent and has not ended, and of the
    /// next one.
    pub fn begun(&self) -> (u64, u64) {
        (self.base, self.base + self.begun.len() as u64)
    }

    /// The message in flight with this identifier.
    #[inline(always)]
    pub fn get_mut(&mut self, id: PacketId) -> Option<&mut Entry> {
        let index = self.index(self.sent.get(id)?)?;
        self.begun.get_mut(index)?.as_mut()
    }

    /// Puts a message back that an earlier process left, behind those put back before it; it was
    /// sent at some time, or never. What was never sent comes last.
    pub fn restore(&mut self, entry: Entry, begun: bool) {
        if !begun {
            return self.push(entry);
        }
        if let Content::Released(number) = entry.content {
            self.releases = self.releases.max(number + 1);
        }
        if entry.stage != Stage::Waiting {
            let sequence = self.base + self.begun.len() as u64;
            self.sent.insert(entry.packet_id, sequence);
        }
        self.has_parts |= matches!(entry.content, Content::Parts(_));
        self.count += 1;
        self.begun_bytes += entry.content.len();
        self.begun.push_back(Some(entry));
    }

    /// PUBREC came for the message in flight with this identifier.
    pub fn release(&mut self, id: PacketId) {
        let releases = self.releases;
        if let Some(entry) = self.get_mut(id) {
            // A repeated PUBREC changes nothing.
            if entry.stage != Stage::AwaitPubcomp {
                entry.stage = Stage::AwaitPubcomp;
                let content = std::mem::replace(&mut entry.content, Content::Released(releases));
                if let Some(journal) = &mut self.journal {
                    journal.released(id, content.len());
                }
                self.drop_body(&content);
                self.releases += 1;
            }
        }
    }

    /// Ends the message in flight with this identifier, if it stands there and there is nothing more
    /// to say of it.
    #[inline(always)]
    pub fn end(&mut self, id: PacketId, stage: Stage) -> bool {
        let stands_there = self
            .get_mut(id)
            .is_some_and(|entry| entry.stage == stage && entry.token.is_none());
        if stands_there {
            self.remove(id);
        }
        stands_there
    }

    /// Ends the message in flight with this identifier; gives its token.
    #[inline(always)]
    pub fn remove(&mut self, id: PacketId) -> Token {
        let Some(sequence) = self.sent.remove(id) else {
            return Token::NONE;
        };
        let entry = self
            .index(sequence)
            .and_then(|index| self.begun.get_mut(index));
        let Some(entry) = entry.and_then(Option::take) else {
            return Token::NONE;
        };
        if let Some(journal) = &mut self.journal {
            journal.ended(&entry, true);
        }
        self.drop_body(&entry.content);
        self.count -= 1;
        if sequence < self.cursor {
            self.in_flight -= 1;
        }
        self.trim();
        entry.token
    }

    /// Lets go of what a message carried that never came into the queue.
    pub fn drop_proposed(&mut self, content: &Content) {
        self.begun_bytes += content.len(); // which the other takes off again
        self.drop_body(content);
    }

    /// Lets go of what a message carried that was begun.
    #[inline(always)]
    fn drop_body(&mut self, content: &Content) {
        self.begun_bytes -= content.len();
        if let Content::Body(span) = content {
            self.bodies.take_out(*span);
        }
    }

    /// The connection ended: what was in flight has to be sent again.
    pub fn rewind(&mut self) {
        self.order_released();
        self.cursor = self.base;
        self.in_flight = 0;
    }

    /// The server has lost the session: what was sent counts as never sent. Messages
    /// past PUBREC, which the server had taken over, end here; they are returned.
    pub fn forget_session(&mut self) -> Vec<Entry> {
        let mut ended = Vec::new();
        for slot in &mut self.begun {
            match slot.as_mut().map(|entry| &mut entry.stage) {
                Some(Stage::AwaitPubcomp) => ended.extend(slot.take()),
                Some(stage) => *stage = Stage::Waiting,
                None => {}
            }
        }
        self.count -= ended.len();
        if let Some(journal) = &mut self.journal {
            journal.session_lost(&ended);
        }
        self.sent.clear();
        self.trim();
        self.rewind();
        ended
    }

    /// Puts what `change` makes of it in the place of each message's content, oldest first;
    /// `None` leaves it.
    pub fn convert(&mut self, mut change: impl FnMut(&mut Outbound, &Entry) -> Option<Content>) {
        let mut change = |this: &mut Outbound, entry: &mut Entry| {
            let len = entry.content.len();
            if let Some(content) = change(this, entry) {
                this.begun_bytes += content.len();
                let old = std::mem::replace(&mut entry.content, content);
                this.drop_body(&old);
            }
            (len, entry.content.len())
        };
        let mut begun = std::mem::take(&mut self.begun);
        for entry in begun.iter_mut().flatten() {
            change(self, entry);
        }
        self.begun = begun;
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut queue = self.at_most_once.take();
        let mut lanes = self.lanes.take();
        let aside = Self::lane_entries(&mut lanes);
        let late = queue.iter_mut().flat_map(|queue| &mut queue.entries);
        let late = late.map(|(_, entry)| entry);
        for entry in waiting.iter_mut().chain(late).chain(aside) {
            let len = entry.content.len();
            self.waiting_bytes -= len;
            self.begun_bytes += len;
            let (_, len) = change(self, entry);
            self.begun_bytes -= len;
            self.waiting_bytes += len;
        }
        self.waiting = waiting;
        self.at_most_once = queue;
        self.lanes = lanes;
    }

    /// Lets the released messages change places among themselves, so that PUBRELs go out
    /// in the order of their PUBRECs again (MQTT-4.6.0-4).
    fn order_released(&mut self) {
        let mut order = Vec::new();
        for (index, entry) in self.begun.iter().enumerate() {
            match entry.as_ref().map(|entry| (entry.stage, &entry.content)) {
                Some((Stage::AwaitPubcomp, Content::Released(number))) => {
                    order.push((*number, index));
                }
                // Messages are sent in order, so behind a waiting one all wait.
                Some((Stage::Waiting, _)) => break,
                _ => {}
            }
        }
        if order.is_sorted() {
            return;
        }
        let places: Vec<_> = order.iter().map(|(_, index)| *index).collect();
        // As good as sorting, in far less code.
        let order = BinaryHeap::from(order).into_sorted_vec();
        let entries: Vec<_> = order
            .iter()
            .map(|(_, index)| self.begun[*index].take())
            .collect();
        for (place, entry) in places.into_iter().zip(entries) {
            if let Some(entry) = &entry {
                self.sent.insert(entry.packet_id, self.base + place as u64);
            }
            self.begun[place] = entry;
        }
    }

    #[inline(always)]
    fn index(&self, sequence: u64) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.base)?).ok()
    }

    #[inline(always)]
    fn trim(&mut self) {
        while matches!(self.begun.front(), Some(None)) {
            self.begun.pop_front();
            self.base += 1;
        }
        self.cursor = self.cursor.max(self.base);
        if self.is_empty() {
            self.has_parts = false;
            if self.waiting.capacity() > LARGEST_KEPT || self.begun.capacity() > LARGEST_KEPT {
                self.waiting = VecDeque::new();
                self.begun = VecDeque::new();
            }
        }
    }
}
