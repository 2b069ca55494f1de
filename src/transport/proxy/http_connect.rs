//! HTTP's CONNECT: RFC 9110 section 9.3.6, with basic authentication (RFC 7617).

use data_encoding::BASE64;

use super::{Conversation, Progress};
use crate::error::{Error, ProxyError, Result};

/// The longest answer that is read.
const LONGEST_ANSWER: usize = 16 * 1024;
/// The most header fields that are taken.
const HEADERS: usize = 64;

/// A client's side of CONNECT.
#[derive(Debug)]
pub(super) struct HttpConnect {
    answer: Vec<u8>,
}

/// The conversation for a connection to `host`, and what is sent first.
pub(super) fn begin(
    credentials: Option<&(String, String)>,
    host: &str,
    port: u16,
) -> Result<(HttpConnect, Vec<u8>)> {
    if !host.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Error::invalid("host cannot be named to an HTTP proxy"));
    }
    let authority = match host.contains(':') {
        true => format!("[{host}]:{port}"), // an IPv6 address
        false => format!("{host}:{port}"),
    };
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n");
    if let Some((username, password)) = credentials {
        let credentials = BASE64.encode(format!("{username}:{password}").as_bytes());
        request.push_str("Proxy-Authorization: Basic ");
        request.push_str(&credentials);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let conversation = HttpConnect { answer: Vec::new() };
    Ok((conversation, request.into_bytes()))
}

impl Conversation for HttpConnect {
    /// The answer ends with an empty line; what comes behind it is the server's, so no more
    /// is taken than surely belongs to it.
    fn wanted(&self) -> usize {
        match self.answer.as_slice() {
            [.., b'\n'] | [.., b'\n', b'\r'] => 1,
            _ => 2,
        }
    }

    fn input(&mut self, bytes: &[u8]) -> Result<Progress> {
        self.answer.extend_from_slice(bytes);
        let ended = self.answer.ends_with(b"\n\r\n") || self.answer.ends_with(b"\n\n");
        if !ended && self.answer.len() < LONGEST_ANSWER {
            return Ok(Progress::Wait);
        }
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let whole = response.parse(&self.answer);
        let (Ok(httparse::Status::Complete(_)), Some(code)) = (whole, response.code) else {
            let error = "HTTP proxy: its answer is no HTTP response".to_owned();
            return Err(Error::Proxy(ProxyError::Failed(error)));
        };
        let told = format!("HTTP proxy: {code} {}", response.reason.unwrap_or_default());
        match code {
            200..=299 => Ok(Progress::Open),
            401 | 403 | 407 => Err(Error::Proxy(ProxyError::NotAllowed(told))),
            // What a proxy says of the server, or of a moment.
            404 | 429 | 500..=599 => Err(Error::Proxy(ProxyError::Unreachable(told))),
            _ => Err(Error::Proxy(ProxyError::Failed(told))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a proxy's answer in pieces of `size`; returns what was not read of it.
    fn converse(answer: &[u8], size: usize) -> Result<usize> {
        let (mut conversation, _) = begin(None, "h", 1883)?;
        let mut rest = answer;
        loop {
            let count = conversation.wanted().min(size).min(rest.len());
            assert!(count > 0, "the proxy has nothing more to say");
            let (now, later) = rest.split_at(count);
            rest = later;
            match conversation.input(now)? {
                Progress::Open => return Ok(rest.len()),
                Progress::Wait => {}
                Progress::Send(_) => panic!("nothing more is to be said"),
            }
        }
    }

    #[test]
    fn the_request_names_the_server() {
        let (_, request) = begin(None, "broker.test", 8883).unwrap();
        let expected = "CONNECT broker.test:8883 HTTP/1.1\r\nHost: broker.test:8883\r\n\r\n";
        assert_eq!(request, expected.as_bytes());
        let (_, request) = begin(None, "::1", 8883).unwrap();
        assert!(request.starts_with(b"CONNECT [::1]:8883 HTTP/1.1\r\n"));
        assert!(begin(None, "a\r\nb", 1).is_err());
    }

    #[test]
    fn credentials_go_with_the_request() {
        let credentials = ("Aladdin".to_owned(), "open sesame".to_owned());
        let (_, request) = begin(Some(&credentials), "h", 1).unwrap();
        // The example of RFC 7617 section 2.
        let line = "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n";
        assert!(request.ends_with(line.as_bytes()));
    }

    #[test]
    fn nothing_behind_the_answer_is_read() {
        for size in [1, 2] {
            let answer = b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n\x20\x02\0\0";
            assert_eq!(converse(answer, size).unwrap(), 4);
            assert_eq!(converse(b"HTTP/1.0 200\n\n\n", size).unwrap(), 1);
        }
    }

    #[test]
    fn each_refusal_is_told() {
        for (code, expected) in [(403, "NotAllowed"), (407, "NotAllowed")]
            .into_iter()
            .chain([(502, "Unreachable"), (504, "Unreachable"), (302, "Failed")])
        {
            let answer = format!("HTTP/1.1 {code} Because\r\nContent-Length: 0\r\n\r\n");
            let error = converse(answer.as_bytes(), 2).unwrap_err();
            assert!(format!("{error:?}").contains(expected), "{error:?}");
            assert!(error.to_string().contains(&code.to_string()), "{error}");
            assert!(error.to_string().contains("Because"), "{error}");
        }
        assert!(converse(b"SSH-2.0-x\r\n\r\n", 2).is_err());
        let endless = [b'x'; LONGEST_ANSWER];
        assert!(converse(&endless, 2).is_err());
    }
}
