//! The calls of `mqttrs.h` about TLS, and what becomes of settings that were refused, against
//! a server of the test's own: which one connects, which one does not, and in which words.

#![cfg(feature = "ring")] // the server's
#![allow(clippy::undocumented_unsafe_blocks)]

#[path = "support/mod.rs"]
mod support;
#[path = "tls_support/mod.rs"]
mod tls_support;

use std::ffi::{c_char, c_int, c_void, CString};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::ptr;

use rustls::{AlertDescription, Error};
use support::{
    mosquitto_int_option, mosquitto_string_option, MOSQ_ERR_CONN_LOST, MOSQ_ERR_INVAL,
    MOSQ_ERR_NOT_SUPPORTED, MOSQ_ERR_SUCCESS, MOSQ_ERR_TLS,
};
use tls_support::api::*;
use tls_support::{certificate, pin, Ca, Client, Folder, Pair, Server};

const OK: c_int = MOSQ_ERR_SUCCESS;

#[test]
fn authorities_are_trusted_from_memory_in_pem_and_in_der() {
    let ca = Ca::new("CA");
    for data in [ca.pem(), ca.der()] {
        let mut server = Server::start(&Pair::server(&ca));
        let client = Client::new();
        assert_eq!(client.set(mqttrs_tls_ca_set, &data), OK);
        assert_eq!(client.connect(&mut server), Ok(()));
        assert_eq!(server.result().unwrap().certificates, 0);
    }
}

#[test]
fn an_unknown_authority_is_named_and_the_server_is_told() {
    let (ca, other) = (Ca::new("CA"), Ca::new("Other CA"));
    let mut server = Server::start(&Pair::server(&other));
    let client = Client::trusting(&ca);
    let (code, text) = client.connect(&mut server).unwrap_err();
    assert_eq!(code, MOSQ_ERR_TLS);
    assert!(
        text.contains(
            "server certificate \"CN=server\": unknown issuer \"CN=Other CA\" \
             (trusted: certificates in memory)"
        ),
        "{text}"
    );
    server.expect_alert(AlertDescription::UnknownCA);
}

#[test]
fn a_certificate_for_another_host_is_refused_by_the_alert_bad_certificate() {
    let ca = Ca::new("CA");
    let mut server = Server::start(&Pair::new(certificate("server", &["other.example"]), &ca));
    let client = Client::trusting(&ca);
    let (code, text) = client.connect(&mut server).unwrap_err();
    assert_eq!(code, MOSQ_ERR_TLS);
    assert!(
        text.contains("name \"127.0.0.1\" is not among \"other.example\""),
        "{text}"
    );
    server.expect_alert(AlertDescription::BadCertificate);
}

#[test]
fn an_expired_certificate_is_refused_with_its_date() {
    let ca = Ca::new("CA");
    let mut params = certificate("server", &["127.0.0.1"]);
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let mut server = Server::start(&Pair::new(params, &ca));
    let (_, text) = Client::trusting(&ca).connect(&mut server).unwrap_err();
    assert!(
        text.contains("expired on 2020-01-01 00:00:00 UTC"),
        "{text}"
    );
    server.expect_alert(AlertDescription::CertificateExpired);
}

#[test]
fn a_client_certificate_from_memory_is_shown_to_the_server() {
    let ca = Ca::new("CA");
    let alice = Pair::client(&ca);
    for (cert, key) in [
        (alice.cert_pem(), alice.key_pem()),
        (alice.cert_der(), alice.key_der()),
    ] {
        let mut server = Server::demanding_certificates(&ca);
        let client = Client::trusting(&ca);
        assert_eq!(client.set_certificate(&cert, &key), OK);
        assert_eq!(client.connect(&mut server), Ok(()));
        assert_eq!(server.result().unwrap().certificates, 1);
    }
}

#[test]
fn an_encrypted_key_from_memory_is_opened_with_the_callbacks_password() {
    let ca = Ca::new("CA");
    let alice = Pair::client(&ca);
    let key = alice.encrypted_key("secret");
    let failing = Client::trusting(&ca);
    assert_eq!(failing.set_certificate(&alice.cert_pem(), &key), OK);
    let mut server = Server::demanding_certificates(&ca);
    let (code, text) = failing.connect(&mut server).unwrap_err();
    assert_eq!(code, MOSQ_ERR_TLS);
    assert!(
        text.contains("client key in memory: it is encrypted, and no password"),
        "{text}"
    );
    failing.set_password(wrong);
    let (_, text) = failing.connect(&mut server).unwrap_err();
    assert!(
        text.contains("client key in memory: it cannot be decrypted: the password"),
        "{text}"
    );

    failing.set_password(secret);
    assert_eq!(failing.connect(&mut server), Ok(()));
    assert_eq!(server.result().unwrap().certificates, 1);
}

unsafe extern "C" fn secret(buf: *mut c_char, size: c_int, _: c_int, _: *mut c_void) -> c_int {
    unsafe { write_password(b"secret", buf, size) }
}

unsafe extern "C" fn wrong(buf: *mut c_char, size: c_int, _: c_int, _: *mut c_void) -> c_int {
    unsafe { write_password(b"wrong", buf, size) }
}

unsafe fn write_password(password: &[u8], buf: *mut c_char, size: c_int) -> c_int {
    assert!(size as usize > password.len());
    unsafe { ptr::copy_nonoverlapping(password.as_ptr().cast(), buf, password.len()) };
    password.len() as c_int
}

#[test]
fn a_server_that_misses_a_client_certificate_is_quoted() {
    let ca = Ca::new("CA");
    let mut server = Server::demanding_certificates(&ca);
    let (code, text) = Client::trusting(&ca).connect(&mut server).unwrap_err();
    // In TLS 1.3 our side of the handshake is over by then.
    assert_eq!(code, MOSQ_ERR_CONN_LOST);
    assert!(
        text.contains(
            "the server refused us: certificate required (no client certificate was given)"
        ),
        "{text}"
    );
    assert_eq!(server.result().unwrap_err(), Error::NoCertificatesPresented);
}

#[test]
fn a_server_that_does_not_know_our_authority_is_quoted_with_our_certificate() {
    let (ca, other) = (Ca::new("CA"), Ca::new("Other CA"));
    let alice = Pair::client(&other);
    let mut server = Server::demanding_certificates(&ca);
    let client = Client::trusting(&ca);
    assert_eq!(
        client.set_certificate(&alice.cert_pem(), &alice.key_pem()),
        OK
    );
    let (_, text) = client.connect(&mut server).unwrap_err();
    assert!(text.contains("the server refused us: "), "{text}");
    assert!(text.contains("(client certificate \"CN=alice\")"), "{text}");
}

#[test]
fn revoked_certificates_are_refused_by_lists_in_memory_and_in_files() {
    let ca = Ca::new("CA");
    let folder = Folder::new("crl");
    let pair = Pair::server(&ca);
    let (about_it, about_others) = (ca.revoke(&[pair.serial()]), ca.revoke(&[99]));
    for (list, revoked) in [(about_it, true), (about_others, false)] {
        for in_file in [true, false] {
            let client = Client::trusting(&ca);
            let set = match in_file {
                true => client.set_text(mqttrs_tls_crl_file_set, &folder.write("crl", &list)),
                false => client.set(mqttrs_tls_crl_set, &list),
            };
            assert_eq!(set, OK);
            let mut server = Server::start(&pair);
            let outcome = client.connect(&mut server);
            if !revoked {
                assert_eq!(outcome, Ok(()));
                continue;
            }
            let (code, text) = outcome.unwrap_err();
            assert_eq!(code, MOSQ_ERR_TLS);
            assert!(
                text.contains("\"CN=server\": revoked by its issuer"),
                "{text}"
            );
            server.expect_alert(AlertDescription::CertificateRevoked);
        }
    }
}

#[test]
fn a_servers_key_has_to_be_among_the_pinned_ones_even_if_nothing_else_is_checked() {
    let ca = Ca::new("CA");
    let (pinned, other) = (Pair::server(&ca), Pair::server(&ca));
    let pins = format!("{};{}", pin(&Pair::server(&ca)), pin(&pinned));
    for verify in [1, 0] {
        for (pair, fits) in [(&pinned, true), (&other, false)] {
            let client = Client::trusting(&ca);
            assert_eq!(client.set_text(mqttrs_tls_pins_set, &pins), OK);
            let set =
                unsafe { mosquitto_tls_opts_set(client.mosq(), verify, ptr::null(), ptr::null()) };
            assert_eq!(set, OK);
            let mut server = Server::start(pair);
            let outcome = client.connect(&mut server);
            if fits {
                assert_eq!(outcome, Ok(()));
                continue;
            }
            let (code, text) = outcome.unwrap_err();
            assert_eq!(code, MOSQ_ERR_TLS);
            assert!(
                text.contains("its key is not among the pinned ones"),
                "{text}"
            );
        }
    }
}

#[test]
fn the_first_application_protocol_the_server_knows_is_agreed_on() {
    let ca = Ca::new("CA");
    let client = Client::trusting(&ca);
    assert_eq!(client.set_alpn(&["x-amzn-mqtt-ca", "mqtt"]), OK);
    let mut server = Server::start(&Pair::server(&ca));
    assert_eq!(client.connect(&mut server), Ok(()));
    assert_eq!(server.result().unwrap().alpn, b"mqtt");
    assert_eq!(client.set_alpn(&["http/1.1"]), OK);
    let mut server = Server::start(&Pair::server(&ca));
    let (code, text) = client.connect(&mut server).unwrap_err();
    assert_eq!(code, MOSQ_ERR_TLS);
    assert!(
        text.contains("no application protocol (ALPN) in common"),
        "{text}"
    );
}

#[test]
fn secrets_are_logged_to_the_file_that_was_asked_for() {
    let ca = Ca::new("CA");
    let folder = Folder::new("keylog");
    let log = folder.write("keys.log", b"");
    let client = Client::trusting(&ca);
    assert_eq!(client.set_text(mqttrs_tls_keylog_set, &log), OK);
    let mut server = Server::start(&Pair::server(&ca));
    assert_eq!(client.connect(&mut server), Ok(()));
    let logged = std::fs::read_to_string(&log).unwrap();
    assert!(logged.contains("\nCLIENT_TRAFFIC_SECRET_0 "), "{logged}");
}

#[test]
fn a_reconnect_resumes_the_session() {
    let ca = Ca::new("CA");
    let mut server = Server::start(&Pair::server(&ca));
    let client = Client::trusting(&ca);
    assert_eq!(client.connect(&mut server), Ok(()));
    assert!(!server.result().unwrap().resumed);
    assert_eq!(client.connect(&mut server), Ok(()));
    assert!(server.result().unwrap().resumed);
}

/// A way to ask for TLS, and what is returned.
type Attempt = (&'static str, c_int, fn(&Client) -> c_int);

/// Each of these asks for TLS in a way that cannot be.
const IMPOSSIBLE: &[Attempt] = &[
    ("missing CA file", MOSQ_ERR_INVAL, |client| {
        client.set_files([Some(c"/there/is/no/such/file"), None, None, None])
    }),
    ("path that is no UTF-8", MOSQ_ERR_INVAL, |client| {
        client.set_files([Some(c"/\xff"), None, None, None])
    }),
    ("certificate without a key", MOSQ_ERR_INVAL, |client| {
        client.set_files([None, Some(c"/"), Some(c"/"), None])
    }),
    ("nothing trusted", MOSQ_ERR_INVAL, |client| {
        client.set_files([None, None, Some(c"/"), Some(c"/")])
    }),
    ("pre-shared key", MOSQ_ERR_NOT_SUPPORTED, |client| {
        client.set_psk(c"c0ffee", c"me")
    }),
    ("malformed pre-shared key", MOSQ_ERR_INVAL, |client| {
        client.set_psk(c"coffee!", c"me")
    }),
    ("engine", MOSQ_ERR_NOT_SUPPORTED, |client| unsafe {
        mosquitto_string_option(client.mosq(), MOSQ_OPT_TLS_KEYFORM, c"engine".as_ptr())
    }),
    (
        "OpenSSL's context",
        MOSQ_ERR_NOT_SUPPORTED,
        |client| unsafe {
            mosquitto_void_option(client.mosq(), MOSQ_OPT_SSL_CTX, client.mosq().cast())
        },
    ),
    ("CA", MOSQ_ERR_INVAL, |client| {
        client.set(mqttrs_tls_ca_set, b"nonsense")
    }),
    ("certificate", MOSQ_ERR_INVAL, |client| {
        client.set_certificate(b"nonsense", b"nonsense")
    }),
    ("revocation list", MOSQ_ERR_INVAL, |client| {
        client.set(mqttrs_tls_crl_set, b"nonsense")
    }),
    ("missing revocation list", MOSQ_ERR_INVAL, |client| {
        client.set_text(mqttrs_tls_crl_file_set, "/there/is/no/such/file")
    }),
    ("pins", MOSQ_ERR_INVAL, |client| {
        client.set_text(mqttrs_tls_pins_set, "sha256//")
    }),
];

#[test]
fn after_a_refused_setting_there_is_no_connection_at_all() {
    for (name, code, attempt) in IMPOSSIBLE {
        let client = Client::new();
        assert_eq!(attempt(&client), *code, "{name}");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (code, text) = client.connect_to(port).unwrap_err();
        assert_eq!(code, MOSQ_ERR_TLS, "{name}");
        assert!(
            text.contains("its settings were refused: "),
            "{name}: {text}"
        );
        listener.set_nonblocking(true).unwrap();
        let none = listener.accept().unwrap_err();
        assert_eq!(none.kind(), ErrorKind::WouldBlock, "{name}");
    }
}

#[test]
fn setting_whom_to_trust_makes_up_for_what_was_refused_about_that() {
    let ca = Ca::new("CA");
    let folder = Folder::new("made-good");
    let file = CString::new(folder.write("ca.crt", &ca.pem())).unwrap();
    for (name, _, attempt) in &IMPOSSIBLE[..9] {
        let client = Client::new();
        attempt(&client);
        assert_eq!(client.set_files([Some(&file), None, None, None]), OK);
        let mut server = Server::start(&Pair::server(&ca));
        assert_eq!(client.connect(&mut server), Ok(()), "{name}");
    }
}

#[test]
fn nothing_but_null_is_no_wish_for_tls() {
    let client = Client::new();
    assert_eq!(client.set_files([None; 4]), MOSQ_ERR_INVAL);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let broker = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut first = [0; 1];
        socket.read_exact(&mut first).unwrap();
        socket.write_all(&[0x20, 2, 0, 0]).unwrap();
        socket.read_to_end(&mut Vec::new()).unwrap();
        first[0]
    });
    assert_eq!(client.connect_to(port), Ok(()));
    drop(client);
    assert_eq!(broker.join().unwrap(), 0x10, "CONNECT in plain text");
}

#[test]
fn taking_back_what_was_trusted_leaves_tls_on() {
    let ca = Ca::new("CA");
    let client = Client::trusting(&ca);
    let set = unsafe { mqttrs_tls_ca_set(client.mosq(), ptr::null(), 0) };
    assert_eq!(set, OK);
    let (code, text) = client.connect_to(1).unwrap_err();
    assert_eq!(code, MOSQ_ERR_TLS);
    assert!(text.contains("no trusted certificates"), "{text}");
}

#[test]
fn plain_text_on_the_servers_port_is_called_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let broker = std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(&[0x20, 2, 0, 0, 0, 0, 0, 0]).unwrap();
        // The client has the last word.
        let _ = socket.read_to_end(&mut Vec::new());
    });
    let client = Client::trusting(&Ca::new("CA"));
    let (code, text) = client.connect_to(port).unwrap_err();
    drop(client);
    broker.join().unwrap();
    assert_eq!(code, MOSQ_ERR_TLS);
    assert!(text.contains("plain text on this port?"), "{text}");
}

#[test]
fn required_ocsp_answers_are_not_supported() {
    let client = Client::trusting(&Ca::new("CA"));
    let set = unsafe { mosquitto_int_option(client.mosq(), MOSQ_OPT_TLS_OCSP_REQUIRED, 1) };
    assert_eq!(set, OK);
    let (code, _) = client.connect_to(1).unwrap_err();
    assert_eq!(code, MOSQ_ERR_NOT_SUPPORTED);
}
