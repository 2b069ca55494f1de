//! A Mosquitto that is stopped, killed and started again, always on the same port.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
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
    _scratch: Scratch,
}

impl Broker {
    /// Starts one that keeps its sessions on the disk, if `persistent`: when it is told to end.
    pub(crate) fn start(test: &str, persistent: bool) -> Broker {
        let scratch = Scratch::new(&format!("chaos-{test}-broker"));
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        let port = socket.local_addr().unwrap().as_socket().unwrap().port();
        let folder = scratch.path("");
        let settings = format!(
            "listener {port} 127.0.0.1\n\
             allow_anonymous true\n\
             persistence {persistent}\n\
             persistence_location {}/\n\
             log_dest stderr\n\
             log_type error\n\
             log_type information\n\
             connection_messages false\n\
             max_queued_messages 0\n\
             set_tcp_nodelay true\n\
             user root\n",
            folder.display()
        );
        let config = scratch.write("mosquitto.conf", &settings);
        let mut broker = Broker {
            running: None,
            _held: socket,
            port,
            config,
            _scratch: scratch,
        };
        broker.run();
        broker
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
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
        let reader = thread::spawn(move || {
            // Lest it stop to wait for a reader; fails only when it is gone.
            let _ = stderr.read_to_end(&mut Vec::new());
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

    /// What it has kept, for whoever looks into a failure.
    #[allow(dead_code)]
    pub(crate) fn kept(&self) -> usize {
        fs::metadata(self.config.with_file_name("mosquitto.db"))
            .map_or(0, |file| file.len() as usize)
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
