//! Topic functions: checking, matching, cutting into levels.
//!
//! Where a length is given it is a bound: nothing behind it is read. A NUL before it ends
//! the string all the same.

use std::ffi::{c_char, c_int};

use super::constants::mosq_err_t::{
    MOSQ_ERR_INVAL, MOSQ_ERR_MALFORMED_UTF8, MOSQ_ERR_NOMEM, MOSQ_ERR_SUCCESS, MOSQ_ERR_UNKNOWN,
};
use super::guard::guard;
use super::{alloc, arguments, strings};
use crate::types::topic::{covers, is_filter_or_empty, is_name_or_empty, matches, Identity};

/// Whether a message to `topic` goes to a subscription to `sub` (MQTT 5.0 section 4.7).
///
/// `sport/tennis` goes to `sport/#` and `+/tennis`, not to `sport/+/+`. Topics that begin
/// with `$` go to no filter that begins with a wildcard. May be called in any thread and any
/// callback.
///
/// Returns `MOSQ_ERR_SUCCESS` with the answer in `*result`; `MOSQ_ERR_INVAL` where a pointer
/// is NULL, a string empty, `sub` no filter or `topic` has a wildcard, and then the answer is
/// false.
///
/// # Safety
/// `sub` and `topic` are NULL or C strings; `result` is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_topic_matches_sub(
    sub: *const c_char,
    topic: *const c_char,
    result: *mut bool,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe {
            let (sub, topic) = (arguments::bytes(sub), arguments::bytes(topic));
            decide(sub, topic, result, is_name_or_empty, matches)
        }
    })
}

/// `mosquitto_topic_matches_sub` for strings with a length.
///
/// # Safety
/// `sub` and `topic` are NULL, or have as many bytes as said, or end in NUL before; `result`
/// is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_topic_matches_sub2(
    sub: *const c_char,
    sublen: usize,
    topic: *const c_char,
    topiclen: usize,
    result: *mut bool,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe {
            let (sub, topic) = (bounded(sub, sublen), bounded(topic, topiclen));
            decide(sub, topic, result, is_name_or_empty, matches)
        }
    })
}

/// `mosquitto_topic_matches_sub` for a filter with patterns: a level of `sub` that is exactly
/// `%c` or `%u` stands for `clientid` or `username`.
///
/// Where that is NULL the level matches nothing.
///
/// # Safety
/// The strings are NULL or C strings; `result` is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_topic_matches_sub_with_pattern(
    sub: *const c_char,
    topic: *const c_char,
    clientid: *const c_char,
    username: *const c_char,
    result: *mut bool,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe {
            let identity = identity(clientid, username);
            let (sub, topic) = (arguments::bytes(sub), arguments::bytes(topic));
            decide(sub, topic, result, is_name_or_empty, |sub, topic| {
                covers(sub, topic, Some(&identity))
            })
        }
    })
}

/// Whether everything a subscription to `sub` receives is allowed by `acl`, which is a filter
/// too.
///
/// `$SYS/#` allows `$SYS/broker/#`; `$SYS/broker/uptime` does not. May be called in any
/// thread and any callback.
///
/// Returns `MOSQ_ERR_SUCCESS` with the answer in `*result`; `MOSQ_ERR_INVAL` where a pointer
/// is NULL, a string empty or no filter, and then the answer is false.
///
/// # Safety
/// `acl` and `sub` are NULL or C strings; `result` is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_sub_matches_acl(
    acl: *const c_char,
    sub: *const c_char,
    result: *mut bool,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe {
            let (acl, sub) = (arguments::bytes(acl), arguments::bytes(sub));
            decide(acl, sub, result, is_filter_or_empty, |acl, sub| {
                covers(acl, sub, None)
            })
        }
    })
}

/// `mosquitto_sub_matches_acl` for an `acl` with patterns: a level that is exactly `%c` or
/// `%u` stands for `clientid` or `username`.
///
/// Where that is NULL the level allows nothing. It never allows a wildcard, whatever the
/// client calls itself.
///
/// # Safety
/// The strings are NULL or C strings; `result` is NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_sub_matches_acl_with_pattern(
    acl: *const c_char,
    sub: *const c_char,
    clientid: *const c_char,
    username: *const c_char,
    result: *mut bool,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        unsafe {
            let identity = identity(clientid, username);
            let (acl, sub) = (arguments::bytes(acl), arguments::bytes(sub));
            decide(acl, sub, result, is_filter_or_empty, |acl, sub| {
                covers(acl, sub, Some(&identity))
            })
        }
    })
}

/// Whether `topic` can be published to: it has no `+` or `#` and at most 65535 bytes.
///
/// An empty topic passes, as MQTT 5 allows it together with a topic alias. May be called in
/// any thread and any callback.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL`, also for NULL; `MOSQ_ERR_MALFORMED_UTF8`.
///
/// # Safety
/// `topic` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_pub_topic_check(topic: *const c_char) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        check(unsafe { arguments::bytes(topic) }, is_name_or_empty)
    })
}

/// `mosquitto_pub_topic_check` for a string with a length.
///
/// # Safety
/// `topic` is NULL, or has `topiclen` bytes, or ends in NUL before.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_pub_topic_check2(
    topic: *const c_char,
    topiclen: usize,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        check(unsafe { bounded(topic, topiclen) }, is_name_or_empty)
    })
}

/// Whether `topic` can be subscribed to: `+` is a whole level, `#` the whole last level, and
/// it has at most 65535 bytes.
///
/// An empty filter passes here, though not in `mosquitto_subscribe`. May be called in any
/// thread and any callback.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL`, also for NULL; `MOSQ_ERR_MALFORMED_UTF8`.
///
/// # Safety
/// `topic` is NULL or a C string.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_sub_topic_check(topic: *const c_char) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        check(unsafe { arguments::bytes(topic) }, is_filter_or_empty)
    })
}

/// `mosquitto_sub_topic_check` for a string with a length.
///
/// # Safety
/// `topic` is NULL, or has `topiclen` bytes, or ends in NUL before.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_sub_topic_check2(
    topic: *const c_char,
    topiclen: usize,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        check(unsafe { bounded(topic, topiclen) }, is_filter_or_empty)
    })
}

/// Cuts a topic or filter into its levels.
///
/// `*topics` gets an array of `*count` strings, which `mosquitto_sub_topic_tokens_free` frees;
/// an empty level is NULL: `/a//b` is NULL, `a`, NULL, `b`. May be called in any thread and
/// any callback.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where a pointer is NULL or the string longer
/// than 65535 bytes; `MOSQ_ERR_MALFORMED_UTF8`; `MOSQ_ERR_NOMEM`. On an error nothing is
/// written.
///
/// # Safety
/// `subtopic` is NULL or a C string; `topics` and `count` are NULL or may be written.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_sub_topic_tokenise(
    subtopic: *const c_char,
    topics: *mut *mut *mut c_char,
    count: *mut c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise.
        let subtopic = unsafe { arguments::bytes(subtopic) };
        let (Some(subtopic), false) = (subtopic, topics.is_null() || count.is_null()) else {
            return MOSQ_ERR_INVAL as c_int;
        };
        if subtopic.len() > crate::types::topic::MAX_LEN {
            return MOSQ_ERR_INVAL as c_int;
        }
        if !strings::is_sendable(subtopic) {
            return MOSQ_ERR_MALFORMED_UTF8 as c_int;
        }
        let levels = subtopic.split(|&byte| byte == b'/');
        let number = levels.clone().count();
        let Some(array) = alloc::zeroed_array::<*mut c_char>(number) else {
            return MOSQ_ERR_NOMEM as c_int;
        };
        let array = array.as_ptr();
        for (index, level) in levels.enumerate().filter(|(_, level)| !level.is_empty()) {
            let Some(copy) = alloc::copy_with_nul(level) else {
                // SAFETY: made above and known to nobody.
                unsafe { free_array(array, number) };
                return MOSQ_ERR_NOMEM as c_int;
            };
            // SAFETY: the array has as many entries as there are levels.
            unsafe { array.add(index).write(copy.as_ptr()) };
        }
        // SAFETY: not NULL, and the caller's promise. 65535 bytes have 65536 levels at most.
        unsafe {
            topics.write(array);
            count.write(number as c_int);
        }
        MOSQ_ERR_SUCCESS as c_int
    })
}

/// Frees what `mosquitto_sub_topic_tokenise` made, and sets the pointer to NULL.
///
/// Returns `MOSQ_ERR_SUCCESS`; `MOSQ_ERR_INVAL` where `topics` or the pointer it leads to is
/// NULL, or `count` is below 1.
///
/// # Safety
/// `*topics` and `count` come from `mosquitto_sub_topic_tokenise`.
#[no_mangle]
pub unsafe extern "C" fn mosquitto_sub_topic_tokens_free(
    topics: *mut *mut *mut c_char,
    count: c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        // SAFETY: the caller's promise, for all that follows.
        unsafe {
            match (topics.as_mut(), usize::try_from(count)) {
                (Some(topics), Ok(count @ 1..)) if !topics.is_null() => {
                    free_array(std::mem::replace(topics, std::ptr::null_mut()), count);
                    MOSQ_ERR_SUCCESS as c_int
                }
                _ => MOSQ_ERR_INVAL as c_int,
            }
        }
    })
}

/// Answers whether a filter fits something else, once both are seen to be well formed.
///
/// # Safety
/// `result` is NULL or may be written.
unsafe fn decide(
    filter: Option<&[u8]>,
    other: Option<&[u8]>,
    result: *mut bool,
    other_is_well_formed: impl FnOnce(&[u8]) -> bool,
    fits: impl FnOnce(&[u8], &[u8]) -> bool,
) -> c_int {
    // SAFETY: the caller's promise.
    let Some(result) = (unsafe { result.as_mut() }) else {
        return MOSQ_ERR_INVAL as c_int;
    };
    *result = false;
    match (filter, other) {
        (Some(filter @ [_, ..]), Some(other @ [_, ..]))
            if is_filter_or_empty(filter) && other_is_well_formed(other) =>
        {
            *result = fits(filter, other);
            MOSQ_ERR_SUCCESS as c_int
        }
        _ => MOSQ_ERR_INVAL as c_int,
    }
}

fn check(topic: Option<&[u8]>, is_well_formed: impl FnOnce(&[u8]) -> bool) -> c_int {
    match topic {
        Some(topic) if is_well_formed(topic) => {
            if strings::is_sendable(topic) {
                MOSQ_ERR_SUCCESS as c_int
            } else {
                MOSQ_ERR_MALFORMED_UTF8 as c_int
            }
        }
        _ => MOSQ_ERR_INVAL as c_int,
    }
}

/// # Safety
/// The strings are NULL or C strings.
unsafe fn identity<'a>(clientid: *const c_char, username: *const c_char) -> Identity<'a> {
    // SAFETY: the caller's promise.
    unsafe {
        Identity {
            client_id: arguments::bytes(clientid),
            username: arguments::bytes(username),
        }
    }
}

/// The bytes of a string up to its length, or its NUL when that is earlier; `None` for NULL.
///
/// # Safety
/// `text` is NULL, or has `len` bytes, or ends in NUL before.
unsafe fn bounded<'a>(text: *const c_char, len: usize) -> Option<&'a [u8]> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    unsafe {
        let len = libc::strnlen(text, len);
        Some(std::slice::from_raw_parts(text.cast(), len))
    }
}

/// # Safety
/// `array` has `count` entries and, as they, is from the C allocator.
unsafe fn free_array(array: *mut *mut c_char, count: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        for index in 0..count {
            alloc::free(*array.add(index));
        }
        alloc::free(array);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::{CStr, CString};
    use std::ptr::{null, null_mut};

    const INVAL: c_int = MOSQ_ERR_INVAL as c_int;
    const UTF8: c_int = MOSQ_ERR_MALFORMED_UTF8 as c_int;

    /// Return value and answer; the answer was true before.
    fn answer(call: impl FnOnce(*mut bool) -> c_int) -> (c_int, bool) {
        let mut result = true;
        let rc = call(&mut result);
        (rc, result)
    }

    fn topic_matches(sub: &CStr, topic: &CStr) -> (c_int, bool) {
        // SAFETY: valid pointers.
        let plain =
            answer(|r| unsafe { mosquitto_topic_matches_sub(sub.as_ptr(), topic.as_ptr(), r) });
        let (sub_len, topic_len) = (sub.count_bytes(), topic.count_bytes());
        // SAFETY: valid pointers.
        let with_length = answer(|r| unsafe {
            mosquitto_topic_matches_sub2(sub.as_ptr(), sub_len, topic.as_ptr(), topic_len, r)
        });
        assert_eq!(plain, with_length);
        plain
    }

    #[test]
    fn matching_answers_yes_or_no() {
        assert_eq!(topic_matches(c"a/+", c"a/b"), (0, true));
        assert_eq!(topic_matches(c"a/+", c"b/b"), (0, false));
        assert_eq!(topic_matches(c"#", c"$SYS/x"), (0, false));
        assert_eq!(topic_matches(c"a/#", c"a"), (0, true));
    }

    #[test]
    fn malformed_filters_and_topics_are_invalid_and_match_nothing() {
        for (sub, topic) in [
            (c"", c"a"),
            (c"a", c""),
            (c"a#", c"a"),
            (c"#/a", c"a"),
            (c"b/#/a", c"a"),
            (c"a+", c"a"),
            (c"+a", c"b"),
            (c"a", c"+"),
            (c"#", c"a/#"),
            (c"+", c"+"),
        ] {
            assert_eq!(
                topic_matches(sub, topic),
                (INVAL, false),
                "{sub:?} {topic:?}"
            );
        }
    }

    #[test]
    fn matching_reads_no_further_than_the_lengths() {
        let (sub, topic) = (c"a/bXX".as_ptr(), c"a/bYYY".as_ptr());
        // SAFETY: valid pointers.
        unsafe {
            assert_eq!(
                answer(|r| mosquitto_topic_matches_sub2(sub, 3, topic, 3, r)),
                (0, true)
            );
            assert_eq!(
                answer(|r| mosquitto_topic_matches_sub2(sub, 4, topic, 3, r)),
                (0, false)
            );
            assert_eq!(
                answer(|r| mosquitto_topic_matches_sub2(sub, 0, topic, 3, r)),
                (INVAL, false)
            );
            let end = answer(|r| mosquitto_topic_matches_sub2(sub, 99, sub, usize::MAX / 2, r));
            assert_eq!(end, (0, true));
        }
    }

    #[test]
    fn missing_pointers_are_invalid() {
        let a = c"a".as_ptr();
        // SAFETY: NULL or valid pointers.
        unsafe {
            for (x, y) in [(null(), a), (a, null()), (null(), null())] {
                let no = (INVAL, false);
                assert_eq!(answer(|r| mosquitto_topic_matches_sub(x, y, r)), no);
                assert_eq!(answer(|r| mosquitto_topic_matches_sub2(x, 1, y, 1, r)), no);
                assert_eq!(answer(|r| mosquitto_sub_matches_acl(x, y, r)), no);
                let with_pattern =
                    answer(|r| mosquitto_topic_matches_sub_with_pattern(x, y, a, a, r));
                assert_eq!(with_pattern, no);
                let with_pattern =
                    answer(|r| mosquitto_sub_matches_acl_with_pattern(x, y, a, a, r));
                assert_eq!(with_pattern, no);
            }
            let none = null_mut();
            let results = [
                mosquitto_topic_matches_sub(a, a, none),
                mosquitto_topic_matches_sub2(a, 1, a, 1, none),
                mosquitto_sub_matches_acl(a, a, none),
                mosquitto_topic_matches_sub_with_pattern(a, a, a, a, none),
                mosquitto_sub_matches_acl_with_pattern(a, a, a, a, none),
                mosquitto_pub_topic_check(null()),
                mosquitto_pub_topic_check2(null(), 1),
                mosquitto_sub_topic_check(null()),
                mosquitto_sub_topic_check2(null(), 1),
            ];
            assert_eq!(results, [INVAL; 9]);
        }
    }

    #[test]
    fn patterns_stand_for_client_and_user() {
        let ask = |sub: &CStr, topic: &CStr, client: *const c_char, user: *const c_char| {
            // SAFETY: NULL or valid pointers.
            answer(|r| unsafe {
                mosquitto_topic_matches_sub_with_pattern(
                    sub.as_ptr(),
                    topic.as_ptr(),
                    client,
                    user,
                    r,
                )
            })
        };
        let (me, joe) = (c"me".as_ptr(), c"joe".as_ptr());
        assert_eq!(ask(c"%c/%u/#", c"me/joe/x", me, joe), (0, true));
        assert_eq!(ask(c"%c", c"joe", me, joe), (0, false));
        assert_eq!(ask(c"%c", c"me", null(), joe), (0, false));
        assert_eq!(ask(c"%u", c"joe", me, null()), (0, false));
        assert_eq!(ask(c"%c/+a", c"me", me, joe), (INVAL, false));
    }

    #[test]
    fn filters_are_weighed_against_an_access_list() {
        let ask = |acl: &CStr, sub: &CStr| {
            // SAFETY: valid pointers.
            answer(|r| unsafe { mosquitto_sub_matches_acl(acl.as_ptr(), sub.as_ptr(), r) })
        };
        assert_eq!(ask(c"$SYS/#", c"$SYS/broker/#"), (0, true));
        assert_eq!(ask(c"$SYS/broker/uptime", c"$SYS/broker/#"), (0, false));
        assert_eq!(ask(c"a/+", c"a/+"), (0, true));
        assert_eq!(ask(c"a/+", c"a/#"), (0, false));
        assert_eq!(ask(c"a/#/b", c"a"), (INVAL, false));
        assert_eq!(ask(c"#", c"a/#/b"), (INVAL, false));
        assert_eq!(ask(c"", c"a"), (INVAL, false));
    }

    #[test]
    fn patterns_in_an_access_list_allow_one_name() {
        let ask = |acl: &CStr, sub: &CStr, client: *const c_char| {
            // SAFETY: NULL or valid pointers.
            answer(|r| unsafe {
                mosquitto_sub_matches_acl_with_pattern(
                    acl.as_ptr(),
                    sub.as_ptr(),
                    client,
                    null(),
                    r,
                )
            })
        };
        assert_eq!(ask(c"dev/%c/#", c"dev/me/+", c"me".as_ptr()), (0, true));
        assert_eq!(ask(c"dev/%c/#", c"dev/+/x", c"me".as_ptr()), (0, false));
        assert_eq!(ask(c"dev/%c", c"dev/+", c"+".as_ptr()), (0, false));
        assert_eq!(ask(c"dev/%c", c"dev/%c", null()), (0, false));
    }

    #[test]
    fn topics_to_publish_to_have_no_wildcards() {
        let ask = |topic: &CStr| {
            // SAFETY: a C string.
            let plain = unsafe { mosquitto_pub_topic_check(topic.as_ptr()) };
            // SAFETY: a C string of this length.
            let with_length =
                unsafe { mosquitto_pub_topic_check2(topic.as_ptr(), topic.count_bytes()) };
            assert_eq!(plain, with_length);
            plain
        };
        for good in [c"a", c"/", c"$SYS/x", c"", c"a b"] {
            assert_eq!(ask(good), 0, "{good:?}");
        }
        for bad in [c"+", c"#", c"a/+/b", c"a#"] {
            assert_eq!(ask(bad), INVAL, "{bad:?}");
        }
        assert_eq!(ask(c"a\xff"), UTF8);
        assert_eq!(ask(&CString::new(vec![b'a'; 65535]).expect("no NUL")), 0);
        assert_eq!(
            ask(&CString::new(vec![b'a'; 65536]).expect("no NUL")),
            INVAL
        );
        // SAFETY: a C string longer than said.
        assert_eq!(unsafe { mosquitto_pub_topic_check2(c"a/+".as_ptr(), 2) }, 0);
    }

    #[test]
    fn topics_to_subscribe_to_have_wildcards_as_whole_levels() {
        let ask = |topic: &CStr| {
            // SAFETY: a C string.
            let plain = unsafe { mosquitto_sub_topic_check(topic.as_ptr()) };
            // SAFETY: a C string of this length.
            let with_length =
                unsafe { mosquitto_sub_topic_check2(topic.as_ptr(), topic.count_bytes()) };
            assert_eq!(plain, with_length);
            plain
        };
        for good in [c"a", c"+", c"#", c"a/+/#", c"/+/", c"", c"$share/g/a"] {
            assert_eq!(ask(good), 0, "{good:?}");
        }
        for bad in [c"a+", c"+a", c"a#", c"#/a", c"a/#/b", c"a/+b"] {
            assert_eq!(ask(bad), INVAL, "{bad:?}");
        }
        assert_eq!(ask(c"a\xff"), UTF8);
        assert_eq!(
            ask(&CString::new(vec![b'a'; 65536]).expect("no NUL")),
            INVAL
        );
        // SAFETY: a C string longer than said.
        let rc = unsafe { mosquitto_sub_topic_check2(c"a/#/b".as_ptr(), 3) };
        assert_eq!(rc, 0);
    }

    #[test]
    fn topics_are_cut_into_levels_and_empty_ones_are_null() {
        for (topic, expected) in [
            (
                c"a/deep/topic",
                vec![Some("a"), Some("deep"), Some("topic")],
            ),
            (
                c"/deep//topic",
                vec![None, Some("deep"), None, Some("topic")],
            ),
            (c"/a/", vec![None, Some("a"), None]),
            (c"a", vec![Some("a")]),
            (c"/", vec![None, None]),
            (c"", vec![None]),
            (c"+/#", vec![Some("+"), Some("#")]),
        ] {
            let (mut levels, mut count) = (null_mut(), -1);
            // SAFETY: valid pointers; C strings or NULL in the array.
            unsafe {
                let rc = mosquitto_sub_topic_tokenise(topic.as_ptr(), &mut levels, &mut count);
                assert_eq!(rc, 0);
                let found: Vec<_> = std::slice::from_raw_parts(levels, count as usize)
                    .iter()
                    .map(|level| arguments::bytes(*level))
                    .collect();
                let expected: Vec<_> = expected.iter().map(|l| l.map(str::as_bytes)).collect();
                assert_eq!(found, expected, "{topic:?}");
                assert_eq!(mosquitto_sub_topic_tokens_free(&mut levels, count), 0);
                assert!(levels.is_null());
                assert_eq!(mosquitto_sub_topic_tokens_free(&mut levels, count), INVAL);
            }
        }
    }

    #[test]
    fn what_cannot_be_cut_leaves_the_results_alone() {
        let (mut levels, mut count) = (null_mut(), -1);
        let too_long = CString::new(vec![b'/'; 65536]).expect("no NUL");
        // SAFETY: NULL or valid pointers.
        unsafe {
            let (levels_out, count_out) = (&raw mut levels, &raw mut count);
            for (topic, levels, count, expected) in [
                (null(), levels_out, count_out, INVAL),
                (c"a".as_ptr(), null_mut(), count_out, INVAL),
                (c"a".as_ptr(), levels_out, null_mut(), INVAL),
                (c"\xff".as_ptr(), levels_out, count_out, UTF8),
                (too_long.as_ptr(), levels_out, count_out, INVAL),
            ] {
                assert_eq!(mosquitto_sub_topic_tokenise(topic, levels, count), expected);
            }
            for allocations in 0..3 {
                let rc = alloc::shortage::after(allocations, || {
                    mosquitto_sub_topic_tokenise(c"a//b".as_ptr(), levels_out, count_out)
                });
                assert_eq!(rc, MOSQ_ERR_NOMEM as c_int);
            }
        }
        assert!(levels.is_null());
        assert_eq!(count, -1);
    }

    #[test]
    fn nothing_is_freed_for_impossible_arguments() {
        let (mut levels, mut count) = (null_mut(), 0);
        // SAFETY: NULL or valid pointers.
        unsafe {
            assert_eq!(mosquitto_sub_topic_tokens_free(null_mut(), 1), INVAL);
            let rc = mosquitto_sub_topic_tokenise(c"a/b".as_ptr(), &mut levels, &mut count);
            assert_eq!(rc, 0);
            for bad in [0, -1, c_int::MIN] {
                assert_eq!(mosquitto_sub_topic_tokens_free(&mut levels, bad), INVAL);
                assert!(!levels.is_null());
            }
            assert_eq!(mosquitto_sub_topic_tokens_free(&mut levels, count), 0);
        }
    }
}
