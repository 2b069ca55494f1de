//! `examples-c/tls_publish.c` on the built library, with Mosquitto as the server.

use super::broker::Broker;
use super::built::{source, Scratch};
use super::certificates::{certificates, PASSWORD};
use super::running::program;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A broker that speaks TLS alone, with the certificate `name`.
fn broker(scratch: &Scratch, name: &str, settings: &[String]) -> Broker {
    let file = |name: &str| certificates().text(name);
    let own = [
        format!("certfile {}", file(&format!("{name}.crt"))),
        format!("keyfile {}", file(&format!("{name}.key"))),
    ];
    Broker::start(&scratch.path(""), &[&own, settings].concat(), &[])
}

/// Publishes `hello`; `files` are certificates and keys by name.
fn publish(program: &Path, broker: &Broker, files: &[&str]) -> Output {
    let port = broker.port().to_string();
    let mut process = Command::new(program)
        .args(["localhost", &port, "demo"])
        .args(files)
        .current_dir(certificates().dir())
        .env("KEY_PASSWORD", PASSWORD)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that gives up early does not read its input.
    let _ = process.stdin.take().unwrap().write_all(b"hello");
    process.wait_with_output().unwrap()
}

/// The program fails and says this.
fn assert_fails(output: &Output, words: &str) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{output:?}");
    assert!(message.starts_with("tls_publish: "), "{message}");
    assert!(message.contains(words), "{words:?} is not in: {message}");
}

#[test]
fn the_tls_publisher_reaches_a_server_that_its_authority_vouches_for() {
    let scratch = Scratch::new("c-tls");
    let program = program(&scratch, "tls_publish");
    let broker = broker(&scratch, "server", &[]);
    let output = publish(&program, &broker, &["ca.crt"]);
    assert!(output.status.success(), "{output:?}");
    broker.wait_for("Received PUBLISH");
}

/// The program fails in the words that docs/tls.md has for it.
fn assert_fails_as_documented(output: &Output, what: &str) {
    let manual = fs::read_to_string(source("docs/tls.md")).unwrap();
    let mut rows = manual.lines().filter_map(|line| {
        let rest = line.strip_prefix(&format!("| {what} | `"))?;
        rest.strip_suffix("` |")
    });
    assert_fails(output, &format!("TLS: {}\n", rows.next().expect(what)));
}

#[test]
fn the_tls_publisher_says_what_is_wrong_with_the_server() {
    let scratch = Scratch::new("c-tls-wrong");
    let program = program(&scratch, "tls_publish");
    for (certificate, what) in [
        ("server-expired", "out of date"),
        ("server-future", "not yet valid"),
        ("server-other-ca", "another authority's"),
        ("self-signed", "self-signed"),
        ("server-other-host", "for another host"),
        ("server-client-only", "for clients"),
    ] {
        let broker = broker(&scratch, certificate, &[]);
        assert_fails_as_documented(&publish(&program, &broker, &["ca.crt"]), what);
    }
    let plain = Broker::start(&scratch.path(""), &[], &[]);
    let what = "the server speaks no TLS";
    assert_fails_as_documented(&publish(&program, &plain, &["ca.crt"]), what);
}

#[test]
fn the_tls_publisher_says_what_is_wrong_with_a_file() {
    let scratch = Scratch::new("c-tls-files");
    let program = program(&scratch, "tls_publish");
    let broker = broker(&scratch, "server", &[]);
    let garbage = publish(&program, &broker, &["garbage.crt"]);
    assert_fails_as_documented(&garbage, "no certificate in the file");
    let other = publish(&program, &broker, &["ca.crt", "client.crt", "server.key"]);
    assert_fails_as_documented(&other, "a key that does not fit");
}

#[test]
fn the_tls_publisher_shows_its_certificate_where_one_is_required() {
    let scratch = Scratch::new("c-tls-client");
    let program = program(&scratch, "tls_publish");
    let settings = [
        format!("cafile {}", certificates().text("ca.crt")),
        "require_certificate true".to_owned(),
    ];
    let broker = broker(&scratch, "server", &settings);
    let pair = ["ca.crt", "client.crt", "client.pkcs8-aes256.key"];
    let output = publish(&program, &broker, &pair);
    assert!(output.status.success(), "{output:?}");
    let alone = publish(&program, &broker, &["ca.crt"]);
    assert_fails(
        &alone,
        "certificate required (no client certificate was given)",
    );
}
