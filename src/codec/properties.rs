//! MQTT 5 properties (MQTT 5.0 section 2.2.2): one table, and the wire format
//! as the form in which properties travel through the library.
//!
//! [`Properties`] borrows encoded properties that are known to be well formed;
//! [`PropertyBuf`] owns such bytes. Neither keeps a parsed list: most messages
//! have no properties, and the rest are read at most once.

use super::primitive::{put_binary, put_string, put_varint, varint_len, Reader};
use crate::error::{CallerError, Error, Result};
use crate::types::topic;

/// How a property's value is encoded; the numbers are the C API's `MQTT_PROP_TYPE_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum ValueType {
    /// One byte.
    Byte = 1,
    /// Two byte integer.
    U16 = 2,
    /// Four byte integer.
    U32 = 3,
    /// Variable byte integer.
    VarInt = 4,
    /// Binary data.
    Binary = 5,
    /// UTF-8 string.
    String = 6,
    /// UTF-8 string pair.
    Pair = 7,
}

/// One row of the property table.
#[derive(Debug)]
pub struct PropertyInfo {
    /// The identifier.
    pub id: PropertyId,
    /// The name the C API uses, lower case with dashes.
    pub name: &'static str,
    /// How the value is encoded.
    pub value_type: ValueType,
    /// The packets it may stand in, as bits numbered by packet type; bit 0 stands for will properties.
    packets: u16,
    /// Whether it may stand more than once in a packet.
    repeatable: bool,
    /// The largest value allowed, for numbers that are narrower than their type.
    max: u32,
    /// The smallest value allowed.
    min: u32,
}

/// The packet (or will) a property list belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // the names are the specification's
pub enum Place {
    Will = 0,
    Connect = 1,
    Connack = 2,
    Publish = 3,
    Puback = 4,
    Pubrec = 5,
    Pubrel = 6,
    Pubcomp = 7,
    Subscribe = 8,
    Suback = 9,
    Unsubscribe = 10,
    Unsuback = 11,
    Disconnect = 14,
    Auth = 15,
}

macro_rules! properties {
    ($($id:literal $variant:ident $name:literal $type:ident [$($place:ident)*] $repeat:literal $min:literal..=$max:expr;)*) => {
        /// A property identifier (MQTT 5.0 section 2.2.2.2).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[allow(missing_docs)] // the names are the specification's
        pub enum PropertyId { $($variant = $id,)* }

        /// Every property of MQTT 5, by identifier.
        pub const TABLE: &[PropertyInfo] = &[$(PropertyInfo {
            id: PropertyId::$variant,
            name: $name,
            value_type: ValueType::$type,
            packets: 0 $(| 1 << Place::$place as u16)*,
            repeatable: $repeat,
            min: $min,
            max: $max,
        },)*];
    };
}

const ANY: u32 = u32::MAX;
const VARINT: u32 = super::primitive::VARINT_MAX;

properties! {
    1 PayloadFormatIndicator "payload-format-indicator" Byte [Publish Will] false 0..=1;
    2 MessageExpiryInterval "message-expiry-interval" U32 [Publish Will] false 0..=ANY;
    3 ContentType "content-type" String [Publish Will] false 0..=ANY;
    8 ResponseTopic "response-topic" String [Publish Will] false 0..=ANY;
    9 CorrelationData "correlation-data" Binary [Publish Will] false 0..=ANY;
    11 SubscriptionIdentifier "subscription-identifier" VarInt [Publish Subscribe] true 1..=VARINT;
    17 SessionExpiryInterval "session-expiry-interval" U32 [Connect Connack Disconnect] false 0..=ANY;
    18 AssignedClientIdentifier "assigned-client-identifier" String [Connack] false 0..=ANY;
    19 ServerKeepAlive "server-keep-alive" U16 [Connack] false 0..=ANY;
    21 AuthenticationMethod "authentication-method" String [Connect Connack Auth] false 0..=ANY;
    22 AuthenticationData "authentication-data" Binary [Connect Connack Auth] false 0..=ANY;
    23 RequestProblemInformation "request-problem-information" Byte [Connect] false 0..=1;
    24 WillDelayInterval "will-delay-interval" U32 [Will] false 0..=ANY;
    25 RequestResponseInformation "request-response-information" Byte [Connect] false 0..=1;
    26 ResponseInformation "response-information" String [Connack] false 0..=ANY;
    28 ServerReference "server-reference" String [Connack Disconnect] false 0..=ANY;
    31 ReasonString "reason-string" String [Connack Puback Pubrec Pubrel Pubcomp Suback Unsuback Disconnect Auth] false 0..=ANY;
    33 ReceiveMaximum "receive-maximum" U16 [Connect Connack] false 1..=ANY;
    34 TopicAliasMaximum "topic-alias-maximum" U16 [Connect Connack] false 0..=ANY;
    35 TopicAlias "topic-alias" U16 [Publish] false 0..=ANY;
    36 MaximumQos "maximum-qos" Byte [Connack] false 0..=1;
    37 RetainAvailable "retain-available" Byte [Connack] false 0..=1;
    38 UserProperty "user-property" Pair [Will Connect Connack Publish Puback Pubrec Pubrel Pubcomp Subscribe Suback Unsubscribe Unsuback Disconnect Auth] true 0..=ANY;
    39 MaximumPacketSize "maximum-packet-size" U32 [Connect Connack] false 1..=ANY;
    40 WildcardSubscriptionAvailable "wildcard-subscription-available" Byte [Connack] false 0..=1;
    41 SubscriptionIdentifierAvailable "subscription-identifier-available" Byte [Connack] false 0..=1;
    42 SharedSubscriptionAvailable "shared-subscription-available" Byte [Connack] false 0..=1;
}

impl PropertyId {
    /// The property with this identifier.
    pub fn new(number: u32) -> Option<Self> {
        TABLE
            .binary_search_by_key(&number, |row| row.id as u32)
            .ok()
            .map(|index| TABLE[index].id)
    }

    /// The property with this name, as in `content-type`.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.name == name).map(|row| row.id)
    }

    /// The identifier on the wire.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The table row.
    pub fn info(self) -> &'static PropertyInfo {
        // Every variant has its row, and the rows are sorted: see the test.
        let index = TABLE.partition_point(|row| (row.id as u8) < self as u8);
        &TABLE[index]
    }
}

impl PropertyInfo {
    /// Whether the property may stand in `place`.
    pub const fn allowed_in(&self, place: Place) -> bool {
        self.packets & (1 << place as u16) != 0
    }

    /// Whether it may stand more than once in `place`: user properties anywhere,
    /// subscription identifiers only in a PUBLISH (MQTT 5.0 section 3.8.2.1.2).
    pub fn repeatable_in(&self, place: Place) -> bool {
        self.repeatable && (self.id == PropertyId::UserProperty || matches!(place, Place::Publish))
    }
}

/// A property's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// One byte.
    Byte(u8),
    /// Two byte integer.
    U16(u16),
    /// Four byte integer.
    U32(u32),
    /// Variable byte integer.
    VarInt(u32),
    /// Binary data.
    Binary(&'a [u8]),
    /// UTF-8 string.
    String(&'a str),
    /// UTF-8 string pair: name, value.
    Pair(&'a str, &'a str),
}

impl Value<'_> {
    fn number(&self) -> Option<u32> {
        match *self {
            Value::Byte(value) => Some(u32::from(value)),
            Value::U16(value) => Some(u32::from(value)),
            Value::U32(value) | Value::VarInt(value) => Some(value),
            Value::Binary(_) | Value::String(_) | Value::Pair(..) => None,
        }
    }

    /// How this value is encoded.
    pub const fn value_type(&self) -> ValueType {
        match self {
            Value::Byte(_) => ValueType::Byte,
            Value::U16(_) => ValueType::U16,
            Value::U32(_) => ValueType::U32,
            Value::VarInt(_) => ValueType::VarInt,
            Value::Binary(_) => ValueType::Binary,
            Value::String(_) => ValueType::String,
            Value::Pair(..) => ValueType::Pair,
        }
    }
}

/// Encoded properties, without the length in front, known to be well formed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Properties<'a> {
    bytes: &'a [u8],
}

impl<'a> Properties<'a> {
    /// No properties.
    pub const EMPTY: Properties<'static> = Properties { bytes: &[] };

    /// Reads a property length and the properties behind it, which must be well
    /// formed, allowed in `place`, within their range, and not repeated.
    #[inline]
    pub fn read(reader: &mut Reader<'a>, place: Place) -> Result<Self> {
        let len = reader.varint()? as usize;
        if len == 0 {
            return Ok(Properties::EMPTY);
        }
        Self::parse(reader.bytes(len)?, place)
    }

    /// Properties whose bytes were read before, by [`Properties::read`].
    pub(crate) const fn trusted(bytes: &'a [u8]) -> Self {
        Properties { bytes }
    }

    fn parse(bytes: &'a [u8], place: Place) -> Result<Self> {
        let mut seen = 0u64;
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let (id, value) = read_property(&mut reader)?;
            let info = id.info();
            if !info.allowed_in(place) {
                return Err(Error::protocol("property not allowed in this packet"));
            }
            let bit = 1u64 << id.number();
            if seen & bit != 0 && !info.repeatable_in(place) {
                return Err(Error::protocol("property occurs twice"));
            }
            seen |= bit;
            if value.number().is_some_and(|n| n < info.min || n > info.max) {
                return Err(Error::protocol("property value out of range"));
            }
        }
        Ok(Properties { bytes })
    }

    /// The encoded bytes, without the length.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The properties in the order they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (PropertyId, Value<'a>)> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || {
            if reader.is_empty() {
                return None;
            }
            // Well formed by construction, so an error cannot come; it would end the list.
            read_property(&mut reader).ok()
        })
    }

    /// The first property with this identifier.
    #[inline]
    pub fn find(&self, id: PropertyId) -> Option<Value<'a>> {
        if self.bytes.is_empty() {
            return None;
        }
        self.search(id)
    }

    fn search(&self, id: PropertyId) -> Option<Value<'a>> {
        self.iter()
            .find(|(found, _)| *found == id)
            .map(|(_, value)| value)
    }

    /// The first number with this identifier.
    #[inline]
    pub fn number(&self, id: PropertyId) -> Option<u32> {
        self.find(id)?.number()
    }

    /// The first string with this identifier.
    #[inline]
    pub fn string(&self, id: PropertyId) -> Option<&'a str> {
        match self.find(id)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The first binary value with this identifier.
    pub fn binary(&self, id: PropertyId) -> Option<&'a [u8]> {
        match self.find(id)? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A copy that owns its bytes.
    pub fn to_buf(&self) -> PropertyBuf {
        PropertyBuf {
            bytes: self.bytes.to_vec(),
        }
    }

    /// Checks that a program may send these in `place`: each allowed there, in range,
    /// none repeated that may not be, no wildcard in a response topic.
    pub fn check(&self, place: Place) -> Result<()> {
        let mut seen = 0u64;
        for (id, value) in self.iter() {
            let info = id.info();
            if !info.allowed_in(place) {
                return Err(Error::Caller(CallerError::InvalidProperty(
                    "not allowed in this packet",
                )));
            }
            let bit = 1u64 << id.number();
            if seen & bit != 0 && !info.repeatable_in(place) {
                return Err(Error::Caller(CallerError::DuplicateProperty));
            }
            seen |= bit;
            if value.number().is_some_and(|n| n < info.min || n > info.max) {
                return Err(Error::Caller(CallerError::InvalidProperty(
                    "value out of range",
                )));
            }
            // MQTT-3.3.2-14
            let name = match value {
                Value::String(name) if id == PropertyId::ResponseTopic => name,
                _ => continue,
            };
            if !topic::is_name_or_empty(name.as_bytes()) {
                return Err(Error::Caller(CallerError::InvalidProperty(
                    "response topic with a wildcard",
                )));
            }
        }
        Ok(())
    }

    /// The bytes [`Properties::put`] appends.
    pub fn encoded_len(&self) -> usize {
        varint_len(self.bytes.len() as u32) + self.bytes.len()
    }

    /// Appends the property length and the properties.
    pub fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.bytes.len() as u32);
        out.extend_from_slice(self.bytes);
    }
}

#[inline]
fn read_property<'a>(reader: &mut Reader<'a>) -> Result<(PropertyId, Value<'a>)> {
    let id =
        PropertyId::new(reader.varint()?).ok_or_else(|| Error::malformed("unknown property"))?;
    let value = match id.info().value_type {
        ValueType::Byte => Value::Byte(reader.u8()?),
        ValueType::U16 => Value::U16(reader.u16()?),
        ValueType::U32 => Value::U32(reader.u32()?),
        ValueType::VarInt => Value::VarInt(reader.varint()?),
        ValueType::Binary => Value::Binary(reader.binary()?),
        ValueType::String => Value::String(reader.string()?),
        ValueType::Pair => Value::Pair(reader.string()?, reader.string()?),
    };
    Ok((id, value))
}

/// Owned, encoded properties in the order they were added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PropertyBuf {
    bytes: Vec<u8>,
}

impl PropertyBuf {
    /// No properties.
    pub const fn new() -> Self {
        PropertyBuf { bytes: Vec::new() }
    }

    /// Appends a property.
    ///
    /// Fails where the value's type is not the property's, or a string or binary is
    /// longer than 65535 bytes. Nothing is checked about the packet: see
    /// [`PropertyBuf::check`].
    pub fn push(&mut self, id: PropertyId, value: Value<'_>) -> Result<()> {
        if id.info().value_type != value.value_type() {
            return Err(Error::invalid("property value has the wrong type"));
        }
        let too_long = |len: usize| len > usize::from(u16::MAX);
        match value {
            Value::Binary(bytes) if too_long(bytes.len()) => return Err(LONG),
            Value::String(text) if too_long(text.len()) => return Err(LONG),
            Value::Pair(name, text) if too_long(name.len()) || too_long(text.len()) => {
                return Err(LONG)
            }
            Value::VarInt(value) if value > VARINT => {
                return Err(Error::invalid("variable byte integer above 268435455"))
            }
            _ => {}
        }
        let out = &mut self.bytes;
        out.push(id.number());
        match value {
            Value::Byte(value) => out.push(value),
            Value::U16(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::U32(value) => out.extend_from_slice(&value.to_be_bytes()),
            Value::VarInt(value) => put_varint(out, value),
            Value::Binary(bytes) => put_binary(out, bytes),
            Value::String(text) => put_string(out, text),
            Value::Pair(name, text) => {
                put_string(out, name);
                put_string(out, text);
            }
        }
        return Ok(());

        const LONG: Error = Error::invalid("property value longer than 65535 bytes");
    }

    /// The properties as a borrowed list.
    pub fn as_properties(&self) -> Properties<'_> {
        Properties { bytes: &self.bytes }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// See [`Properties::check`].
    pub fn check(&self, place: Place) -> Result<()> {
        self.as_properties().check(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_every_id_finds_its_own_row() {
        assert!(TABLE
            .windows(2)
            .all(|pair| (pair[0].id as u8) < pair[1].id as u8));
        assert_eq!(TABLE.len(), 27);
        for row in TABLE {
            assert_eq!(row.id.info().name, row.name);
            assert_eq!(PropertyId::from_name(row.name), Some(row.id));
        }
    }

    #[test]
    fn order_is_kept() {
        let mut buf = PropertyBuf::new();
        buf.push(PropertyId::UserProperty, Value::Pair("b", "1"))
            .unwrap();
        buf.push(PropertyId::ContentType, Value::String("text"))
            .unwrap();
        buf.push(PropertyId::UserProperty, Value::Pair("a", "2"))
            .unwrap();
        let ids: Vec<_> = buf.as_properties().iter().map(|(_, value)| value).collect();
        assert_eq!(
            ids,
            [
                Value::Pair("b", "1"),
                Value::String("text"),
                Value::Pair("a", "2")
            ]
        );
        assert_eq!(buf.check(Place::Publish), Ok(()));
    }

    #[test]
    fn repeated_and_misplaced_properties_are_refused() {
        let twice = [5, 1, 0, 1, 1, 0]; // a length that ends inside a property
        assert!(Properties::read(&mut Reader::new(&twice), Place::Publish).is_err());
        let twice = [4, 1, 0, 1, 1];
        assert!(matches!(
            Properties::read(&mut Reader::new(&twice), Place::Publish),
            Err(Error::Peer(crate::error::PeerError::Protocol(_)))
        ));
        let misplaced = [2, 1, 0];
        assert!(Properties::read(&mut Reader::new(&misplaced), Place::Connack).is_err());
    }
}
