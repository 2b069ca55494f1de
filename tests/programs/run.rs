//! Runs a case on one library and keeps all that can be seen from outside.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Receiver};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::broker::{Broker, HeldPort};
use crate::certificates::{certificates, PASSWORD};
use crate::library::Library;
use crate::proxy::Proxy;
use crate::script::{End, Invocation, Listener, Program, Script, Step};
use crate::wire;

/// A program that has not ended after this time is killed, and its case fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one command line did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) command: String,
    pub(crate) expected: End,
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) pid: u32,
}

impl Outcome {
    pub(crate) fn ended_as_expected(&self) -> bool {
        let ends = |(code, stderr): (i32, &str)| {
            self.status.and_then(|status| status.code()) == Some(code)
                && self.stderr == stderr.as_bytes()
        };
        self.status.is_some_and(|status| match self.expected {
            End::Exit(code) => status.code() == Some(code),
            End::Signal => status.signal().is_some(),
            End::Either(race) => race.ends().into_iter().any(ends),
        })
    }

    pub(crate) fn end(&self) -> String {
        self.status
            .map_or_else(|| "did not end".to_owned(), |status| status.to_string())
    }
}

/// A whole case on one library.
pub(crate) struct Ran {
    /// One a command line, in the order of the script.
    pub(crate) outcomes: Vec<Outcome>,
    /// What the broker saw.
    pub(crate) requests: String,
    pub(crate) dir: RunDir,
}

/// Runs all steps against a broker of their own.
pub(crate) fn run(script: &Script, library: &Library) -> Ran {
    let dir = RunDir::new();
    let dead_port = HeldPort::new();
    let mut run = Run {
        library,
        dir: &dir,
        dead_port: dead_port.number(),
        tls_port: HeldPort::new(),
        proxy: None,
        broker: None,
        running: Vec::new(),
        outcomes: Vec::new(),
        subscriptions: HashMap::new(),
    };
    let settings: Vec<String> = script.settings.iter().map(|s| run.expand(s)).collect();
    run.broker = Some(Broker::start(dir.path(), &settings, &script.openssl));
    for step in &script.steps {
        run.step(step);
    }
    while let Some(running) = run.running.pop() {
        run.finish(running);
    }
    run.outcomes.sort_by_key(|(position, _)| *position);
    let requests = wire::requests(&run.broker().log_of_ended_connections());
    let outcomes = run.outcomes.into_iter().map(|(_, outcome)| outcome);
    Ran {
        outcomes: outcomes.collect(),
        requests,
        dir,
    }
}

/// A folder for the files of one run; it goes when this is dropped.
pub(crate) struct RunDir(PathBuf);

impl RunDir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let path = std::env::temp_dir().join(format!(
            "mqttrs-programs-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        // A folder of this name can only be left from a process that is gone.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The file that a script calls `{name}`, made when it is asked for.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        if path.exists() {
            return path;
        }
        let content: Vec<u8> = match name {
            "empty" => Vec::new(),
            "small" => b"a small file\nof two lines".to_vec(),
            "big" => mebibyte(),
            "lines" => (1..=10_000)
                .flat_map(|n| format!("line {n}\n").into_bytes())
                .collect(),
            "password" => format!("{PASSWORD}\n").into_bytes(),
            "acl" => b"topic readwrite open/#\ntopic read readonly\n".to_vec(),
            "passwords" => {
                let made = Command::new("/usr/bin/mosquitto_passwd")
                    .args(["-b", "-c"])
                    .arg(&path)
                    .args(["alice", "secret"])
                    .output()
                    .expect("mosquitto_passwd (Debian package mosquitto)");
                assert!(made.status.success(), "{made:?}");
                return path;
            }
            _ => panic!("no file is called {{{name}}}"),
        };
        fs::write(&path, content).expect("writing a file of a case");
        path
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// 1 MiB in which every byte value occurs and no part repeats soon.
fn mebibyte() -> Vec<u8> {
    let mut state = 1_u32;
    (0..1 << 20)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .collect()
}

struct Run<'a> {
    library: &'a Library,
    dir: &'a RunDir,
    dead_port: u16,
    tls_port: HeldPort,
    proxy: Option<Proxy>,
    broker: Option<Broker>,
    running: Vec<Running>,
    outcomes: Vec<(usize, Outcome)>,
    /// How many times a client identifier has been used to subscribe.
    subscriptions: HashMap<String, usize>,
}

struct Running {
    position: usize,
    invocation: Invocation,
    child: KilledWhenDropped,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    closed: Receiver<()>,
}

/// A case that panics leaves no program behind.
struct KilledWhenDropped(Child);

impl Drop for KilledWhenDropped {
    fn drop(&mut self) {
        // Both fail only when it has been waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Run<'_> {
    fn broker(&self) -> &Broker {
        self.broker.as_ref().expect("started before the steps")
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Run(invocation) => {
                let mut invocation = invocation.clone();
                invocation.args = invocation.args.iter().map(|a| self.expand(a)).collect();
                let running = self.spawn(invocation);
                if running.invocation.background {
                    self.wait_until_ready(&running.invocation);
                    self.running.push(running);
                } else {
                    self.finish(running);
                }
            }
            Step::Kill(id) => {
                let mut running = self.take(id);
                running.child.0.kill().expect("it runs until it is killed");
                self.finish(running);
            }
            Step::End(id) => {
                let running = self.take(id);
                self.finish(running);
            }
            Step::Log(times, text) => self.broker().wait_for_times(text, *times),
            Step::Proxy(user) => self.proxy = Some(Proxy::start(user.as_ref())),
        }
    }

    fn take(&mut self, id: &str) -> Running {
        let at = self
            .running
            .iter()
            .position(|running| running.invocation.client_id() == Some(id))
            .unwrap_or_else(|| panic!("no program runs as {id:?}"));
        self.running.remove(at)
    }

    fn spawn(&mut self, mut invocation: Invocation) -> Running {
        let address = match invocation.listener {
            Listener::None => None,
            Listener::Plain => Some(("127.0.0.1", self.broker().port())),
            Listener::Tls => Some(("localhost", self.tls_port.number())),
        };
        if let Some((host, port)) = address {
            let address = ["-h", host, "-p", &port.to_string()];
            invocation.args.extend(address.map(str::to_owned));
        }
        if invocation.program != Program::Pub {
            if let Some(id) = invocation.client_id() {
                *self.subscriptions.entry(id.to_owned()).or_default() += 1;
            }
        }
        let stdin = match &invocation.stdin {
            Some(file) => File::open(self.expand(file)).expect("stdin=FILE").into(),
            None => Stdio::null(),
        };
        let program = invocation.program.path();
        let mut command = if invocation.detached {
            let mut command = Command::new("setsid");
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        if let Some((name, value)) = &invocation.env {
            command.env(name, self.expand(value));
        }
        command
            .args(&invocation.args)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("HOME", self.dir.path())
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("OPENSSL_CONF")
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.library.apply(&mut command);
        let mut child = command.spawn().unwrap_or_else(|e| {
            panic!("{invocation}: {e} (Debian package mosquitto-clients)");
        });
        let (closing, closed) = channel();
        let collect = |mut stream: Box<dyn Read + Send>| {
            let closing = closing.clone();
            thread::spawn(move || {
                let mut bytes = Vec::new();
                // What cannot be read is missing in the comparison.
                let _ = stream.read_to_end(&mut bytes);
                let _ = closing.send(());
                bytes
            })
        };
        let stdout = collect(Box::new(child.stdout.take().expect("a pipe")));
        let stderr = collect(Box::new(child.stderr.take().expect("a pipe")));
        Running {
            position: self.running.len() + self.outcomes.len(),
            invocation,
            child: KilledWhenDropped(child),
            stdout,
            stderr,
            closed,
        }
    }

    fn wait_until_ready(&self, invocation: &Invocation) {
        let id = invocation
            .client_id()
            .unwrap_or_else(|| panic!("{invocation}: a program in the background needs -i"));
        if invocation.program == Program::Pub {
            self.broker().wait_for(&format!("Sending CONNACK to {id} "));
        } else {
            let times = self.subscriptions[id];
            self.broker()
                .wait_for_times(&format!("Sending SUBACK to {id}"), times);
        }
    }

    fn finish(&mut self, mut running: Running) {
        let ended = (0..2).all(|_| running.closed.recv_timeout(PATIENCE).is_ok());
        if !ended {
            // Fails only when it has ended in this moment.
            let _ = running.child.0.kill();
        }
        let pid = running.child.0.id();
        let status = running.child.0.wait().expect("waiting for a child");
        let outcome = Outcome {
            command: running.invocation.to_string(),
            expected: running.invocation.end,
            status: ended.then_some(status),
            stdout: running.stdout.join().expect("reading stdout"),
            stderr: running.stderr.join().expect("reading stderr"),
            pid,
        };
        self.outcomes.push((running.position, outcome));
    }

    fn expand(&self, text: &str) -> String {
        let mut text = text.replace("{dir}", &self.dir.path().display().to_string());
        text = text.replace("{deadport}", &self.dead_port.to_string());
        text = text.replace("{tls}", &self.tls_port.number().to_string());
        if text.contains("{pki}") {
            let dir = certificates().dir().display().to_string();
            text = text.replace("{pki}", &dir);
        }
        if let Some(proxy) = &self.proxy {
            text = text.replace("{proxy}", &proxy.port().to_string());
        }
        if let Some(broker) = &self.broker {
            text = text.replace("{port}", &broker.port().to_string());
        }
        for name in [
            "empty",
            "small",
            "big",
            "lines",
            "acl",
            "passwords",
            "password",
        ] {
            let placeholder = format!("{{{name}}}");
            if text.contains(&placeholder) {
                text = text.replace(&placeholder, &self.dir.file(name).display().to_string());
            }
        }
        text
    }
}
