//! Encrypted keys, whose password the programs have no option for: it is asked for on the
//! terminal, which is here one that `script` (Debian package bsdutils) makes.

use std::io::{Read, Write};
use std::process::{Command, ExitStatus, Stdio};

use crate::broker::{Broker, HeldPort};
use crate::certificates::{certificates, PASSWORD};
use crate::library::Library;
use crate::run::RunDir;

const PROMPT: &str = "Enter PEM pass phrase:";

#[test]
fn the_password_is_asked_for_and_opens_the_key() {
    for key in ["client.pkcs8-aes256.key", "client.old-aes256.key"] {
        for library in [Library::Debian, Library::ours()] {
            let asked = Asked::new(&library, key, PASSWORD);
            assert!(asked.status.success(), "{}: {asked:?}", library.name());
            assert_eq!(asked.said(), "", "{}", library.name());
        }
    }
}

#[test]
fn another_password_does_not_open_the_key() {
    let ends: Vec<_> = [Library::Debian, Library::ours()]
        .iter()
        .map(|library| Asked::new(library, "client.pkcs8-aes256.key", "another one"))
        .map(|asked| (asked.status, asked.said()))
        .collect();
    assert_eq!(ends[0], ends[1]);
    assert_eq!(ends[0].0.code(), Some(1));
    assert_eq!(ends[0].1, "Unable to connect (A TLS error occurred.).");
}

#[test]
fn what_is_typed_is_not_shown() {
    let asked = Asked::new(&Library::ours(), "client.pkcs8-aes256.key", PASSWORD);
    assert!(!asked.after_the_answer.contains(PASSWORD), "{asked:?}");
}

/// What `mosquitto_pub` did on a terminal where somebody answered its question.
#[derive(Debug)]
struct Asked {
    answer: String,
    status: ExitStatus,
    after_the_answer: String,
}

impl Asked {
    fn new(library: &Library, key: &str, answer: &str) -> Self {
        let dir = RunDir::new();
        let port = HeldPort::new();
        let pki = certificates();
        let settings = [
            format!("listener {} 127.0.0.1", port.number()),
            format!("certfile {}", pki.text("server.crt")),
            format!("keyfile {}", pki.text("server.key")),
            format!("cafile {}", pki.text("ca.crt")),
            "require_certificate true".to_owned(),
        ];
        let _broker = Broker::start(dir.path(), &settings, &[]);
        let command = format!(
            "/usr/bin/mosquitto_pub -h localhost -p {} -i p -t a -m one --cafile {} --cert {} --key {}",
            port.number(),
            pki.text("ca.crt"),
            pki.text("client.crt"),
            pki.text(key)
        );
        let mut script = Command::new("script");
        script
            .args(["-q", "-e", "-c", &command, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        library.apply(&mut script);
        let mut child = script.spawn().expect("script (Debian package bsdutils)");
        let mut stdin = child.stdin.take().expect("a pipe");
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut seen = Vec::new();
        while !String::from_utf8_lossy(&seen).contains(PROMPT) {
            let mut byte = [0];
            let count = stdout.read(&mut byte).expect("reading a pipe");
            let so_far = String::from_utf8_lossy(&seen).into_owned();
            assert_eq!(count, 1, "it ended and did not ask: {so_far}");
            seen.extend(byte);
        }
        writeln!(stdin, "{answer}").expect("it waits for an answer");
        let mut after_the_answer = String::new();
        stdout
            .read_to_string(&mut after_the_answer)
            .expect("reading a pipe");
        let status = child.wait().expect("waiting for a child");
        Self {
            answer: answer.to_owned(),
            status,
            after_the_answer,
        }
    }

    /// What it said after the answer. OpenSSL asks before it makes the terminal quiet, so that
    /// a quick answer is seen on Debian's library.
    fn said(&self) -> String {
        self.after_the_answer
            .replace(&self.answer, "")
            .trim()
            .to_owned()
    }
}
