//! The broker of `examples/demo_broker`, judged by Mosquitto's own tools and packet by packet,
//! and the programs of `examples-c`, built on the library and run against it, or against Mosquitto
//! where they speak TLS.

#[allow(dead_code)]
#[path = "programs/broker.rs"]
mod broker;
mod built;
#[path = "support/certificates.rs"]
mod certificates;
mod demo_broker;

#[path = "examples/c_programs.rs"]
mod c_programs;
#[path = "examples/foreign_loops.rs"]
mod foreign_loops;
#[path = "examples/listed.rs"]
mod listed;
#[path = "examples/mosquitto.rs"]
mod mosquitto;
#[path = "examples/packets.rs"]
mod packets;
#[path = "examples/running.rs"]
mod running;
#[path = "examples/tls.rs"]
mod tls;
#[path = "examples/tools.rs"]
mod tools;

use built::Scratch;
use demo_broker::DemoBroker;
use std::fs;

#[test]
fn the_broker_prints_its_port_and_writes_the_same_to_the_port_file() {
    let scratch = Scratch::new("port-file");
    let file = scratch.path("port");
    let broker = DemoBroker::start_with(&["--port-file", file.to_str().unwrap()]);
    assert_eq!(
        fs::read_to_string(file).unwrap(),
        format!("{}\n", broker.port)
    );
}

#[test]
fn the_broker_ends_with_success_when_its_input_closes() {
    assert!(DemoBroker::start().stop().success());
}
