//! Packets made by hand, for comparison and for the broker to send.

use super::prop::{binary, encode, varint, Prop, RECEIVE_MAXIMUM};

/// An MQTT version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    V31,
    V311,
    V5,
}

impl Version {
    /// The protocol level, which is also `MQTT_PROTOCOL_*`.
    pub fn level(self) -> u8 {
        match self {
            Version::V31 => 3,
            Version::V311 => 4,
            Version::V5 => 5,
        }
    }

    pub fn is_v5(self) -> bool {
        self == Version::V5
    }
}

pub const PINGREQ: [u8; 2] = [0xC0, 0x00];
pub const PINGRESP: [u8; 2] = [0xD0, 0x00];
/// DISCONNECT with reason code 0, the same in all versions.
pub const DISCONNECT: [u8; 2] = [0xE0, 0x00];

/// A packet: first byte, remaining length, body.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    out.extend(varint(body.len()));
    out.extend(body);
    out
}

/// CONNECT, with everything a client may put into it.
#[derive(Clone)]
pub struct Connect {
    version: Version,
    clean: bool,
    keep_alive: u16,
    id: String,
    will: Option<Will>,
    username: Option<String>,
    password: Option<Vec<u8>>,
    props: Vec<Prop>,
    receive_maximum: Option<u16>,
}

#[derive(Clone)]
struct Will {
    topic: String,
    payload: Vec<u8>,
    qos: u8,
    retain: bool,
    props: Vec<Prop>,
}

/// CONNECT of a clean session with a keep alive of 60 s; in MQTT 5 with the
/// Receive Maximum of 20 that the library announces by itself.
pub fn connect(version: Version, id: &str) -> Connect {
    Connect {
        version,
        clean: true,
        keep_alive: 60,
        id: id.into(),
        will: None,
        username: None,
        password: None,
        props: Vec::new(),
        receive_maximum: Some(20),
    }
}

impl Connect {
    pub fn clean(mut self, clean: bool) -> Self {
        self.clean = clean;
        self
    }

    pub fn keep_alive(mut self, seconds: u16) -> Self {
        self.keep_alive = seconds;
        self
    }

    pub fn will(mut self, topic: &str, payload: &[u8], qos: u8, retain: bool) -> Self {
        self.will = Some(Will {
            topic: topic.into(),
            payload: payload.into(),
            qos,
            retain,
            props: Vec::new(),
        });
        self
    }

    pub fn will_props(mut self, props: &[Prop]) -> Self {
        self.will.as_mut().expect("a will first").props = props.to_vec();
        self
    }

    pub fn username(mut self, name: &str) -> Self {
        self.username = Some(name.into());
        self
    }

    pub fn password(mut self, password: &[u8]) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The program's own properties, in front of Receive Maximum.
    pub fn props(mut self, props: &[Prop]) -> Self {
        self.props = props.to_vec();
        self
    }

    /// The Receive Maximum behind the program's properties.
    pub fn receive_maximum(mut self, maximum: Option<u16>) -> Self {
        self.receive_maximum = maximum;
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let name: &[u8] = if self.version == Version::V31 {
            b"MQIsdp"
        } else {
            b"MQTT"
        };
        let mut flags = 0;
        flags |= u8::from(self.clean) << 1;
        if let Some(will) = &self.will {
            flags |= 0x04 | will.qos << 3 | u8::from(will.retain) << 5;
        }
        flags |= u8::from(self.password.is_some()) << 6;
        flags |= u8::from(self.username.is_some()) << 7;

        let mut body = binary(name);
        body.extend([self.version.level(), flags]);
        body.extend(self.keep_alive.to_be_bytes());
        if self.version.is_v5() {
            let mut props = self.props.clone();
            props.extend(self.receive_maximum.map(|n| Prop::U16(RECEIVE_MAXIMUM, n)));
            body.extend(encode(&props));
        }
        body.extend(binary(self.id.as_bytes()));
        if let Some(will) = &self.will {
            if self.version.is_v5() {
                body.extend(encode(&will.props));
            }
            body.extend(binary(will.topic.as_bytes()));
            body.extend(binary(&will.payload));
        }
        if let Some(name) = &self.username {
            body.extend(binary(name.as_bytes()));
        }
        if let Some(password) = &self.password {
            body.extend(binary(password));
        }
        packet(0x10, &body)
    }
}

/// CONNACK.
pub fn connack(version: Version, session_present: bool, code: u8, props: &[Prop]) -> Vec<u8> {
    let mut body = vec![u8::from(session_present), code];
    if version.is_v5() {
        body.extend(encode(props));
    }
    packet(0x20, &body)
}

/// PUBLISH.
#[derive(Clone)]
pub struct Publish {
    dup: bool,
    qos: u8,
    retain: bool,
    topic: Vec<u8>,
    mid: u16,
    props: Vec<Prop>,
    payload: Vec<u8>,
}

/// PUBLISH with QoS 0.
pub fn publish(topic: &str, payload: &[u8]) -> Publish {
    Publish {
        dup: false,
        qos: 0,
        retain: false,
        topic: topic.into(),
        mid: 0,
        props: Vec::new(),
        payload: payload.into(),
    }
}

impl Publish {
    /// QoS and packet identifier.
    pub fn qos(mut self, qos: u8, mid: u16) -> Self {
        self.qos = qos;
        self.mid = mid;
        self
    }

    pub fn dup(mut self) -> Self {
        self.dup = true;
        self
    }

    pub fn dup_if(mut self, dup: bool) -> Self {
        self.dup = dup;
        self
    }

    pub fn retain(mut self) -> Self {
        self.retain = true;
        self
    }

    pub fn props(mut self, props: &[Prop]) -> Self {
        self.props = props.to_vec();
        self
    }

    /// Topic bytes that need not be UTF-8.
    pub fn raw_topic(mut self, topic: &[u8]) -> Self {
        self.topic = topic.to_vec();
        self
    }

    pub fn bytes(&self, version: Version) -> Vec<u8> {
        let mut body = binary(&self.topic);
        if self.qos > 0 {
            body.extend(self.mid.to_be_bytes());
        }
        if version.is_v5() {
            body.extend(encode(&self.props));
        }
        body.extend(&self.payload);
        packet(
            0x30 | u8::from(self.dup) << 3 | self.qos << 1 | u8::from(self.retain),
            &body,
        )
    }
}

/// PUBACK, success.
pub fn puback(mid: u16) -> Vec<u8> {
    packet(0x40, &mid.to_be_bytes())
}

/// PUBREC, success.
pub fn pubrec(mid: u16) -> Vec<u8> {
    packet(0x50, &mid.to_be_bytes())
}

/// PUBREL, success.
pub fn pubrel(mid: u16) -> Vec<u8> {
    packet(0x62, &mid.to_be_bytes())
}

/// PUBCOMP, success.
pub fn pubcomp(mid: u16) -> Vec<u8> {
    packet(0x70, &mid.to_be_bytes())
}

/// An MQTT 5 acknowledgement with reason code and properties; `first` is its first byte.
pub fn ack(first: u8, mid: u16, reason: u8, props: &[Prop]) -> Vec<u8> {
    let mut body = mid.to_be_bytes().to_vec();
    body.push(reason);
    body.extend(encode(props));
    packet(first, &body)
}

/// SUBSCRIBE.
pub fn subscribe(version: Version, mid: u16, props: &[Prop], filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = mid.to_be_bytes().to_vec();
    if version.is_v5() {
        body.extend(encode(props));
    }
    for (filter, options) in filters {
        body.extend(binary(filter.as_bytes()));
        body.push(*options);
    }
    packet(0x82, &body)
}

/// SUBACK.
pub fn suback(version: Version, mid: u16, props: &[Prop], codes: &[u8]) -> Vec<u8> {
    let mut body = mid.to_be_bytes().to_vec();
    if version.is_v5() {
        body.extend(encode(props));
    }
    body.extend(codes);
    packet(0x90, &body)
}

/// UNSUBSCRIBE.
pub fn unsubscribe(version: Version, mid: u16, props: &[Prop], filters: &[&str]) -> Vec<u8> {
    let mut body = mid.to_be_bytes().to_vec();
    if version.is_v5() {
        body.extend(encode(props));
    }
    for filter in filters {
        body.extend(binary(filter.as_bytes()));
    }
    packet(0xA2, &body)
}

/// UNSUBACK; below MQTT 5 without codes.
pub fn unsuback(version: Version, mid: u16, props: &[Prop], codes: &[u8]) -> Vec<u8> {
    let mut body = mid.to_be_bytes().to_vec();
    if version.is_v5() {
        body.extend(encode(props));
        body.extend(codes);
    }
    packet(0xB0, &body)
}

/// An MQTT 5 DISCONNECT with a reason code and no properties.
pub fn disconnect_reason(reason: u8) -> Vec<u8> {
    packet(0xE0, &[reason])
}

/// An MQTT 5 DISCONNECT with reason code and properties.
pub fn disconnect_props(reason: u8, props: &[Prop]) -> Vec<u8> {
    let mut body = vec![reason];
    body.extend(encode(props));
    packet(0xE0, &body)
}

/// An MQTT 5 AUTH.
pub fn auth(reason: u8, props: &[Prop]) -> Vec<u8> {
    let mut body = vec![reason];
    body.extend(encode(props));
    packet(0xF0, &body)
}
