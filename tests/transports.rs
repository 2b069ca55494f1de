//! The same conversation over every way to a broker, driven in every way.
//!
//! A line of the table is what carries MQTT and what it goes through; each is driven by
//! `mosquitto_loop`, by a program's own event loop, and by `loop_start`, with the broker's host
//! given as an IPv4 address, as a name, and as an IPv6 address.

#![cfg(all(feature = "tls", feature = "websocket"))]

mod support;
mod transport_support;

use support::Drive;
use transport_support::script::check;
use transport_support::{Host, Link::*, Through::*};

const HOSTS: &[Host] = &[Host::V4, Host::Name, Host::V6];
const UNIX: &[Host] = &[Host::Unix];

macro_rules! routes {
    ($($name:ident = $link:expr, $through:expr, $hosts:expr;)*) => {
        $(mod $name {
            use super::*;

            #[test]
            fn driven_by_mosquitto_loop() {
                check($link, $through, $hosts, Drive::Loop);
            }

            #[test]
            fn driven_by_a_foreign_loop() {
                check($link, $through, $hosts, Drive::Foreign);
            }

            #[test]
            fn driven_by_loop_start() {
                check($link, $through, $hosts, Drive::Thread);
            }
        })*
    };
}

routes! {
    tcp = Tcp, Nothing, HOSTS;
    tcp_over_socks5 = Tcp, Socks5, HOSTS;
    tcp_over_socks5_with_password = Tcp, Socks5Password, HOSTS;
    tcp_over_http = Tcp, Http, HOSTS;
    tcp_over_http_with_password = Tcp, HttpPassword, HOSTS;
    tls = Tls, Nothing, HOSTS;
    tls_over_socks5 = Tls, Socks5, HOSTS;
    tls_over_socks5_with_password = Tls, Socks5Password, HOSTS;
    tls_over_http = Tls, Http, HOSTS;
    tls_over_http_with_password = Tls, HttpPassword, HOSTS;
    websocket = Ws, Nothing, HOSTS;
    websocket_over_socks5 = Ws, Socks5, HOSTS;
    websocket_over_socks5_with_password = Ws, Socks5Password, HOSTS;
    websocket_over_http = Ws, Http, HOSTS;
    websocket_over_http_with_password = Ws, HttpPassword, HOSTS;
    secure_websocket = Wss, Nothing, HOSTS;
    secure_websocket_over_socks5 = Wss, Socks5, HOSTS;
    secure_websocket_over_socks5_with_password = Wss, Socks5Password, HOSTS;
    secure_websocket_over_http = Wss, Http, HOSTS;
    secure_websocket_over_http_with_password = Wss, HttpPassword, HOSTS;
    unix_socket = Tcp, Nothing, UNIX;
    websocket_on_a_unix_socket = Ws, Nothing, UNIX;
}
