//! Limits of speed in a C program with a real broker, with each kind of loop.

#![allow(
    dead_code,
    reason = "what the C programs stand on is used in part by each test"
)]

mod built;

#[path = "c/mosquitto.rs"]
mod mosquitto;
#[path = "c/program.rs"]
mod program;

use mosquitto::Mosquitto;
use program::Program;

#[test]
fn messages_go_and_come_at_the_speed_of_their_limits_with_each_kind_of_loop() {
    let broker = Mosquitto::start("throttle");
    let port = broker.port().to_string();
    let program = Program::build("throttle", "throttle");
    program.run(&[&port, "real"]);
    program.run_under_valgrind(&[&port, "slow"]);
}
