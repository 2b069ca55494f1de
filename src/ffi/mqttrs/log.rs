//! The log as records: what happened, with what, besides the words.

use std::ffi::{c_char, c_int, c_void};

use crate::client::LogRecord;
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};

/// A key and its value, both C strings in UTF-8 and never NULL. Numbers are in decimal.
#[derive(Debug)]
#[repr(C)]
pub struct mqttrs_log_field {
    /// Which value it is, `mid` for instance.
    pub key: *const c_char,
    /// The value.
    pub value: *const c_char,
}

/// Something that was logged. It belongs to the library and lives, with all that it points to,
/// until the callback returns; later versions may have more behind the last member, as `size` says.
#[derive(Debug)]
#[repr(C)]
pub struct mqttrs_log_record {
    /// The size of this structure in bytes.
    pub size: usize,
    /// How important it is: MOSQ_LOG_INFO, _NOTICE, _WARNING, _ERR or _DEBUG.
    pub level: c_int,
    /// The client identifier; NULL where there is none, or not yet.
    pub client_id: *const c_char,
    /// What happened: a name that stays the same in later versions, `publish.sent` for instance.
    pub event: *const c_char,
    /// `field_count` keys with their values, each key once.
    pub fields: *const mqttrs_log_field,
    /// How many there are; it may be 0, and later versions may have more.
    pub field_count: usize,
    /// The same in words, one line; for people, and it may change.
    pub text: *const c_char,
}

/// Runs for each thing that is logged.
pub type mqttrs_log_callback = Option<
    unsafe extern "C" fn(mosq: *mut mosquitto, obj: *mut c_void, record: *const mqttrs_log_record),
>;

/// Sets what is called for each thing that is logged: packets, connections and attempts,
/// messages that are dropped, what is refused. The guide to logging lists the events and their keys.
///
/// The callback gets `mosq`, the client's `obj`, and a record, which the library keeps. What
/// `mosquitto_log_callback_set` has set gets its lines as before, ahead of this callback; the
/// records are more, and the words of those that are lines are the same. The callback runs in
/// order with the client's other callbacks, in the thread that runs the loop, or where no thread
/// does, in the one whose call is logged. It may call any function; what it does with the same
/// client is not logged. Without any of the two callbacks nothing is made for the log.
///
/// Any thread, any callback; NULL removes the callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL
/// for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `on_log` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_log_callback_set(
    mosq: *mut mosquitto,
    on_log: mqttrs_log_callback,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            contents.callbacks.log_record.set(on_log);
            let wanted = || contents.callbacks.logging();
            contents.client().set_logging(wanted);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Lends a record to C, unless it was made without fields, when nobody wanted some.
pub(in crate::ffi) fn lend_record(record: &LogRecord, lend: impl FnOnce(*const mqttrs_log_record)) {
    let mut texts = record.texts_nul().map(|text| text.as_ptr().cast());
    let mut next = || texts.next();
    let (Some(text), Some(event), Some(client_id)) = (next(), next(), next()) else {
        return;
    };
    let fields = std::iter::from_fn(|| {
        let (key, value) = (next()?, next()?);
        Some(mqttrs_log_field { key, value })
    });
    let fields: Vec<mqttrs_log_field> = fields.collect();
    lend(&mqttrs_log_record {
        size: size_of::<mqttrs_log_record>(),
        level: record.level() as c_int,
        client_id: match record.client_id() {
            "" => std::ptr::null(),
            _ => client_id,
        },
        event,
        fields: fields.as_ptr(),
        field_count: fields.len(),
        text,
    });
}
