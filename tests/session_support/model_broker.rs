//! A broker in some hundred lines: what it must keep for a session, and no more.

use std::collections::{HashMap, HashSet, VecDeque};

use super::super::support::packet::*;
use super::packet_len;

/// A PUBLISH read from the wire.
#[derive(Debug, Clone)]
pub struct Read {
    pub topic: String,
    pub qos: u8,
    pub dup: bool,
    pub mid: u16,
    /// The payload: a number that no other message has.
    pub number: u32,
}

/// Reads a PUBLISH whose properties, if it can have any, are none or an expiry interval.
pub fn read_publish(version: Version, bytes: &[u8]) -> Read {
    let flags = bytes[0] & 0x0f;
    let qos = flags >> 1 & 3;
    let mut at = 1 + bytes[1..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let len = usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    let topic = String::from_utf8(bytes[at + 2..at + 2 + len].to_vec()).unwrap();
    at += 2 + len;
    let mut mid = 0;
    if qos > 0 {
        mid = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        at += 2;
    }
    if version.is_v5() {
        let len = usize::from(bytes[at]);
        at += 1;
        assert!(
            len == 0 || len == 5 && bytes[at] == 2,
            "properties out of nothing"
        );
        at += len;
    }
    let number = u32::from_be_bytes(bytes[at..].try_into().unwrap());
    Read {
        topic,
        qos,
        dup: flags & 8 != 0,
        mid,
        number,
    }
}

/// The packet identifier of an acknowledgement, SUBSCRIBE or UNSUBSCRIBE.
pub fn read_mid(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[2], bytes[3]])
}

/// A message to the client.
struct Outgoing {
    topic: &'static str,
    qos: u8,
    mid: u16,
    number: u32,
    sent: bool,
    released: bool,
}

/// The broker's end of a connection, and the session behind it.
pub struct ModelBroker {
    version: Version,
    /// How many unacknowledged messages the client takes.
    receive_maximum: usize,
    /// Bytes received that are not a whole packet yet.
    inbox: Vec<u8>,
    /// Bytes to the client that the link has not taken yet.
    pub outbox: VecDeque<u8>,
    connected: bool,
    has_session: bool,
    /// The session: QoS 2 messages taken over and not yet released.
    unreleased: HashSet<u16>,
    /// The session: messages to the client without their last acknowledgement.
    outgoing: VecDeque<Outgoing>,
    last_mid: u16,
    /// Messages of the client in the order in which they were published on.
    pub published: Vec<Read>,
    /// How often each was published on.
    pub counts: HashMap<u32, usize>,
}

impl ModelBroker {
    pub fn new(version: Version, receive_maximum: usize) -> ModelBroker {
        ModelBroker {
            version,
            receive_maximum,
            inbox: Vec::new(),
            outbox: VecDeque::new(),
            connected: false,
            has_session: false,
            unreleased: HashSet::new(),
            outgoing: VecDeque::new(),
            last_mid: 0,
            published: Vec::new(),
            counts: HashMap::new(),
        }
    }

    /// The network connection is gone, and all that was under way with it.
    pub fn cut(&mut self) {
        self.connected = false;
        self.inbox.clear();
        self.outbox.clear();
    }

    /// The session is gone too.
    pub fn forget(&mut self) {
        self.has_session = false;
        self.unreleased.clear();
        self.outgoing.clear();
    }

    /// Somebody published for the client.
    pub fn publish(&mut self, topic: &'static str, qos: u8, number: u32) {
        if qos == 0 {
            if self.connected {
                let bytes = publish(topic, &number.to_be_bytes()).bytes(self.version);
                self.outbox.extend(bytes);
            }
            return;
        }
        self.last_mid = self.last_mid % 40 + 1;
        while self.outgoing.iter().any(|m| m.mid == self.last_mid) {
            self.last_mid = self.last_mid % u16::MAX + 1;
        }
        self.outgoing.push_back(Outgoing {
            topic,
            qos,
            mid: self.last_mid,
            number,
            sent: false,
            released: false,
        });
        self.send_waiting();
    }

    /// Messages to the client that have not ended.
    pub fn unfinished(&self) -> usize {
        self.outgoing.len()
    }

    /// Bytes of the client arrive.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.inbox.extend(bytes);
        while let Some(len) = packet_len(&self.inbox) {
            let packet: Vec<u8> = self.inbox.drain(..len).collect();
            self.take(&packet);
        }
    }

    fn take(&mut self, packet: &[u8]) {
        let first = packet[0] >> 4;
        assert_eq!(first != 1, self.connected, "CONNECT is the first packet");
        match first {
            1 => {
                self.connected = true;
                let present = self.has_session;
                self.has_session = true;
                self.outbox.extend(connack(self.version, present, 0, &[]));
                self.resend();
                self.send_waiting();
            }
            3 => {
                let message = read_publish(self.version, packet);
                let mid = message.mid;
                match message.qos {
                    0 => self.publish_on(message),
                    1 => {
                        self.publish_on(message);
                        self.outbox.extend(puback(mid));
                    }
                    _ => {
                        if self.unreleased.insert(mid) {
                            self.publish_on(message);
                        }
                        self.outbox.extend(pubrec(mid));
                    }
                }
            }
            4 => self.end(read_mid(packet), 1),
            5 => {
                let mid = read_mid(packet);
                let message = self.outgoing.iter_mut().find(|m| m.mid == mid);
                let message = message.expect("PUBREC for nothing");
                assert_eq!((message.qos, message.sent), (2, true));
                message.released = true;
                self.outbox.extend(pubrel(mid));
            }
            6 => {
                let mid = read_mid(packet);
                self.unreleased.remove(&mid);
                self.outbox.extend(pubcomp(mid));
            }
            7 => self.end(read_mid(packet), 2),
            8 => {
                let mid = read_mid(packet);
                self.outbox.extend(suback(self.version, mid, &[], &[0]));
            }
            12 => self.outbox.extend(PINGRESP),
            other => panic!("packet of type {other}"),
        }
    }

    fn publish_on(&mut self, message: Read) {
        *self.counts.entry(message.number).or_default() += 1;
        self.published.push(message);
    }

    fn end(&mut self, mid: u16, qos: u8) {
        let place = self.outgoing.iter().position(|m| m.mid == mid);
        let place = place.expect("an acknowledgement for nothing");
        let message = self.outgoing.remove(place).unwrap();
        assert_eq!((message.qos, message.sent), (qos, true));
        assert_eq!(message.released, qos == 2);
        self.send_waiting();
    }

    fn resend(&mut self) {
        for message in self.outgoing.iter().filter(|message| message.sent) {
            let bytes = if message.released {
                pubrel(message.mid)
            } else {
                publish(message.topic, &message.number.to_be_bytes())
                    .qos(message.qos, message.mid)
                    .dup()
                    .bytes(self.version)
            };
            self.outbox.extend(bytes);
        }
    }

    fn send_waiting(&mut self) {
        if !self.connected {
            return;
        }
        let in_flight = self.outgoing.iter().filter(|m| m.sent).count();
        let room = self.receive_maximum.saturating_sub(in_flight);
        let waiting = self.outgoing.iter_mut().filter(|message| !message.sent);
        for message in waiting.take(room) {
            message.sent = true;
            let bytes = publish(message.topic, &message.number.to_be_bytes())
                .qos(message.qos, message.mid)
                .bytes(self.version);
            self.outbox.extend(bytes);
        }
    }
}
