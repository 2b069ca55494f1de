//! TLS beyond files: what is in memory, revocation, pinning, a key log.

use std::ffi::{c_char, c_int, c_void};

use crate::error::{Error, Result};
use crate::ffi::arguments::{bytes, text};
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};
use crate::ffi::handler::PasswordCallback;
use crate::ffi::tls::{change, utf8};
use crate::transport::{appendable, readable};

/// Makes the client use TLS from the next connect on, and trust these certificates, beside
/// those of `mosquitto_tls_set` and MOSQ_OPT_TLS_USE_OS_CERTS.
///
/// `data` has `size` bytes: certificates in PEM, or one in DER. They are copied, and replace
/// those of an earlier call; NULL with size 0 takes them back, and leaves TLS on.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `data` NULL with a `size`, and
/// data without a certificate. After the last, connecting fails until a call that says whom to trust
/// succeeds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `data` is NULL or has `size` readable bytes.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_tls_ca_set(
    mosq: *mut mosquitto,
    data: *const c_void,
    size: usize,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let data = unsafe { memory(data, size) }?;
            change(contents, |tls| tls.set_ca(data))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Makes the client use TLS from the next connect on, and show this certificate to servers that
/// ask for one, in place of any other; whom to trust has to be said as well.
///
/// `cert` has `cert_size` bytes: the certificate and those between it and its authority, in PEM,
/// or the certificate alone in DER. `key` has `key_size` bytes: the private key, PKCS#8, PKCS#1
/// or SEC1, in PEM or DER. An encrypted one is decrypted during the next connect, with the
/// password of `mqttrs_tls_password_callback_set`. Both are copied; both NULL with size 0 takes
/// them back, and leaves TLS on.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, NULL with a size, one without
/// the other, and data that is no certificate or no key. After the last two, connecting fails until this
/// function or `mosquitto_tls_set` succeeds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `cert` and `key` are NULL or have as many readable
/// bytes as their sizes say.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_tls_certificate_set(
    mosq: *mut mosquitto,
    cert: *const c_void,
    cert_size: usize,
    key: *const c_void,
    key_size: usize,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let (cert, key) = unsafe { (memory(cert, cert_size)?, memory(key, key_size)?) };
            let pair = match (cert, key) {
                (None, None) => None,
                // What is missing is refused like what is empty.
                (cert, key) => Some((cert.unwrap_or_default(), key.unwrap_or_default())),
            };
            change(contents, |tls| tls.set_certificate(pair))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets what supplies the password of an encrypted private key, as the last argument of
/// `mosquitto_tls_set` does, which replaces it.
///
/// The library calls `pw_callback` during a connect: it writes the password into `buf`, of
/// `size` bytes, and returns its length; `rwflag` is 0 and `userdata` the client. NULL for none.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `pw_callback` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_tls_password_callback_set(
    mosq: *mut mosquitto,
    pw_callback: Option<
        unsafe extern "C" fn(
            buf: *mut c_char,
            size: c_int,
            rwflag: c_int,
            userdata: *mut c_void,
        ) -> c_int,
    >,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            contents
                .callbacks
                .set_key_password(pw_callback as PasswordCallback);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Makes the client use TLS from the next connect on, and refuse certificates that these
/// revocation lists name (RFC 5280 section 5).
///
/// `data` has `size` bytes: lists in PEM, or one in DER. They are copied, and replace those of an
/// earlier call; NULL with size 0 takes them back, and leaves TLS on. Where there are lists, also
/// from `mqttrs_tls_crl_file_set`, one of them has to be from the issuer of the server's
/// certificate, and none that is needed may be past its date.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `data` NULL with a `size`, and
/// data that is no revocation list. After the last, connecting fails until this function succeeds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `data` is NULL or has `size` readable bytes.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_tls_crl_set(
    mosq: *mut mosquitto,
    data: *const c_void,
    size: usize,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let data = unsafe { memory(data, size) }?;
            change(contents, |tls| tls.set_crl(data))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// As `mqttrs_tls_crl_set`, with a file, which is read again when it has changed before a
/// connect. It adds to the lists in memory.
///
/// `path` is copied; NULL takes the file back, and leaves TLS on. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and a file that cannot be
/// opened. After the last, connecting fails until this function succeeds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `path` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_tls_crl_file_set(
    mosq: *mut mosquitto,
    path: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let path = unsafe { bytes(path) }.map(utf8);
            let file = path.transpose().and_then(readable);
            change(contents, |tls| tls.set_crl_file(file))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Writes the secrets of connections to a file, in the NSS key log format, so that whoever has
/// the file can read captured traffic: for debugging only. No environment variable does this.
///
/// The file at `path` is created if need be, for its owner only, and appended to. The path is
/// copied; NULL, the default, is for none. Takes effect with the next connect. Any thread, any
/// callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and a file that cannot be
/// written to. After the last, connecting with TLS fails until this function succeeds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `path` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_tls_keylog_set(mosq: *mut mosquitto, path: *const c_char) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let path = unsafe { bytes(path) }.map(utf8);
            let file = path.transpose().and_then(appendable);
            change(contents, |tls| tls.set_key_log_file(file))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Makes the client use TLS from the next connect on, with servers that have one of these keys
/// and no other, however good their certificates are.
///
/// `pins` is "sha256//" and the base64 of the SHA-256 of a certificate's SubjectPublicKeyInfo,
/// several of them separated by ";", as curl has it. It is copied; NULL, the default, is for any
/// key, and leaves TLS on. Whom to trust has to be said as well; where the certificate is not
/// checked (`mosquitto_tls_opts_set`), the key still is.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, and pins written otherwise.
/// After the last, connecting fails until this function succeeds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `pins` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_tls_pins_set(mosq: *mut mosquitto, pins: *const c_char) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let pins = unsafe { bytes(pins) }.map(String::from_utf8_lossy);
            change(contents, |tls| tls.set_pins(pins.as_deref()))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Offers application protocols in TLS (RFC 7301), the preferred one first: several, where
/// MOSQ_OPT_TLS_ALPN sets one; each replaces the other.
///
/// `names` has `count` strings of 1 to 255 bytes, which are copied; a `count` of 0, the
/// default, is for none, and `names` may be NULL then. A server that knows none of them may
/// refuse the connection. Takes effect with the next connect. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `names` or one of them NULL, and
/// names that are not UTF-8, of other lengths, or more than 4096 bytes together. After the last two,
/// connecting with TLS fails until this function succeeds.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `names` is NULL or has `count` C strings or NULLs.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_tls_alpn_set(
    mosq: *mut mosquitto,
    names: *const *const c_char,
    count: usize,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            if names.is_null() && count > 0 {
                return Err(Error::invalid("names is NULL"));
            }
            let name = |index| {
                // SAFETY: the caller's promise; below `count`.
                let name = unsafe { text(*names.add(index), "name is not UTF-8") }?;
                name.map(str::to_owned)
                    .ok_or(Error::invalid("name is NULL"))
            };
            let names = (0..count).map(name).collect::<Result<_>>()?;
            change(contents, |tls| tls.set_alpn(names))
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// The caller's `size` bytes; `None` for NULL without any.
///
/// # Safety
/// `data` is NULL or has `size` bytes that stay unchanged for `'a`.
unsafe fn memory<'a>(data: *const c_void, size: usize) -> Result<Option<&'a [u8]>> {
    match (data.is_null(), isize::try_from(size)) {
        (true, Ok(0)) => Ok(None),
        (true, _) => Err(Error::invalid("data is NULL and not empty")),
        (false, Err(_)) => Err(Error::invalid("no data is as large as that")),
        // SAFETY: not NULL, not too large, and the caller's promise.
        (false, Ok(_)) => Ok(Some(unsafe {
            std::slice::from_raw_parts(data.cast(), size)
        })),
    }
}
