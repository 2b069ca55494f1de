//! Encrypted client keys in a C program, which is compiled with Debian's `mosquitto.h` and runs
//! on Debian's library and on ours: the password callback, and what each call returns.

#[path = "programs/broker.rs"]
#[allow(dead_code, reason = "programs.rs uses the other part")]
mod broker;
mod built;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "programs/library.rs"]
mod library;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use broker::{Broker, HeldPort};
use built::{run, source, stdout_of, Scratch};
use certificates::{certificates, PASSWORD};
use library::Library;

const ASKED: &str = "asked: for decrypting, room for 256 bytes: yes, userdata: the client\n";

#[test]
fn an_ec_key_in_pkcs8_encrypted_with_aes() {
    check("client", "client.pkcs8-aes256.key");
}

#[test]
fn an_ec_key_in_pkcs8_encrypted_with_triple_des() {
    check("client", "client.pkcs8-des3.key");
}

#[test]
fn an_ec_key_in_the_old_format_encrypted_with_aes() {
    check("client", "client.old-aes256.key");
    check("client", "client.old-aes128.key");
}

#[test]
fn an_ec_key_in_the_old_format_encrypted_with_triple_des() {
    check("client", "client.old-des3.key");
}

#[test]
fn an_rsa_key_in_pkcs8_encrypted_with_aes() {
    check("client-rsa", "client-rsa.pkcs8-aes256.key");
}

#[test]
fn an_rsa_key_in_pkcs8_encrypted_with_triple_des() {
    check("client-rsa", "client-rsa.pkcs8-des3.key");
}

#[test]
fn an_rsa_key_in_the_old_format_encrypted_with_aes() {
    check("client-rsa", "client-rsa.old-aes256.key");
    check("client-rsa", "client-rsa.old-aes128.key");
}

#[test]
fn an_rsa_key_in_the_old_format_encrypted_with_triple_des() {
    check("client-rsa", "client-rsa.old-des3.key");
}

#[test]
fn a_key_that_is_not_encrypted_needs_no_password() {
    let setting = Setting::new("not-encrypted");
    for library in [Library::Debian, Library::ours()] {
        let connected = "tls_set: 0\nconnect: 0\non_connect: 0\nloop: 0\ndisconnect: 0\n";
        let said = setting.run(&library, "client", "client.key", PASSWORD);
        assert_eq!(said, connected, "{}", library.name());
    }
}

/// The right password connects; a wrong one, none and no callback do not.
fn check(certificate: &str, key: &str) {
    let setting = Setting::new(key);
    for library in [Library::Debian, Library::ours()] {
        let on = library.name();
        let said = |password| setting.run(&library, certificate, key, password);
        let connected = "connect: 0\non_connect: 0\nloop: 0\ndisconnect: 0\n";
        let expected = format!("tls_set: 0\n{ASKED}{connected}");
        assert_eq!(said(PASSWORD), expected, "{key} on {on}");
        let expected = format!("tls_set: 0\n{ASKED}connect: 8\nloop: 8\n");
        assert_eq!(said("wrong"), expected, "{key}, wrong password, on {on}");
        assert_eq!(said("refused"), expected, "{key}, refused, on {on}");
        // With neither a callback nor a terminal there is nobody to ask.
        let expected = "tls_set: 0\nconnect: 8\nloop: 8\n";
        assert_eq!(said("none"), expected, "{key}, no callback, on {on}");
    }
}

/// The compiled program, and a broker that wants a certificate.
struct Setting {
    program: PathBuf,
    port: HeldPort,
    _broker: Broker,
    _scratch: Scratch,
}

impl Setting {
    fn new(test: &str) -> Self {
        let scratch = Scratch::new(&format!("key-password-{test}"));
        let program = scratch.path("key_password");
        run(Command::new("cc")
            .args(["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror"])
            .arg(source("tests/c/key_password.c"))
            .arg("-o")
            .arg(&program)
            .arg("-lmosquitto"));
        let port = HeldPort::new();
        let pki = certificates();
        let settings = [
            format!("listener {} 127.0.0.1", port.number()),
            format!("certfile {}", pki.text("server.crt")),
            format!("keyfile {}", pki.text("server.key")),
            format!("cafile {}", pki.text("ca.crt")),
            "require_certificate true".to_owned(),
        ];
        Self {
            _broker: Broker::start(&scratch.path(""), &settings, &[]),
            port,
            program,
            _scratch: scratch,
        }
    }

    /// What the program prints, without a terminal to ask anyone.
    fn run(&self, library: &Library, certificate: &str, key: &str, password: &str) -> String {
        let pki = certificates();
        let mut command = Command::new("setsid");
        command
            .arg(&self.program)
            .arg(self.port.number().to_string())
            .arg(pki.text("ca.crt"))
            .arg(pki.text(&format!("{certificate}.crt")))
            .arg(pki.text(key))
            .arg(password)
            .stdin(Stdio::null());
        library.apply(&mut command);
        if password == "none" {
            // OpenSSL tries to ask, on stderr.
            String::from_utf8(run(&mut command).stdout).unwrap()
        } else {
            stdout_of(&mut command)
        }
    }
}
