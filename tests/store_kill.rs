//! A program with a store is killed again and again in the middle of what it does, while it
//! talks to Debian's Mosquitto: nothing that it was told is accepted is lost, and nothing of QoS 2
//! comes twice.

#![cfg(feature = "store")] // `make store-test`; without it there is nothing to kill

mod built;

#[path = "c/mosquitto.rs"]
mod mosquitto;
#[allow(dead_code)] // not all of it is of use here
#[path = "c/program.rs"]
mod program;

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use built::Scratch;
use mosquitto::Mosquitto;
use program::Program;

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
    let program = Program::build("store_publish", &format!("store-{name}"));
    let scratch = Scratch::new(&format!("store-{name}"));
    let folder = scratch.path("store");
    let mut reader = subscribe(&port);
    let delivered = std::thread::spawn({
        let lines = BufReader::new(reader.0.stdout.take().unwrap());
        move || delivered(lines)
    });
    let mut accepted = HashSet::new();
    // Any numbers do; these are spread over the run.
    let mut after = 7usize;
    for run in 0..kills {
        after = (after * 1103 + 12345) % 997;
        let mut child = Running(
            Command::new(program.path())
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
    let end = Command::new(program.path())
        .args([&port, folder.to_str().unwrap(), "end", "0", durability])
        .status();
    assert!(end.unwrap().success());
    let delivered = delivered.join().unwrap();
    let lost: Vec<_> = accepted
        .iter()
        .filter(|text| !delivered.contains_key(*text))
        .collect();
    assert!(
        lost.is_empty(),
        "{} of {} lost: {lost:?}",
        lost.len(),
        accepted.len()
    );
    let doubled = |(text, count): &(&String, &usize)| text.starts_with('2') && **count > 1;
    let doubled: Vec<_> = delivered.iter().filter(doubled).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    assert!(accepted.len() > kills);
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The counting subscriber, once it has subscribed.
fn subscribe(port: &str) -> Running {
    // Line by line, for what it says is waited for.
    let mut subscriber = Command::new("stdbuf")
        .args([
            "-oL",
            "mosquitto_sub",
            "-p",
            port,
            "-q",
            "2",
            "-t",
            "kept",
            "-i",
            "counter",
            "-d",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("mosquitto_sub (Debian package mosquitto-clients)");
    let mut byte = [0; 1];
    let mut said = Vec::new();
    let stdout = subscriber.stdout.as_mut().unwrap();
    while !said.ends_with(b"Subscribed (mid: 1): 2\n") {
        std::io::Read::read_exact(stdout, &mut byte).expect("mosquitto_sub ended");
        said.push(byte[0]);
    }
    Running(subscriber)
}

/// How often each message came, until the last one did.
fn delivered(lines: impl BufRead) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for line in lines.lines().map(Result::unwrap) {
        if line == "end" {
            return counts;
        }
        // Between the payloads stand lines about packets.
        if line.starts_with(|first: char| first.is_ascii_digit()) {
            *counts.entry(line).or_default() += 1;
        }
    }
    panic!("the subscriber ended");
}
