//! Names of properties, and which packet they suit.

use std::ffi::{c_char, c_int};
use std::ptr::null;

use super::{mosquitto_property, to_wire};
use crate::codec::properties::{PropertyInfo, TABLE};
use crate::codec::{Place, PropertyId};
use crate::error::{CallerError, Error, Result};
use crate::ffi::arguments;
use crate::ffi::constants::mosq_err_t::{
    MOSQ_ERR_DUPLICATE_PROPERTY, MOSQ_ERR_INVAL, MOSQ_ERR_PROTOCOL, MOSQ_ERR_SUCCESS,
    MOSQ_ERR_UNKNOWN,
};
use crate::ffi::constants::mqtt_protocol::*;
use crate::ffi::guard::guard;

/// Whether a property may stand in a packet (MQTT 5.0 section 2.2.2.2).
///
/// `command` is the packet type as `CMD_*`; `CMD_WILL` stands for the will's properties
/// inside a CONNECT.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_PROTOCOL` where it may not, and for an identifier or
/// a packet type that is unknown or has no properties.
#[no_mangle]
pub extern "C" fn mosquitto_property_check_command(command: c_int, identifier: c_int) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let info = id(identifier).map(PropertyId::info);
        match (place(command), info) {
            (Some(place), Some(info)) if info.allowed_in(place) => MOSQ_ERR_SUCCESS as c_int,
            _ => MOSQ_ERR_PROTOCOL as c_int,
        }
    })
}

/// Whether all properties of a list may stand together in a packet, with these values.
///
/// `command` is as for `mosquitto_property_check_command`. The functions that take property
/// lists make the same check.
///
/// Returns `MOSQ_ERR_SUCCESS`, for NULL always; `MOSQ_ERR_DUPLICATE_PROPERTY` where a
/// property occurs twice that must not; `MOSQ_ERR_PROTOCOL` for all else.
///
/// # Safety
/// `properties` is NULL or a property list.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_property_check_all(
    command: c_int,
    properties: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        if properties.is_null() {
            return MOSQ_ERR_SUCCESS as c_int;
        }
        let Some(place) = place(command) else {
            return MOSQ_ERR_PROTOCOL as c_int;
        };
        // SAFETY: the caller's promise.
        match unsafe { check(place, properties) } {
            Ok(()) => MOSQ_ERR_SUCCESS as c_int,
            Err(Error::Caller(CallerError::DuplicateProperty)) => {
                MOSQ_ERR_DUPLICATE_PROPERTY as c_int
            }
            Err(_) => MOSQ_ERR_PROTOCOL as c_int,
        }
    })
}

/// The name of a property as the MQTT specification has it, in lower case and with dashes:
/// `payload-format-indicator`.
///
/// The text is static; NULL for an unknown identifier.
#[no_mangle]
pub extern "C" fn mosquitto_property_identifier_to_string(identifier: c_int) -> *const c_char {
    guard(null(), || {
        let row = id(identifier).and_then(|id| TABLE.iter().position(|row| row.id == id));
        row.map_or(null(), |row| NAMES[row].as_ptr().cast())
    })
}

/// Identifier (`MQTT_PROP_*`) and type (`MQTT_PROP_TYPE_*`) of the property with this name,
/// in any case.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where an argument is NULL or the name
/// unknown, and then nothing is written.
///
/// # Safety
/// `propname` is NULL or a C string; `identifier` and `type` are NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_string_to_property_info(
    propname: *const c_char,
    identifier: *mut c_int,
    r#type: *mut c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        let info = unsafe { arguments::bytes(propname) }.and_then(info);
        // SAFETY: the caller's promise.
        match unsafe { (info, identifier.as_mut(), r#type.as_mut()) } {
            (Some(info), Some(identifier), Some(value_type)) => {
                *identifier = info.id as c_int;
                *value_type = info.value_type as c_int;
                MOSQ_ERR_SUCCESS as c_int
            }
            _ => MOSQ_ERR_INVAL as c_int,
        }
    })
}

/// # Safety
/// `list` is NULL or a property list.
unsafe fn check(place: Place, list: *const mosquitto_property) -> Result<()> {
    // SAFETY: the caller's promise.
    let buf = unsafe { to_wire(list) }?;
    buf.check(place)?;
    if buf.as_properties().number(PropertyId::TopicAlias) == Some(0) {
        return Err(Error::protocol("topic alias 0"));
    }
    Ok(())
}

fn id(identifier: c_int) -> Option<PropertyId> {
    PropertyId::new(u32::try_from(identifier).ok()?)
}

fn info(name: &[u8]) -> Option<&'static PropertyInfo> {
    TABLE
        .iter()
        .find(|row| row.name.as_bytes().eq_ignore_ascii_case(name))
}

/// What has properties under the name of a `CMD_*`.
fn place(command: c_int) -> Option<Place> {
    if command == CMD_WILL {
        return Some(Place::Will);
    }
    Some(match u32::try_from(command).ok()? {
        CMD_CONNECT => Place::Connect,
        CMD_CONNACK => Place::Connack,
        CMD_PUBLISH => Place::Publish,
        CMD_PUBACK => Place::Puback,
        CMD_PUBREC => Place::Pubrec,
        CMD_PUBREL => Place::Pubrel,
        CMD_PUBCOMP => Place::Pubcomp,
        CMD_SUBSCRIBE => Place::Subscribe,
        CMD_SUBACK => Place::Suback,
        CMD_UNSUBSCRIBE => Place::Unsubscribe,
        CMD_UNSUBACK => Place::Unsuback,
        CMD_DISCONNECT => Place::Disconnect,
        CMD_AUTH => Place::Auth,
        _ => return None,
    })
}

const LONGEST_NAME: usize = 40;

/// The names of the table's rows as C wants them, with a NUL behind each.
static NAMES: [[u8; LONGEST_NAME]; TABLE.len()] = {
    let mut names = [[0; LONGEST_NAME]; TABLE.len()];
    let mut row = 0;
    while row < TABLE.len() {
        let name = TABLE[row].name.as_bytes();
        assert!(name.len() < LONGEST_NAME);
        let mut at = 0;
        while at < name.len() {
            names[row][at] = name[at];
            at += 1;
        }
        row += 1;
    }
    names
};

#[cfg(test)]
mod tests {
    use super::super::OwnedList;
    use super::*;
    use crate::codec::{PropertyBuf, Value};
    use std::ffi::{CStr, CString};
    use std::ptr::null_mut;

    /// The properties each packet may have (MQTT 5.0 section 2.2.2.2, table 2-4).
    const ALLOWED: &[(c_int, &[c_int])] = &[
        (0x10, &[17, 21, 22, 23, 25, 33, 34, 38, 39]),
        (
            0x20,
            &[
                17, 18, 19, 21, 22, 26, 28, 31, 33, 34, 36, 37, 38, 39, 40, 41, 42,
            ],
        ),
        (0x30, &[1, 2, 3, 8, 9, 11, 35, 38]),
        (0x40, &[31, 38]),
        (0x50, &[31, 38]),
        (0x60, &[31, 38]),
        (0x70, &[31, 38]),
        (0x80, &[11, 38]),
        (0x90, &[31, 38]),
        (0xa0, &[38]),
        (0xb0, &[31, 38]),
        (0xc0, &[]),
        (0xd0, &[]),
        (0xe0, &[17, 28, 31, 38]),
        (0xf0, &[21, 22, 31, 38]),
        (0x100, &[1, 2, 3, 8, 9, 24, 38]),
        (0, &[]),
        (0x31, &[]),
        (-0x10, &[]),
    ];

    #[test]
    fn properties_are_allowed_where_the_specification_allows_them() {
        for (command, allowed) in ALLOWED {
            for identifier in -2..300 {
                let expected = if allowed.contains(&identifier) {
                    MOSQ_ERR_SUCCESS
                } else {
                    MOSQ_ERR_PROTOCOL
                };
                assert_eq!(
                    mosquitto_property_check_command(*command, identifier),
                    expected as c_int,
                    "{identifier} in {command:#x}"
                );
            }
        }
    }

    fn check(command: u32, properties: &[(PropertyId, Value<'_>)]) -> c_int {
        let mut buf = PropertyBuf::new();
        for (id, value) in properties {
            buf.push(*id, *value).expect("the right type");
        }
        let list = OwnedList::from_wire(buf.as_properties()).expect("memory");
        // SAFETY: a list.
        unsafe { mosquitto_property_check_all(command as c_int, list.as_ptr()) }
    }

    const USER: (PropertyId, Value<'_>) = (PropertyId::UserProperty, Value::Pair("a", "b"));

    #[test]
    fn good_lists_pass() {
        assert_eq!(check(CMD_PUBLISH, &[USER, USER]), 0);
        let topic = (PropertyId::ResponseTopic, Value::String("a/b"));
        let alias = (PropertyId::TopicAlias, Value::U16(1));
        assert_eq!(check(CMD_PUBLISH, &[USER, topic, alias]), 0);
        assert_eq!(check(CMD_WILL as u32, &[topic]), 0);
        // SAFETY: NULL.
        unsafe {
            assert_eq!(
                mosquitto_property_check_all(CMD_CONNECT as c_int, null()),
                0
            );
        }
    }

    #[test]
    fn several_subscription_identifiers_are_for_publish_only() {
        let twice = [(PropertyId::SubscriptionIdentifier, Value::VarInt(1)); 2];
        assert_eq!(check(CMD_PUBLISH, &twice), 0);
        assert_eq!(
            check(CMD_SUBSCRIBE, &twice),
            MOSQ_ERR_DUPLICATE_PROPERTY as c_int
        );
    }

    #[test]
    fn duplicates_are_found() {
        let format = (PropertyId::PayloadFormatIndicator, Value::Byte(1));
        assert_eq!(
            check(CMD_PUBLISH, &[format, USER, format]),
            MOSQ_ERR_DUPLICATE_PROPERTY as c_int
        );
    }

    #[test]
    fn misplaced_properties_are_a_protocol_error() {
        let format = (PropertyId::PayloadFormatIndicator, Value::Byte(1));
        for command in [CMD_CONNECT, CMD_PINGREQ, CMD_RESERVED, 0x31] {
            assert_eq!(
                check(command, &[format]),
                MOSQ_ERR_PROTOCOL as c_int,
                "{command:#x}"
            );
        }
    }

    #[test]
    fn values_out_of_range_are_a_protocol_error() {
        for (command, id, value) in [
            (
                CMD_PUBLISH,
                PropertyId::PayloadFormatIndicator,
                Value::Byte(2),
            ),
            (
                CMD_CONNECT,
                PropertyId::RequestProblemInformation,
                Value::Byte(2),
            ),
            (
                CMD_CONNECT,
                PropertyId::RequestResponseInformation,
                Value::Byte(2),
            ),
            (CMD_CONNECT, PropertyId::ReceiveMaximum, Value::U16(0)),
            (CMD_CONNECT, PropertyId::MaximumPacketSize, Value::U32(0)),
            (CMD_CONNACK, PropertyId::MaximumQos, Value::Byte(2)),
            (CMD_CONNACK, PropertyId::RetainAvailable, Value::Byte(2)),
            (
                CMD_CONNACK,
                PropertyId::WildcardSubscriptionAvailable,
                Value::Byte(2),
            ),
            (
                CMD_CONNACK,
                PropertyId::SubscriptionIdentifierAvailable,
                Value::Byte(2),
            ),
            (
                CMD_CONNACK,
                PropertyId::SharedSubscriptionAvailable,
                Value::Byte(2),
            ),
            (CMD_PUBLISH, PropertyId::TopicAlias, Value::U16(0)),
            (
                CMD_SUBSCRIBE,
                PropertyId::SubscriptionIdentifier,
                Value::VarInt(0),
            ),
            (CMD_PUBLISH, PropertyId::ResponseTopic, Value::String("a/+")),
            (CMD_PUBLISH, PropertyId::ResponseTopic, Value::String("#")),
        ] {
            assert_eq!(
                check(command, &[(id, value)]),
                MOSQ_ERR_PROTOCOL as c_int,
                "{id:?}"
            );
        }
    }

    #[test]
    fn names_lead_to_identifiers_and_back() {
        let mut known = 0;
        for number in -1..300 {
            let name = mosquitto_property_identifier_to_string(number);
            if name.is_null() {
                continue;
            }
            known += 1;
            // SAFETY: a C string and valid pointers.
            unsafe {
                let upper = CStr::from_ptr(name).to_bytes().to_ascii_uppercase();
                let upper = CString::new(upper).expect("no NUL");
                for name in [name, upper.as_ptr()] {
                    let (mut identifier, mut value_type) = (0, 0);
                    let rc =
                        mosquitto_string_to_property_info(name, &mut identifier, &mut value_type);
                    assert_eq!((rc, identifier), (0, number));
                    let expected = id(number).expect("known").info().value_type;
                    assert_eq!(value_type, expected as c_int);
                }
            }
        }
        assert_eq!(known, 27);
        // SAFETY: a C string.
        let name = unsafe { CStr::from_ptr(mosquitto_property_identifier_to_string(8)) };
        assert_eq!(name, c"response-topic");
    }

    #[test]
    fn unknown_names_and_missing_pointers_are_invalid() {
        let (mut identifier, mut value_type) = (-1, -1);
        // SAFETY: NULL or valid pointers.
        unsafe {
            for bad in [
                c"",
                c"nope",
                c"content-typ",
                c"content-type ",
                c"content_type",
            ] {
                let rc = mosquitto_string_to_property_info(
                    bad.as_ptr(),
                    &mut identifier,
                    &mut value_type,
                );
                assert_eq!(rc, MOSQ_ERR_INVAL as c_int, "{bad:?}");
            }
            let name = c"topic-alias".as_ptr();
            let (identifier, value_type) = (&raw mut identifier, &raw mut value_type);
            for (name, identifier, value_type) in [
                (null(), identifier, value_type),
                (name, null_mut(), value_type),
                (name, identifier, null_mut()),
            ] {
                let rc = mosquitto_string_to_property_info(name, identifier, value_type);
                assert_eq!(rc, MOSQ_ERR_INVAL as c_int);
            }
        }
        assert_eq!((identifier, value_type), (-1, -1));
    }
}
