//! The programs of `examples-c` on the built library.

use super::built::Scratch;
use super::demo_broker::DemoBroker;
use super::running::{program, Running};
use socket2::{Domain, Socket, Type};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const PROGRAMS: [&str; 3] = ["subscribe", "publish", "event_loop"];

/// Runs a program with `input` on its standard input, to its end.
fn run_with(program: &PathBuf, port: u16, input: &str) -> Output {
    let mut process = Command::new(program)
        .args(["127.0.0.1", &port.to_string(), "demo"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that gives up early does not read its input.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

#[test]
fn the_subscriber_prints_every_line_that_the_publisher_and_the_event_loop_send() {
    let scratch = Scratch::new("c-programs");
    let broker = DemoBroker::start();
    let address = ["127.0.0.1", &broker.port.to_string(), "demo"];
    let subscribe = program(&scratch, "subscribe");
    let mut subscriber = Running::start(&subscribe, &[&address[..], &["6"]].concat());
    assert_eq!(subscriber.line(), "subscribed");

    let published = run_with(&program(&scratch, "publish"), broker.port, "1\n2\n\n3\n");
    assert!(published.status.success(), "{published:?}");
    let echoed = run_with(&program(&scratch, "event_loop"), broker.port, "4\n5\n");
    assert!(echoed.status.success(), "{echoed:?}");
    assert_eq!(String::from_utf8_lossy(&echoed.stdout), "demo 4\ndemo 5\n");

    assert_eq!(
        subscriber.rest(),
        ["demo 1", "demo 2", "demo ", "demo 3", "demo 4", "demo 5"]
    );
}

#[test]
fn an_interrupt_ends_the_subscriber_with_success_and_without_a_message() {
    let scratch = Scratch::new("c-interrupt");
    let broker = DemoBroker::start();
    let port = broker.port.to_string();
    let subscribe = program(&scratch, "subscribe");
    let mut subscriber = Running::start(&subscribe, &["127.0.0.1", &port, "demo"]);
    assert_eq!(subscriber.line(), "subscribed");
    subscriber.interrupt();
    assert!(subscriber.rest().is_empty());
}

#[test]
fn an_interrupt_ends_the_input_of_the_publisher_and_what_was_read_arrives() {
    let scratch = Scratch::new("c-interrupt-publish");
    let broker = DemoBroker::start();
    let address = ["127.0.0.1", &broker.port.to_string(), "demo"];
    let subscribe = program(&scratch, "subscribe");
    let mut subscriber = Running::start(&subscribe, &address);
    assert_eq!(subscriber.line(), "subscribed");
    for name in ["publish", "event_loop"] {
        let mut publisher = Running::start(&program(&scratch, name), &address);
        publisher.input("last\n");
        assert_eq!(subscriber.line(), "demo last", "{name}");
        publisher.interrupt(); // its input is open still
        publisher.rest();
    }
    subscriber.interrupt();
    subscriber.rest();
}

#[test]
fn each_program_says_so_and_fails_when_the_broker_refuses_it() {
    let scratch = Scratch::new("c-refused");
    let broker = DemoBroker::start_with(&["--user", "alice:secret"]);
    for name in PROGRAMS {
        let output = run_with(&program(&scratch, name), broker.port, "1\n");
        assert!(!output.status.success(), "{name}: {output:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).starts_with(name),
            "{output:?}"
        );
    }
}

#[test]
fn each_program_says_so_and_fails_when_nobody_listens() {
    let scratch = Scratch::new("c-nobody");
    // Bound and not listening: nobody else gets the port, and connecting to it is refused.
    let taken = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    taken
        .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    let port = taken.local_addr().unwrap().as_socket().unwrap().port();
    for name in PROGRAMS {
        let output = run_with(&program(&scratch, name), port, "1\n");
        assert!(!output.status.success(), "{name}: {output:?}");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(
            message.starts_with(name) && message.contains("Connection refused"),
            "{message}"
        );
    }
}

/// Runs many_clients with so many clients, to its end.
fn run_many_clients(scratch: &Scratch, broker: &DemoBroker, count: &str) -> Output {
    Command::new(program(scratch, "many_clients"))
        .args(["127.0.0.1", &broker.port.to_string(), "demo", count])
        .output()
        .unwrap()
}

#[test]
fn two_hundred_clients_of_one_loop_greet_each_other() {
    let scratch = Scratch::new("c-many-clients");
    let output = run_many_clients(&scratch, &DemoBroker::start(), "200");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "200 of 200 clients were greeted\n"
    );
}

#[test]
fn clients_of_one_loop_say_so_and_fail_when_the_broker_refuses_them() {
    let scratch = Scratch::new("c-many-refused");
    let broker = DemoBroker::start_with(&["--user", "alice:secret"]);
    let output = run_many_clients(&scratch, &broker, "3");
    assert!(!output.status.success(), "{output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("many_clients"),
        "{output:?}"
    );
}
