//! What is said over every way.

use std::thread;

use super::super::support::prop::user;
use super::super::support::*;
use super::route::{Host, Link, Path, Route, Through};
use super::settings::Settings;

/// The whole conversation over `route`, with the broker's host named in each way.
pub fn check(link: Link, through: Through, hosts: &[Host], drive: Drive) {
    for &host in hosts {
        let path = Route::new(link, through, host).start();
        let (version, blocking) = match host {
            // With properties for CONNECT, which only a blocking call takes.
            Host::V4 | Host::Unix => (Version::V5, true),
            Host::Name => (Version::V311, false),
            Host::V6 => (Version::V5, false),
        };
        let mut wire = open(path, version, drive, blocking, 60);
        converse(&mut wire.1, host == hosts[0]);
        wire.1.end();
        wire.0.check();
    }
}

/// A connection after CONNACK. Where `blocking`, by the call that blocks and takes
/// properties for CONNECT.
pub fn open(
    path: Path,
    version: Version,
    drive: Drive,
    blocking: bool,
    keep_alive: u16,
) -> (Path, Wire) {
    let client = Client::new(version, Some("t"), true);
    path.configure(&client);
    open_client(path, client, version, drive, blocking, keep_alive)
}

/// The same with a client that is set up.
pub fn open_client(
    path: Path,
    mut client: Client,
    version: Version,
    drive: Drive,
    blocking: bool,
    keep_alive: u16,
) -> (Path, Wire) {
    client.drive = drive;
    let mut connect = connect(version, "t").keep_alive(keep_alive);
    let (host, port) = (path.host.as_str(), path.port);
    let code = if blocking {
        let props = [user("transport", "any"), text_of_300()];
        connect = connect.props(&props);
        client.connect_to(host, port, keep_alive, &props)
    } else {
        client.connect_async_to(host, port, keep_alive)
    };
    assert_eq!(code, MOSQ_ERR_SUCCESS, "{}", client.last_error());
    if drive == Drive::Thread {
        client.loop_start().unwrap();
    }
    finish(path, client, version, connect.bytes(), &[])
}

/// A connection of MQTT 5 where the broker asks for a keep alive of a second.
pub fn open_with_keep_alive(path: Path, drive: Drive) -> (Path, Wire) {
    let mut client = Client::new(Version::V5, Some("t"), true);
    client.drive = drive;
    path.configure(&client);
    let code = client.connect_async_to(&path.host, path.port, 60);
    assert_eq!(code, MOSQ_ERR_SUCCESS, "{}", client.last_error());
    if drive == Drive::Thread {
        client.loop_start().unwrap();
    }
    let connect = connect(Version::V5, "t").bytes();
    let props = [Prop::U16(prop::SERVER_KEEP_ALIVE, 1)];
    finish(path, client, Version::V5, connect, &props)
}

/// The next connection of a client, without properties, whose last one ended.
pub fn open_again(path: &Path, w: &mut Wire) {
    w.client.last = MOSQ_ERR_SUCCESS;
    w.peer = path.accept(&mut w.client);
    let connect = w.connect.clone();
    w.expect(&connect);
    w.accept_session(false, &[]);
}

/// Up to CONNACK for a client that has begun to connect, without properties.
pub fn finish_connecting(
    path: Path,
    client: Client,
    version: Version,
    keep_alive: u16,
) -> (Path, Wire) {
    let connect = connect(version, "t").keep_alive(keep_alive);
    finish(path, client, version, connect.bytes(), &[])
}

fn finish(
    path: Path,
    mut client: Client,
    version: Version,
    connect: Vec<u8>,
    connack_props: &[Prop],
) -> (Path, Wire) {
    let peer = path.accept(&mut client);
    let mut wire = Wire {
        version,
        client,
        broker: Broker::start(), // nobody connects there
        peer,
        connect: connect.clone(),
    };
    wire.expect(&connect);
    wire.accept_session(false, connack_props);
    (path, wire)
}

/// Subscribes, and publishes in both directions with each QoS; `large` messages too.
pub fn converse(w: &mut Wire, large: bool) {
    let v = w.version;
    let mid = w.client.subscribe("in/#", 2).unwrap();
    w.expect(&subscribe(v, mid, &[], &[("in/#", 2)]));
    w.send(&suback(v, mid, &[], &[2]));
    w.event(Event::SubscribeV5(mid.into(), vec![2], vec![]));
    let sizes: &[usize] = if large { &[1, 1 << 20] } else { &[1] };
    for &size in sizes {
        let payload: Vec<u8> = (0..size).map(|at| (at * 7 + at / 251) as u8).collect();
        for qos in 0..=2 {
            // One large message each way will do.
            if size == 1 || qos == 1 {
                send(w, &payload, qos);
                receive(w, &payload, qos);
            }
        }
    }
}

/// The client publishes.
fn send(w: &mut Wire, payload: &[u8], qos: u8) {
    let mid = w.client.publish("out", payload, qos.into()).unwrap();
    let id = if qos == 0 { 0 } else { mid };
    w.expect(&publish("out", payload).qos(qos, id).bytes(w.version));
    match qos {
        0 => {}
        1 => w.send(&puback(mid)),
        _ => {
            w.send(&pubrec(mid));
            w.expect(&pubrel(mid));
            w.send(&pubcomp(mid));
        }
    }
    w.event(Event::PublishV5(mid.into(), 0, vec![]));
}

/// The broker publishes.
fn receive(w: &mut Wire, payload: &[u8], qos: u8) {
    let id = if qos == 0 { 0 } else { 9 };
    let packet = publish("in/a", payload).qos(qos, id).bytes(w.version);
    let (peer, client) = (&mut w.peer, &mut w.client);
    let message = Message::new("in/a", payload).qos(qos.into(), id);
    thread::scope(|scope| {
        // A large one is more than the network holds while the client does nothing.
        scope.spawn(move || peer.send(&packet));
        match client.next_event() {
            Event::MessageV5(received, props) => {
                assert!(received == message, "another message of {} bytes", {
                    received.payload.map_or(0, |payload| payload.len())
                });
                assert_eq!(props, []);
            }
            event => panic!("{event:?}"),
        }
    });
    match qos {
        0 => {}
        1 => w.expect(&puback(9)),
        _ => {
            w.expect(&pubrec(9));
            w.send(&pubrel(9));
            w.expect(&pubcomp(9));
        }
    }
}

/// Makes the properties of CONNECT longer than a short frame.
fn text_of_300() -> Prop {
    user("long", &"x".repeat(300))
}
