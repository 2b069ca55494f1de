//! Property lists (MQTT 5.0 section 2.2.2).
//!
//! A list is a chain of nodes from the C allocator. Programs know it by pointers only, but
//! some of libmosquitto's own tools carry their own copy of these functions, build lists
//! themselves and hand them to the library: so the nodes have libmosquitto's layout.

use std::ffi::c_char;
use std::ptr::null_mut;

use super::alloc;
use crate::codec::primitive::VARINT_MAX;
use crate::codec::properties::ValueType;
use crate::codec::{Properties, PropertyBuf, PropertyId, Value};
use crate::error::{CallerError, Error, Result};

pub mod add;
pub mod check;
pub mod list;
pub mod read;

/// One property, and the way to the next.
#[repr(C)]
pub struct mqtt5__property {
    next: *mut mqtt5__property,
    value: Content,
    name: Text,
    identifier: i32,
    property_type: u8,
    /// A C `bool`; ours is `u8` because memory from C may hold any value.
    client_generated: u8,
}

/// A property list is the pointer to its first property; NULL is the empty list.
pub type mosquitto_property = mqtt5__property;

#[repr(C)]
#[derive(Clone, Copy)]
union Content {
    byte: u8,
    int16: u16,
    int32: u32,
    varint: u32,
    text: Text,
}

/// A string or binary value: memory of the C allocator with a NUL behind it, or NULL.
#[repr(C)]
#[derive(Clone, Copy)]
struct Text {
    v: *mut c_char,
    len: u16,
}

/// A value in a list. Strings are not known to be UTF-8: the list may be C's own work.
#[derive(Clone, Copy)]
enum Stored<'a> {
    Byte(u8),
    Int16(u16),
    Int32(u32),
    VarInt(u32),
    Binary(&'a [u8]),
    String(&'a [u8]),
    Pair(&'a [u8], &'a [u8]),
}

/// A list's properties as they go on the wire, in order.
///
/// Fails with `InvalidArgument` for an unknown identifier or a value of the wrong type, and
/// with `MalformedUtf8`. Whether the properties suit a packet is not looked at.
///
/// # Safety
/// `list` is NULL or a property list.
pub(super) unsafe fn to_wire(list: *const mosquitto_property) -> Result<PropertyBuf> {
    // SAFETY: the caller's promise.
    unsafe { encode(list, VARINT_MAX as usize) }
}

/// As [`to_wire`]; of a list that a callback was given only the first property, as with libmosquitto:
/// programs answer with the correlation data of a request by its place in the middle of the list.
///
/// # Safety
/// As for [`to_wire`].
pub(super) unsafe fn handed_on(list: *const mosquitto_property) -> Result<PropertyBuf> {
    // SAFETY: the caller's promise.
    let first = unsafe { iter(list) }.next();
    let Some(received) = first.filter(|property| property.client_generated == 0) else {
        // SAFETY: the caller's promise.
        return unsafe { to_wire(list) };
    };
    let alone = mqtt5__property {
        next: null_mut(),
        ..*received
    };
    // SAFETY: a list of one property, whose texts live as long as those it was copied from.
    unsafe { to_wire(&alone) }
}

/// A list the library made, to lend to a callback.
pub(super) struct OwnedList {
    first: *mut mosquitto_property,
}

// SAFETY: the nodes belong to the list alone and are bound to no thread.
unsafe impl Send for OwnedList {}

impl OwnedList {
    /// Received properties as a list; `None` when memory ran out.
    pub(super) fn from_wire(properties: Properties<'_>) -> Option<Self> {
        let mut list = OwnedList { first: null_mut() };
        let mut end: *mut *mut mosquitto_property = &mut list.first;
        for (id, value) in properties.iter() {
            let node = new_node(id, false)?;
            // SAFETY: the node is new; `end` is the list's own last pointer, which is NULL.
            unsafe {
                *end = node;
                if !(*node).store(value) {
                    return None;
                }
                end = &mut (*node).next;
            }
        }
        Some(list)
    }

    /// The list for C; NULL when it is empty. It lives as long as `self`.
    pub(super) fn as_ptr(&self) -> *const mosquitto_property {
        self.first
    }
}

impl Drop for OwnedList {
    fn drop(&mut self) {
        // SAFETY: our own nodes, which nobody uses any more.
        unsafe { free_nodes(self.first) };
    }
}

impl mqtt5__property {
    /// Identifier and value; `None` where the identifier is unknown or the type is not the
    /// identifier's, so that the union is never read as what it is not.
    fn stored(&self) -> Option<(PropertyId, Stored<'_>)> {
        let id = PropertyId::new(u32::try_from(self.identifier).ok()?)?;
        let value_type = id.info().value_type;
        if i32::from(self.property_type) != value_type as i32 {
            return None;
        }
        // SAFETY: who made the node wrote the member that goes with its type.
        let stored = unsafe {
            match value_type {
                ValueType::Byte => Stored::Byte(self.value.byte),
                ValueType::U16 => Stored::Int16(self.value.int16),
                ValueType::U32 => Stored::Int32(self.value.int32),
                ValueType::VarInt => Stored::VarInt(self.value.varint),
                ValueType::Binary => Stored::Binary(self.value.text.bytes()),
                ValueType::String => Stored::String(self.value.text.bytes()),
                ValueType::Pair => Stored::Pair(self.name.bytes(), self.value.text.bytes()),
            }
        };
        Some((id, stored))
    }

    /// Stores a value of the node's type in a node that has none; false when memory ran out.
    /// What was stored by then is freed with the node.
    #[must_use]
    fn store(&mut self, value: Value<'_>) -> bool {
        match value {
            Value::Byte(byte) => self.value.byte = byte,
            Value::U16(int16) => self.value.int16 = int16,
            Value::U32(int32) => self.value.int32 = int32,
            Value::VarInt(varint) => self.value.varint = varint,
            Value::Binary(bytes) => return self.store_text(bytes),
            Value::String(text) => return self.store_text(text.as_bytes()),
            Value::Pair(name, text) => {
                let Some(name) = Text::copy(name.as_bytes()) else {
                    return false;
                };
                self.name = name;
                return self.store_text(text.as_bytes());
            }
        }
        true
    }

    fn store_text(&mut self, bytes: &[u8]) -> bool {
        match Text::copy(bytes) {
            Some(text) => {
                self.value.text = text;
                true
            }
            None => false,
        }
    }

    /// Whether `value` holds a pointer.
    fn has_text(&self) -> bool {
        [ValueType::Binary, ValueType::String, ValueType::Pair]
            .iter()
            .any(|value_type| *value_type as i32 == i32::from(self.property_type))
    }
}

impl Text {
    const EMPTY: Text = Text {
        v: null_mut(),
        len: 0,
    };

    /// A copy; `None` when memory ran out. `bytes` are at most 65535: see the callers.
    fn copy(bytes: &[u8]) -> Option<Text> {
        debug_assert!(bytes.len() <= usize::from(u16::MAX));
        if bytes.is_empty() {
            return Some(Text::EMPTY);
        }
        Some(Text {
            v: alloc::copy_with_nul(bytes)?.as_ptr(),
            len: bytes.len() as u16,
        })
    }

    fn bytes(&self) -> &[u8] {
        if self.v.is_null() {
            return &[];
        }
        // SAFETY: a text has as many bytes as it says.
        unsafe { std::slice::from_raw_parts(self.v.cast(), usize::from(self.len)) }
    }
}

impl<'a> Stored<'a> {
    fn value(self) -> Result<Value<'a>> {
        let utf8 = |bytes: &'a [u8]| {
            crate::types::utf8::from_wire(bytes).ok_or(Error::Caller(CallerError::MalformedUtf8))
        };
        Ok(match self {
            Stored::Byte(value) => Value::Byte(value),
            Stored::Int16(value) => Value::U16(value),
            Stored::Int32(value) => Value::U32(value),
            Stored::VarInt(value) => Value::VarInt(value),
            Stored::Binary(bytes) => Value::Binary(bytes),
            Stored::String(bytes) => Value::String(utf8(bytes)?),
            Stored::Pair(name, bytes) => Value::Pair(utf8(name)?, utf8(bytes)?),
        })
    }
}

/// [`to_wire`] for lists of at most `limit` bytes.
///
/// # Safety
/// `list` is NULL or a property list.
unsafe fn encode(list: *const mosquitto_property, limit: usize) -> Result<PropertyBuf> {
    let mut buf = PropertyBuf::new();
    // SAFETY: the caller's promise.
    for property in unsafe { iter(list) } {
        let (id, stored) = property.stored().ok_or(UNKNOWN)?;
        buf.push(id, stored.value()?)?;
        if buf.as_properties().as_bytes().len() > limit {
            return Err(Error::Caller(CallerError::OversizePacket));
        }
    }
    return Ok(buf);

    const UNKNOWN: Error = Error::invalid("property of unknown identifier or wrong type");
}

/// The properties of a list.
///
/// # Safety
/// `list` is NULL or a property list that stays unchanged for `'a`.
unsafe fn iter<'a>(
    list: *const mosquitto_property,
) -> impl Iterator<Item = &'a mosquitto_property> {
    // SAFETY: the caller's promise; a list's pointers lead to properties or are NULL.
    std::iter::successors(unsafe { list.as_ref() }, |property| unsafe {
        property.next.cast_const().as_ref()
    })
}

/// A new property without a value; `None` when memory ran out.
fn new_node(id: PropertyId, client_generated: bool) -> Option<*mut mosquitto_property> {
    let node = alloc::zeroed::<mosquitto_property>()?.as_ptr();
    // SAFETY: the node is new, and all zeros are a property.
    unsafe {
        (*node).identifier = i32::from(id.number());
        (*node).property_type = id.info().value_type as u8;
        (*node).client_generated = u8::from(client_generated);
    }
    Some(node)
}

/// Frees the nodes of a list and what they hold.
///
/// # Safety
/// `list` is NULL or a property list that is not used again.
pub(super) unsafe fn free_nodes(mut list: *mut mosquitto_property) {
    // SAFETY: the caller's promise; each node is left before it is freed.
    unsafe {
        while let Some(property) = list.as_mut() {
            let next = property.next;
            if property.has_text() {
                alloc::free(property.value.text.v);
            }
            alloc::free(property.name.v);
            alloc::free(list);
            list = next;
        }
    }
}

const _: () = {
    use std::mem::offset_of;
    // The layout on the platforms where pointers have 8 bytes.
    assert!(
        size_of::<usize>() != 8
            || (size_of::<mqtt5__property>() == 48
                && offset_of!(mqtt5__property, value) == 8
                && offset_of!(mqtt5__property, name) == 24
                && offset_of!(mqtt5__property, identifier) == 40
                && offset_of!(mqtt5__property, property_type) == 44
                && offset_of!(mqtt5__property, client_generated) == 45)
    );
};

/// Where a test starts a list.
#[cfg(test)]
const EMPTY: *mut mosquitto_property = null_mut();

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null;

    /// One property of each type, in an order that is not that of the identifiers.
    fn sample() -> PropertyBuf {
        let mut buf = PropertyBuf::new();
        for (id, value) in [
            (PropertyId::UserProperty, Value::Pair("n", "v")),
            (PropertyId::CorrelationData, Value::Binary(b"\0\xff")),
            (PropertyId::ContentType, Value::String("text")),
            (
                PropertyId::SubscriptionIdentifier,
                Value::VarInt(VARINT_MAX),
            ),
            (PropertyId::MessageExpiryInterval, Value::U32(u32::MAX)),
            (PropertyId::TopicAlias, Value::U16(u16::MAX)),
            (PropertyId::PayloadFormatIndicator, Value::Byte(1)),
            (PropertyId::UserProperty, Value::Pair("", "")),
            (PropertyId::ResponseTopic, Value::String("")),
        ] {
            buf.push(id, value).expect("the right type");
        }
        buf
    }

    #[test]
    fn a_received_property_is_handed_on_alone_and_a_list_of_the_programs_whole() {
        let buf = sample();
        let list = OwnedList::from_wire(buf.as_properties()).expect("memory");
        // SAFETY: a list and its second property, whose nodes nobody else looks at.
        unsafe {
            let second = (*list.first).next;
            let handed = handed_on(second).expect("a property");
            let properties: Vec<_> = handed.as_properties().iter().collect();
            assert_eq!(
                properties,
                [(PropertyId::CorrelationData, Value::Binary(b"\0\xff"))]
            );
            (*list.first).client_generated = 1;
            let whole = handed_on(list.first).expect("properties");
            assert_eq!(
                whole.as_properties().as_bytes(),
                buf.as_properties().as_bytes()
            );
            assert!(handed_on(null()).expect("none").as_properties().is_empty());
        }
    }

    #[test]
    fn lists_from_the_wire_go_back_to_the_wire_unchanged() {
        let buf = sample();
        let list = OwnedList::from_wire(buf.as_properties()).expect("memory");
        // SAFETY: a list.
        assert_eq!(unsafe { to_wire(list.as_ptr()) }, Ok(buf));
    }

    #[test]
    fn no_properties_are_the_null_list() {
        let list = OwnedList::from_wire(Properties::EMPTY).expect("memory");
        assert!(list.as_ptr().is_null());
        // SAFETY: NULL.
        assert_eq!(unsafe { to_wire(null()) }, Ok(PropertyBuf::new()));
    }

    #[test]
    fn running_out_of_memory_anywhere_in_a_list_gives_no_list() {
        let buf = sample();
        let needed = 9 + 4; // nodes, and strings that are not empty
        for allocations in 0..needed {
            let list =
                alloc::shortage::after(allocations, || OwnedList::from_wire(buf.as_properties()));
            assert!(list.is_none(), "{allocations}");
        }
        let list = alloc::shortage::after(needed, || OwnedList::from_wire(buf.as_properties()));
        assert!(list.is_some());
    }

    /// A node as another program's code would fill it in.
    fn foreign(identifier: i32, property_type: u8, value: Content) -> mosquitto_property {
        mosquitto_property {
            next: null_mut(),
            value,
            name: Text::EMPTY,
            identifier,
            property_type,
            client_generated: 0xff,
        }
    }

    fn foreign_text(text: &'static [u8]) -> Content {
        Content {
            text: Text {
                v: text.as_ptr().cast_mut().cast(),
                len: text.len() as u16,
            },
        }
    }

    #[test]
    fn lists_built_by_other_code_are_read_by_their_layout() {
        let mut last = foreign(3, 6, foreign_text(b"json"));
        let first = mosquitto_property {
            next: &mut last,
            ..foreign(33, 2, Content { int16: 10 })
        };
        let mut expected = PropertyBuf::new();
        expected
            .push(PropertyId::ReceiveMaximum, Value::U16(10))
            .expect("type");
        expected
            .push(PropertyId::ContentType, Value::String("json"))
            .expect("type");
        // SAFETY: a list.
        assert_eq!(unsafe { to_wire(&first) }, Ok(expected));
    }

    #[test]
    fn foreign_identifiers_types_and_strings_are_checked() {
        let invalid = |property: &mosquitto_property| {
            // SAFETY: a list of one.
            unsafe { to_wire(property) }.expect_err("a bad property")
        };
        for (identifier, property_type) in
            [(0, 1), (4, 1), (-1, 1), (257, 1), (1, 2), (3, 1), (3, 9)]
        {
            let property = foreign(identifier, property_type, Content { int32: 1 });
            assert!(matches!(
                invalid(&property),
                Error::Caller(CallerError::InvalidArgument(_))
            ));
        }
        let too_large = foreign(
            11,
            4,
            Content {
                varint: VARINT_MAX + 1,
            },
        );
        assert!(matches!(
            invalid(&too_large),
            Error::Caller(CallerError::InvalidArgument(_))
        ));
        for text in [&b"\xff"[..], b"a\0b"] {
            let property = foreign(3, 6, foreign_text(text));
            assert_eq!(
                invalid(&property),
                Error::Caller(CallerError::MalformedUtf8)
            );
        }
    }

    #[test]
    fn more_than_a_packet_can_hold_is_oversize() {
        let buf = sample();
        let len = buf.as_properties().as_bytes().len();
        let list = OwnedList::from_wire(buf.as_properties()).expect("memory");
        // SAFETY: a list.
        unsafe {
            assert_eq!(encode(list.as_ptr(), len), Ok(buf));
            let oversize = Err(Error::Caller(CallerError::OversizePacket));
            assert_eq!(encode(list.as_ptr(), len - 1), oversize);
        }
    }
}
