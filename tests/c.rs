//! C programs on the built library, most of them under Valgrind: arguments and handles that
//! are wrong, every function in every callback, many threads, many clients, the helpers.

mod built;

#[path = "c/cutter.rs"]
mod cutter;
#[path = "c/loopback.rs"]
mod loopback;
#[path = "c/mosquitto.rs"]
mod mosquitto;
#[path = "c/program.rs"]
mod program;

use cutter::Cutter;
use loopback::Loopback;
use mosquitto::Mosquitto;
use program::Program;

#[test]
fn handles_that_are_null_or_destroyed_are_answered_with_errors() {
    Program::build("handles", "handles").run_under_valgrind(&[]);
}

#[test]
fn arguments_that_are_null_or_out_of_range_are_answered_with_errors() {
    Program::build("null_arguments", "null-arguments").run_under_valgrind(&[]);
}

#[test]
fn every_function_works_inside_every_callback_of_mosquitto_loop() {
    reenter("loop");
}

#[test]
fn every_function_works_inside_every_callback_of_mosquitto_loop_forever() {
    reenter("forever");
}

#[test]
fn every_function_works_inside_every_callback_of_a_loop_thread() {
    reenter("thread");
}

#[test]
fn every_function_works_inside_every_callback_of_a_foreign_loop() {
    reenter("foreign");
}

#[test]
fn every_function_works_inside_every_callback_of_a_shared_loop() {
    reenter("shared");
}

fn reenter(drive: &str) {
    reenter_with(
        Program::build("callbacks_reenter", &format!("reenter-{drive}")),
        drive,
    );
}

fn reenter_with(program: Program, drive: &str) {
    let broker = Loopback::start();
    let port = broker.port().to_string();
    program.run(&[&port, drive, "all"]);
    program.run_under_valgrind(&[&port, drive, "ordinary"]);
    program.run_under_valgrind(&[&port, drive, "destroy"]);
}

/// As many as the library gives an epoll of their own: the clients behind these share one.
const FIRST_CLIENTS: usize = 16;

#[test]
fn every_function_works_inside_every_callback_of_one_client_among_many() {
    for drive in ["thread", "loop"] {
        let name = format!("reenter-many-{drive}");
        reenter_with(
            Program::build("callbacks_reenter", &name).behind(FIRST_CLIENTS),
            drive,
        );
    }
}

/// So that no function is added without its place in the programs that mean all of them.
#[test]
fn every_function_is_called_with_bad_arguments_and_on_clients_that_are_gone() {
    let read = |name: &str| std::fs::read_to_string(built::source(name)).unwrap();
    let bad_arguments = read("tests/c/null_arguments.c");
    let every_call = read("tests/c/every_call.h");
    let table = read("tests/data/libmosquitto-functions.tsv");
    let mut functions = 0;
    for line in table.lines().skip(1) {
        let mut fields = line.split('\t').skip(1);
        let (name, prototype) = (fields.next().unwrap(), fields.next().unwrap());
        let call = format!("{name}(");
        // Destroying a client leaves nothing to do wrong but the handle itself.
        assert!(
            bad_arguments.contains(&call),
            "{name} is not in null_arguments.c"
        );
        let takes_a_client = prototype.contains("(struct mosquitto *mosq")
            || prototype.contains("(struct mosquitto *context");
        if takes_a_client {
            assert!(every_call.contains(&call), "{name} is not in every_call.h");
        }
        functions += 1;
    }
    assert_eq!(functions, 126);
}

#[test]
fn eight_threads_and_callbacks_publish_in_order_and_nothing_is_lost() {
    let broker = Mosquitto::start("stress");
    let port = broker.port().to_string();
    let program = Program::build("stress", "stress");
    program.run(&[&port, "4000", "thread", "whole"]);
    program.run(&[&port, "4000", "loop", "whole"]);
    program.run_under_valgrind(&[&port, "100", "thread", "whole"]);
}

#[test]
fn eight_threads_and_callbacks_publish_in_order_over_connections_that_are_cut() {
    let broker = Mosquitto::start("stress-cut");
    let cutter = Cutter::start(broker.port(), &[50_000, 20_000, 100_001]);
    let program = Program::build("stress", "stress-cut");
    program.run(&[&cutter.port().to_string(), "2000", "thread", "cut"]);
    assert_eq!(cutter.cuts(), 3);
}

#[test]
fn a_client_among_many_publishes_in_order_from_eight_threads() {
    let broker = Mosquitto::start("stress-many");
    let port = broker.port().to_string();
    let program = Program::build("stress", "stress-many").behind(FIRST_CLIENTS);
    program.run(&[&port, "4000", "thread", "whole"]);
    program.run(&[&port, "4000", "loop", "whole"]);
    program.run_under_valgrind(&[&port, "100", "thread", "whole"]);
    let cutter = Cutter::start(broker.port(), &[50_000, 20_000, 100_001]);
    program.run(&[&cutter.port().to_string(), "2000", "thread", "cut"]);
    assert_eq!(cutter.cuts(), 3);
}

#[test]
fn callbacks_have_the_stack_that_threads_have_by_default() {
    let broker = Loopback::start();
    let port = broker.port().to_string();
    let program = Program::build("callback_stack", "callback-stack");
    program.run(&[&port, "thread"]);
    program.run(&[&port, "shared"]);
}

#[test]
fn helpers_subscribe_and_return_messages() {
    let broker = Mosquitto::start("helpers");
    Program::build("helpers", "helpers").run_under_valgrind(&[&broker.port().to_string()]);
}

#[test]
fn a_reset_by_the_peer_is_no_signal_to_the_process() {
    let program = Program::build("sigpipe", "sigpipe");
    program.run(&[]);
    program.run_under_valgrind(&[]);
}

#[test]
fn functions_that_succeed_leave_errno_as_it_was() {
    let broker = Mosquitto::start("errno-kept");
    let program = Program::build("errno_kept", "errno-kept");
    program.run(&[&broker.port().to_string()]);
}

#[test]
fn destroying_and_stopping_end_soon_whatever_goes_on() {
    let broker = Mosquitto::start("destroy-race");
    let port = broker.port().to_string();
    let program = Program::build("destroy_race", "destroy-race");
    program.run(&[&port, "10"]);
    program.run_under_valgrind(&[&port, "1"]);
}

#[test]
fn destroying_and_stopping_clients_among_many_end_soon() {
    let broker = Mosquitto::start("destroy-race-many");
    let port = broker.port().to_string();
    // With one idle client fewer, one client at a time has an epoll of its own.
    for idle_clients in [FIRST_CLIENTS, FIRST_CLIENTS - 1] {
        let name = format!("destroy-race-{idle_clients}");
        let program = Program::build("destroy_race", &name).behind(idle_clients);
        program.run(&[&port, "10"]);
        program.run_under_valgrind(&[&port, "1"]);
    }
}

#[test]
fn threads_and_callbacks_that_call_anything_at_any_time_never_hang() {
    let broker = Loopback::start();
    let port = broker.port().to_string();
    let program = Program::build("chaos", "chaos");
    for seed in ["1", "2", "103", "105"] {
        program.run(&[&port, seed, "500"]);
    }
    program.run_under_valgrind(&[&port, "3", "100"]);
}

#[test]
fn threads_and_callbacks_of_a_client_among_many_never_hang() {
    let broker = Loopback::start();
    let port = broker.port().to_string();
    let program = Program::build("chaos", "chaos-many").behind(FIRST_CLIENTS);
    for seed in ["1", "2", "103", "105"] {
        program.run(&[&port, seed, "500"]);
    }
    program.run_under_valgrind(&[&port, "3", "100"]);
}

#[test]
fn a_process_has_more_clients_than_select_has_descriptors_for() {
    let broker = Mosquitto::start("many-clients");
    let program = Program::build("many_clients", "many-clients");
    program.run(&[&broker.port().to_string(), "1200"]);
}
