//! What lies between a connected socket and MQTT: nothing, TLS, WebSocket, or both.

use socket2::Socket;

use super::Stream;
#[cfg(feature = "websocket")]
use super::{websocket::Carrier, WebSocketOptions, WebSocketStream};
#[cfg(feature = "tls")]
use super::{TlsConfig, TlsStream};
use crate::error::Result;

/// The layers of a connection; none by default.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// TLS with this configuration.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsConfig>,
    /// WebSocket, asking for this resource.
    #[cfg(feature = "websocket")]
    pub websocket: Option<WebSocketOptions>,
}

impl Layers {
    /// The stream over `socket`, which leads to `host`.
    pub(super) fn wrap(&self, socket: Socket, host: &str, port: u16) -> Result<Stream> {
        // A path is no name: what listens at a Unix socket is this host.
        let host = if port == 0 { "localhost" } else { host };
        // Not every combination of features uses both.
        let _ = (host, port);
        #[cfg(feature = "websocket")]
        if let Some(options) = &self.websocket {
            #[cfg(feature = "tls")]
            let carrier = match &self.tls {
                Some(config) => Carrier::tls(TlsStream::new(socket, config, host)?),
                None => Carrier::socket(socket),
            };
            #[cfg(not(feature = "tls"))]
            let carrier = Carrier::socket(socket);
            return WebSocketStream::new(carrier, options, host, port)
                .map(|stream| Stream::WebSocket(Box::new(stream)));
        }
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            return Ok(Stream::Tls(Box::new(TlsStream::new(socket, config, host)?)));
        }
        Ok(Stream::Socket(socket))
    }
}
