//! Copying and freeing messages.

use std::ffi::{c_int, CStr};

use super::alloc;
use super::constants::mosq_err_t::{
    MOSQ_ERR_INVAL, MOSQ_ERR_NOMEM, MOSQ_ERR_SUCCESS, MOSQ_ERR_UNKNOWN,
};
use super::constants::mosquitto_message;
use super::guard::guard;

/// Copies a message, for instance one lent to a message callback.
///
/// `dst` gets a topic and a payload of its own, the payload with a NUL behind it; whatever
/// its fields held before is overwritten, not freed. The program frees the copy with
/// `mosquitto_message_free_contents`, or with `mosquitto_message_free` when `dst` itself
/// came from `malloc`. May be called in any thread and any callback.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where a pointer or the topic is NULL, or the
/// payload's length negative; `MOSQ_ERR_NOMEM`. On an error `dst` is left as it was.
///
/// # Safety
/// `dst` points to a `mosquitto_message` that may be written, `src` to a message as
/// callbacks get it.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_message_copy(
    dst: *mut mosquitto_message,
    src: *const mosquitto_message,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        let Some(src) = (unsafe { src.as_ref() }) else {
            return MOSQ_ERR_INVAL as c_int;
        };
        let Ok(payloadlen) = usize::try_from(src.payloadlen) else {
            return MOSQ_ERR_INVAL as c_int;
        };
        if dst.is_null() || src.topic.is_null() || (src.payload.is_null() && payloadlen > 0) {
            return MOSQ_ERR_INVAL as c_int;
        }
        // SAFETY: a message's topic is a C string.
        let topic = unsafe { CStr::from_ptr(src.topic) }.to_bytes();
        let Some(topic) = alloc::copy_with_nul(topic) else {
            return MOSQ_ERR_NOMEM as c_int;
        };
        let mut payload = std::ptr::null_mut();
        if payloadlen > 0 {
            // SAFETY: a message's payload is as long as it says.
            let bytes = unsafe { std::slice::from_raw_parts(src.payload.cast(), payloadlen) };
            let Some(copy) = alloc::copy_with_nul(bytes) else {
                // SAFETY: made above and known to nobody.
                unsafe { alloc::free(topic.as_ptr()) };
                return MOSQ_ERR_NOMEM as c_int;
            };
            payload = copy.as_ptr().cast();
        }
        let copy = mosquitto_message {
            mid: src.mid,
            topic: topic.as_ptr(),
            payload,
            payloadlen: src.payloadlen,
            qos: src.qos,
            retain: src.retain,
        };
        // SAFETY: the caller's promise; what was there needs no drop.
        unsafe { dst.write(copy) };
        MOSQ_ERR_SUCCESS as c_int
    })
}

/// Frees a message, its contents included, and sets the pointer to NULL.
///
/// Nothing happens where `message` or the pointer it leads to is NULL. Messages lent to a
/// callback belong to the library and must not be freed. May be called in any thread and
/// any callback.
///
/// # Safety
/// `*message` came from `malloc`, and so did its contents, as `mosquitto_message_copy`
/// makes them.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_message_free(message: *mut *mut mosquitto_message) {
    guard((), || {
        if message.is_null() {
            return;
        }
        // SAFETY: the caller's promise, for all that follows.
        unsafe {
            mosquitto_message_free_contents(*message);
            alloc::free(*message);
            *message = std::ptr::null_mut();
        }
    })
}

/// Frees the topic and the payload of a message, but not the structure itself.
///
/// The two pointers are NULL afterwards. Nothing happens where `message` is NULL. May be
/// called in any thread and any callback.
///
/// # Safety
/// The contents came from `malloc`, as `mosquitto_message_copy` makes them.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_message_free_contents(message: *mut mosquitto_message) {
    guard((), || {
        // SAFETY: the caller's promise, for all that follows.
        unsafe {
            let Some(message) = message.as_mut() else {
                return;
            };
            alloc::free(std::mem::replace(&mut message.topic, std::ptr::null_mut()));
            alloc::free(std::mem::replace(
                &mut message.payload,
                std::ptr::null_mut(),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::{null, null_mut};

    fn message(topic: &CStr, payload: &[u8]) -> mosquitto_message {
        mosquitto_message {
            mid: 7,
            topic: topic.as_ptr().cast_mut(),
            payload: payload.as_ptr().cast_mut().cast(),
            payloadlen: payload.len() as c_int,
            qos: 2,
            retain: true,
        }
    }

    fn blank() -> mosquitto_message {
        mosquitto_message {
            mid: -1,
            topic: null_mut(),
            payload: null_mut(),
            payloadlen: -1,
            qos: -1,
            retain: false,
        }
    }

    #[test]
    fn copy_has_all_fields_and_memory_of_its_own() {
        let source = message(c"a/b", b"x\0y");
        let mut copy = blank();
        // SAFETY: valid messages; the payload has a NUL behind it.
        unsafe {
            assert_eq!(mosquitto_message_copy(&mut copy, &source), 0);
            assert_eq!(
                (copy.mid, copy.payloadlen, copy.qos, copy.retain),
                (7, 3, 2, true)
            );
            assert_ne!(copy.topic, source.topic);
            assert_eq!(CStr::from_ptr(copy.topic), c"a/b");
            let payload = std::slice::from_raw_parts(copy.payload.cast::<u8>(), 4);
            assert_eq!(payload, b"x\0y\0");
            mosquitto_message_free_contents(&mut copy);
        }
        assert!(copy.topic.is_null() && copy.payload.is_null());
    }

    #[test]
    fn copy_of_an_empty_payload_is_null() {
        let source = message(c"a", b"");
        let mut copy = blank();
        // SAFETY: valid messages.
        unsafe {
            assert_eq!(mosquitto_message_copy(&mut copy, &source), 0);
            assert!(copy.payload.is_null());
            assert_eq!(copy.payloadlen, 0);
            mosquitto_message_free_contents(&mut copy);
        }
    }

    #[test]
    fn impossible_messages_are_invalid_and_leave_the_target_alone() {
        let mut copy = blank();
        let good = message(c"a", b"b");
        let mut no_topic = message(c"a", b"b");
        no_topic.topic = null_mut();
        let mut negative = message(c"a", b"b");
        negative.payloadlen = -1;
        let mut no_payload = message(c"a", b"b");
        no_payload.payload = null_mut();
        // SAFETY: NULL or valid pointers.
        unsafe {
            assert_eq!(mosquitto_message_copy(null_mut(), &good), 3);
            assert_eq!(mosquitto_message_copy(&mut copy, null()), 3);
            for bad in [&no_topic, &negative, &no_payload] {
                assert_eq!(mosquitto_message_copy(&mut copy, bad), 3);
            }
        }
        assert_eq!((copy.mid, copy.payloadlen), (-1, -1));
    }

    #[test]
    fn running_out_of_memory_leaves_the_target_alone() {
        let source = message(c"a", b"b");
        let mut copy = blank();
        for allocations in 0..2 {
            // SAFETY: valid messages.
            let rc = alloc::shortage::after(allocations, || unsafe {
                mosquitto_message_copy(&mut copy, &source)
            });
            assert_eq!(rc, MOSQ_ERR_NOMEM as c_int);
            assert!(copy.topic.is_null());
        }
    }

    #[test]
    fn free_takes_the_structure_too_and_clears_the_pointer() {
        let source = message(c"a", b"b");
        let mut copy = alloc::zeroed::<mosquitto_message>()
            .expect("memory")
            .as_ptr();
        // SAFETY: a message from malloc.
        unsafe {
            assert_eq!(mosquitto_message_copy(copy, &source), 0);
            mosquitto_message_free(&mut copy);
            assert!(copy.is_null());
            mosquitto_message_free(&mut copy);
            mosquitto_message_free(null_mut());
            mosquitto_message_free_contents(null_mut());
        }
    }
}
