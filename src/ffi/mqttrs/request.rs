//! Requests and their responses.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::ptr::{null, null_mut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::message::{lent, mqttrs_message};
use crate::client::{response_to, Answer, Message, Missed, Outcome, Publication, Service};
use crate::codec::Place;
use crate::error::{CallerError, Error, Result};
use crate::ffi::alloc;
use crate::ffi::arguments::{self, write_mid};
use crate::ffi::constants::mosq_err_t::{
    MOSQ_ERR_ACL_DENIED, MOSQ_ERR_CONN_LOST, MOSQ_ERR_NOMEM, MOSQ_ERR_NO_CONN,
    MOSQ_ERR_OVERSIZE_PACKET, MOSQ_ERR_QOS_NOT_SUPPORTED, MOSQ_ERR_QUOTA_EXCEEDED,
    MOSQ_ERR_TIMEOUT, MOSQ_ERR_UNKNOWN,
};
use crate::ffi::constants::mosquitto_message;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};
use crate::ffi::handler::lend;
use crate::ffi::message::{mosquitto_message_copy, mosquitto_message_free};
use crate::ffi::property::list::{mosquitto_property_copy_all, mosquitto_property_free_all};
use crate::ffi::property::{mosquitto_property, to_wire};

/// Runs once for each request that was made, when its response has come or will not come any more.
///
/// `result` is MOSQ_ERR_SUCCESS with a response; MOSQ_ERR_TIMEOUT when the time was over, or the
/// message expired before it was sent; MOSQ_ERR_ACL_DENIED when the server refuses the request, or does not
/// let the client subscribe to the topic of its responses; where the request was dropped without having been sent,
/// MOSQ_ERR_QUOTA_EXCEEDED as others took its place in the queue or the program cleared that,
/// MOSQ_ERR_OVERSIZE_PACKET or MOSQ_ERR_QOS_NOT_SUPPORTED as the present server does not take it,
/// MOSQ_ERR_CONN_LOST as the connection ended before one of QoS 0 was on its way;
/// MOSQ_ERR_NO_CONN when the client was destroyed or made anew. `response` is NULL unless
/// `result` is MOSQ_ERR_SUCCESS, `props` NULL too where it has no properties; both live until the
/// callback returns, and `mosquitto_message_copy` makes them last.
pub type MQTTRS_CB_response = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        userdata: *mut c_void,
        result: c_int,
        response: *const mosquitto_message,
        props: *const mosquitto_property,
    ),
>;

/// Runs for each request; see `mqttrs_serve`. `props` is NULL for none; both it and `request` live
/// until the callback returns.
pub type MQTTRS_CB_request = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        userdata: *mut c_void,
        request: *const mosquitto_message,
        props: *const mosquitto_property,
    ),
>;

/// Publishes a request, and hands its response to `on_response`.
///
/// As `mosquitto_publish_v5` of what `request` says; all of it is copied. In MQTT 5 the request has
/// the properties Response Topic and Correlation Data, made by the library (MQTT 5.0 section 4.10).
/// The response topic is `mqttrs/response/` and the client identifier; where the program asked
/// for Response Information by CONNECT's Request Response Information, what the server said stands
/// in place of `mqttrs/response`. Below MQTT 5, and with `mqttrs_request_by_topic_set`, topics
/// alone do it: a request to `t` goes to `t/request/ID/N`, and its response comes to
/// `t/response/ID/N`, where ID is the client identifier and N are 16 hexadecimal digits. A client
/// identifier that is missing or does not fit one level of a topic is replaced by random letters.
///
/// The library subscribes to where responses come, before the request is sent, once on every
/// connection on which there are requests; the subscribe callbacks do not hear of it. Any number of
/// requests may be under way. `on_response` runs once for each, with `userdata`, at the latest
/// `timeout_ms` milliseconds after this call, on the thread that runs the loop: let one run. A
/// connection that is lost does not end a request that was sent or will be. `mosquitto_destroy` and
/// `mosquitto_reinitialise` end those that are left before they return. Its response does not go to
/// the message callbacks; one that comes too late, twice, or for nothing does. With
/// MQTTRS_ACK_MANUAL the program acknowledges responses as other messages, and so requests.
///
/// Does not block. Any thread, any callback, `on_response` too.
///
/// Returns what `mosquitto_publish_v5` returns, and then `on_response` does not run, but for
/// MOSQ_ERR_SUCCESS; with a full queue MOSQ_ERR_QUOTA_EXCEEDED, without waiting; MOSQ_ERR_INVAL for
/// `request` NULL or its `size` too small, and for `on_response` NULL; MOSQ_ERR_DUPLICATE_PROPERTY for a
/// property that is the library's to make.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `request` is NULL or valid with all it points to;
/// `on_response` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_request(
    mosq: *mut mosquitto,
    request: *const mqttrs_message,
    timeout_ms: c_uint,
    on_response: MQTTRS_CB_response,
    userdata: *mut c_void,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let ask = |contents: &Contents| {
            let on_response = on_response.ok_or(Error::invalid("on_response is NULL"))?;
            let program = Program(mosq, userdata);
            let answer: Answer = Box::new(move |result| {
                let Program(mosq, userdata) = program.clone();
                tell(result, &mut |code, message, list| {
                    // SAFETY: the program's function with the type it was given with; message and
                    // list live until after the call.
                    unsafe { on_response(mosq, userdata, code, message, list) };
                });
            });
            // SAFETY: the caller's promise.
            unsafe { make(contents, request, deadline(timeout_ms), answer) }.map(drop)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, ask) }
    })
}

/// Publishes a request and waits for its response, at most `timeout_ms` milliseconds.
///
/// The request as for `mqttrs_request`. With success `*response` is the response, which the program
/// frees with `mosquitto_message_free`, and `*props`, where `props` is not NULL, its properties,
/// NULL for none, which it frees with `mosquitto_property_free_all`; otherwise both are NULL. Where nobody runs the
/// client's loop, this call does. Any thread, but not inside a callback of the client, nor on the
/// thread of a shared loop.
///
/// Returns MOSQ_ERR_SUCCESS with a response; MOSQ_ERR_INVAL for `response` NULL and in a callback, and then
/// nothing was sent; what `mqttrs_request` returns, and what its callback gets; MOSQ_ERR_NOMEM where
/// there is no memory for the response; where this call runs the loop, also what `mosquitto_loop`
/// returns when the connection ends or there is none. A request of QoS 1 or 2 that was not sent until
/// then waits for the next connection all the same, and nobody for its response.
///
/// # Safety
/// As `mqttrs_request`; `response` and `props` are NULL or may be written to.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_request_wait(
    mosq: *mut mosquitto,
    request: *const mqttrs_message,
    timeout_ms: c_uint,
    response: *mut *mut mosquitto_message,
    props: *mut *mut mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        for none in [response.cast::<*mut c_void>(), props.cast()] {
            if !none.is_null() {
                // SAFETY: not NULL, and the caller's promise.
                unsafe { *none = null_mut() };
            }
        }
        let mut result = 0;
        let ask = |contents: &Contents| {
            if response.is_null() {
                return Err(Error::invalid("response is NULL"));
            }
            let deadline = deadline(timeout_ms);
            let place = Arc::new(Mutex::new(None));
            let make = || {
                let place = Arc::clone(&place);
                let answer: Answer = Box::new(move |result| {
                    tell(result, &mut |code, message, list| {
                        // SAFETY: message and list live until after the call.
                        *lock(&place) = Some(unsafe { Response::new(code, message, list) });
                    });
                });
                // SAFETY: the caller's promise.
                unsafe { make(contents, request, deadline, answer) }
            };
            let is_done = || lock(&place).is_some();
            contents
                .runner
                .request_and_wait(&make, &is_done, deadline)?;
            if let Some(mut got) = lock(&place).take() {
                result = got.code;
                // SAFETY: not NULL, and the caller's promise.
                unsafe { std::ptr::swap(response, &mut got.message) };
                if !props.is_null() {
                    // SAFETY: as above.
                    unsafe { std::ptr::swap(props, &mut got.properties) };
                }
            }
            Ok(())
        };
        // SAFETY: the caller's promise.
        let rc = unsafe { call(mosq, ask) };
        if rc == 0 {
            result
        } else {
            rc
        }
    })
}

/// Whether requests are made by topics alone in MQTT 5 too, as below it: for who answers them and
/// speaks MQTT 3.1.1.
///
/// `value` true switches it on, false (the default) off; see `mqttrs_request`. Requests under way
/// stay as they are. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_request_by_topic_set(mosq: *mut mosquitto, value: bool) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            contents.client().set_requests_by_topic(value);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Answers requests to a topic.
///
/// Subscribes to `topic`, a topic filter, and to the requests by topics alone that go with it,
/// `topic/request/+/+`, with `qos`, 0, 1 or 2, now and on every connection to come; the subscribe
/// callbacks do not hear of it, and the log has a line where the server refuses. From now on
/// `on_request`, with `userdata`, gets the messages that match either, whether they ask for a
/// response or not, and the message callbacks do not; where several functions are set, the first
/// one that matches. It answers with `mqttrs_respond`. With `$share/NAME/topic` clients of one NAME
/// share the requests (MQTT 5.0 section 4.8.2). Messages that the server has retained are no
/// requests; in MQTT 5 it is told not to send them.
///
/// Once more for the same `topic` replaces function, user data and `qos`; `on_request` NULL ends it and
/// unsubscribes. A callback that another thread is in goes on. `mosquitto_reinitialise` ends all.
///
/// Does not block, and works without a connection. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS, also where there was nothing to end; MOSQ_ERR_INVAL for `mosq` NULL or
/// destroyed, a `topic` that is no topic filter, and `qos` out of range; MOSQ_ERR_MALFORMED_UTF8;
/// MOSQ_ERR_OVERSIZE_PACKET; MOSQ_ERR_NOMEM when all message identifiers are in use.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `topic` is NULL or a C string; `on_request` is NULL
/// or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_serve(
    mosq: *mut mosquitto,
    topic: *const c_char,
    qos: c_int,
    on_request: MQTTRS_CB_request,
    userdata: *mut c_void,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let serve = |contents: &Contents| {
            // SAFETY: the caller's promise.
            let filter = unsafe { arguments::topic_filter(topic) }?;
            let qos = arguments::qos(qos)?;
            let service = on_request.map(|on_request| {
                let program = Program(mosq, userdata);
                Arc::new(move |message: &Message<'_>| {
                    let Program(mosq, userdata) = program.clone();
                    // SAFETY: the program's function with the type it was set with; message and
                    // list live until after the call.
                    lend(message, &mut |message, list| unsafe {
                        on_request(mosq, userdata, message, list);
                    });
                }) as Service
            });
            contents.client().serve(filter, qos, service)
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, serve) }
    })
}

/// Publishes the response to a request, in the way in which the request came: to its Response Topic
/// and with its Correlation Data (MQTT 5.0 section 4.10), or to the topic that goes with its topic,
/// see `mqttrs_request`.
///
/// `request` and `request_props` are what the callback of `mqttrs_serve`, or a message callback, got,
/// or copies of them; `request_props` is NULL for none. `payload` has `payloadlen` bytes, at most
/// 268,435,455, and may be NULL where that is 0. `qos` is 0, 1 or 2. `props` are properties of the
/// response besides, NULL for none. All is copied.
///
/// Does not block. Any thread, any callback; also later than in the callback that got the request.
///
/// Returns what `mosquitto_publish_v5` returns; MOSQ_ERR_INVAL for `request` NULL and for a message
/// that asks for no response, which may come where requests do.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `request` is NULL or a message, `request_props` and
/// `props` are NULL or valid lists; `payload` is NULL or has `payloadlen` bytes.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_respond(
    mosq: *mut mosquitto,
    request: *const mosquitto_message,
    request_props: *const mosquitto_property,
    payload: *const c_void,
    payloadlen: usize,
    qos: c_int,
    props: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let respond = |contents: &Contents| {
            let client = contents.client();
            // SAFETY: the caller's promise, for all in this block.
            let (topic, asked, payload, own) = unsafe {
                let request = request.as_ref().ok_or(Error::invalid("request is NULL"))?;
                (
                    arguments::topic_name(request.topic)?,
                    to_wire(request_props)?,
                    bytes(payload, payloadlen)?,
                    arguments::properties(client, props, Place::Publish)?,
                )
            };
            let (topic, properties) = response_to(topic, asked.as_properties(), own)?;
            let message = Publication {
                topic: &topic,
                payload,
                qos: arguments::qos(qos)?,
                retain: false,
                properties: properties.as_properties(),
            };
            let publish = || {
                // SAFETY: NULL is not written to.
                let on_id = unsafe { write_mid(null_mut()) };
                client.publish(&message, on_id).map(drop)
            };
            match publish() {
                Err(Error::Caller(CallerError::QueueFull)) => {
                    contents.runner.publish_in_time(&message, &publish)
                }
                done => done,
            }
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, respond) }
    })
}

/// A client and a pointer for its callback, which are the program's to know in which thread to use.
#[derive(Clone)]
struct Program(*mut mosquitto, *mut c_void);

// SAFETY: they are only handed back to the program.
unsafe impl Send for Program {}
// SAFETY: as above.
unsafe impl Sync for Program {}

/// What became of a request; the response, if it has come, of the C allocator.
struct Response {
    code: c_int,
    message: *mut mosquitto_message,
    properties: *mut mosquitto_property,
}

// SAFETY: what they lead to belongs to this alone.
unsafe impl Send for Response {}

impl Response {
    /// # Safety
    /// `message` and `list` are NULL or valid.
    unsafe fn new(
        code: c_int,
        message: *const mosquitto_message,
        list: *const mosquitto_property,
    ) -> Response {
        let mut response = Response {
            code,
            message: null_mut(),
            properties: null_mut(),
        };
        if message.is_null() {
            return response;
        }
        response.code = MOSQ_ERR_NOMEM as c_int;
        if let Some(copy) = alloc::zeroed() {
            // SAFETY: the caller's promise, and the copy is our own.
            unsafe {
                if mosquitto_message_copy(copy.as_ptr(), message) == 0 {
                    response.code = match list.is_null() {
                        true => 0,
                        false => mosquitto_property_copy_all(&mut response.properties, list),
                    };
                }
            }
            response.message = copy.as_ptr();
        }
        if response.code != 0 {
            // SAFETY: our own, or NULL.
            unsafe { mosquitto_message_free(&mut response.message) };
        }
        response
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        // SAFETY: our own, or NULL.
        unsafe {
            mosquitto_message_free(&mut self.message);
            mosquitto_property_free_all(&mut self.properties);
        }
    }
}

/// Tells C what became of a request.
fn tell(
    result: std::result::Result<&Message<'_>, Missed>,
    to: &mut dyn FnMut(c_int, *const mosquitto_message, *const mosquitto_property),
) {
    let code = match result {
        Ok(message) => return lend(message, &mut |message, list| to(0, message, list)),
        Err(Missed::Late) => MOSQ_ERR_TIMEOUT,
        Err(Missed::Refused) => MOSQ_ERR_ACL_DENIED,
        Err(Missed::Unsent(Outcome::Expired)) => MOSQ_ERR_TIMEOUT,
        Err(Missed::Unsent(Outcome::ConnectionLost)) => MOSQ_ERR_CONN_LOST,
        Err(Missed::Unsent(Outcome::TooLarge)) => MOSQ_ERR_OVERSIZE_PACKET,
        Err(Missed::Unsent(Outcome::QosNotSupported)) => MOSQ_ERR_QOS_NOT_SUPPORTED,
        Err(Missed::Unsent(_)) => MOSQ_ERR_QUOTA_EXCEEDED,
        Err(Missed::Ended) => MOSQ_ERR_NO_CONN,
    };
    to(code as c_int, null(), null());
}

/// Makes a request.
///
/// # Safety
/// `request` is NULL or valid with all it points to.
unsafe fn make(
    contents: &Contents,
    request: *const mqttrs_message,
    deadline: Instant,
    answer: Answer,
) -> Result<u64> {
    let client = contents.client();
    // SAFETY: the caller's promise, for all in this block.
    let (request, topic, payload, properties, on_id) = unsafe {
        let request = lent(request)?;
        (
            request,
            arguments::topic_name(request.topic)?,
            bytes(request.payload, request.payloadlen)?,
            arguments::properties(client, request.properties, Place::Publish)?,
            write_mid(null_mut()),
        )
    };
    let message = Publication {
        topic,
        payload,
        qos: arguments::qos(request.qos)?,
        retain: request.retain,
        properties: properties.as_properties(),
    };
    client.request(&message, deadline, answer, on_id)
}

/// # Safety
/// As for [`arguments::payload`].
unsafe fn bytes<'a>(payload: *const c_void, len: usize) -> Result<&'a [u8]> {
    let len = c_int::try_from(len).map_err(|_| Error::Caller(CallerError::PayloadTooLarge))?;
    // SAFETY: the caller's promise.
    unsafe { arguments::payload(payload, len) }
}

fn deadline(timeout_ms: c_uint) -> Instant {
    Instant::now() + Duration::from_millis(timeout_ms.into())
}

fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
