//! Publishing, subscribing and unsubscribing, and hearing of the end of each: by a callback, by a
//! token to wait for, or both.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr::null_mut;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::message::{lent, lent_all, mqttrs_message, mqttrs_subscription};
use crate::client::{Publication, Token};
use crate::codec::{Place, SubscriptionOptions};
use crate::error::{CallerError, Error, Result};
use crate::ffi::arguments::{self, topic_filter, write_mid};
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::errno;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, slot_of, Contents};
use crate::ffi::property::mosquitto_property;
use crate::ffi::slots::{Entered, Pool, Slot};
use crate::ffi::subscribe::subscription_options;
use crate::ffi::waiters::{Pending, Waiter};

/// A message or a request on its way, which can be waited for. Programs hold pointers to it and
/// know nothing of its inside.
pub struct mqttrs_token {
    // C's name for the address of a `Slot<Arc<Pending>>`; there is never a value of this type.
    _never: std::convert::Infallible,
}

/// All tokens, as the handles of the clients are kept.
pub(in crate::ffi) static TOKENS: Pool<Arc<Pending>> = Pool::new();

/// What became of a message, of a SUBSCRIBE or of an UNSUBSCRIBE.
#[derive(Debug)]
#[repr(C)]
pub struct mqttrs_result {
    /// `sizeof(struct mqttrs_result)`: the structure may grow.
    pub size: usize,
    /// The packet identifier that publishing or asking gave; 0 for what ended with its client.
    pub mid: c_int,
    /// An `enum mqttrs_outcome_t`. Of a request MQTTRS_OUTCOME_ACKNOWLEDGED when the server has
    /// answered, MQTTRS_OUTCOME_CONNECTION_LOST when the connection ended before, and
    /// MQTTRS_OUTCOME_CLEARED when the client did.
    pub outcome: c_int,
    /// The server's, 128 or more that it refused, 0 where there is none; of a request the highest
    /// of `reason_codes`.
    pub reason_code: c_int,
    /// How many topic filters were answered; 0 for a message, and for an UNSUBACK below MQTT 5.
    pub reason_code_count: c_int,
    /// A code for each topic filter, in the order of the request; NULL for none.
    pub reason_codes: *const c_int,
    /// The properties of the answer, NULL for none.
    pub properties: *const mosquitto_property,
}

/// Runs once, when it is known what became of a message or a request. `result` and what it points
/// to live until the callback returns.
pub type MQTTRS_CB_done = Option<
    unsafe extern "C" fn(mosq: *mut mosquitto, userdata: *mut c_void, result: *const mqttrs_result),
>;

/// Publishes a message, and tells what became of it.
///
/// As `mosquitto_publish_v5` of what `message` says; all of it is copied. `mid` may be NULL;
/// otherwise the packet identifier is written there before the message is sent.
///
/// `on_done` may be NULL; otherwise it runs once for this message, with `userdata`, after the
/// publish callbacks and the outcome callback, on the thread that runs the loop. Where `token` is not
/// NULL a token is written there, before the message is sent, which `mqttrs_token_wait` takes; it
/// belongs to the program, which ends it with `mqttrs_token_destroy`. A connection that is lost
/// ends no message of QoS 1 or 2: they wait for the next one. `mosquitto_destroy` and
/// `mosquitto_reinitialise` end those that are left, with MQTTRS_OUTCOME_CLEARED, before they return.
/// A message that an earlier process has left in a store has no callback and no token.
///
/// Does not block. Any thread, any callback.
///
/// Returns what `mosquitto_publish_v5` returns, and then `on_done` does not run and there is no token,
/// but for MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `message` NULL or its `size` too small.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `message` is NULL or valid with all it points to;
/// `mid` and `token` are NULL or may be written to.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_publish(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    message: *const mqttrs_message,
    on_done: MQTTRS_CB_done,
    userdata: *mut c_void,
    token: *mut *mut mqttrs_token,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let publish = |contents: &Contents| {
            // SAFETY: the caller's promise, for both.
            unsafe {
                publish(contents, mid, message, &|make| {
                    tracked(mosq, contents, on_done, userdata, token, make)
                })
            }
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, publish) }
    })
}

/// Subscribes to topic filters, each with its QoS and options, with one SUBSCRIBE (MQTT 5.0
/// section 3.8), and tells what the server answered.
///
/// `subscriptions` has `count` entries, at least one; they and `properties`, which may be NULL, are
/// copied. `mid`, `on_done`, `userdata` and `token` as for `mqttrs_publish`; the result has a code
/// for each filter. The subscribe callbacks run before `on_done`.
///
/// Does not block. Any thread, any callback.
///
/// Returns what `mosquitto_subscribe_v5` returns, and then `on_done` does not run and there is no
/// token, but for MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `subscriptions` NULL, `count` 0 or a `size` too
/// small.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `subscriptions` is NULL or has `count` valid entries;
/// `properties` is NULL or a valid list; `mid` and `token` are NULL or may be written to.
#[no_mangle]
#[allow(clippy::too_many_arguments)] // an array has two
pub unsafe extern "C" fn mqttrs_subscribe(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    subscriptions: *const mqttrs_subscription,
    count: usize,
    properties: *const mosquitto_property,
    on_done: MQTTRS_CB_done,
    userdata: *mut c_void,
    token: *mut *mut mqttrs_token,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let subscribe = |contents: &Contents| {
            let client = contents.client();
            // SAFETY: the caller's promise, for both.
            let (properties, filters) = unsafe {
                (
                    arguments::properties(client, properties, Place::Subscribe)?,
                    filters(contents, subscriptions, count)?,
                )
            };
            let subscribe = |tracking: Token| {
                // SAFETY: the caller's promise.
                let on_id = unsafe { write_mid(mid) };
                client
                    .subscribe(&filters, properties.as_properties(), tracking, on_id)
                    .map(drop)
            };
            // SAFETY: the caller's promise.
            unsafe { tracked(mosq, contents, on_done, userdata, token, &subscribe) }
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, subscribe) }
    })
}

/// Ends subscriptions with one UNSUBSCRIBE (MQTT 5.0 section 3.10), and tells what the server
/// answered.
///
/// `filters` has `count` topic filters, at least one, as they were subscribed to; they and
/// `properties`, which may be NULL, are copied. `mid`, `on_done`, `userdata` and `token` as for
/// `mqttrs_publish`. Below MQTT 5 the answer has no codes.
///
/// Does not block. Any thread, any callback.
///
/// Returns what `mqttrs_subscribe` returns.
///
/// # Safety
/// As `mqttrs_subscribe`; `filters` is NULL or has `count` entries, each NULL or a C string.
#[no_mangle]
#[allow(clippy::too_many_arguments)] // an array has two
pub unsafe extern "C" fn mqttrs_unsubscribe(
    mosq: *mut mosquitto,
    mid: *mut c_int,
    filters: *const *const c_char,
    count: usize,
    properties: *const mosquitto_property,
    on_done: MQTTRS_CB_done,
    userdata: *mut c_void,
    token: *mut *mut mqttrs_token,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let unsubscribe = |contents: &Contents| {
            let client = contents.client();
            let count = c_int::try_from(count).unwrap_or(0);
            // SAFETY: the caller's promise, for both.
            let (properties, filters) = unsafe {
                (
                    arguments::properties(client, properties, Place::Unsubscribe)?,
                    arguments::topic_filters(filters.cast(), count)?,
                )
            };
            let unsubscribe = |tracking: Token| {
                // SAFETY: the caller's promise.
                let on_id = unsafe { write_mid(mid) };
                client
                    .unsubscribe(&filters, properties.as_properties(), tracking, on_id)
                    .map(drop)
            };
            // SAFETY: the caller's promise.
            unsafe { tracked(mosq, contents, on_done, userdata, token, &unsubscribe) }
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, unsubscribe) }
    })
}

/// Waits until it is known what became of a message or a request, at most `timeout_ms`
/// milliseconds.
///
/// `result` may be NULL; otherwise it gets the result. Set its `size` before; what it points to
/// lives until `mqttrs_token_destroy`. Where nobody runs the client's loop, this call does. Any
/// thread, but not inside a callback of the client, nor on the thread of a shared loop, unless there
/// is nothing to wait for.
///
/// Returns MOSQ_ERR_SUCCESS when there is a result, whatever it says; MOSQ_ERR_TIMEOUT when not;
/// MOSQ_ERR_NO_CONN when not, and the program has ended the connection, or its loop has given up;
/// MOSQ_ERR_INVAL for `token` NULL or destroyed, a `size` too small, and where it would have to wait in
/// a callback; where this call runs the loop, also what `mosquitto_loop` returns when the
/// connection ends.
///
/// # Safety
/// `token` is NULL or came from this library; `result` is NULL or has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_token_wait(
    token: *mut mqttrs_token,
    timeout_ms: c_uint,
    result: *mut mqttrs_result,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let wait = || {
            // SAFETY: the caller's promise.
            let pending = unsafe { enter(token) }.ok_or(NO_TOKEN)?;
            // SAFETY: as above; the size is there in any case.
            if !result.is_null() && unsafe { (*result).size } < size_of::<mqttrs_result>() {
                return Err(Error::invalid("result is too small"));
            }
            wait_for(&pending, deadline(timeout_ms))?;
            if let (false, Some(finished)) = (result.is_null(), pending.result()) {
                // SAFETY: not NULL, and large enough.
                unsafe { *result = finished.lent() };
            }
            Ok(())
        };
        errno::answer(wait())
    })
}

/// Waits until it is known what became of several messages or requests, at most `timeout_ms`
/// milliseconds for all.
///
/// `tokens` has `count` entries, also of different clients. Otherwise as `mqttrs_token_wait`.
/// `mqttrs_drain` waits for all messages of a client.
///
/// Returns what `mqttrs_token_wait` returns, for the first token that it is not MOSQ_ERR_SUCCESS of.
///
/// # Safety
/// `tokens` is NULL or has `count` entries, each for `mqttrs_token_wait`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_tokens_wait(
    tokens: *const *mut mqttrs_token,
    count: usize,
    timeout_ms: c_uint,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let wait = || {
            if tokens.is_null() && count > 0 {
                return Err(NO_TOKEN);
            }
            let deadline = deadline(timeout_ms);
            (0..count).try_for_each(|index| {
                // SAFETY: the caller's promise.
                let pending = unsafe { enter(*tokens.add(index)) }.ok_or(NO_TOKEN)?;
                wait_for(&pending, deadline)
            })
        };
        errno::answer(wait())
    })
}

/// Whether it is known what became of a message or a request.
///
/// Any thread, any callback. Returns false for `token` NULL or destroyed too.
///
/// # Safety
/// `token` is NULL or came from this library.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_token_is_done(token: *const mqttrs_token) -> bool {
    guard(false, || {
        // SAFETY: the caller's promise.
        let pending = unsafe { enter(token) };
        pending.is_some_and(|pending| pending.result().is_some())
    })
}

/// Ends a token and frees what it has; the message or the request goes on. NULL is allowed and does
/// nothing.
///
/// Any thread, any callback. Who is waiting for it goes on waiting. `token` must not be used
/// afterwards; where that happens by mistake, functions answer with MOSQ_ERR_INVAL until 64 other
/// tokens have been destroyed.
///
/// # Safety
/// `token` is NULL or came from this library.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_token_destroy(token: *mut mqttrs_token) {
    guard((), || {
        // SAFETY: the caller's promise.
        if let Some(pending) = unsafe { enter(token) } {
            pending.close();
        }
    })
}

const NO_TOKEN: Error = Error::invalid("no token, or one that was destroyed");

/// # Safety
/// `token` is NULL or came from [`tracked`], however long ago.
unsafe fn enter(token: *const mqttrs_token) -> Option<Entered<Arc<Pending>>> {
    if token.is_null() {
        return None;
    }
    // SAFETY: these are the addresses of slots, which live as long as the process.
    let slot: &'static Slot<Arc<Pending>> = unsafe { &*token.cast() };
    slot.enter()
}

fn wait_for(pending: &Pending, deadline: Instant) -> Result<()> {
    let is_done = || pending.result().is_some();
    if is_done() {
        return Ok(());
    }
    let waited = match pending.client.enter() {
        Some(contents) => contents.runner.wait_until(&is_done, deadline),
        None => Err(CallerError::TimedOut("it is not done yet").into()),
    };
    // One that is being destroyed says what became of it in a moment.
    let is_ending = waited.is_err() && pending.client.enter().is_none();
    match is_ending && pending.wait_for_end(deadline) {
        true => Ok(()),
        false => waited,
    }
}

/// What makes a request with a token.
type Make<'a> = dyn Fn(Token) -> Result<()> + 'a;

/// Publishes a message with the token that `track` gives to what it gets.
///
/// # Safety
/// As for `mqttrs_publish`.
pub(super) unsafe fn publish(
    contents: &Contents,
    mid: *mut c_int,
    message: *const mqttrs_message,
    track: &dyn Fn(&Make<'_>) -> Result<()>,
) -> Result<()> {
    // SAFETY: the caller's promise, for all in this block.
    let (message, topic, payload, properties) = unsafe {
        let message = lent(message)?;
        let properties =
            arguments::properties(contents.client(), message.properties, Place::Publish)?;
        let len = c_int::try_from(message.payloadlen);
        let len = len.map_err(|_| Error::Caller(CallerError::PayloadTooLarge))?;
        (
            message,
            arguments::mqtt_text(message.topic)?,
            arguments::payload(message.payload, len)?,
            properties,
        )
    };
    let message = Publication {
        topic: topic.unwrap_or_default(),
        payload,
        qos: arguments::qos(message.qos)?,
        retain: message.retain,
        properties: properties.as_properties(),
    };
    track(&|tracking: Token| {
        let publish = || {
            // SAFETY: the caller's promise.
            let on_id = unsafe { write_mid(mid) };
            let client = contents.client();
            client.publish_tracked(&message, tracking, on_id).map(drop)
        };
        match publish() {
            Err(Error::Caller(CallerError::QueueFull)) => {
                contents.runner.publish_in_time(&message, &publish)
            }
            done => done,
        }
    })
}

/// Makes a request, noting before it who wants to hear of its end.
///
/// # Safety
/// `mosq` is the client of `contents`; `token` is NULL or may be written to.
unsafe fn tracked(
    mosq: *mut mosquitto,
    contents: &Contents,
    on_done: MQTTRS_CB_done,
    userdata: *mut c_void,
    token: *mut *mut mqttrs_token,
    make: &Make<'_>,
) -> Result<()> {
    if on_done.is_none() && token.is_null() {
        return make(Token::NONE);
    }
    // SAFETY: the caller's promise.
    let client = unsafe { slot_of(mosq) };
    let result = (!token.is_null()).then(|| Arc::new(Pending::new(client)));
    let waiters = &contents.callbacks.waiters;
    let tracking = waiters.add(Waiter {
        on_done,
        userdata,
        result: result.clone(),
    })?;
    let opened = result.map(|pending| TOKENS.open(|_| pending));
    if let Some(slot) = opened {
        // SAFETY: only here where `token` is not NULL.
        unsafe { *token = std::ptr::from_ref(slot).cast_mut().cast() };
    }
    make(tracking).inspect_err(|_| {
        waiters.take(tracking);
        if let Some(pending) = opened.and_then(Slot::enter) {
            pending.close();
            // SAFETY: as above.
            unsafe { *token = null_mut() };
        }
    })
}

/// The filters with their options, which exist in MQTT 5 only.
///
/// # Safety
/// As for [`lent_all`].
pub(super) unsafe fn filters<'a>(
    contents: &Contents,
    subscriptions: *const mqttrs_subscription,
    count: usize,
) -> Result<Vec<(&'a str, SubscriptionOptions)>> {
    let version = contents
        .client()
        .options(|options| options.protocol_version);
    // SAFETY: the caller's promise.
    let all = unsafe { lent_all(subscriptions, count) }?;
    let filter = |one: &&mqttrs_subscription| {
        let mut options = subscription_options(one.qos, one.options)?;
        if !version.has_properties() {
            options = subscription_options(one.qos, 0)?;
        }
        // SAFETY: the caller's promise.
        Ok((unsafe { topic_filter(one.filter) }?, options))
    };
    all.iter().map(filter).collect()
}

fn deadline(timeout_ms: c_uint) -> Instant {
    Instant::now() + Duration::from_millis(timeout_ms.into())
}
