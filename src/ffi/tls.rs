//! TLS settings.

use std::ffi::{c_char, c_int, c_void};
use std::fs::File;
use std::ptr::null_mut;

use super::arguments::{bytes, text};
use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::guard::guard;
use super::handle::{call, enter, mosquitto, Contents};
use super::handler::PasswordCallback;
use super::options::openssl;
use crate::error::{Error, Result};

/// Makes the client use TLS from the next connect on, and says whom to trust.
///
/// `cafile` is a file with trusted certificates, PEM, and `capath` a folder with such files;
/// one of them may be NULL. `certfile` and `keyfile` are the client's certificate chain and
/// private key, PEM; both are NULL or neither is. Files must be readable now; a folder need
/// not exist while `cafile` serves. All strings are copied.
///
/// `pw_callback` may be NULL. Where the key is encrypted, the library calls it during a connect:
/// it writes the password into `buf`, of `size` bytes, and returns its length; `rwflag` is 0 and
/// `userdata` the client.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `cafile` and `capath` both
/// NULL, one of `certfile` and `keyfile` without the other, and a file that cannot be opened.
/// After an error the settings are as they were.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; the strings are NULL or C strings; `pw_callback` is
/// NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_tls_set(
    mosq: *mut mosquitto,
    cafile: *const c_char,
    capath: *const c_char,
    certfile: *const c_char,
    keyfile: *const c_char,
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
            // SAFETY: the caller's promise, for all in this block.
            let (ca_file, ca_path, cert_file, key_file) = unsafe {
                (
                    path(cafile)?,
                    path(capath)?,
                    path(certfile)?,
                    path(keyfile)?,
                )
            };
            if ca_file.is_none() && ca_path.is_none() {
                return Err(Error::invalid("cafile and capath are NULL"));
            }
            if cert_file.is_some() != key_file.is_some() {
                return Err(Error::invalid("certfile and keyfile go together"));
            }
            for file in [&ca_file, &cert_file, &key_file].into_iter().flatten() {
                File::open(file).map_err(|_| Error::invalid("file cannot be opened"))?;
            }
            contents
                .callbacks
                .set_key_password(pw_callback as PasswordCallback);
            contents.client().options(|options| {
                let tls = &mut options.tls;
                tls.enabled = true;
                (tls.ca_file, tls.ca_path) = (ca_file, ca_path);
                (tls.cert_file, tls.key_file) = (cert_file, key_file);
            });
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Switches off the comparison of the host name with the server's certificate.
///
/// With `value` true the certificate must still come from someone trusted, but may be for
/// another host: for tests only. Takes effect with the next connect. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_tls_insecure_set(mosq: *mut mosquitto, value: bool) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            contents
                .client()
                .options(|options| options.tls.insecure = value);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets how TLS is spoken.
///
/// `cert_reqs` is 1 (the default) to check the server's certificate and 0 to accept any, which
/// protects from nobody. `tls_version` is "tlsv1.2" or "tlsv1.3", in any case; NULL allows both.
/// `ciphers` is a list of cipher names, NULL for the defaults. Strings are copied.
///
/// Takes effect with the next connect that uses TLS. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed and other values than these.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; the strings are NULL or C strings.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_tls_opts_set(
    mosq: *mut mosquitto,
    cert_reqs: c_int,
    tls_version: *const c_char,
    ciphers: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let version = unsafe { text(tls_version, "tls_version is not UTF-8") }?;
            // SAFETY: the caller's promise.
            let ciphers = unsafe { text(ciphers, "ciphers is not UTF-8") }?.map(str::to_owned);
            let version = version.map(str::to_ascii_lowercase);
            if !matches!(version.as_deref(), None | Some("tlsv1.2" | "tlsv1.3")) {
                return Err(Error::invalid("tls_version is not tlsv1.2 or tlsv1.3"));
            }
            if !matches!(cert_reqs, 0 | 1) {
                return Err(Error::invalid("cert_reqs is not 0 or 1"));
            }
            contents.client().options(|options| {
                options.tls.no_verification = cert_reqs == 0;
                options.tls.version = version;
                options.tls.ciphers = ciphers;
            });
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets a pre-shared key for TLS, which this library does not support.
///
/// `psk` is the key in hexadecimal digits, `identity` who has it, `ciphers` may be NULL. Any thread, any
/// callback.
///
/// Returns MOSQ_ERR_NOT_SUPPORTED, with a line in the log; MOSQ_ERR_INVAL for `mosq` NULL or destroyed,
/// `psk` or `identity` NULL, and other characters in `psk`.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; the strings are NULL or C strings.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_tls_psk_set(
    mosq: *mut mosquitto,
    psk: *const c_char,
    identity: *const c_char,
    ciphers: *const c_char,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let _ = ciphers;
        let set = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let (psk, identity) = unsafe { (bytes(psk), bytes(identity)) };
            let hexadecimal = psk.is_some_and(|psk| psk.iter().all(u8::is_ascii_hexdigit));
            if !hexadecimal || identity.is_none() {
                return Err(Error::invalid("psk or identity is NULL or not hexadecimal"));
            }
            openssl(contents, "TLS with a pre-shared key")
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// The OpenSSL object of the connection, which does not exist here: always NULL.
///
/// Any thread, any callback.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_ssl_get(mosq: *mut mosquitto) -> *mut c_void {
    guard(null_mut(), || {
        // SAFETY: the caller's promise.
        drop(unsafe { enter(mosq) });
        null_mut()
    })
}

/// A path; `None` for NULL.
///
/// # Safety
/// `path` is NULL or a C string.
unsafe fn path(path: *const c_char) -> Result<Option<String>> {
    // SAFETY: the caller's promise.
    Ok(unsafe { text(path, "path is not UTF-8") }?.map(str::to_owned))
}
