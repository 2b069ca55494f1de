//! Enhanced authentication (MQTT 5.0 section 4.12).

use std::ffi::{c_char, c_int, c_void};

use super::arguments::{self, mqtt_text};
use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::guard::guard;
use super::handle::{call, mosquitto, Contents};
use super::property::mosquitto_property;
use crate::codec::Place;
use crate::error::Error;

/// Sends AUTH: the program's next step of enhanced authentication, as an answer to what the
/// callback of `mosquitto_ext_auth_callback_set` was told.
///
/// `auth_method` is the authentication method, the same as in CONNECT. `auth_data` has
/// `auth_data_len` bytes and may be NULL where there are none. `props` are further properties of
/// AUTH, without method and data, and may be NULL. All are copied and stay the program's.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `context` NULL or destroyed, `auth_method` NULL, and
/// `auth_data` NULL with a length; MOSQ_ERR_MALFORMED_UTF8; MOSQ_ERR_NO_CONN without a connection;
/// MOSQ_ERR_NOT_SUPPORTED below MQTT 5; MOSQ_ERR_PROTOCOL for a property that does not belong in
/// AUTH and when no authentication is going on; MOSQ_ERR_DUPLICATE_PROPERTY;
/// MOSQ_ERR_OVERSIZE_PACKET.
///
/// # Safety
/// `context` is NULL or came from `mosquitto_new`; `auth_method` is NULL or a C string;
/// `auth_data` is NULL or has `auth_data_len` bytes; `props` is NULL or a valid list.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_ext_auth_continue(
    context: *mut mosquitto,
    auth_method: *const c_char,
    auth_data_len: u16,
    auth_data: *const c_void,
    props: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let proceed = |contents: &Contents| {
            let client = contents.client();
            // SAFETY: the caller's promise, for all in this block.
            let (method, data, properties) = unsafe {
                (
                    mqtt_text(auth_method)?.ok_or(Error::invalid("auth_method is NULL"))?,
                    arguments::payload(auth_data, c_int::from(auth_data_len))?,
                    arguments::properties(client, props, Place::Auth)?,
                )
            };
            let data = (!data.is_empty()).then_some(data);
            client.authenticate(method, data, properties.as_properties())
        };
        // SAFETY: the caller's promise.
        unsafe { call(context, proceed) }
    })
}
