//! The library as a whole.

use std::ffi::c_int;

use super::constants::mosq_err_t::MOSQ_ERR_SUCCESS;
use super::constants::{LIBMOSQUITTO_MAJOR, LIBMOSQUITTO_MINOR, LIBMOSQUITTO_REVISION};
use super::guard::guard;
use crate::client::free_idle_buffers;

/// Reports the version of libmosquitto's API that this library implements.
///
/// Each of `major`, `minor` and `revision` may be NULL; the others are written to. Any
/// thread, any callback, before `mosquitto_lib_init` too.
///
/// Returns LIBMOSQUITTO_VERSION_NUMBER as it was when the library was built:
/// major * 1000000 + minor * 1000 + revision.
///
/// # Safety
/// Each pointer is NULL or may be written to.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_lib_version(
    major: *mut c_int,
    minor: *mut c_int,
    revision: *mut c_int,
) -> c_int {
    guard(0, || {
        let parts = [
            (major, LIBMOSQUITTO_MAJOR as c_int),
            (minor, LIBMOSQUITTO_MINOR as c_int),
            (revision, LIBMOSQUITTO_REVISION as c_int),
        ];
        for (pointer, number) in parts {
            if !pointer.is_null() {
                // SAFETY: not NULL, and the caller's promise.
                unsafe { *pointer = number };
            }
        }
        parts
            .iter()
            .fold(0, |version, (_, number)| version * 1000 + number)
    })
}

/// Prepares the library. Nothing has to be prepared here, so programs that forget this
/// call, or make it from several threads, work all the same.
///
/// Any thread, any callback. Returns MOSQ_ERR_SUCCESS.
///
/// # Safety
/// None of its own.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_lib_init() -> c_int {
    guard(MOSQ_ERR_SUCCESS as c_int, || MOSQ_ERR_SUCCESS as c_int)
}

/// Says that the program is done with the library. Clients that still exist stay usable
/// and are the program's to destroy.
///
/// Any thread, any callback. Returns MOSQ_ERR_SUCCESS.
///
/// # Safety
/// None of its own.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_lib_cleanup() -> c_int {
    guard(MOSQ_ERR_SUCCESS as c_int, || {
        free_idle_buffers();
        MOSQ_ERR_SUCCESS as c_int
    })
}
