//! A real SOCKS5 proxy (Debian package microsocks) for one run.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::broker::HeldPort;

/// Longest time that a test waits for the proxy to listen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running proxy; it ends when this is dropped.
pub(crate) struct Proxy {
    child: Child,
    port: HeldPort,
}

impl Proxy {
    /// Starts a proxy, for all or for one user with a password, and waits until it listens.
    pub(crate) fn start(user: Option<&(String, String)>) -> Self {
        let port = HeldPort::new();
        let mut command = Command::new("microsocks");
        command.args(["-i", "127.0.0.1", "-p", &port.number().to_string()]);
        if let Some((name, password)) = user {
            command.args(["-u", name, "-P", password]);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starting microsocks (Debian package microsocks)");
        let mut proxy = Self { child, port };
        proxy.wait_until_it_listens();
        proxy
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// It says nothing when it does, so that connecting is the one way to know.
    fn wait_until_it_listens(&mut self) {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port()));
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            let ended = self.child.try_wait().expect("waiting for a child");
            assert!(ended.is_none(), "microsocks ended: {ended:?}");
            assert!(Instant::now() < deadline, "microsocks does not listen");
            thread::yield_now();
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Both fail only when it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
