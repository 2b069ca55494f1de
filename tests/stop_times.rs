//! How long each way to stop takes, whatever the network does at that moment. Each has a bound
//! in its documentation; what comes on top here is for a slow machine.
//!
//! `MQTTRS_STOP_TIMES=file` makes ten rounds and writes the longest of each into that file.

#![cfg(all(feature = "tls", feature = "websocket"))]
#![allow(clippy::undocumented_unsafe_blocks, reason = "C is called all over")]

mod handshake_support;
mod support;

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use handshake_support::{Handshake, Settings};
use support::queue::*;
use support::*;
use Version::V311;

/// What a slow machine may add.
const SLOW: Duration = Duration::from_secs(5);
/// What the calls that take a time are given, in milliseconds.
const GIVEN: u32 = 200;

/// What the network, or the client, is at when the program stops.
#[derive(Debug, Clone, Copy)]
enum Situation {
    NeverConnected,
    SynUnanswered,
    NoConnack,
    TlsSilent,
    Socks5Silent,
    HttpProxySilent,
    WebSocketSilent,
    Idle,
    PeerNotReading,
    HalfAPacket,
    Unacknowledged,
    QueueFull,
    WaitingForTheDelay,
}
use Situation::*;

const SITUATIONS: [(Situation, &str); 13] = [
    (NeverConnected, "no connection was asked for"),
    (SynUnanswered, "SYN is not answered"),
    (NoConnack, "connected, CONNACK does not come"),
    (TlsSilent, "the server is silent in the handshake of TLS"),
    (Socks5Silent, "the SOCKS5 proxy is silent"),
    (HttpProxySilent, "the HTTP proxy is silent"),
    (WebSocketSilent, "the upgrade to WebSocket is not answered"),
    (Idle, "connected and idle"),
    (
        PeerNotReading,
        "the server reads nothing, the socket is full",
    ),
    (HalfAPacket, "the server stops in the middle of a packet"),
    (Unacknowledged, "messages are not acknowledged"),
    (QueueFull, "the queue is full, and a thread waits for room"),
    (
        WaitingForTheDelay,
        "the next attempt to connect is an hour away",
    ),
];

/// A way to stop, its name, and how long it may take.
type Way = (fn(Client), &'static str, Duration);

const WAYS: [Way; 6] = [
    // 10 s for what is to be sent before DISCONNECT.
    (
        disconnect_and_stop,
        "mosquitto_disconnect, mosquitto_loop_stop",
        Duration::from_secs(10),
    ),
    (
        disconnect_timeout,
        "mqttrs_disconnect_timeout of 200 ms",
        Duration::from_millis(200),
    ),
    (drain, "mqttrs_drain of 200 ms", Duration::from_millis(200)),
    (
        stop_by_force,
        "mosquitto_loop_stop with force",
        Duration::ZERO,
    ),
    (destroy, "mosquitto_destroy", Duration::ZERO),
    (reinitialise, "mosquitto_reinitialise", Duration::ZERO),
];

fn disconnect_and_stop(client: Client) {
    let _ = client.disconnect(); // there may be no connection
    client.loop_stop(false).unwrap();
    std::mem::forget(client);
}

fn disconnect_timeout(client: Client) {
    assert_ne!(client.disconnect_timeout(GIVEN), MOSQ_ERR_INVAL);
    std::mem::forget(client);
}

fn drain(client: Client) {
    assert!([MOSQ_ERR_SUCCESS, MOSQ_ERR_TIMEOUT].contains(&client.drain(GIVEN)));
    std::mem::forget(client);
}

fn stop_by_force(client: Client) {
    client.loop_stop(true).unwrap();
    std::mem::forget(client);
}

fn destroy(client: Client) {
    drop(client);
}

fn reinitialise(client: Client) {
    let rc = unsafe { mosquitto_reinitialise(client.0, c"t".as_ptr(), true, std::ptr::null_mut()) };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
    std::mem::forget(client);
}

/// A client with a loop thread in this situation, and what keeps it there.
fn arrange(situation: Situation) -> (Client, Box<dyn Send>) {
    let mut client = Client::new(V311, Some("t"), true);
    client.drive = Drive::Thread;
    client.loop_start().unwrap();
    client.reconnect_delay(3600, 3600);
    let handshake = match situation {
        TlsSilent => Some(Handshake::Tls13),
        Socks5Silent => Some(Handshake::Socks5),
        HttpProxySilent => Some(Handshake::HttpConnect),
        WebSocketSilent => Some(Handshake::WebSocket),
        _ => None,
    };
    match situation {
        NeverConnected => return (client, Box::new(())),
        SynUnanswered => {
            let full = FullBacklog::new();
            client.publish("a", b"", 1).unwrap();
            client.connect_async(full.port, 60).unwrap();
            return (client, Box::new(full));
        }
        WaitingForTheDelay => {
            let port = Broker::start().port();
            client.publish("a", b"", 1).unwrap();
            client.connect_async(port, 60).unwrap();
            let end = Instant::now() + DEADLINE;
            while client.last_error().is_empty() {
                assert!(Instant::now() < end, "a closed port refuses");
                thread::yield_now();
            }
            return (client, Box::new(()));
        }
        _ => {}
    }
    let broker = Broker::start();
    if let Some(handshake) = handshake {
        handshake.configure(&client, broker.port());
        client.publish("a", b"", 1).unwrap();
        client.connect_async(broker.port(), 60).unwrap();
        let peer = broker.accept();
        return (client, Box::new((broker, peer)));
    }
    if matches!(situation, PeerNotReading) {
        broker.narrow();
    }
    client.connect_async(broker.port(), 60).unwrap();
    let mut peer = broker.accept();
    peer.take_packet();
    if !matches!(situation, NoConnack) {
        peer.send(&connack(V311, false, 0, &[]));
        client.expect_event(Event::ConnectV5(0, 0, vec![]));
    }
    match situation {
        PeerNotReading => {
            for _ in 0..200 {
                client.publish("a", &[0; 100_000], 0).unwrap();
            }
            client.publish("a", b"", 1).unwrap();
        }
        HalfAPacket => {
            let packet = publish("a", &[0; 100_000]).bytes(V311);
            peer.send(&packet[..50_000]);
        }
        Unacknowledged => {
            for qos in [1, 2] {
                client.publish("a", b"", qos).unwrap();
                peer.take_packet();
            }
        }
        QueueFull => {
            client.queue(QueueOptions::new(1, 0, WAIT).wait_ms(3_600_000));
            client.publish("a", b"", 1).unwrap();
            peer.take_packet();
            let handle = *client;
            // Ends with the client, or with the process.
            thread::spawn(move || handle.publish("a", b"", 1));
        }
        _ => {}
    }
    (client, Box::new((broker, peer)))
}

/// A port of 127.0.0.1 where the system answers no SYN, since nobody accepts.
struct FullBacklog {
    port: u16,
    _sockets: Vec<socket2::Socket>,
}

impl FullBacklog {
    fn new() -> FullBacklog {
        use socket2::{Domain, Socket, Type};
        let new = || Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let listener = new();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let port = address.as_socket().unwrap().port();
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let socket = new();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address);
            sockets.push(socket);
        }
        FullBacklog {
            port,
            _sockets: sockets,
        }
    }
}

/// How long a way to stop takes in a situation; it must not take longer than its bound.
fn measure(situation: Situation, way: Way) -> Duration {
    let (stop, name, bound) = way;
    let (client, _keeper) = arrange(situation);
    let (done, stopped) = channel();
    // On a thread of its own, so that one that hangs is seen to.
    thread::spawn(move || {
        let start = Instant::now();
        stop(client);
        done.send(start.elapsed()).unwrap();
    });
    let took = stopped.recv_timeout(bound + SLOW);
    took.unwrap_or_else(|_| panic!("{name} hangs: {situation:?}"))
}

#[test]
fn each_way_to_stop_ends_within_its_bound_whatever_the_network_does() {
    let file = std::env::var_os("MQTTRS_STOP_TIMES");
    let rounds = if file.is_some() { 10 } else { 1 };
    // Together, as most of the time they wait.
    let longest = |situation| {
        thread::scope(|scope| {
            let all = WAYS.map(|way| {
                let times = move || (0..rounds).map(|_| measure(situation, way)).max();
                scope.spawn(times)
            });
            all.map(|thread| thread.join().unwrap().unwrap())
        })
    };
    let table = thread::scope(|scope| {
        let rows = SITUATIONS.map(|(situation, _)| scope.spawn(move || longest(situation)));
        rows.map(|thread| thread.join().unwrap())
    });
    if let Some(file) = file {
        std::fs::write(file, as_json(&table, rounds)).unwrap();
    }
}

/// Stops inside a callback: the calls that would wait for the callback's own thread do not, or
/// say that they cannot.
#[test]
fn inside_each_callback_stopping_does_not_wait() {
    let in_connect: fn(&Event) -> bool = |event| matches!(event, Event::ConnectV5(..));
    let in_message: fn(&Event) -> bool = |event| matches!(event, Event::MessageV5(..));
    let in_publish: fn(&Event) -> bool = |event| matches!(event, Event::PublishV5(..));
    let in_disconnect: fn(&Event) -> bool = |event| matches!(event, Event::DisconnectV5(..));
    for is_it in [in_connect, in_message, in_publish, in_disconnect] {
        for destroys in [false, true] {
            let broker = Broker::start();
            let client = Client::new(V311, Some("t"), true);
            let (tell, told) = channel();
            client.on_event(move |client, event| {
                if !is_it(event) {
                    return;
                }
                assert_eq!(client.drain(3_600_000), MOSQ_ERR_INVAL);
                assert_eq!(client.disconnect_timeout(3_600_000), MOSQ_ERR_INVAL);
                if destroys {
                    unsafe { mosquitto_destroy(client.0) };
                } else {
                    let _ = client.disconnect();
                    client.loop_stop(true).unwrap();
                }
                tell.send(()).unwrap();
            });
            client.loop_start().unwrap();
            client.connect_async(broker.port(), 60).unwrap();
            let mut peer = broker.accept();
            peer.take_packet();
            peer.send(&connack(V311, false, 0, &[]));
            peer.send_lossy(&publish("a", b"").bytes(V311));
            let _ = client.publish("a", b"", 0); // refused where it was destroyed already
            if is_it(&Event::DisconnectV5(0, vec![])) {
                peer.close();
            }
            told.recv_timeout(DEADLINE).expect("the callback returns");
        }
    }
}

fn as_json(table: &[[Duration; WAYS.len()]; SITUATIONS.len()], rounds: usize) -> String {
    let mut out = String::from(
        "{\n  \"title\": \"Stopping\",\n  \"command\": \"make stop-times\",\n  \"intro\": \
         \"A client with a loop thread is brought into each situation and stopped in each way. ",
    );
    write!(
        out,
        "The longest of {rounds} times each, in milliseconds; all of them at once on one machine.\""
    )
    .unwrap();
    out.push_str(",\n  \"tables\": [{\n    \"title\": \"Longest time, ms\",\n    \"columns\": [\"situation\"");
    for (_, name, _) in WAYS {
        write!(out, ", \"{name}\"").unwrap();
    }
    out.push_str("],\n    \"rows\": [\n");
    let bounds = WAYS.map(|(_, _, bound)| bound);
    let rows = SITUATIONS.iter().map(|(_, name)| *name).zip(table);
    for (name, row) in rows.chain([("bound that the documentation states", &bounds)]) {
        write!(out, "      [\"{name}\"").unwrap();
        for time in row {
            write!(out, ", \"{:.0}\"", time.as_secs_f64() * 1000.0).unwrap();
        }
        out.push_str("],\n");
    }
    out.truncate(out.len() - 2);
    out.push_str(
        "\n    ]\n  }],\n  \"notes\": [\"A bound of 0 means that the call waits for nothing but the \
         callback that is running. mosquitto_loop_stop without force and without \
         mosquitto_disconnect waits for the program to disconnect, as with libmosquitto. A look-up \
         of a name is never waited for; tests/dns_silence.rs has name servers that do not \
         answer.\", \"What is above a bound is what threads wait for a processor, as \
         all of them are stopped at once.\"]\n}\n",
    );
    out
}
