//! TLS settings.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::null_mut;

use super::arguments::{bytes, text};
use super::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use super::guard::guard;
use super::handle::{call, enter, mosquitto, Contents};
use super::handler::PasswordCallback;
use super::options::openssl;
use crate::client::{LogValue, TlsFiles, TlsPart, TlsSettings};
use crate::error::{CallerError, Error, Result};

/// Makes the client use TLS from the next connect on, and says whom to trust.
///
/// `cafile` is a file with trusted certificates, PEM, and `capath` a folder with such files;
/// one of them may be NULL. `certfile` and `keyfile` are the client's certificate chain and
/// private key, PEM; both are NULL or neither is. Files must be readable now; a folder need
/// not exist while `cafile` serves. All strings are copied.
///
/// `pw_callback` may be NULL. Where the key is encrypted, the library calls it during a connect:
/// it writes the password into `buf`, of `size` bytes, and returns its length; `rwflag` is 0 and
/// `userdata` the client. Without a callback the password is asked for on the terminal, or read
/// from standard input where the process has none, as with OpenSSL.
///
/// Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `cafile` and `capath` both
/// NULL, one of `certfile` and `keyfile` without the other, and a file that cannot be opened.
/// After an error other than for NULL alone, connecting fails until this function, or another
/// that says whom to trust, succeeds: there is no connection without TLS by mistake.
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
            let paths = unsafe {
                [
                    bytes(cafile),
                    bytes(capath),
                    bytes(certfile),
                    bytes(keyfile),
                ]
            };
            if paths.iter().all(Option::is_none) {
                return Err(Error::invalid("cafile and capath are NULL"));
            }
            let [ca_file, ca_path, cert_file, key_file] = paths.map(|path| path.map(utf8));
            let files = || {
                TlsFiles::open(
                    ca_file.transpose()?,
                    ca_path.transpose()?,
                    cert_file.transpose()?,
                    key_file.transpose()?,
                )
            };
            let files = files();
            change(contents, |tls| tls.set_files(files))?;
            contents
                .callbacks
                .set_key_password(pw_callback as PasswordCallback);
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
                .options(|options| options.route_mut().tls.insecure = value);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets how TLS is spoken.
///
/// `cert_reqs` is 1 (the default) to check the server's certificate and 0 to accept any, which
/// protects from nobody. `tls_version` is the least version to speak, in any case: "tlsv1.3",
/// "tlsv1.2", or "tlsv1.1", which means 1.2 too since nothing older is spoken; NULL is 1.2.
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
            if !matches!(cert_reqs, 0 | 1) {
                return Err(Error::invalid("cert_reqs is not 0 or 1"));
            }
            change(contents, |tls| {
                tls.set_protocol(cert_reqs == 1, version, ciphers)
            })
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
/// `psk` or `identity` NULL, and other characters in `psk`. Afterwards connecting fails, unless it
/// was for NULL, until `mosquitto_tls_set` or the like succeeds.
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
            let (Some(psk), Some(_)) = (psk, identity) else {
                return Err(Error::invalid("psk or identity is NULL"));
            };
            match psk.iter().all(u8::is_ascii_hexdigit) {
                true => openssl(contents, "TLS with a pre-shared key"),
                false => change(contents, |tls| {
                    let why = "the pre-shared key is not hexadecimal".to_owned();
                    tls.refuse(TlsPart::Trust, why.clone());
                    Err(why)
                }),
            }
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

/// Changes the settings of TLS. What is refused stands in the log too, since programs look
/// there when they do not look at what a function returned.
pub(super) fn change(
    contents: &Contents,
    change: impl FnOnce(&mut TlsSettings) -> std::result::Result<(), String>,
) -> Result<()> {
    let client = contents.client();
    let changed = client.options(|options| change(&mut options.route_mut().tls));
    changed.map_err(|why| {
        let error = Error::Caller(CallerError::TlsSetting(why));
        client.log_refusal(LogValue::from(&error));
        error
    })
}

/// A path. One that is no UTF-8 is refused like one that leads nowhere.
pub(super) fn utf8(path: &[u8]) -> std::result::Result<String, String> {
    let path = std::str::from_utf8(path).map(str::to_owned);
    path.map_err(|_| "the path of a file is not UTF-8".to_owned())
}
