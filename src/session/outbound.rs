//! Outgoing QoS 1 and 2 messages, from acceptance to their last acknowledgement
//! (MQTT 5.0 sections 4.3 and 4.4).
//!
//! Messages stand in one queue in the order they were accepted. `cursor` divides
//! it: what is before it was sent on this connection, the rest still has to be,
//! be it for the first time or again. Every operation is O(1) a message.

use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::bodies::{Bodies, Span};
use super::packet_id_map::PacketIdMap;
use crate::codec::{PropertyBuf, PropertyId, Value};
use crate::types::{PacketId, QoS};

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
    /// QoS 1 or 2.
    pub qos: QoS,
    /// The retain flag.
    pub retain: bool,
    /// What is sent.
    pub content: Content,
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
    /// `None` stands for a message that ended before an older one.
    entries: VecDeque<Option<Entry>>,
    /// The sequence number of the first entry.
    base: u64,
    /// The sequence number of the next entry to send on this connection.
    cursor: u64,
    /// Messages sent on this connection and not yet ended: what the window counts.
    in_flight: usize,
    /// Where the messages are that were ever sent and have not ended.
    sent: PacketIdMap<u64>,
    bodies: Bodies,
    /// How many messages PUBREC has released.
    releases: u64,
    /// There are, or were since the queue was last empty, messages of the kind
    /// [`Content::Parts`].
    has_parts: bool,
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
        self.entries.push_back(Some(entry));
    }

    /// Whether there may be messages whose bytes depend on the moment they are sent.
    pub const fn has_parts(&self) -> bool {
        self.has_parts
    }

    /// Messages sent on this connection and not ended.
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// How many messages there are, and their bytes; this looks at each.
    pub fn size(&self) -> (usize, usize) {
        let contents = self.entries.iter().flatten().map(|entry| &entry.content);
        let len = |content: &Content| match content {
            Content::Body(span) => span.len(),
            Content::Large(body) => body.len(),
            Content::Parts(parts) => parts.topic.len() + parts.payload.len(),
            Content::Released(_) => 0,
        };
        contents.fold((0, 0), |(count, bytes), content| {
            (count + 1, bytes + len(content))
        })
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
        loop {
            let index = self.index(self.cursor)?;
            match self.entries.get(index)? {
                Some(_) => {
                    let entry = self.entries[index].as_mut()?;
                    return Some((entry, &self.bodies));
                }
                None => self.cursor += 1,
            }
        }
    }

    /// The message given by [`Outbound::next`], which has this identifier, was sent: it is in
    /// flight now.
    #[inline(always)]
    pub fn mark_sent(&mut self, id: PacketId) {
        self.sent.insert(id, self.cursor);
        self.in_flight += 1;
        self.cursor += 1;
    }

    /// Whether there are no messages.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Gives memory back that is kept for messages to come.
    pub fn shrink(&mut self) {
        self.bodies.shrink();
        if self.entries.is_empty() {
            self.entries = VecDeque::new();
            self.sent.shrink();
        }
    }

    /// Takes out the message given by [`Outbound::next`] without sending it.
    pub fn drop_next(&mut self) -> Option<Entry> {
        let index = self.index(self.cursor)?;
        let entry = self.entries.get_mut(index)?.take()?;
        self.drop_body(&entry.content);
        self.sent.remove(entry.packet_id);
        self.cursor += 1;
        self.trim();
        Some(entry)
    }

    /// The message in flight with this identifier.
    #[inline(always)]
    pub fn get_mut(&mut self, id: PacketId) -> Option<&mut Entry> {
        let index = self.index(self.sent.get(id)?)?;
        self.entries.get_mut(index)?.as_mut()
    }

    /// PUBREC came for the message in flight with this identifier.
    pub fn release(&mut self, id: PacketId) {
        let releases = self.releases;
        if let Some(entry) = self.get_mut(id) {
            // A repeated PUBREC changes nothing.
            if entry.stage != Stage::AwaitPubcomp {
                entry.stage = Stage::AwaitPubcomp;
                let content = std::mem::replace(&mut entry.content, Content::Released(releases));
                self.drop_body(&content);
                self.releases += 1;
            }
        }
    }

    /// Ends the message in flight with this identifier.
    #[inline(always)]
    pub fn remove(&mut self, id: PacketId) {
        let Some(sequence) = self.sent.remove(id) else {
            return;
        };
        let entry = self
            .index(sequence)
            .and_then(|index| self.entries.get_mut(index));
        let Some(entry) = entry.and_then(Option::take) else {
            return;
        };
        self.drop_body(&entry.content);
        if sequence < self.cursor {
            self.in_flight -= 1;
        }
        self.trim();
    }

    #[inline(always)]
    fn drop_body(&mut self, content: &Content) {
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
        for slot in &mut self.entries {
            match slot.as_mut().map(|entry| &mut entry.stage) {
                Some(Stage::AwaitPubcomp) => ended.extend(slot.take()),
                Some(stage @ (Stage::AwaitPuback | Stage::AwaitPubrec)) => *stage = Stage::Waiting,
                // Messages are sent in order, so behind a waiting one all wait.
                Some(Stage::Waiting) => break,
                None => {}
            }
        }
        self.sent.clear();
        self.trim();
        self.rewind();
        ended
    }

    /// Puts what `change` makes of it in the place of each message's content, oldest first;
    /// `None` leaves it.
    pub fn convert(&mut self, mut change: impl FnMut(&mut Outbound, &Entry) -> Option<Content>) {
        for index in 0..self.entries.len() {
            let Some(mut entry) = self.entries[index].take() else {
                continue;
            };
            if let Some(content) = change(self, &entry) {
                self.drop_body(&entry.content);
                entry.content = content;
            }
            self.entries[index] = Some(entry);
        }
    }

    /// Lets the released messages change places among themselves, so that PUBRELs go out
    /// in the order of their PUBRECs again (MQTT-4.6.0-4).
    fn order_released(&mut self) {
        let mut order = Vec::new();
        for (index, entry) in self.entries.iter().enumerate() {
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
            .map(|(_, index)| self.entries[*index].take())
            .collect();
        for (place, entry) in places.into_iter().zip(entries) {
            if let Some(entry) = &entry {
                self.sent.insert(entry.packet_id, self.base + place as u64);
            }
            self.entries[place] = entry;
        }
    }

    #[inline(always)]
    fn index(&self, sequence: u64) -> Option<usize> {
        usize::try_from(sequence.checked_sub(self.base)?).ok()
    }

    #[inline(always)]
    fn trim(&mut self) {
        while matches!(self.entries.front(), Some(None)) {
            self.entries.pop_front();
            self.base += 1;
        }
        self.cursor = self.cursor.max(self.base);
        if self.entries.is_empty() {
            self.has_parts = false;
            if self.entries.capacity() > LARGEST_KEPT {
                self.entries = VecDeque::new();
            }
        }
    }
}
