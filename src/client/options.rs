//! Everything a program can set on a client, with its defaults.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::codec::PropertyBuf;
use crate::error::Result;
use crate::transport::{Proxy, TlsSettings, CONNECT_TIMEOUT};
use crate::types::{ProtocolVersion, QoS};

/// The settings of one client. Changes take effect with the next connection attempt,
/// but for the fields that say otherwise.
#[derive(Debug)]
#[non_exhaustive]
pub struct Options {
    /// MQTT version; 3.1.1 by default.
    pub protocol_version: ProtocolVersion,
    /// User name sent in CONNECT.
    pub username: Option<String>,
    /// Password sent in CONNECT.
    pub password: Option<Vec<u8>>,
    /// The last will.
    pub will: Option<Box<WillMessage>>,
    /// How many QoS 1 and 2 messages the server may send unacknowledged; 20 by default.
    /// MQTT 5 announces it as Receive Maximum.
    pub receive_maximum: u16,
    /// How many QoS 1 and 2 messages we send unacknowledged; 20 by default, 0 for no limit but
    /// half of the packet identifiers. Takes effect at once.
    pub send_maximum: u16,
    /// Switches Nagle's algorithm off (`TCP_NODELAY`); off by default.
    pub tcp_nodelay: bool,
    /// When to reconnect. Takes effect with the next lost connection.
    pub reconnect_delay: ReconnectDelay,
    /// Most clients take the plain one, which they share.
    route: Arc<Route>,
}

/// How the network connection is made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Route {
    /// Local address or interface address to connect from.
    pub bind_address: Option<String>,
    /// What carries MQTT.
    pub transport: TransportKind,
    /// The path of the WebSocket endpoint; `/mqtt` by default.
    pub http_path: Option<String>,
    /// TLS, when it was asked for.
    pub tls: TlsSettings,
    /// Header fields for the WebSocket upgrade request.
    pub http_headers: Vec<(String, String)>,
    /// The proxy to connect through.
    pub proxy: Option<Proxy>,
    /// How long an attempt to connect may take, from the look-up of the name to the last
    /// handshake before CONNECT; 30 s by default.
    pub connect_timeout: Duration,
}

static PLAIN: LazyLock<Arc<Route>> = LazyLock::new(Arc::default);

impl Options {
    /// How the network connection is made; an attempt takes it as it is when it begins.
    pub fn route(&self) -> &Arc<Route> {
        &self.route
    }

    /// The same, to change it.
    pub fn route_mut(&mut self) -> &mut Route {
        Arc::make_mut(&mut self.route)
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            protocol_version: ProtocolVersion::V311,
            username: None,
            password: None,
            will: None,
            receive_maximum: 20,
            send_maximum: 20,
            tcp_nodelay: false,
            reconnect_delay: ReconnectDelay::default(),
            route: Arc::clone(&PLAIN),
        }
    }
}

impl Default for Route {
    fn default() -> Self {
        Route {
            bind_address: None,
            transport: TransportKind::Tcp,
            http_path: None,
            tls: TlsSettings::default(),
            http_headers: Vec::new(),
            proxy: None,
            connect_timeout: CONNECT_TIMEOUT,
        }
    }
}

/// A last will that owns its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WillMessage {
    /// Topic name.
    pub topic: String,
    /// Payload, at most 65535 bytes.
    pub payload: Vec<u8>,
    /// QoS.
    pub qos: QoS,
    /// Whether the server retains it.
    pub retain: bool,
    /// MQTT 5 will properties.
    pub properties: PropertyBuf,
}

/// What carries MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// TCP, or TLS over TCP.
    Tcp,
    /// WebSocket.
    WebSocket,
}

/// The delay between a lost connection and the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReconnectDelay {
    /// The first delay; 1 s by default.
    pub min: Duration,
    /// The longest delay; 1 s by default.
    pub max: Duration,
    /// Double the delay each time instead of adding `min`.
    pub exponential: bool,
}

impl Default for ReconnectDelay {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        ReconnectDelay {
            min: second,
            max: second,
            exponential: false,
        }
    }
}

/// How the server of a [`Target`] is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    /// Host name or address and TCP port; the path of a Unix socket with port 0.
    Host(String, u16),
    /// The next one of the program's list.
    List,
    /// The domain whose DNS SRV records name it.
    Domain(String),
}

impl Server {
    /// That of a domain; fails where `name` cannot be one.
    pub fn domain(name: String) -> Result<Self> {
        #[cfg(feature = "srv")]
        {
            crate::transport::check_domain(&name)?;
            Ok(Server::Domain(name))
        }
        #[cfg(not(feature = "srv"))]
        {
            let _ = name;
            let what = "DNS SRV look-up, in this build";
            Err(crate::error::CallerError::NotSupported(what).into())
        }
    }
}

/// Where a client connects to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The server.
    pub server: Server,
    /// Keep alive in seconds, 0 for none.
    pub keep_alive: u16,
    /// MQTT 5 properties of CONNECT.
    pub properties: PropertyBuf,
}
