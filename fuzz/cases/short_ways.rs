//! One server's bytes and one program's calls for two sessions: one is used as the client uses
//! it, with the short ways for plain packets, the other without them. What the program gets and
//! what is sent is the same.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use mqttrs::codec::{
    Ack, AckKind, Connack, Packet, Place, Properties, PropertyBuf, PropertyId, Publish,
    SubscriptionOptions, Value,
};
use mqttrs::error::Error;
use mqttrs::session::{
    ConnectRequest, Delivery, Logging, Publication, Session, SessionEvent, State, TransmitBuf,
    AT_LEAST_ONCE, AT_MOST_ONCE,
};
use mqttrs::types::{topic, PacketId, ProtocolVersion, QoS, ReasonCode};

use super::script::Script;

pub fn run(bytes: &[u8]) {
    let mut script = Script::new(bytes);
    let mut pair = Pair::new(script.byte());
    while !script.is_empty() {
        pair.step(&mut script);
        pair.compare();
    }
}

/// What a program and a server notice.
#[derive(Debug, PartialEq)]
enum Seen {
    Event(SessionEvent),
    Message(Message),
    Failed(Error),
    Sent(Vec<u8>),
}

#[derive(Debug, PartialEq)]
struct Message {
    topic: Vec<u8>,
    payload: Vec<u8>,
    properties: Vec<u8>,
    id: Option<PacketId>,
    qos: QoS,
    retain: bool,
    dup: bool,
}

impl Message {
    fn new(input: &[u8], delivery: &Delivery) -> Message {
        let topic = match &delivery.alias_topic {
            Some(topic) => topic.as_bytes(),
            None => &input[delivery.topic.clone()],
        };
        Message {
            topic: topic.to_vec(),
            payload: input[delivery.payload.clone()].to_vec(),
            properties: input[delivery.properties.clone()].to_vec(),
            id: delivery.packet_id,
            qos: delivery.qos,
            retain: delivery.retain,
            dup: delivery.dup,
        }
    }
}

/// A session and its host.
struct Host {
    session: Session,
    inbox: Vec<u8>,
    seen: Vec<Seen>,
    short: bool,
}

impl Host {
    fn poll_events(&mut self, now: Instant) {
        while self.session.has_events() {
            if self.short {
                if let Some(ids) = self.session.poll_published() {
                    let events = ids.into_iter().map(|packet_id| SessionEvent::Published {
                        packet_id,
                        reason: ReasonCode::SUCCESS,
                        properties: PropertyBuf::new(),
                    });
                    self.seen.extend(events.map(Seen::Event));
                    continue;
                }
            }
            match self.session.poll_event(now) {
                Some(SessionEvent::Log(_)) | None => {}
                Some(event) => self.seen.push(Seen::Event(event)),
            }
        }
    }

    fn send(&mut self, now: Instant) {
        loop {
            let mut out = TransmitBuf::default();
            self.session.poll_transmit(&mut out);
            if out.is_empty() {
                break;
            }
            self.seen.push(Seen::Sent(out.to_vec()));
            self.session.transmitted(out.len(), now);
            self.poll_events(now);
        }
    }

    /// Takes what is whole in the inbox; whether it went well.
    fn read(&mut self, limit: usize, now: Instant) -> bool {
        loop {
            self.poll_events(now);
            if self.short && self.take_plain(limit, now) {
                continue;
            }
            let step = match self.long_form() {
                Some(ack) => {
                    let step = self.session.handle_input(&ack, now);
                    if matches!(step, Ok(Some(_))) {
                        self.inbox.drain(..AckKind::SUCCESS_LEN);
                        continue;
                    }
                    step
                }
                None => self.session.handle_input(&self.inbox, now),
            };
            match step {
                Ok(Some(step)) => {
                    if let Some(delivery) = &step.delivery {
                        self.poll_events(now);
                        let message = Message::new(&self.inbox, delivery);
                        self.seen.push(Seen::Message(message));
                    }
                    self.inbox.drain(..step.consumed);
                }
                Ok(None) => return true,
                Err(error) => {
                    self.seen.push(Seen::Failed(error.clone()));
                    self.poll_events(now);
                    self.send(now);
                    self.session.handle_closed(Some(error));
                    self.poll_events(now);
                    return false;
                }
            }
        }
    }

    /// As the client does it.
    fn take_plain(&mut self, limit: usize, now: Instant) -> bool {
        let Some(reader) = self.session.plain_reader() else {
            return false;
        };
        let mut count = self.session.acknowledge_plain(reader, &self.inbox, limit);
        for _ in 0..count {
            let (len, delivery) = reader.take::<AT_LEAST_ONCE>(&self.inbox).unwrap();
            let message = Message::new(&self.inbox, &delivery);
            self.seen.push(Seen::Message(message));
            self.inbox.drain(..len);
        }
        while count < limit {
            let Some((len, delivery)) = reader.take::<AT_MOST_ONCE>(&self.inbox) else {
                break;
            };
            let message = Message::new(&self.inbox, &delivery);
            self.seen.push(Seen::Message(message));
            self.inbox.drain(..len);
            count += 1;
        }
        if count > 0 {
            self.session.received(now);
        }
        count > 0
    }

    /// An acknowledgement in a form that has no short way, where there is one.
    fn long_form(&self) -> Option<[u8; 5]> {
        let possible = !self.short
            && self.session.version() == ProtocolVersion::V5
            && self.session.state() == State::Connected
            && self.session.maximum_packet_size() >= 5;
        possible
            .then(|| AckKind::parse_success(&self.inbox))
            .flatten()?;
        Some([self.inbox[0], 3, self.inbox[2], self.inbox[3], 0])
    }
}

struct Pair {
    hosts: [Host; 2],
    version: ProtocolVersion,
    now: Instant,
}

impl Pair {
    fn new(flags: u8) -> Pair {
        static START: OnceLock<Instant> = OnceLock::new();
        let now = *START.get_or_init(Instant::now);
        let host = |short: bool| {
            let mut session = Session::new(Some("two".into()), now);
            session.set_logging(if short {
                Logging::Off
            } else {
                Logging::Records
            });
            session.set_automatic_topic_aliases(flags & 64 != 0);
            Host {
                session,
                inbox: Vec::new(),
                seen: Vec::new(),
                short,
            }
        };
        let versions = [
            ProtocolVersion::V31,
            ProtocolVersion::V311,
            ProtocolVersion::V5,
        ];
        Pair {
            hosts: [host(true), host(false)],
            version: versions[usize::from(flags % 3)],
            now,
        }
    }

    fn step(&mut self, script: &mut Script<'_>) {
        let mut bytes = Vec::new();
        let now = self.now;
        match script.byte() % 16 {
            0 => return self.connect(script),
            1 => {
                let properties = script.properties();
                if properties.check(Place::Connack).is_err() {
                    return;
                }
                let connack = Connack {
                    session_present: script.flag(),
                    code: 0,
                    properties: properties.as_properties(),
                };
                Packet::Connack(connack).encode(&mut bytes, self.version);
            }
            2..=6 => {
                for _ in 0..=script.byte() % 8 {
                    self.message(script, &mut bytes);
                }
            }
            7 | 8 => {
                for _ in 0..=script.byte() % 4 {
                    ack(script, &mut bytes);
                }
            }
            9 => bytes.extend(script.bytes()),
            10 | 11 => return self.publish(script),
            12 => {
                let options = SubscriptionOptions::new(script.byte() % 3).unwrap();
                for host in &mut self.hosts {
                    let filters = [("a/#", options)];
                    let _ = host.session.subscribe(&filters, Properties::EMPTY, |_| ());
                }
                return;
            }
            13 => {
                let maximum = script.byte().into();
                for host in &mut self.hosts {
                    host.session.set_send_maximum(maximum, now);
                }
                return;
            }
            14 => return self.pass(script),
            _ => {
                for host in &mut self.hosts {
                    host.session.handle_closed(None);
                    host.inbox.clear();
                }
                return;
            }
        }
        self.feed(script, &bytes);
    }

    fn connect(&mut self, script: &mut Script<'_>) {
        if self.hosts[0].session.state() != State::Offline {
            return;
        }
        let mut properties = PropertyBuf::new();
        if self.version == ProtocolVersion::V5 {
            if script.flag() {
                properties
                    .push(
                        PropertyId::TopicAliasMaximum,
                        Value::U16(script.byte().into()),
                    )
                    .unwrap();
            }
            if script.flag() {
                let size = u32::from(script.byte()) + 1;
                properties
                    .push(PropertyId::MaximumPacketSize, Value::U32(size))
                    .unwrap();
            }
        }
        let request = ConnectRequest {
            version: self.version,
            clean_start: script.flag(),
            keep_alive: (script.byte() % 20).into(),
            properties: &properties,
            will: None,
            username: None,
            password: None,
            receive_maximum: script.byte().into(),
        };
        for host in &mut self.hosts {
            host.inbox.clear();
            let _ = host.session.connect(&request, self.now);
        }
    }

    /// A PUBLISH, most often a plain one.
    fn message(&mut self, script: &mut Script<'_>, out: &mut Vec<u8>) {
        const TOPICS: [&str; 6] = ["a", "b/c", "", "\u{e4}/\u{20ac}", "a/+", "\u{1}\u{feff}"];
        let flags = script.byte();
        let qos = QoS::new(flags % 3).unwrap();
        let mut payload = script.bytes().to_vec();
        if flags & 0x60 == 0x60 {
            payload.resize(usize::from(script.u16()), b'.');
        }
        let properties = match flags & 0x18 {
            0 => script.properties(),
            _ => PropertyBuf::new(),
        };
        let start = out.len();
        let publish = Publish {
            dup: flags & 0x80 != 0 && qos != QoS::AtMostOnce,
            qos,
            retain: flags & 4 != 0,
            topic: TOPICS[usize::from(script.byte()) % TOPICS.len()],
            packet_id: (qos != QoS::AtMostOnce)
                .then(|| PacketId::new(u16::from(script.byte() % 16) + 1).unwrap()),
            properties: properties.as_properties(),
            payload: &payload,
        };
        publish.encode(out, self.version);
        // Now and then a byte of it is another one.
        let place = usize::from(script.byte());
        if place < out.len() - start {
            out[start + place] ^= script.byte();
        }
    }

    fn feed(&mut self, script: &mut Script<'_>, bytes: &[u8]) {
        let piece = usize::from(script.byte());
        let piece = if piece == 0 { usize::MAX } else { piece };
        let limit = usize::from(script.byte() % 8) + 1;
        let [short, long] = &mut self.hosts;
        let mut alive = true;
        for part in bytes.chunks(piece) {
            short.inbox.extend(part);
            alive = short.read(limit, self.now);
            if !alive {
                break;
            }
        }
        long.inbox.extend(bytes);
        assert_eq!(long.read(limit, self.now), alive);
        if alive {
            assert_eq!(short.inbox, long.inbox);
        } else {
            short.inbox.clear();
            long.inbox.clear();
        }
    }

    fn publish(&mut self, script: &mut Script<'_>) {
        let properties = match script.byte() % 4 {
            0 => script.properties(),
            _ => PropertyBuf::new(),
        };
        let mut payload = script.bytes().to_vec();
        let flags = script.byte();
        if flags & 0x60 == 0x60 {
            payload.resize(usize::from(script.u16()), b'.');
        }
        let message = Publication {
            topic: script.text(),
            payload: &payload,
            qos: QoS::new(flags % 3).unwrap(),
            retain: flags & 4 != 0,
            properties: properties.as_properties(),
        };
        let now = self.now;
        let ids = self.hosts.each_mut().map(|host| {
            let plain =
                host.short && message.properties.is_empty() && topic::is_name(message.topic);
            let taken = plain
                .then(|| {
                    let session = &mut host.session;
                    session.publish_plain(
                        message.topic,
                        &payload,
                        message.qos,
                        message.retain,
                        |_| (),
                    )
                })
                .flatten();
            match taken {
                Some(id) => Ok(id),
                None => host.session.publish(&message, now, |_| ()),
            }
        });
        assert_eq!(ids[0], ids[1]);
    }

    fn pass(&mut self, script: &mut Script<'_>) {
        self.now += Duration::from_millis(u64::from(script.byte()) * 100);
        for host in &mut self.hosts {
            if let Err(error) = host.session.handle_timeout(self.now) {
                host.seen.push(Seen::Failed(error.clone()));
                host.session.handle_closed(Some(error));
                host.inbox.clear();
            }
        }
    }

    fn compare(&mut self) {
        for host in &mut self.hosts {
            host.poll_events(self.now);
            host.send(self.now);
        }
        let [short, long] = &mut self.hosts;
        let seen = [
            std::mem::take(&mut short.seen),
            std::mem::take(&mut long.seen),
        ];
        // Where one call to the network ends and the next begins says nothing.
        let sent = seen.each_ref().map(|seen| {
            let sent = seen.iter().filter_map(|seen| match seen {
                Seen::Sent(bytes) => Some(&bytes[..]),
                _ => None,
            });
            sent.collect::<Vec<_>>().concat()
        });
        assert_eq!(sent[0], sent[1]);
        let [first, second] = seen.map(|seen| {
            let other = seen
                .into_iter()
                .filter(|seen| !matches!(seen, Seen::Sent(_)));
            other.collect::<Vec<_>>()
        });
        assert_eq!(first, second);
        assert_eq!(short.session.state(), long.session.state());
        assert_eq!(short.session.poll_timeout(), long.session.poll_timeout());
    }
}

fn ack(script: &mut Script<'_>, out: &mut Vec<u8>) {
    let kinds = [
        AckKind::Puback,
        AckKind::Pubrec,
        AckKind::Pubrel,
        AckKind::Pubcomp,
    ];
    let choice = script.byte();
    let kind = kinds[usize::from(choice % 4)];
    let id = PacketId::new(u16::from(script.byte() % 16) + 1).unwrap();
    let reason = match choice {
        0..=199 => ReasonCode::SUCCESS,
        _ => ReasonCode(script.byte()),
    };
    Packet::Ack(Ack::new(kind, id, reason)).encode(out, ProtocolVersion::V5);
}
