//! Memory, descriptors and threads that run out: what a C program is told, and that it can go on.

#![allow(dead_code, reason = "the helpers serve other tests, too")]

mod built;

#[path = "c/mosquitto.rs"]
mod mosquitto;
#[path = "c/program.rs"]
mod program;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use mosquitto::Mosquitto;
use program::Program;

/// What the program found: its lines, each of fields with tabs between them.
fn findings(program: &Program, args: &[&str]) -> Vec<Vec<String>> {
    let text = built::stdout_of(Command::new(program.path()).args(args));
    let lines = text.lines();
    let lines = lines.map(|line| line.split('\t').map(str::to_owned).collect());
    lines.collect()
}

/// For `make oom`: the table goes to the folder that the environment names.
fn keep(part: &str, title: &str, columns: &[&str], rows: &[Vec<String>]) {
    let Some(folder) = std::env::var_os("MQTTRS_OOM_TABLES") else {
        return;
    };
    let quoted = |texts: &[String]| {
        let texts: Vec<_> = texts.iter().map(|text| format!("{text:?}")).collect();
        format!("[{}]", texts.join(", "))
    };
    let columns: Vec<_> = columns.iter().map(|&text| text.to_owned()).collect();
    let rows: Vec<_> = rows.iter().map(|row| quoted(row)).collect();
    let table = format!(
        "{{\"title\": {title:?}, \"columns\": {}, \"rows\": [{}]}}",
        quoted(&columns),
        rows.join(", ")
    );
    std::fs::write(std::path::Path::new(&folder).join(part), table).unwrap();
}

#[test]
fn every_allocation_for_c_may_fail_and_nothing_is_left_or_half_done() {
    let broker = Mosquitto::start("oom");
    let program = Program::build("oom", "oom");
    let found = findings(&program, &[&broker.port().to_string()]);
    assert_eq!(found.len(), 15, "a line for each function");
    let columns = ["function", "allocations made to fail", "blocks left over"];
    keep("1", "Memory that C is to own", &columns, &found);
}

#[test]
fn without_descriptors_or_threads_calls_fail_and_clients_go_on() {
    let broker = Mosquitto::start("exhaustion");
    let port = broker.port().to_string();
    let program = Program::build("exhaustion", "exhaustion");
    let found = findings(&program, &[&port]);
    assert_eq!(found.len(), 14, "two lines for each call");
    let columns = ["call", "what there is none of", "calls that failed"];
    keep("2", "Descriptors and threads", &columns, &found);
}

#[test]
fn a_message_too_large_for_the_memory_ends_the_connection_and_not_the_process() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let mut first = accept_client(&listener);
        // 100 MiB: within what a client takes by default.
        let remaining = (100 << 20) - 5;
        first.write_all(&[0x30]).unwrap();
        first.write_all(&remaining_length(remaining)).unwrap();
        first.write_all(&[0, 1, b't']).unwrap();
        let chunk = vec![0; 1 << 20];
        let mut sent = 0;
        // Until the client has had enough.
        while sent < 100 && first.write_all(&chunk).is_ok() {
            sent += 1;
        }
        drop(first);
        let mut second = accept_client(&listener);
        second.write_all(b"\x30\x08\x00\x01thello").unwrap();
        // Until the client goes.
        let _ = second.read_to_end(&mut Vec::new());
        sent
    });
    Program::build("oom_receive", "oom-receive").run(&[&port.to_string()]);
    assert!(server.join().unwrap() < 100, "the client took all of it");
}

/// A connection whose CONNECT is answered.
fn accept_client(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    let mut header = [0; 2];
    stream.read_exact(&mut header).unwrap();
    assert_eq!(header[0], 0x10);
    let mut body = vec![0; usize::from(header[1])];
    stream.read_exact(&mut body).unwrap();
    stream.write_all(&[0x20, 2, 0, 0]).unwrap();
    stream
}

fn remaining_length(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value % 128) as u8;
        value /= 128;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
