//! What the program asks for, but for publishing: connect, subscribe,
//! unsubscribe, authenticate, disconnect.

use std::time::Instant;

use super::keep_alive::KeepAlive;
use super::log::log;
use super::{LogValue, Request, Resume, ServerLimits, Session, State, DEFAULT_MAXIMUM_PACKET_SIZE};
use crate::codec::primitive::VARINT_MAX;
use crate::codec::{
    Auth, Connect, Disconnect, Packet, Place, Properties, PropertyBuf, PropertyId, Subscribe,
    SubscriptionOptions, Unsubscribe, Value, Will,
};
use crate::error::{CallerError, Error, Result};
use crate::types::{reason_packets, topic, PacketId, ProtocolVersion, ReasonCode};

/// What CONNECT says.
#[derive(Debug, Clone)]
pub struct ConnectRequest<'a> {
    /// Protocol version.
    pub version: ProtocolVersion,
    /// Clean Start, Clean Session below MQTT 5.
    pub clean_start: bool,
    /// Keep alive in seconds, 0 for none.
    pub keep_alive: u16,
    /// The program's properties of CONNECT.
    pub properties: &'a PropertyBuf,
    /// The last will.
    pub will: Option<Will<'a>>,
    /// User name.
    pub username: Option<&'a str>,
    /// Password.
    pub password: Option<&'a [u8]>,
    /// How many unacknowledged QoS 1 and 2 messages the server may send us.
    pub receive_maximum: u16,
}

impl Session {
    /// Begins a connection: CONNECT is the first packet to transmit.
    pub fn connect(&mut self, request: &ConnectRequest<'_>, now: Instant) -> Result<()> {
        debug_assert_eq!(self.state, State::Offline);
        let version = request.version;
        let mut properties = PropertyBuf::new();
        self.receive_maximum = request.receive_maximum.max(1);
        self.maximum_packet_size = DEFAULT_MAXIMUM_PACKET_SIZE;
        if version.has_properties() {
            request.properties.check(Place::Connect)?;
            properties = request.properties.clone();
            let own = properties.as_properties();
            let announced = own.number(PropertyId::ReceiveMaximum);
            if let Some(maximum) = own.number(PropertyId::MaximumPacketSize) {
                self.maximum_packet_size = maximum as usize;
            }
            self.inbound_aliases
                .reset(own.number(PropertyId::TopicAliasMaximum).unwrap_or(0) as u16);
            self.session_expiry = own.number(PropertyId::SessionExpiryInterval).unwrap_or(0);
            self.authentication_method = own
                .string(PropertyId::AuthenticationMethod)
                .map(str::to_owned);
            match announced {
                Some(maximum) => self.receive_maximum = maximum as u16,
                None => {
                    properties.push(PropertyId::ReceiveMaximum, Value::U16(self.receive_maximum))?
                }
            }
        } else {
            if !request.properties.is_empty() {
                return Err(Error::Caller(CallerError::NotSupported(
                    "properties below MQTT 5",
                )));
            }
            self.inbound_aliases.reset(0);
            self.session_expiry = 0;
            self.authentication_method = None;
            // MQTT-3.1.3-7
            if self.client_id.as_deref().is_none_or(str::is_empty) && !request.clean_start {
                return Err(Error::invalid(
                    "a session that is kept needs a client identifier",
                ));
            }
            // MQTT-3.1.2-22; MQTT 3.1 says the same in its section 3.1.
            if request.password.is_some() && request.username.is_none() {
                return Err(Error::invalid("password without a user name"));
            }
        }
        // Six fields of up to 65535 bytes, and what goes in front of them.
        let will_len = request.will.as_ref();
        let will_len = will_len.map_or(0, |will| will.properties.encoded_len());
        check_body(properties.as_properties().encoded_len() + will_len + 6 * 65_540)?;
        self.set_version(version);
        self.clean_start = request.clean_start;
        self.server = ServerLimits::default();
        self.outbound_aliases.reset(0);
        self.keep_alive = KeepAlive::new(request.keep_alive, now);
        self.transmit.clear();
        self.queued = 0;
        self.sent = 0;
        self.answers.clear(self.stats.control_sent);
        self.resume = Resume::Held;
        self.connection += 1;
        self.outstanding = 0;
        self.authenticating = false;
        self.server_disconnect = PropertyBuf::new();
        let client_id = self.client_id.take();
        self.queue(&Packet::Connect(Connect {
            version,
            clean_start: request.clean_start,
            keep_alive: request.keep_alive,
            properties: properties.as_properties(),
            client_id: client_id.as_deref().unwrap_or(""),
            will: request.will.clone(),
            username: request.username,
            password: request.password,
        }));
        self.client_id = client_id;
        log!(
            self,
            CONNECT_SENT,
            version.level(),
            request.clean_start,
            request.keep_alive
        );
        self.state = State::Connecting;
        Ok(())
    }

    /// Subscribes to `filters`, each with its options; `on_id` gets the packet identifier
    /// before anything can be sent.
    pub fn subscribe(
        &mut self,
        filters: &[(&str, SubscriptionOptions)],
        properties: Properties<'_>,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        // What is queued is sent when the host asks for it.
        self.subscribe_to(filters, properties)
            .inspect(|id| on_id(*id))
    }

    /// As [`Session::subscribe`].
    pub(crate) fn subscribe_to(
        &mut self,
        filters: &[(&str, SubscriptionOptions)],
        properties: Properties<'_>,
    ) -> Result<PacketId> {
        self.check_ready()?;
        if filters.is_empty() {
            return Err(Error::invalid("no topic filter"));
        }
        for (filter, options) in filters {
            self.check_filter(filter)?;
            // MQTT-3.8.3-4
            if options.no_local() && filter.starts_with("$share/") {
                return Err(Error::invalid("no local on a shared subscription"));
            }
        }
        self.check_properties(properties, Place::Subscribe)?;
        let filters_len: usize = filters.iter().map(|(filter, _)| filter.len() + 3).sum();
        check_body(2 + properties.encoded_len() + filters_len)?;
        // Below MQTT 5 there is only the QoS.
        let mut filters = filters.to_vec();
        if !self.version.has_properties() {
            for (_, options) in &mut filters {
                *options = options.without_flags();
            }
        }
        let packet_id = self.send_request(Request::Subscribe(filters.len()), |packet_id| {
            Packet::Subscribe(Subscribe {
                packet_id,
                properties,
                filters: filters.clone(),
            })
        })?;
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.asked(packet_id, &filters, properties);
        }
        for (filter, options) in filters {
            let flags = LogValue::Hex(options.byte() & 0xfc);
            log!(
                self,
                SUBSCRIBE_SENT,
                packet_id,
                filter,
                options.qos(),
                flags
            );
        }
        Ok(packet_id)
    }

    /// Ends the subscriptions to `filters`.
    pub fn unsubscribe(
        &mut self,
        filters: &[&str],
        properties: Properties<'_>,
        on_id: impl FnOnce(PacketId),
    ) -> Result<PacketId> {
        self.unsubscribe_from(filters, properties)
            .inspect(|id| on_id(*id))
    }

    /// As [`Session::unsubscribe`].
    pub(crate) fn unsubscribe_from(
        &mut self,
        filters: &[&str],
        properties: Properties<'_>,
    ) -> Result<PacketId> {
        self.check_ready()?;
        if filters.is_empty() {
            return Err(Error::invalid("no topic filter"));
        }
        for filter in filters {
            self.check_filter(filter)?;
        }
        self.check_properties(properties, Place::Unsubscribe)?;
        let filters_len: usize = filters.iter().map(|filter| filter.len() + 2).sum();
        check_body(2 + properties.encoded_len() + filters_len)?;
        let packet_id = self.send_request(Request::Unsubscribe(filters.len()), |packet_id| {
            Packet::Unsubscribe(Unsubscribe {
                packet_id,
                properties,
                filters: filters.to_vec(),
            })
        })?;
        if let Some(subscriptions) = &mut self.subscriptions {
            subscriptions.unasked(filters);
        }
        for filter in filters {
            log!(self, UNSUBSCRIBE_SENT, packet_id, *filter);
        }
        Ok(packet_id)
    }

    /// Sends a step of enhanced authentication (MQTT 5.0 section 4.12): a continuation
    /// while one is going on, or the start of a re-authentication.
    pub fn authenticate(
        &mut self,
        method: &str,
        data: Option<&[u8]>,
        properties: Properties<'_>,
    ) -> Result<()> {
        self.check_online()?;
        if !self.version.has_properties() {
            return Err(Error::Caller(CallerError::NotSupported(
                "authentication below MQTT 5",
            )));
        }
        if self.authentication_method.as_deref() != Some(method) {
            return Err(Error::invalid(
                "authentication method differs from CONNECT's",
            ));
        }
        let mut all = PropertyBuf::new();
        all.push(PropertyId::AuthenticationMethod, Value::String(method))?;
        if let Some(data) = data {
            all.push(PropertyId::AuthenticationData, Value::Binary(data))?;
        }
        for (id, value) in properties.iter() {
            all.push(id, value)?;
        }
        all.check(Place::Auth)?;
        check_body(1 + all.as_properties().encoded_len())?;
        let reauthenticate = self.state == State::Connected && !self.authenticating;
        let reason = if reauthenticate {
            ReasonCode::REAUTHENTICATE
        } else {
            ReasonCode::CONTINUE_AUTHENTICATION
        };
        let packet = self.encode(&Packet::Auth(Auth {
            reason,
            properties: all.as_properties(),
        }))?;
        self.queue_bytes(&packet);
        self.authenticating |= reauthenticate;
        log!(self, AUTH_SENT, reason);
        Ok(())
    }

    /// Queues DISCONNECT behind everything accepted so far that may be sent; the
    /// host closes the connection once it is transmitted.
    pub fn disconnect(
        &mut self,
        reason: ReasonCode,
        properties: Properties<'_>,
        now: Instant,
    ) -> Result<()> {
        // Programs do this when they hear of a refusal: then it is they who ended the
        // connection, and their loop ends without an error.
        if !self.refused {
            self.check_online()?;
        }
        // MQTT-3.14.2-1
        if self.version.has_properties() && !reason.allowed_in(reason_packets::DISCONNECT) {
            return Err(Error::invalid("reason code is none of DISCONNECT's"));
        }
        self.check_properties(properties, Place::Disconnect)?;
        check_body(1 + properties.encoded_len())?;
        // MQTT-3.14.2-2: no session may be asked for that CONNECT declined.
        if self.session_expiry == 0
            && properties
                .number(PropertyId::SessionExpiryInterval)
                .unwrap_or(0)
                != 0
        {
            return Err(Error::Caller(CallerError::InvalidProperty(
                "session expiry interval was 0 in CONNECT",
            )));
        }
        let packet = self.encode(&Packet::Disconnect(Disconnect { reason, properties }))?;
        // Messages that only waited for CONNACK or its callback go out first, so that
        // "connect, publish, disconnect" works without a loop in between.
        if self.check_ready().is_ok() {
            self.resume = Resume::Running;
            self.send_waiting(now);
        }
        self.queue_bytes(&packet);
        log!(self, DISCONNECT_SENT, reason);
        // From now on the peer has its time to take it.
        self.keep_alive.sent(now);
        self.state = State::Closing;
        self.refused = false;
        Ok(())
    }

    /// Whether DISCONNECT and AUTH may be sent.
    fn check_online(&self) -> Result<()> {
        match self.state {
            State::Connecting | State::Connected => Ok(()),
            State::Offline | State::Closing => Err(Error::Caller(CallerError::NotConnected)),
        }
    }

    /// Whether other packets may be sent: also before CONNACK, but not while CONNECT's
    /// enhanced authentication is going on (MQTT-3.1.2-30).
    pub(super) fn check_ready(&self) -> Result<()> {
        self.check_online()?;
        if self.state == State::Connecting && self.authentication_method.is_some() {
            return Err(Error::Caller(CallerError::NotConnected));
        }
        Ok(())
    }

    fn check_filter(&self, filter: &str) -> Result<()> {
        if !topic::is_filter(filter) {
            return Err(Error::invalid("topic filter"));
        }
        // MQTT-4.8.2-1 and -2; below MQTT 5 it is a filter like others.
        if self.version.has_properties() && !topic::is_share_complete(filter) {
            return Err(Error::invalid(
                "shared subscription without a share name or filter",
            ));
        }
        Ok(())
    }

    pub(super) fn check_properties(&self, properties: Properties<'_>, place: Place) -> Result<()> {
        if properties.is_empty() {
            return Ok(());
        }
        if !self.version.has_properties() {
            return Err(Error::Caller(CallerError::NotSupported(
                "properties below MQTT 5",
            )));
        }
        properties.check(place)
    }

    /// Sends a packet that the server answers by its packet identifier.
    fn send_request<'a>(
        &mut self,
        request: Request,
        packet: impl FnOnce(PacketId) -> Packet<'a>,
    ) -> Result<PacketId> {
        let packet_id = self.allocate_id()?;
        match self.encode(&packet(packet_id)) {
            Ok(bytes) => {
                self.requests.insert(packet_id, request);
                self.queue_bytes(&bytes);
                Ok(packet_id)
            }
            Err(error) => {
                self.ids.release(packet_id);
                Err(error)
            }
        }
    }

    /// The packet's bytes, if the server takes packets of that size.
    fn encode(&self, packet: &Packet<'_>) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(64); // most need no more
        packet.encode(&mut bytes, self.version);
        self.check_size(bytes.len())?;
        Ok(bytes)
    }

    fn queue_bytes(&mut self, bytes: &[u8]) {
        self.transmit
            .append_with(|out| out.extend_from_slice(bytes));
        self.queued += bytes.len() as u64;
    }
}

/// Whether a packet can be this long behind its fixed header at all.
fn check_body(len: usize) -> Result<()> {
    if len > VARINT_MAX as usize {
        Err(Error::Caller(CallerError::OversizePacket))
    } else {
        Ok(())
    }
}
