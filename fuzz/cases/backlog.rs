//! Messages of any size in a backlog, acknowledged in any order over connections that break:
//! each is sent with its own content, and has one end.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Instant;

use mqttrs::codec::{Ack, AckKind, Connack, Frame, Packet, Properties, PropertyBuf};
use mqttrs::session::{
    ConnectRequest, Logging, Publication, Session, SessionEvent, State, TransmitBuf,
};
use mqttrs::types::{PacketId, ProtocolVersion, QoS, ReasonCode};

use super::script::Script;

/// More would only take longer.
const LARGEST_BACKLOG: usize = 200;

pub fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let mut world = World::new(script.byte());
    while !script.is_empty() {
        world.step(&mut script);
    }
    world.settle();
}

struct Message {
    qos: QoS,
    seed: u8,
    len: usize,
    /// The acknowledgement that the server may send next.
    next_ack: Option<AckKind>,
}

impl Message {
    fn payload(&self) -> Vec<u8> {
        let byte = |place: usize| (place as u8).wrapping_mul(31).wrapping_add(self.seed);
        (0..self.len).map(byte).collect()
    }
}

struct World {
    session: Session,
    version: ProtocolVersion,
    now: Instant,
    /// Accepted, and not ended.
    messages: HashMap<PacketId, Message>,
    written: Vec<u8>,
    clean: bool,
}

impl World {
    fn new(flags: u8) -> World {
        static START: OnceLock<Instant> = OnceLock::new();
        let now = *START.get_or_init(Instant::now);
        let version = match flags & 1 {
            0 => ProtocolVersion::V311,
            _ => ProtocolVersion::V5,
        };
        let mut session = Session::new(Some("backlog".into()), now);
        session.set_version(version);
        session.set_logging(if flags & 2 != 0 {
            Logging::Records
        } else {
            Logging::Off
        });
        World {
            session,
            version,
            now,
            messages: HashMap::new(),
            written: Vec::new(),
            clean: flags & 4 != 0,
        }
    }

    fn step(&mut self, script: &mut Script<'_>) {
        match script.byte() % 16 {
            0..=5 => self.publish(script),
            6..=10 => self.acknowledge(script.byte().into()),
            11 => self.session.shrink(),
            12 => self
                .session
                .set_send_maximum(script.byte().into(), self.now),
            13 => self.cut(),
            _ => self.open(script.flag()),
        }
        if script.byte() & 3 != 0 {
            self.pump();
        }
    }

    fn publish(&mut self, script: &mut Script<'_>) {
        if self.messages.len() >= LARGEST_BACKLOG {
            return;
        }
        let kind = script.byte();
        let size = usize::from(script.byte());
        let len = match kind >> 1 & 7 {
            0..=3 => size,
            4 | 5 => size * 64,
            6 => 16 * 1024 - 128 + size,
            _ => 64 * 1024 - 128 + size,
        };
        let message = Message {
            qos: QoS::new(1 + (kind & 1)).unwrap(),
            seed: kind ^ size as u8,
            len,
            next_ack: None,
        };
        let publication = Publication {
            topic: "t",
            payload: &message.payload(),
            qos: message.qos,
            retain: false,
            properties: Properties::EMPTY,
        };
        let id = self
            .session
            .publish(&publication, self.now, |_| ())
            .unwrap();
        assert!(self.messages.insert(id, message).is_none(), "{id} is taken");
    }

    /// One of the messages in flight is acknowledged.
    fn acknowledge(&mut self, which: usize) {
        let mut waiting: Vec<_> = self
            .messages
            .iter()
            .filter_map(|(id, message)| Some((*id, message.next_ack?)))
            .collect();
        waiting.sort_by_key(|(id, _)| *id);
        if waiting.is_empty() || self.session.state() != State::Connected {
            return;
        }
        let (id, kind) = waiting[which % waiting.len()];
        if let Some(message) = self.messages.get_mut(&id) {
            // PUBREL has to come first.
            message.next_ack = None;
        }
        self.feed(&Packet::Ack(Ack::new(kind, id, ReasonCode::SUCCESS)));
    }

    fn feed(&mut self, packet: &Packet<'_>) {
        let mut bytes = Vec::new();
        packet.encode(&mut bytes, self.version);
        self.poll_events();
        let step = self.session.handle_input(&bytes, self.now);
        assert_eq!(step.unwrap().unwrap().consumed, bytes.len());
        self.poll_events();
    }

    fn open(&mut self, kept: bool) {
        if self.session.state() != State::Offline {
            return;
        }
        self.poll_events();
        let request = ConnectRequest {
            version: self.version,
            clean_start: self.clean,
            keep_alive: 0,
            properties: &PropertyBuf::new(),
            will: None,
            username: None,
            password: None,
            receive_maximum: 20,
        };
        self.session.connect(&request, self.now).unwrap();
        self.pump();
        let connack = Connack {
            session_present: kept && !self.clean,
            code: 0,
            properties: Properties::EMPTY,
        };
        self.feed(&Packet::Connack(connack));
        self.pump();
    }

    fn cut(&mut self) {
        self.session.handle_closed(None);
        self.written.clear();
        for message in self.messages.values_mut() {
            message.next_ack = None;
        }
        self.poll_events();
    }

    fn poll_events(&mut self) {
        while self.session.has_events() {
            if let Some(SessionEvent::Published {
                packet_id, reason, ..
            }) = self.session.poll_event(self.now)
            {
                assert_eq!(reason, ReasonCode::SUCCESS);
                let ended = self.messages.remove(&packet_id);
                assert!(ended.is_some(), "{packet_id} ended without a beginning");
            }
        }
    }

    fn pump(&mut self) {
        self.poll_events();
        let mut out = TransmitBuf::default();
        self.session.poll_transmit(&mut out);
        self.written.extend(out.to_vec());
        self.session.transmitted(out.len(), self.now);
        let written = std::mem::take(&mut self.written);
        let mut rest = &written[..];
        while !rest.is_empty() {
            let frame = Frame::parse(rest, usize::MAX).unwrap().unwrap();
            match Packet::decode(&frame, self.version).unwrap() {
                Packet::Publish(publish) => {
                    let id = publish.packet_id.unwrap();
                    let message = self.messages.get_mut(&id).expect("sent after its end");
                    assert_eq!(publish.qos, message.qos);
                    assert!(publish.payload == message.payload(), "not its content");
                    message.next_ack = Some(match message.qos {
                        QoS::ExactlyOnce => AckKind::Pubrec,
                        _ => AckKind::Puback,
                    });
                }
                Packet::Ack(ack) => {
                    assert_eq!(ack.kind, AckKind::Pubrel);
                    let message = self.messages.get_mut(&ack.packet_id);
                    message.unwrap().next_ack = Some(AckKind::Pubcomp);
                }
                Packet::Connect(_) => {}
                other => panic!("{other:?}"),
            }
            rest = &rest[frame.len..];
        }
        self.poll_events();
    }

    /// All that was accepted comes to its end.
    fn settle(&mut self) {
        self.session.set_send_maximum(7, self.now);
        self.pump();
        self.open(true);
        for _ in 0..2 * LARGEST_BACKLOG {
            self.pump();
            self.acknowledge(0);
        }
        self.pump();
        assert!(self.messages.is_empty(), "not all have ended");
    }
}
