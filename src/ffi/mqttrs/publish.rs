//! Publishing.

use std::ffi::c_int;

use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};

/// Gives outgoing messages topic aliases without the program's doing (MQTT 5.0 section
/// 3.3.2.3.4): the second message to a topic is sent without the topic's name.
///
/// `value` true switches it on, false (the default) off. It works as far as the server's
/// Topic Alias Maximum goes, the least recently used alias being used again when there are no
/// more, and does nothing below MQTT 5 or for a server that takes no aliases. Messages with
/// a topic alias of the program's own are left as they are.
///
/// Takes effect with the next message. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_automatic_topic_aliases_set(
    mosq: *mut mosquitto,
    value: bool,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            contents.client().set_automatic_topic_aliases(value);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}
