//! One client's socket: reads packets, keeps the keep alive.

use std::collections::HashMap;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use mqttrs::codec::primitive::Reader;
use mqttrs::codec::{
    Connack, Connect, Disconnect, Frame, Packet, PacketType, Properties, PropertyId, Publish,
};
use mqttrs::error::{Error, PeerError, Result};
use mqttrs::types::{topic, ProtocolVersion, ReasonCode};

use crate::broker::{Broker, Client, Next, TOPIC_ALIAS_MAXIMUM};
use crate::message::Message;
use crate::outbox::Outbox;

/// The largest packet MQTT knows: five bytes of fixed header and the longest body.
const MAXIMUM_PACKET_SIZE: usize = 5 + 268_435_455;

/// How long a fresh connection may take to send CONNECT, and a closing one to close.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves one connection until it ends.
pub(crate) fn run(stream: TcpStream, broker: &Broker) {
    // A lone packet is not held back to wait for company. Failing is no harm.
    let _ = stream.set_nodelay(true);
    let outbox = Arc::new(Outbox::default());
    thread::scope(|scope| {
        scope.spawn(|| outbox.run(&stream));
        let mut connection = Connection {
            stream: &stream,
            broker,
            outbox: &outbox,
            client: None,
            aliases: HashMap::new(),
            keep_alive: PATIENCE,
        };
        let end = connection.serve();
        if let (Err(error), Some(client)) = (&end, &connection.client) {
            say_why(error, client.version, &outbox);
        }
        outbox.close();
        if let Some(client) = &connection.client {
            broker.disconnected(client);
        }
        connection.wait_for_close();
    });
}

/// Under MQTT 5 the broker says why before it closes.
fn say_why(error: &Error, version: ProtocolVersion, outbox: &Outbox) {
    if let (ProtocolVersion::V5, Some(reason)) = (version, error.reason_code()) {
        let properties = Properties::EMPTY;
        outbox.push(
            &Packet::Disconnect(Disconnect { reason, properties }),
            version,
        );
    }
}

struct Connection<'a> {
    stream: &'a TcpStream,
    broker: &'a Broker,
    outbox: &'a Arc<Outbox>,
    /// Known after CONNECT.
    client: Option<Client>,
    aliases: HashMap<u16, String>,
    /// How long the client may be silent; zero is for ever.
    keep_alive: Duration,
}

impl Connection<'_> {
    /// Reads and handles packets until the client leaves or breaks a rule.
    fn serve(&mut self) -> Result<()> {
        let mut chunk = vec![0; 65_536];
        let mut bytes = Vec::new();
        let mut heard = Instant::now();
        self.set_read_timeout(self.keep_alive);
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Error::Peer(PeerError::ConnectionLost)),
                Ok(len) => bytes.extend_from_slice(&chunk[..len]),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    return Err(Error::Peer(PeerError::KeepAliveTimeout));
                }
                Err(error) => return Err(Error::io("read", &error)),
            }
            let mut done = 0;
            while let Some(frame) = Frame::parse(&bytes[done..], MAXIMUM_PACKET_SIZE)? {
                done += frame.len;
                heard = Instant::now();
                if self.handle(&frame)? == Next::Close {
                    return Ok(());
                }
            }
            bytes.drain(..done);
            // Bytes that never make a packet do not keep a connection alive.
            if !self.keep_alive.is_zero() && heard.elapsed() > self.keep_alive {
                return Err(Error::Peer(PeerError::KeepAliveTimeout));
            }
        }
    }

    fn handle(&mut self, frame: &Frame<'_>) -> Result<Next> {
        let Some(client) = &self.client else {
            return self.connect(frame);
        };
        match Packet::decode(frame, client.version)? {
            Packet::Publish(publish) => {
                let Some(message) = resolve(&publish, &mut self.aliases)? else {
                    let reason = ReasonCode::TOPIC_NAME_INVALID;
                    return Ok(self.refuse(client, reason));
                };
                Ok(self.broker.publish(client, message, publish.packet_id))
            }
            packet => self.broker.handle(client, &packet),
        }
    }

    fn connect(&mut self, frame: &Frame<'_>) -> Result<Next> {
        if frame.packet_type != PacketType::Connect {
            return Err(Error::protocol("the first packet is not CONNECT"));
        }
        if speaks_unknown_version(frame.body) {
            let connack = Connack {
                session_present: false,
                code: 1,
                properties: Properties::EMPTY,
            };
            self.outbox
                .push(&Packet::Connack(connack), ProtocolVersion::V311);
            return Ok(Next::Close);
        }
        let connect = Connect::decode(frame.body)?;
        if connect
            .will
            .as_ref()
            .is_some_and(|will| !topic::is_name(will.topic))
        {
            return Err(Error::protocol("the will's topic is not a topic name"));
        }
        self.client = self.broker.connect(&connect, self.outbox);
        if self.client.is_none() {
            return Ok(Next::Close);
        }
        // One and a half times the keep alive (MQTT 5.0 section 3.1.2.10).
        self.keep_alive = Duration::from_millis(1500 * u64::from(connect.keep_alive));
        self.set_read_timeout(self.keep_alive);
        Ok(Next::Continue)
    }

    /// Ends the connection with a reason that no [`Error`] stands for.
    fn refuse(&self, client: &Client, reason: ReasonCode) -> Next {
        if client.version == ProtocolVersion::V5 {
            let properties = Properties::EMPTY;
            self.outbox.push(
                &Packet::Disconnect(Disconnect { reason, properties }),
                client.version,
            );
        }
        Next::Close
    }

    /// Reads on until the client has closed too: closing a socket with unread bytes would
    /// reset the connection and could take the last packet away from the client.
    fn wait_for_close(&mut self) {
        self.set_read_timeout(PATIENCE);
        let start = Instant::now();
        let mut chunk = [0; 4096];
        while start.elapsed() < PATIENCE {
            match self.stream.read(&mut chunk) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    fn set_read_timeout(&self, timeout: Duration) {
        let timeout = (!timeout.is_zero()).then_some(timeout);
        // Cannot fail but for zero, which is excluded.
        let _ = self.stream.set_read_timeout(timeout);
    }
}

/// The message of a PUBLISH, its topic alias replaced; `None` where its topic is no name.
fn resolve(publish: &Publish<'_>, aliases: &mut HashMap<u16, String>) -> Result<Option<Message>> {
    let mut topic = publish.topic;
    if let Some(alias) = publish.properties.number(PropertyId::TopicAlias) {
        let alias = u16::try_from(alias)
            .ok()
            .filter(|alias| (1..=TOPIC_ALIAS_MAXIMUM).contains(alias))
            .ok_or(Error::Peer(PeerError::TopicAliasInvalid))?;
        if topic.is_empty() {
            topic = aliases
                .get(&alias)
                .ok_or(Error::Peer(PeerError::TopicAliasInvalid))?;
        } else {
            aliases.insert(alias, topic.to_owned());
        }
    }
    Ok(topic::is_name(topic).then(|| {
        let (payload, properties) = (publish.payload, publish.properties);
        Message::new(
            topic,
            payload,
            publish.qos,
            publish.retain,
            properties,
            Instant::now(),
        )
    }))
}

/// A CONNECT of MQTT, but of a version this broker does not know.
fn speaks_unknown_version(body: &[u8]) -> bool {
    let mut reader = Reader::new(body);
    matches!(
        (reader.string(), reader.u8()),
        (Ok("MQTT" | "MQIsdp"), Ok(level)) if ProtocolVersion::new(level & 0x7f).is_none()
    )
}
