//! Requests and how they end, as the server sees them and decides.

#![allow(clippy::undocumented_unsafe_blocks, reason = "C is called all over")]

mod support;

use std::ffi::{c_char, c_int, c_uint, c_void, CString};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::{Duration, Instant};

use support::prop::*;
use support::queue::*;
use support::*;
use Version::{V311, V5};

/// Longer than any test.
const PATIENCE: c_uint = 600_000;
const NOT_AUTHORIZED: u8 = 0x87;

#[repr(C)]
struct RequestMessage {
    size: usize,
    topic: *const c_char,
    payload: *const c_void,
    payloadlen: usize,
    qos: c_int,
    retain: bool,
    properties: *const mosquitto_property,
}

type OnResponse = unsafe extern "C" fn(
    *mut mosquitto,
    *mut c_void,
    c_int,
    *const mosquitto_message,
    *const mosquitto_property,
);

extern "C" {
    fn mqttrs_request(
        mosq: *mut mosquitto,
        request: *const RequestMessage,
        timeout_ms: c_uint,
        on_response: OnResponse,
        userdata: *mut c_void,
    ) -> c_int;
}

unsafe extern "C" fn keep_result(
    _: *mut mosquitto,
    userdata: *mut c_void,
    result: c_int,
    response: *const mosquitto_message,
    _: *const mosquitto_property,
) {
    assert_eq!(response.is_null(), result != MOSQ_ERR_SUCCESS);
    let sender = unsafe { Box::from_raw(userdata.cast::<Sender<c_int>>()) };
    sender.send(result).unwrap();
}

/// Asks `t`; what becomes of it, once.
fn ask(client: Handle, payload: &[u8], qos: c_int) -> Receiver<c_int> {
    let (sender, receiver) = channel();
    let topic = CString::new("t").unwrap();
    let message = RequestMessage {
        size: size_of::<RequestMessage>(),
        topic: topic.as_ptr(),
        payload: payload.as_ptr().cast(),
        payloadlen: payload.len(),
        qos,
        retain: false,
        properties: std::ptr::null(),
    };
    let userdata = Box::into_raw(Box::new(sender)).cast();
    let code = unsafe { mqttrs_request(client.0, &message, PATIENCE, keep_result, userdata) };
    assert_eq!(code, MOSQ_ERR_SUCCESS);
    receiver
}

/// Runs the loop until the request has ended.
#[track_caller]
fn result(client: &mut Client, answer: &Receiver<c_int>) -> c_int {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Ok(code) = answer.try_recv() {
            return code;
        }
        assert!(Instant::now() < end, "the request does not end");
        client.step(Duration::from_millis(2));
    }
}

fn mid_of(packet: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([packet[at], packet[at + 1]])
}

/// The next packet is a SUBSCRIBE to `filter`; its identifier.
#[track_caller]
fn take_subscribe(w: &mut Wire, filter: &str) -> u16 {
    let packet = w.take_packet();
    let mid = mid_of(&packet, 2);
    assert_eq!(packet, subscribe(w.version, mid, &[], &[(filter, 2)]));
    mid
}

/// The next packet is the request with these bytes, of QoS 1; its identifier.
#[track_caller]
fn take_request(w: &mut Wire, payload: &[u8]) -> u16 {
    let packet = w.take_packet();
    assert_eq!(packet[0], 0x32, "{packet:02x?}");
    assert!(packet.ends_with(payload));
    let topic_len = usize::from(mid_of(&packet, 2));
    mid_of(&packet, 4 + topic_len)
}

#[test]
fn the_subscription_goes_before_the_request_and_is_made_anew_on_each_connection() {
    let mut w = Setup::new(V5).clean(false).open();
    let answer = ask(*w.client, b"first", 1);
    take_subscribe(&mut w, "mqttrs/response/t");
    let mid = take_request(&mut w, b"first");
    w.lose();
    let second = ask(*w.client, b"second", 1);
    w.reconnect();
    w.accept_session(true, &[]);
    take_subscribe(&mut w, "mqttrs/response/t");
    let again = w.take_packet();
    assert_eq!(again[0], 0x3a, "DUP");
    assert!(again.ends_with(b"first"));
    take_request(&mut w, b"second");
    w.send(&puback(mid));
    w.event(Event::PublishV5(mid.into(), 0, vec![]));
    assert!(answer.try_recv().is_err() && second.try_recv().is_err());
    drop(w);
    assert_eq!(answer.recv(), Ok(MOSQ_ERR_NO_CONN));
    assert_eq!(second.recv(), Ok(MOSQ_ERR_NO_CONN));
}

#[test]
fn response_information_says_where_responses_come() {
    let said = text(RESPONSE_INFORMATION, "answers/of/t");
    let mut w = Setup::new(V5).connack_props(&[said]).open();
    let answer = ask(*w.client, b"?", 1);
    take_subscribe(&mut w, "answers/of/t/t");
    let packet = w.take_packet();
    let property = [&[RESPONSE_TOPIC][..], &binary(b"answers/of/t/t")].concat();
    let told = packet.windows(property.len()).any(|it| it == property);
    assert!(told, "{packet:02x?}");
    drop(w);
    assert_eq!(answer.recv(), Ok(MOSQ_ERR_NO_CONN));
}

#[test]
fn a_refused_subscription_ends_the_request() {
    for (version, filter, code) in [
        (V5, "mqttrs/response/t", NOT_AUTHORIZED),
        (V311, "t/response/t/+", 0x80),
    ] {
        let mut w = Wire::open(version);
        let answer = ask(*w.client, b"?", 1);
        let mid = take_subscribe(&mut w, filter);
        take_request(&mut w, b"?");
        w.send(&suback(version, mid, &[], &[code]));
        assert_eq!(result(&mut w.client, &answer), MOSQ_ERR_ACL_DENIED);
    }
}

#[test]
fn a_refused_request_ends_and_those_beside_it_do_not() {
    let mut w = Wire::open(V5);
    let answers = [b"1", b"2", b"3"].map(|payload| ask(*w.client, payload, 1));
    take_subscribe(&mut w, "mqttrs/response/t");
    let mids = [b"1", b"2", b"3"].map(|payload| take_request(&mut w, payload));
    w.send(&puback(mids[0]));
    let [high, low] = mids[1].to_be_bytes();
    w.send(&packet(0x40, &[high, low, NOT_AUTHORIZED]));
    assert_eq!(result(&mut w.client, &answers[1]), MOSQ_ERR_ACL_DENIED);
    w.send(&puback(mids[2]));
    drop(w);
    assert_eq!(answers[0].recv(), Ok(MOSQ_ERR_NO_CONN));
    assert_eq!(answers[2].recv(), Ok(MOSQ_ERR_NO_CONN));
    assert!(answers[1].recv().is_err(), "it ended once");
}

#[test]
fn a_request_that_makes_room_for_others_ends() {
    for qos in [0, 1] {
        let mut client = Client::new(V5, Some("t"), true);
        client.queue(QueueOptions::new(1, 0, DROP_OLDEST));
        let answer = ask(*client, b"?", qos);
        client.publish("a", b"", 1).unwrap();
        assert_eq!(result(&mut client, &answer), MOSQ_ERR_QUOTA_EXCEEDED);
    }
}

#[test]
fn a_request_that_the_program_drops_ends() {
    let mut client = Client::new(V5, Some("t"), true);
    let answer = ask(*client, b"?", 1);
    client.queue_clear();
    assert_eq!(result(&mut client, &answer), MOSQ_ERR_QUOTA_EXCEEDED);
}

#[test]
fn a_request_that_the_present_server_does_not_take_ends() {
    let limit = Prop::U32(MAXIMUM_PACKET_SIZE, 100);
    for (prop, payload, expected) in [
        (limit, &[b'?'; 100][..], MOSQ_ERR_OVERSIZE_PACKET),
        (Prop::Byte(MAXIMUM_QOS, 1), b"?", MOSQ_ERR_QOS_NOT_SUPPORTED),
    ] {
        let client = Client::new(V5, Some("t"), true);
        let answer = ask(*client, payload, 2);
        let broker = Broker::start();
        let mut client = client;
        client.connect(broker.port(), 60).unwrap();
        let mut peer = broker.accept();
        peer.take_packet();
        peer.send(&connack(V5, false, 0, &[prop]));
        assert_eq!(result(&mut client, &answer), expected);
    }
}
