//! The log as records: `mqttrs_log_callback_set`.

#![allow(
    dead_code,
    reason = "what the C programs stand on is used in part by each test"
)]

mod built;

#[path = "c/cutter.rs"]
mod cutter;
#[path = "c/loopback.rs"]
mod loopback;
#[path = "c/program.rs"]
mod program;

use std::net::SocketAddr;

use cutter::Cutter;
use loopback::Loopback;
use program::Program;
use socket2::{Domain, Socket, Type};

#[test]
fn a_whole_life_is_logged_event_by_event_with_the_lines_beside_them() {
    // Bound and not listening: nobody else gets the port, and nobody answers there.
    let silent = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    silent.bind(&any.into()).unwrap();
    let silent_port = silent.local_addr().unwrap().as_socket().unwrap().port();
    let broker = Loopback::start();
    let program = Program::build("structured_log", "structured-log");
    let run = |how: fn(&Program, &[&str])| {
        let cutter = Cutter::start(broker.port(), &[2000]);
        let ports = [silent_port, broker.port(), cutter.port()].map(|port| port.to_string());
        how(&program, &ports.each_ref().map(String::as_str));
        assert_eq!(cutter.cuts(), 1);
    };
    run(Program::run);
    run(Program::run_under_valgrind);
}
