//! A server in memory: bytes of a client in, the answers out, one layer in another.

use super::super::support::packet::{connack, publish, Version};
use super::settings::Login;
use tungstenite::handshake::derive_accept_key;

pub const VERSION: Version = Version::V311;
/// Sent right behind CONNACK.
pub const GREETING: (&str, &[u8]) = ("greeting", b"hello");

/// Bytes for the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Before anything of MQTT can flow.
    pub handshake: bool,
    pub bytes: Vec<u8>,
}

/// The client did not say what it should have.
pub type Answer = Result<Vec<Piece>, String>;

pub trait Layer: Send {
    fn input(&mut self, bytes: &[u8]) -> Answer;

    fn mqtt(&self) -> &Mqtt;
}

/// Accepts the session, and greets.
#[derive(Debug, Default)]
pub struct Mqtt {
    /// All that came.
    pub received: Vec<u8>,
    greeted: bool,
}

impl Layer for Mqtt {
    fn input(&mut self, bytes: &[u8]) -> Answer {
        self.received.extend(bytes);
        let length = self.received.get(1).map(|length| 2 + usize::from(*length));
        if self.greeted || length.is_none_or(|length| self.received.len() < length) {
            return Ok(Vec::new());
        }
        self.greeted = true;
        let (topic, payload) = GREETING;
        let mut bytes = connack(VERSION, false, 0, &[]);
        bytes.extend(publish(topic, payload).bytes(VERSION));
        Ok(vec![Piece {
            handshake: false,
            bytes,
        }])
    }

    fn mqtt(&self) -> &Mqtt {
        self
    }
}

pub struct Socks5 {
    login: Option<Login>,
    inbox: Vec<u8>,
    step: SocksStep,
    inner: Box<dyn Layer>,
}

enum SocksStep {
    Greeting,
    Login,
    Request,
    Open,
}

impl Socks5 {
    pub fn new(login: Option<Login>, inner: Box<dyn Layer>) -> Socks5 {
        Socks5 {
            login,
            inbox: Vec::new(),
            step: SocksStep::Greeting,
            inner,
        }
    }

    /// The next message of the client: where it ends, the answer, and the step after it.
    fn step(&self) -> Option<(usize, &'static [u8], SocksStep)> {
        let at = |index: usize| self.inbox.get(index).map(|byte| usize::from(*byte));
        Some(match self.step {
            SocksStep::Greeting => match self.login {
                Some(_) => (2 + at(1)?, &[5, 2], SocksStep::Login),
                None => (2 + at(1)?, &[5, 0], SocksStep::Request),
            },
            SocksStep::Login => {
                let name = at(1)?;
                (3 + name + at(2 + name)?, &[1, 0], SocksStep::Request)
            }
            SocksStep::Request => {
                // The test's clients name 127.0.0.1.
                (10, &[5, 0, 0, 1, 127, 0, 0, 1, 7, 0x5b], SocksStep::Open)
            }
            SocksStep::Open => return None,
        })
    }
}

impl Layer for Socks5 {
    fn input(&mut self, bytes: &[u8]) -> Answer {
        self.inbox.extend(bytes);
        let mut pieces = Vec::new();
        while let Some((end, answer, step)) = self.step() {
            if self.inbox.len() < end {
                return Ok(pieces);
            }
            self.inbox.drain(..end);
            self.step = step;
            pieces.push(Piece {
                handshake: true,
                bytes: answer.to_vec(),
            });
        }
        let rest = std::mem::take(&mut self.inbox);
        pieces.extend(self.inner.input(&rest)?);
        Ok(pieces)
    }

    fn mqtt(&self) -> &Mqtt {
        self.inner.mqtt()
    }
}

pub struct HttpConnect {
    inbox: Vec<u8>,
    open: bool,
    inner: Box<dyn Layer>,
}

impl HttpConnect {
    pub fn new(inner: Box<dyn Layer>) -> HttpConnect {
        HttpConnect {
            inbox: Vec::new(),
            open: false,
            inner,
        }
    }
}

impl Layer for HttpConnect {
    fn input(&mut self, bytes: &[u8]) -> Answer {
        if self.open {
            return self.inner.input(bytes);
        }
        self.inbox.extend(bytes);
        let Some(end) = end_of_head(&self.inbox) else {
            return Ok(Vec::new());
        };
        self.open = true;
        let mut pieces = vec![Piece {
            handshake: true,
            bytes: b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n".to_vec(),
        }];
        pieces.extend(self.inner.input(&self.inbox[end..])?);
        Ok(pieces)
    }

    fn mqtt(&self) -> &Mqtt {
        self.inner.mqtt()
    }
}

pub struct WebSocket {
    inbox: Vec<u8>,
    open: bool,
    inner: Box<dyn Layer>,
}

impl WebSocket {
    pub fn new(inner: Box<dyn Layer>) -> WebSocket {
        WebSocket {
            inbox: Vec::new(),
            open: false,
            inner,
        }
    }

    fn upgrade(&mut self) -> Result<Option<Piece>, String> {
        let Some(end) = end_of_head(&self.inbox) else {
            return Ok(None);
        };
        let head: Vec<u8> = self.inbox.drain(..end).collect();
        let head = String::from_utf8(head).map_err(|error| error.to_string())?;
        let key = head
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
            .ok_or_else(|| format!("no key in {head}"))?;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
            derive_accept_key(key.as_bytes())
        );
        self.open = true;
        Ok(Some(Piece {
            handshake: true,
            bytes: answer.into_bytes(),
        }))
    }

    /// The payload of the next frame, of which there are short ones only.
    fn frame(&mut self) -> Result<Option<Vec<u8>>, String> {
        let [first, second, ..] = self.inbox[..] else {
            return Ok(None);
        };
        let length = usize::from(second & 0x7f);
        if second & 0x80 == 0 || length > 125 {
            return Err(format!("a frame that begins with {first:#x} {second:#x}"));
        }
        if self.inbox.len() < 6 + length {
            return Ok(None);
        }
        let frame: Vec<u8> = self.inbox.drain(..6 + length).collect();
        let mask = frame[2..6].iter().cycle();
        let payload = frame[6..].iter().zip(mask).map(|(byte, mask)| byte ^ mask);
        // Only binary frames have something for MQTT.
        Ok(Some(match first {
            0x82 => payload.collect(),
            _ => Vec::new(),
        }))
    }
}

impl Layer for WebSocket {
    fn input(&mut self, bytes: &[u8]) -> Answer {
        self.inbox.extend(bytes);
        let mut pieces = Vec::new();
        if !self.open {
            pieces.extend(self.upgrade()?);
        }
        while self.open {
            let Some(payload) = self.frame()? else { break };
            for piece in self.inner.input(&payload)? {
                let mut bytes = vec![0x82, u8::try_from(piece.bytes.len()).unwrap()];
                bytes.extend(piece.bytes);
                pieces.push(Piece { bytes, ..piece });
            }
        }
        Ok(pieces)
    }

    fn mqtt(&self) -> &Mqtt {
        self.inner.mqtt()
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(at + 4)
}
