//! The protocol machine under any mix of bytes, calls and time: it never panics, all it sends are
//! packets that a client may send, no identifier twice in flight, and each accepted message has
//! one outcome.

use std::collections::HashSet;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mqttrs::codec::{AckKind, Frame, Packet, Place, Properties, SubscriptionOptions};
use mqttrs::session::{
    ConnectRequest, DrainMark, Logging, Outcome, Overflow, Publication, QueueOptions, Session,
    SessionEvent, State, TransmitBuf,
};
use mqttrs::types::{PacketId, ProtocolVersion, QoS, ReasonCode};

use super::script::Script;

pub fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let mut world = World::new(script.byte());
    while !script.rest.is_empty() {
        world.step(&mut script);
    }
    world.pump();
    world.end();
}

/// A message that was accepted.
#[derive(Debug)]
struct Message {
    id: PacketId,
    qos: QoS,
    number: usize,
}

struct World {
    session: Session,
    version: ProtocolVersion,
    now: Instant,
    inbox: Vec<u8>,
    written: Vec<u8>,
    /// Identifiers on the wire whose end the program has not heard.
    in_flight: HashSet<PacketId>,
    requests: HashSet<PacketId>,
    /// Messages without an outcome, and how many there were at all.
    open: Vec<Message>,
    accepted: usize,
    /// All messages before this number are waited for.
    drain: Option<(DrainMark, usize)>,
}

impl World {
    fn new(seed: u8) -> World {
        // One for all: no input depends on the time of day.
        static START: OnceLock<Instant> = OnceLock::new();
        let now = *START.get_or_init(Instant::now);
        let version = [
            ProtocolVersion::V31,
            ProtocolVersion::V311,
            ProtocolVersion::V5,
        ][usize::from(seed % 3)];
        let mut session = Session::new((seed & 64 == 0).then(|| "fuzz".into()), now);
        session.set_logging(if seed & 128 != 0 {
            Logging::Records
        } else {
            Logging::Off
        });
        session.set_outcomes(true);
        World {
            session,
            version,
            now,
            inbox: Vec::new(),
            written: Vec::new(),
            in_flight: HashSet::new(),
            requests: HashSet::new(),
            open: Vec::new(),
            accepted: 0,
            drain: None,
        }
    }

    fn step(&mut self, script: &mut Script<'_>) {
        match script.byte() % 20 {
            0 => self.connect(script),
            1..=4 => {
                self.inbox.extend(script.bytes());
                self.read();
            }
            5 => self.connack(script),
            6..=8 => self.publish(script),
            9 => {
                let (filter, options) = (
                    script.text(),
                    SubscriptionOptions::new(script.byte() & 0x2F),
                );
                let properties = script.properties();
                if let Some(options) = options {
                    let _ = self.session.subscribe(
                        &[(filter, options)],
                        properties.as_properties(),
                        |_| (),
                    );
                }
            }
            10 => {
                let properties = script.properties();
                let _ =
                    self.session
                        .unsubscribe(&[script.text()], properties.as_properties(), |_| ());
            }
            11 => {
                let properties = script.properties();
                let data = script.bytes();
                let _ = self.session.authenticate(
                    script.text(),
                    Some(data),
                    properties.as_properties(),
                );
            }
            12 => {
                let properties = script.properties();
                // Those that a client may give; whether one does is the program's business.
                const REASONS: [u8; 6] = [0, 4, 0x80, 0x81, 0x93, 0x99];
                let reason = ReasonCode(REASONS[usize::from(script.byte()) % REASONS.len()]);
                let _ = self
                    .session
                    .disconnect(reason, properties.as_properties(), self.now);
            }
            13 => {
                self.now += Duration::from_millis(u64::from(script.byte()) * 1_000);
                let _ = self.session.handle_timeout(self.now);
            }
            14 => {
                self.session
                    .set_send_maximum(script.byte().into(), self.now);
            }
            15 => self.close(),
            16 | 17 => {
                let policies = [
                    Overflow::Refuse,
                    Overflow::DropOldest,
                    Overflow::DropAtMostOnce,
                ];
                let options = QueueOptions {
                    max_messages: usize::from(script.byte() % 6),
                    max_bytes: usize::from(script.byte()),
                    overflow: policies[usize::from(script.byte()) % 3],
                    keep_at_most_once: script.flag(),
                    wait: Duration::ZERO,
                };
                self.session
                    .set_queue((script.byte() > 20).then_some(options));
            }
            18 => match script.byte() % 4 {
                0 => self.session.clear_queue(),
                1 => self.session.set_resubscribe(script.flag()),
                2 => self.session.set_automatic_topic_aliases(script.flag()),
                _ => {
                    let patience = Duration::from_secs(script.byte().into());
                    let _ = self.session.probe(patience, self.now);
                }
            },
            _ => self.drain = Some((self.session.drain_mark(), self.accepted)),
        }
        if script.byte() & 1 == 0 {
            self.pump();
        }
    }

    /// Where nothing more can come of a message, each that is left is named.
    fn end(mut self) {
        self.poll_events();
        for id in self.session.take_all() {
            self.ended(id, None);
        }
        assert!(self.open.is_empty(), "no outcome: {:?}", self.open);
    }

    fn ended(&mut self, id: PacketId, outcome: Option<Outcome>) {
        let fits = |message: &Message| match outcome {
            Some(Outcome::Sent | Outcome::ConnectionLost) => message.qos == QoS::AtMostOnce,
            Some(Outcome::Acknowledged | Outcome::SessionLost) => message.qos != QoS::AtMostOnce,
            _ => true,
        };
        let is_it = |message: &Message| message.id == id && fits(message);
        let Some(place) = self.open.iter().position(is_it) else {
            panic!("{outcome:?} for nothing: {id} of {:?}", self.open);
        };
        self.open.remove(place);
    }

    fn close(&mut self) {
        self.session.handle_closed(None);
        self.inbox.clear();
        self.written.clear();
        self.requests.clear();
    }

    fn connect(&mut self, script: &mut Script<'_>) {
        if self.session.state() != State::Offline {
            return;
        }
        // What an older connection left behind is told before the next begins.
        self.pump();
        if script.byte() % 8 == 0 {
            self.version = [
                ProtocolVersion::V31,
                ProtocolVersion::V311,
                ProtocolVersion::V5,
            ][usize::from(script.byte() % 3)];
        }
        let properties = script.properties();
        let _ = self.session.connect(
            &ConnectRequest {
                version: self.version,
                clean_start: script.byte() & 1 == 0,
                keep_alive: script.byte().into(),
                properties: &properties,
                will: None,
                username: None,
                password: None,
                receive_maximum: script.byte().into(),
            },
            self.now,
        );
    }

    /// A CONNACK that is well formed, for without one nothing else is reached.
    fn connack(&mut self, script: &mut Script<'_>) {
        let properties = script.properties();
        if properties.check(Place::Connack).is_err() {
            return;
        }
        let connack = mqttrs::codec::Connack {
            session_present: script.byte() & 1 == 1,
            code: 0,
            properties: properties.as_properties(),
        };
        Packet::Connack(connack).encode(&mut self.inbox, self.version);
        self.read();
    }

    fn publish(&mut self, script: &mut Script<'_>) {
        let properties = script.properties();
        let empty = script.byte() & 1 == 0;
        let (topic, payload) = (script.text(), script.bytes());
        let qos = QoS::new(script.byte() % 3).unwrap();
        let accepted = self.session.publish(
            &Publication {
                topic,
                payload,
                qos,
                retain: script.byte() & 1 == 1,
                properties: if empty {
                    Properties::EMPTY
                } else {
                    properties.as_properties()
                },
            },
            self.now,
            |_| (),
        );
        if let Ok(id) = accepted {
            let number = self.accepted;
            self.open.push(Message { id, qos, number });
            self.accepted += 1;
        }
    }

    fn read(&mut self) {
        loop {
            self.poll_events();
            match self.session.handle_input(&self.inbox, self.now) {
                Ok(Some(step)) => {
                    if let Some(delivery) = step.delivery {
                        let _ = &self.inbox[delivery.topic];
                        let _ = &self.inbox[delivery.properties];
                        let _ = &self.inbox[delivery.payload];
                    }
                    self.inbox.drain(..step.consumed);
                }
                Ok(None) => return,
                Err(error) => {
                    self.pump();
                    self.session.handle_closed(Some(error));
                    self.close();
                    return;
                }
            }
        }
    }

    fn poll_events(&mut self) {
        while self.session.has_events() {
            match self.session.poll_event(self.now) {
                Some(SessionEvent::Published { packet_id, .. }) => {
                    self.in_flight.remove(&packet_id);
                }
                Some(SessionEvent::Outcome {
                    packet_id, outcome, ..
                }) => self.ended(packet_id, Some(outcome)),
                Some(
                    SessionEvent::Subscribed { packet_id, .. }
                    | SessionEvent::Unsubscribed { packet_id, .. },
                ) => {
                    self.requests.remove(&packet_id);
                }
                Some(SessionEvent::Connected {
                    code: 0,
                    session_present: false,
                    ..
                }) => {
                    // Nothing sent before is in flight in a new session.
                    self.in_flight.clear();
                }
                _ => {}
            }
        }
        if let Some((mark, before)) = &mut self.drain {
            if self.session.is_drained(mark) {
                let before = *before;
                // Two with one identifier are told apart by nobody.
                let is_late = |message: &&Message| {
                    let same = self.open.iter().filter(|other| other.id == message.id);
                    message.number < before && same.count() == 1
                };
                let late = self.open.iter().find(is_late);
                assert!(late.is_none(), "drained before the end of {late:?}");
                self.drain = None;
            }
        }
    }

    fn pump(&mut self) {
        loop {
            self.poll_events();
            let mut out = TransmitBuf::default();
            self.session.poll_transmit(&mut out);
            if out.is_empty() {
                break;
            }
            self.written.extend(out.to_vec());
            self.session.transmitted(out.len(), self.now);
        }
        let written = std::mem::take(&mut self.written);
        let mut rest = &written[..];
        while !rest.is_empty() {
            let frame = Frame::parse(rest, usize::MAX)
                .unwrap()
                .expect("half a packet was sent");
            let packet = Packet::decode(&frame, self.session.version()).unwrap();
            self.judge(&packet);
            rest = &rest[frame.len..];
        }
    }

    fn judge(&mut self, packet: &Packet<'_>) {
        match packet {
            Packet::Publish(publish) => {
                if let Some(id) = publish.packet_id {
                    assert!(!self.requests.contains(&id));
                    assert!(
                        self.in_flight.insert(id) || publish.dup,
                        "{id} is in flight twice"
                    );
                }
            }
            Packet::Subscribe(subscribe) => self.judge_request(subscribe.packet_id),
            Packet::Unsubscribe(unsubscribe) => self.judge_request(unsubscribe.packet_id),
            Packet::Ack(ack) if ack.kind == AckKind::Pubrel => {}
            Packet::Ack(_) | Packet::Connect(_) | Packet::Pingreq => {}
            Packet::Disconnect(_) | Packet::Auth(_) => {}
            other => panic!("{other:?} from a client"),
        }
    }

    fn judge_request(&mut self, id: PacketId) {
        assert!(!self.in_flight.contains(&id));
        assert!(self.requests.insert(id), "{id} asks twice");
    }
}
