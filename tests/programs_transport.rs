//! Debian's `mosquitto_pub`, `mosquitto_sub` and `mosquitto_rr`, not rebuilt, over TLS, Unix
//! sockets and SOCKS5: on our library they end as on Debian's, in success and in each failure.
//!
//! The cases are written and compared as those of `programs.rs`. Needs Debian's packages
//! `mosquitto`, `mosquitto-clients`, `openssl` and `microsocks`.

#[path = "programs/broker.rs"]
mod broker;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "programs/compare.rs"]
mod compare;
#[path = "programs/library.rs"]
mod library;
#[path = "programs/proxy.rs"]
mod proxy;
#[path = "programs/run.rs"]
mod run;
#[path = "programs/script.rs"]
mod script;
#[path = "programs/transport/mod.rs"]
mod transport;
#[path = "programs/wire.rs"]
mod wire;
