//! Proxies and servers that refuse, fall silent, or break off in the middle.

#![cfg(all(feature = "tls", feature = "websocket"))]

mod support;
mod transport_support;

use std::ffi::{c_char, c_int, c_void, CStr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use support::*;
use transport_support::cut::Damage;
use transport_support::http_proxy::HttpRules;
use transport_support::route::{login, Path};
use transport_support::script::{converse, finish_connecting, open};
use transport_support::settings::Login;
use transport_support::socks5::{Bound, SocksRules};
use transport_support::stages::each_stage;
use transport_support::{
    Answer, Host, Link, Route, Rules, Settings, Stage, Through, WebSocketSide,
};
use Host::V4;
use Link::{Tcp, Tls, Ws, Wss};
use Through::{Http, HttpPassword, Nothing, Socks5, Socks5Password};

const V: Version = Version::V5;

fn client(path: &Path, drive: Drive) -> Client {
    let mut client = Client::new(V, Some("t"), true);
    client.drive = drive;
    path.configure(&client);
    client
}

/// Every way to begin a connection: by the call that blocks or the one that does not, then
/// by either loop.
const WAYS: [(Drive, bool); 4] = [
    (Drive::Loop, true),
    (Drive::Loop, false),
    (Drive::Foreign, true),
    (Drive::Foreign, false),
];

fn begin(client: &Client, path: &Path, blocking: bool) -> c_int {
    if blocking {
        client.connect_to(&path.host, path.port, 60, &[])
    } else {
        client.connect_async_to(&path.host, path.port, 60)
    }
}

/// The attempt fails with `code`, in the call or in the loop after it, and says why, in words
/// with `reason` in them.
fn check_failure(path: &Path, configure: impl Fn(&Client), code: c_int, reason: &str) {
    for (drive, blocking) in WAYS {
        let mut client = client(path, drive);
        configure(&client);
        let mut returned = begin(&client, path, blocking);
        if returned == MOSQ_ERR_SUCCESS {
            returned = run_until_error(&mut client);
        }
        assert_eq!(returned, code, "{drive:?}: {}", client.last_error());
        let told = client.last_error();
        assert!(told.contains(reason), "{told:?} without {reason:?}");
        assert_eq!(client.socket(), -1);
    }
    assert!(path.broker.try_accept().is_none());
}

/// As a program drives a client: its own event loop calls `loop_misc` also where there is no
/// descriptor to watch any more, because the call that began the connection met the failure.
fn step(client: &mut Client, time: Duration) {
    if client.drive == Drive::Foreign && client.socket() < 0 {
        client.last = client.loop_misc();
    }
    if client.last == MOSQ_ERR_SUCCESS {
        match client.drive {
            // Nothing behind it, so that `errno` is what it left.
            Drive::Loop => client.last = client.run_loop(time.as_millis() as c_int, 1),
            _ => client.step(time),
        }
    }
}

/// The code of the loop function that fails.
fn run_until_error(client: &mut Client) -> c_int {
    let end = Instant::now() + DEADLINE;
    while client.last == MOSQ_ERR_SUCCESS {
        assert!(Instant::now() < end, "the loop did not end");
        step(client, Duration::from_millis(5));
    }
    client.last
}

/// Connects until CONNECT has reached the broker.
fn attempt(path: &Path, client: &mut Client, blocking: bool) -> Result<(), c_int> {
    let mut peers = Vec::new();
    client.last = begin(client, path, blocking);
    let end = Instant::now() + DEADLINE;
    loop {
        if client.last != MOSQ_ERR_SUCCESS {
            assert_eq!(client.socket(), -1);
            assert!(!client.last_error().is_empty());
            return Err(client.last);
        }
        peers.extend(path.broker.try_accept());
        if peers.iter_mut().any(Peer::has_bytes) {
            return Ok(());
        }
        assert!(Instant::now() < end, "neither a connection nor an error");
        step(client, Duration::from_millis(2));
    }
}

fn check_socks5_refusal(refusal: u8, code: c_int, reason: &str) {
    for (bound, slowly) in [(Bound::V4, false), (Bound::V6, false), (Bound::Name, true)] {
        let rules = Rules {
            socks5: SocksRules {
                refusal: Some(refusal),
                bound,
                slowly,
                ..SocksRules::default()
            },
            ..Rules::default()
        };
        let path = Route::new(Tcp, Socks5, V4).start_with(rules);
        check_failure(&path, |_| (), code, reason);
    }
}

#[test]
fn socks5_refusals_have_their_codes_and_words() {
    check_socks5_refusal(1, MOSQ_ERR_PROXY, "general failure");
    check_socks5_refusal(2, MOSQ_ERR_AUTH, "rules");
    check_socks5_refusal(3, MOSQ_ERR_NO_CONN, "network unreachable");
    check_socks5_refusal(4, MOSQ_ERR_NO_CONN, "host unreachable");
    check_socks5_refusal(5, MOSQ_ERR_NO_CONN, "connection refused");
    check_socks5_refusal(6, MOSQ_ERR_PROXY, "time to live");
    check_socks5_refusal(7, MOSQ_ERR_PROXY, "command");
    check_socks5_refusal(8, MOSQ_ERR_PROXY, "address type");
    check_socks5_refusal(9, MOSQ_ERR_PROXY, "");
    check_socks5_refusal(255, MOSQ_ERR_PROXY, "");
}

/// What an HTTP proxy says no with.
fn refusing(answer: &str, slowly: bool) -> Path {
    let rules = Rules {
        http_proxy: HttpRules {
            refusal: Some(answer.to_owned()),
            slowly,
            ..HttpRules::default()
        },
        ..Rules::default()
    };
    Route::new(Tcp, Http, V4).start_with(rules)
}

#[test]
fn http_refusals_have_their_codes_and_words() {
    for (status, code) in [
        ("401 Unauthorized", MOSQ_ERR_AUTH),
        ("403 Forbidden", MOSQ_ERR_AUTH),
        ("407 Proxy Authentication Required", MOSQ_ERR_AUTH),
        ("404 Not Found", MOSQ_ERR_NO_CONN),
        ("500 Oops", MOSQ_ERR_NO_CONN),
        ("502 Bad Gateway", MOSQ_ERR_NO_CONN),
        ("503 Service Unavailable", MOSQ_ERR_NO_CONN),
        ("504 Gateway Timeout", MOSQ_ERR_NO_CONN),
        ("302 Found", MOSQ_ERR_PROXY),
        ("400 Bad Request", MOSQ_ERR_PROXY),
        ("405 Method Not Allowed", MOSQ_ERR_PROXY),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\nVia: 1.1 test\r\nContent-Length: 2\r\n\r\nno");
        check_failure(&refusing(&answer, false), |_| (), code, status);
    }
    let old = "HTTP/1.0 403 Forbidden\r\n\r\n";
    check_failure(&refusing(old, true), |_| (), MOSQ_ERR_AUTH, "403 Forbidden");
}

#[test]
fn a_proxy_that_does_not_speak_http_is_refused() {
    for answer in ["SSH-2.0-OpenSSH_9.2\r\n\r\n", "\0\0\0\0\r\n\r\n"] {
        check_failure(&refusing(answer, false), |_| (), MOSQ_ERR_PROXY, "HTTP");
    }
}

#[test]
fn an_endless_answer_of_an_http_proxy_is_refused() {
    let answer = format!(
        "HTTP/1.1 200 OK\r\n{}",
        "X-Header: value\r\n".repeat(10_000)
    );
    check_failure(&refusing(&answer, false), |_| (), MOSQ_ERR_PROXY, "HTTP");
}

#[test]
fn a_wrong_or_missing_password_is_an_error_of_authorisation() {
    let wrong = Login::new("proxy user", "guessed");
    let path = Route::new(Tls, Socks5Password, V4).start();
    let port = path.socks5.as_ref().unwrap().port();
    let configure = |client: &Client| client.socks5(port, Some(&wrong));
    check_failure(&path, configure, MOSQ_ERR_AUTH, "password");
    let configure = |client: &Client| client.socks5(port, None);
    check_failure(&path, configure, MOSQ_ERR_AUTH, "authentication");

    let path = Route::new(Tls, HttpPassword, V4).start();
    let port = path.http_proxy.as_ref().unwrap().port();
    let configure = |client: &Client| client.http_proxy(port, Some(&wrong));
    check_failure(&path, configure, MOSQ_ERR_AUTH, "407");
    let configure = |client: &Client| client.http_proxy(port, None);
    check_failure(&path, configure, MOSQ_ERR_AUTH, "407");
}

/// A proxy that is not there is as a server that is not there.
#[test]
fn a_proxy_that_does_not_listen_is_an_error_of_the_system() {
    let path = Route::new(Tcp, Socks5, V4).start();
    let port = unused_port();
    let configure = |client: &Client| client.socks5(port, None);
    check_failure(&path, configure, MOSQ_ERR_ERRNO, "");
    let configure = |client: &Client| client.http_proxy(port, None);
    check_failure(&path, configure, MOSQ_ERR_ERRNO, "");
}

/// Nothing listens there: it is the port of a connection of ours that is in use.
fn unused_port() -> u16 {
    use std::sync::OnceLock;
    static HELD: OnceLock<socket2::Socket> = OnceLock::new();
    let held = HELD.get_or_init(|| {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&address.into()).unwrap();
        socket
    });
    held.local_addr().unwrap().as_socket().unwrap().port()
}

/// Slow proxies, and answers of every form, lead to a conversation.
#[test]
fn proxies_may_answer_byte_by_byte_and_at_length() {
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        for bound in [Bound::V4, Bound::V6, Bound::Name] {
            let rules = Rules {
                socks5: SocksRules {
                    bound,
                    slowly: true,
                    ..SocksRules::default()
                },
                ..Rules::default()
            };
            let path = Route::new(Wss, Socks5Password, V4).start_with(rules);
            let (path, mut w) = open(path, V, drive, false, 60);
            converse(&mut w, false);
            w.end();
            path.check();
        }
        let headers = "Via: 1.1 proxy\r\nX-Empty:\r\nProxy-Agent: test, with \"quotes\"\r\n";
        let rules = Rules {
            http_proxy: HttpRules {
                extra_headers: headers.repeat(3),
                slowly: true,
                ..HttpRules::default()
            },
            ..Rules::default()
        };
        let path = Route::new(Wss, HttpPassword, V4).start_with(rules);
        let (path, mut w) = open(path, V, drive, false, 60);
        converse(&mut w, false);
        w.end();
        path.check();
    }
}

/// A name that only the proxy knows.
#[test]
fn names_are_resolved_by_the_proxy() {
    for through in [Socks5, Http] {
        for link in [Tcp, Ws] {
            let mut path = Route::new(link, through, V4).start();
            path.host = "broker.invalid".to_owned();
            for (drive, blocking) in [
                (Drive::Loop, true),
                (Drive::Loop, false),
                (Drive::Foreign, false),
                (Drive::Thread, false),
            ] {
                let (same, mut w) = open(path, V, drive, blocking, 60);
                w.end();
                path = same;
            }
        }
    }
}

/// A server whose WebSocket says this.
fn answering(link: Link, answer: Answer) -> Path {
    let rules = Rules {
        websocket: WebSocketSide {
            answer,
            ..WebSocketSide::default()
        },
        ..Rules::default()
    };
    Route::new(link, Nothing, V4).start_with(rules)
}

#[test]
fn a_server_that_does_not_upgrade_is_refused() {
    let upgrade =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    for (answer, reason) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404"),
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            "401",
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200"),
        (
            &format!("{upgrade}Sec-WebSocket-Protocol: mqtt\r\n\r\n"),
            "",
        ),
        (
            &format!(
                "{upgrade}Sec-WebSocket-Protocol: mqtt\r\n\
                 Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            ),
            "",
        ),
        ("\x20\x02\0\0\r\n\r\n", ""),
    ] {
        for link in [Ws, Wss] {
            let path = answering(link, Answer::Raw(answer.into()));
            check_failure(&path, |_| (), MOSQ_ERR_PROTOCOL, reason);
        }
    }
}

/// The beginning of `struct mqttrs_log_record`.
#[repr(C)]
struct LogRecord {
    size: usize,
    level: c_int,
    client_id: *const c_char,
    event: *const c_char,
}

extern "C" {
    fn mqttrs_log_callback_set(
        mosq: *mut mosquitto,
        on_log: Option<unsafe extern "C" fn(*mut mosquitto, *mut c_void, *const LogRecord)>,
    ) -> c_int;
}

static CONNECTIONS_MADE: AtomicUsize = AtomicUsize::new(0);

unsafe extern "C" fn count_connections(
    _: *mut mosquitto,
    _: *mut c_void,
    record: *const LogRecord,
) {
    // SAFETY: the library lends a record with a C string.
    let event = unsafe { CStr::from_ptr((*record).event) };
    if event == c"connection.made" {
        CONNECTIONS_MADE.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_refused_upgrade_is_not_logged_as_a_connection() {
    let counts = |client: &Client| {
        // SAFETY: the client lives, and the function is of this type.
        let set = unsafe { mqttrs_log_callback_set(client.0, Some(count_connections)) };
        assert_eq!(set, MOSQ_ERR_SUCCESS);
    };
    for link in [Ws, Wss] {
        let path = answering(link, Answer::Raw("HTTP/1.1 404 Not Found\r\n\r\n".into()));
        check_failure(&path, counts, MOSQ_ERR_PROTOCOL, "404");
    }
    assert_eq!(CONNECTIONS_MADE.load(Ordering::Relaxed), 0);
}

#[test]
fn a_server_without_the_subprotocol_is_refused() {
    for link in [Ws, Wss] {
        let path = answering(link, Answer::NoSubprotocol);
        for (drive, blocking) in WAYS {
            let outcome = attempt(&path, &mut client(&path, drive), blocking);
            assert_eq!(outcome, Err(MOSQ_ERR_PROTOCOL));
        }
    }
}

/// Plain text where TLS is expected, and the reverse.
#[test]
fn another_language_is_an_error() {
    let plain = Route::new(Tcp, Nothing, V4).start();
    let mut tls = Route::new(Tls, Nothing, V4).start();
    let port = tls.port;
    tls.port = plain.port;
    let client_of_tls = client(&tls, Drive::Foreign);
    let mut client_of_tls = client_of_tls;
    let begun = client_of_tls.connect_async_to("127.0.0.1", plain.port, 60);
    assert_eq!(begun, MOSQ_ERR_SUCCESS);
    // The broker takes the ClientHello for a packet and answers in plain text.
    let mut peer = plain.accept(&mut client_of_tls);
    peer.send(&connack(V, false, 0, &[]));
    assert_ne!(run_until_error(&mut client_of_tls), MOSQ_ERR_SUCCESS);

    let mut client = client(&plain, Drive::Foreign);
    let begun = client.connect_async_to("127.0.0.1", port, 60);
    assert_eq!(begun, MOSQ_ERR_SUCCESS);
    assert_ne!(run_until_error(&mut client), MOSQ_ERR_SUCCESS);
}

/// The connection ends at every byte of the handshakes: an error each time, until all of them
/// are through.
fn check_cuts(link: Link, through: Through, step: usize) {
    let mut path = Route::new(link, through, V4).start();
    let mut failures = 0;
    for place in (0..).step_by(step) {
        path.damage(Damage::Cut(place));
        let (drive, blocking) = WAYS[failures % WAYS.len()];
        if attempt(&path, &mut client(&path, drive), blocking).is_ok() {
            break;
        }
        failures += 1;
        assert!(failures < 10_000, "no handshake is as long as this");
    }
    assert!(failures * step > 10, "only {failures} handshakes failed");
}

#[test]
fn a_socks5_handshake_may_break_off_anywhere() {
    check_cuts(Tcp, Socks5, 1);
    check_cuts(Tcp, Socks5Password, 1);
}

#[test]
fn an_http_proxy_may_break_off_anywhere() {
    check_cuts(Tcp, Http, 1);
}

#[test]
fn a_websocket_upgrade_may_break_off_anywhere() {
    check_cuts(Ws, Nothing, 1);
}

#[test]
fn a_tls_handshake_may_break_off_anywhere() {
    check_cuts(Tls, Nothing, 11);
}

#[test]
fn handshakes_on_top_of_each_other_may_break_off_anywhere() {
    check_cuts(Wss, Socks5Password, 17);
}

/// A byte of the handshakes is another one: an error, or all works; not a hang, which the
/// connect timeout would end.
fn check_flips(link: Link, through: Through, bytes: usize, step: usize) {
    let mut path = Route::new(link, through, V4).start();
    let mut failures = 0;
    for place in (0..bytes).step_by(step) {
        path.damage(Damage::Flip(place));
        let mut client = client(&path, Drive::Loop);
        // A length that is too large cannot be told from a slow server.
        client.connect_timeout(100);
        failures += u32::from(attempt(&path, &mut client, false).is_err());
    }
    assert!(failures > 1, "only {failures} handshakes failed");
}

#[test]
fn a_changed_byte_in_a_proxys_answer_is_an_error_or_harmless() {
    check_flips(Tcp, Socks5Password, 14, 1);
    check_flips(Tcp, Http, 39, 1);
}

#[test]
fn a_changed_byte_in_an_upgrade_is_an_error_or_harmless() {
    check_flips(Ws, Nothing, 160, 3);
}

#[test]
fn a_changed_byte_in_a_tls_handshake_is_an_error_or_harmless() {
    check_flips(Tls, Nothing, 700, 9);
}

/// An attempt ends when the time set for it is over, however silent the server.
fn the_connect_timeout_ends_an_attempt(stage: Stage, link: Link, through: Through) {
    let timeout = Duration::from_millis(100);
    let (path, _gate) = stage.start(link, through);
    for (drive, blocking) in WAYS {
        let mut client = client(&path, drive);
        client.connect_timeout(100);
        let begun = Instant::now();
        let mut code = begin(&client, &path, blocking);
        let mut errno = std::io::Error::last_os_error().raw_os_error();
        while code == MOSQ_ERR_SUCCESS {
            assert!(begun.elapsed() < DEADLINE, "the attempt goes on");
            step(&mut client, Duration::from_millis(5));
            code = client.last;
            errno = std::io::Error::last_os_error().raw_os_error();
        }
        assert_eq!(code, MOSQ_ERR_ERRNO, "{drive:?}: {}", client.last_error());
        assert_eq!(errno, Some(libc::ETIMEDOUT));
        assert!(begun.elapsed() >= timeout);
        assert_eq!(client.socket(), -1);
    }
}

/// Nothing waits for a silent server when the program wants to leave (within a generous 10 s).
fn a_client_can_be_destroyed(stage: Stage, link: Link, through: Through) {
    for drive in [Drive::Loop, Drive::Foreign, Drive::Thread] {
        let (_path, gate, mut client) = stage.connecting(link, through, drive);
        if drive == Drive::Thread {
            client.loop_start().unwrap();
        }
        let end = Instant::now() + DEADLINE;
        while !gate.is_reached() {
            assert!(Instant::now() < end, "the server was not reached");
            client.step(Duration::from_millis(2));
        }
        let begun = Instant::now();
        drop(client);
        assert!(begun.elapsed() < DEADLINE);
    }
}

each_stage!(
    the_connect_timeout_ends_an_attempt,
    a_client_can_be_destroyed
);

/// A loop thread comes back when a proxy could not reach the broker.
#[test]
fn a_loop_thread_tries_again_after_a_refusal_that_may_pass() {
    for (through, rules) in [
        (
            Socks5,
            Rules {
                socks5: SocksRules {
                    refusal: Some(5),
                    first_only: true,
                    ..SocksRules::default()
                },
                ..Rules::default()
            },
        ),
        (
            Http,
            Rules {
                http_proxy: HttpRules {
                    refusal: Some("HTTP/1.1 502 Bad Gateway\r\n\r\n".to_owned()),
                    first_only: true,
                    ..HttpRules::default()
                },
                ..Rules::default()
            },
        ),
    ] {
        let path = Route::new(Tls, through, V4).start_with(rules);
        let client = client(&path, Drive::Thread);
        client.connect_async_to(&path.host, path.port, 60);
        client.loop_start().unwrap();
        let mut client = client;
        client.expect_event(Event::DisconnectV5(MOSQ_ERR_NO_CONN, vec![]));
        let (_path, mut w) = finish_connecting(path, client, V, 60);
        w.end();
    }
}

/// A password is not shown to those who read logs.
#[test]
fn no_password_is_in_the_words_of_an_error() {
    let secret = Login::new("proxy user", "s3cret");
    for through in [Socks5Password, HttpPassword] {
        let path = Route::new(Tcp, through, V4).start();
        let mut client = client(&path, Drive::Loop);
        match (&path.socks5, &path.http_proxy) {
            (Some(proxy), _) => client.socks5(proxy.port(), Some(&secret)),
            (_, Some(proxy)) => client.http_proxy(proxy.port(), Some(&secret)),
            _ => unreachable!(),
        }
        assert_eq!(attempt(&path, &mut client, true), Err(MOSQ_ERR_AUTH));
        let told = client.last_error();
        assert!(!told.contains("s3cret") && !told.contains(&secret.basic()[6..]));
        assert!(!told.contains(&login().password));
    }
}
