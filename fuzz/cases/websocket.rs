//! Any bytes as a server's answer to the WebSocket upgrade, or as its frames behind a good
//! answer, in pieces of any size: never a panic, never more payload than there were bytes. Or
//! any bytes as what is sent: the server gets them. Or any header fields of the program's: the
//! request has those that were taken, each as one field, and nothing else.

use std::io::Cursor;

use mqttrs::transport::{check_header, Layers, WebSocketOptions};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Message, Role, WebSocket};

use super::loopback::Conversation;

/// Stands for the header field's value that only this connection's answer has.
const ACCEPT: &[u8] = b"ACCEPT";

pub fn run(input: &[u8]) {
    let [flags, size, bytes @ ..] = input else {
        return;
    };
    let (headers, bytes) = match flags & 4 {
        0 => (Vec::new(), bytes),
        _ => headers(bytes),
    };
    let options = WebSocketOptions {
        path: "/mqtt".to_owned(),
        headers,
    };
    let layers = Layers {
        websocket: Some(options.clone()),
        ..Layers::default()
    };
    let Some(mut conversation) = Conversation::start("127.0.0.1", None, layers) else {
        return;
    };
    let _ = conversation.turn();
    let request = conversation.sent(|bytes| bytes.ends_with(b"\r\n\r\n"));
    let accept = judge_request(&request, &options);
    if flags & 1 == 1 {
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
        );
        let answered = conversation.answer(answer.as_bytes(), answer.len());
        if answered.and_then(|()| conversation.until_open()).is_err() {
            // The program may have asked for another protocol.
            let own =
                |(name, _): &(String, String)| name.eq_ignore_ascii_case("Sec-WebSocket-Protocol");
            assert!(options.headers.iter().any(own));
            return;
        }
        if flags & 2 == 2 {
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
    let decode = |frames: &[u8]| {
        let frames_read = Cursor::new(frames.to_vec());
        let mut server = WebSocket::from_raw_socket(frames_read, Role::Server, None);
        let mut arrived = Vec::new();
        while let Ok(message) = server.read() {
            match message {
                Message::Binary(part) => arrived.extend_from_slice(&part),
                other => panic!("{other:?}"),
            }
        }
        let left = frames.len() as u64 - server.get_ref().position();
        (arrived, left)
    };
    let frames = conversation.sent(|frames| decode(frames).0.len() >= bytes.len());
    let (arrived, left) = decode(&frames);
    assert_eq!(arrived, bytes);
    assert_eq!(left, 0);
}

/// The request is the one that was asked for, with nothing smuggled in; gives what answers its key.
fn judge_request(request: &[u8], options: &WebSocketOptions) -> String {
    let text = String::from_utf8_lossy(request);
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap();
    assert_eq!(first, format!("GET {} HTTP/1.1", options.path));
    let mut fields: Vec<_> = lines.filter(|line| !line.is_empty()).collect();
    let ours = [
        "Connection",
        "Upgrade",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Key",
    ];
    let ours = ours.map(|name| {
        let is_it = |line: &&str| line.split(':').next().unwrap().eq_ignore_ascii_case(name);
        assert_eq!(
            fields.iter().filter(|line| is_it(line)).count(),
            1,
            "{text}"
        );
        let place = fields.iter().position(is_it).unwrap();
        fields.remove(place)
    });
    for (name, value) in &options.headers {
        let field = format!("{name}: {value}").trim_end().to_ascii_lowercase();
        let is_it = |line: &&str| line.trim_end().to_ascii_lowercase() == field;
        let place = fields.iter().position(is_it);
        fields.remove(place.unwrap_or_else(|| panic!("{field} is not in {text}")));
    }
    // What is left is the library's own, where the program has none in its place.
    for line in fields {
        let name = line.split(':').next().unwrap();
        let may_be_ours = ["Host", "Sec-WebSocket-Protocol"];
        assert!(
            may_be_ours.iter().any(|own| own.eq_ignore_ascii_case(name)),
            "{line}"
        );
        let replaced = |(own, _): &(String, String)| own.eq_ignore_ascii_case(name);
        assert!(!options.headers.iter().any(replaced), "{line} twice");
    }
    let key = ours[3].split_once(':').unwrap().1.trim();
    derive_accept_key(key.as_bytes())
}

/// Header fields of the program's own, as many as the library takes, and the rest of the input.
fn headers(mut input: &[u8]) -> (Vec<(String, String)>, &[u8]) {
    const NAMES: [&str; 5] = [
        "Host",
        "Authorization",
        "X-\u{e4}",
        "Connection",
        "Sec-WebSocket-Protocol",
    ];
    let mut headers = Vec::new();
    let mut text = || -> Option<&str> {
        let (len, rest) = input.split_first()?;
        let (text, rest) = rest.split_at_checked(usize::from(len % 32))?;
        input = rest;
        std::str::from_utf8(text).ok()
    };
    while let (Some(name), Some(value)) = (text(), text()) {
        if name.is_empty() {
            break;
        }
        let name = match name.as_bytes() {
            [n @ 0..=4] => NAMES[usize::from(*n)],
            _ => name,
        };
        if check_header(name, value).is_ok() {
            // Of these there is one, and the last counts.
            if ["host", "sec-websocket-protocol"].contains(&&*name.to_ascii_lowercase()) {
                headers.retain(|(other, _): &(String, String)| !other.eq_ignore_ascii_case(name));
            }
            headers.push((name.to_owned(), value.to_owned()));
        }
    }
    (headers, input)
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
