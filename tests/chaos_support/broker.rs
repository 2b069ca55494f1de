//! A Mosquitto that is stopped, killed and started again, always on the same port.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use socket2::{Domain, Socket, Type};

use crate::built::Scratch;

/// The broker; it ends when this is dropped.
pub(crate) struct Broker {
    running: Option<(Child, JoinHandle<()>)>,
    /// Keeps the port ours: bound, but not listening, as the broker does.
    _held: Socket,
    port: u16,
    config: PathBuf,
    sent: Arc<Mutex<Sent>>,
    _scratch: Scratch,
}

/// What the broker says that it has sent to the subscriber.
#[derive(Default)]
struct Sent {
    /// Messages of QoS 2 that it has released (PUBREL), by packet identifier.
    released: BTreeSet<u16>,
    taken_back: BTreeSet<u16>,
}

impl Sent {
    /// One line of its log.
    fn note(&mut self, line: &str) {
        let packet = line.split_once("Sending ");
        let Some((what, rest)) =
            packet.and_then(|(_, packet)| packet.split_once(" to chaos-subscriber ("))
        else {
            return;
        };
        let id = rest
            .split([',', ')', ' '])
            .find_map(|part| part.strip_prefix('m')?.parse::<u16>().ok());
        match (what, id) {
            ("PUBREL", Some(id)) => {
                self.released.insert(id);
            }
            ("PUBLISH", Some(id)) if rest.starts_with("d0") => {
                self.released.remove(&id);
            }
            ("PUBLISH", Some(id)) if self.released.contains(&id) => {
                self.taken_back.insert(id);
            }
            _ => {}
        }
    }
}

impl Broker {
    /// Starts one that keeps its sessions on the disk, if `persistent`: when it is told to end. It
    /// logs everything into the folder `log`, if there is one.
    pub(crate) fn start(test: &str, persistent: bool, log: Option<&Path>) -> Broker {
        let scratch = Scratch::new(&format!("chaos-{test}-broker"));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        let port = socket.local_addr().unwrap().as_socket().unwrap().port();
        let folder = scratch.path("");
        let mut settings = format!(
            "listener {port} 127.0.0.1\n\
             allow_anonymous true\n\
             persistence {persistent}\n\
             persistence_location {}/\n\
             log_dest stderr\n\
             log_type all\n\
             max_queued_messages 0\n\
             set_tcp_nodelay true\n\
             user root\n",
            folder.display()
        );
        if let Some(log) = log {
            settings += &format!(
                "log_dest file {}\nlog_timestamp_format %H:%M:%S\n",
                log.join("broker.log").display()
            );
        }
        let config = scratch.write("mosquitto.conf", &settings);
        let mut broker = Broker {
            running: None,
            _held: socket,
            port,
            config,
            sent: Arc::default(),
            _scratch: scratch,
        };
        broker.run();
        broker
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The packet identifiers of messages which it has sent to the subscriber again (PUBLISH) after
    /// it had released them (PUBREL), by its own log. It must not (MQTT-4.3.3 and 4.4): whoever has
    /// heard the release takes such a message for a new one. Mosquitto 2.0.11 does so when it
    /// loses a connection before it has sent all releases again.
    pub(crate) fn taken_back(&self) -> BTreeSet<u16> {
        self.sent.lock().unwrap().taken_back.clone()
    }

    /// Starts it again after its end.
    pub(crate) fn run(&mut self) {
        let mut child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting /usr/sbin/mosquitto (Debian package mosquitto)");
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("running") {
            let count = stderr.read_line(&mut said).unwrap();
            assert!(count > 0, "the broker does not start:\n{said}");
        }
        let sent = self.sent.clone();
        let reader = thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                sent.lock().unwrap().note(&line);
            }
        });
        self.running = Some((child, reader));
    }

    /// Tells it to end, and waits: it saves what it has, if it is persistent.
    pub(crate) fn stop(&mut self) {
        let (mut child, reader) = self.running.take().unwrap();
        let pid = child.id().to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(told.unwrap().success());
        child.wait().unwrap();
        reader.join().unwrap();
    }

    /// Kills it, and waits.
    pub(crate) fn kill(&mut self) {
        let (mut child, reader) = self.running.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        reader.join().unwrap();
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some((mut child, reader)) = self.running.take() {
            // Both fail only when it is gone already.
            let _ = child.kill();
            let _ = child.wait();
            let _ = reader.join();
        }
    }
}
