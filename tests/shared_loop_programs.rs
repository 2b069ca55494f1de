//! C programs with many clients on one loop.

#![allow(
    dead_code,
    reason = "what the C programs stand on is used in part by each test"
)]

mod built;

#[path = "c/loopback.rs"]
mod loopback;
#[path = "c/mosquitto.rs"]
mod mosquitto;
#[path = "c/program.rs"]
mod program;

use loopback::Loopback;
use mosquitto::Mosquitto;
use program::Program;

fn check(how: &str) {
    let broker = Mosquitto::start(&format!("shared-{how}"));
    let port = broker.port().to_string();
    let program = Program::build("shared_loop", &format!("shared-{how}"));
    program.run(&[&port, "1000", "5", how]);
    program.run_under_valgrind(&[&port, "20", "3", how]);
}

#[test]
fn a_thousand_clients_and_four_publishing_threads_share_a_loop_thread() {
    check("start");
}

#[test]
fn a_thousand_clients_and_four_publishing_threads_share_a_thread_of_the_program() {
    check("run");
}

#[test]
fn a_thousand_clients_and_four_publishing_threads_share_a_foreign_loop() {
    check("poll");
}

/// Each of them gets a message with each QoS from its neighbour.
#[test]
fn ten_thousand_clients_share_a_loop_thread() {
    // Each takes a descriptor here and another in the broker, which gets our limit.
    let limit = raise_descriptor_limit();
    let clients = limit.saturating_sub(100).min(10_000);
    assert!(clients >= 1000, "this system allows {limit} descriptors");
    if clients < 10_000 {
        println!("only {clients} clients: this system allows {limit} descriptors");
    }
    let broker = Mosquitto::start("shared-10000");
    let program = Program::build("shared_loop", "shared-10000");
    let (port, clients) = (broker.port().to_string(), clients.to_string());
    program.run(&[&port, &clients, "0", "start"]);
}

#[test]
fn threads_and_callbacks_that_do_anything_to_loops_and_clients_never_hang() {
    let broker = Loopback::start();
    let port = broker.port().to_string();
    let program = Program::build("shared_loop_chaos", "shared-chaos");
    for seed in ["1", "2", "3", "4"] {
        program.run(&[&port, seed, "1000"]);
    }
    program.run_under_valgrind(&[&port, "5", "100"]);
}

#[test]
fn a_loop_never_waits_for_a_callback_that_a_thread_of_the_program_is_in() {
    let broker = Loopback::start();
    let port = broker.port().to_string();
    let program = Program::build("shared_loop_elsewhere", "shared-elsewhere");
    for announced in ["0", "1"] {
        program.run(&[&port, announced]);
    }
    program.run_under_valgrind(&[&port, "1"]);
}

/// To what the system allows; gives that.
#[allow(
    clippy::undocumented_unsafe_blocks,
    reason = "the limit lives through the calls"
)]
fn raise_descriptor_limit() -> u64 {
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit), 0);
        limit.rlim_cur = limit.rlim_max;
        assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &limit), 0);
        limit.rlim_max
    }
}
