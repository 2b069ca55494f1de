//! MQTT over WebSocket, in MQTT 3.1.1 and 5.0 alike (section 6).
#![cfg(feature = "websocket")]

mod conformance_support;
mod session_support;
mod support;

use conformance_support::proves;
use conformance_support::websocket::{WebSocket, BINARY, CLOSE, CONTINUATION, PONG, TEXT};
use support::*;
use Version::{V311, V5};

/// A conversation with packets of all sizes; the frames of the client.
fn converse(version: Version) -> WebSocket {
    let mut socket = WebSocket::open(version);
    for len in [0, 1, 100, 200_000] {
        let payload = vec![7; len];
        socket.client.publish("a", &payload, 0).unwrap();
        let sent = socket.take_packet();
        assert!(sent == publish("a", &payload).bytes(version), "{len}");
    }
    socket.client.subscribe("a", 1).unwrap();
    socket.take_packet();
    socket.client.disconnect().unwrap();
    assert_eq!(socket.take_packet(), DISCONNECT);
    socket.await_close();
    socket
}

/// Whether every frame is one that may carry MQTT, or says goodbye.
fn are_binary(socket: &WebSocket) -> bool {
    let frames = &socket.frames;
    let data = frames.iter().filter(|frame| frame.opcode < CLOSE);
    frames.iter().all(|frame| frame.masked)
        && data.clone().count() >= 5
        && data
            .clone()
            .all(|frame| [BINARY, CONTINUATION].contains(&frame.opcode))
        && frames.iter().all(|frame| frame.opcode <= PONG)
        && frames
            .iter()
            .skip_while(|frame| frame.opcode != CLOSE)
            .count()
            <= 1
}

#[test]
fn packets_are_sent_in_binary_frames() {
    let socket = converse(V311);
    proves!(
        V311,
        "MQTT-6.0.0-1",
        are_binary(&socket),
        "{:?}",
        socket.frames
    );
    let socket = converse(V5);
    proves!(
        V5,
        "MQTT-6.0.0-1",
        are_binary(&socket),
        "{:?}",
        socket.frames
    );
}

/// Whether the client closes when the server sends this frame, without telling of the
/// message in it.
fn closes(version: Version, opcode: u8) -> bool {
    let mut socket = WebSocket::open(version);
    socket.send(true, opcode, &publish("a", b"x").bytes(version));
    socket.await_close();
    let event = socket.client.next_event();
    matches!(event, Event::DisconnectV5(code, _) if code != 0)
        && socket.client.try_event().is_none()
        && socket.client.socket() == -1
}

#[test]
fn frames_of_another_type_close_the_connection() {
    for opcode in [TEXT, 3, 4, 5, 6, 7] {
        proves!(V311, "MQTT-6.0.0-1", closes(V311, opcode), "type {opcode}");
        proves!(V5, "MQTT-6.0.0-1", closes(V5, opcode), "type {opcode}");
    }
}

/// Cuts `bytes` into frames at these places and sends them; `fragments` makes them parts
/// of one WebSocket message.
fn send_cut(socket: &mut WebSocket, bytes: &[u8], cuts: &[usize], fragments: bool) {
    let mut at = 0;
    for (index, end) in cuts.iter().copied().chain([bytes.len()]).enumerate() {
        let opcode = if fragments && index > 0 {
            CONTINUATION
        } else {
            BINARY
        };
        let fin = !fragments || end == bytes.len() && index == cuts.len();
        socket.send(fin, opcode, &bytes[at..end]);
        at = end;
    }
}

/// Whether three messages arrive in order and are answered, however they are cut.
fn arrive_cut_anywhere(version: Version) -> bool {
    let mut socket = WebSocket::open(version);
    let mut packets = Vec::new();
    for (id, payload) in [(1, "one"), (2, ""), (3, "three")] {
        packets.extend(publish("a/b", payload.as_bytes()).qos(1, id).bytes(version));
    }
    let len = packets.len();
    let mut ways: Vec<Vec<usize>> = (0..=len).map(|cut| vec![cut]).collect();
    ways.push(Vec::new()); // all in one
    ways.push((1..len).collect()); // a byte a frame
    ways.push(vec![3, 3, 3, 10]); // with empty frames
    let mut ok = true;
    for cuts in ways {
        for fragments in [false, true] {
            send_cut(&mut socket, &packets, &cuts, fragments);
            for (id, payload) in [(1, "one"), (2, ""), (3, "three")] {
                ok &= socket.take_packet() == puback(id);
                let message = Message::new("a/b", payload.as_bytes()).qos(1, id);
                ok &= socket.client.next_event() == Event::MessageV5(message, Vec::new());
            }
        }
    }
    ok
}

#[test]
fn packets_may_be_cut_anywhere_by_frames() {
    proves!(V311, "MQTT-6.0.0-2", arrive_cut_anywhere(V311));
    proves!(V5, "MQTT-6.0.0-2", arrive_cut_anywhere(V5));
}

#[test]
fn the_client_offers_the_subprotocol_mqtt() {
    let socket = WebSocket::upgraded(V311);
    let offered = socket.header("Sec-WebSocket-Protocol");
    proves!(
        V311,
        "MQTT-6.0.0-3",
        offered == Some("mqtt"),
        "{:?}",
        socket.request
    );
    let socket = WebSocket::upgraded(V5);
    let offered = socket.header("Sec-WebSocket-Protocol");
    proves!(
        V5,
        "MQTT-6.0.0-3",
        offered == Some("mqtt"),
        "{:?}",
        socket.request
    );
}
