//! What a session writes down so that it survives its process: a journal of operations that the
//! host puts on the disk, and the way back from there.
//!
//! The session appends to the journal; the host takes the bytes with [`Session::unwritten`],
//! stores them, and says so with [`Session::stored`]. While [`Session::must_store`] says so,
//! nothing that is to be sent may be sent. A message is proposed first, and accepted, which is
//! when it joins the queue, once it is stored.
//!
//! Operations name messages by their packet identifier. Of several with the same one, at most one
//! was sent; where one that was not is meant, it is the oldest.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::outbound::{Content, Entry, Parts, Stage};
use super::{Session, Token};
use crate::codec::primitive::put_string;
use crate::codec::{PropertyId, Publish};
use crate::error::{CallerError, Error, IoError, Result};
use crate::types::{PacketId, ProtocolVersion, QoS};

/// Operations that nothing waits for are stored when there are so many bytes of them.
const LAZY: usize = 64 * 1024;
/// The size of a message's record without its body.
const RECORD: usize = 17;
/// `errno` of a full device, the same number on all systems.
const ENOSPC: i32 = 28;

const MESSAGE: u8 = 1;
const SENT: u8 = 2;
const RELEASED: u8 = 3;
/// The flow of a message that was sent has ended.
const DONE: u8 = 4;
/// A message ended that was never sent.
const DROPPED: u8 = 5;
const SESSION_LOST: u8 = 6;
/// A message of QoS 2 came from the server.
const RECEIVED: u8 = 7;
/// PUBREL came for it.
const COMPLETED: u8 = 8;
const CLIENT_ID: u8 = 9;
/// A message ended that waits since the session in which it was sent was lost.
const DROPPED_AGAIN: u8 = 10;

const RETAIN: u8 = 1 << 2;
const STAGE_SHIFT: u8 = 3;
const STAGE_WAITING: u8 = 0;
const STAGE_SENT: u8 = 1;
const STAGE_RELEASED: u8 = 2;
/// It waits, and was sent in a session that was lost.
const STAGE_AGAIN: u8 = 3;
const PARTS: u8 = 1 << 5;
const TOPIC_BY_ALIAS: u8 = 1 << 6;
const EXPIRES: u8 = 1 << 7;

/// A moment on both clocks: message expiry is kept as the time of day, since nothing else
/// survives the process.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    /// The moment.
    pub instant: Instant,
    /// The same in milliseconds since 1970.
    pub unix_ms: u64,
}

impl WallClock {
    fn unix_ms_of(&self, at: Instant) -> u64 {
        let later = at.saturating_duration_since(self.instant).as_millis() as u64;
        let earlier = self.instant.saturating_duration_since(at).as_millis() as u64;
        self.unix_ms.saturating_add(later).saturating_sub(earlier)
    }

    fn instant_of(&self, unix_ms: u64) -> Instant {
        let moment = match unix_ms.checked_sub(self.unix_ms) {
            Some(later) => self.instant.checked_add(Duration::from_millis(later)),
            None => self.instant.checked_sub(Duration::from_millis(1)),
        };
        moment.unwrap_or(self.instant)
    }
}

/// The journal of a session that is stored.
#[derive(Debug)]
pub struct Journal {
    wall: WallClock,
    /// Messages may take so many bytes.
    maximum: u64,
    bytes: Vec<u8>,
    /// The number of the last operation; of the last that the host has taken, and stored; and of
    /// the last that has to be stored before anything more is sent.
    appended: u64,
    written: u64,
    stored: u64,
    urgent: u64,
    /// How much the records of all messages take.
    live: u64,
    proposed: Vec<Proposed>,
}

/// A message that is not accepted yet.
#[derive(Debug)]
struct Proposed {
    /// The number of its operation.
    number: u64,
    /// Where that begins, while it is not written.
    start: usize,
    entry: Entry,
}

impl Journal {
    /// An empty journal for messages of up to `maximum` bytes altogether.
    pub fn new(wall: WallClock, maximum: u64) -> Self {
        Journal {
            wall,
            maximum,
            bytes: Vec::new(),
            appended: 0,
            written: 0,
            stored: 0,
            urgent: 0,
            live: 0,
            proposed: Vec::new(),
        }
    }

    #[cold]
    pub(super) fn sent(&mut self, id: PacketId) {
        self.urgent(SENT, id);
    }

    #[cold]
    pub(super) fn released(&mut self, id: PacketId, len: usize) {
        self.live = self.live.saturating_sub(len as u64);
        self.urgent(RELEASED, id);
    }

    /// The message is taken out of the queue; it was sent at some time, or never.
    #[cold]
    pub(super) fn ended(&mut self, entry: &Entry, begun: bool) {
        if entry.qos == QoS::AtMostOnce {
            return;
        }
        self.live = self.live.saturating_sub(record_len(entry));
        let operation = match entry.stage {
            Stage::Waiting if begun => DROPPED_AGAIN,
            Stage::Waiting => DROPPED,
            _ => DONE,
        };
        // Should it be forgotten, the server is asked once more, and ends the flow again.
        self.append(operation, entry.packet_id);
    }

    #[cold]
    pub(super) fn session_lost(&mut self, ended: &[Entry]) {
        for entry in ended {
            self.live = self.live.saturating_sub(record_len(entry));
        }
        self.urgent(SESSION_LOST, PacketId::MIN);
    }

    #[cold]
    pub(super) fn received(&mut self, id: PacketId) {
        self.urgent(RECEIVED, id);
    }

    #[cold]
    pub(super) fn completed(&mut self, id: PacketId) {
        self.urgent(COMPLETED, id);
    }

    fn urgent(&mut self, operation: u8, id: PacketId) {
        self.append(operation, id);
        self.urgent = self.appended;
    }

    fn append(&mut self, operation: u8, id: PacketId) {
        put_operation(&mut self.bytes, operation, id);
        self.appended += 1;
        if self.bytes.len() > LAZY {
            self.urgent = self.appended;
        }
    }
}

impl Session {
    /// Whether there are messages that wait to be sent or acknowledged.
    pub fn has_messages(&self) -> bool {
        !self.outbound.is_empty()
    }

    /// Whether what the session does is written down.
    pub fn is_journaled(&self) -> bool {
        self.outbound.journal.is_some()
    }

    /// Begins a journal, with what an earlier process has left; the session is new, and has its
    /// client identifier and protocol version.
    pub fn restore(&mut self, replay: Replay, mut journal: Journal) -> Result<()> {
        let wall = journal.wall;
        let mut restored = Vec::new();
        for (kept, body) in replay.messages.into_iter().zip(replay.bodies) {
            if let Some(kept) = kept {
                let begun = kept.begun;
                let entry = self.restored(kept, &body, &wall)?;
                journal.live += record_len(&entry);
                restored.push((entry, begun));
            }
        }
        for (entry, begun) in restored {
            self.overdrawn |= self.ids.is_used(entry.packet_id);
            self.ids.reserve(entry.packet_id);
            self.outbound.restore(entry, begun);
        }
        self.outbound.rewind();
        for (packet_id, connection) in replay.received {
            self.unreleased.insert(packet_id, connection);
        }
        if let (None, Some(id)) = (&replay.client_id, &self.client_id) {
            put_client_id(&mut journal.bytes, id);
            journal.appended += 1;
        }
        self.outbound.journal = Some(Box::new(journal));
        Ok(())
    }

    fn restored(&mut self, kept: Kept, body: &[u8], wall: &WallClock) -> Result<Entry> {
        let content = if kept.stage == Stage::AwaitPubcomp {
            Content::Released(kept.number)
        } else {
            let packet = Publish::decode(kept.qos.number() << 1, body, kept.version)
                .map_err(|_| damaged("a message that is none"))?;
            if kept.flags & PARTS == 0 {
                self.keep_publish(&packet, kept.packet_id)
            } else {
                let alias = packet.properties.number(PropertyId::TopicAlias);
                let expires = (kept.flags & EXPIRES != 0).then(|| wall.instant_of(kept.number));
                Content::Parts(Box::new(Parts {
                    topic: packet.topic.into(),
                    topic_by_alias: kept.flags & TOPIC_BY_ALIAS != 0,
                    alias: alias.map(|alias| alias as u16),
                    expires,
                    properties: packet.properties.to_buf(),
                    payload: packet.payload.to_vec(),
                }))
            }
        };
        Ok(Entry {
            token: Token::NONE,
            packet_id: kept.packet_id,
            stage: kept.stage,
            qos: kept.qos,
            retain: kept.flags & RETAIN != 0,
            content,
        })
    }

    /// There is a store, and it has no room for a message of about this size.
    pub(super) fn check_room(&self, len: usize) -> Result<()> {
        match &self.outbound.journal {
            Some(journal) if journal.live + (RECORD + len) as u64 > journal.maximum => {
                Err(Error::Io(IoError {
                    operation: "store",
                    errno: ENOSPC,
                    message: "the messages that wait take the most that was allowed".to_owned(),
                }))
            }
            _ => Ok(()),
        }
    }

    /// Writes a message down that is accepted later. Gives it back where there is no journal.
    pub(super) fn propose(&mut self, entry: Entry) -> Option<Entry> {
        if entry.qos == QoS::AtMostOnce {
            return Some(entry);
        }
        let version = self.version;
        // Taken out, since the body is in the queue that has the journal.
        let Some(mut journal) = self.outbound.journal.take() else {
            return Some(entry);
        };
        let start = journal.bytes.len();
        let body = self.outbound.body(&entry.content);
        put_message(&mut journal.bytes, &entry, body, version, &journal.wall);
        journal.appended += 1;
        journal.live += record_len(&entry);
        journal.proposed.push(Proposed {
            number: journal.appended,
            start,
            entry,
        });
        self.outbound.journal = Some(journal);
        None
    }

    /// The proposed messages up to operation `number` are stored: from now on they may be sent.
    pub fn accept(&mut self, number: u64, now: Instant) {
        while let Some(journal) = &mut self.outbound.journal {
            // There are no more than threads that publish.
            match journal.proposed.first() {
                Some(first) if first.number <= number => {
                    let first = journal.proposed.remove(0);
                    self.outbound.push(first.entry);
                }
                _ => break,
            }
        }
        self.send_waiting(now);
    }

    /// The message last proposed, or that of operation `number`, could not be stored: it is
    /// forgotten.
    pub fn refuse(&mut self, number: u64) {
        let Some(journal) = &mut self.outbound.journal else {
            return;
        };
        let is_it = |proposed: &Proposed| proposed.number == number;
        let Some(place) = journal.proposed.iter().position(is_it) else {
            return;
        };
        let proposed = journal.proposed.remove(place);
        if number > journal.written && number == journal.appended {
            journal.bytes.truncate(proposed.start);
            journal.appended -= 1;
            journal.live = journal.live.saturating_sub(record_len(&proposed.entry));
        } else {
            journal.ended(&proposed.entry, false);
        }
        self.outbound.drop_proposed(&proposed.entry.content);
        if !self.overdrawn {
            self.ids.release(proposed.entry.packet_id);
        }
    }

    /// Whether something has to be stored before bytes may be sent.
    #[inline(always)]
    pub fn must_store(&self) -> bool {
        match &self.outbound.journal {
            Some(journal) => journal.urgent > journal.stored,
            None => false,
        }
    }

    /// What the journal has that was not written, and the number of its last operation.
    pub fn unwritten(&self) -> (&[u8], u64) {
        match &self.outbound.journal {
            Some(journal) => (&journal.bytes, journal.appended),
            None => (&[], 0),
        }
    }

    /// What [`Session::unwritten`] gave is written.
    pub fn written(&mut self) {
        if let Some(journal) = &mut self.outbound.journal {
            journal.bytes.clear();
            journal.written = journal.appended;
        }
    }

    /// Everything up to operation `number` is stored as durably as it was asked for.
    pub fn stored(&mut self, number: u64) {
        if let Some(journal) = &mut self.outbound.journal {
            journal.stored = journal.stored.max(number);
        }
    }

    /// How much of what was written is still needed, in bytes.
    pub fn stored_size(&self) -> u64 {
        let journal = self.outbound.journal.as_ref();
        journal.map_or(0, |journal| journal.live)
    }

    /// Ends the journal.
    pub fn forget_journal(&mut self) {
        self.outbound.journal = None;
    }
}

/// The state that operations lead to.
#[derive(Default)]
pub struct Replay {
    client_id: Option<String>,
    messages: Vec<Option<Kept>>,
    /// What they are, in the same places; nothing where `without_bodies`.
    bodies: Vec<Vec<u8>>,
    /// No message before this one waits.
    first_waiting: usize,
    received: HashMap<PacketId, u64>,
    /// The place of the message that was sent with an identifier, plus one.
    sent: Vec<usize>,
    releases: u64,
    /// What the messages are is of no interest, since [`Replay::keep`] reads it again.
    without_bodies: bool,
    /// The place of the next message that `keep` will see.
    next: usize,
}

/// A message as it is stored.
struct Kept {
    packet_id: PacketId,
    qos: QoS,
    stage: Stage,
    /// It was sent at some time.
    begun: bool,
    flags: u8,
    version: ProtocolVersion,
    /// When it expires, or when it was released.
    number: u64,
}

impl Replay {
    /// One that finds out what is superfluous: it is given all operations by [`Replay::apply`], and
    /// then once more by [`Replay::keep`]. It takes 16 bytes a message.
    pub fn without_bodies() -> Self {
        Replay {
            without_bodies: true,
            ..Replay::default()
        }
    }

    /// The client identifier that the state belongs to; `None` in a new store.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Takes operations that were written together.
    pub fn apply(&mut self, mut bytes: &[u8]) -> Result<()> {
        if self.sent.is_empty() {
            self.sent = vec![0; usize::from(u16::MAX) + 1];
        }
        while !bytes.is_empty() {
            let (operation, rest) = split_operation(bytes)?;
            self.operation(operation).ok_or_else(no_operation)?;
            bytes = rest;
        }
        Ok(())
    }

    /// Appends what is needed of these operations to `out`; they lead to the same state as all
    /// that were applied.
    pub fn keep(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        if let Some(id) = self.client_id.take() {
            put_client_id(out, &id);
        }
        for (id, _) in self.received.drain() {
            put_operation(out, RECEIVED, id);
        }
        while !bytes.is_empty() {
            let (operation, rest) = split_operation(bytes)?;
            if operation[0] == MESSAGE {
                if let Some(Some(kept)) = self.messages.get(self.next) {
                    kept.put(operation, out);
                }
                self.next += 1;
            }
            bytes = rest;
        }
        Ok(())
    }

    /// `None` for an operation that is none.
    fn operation(&mut self, bytes: &[u8]) -> Option<()> {
        let (operation, rest) = bytes.split_first()?;
        match *operation {
            MESSAGE => self.message(rest),
            CLIENT_ID => {
                self.client_id = Some(std::str::from_utf8(rest.get(2..)?).ok()?.to_owned());
                Some(())
            }
            operation => {
                let id = PacketId::new(u16::from_be_bytes(*rest.first_chunk()?))?;
                self.change(operation, id)
            }
        }
    }

    fn message(&mut self, bytes: &[u8]) -> Option<()> {
        let (head, body) = bytes.split_first_chunk::<{ RECORD - 1 }>()?;
        let [flags, version, id @ ..] = head;
        let (id, number) = id.split_first_chunk()?;
        let number = u64::from_be_bytes(*number.first_chunk()?);
        let packet_id = PacketId::new(u16::from_be_bytes(*id))?;
        let qos = QoS::new(flags & 3).filter(|qos| *qos != QoS::AtMostOnce)?;
        let stage = match flags >> STAGE_SHIFT & 3 {
            STAGE_SENT => Stage::after_sending(qos),
            STAGE_RELEASED => Stage::AwaitPubcomp,
            _ => Stage::Waiting,
        };
        if stage != Stage::Waiting {
            self.sent[usize::from(packet_id.number())] = self.messages.len() + 1;
        }
        if stage == Stage::AwaitPubcomp {
            // No client counts so far; a damaged log may.
            let number = Some(number).filter(|number| number >> 63 == 0)?;
            self.releases = self.releases.max(number + 1);
        }
        self.messages.push(Some(Kept {
            packet_id,
            qos,
            stage,
            begun: flags >> STAGE_SHIFT & 3 != STAGE_WAITING,
            flags: *flags,
            version: ProtocolVersion::new(*version)?,
            number,
        }));
        if !self.without_bodies {
            self.bodies.push(body.to_vec());
        }
        Some(())
    }

    /// `None` for a change that is none.
    fn change(&mut self, operation: u8, id: PacketId) -> Option<()> {
        let place = self.sent[usize::from(id.number())].wrapping_sub(1);
        match operation {
            SENT if self.messages.get(place).is_none() => {
                let place = self.waiting(id, None);
                if let Some(Some(kept)) = self.messages.get_mut(place) {
                    kept.stage = Stage::after_sending(kept.qos);
                    kept.begun = true;
                    self.sent[usize::from(id.number())] = place + 1;
                }
            }
            SENT => {}
            RELEASED => {
                if let Some(Some(kept)) = self.messages.get_mut(place) {
                    kept.stage = Stage::AwaitPubcomp;
                    kept.number = self.releases;
                    self.releases += 1;
                    self.forget_body(place);
                }
            }
            DONE => {
                if let Some(slot) = self.messages.get_mut(place) {
                    *slot = None;
                    self.sent[usize::from(id.number())] = 0;
                    self.forget_body(place);
                }
            }
            DROPPED | DROPPED_AGAIN => {
                let place = self.waiting(id, Some(operation == DROPPED_AGAIN));
                if let Some(slot) = self.messages.get_mut(place) {
                    *slot = None;
                    self.forget_body(place);
                }
            }
            SESSION_LOST => {
                for slot in &mut self.messages {
                    match slot.as_mut().map(|kept| &mut kept.stage) {
                        Some(Stage::AwaitPubcomp) => *slot = None,
                        Some(stage) => *stage = Stage::Waiting,
                        None => {}
                    }
                }
                self.sent.fill(0);
                self.first_waiting = 0;
                self.received.clear();
            }
            RECEIVED => {
                self.received.insert(id, 0);
            }
            COMPLETED => {
                self.received.remove(&id);
            }
            _ => return None,
        }
        Some(())
    }

    fn forget_body(&mut self, place: usize) {
        if let Some(body) = self.bodies.get_mut(place) {
            *body = Vec::new();
        }
    }

    /// The place of the oldest message with this identifier that waits, and was or was not
    /// `begun`.
    fn waiting(&mut self, id: PacketId, begun: Option<bool>) -> usize {
        let waits =
            |slot: &Option<Kept>| matches!(slot, Some(kept) if kept.stage == Stage::Waiting);
        while self
            .messages
            .get(self.first_waiting)
            .is_some_and(|slot| !waits(slot))
        {
            self.first_waiting += 1;
        }
        let rest = self.messages.get(self.first_waiting..).unwrap_or_default();
        let is_it = |slot: &Option<Kept>| {
            let fits =
                |kept: &Kept| kept.packet_id == id && begun.is_none_or(|begun| begun == kept.begun);
            waits(slot) && slot.as_ref().is_some_and(fits)
        };
        match rest.iter().position(is_it) {
            Some(place) => self.first_waiting + place,
            None => usize::MAX,
        }
    }
}

impl Kept {
    /// Appends the message as it is now; `record` is as it was.
    fn put(&self, record: &[u8], out: &mut Vec<u8>) {
        let stage = stored_stage(self.stage, self.begun) << STAGE_SHIFT;
        let flags = self.flags & !(3 << STAGE_SHIFT) | stage;
        let at = out.len();
        if self.stage == Stage::AwaitPubcomp {
            out.extend_from_slice(&record[..RECORD]);
            out[at + 5..at + 13].copy_from_slice(&self.number.to_be_bytes());
            out[at + 13..].fill(0);
            out[at + 1] = flags & !(PARTS | TOPIC_BY_ALIAS | EXPIRES);
        } else {
            out.extend_from_slice(record);
            out[at + 1] = flags;
        }
    }
}

/// The operation that these bytes begin with, and the rest.
fn split_operation(bytes: &[u8]) -> Result<(&[u8], &[u8])> {
    let number = |at: usize, len: usize| {
        let bytes = bytes.get(at..at + len)?;
        Some(
            bytes
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte)),
        )
    };
    let len = match bytes.first() {
        Some(&MESSAGE) => number(RECORD - 4, 4).map(|len| RECORD + len),
        Some(&CLIENT_ID) => number(1, 2).map(|len| 3 + len),
        _ => Some(3),
    };
    let parts = len.and_then(|len| bytes.split_at_checked(len));
    parts.ok_or_else(no_operation)
}

#[cold]
fn no_operation() -> Error {
    damaged("an operation that is none")
}

fn damaged(what: &'static str) -> Error {
    Error::Caller(CallerError::Store(format!("the store has {what}")))
}

fn put_operation(out: &mut Vec<u8>, operation: u8, id: PacketId) {
    let [high, low] = id.number().to_be_bytes();
    out.extend_from_slice(&[operation, high, low]);
}

fn put_client_id(out: &mut Vec<u8>, id: &str) {
    out.push(CLIENT_ID);
    put_string(out, id);
}

/// How far a message has come, as it is stored.
fn stored_stage(stage: Stage, begun: bool) -> u8 {
    match stage {
        Stage::Waiting if begun => STAGE_AGAIN,
        Stage::Waiting => STAGE_WAITING,
        Stage::AwaitPuback | Stage::AwaitPubrec => STAGE_SENT,
        Stage::AwaitPubcomp => STAGE_RELEASED,
    }
}

/// How long the message's record is, about.
fn record_len(entry: &Entry) -> u64 {
    (RECORD + entry.content.len()) as u64
}

/// `body` is that of a message which is kept as such, in `version`.
fn put_message(
    out: &mut Vec<u8>,
    entry: &Entry,
    body: &[u8],
    version: ProtocolVersion,
    wall: &WallClock,
) {
    // New messages wait.
    let mut flags = entry.qos.number();
    let (mut number, mut version) = (0, version);
    if entry.retain {
        flags |= RETAIN;
    }
    match &entry.content {
        Content::Parts(parts) => {
            version = ProtocolVersion::V5;
            flags |= PARTS;
            if parts.topic_by_alias {
                flags |= TOPIC_BY_ALIAS;
            }
            if let Some(at) = parts.expires {
                flags |= EXPIRES;
                number = wall.unix_ms_of(at);
            }
        }
        Content::Body(_) | Content::Large(_) | Content::Released(_) => {}
    }
    out.extend_from_slice(&[MESSAGE, flags, version.level()]);
    out.extend_from_slice(&entry.packet_id.number().to_be_bytes());
    out.extend_from_slice(&number.to_be_bytes());
    let len_at = out.len();
    out.extend_from_slice(&[0; 4]);
    match &entry.content {
        Content::Parts(parts) => {
            put_string(out, &parts.topic);
            out.extend_from_slice(&entry.packet_id.number().to_be_bytes());
            parts.properties.as_properties().put(out);
            out.extend_from_slice(&parts.payload);
        }
        _ => out.extend_from_slice(body),
    }
    let len = (out.len() - len_at - 4) as u32;
    out[len_at..len_at + 4].copy_from_slice(&len.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_leads_back_to_the_moment() {
        let instant = Instant::now() + Duration::from_secs(1000);
        let wall = WallClock {
            instant,
            unix_ms: 1_000_000,
        };
        let later = instant + Duration::from_secs(5);
        assert_eq!(wall.unix_ms_of(later), 1_005_000);
        assert_eq!(wall.instant_of(1_005_000), later);
        assert_eq!(wall.unix_ms_of(instant - Duration::from_secs(1)), 999_000);
        assert!(wall.instant_of(999_000) < instant);
        assert!(wall.instant_of(u64::MAX) >= instant);
    }

    #[test]
    fn an_operation_that_is_none_is_refused() {
        let texts: [&[u8]; 5] = [
            &[0, 0, 1],
            &[200, 0, 1],
            &[SENT, 0],
            &[MESSAGE, 1, 4],
            &[DONE, 0, 0],
        ];
        for text in texts {
            assert!(Replay::default().apply(text).is_err(), "{text:?}");
        }
    }
}
