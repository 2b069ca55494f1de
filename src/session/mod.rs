//! The protocol machine, without socket, clock, thread or randomness.
//!
//! A host feeds it bytes and the time, and drains its outputs:
//!
//! - [`Session::connect`] and the other commands queue packets and change state;
//! - [`Session::handle_input`] takes received bytes, one packet a call;
//! - [`Session::handle_timeout`] is due at [`Session::poll_timeout`];
//! - [`Session::poll_transmit`] hands out bytes to send, [`Session::transmitted`]
//!   reports how many went out;
//! - [`Session::poll_event`] tells what happened;
//! - [`Session::handle_closed`] says that the network connection is gone.
//!
//! A session outlives its connections: messages of QoS 1 and 2 that were accepted
//! and not acknowledged are sent again on the next one.

mod aliases;
mod bodies;
mod commands;
mod event;
mod event_queue;
mod inbound;
mod journal;
mod keep_alive;
mod log;
pub(crate) mod log_events;
mod manual_ack;
mod outbound;
mod packet_id_map;
mod packet_ids;
mod plain;
mod publish;
mod publish_body;
mod publish_plain;
mod queue_limits;
mod send;
mod stats;
mod subscriptions;
mod throttle;
mod token_bucket;
mod tokens;
mod transmit;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

pub use commands::ConnectRequest;
pub use event::{Delivery, SessionEvent, Step};
pub use journal::{Journal, Replay, WallClock};
pub use log::{LogRecord, LogValue, Logging};
pub use log_events::{LogEvent, LOG_EVENTS};
pub use manual_ack::AckMode;
pub use plain::{PlainReader, AT_LEAST_ONCE, AT_MOST_ONCE};
pub use publish::Publication;
pub use queue_limits::{DrainMark, Outcome, Overflow, QueueOptions};
pub use stats::{DropReason, Flow, RoundTrip, Stats};
pub use token_bucket::{Excess, ThrottleOptions};
pub use tokens::{Done, Token};
pub use transmit::TransmitBuf;

use crate::codec::{Ack, AckKind, Disconnect, Packet, Properties, PropertyBuf, PropertyId};
use crate::error::{CallerError, Error, PeerError, Result};
use crate::types::{PacketId, ProtocolVersion, QoS, ReasonCode};
use aliases::{InboundAliases, OutboundAliases};
use event_queue::EventQueue;
use keep_alive::{Due, KeepAlive};
pub(crate) use log::log;
use manual_ack::ManualAck;
use outbound::Outbound;
use packet_id_map::PacketIdMap;
use packet_ids::PacketIds;
use subscriptions::Subscriptions;
use throttle::Throttles;
use tokens::Tracked;

/// Packets larger than this are refused unless CONNECT announced another Maximum
/// Packet Size: 128 MiB. Memory is taken as bytes arrive, never on a length's word.
pub const DEFAULT_MAXIMUM_PACKET_SIZE: usize = 128 * 1024 * 1024;

/// The size of a DISCONNECT with a reason code and no properties.
const DISCONNECT_WITH_REASON: usize = 3;

/// How long a peer may take nothing of what is to be sent before the connection closes,
/// DISCONNECT included.
pub const CLOSING_STALL_LIMIT: Duration = Duration::from_secs(10);

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No connection. Next: `Connecting`, by [`Session::connect`].
    Offline,
    /// CONNECT is queued or sent. Next: `Connected` with an accepting CONNACK; `Closing`
    /// with a refusal, an error or [`Session::disconnect`]; `Offline` when the network fails.
    Connecting,
    /// CONNACK accepted us. Next: `Closing` with DISCONNECT from either side or an
    /// error; `Offline` when the network fails.
    Connected,
    /// What is queued is still to be sent, then the network connection closes.
    /// Next: `Offline`.
    Closing,
}

/// What the server's CONNACK allows (MQTT 5.0 section 3.2.2.3).
#[derive(Debug, Clone, Copy)]
struct ServerLimits {
    receive_maximum: u16,
    maximum_qos: QoS,
    retain_available: bool,
    maximum_packet_size: u32,
}

impl Default for ServerLimits {
    fn default() -> Self {
        ServerLimits {
            receive_maximum: u16::MAX,
            maximum_qos: QoS::ExactlyOnce,
            retain_available: true,
            maximum_packet_size: u32::MAX,
        }
    }
}

/// A SUBSCRIBE or UNSUBSCRIBE without its answer, and its number of filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    Subscribe(usize),
    Unsubscribe(usize),
}

/// The protocol state of one client.
#[derive(Debug)]
pub struct Session {
    state: State,
    version: ProtocolVersion,
    /// As the program gave it, or as the server assigned it.
    client_id: Option<String>,
    clean_start: bool,
    /// The session expiry interval CONNECT asked for, 0 below MQTT 5.
    session_expiry: u32,
    authentication_method: Option<String>,
    /// A re-authentication is going on.
    authenticating: bool,
    keep_alive: KeepAlive,
    server: ServerLimits,
    /// The program's window for its own messages; 0 for half of the identifiers.
    send_maximum: u16,
    receive_maximum: u16,
    maximum_packet_size: usize,
    transmit: TransmitBuf,
    /// Bytes queued since the connection began.
    queued: u64,
    /// Bytes sent since the connection began.
    sent: u64,
    unwritten: Unwritten,
    tracked: Option<Box<Tracked>>,
    answers: Answers,
    /// How much may wait, if that has a limit.
    queue: Option<Box<QueueOptions>>,
    /// How much memory messages may take without these.
    memory: usize,
    /// How fast messages may come and go, if that has a limit.
    throttles: Option<Box<Throttles>>,
    /// Each accepted message has one [`SessionEvent::Outcome`].
    outcomes: bool,
    events: EventQueue,
    /// The accepting CONNACK was handed out as an event, or not even that: queued
    /// messages are sent when the program has heard of it.
    resume: Resume,
    ids: PacketIds,
    /// More messages wait, or did since there was none, than there are identifiers, so that
    /// several may have the same.
    overdrawn: bool,
    requests: PacketIdMap<Request>,
    /// Kept where they are to be made again; see [`Session::set_resubscribe`].
    subscriptions: Option<Box<Subscriptions>>,
    outbound: Outbound,
    outbound_aliases: OutboundAliases,
    inbound_aliases: InboundAliases,
    /// QoS 2 messages delivered and not yet released by PUBREL.
    /// Each with the number of the connection it last came on.
    unreleased: PacketIdMap<u64>,
    /// How many of these came on this connection: what our Receive Maximum counts.
    outstanding: i32,
    /// Where the session does not acknowledge by itself.
    manual_ack: Option<Box<ManualAck>>,
    /// The number of this connection.
    connection: u64,
    server_disconnect: PropertyBuf,
    /// CONNACK refused the connection, and the program can still say goodbye.
    refused: bool,
    logging: bool,
    /// Log records have fields, and not only lines are made.
    log_records: bool,
    /// Boxed, as who counts has the mutex and many clients count little.
    stats: Box<Stats>,
}

/// QoS 0 messages that are not fully written out.
#[derive(Debug, Default)]
struct Unwritten {
    /// For each, in 48 bits, where in what was queued on this connection it ends, and its
    /// packet identifier.
    messages: Vec<u64>,
    /// How many at the front are written.
    done: usize,
    /// The bytes of those that [`QueueOptions`] limit.
    bytes: u64,
}

/// With so many bytes on their way, see [`Session::is_far_ahead`].
const FAR_AHEAD: usize = 512 * 1024;

/// How many answers to the server may be on their way. They are of four bytes mostly, and each
/// connection takes far more than a million bytes before it is full.
const MOST_OWED: u32 = 256 * 1024;

/// The answers that the network has not taken, roughly: they are counted in portions, of which
/// the older one goes when all that was queued with it is out.
#[derive(Debug, Default)]
struct Answers {
    /// Where in what was queued on this connection the present portion began.
    begun_at: u64,
    /// How many packets that are no messages were queued until then, in all.
    begun: u32,
    /// And how many until the portion before began.
    taken: u32,
}

impl Answers {
    /// How many there are at most, if so many packets that are no messages were queued.
    fn owed(&self, queued: u64) -> u32 {
        (queued as u32).wrapping_sub(self.taken)
    }

    /// The network took what was queued up to `sent`.
    #[inline(always)]
    fn transmitted(&mut self, sent: u64, queued: u64, answers: u64) {
        if sent >= self.begun_at {
            self.taken = if sent == queued {
                answers as u32
            } else {
                self.begun
            };
            self.begun = answers as u32;
            self.begun_at = queued;
        }
    }

    /// A new connection begins.
    fn clear(&mut self, answers: u64) {
        *self = Answers {
            begun_at: 0,
            begun: answers as u32,
            taken: answers as u32,
        };
    }
}

impl Unwritten {
    #[inline(always)]
    fn push(&mut self, end: u64, id: PacketId) {
        self.messages.push(end << 16 | u64::from(id.number()));
    }

    /// How many there are.
    fn len(&self) -> usize {
        self.messages.len() - self.done
    }

    /// Takes them all out.
    fn take(&mut self) -> impl Iterator<Item = PacketId> + Clone {
        let Unwritten { messages, done, .. } = std::mem::take(self);
        messages.into_iter().skip(done).map(id_of)
    }

    /// Moves the messages that end before or at `sent` to the events.
    fn written(&mut self, sent: u64, events: &mut EventQueue, outcomes: bool) {
        let last = sent << 16 | 0xffff;
        let waiting = &self.messages[self.done..];
        let count = match waiting.last() {
            Some(newest) if *newest <= last => waiting.len(),
            _ => waiting.partition_point(|message| *message <= last),
        };
        let ids = waiting[..count].iter().copied().map(id_of);
        if outcomes {
            events.push_published(ids.clone());
            events.push_outcomes(Outcome::Sent, ids);
        } else {
            events.push_published(ids);
        }
        self.done += count;
        if self.done == self.messages.len() {
            self.messages.clear();
            self.done = 0;
            self.bytes = 0;
        } else if self.done > self.messages.len() / 2 {
            self.messages.drain(..self.done);
            self.done = 0;
        }
    }
}

fn id_of(message: u64) -> PacketId {
    PacketId::new(message as u16).unwrap_or(PacketId::MIN)
}

/// See [`Session::resume`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resume {
    /// Queued messages may be sent.
    Running,
    /// Not before CONNACK, and its event, were handed out.
    Held,
    /// The event is with the program now.
    Announced,
}

impl Session {
    /// A session for this client identifier (`None`: the server or, in MQTT 3.1, the
    /// host of this session makes one up).
    pub fn new(client_id: Option<String>, now: Instant) -> Self {
        Session {
            state: State::Offline,
            version: ProtocolVersion::V311,
            client_id,
            clean_start: true,
            session_expiry: 0,
            authentication_method: None,
            authenticating: false,
            keep_alive: KeepAlive::new(0, now),
            server: ServerLimits::default(),
            send_maximum: 20,
            receive_maximum: 20,
            maximum_packet_size: DEFAULT_MAXIMUM_PACKET_SIZE,
            transmit: TransmitBuf::default(),
            queued: 0,
            sent: 0,
            unwritten: Unwritten::default(),
            tracked: None,
            answers: Answers::default(),
            queue: None,
            throttles: None,
            memory: queue_limits::MEMORY,
            outcomes: false,
            events: EventQueue::default(),
            resume: Resume::Held,
            ids: PacketIds::default(),
            overdrawn: false,
            requests: PacketIdMap::default(),
            subscriptions: None,
            outbound: Outbound::default(),
            outbound_aliases: OutboundAliases::default(),
            inbound_aliases: InboundAliases::default(),
            unreleased: PacketIdMap::default(),
            outstanding: 0,
            manual_ack: None,
            connection: 0,
            server_disconnect: PropertyBuf::new(),
            refused: false,
            logging: false,
            log_records: false,
            stats: Box::default(),
        }
    }

    /// Where the connection stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// The protocol version of the current or last connection.
    pub const fn version(&self) -> ProtocolVersion {
        self.version
    }

    /// The client identifier in use, also one that the server assigned.
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref()
    }

    /// Sets the protocol version for connections to come: what is published until then
    /// may say what that version can. Does nothing while there is a connection.
    pub fn set_version(&mut self, version: ProtocolVersion) {
        if self.state == State::Offline && self.version != version {
            self.convert_waiting(version);
            self.version = version;
        }
    }

    /// Sets the client identifier for connections to come.
    pub fn set_client_id(&mut self, client_id: Option<String>) {
        self.client_id = client_id;
    }

    /// The largest packet accepted from the server.
    pub const fn maximum_packet_size(&self) -> usize {
        self.maximum_packet_size
    }

    /// Which [`SessionEvent::Log`] events are made.
    pub fn set_logging(&mut self, logging: Logging) {
        self.logging = logging.is_on();
        self.log_records = logging == Logging::Records;
    }

    /// Whether PUBLISH packets get topic aliases without the program's doing, where an
    /// MQTT 5 server takes them; off by default. Takes effect at once.
    pub fn set_automatic_topic_aliases(&mut self, on: bool) {
        self.outbound_aliases.set_automatic(on);
    }

    /// Sets the window for our own QoS 1 and 2 messages, 0 for no limit but half of
    /// the packet identifiers; takes effect at once.
    pub fn set_send_maximum(&mut self, maximum: u16, now: Instant) {
        self.send_maximum = maximum;
        self.send_waiting(now);
    }

    /// Whether a message that waits to be sent may expire or has a limit of speed, so that the
    /// right time matters to whatever may send it.
    pub const fn needs_time(&self) -> bool {
        self.outbound.has_parts() || self.throttles.is_some()
    }

    /// Takes the next event.
    pub fn poll_event(&mut self, now: Instant) -> Option<SessionEvent> {
        if self.resume == Resume::Announced {
            // The program has heard of the connection, and what it sent from its
            // callback is queued: now what had to wait follows.
            self.resume = Resume::Running;
            self.resubscribe();
            self.send_waiting(now);
        }
        let event = self.events.pop();
        // An event that an earlier connection left behind says nothing about this one.
        if self.state == State::Connected
            && matches!(event, Some(SessionEvent::Connected { code: 0, .. }))
        {
            self.resume = Resume::Announced;
        }
        event
    }

    /// Takes the messages that were published with success and nothing more to be said of
    /// them, if these are the next events.
    pub fn poll_published(&mut self) -> Option<VecDeque<PacketId>> {
        if self.resume == Resume::Announced {
            return None; // first what [`Session::poll_event`] has to do
        }
        self.events.pop_published()
    }

    /// Whether an event waits.
    pub fn has_events(&self) -> bool {
        !self.events.is_empty() || self.resume == Resume::Announced
    }

    /// Whether no other events wait than those of [`Session::poll_published`].
    pub fn has_only_published(&self) -> bool {
        self.resume != Resume::Announced && self.events.has_only_published()
    }

    /// Whether the next event is a log line.
    pub fn next_is_log(&self) -> bool {
        self.events.next_is_log()
    }

    /// Whether bytes wait to be sent.
    pub fn has_transmit(&self) -> bool {
        !self.transmit.is_empty()
    }

    /// Whether so much is to be sent that there is no sense in adding to it before some was.
    #[inline(always)]
    pub fn is_far_ahead(&self) -> bool {
        self.transmit.closed_len() >= FAR_AHEAD
    }

    /// Moves the bytes to send behind those in `into`.
    pub fn poll_transmit(&mut self, into: &mut TransmitBuf) {
        into.take_from(&mut self.transmit);
    }

    /// `count` bytes of those handed out were sent.
    pub fn transmitted(&mut self, count: usize, now: Instant) {
        if count == 0 {
            return;
        }
        self.keep_alive.sent(now);
        self.sent += count as u64;
        self.stats.bytes_sent += count as u64;
        self.stats.round_trip.transmitted(self.sent, now);
        self.unwritten
            .written(self.sent, &mut self.events, self.outcomes);
        self.tell_written();
        self.answers
            .transmitted(self.sent, self.queued, self.stats.control_sent);
        if self.outbound.waiting_at_most_once() > 0 {
            self.send_waiting(now);
        }
    }

    /// Whether the server has so many answers to take that it had better be read from no more
    /// until it takes some: it sends and does not read.
    pub fn owes_much(&self) -> bool {
        self.answers.owed(self.stats.control_sent) > MOST_OWED
    }

    /// Gives memory back that is kept for many messages to come.
    pub fn shrink(&mut self) {
        self.transmit.shrink();
        self.outbound.shrink();
        self.unreleased.shrink();
        self.unwritten.messages.shrink_to_fit();
    }

    /// Bytes arrived that were taken without [`Session::handle_input`].
    pub fn received(&mut self, now: Instant) {
        self.keep_alive.received(now);
    }

    /// When [`Session::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.state {
            State::Connecting | State::Connected => match &self.throttles {
                None => self.keep_alive.deadline(),
                Some(throttles) => {
                    let due = [self.keep_alive.deadline(), throttles.deadline()];
                    due.into_iter().flatten().min()
                }
            },
            State::Closing => Some(self.keep_alive.last_sent() + CLOSING_STALL_LIMIT),
            State::Offline => None,
        }
    }

    /// Does what is due: a PINGREQ, or giving the peer up, or sending what may go now.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<()> {
        match self.state {
            State::Connecting | State::Connected => self.handle_throttle_timeout(now),
            // The peer takes nothing any more: it shall not keep us from leaving.
            State::Closing if self.poll_timeout().is_some_and(|due| now >= due) => {
                return Err(Error::Peer(PeerError::ConnectionLost));
            }
            State::Closing | State::Offline => return Ok(()),
        }
        match self.keep_alive.due(now) {
            Due::Nothing => Ok(()),
            Due::Ping => {
                self.keep_alive.pinged(now);
                self.queue(&Packet::Pingreq);
                log!(self, PINGREQ_SENT);
                Ok(())
            }
            Due::PeerGone => Err(self.fail(Error::Peer(PeerError::KeepAliveTimeout))),
        }
    }

    /// Sends PINGREQ now; a server that gives no sign of life within `patience` is given up.
    ///
    /// # Errors
    ///
    /// `NotConnected` without an accepted connection.
    pub fn probe(&mut self, patience: Duration, now: Instant) -> Result<()> {
        if self.state != State::Connected {
            return Err(Error::Caller(CallerError::NotConnected));
        }
        self.keep_alive.probed(patience, now);
        self.queue(&Packet::Pingreq);
        log!(self, PINGREQ_SENT);
        Ok(())
    }

    /// The network connection is gone: `error` says why, `None` when it was closed after
    /// [`Session::disconnect`].
    pub fn handle_closed(&mut self, error: Option<Error>) {
        if self.state == State::Offline {
            return;
        }
        self.abandon();
        self.stats.disconnects += 1;
        self.stats.last_disconnect.clone_from(&error);
        self.events.push(SessionEvent::Disconnected {
            error,
            properties: std::mem::take(&mut self.server_disconnect),
        });
    }

    /// The host gives the connection up for another one: as [`Session::handle_closed`],
    /// without an event.
    pub fn abandon(&mut self) {
        self.state = State::Offline;
        self.refused = false;
        self.resume = Resume::Held;
        self.transmit.clear();
        self.count_dropped(DropReason::ConnectionLost, self.unwritten.len());
        self.stats.round_trip.forget();
        let unwritten = self.unwritten.take();
        if self.logging {
            for packet_id in unwritten.clone() {
                log!(self, MESSAGE_DROPPED, packet_id, Outcome::ConnectionLost);
            }
        }
        if self.outcomes {
            self.events
                .push_outcomes(Outcome::ConnectionLost, unwritten);
        }
        self.outbound.rewind();
        self.suspend_held();
        self.stop_throttles();
        for packet_id in self.requests.clear() {
            self.ids.release(packet_id);
        }
        self.tell_connection_lost();
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.disconnected();
        }
    }

    /// Ends the connection because of `error`: an MQTT 5 server is told why
    /// (MQTT 5.0 section 4.13). Gives the error back.
    pub(crate) fn fail(&mut self, error: Error) -> Error {
        if matches!(self.state, State::Connecting | State::Connected) {
            if let (ProtocolVersion::V5, Some(reason)) = (self.version, error.reason_code()) {
                if self.check_size(DISCONNECT_WITH_REASON).is_ok() {
                    self.queue(&Packet::Disconnect(Disconnect {
                        reason,
                        properties: Properties::EMPTY,
                    }));
                    log!(self, DISCONNECT_SENT_FOR_ERROR, reason);
                }
            }
            self.state = State::Closing;
        }
        error
    }

    /// Puts an event of the host's own behind those that wait.
    pub(crate) fn mark(&mut self) {
        self.events.push(SessionEvent::Mark);
    }

    /// Puts another event of the host's own behind those that wait.
    pub(crate) fn remind(&mut self) {
        self.events.push(SessionEvent::Reminder);
    }

    /// The number of the current or last connection.
    pub(crate) const fn connection(&self) -> u64 {
        self.connection
    }

    /// The servers that the server's DISCONNECT named (MQTT 5.0 section 4.11).
    pub(crate) fn server_reference(&self) -> Option<&str> {
        let properties = self.server_disconnect.as_properties();
        properties.string(PropertyId::ServerReference)
    }

    #[inline(always)]
    fn queue_ack(&mut self, kind: AckKind, packet_id: PacketId, reason: ReasonCode) {
        if self.logging {
            self.log_ack_sent(kind, packet_id, reason);
        }
        if reason != ReasonCode::SUCCESS {
            return self.queue(&Packet::Ack(Ack::new(kind, packet_id, reason)));
        }
        // In all versions nothing follows the identifier then.
        self.queue_acks(&kind.success(packet_id));
    }

    /// Queues acknowledgements of success as they are sent.
    fn queue_acks(&mut self, acks: &[u8]) {
        self.transmit.open_segment().extend_from_slice(acks);
        self.queued += acks.len() as u64;
        self.stats.control_sent += (acks.len() / AckKind::SUCCESS_LEN) as u64;
    }

    fn queue(&mut self, packet: &Packet<'_>) {
        let before = self.transmit.len();
        self.transmit
            .append_with(|out| packet.encode(out, self.version));
        self.queued += (self.transmit.len() - before) as u64;
        self.stats.control_sent += 1;
    }

    /// Whether a packet of this size may be sent to the server.
    fn check_size(&self, len: usize) -> Result<()> {
        if len > self.server.maximum_packet_size as usize {
            Err(Error::Caller(CallerError::OversizePacket))
        } else {
            Ok(())
        }
    }
}
