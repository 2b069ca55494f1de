//! What a client has counted.

use std::ffi::c_int;

use crate::error::Error;
use crate::ffi::constants::mosq_err_t::MOSQ_ERR_UNKNOWN;
use crate::ffi::errno::disconnect_code;
use crate::ffi::guard::guard;
use crate::ffi::handle::{call, mosquitto, Contents};
use crate::session::{DropReason, Stats};

/// The numbers of a client since it was made or reinitialised; see the function of this name. Later
/// versions of the library may know more, which then stand at the end.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct mqttrs_stats {
    /// The size of this structure, set by the program.
    pub size: usize,
    /// PUBLISH packets sent, by QoS, repeated ones too.
    pub messages_sent: [u64; 3],
    /// Their bytes, as MQTT packets.
    pub message_bytes_sent: [u64; 3],
    /// PUBLISH packets received, by QoS, repeated ones too.
    pub messages_received: [u64; 3],
    /// Their bytes, as MQTT packets.
    pub message_bytes_received: [u64; 3],
    /// Packets of all types sent.
    pub packets_sent: u64,
    /// Packets of all types received.
    pub packets_received: u64,
    /// Bytes that the network took, without what TLS and WebSocket add.
    pub bytes_sent: u64,
    /// Bytes that the network brought, without what TLS and WebSocket add.
    pub bytes_received: u64,
    /// Attempts to connect, successful or not.
    pub connect_attempts: u64,
    /// Connections that the server accepted.
    pub connections: u64,
    /// Those after the first.
    pub reconnects: u64,
    /// Connections that ended, also such that the server refused.
    pub disconnects: u64,
    /// Messages of QoS 1 and 2 that were accepted and have not ended.
    pub queued_messages: u64,
    /// The bytes that are kept of them.
    pub queued_bytes: u64,
    /// Those of them that were sent on this connection.
    pub in_flight: u64,
    /// Messages not sent because their message expiry interval was over.
    pub dropped_expired: u64,
    /// Messages not sent because the server does not take their QoS.
    pub dropped_qos: u64,
    /// Messages not sent because they are larger than the server takes.
    pub dropped_size: u64,
    /// Messages that made room for newer ones.
    pub dropped_overflow: u64,
    /// Messages of QoS 0 that the network had not taken when the connection ended.
    pub dropped_connection: u64,
    /// How many times it was measured how long the server takes to answer: each PINGREQ, and one
    /// message of QoS 1 or 2 at a time, from when the network has taken it.
    pub round_trips: u64,
    /// The last measurement in microseconds, 0 without any, as for those below.
    pub round_trip_last: u64,
    /// The shortest.
    pub round_trip_minimum: u64,
    /// The average that TCP uses (RFC 6298 section 2).
    pub round_trip_smoothed: u64,
    /// What the disconnect callback was told last, 0 without a disconnect.
    pub last_disconnect: c_int,
    /// Received messages that were beyond the limit of `mqttrs_receive_throttle_set`.
    pub received_dropped: u64,
}

/// Fills `stats` with what the client has counted since it was made or reinitialised.
///
/// The program sets the member `size` to `sizeof(struct mqttrs_stats)` before; nothing else
/// has to be set. A program that was compiled with an older, shorter structure gets its members;
/// one that was compiled with a newer one gets 0 in those this library does not know.
/// `stats` is not kept. The numbers belong to one moment, and asking for them does not depend on
/// how many messages wait. Any thread, any callback.
///
/// Returns MOSQ_ERR_SUCCESS; MOSQ_ERR_INVAL for `mosq` NULL or destroyed, `stats` NULL, or a
/// `size` that no version of the structure has had.
///
/// # Safety
/// `mosq` is NULL or came from `mosquitto_new`; `stats` is NULL or has `size` bytes.
#[no_mangle]
pub unsafe extern "C" fn mqttrs_stats(mosq: *mut mosquitto, stats: *mut mqttrs_stats) -> c_int {
    guard(MOSQ_ERR_UNKNOWN as c_int, || {
        let fill = |contents: &Contents| {
            if stats.is_null() {
                return Err(Error::invalid("stats is NULL"));
            }
            // SAFETY: the caller's promise; the size comes first in every version.
            let size = unsafe { stats.cast::<usize>().read() };
            if size < size_of::<mqttrs_stats>() {
                return Err(Error::invalid("size is not that of the structure"));
            }
            let numbers = of(&contents.client().stats(), size);
            let known = size_of::<mqttrs_stats>();
            // SAFETY: the caller's promise: `size` bytes, of which at least `known`.
            unsafe {
                stats.write(numbers);
                stats.cast::<u8>().add(known).write_bytes(0, size - known);
            }
            Ok(())
        };
        // SAFETY: the caller's promise.
        unsafe { call(mosq, fill) }
    })
}

fn of(stats: &Stats, size: usize) -> mqttrs_stats {
    let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let all =
        |flows: &[crate::session::Flow; 3]| flows.iter().map(|flow| flow.messages).sum::<u64>();
    let dropped = |reason: DropReason| stats.dropped[reason as usize];
    let ended = stats.disconnects > 0;
    mqttrs_stats {
        size,
        messages_sent: stats.sent.map(|flow| flow.messages),
        message_bytes_sent: stats.sent.map(|flow| flow.bytes),
        messages_received: stats.received.map(|flow| flow.messages),
        message_bytes_received: stats.received.map(|flow| flow.bytes),
        packets_sent: stats.control_sent + all(&stats.sent),
        packets_received: stats.control_received + all(&stats.received),
        bytes_sent: stats.bytes_sent,
        bytes_received: stats.bytes_received,
        connect_attempts: stats.attempts,
        connections: stats.connections,
        reconnects: stats.connections.saturating_sub(1),
        disconnects: stats.disconnects,
        queued_messages: stats.queued as u64,
        queued_bytes: stats.queued_bytes as u64,
        in_flight: stats.in_flight as u64,
        dropped_expired: dropped(DropReason::Expired),
        dropped_qos: dropped(DropReason::QosNotSupported),
        dropped_size: dropped(DropReason::TooLarge),
        dropped_overflow: dropped(DropReason::Overflow),
        dropped_connection: dropped(DropReason::ConnectionLost),
        round_trips: stats.round_trip.count,
        round_trip_last: micros(stats.round_trip.last),
        round_trip_minimum: micros(stats.round_trip.minimum),
        round_trip_smoothed: micros(stats.round_trip.smoothed),
        last_disconnect: match ended {
            true => disconnect_code(stats.last_disconnect.as_ref()),
            false => 0,
        },
        received_dropped: stats.dropped_received,
    }
}
