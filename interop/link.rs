//! A client of the library, connected to a broker through a tap.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::tap::{Notes, Packet, Tap};
use crate::support::prop::{Prop, SESSION_EXPIRY_INTERVAL};
use crate::support::{Client, Event, Message, Version};

/// Longest time that a scenario waits for one thing.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long a client may wait inside one step.
const STEP: Duration = Duration::from_millis(5);

/// A broker, as the scenarios see it.
pub struct Server {
    /// Where it listens for a version.
    pub port: fn(&Server, Version) -> u16,
    pub ports: Vec<u16>,
    /// Where it sets narrower limits, if it can.
    pub limited: Option<u16>,
    /// A user name and its password, where it checks them.
    pub credentials: Option<(&'static str, &'static str)>,
    /// Whether it lets nobody in without them.
    pub always: bool,
}

/// One scenario's view of a broker: names of its own, and the wires it used.
pub struct Context<'a> {
    pub server: &'a Server,
    notes: RefCell<Vec<Arc<Notes>>>,
}

static NAMES: AtomicU32 = AtomicU32::new(0);

impl<'a> Context<'a> {
    pub fn new(server: &'a Server) -> Context<'a> {
        Context {
            server,
            notes: RefCell::default(),
        }
    }

    /// A name that no other scenario has: short enough for a client
    /// identifier of MQTT 3.1, and good as a topic level.
    pub fn name(&self, stem: &str) -> String {
        format!(
            "{stem}{}x{}",
            std::process::id(),
            NAMES.fetch_add(1, Ordering::SeqCst)
        )
    }

    /// All packets, connection after connection.
    pub fn packets(&self) -> Vec<Vec<Packet>> {
        self.notes.borrow().iter().map(|n| n.packets()).collect()
    }

    pub fn dial(&self, version: Version) -> Dial<'_> {
        let id = self.name("c");
        Dial {
            context: self,
            version,
            port: (self.server.port)(self.server, version),
            id: Some(id),
            clean: true,
            keep_alive: 60,
            props: Vec::new(),
            login: self.server.credentials.filter(|_| self.server.always),
            setup: Vec::new(),
        }
    }

    /// A connected client with a clean session.
    pub fn open(&self, version: Version) -> Link {
        self.dial(version).open()
    }
}

type SetUp<'a> = Box<dyn FnOnce(&Client) + 'a>;

/// What a connection shall be like.
pub struct Dial<'a> {
    context: &'a Context<'a>,
    version: Version,
    port: u16,
    id: Option<String>,
    clean: bool,
    keep_alive: u16,
    props: Vec<Prop>,
    login: Option<(&'a str, &'a str)>,
    setup: Vec<SetUp<'a>>,
}

/// The answer to CONNECT.
#[derive(Debug)]
pub struct Connack {
    pub code: i32,
    pub session_present: bool,
    pub props: Vec<Prop>,
}

impl<'a> Dial<'a> {
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.into());
        self
    }

    pub fn no_id(mut self) -> Self {
        self.id = None;
        self
    }

    /// A session that outlives the connection.
    pub fn persistent(mut self) -> Self {
        self.clean = false;
        if self.version.is_v5() {
            self.props.push(Prop::U32(SESSION_EXPIRY_INTERVAL, 300));
        }
        self
    }

    /// Clean session (clean start) false, and no more.
    pub fn not_clean(mut self) -> Self {
        self.clean = false;
        self
    }

    /// To the port with narrower limits, where there is one.
    pub fn limited(mut self) -> Self {
        self.port = self.context.server.limited.unwrap_or(self.port);
        self
    }

    pub fn keep_alive(mut self, seconds: u16) -> Self {
        self.keep_alive = seconds;
        self
    }

    pub fn prop(mut self, prop: Prop) -> Self {
        self.props.push(prop);
        self
    }

    pub fn login(mut self, name: &'a str, password: &'a str) -> Self {
        self.login = Some((name, password));
        self
    }

    /// Something to do before connecting.
    pub fn setup(mut self, setup: impl FnOnce(&Client) + 'a) -> Self {
        self.setup.push(Box::new(setup));
        self
    }

    /// Connects and must be accepted.
    pub fn open(self) -> Link {
        let link = self.dial();
        assert!(
            link.connack.code == 0,
            "refused with CONNACK code {:#04x}",
            link.connack.code
        );
        link
    }

    /// Connects; the broker's answer is in [`Link::connack`].
    pub fn dial(self) -> Link {
        let tap = Tap::new(self.port);
        self.context.notes.borrow_mut().push(tap.notes());
        let client = Client::new(self.version, self.id.as_deref(), self.clean);
        if let Some((name, password)) = self.login {
            client
                .username_password(Some(name), Some(password))
                .unwrap();
        }
        for setup in self.setup {
            setup(&client);
        }
        let rc = if self.version.is_v5() {
            client.connect_props(tap.port(), self.keep_alive, &self.props)
        } else {
            client.connect(tap.port(), self.keep_alive)
        };
        assert_eq!(rc, Ok(()), "mosquitto_connect");
        let mut link = Link {
            client,
            tap,
            inbox: Vec::new(),
            version: self.version,
            connack: Connack {
                code: -1,
                session_present: false,
                props: Vec::new(),
            },
        };
        link.connack = link.next_connack();
        link
    }
}

/// A client and its wire.
pub struct Link {
    pub client: Client,
    pub tap: Tap,
    inbox: Vec<Event>,
    version: Version,
    pub connack: Connack,
}

impl Link {
    /// Works until `done` says so; `what` is told when it does not.
    pub fn work_until(&mut self, what: &str, mut done: impl FnMut(&mut Link) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.step();
            if done(self) {
                return;
            }
            assert!(Instant::now() < end, "waited in vain for {what}");
        }
    }

    /// Lets the library work for a moment.
    pub fn step(&mut self) {
        self.client.step(STEP);
        self.take_events();
    }

    fn take_events(&mut self) {
        while let Some(event) = self.client.try_event() {
            self.inbox.push(event);
        }
    }

    /// The first event that `pick` wants; others stay for later. The end of
    /// the connection, where it is not wanted, fails.
    pub fn wait<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            self.take_events();
            let found = self
                .inbox
                .iter()
                .enumerate()
                .find_map(|(at, event)| pick(event).map(|picked| (at, picked)));
            if let Some((at, picked)) = found {
                self.inbox.remove(at);
                return picked;
            }
            for event in &self.inbox {
                if let Event::DisconnectV5(rc, props) = event {
                    panic!("the connection ended (code {rc:#04x} {props:?}) before {what}");
                }
            }
            assert!(Instant::now() < end, "waited in vain for {what}");
            self.client.step(STEP);
        }
    }

    pub fn next_connack(&mut self) -> Connack {
        self.wait("CONNACK", |event| match event {
            Event::ConnectV5(code, flags, props) => Some(Connack {
                code: *code,
                session_present: flags & 1 != 0,
                props: props.clone(),
            }),
            _ => None,
        })
    }

    /// Waits for the end of the connection; the code and properties.
    pub fn ended(&mut self) -> (i32, Vec<Prop>) {
        self.wait("the end of the connection", |event| match event {
            Event::DisconnectV5(code, props) => Some((*code, props.clone())),
            _ => None,
        })
    }

    /// Connects again after the connection ended.
    pub fn reconnect(&mut self) {
        self.client.last = 0;
        assert_eq!(self.client.reconnect(), Ok(()), "mosquitto_reconnect");
        self.connack = self.next_connack();
        assert_eq!(
            self.connack.code, 0,
            "CONNACK code of the second connection"
        );
    }

    /// Says good-bye, and sees the connection end well.
    /// The broker has closed its end too when this returns.
    pub fn close(self) {
        self.close_with(&[]);
    }

    /// The same, with properties in DISCONNECT.
    pub fn close_with(mut self, props: &[Prop]) {
        let rc = if props.is_empty() {
            self.client.disconnect()
        } else {
            self.client.disconnect_v5(0, props)
        };
        assert_eq!(rc, Ok(()), "mosquitto_disconnect");
        let (code, _) = self.ended();
        assert_eq!(code, 0, "code of on_disconnect");
        drop(self.client);
        self.tap.wait_until_closed();
    }

    /// CONNACK must say that the session was there, where the version lets it.
    pub fn expect_session_present(&self) {
        let told = self.version != Version::V31;
        assert!(!told || self.connack.session_present, "no session present");
    }

    /// Subscribes and must be granted `qos`.
    pub fn subscribe(&mut self, filter: &str, qos: i32) {
        let granted = self.try_subscribe(filter, qos, 0, &[]);
        assert_eq!(granted, [qos], "SUBACK codes for QoS {qos}");
    }

    /// Subscribes with MQTT 5's options and must be granted `qos`.
    pub fn subscribe_with(&mut self, filter: &str, qos: i32, options: i32, props: &[Prop]) {
        let granted = self.try_subscribe(filter, qos, options, props);
        assert_eq!(granted, [qos], "SUBACK codes for QoS {qos}");
    }

    /// Subscribes; the SUBACK's codes.
    pub fn try_subscribe(
        &mut self,
        filter: &str,
        qos: i32,
        options: i32,
        props: &[Prop],
    ) -> Vec<i32> {
        let mid = if options == 0 && props.is_empty() {
            self.client.subscribe(filter, qos)
        } else {
            self.client.subscribe_v5(filter, qos, options, props)
        };
        let mid = i32::from(mid.expect("mosquitto_subscribe"));
        self.wait("SUBACK", |event| match event {
            Event::SubscribeV5(id, codes, _) if *id == mid => Some(codes.clone()),
            _ => None,
        })
    }

    pub fn unsubscribe(&mut self, filter: &str) {
        let mid = i32::from(
            self.client
                .unsubscribe(filter)
                .expect("mosquitto_unsubscribe"),
        );
        self.wait("UNSUBACK", |event| match event {
            Event::UnsubscribeV5(id, _) if *id == mid => Some(()),
            _ => None,
        });
    }

    /// Publishes, and sees it through.
    pub fn publish(&mut self, topic: &str, payload: &[u8], qos: i32) {
        let mid = self.client.publish(topic, payload, qos);
        self.published(mid);
    }

    pub fn publish_retained(&mut self, topic: &str, payload: &[u8], qos: i32) {
        let mid = self.client.publish_retain(topic, payload, qos, true);
        self.published(mid);
    }

    /// Publishes with MQTT 5's properties, and sees it through.
    pub fn publish_with(&mut self, topic: &str, payload: &[u8], qos: i32, props: &[Prop]) {
        let mid = self.client.publish_v5(topic, payload, qos, props);
        self.published(mid);
    }

    fn published(&mut self, mid: Result<u16, i32>) {
        let reason = self.outcome(mid);
        assert!(reason < 0x80, "the broker refused a message: {reason:#04x}");
    }

    /// The reason code that a publish ended with.
    pub fn outcome(&mut self, mid: Result<u16, i32>) -> i32 {
        let mid = i32::from(mid.expect("mosquitto_publish"));
        self.wait("the acknowledgement of a message", |event| match event {
            Event::PublishV5(id, reason, _) if *id == mid => Some(*reason),
            _ => None,
        })
    }

    /// The next message and its properties.
    pub fn message(&mut self) -> (Message, Vec<Prop>) {
        self.wait("a message", |event| match event {
            Event::MessageV5(message, props) => Some((message.clone(), props.clone())),
            _ => None,
        })
    }

    /// The next message must have this payload; its other parts.
    pub fn expect_message(&mut self, payload: &[u8]) -> (Message, Vec<Prop>) {
        let (message, props) = self.message();
        let got = message.payload.clone().unwrap_or_default();
        assert!(
            got == payload,
            "a message {} came where {} was due",
            readable(&got),
            readable(payload)
        );
        (message, props)
    }

    /// How many messages have come and were not taken.
    pub fn messages_waiting(&self) -> usize {
        let is_message = |event: &&Event| matches!(event, Event::MessageV5(..));
        self.inbox.iter().filter(is_message).count()
    }

    /// The packets of a kind that came over the wire.
    pub fn seen(&self, from: super::tap::From, kind: u8) -> Vec<Packet> {
        self.tap.packets(from, kind)
    }
}

/// A payload for a person to read.
pub fn readable(payload: &[u8]) -> String {
    if payload.len() > 40 {
        return format!("of {} bytes", payload.len());
    }
    format!("{:?}", String::from_utf8_lossy(payload))
}
