//! Connecting: blocking, in the background, and again.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::{random_client_id, Client, Event, Io, Link, Server, Target};
use crate::codec::Will;
use crate::error::{CallerError, Error, Result};
use crate::session::{log, ConnectRequest, State as SessionState, TransmitBuf};
use crate::transport::{self, resolve_in_background, Dial, Endpoint, Layers, Stream};
use crate::transport::{handshake_timed_out, look_up_timed_out};
use crate::types::ProtocolVersion;

use super::options::{Route, TransportKind};
use super::receive::ReceiveBuf;

/// How long `connect_async` lets a look-up take before it goes on without, so that a
/// name in the hosts file yields a descriptor at once for a foreign event loop.
const QUICK_LOOK_UP: Duration = Duration::from_millis(20);

/// An attempt that is about to be made.
struct Attempt {
    generation: u64,
    endpoint: Endpoint,
    deadline: Instant,
}

/// What an attempt does while another thread is in a callback, if the program wants to hear of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// It waits.
    Waits,
    /// It is put off: a loop makes it when the callback has returned.
    Later,
}

impl Client {
    /// Connects and sends CONNECT; blocks for name resolution and the network. CONNACK
    /// arrives in the loop.
    pub fn connect(&self, target: Target) -> Result<()> {
        let mut st = self.lock();
        st.set_target(target);
        st.blocking_attempts += 1;
        drop(st);
        self.attempt_blocking()
    }

    /// As [`Client::connect`], without blocking: the outcome shows in the loop.
    pub fn connect_async(&self, target: Target) -> Result<()> {
        self.lock().set_target(target);
        self.attempt_async()
    }

    /// As [`Client::connect_async`], to [`Server::List`].
    pub fn connect_async_to_list(&self, target: Target) -> Result<()> {
        if !self.lock().lifecycle.has_servers() {
            return Err(Error::invalid("the list of servers is empty"));
        }
        self.connect_async(target)
    }

    /// Connects again to the same target.
    pub fn reconnect(&self) -> Result<()> {
        let mut st = self.lock();
        st.keep_target()?;
        st.blocking_attempts += 1;
        drop(st);
        self.attempt_blocking()
    }

    /// As [`Client::reconnect`], without blocking.
    pub fn reconnect_async(&self) -> Result<()> {
        self.lock().keep_target()?;
        self.attempt_async()
    }

    /// The network has changed: a wait for the next attempt ends, and an attempt that is going
    /// on begins anew. A connection that stands is left alone; with `patience`, the server has
    /// so long to show that it is still there.
    ///
    /// # Errors
    ///
    /// `NotConnected` where there is neither connection nor attempt, nor a wait for one.
    pub fn reconnect_now(&self, patience: Option<Duration>) -> Result<()> {
        let mut st = self.lock();
        let now = Instant::now();
        match (st.session.state(), patience) {
            (SessionState::Connected, Some(patience)) => {
                st.session.probe(patience, now)?;
                self.kick(st);
                return Ok(());
            }
            (SessionState::Connected | SessionState::Closing, _) => return Ok(()),
            (SessionState::Connecting | SessionState::Offline, _) => {}
        }
        if !st.lifecycle.wanted || (!st.hosted && matches!(st.link, Link::Down)) {
            return Err(CallerError::NotConnected.into());
        }
        if st.hosted && st.blocking_attempts == 0 {
            st.abandon_link();
            st.lifecycle.hurry(now);
            st.tell(None);
            self.wake(&mut st);
        }
        Ok(())
    }

    /// The caller has counted this attempt in `blocking_attempts`.
    fn attempt_blocking(&self) -> Result<()> {
        let announced = self.announce_attempt(Patience::Waits);
        // Without the mutex: nobody else waits for the network.
        let outcome = announced.map(|attempt| {
            let stream = Dial::connect(attempt.endpoint, attempt.deadline);
            (attempt.generation, stream)
        });
        let mut st = self.lock();
        st.blocking_attempts -= 1;
        let (generation, stream) = match outcome {
            Ok(outcome) => outcome,
            Err(error) => {
                st.log_failed_call(&error);
                self.wake(&mut st);
                self.dispatch_logs(st);
                return Err(error);
            }
        };
        if st.generation != generation || st.closed {
            // A loop has let the attempt wait that overtook this one.
            self.wake(&mut st);
            return Err(Error::invalid("the attempt was overtaken by another call"));
        }
        let connected = stream.and_then(|stream| st.link_up(stream));
        if let Err(error) = connected {
            // The program gets the error itself, but not its words.
            st.note_failure(Some(&error));
            st.log_failed_call(&error);
            st.plan_reconnect(&error);
            self.kick(st);
            return Err(error);
        }
        st = self.flush(st);
        self.wake(&mut st);
        self.dispatch_logs(st);
        Ok(())
    }

    fn attempt_async(&self) -> Result<()> {
        let mut st = self.lock();
        if st.hosted {
            // The loop thread makes the attempt, with its callbacks.
            st.abandon_link();
            st.lifecycle.next_attempt = Some(Instant::now());
            self.wake(&mut st);
            return Ok(());
        }
        drop(st);
        self.begin_attempt(Patience::Waits)?;
        let mut st = self.lock();
        if matches!(st.link, Link::Resolving) {
            // Signalled by the resolver; whatever the outcome, the loop goes on from it.
            st.waiting += 1;
            let still = |st: &mut super::State| matches!(st.link, Link::Resolving);
            (st, _) = self
                .changed
                .wait_timeout_while(st, QUICK_LOOK_UP, still)
                .unwrap_or_else(PoisonError::into_inner);
            st.waiting -= 1;
        }
        self.dispatch_logs(st);
        Ok(())
    }

    /// Begins an attempt that the loop completes.
    pub(super) fn begin_attempt(&self, patience: Patience) -> Result<()> {
        let Attempt {
            generation,
            endpoint,
            deadline,
        } = self.announce_attempt(patience)?;
        if !endpoint.needs_look_up() {
            let dial = Dial::new(endpoint, deadline);
            return self.dial_resolved(generation, dial);
        }
        {
            let mut st = self.lock();
            if st.generation != generation {
                return Ok(());
            }
            st.link = Link::Resolving;
        }
        let me = self.me.clone();
        resolve_in_background(Box::new(move || {
            let dial = Dial::new(endpoint, deadline);
            if let Some(client) = me.upgrade() {
                // An error is kept for the loop.
                let _ = client.dial_resolved(generation, dial);
            }
        }))
    }

    fn dial_resolved(&self, generation: u64, dial: Result<Dial>) -> Result<()> {
        let mut st = self.lock();
        if st.generation != generation || st.closed {
            return Ok(());
        }
        match dial {
            Ok(dial) => {
                st.link = Link::Dialing(Box::new(dial));
                st.advance_dial();
            }
            Err(error) => st.attempt_failed(error),
        }
        // Where the connection stands at once, CONNECT need not wait for the loop. A handshake
        // does: it may fail, and a foreign event loop hears of that by the descriptor.
        if st.io.as_ref().is_some_and(|io| !io.stream.is_handshaking()) {
            st = self.flush(st);
        }
        self.notify(&mut st);
        self.wake(&mut st);
        Ok(())
    }

    /// Lets go of any older connection, tells the program that an attempt is about to
    /// be made, and reads its settings after that.
    fn announce_attempt(&self, patience: Patience) -> Result<Attempt> {
        let mut st = self.lock();
        if st.closed {
            return Err(Error::invalid("client is closed"));
        }
        let is_heard = self.handler.hears_pre_connect();
        if is_heard && patience == Patience::Later && st.is_dispatched_elsewhere() {
            st.lifecycle.next_attempt = Some(Instant::now());
            return Err(Error::invalid("the attempt has to wait for a callback"));
        }
        st.abandon_link();
        st.failure = None;
        st.lifecycle.next_attempt = None;
        let generation = st.generation;
        if is_heard {
            st = self.deliver_now(st, Event::PreConnect);
        }
        if st.generation == generation {
            // A loop that took the client over in the callback need not make another one.
            st.lifecycle.next_attempt = None;
        }
        let chosen = st.lifecycle.server().cloned();
        let target = match (&st.target, st.generation == generation) {
            (Some(target), true) => target,
            _ => return Err(Error::invalid("the attempt was overtaken by another call")),
        };
        let route = Arc::clone(st.options.route());
        let address = match (chosen, &target.server) {
            (Some(address), _) => address,
            (None, Server::Host(host, port)) => (host.clone(), *port),
            (None, Server::Domain(domain)) => (domain.clone(), 0),
            (None, Server::List) => return Err(Error::invalid("the list of servers is empty")),
        };
        let is_own = st.lifecycle.server().is_none();
        let server = match &target.server {
            Server::Domain(domain) if is_own => transport::Server::Domain {
                domain: domain.clone(),
                secure: route.tls.enabled,
                skip: st.attempts,
            },
            _ => transport::Server::Host {
                host: address.0.clone(),
                port: address.1,
            },
        };
        let deadline = Instant::now() + route.connect_timeout;
        st.attempt_deadline = Some(deadline);
        st.attempts = st.attempts.saturating_add(1);
        st.session.count_attempt();
        let nodelay = st.options.tcp_nodelay;
        drop(st); // files may have to be read, and a password asked for
        let layers = self.layers(&route)?;
        let mut st = self.lock();
        if st.generation == generation {
            log!(st.session, CONNECTION_BEGUN, &address.0, address.1);
            st.lifecycle.begin(|| address);
            st.tell(None);
        }
        drop(st);
        let endpoint = Endpoint {
            server,
            layers,
            proxy: route.proxy.clone(),
            bind_address: route.bind_address.clone(),
            nodelay,
        };
        Ok(Attempt {
            generation,
            endpoint,
            deadline,
        })
    }

    /// What the options put between the socket and MQTT.
    fn layers(&self, route: &Route) -> Result<Layers> {
        #[cfg(not(all(feature = "tls", feature = "websocket")))]
        let unsupported = |what| Err(Error::Caller(CallerError::NotSupported(what)));
        #[cfg_attr(not(any(feature = "tls", feature = "websocket")), allow(unused_mut))]
        let mut layers = Layers::default();
        if route.tls.enabled {
            #[cfg(feature = "tls")]
            {
                let from_file = route.tls.key_file.is_some();
                let password = || self.handler.key_password(from_file);
                let config = crate::transport::client_config(&route.tls, &password)?;
                self.lock().tls = Some(config.clone());
                layers.tls = Some(config);
            }
            #[cfg(not(feature = "tls"))]
            return unsupported("TLS, in this build");
        }
        if route.transport == TransportKind::WebSocket {
            #[cfg(feature = "websocket")]
            {
                let path = route.http_path.as_deref().unwrap_or("/mqtt");
                layers.websocket = Some(crate::transport::WebSocketOptions {
                    path: path.to_owned(),
                    headers: route.http_headers.clone(),
                });
            }
            #[cfg(not(feature = "websocket"))]
            return unsupported("WebSocket, in this build");
        }
        Ok(layers)
    }
}

impl super::State {
    fn set_target(&mut self, target: Target) {
        let listed = target.server == Server::List;
        self.target = Some(target);
        self.attempts = 0;
        self.lifecycle.wish_anew(listed);
    }

    fn keep_target(&mut self) -> Result<()> {
        if self.target.is_none() {
            return Err(Error::invalid("never connected before"));
        }
        let was_connected = self.lifecycle.was_connected;
        self.lifecycle.wish();
        self.lifecycle.was_connected = was_connected;
        Ok(())
    }

    /// Goes on with the addresses that are being tried.
    pub(super) fn advance_dial(&mut self) {
        let Link::Dialing(dial) = &mut self.link else {
            return;
        };
        let before = dial.descriptors();
        let outcome = dial.advance(Instant::now());
        self.fd_serial += dial.descriptors() - before;
        match outcome {
            Ok(None) => {}
            Ok(Some(stream)) => {
                if let Err(error) = self.link_up(stream) {
                    self.attempt_failed(error);
                }
            }
            Err(error) => self.attempt_failed(error),
        }
    }

    /// The network connection is there: CONNECT is the first thing on it.
    pub(super) fn link_up(&mut self, stream: Stream) -> Result<()> {
        let Some(target) = &self.target else {
            return Err(Error::invalid("no target"));
        };
        let options = &self.options;
        if options.protocol_version == ProtocolVersion::V31 && self.session.client_id().is_none() {
            self.session.set_client_id(Some(random_client_id()));
        }
        let will = options.will.as_ref().map(|will| Will {
            topic: &will.topic,
            payload: &will.payload,
            qos: will.qos,
            retain: will.retain,
            properties: will.properties.as_properties(),
        });
        self.session.connect(
            &ConnectRequest {
                version: options.protocol_version,
                clean_start: self.clean_session,
                keep_alive: target.keep_alive,
                properties: &target.properties,
                will,
                username: options.username.as_deref(),
                password: options.password.as_deref(),
                receive_maximum: options.receive_maximum,
            },
            Instant::now(),
        )?;
        self.received = ReceiveBuf::default();
        self.link = Link::Up(stream.fd());
        let mut io = Box::new(Io {
            stream,
            pending: TransmitBuf::default(),
            low_water: 1,
            is_logged: false,
        });
        if !io.stream.is_handshaking() {
            self.handshakes_done(&mut io);
        }
        self.io = Some(io);
        Ok(())
    }

    /// What stands before MQTT is through: from now on the keep alive judges. Without one nobody
    /// would, so CONNACK has to come within the time for the attempt then.
    pub(super) fn handshakes_done(&mut self, io: &mut Io) {
        // A handshake that failed is over as well, and the error is about to be handled.
        if io.stream.is_gone() {
            return;
        }
        if !std::mem::replace(&mut io.is_logged, true) {
            let stream = &io.stream;
            let (tls, cipher) = stream.tls().unzip();
            log!(self.session, CONNECTION_MADE, &stream.peer(), tls, cipher);
        }
        let judged = self.target.as_ref().is_some_and(|t| t.keep_alive > 0);
        if judged || self.session.state() != SessionState::Connecting {
            self.attempt_deadline = None;
        }
    }

    /// An attempt failed before there was a connection: the loop says so, but no
    /// connection was lost.
    pub(super) fn attempt_failed(&mut self, error: Error) {
        self.drop_link();
        self.note_failure(Some(&error));
        log!(self.session, CONNECTION_FAILED, &error);
        self.plan_reconnect(&error);
        self.failure = Some(Box::new(error));
    }

    /// The time for the attempt is over.
    pub(super) fn attempt_timed_out(&mut self) {
        match self.link {
            // A blocking call, or the addresses' race, sees to it by itself.
            Link::Down | Link::Dialing(_) => {}
            Link::Resolving => self.attempt_failed(look_up_timed_out()),
            Link::Up(_) => self.end_link(Some(handshake_timed_out())),
        }
    }
}
