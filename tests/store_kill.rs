//! A program with a store is killed again and again in the middle of what it does, while it
//! talks to Debian's Mosquitto: nothing that it was told is accepted is lost, and nothing of QoS 2
//! comes twice.

mod built;

#[path = "c/mosquitto.rs"]
mod mosquitto;
mod store_support;

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use built::Scratch;
use mosquitto::Mosquitto;
use store_support::{build, Counter, Running};

#[test]
fn killed_at_any_moment_it_loses_nothing_and_doubles_nothing() {
    killed("process-crash", "0", 30);
}

#[test]
fn killed_while_it_synchronises_groups_it_loses_nothing_and_doubles_nothing() {
    killed("groups", "1", 12);
}

#[test]
fn killed_while_it_synchronises_every_message_it_loses_nothing_and_doubles_nothing() {
    killed("every", "2", 12);
}

/// As many as one process publishes at most: all processes together no more than there are packet
/// identifiers, which tell the last message from the others.
const MESSAGES: &str = "1000";

fn killed(name: &str, durability: &str, kills: usize) {
    let broker = Mosquitto::start(&format!("store-{name}"));
    let port = broker.port().to_string();
    let scratch = Scratch::new(&format!("store-{name}"));
    let program = build("store_publish", &scratch);
    let folder = scratch.path("store");
    let counter = Counter::start(&port);
    let mut accepted = HashSet::new();
    // Any numbers do; these are spread over the run.
    let mut after = 7usize;
    for run in 0..kills {
        after = (after * 1103 + 12345) % 997;
        let mut child = Running(
            Command::new(&program)
                .args([&port, folder.to_str().unwrap()])
                .args([&run.to_string(), MESSAGES, durability])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap(),
        );
        let mut said = BufReader::new(child.0.stdout.take().unwrap()).lines();
        for _ in 0..=after {
            accepted.insert(said.next().expect("it ended by itself").unwrap());
        }
        child.0.kill().unwrap();
        // What it had said before it died counts too; a line cut short is none.
        accepted.extend(said.map_while(Result::ok));
    }
    let end = Command::new(&program)
        .args([&port, folder.to_str().unwrap(), "end", "0", durability])
        .status();
    assert!(end.unwrap().success());
    let counted = counter.check(&accepted);
    println!("store {name}: {kills} kills, {counted}");
    assert!(accepted.len() > kills);
}
