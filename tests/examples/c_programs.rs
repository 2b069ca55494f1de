//! The programs of `examples-c` on the built library.

use super::built::{build_dir, built, run, source, Scratch};
use super::demo_broker::DemoBroker;
use socket2::{Domain, Socket, Type};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const PROGRAMS: [&str; 3] = ["subscribe", "publish", "event_loop"];

/// The example `name`, built with the flags an installed library would give.
pub(crate) fn program(scratch: &Scratch, name: &str) -> PathBuf {
    built("libmqttrs.so");
    let program = scratch.path(name);
    run(Command::new("cc")
        .args([
            "-std=c99",
            "-Wall",
            "-Wextra",
            "-Wno-unused-parameter",
            "-pedantic",
            "-Werror",
        ])
        .arg("-I")
        .arg(source("include"))
        .arg("-o")
        .arg(&program)
        .arg(source("examples-c").join(format!("{name}.c")))
        .arg(format!("-L{}", build_dir().display()))
        .arg(format!("-Wl,-rpath,{}", build_dir().display()))
        .args(["-lmqttrs", "-pthread"]));
    program
}

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
    let mut subscriber = Command::new(program(&scratch, "subscribe"))
        .args(["127.0.0.1", &broker.port.to_string(), "demo", "6"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(subscriber.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "subscribed");

    let published = run_with(&program(&scratch, "publish"), broker.port, "1\n2\n\n3\n");
    assert!(published.status.success(), "{published:?}");
    let echoed = run_with(&program(&scratch, "event_loop"), broker.port, "4\n5\n");
    assert!(echoed.status.success(), "{echoed:?}");
    assert_eq!(String::from_utf8_lossy(&echoed.stdout), "demo 4\ndemo 5\n");

    let received: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(
        received,
        ["demo 1", "demo 2", "demo ", "demo 3", "demo 4", "demo 5"]
    );
    assert!(subscriber.wait().unwrap().success());
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
