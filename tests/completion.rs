//! Hearing of the end of one message or request: callbacks, tokens, and what they cost.
mod built;

#[path = "c/mosquitto.rs"]
mod mosquitto;
#[path = "c/program.rs"]
mod program;

use mosquitto::Mosquitto;
use program::Program;

#[test]
fn each_message_and_request_tells_its_end_once_by_callback_and_by_token() {
    let broker = Mosquitto::start("completion");
    let port = broker.port().to_string();
    let program = Program::build("completion", "completion");
    for version in ["3", "4", "5"] {
        program.run(&[&port, version]);
    }
    program.run_under_valgrind(&[&port, "5"]);
}
