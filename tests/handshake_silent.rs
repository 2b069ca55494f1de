//! Peers that fall silent in the middle of a handshake: the connect timeout ends the attempt,
//! and whoever does not want to wait for it need not.

#![cfg(all(feature = "tls", feature = "websocket"))]

mod handshake_support;
mod support;

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use handshake_support::*;
use support::*;

for_each_handshake!(
    the_connect_timeout_ends_the_attempt,
    loop_stop_does_not_wait_for_the_peer,
    destroy_does_not_wait_for_the_peer,
    the_connect_timeout_ends_a_disconnect,
    a_new_attempt_does_not_wait_for_the_peer,
);

/// A bound on what takes no time, far below the connect timeout of 30 s.
const PROMPT: Duration = Duration::from_secs(5);

/// The milliseconds after which silence is not waited for any longer.
const TIMEOUT: u32 = 150;

/// The milliseconds that no test wants to wait.
const LONG: u32 = 30_000;

/// After so many bytes of the server's part of the handshake it falls silent.
fn places(handshake: Handshake) -> Vec<usize> {
    let server = Server::start(handshake);
    let report = Subject::new(handshake, Way::Loop, server.port()).connect_well(&server);
    let length = report.handshake.len();
    match handshake {
        // Inside ServerHello: the end is sent once the handshake is over for the client.
        _ if handshake.has_tickets() => vec![0, 1, 100],
        // Signatures are some bytes longer or shorter each time.
        _ if handshake.has_tls() => vec![0, 1, length / 2, length - 10],
        _ => vec![0, 1, length / 2, length - 1],
    }
}

fn the_connect_timeout_ends_the_attempt(handshake: Handshake) {
    let server = Server::start(handshake);
    for way in WAYS {
        let mut subject = Subject::new(handshake, way, server.port());
        for place in places(handshake) {
            server.play(Trick::Silent(place));
            subject.client.connect_timeout(TIMEOUT);
            let outcome = subject.attempt();
            let error = io::Error::last_os_error();
            assert_eq!(
                outcome,
                Outcome::Failed(MOSQ_ERR_ERRNO),
                "{way:?}, {place}: {}",
                subject.client.last_error()
            );
            // errno is the loop thread's own.
            if way != Way::Thread {
                assert_eq!(error.raw_os_error(), Some(libc::ETIMEDOUT));
            }
            let error = subject.client.last_error();
            assert!(error.contains("timed out"), "{error}");
            assert_eq!(server.report().mqtt, b"");
            // So much for a slow machine.
            subject.client.connect_timeout(LONG);
            subject.connect_well(&server);
        }
    }
}

/// An attempt that is stuck.
fn stuck(handshake: Handshake, way: Way, place: usize, timeout: u32) -> (Server, Subject) {
    let server = Server::start(handshake);
    let mut subject = Subject::new(handshake, way, server.port());
    subject.client.connect_timeout(timeout);
    server.play(Trick::Silent(place));
    subject.begin().unwrap();
    let end = Instant::now() + DEADLINE;
    while !server.is_silent() {
        assert!(Instant::now() < end, "the server has still to answer");
        subject.client.step(Duration::from_millis(1));
    }
    assert_eq!(subject.client.try_event(), None);
    (server, subject)
}

#[track_caller]
fn promptly(what: impl FnOnce()) {
    let start = Instant::now();
    what();
    let took = start.elapsed();
    assert!(took < PROMPT, "{took:?}");
}

fn loop_stop_does_not_wait_for_the_peer(handshake: Handshake) {
    for place in places(handshake) {
        let (server, mut subject) = stuck(handshake, Way::Thread, place, LONG);
        promptly(|| subject.client.loop_stop(true).unwrap());
        // The attempt is given up with the next one.
        server.play(Trick::Nothing);
        assert_eq!(subject.attempt(), Outcome::Connected);
        assert!(server.report().tricked);
        subject.finish(&server);
    }
}

fn destroy_does_not_wait_for_the_peer(handshake: Handshake) {
    for way in [Way::Loop, Way::Foreign, Way::Thread] {
        for place in places(handshake) {
            let (server, subject) = stuck(handshake, way, place, LONG);
            promptly(|| drop(subject));
            let report = server.report();
            assert!(report.tricked);
            assert_eq!(report.mqtt, b"");
        }
    }
}

/// What was published before is to be sent before DISCONNECT, so that waits as well.
fn the_connect_timeout_ends_a_disconnect(handshake: Handshake) {
    let check = |way| {
        let (server, mut subject) = stuck(handshake, way, 0, 3000);
        subject.client.disconnect().unwrap();
        let ended = Event::DisconnectV5(0, Vec::new());
        promptly(|| subject.client.expect_event(ended));
        assert_eq!(server.report().mqtt, b"");
    };
    thread::scope(|scope| {
        for way in [Way::Loop, Way::Foreign, Way::Thread] {
            scope.spawn(move || check(way));
        }
    });
}

fn a_new_attempt_does_not_wait_for_the_peer(handshake: Handshake) {
    for way in [Way::Loop, Way::Foreign] {
        for place in places(handshake) {
            let (server, mut subject) = stuck(handshake, way, place, LONG);
            promptly(|| {
                server.play(Trick::Nothing);
                assert_eq!(subject.attempt(), Outcome::Connected);
                assert!(server.report().tricked);
                subject.finish(&server);
            });
        }
    }
}
