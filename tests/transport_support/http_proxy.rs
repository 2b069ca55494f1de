//! An HTTP proxy that knows CONNECT.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use socket2::Socket;
use tungstenite::handshake::server::Request;

use super::listen::{Place, Server};
use super::settings::Login;
use super::socks5::{connect_to, relay, trickle, Address};
use super::Gate;

/// An HTTP request without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    pub method: String,
    pub target: String,
    pub version: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
}

/// How a proxy behaves.
#[derive(Clone, Default)]
pub struct HttpRules {
    /// Who may pass; everyone without.
    pub login: Option<Login>,
    /// The answer instead of passing.
    pub refusal: Option<String>,
    /// Only the first client is refused.
    pub first_only: bool,
    /// Lines behind the first one of the answer, each with its end.
    pub extra_headers: String,
    /// Sends its answer byte by byte.
    pub slowly: bool,
    /// Between the request and the answer.
    pub gate: Option<Gate>,
}

/// The running proxy.
pub struct HttpProxy {
    server: Server,
    requests: Arc<Mutex<Vec<HttpRequest>>>,
}

impl HttpProxy {
    pub fn start(rules: HttpRules) -> HttpProxy {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let server = Server::start(Place::V4, {
            let requests = Arc::clone(&requests);
            // Failures are the client's to notice.
            move |socket| drop(serve(socket, &rules, &requests))
        });
        HttpProxy { server, requests }
    }

    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// What was asked so far.
    pub fn requests(&self) -> MutexGuard<'_, Vec<HttpRequest>> {
        self.requests.lock().unwrap()
    }
}

impl HttpRequest {
    pub fn parse(head: &str) -> HttpRequest {
        let mut lines = head.trim_end().split("\r\n");
        let first = lines.next().unwrap();
        let mut words = first.split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_else(|| panic!("{first:?}"));
        HttpRequest {
            method: word(),
            target: word(),
            version: word(),
            headers: lines
                .map(|line| {
                    let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line:?}"));
                    (name.to_ascii_lowercase(), value.trim().to_owned())
                })
                .collect(),
        }
    }

    pub fn from_request(request: &Request) -> HttpRequest {
        HttpRequest {
            method: request.method().to_string(),
            target: request.uri().to_string(),
            version: format!("{:?}", request.version()),
            headers: request
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect(),
        }
    }

    /// All values of a header field; `name` in lower case.
    pub fn header(&self, name: &str) -> Vec<&str> {
        let fields = self.headers.iter().filter(|(found, _)| found == name);
        fields.map(|(_, value)| value.as_str()).collect()
    }
}

/// Reads a request up to and with its empty line, and nothing behind it.
pub fn read_head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn serve(
    mut socket: Socket,
    rules: &HttpRules,
    requests: &Mutex<Vec<HttpRequest>>,
) -> io::Result<()> {
    let request = HttpRequest::parse(&read_head(&mut socket)?);
    let count = {
        let mut requests = requests.lock().unwrap();
        requests.push(request.clone());
        requests.len()
    };
    if let Some(gate) = &rules.gate {
        gate.pass();
    }
    let refusal = rules.refusal.as_ref();
    if let Some(refusal) = refusal.filter(|_| count == 1 || !rules.first_only) {
        return refuse(socket, refusal, rules.slowly);
    }
    let expected = rules.login.as_ref().map(Login::basic);
    if expected.is_some_and(|expected| request.header("proxy-authorization") != [expected]) {
        let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\
                      Proxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n";
        return refuse(socket, answer, rules.slowly);
    }
    if request.method != "CONNECT" {
        let answer = "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n";
        return refuse(socket, answer, rules.slowly);
    }
    let target = connect_to(&Address::from_authority(&request.target))?;
    let answer = format!(
        "HTTP/1.1 200 Connection established\r\n{}\r\n",
        rules.extra_headers
    );
    trickle(&mut socket, answer.as_bytes(), rules.slowly)?;
    relay(socket, target)
}

fn refuse(mut socket: Socket, answer: &str, slowly: bool) -> io::Result<()> {
    trickle(&mut socket, answer.as_bytes(), slowly)?;
    // Until the client is gone: many proxies keep the connection for another request.
    io::copy(&mut socket, &mut io::sink()).map(drop)
}
