//! Any bytes as a server's answer to the WebSocket upgrade, or as its frames behind a good
//! answer, in pieces of any size: never a panic, never more payload than there were bytes. Or
//! any bytes as what is sent: the server gets them.

use std::io::Cursor;

use mqttrs::transport::{Layers, WebSocketOptions};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Message, Role, WebSocket};

use super::loopback::Conversation;

/// Stands for the header field's value that only this connection's answer has.
const ACCEPT: &[u8] = b"ACCEPT";

pub fn run(input: &[u8]) {
    let [flags, size, bytes @ ..] = input else {
        return;
    };
    let layers = Layers {
        websocket: Some(WebSocketOptions {
            path: "/mqtt".to_owned(),
            headers: Vec::new(),
        }),
        ..Layers::default()
    };
    let Some(mut conversation) = Conversation::start("127.0.0.1", None, layers) else {
        return;
    };
    let _ = conversation.turn();
    let accept = accept(&conversation.sent());
    if flags & 1 == 1 {
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
        );
        assert!(conversation.answer(answer.as_bytes(), answer.len()).is_ok());
        assert!(conversation.open);
        if flags & 2 == 2 {
            // It has the client's frames from here on.
            conversation.sent();
            round_trip(&mut conversation, bytes, (*size).into());
        } else {
            let _ = conversation.answer(bytes, (*size).into());
        }
    } else {
        let answer = replace(bytes, accept.as_bytes());
        let _ = conversation.answer(&answer, (*size).into());
    }
    assert!(conversation.read.len() <= bytes.len());
    conversation.end();
}

/// What the client sends, in messages of at most `size` bytes, is what a server gets.
fn round_trip(conversation: &mut Conversation, bytes: &[u8], size: usize) {
    for piece in bytes.chunks(size.max(1)) {
        conversation.write(piece);
    }
    let frames = conversation.sent();
    let mut server = WebSocket::from_raw_socket(Cursor::new(frames), Role::Server, None);
    let mut arrived = Vec::new();
    while arrived.len() < bytes.len() {
        match server.read().unwrap() {
            Message::Binary(part) => arrived.extend_from_slice(&part),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(arrived, bytes);
    let left = &server.get_ref().get_ref()[server.get_ref().position() as usize..];
    assert!(left.is_empty());
}

fn accept(request: &[u8]) -> String {
    let request = std::str::from_utf8(request).unwrap();
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .unwrap();
    derive_accept_key(key.as_bytes())
}

fn replace(bytes: &[u8], accept: &[u8]) -> Vec<u8> {
    let place = bytes
        .windows(ACCEPT.len())
        .position(|window| window == ACCEPT);
    match place {
        Some(at) => [&bytes[..at], accept, &bytes[at + ACCEPT.len()..]].concat(),
        None => bytes.to_vec(),
    }
}
