//! What lies between a connected socket and MQTT: nothing, TLS, WebSocket, or both.

use socket2::Socket;

use super::Stream;
#[cfg(feature = "websocket")]
use super::{socket::Quiet, websocket::Carrier, WebSocketRequest, WebSocketStream};
#[cfg(feature = "tls")]
use super::{TlsConfig, TlsStream};
use crate::error::Result;

/// The layers of a connection; none by default.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// TLS with this configuration.
    #[cfg(feature = "tls")]
    pub tls: Option<TlsConfig>,
    /// WebSocket, asking for this path.
    #[cfg(feature = "websocket")]
    pub websocket_path: Option<String>,
}

impl Layers {
    /// The stream over `socket`, connected to `host`.
    pub(super) fn wrap(&self, socket: Socket, host: &str, port: u16) -> Result<Stream> {
        // Not every combination of features uses both.
        let _ = (host, port);
        #[cfg(feature = "websocket")]
        if let Some(path) = &self.websocket_path {
            let request = WebSocketRequest {
                host: host.to_owned(),
                port,
                path: path.clone(),
                secure: self.has_tls(),
            };
            #[cfg(feature = "tls")]
            let carrier = match &self.tls {
                Some(config) => Carrier::Tls(Box::new(TlsStream::new(socket, config, host)?)),
                None => Carrier::Socket(Quiet(socket)),
            };
            #[cfg(not(feature = "tls"))]
            let carrier = Carrier::Socket(Quiet(socket));
            return WebSocketStream::new(carrier, &request)
                .map(|stream| Stream::WebSocket(Box::new(stream)))
                .map_err(|error| super::stream_error("WebSocket upgrade", &error));
        }
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            return Ok(Stream::Tls(Box::new(TlsStream::new(socket, config, host)?)));
        }
        Ok(Stream::Socket(socket))
    }

    #[cfg(feature = "websocket")]
    fn has_tls(&self) -> bool {
        #[cfg(feature = "tls")]
        return self.tls.is_some();
        #[cfg(not(feature = "tls"))]
        false
    }
}
