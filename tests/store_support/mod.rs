//! Programs with a store, and a subscriber that counts what they publish.

#![allow(dead_code)] // each test that includes this module uses its own part of it

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use crate::built::{build_dir, run, source, Scratch};

/// Compiles `tests/c/NAME.c` into `scratch`, with the library that has the feature `store`.
pub(crate) fn build(name: &str, scratch: &Scratch) -> PathBuf {
    let library = build_dir().join("store");
    assert!(
        library.join("libmqttrs.so").exists(),
        "{}/libmqttrs.so is missing: please run `make store`",
        library.display()
    );
    let path = scratch.path(name);
    run(Command::new("cc")
        .args(["-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-pthread"])
        .args(["-Wall", "-Wextra", "-Werror", "-I"])
        .arg(source("include"))
        .arg(source("tests/c").join(name).with_extension("c"))
        .arg("-o")
        .arg(&path)
        .arg("-L")
        .arg(&library)
        .arg("-lmqttrs")
        .arg(format!("-Wl,-rpath,{}", library.display())));
    path
}

/// A process that ends with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads all that is published to `kept` until "end".
pub(crate) struct Counter {
    _subscriber: Running,
    reader: JoinHandle<HashMap<String, usize>>,
}

impl Counter {
    /// One that has subscribed.
    pub(crate) fn start(port: &str) -> Counter {
        let mut subscriber = subscribe(port);
        let lines = BufReader::new(subscriber.0.stdout.take().unwrap());
        Counter {
            _subscriber: subscriber,
            reader: std::thread::spawn(move || delivered(lines)),
        }
    }

    /// Nothing of what was accepted may be missing at the end, and nothing of QoS 2, which begins
    /// with a 2, may have come twice.
    /// Gives the numbers, for docs/reliability.md.
    pub(crate) fn check(self, accepted: &HashSet<String>) -> String {
        let delivered = self.reader.join().unwrap();
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
        let (lost, doubled) = (lost.len(), doubled.len());
        format!(
            "{} accepted, {lost} lost, {doubled} doubled",
            accepted.len()
        )
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
