//! Requests and their responses between C programs' clients, over Mosquitto.

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

/// Thousands at once, answered in another order; a chain of them; waiting; shared requests.
fn talk(requester: &str, server: &str, by_topic: &str) {
    let test = format!("requests-{requester}-{server}-{by_topic}");
    let broker = Mosquitto::start(&test);
    let port = broker.port().to_string();
    let program = Program::build("requests", &test);
    program.run(&[&port, "3000", requester, server, by_topic]);
    program.run_under_valgrind(&[&port, "50", requester, server, by_topic]);
}

#[test]
fn clients_of_mqtt_5_ask_and_answer_by_properties() {
    talk("5", "5", "0");
}

#[test]
fn clients_of_mqtt_3_1_1_ask_and_answer_by_topics() {
    talk("4", "4", "0");
}

#[test]
fn a_client_of_mqtt_5_asks_one_of_mqtt_3_1_1_by_topics() {
    talk("5", "4", "1");
}

#[test]
fn a_client_of_mqtt_3_1_asks_one_of_mqtt_5() {
    talk("3", "5", "0");
}

#[test]
fn requests_end_once_by_time_by_a_late_response_and_with_their_client() {
    let broker = Mosquitto::start("requests-end");
    let port = broker.port().to_string();
    let program = Program::build("requests_end", "requests-end");
    for version in ["4", "5"] {
        program.run(&[&port, "100", version]);
        program.run_under_valgrind(&[&port, "10", version]);
    }
}
