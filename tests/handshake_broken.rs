//! Handshakes that end early, arrive in pieces, or are altered on the way, at every byte: an
//! error or a connection as good as any, never a hang, a panic, or a client that is of no use
//! afterwards.

#![cfg(all(feature = "tls", feature = "websocket"))]

mod handshake_support;
mod support;

use handshake_support::*;

for_each_handshake!(
    an_answer_that_ends_early_is_an_error,
    an_answer_that_ends_in_a_reset_is_an_error,
    an_answer_in_two_pieces_is_taken,
    an_answer_byte_by_byte_is_taken,
    an_altered_byte_is_an_error_or_does_not_matter,
    a_lost_or_added_byte_is_an_error_or_does_not_matter,
    random_bytes_are_an_error,
    an_endless_answer_is_an_error,
);

/// The client by which byte number `place` is tried: all take turns.
fn turn(place: usize) -> usize {
    place % WAYS.len()
}

/// A server, and a client for each way to drive it.
struct Scene {
    handshake: Handshake,
    server: Server,
    subjects: Vec<Subject>,
}

impl Scene {
    fn new(handshake: Handshake) -> Scene {
        let server = Server::start(handshake);
        let subject = |way| Subject::new(handshake, way, server.port());
        let subjects = WAYS.into_iter().map(subject).collect();
        Scene {
            handshake,
            server,
            subjects,
        }
    }

    /// How long the server's part of the handshake is. Signatures make it a few bytes longer
    /// or shorter each time.
    fn length(&mut self) -> usize {
        self.prepare(0);
        let report = self.subjects[0].connect_well(&self.server);
        let length = report.handshake.len();
        assert!(length > 0);
        if self.handshake == Handshake::Tls13Resumed {
            assert!(length < 500, "there is a certificate in {length} bytes");
        }
        length
    }

    /// Provides a session to resume, for who needs one.
    fn prepare(&mut self, client: usize) {
        if self.handshake == Handshake::Tls13Resumed {
            self.subjects[client].connect_well(&self.server);
        }
    }

    /// The clients that try byte number `place`: all where it costs little.
    fn clients(&self, place: usize) -> Vec<usize> {
        match self.handshake.has_tls() {
            true => vec![turn(place)],
            false => (0..WAYS.len()).collect(),
        }
    }

    /// One attempt; where the handshake was shorter than the trick needs it succeeds.
    fn fails(&mut self, client: usize, trick: Trick) {
        self.prepare(client);
        let subject = &mut self.subjects[client];
        self.server.play(trick.clone());
        match subject.attempt() {
            Outcome::Failed(_) => {
                let report = self.server.report();
                assert!(report.tricked, "{trick:?}: {report:?}");
            }
            Outcome::Connected => {
                let report = subject.finish(&self.server);
                assert!(!report.tricked, "{trick:?} connected");
            }
        }
    }

    fn succeeds(&mut self, client: usize, trick: Trick) {
        self.prepare(client);
        let subject = &mut self.subjects[client];
        self.server.play(trick.clone());
        let outcome = subject.attempt();
        let error = subject.client.last_error();
        assert_eq!(outcome, Outcome::Connected, "{trick:?}: {error}");
        subject.finish(&self.server);
    }

    /// Either will do, as long as a success is one.
    fn fails_or_succeeds(&mut self, client: usize, trick: Trick) {
        self.prepare(client);
        let subject = &mut self.subjects[client];
        self.server.play(trick.clone());
        let report = match subject.attempt() {
            Outcome::Failed(_) => self.server.report(),
            Outcome::Connected => {
                let report = subject.finish(&self.server);
                if let (true, Trick::Edit(place, _)) = (self.handshake.has_tls(), &trick) {
                    let harmless = !report.tricked || is_unused(&report.handshake, *place);
                    assert!(harmless, "{trick:?} connected");
                }
                report
            }
        };
        if self.handshake.has_tickets() {
            return; // which come when the client has sent CONNECT
        }
        if let (true, Trick::Edit(place, _)) = (self.handshake.has_tls(), &trick) {
            let trusted = !report.tricked || is_unused(&report.handshake, *place);
            assert!(trusted || report.mqtt.is_empty(), "{trick:?}: {report:?}");
        }
    }

    /// Every client still works.
    fn all_work(&mut self) {
        for subject in &mut self.subjects {
            subject.connect_well(&self.server);
        }
    }
}

/// Whether nothing depends on byte number `place` of these TLS records: the second one of a
/// record's version (RFC 8446 section 5.1), and in TLS 1.3 the type outside of a protected
/// record, since the one that counts is inside (section 5.2).
fn is_unused(records: &[u8], place: usize) -> bool {
    let mut start = 0;
    let mut protected = false;
    while let Some(header) = records.get(start..start + 5) {
        protected |= header[0] == 0x17;
        if place == start + 2 || (protected && place == start) {
            return true;
        }
        start += 5 + usize::from(u16::from_be_bytes([header[3], header[4]]));
    }
    false
}

fn an_answer_that_ends_early_is_an_error(handshake: Handshake) {
    let mut scene = Scene::new(handshake);
    for place in 0..scene.length() {
        for client in scene.clients(place) {
            scene.fails(client, Trick::Cut(place));
            scene.subjects[client].connect_well(&scene.server);
        }
    }
}

fn an_answer_that_ends_in_a_reset_is_an_error(handshake: Handshake) {
    let mut scene = Scene::new(handshake);
    for place in 0..scene.length() {
        scene.fails(turn(place), Trick::Reset(place));
    }
    scene.all_work();
}

fn an_answer_in_two_pieces_is_taken(handshake: Handshake) {
    let mut scene = Scene::new(handshake);
    for place in 1..scene.length() {
        for client in scene.clients(place) {
            scene.succeeds(client, Trick::Split(place));
        }
    }
}

fn an_answer_byte_by_byte_is_taken(handshake: Handshake) {
    let mut scene = Scene::new(handshake);
    for client in 0..WAYS.len() {
        match handshake {
            // Such a peer is taken for an attacker.
            Handshake::WebSocket => scene.fails_or_succeeds(client, Trick::Bytewise),
            _ => scene.succeeds(client, Trick::Bytewise),
        }
    }
}

fn an_altered_byte_is_an_error_or_does_not_matter(handshake: Handshake) {
    let mut scene = Scene::new(handshake);
    for place in 0..scene.length() {
        for (index, edit) in other_bytes(handshake).into_iter().enumerate() {
            scene.fails_or_succeeds(turn(place + index), Trick::Edit(place, edit));
        }
    }
    scene.all_work();
}

/// What to put in a byte's place.
fn other_bytes(handshake: Handshake) -> Vec<Edit> {
    match handshake {
        // Few bytes, each with a meaning.
        Handshake::Socks5 | Handshake::Socks5Password => (0..=255).map(Edit::Replace).collect(),
        Handshake::HttpConnect | Handshake::WebSocket => {
            let text = b"\0\t\n\r :0\x7f\xff".map(Edit::Replace);
            text.into_iter().chain([1, 0x20].map(Edit::Flip)).collect()
        }
        _ => [1, 0x80, 0xff].map(Edit::Flip).into(),
    }
}

fn a_lost_or_added_byte_is_an_error_or_does_not_matter(handshake: Handshake) {
    let mut scene = Scene::new(handshake);
    // Of a record that lacks a byte the client awaits it, which takes its time.
    let step = if handshake.has_tls() { 7 } else { 1 };
    for place in (0..scene.length()).step_by(step) {
        for (index, edit) in [Edit::Remove, Edit::Insert(0x20)].into_iter().enumerate() {
            scene.fails_or_succeeds(turn(place + index), Trick::Edit(place, edit));
        }
    }
    scene.all_work();
}

fn random_bytes_are_an_error(handshake: Handshake) {
    use proptest::test_runner::{Config, RngSeed, TestRunner};
    let config = Config {
        cases: 200,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(0x4D51_5454),
        ..Config::default()
    };
    let bytes = proptest::collection::vec(proptest::num::u8::ANY, 0..200);
    let answer = (0..WAYS.len(), 0..PREFIXES.len(), bytes);
    let outcome = TestRunner::new(config).run(&answer, |(client, prefix, bytes)| {
        let mut scene = Scene::new(handshake);
        let bytes = [PREFIXES[prefix], &bytes].concat();
        scene.fails(client, Trick::Instead(bytes));
        scene.subjects[client].connect_well(&scene.server);
        Ok(())
    });
    outcome.unwrap();
}

/// How an answer may begin that is not refused at the first byte.
const PREFIXES: &[&[u8]] = &[
    b"",
    b"\x05",
    b"\x05\x00\x05",
    b"HTTP/1.1 ",
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\n",
    b"\x16\x03\x03\x00\x20\x02\x00\x00\x1c\x03\x03",
    b"\x16\x03\x03",
    b"\x15\x03\x03\x00\x02\x01",
    b"\x17\x03\x03",
    b"\x20\x02\x00\x00",
];

fn an_endless_answer_is_an_error(handshake: Handshake) {
    /// Beyond what the two sockets hold.
    const MOST: usize = 32 << 20;
    let mut scene = Scene::new(handshake);
    for (client, (first, again)) in ENDLESS.iter().enumerate() {
        let client = client % WAYS.len();
        scene
            .server
            .play(Trick::Endless(first.to_vec(), again.repeat(256)));
        let outcome = scene.subjects[client].attempt();
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        let report = scene.server.report();
        assert!(report.sent < MOST, "{} bytes were taken", report.sent);
        assert_eq!(report.mqtt, b"");
    }
    scene.all_work();
}

/// How an answer begins, and how it goes on for ever.
const ENDLESS: &[(&[u8], &[u8])] = &[
    (b"", b"x"),
    (b"", b"\0"),
    (b"HTTP/1.1 200 OK\r\nName: ", b"value"),
    (b"HTTP/1.1 200 OK\r\n", b"Name: value\r\n"),
    (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    // Empty records, change_cipher_spec, warnings.
    (b"", b"\x16\x03\x03\x00\x00"),
    (b"", b"\x14\x03\x03\x00\x01\x01"),
    (b"", b"\x15\x03\x03\x00\x02\x01\x5a"),
    // A handshake message of 16 MB.
    (
        b"\x16\x03\x03\x40\x00\x02\xff\xff\xff",
        b"\x16\x03\x03\x40\x00",
    ),
];
