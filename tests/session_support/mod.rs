//! The protocol machine on a bench: bytes in, bytes and events out, and a clock that
//! stands still until a test moves it.

#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod model_broker;
pub mod packets;
pub mod rng;

use std::time::{Duration, Instant};

use mqttrs::codec::{Properties, PropertyBuf, PropertyId, SubscriptionOptions, Value};
use mqttrs::error::{Error, PeerError, Result};
use mqttrs::session::{ConnectRequest, Publication, Session, SessionEvent, State, TransmitBuf};
use mqttrs::types::{PacketId, ProtocolVersion, QoS, ReasonCode};

use super::support::packet::{connack, connect, Version};
use super::support::prop::Prop;

/// What the program got to hear, in order.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    Event(SessionEvent),
    Message(Received),
}

/// A message as the program got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub mid: u16,
    pub retain: bool,
    pub dup: bool,
    /// The encoded properties, without their length.
    pub properties: Vec<u8>,
}

/// A message with these fields and no flag set.
pub fn received(topic: &str, payload: &[u8], qos: u8, mid: u16) -> Seen {
    Seen::Message(Received {
        topic: topic.into(),
        payload: payload.into(),
        qos,
        mid,
        retain: false,
        dup: false,
        properties: Vec::new(),
    })
}

/// The outcome of a published message.
pub fn published(mid: u16, reason: ReasonCode) -> Seen {
    Seen::Event(SessionEvent::Published {
        packet_id: id(mid),
        reason,
        properties: PropertyBuf::new(),
    })
}

/// A packet identifier.
pub fn id(number: u16) -> PacketId {
    PacketId::new(number).unwrap()
}

/// The crate's name of a version.
pub fn protocol(version: Version) -> ProtocolVersion {
    ProtocolVersion::new(version.level()).unwrap()
}

/// Properties in the crate's form.
pub fn buf(props: &[Prop]) -> PropertyBuf {
    let mut buf = PropertyBuf::new();
    for prop in props {
        let (number, value) = match prop {
            Prop::Byte(number, value) => (*number, Value::Byte(*value)),
            Prop::U16(number, value) => (*number, Value::U16(*value)),
            Prop::U32(number, value) => (*number, Value::U32(*value)),
            Prop::VarInt(number, value) => (*number, Value::VarInt(*value)),
            Prop::Binary(number, value) => (*number, Value::Binary(value)),
            Prop::Str(number, value) => (*number, Value::String(value)),
            Prop::Pair(name, value) => (38, Value::Pair(name, value)),
        };
        buf.push(PropertyId::new(number.into()).unwrap(), value)
            .unwrap();
    }
    buf
}

/// Cuts bytes into packets; they must end with one.
pub fn packets(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let len = packet_len(bytes).expect("the client sent half a packet");
        out.push(bytes[..len].to_vec());
        bytes = &bytes[len..];
    }
    out
}

/// The length of the packet at the start of `bytes`, if all of it is there.
pub fn packet_len(bytes: &[u8]) -> Option<usize> {
    let mut body = 0;
    for index in 1..5 {
        let byte = *bytes.get(index)?;
        body |= usize::from(byte & 0x7f) << (7 * (index - 1));
        if byte & 0x80 == 0 {
            let len = index + 1 + body;
            return (bytes.len() >= len).then_some(len);
        }
    }
    panic!("remaining length is longer than four bytes");
}

/// How the session under test connects.
#[derive(Clone)]
pub struct Options {
    pub clean: bool,
    pub keep_alive: u16,
    pub props: Vec<Prop>,
    pub receive_maximum: u16,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            clean: false,
            keep_alive: 60,
            props: Vec::new(),
            receive_maximum: 20,
        }
    }
}

/// A session, its clock and everything that came out of it.
pub struct Bench {
    pub session: Session,
    pub version: Version,
    pub setup: Options,
    pub now: Instant,
    unread: Vec<u8>,
    seen: Vec<Seen>,
}

impl Bench {
    /// An offline session called `t`.
    pub fn new(version: Version) -> Bench {
        Bench::with(version, Options::default())
    }

    pub fn with(version: Version, setup: Options) -> Bench {
        let now = Instant::now();
        Bench {
            session: Session::new(Some("t".into()), now),
            version,
            setup,
            now,
            unread: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Connected to a server that keeps no session and limits nothing.
    pub fn open(version: Version) -> Bench {
        Bench::open_with(version, Options::default(), &[])
    }

    pub fn open_with(version: Version, setup: Options, connack_props: &[Prop]) -> Bench {
        let mut bench = Bench::with(version, setup);
        bench.connect();
        bench.accept(false, connack_props);
        bench
    }

    /// Begins a connection and checks its CONNECT.
    #[track_caller]
    pub fn connect(&mut self) {
        let setup = self.setup.clone();
        self.begin().unwrap();
        let announces_own = setup
            .props
            .iter()
            .any(|prop| matches!(prop, Prop::U16(33, _)));
        let expected = connect(self.version, "t")
            .clean(setup.clean)
            .keep_alive(setup.keep_alive)
            .props(&setup.props)
            .receive_maximum((!announces_own).then_some(setup.receive_maximum))
            .bytes();
        self.expect(&[expected]);
    }

    /// Begins a connection.
    pub fn begin(&mut self) -> Result<()> {
        let properties = buf(&self.setup.props);
        self.session.connect(
            &ConnectRequest {
                version: protocol(self.version),
                clean_start: self.setup.clean,
                keep_alive: self.setup.keep_alive,
                properties: &properties,
                will: None,
                username: None,
                password: None,
                receive_maximum: self.setup.receive_maximum,
            },
            self.now,
        )
    }

    /// The server accepts, and the program hears of it.
    #[track_caller]
    pub fn accept(&mut self, session_present: bool, props: &[Prop]) {
        self.receive(&connack(self.version, session_present, 0, props))
            .unwrap();
        let seen = self.seen();
        let expected = Seen::Event(SessionEvent::Connected {
            code: 0,
            session_present: session_present && self.version != Version::V31,
            properties: buf(props),
        });
        assert_eq!(seen.first(), Some(&expected));
        assert_eq!(self.session.state(), State::Connected);
        // What follows at once, such as messages that expired meanwhile.
        self.seen = seen[1..].to_vec();
    }

    /// Connects again, to a server that kept the session or did not.
    #[track_caller]
    pub fn reconnect(&mut self, session_present: bool, connack_props: &[Prop]) {
        self.connect();
        self.accept(session_present, connack_props);
    }

    /// The network fails, and the program hears of it.
    #[track_caller]
    pub fn lose(&mut self) {
        let error = Error::Peer(PeerError::ConnectionLost);
        self.session.handle_closed(Some(error.clone()));
        self.pump();
        self.unread.clear();
        let last = self.seen.pop();
        let expected = SessionEvent::Disconnected {
            error: Some(error),
            properties: PropertyBuf::new(),
        };
        assert_eq!(last, Some(Seen::Event(expected)));
    }

    /// The server's bytes arrive, all in one piece.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<()> {
        let mut at = 0;
        let outcome = loop {
            self.poll_events();
            match self.session.handle_input(&bytes[at..], self.now) {
                Ok(Some(step)) => {
                    let input = &bytes[at..];
                    at += step.consumed;
                    self.poll_events();
                    let Some(delivery) = step.delivery else {
                        continue;
                    };
                    let topic = match &delivery.alias_topic {
                        Some(topic) => topic.as_bytes(),
                        None => &input[delivery.topic.clone()],
                    };
                    self.seen.push(Seen::Message(Received {
                        topic: String::from_utf8(topic.to_vec()).unwrap(),
                        payload: input[delivery.payload.clone()].to_vec(),
                        qos: delivery.qos.number(),
                        mid: delivery.packet_id.map_or(0, PacketId::number),
                        retain: delivery.retain,
                        dup: delivery.dup,
                        properties: input[delivery.properties.clone()].to_vec(),
                    }));
                }
                Ok(None) => {
                    assert_eq!(at, bytes.len(), "half a packet was left over");
                    break Ok(());
                }
                Err(error) => break Err(error),
            }
        };
        self.pump();
        outcome
    }

    /// The same, for bytes that must be taken without complaint.
    #[track_caller]
    pub fn accept_input(&mut self, bytes: &[u8]) {
        self.receive(bytes).unwrap();
    }

    /// Publishes without properties.
    pub fn publish(&mut self, topic: &str, payload: &[u8], qos: u8) -> Result<u16> {
        self.publish_props(topic, payload, qos, &[])
    }

    pub fn publish_props(
        &mut self,
        topic: &str,
        payload: &[u8],
        qos: u8,
        props: &[Prop],
    ) -> Result<u16> {
        let properties = buf(props);
        let message = Publication {
            topic,
            payload,
            qos: QoS::new(qos).unwrap(),
            retain: false,
            properties: properties.as_properties(),
        };
        let mut told = None;
        let outcome = self
            .session
            .publish(&message, self.now, |id| told = Some(id));
        let mid = outcome?;
        assert_eq!(told, Some(mid), "the identifier is told before anything");
        Ok(mid.number())
    }

    pub fn subscribe(&mut self, filter: &str, qos: u8) -> Result<u16> {
        let options = SubscriptionOptions::new(qos).unwrap();
        let outcome = self
            .session
            .subscribe(&[(filter, options)], Properties::EMPTY, |_| ());
        Ok(outcome?.number())
    }

    pub fn unsubscribe(&mut self, filter: &str) -> Result<u16> {
        let outcome = self
            .session
            .unsubscribe(&[filter], Properties::EMPTY, |_| ());
        Ok(outcome?.number())
    }

    pub fn disconnect(&mut self, reason: ReasonCode, props: &[Prop]) -> Result<()> {
        let properties = buf(props);
        self.session
            .disconnect(reason, properties.as_properties(), self.now)
    }

    /// Time passes; timers that become due on the way run at their time.
    pub fn pass(&mut self, time: Duration) -> Result<()> {
        let end = self.now + time;
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let outcome = self.session.handle_timeout(self.now);
            self.pump();
            outcome?;
            assert!(
                self.session.poll_timeout() != Some(due),
                "a timer that ran is still due at the same time"
            );
        }
        self.now = end;
        Ok(())
    }

    /// Takes what the program got to hear since the last call.
    pub fn seen(&mut self) -> Vec<Seen> {
        self.pump();
        std::mem::take(&mut self.seen)
    }

    /// The program got to hear exactly this.
    #[track_caller]
    pub fn expect_seen(&mut self, expected: &[Seen]) {
        assert_eq!(self.seen(), expected);
    }

    /// Takes the packets sent since the last call.
    pub fn sent(&mut self) -> Vec<Vec<u8>> {
        self.pump();
        packets(&std::mem::take(&mut self.unread))
    }

    /// The session sent exactly these packets.
    #[track_caller]
    pub fn expect(&mut self, expected: &[Vec<u8>]) {
        let sent = self.sent();
        assert!(
            sent == expected,
            "sent     {sent:02x?}\nexpected {expected:02x?}"
        );
    }

    /// Events to the program and bytes to the network, until neither is left.
    pub fn pump(&mut self) {
        loop {
            self.poll_events();
            let mut out = TransmitBuf::default();
            self.session.poll_transmit(&mut out);
            if out.is_empty() {
                return;
            }
            self.unread.extend(out.to_vec());
            self.session.transmitted(out.len(), self.now);
        }
    }

    fn poll_events(&mut self) {
        while self.session.has_events() {
            if let Some(event) = self.session.poll_event(self.now) {
                self.seen.push(Seen::Event(event));
            }
        }
    }
}
