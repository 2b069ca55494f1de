//! SOCKS5: RFC 1928, and RFC 1929 for user name and password.

use std::net::IpAddr;

use super::{Conversation, Progress};
use crate::error::{Error, ProxyError, Result};

const VERSION: u8 = 5;
const CONNECT: u8 = 1;
const IPV4: u8 = 1;
const DOMAIN_NAME: u8 = 3;
const IPV6: u8 = 4;
const NO_AUTHENTICATION: u8 = 0;
const USERNAME_PASSWORD: u8 = 2;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;

/// A client's side of SOCKS5.
#[derive(Debug)]
pub(super) struct Socks5 {
    state: State,
    /// The answer as far as it is here.
    answer: Vec<u8>,
    /// How long the answer is, as far as that is known.
    length: usize,
    credentials: Option<Vec<u8>>,
    request: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The greeting was sent. Next: `Authentication` or `Request`, as the proxy chooses.
    Method,
    /// The credentials were sent. Next: `Request`.
    Authentication,
    /// The request was sent. Next: the way is open.
    Request,
}

/// The conversation for a connection to `host`, and what is sent first.
pub(super) fn begin(
    credentials: Option<&(String, String)>,
    host: &str,
    port: u16,
) -> Result<(Socks5, Vec<u8>)> {
    let credentials = match credentials {
        Some((username, password)) => {
            let mut message = vec![1]; // the version of this subnegotiation
            push_text(&mut message, username)?;
            push_text(&mut message, password)?;
            Some(message)
        }
        None => None,
    };
    let greeting = match credentials {
        Some(_) => vec![VERSION, 2, NO_AUTHENTICATION, USERNAME_PASSWORD],
        None => vec![VERSION, 1, NO_AUTHENTICATION],
    };
    let mut request = vec![VERSION, CONNECT, 0];
    match host.parse() {
        Ok(IpAddr::V4(address)) => {
            request.push(IPV4);
            request.extend(address.octets());
        }
        Ok(IpAddr::V6(address)) => {
            request.push(IPV6);
            request.extend(address.octets());
        }
        // The proxy resolves it.
        Err(_) => {
            request.push(DOMAIN_NAME);
            push_text(&mut request, host)?;
        }
    }
    request.extend(port.to_be_bytes());
    let conversation = Socks5 {
        state: State::Method,
        answer: Vec::new(),
        length: 2,
        credentials,
        request,
    };
    Ok((conversation, greeting))
}

impl Conversation for Socks5 {
    fn wanted(&self) -> usize {
        self.length - self.answer.len()
    }

    fn input(&mut self, bytes: &[u8]) -> Result<Progress> {
        self.answer.extend_from_slice(bytes);
        if self.wanted() > 0 {
            return Ok(Progress::Wait);
        }
        match self.state {
            State::Method => self.method(),
            State::Authentication => match self.answer[1] {
                0 => Ok(self.ask()),
                _ => Err(not_allowed("it does not accept the user name and password")),
            },
            State::Request => self.verdict(),
        }
    }
}

impl Socks5 {
    fn method(&mut self) -> Result<Progress> {
        if self.answer[0] != VERSION {
            return Err(failed("its answer is not SOCKS5"));
        }
        match (self.answer[1], self.credentials.take()) {
            (NO_AUTHENTICATION, _) => Ok(self.ask()),
            (USERNAME_PASSWORD, Some(credentials)) => {
                self.expect(State::Authentication, 2);
                Ok(Progress::Send(credentials))
            }
            (NO_ACCEPTABLE_METHOD, None) => Err(not_allowed("it demands authentication")),
            (NO_ACCEPTABLE_METHOD, Some(_)) => {
                Err(not_allowed("it takes neither a password nor none"))
            }
            _ => Err(failed("it chose a method that was not offered")),
        }
    }

    fn ask(&mut self) -> Progress {
        // Up to and with the first byte of the address, which says how long that is.
        self.expect(State::Request, 5);
        Progress::Send(std::mem::take(&mut self.request))
    }

    fn verdict(&mut self) -> Result<Progress> {
        if self.answer[0] != VERSION {
            return Err(failed("its answer is not SOCKS5"));
        }
        match self.answer[1] {
            0 => {}
            1 => return Err(failed("general failure")),
            2 => return Err(not_allowed("its rules do not allow the connection")),
            3 => return Err(unreachable("network unreachable")),
            4 => return Err(unreachable("host unreachable")),
            5 => return Err(unreachable("connection refused")),
            6 => return Err(failed("time to live expired")),
            7 => return Err(failed("command not supported")),
            8 => return Err(failed("address type not supported")),
            _ => return Err(failed("unknown reply code")),
        }
        let address = match self.answer[3] {
            IPV4 => 4,
            IPV6 => 16,
            DOMAIN_NAME => 1 + usize::from(self.answer[4]),
            _ => return Err(failed("unknown address type")),
        };
        self.length = 4 + address + 2;
        Ok(match self.wanted() {
            0 => Progress::Open,
            _ => Progress::Wait,
        })
    }

    fn expect(&mut self, state: State, length: usize) {
        self.state = state;
        self.answer.clear();
        self.length = length;
    }
}

/// A text with its length in one byte before it.
fn push_text(message: &mut Vec<u8>, text: &str) -> Result<()> {
    let length = u8::try_from(text.len())
        .map_err(|_| Error::invalid("host or credentials longer than the 255 bytes of SOCKS5"))?;
    message.push(length);
    message.extend_from_slice(text.as_bytes());
    Ok(())
}

fn failed(what: &'static str) -> Error {
    Error::Proxy(ProxyError::Failed(format!("SOCKS5: {what}")))
}

fn not_allowed(what: &'static str) -> Error {
    Error::Proxy(ProxyError::NotAllowed(format!("SOCKS5: {what}")))
}

fn unreachable(what: &'static str) -> Error {
    Error::Proxy(ProxyError::Unreachable(format!("SOCKS5: {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a proxy's whole answer in pieces of `size`, with what the server says behind
    /// it; returns everything that was sent and what was not read.
    fn converse(
        credentials: Option<(&str, &str)>,
        host: &str,
        answers: &[u8],
        size: usize,
    ) -> Result<(Vec<u8>, usize)> {
        let credentials = credentials.map(|(name, word)| (name.to_owned(), word.to_owned()));
        let (mut conversation, mut sent) = begin(credentials.as_ref(), host, 1883)?;
        let mut rest = answers;
        loop {
            let count = conversation.wanted().min(size).min(rest.len());
            assert!(count > 0, "the proxy has nothing more to say");
            let (now, later) = rest.split_at(count);
            rest = later;
            match conversation.input(now)? {
                Progress::Wait => {}
                Progress::Send(output) => sent.extend(output),
                Progress::Open => return Ok((sent, rest.len())),
            }
        }
    }

    #[test]
    fn a_name_is_left_to_the_proxy_and_nothing_of_the_server_is_read() {
        for size in [1, 2, 3, 100] {
            let answers = b"\x05\x00\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50rest";
            let (sent, left) = converse(None, "broker.test", answers, size).unwrap();
            assert_eq!(sent, b"\x05\x01\x00\x05\x01\x00\x03\x0bbroker.test\x07\x5b");
            assert_eq!(left, 4);
        }
    }

    #[test]
    fn addresses_are_sent_as_addresses() {
        let answers = b"\x05\x00\x05\x00\x00\x03\x02ab\x00\x50";
        let (sent, left) = converse(None, "10.0.0.1", answers, 9).unwrap();
        assert_eq!(sent[3..], *b"\x05\x01\x00\x01\x0a\x00\x00\x01\x07\x5b");
        assert_eq!(left, 0);
        let mut answers = b"\x05\x00\x05\x00\x00\x04".to_vec();
        answers.extend([0; 18]);
        let (sent, left) = converse(None, "::1", &answers, 9).unwrap();
        assert_eq!(sent[6], IPV6);
        assert_eq!(
            sent[7..23],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
        );
        assert_eq!(left, 0);
    }

    #[test]
    fn credentials_are_given_when_the_proxy_asks_for_them() {
        let answers = b"\x05\x02\x01\x00\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00";
        let (sent, _) = converse(Some(("me", "secret")), "10.0.0.1", answers, 1).unwrap();
        let expected = b"\x05\x02\x00\x02\x01\x02me\x06secret\x05\x01\x00\x01";
        assert_eq!(sent[..expected.len()], *expected);
        let refused = converse(Some(("me", "secret")), "h", b"\x05\x02\x01\x01", 1);
        assert!(matches!(
            refused,
            Err(Error::Proxy(ProxyError::NotAllowed(_)))
        ));
    }

    #[test]
    fn each_refusal_is_told() {
        for code in 1..=9 {
            let answers = [5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0];
            let error = converse(None, "h", &answers, 12).unwrap_err();
            let fits = match code {
                2 => matches!(error, Error::Proxy(ProxyError::NotAllowed(_))),
                3..=5 => matches!(error, Error::Proxy(ProxyError::Unreachable(_))),
                _ => matches!(error, Error::Proxy(ProxyError::Failed(_))),
            };
            assert!(fits, "{code}: {error}");
        }
        for answers in [&b"\x04\x00"[..], b"\x05\x01", b"\x05\x02", b"\x05\xff"] {
            assert!(converse(None, "h", answers, 2).is_err());
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let long = "x".repeat(256);
        assert!(begin(None, &long, 1).is_err());
        assert!(begin(Some(&(long, String::new())), "h", 1).is_err());
    }
}
