//! Points of a handshake where a server can fall silent.

use super::super::support::*;
use super::route::{Host, Link, Path, Route, Rules, Through};
use super::settings::Settings;
use super::Gate;

/// The client has sent something and nothing has been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// SOCKS5: the methods.
    Greeting,
    /// SOCKS5: the address.
    Request,
    /// HTTP's CONNECT.
    HttpConnect,
    /// TLS: the ClientHello.
    Hello,
    /// WebSocket: the upgrade.
    Upgrade,
}

impl Stage {
    /// The servers of this way, where the one of this stage is silent until the gate opens.
    pub fn start(self, link: Link, through: Through) -> (Path, Gate) {
        let gate = Gate::new();
        let mut rules = Rules::default();
        let place = match self {
            Stage::Greeting => &mut rules.socks5.greeting_gate,
            Stage::Request => &mut rules.socks5.request_gate,
            Stage::HttpConnect => &mut rules.http_proxy.gate,
            Stage::Hello => &mut rules.tls.gate,
            Stage::Upgrade => &mut rules.websocket.gate,
        };
        *place = Some(gate.clone());
        (Route::new(link, through, Host::V4).start_with(rules), gate)
    }

    /// The same with a client that has begun to connect.
    pub fn connecting(self, link: Link, through: Through, drive: Drive) -> (Path, Gate, Client) {
        let (path, gate) = self.start(link, through);
        let mut client = Client::new(Version::V5, Some("t"), true);
        client.drive = drive;
        path.configure(&client);
        let code = client.connect_async_to(&path.host, path.port, 60);
        assert_eq!(code, MOSQ_ERR_SUCCESS, "{}", client.last_error());
        (path, gate, client)
    }
}

/// Makes, of each function named, a test for each stage; the function takes the stage, the
/// link and what it goes through.
macro_rules! each_stage {
    ($($name:ident),* $(,)?) => {
        $(mod $name {
            use crate::transport_support::{Link::*, Stage::*, Through::*};

            #[test]
            fn while_a_socks5_proxy_chooses_a_method() {
                super::$name(Greeting, Tcp, Socks5);
            }

            #[test]
            fn while_a_socks5_proxy_checks_the_password() {
                super::$name(Greeting, Wss, Socks5Password);
            }

            #[test]
            fn while_a_socks5_proxy_connects() {
                super::$name(Request, Tls, Socks5);
            }

            #[test]
            fn while_an_http_proxy_connects() {
                super::$name(HttpConnect, Wss, Http);
            }

            #[test]
            fn while_the_server_says_no_hello() {
                super::$name(Hello, Tls, Nothing);
            }

            #[test]
            fn while_the_server_behind_a_proxy_says_no_hello() {
                super::$name(Hello, Wss, HttpPassword);
            }

            #[test]
            fn while_the_server_does_not_upgrade() {
                super::$name(Upgrade, Ws, Nothing);
            }

            #[test]
            fn while_the_server_does_not_upgrade_on_tls() {
                super::$name(Upgrade, Wss, Nothing);
            }

            #[test]
            fn while_the_server_behind_a_proxy_does_not_upgrade() {
                super::$name(Upgrade, Wss, Socks5);
            }
        })*
    };
}
pub(crate) use each_stage;
