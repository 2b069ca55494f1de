//! Packets of the client taken apart, by no more than their flags and lengths say.

/// CONNECT.
#[derive(Debug, PartialEq, Eq)]
pub struct ConnectFields {
    pub first: u8,
    pub name: Vec<u8>,
    pub level: u8,
    pub flags: u8,
    pub keep_alive: u16,
    /// Without their length; empty below MQTT 5.
    pub properties: Vec<u8>,
    pub client_id: Vec<u8>,
    pub will: Option<WillFields>,
    pub username: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct WillFields {
    pub properties: Vec<u8>,
    pub topic: Vec<u8>,
    pub payload: Vec<u8>,
}

impl ConnectFields {
    /// `None` if a field that the flags announce is missing, or one is there that they
    /// do not announce.
    pub fn read(packet: &[u8]) -> Option<ConnectFields> {
        let (first, mut body) = body(packet)?;
        let body = &mut body;
        let name = field(body)?;
        let level = byte(body)?;
        let flags = byte(body)?;
        let keep_alive = u16::from_be_bytes([byte(body)?, byte(body)?]);
        let properties = properties(body, level == 5)?;
        let client_id = field(body)?;
        let mut will = None;
        if flags & 0x04 != 0 {
            will = Some(WillFields {
                properties: self::properties(body, level == 5)?,
                topic: field(body)?,
                payload: field(body)?,
            });
        }
        let mut fields = ConnectFields {
            first,
            name,
            level,
            flags,
            keep_alive,
            properties,
            client_id,
            will,
            username: None,
            password: None,
        };
        if flags & 0x80 != 0 {
            fields.username = Some(field(body)?);
        }
        if flags & 0x40 != 0 {
            fields.password = Some(field(body)?);
        }
        body.is_empty().then_some(fields)
    }

    pub fn will_qos(&self) -> u8 {
        self.flags >> 3 & 3
    }

    pub fn will_retain(&self) -> bool {
        self.flags & 0x20 != 0
    }
}

/// PUBLISH.
#[derive(Debug, PartialEq, Eq)]
pub struct PublishFields {
    pub dup: bool,
    pub qos: u8,
    pub retain: bool,
    pub topic: Vec<u8>,
    /// `None` for QoS 0.
    pub packet_id: Option<u16>,
    /// Without their length; empty below MQTT 5.
    pub properties: Vec<u8>,
    pub payload: Vec<u8>,
}

impl PublishFields {
    /// `None` if it is no whole PUBLISH.
    pub fn read(packet: &[u8], v5: bool) -> Option<PublishFields> {
        let (first, mut body) = body(packet)?;
        if first >> 4 != 3 {
            return None;
        }
        let qos = first >> 1 & 3;
        let topic = field(&mut body)?;
        let packet_id = if qos > 0 {
            Some(u16::from_be_bytes([byte(&mut body)?, byte(&mut body)?]))
        } else {
            None
        };
        Some(PublishFields {
            dup: first & 8 != 0,
            qos,
            retain: first & 1 != 0,
            topic,
            packet_id,
            properties: properties(&mut body, v5)?,
            payload: body.to_vec(),
        })
    }
}

/// The packet type, the high nibble of the first byte.
pub fn packet_type(packet: &[u8]) -> u8 {
    packet[0] >> 4
}

/// The packet identifier of an acknowledgement, SUBSCRIBE or UNSUBSCRIBE.
pub fn packet_id(packet: &[u8]) -> u16 {
    let (_, body) = body(packet).expect("a whole packet");
    u16::from_be_bytes([body[0], body[1]])
}

/// First byte and body; the remaining length has to be that of the body.
fn body(packet: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = packet;
    let first = byte(&mut rest)?;
    let len = varint(&mut rest)?;
    (rest.len() == len).then_some((first, rest))
}

fn byte(rest: &mut &[u8]) -> Option<u8> {
    let (&first, behind) = rest.split_first()?;
    *rest = behind;
    Some(first)
}

fn varint(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0;
    for index in 0..4 {
        let byte = byte(rest)?;
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take(rest: &mut &[u8], len: usize) -> Option<Vec<u8>> {
    let (head, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(head.to_vec())
}

/// Two bytes of length and as many bytes.
fn field(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let len = u16::from_be_bytes([byte(rest)?, byte(rest)?]);
    take(rest, len.into())
}

fn properties(rest: &mut &[u8], present: bool) -> Option<Vec<u8>> {
    if !present {
        return Some(Vec::new());
    }
    let len = varint(rest)?;
    take(rest, len)
}
