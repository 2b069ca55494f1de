//! The client: the API in Rust, and the pump between session and transport.
//!
//! | file | concern |
//! |---|---|
//! | `mod` | the state behind the one mutex, publish and subscribe |
//! | `attempt` | connecting: blocking, in the background, again |
//! | `lifecycle` | when to connect again |
//! | `driver` | bytes between session and stream; called by whoever runs the loop |
//! | `intake` | received bytes to messages in the program's hands |
//! | `deliver` | events to the program, one at a time, no lock held |
//! | `durable` | what has to be on the disk before it is sent or said |
//! | `throttle` | limits of speed, and received messages that wait for them |
//! | `lock` | taking the one mutex |
//! | `drain` | the limits of the queue, and waiting until it is empty |
//! | `requests` | requests with their responses, and requests to answer |
//! | `event` | what the program hears |
//! | `options`, `settings` | what it can set |
//!
//! Two rights are passed around. Who holds the *stream* (taken out of the state) may
//! read or write it without holding the mutex. Who is the *dispatcher* delivers
//! events; everybody else leaves theirs in the queue for it.

mod attempt;
mod deliver;
mod drain;
mod driver;
#[cfg(feature = "store")]
mod durable;
#[cfg(not(feature = "store"))]
#[path = "durable_not.rs"]
mod durable;
mod event;
mod fork;
mod intake;
mod lifecycle;
mod lock;
mod options;
mod pace;
mod receive;
mod requests;
mod settings;
mod throttle;

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::time::Instant;

pub use crate::session::{
    AckMode, Done, Excess, LogRecord, LogValue, Logging, Outcome, Overflow, Publication,
    QueueOptions, ThrottleOptions, Token,
};
pub use crate::transport::{Proxy, ProxyKind, TlsFiles, TlsPart, TlsSettings};
pub use crate::types::LogLevel;
pub use drain::Drained;
pub use driver::{Share, Wait, Wake};
pub use event::{Event, Handler, Message};
pub use fork::{Frozen, FrozenCommons};
#[cfg(fuzzing)]
pub use lifecycle::read_references;
pub use lifecycle::{Address, LifecycleEvent, Phase, ReconnectRules, ServerOrder};
pub use options::{Options, ReconnectDelay, Route, Server, Target, TransportKind, WillMessage};
pub use pace::PAUSE;
pub use receive::free_idle_buffers;
pub use requests::{response_to, Answer, Missed, Service};

use crate::codec::{Properties, PropertyBuf, SubscriptionOptions};
use crate::error::{CallerError, Error, PeerError, Result};
use crate::session::log_events::{
    CONNECTION_FAILED_ABOVE_TCP, CONNECTION_FAILED_IN_CALL, CONNECTION_LOST,
    CONNECTION_LOST_ABOVE_TCP,
};
use crate::session::{log, LogEvent, Session, State as SessionState, Stats, TransmitBuf};
#[cfg(feature = "tls")]
use crate::transport::TlsConfig;
use crate::transport::{Dial, Stream};
use crate::types::{PacketId, QoS, ReasonCode};
use deliver::thread_token;
use intake::Intake;
use lifecycle::Lifecycle;
use pace::Pace;
use receive::ReceiveBuf;
use requests::Requests;

/// An MQTT client. All methods may be called from any thread and from inside any
/// event handler.
pub struct Client {
    me: Weak<Client>,
    handler: Arc<dyn Handler>,
    state: Mutex<State>,
    /// Signalled when the right to dispatch becomes free or a look-up ended.
    changed: Condvar,
    /// Counts how often everything was dropped, for who delivers events without the mutex.
    epoch: AtomicUsize,
    /// Counts how often the program ended the connection, for who delivers messages that
    /// nobody will miss without the mutex.
    goodbyes: AtomicUsize,
    /// Messages may be for who waits in `State::requests`.
    expects: AtomicBool,
}

struct State {
    options: Options,
    clean_session: bool,
    session: Session,
    target: Option<Target>,
    lifecycle: Lifecycle,
    link: Link,
    /// Counts connections and attempts, so that whoever let go of the mutex sees
    /// that its stream was replaced meanwhile.
    generation: u64,
    /// Counts sockets, also those of one attempt, for whoever polls: descriptor numbers
    /// are used again.
    fd_serial: u64,
    /// The stream and what it has not taken yet; absent while somebody reads or writes.
    io: Option<Box<Io>>,
    /// The time when the network was last looked at.
    clock: Instant,
    received: ReceiveBuf,
    intake: Intake,
    /// Why the last link ended, until a loop function has returned it.
    failure: Option<Box<Error>>,
    /// What went wrong last, for the program to read.
    last_error: Option<Box<Error>>,
    /// When the attempt that is going on has to have come to a connection.
    attempt_deadline: Option<Instant>,
    /// How many attempts were made since the target was set or a connection accepted.
    attempts: usize,
    /// Kept over reconnects, with what it needs to resume TLS sessions.
    #[cfg(feature = "tls")]
    tls: Option<TlsConfig>,
    /// The thread that delivers events.
    dispatcher: Option<usize>,
    /// How many threads wait for `changed`.
    waiting: usize,
    /// Somebody runs the loop for this client and reconnects it.
    hosted: bool,
    /// How many calls of the program are connecting by themselves: the loop makes no
    /// attempt of its own beside them.
    blocking_attempts: u32,
    /// A thread sleeps until the network or `wake` moves it.
    parked: bool,
    wake: Option<Arc<dyn Wake>>,
    /// More may be there to read: the last read filled its buffer.
    readable: bool,
    /// The host saw that the peer ended its side.
    read_closed: bool,
    /// The stream took less than was there.
    write_blocked: bool,
    /// Counts what the host said of the descriptor, so that whoever reads or writes without
    /// the mutex sees that its result is older than what the host saw last.
    reports: u64,
    /// When a publishing thread last wrote or woke the thread that waits for the network.
    stirred: Instant,
    /// Of the writes of a loop thread.
    pace: Pace,
    closed: bool,
    /// Requests end here, as the client does.
    refuses_requests: bool,
    /// Requests without their responses, and who answers others'.
    requests: Option<Box<Requests>>,
    /// What the program wants of the log.
    logging: Logging,
    /// Where the session is kept, if it is to survive the process.
    #[cfg(feature = "store")]
    store: Option<Box<crate::store::Store>>,
}

/// Where the network connection stands.
#[derive(Debug)]
enum Link {
    /// There is none. Next: `Resolving` or `Dialing` when an attempt begins, `Up` when a
    /// blocking attempt succeeds.
    Down,
    /// A name look-up is going on. Next: `Dialing` with addresses, `Down` without.
    Resolving,
    /// Addresses are being tried. Next: `Up` when one answers, `Down` when none does.
    Dialing(Box<Dial>),
    /// Connected, with this descriptor. Next: `Down`.
    Up(RawFd),
}

struct Io {
    stream: Stream,
    pending: TransmitBuf,
    /// What [`Stream::set_low_water`] was last told.
    low_water: i32,
    /// The log has it that it is there.
    is_logged: bool,
}

impl Io {
    /// Whether nothing waits to be written.
    fn is_empty(&self) -> bool {
        self.pending.is_empty() && !self.stream.has_unsent()
    }
}

type Guard<'a> = MutexGuard<'a, State>;

impl Client {
    /// A client that is not connected. `client_id` `None` leaves the choice to the server
    /// (MQTT 3.1: a random one is made up).
    pub fn new(
        client_id: Option<String>,
        clean_session: bool,
        handler: Arc<dyn Handler>,
    ) -> Arc<Client> {
        Arc::new_cyclic(|me| Client {
            me: me.clone(),
            handler,
            state: Mutex::new(State::new(client_id, clean_session)),
            changed: Condvar::new(),
            epoch: AtomicUsize::new(0),
            goodbyes: AtomicUsize::new(0),
            expects: AtomicBool::new(false),
        })
    }

    /// Drops the connection, the session and all settings.
    pub fn reinitialise(&self, client_id: Option<String>, clean_session: bool) -> Result<()> {
        let mut st = self.lock();
        self.epoch.fetch_add(1, Ordering::Relaxed);
        st.abandon_link();
        st.close_store();
        let fresh = State::new(client_id, clean_session);
        let old = std::mem::replace(&mut *st, fresh);
        // Who runs the loop or delivers events goes on doing so.
        st.generation = old.generation + 1;
        st.fd_serial = old.fd_serial + 1;
        st.dispatcher = old.dispatcher;
        st.waiting = old.waiting;
        st.hosted = old.hosted;
        st.blocking_attempts = old.blocking_attempts;
        st.parked = old.parked;
        st.wake = old.wake;
        st.session.set_memory(old.session.memory());
        self.kick(st);
        Ok(())
    }

    /// Publishes a message; `on_id` gets its packet identifier before anything can be sent.
    ///
    /// # Errors
    ///
    /// `NotConnected` for QoS 0 without a connection; QoS 1 and 2 are kept until there is one.
    pub fn publish(
        &self,
        message: &Publication<'_>,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        self.publish_tracked(message, Token::NONE, on_id)
    }

    /// As [`Client::publish`]; with a token [`Handler::done`] is called once for the message.
    pub fn publish_tracked(
        &self,
        message: &Publication<'_>,
        token: Token,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        self.publish_with(self.lock(), message, token, on_id)
    }

    fn publish_with<'a>(
        &'a self,
        mut st: Guard<'a>,
        message: &Publication<'_>,
        token: Token,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        // Asking for the time costs as much as all the rest, and few messages need it.
        let now = match message.properties.is_empty() && !st.session.needs_time() {
            true => st.clock,
            false => Instant::now(),
        };
        let id = st.session.publish_lent(message, token, now, on_id)?;
        if st.session.lends(message) {
            st = self.send_lent(st, message.payload);
        }
        if st.session.is_journaled() && message.qos != QoS::AtMostOnce {
            st = self.store_published(st)?;
        }
        self.kick_output(st);
        Ok(id)
    }

    /// As [`Client::publish`], of a message without properties to a topic that was
    /// checked; for a client in which there is more to it, gives `None` and has done nothing.
    #[inline(always)]
    pub fn publish_plain(
        &self,
        topic: &str,
        payload: &[u8],
        qos: QoS,
        retain: bool,
        on_id: impl FnOnce(PacketId),
    ) -> Option<PacketId> {
        let mut st = self.lock();
        let id = st
            .session
            .publish_plain(topic, payload, qos, retain, on_id)?;
        self.kick_output(st);
        Some(id)
    }

    /// Subscribes to topic filters, each with its options; with a token [`Handler::done`] is
    /// called once for the request.
    pub fn subscribe(
        &self,
        filters: &[(&str, SubscriptionOptions)],
        properties: Properties<'_>,
        token: Token,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        let mut st = self.lock();
        let id = st.session.subscribe(filters, properties, on_id)?;
        st.session.track_request(id, token);
        self.kick_output(st);
        Ok(id)
    }

    /// Ends subscriptions; `token` as for [`Client::subscribe`].
    pub fn unsubscribe(
        &self,
        filters: &[&str],
        properties: Properties<'_>,
        token: Token,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        let mut st = self.lock();
        let id = st.session.unsubscribe(filters, properties, on_id)?;
        st.session.track_request(id, token);
        self.kick_output(st);
        Ok(id)
    }

    /// Sends a step of enhanced authentication.
    pub fn authenticate(
        &self,
        method: &str,
        data: Option<&[u8]>,
        properties: Properties<'_>,
    ) -> Result<()> {
        let mut st = self.lock();
        st.session.authenticate(method, data, properties)?;
        self.kick(st);
        Ok(())
    }

    /// Ends the connection and automatic reconnection. What was accepted and may be sent is
    /// sent before DISCONNECT.
    ///
    /// # Errors
    ///
    /// `NotConnected` when there is no connection; an attempt to get one ends all the same.
    pub fn disconnect(&self, reason: ReasonCode, properties: Option<&PropertyBuf>) -> Result<()> {
        let mut st = self.lock();
        self.goodbyes.fetch_add(1, Ordering::Relaxed);
        let properties = properties.map_or(Properties::EMPTY, PropertyBuf::as_properties);
        match st.session.disconnect(reason, properties, Instant::now()) {
            Ok(()) => {}
            Err(Error::Caller(CallerError::NotConnected)) => {
                // No connection to end; the wish for one ends here.
                st.lifecycle.end();
                if !matches!(st.link, Link::Up(_)) {
                    st.abandon_link();
                    if st.lifecycle.leave() {
                        st.tell(None);
                    }
                }
                self.kick(st);
                return Err(CallerError::NotConnected.into());
            }
            Err(error) => return Err(error),
        }
        st.lifecycle.end();
        let st = self.kick_keep(st);
        // With no loop to do it, the program hears of the end now.
        if !st.hosted && !st.parked {
            drop(self.dispatch(st));
        }
        Ok(())
    }

    /// What went wrong last: the error of a call that returned one, of an attempt to
    /// connect, or of a connection that ended.
    pub fn last_error(&self) -> Option<Error> {
        self.lock().last_error.as_deref().cloned()
    }

    /// What was counted since the client was made.
    pub fn stats(&self) -> Stats {
        self.lock().session.stats()
    }

    /// Keeps an error for [`Client::last_error`].
    pub fn note_error(&self, error: &Error) {
        self.lock().last_error = Some(Box::new(error.clone()));
    }

    /// The descriptor that becomes readable when the network has something for us;
    /// `None` without a connection. It stays the same for the life of a connection; while
    /// several addresses of a server are tried it stands for all of them.
    pub fn fd(&self) -> Option<RawFd> {
        self.lock().fd()
    }

    /// Whether [`Client::handle_writable`] has something to do: bytes to send, a
    /// connection to complete, or events to deliver.
    pub fn wants_write(&self) -> bool {
        let st = self.lock();
        match st.link {
            Link::Dialing(_) => true,
            Link::Up(_) => match &st.io {
                // Until a handshake is through, what waits to be sent waits for the peer.
                Some(io) if io.stream.is_handshaking() => io.stream.wants_write(),
                _ => st.has_output() || st.session.has_events(),
            },
            Link::Down | Link::Resolving => false,
        }
    }

    /// Ends everything; no event is delivered any more.
    pub fn close(&self) {
        let mut st = self.say_goodbye(self.lock());
        self.epoch.fetch_add(1, Ordering::Relaxed);
        st.closed = true;
        st.lifecycle.give_up();
        st.abandon_link();
        st.close_store();
        self.notify(&mut st);
        self.kick(st);
    }
}

impl State {
    fn new(client_id: Option<String>, clean_session: bool) -> Self {
        State {
            options: Options::default(),
            clean_session,
            session: Session::new(client_id, Instant::now()),
            target: None,
            lifecycle: Lifecycle::default(),
            link: Link::Down,
            generation: 0,
            fd_serial: 0,
            io: None,
            clock: Instant::now(),
            received: ReceiveBuf::default(),
            intake: Intake::default(),
            failure: None,
            last_error: None,
            attempt_deadline: None,
            attempts: 0,
            #[cfg(feature = "tls")]
            tls: None,
            dispatcher: None,
            waiting: 0,
            hosted: false,
            blocking_attempts: 0,
            parked: false,
            wake: None,
            readable: false,
            read_closed: false,
            write_blocked: false,
            reports: 0,
            stirred: Instant::now(),
            pace: Pace::new(Instant::now()),
            closed: false,
            refuses_requests: false,
            requests: None,
            logging: Logging::Off,
            #[cfg(feature = "store")]
            store: None,
        }
    }

    fn fd(&self) -> Option<RawFd> {
        match &self.link {
            Link::Up(fd) => Some(*fd),
            Link::Dialing(dial) => dial.fd(),
            Link::Down | Link::Resolving => None,
        }
    }

    /// Whether another thread delivers events.
    fn is_dispatched_elsewhere(&self) -> bool {
        self.dispatcher
            .is_some_and(|thread| thread != thread_token())
    }

    /// Whether the loop may make an attempt to connect: it is announced to the program, and a loop
    /// never waits for a callback that another thread is in. The callback may be waiting for the loop.
    fn may_attempt(&self) -> bool {
        self.hosted && self.blocking_attempts == 0 && !self.is_dispatched_elsewhere()
    }

    /// Whether there is no connection, no attempt, and nothing left to tell.
    fn is_idle(&self) -> bool {
        matches!(self.link, Link::Down)
            && self.lifecycle.next_attempt.is_none()
            && self.failure.is_none()
            && !(self.session.has_events() && self.dispatcher.is_none())
    }

    /// Whether bytes wait to be written.
    fn has_output(&self) -> bool {
        self.session.has_transmit()
            || self.io.as_ref().is_some_and(|io| !io.is_empty())
            || self.write_blocked
    }

    /// Whether a thread has taken the connection's stream, to read or write.
    fn is_in_use(&self) -> bool {
        matches!(self.link, Link::Up(_)) && self.io.is_none()
    }

    /// Whether everything up to and including DISCONNECT was sent.
    fn is_flushed_and_closing(&self) -> bool {
        self.session.state() == SessionState::Closing
            && !self.session.has_transmit()
            && self.io.as_ref().is_some_and(|io| io.is_empty())
    }

    /// Lets go of any connection or attempt without telling the program.
    fn abandon_link(&mut self) {
        self.drop_link();
        self.session.abandon();
    }

    /// The connection or attempt ended: `error` says why, `None` if we wanted it to.
    fn end_link(&mut self, error: Option<Error>) {
        // Once DISCONNECT was asked for, it does not matter how the connection ends.
        let asked = !self.lifecycle.wanted && self.session.state() == SessionState::Closing;
        let error = error.filter(|_| !asked);
        match &error {
            Some(error) => {
                self.note_failure(Some(error));
                self.log_error(&CONNECTION_LOST_ABOVE_TCP, &CONNECTION_LOST, error);
            }
            None => log!(self.session, CONNECTION_CLOSED),
        }
        self.drop_link();
        if let Some(Error::Peer(PeerError::Disconnected(_))) = error {
            let reference = self.session.server_reference().map(str::to_owned);
            self.refer(reference.as_deref());
        }
        self.session.handle_closed(error.clone());
        match error {
            Some(error) => {
                self.plan_reconnect(&error);
                self.failure = Some(Box::new(error));
            }
            None => {
                self.lifecycle.closed();
                self.tell(None);
            }
        }
    }

    /// Logs that a call to connect failed.
    fn log_failed_call(&mut self, error: &Error) {
        self.log_error(
            &CONNECTION_FAILED_ABOVE_TCP,
            &CONNECTION_FAILED_IN_CALL,
            error,
        );
    }

    /// Logs an error, as `above_tcp` if it came to pass between the socket and MQTT, where
    /// error codes say little.
    fn log_error(
        &mut self,
        above_tcp: &'static LogEvent,
        otherwise: &'static LogEvent,
        error: &Error,
    ) {
        let is_above_tcp = matches!(
            error,
            Error::Tls(_)
                | Error::TlsCut
                | Error::TlsRefused(_)
                | Error::WebSocket(_)
                | Error::Proxy(_)
                | Error::Caller(CallerError::TlsSetting(_))
        );
        if self.session.is_logging() {
            let event = if is_above_tcp { above_tcp } else { otherwise };
            self.session.log(event, &[error.into()]);
        }
    }

    fn note_failure(&mut self, error: Option<&Error>) {
        if let Some(error) = error {
            self.last_error = Some(Box::new(error.clone()));
        }
    }

    fn plan_reconnect(&mut self, error: &Error) {
        // A name that was resolved before may be again: the network is down. And where there
        // was a connection, the server or what stands before it is being restarted.
        let is_final = match error {
            Error::Resolver(_) | Error::TlsCut => !self.lifecycle.was_connected,
            _ => error.is_final(),
        };
        let delay = &self.options.reconnect_delay;
        self.lifecycle
            .failed(is_final, self.hosted, delay, Instant::now());
        self.tell(Some(error));
    }

    /// Has the program told where the connection stands, if it wants to know.
    fn tell(&mut self, error: Option<&Error>) {
        let now = Instant::now();
        if self.lifecycle.tell(error, now) {
            self.session.mark();
        }
        let (phase, attempts, delay) = self.lifecycle.step(now);
        match phase {
            Phase::Waiting => {
                let delay = delay.as_millis() as u64;
                log!(self.session, RECONNECT_PLANNED, delay, attempts);
            }
            Phase::GivenUp => log!(self.session, RECONNECT_GIVEN_UP, attempts),
            Phase::Idle | Phase::Connecting | Phase::Up => {}
        }
    }

    /// The server named others.
    fn refer(&mut self, reference: Option<&str>) {
        if let Some(reference) = reference {
            let port = match self.options.route().tls.enabled {
                true => 8883,
                false => 1883,
            };
            self.lifecycle.refer(reference, port);
        }
    }

    fn drop_link(&mut self) {
        self.generation += 1;
        self.fd_serial += 1;
        self.link = Link::Down;
        self.attempt_deadline = None;
        self.received = ReceiveBuf::default();
        self.readable = false;
        self.read_closed = false;
        self.write_blocked = false;
        if let Some(io) = self.io.take() {
            io.stream.close();
        }
    }
}

impl From<CallerError> for Error {
    fn from(error: CallerError) -> Self {
        Error::Caller(error)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// `mosq-` and 18 random letters and digits: the client identifier where MQTT 3.1
/// demands one and the program gave none.
fn random_client_id() -> String {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut id = String::from("mosq-");
    // The standard library's keyed hasher is seeded by the system; identifiers have
    // to differ, not to be secret.
    let mut bits = 0u64;
    for index in 0..18 {
        if index % 9 == 0 {
            bits = random_seed();
        }
        id.push(char::from(ALPHABET[(bits % 62) as usize]));
        bits /= 62;
    }
    id
}

/// A number that differs each time.
fn random_seed() -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_usize(0);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_client_ids_fit_mqtt_31_and_differ() {
        let (one, other) = (random_client_id(), random_client_id());
        assert_eq!(one.len(), 23);
        assert!(one.starts_with("mosq-"));
        assert_ne!(one, other);
    }

    /// What most clients do not use belongs in a box of its own: see also
    /// `tests/idle_memory.rs`.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn what_every_client_has_is_small() {
        let sizes = [
            ("client", size_of::<Client>(), 1560),
            ("session", size_of::<Session>(), 992),
            ("options", size_of::<Options>(), 120),
            ("target", size_of::<Target>(), 64),
            ("stream and what it has not taken", size_of::<Io>(), 120),
        ];
        for (name, size, most) in sizes {
            assert!(size <= most, "{name}: {size} bytes, {most} at most");
        }
    }
}
