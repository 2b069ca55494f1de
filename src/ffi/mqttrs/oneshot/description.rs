//! A connection as it is described, made the settings of a client.

use std::ffi::{c_char, c_int, c_uint};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;

use super::run::failed;
use super::watch::Watch;
use super::{mqttrs_connection, mqttrs_message};
use super::{MQTTRS_PROXY_HTTP, MQTTRS_PROXY_NONE, MQTTRS_PROXY_SOCKS5};
use super::{MQTTRS_TLS_INSECURE, MQTTRS_TLS_OS_CERTS};
use crate::client::{Client, Target};
use crate::codec::Place;
use crate::error::{CallerError, Error};
use crate::ffi::arguments::{self, bytes};
use crate::ffi::connect;
use crate::ffi::constants::mosq_opt_t::{self, *};
use crate::ffi::constants::{mosq_opt_arg, mosq_transport_t};
use crate::ffi::handle::{mosquitto, Contents};
use crate::ffi::mqttrs::connection::{mqttrs_connect_timeout_set, mqttrs_http_proxy_set};
use crate::ffi::mqttrs::message::lent;
use crate::ffi::mqttrs::tls::mqttrs_tls_certificate_set;
use crate::ffi::options::{mosquitto_int_option, mosquitto_socks5_set, mosquitto_string_option};
use crate::ffi::property::list::{mosquitto_property_copy_all, mosquitto_property_free_all};
use crate::ffi::tls::{mosquitto_tls_insecure_set, mosquitto_tls_set};
use crate::ffi::will::{mosquitto_username_pw_set, mosquitto_will_set_v5};

/// Gives a new client all that is described, and lets the program set more. The client keeps the
/// words of an error.
///
/// # Safety
/// As for `mqttrs_publish_once`; `mosq` is the handle of `contents`.
pub(super) unsafe fn set_up(
    it: &mqttrs_connection,
    mosq: *mut mosquitto,
    contents: &Contents,
    watch: &Watch,
    timeout_ms: c_uint,
) -> Result<(), c_int> {
    let client = contents.client();
    // SAFETY: a client.
    succeeded(unsafe { mqttrs_connect_timeout_set(mosq, timeout_ms) })?;
    let number = |option: mosq_opt_t, value: c_int| match value {
        0 => Ok(()),
        // SAFETY: a client.
        _ => succeeded(unsafe { mosquitto_int_option(mosq, option as mosq_opt_arg, value) }),
    };
    let string = |option: mosq_opt_t, value: *const c_char| match value.is_null() {
        true => Ok(()),
        // SAFETY: a client, and the caller's promise.
        false => succeeded(unsafe { mosquitto_string_option(mosq, option as mosq_opt_arg, value) }),
    };
    let invalid = |what| Err(failed(client, &Error::invalid(what)));
    number(MOSQ_OPT_PROTOCOL_VERSION, it.protocol_version)?;
    number(MOSQ_OPT_TRANSPORT, it.transport)?;
    string(MOSQ_OPT_HTTP_PATH, it.http_path)?;
    number(MOSQ_OPT_TLS_USE_OS_CERTS, it.tls & MQTTRS_TLS_OS_CERTS)?;
    // SAFETY: the caller's promise, for all that follows.
    unsafe {
        succeeded(mosquitto_username_pw_set(mosq, it.username, it.password))?;
        let [ca, folder, cert, key] = [it.cafile, it.capath, it.certfile, it.keyfile];
        if !ca.is_null() || !folder.is_null() {
            succeeded(mosquitto_tls_set(mosq, ca, folder, cert, key, None))?;
        } else if !cert.is_null() || !key.is_null() {
            let (cert, key) = (read(client, cert)?, read(client, key)?);
            let (cert_data, key_data) = (cert.as_ptr().cast(), key.as_ptr().cast());
            let (cert_size, key_size) = (cert.len(), key.len());
            let set = mqttrs_tls_certificate_set;
            succeeded(set(mosq, cert_data, cert_size, key_data, key_size))?;
        }
        if it.tls & MQTTRS_TLS_INSECURE != 0 {
            succeeded(mosquitto_tls_insecure_set(mosq, true))?;
        }
        if it.tls & !(MQTTRS_TLS_OS_CERTS | MQTTRS_TLS_INSECURE) != 0 {
            return invalid("tls is not made of MQTTRS_TLS_*");
        }
        string(MOSQ_OPT_TLS_ALPN, it.alpn)?;
        let (host, port) = (it.proxy_host, it.proxy_port);
        let (user, password) = (it.proxy_username, it.proxy_password);
        match it.proxy {
            MQTTRS_PROXY_NONE => {}
            _ if host.is_null() => return invalid("proxy_host is NULL"),
            MQTTRS_PROXY_SOCKS5 => {
                succeeded(mosquitto_socks5_set(mosq, host, port, user, password))?;
            }
            MQTTRS_PROXY_HTTP => {
                succeeded(mqttrs_http_proxy_set(mosq, host, port, user, password))?;
            }
            _ => return invalid("proxy is none of MQTTRS_PROXY_*"),
        }
        if !it.will.is_null() {
            set_will(mosq, client, it.will)?;
        }
        match it.prepare.map_or(0, |prepare| prepare(mosq, it.userdata)) {
            0 => Ok(()),
            rc => {
                watch.seen().text = Some("prepare has ended the call".to_owned());
                Err(rc)
            }
        }
    }
}

/// Where to connect to, once the settings are known.
///
/// # Safety
/// As for `mqttrs_publish_once`.
pub(super) unsafe fn target(it: &mqttrs_connection, client: &Client) -> Result<Target, Error> {
    // SAFETY: the caller's promise.
    let host = unsafe { bytes(it.host) }.unwrap_or_default();
    if host.is_empty() {
        return Err(Error::invalid("host is NULL or empty"));
    }
    let secure = client.options(|options| options.route().tls.enabled);
    let websocket = it.transport == mosq_transport_t::MOSQ_T_WEBSOCKETS as c_int;
    let port = match (it.port, host[0] == b'/') {
        (0, false) => match (websocket, secure) {
            (false, false) => 1883,
            (false, true) => 8883,
            (true, false) => 80,
            (true, true) => 443,
        },
        (port, _) => port,
    };
    let keepalive = if it.keepalive == 0 { 60 } else { it.keepalive };
    // SAFETY: the caller's promise, for both.
    unsafe {
        let mut target = connect::target(it.host, port, keepalive)?;
        target.properties = arguments::properties(client, it.properties, Place::Connect)?;
        Ok(target)
    }
}

fn succeeded(rc: c_int) -> Result<(), c_int> {
    match rc {
        0 => Ok(()),
        rc => Err(rc),
    }
}

/// What is in a file.
///
/// # Safety
/// `path` is NULL or a C string.
unsafe fn read(client: &Client, path: *const c_char) -> Result<Vec<u8>, c_int> {
    // SAFETY: the caller's promise.
    let path = Path::new(std::ffi::OsStr::from_bytes(
        unsafe { bytes(path) }.unwrap_or_default(),
    ));
    fs::read(path).map_err(|error| {
        let why = format!("{}: {error}", path.display());
        failed(client, &Error::Caller(CallerError::TlsSetting(why)))
    })
}

/// # Safety
/// `will` is valid with all it points to; `mosq` is a client.
unsafe fn set_will(
    mosq: *mut mosquitto,
    client: &Client,
    will: *const mqttrs_message,
) -> Result<(), c_int> {
    // SAFETY: the caller's promise, for all that follows.
    unsafe {
        let will = lent(will).map_err(|error| failed(client, &error))?;
        // What is too large for C's type is too large for a will.
        let len = c_int::try_from(will.payloadlen).unwrap_or(c_int::MAX);
        let mut list = null_mut();
        succeeded(mosquitto_property_copy_all(&mut list, will.properties))?;
        let (topic, payload, qos) = (will.topic, will.payload, will.qos);
        let set = mosquitto_will_set_v5(mosq, topic, len, payload, qos, will.retain, list);
        if set != 0 {
            mosquitto_property_free_all(&mut list);
        }
        succeeded(set)
    }
}
