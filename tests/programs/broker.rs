//! A real Mosquitto broker for one run: its own port, folder and
//! configuration, and a log that tests wait on.
//!
//! The log is how a test knows that a program has come to a certain point (is
//! subscribed, has gone), without sleeping and without help of the program.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// Longest time that a test waits for a line of the log before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What comes before the lines for every TLS connection.
const OPENSSL_CONF: &str = "openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = every_connection
[every_connection]
";

/// A port of 127.0.0.1 that is ours but that nothing listens on.
///
/// The socket is bound with `SO_REUSEADDR` and never listens: the kernel gives
/// the port to nobody else, connections to it are refused, and a broker, which
/// sets `SO_REUSEADDR` too, can still listen there.
pub(crate) struct HeldPort {
    _socket: Socket,
    number: u16,
}

impl HeldPort {
    pub(crate) fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("SO_REUSEADDR");
        socket
            .bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
            .expect("a free port");
        let number = socket
            .local_addr()
            .expect("the address just bound")
            .as_socket()
            .expect("an IPv4 address")
            .port();
        Self {
            _socket: socket,
            number,
        }
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

/// A running broker; it ends when this is dropped.
pub(crate) struct Broker {
    child: Child,
    reader: Option<JoinHandle<()>>,
    log: Arc<Log>,
    port: HeldPort,
}

#[derive(Default)]
struct Log {
    lines: Mutex<LogLines>,
    grown: Condvar,
}

#[derive(Default)]
struct LogLines {
    lines: Vec<String>,
    ended: bool,
}

impl Broker {
    /// Starts a broker with its files in `dir` and waits until it listens.
    ///
    /// `settings` are lines of its configuration file; without an
    /// `allow_anonymous` among them everyone is let in. `openssl` are lines of how its
    /// OpenSSL is configured.
    pub(crate) fn start(dir: &Path, settings: &[String], openssl: &[String]) -> Self {
        let port = HeldPort::new();
        let mut conf = format!(
            "listener {} 127.0.0.1\n\
             persistence false\n\
             log_dest stderr\n\
             log_type all\n\
             log_timestamp false\n\
             max_queued_messages 0\n\
             user root\n",
            port.number()
        );
        if !settings.iter().any(|s| s.starts_with("allow_anonymous")) {
            conf.push_str("allow_anonymous true\n");
        }
        for setting in settings {
            conf.push_str(setting);
            conf.push('\n');
        }
        let conf_file = dir.join("mosquitto.conf");
        fs::write(&conf_file, conf).expect("writing the broker's configuration");

        // An own file in any case: what the machine has set does not matter.
        let openssl_conf = dir.join("openssl.cnf");
        let openssl = format!("{OPENSSL_CONF}{}\n", openssl.join("\n"));
        fs::write(&openssl_conf, openssl).expect("writing OpenSSL's configuration");
        let mut child = Command::new("/usr/sbin/mosquitto")
            .arg("-c")
            .arg(&conf_file)
            .env("OPENSSL_CONF", openssl_conf)
            .env_remove("LD_LIBRARY_PATH")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting /usr/sbin/mosquitto (Debian package mosquitto)");
        let stderr = child.stderr.take().expect("stderr was asked for");
        let log = Arc::new(Log::default());
        let reader = thread::spawn({
            let log = Arc::clone(&log);
            move || log.fill(BufReader::new(stderr))
        });
        let broker = Self {
            child,
            reader: Some(reader),
            log,
            port,
        };
        broker.wait_for("running");
        broker
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number()
    }

    /// The whole log, when it tells the end of every connection.
    pub(crate) fn log_of_ended_connections(&self) -> Vec<String> {
        // Connections are accepted in the order in which they were made, so all
        // others are known when this one is.
        let last = TcpStream::connect(("127.0.0.1", self.port())).expect("the broker listens");
        let from = last.local_addr().expect("a connected socket");
        drop(last);
        self.wait_for(&format!("New connection from {from} on"));
        let count = |lines: &[String], parts: &[&str]| {
            lines
                .iter()
                .filter(|line| parts.iter().any(|part| line.contains(part)))
                .count()
        };
        let ends = [
            " disconnected",
            " closed its connection",
            "closing old connection",
            "Bad socket read/write",
        ];
        let log = self.wait_until("ended all connections", |lines| {
            count(lines, &ends) >= count(lines, &["New connection from "])
        });
        log.lines.clone()
    }

    /// Waits until a line of the log contains `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_for_times(text, 1);
    }

    /// Waits until `times` lines of the log contain `text`.
    pub(crate) fn wait_for_times(&self, text: &str, times: usize) {
        let mut seen = 0;
        let mut found = 0;
        let log = self.wait_until(&format!("logged {text:?} {times} time(s)"), |lines| {
            let new = &lines[seen..];
            found += new.iter().filter(|line| line.contains(text)).count();
            seen = lines.len();
            found >= times
        });
        drop(log);
    }

    /// Waits until the log satisfies `done`, which is asked again as it grows.
    fn wait_until(
        &self,
        what: &str,
        mut done: impl FnMut(&[String]) -> bool,
    ) -> MutexGuard<'_, LogLines> {
        let deadline = Instant::now() + PATIENCE;
        let mut log = self.log.lines.lock().expect("the log");
        while !done(&log.lines) {
            let left = deadline.saturating_duration_since(Instant::now());
            if log.ended || left.is_zero() {
                let why = if log.ended { "ended" } else { "was silent" };
                let last = log.lines[log.lines.len().saturating_sub(30)..].join("\n");
                drop(log);
                panic!("the broker {why} before it {what}:\n{last}");
            }
            log = self.log.grown.wait_timeout(log, left).expect("the log").0;
        }
        log
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Both fail only when the broker is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}

impl Log {
    fn fill(&self, stderr: impl BufRead) {
        for line in stderr.split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            self.lines.lock().expect("the log").lines.push(line);
            self.grown.notify_all();
        }
        self.lines.lock().expect("the log").ended = true;
        self.grown.notify_all();
    }
}
