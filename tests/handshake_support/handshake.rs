//! What stands before MQTT, on both sides.

use std::sync::{Arc, OnceLock};

use rustls::ServerConfig;

use super::super::support::Client;
use super::certificates::certificates;
use super::layers::{HttpConnect, Layer, Mqtt, Socks5, WebSocket};
use super::settings::{Login, Settings};
use super::tls::{self, Tls};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    Socks5,
    Socks5Password,
    HttpConnect,
    WebSocket,
    Tls12,
    Tls13,
    /// TLS 1.3 with what the server sends after the handshake, for later resumption.
    Tls13Tickets,
    /// TLS 1.3 with the session of an earlier connection.
    Tls13Resumed,
    /// WebSocket in TLS 1.3.
    SecureWebSocket,
}
use Handshake::*;

/// Makes a test for each handshake out of each function named, which takes the handshake.
macro_rules! for_each_handshake {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            use $crate::handshake_support::Handshake;

            #[test]
            fn socks5() {
                super::$name(Handshake::Socks5);
            }
            #[test]
            fn socks5_with_password() {
                super::$name(Handshake::Socks5Password);
            }
            #[test]
            fn http_connect() {
                super::$name(Handshake::HttpConnect);
            }
            #[test]
            fn websocket() {
                super::$name(Handshake::WebSocket);
            }
            #[test]
            fn tls_1_2() {
                super::$name(Handshake::Tls12);
            }
            #[test]
            fn tls_1_3() {
                super::$name(Handshake::Tls13);
            }
            #[test]
            fn tls_1_3_with_tickets() {
                super::$name(Handshake::Tls13Tickets);
            }
            #[test]
            fn tls_1_3_resumed() {
                super::$name(Handshake::Tls13Resumed);
            }
            #[test]
            fn secure_websocket() {
                super::$name(Handshake::SecureWebSocket);
            }
        })*
    };
}
pub(crate) use for_each_handshake;

impl Handshake {
    pub fn has_tls(self) -> bool {
        matches!(
            self,
            Tls12 | Tls13 | Tls13Tickets | Tls13Resumed | SecureWebSocket
        )
    }

    /// Whether the server goes on with the handshake when the client is through with it.
    pub fn has_tickets(self) -> bool {
        matches!(self, Tls13Tickets | Tls13Resumed)
    }

    /// A well-behaved server for one connection.
    pub fn server(self) -> Box<dyn Layer> {
        let mqtt = Box::new(Mqtt::default());
        let tls12 = &[&rustls::version::TLS12];
        let tls13 = &[&rustls::version::TLS13];
        match self {
            Socks5 => Box::new(Socks5::new(None, mqtt)),
            Socks5Password => Box::new(Socks5::new(Some(login()), mqtt)),
            HttpConnect => Box::new(HttpConnect::new(mqtt)),
            WebSocket => Box::new(WebSocket::new(mqtt)),
            Tls12 => Box::new(Tls::new(tls::config("server", tls12, 0), mqtt)),
            Tls13 => Box::new(Tls::new(tls::config("server", tls13, 0), mqtt)),
            Tls13Tickets => Box::new(Tls::new(tls::config("server", tls13, 2), mqtt)),
            Tls13Resumed => {
                static SHARED: OnceLock<Arc<ServerConfig>> = OnceLock::new();
                let config = SHARED.get_or_init(|| tls::config("server", tls13, 2));
                Box::new(Tls::new(config.clone(), mqtt))
            }
            SecureWebSocket => {
                let websocket = Box::new(WebSocket::new(mqtt));
                Box::new(Tls::new(tls::config("server", tls13, 0), websocket))
            }
        }
    }

    /// Sets a client up for such a server at 127.0.0.1.
    pub fn configure(self, client: &Client, port: u16) {
        match self {
            Socks5 => client.socks5(port, None),
            Socks5Password => client.socks5(port, Some(&login())),
            HttpConnect => client.http_proxy(port, None),
            WebSocket | SecureWebSocket => client.websocket("/mqtt"),
            // Settings of its own keep others from using up its sessions.
            Tls13Resumed => client.alpn("mqtt"),
            Tls12 | Tls13 | Tls13Tickets => {}
        }
        if self.has_tls() {
            client.tls(&certificates().text("ca.crt"));
        }
    }
}

fn login() -> Login {
    Login::new("name", "word")
}
