//! The brokers: how each is set up and started, on ports of its own.
//!
//! `scripts/interop.sh` installs them. Each lets everybody in, knows one user
//! name and password, and forbids everyone the topics below `forbidden/`, as
//! far as it can be told so.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

use super::link::Server;
use crate::support::Version;

/// The one user that every broker knows.
const USER: (&str, &str) = ("tester", "secret");

/// Longest time that a broker may take to listen.
const START: Duration = Duration::from_secs(90);

/// A kind of broker.
pub struct Broker {
    pub name: &'static str,
    /// Where the version that ran is found.
    version: fn(&Place) -> String,
    start: fn(&Place, &mut Running),
}

/// All brokers, in the order of the table.
pub const ALL: [Broker; 5] = [
    Broker {
        name: "Mosquitto",
        version: |_| debian_version("mosquitto"),
        start: mosquitto,
    },
    Broker {
        name: "RabbitMQ",
        version: |_| debian_version("rabbitmq-server"),
        start: rabbitmq,
    },
    Broker {
        name: "NATS",
        version: |_| debian_version("nats-server"),
        start: nats,
    },
    Broker {
        name: "aedes",
        version: |place| pinned(place, "aedes/package.json", "\"aedes\": \""),
        start: aedes,
    },
    Broker {
        name: "rumqttd",
        version: |place| pinned(place, "rumqttd/Cargo.toml", "rumqttd = { version = \"="),
        start: rumqttd,
    },
];

/// Where the brokers are found.
pub struct Place {
    /// The project's folder `interop`.
    pub sources: PathBuf,
    /// Where `scripts/interop.sh` puts what it installs.
    pub installed: PathBuf,
}

impl Broker {
    pub fn version(&self, place: &Place) -> String {
        (self.version)(place)
    }

    /// Why it could not be installed, if so.
    pub fn unavailable(&self, place: &Place) -> Option<String> {
        let file = place.installed.join("unavailable").join(self.name);
        let why = fs::read_to_string(file).ok()?;
        Some(why.trim().to_owned())
    }

    /// Starts it and waits until it listens.
    ///
    /// # Errors
    /// What it said, when it does not listen.
    pub fn start(&self, place: &Place) -> Result<Running, String> {
        let folder = std::env::temp_dir().join(format!(
            "mqttrs-interop-{}-{}",
            self.name.to_lowercase(),
            std::process::id()
        ));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        let mut running = Running {
            server: Server {
                port: |server, _| server.ports[0],
                ports: Vec::new(),
                limited: None,
                credentials: Some(USER),
                always: false,
            },
            children: Vec::new(),
            held: Vec::new(),
            folder,
        };
        (self.start)(place, &mut running);
        running.wait_until_it_listens()?;
        Ok(running)
    }
}

/// A broker that runs; it ends when this is dropped.
pub struct Running {
    pub server: Server,
    children: Vec<Child>,
    /// Keep the ports ours: bound, but not listening, as the broker does.
    held: Vec<Socket>,
    folder: PathBuf,
}

impl Running {
    /// A free port, which nobody else gets.
    ///
    /// The socket is bound with `SO_REUSEADDR` and never listens, so that a
    /// broker, which sets that option too, can listen there and nobody else is
    /// given the port.
    fn hold_port(&mut self) -> u16 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("SO_REUSEADDR");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a free port");
        let address = socket.local_addr().expect("just bound");
        self.held.push(socket);
        address.as_socket().expect("an IPv4 address").port()
    }

    /// A port for MQTT, which [`Broker::start`] waits for.
    fn mqtt_port(&mut self) -> u16 {
        let port = self.hold_port();
        self.server.ports.push(port);
        port
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("writing a broker's settings");
        path
    }

    /// Starts a program that writes to the broker's log, in a process group of
    /// its own: what it starts ends with it.
    fn spawn(&mut self, command: &mut Command) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .expect("the broker's log");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the broker's log"))
            .stderr(log)
            .env("HOME", &self.folder)
            .current_dir(&self.folder)
            .process_group(0)
            .spawn();
        match child {
            Ok(child) => self.children.push(child),
            Err(error) => {
                self.write("log", &format!("{command:?}: {error}"));
            }
        }
    }

    fn wait_until_it_listens(&mut self) -> Result<(), String> {
        let end = Instant::now() + START;
        let mut ports = self.server.ports.clone();
        ports.extend(self.server.limited);
        for port in ports {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let gone = self.children.is_empty()
                    || self
                        .children
                        .iter_mut()
                        .any(|child| !matches!(child.try_wait(), Ok(None)));
                if gone || Instant::now() > end {
                    return Err(format!("it does not listen:\n{}", self.log_end()));
                }
                // Nothing tells when a program begins to listen; ask again.
                thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }

    /// The last lines of its log.
    pub fn log_end(&self) -> String {
        let mut log = Vec::new();
        if let Ok(mut file) = fs::File::open(self.folder.join("log")) {
            let _ = file.read_to_end(&mut log);
        }
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What was started last stands on what was started first.
        for child in self.children.iter_mut().rev() {
            if let Ok(group) = i32::try_from(child.id()) {
                // SAFETY: only signals the group that we made for this child,
                // whose number is not free before `wait`.
                unsafe { libc::kill(-group, libc::SIGKILL) };
            }
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn mosquitto(_: &Place, running: &mut Running) {
    let port = running.mqtt_port();
    let limited = running.hold_port();
    running.server.limited = Some(limited);
    let passwords = running.folder.join("passwords");
    let _ = Command::new("mosquitto_passwd")
        .args(["-b", "-c"])
        .arg(&passwords)
        .args([USER.0, USER.1])
        .output();
    let acl = running.write(
        "acl",
        &format!(
            "topic readwrite #\ntopic deny forbidden/#\n\nuser {}\ntopic readwrite #\n",
            USER.0
        ),
    );
    let settings = format!(
        "listener {port} 127.0.0.1\n\
         listener {limited} 127.0.0.1\n\
         max_qos 1\n\
         max_topic_alias 3\n\
         allow_anonymous true\n\
         password_file {}\n\
         acl_file {}\n\
         max_packet_size 2000000\n\
         max_queued_messages 100000\n\
         persistence false\n\
         log_dest stderr\n\
         user root\n",
        passwords.display(),
        acl.display()
    );
    let settings = running.write("mosquitto.conf", &settings);
    running.spawn(Command::new("/usr/sbin/mosquitto").arg("-c").arg(settings));
}

fn rabbitmq(_: &Place, running: &mut Running) {
    let port = running.mqtt_port();
    let [amqp, distribution, names] = [(); 3].map(|()| running.hold_port());
    let folder = running.folder.clone();
    let settings = running.write(
        "rabbitmq.conf",
        &format!(
            "listeners.tcp.1 = 127.0.0.1:{amqp}\n\
             mqtt.listeners.tcp.1 = 127.0.0.1:{port}\n\
             mqtt.allow_anonymous = true\n\
             mqtt.default_user = guest\n\
             mqtt.default_pass = guest\n\
             default_user = guest\n\
             default_pass = guest\n"
        ),
    );
    running.server.credentials = Some(("guest", "guest"));
    let plugins = running.write("enabled_plugins", "[rabbitmq_mqtt].\n");
    // Erlang's name service would stay behind as a daemon; this one is ours.
    let names = names.to_string();
    running.spawn(
        Command::new("epmd")
            .args(["-port", &names])
            .args(["-address", "127.0.0.1"]),
    );
    running.spawn(
        Command::new("/usr/lib/rabbitmq/bin/rabbitmq-server")
            .env("ERL_EPMD_PORT", &names)
            .env("RABBITMQ_NODENAME", format!("interop{port}@localhost"))
            .env("RABBITMQ_DIST_PORT", distribution.to_string())
            .env("RABBITMQ_CONFIG_FILE", settings)
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins)
            .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
            .env("RABBITMQ_LOG_BASE", folder.join("logs"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_PID_FILE", folder.join("pid"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null"),
    );
}

fn nats(_: &Place, running: &mut Running) {
    let port = running.mqtt_port();
    let own = running.hold_port();
    let settings = format!(
        "listen: \"127.0.0.1:{own}\"\n\
         server_name: interop\n\
         max_payload: 8MB\n\
         jetstream {{ store_dir: \"{}\" }}\n\
         mqtt {{ listen: \"127.0.0.1:{port}\" }}\n\
         no_auth_user: anyone\n\
         accounts {{\n\
           A {{\n\
             jetstream: enabled\n\
             users: [ {{user: {}, password: {}}}, {{user: anyone, password: anyone}} ]\n\
           }}\n\
         }}\n",
        running.folder.join("jetstream").display(),
        USER.0,
        USER.1
    );
    let settings = running.write("nats.conf", &settings);
    running.spawn(
        Command::new("/usr/sbin/nats-server")
            .arg("-c")
            .arg(settings),
    );
}

fn aedes(place: &Place, running: &mut Running) {
    let port = running.mqtt_port().to_string();
    let program = place.installed.join("aedes/broker.js");
    running.spawn(Command::new("node").arg(program).arg(port));
}

fn rumqttd(place: &Place, running: &mut Running) {
    // One listener speaks 3.1.1, the other 5.
    running.server.port = |server, version| server.ports[usize::from(version == Version::V5)];
    running.server.always = true;
    let mut settings = "id = 0\n\
         [router]\n\
         id = 0\n\
         max_connections = 10010\n\
         max_outgoing_packet_count = 200\n\
         max_segment_size = 104857600\n\
         max_segment_count = 10\n"
        .to_owned();
    for version in ["v4", "v5"] {
        let port = running.mqtt_port();
        settings += &format!(
            "[{version}.1]\n\
             name = \"{version}-1\"\n\
             listen = \"127.0.0.1:{port}\"\n\
             next_connection_delay_ms = 1\n\
             [{version}.1.connections]\n\
             connection_timeout_ms = 60000\n\
             max_payload_size = 2097152\n\
             max_inflight_count = 100\n\
             dynamic_filters = true\n\
             auth = {{ {} = \"{}\" }}\n",
            USER.0, USER.1
        );
    }
    let settings = running.write("rumqttd.toml", &settings);
    let program = place.installed.join("rumqttd/debug/interop-rumqttd");
    running.spawn(Command::new(program).arg(settings));
}

fn debian_version(package: &str) -> String {
    let answer = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Version}", package])
        .output();
    match answer {
        Ok(answer) if answer.status.success() => {
            format!("{} (Debian)", String::from_utf8_lossy(&answer.stdout))
        }
        _ => "of unknown version".into(),
    }
}

/// The version that stands behind `before` in a file of ours.
fn pinned(place: &Place, file: &str, before: &str) -> String {
    let text = fs::read_to_string(place.sources.join(Path::new(file))).unwrap_or_default();
    let version = text.split_once(before).map(|(_, rest)| rest);
    let end = |c: char| !(c.is_ascii_alphanumeric() || ".+-".contains(c));
    version
        .and_then(|rest| rest.split(end).next())
        .unwrap_or("of unknown version")
        .to_owned()
}
