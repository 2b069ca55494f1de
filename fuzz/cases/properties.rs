//! Property lists of the C API against a plain list of what was put into them.

use std::ffi::{c_char, c_int, c_void, CStr, CString};
use std::ptr;

use mqttrs::codec::properties::ValueType;
use mqttrs::codec::PropertyId;

use super::capi::*;
use super::script::Script;

extern "C" {
    fn mosquitto_property_byte_value(property: *const mosquitto_property) -> u8;
    fn mosquitto_property_int16_value(property: *const mosquitto_property) -> u16;
    fn mosquitto_property_int32_value(property: *const mosquitto_property) -> u32;
    fn mosquitto_property_varint_value(property: *const mosquitto_property) -> u32;
    fn mosquitto_property_binary_value(property: *const mosquitto_property) -> *const c_void;
    fn mosquitto_property_binary_value_length(property: *const mosquitto_property) -> u16;
    fn mosquitto_property_string_value(property: *const mosquitto_property) -> *const c_char;
    fn mosquitto_property_string_name(property: *const mosquitto_property) -> *const c_char;
    fn mosquitto_property_type(property: *const mosquitto_property) -> c_int;
    fn mosquitto_property_check_all(command: c_int, properties: *const mosquitto_property)
        -> c_int;
    fn mosquitto_property_copy_all(
        dest: *mut *mut mosquitto_property,
        src: *const mosquitto_property,
    ) -> c_int;
    fn mosquitto_property_remove(
        proplist: *mut *mut mosquitto_property,
        property: *const mosquitto_property,
    ) -> c_int;
    fn free(pointer: *mut c_void);
}

pub fn run(input: &[u8]) {
    let mut script = Script::new(input);
    let mut lists = [List::default(), List::default()];
    while !script.is_empty() {
        // SAFETY: all lists are the library's and live, all strings end in NUL.
        unsafe { step(&mut lists, &mut script) };
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Byte(u8),
    Int16(u16),
    Int32(u32),
    VarInt(u32),
    Binary(Vec<u8>),
    String(CString),
    Pair(CString, CString),
}

impl Value {
    fn value_type(&self) -> ValueType {
        match self {
            Value::Byte(_) => ValueType::Byte,
            Value::Int16(_) => ValueType::U16,
            Value::Int32(_) => ValueType::U32,
            Value::VarInt(_) => ValueType::VarInt,
            Value::Binary(_) => ValueType::Binary,
            Value::String(_) => ValueType::String,
            Value::Pair(..) => ValueType::Pair,
        }
    }
}

struct List {
    first: *mut mosquitto_property,
    expected: Vec<(c_int, Value)>,
}

impl Default for List {
    fn default() -> List {
        List {
            first: ptr::null_mut(),
            expected: Vec::new(),
        }
    }
}

impl Drop for List {
    fn drop(&mut self) {
        // SAFETY: the library's list.
        unsafe { mosquitto_property_free_all(&mut self.first) };
        assert!(self.first.is_null());
    }
}

unsafe fn step(lists: &mut [List; 2], script: &mut Script<'_>) {
    let which = usize::from(script.byte() & 1);
    let list = &mut lists[which];
    // SAFETY: the caller's promise.
    unsafe {
        match script.byte() % 12 {
            0..=6 => list.add(script),
            7 => list.remove(script.byte().into()),
            8 => {
                let mut copy = List::default();
                let rc = mosquitto_property_copy_all(&mut copy.first, list.first);
                assert_eq!(rc, MOSQ_ERR_SUCCESS);
                copy.expected = list.expected.clone();
                copy.compare();
                // The one that it came from may go.
                lists[which] = copy;
            }
            9 => {
                // Any command, also one that is none.
                mosquitto_property_check_all(c_int::from(script.byte()) - 1, list.first);
            }
            10 => list.read(c_int::from(script.byte() % 45), script.flag()),
            _ => *list = List::default(),
        }
        lists[which].compare();
    }
}

impl List {
    unsafe fn add(&mut self, script: &mut Script<'_>) {
        let id = c_int::from(script.byte()) - 2;
        let kind = PropertyId::new(id as u32).map(|id| id.info().value_type);
        let number = u32::from(script.byte()) << (script.byte() % 25);
        let bytes = script.bytes();
        let c_string = |bytes: &[u8]| {
            let bytes: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
            CString::new(bytes).unwrap()
        };
        let (name, other) = bytes.split_at(bytes.len() / 2);
        // Of the right type most often.
        let choice = match (script.byte(), kind) {
            (0..=229, Some(kind)) => kind as u8,
            (choice, _) => choice % 7 + 1,
        };
        let first = &mut self.first;
        // SAFETY: the caller's promise.
        let (rc, value) = unsafe {
            match choice {
                1 => {
                    let value = number as u8;
                    (
                        mosquitto_property_add_byte(first, id, value),
                        Value::Byte(value),
                    )
                }
                2 => {
                    let value = number as u16;
                    (
                        mosquitto_property_add_int16(first, id, value),
                        Value::Int16(value),
                    )
                }
                3 => (
                    mosquitto_property_add_int32(first, id, number),
                    Value::Int32(number),
                ),
                4 => (
                    mosquitto_property_add_varint(first, id, number),
                    Value::VarInt(number),
                ),
                5 => (
                    mosquitto_property_add_binary(
                        first,
                        id,
                        bytes.as_ptr().cast(),
                        bytes.len() as u16,
                    ),
                    Value::Binary(bytes.to_vec()),
                ),
                6 => {
                    let value = c_string(bytes);
                    (
                        mosquitto_property_add_string(first, id, value.as_ptr()),
                        Value::String(value),
                    )
                }
                _ => {
                    let (name, value) = (c_string(name), c_string(other));
                    let rc = mosquitto_property_add_string_pair(
                        first,
                        id,
                        name.as_ptr(),
                        value.as_ptr(),
                    );
                    (rc, Value::Pair(name, value))
                }
            }
        };
        let fits = kind == Some(value.value_type());
        let possible = match &value {
            Value::VarInt(number) => *number < 1 << 28,
            Value::String(text) => is_text(text),
            Value::Pair(name, value) => is_text(name) && is_text(value),
            _ => true,
        };
        assert_eq!(
            rc == MOSQ_ERR_SUCCESS,
            fits && possible,
            "{id} {value:?}: {rc}"
        );
        if rc == MOSQ_ERR_SUCCESS {
            self.expected.push((id, value));
        }
    }

    unsafe fn remove(&mut self, place: usize) {
        let mut at = self.first;
        // SAFETY: the caller's promise.
        unsafe {
            for _ in 0..place {
                at = mosquitto_property_next(at);
            }
            let rc = mosquitto_property_remove(&mut self.first, at);
            assert_eq!(rc == MOSQ_ERR_SUCCESS, place < self.expected.len());
            if rc == MOSQ_ERR_SUCCESS {
                assert!(mosquitto_property_next(at).is_null());
                mosquitto_property_free_all(&mut at);
                self.expected.remove(place);
            }
        }
    }

    /// Reads in all ways, of which one suits the identifier.
    unsafe fn read(&self, id: c_int, skip_first: bool) {
        let found = self.expected.iter().filter(|(other, _)| *other == id);
        let found = found.map(|(_, value)| value);
        // As a program passes over the first: from where it found it.
        let (mut byte, mut short, mut long) = (0, 0, 0);
        let (mut name, mut value, mut data) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let list = self.first;
        // SAFETY: the caller's promise; what is read is freed.
        unsafe {
            let mut read = Vec::new();
            if !mosquitto_property_read_byte(list, id, &mut byte, skip_first).is_null() {
                read.push(Value::Byte(byte));
            }
            if !mosquitto_property_read_int16(list, id, &mut short, skip_first).is_null() {
                read.push(Value::Int16(short));
            }
            if !mosquitto_property_read_int32(list, id, &mut long, skip_first).is_null() {
                read.push(Value::Int32(long));
            }
            if !mosquitto_property_read_varint(list, id, &mut long, skip_first).is_null() {
                read.push(Value::VarInt(long));
            }
            if !mosquitto_property_read_string(list, id, &mut value, skip_first).is_null() {
                read.push(Value::String(text(value)));
                free(value.cast());
            }
            if !mosquitto_property_read_string_pair(list, id, &mut name, &mut value, skip_first)
                .is_null()
            {
                read.push(Value::Pair(text(name), text(value)));
                free(name.cast());
                free(value.cast());
            }
            if !mosquitto_property_read_binary(list, id, &mut data, &mut short, skip_first)
                .is_null()
            {
                read.push(Value::Binary(bytes(data, short)));
                free(data);
            }
            let expected: Vec<_> = found
                .skip(usize::from(skip_first))
                .take(1)
                .cloned()
                .collect();
            assert_eq!(read, expected, "{id} in {:?}", self.expected);
        }
    }

    unsafe fn compare(&self) {
        let mut at = self.first.cast_const();
        // SAFETY: the caller's promise.
        unsafe {
            for (id, value) in &self.expected {
                assert_eq!(mosquitto_property_identifier(at), *id);
                let kind = value.value_type();
                assert_eq!(mosquitto_property_type(at), kind as c_int);
                let held_text = || text(mosquitto_property_string_value(at));
                let held = match kind {
                    ValueType::Byte => Value::Byte(mosquitto_property_byte_value(at)),
                    ValueType::U16 => Value::Int16(mosquitto_property_int16_value(at)),
                    ValueType::U32 => Value::Int32(mosquitto_property_int32_value(at)),
                    ValueType::VarInt => Value::VarInt(mosquitto_property_varint_value(at)),
                    ValueType::Binary => Value::Binary(bytes(
                        mosquitto_property_binary_value(at),
                        mosquitto_property_binary_value_length(at),
                    )),
                    ValueType::String => Value::String(held_text()),
                    ValueType::Pair => {
                        Value::Pair(text(mosquitto_property_string_name(at)), held_text())
                    }
                };
                assert_eq!(held, *value);
                at = mosquitto_property_next(at);
            }
        }
        assert!(at.is_null(), "more than was put in");
    }
}

/// UTF-8 without control characters and non-characters.
fn is_text(text: &CStr) -> bool {
    text.to_str().is_ok_and(|text| {
        text.chars().all(|character| {
            let code = u32::from(character);
            let control = code < 0x20 || (0x7f..0xa0).contains(&code);
            let no_character = (0xfdd0..0xfdf0).contains(&code) || code & 0xffff >= 0xfffe;
            !control && !no_character
        })
    })
}

/// A text of the library's; NULL stands for the empty one.
unsafe fn text(text: *const c_char) -> CString {
    match text.is_null() {
        true => CString::default(),
        // SAFETY: the caller's promise.
        false => unsafe { CStr::from_ptr(text) }.to_owned(),
    }
}

unsafe fn bytes(start: *const c_void, len: u16) -> Vec<u8> {
    match len {
        0 => Vec::new(),
        // SAFETY: the caller's promise.
        _ => unsafe { std::slice::from_raw_parts(start.cast(), len.into()) }.to_vec(),
    }
}
