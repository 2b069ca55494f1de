//! The life of a connection: when and where to connect again, and hearing of it.

use std::ffi::{c_char, c_int, c_uint, c_void};
use std::mem::size_of;
use std::time::Duration;

use crate::client::{Phase, ReconnectDelay, ReconnectRules, Server, ServerOrder, Target};
use crate::codec::{Place, PropertyBuf};
use crate::error::{Error, Result};
use crate::ffi::arguments::{properties, text, u16};
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};
use crate::ffi::property::mosquitto_property;

/// `mqttrs_lifecycle_event`: there is no connection, and none comes by itself.
pub const MQTTRS_LIFECYCLE_IDLE: c_int = 0;
/// `mqttrs_lifecycle_event`: an attempt is going on, from the look-up of the name to CONNACK.
pub const MQTTRS_LIFECYCLE_CONNECTING: c_int = 1;
/// `mqttrs_lifecycle_event`: the server has accepted the connection.
pub const MQTTRS_LIFECYCLE_UP: c_int = 2;
/// `mqttrs_lifecycle_event`: the next attempt comes after a delay, which may be 0.
pub const MQTTRS_LIFECYCLE_WAITING: c_int = 3;
/// `mqttrs_lifecycle_event`: no attempt follows until the program asks for one.
pub const MQTTRS_LIFECYCLE_GIVEN_UP: c_int = 4;

/// `mqttrs_servers_set`: by priority, the lowest number first, and from the first again after
/// each connection.
pub const MQTTRS_SERVERS_PRIORITY: c_int = 0;
/// `mqttrs_servers_set`: in turn, as they stand in the list.
pub const MQTTRS_SERVERS_ROUND_ROBIN: c_int = 1;

/// When to connect again. Fill it with zeros first, then set `size`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct mqttrs_reconnect_options {
    /// `sizeof(struct mqttrs_reconnect_options)`.
    pub size: usize,
    /// The first delay in milliseconds, at least 1.
    pub delay_min: c_uint,
    /// The longest delay in milliseconds, at least `delay_min`.
    pub delay_max: c_uint,
    /// Each further delay is twice the one before; otherwise it is longer by `delay_min`.
    pub doubling: bool,
    /// Each delay is by chance between 0 and what it would be, so that clients which lost
    /// the same server do not all come back at once.
    pub jitter: bool,
    /// No automatic reconnect, by no loop.
    pub off: bool,
    /// Servers that an MQTT 5 server names are connected to (MQTT 5.0 section 4.11).
    pub follow_references: bool,
    /// How many milliseconds a connection has to stand for delays and attempts to be counted
    /// anew; 0: CONNACK is enough.
    pub stable: c_uint,
    /// How many attempts may fail in a row; 0 for no limit.
    pub attempts: c_uint,
}

/// A server for `mqttrs_servers_set`. Fill it with zeros first, then set `size`.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct mqttrs_server {
    /// `sizeof(struct mqttrs_server)`.
    pub size: usize,
    /// Name or address.
    pub host: *const c_char,
    /// 1 to 65535.
    pub port: c_int,
    /// The lower, the sooner it is tried.
    pub priority: c_int,
}

/// Where the life of a connection stands. It belongs to the library and lives until the
/// callback returns; later versions may have more behind the last member, as `size` says.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct mqttrs_lifecycle_event {
    /// The size of this structure in bytes.
    pub size: usize,
    /// One of MQTTRS_LIFECYCLE_*.
    pub state: c_int,
    /// What went wrong before that, a member of `mosq_err_t`; MOSQ_ERR_SUCCESS for nothing. An MQTT
    /// 5 server that sends its clients away says so by MOSQ_ERR_USE_ANOTHER_SERVER, for now, or
    /// MOSQ_ERR_SERVER_MOVED, for good: then the program had better be set up anew.
    pub cause: c_int,
    /// The same in words; NULL for nothing.
    pub error: *const c_char,
    /// The server of the present or last attempt; NULL before the first.
    pub host: *const c_char,
    /// Its port; 0 for a Unix socket and for a domain with SRV records.
    pub port: c_int,
    /// How many attempts were made in a row, this one included.
    pub attempt: c_uint,
    /// How many milliseconds until the next attempt, in MQTTRS_LIFECYCLE_WAITING.
    pub delay: c_uint,
}

/// Runs when the life of the connection goes on.
pub type mqttrs_lifecycle_callback = Option<
    unsafe extern "C" fn(
        mosq: *mut mosquitto,
        obj: *mut c_void,
        event: *const mqttrs_lifecycle_event,
    ),
>;

/// Sets when a loop that reconnects (`mosquitto_loop_start`, `mosquitto_loop_forever`,
/// `mqttrs_loop_add`) connects again, and when it ceases to.
///
/// `options` is copied and may not be NULL. It replaces what `mosquitto_reconnect_delay_set` has
/// set, and that function replaces its delays and `doubling`. Without either call a second passes
/// between two attempts, for ever.
///
/// With `off`, or after `attempts`, the client is as after an error that is final:
/// `mosquitto_loop_forever` returns the error, the thread of `mosquitto_loop_start` waits for
/// `mosquitto_reconnect_async` or another connect call. A server reference is followed at once,
/// and once until a delay comes or the connection has stood for 10 seconds; at most 16 servers of
/// one are tried, with port 1883 or with TLS 8883 where it names none, and then those of the
/// program again.
///
/// Takes effect with the next connection that is lost or refused. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `options` NULL or with a
/// wrong `size`, `delay_min` 0 or above `delay_max`.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `options` is NULL or has as many bytes as it says.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_reconnect_set(
    mosq: *mut mosquitto,
    options: *const mqttrs_reconnect_options,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            if options.is_null() {
                return Err(Error::invalid("options is NULL"));
            }
            // SAFETY: the caller's promise: there is at least the size.
            if unsafe { (*options).size } < size_of::<mqttrs_reconnect_options>() {
                return Err(Error::invalid("options is too small"));
            }
            // SAFETY: the size says that all of it is there.
            let options = unsafe { *options };
            if options.delay_min == 0 || options.delay_min > options.delay_max {
                return Err(Error::invalid("delay_min is 0 or above delay_max"));
            }
            let time = |milliseconds: c_uint| Duration::from_millis(milliseconds.into());
            let delay = ReconnectDelay {
                min: time(options.delay_min),
                max: time(options.delay_max),
                exponential: options.doubling,
            };
            let rules = ReconnectRules {
                jitter: options.jitter,
                stable: time(options.stable),
                attempts: options.attempts,
                automatic: !options.off,
                follow_references: options.follow_references,
            };
            contents.client().set_reconnect(delay, rules);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Says that the network has changed: a loop that waits with the next attempt makes it at
/// once, and one that is connecting begins anew.
///
/// A connection that stands is left alone. With `patience`, in milliseconds, the server is sent
/// PINGREQ and given up when nothing comes from it in that time, whatever the keep alive; 0 for
/// no such question. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed; MOSQ_ERR_NO_CONN where
/// nothing is to be brought forward: no connect call came before, or it was given up, or no
/// loop reconnects the client. `mosquitto_reconnect_async` makes an attempt then.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_reconnect_now(mosq: *mut mosquitto, patience: c_uint) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let patience = (patience > 0).then(|| Duration::from_millis(patience.into()));
        // SAFETY: the caller's promise.
        unsafe { call(mosq, |contents| contents.client().reconnect_now(patience)) }
    })
}

/// Sets the servers of which `mqttrs_connect` connects to one.
///
/// `servers` has `count` of them, which are copied; a `count` of 0 is for none, and `servers`
/// may be NULL then. `order` is MQTTRS_SERVERS_PRIORITY or MQTTRS_SERVERS_ROUND_ROBIN. A server
/// that cannot be reached or refuses is followed by the next one at once, until each was tried;
/// then comes the reconnect delay. A connection that is lost is followed by the delay, and
/// then by the best server or by the next one. TLS, transport and credentials are those of the
/// client.
///
/// Takes effect with the next attempt. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `servers` NULL with a
/// `count`, an unknown `order`, and a server with a wrong `size`, a `host` that is NULL, empty or
/// not UTF-8, or a `port` out of range. After an error the servers are as they were.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `servers` is NULL or has `count` servers of one
/// size, whose hosts are NULL or C strings.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_servers_set(
    mosq: *mut mosquitto,
    servers: *const mqttrs_server,
    count: usize,
    order: c_int,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            let order = match order {
                MQTTRS_SERVERS_PRIORITY => ServerOrder::Priority,
                MQTTRS_SERVERS_ROUND_ROBIN => ServerOrder::RoundRobin,
                _ => return Err(Error::invalid("order is none of MQTTRS_SERVERS_*")),
            };
            let stride = match (count, servers.is_null()) {
                (0, _) => 0,
                (_, true) => return Err(Error::invalid("servers is NULL")),
                // SAFETY: the caller's promise: there is the size of the first.
                (_, false) => unsafe { (*servers).size },
            };
            let mut list = Vec::new();
            for index in 0..count {
                if stride < size_of::<mqttrs_server>() || stride % align_of::<usize>() != 0 {
                    return Err(Error::invalid("size of a server"));
                }
                // SAFETY: the caller's promise: `count` servers of one size.
                let server = unsafe { *servers.byte_add(index * stride) };
                if server.size != stride {
                    return Err(Error::invalid("size of a server"));
                }
                // SAFETY: the caller's promise.
                let host = unsafe { text(server.host, "host is not UTF-8") }?;
                let host = host.filter(|host| !host.is_empty());
                let host = host.ok_or(Error::invalid("host is NULL or empty"))?;
                let port = u16(server.port, "port is not 1 to 65535")?;
                if port == 0 {
                    return Err(Error::invalid("port is not 1 to 65535"));
                }
                list.push(((host.to_owned(), port), server.priority));
            }
            contents.client().set_servers(list, order);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Begins to connect to a server of `mqttrs_servers_set` and returns at once: as
/// `mosquitto_connect_async`, to the first server of the list.
///
/// `keepalive` is as for `mosquitto_connect`. `props` are those of CONNECT, copied, and stay the
/// program's; NULL for none. Where no loop reconnects, each `mosquitto_reconnect` after a failure
/// takes the next server. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `keepalive` out of range,
/// and without servers; for `props` what `mosquitto_connect_bind_v5` returns.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `props` is NULL or a valid list.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_connect(
    mosq: *mut mosquitto,
    keepalive: c_int,
    props: *const mosquitto_property,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let connect = |contents: &Contents| {
            let keep_alive = u16(keepalive, "keep alive is not 0 or 2 to 65535")?;
            if keep_alive == 1 {
                return Err(Error::invalid("keep alive is not 0 or 2 to 65535"));
            }
            let client = contents.client();
            // SAFETY: the caller's promise.
            let properties: PropertyBuf = unsafe { properties(client, props, Place::Connect) }?;
            client.connect_async_to_list(Target {
                server: Server::List,
                keep_alive,
                properties,
            })
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, connect) }
    })
}

/// Has subscriptions made again when the client has connected and the server no longer has its
/// session. Off by default.
///
/// From the call on, subscriptions that the server accepts are kept, with their options and
/// properties, subscription identifiers for instance, until they are ended. After CONNACK
/// without a session, and after the connect callbacks, they are asked for in as few packets as
/// the server takes, before messages that wait; those that the program asks for itself in the
/// callback are left out. The subscribe callbacks run for them as for any. What the server
/// refuses then is not asked for again. Below MQTT 3.1.1, where the server does not say whether it
/// has the session, they are asked for each time. `false` forgets them.
///
/// Any thread, any callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_resubscribe_set(mosq: *mut mosquitto, on: bool) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| {
            contents.client().set_resubscribe(on);
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Sets what is called when the life of the connection goes on: an attempt begins, the server
/// accepts it, it fails and the next one is planned, it is given up or has ended.
///
/// The callback gets `mosq`, the client's `obj`, and what happened. It runs in the thread that
/// runs the loop, in order with the other callbacks: for an accepted connection before the
/// connect callbacks, for a lost one after the disconnect callbacks. The pre-connect callbacks,
/// which run before an attempt, come ahead of what waits. Any function may be called in it.
///
/// Any thread, any callback; NULL removes the callback. Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL
/// for `mosq` NULL or destroyed.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `callback` is NULL or a function of this type.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_lifecycle_callback_set(
    mosq: *mut mosquitto,
    callback: mqttrs_lifecycle_callback,
) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let set = |contents: &Contents| -> Result<()> {
            contents.callbacks.lifecycle.set(callback);
            contents.client().observe_lifecycle(callback.is_some());
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, set) }
    })
}

/// Which of MQTTRS_LIFECYCLE_* this is.
pub(in crate::ffi) const fn lifecycle_state(phase: Phase) -> c_int {
    match phase {
        Phase::Idle => MQTTRS_LIFECYCLE_IDLE,
        Phase::Connecting => MQTTRS_LIFECYCLE_CONNECTING,
        Phase::Up => MQTTRS_LIFECYCLE_UP,
        Phase::Waiting => MQTTRS_LIFECYCLE_WAITING,
        Phase::GivenUp => MQTTRS_LIFECYCLE_GIVEN_UP,
    }
}
