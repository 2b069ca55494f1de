//! The client under test, and what becomes of its attempts.

use std::ffi::c_int;
use std::time::{Duration, Instant};

use super::super::support::packet::{connect, DISCONNECT};
use super::super::support::*;
use super::layers::{GREETING, VERSION};
use super::settings::Settings;
use super::{Handshake, Report, Server, Trick};

/// How an attempt is made and driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `mosquitto_connect`, then `mosquitto_loop`.
    Blocking,
    /// `mosquitto_connect_async` and `mosquitto_loop`.
    Loop,
    /// `mosquitto_connect_async` and a program's own event loop.
    Foreign,
    /// `mosquitto_connect_async` and `mosquitto_loop_start`.
    Thread,
}

pub const WAYS: [Way; 4] = [Way::Blocking, Way::Loop, Way::Foreign, Way::Thread];

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// on_connect with 0.
    Connected,
    /// The code with which a call, the loop or on_disconnect told of the failure.
    Failed(c_int),
}

pub struct Subject {
    pub client: Client,
    pub way: Way,
    pub port: u16,
}

impl Subject {
    /// A client for a server with this handshake at `port`.
    pub fn new(handshake: Handshake, way: Way, port: u16) -> Subject {
        let subject = Subject::unconfigured(way, port);
        handshake.configure(&subject.client, port);
        subject
    }

    /// A client without any handshake.
    pub fn unconfigured(way: Way, port: u16) -> Subject {
        let mut client = Client::new(VERSION, Some("t"), true);
        client.drive = match way {
            Way::Blocking | Way::Loop => Drive::Loop,
            Way::Foreign => Drive::Foreign,
            Way::Thread => Drive::Thread,
        };
        // Small packets in a row, each awaited: nothing to gain from Nagle's algorithm.
        client.int_option(MOSQ_OPT_TCP_NODELAY, 1).unwrap();
        // One attempt each.
        client.reconnect_delay(1000, 1000);
        Subject { client, way, port }
    }

    /// Begins an attempt; an error is its outcome.
    pub fn begin(&mut self) -> Result<(), Outcome> {
        self.client.last = MOSQ_ERR_SUCCESS;
        let begun = match self.way {
            Way::Blocking => self.client.connect(self.port, 60),
            _ => self.client.connect_async(self.port, 60),
        };
        if begun.is_ok() && self.way == Way::Thread {
            self.client.loop_start().unwrap();
        }
        begun.map_err(Outcome::Failed)
    }

    /// One attempt, to its outcome.
    pub fn attempt(&mut self) -> Outcome {
        let outcome = match self.begin() {
            Ok(()) => self.outcome(),
            Err(outcome) => outcome,
        };
        if let Outcome::Failed(code) = outcome {
            assert!(is_failed_attempt(code), "code {code}");
            assert_ne!(self.client.last_error(), "");
            self.stop_thread();
            let way = self.way;
            assert_eq!(
                self.client.socket(),
                -1,
                "{way:?}, {code}: {}",
                self.client.last_error()
            );
            assert_eq!(self.client.try_event(), None);
        }
        outcome
    }

    /// Drives an attempt that was begun.
    pub fn outcome(&mut self) -> Outcome {
        let end = Instant::now() + DEADLINE;
        loop {
            match self.client.try_event() {
                Some(Event::ConnectV5(0, _, _)) => return Outcome::Connected,
                Some(Event::DisconnectV5(code, _)) => {
                    if self.way != Way::Thread {
                        assert_eq!(self.client.run_until_error(), code);
                    }
                    return Outcome::Failed(code);
                }
                Some(event) => panic!("{event:?}"),
                None if self.client.last != MOSQ_ERR_SUCCESS => {
                    // What the same call brought stands before its code.
                    if let Some(event) = self.client.try_event() {
                        assert_eq!(event, Event::DisconnectV5(self.client.last, vec![]));
                    }
                    return Outcome::Failed(self.client.last);
                }
                None => {}
            }
            assert!(
                Instant::now() < end,
                "the attempt hangs by {:?}, on descriptor {}; last error: {}",
                self.way,
                self.client.socket(),
                self.client.last_error()
            );
            self.client.step(Duration::from_millis(5));
        }
    }

    /// Ends a connection that must be as good as any: the greeting arrives, and DISCONNECT.
    pub fn finish(&mut self, server: &Server) -> Report {
        let (topic, payload) = GREETING;
        let greeting = Event::MessageV5(Message::new(topic, payload), vec![]);
        self.client.expect_event(greeting);
        self.client.disconnect().unwrap();
        self.client.expect_event(Event::DisconnectV5(0, vec![]));
        self.stop_thread();
        assert_eq!(self.client.try_event(), None);
        let report = server.report();
        let expected = [connect(VERSION, "t").bytes(), DISCONNECT.to_vec()].concat();
        assert_eq!(report.mqtt, expected);
        assert_eq!(report.complaint, None);
        report
    }

    /// A connection to a server that plays no trick works.
    pub fn connect_well(&mut self, server: &Server) -> Report {
        server.play(Trick::Nothing);
        let outcome = self.attempt();
        assert_eq!(outcome, Outcome::Connected, "{}", self.client.last_error());
        self.finish(server)
    }

    fn stop_thread(&mut self) {
        if self.way == Way::Thread {
            self.client.loop_stop(true).unwrap();
        }
    }
}

/// The codes that tell a program of a peer or network that failed it, nothing worse.
fn is_failed_attempt(code: c_int) -> bool {
    matches!(
        code,
        MOSQ_ERR_PROTOCOL
            | MOSQ_ERR_MALFORMED_PACKET
            | MOSQ_ERR_NO_CONN
            | MOSQ_ERR_CONN_LOST
            | MOSQ_ERR_TLS
            | MOSQ_ERR_AUTH
            | MOSQ_ERR_ERRNO
            | MOSQ_ERR_PROXY
    )
}
