//! Callbacks of topic filters, in a C program with a real broker.

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
fn messages_go_to_the_callbacks_of_their_filters_whatever_changes_meanwhile() {
    let broker = Mosquitto::start("message-filters");
    let port = broker.port().to_string();
    let program = Program::build("message_filters", "message-filters");
    program.run(&[&port, "20000"]);
    program.run_under_valgrind(&[&port, "200"]);
}

#[test]
fn a_fork_leaves_the_callbacks_of_filters_in_order() {
    let program = Program::build("message_filters", "message-filters-fork");
    program.run(&["1", "0", "500"]);
}
