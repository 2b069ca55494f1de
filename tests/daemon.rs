//! A daemon from Debian, not rebuilt, doing its job on our library: collectd,
//! whose `mqtt` plugin publishes what it measures and takes in what others
//! measure, each on a client and a thread of its own.
//!
//! It runs twice, on Debian's `libmosquitto.so.1` and on ours (`make dropin`),
//! against a real Mosquitto broker, and has to do, say and leave the same.
//! Needs Debian's packages `collectd-core`, `mosquitto` and `mosquitto-clients`.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

// Its other half serves the tests of the programs.
#[allow(dead_code)]
#[path = "programs/broker.rs"]
mod broker;
#[path = "programs/library.rs"]
mod library;

use broker::Broker;
use library::Library;

/// What can be seen of one run from outside.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    /// What somebody else receives of a value that collectd took in and
    /// published again.
    relayed: String,
    /// How it ended.
    status: String,
    /// What it logged, without numbers.
    log: String,
}

#[test]
fn collectd_publishes_and_subscribes_on_our_library_as_on_debians() {
    let ours = Library::ours();
    let (on_debians, debians_maps) = run_collectd(&Library::Debian);
    assert_eq!(
        on_debians.relayed, "metrics/elsewhere/memory/memory-free 1000000000.000:42\0\n",
        "{on_debians:?}"
    );
    assert_eq!(on_debians.status, "exit status: 0", "{on_debians:?}");

    let (on_ours, our_maps) = run_collectd(&ours);
    assert_eq!(on_ours, on_debians);

    let Library::In(dir) = &ours else {
        panic!("ours is in a folder");
    };
    let file = dir.join("libmosquitto.so.1");
    let file = file.canonicalize().expect("checked by Library::ours");
    let file = file.display().to_string();
    assert!(our_maps.contains(&file), "{our_maps}");
    assert!(!debians_maps.contains(&file), "{debians_maps}");
    assert_eq!(libraries(&our_maps), 1, "{our_maps}");
    assert_eq!(libraries(&debians_maps), 1, "{debians_maps}");
}

/// Runs collectd until it has published, taken in and passed on values, and
/// tells it to end. Gives the memory map of the running daemon too.
fn run_collectd(library: &Library) -> (Seen, String) {
    let dir = TemporaryDir::new(library.name());
    let broker = Broker::start(dir.path(), &[], &[]);
    let port = broker.port().to_string();
    let conf = dir.path().join("collectd.conf");
    fs::write(&conf, configuration(dir.path(), &port)).expect("writing the configuration");

    let mut watcher = Started::spawn(
        Command::new("/usr/bin/mosquitto_sub")
            .args(["-h", "127.0.0.1", "-p", &port, "-i", "watcher", "-q", "1"])
            .args(["-t", "metrics/elsewhere/#", "-C", "1", "-v"])
            .env_remove("LD_LIBRARY_PATH"),
    );
    broker.wait_for("Sending SUBACK to watcher");

    let mut command = Command::new("/usr/sbin/collectd");
    command.arg("-f").arg("-C").arg(&conf);
    library.apply(&mut command);
    let mut collectd = Started::spawn(&mut command);
    broker.wait_for("Sending SUBACK to collectd-in");
    // What it measures itself arrives, again and again, and is acknowledged.
    broker.wait_for_times("'metrics/box/uptime/uptime'", 5);
    broker.wait_for_times("Received PUBREL from collectd-out", 5);

    let published = Command::new("/usr/bin/mosquitto_pub")
        .args(["-h", "127.0.0.1", "-p", &port, "-i", "publisher", "-q", "2"])
        .args(["-t", "input/elsewhere/memory/memory-free"])
        .args(["-m", "1000000000:42"])
        .env_remove("LD_LIBRARY_PATH")
        .status()
        .expect("mosquitto_pub (Debian package mosquitto-clients)");
    assert!(published.success(), "{published}");
    let relayed = watcher.output();
    broker.wait_for("Received PUBCOMP from collectd-in");

    let maps = fs::read_to_string(format!("/proc/{}/maps", collectd.0.id()));
    collectd.terminate();
    let log = collectd.output();
    let status = collectd.0.wait().expect("waiting for a child");
    broker.wait_for("Client collectd-in");
    (
        Seen {
            relayed,
            status: status.to_string(),
            log: without_numbers(&log),
        },
        maps.expect("the maps of a running daemon"),
    )
}

fn configuration(dir: &Path, port: &str) -> String {
    let dir = dir.display();
    format!(
        r#"
Hostname "box"
FQDNLookup false
BaseDir "{dir}"
PIDFile "{dir}/collectd.pid"
Interval 0.05
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File stdout
  Timestamp false
</Plugin>
LoadPlugin uptime
LoadPlugin mqtt
<Plugin mqtt>
  <Publish "out">
    Host "127.0.0.1"
    Port "{port}"
    ClientId "collectd-out"
    QoS 2
    Prefix "metrics"
  </Publish>
  <Subscribe "in">
    Host "127.0.0.1"
    Port "{port}"
    ClientId "collectd-in"
    QoS 2
    Topic "input/#"
  </Subscribe>
</Plugin>
"#
    )
}

/// How many files that are a libmosquitto are mapped.
fn libraries(maps: &str) -> usize {
    let mut files: Vec<&str> = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .filter(|file| file.contains("libmosquitto.so") || file.contains("libmqttrs.so"))
        .collect();
    files.sort_unstable();
    files.dedup();
    files.len()
}

fn without_numbers(log: &str) -> String {
    log.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// A child that is killed when the test panics.
struct Started(Child);

impl Started {
    fn spawn(command: &mut Command) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("{command:?}: {e}"));
        Self(child)
    }

    /// All that it prints until it ends.
    fn output(&mut self) -> String {
        let mut output = String::new();
        let mut stdout = self.0.stdout.take().expect("read once");
        stdout.read_to_string(&mut output).expect("text");
        output
    }

    fn terminate(&self) {
        let pid = libc::pid_t::try_from(self.0.id()).expect("a process id");
        // SAFETY: no pointers; the child is not waited for yet, so the number
        // cannot have become another process's.
        assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // Both fail only when it has been waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that goes when this is dropped.
struct TemporaryDir(std::path::PathBuf);

impl TemporaryDir {
    fn new(name: &str) -> Self {
        let name = format!("mqttrs-daemon-{}-{}", std::process::id(), name.len());
        let path = std::env::temp_dir().join(name);
        // A folder of this name can only be left from a process that is gone.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
