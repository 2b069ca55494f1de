//! A process that forks: its connections go on untouched, and its child is none the worse for them.

#![allow(
    dead_code,
    reason = "the broker's other half serves other tests, and so do the helpers"
)]

#[path = "programs/broker.rs"]
mod broker;
mod built;
#[path = "support/certificates.rs"]
mod certificates;
#[path = "c/program.rs"]
mod program;

use broker::{Broker, HeldPort};
use built::Scratch;
use certificates::certificates;
use program::Program;

/// Forks under load: a connection over TCP, over TLS and over WebSocket.
fn fork_while_driven_by(drive: &str) {
    let scratch = Scratch::new(&format!("fork-{drive}"));
    let (tls, websocket) = (HeldPort::new(), HeldPort::new());
    let file = |name| certificates().text(name);
    let settings = [
        format!(
            "listener {} 127.0.0.1\ncertfile {}\nkeyfile {}",
            tls.number(),
            file("server.crt"),
            file("server.key")
        ),
        format!(
            "listener {} 127.0.0.1\nprotocol websockets",
            websocket.number()
        ),
    ];
    let folder = scratch.path("broker");
    std::fs::create_dir_all(&folder).unwrap();
    let broker = Broker::start(&folder, &settings, &[]);
    let program = Program::build("fork", &format!("fork-{drive}")).forking();
    for (port, how) in [
        (broker.port(), "plain"),
        (tls.number(), &*file("ca.crt")),
        (websocket.number(), "websocket"),
    ] {
        program.run(&[&port.to_string(), "10", drive, how]);
    }
    program.run_under_valgrind(&[&broker.port().to_string(), "1", drive, "plain"]);
}

#[test]
fn a_child_disturbs_no_connection_that_a_loop_thread_drives() {
    fork_while_driven_by("thread");
}

#[test]
fn a_child_disturbs_no_connection_that_a_shared_loop_drives() {
    fork_while_driven_by("shared");
}
