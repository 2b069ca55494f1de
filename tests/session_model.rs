//! The protocol machine and a small broker over a link that holds bytes back and
//! breaks at any of them, by seed. However it goes, the promises of each QoS hold.
//!
//! `MQTTRS_MODEL_SEEDS=100000` runs more seeds, `MQTTRS_MODEL_SEED=n` one of them.

mod session_support;
mod support;

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use mqttrs::codec::{Properties, PropertyBuf, PropertyId, SubscriptionOptions, Value};
use mqttrs::error::{CallerError, Error, PeerError};
use mqttrs::session::{
    ConnectRequest, Done, Excess, Outcome, Overflow, Publication, QueueOptions, Session,
    SessionEvent, State, ThrottleOptions, Token, TransmitBuf,
};
use mqttrs::types::{QoS, ReasonCode};
use session_support::model_broker::{read_mid, read_publish, ModelBroker};
use session_support::rng::Rng;
use session_support::{packet_len, protocol};
use support::packet::Version;

/// The tokens of requests begin here.
const FIRST_REQUEST: u32 = 1 << 20;

const TOPICS: [&str; 3] = ["a", "b/c", "d/e/f"];

/// What may have a limit of speed; `None` stands for all messages.
const LIMITED: [Option<&str>; 5] = [None, Some("a"), Some("b/+"), Some("#"), Some("d/#")];

#[test]
fn the_promises_of_each_qos_hold_over_a_link_that_breaks_anywhere() {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().unwrap());
    let seeds = match number("MQTTRS_MODEL_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("MQTTRS_MODEL_SEEDS").unwrap_or(2_000),
    };
    let mut totals = Totals::default();
    for seed in seeds.clone() {
        let run = std::panic::catch_unwind(|| World::new(Rng::new(seed)).run());
        match run {
            Ok(world) => totals.add(&world),
            Err(_) => panic!("seed {seed} fails: MQTTRS_MODEL_SEED={seed} replays it"),
        }
    }
    println!("seeds {} to {}: {totals:?}", seeds.start, seeds.end - 1);
    if seeds.end - seeds.start >= 1_000 {
        totals.check();
    }
}

/// One run whose every choice is made by a byte, for the fuzzer.
#[allow(dead_code, reason = "called from the fuzzer's cases")]
pub fn play(choices: &[u8]) {
    let mut world = World::new(Rng::of_choices(choices));
    while !world.rng.is_spent() {
        world.step();
    }
    world.settle();
    world.judge();
}

/// What all seeds together came across: a model that never meets the hard cases
/// shows nothing.
#[derive(Debug, Default)]
struct Totals {
    messages: usize,
    repeats: usize,
    cuts: usize,
    lost_sessions: usize,
    expirations: usize,
    received: usize,
    refused: usize,
    too_fast: usize,
    /// By [`Outcome`]: how many messages ended so.
    ends: HashMap<String, usize>,
}

impl Totals {
    fn add(&mut self, world: &World) {
        self.messages += world.messages.len();
        self.repeats += world.repeats;
        self.cuts += world.cuts;
        self.lost_sessions += world.lost_sessions;
        self.expirations += world.expirations;
        self.received += world.received.len();
        self.refused += world.refused;
        self.too_fast += world.too_fast;
        for message in &world.messages {
            let end = format!("{:?}", message.told.unwrap());
            *self.ends.entry(end).or_default() += 1;
        }
    }

    fn check(&self) {
        assert!(self.messages > 20_000, "{self:?}");
        assert!(self.repeats > 1_000, "{self:?}");
        assert!(self.cuts > 5_000, "{self:?}");
        assert!(self.lost_sessions > 100, "{self:?}");
        assert!(self.expirations > 100, "{self:?}");
        assert!(self.received > 10_000, "{self:?}");
        assert!(self.refused > 100, "{self:?}");
        assert!(self.too_fast > 100, "{self:?}");
        for end in [
            Outcome::Sent,
            Outcome::Acknowledged,
            Outcome::Expired,
            Outcome::Overflow,
            Outcome::Cleared,
            Outcome::ConnectionLost,
            Outcome::SessionLost,
        ] {
            let number = self.ends.get(&format!("{end:?}")).copied();
            assert!(
                number.is_some_and(|number| number > 10),
                "{end:?}: {self:?}"
            );
        }
    }
}

/// A message the session accepted.
#[derive(Debug)]
struct Message {
    topic: &'static str,
    qos: u8,
    mid: u16,
    outcomes: usize,
    /// PUBREC has reached the session.
    taken_over: bool,
    /// When it is not to be sent any more.
    expires: Option<Instant>,
    /// It was reported as expired.
    expired: bool,
    /// What the program was told became of it.
    told: Option<Outcome>,
    /// So the token says too.
    done: bool,
}

/// Client, link and broker.
struct World {
    rng: Rng,
    version: Version,
    /// Every connection begins a new session.
    clean: bool,
    /// Whether the broker may lose the session.
    forgetful: bool,
    session: Session,
    broker: ModelBroker,
    now: Instant,
    window: usize,
    receive_maximum: u16,
    /// Taken from the session, not yet by the network.
    pending: TransmitBuf,
    /// Written and not whole packets yet.
    written: Vec<u8>,
    /// On their way to the broker.
    under_way: Vec<u8>,
    /// Arrived at the client and not whole packets yet.
    inbox: Vec<u8>,
    messages: Vec<Message>,
    /// Packet identifiers on the wire whose outcome the program has not heard.
    in_flight: HashMap<u16, u32>,
    /// Those of this connection.
    in_window: HashSet<u32>,
    /// Messages written whole in this session.
    written_before: HashSet<u32>,
    /// SUBSCRIBEs without an answer.
    requests: HashSet<u16>,
    /// The tokens of requests whose end the program has not heard, and how many there ever were.
    tracked_requests: HashSet<u32>,
    asked: u32,
    unwritten_at_most_once: HashMap<u16, u32>,
    /// Accepted messages without an outcome.
    untold: HashMap<u16, u32>,
    /// What may wait.
    queue: Option<QueueOptions>,
    refused: usize,
    /// Whether there are limits of speed, and how many messages these refused.
    limited: bool,
    too_fast: usize,
    /// Messages that came to the client, in order.
    received: Vec<(String, u8, u32)>,
    to_client: Vec<(&'static str, u8)>,
    cuts: usize,
    repeats: usize,
    lost_sessions: usize,
    expirations: usize,
}

impl World {
    fn new(mut rng: Rng) -> World {
        let version = *rng.pick(&[Version::V31, Version::V311, Version::V5]);
        let now = Instant::now();
        let receive_maximum = 1 + rng.below(8) as u16;
        let window = 1 + rng.below(6);
        let mut session = Session::new(Some("model".into()), now);
        session.set_version(protocol(version));
        session.set_send_maximum(window as u16, now);
        session.set_outcomes(true);
        let queue = rng.once_in(3).then(|| QueueOptions {
            max_messages: rng.below(12),
            max_bytes: rng.below(4) * 40,
            overflow: *rng.pick(&[
                Overflow::Refuse,
                Overflow::DropOldest,
                Overflow::DropAtMostOnce,
            ]),
            keep_at_most_once: rng.once_in(2),
            wait: Duration::ZERO,
        });
        session.set_queue(queue);
        World {
            version,
            clean: rng.once_in(5),
            // Below MQTT 3.1.1 the client cannot know.
            forgetful: version != Version::V31 && rng.once_in(4),
            session,
            broker: ModelBroker::new(version, receive_maximum.into()),
            now,
            window,
            receive_maximum,
            pending: TransmitBuf::default(),
            written: Vec::new(),
            under_way: Vec::new(),
            inbox: Vec::new(),
            messages: Vec::new(),
            in_flight: HashMap::new(),
            in_window: HashSet::new(),
            written_before: HashSet::new(),
            requests: HashSet::new(),
            tracked_requests: HashSet::new(),
            asked: 0,
            unwritten_at_most_once: HashMap::new(),
            untold: HashMap::new(),
            queue,
            refused: 0,
            limited: rng.once_in(3),
            too_fast: 0,
            received: Vec::new(),
            to_client: Vec::new(),
            cuts: 0,
            repeats: 0,
            lost_sessions: 0,
            expirations: 0,
            rng,
        }
    }

    fn run(mut self) -> World {
        let steps = 100 + self.rng.below(400);
        for _ in 0..steps {
            self.step();
        }
        self.settle();
        self.judge();
        self
    }

    fn step(&mut self) {
        let some = 1 + self.rng.below(40);
        match self.rng.below(24) {
            0..=3 => self.publish(),
            4..=5 => {
                let topic = *self.rng.pick(&TOPICS);
                let qos = self.rng.below(3) as u8;
                self.to_client.push((topic, qos));
                let number = self.to_client.len() as u32 - 1;
                self.broker.publish(topic, qos, number);
            }
            6..=9 => self.write(some),
            10..=13 => self.carry(some),
            14..=17 => self.read(some),
            18..=19 => self.poll_events(),
            20 => self.pass_time(),
            21 if self.limited && self.rng.once_in(2) => self.change_limits(),
            21 if self.rng.once_in(2) => self.cut(),
            21 if self.queue.is_some() && self.rng.once_in(8) => self.session.clear_queue(),
            22 if self.session.state() == State::Connected => {
                let options = SubscriptionOptions::new(0).unwrap();
                let request = self
                    .session
                    .subscribe(&[("s", options)], Properties::EMPTY, |_| ())
                    .unwrap();
                self.asked += 1;
                let number = FIRST_REQUEST + self.asked;
                self.session.track_request(request, Token::new(number + 1));
                self.tracked_requests.insert(number);
            }
            _ => {
                if self.session.state() == State::Offline {
                    self.connect();
                }
            }
        }
    }

    fn pass_time(&mut self) {
        self.now += Duration::from_millis(self.rng.below(3_000) as u64);
        self.session.handle_timeout(self.now).unwrap();
        if self.session.resume_input(self.now) {
            self.read(0);
        }
    }

    fn change_limits(&mut self) {
        let options = ThrottleOptions {
            messages_per_second: [0.0, 0.4, 2.0, 30.0][self.rng.below(4)],
            bytes_per_second: [0.0, 0.0, 5.0, 100.0][self.rng.below(4)],
            burst_messages: self.rng.below(4) as u32,
            burst_bytes: self.rng.below(50),
            excess: *self.rng.pick(&[
                Excess::Wait,
                Excess::Refuse,
                Excess::Drop,
                Excess::DropOldest,
            ]),
        };
        let options = (!self.rng.once_in(4)).then_some(options);
        if self.rng.once_in(4) {
            self.session
                .set_receive_throttle(options.as_ref(), self.now);
        } else {
            let filter = *self.rng.pick(&LIMITED);
            self.session
                .set_throttle(filter, options.as_ref(), self.now);
        }
    }

    /// No more mischief: everything that was begun comes to its end.
    fn settle(&mut self) {
        for filter in LIMITED {
            self.session.set_throttle(filter, None, self.now);
        }
        self.session.set_receive_throttle(None, self.now);
        for _ in 0..10_000 {
            if self.session.state() == State::Offline {
                self.connect();
            }
            self.poll_events();
            self.write(usize::MAX);
            self.carry(usize::MAX);
            self.read(usize::MAX);
            let quiet = !self.session.has_events()
                && !self.session.has_transmit()
                && self.pending.is_empty()
                && self.broker.outbox.is_empty();
            if quiet && self.session.state() == State::Connected {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    fn connect(&mut self) {
        assert!(self.inbox.is_empty() && self.pending.is_empty());
        self.in_window.clear();
        self.session
            .connect(
                &ConnectRequest {
                    version: protocol(self.version),
                    clean_start: self.clean,
                    keep_alive: 0,
                    properties: &PropertyBuf::new(),
                    will: None,
                    username: None,
                    password: None,
                    receive_maximum: self.receive_maximum,
                },
                self.now,
            )
            .unwrap();
    }

    fn cut(&mut self) {
        if self.session.state() == State::Offline {
            return;
        }
        self.cuts += 1;
        self.session
            .handle_closed(Some(Error::Peer(PeerError::ConnectionLost)));
        self.poll_events();
        self.broker.cut();
        if self.clean || self.forgetful && self.rng.once_in(3) {
            self.lost_sessions += 1;
            self.broker.forget();
        }
        self.pending = TransmitBuf::default();
        self.written.clear();
        self.under_way.clear();
        self.inbox.clear();
        self.requests.clear();
    }

    fn publish(&mut self) {
        let topic = *self.rng.pick(&TOPICS);
        let qos = self.rng.below(3) as u8;
        let number = self.messages.len() as u32;
        let mut properties = PropertyBuf::new();
        let mut expires = None;
        if self.version == Version::V5 && qos > 0 && self.rng.once_in(4) {
            let seconds = self.rng.below(6) as u32;
            expires = Some(self.now + Duration::from_secs(seconds.into()));
            properties
                .push(PropertyId::MessageExpiryInterval, Value::U32(seconds))
                .unwrap();
        }
        let outcome = self.session.publish_tracked(
            &Publication {
                topic,
                payload: &number.to_be_bytes(),
                qos: QoS::new(qos).unwrap(),
                retain: false,
                properties: properties.as_properties(),
            },
            Token::new(number + 1),
            self.now,
            |_| (),
        );
        let mid = match outcome {
            Ok(mid) => mid,
            Err(Error::Caller(CallerError::QueueFull)) => {
                assert!(self.queue.is_some());
                self.refused += 1;
                return;
            }
            Err(Error::Caller(CallerError::Throttled)) => {
                assert!(self.limited);
                self.too_fast += 1;
                return;
            }
            Err(_) => {
                assert_eq!((qos, self.session.state()), (0, State::Offline));
                assert!(self.queue.is_none_or(|queue| !queue.keep_at_most_once));
                return;
            }
        };
        let holder = self.untold.insert(mid.number(), number);
        assert_eq!(holder, None, "an identifier that another message has");
        if qos == 0 {
            self.unwritten_at_most_once.insert(mid.number(), number);
        }
        self.messages.push(Message {
            topic,
            qos,
            mid: mid.number(),
            outcomes: 0,
            taken_over: false,
            expires,
            expired: false,
            told: None,
            done: false,
        });
    }

    /// The network takes at most `count` bytes.
    fn write(&mut self, count: usize) {
        self.session.poll_transmit(&mut self.pending);
        let count = count.min(self.pending.len());
        let bytes = &self.pending.to_vec()[..count];
        self.written.extend(bytes);
        self.under_way.extend(bytes);
        self.pending.advance(count);
        self.session.transmitted(count, self.now);
        while let Some(len) = packet_len(&self.written) {
            let packet: Vec<u8> = self.written.drain(..len).collect();
            self.judge_written(&packet);
        }
    }

    /// A whole packet went out: may it?
    fn judge_written(&mut self, packet: &[u8]) {
        match packet[0] >> 4 {
            3 => {
                let read = read_publish(self.version, packet);
                let message = &self.messages[read.number as usize];
                assert_eq!((read.qos, &read.topic[..]), (message.qos, message.topic));
                if read.qos == 0 {
                    return;
                }
                assert_eq!(read.mid, message.mid);
                assert_eq!(message.outcomes, 0, "sent after its outcome");
                assert!(!message.taken_over, "PUBLISH after PUBREC");
                assert!(!self.requests.contains(&read.mid), "shares an identifier");
                let holder = self.in_flight.insert(read.mid, read.number);
                assert!(
                    holder.is_none_or(|holder| holder == read.number),
                    "identifier {} is in flight twice",
                    read.mid
                );
                self.in_window.insert(read.number);
                assert!(
                    self.in_window.len() <= self.window,
                    "the window is exceeded"
                );
                let first = self.written_before.insert(read.number);
                assert!(first || read.dup, "sent again without DUP");
                self.repeats += usize::from(!first);
            }
            8 => {
                let mid = read_mid(packet);
                assert!(!self.in_flight.contains_key(&mid), "shares an identifier");
                assert!(self.requests.insert(mid), "asked twice under {mid}");
            }
            _ => {}
        }
    }

    /// The link brings at most `count` bytes to the broker.
    fn carry(&mut self, count: usize) {
        let count = count.min(self.under_way.len());
        let bytes: Vec<u8> = self.under_way.drain(..count).collect();
        self.broker.receive(&bytes);
    }

    /// The link brings at most `count` bytes to the client.
    fn read(&mut self, count: usize) {
        let count = count.min(self.broker.outbox.len());
        self.inbox.extend(self.broker.outbox.drain(..count));
        loop {
            self.poll_events();
            let step = self.session.handle_input(&self.inbox, self.now);
            let Some(step) = step.expect("a well-behaved broker") else {
                return;
            };
            let packet: Vec<u8> = self.inbox.drain(..step.consumed).collect();
            if packet[0] == 0x50 {
                if let Some(number) = self.in_flight.get(&read_mid(&packet)) {
                    self.messages[*number as usize].taken_over = true;
                }
            }
            if step.delivery.is_some() {
                let read = read_publish(self.version, &packet);
                self.received.push((read.topic, read.qos, read.number));
            }
        }
    }

    fn poll_events(&mut self) {
        while self.session.has_events() {
            match self.session.poll_event(self.now) {
                Some(SessionEvent::Published {
                    packet_id, reason, ..
                }) => {
                    if reason == ReasonCode::IMPLEMENTATION_SPECIFIC {
                        self.expired(packet_id.number());
                    } else {
                        assert_eq!(reason, ReasonCode::SUCCESS);
                        self.outcome(packet_id.number());
                    }
                }
                Some(SessionEvent::Outcome {
                    packet_id, outcome, ..
                }) => self.told(packet_id.number(), outcome),
                Some(SessionEvent::Done(done)) => self.done(&done),
                Some(SessionEvent::Subscribed { packet_id, .. }) => {
                    assert!(self.requests.remove(&packet_id.number()));
                }
                Some(SessionEvent::Connected {
                    session_present: false,
                    ..
                }) if self.version != Version::V31 || self.clean => {
                    // A new session: what was sent in the old one is new to it.
                    self.written_before.clear();
                    for message in &mut self.messages {
                        message.taken_over = false;
                    }
                }
                _ => {}
            }
        }
    }

    /// The same as told by the token; and of a request, that it is answered or lost.
    fn done(&mut self, done: &Done) {
        let number = done.token.number() - 1;
        if number >= FIRST_REQUEST {
            assert!(self.tracked_requests.remove(&number), "told twice");
            let lost = done.outcome == Outcome::ConnectionLost;
            assert!(lost == done.codes.is_empty());
            return;
        }
        let message = &mut self.messages[number as usize];
        assert_eq!(done.packet_id.number(), message.mid);
        assert!(!std::mem::replace(&mut message.done, true), "told twice");
        assert_eq!(message.told, Some(done.outcome));
    }

    /// A message has its outcome: its first, and one that can be.
    fn told(&mut self, mid: u16, outcome: Outcome) {
        let number = self.untold.remove(&mid).expect("an outcome for nothing");
        let message = &mut self.messages[number as usize];
        assert_eq!(message.told.replace(outcome), None);
        let published = message.outcomes == 1;
        match outcome {
            Outcome::Sent => assert!(message.qos == 0 && published),
            Outcome::Acknowledged => {
                assert!(message.qos > 0 && published && !message.expired);
            }
            Outcome::Expired => assert!(message.expired && published),
            Outcome::SessionLost => {
                assert!(message.qos == 2 && published && self.lost_sessions > 0);
            }
            Outcome::Overflow | Outcome::Cleared => {
                assert!((self.queue.is_some() || self.limited) && !published);
                assert!(!self.written_before.contains(&number), "it was sent");
                self.unwritten_at_most_once.remove(&mid);
            }
            Outcome::ConnectionLost => {
                assert!(message.qos == 0 && !published);
                self.unwritten_at_most_once.remove(&mid);
            }
            Outcome::TooLarge | Outcome::QosNotSupported => panic!("{outcome:?}"),
        }
    }

    /// A message was reported as expired: one that is, and that the server of this session
    /// was never sent.
    fn expired(&mut self, mid: u16) {
        let now = self.now;
        let waits = |message: &Message| message.mid == mid && message.outcomes == 0;
        let found = self.messages.iter().position(waits);
        let number = found.expect("an outcome for nothing");
        self.in_flight.remove(&mid);
        assert!(
            !self.written_before.contains(&(number as u32)),
            "expired after it was sent"
        );
        let message = &mut self.messages[number];
        assert!(
            message.expires.is_some_and(|at| at < now),
            "{message:?} has time left"
        );
        message.expired = true;
        message.outcomes += 1;
        self.expirations += 1;
    }

    fn outcome(&mut self, mid: u16) {
        let number = self
            .unwritten_at_most_once
            .remove(&mid)
            .or_else(|| self.in_flight.remove(&mid))
            .expect("an outcome for nothing");
        self.in_window.remove(&number);
        self.messages[number as usize].outcomes += 1;
    }

    /// Everything is at rest: were the promises kept?
    fn judge(&self) {
        assert!(self.tracked_requests.is_empty(), "requests without an end");
        for (number, message) in self.messages.iter().enumerate() {
            let count = self.broker.counts.get(&(number as u32)).copied();
            let count = count.unwrap_or(0);
            assert!(message.outcomes <= 1, "{message:?} ended more than once");
            let end = message.told;
            assert!(end.is_some(), "{message:?} has no outcome");
            assert!(message.done, "the token of {message:?} was not told");
            let was_dropped = matches!(end, Some(Outcome::Overflow | Outcome::Cleared));
            match message.qos {
                0 => assert!(count <= message.outcomes, "{message:?} came {count} times"),
                _ if was_dropped => {}
                _ => assert_eq!(message.outcomes, 1, "{message:?} never ended"),
            }
            match message.qos {
                _ if was_dropped => assert_eq!(count, 0, "{message:?} came all the same"),
                _ if message.expired => assert!(count == 0 || self.lost_sessions > 0),
                1 => assert!(count >= 1, "{message:?} was lost"),
                2 if self.lost_sessions == 0 => assert_eq!(count, 1, "{message:?}"),
                2 => assert!(count >= 1, "{message:?} was lost"),
                _ => {}
            }
        }
        let mut counts = HashMap::<u32, usize>::new();
        for (_, _, number) in &self.received {
            *counts.entry(*number).or_default() += 1;
        }
        for (number, (_, qos)) in self.to_client.iter().enumerate() {
            let count = counts.get(&(number as u32)).copied().unwrap_or(0);
            match qos {
                1 if self.lost_sessions == 0 => assert!(count >= 1, "{number} was lost"),
                2 if self.lost_sessions == 0 => assert_eq!(count, 1, "{number}"),
                1 => {}
                _ => assert!(count <= 1, "{number} came {count} times"),
            }
        }
        assert_eq!(self.broker.unfinished(), 0);
        let published = self.broker.published.iter();
        in_order(published.map(|read| (&read.topic[..], read.qos, read.number)));
        in_order(self.received.iter().map(|(t, q, n)| (&t[..], *q, *n)));
    }
}

/// Messages of a topic come first in the order in which they were published; those of
/// QoS 0 wait for nobody.
fn in_order<'a>(messages: impl Iterator<Item = (&'a str, u8, u32)>) {
    let mut last = HashMap::new();
    let mut seen = HashSet::new();
    for (topic, qos, number) in messages {
        if seen.insert(number) {
            let before = last.insert((topic, qos > 0), number);
            assert!(
                before.is_none_or(|before| before < number),
                "{number} behind {before:?} in {topic}"
            );
        }
    }
}
