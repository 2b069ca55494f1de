//! Names of codes, and the check of a string.
//!
//! The texts are part of the interface: tools print them. Those that libmosquitto 2.0 has
//! are the same to the byte.

use std::ffi::{c_char, c_int, CStr};
use std::sync::LazyLock;

use super::arguments;
use super::constants::mosq_err_t::{
    MOSQ_ERR_ERRNO, MOSQ_ERR_INVAL, MOSQ_ERR_MALFORMED_UTF8, MOSQ_ERR_SUCCESS, MOSQ_ERR_UNKNOWN,
};
use super::constants::mqtt_protocol::*;
use super::guard::guard;
use crate::types::{utf8, ReasonCode};

/// What a `mosq_err_t` means, in English.
///
/// For `MOSQ_ERR_ERRNO` it is the system's text for the `errno` of this thread, which lives
/// until the next such call; all others are static. Never NULL. May be called in any thread
/// and any callback.
#[no_mangle]
pub extern "C" fn mosquitto_strerror(mosq_errno: c_int) -> *const c_char {
    guard(UNKNOWN_ERROR.as_ptr(), || {
        if mosq_errno == MOSQ_ERR_ERRNO as c_int {
            let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
            // SAFETY: any number is allowed. The C library's text is static, or a buffer of
            // this thread.
            return unsafe { libc::strerror(errno) }.cast_const();
        }
        // Failures with a reason code's number mean what the reason code means.
        let reason = u8::try_from(mosq_errno).map(ReasonCode);
        match reason {
            Ok(reason) if reason.is_error() && reason.name().is_some() => reason_text(reason),
            _ => error_text(mosq_errno),
        }
        .as_ptr()
    })
}

/// What a CONNACK return code of MQTT 3.1 and 3.1.1 means, in English.
///
/// For MQTT 5 there is `mosquitto_reason_string`. The text is static and never NULL. May be
/// called in any thread and any callback.
#[no_mangle]
pub extern "C" fn mosquitto_connack_string(connack_code: c_int) -> *const c_char {
    guard(UNKNOWN_CONNACK.as_ptr(), || {
        match connack_code {
            0 => c"Connection Accepted.",
            1 => c"Connection Refused: unacceptable protocol version.",
            2 => c"Connection Refused: identifier rejected.",
            3 => c"Connection Refused: broker unavailable.",
            4 => c"Connection Refused: bad user name or password.",
            5 => c"Connection Refused: not authorised.",
            _ => UNKNOWN_CONNACK,
        }
        .as_ptr()
    })
}

/// The name of a reason code of MQTT 5 (MQTT 5.0 section 2.4).
///
/// The text is static and never NULL. May be called in any thread and any callback.
#[no_mangle]
pub extern "C" fn mosquitto_reason_string(reason_code: c_int) -> *const c_char {
    guard(UNKNOWN_REASON.as_ptr(), || {
        match u8::try_from(reason_code) {
            Ok(code) => reason_text(ReasonCode(code)),
            Err(_) => UNKNOWN_REASON,
        }
        .as_ptr()
    })
}

/// The `CMD_*` value of a packet type's name, in any case, as `connect`; `will` is
/// `CMD_WILL`.
///
/// Types whose packets have no properties, PINGREQ and PINGRESP, are not known. May be
/// called in any thread and any callback.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where a pointer is NULL or the name unknown,
/// and then `*cmd` is left as it was.
///
/// # Safety
/// `str` is NULL or a C string, `cmd` is NULL or points to an `int`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_string_to_command(str: *const c_char, cmd: *mut c_int) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        let (name, cmd) = unsafe { (arguments::bytes(str), cmd.as_mut()) };
        let (Some(name), Some(cmd)) = (name, cmd) else {
            return MOSQ_ERR_INVAL as c_int;
        };
        let packet_type = PACKET_TYPES
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        match packet_type {
            Some((_, number)) => {
                *cmd = *number;
                MOSQ_ERR_SUCCESS as c_int
            }
            None => MOSQ_ERR_INVAL as c_int,
        }
    })
}

/// Checks that a string is UTF-8 as MQTT wants it (MQTT 5.0 section 1.5.4), without U+0000,
/// control characters and non-characters, which MQTT discourages.
///
/// `len` is the string's length in bytes; it needs no NUL at its end. May be called in any
/// thread and any callback.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` for `str` NULL and for `len` negative or
/// above 65536; `MOSQ_ERR_MALFORMED_UTF8`.
///
/// # Safety
/// `str` is NULL or has `len` bytes.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_validate_utf8(str: *const c_char, len: c_int) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        if str.is_null() || !(0..=65536).contains(&len) {
            return MOSQ_ERR_INVAL as c_int;
        }
        // SAFETY: the caller's promise; `len` is not negative.
        let bytes = unsafe { std::slice::from_raw_parts(str.cast::<u8>(), len as usize) };
        if is_sendable(bytes) {
            MOSQ_ERR_SUCCESS as c_int
        } else {
            MOSQ_ERR_MALFORMED_UTF8 as c_int
        }
    })
}

/// Whether `bytes` are a string that a program may send.
pub(super) fn is_sendable(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(utf8::is_sendable)
}

const UNKNOWN_ERROR: &CStr = c"Unknown error.";
const UNKNOWN_CONNACK: &CStr = c"Connection Refused: unknown reason.";
const UNKNOWN_REASON: &CStr = c"Unknown reason";

/// The texts for values of `mosq_err_t` that are no reason codes.
fn error_text(error: c_int) -> &'static CStr {
    match error {
        -6 => c"Quota exceeded.",
        -5 => c"Authentication delayed.",
        -4 => c"Continue with authentication.",
        -3 => c"No subscribers.",
        -2 => c"Subscription already exists.",
        -1 => c"Connection pending.",
        0 => c"No error.",
        1 => c"Out of memory.",
        2 => c"A network protocol error occurred when communicating with the broker.",
        3 => c"Invalid function arguments provided.",
        4 => c"The client is not currently connected.",
        5 => c"The connection was refused.",
        6 => c"Message not found (internal error).",
        7 => c"The connection was lost.",
        8 => c"A TLS error occurred.",
        9 => c"Payload too large.",
        10 => c"This feature is not supported.",
        11 => c"Authorisation failed.",
        12 => c"Access denied by ACL.",
        15 => c"Lookup error.",
        16 => c"Proxy error.",
        17 => c"Left to the next plugin.",
        18 => c"Malformed UTF-8",
        19 => c"No answer from the broker within the keep alive interval.",
        20 => c"Host name lookup failed.",
        21 => c"Malformed packet.",
        22 => c"Duplicate property in property list",
        23 => c"TLS handshake failed.",
        24 => c"Requested QoS not supported on server.",
        25 => c"Packet larger than supported by the server.",
        26 => c"OCSP error.",
        27 => c"Timeout.",
        31 => c"Entry already exists.",
        32 => c"Ignored by the plugin.",
        33 => c"HTTP origin not allowed.",
        _ => UNKNOWN_ERROR,
    }
}

/// Packet types that have properties, and the will.
const PACKET_TYPES: [(&str, c_int); 14] = [
    ("connect", CMD_CONNECT as c_int),
    ("connack", CMD_CONNACK as c_int),
    ("publish", CMD_PUBLISH as c_int),
    ("puback", CMD_PUBACK as c_int),
    ("pubrec", CMD_PUBREC as c_int),
    ("pubrel", CMD_PUBREL as c_int),
    ("pubcomp", CMD_PUBCOMP as c_int),
    ("subscribe", CMD_SUBSCRIBE as c_int),
    ("suback", CMD_SUBACK as c_int),
    ("unsubscribe", CMD_UNSUBSCRIBE as c_int),
    ("unsuback", CMD_UNSUBACK as c_int),
    ("disconnect", CMD_DISCONNECT as c_int),
    ("auth", CMD_AUTH as c_int),
    ("will", CMD_WILL),
];

/// The name of a reason code as C wants it, made from the one table of reason codes.
fn reason_text(reason: ReasonCode) -> &'static CStr {
    const LONGEST: usize = 48;
    static TEXTS: LazyLock<[[u8; LONGEST]; 256]> = LazyLock::new(|| {
        let mut texts = [[0; LONGEST]; 256];
        for code in u8::MIN..=u8::MAX {
            let name = ReasonCode(code).name().unwrap_or_default().as_bytes();
            texts[usize::from(code)][..name.len()].copy_from_slice(name);
        }
        texts
    });
    match CStr::from_bytes_until_nul(&TEXTS[usize::from(reason.value())]) {
        Ok(text) if !text.is_empty() => text,
        _ => UNKNOWN_REASON,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The texts of libmosquitto 2.0: function, code, text; "other" is every other code.
    const LIBMOSQUITTO_TEXTS: &str = include_str!("../../tests/data/libmosquitto-2.0-texts.tsv");

    fn text(pointer: *const c_char) -> &'static str {
        // SAFETY: a static C string.
        unsafe { CStr::from_ptr(pointer) }.to_str().expect("ASCII")
    }

    #[test]
    fn texts_are_libmosquittos() {
        let mut count = 0;
        for line in LIBMOSQUITTO_TEXTS.lines() {
            let [function, code, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("three columns: {line}");
            };
            let code = code.parse().expect("a number");
            let found = match function {
                "mosquitto_strerror" => mosquitto_strerror(code),
                "mosquitto_connack_string" => mosquitto_connack_string(code),
                "mosquitto_reason_string" => mosquitto_reason_string(code),
                _ => panic!("function: {line}"),
            };
            assert_eq!(text(found), expected, "{line}");
            count += 1;
        }
        assert!(count > 70, "{count}");
    }

    #[test]
    fn unknown_codes_have_a_text_too() {
        for code in [c_int::MIN, -100, -7, 13, 34, 127, 163, 256, c_int::MAX] {
            assert_eq!(text(mosquitto_strerror(code)), "Unknown error.");
        }
        for code in [c_int::MIN, -1, 3, 127, 163, 256, 384, c_int::MAX] {
            assert_eq!(text(mosquitto_reason_string(code)), "Unknown reason");
        }
        for code in [c_int::MIN, -1, 6, 256, c_int::MAX] {
            let text = text(mosquitto_connack_string(code));
            assert_eq!(text, "Connection Refused: unknown reason.");
        }
    }

    #[test]
    fn strerror_of_errno_is_the_systems() {
        crate::ffi::errno::set_errno(libc::ECONNREFUSED);
        let found = mosquitto_strerror(MOSQ_ERR_ERRNO as c_int);
        assert_eq!(text(found), "Connection refused");
    }

    #[test]
    fn strerror_of_reason_codes_is_their_name() {
        assert_eq!(text(mosquitto_strerror(142)), "Session taken over");
    }

    #[test]
    fn packet_types_are_found_in_any_case() {
        for (name, expected) in [(c"connect", 0x10), (c"PubRel", 0x60), (c"AUTH", 0xf0)] {
            let mut cmd = -1;
            // SAFETY: valid pointers.
            let rc = unsafe { mosquitto_string_to_command(name.as_ptr(), &mut cmd) };
            assert_eq!((rc, cmd), (0, expected));
        }
        let mut cmd = -1;
        // SAFETY: NULL or valid pointers.
        unsafe {
            assert_eq!(mosquitto_string_to_command(c"will".as_ptr(), &mut cmd), 0);
            assert_eq!(cmd, 0x100);
            for bad in [c"", c"pingreq", c"connect "] {
                assert_eq!(mosquitto_string_to_command(bad.as_ptr(), &mut cmd), 3);
            }
            assert_eq!(mosquitto_string_to_command(std::ptr::null(), &mut cmd), 3);
            let no_result = std::ptr::null_mut();
            assert_eq!(mosquitto_string_to_command(c"auth".as_ptr(), no_result), 3);
        }
        assert_eq!(cmd, 0x100);
    }

    fn validate(bytes: &[u8]) -> c_int {
        // SAFETY: as many bytes as said.
        unsafe { mosquitto_validate_utf8(bytes.as_ptr().cast(), bytes.len() as c_int) }
    }

    #[test]
    fn good_strings_are_valid_up_to_their_length() {
        for good in [
            "",
            "a",
            "a/b c",
            "Grüße",
            "日本",
            "😀",
            "\u{feff}x",
            "\u{a0}",
        ] {
            assert_eq!(validate(good.as_bytes()), 0, "{good}");
        }
        assert_eq!(validate(&[b'a'; 65536]), 0);
        assert_eq!(validate(&[b'a'; 65537]), MOSQ_ERR_INVAL as c_int);
    }

    #[test]
    fn bad_strings_are_malformed() {
        for bad in [
            &[0x00][..],                   // U+0000
            b"a\x1f",                      // control
            b"\x7f",                       // delete
            &[0xc2, 0x80],                 // C1 control
            &[0xc2, 0x9f],                 // C1 control
            &[0xc0, 0xaf],                 // overlong
            &[0xe0, 0x80, 0xaf],           // overlong
            &[0xf0, 0x80, 0x80, 0xaf],     // overlong
            &[0xed, 0xa0, 0x80],           // surrogate
            &[0xed, 0xbf, 0xbf],           // surrogate
            &[0xef, 0xb7, 0x90],           // U+FDD0
            &[0xef, 0xbf, 0xbf],           // U+FFFF
            &[0xf0, 0x9f, 0xbf, 0xbe],     // U+1FFFE
            &[0xf4, 0x90, 0x80, 0x80],     // above U+10FFFF
            &[0xf8, 0x88, 0x80, 0x80, 80], // five bytes
            &[0x80],                       // continuation alone
            &[0xe2, 0x82],                 // ends too early
            &[0xff],
        ] {
            assert_eq!(validate(bad), MOSQ_ERR_MALFORMED_UTF8 as c_int, "{bad:x?}");
        }
    }

    #[test]
    fn no_string_and_negative_lengths_are_invalid() {
        // SAFETY: nothing is read.
        unsafe {
            assert_eq!(mosquitto_validate_utf8(std::ptr::null(), 0), 3);
            assert_eq!(mosquitto_validate_utf8(c"a".as_ptr(), -1), 3);
            assert_eq!(mosquitto_validate_utf8(c"a".as_ptr(), c_int::MIN), 3);
        }
    }

    proptest! {
        #[test]
        fn printable_text_is_valid_and_loses_that_with_a_control_character(
            text in "[^\\p{C}]{0,20}",
            control in prop::sample::select(vec!["\0", "\u{1}", "\u{1b}", "\u{85}", "\u{fdef}"]),
        ) {
            prop_assert_eq!(validate(text.as_bytes()), 0);
            let spoilt = text + control;
            prop_assert_eq!(validate(spoilt.as_bytes()), MOSQ_ERR_MALFORMED_UTF8 as c_int);
        }
    }
}
