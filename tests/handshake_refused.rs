//! Settings of TLS that cannot be had: there is no connection until they are made good, neither
//! in the clear nor to a server whose certificate nobody checked.

#![cfg(all(feature = "tls", feature = "websocket"))]

mod handshake_support;
mod support;

use std::net::TcpStream;

use handshake_support::layers::Mqtt;
use handshake_support::log::Log;
use handshake_support::tls::{self, Tls};
use handshake_support::tls_settings::*;
use handshake_support::*;
use support::*;

/// Makes a test of each setting: it is made, and what it returned is not looked at.
macro_rules! settings {
    ($($name:ident: |$client:ident| $set:expr;)*) => {
        $(#[test]
        fn $name() {
            check(|$client: Handle| {
                $set;
            });
        })*
    };
}

settings! {
    a_ca_file_that_is_not_there: |m| files(m, Some("/nonexistent"), None, None);
    a_ca_file_without_a_certificate: |m| files(m, ca(&file("garbage.crt")), None, None);
    an_empty_ca_file: |m| files(m, ca(&file("empty.crt")), None, None);
    a_ca_file_that_is_a_folder: |m| files(m, ca(&file("capath")), None, None);
    a_ca_file_with_a_key_in_it: |m| files(m, ca(&file("ca.key")), None, None);
    a_ca_folder_that_is_not_there: |m| folder(m, "/nonexistent");
    a_ca_folder_without_certificates: |m| folder(m, &empty_folder());
    an_unreadable_ca_file_after_a_good_one: |m| {
        files(m, ca(&file("ca.crt")), None, None);
        files(m, Some("/nonexistent"), None, None)
    };
    a_certificate_without_a_key: |m| files(m, ca(&file("ca.crt")), Some(&file("client.crt")), None);
    a_key_without_a_certificate: |m| files(m, ca(&file("ca.crt")), None, Some(&file("client.key")));
    a_certificate_that_is_not_there: |m| pair(m, "/nonexistent", &file("client.key"));
    a_certificate_file_without_a_certificate: |m| pair(m, &file("garbage.crt"), &file("client.key"));
    a_key_that_is_not_there: |m| pair(m, &file("client.crt"), "/nonexistent");
    a_key_file_without_a_key: |m| pair(m, &file("client.crt"), &file("garbage.crt"));
    a_key_of_another_certificate: |m| pair(m, &file("client.crt"), &file("server.key"));
    an_encrypted_key_without_a_password: |m| pair_with(m, "client.pkcs8-aes256.key", Some(no_password));
    an_encrypted_key_with_another_password: |m| pair_with(m, "client.pkcs8-aes256.key", Some(wrong_password));
    an_old_encrypted_key_with_another_password: |m| pair_with(m, "client.old-aes256.key", Some(wrong_password));
    a_version_that_does_not_exist: |m| { good(m); opts(m, 1, Some("tlsv9"), None) };
    ciphers_that_do_not_exist: |m| { good(m); opts(m, 1, None, Some("NOT-A-CIPHER")) };
    no_cipher_at_all: |m| { good(m); opts(m, 1, None, Some("!ALL")) };
    no_verification_and_then_ciphers_that_do_not_exist: |m| {
        good(m);
        opts(m, 0, None, Some("NOT-A-CIPHER"))
    };
    no_verification_with_a_version_that_does_not_exist: |m| {
        good(m);
        opts(m, 0, Some("tlsv9"), None)
    };
    a_pre_shared_key: |m| psk(m, "00ff");
    a_pre_shared_key_that_is_none: |m| psk(m, "not hexadecimal");
    an_engine_of_openssl: |m| string(m, MOSQ_OPT_TLS_ENGINE, "pkcs11");
    a_required_ocsp_answer: |m| { good(m); let _ = m.int_option(MOSQ_OPT_TLS_OCSP_REQUIRED, 1); };
    ca_certificates_that_are_none: |m| memory(mqttrs_tls_ca_set, m, b"garbage");
    ca_certificates_of_no_bytes: |m| memory(mqttrs_tls_ca_set, m, b"");
    ca_certificates_cut_short: |m| memory(mqttrs_tls_ca_set, m, &bytes("ca.crt")[..200]);
    a_certificate_in_memory_that_is_none: |m| certificate(m, b"garbage", &bytes("client.key"));
    a_key_in_memory_that_is_none: |m| certificate(m, &bytes("client.crt"), b"garbage");
    a_key_in_memory_of_another_certificate: |m| certificate(m, &bytes("client.crt"), &bytes("server.key"));
    revocation_lists_that_are_none: |m| memory(mqttrs_tls_crl_set, m, b"garbage");
    a_revocation_list_cut_short: |m| { good(m); memory(mqttrs_tls_crl_set, m, &bytes("ca.crl")[..200]) };
    a_revocation_list_of_version_1: |m| { good(m); memory(mqttrs_tls_crl_set, m, &bytes("other-ca.crl")) };
    a_file_of_revocation_lists_that_is_not_there: |m| { good(m); text(mqttrs_tls_crl_file_set, m, "/nonexistent") };
    a_file_of_revocation_lists_without_any: |m| { good(m); text(mqttrs_tls_crl_file_set, m, &file("garbage.crt")) };
    pins_that_are_none: |m| text(mqttrs_tls_pins_set, m, "sha256//short");
    pins_that_are_none_for_a_trusted_server: |m| { good(m); text(mqttrs_tls_pins_set, m, "sha1//") };
    an_empty_application_protocol: |m| { good(m); alpn(m, &[c""]) };
    a_key_log_that_cannot_be_written: |m| { good(m); text(mqttrs_tls_keylog_set, m, "/nonexistent/file") };
    // With what would make the server's certificate good in any case.
    an_unreadable_ca_file_and_no_comparison_of_names: |m| {
        insecure(m, true);
        files(m, Some("/nonexistent"), None, None)
    };
}

#[test]
fn a_way_to_verify_that_does_not_exist_is_the_safe_one() {
    for peer in [Peer::Plain, Peer::Foreign, Peer::Right] {
        let server = peer.start();
        for way in WAYS {
            let mut subject = Subject::unconfigured(way, server.port());
            good(*subject.client);
            assert_eq!(opts(*subject.client, 2, None, None), MOSQ_ERR_INVAL);
            connects_to_the_right_one(peer, &server, &mut subject);
        }
    }
}

/// Servers that would take any client.
#[derive(Debug, Clone, Copy)]
enum Peer {
    /// Without TLS.
    Plain,
    /// With a certificate of another authority.
    Foreign,
    /// With a certificate of the right authority.
    Right,
}

fn check(set: impl Fn(Handle)) {
    for peer in [Peer::Plain, Peer::Foreign, Peer::Right] {
        let server = peer.start();
        for way in WAYS {
            let mut subject = Subject::unconfigured(way, server.port());
            set(*subject.client);
            server.play(Trick::Nothing);
            fails(&mut subject);
            // Again, as a program would try.
            fails(&mut subject);
            assert_ne!(subject.client.last_error(), "");
            let nobody_came = visit(&server);
            assert!(nobody_came, "{peer:?}, {way:?}");
            // Once everything is in order there is a connection, and a safe one.
            make_good(*subject.client);
            connects_to_the_right_one(peer, &server, &mut subject);
        }
    }
}

fn connects_to_the_right_one(peer: Peer, server: &Server, subject: &mut Subject) {
    server.play(Trick::Nothing);
    let outcome = subject.attempt();
    if matches!(peer, Peer::Right) {
        let error = subject.client.last_error();
        assert_eq!(outcome, Outcome::Connected, "{error}");
        subject.finish(server);
    } else {
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        let report = server.report();
        assert!(!report.raw.is_empty());
        assert!(!has_connect(&report.raw) && !has_connect(&report.mqtt));
    }
}

impl Peer {
    fn start(self) -> Server {
        Server::start_with(move || {
            let mqtt = Box::new(Mqtt::default());
            let certificate = match self {
                Peer::Plain => return mqtt,
                Peer::Foreign => "server-other-ca",
                Peer::Right => "server",
            };
            Box::new(Tls::new(
                tls::config(certificate, rustls::ALL_VERSIONS, 0),
                mqtt,
            ))
        })
    }
}

/// An attempt that fails before it reaches the network.
fn fails(subject: &mut Subject) {
    if subject.way != Way::Thread {
        let outcome = match subject.begin() {
            Ok(()) => subject.outcome(),
            Err(outcome) => outcome,
        };
        assert!(matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        return;
    }
    let log = Log::of(&subject.client);
    subject.client.loop_start().unwrap();
    subject.client.connect_async(subject.port, 60).unwrap();
    log.wait_for("Unable to connect");
    subject.client.loop_stop(true).unwrap();
    assert_eq!(subject.client.try_event(), None);
}

/// Connects to the server, and says whether this is the first connection that it sees.
fn visit(server: &Server) -> bool {
    let ours = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let port = ours.local_addr().unwrap().port();
    drop(ours);
    server.report().client == port
}

fn has_connect(bytes: &[u8]) -> bool {
    bytes.windows(6).any(|window| window == b"\0\x04MQTT")
}
