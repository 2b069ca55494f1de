//! A name server that never answers, and a server that never answers: whoever waits for
//! them holds up nobody else, and may be stopped at any time.

#![allow(clippy::undocumented_unsafe_blocks, reason = "C is called all over")]

mod dns_support;
mod support;

#[path = "support/dns.rs"]
mod dns;

use std::ffi::{c_char, c_int, c_uint, CString};
use std::io;
use std::ptr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use dns::Dns;
use dns_support::{in_own_network, promptly, SilentAddress, LEAST_WAIT, PROMPT};
use support::*;

extern "C" {
    fn mosquitto_connect_srv(
        mosq: *mut mosquitto,
        host: *const c_char,
        keepalive: c_int,
        bind_address: *const c_char,
    ) -> c_int;
    fn mqttrs_connect_timeout_set(mosq: *mut mosquitto, milliseconds: c_uint) -> c_int;
}

/// What never comes to an end by itself.
enum Endless {
    /// The look-up of a name.
    Name(Dns),
    /// The look-up of a domain's servers.
    Domain(Dns),
    /// The connection to an address.
    Address(SilentAddress),
}

impl Endless {
    fn name() -> Endless {
        Endless::Name(Dns::start_at_port_53(|_| Vec::new()))
    }

    fn domain() -> Endless {
        Endless::Domain(Dns::start_at_port_53(|_| Vec::new()))
    }

    fn address() -> Endless {
        Endless::Address(SilentAddress::new())
    }

    /// The host and the port to connect to; `name` is one that nobody has used before.
    fn target(&self, name: &str) -> (CString, c_int) {
        match self {
            Endless::Name(_) | Endless::Domain(_) => {
                (CString::new(format!("{name}.example.com")).unwrap(), 1883)
            }
            Endless::Address(address) => (c"127.0.0.1".into(), address.port().into()),
        }
    }

    #[track_caller]
    fn connect_async(&self, client: Handle, name: &str) {
        let (host, port) = self.target(name);
        let outcome = promptly("mosquitto_connect_async", || match self {
            Endless::Domain(_) => unsafe {
                mosquitto_connect_srv(client.0, host.as_ptr(), 60, ptr::null())
            },
            _ => unsafe { mosquitto_connect_async(client.0, host.as_ptr(), port, 60) },
        });
        assert_eq!(outcome, MOSQ_ERR_SUCCESS);
    }

    /// Waits until the attempt is held up.
    fn wait_until_held_up(&self, name: &str) {
        match self {
            Endless::Name(dns) => dns.wait_for_query(&format!("{name}.example.com")),
            Endless::Domain(dns) => dns.wait_for_query(&format!("_mqtt._tcp.{name}.example.com")),
            Endless::Address(_) => {}
        }
    }
}

/// A client with nothing else to do. It is destroyed when dropped.
fn client(name: &str) -> Client {
    Client::new(Version::V311, Some(name), true)
}

/// Somebody who has a connection and wants to go on using it.
struct Bystander(Wire);

impl Bystander {
    fn new() -> Bystander {
        Bystander(Setup::new(Version::V311).drive(Drive::Thread).open())
    }

    #[track_caller]
    fn is_served(&mut self) {
        let Bystander(wire) = self;
        promptly("sending and receiving of another client", || {
            let mid = wire.client.publish("up", b"1", 1).unwrap();
            wire.expect(&publish("up", b"1").qos(1, mid).bytes(Version::V311));
            wire.send(&puback(mid));
            wire.event(Event::PublishV5(mid.into(), 0, Vec::new()));
            wire.send(&publish("down", b"2").bytes(Version::V311));
            wire.event(Event::MessageV5(Message::new("down", b"2"), Vec::new()));
        });
    }
}

/// What a program does with a client of which it does not know how far it is.
fn use_it(client: &Client) {
    promptly("mosquitto_publish", || {
        // Kept for later or refused.
        let _ = client.publish("a", b"x", 1);
        let _ = client.publish("a", b"x", 0);
    });
    promptly("mosquitto_subscribe", || {
        let _ = client.subscribe("a", 0);
    });
    promptly("mosquitto_socket", || client.socket());
    promptly("mosquitto_want_write", || client.want_write());
}

/// Success, or an error where there was no connection yet.
fn disconnect(client: &Client) {
    promptly("mosquitto_disconnect", || {
        let _ = client.disconnect();
    });
}

/// How a program parts with a client.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Stop,
    Disconnect,
    Destroy,
    ConnectAgain,
}

fn loop_threads_are_stopped(endless: &Endless) {
    let mut bystander = Bystander::new();
    for ending in [
        Ending::Stop,
        Ending::Disconnect,
        Ending::Destroy,
        Ending::ConnectAgain,
    ] {
        for start_first in [false, true] {
            let name = format!("{ending:?}-{start_first}").to_lowercase();
            let client = client(&name);
            let start = || promptly("mosquitto_loop_start", || client.loop_start().unwrap());
            if start_first {
                start();
            }
            endless.connect_async(*client, &name);
            if !start_first {
                start();
            }
            endless.wait_until_held_up(&name);
            bystander.is_served();
            use_it(&client);
            match ending {
                Ending::Stop => promptly("mosquitto_loop_stop(true)", || {
                    client.loop_stop(true).unwrap();
                }),
                Ending::Disconnect => {
                    disconnect(&client);
                    promptly("mosquitto_loop_stop(false)", || {
                        client.loop_stop(false).unwrap();
                    });
                }
                Ending::Destroy => {}
                Ending::ConnectAgain => {
                    let name = format!("{name}-2");
                    endless.connect_async(*client, &name);
                    endless.wait_until_held_up(&name);
                }
            }
            promptly("mosquitto_destroy", || drop(client));
        }
    }
    bystander.is_served();
}

fn foreign_loops_go_on(endless: &Endless) {
    let mut bystander = Bystander::new();
    for disconnects in [true, false] {
        let name = format!("foreign-{disconnects}");
        let client = client(&name);
        endless.connect_async(*client, &name);
        endless.wait_until_held_up(&name);
        for _ in 0..3 {
            promptly("mosquitto_loop_read", || client.loop_read());
            promptly("mosquitto_loop_write", || client.loop_write());
            promptly("mosquitto_loop_misc", || client.loop_misc());
            promptly("mosquitto_loop", || client.run_loop(10, 1));
            use_it(&client);
        }
        bystander.is_served();
        if disconnects {
            disconnect(&client);
            promptly("mosquitto_loop_misc", || client.loop_misc());
        }
        promptly("mosquitto_destroy", || drop(client));
    }
    bystander.is_served();
}

fn loop_forever_ends_with_disconnect(endless: &Endless) {
    let client = client("forever");
    endless.connect_async(*client, "forever");
    let handle = *client;
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || done.send(handle.loop_forever()).unwrap());
    endless.wait_until_held_up("forever");
    disconnect(&client);
    is_done
        .recv_timeout(PROMPT)
        .expect("mosquitto_loop_forever returns");
    thread.join().unwrap();
}

/// The call that waits may do so; nobody else has to wait with it.
fn waiting_calls_hold_up_nobody_else(endless: &Endless) {
    let mut bystander = Bystander::new();
    let mut client = client("waiting");
    client.pre_connect_callback();
    let handle = *client;
    let (host, port) = endless.target("waiting");
    // Left behind when the process ends, which has to wait for nobody.
    thread::spawn(move || {
        let Handle(client) = { handle };
        unsafe { mosquitto_connect(client, host.as_ptr(), port, 60) }
    });
    client.drive = Drive::Thread; // the test waits for callbacks, and calls no loop
    client.expect_event(Event::PreConnect);
    endless.wait_until_held_up("waiting");
    bystander.is_served();
    use_it(&client);
    disconnect(&client);
    promptly("mosquitto_destroy", || drop(client));
    bystander.is_served();
}

/// Both kinds of call, and the loop, give up when the program says so: with `code`.
fn attempts_end_at_the_connect_timeout(endless: &Endless, code: c_int) {
    let timeout = Duration::from_millis(300);
    let limited = |name: &str| {
        let client = client(name);
        let outcome = unsafe { mqttrs_connect_timeout_set(client.0, 300) };
        assert_eq!(outcome, MOSQ_ERR_SUCCESS);
        client
    };
    if !matches!(endless, Endless::Domain(_)) {
        let client = limited("waiting-limited");
        let (host, port) = endless.target("waiting-limited");
        let start = Instant::now();
        let outcome = promptly("mosquitto_connect", || unsafe {
            mosquitto_connect(client.0, host.as_ptr(), port, 60)
        });
        assert_eq!(outcome, code);
        if code == MOSQ_ERR_ERRNO {
            let error = io::Error::last_os_error();
            assert_eq!(error.raw_os_error(), Some(libc::ETIMEDOUT));
        }
        assert!(start.elapsed() >= timeout);
    }
    for foreign in [false, true] {
        let name = format!("limited-{foreign}");
        let mut client = limited(&name);
        let start = Instant::now();
        endless.connect_async(*client, &name);
        let outcome = promptly("the loop", || {
            if !foreign {
                return client.run_until_error();
            }
            // There may be no descriptor to wait for, only the loop's own timer.
            let end = start + PROMPT;
            loop {
                let outcome = client.loop_misc();
                if outcome != MOSQ_ERR_SUCCESS || Instant::now() > end {
                    return outcome;
                }
                thread::park_timeout(Duration::from_millis(5));
            }
        });
        assert_eq!(outcome, code, "foreign: {foreign}");
        assert!(start.elapsed() >= timeout);
    }
}

/// Runs `test`, whose name is `name`, where nobody answers at port 53. The process ends
/// without waiting for the look-ups that are left behind.
fn with_own_name_server(name: &str, test: impl FnOnce()) {
    if let Some(took) = in_own_network(name, test) {
        assert!(took < LEAST_WAIT, "the process took {took:?}");
    }
}

#[test]
fn a_loop_thread_is_stopped_while_a_name_is_looked_up() {
    with_own_name_server("a_loop_thread_is_stopped_while_a_name_is_looked_up", || {
        loop_threads_are_stopped(&Endless::name());
    });
}

#[test]
#[cfg(feature = "srv")]
fn a_loop_thread_is_stopped_while_a_domain_is_looked_up() {
    with_own_name_server(
        "a_loop_thread_is_stopped_while_a_domain_is_looked_up",
        || {
            loop_threads_are_stopped(&Endless::domain());
        },
    );
}

#[test]
fn a_loop_thread_is_stopped_while_an_address_is_silent() {
    loop_threads_are_stopped(&Endless::address());
}

#[test]
fn a_foreign_loop_goes_on_while_a_name_is_looked_up() {
    with_own_name_server("a_foreign_loop_goes_on_while_a_name_is_looked_up", || {
        foreign_loops_go_on(&Endless::name());
    });
}

#[test]
#[cfg(feature = "srv")]
fn a_foreign_loop_goes_on_while_a_domain_is_looked_up() {
    with_own_name_server("a_foreign_loop_goes_on_while_a_domain_is_looked_up", || {
        foreign_loops_go_on(&Endless::domain());
    });
}

#[test]
fn a_foreign_loop_goes_on_while_an_address_is_silent() {
    foreign_loops_go_on(&Endless::address());
}

#[test]
fn loop_forever_returns_while_a_name_is_looked_up() {
    with_own_name_server("loop_forever_returns_while_a_name_is_looked_up", || {
        loop_forever_ends_with_disconnect(&Endless::name());
    });
}

#[test]
fn loop_forever_returns_while_an_address_is_silent() {
    loop_forever_ends_with_disconnect(&Endless::address());
}

#[test]
fn looking_a_name_up_ends_at_the_connect_timeout() {
    with_own_name_server("looking_a_name_up_ends_at_the_connect_timeout", || {
        attempts_end_at_the_connect_timeout(&Endless::name(), MOSQ_ERR_EAI);
    });
}

#[test]
#[cfg(feature = "srv")]
fn looking_a_domain_up_ends_at_the_connect_timeout() {
    with_own_name_server("looking_a_domain_up_ends_at_the_connect_timeout", || {
        attempts_end_at_the_connect_timeout(&Endless::domain(), MOSQ_ERR_EAI);
    });
}

#[test]
fn connecting_to_a_silent_address_ends_at_the_connect_timeout() {
    attempts_end_at_the_connect_timeout(&Endless::address(), MOSQ_ERR_ERRNO);
}

#[test]
fn a_call_that_waits_for_a_name_holds_up_nobody_else() {
    with_own_name_server("a_call_that_waits_for_a_name_holds_up_nobody_else", || {
        waiting_calls_hold_up_nobody_else(&Endless::name());
    });
}

#[test]
fn a_call_that_waits_for_an_address_holds_up_nobody_else() {
    waiting_calls_hold_up_nobody_else(&Endless::address());
}
