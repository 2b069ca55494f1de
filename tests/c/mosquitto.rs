//! A Mosquitto broker on a free port, for the C programs.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::{self, JoinHandle};

use socket2::{Domain, Socket, Type};

use crate::built::Scratch;

/// A running broker; it ends when this is dropped.
pub(crate) struct Mosquitto {
    child: Child,
    /// Keeps the port ours: bound, but not listening, as the broker does.
    _held: Socket,
    port: u16,
    /// Reads what the broker says, lest it stop to wait for a reader.
    reader: Option<JoinHandle<()>>,
    _scratch: Scratch,
}

impl Mosquitto {
    /// Starts a broker for the test `test` and waits until it listens.
    pub(crate) fn start(test: &str) -> Mosquitto {
        let scratch = Scratch::new(&format!("c-{test}-broker"));
        let (held, port) = hold_port();
        let config = scratch.path("mosquitto.conf");
        let settings = format!(
            "listener {port} 127.0.0.1\n\
             allow_anonymous true\n\
             persistence false\n\
             log_dest stderr\n\
             log_type error\n\
             log_type warning\n\
             log_type information\n\
             connection_messages false\n\
             max_queued_messages 0\n\
             max_inflight_messages 0\n\
             user root\n"
        );
        fs::write(&config, settings).unwrap();
        // As many descriptors as it may have: some tests connect many clients.
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -n $(ulimit -Hn); exec \"$@\"", "sh"])
            .args(["/usr/sbin/mosquitto", "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting /usr/sbin/mosquitto (Debian package mosquitto)");
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let started = wait_until_running(&mut stderr);
        let reader = thread::spawn(move || {
            // Fails only when the broker is gone.
            let _ = stderr.read_to_end(&mut Vec::new());
        });
        let broker = Mosquitto {
            child,
            _held: held,
            port,
            reader: Some(reader),
            _scratch: scratch,
        };
        if let Err(said) = started {
            panic!("the broker does not start:\n{said}");
        }
        broker
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        // Both fail only when the broker is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

/// A port of 127.0.0.1 that nobody else gets: a socket is bound to it with `SO_REUSEADDR`
/// and does not listen, so a broker that sets the same option can.
fn hold_port() -> (Socket, u16) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    let port = socket.local_addr().unwrap().as_socket().unwrap().port();
    (socket, port)
}

/// Reads until the broker says that it runs; what it said when it ended instead.
fn wait_until_running(stderr: &mut BufReader<ChildStderr>) -> Result<(), String> {
    let mut said = String::new();
    loop {
        let before = said.len();
        match stderr.read_line(&mut said) {
            Ok(0) | Err(_) => return Err(said),
            Ok(_) if said[before..].contains("running") => return Ok(()),
            Ok(_) => {}
        }
    }
}
