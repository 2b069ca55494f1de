//! A small MQTT broker for demonstrations and tests: no service, no root, no configuration.
//!
//! ```text
//! demo_broker [--port N] [--port-file FILE] [--user NAME:PASSWORD]
//! ```
//!
//! - Listens on 127.0.0.1, on port N, or (default, or `--port 0`) on a free one.
//! - Once it listens, prints the port as a line of its own on standard output and, with
//!   `--port-file`, writes that line to FILE, which appears complete or not at all.
//! - With `--user`, accepts that user name and password only.
//! - Ends with status 0 when its standard input closes, so it cannot outlive whoever holds
//!   the other end of that pipe, and by SIGTERM as any program does.
//!   (In a script, `demo_broker &` has an empty standard input: give it a pipe.)
//!
//! It speaks MQTT 3.1, 3.1.1 and 5.0 with the library's own codec: QoS 0 to 2 both ways,
//! retained messages, wildcards, wills with delay, sessions and messages that expire, keep
//! alive, topic aliases, subscription identifiers and options, flow control. It has no shared
//! subscriptions, no enhanced authentication, no storage on disk, and no bound on what it
//! queues for a slow or absent subscriber: it is for one machine and friendly clients.
//!
//! | module | what it is |
//! |---|---|
//! | `connection` | one client's socket: reads packets, keeps the keep alive |
//! | `outbox` | the bytes on their way to one client |
//! | `broker` | who subscribed to what, retained messages, wills, expiry |
//! | `session` | one client's subscriptions and unacknowledged messages |
//! | `message` | a message and how it is passed on |

mod broker;
mod connection;
mod message;
mod outbox;
mod session;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use broker::Broker;

fn main() -> ExitCode {
    match Arguments::parse(std::env::args().skip(1)).and_then(serve) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("demo_broker: {message}");
            eprintln!("usage: demo_broker [--port N] [--port-file FILE] [--user NAME:PASSWORD]");
            ExitCode::FAILURE
        }
    }
}

#[derive(Default)]
struct Arguments {
    port: u16,
    port_file: Option<String>,
    credentials: Option<(String, String)>,
}

impl Arguments {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Arguments::default();
        while let Some(option) = args.next() {
            let mut value = || args.next().ok_or(format!("{option} needs a value"));
            match option.as_str() {
                "--port" => {
                    parsed.port = value()?
                        .parse()
                        .map_err(|_| "--port is not a port number")?;
                }
                "--port-file" => parsed.port_file = Some(value()?),
                "--user" => {
                    let pair = value()?;
                    let (name, password) = pair.split_once(':').ok_or("--user lacks a colon")?;
                    parsed.credentials = Some((name.to_owned(), password.to_owned()));
                }
                _ => return Err(format!("unknown option {option}")),
            }
        }
        Ok(parsed)
    }
}

/// Accepts connections until standard input closes.
fn serve(arguments: Arguments) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port))
        .map_err(|error| format!("cannot listen on port {}: {error}", arguments.port))?;
    let port = listener
        .local_addr()
        .map_err(|error| error.to_string())?
        .port();
    announce(port, arguments.port_file.as_deref())
        .map_err(|error| format!("cannot announce the port: {error}"))?;

    let broker = Arc::new(Broker::new(arguments.credentials));
    let timers = Arc::clone(&broker);
    thread::spawn(move || timers.run_timers());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let broker = Arc::clone(&broker);
            thread::spawn(move || connection::run(stream, &broker));
        }
    });
    wait_for_end_of_input();
    Ok(())
}

fn announce(port: u16, port_file: Option<&str>) -> io::Result<()> {
    if let Some(path) = port_file {
        let unfinished = format!("{path}.new");
        std::fs::write(&unfinished, format!("{port}\n"))?;
        std::fs::rename(unfinished, path)?;
    }
    let mut stdout = io::stdout();
    writeln!(stdout, "{port}")?;
    stdout.flush()
}

fn wait_for_end_of_input() {
    let mut bytes = [0; 256];
    // An error is an end too: nobody holds the pipe any more.
    while matches!(io::stdin().read(&mut bytes), Ok(len) if len > 0) {}
}
