//! Any bytes as a proxy's answers, in pieces of any size: an error or an open way, and then
//! nothing of what the server says behind the answer is missing.

use mqttrs::transport::{Layers, Proxy, ProxyKind};

use super::loopback::{port, Conversation};

pub fn run(input: &[u8]) {
    let [flags, size, answer @ ..] = input else {
        return;
    };
    let proxy = Proxy {
        kind: match flags & 1 {
            0 => ProxyKind::Socks5,
            _ => ProxyKind::HttpConnect,
        },
        host: "127.0.0.1".to_owned(),
        port: port(),
        credentials: (flags & 2 == 2).then(|| ("name".to_owned(), "word".to_owned())),
    };
    let host = if flags & 4 == 0 { "broker.test" } else { "::1" };
    let Some(mut conversation) = Conversation::start(host, Some(proxy), Layers::default()) else {
        return;
    };
    let alive = conversation.turn().is_ok() && conversation.answer(answer, (*size).into()).is_ok();
    if alive && conversation.open {
        assert!(answer.ends_with(&conversation.read));
    } else {
        assert!(conversation.read.is_empty());
    }
    conversation.end();
}
