//! C programs that acknowledge by themselves, with a real broker.

mod built;

#[path = "c/mosquitto.rs"]
mod mosquitto;
#[path = "c/program.rs"]
mod program;

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use mosquitto::Mosquitto;
use program::Program;

const AUTOMATIC: &str = "0";
const AFTER_CALLBACK: &str = "1";
const VERSIONS: [&str; 3] = ["3", "4", "5"];

struct Setup {
    _broker: Mosquitto,
    port: String,
    program: Program,
}

fn setup(test: &str) -> Setup {
    let name = format!("acknowledge-{test}");
    let broker = Mosquitto::start(&name);
    Setup {
        port: broker.port().to_string(),
        _broker: broker,
        program: Program::build("acknowledge", &name),
    }
}

#[test]
fn messages_that_threads_acknowledge_in_any_order_come_once_and_none_is_left() {
    let Setup { port, program, .. } = &setup("threads");
    for version in VERSIONS {
        program.run(&[port, version, "threads"]);
    }
    program.run_under_valgrind(&[port, "5", "threads"]);
}

#[test]
fn a_server_of_mqtt_5_sends_no_more_than_the_receive_maximum_ahead() {
    let Setup { port, program, .. } = &setup("window");
    program.run(&[port, "5", "window"]);
    program.run_under_valgrind(&[port, "5", "window"]);
}

#[test]
fn what_is_not_acknowledged_stays_the_clients_over_reconnects_and_goes_to_the_next_client() {
    let Setup { port, program, .. } = &setup("reset");
    for version in VERSIONS {
        program.run(&[port, version, "reset"]);
    }
    program.run_under_valgrind(&[port, "5", "reset"]);
}

#[test]
fn a_message_comes_again_when_the_process_is_killed_inside_its_callback() {
    // Acknowledged automatically, it is lost: that is the difference.
    for (mode, times) in [(AFTER_CALLBACK, "1"), (AUTOMATIC, "0")] {
        let Setup { port, program, .. } = &setup(&format!("die-{mode}"));
        for version in VERSIONS {
            program.run(&[port, version, "prepare"]);
            let killed = Command::new(program.path())
                .args([port, version, "die", mode])
                .status();
            assert_eq!(killed.unwrap().signal(), Some(libc::SIGKILL));
            program.run(&[port, version, "next", times]);
        }
    }
}
