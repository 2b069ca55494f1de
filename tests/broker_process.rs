//! What the library does to the process around it, and the ways to the broker's socket.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the C API is called with arguments that live through the call"
)]

mod support;

use std::ffi::{c_int, CString};
use std::io::{Read, Write};
use std::net::IpAddr;
use std::ptr;

use support::*;
use Version::V311;

fn sigpipe_action() -> libc::sigaction {
    unsafe {
        let mut action = std::mem::zeroed();
        assert_eq!(libc::sigaction(libc::SIGPIPE, ptr::null(), &mut action), 0);
        action
    }
}

/// One test for both, because the disposition belongs to the whole process.
#[test]
fn sigpipe_is_left_as_it_was_and_does_not_come() {
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    unsafe { mosquitto_lib_init() };
    let mut w = Wire::open(V311);
    w.peer.reset();
    // The first write may still be taken by the kernel; none may kill the process.
    for _ in 0..10 {
        let _ = w.client.publish("a", &[b'x'; 1000], 0);
    }
    assert_eq!(w.client.run_until_error(), MOSQ_ERR_CONN_LOST);
    assert_eq!(sigpipe_action().sa_sigaction, libc::SIG_DFL);
    unsafe { mosquitto_lib_cleanup() };
}

fn socket_option(fd: c_int, level: c_int, name: c_int) -> c_int {
    let mut value: c_int = -1;
    let mut len = size_of::<c_int>() as libc::socklen_t;
    let rc = unsafe { libc::getsockopt(fd, level, name, (&raw mut value).cast(), &mut len) };
    assert_eq!(rc, 0);
    value
}

#[test]
fn the_socket_is_not_inherited_by_other_programs() {
    let w = Wire::open(V311);
    let flags = unsafe { libc::fcntl(w.client.socket(), libc::F_GETFD) };
    assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
}

#[test]
fn tcp_nodelay_is_off_by_default() {
    let w = Wire::open(V311);
    let value = socket_option(w.client.socket(), libc::IPPROTO_TCP, libc::TCP_NODELAY);
    assert_eq!(value, 0);
}

#[test]
fn tcp_nodelay_is_set_on_request() {
    let w = Setup::new(V311)
        .configure(|client| client.int_option(MOSQ_OPT_TCP_NODELAY, 1).unwrap())
        .open();
    let value = socket_option(w.client.socket(), libc::IPPROTO_TCP, libc::TCP_NODELAY);
    assert_ne!(value, 0);
}

/// All of 127.0.0.0/8 is this machine.
const OTHER: &str = "127.0.0.2";

fn expect_connection_from(broker: &Broker, client: &mut Client, from: &str) {
    let mut peer = broker.accept();
    assert_eq!(peer.address().ip(), from.parse::<IpAddr>().unwrap());
    let expected = connect(V311, "t").bytes();
    peer.expect_while(&expected, |_| {
        client.step(std::time::Duration::from_millis(2))
    });
}

#[test]
fn connect_bind_connects_from_that_address() {
    let broker = Broker::start();
    let mut client = Client::new(V311, Some("t"), true);
    let (host, bind) = (
        CString::new("127.0.0.1").unwrap(),
        CString::new(OTHER).unwrap(),
    );
    let rc = unsafe {
        mosquitto_connect_bind(
            client.0,
            host.as_ptr(),
            broker.port().into(),
            60,
            bind.as_ptr(),
        )
    };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    expect_connection_from(&broker, &mut client, OTHER);
}

#[test]
fn the_bind_address_option_does_the_same() {
    let broker = Broker::start();
    let mut client = Client::new(V311, Some("t"), true);
    let bind = CString::new(OTHER).unwrap();
    let rc = unsafe { mosquitto_string_option(client.0, MOSQ_OPT_BIND_ADDRESS, bind.as_ptr()) };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    client.connect(broker.port(), 60).unwrap();
    expect_connection_from(&broker, &mut client, OTHER);
}

#[test]
fn port_0_and_a_path_is_a_unix_socket() {
    let path = std::env::temp_dir().join(format!("mqttrs-test-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut client = Client::new(V311, Some("t"), true);
    let host = CString::new(path.to_str().unwrap()).unwrap();
    let rc = unsafe { mosquitto_connect(client.0, host.as_ptr(), 0, 60) };
    std::fs::remove_file(&path).unwrap();
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let expected = connect(V311, "t").bytes();
    let mut got = vec![0; expected.len()];
    // CONNECT is sent by connect itself, before any loop runs.
    stream.read_exact(&mut got).unwrap();
    assert_eq!(got, expected);
    stream.write_all(&connack(V311, false, 0, &[])).unwrap();
    client.expect_event(Event::ConnectV5(0, 0, vec![]));
}

#[test]
fn a_unix_socket_nobody_listens_on_is_an_errno() {
    let client = Client::new(V311, Some("t"), true);
    let host = CString::new("/nonexistent/mqttrs.sock").unwrap();
    let rc = unsafe { mosquitto_connect(client.0, host.as_ptr(), 0, 60) };
    let errno = std::io::Error::last_os_error().raw_os_error();
    assert_eq!((rc, errno), (MOSQ_ERR_ERRNO, Some(libc::ENOENT)));
}

#[test]
fn connect_sends_connect_before_any_loop_runs() {
    let broker = Broker::start();
    let client = Client::new(V311, Some("t"), true);
    client.connect(broker.port(), 60).unwrap();
    // Nobody calls the library while this waits.
    broker.accept().expect(&connect(V311, "t").bytes());
}

#[test]
fn reinitialise_forgets_everything() {
    let broker = Broker::start();
    let client = Client::new(V311, Some("t"), false);
    client
        .username_password(Some("ada"), Some("s3cret"))
        .unwrap();
    client.will("w", b"x", 1, true).unwrap();
    let id = CString::new("new").unwrap();
    let rc = unsafe { mosquitto_reinitialise(client.0, id.as_ptr(), true, ptr::null_mut()) };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    client.connect(broker.port(), 60).unwrap();
    let mut peer = broker.accept();
    peer.expect(&connect(V311, "new").bytes());
    peer.send(&connack(V311, false, 0, &[]));
    let end = std::time::Instant::now() + DEADLINE;
    // The callbacks are gone too: the answer shows in what goes out, not in an event.
    client.publish("a", b"x", 1).unwrap();
    while !peer.has_bytes() && std::time::Instant::now() < end {
        assert_eq!(client.run_loop(2, 1), MOSQ_ERR_SUCCESS);
    }
    peer.expect(&publish("a", b"x").qos(1, 1).bytes(V311));
    assert_eq!(client.try_event(), None);
}
