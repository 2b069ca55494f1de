//! Who subscribed to what, retained messages, wills, expiry.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mqttrs::codec::{
    Ack, AckKind, Connack, Connect, Disconnect, Packet, Properties, PropertyBuf, PropertyId,
    Suback, Subscribe, Unsuback, Unsubscribe, Value,
};
use mqttrs::error::{Error, Result};
use mqttrs::types::{topic, PacketId, ProtocolVersion, QoS, ReasonCode};

use crate::message::{push, Delivery, Message};
use crate::outbox::Outbox;
use crate::session::{Link, Session, Subscription, Will};

/// Topic aliases a client may use, announced in CONNACK.
pub(crate) const TOPIC_ALIAS_MAXIMUM: u16 = 16;

pub(crate) struct Broker {
    credentials: Option<(String, String)>,
    state: Mutex<State>,
    /// A will or a session got a deadline.
    deadline_set: Condvar,
}

#[derive(Default)]
struct State {
    sessions: HashMap<String, Session>,
    retained: BTreeMap<String, Arc<Message>>,
    connections: u64,
}

/// An accepted connection.
pub(crate) struct Client {
    id: String,
    connection: u64,
    pub(crate) version: ProtocolVersion,
}

/// What becomes of a connection after a packet.
#[derive(PartialEq, Eq)]
pub(crate) enum Next {
    Continue,
    /// The client said goodbye, or another connection has taken its session.
    Close,
}

impl Broker {
    pub(crate) fn new(credentials: Option<(String, String)>) -> Self {
        Broker {
            credentials,
            state: Mutex::default(),
            deadline_set: Condvar::new(),
        }
    }

    /// Answers a CONNECT; `None` where it is refused.
    pub(crate) fn connect(&self, connect: &Connect<'_>, outbox: &Arc<Outbox>) -> Option<Client> {
        let version = connect.version;
        if let Err(code) = self.refusal(connect) {
            let properties = Properties::EMPTY;
            let connack = Connack {
                session_present: false,
                code,
                properties,
            };
            outbox.push(&Packet::Connack(connack), version);
            return None;
        }
        let now = Instant::now();
        let mut state = self.lock();
        state.connections += 1;
        let connection = state.connections;
        let mut properties = PropertyBuf::new();
        let id = if connect.client_id.is_empty() {
            let id = format!("demo-{connection}");
            push(
                &mut properties,
                PropertyId::AssignedClientIdentifier,
                Value::String(&id),
            );
            id
        } else {
            connect.client_id.to_owned()
        };
        let aliases = Value::U16(TOPIC_ALIAS_MAXIMUM);
        push(&mut properties, PropertyId::TopicAliasMaximum, aliases);
        push(
            &mut properties,
            PropertyId::SharedSubscriptionAvailable,
            Value::Byte(0),
        );

        state.take_over(&id, now);
        if connect.clean_start {
            state.end_session(&id, now);
        }
        let session_present = state.sessions.contains_key(&id);
        let session = state.sessions.entry(id.clone()).or_default();
        session.ends = None;
        session.delayed_will = None;
        session.expiry = match version {
            ProtocolVersion::V5 => connect
                .properties
                .number(PropertyId::SessionExpiryInterval)
                .unwrap_or(0),
            _ if connect.clean_start => 0,
            _ => u32::MAX,
        };
        session.will = connect.will.as_ref().map(|will| Will {
            message: Arc::new(Message::new(
                will.topic,
                will.payload,
                will.qos,
                will.retain,
                will.properties,
                now,
            )),
            delay: will
                .properties
                .number(PropertyId::WillDelayInterval)
                .unwrap_or(0),
        });
        let limit = |id, default| {
            connect
                .properties
                .number(id)
                .map_or(default, |number| number as usize)
        };
        session.link = Some(Link {
            connection,
            outbox: Arc::clone(outbox),
            version,
            // One identifier stays free, so that the search for one always ends.
            receive_maximum: limit(PropertyId::ReceiveMaximum, 65_534).min(65_534),
            maximum_packet_size: limit(PropertyId::MaximumPacketSize, usize::MAX),
        });
        let properties = properties.as_properties();
        session.send(&Packet::Connack(Connack {
            session_present,
            code: 0,
            properties,
        }));
        session.resume(now);
        Some(Client {
            id,
            connection,
            version,
        })
    }

    /// Takes a packet that is neither CONNECT nor PUBLISH.
    pub(crate) fn handle(&self, client: &Client, packet: &Packet<'_>) -> Result<Next> {
        let now = Instant::now();
        let mut state = self.lock();
        let Some(session) = state.session(client) else {
            return Ok(Next::Close);
        };
        match packet {
            Packet::Ack(ack) if ack.kind == AckKind::Pubrel => {
                let reason = match session.unreleased.remove(&ack.packet_id) {
                    true => ReasonCode::SUCCESS,
                    false => ReasonCode::PACKET_ID_NOT_FOUND,
                };
                session.send(&Packet::Ack(Ack::new(
                    AckKind::Pubcomp,
                    ack.packet_id,
                    reason,
                )));
            }
            Packet::Ack(ack) => session.acknowledged(ack, now),
            Packet::Subscribe(subscribe) => state.subscribe(client, subscribe, now),
            Packet::Unsubscribe(unsubscribe) => unsubscribe_all(session, unsubscribe),
            Packet::Pingreq => session.send(&Packet::Pingresp),
            Packet::Disconnect(disconnect) => {
                if let Some(expiry) = disconnect
                    .properties
                    .number(PropertyId::SessionExpiryInterval)
                {
                    if session.expiry == 0 && expiry != 0 {
                        return Err(Error::protocol("session expiry set by DISCONNECT alone"));
                    }
                    session.expiry = expiry;
                }
                if disconnect.reason == ReasonCode::SUCCESS {
                    session.will = None;
                }
                return Ok(Next::Close);
            }
            _ => return Err(Error::protocol("a client may not send this packet now")),
        }
        Ok(Next::Continue)
    }

    /// Takes a PUBLISH, whose topic is known to be valid.
    pub(crate) fn publish(
        &self,
        client: &Client,
        message: Message,
        packet_id: Option<PacketId>,
    ) -> Next {
        let now = Instant::now();
        let mut state = self.lock();
        let Some(session) = state.session(client) else {
            return Next::Close;
        };
        let qos = message.qos;
        let repeated =
            qos == QoS::ExactlyOnce && packet_id.is_some_and(|id| !session.unreleased.insert(id));
        let matched = repeated || state.route(&Arc::new(message), Some(&client.id), now);
        let kind = match qos {
            QoS::ExactlyOnce => AckKind::Pubrec,
            _ => AckKind::Puback,
        };
        if let (Some(id), Some(session)) = (packet_id, state.session(client)) {
            let reason = match matched || client.version != ProtocolVersion::V5 {
                true => ReasonCode::SUCCESS,
                false => ReasonCode::NO_MATCHING_SUBSCRIBERS,
            };
            session.send(&Packet::Ack(Ack::new(kind, id, reason)));
        }
        Next::Continue
    }

    /// The connection is over: the will goes out unless DISCONNECT took it back.
    pub(crate) fn disconnected(&self, client: &Client) {
        let mut state = self.lock();
        if state.session(client).is_some() {
            state.detach(&client.id, Instant::now());
            self.deadline_set.notify_one();
        }
    }

    /// Publishes delayed wills and ends expired sessions, for ever.
    pub(crate) fn run_timers(&self) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            state = match state.expire(now) {
                Some(next) => self
                    .deadline_set
                    .wait_timeout(state, next.saturating_duration_since(now))
                    .map_or_else(|error| error.into_inner().0, |(state, _)| state),
                None => self
                    .deadline_set
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// The CONNACK code for a CONNECT that cannot be accepted.
    fn refusal(&self, connect: &Connect<'_>) -> std::result::Result<(), u8> {
        let v5 = connect.version == ProtocolVersion::V5;
        // MQTT 3.1 has no empty client identifiers, 3.1.1 only for clean sessions.
        let nameless_session = !v5 && !connect.clean_start;
        if connect.client_id.is_empty()
            && (connect.version == ProtocolVersion::V31 || nameless_session)
        {
            return Err(2);
        }
        if connect
            .properties
            .find(PropertyId::AuthenticationMethod)
            .is_some()
        {
            return Err(ReasonCode::BAD_AUTHENTICATION_METHOD.value());
        }
        if let Some((name, password)) = &self.credentials {
            if connect.username != Some(name) || connect.password != Some(password.as_bytes()) {
                return Err(if v5 {
                    ReasonCode::NOT_AUTHORIZED.value()
                } else {
                    5
                });
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The client's session, unless another connection has taken it.
    fn session(&mut self, client: &Client) -> Option<&mut Session> {
        let session = self.sessions.get_mut(&client.id)?;
        let link = session.link.as_ref()?;
        (link.connection == client.connection).then_some(session)
    }

    /// Gives `message` to every session that wants it, and says whether there was one.
    fn route(&mut self, message: &Arc<Message>, publisher: Option<&str>, now: Instant) -> bool {
        if message.retain {
            if message.payload.is_empty() {
                self.retained.remove(&message.topic);
            } else {
                self.retained
                    .insert(message.topic.clone(), Arc::clone(message));
            }
        }
        let mut matched = false;
        for (id, session) in &mut self.sessions {
            matched |= session.offer(message, publisher == Some(id), now);
        }
        matched
    }

    /// SUBACK first, then the retained messages of each subscription.
    fn subscribe(&mut self, client: &Client, subscribe: &Subscribe<'_>, now: Instant) {
        let id = subscribe
            .properties
            .number(PropertyId::SubscriptionIdentifier);
        let refusal = |reason: ReasonCode| match client.version {
            ProtocolVersion::V5 => reason.value(),
            _ => ReasonCode::UNSPECIFIED.value(),
        };
        let State {
            sessions, retained, ..
        } = self;
        let Some(session) = sessions.get_mut(&client.id) else {
            return;
        };
        let mut codes = Vec::new();
        let mut wanted = Vec::new();
        for &(filter, options) in &subscribe.filters {
            if !topic::is_filter(filter) {
                codes.push(refusal(ReasonCode::TOPIC_FILTER_INVALID));
            } else if filter.starts_with("$share/") {
                codes.push(refusal(ReasonCode::SHARED_SUBSCRIPTIONS_NOT_SUPPORTED));
            } else {
                codes.push(options.qos());
                let new = session.subscribe(filter, Subscription { options, id });
                // Retain Handling (MQTT 5.0 section 3.8.3.1): always, if new, never.
                let handling = options.byte() >> 4;
                if handling == 0 || handling == 1 && new {
                    wanted.push((filter, options));
                }
            }
        }
        let (packet_id, properties) = (subscribe.packet_id, Properties::EMPTY);
        session.send(&Packet::Suback(Suback {
            packet_id,
            properties,
            codes: &codes,
        }));
        retained.retain(|_, message| !message.is_expired(now));
        for (filter, options) in wanted {
            let granted = QoS::new(options.qos()).unwrap_or(QoS::AtMostOnce);
            for message in retained
                .values()
                .filter(|m| topic::matches(filter.as_bytes(), m.topic.as_bytes()))
            {
                let delivery = Delivery {
                    message: Arc::clone(message),
                    qos: granted.min(message.qos),
                    retain: true,
                    subscription_ids: id.into_iter().collect(),
                };
                session.deliver(delivery, now);
            }
        }
    }

    /// Ends the connection of `id`, if any, in favour of a new one.
    fn take_over(&mut self, id: &str, now: Instant) {
        let Some(session) = self.sessions.get(id) else {
            return;
        };
        let Some(link) = &session.link else { return };
        if link.version == ProtocolVersion::V5 {
            let reason = ReasonCode::SESSION_TAKEN_OVER;
            let properties = Properties::EMPTY;
            session.send(&Packet::Disconnect(Disconnect { reason, properties }));
        }
        link.outbox.close();
        self.detach(id, now);
    }

    /// The session goes on without a connection, or ends; the will goes out, now or later.
    fn detach(&mut self, id: &str, now: Instant) {
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        session.link = None;
        let expiry = session.expiry;
        if expiry != u32::MAX {
            session.ends = Some(now + Duration::from_secs(expiry.into()));
        }
        if let Some(will) = session.will.take() {
            let delay = Duration::from_secs(will.delay.min(expiry).into());
            session.delayed_will = Some((now + delay, will.message));
        }
        self.expire(now);
    }

    /// Removes a session with everything that hangs on it; its will, if waiting, goes out.
    fn end_session(&mut self, id: &str, now: Instant) {
        let Some(session) = self.sessions.remove(id) else {
            return;
        };
        if let Some((_, will)) = session.delayed_will {
            self.route(&will, Some(id), now);
        }
    }

    /// Does what is due, and says when there will be something to do again.
    fn expire(&mut self, now: Instant) -> Option<Instant> {
        let mut wills = Vec::new();
        for (id, session) in &mut self.sessions {
            if session
                .delayed_will
                .as_ref()
                .is_some_and(|(due, _)| *due <= now)
            {
                wills.extend(
                    session
                        .delayed_will
                        .take()
                        .map(|(_, will)| (id.clone(), will)),
                );
            }
        }
        self.sessions
            .retain(|_, session| session.ends.is_none_or(|ends| ends > now));
        for (id, will) in wills {
            self.route(&will, Some(&id), now);
        }
        self.sessions
            .values()
            .flat_map(|session| {
                let will = session.delayed_will.as_ref().map(|(due, _)| *due);
                session.ends.into_iter().chain(will)
            })
            .min()
    }
}

fn unsubscribe_all(session: &mut Session, unsubscribe: &Unsubscribe<'_>) {
    let codes: Vec<u8> = unsubscribe
        .filters
        .iter()
        .map(|filter| match session.unsubscribe(filter) {
            true => ReasonCode::SUCCESS.value(),
            false => ReasonCode::NO_SUBSCRIPTION_EXISTED.value(),
        })
        .collect();
    let (packet_id, properties) = (unsubscribe.packet_id, Properties::EMPTY);
    session.send(&Packet::Unsuback(Unsuback {
        packet_id,
        properties,
        codes: &codes,
    }));
}
