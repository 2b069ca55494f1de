//! A broker, a proxy, a publisher and a subscriber: everything that a run of faults needs.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::broker::Broker;
use super::client::Client;
use super::ledger::{Ledger, Role};
use super::proxy::{Fault, Proxy};
use super::report::{Row, Run, Store};
use super::rng::Rng;
use crate::built::{built, run, source, Scratch};

/// For a single step of which nobody can say how long it takes: what takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// How a world is built.
#[derive(Default)]
pub(crate) struct Setting<'a> {
    /// What the proxy does to connections.
    pub(crate) faults: &'a [Fault],
    /// The broker keeps its sessions over its end.
    pub(crate) persistent: bool,
    /// The subscriber subscribes again when the broker has lost its session.
    pub(crate) resubscribe: bool,
    /// Something may be missing in the end, for reasons that are told.
    pub(crate) lossy: bool,
    /// Microseconds between two messages.
    pub(crate) pause: u32,
    /// The programs' time of day can be made to jump.
    pub(crate) clock: bool,
}

pub(crate) struct World<'a> {
    run: &'a Run,
    setting: Setting<'a>,
    pub(crate) ledger: Ledger,
    pub(crate) broker: Broker,
    pub(crate) proxy: Proxy,
    pub(crate) rng: Rng,
    pub(crate) publisher: Client,
    pub(crate) subscriber: Client,
    publishers: usize,
    publish: PathBuf,
    subscribe: PathBuf,
    clock: Option<PathBuf>,
    scratch: Scratch,
    /// Faults that are no work of the proxy's.
    pub(crate) injected: usize,
}

impl<'a> World<'a> {
    /// Starts everything, up to a subscriber that is subscribed.
    pub(crate) fn start(run: &'a Run, setting: Setting<'a>) -> World<'a> {
        let name = run.name();
        let scratch = Scratch::new(&format!("chaos-{name}"));
        let publish = compile("chaos_publisher", run, &scratch);
        let subscribe = compile("chaos_subscriber", run, &scratch);
        let clock = setting.clock.then(|| clock(&scratch));
        let log = run.log();
        let mut rng = Rng::for_part(run.seed, &name);
        let broker = Broker::start(&name, setting.persistent, log.as_deref());
        let proxy = Proxy::start(broker.port(), setting.faults, Rng::new(rng.next()));
        let ledger = Ledger::default();
        let mut args = settings(run, &proxy, &scratch, "subscriber");
        args.push(u8::from(setting.resubscribe).to_string());
        let subscriber = Client::start(
            Role::Subscriber,
            &subscribe,
            &args,
            clock.as_deref(),
            log.as_deref(),
            &ledger,
        );
        let subscribed = ledger.wait(PATIENCE, |entries| {
            entries.count(Role::Subscriber, "subscribed") == 1
        });
        run.check(subscribed, "subscribing", &ledger);
        let mut world = World {
            publisher: Client::start(
                Role::Publisher,
                &publish,
                &publisher_args(run, &proxy, &scratch, &setting, 0),
                clock.as_deref(),
                log.as_deref(),
                &ledger,
            ),
            run,
            setting,
            ledger,
            broker,
            proxy,
            rng,
            subscriber,
            publishers: 1,
            publish,
            subscribe,
            clock,
            scratch,
            injected: 0,
        };
        world.progress(10);
        world
    }

    /// Waits until so many more messages have been accepted, and so many delivered.
    pub(crate) fn progress(&mut self, messages: usize) {
        let (accepted, delivered) = self
            .ledger
            .read(|entries| (entries.accepted, entries.delivered));
        let went_on = self.ledger.wait(PATIENCE, |entries| {
            entries.accepted >= accepted + messages && entries.delivered >= delivered + messages
        });
        self.run.check(went_on, "messages go on", &self.ledger);
    }

    /// Waits for an answer of one of the programs.
    pub(crate) fn expect(&self, what: &str, done: impl FnMut(&super::ledger::Entries) -> bool) {
        self.run
            .check(self.ledger.wait(PATIENCE, done), what, &self.ledger);
    }

    pub(crate) fn client(&mut self, role: Role) -> &mut Client {
        match role {
            Role::Publisher => &mut self.publisher,
            Role::Subscriber => &mut self.subscriber,
        }
    }

    /// Lets the proxy inject so many faults and waits for them.
    pub(crate) fn break_connections(&mut self, faults: usize) {
        self.proxy.inject(faults);
        let mut before = self.proxy.injected();
        while let Err(injected) = self.proxy.wait_for_faults(PATIENCE) {
            self.run
                .check(injected > before, "connections go on", &self.ledger);
            before = injected;
        }
    }

    /// Kills the publisher and starts it again, with what its store has.
    pub(crate) fn kill_publisher(&mut self) {
        self.publisher.kill();
        let args = publisher_args(
            self.run,
            &self.proxy,
            &self.scratch,
            &self.setting,
            self.publishers,
        );
        self.publisher = Client::start(
            Role::Publisher,
            &self.publish,
            &args,
            self.clock.as_deref(),
            self.run.log().as_deref(),
            &self.ledger,
        );
        self.publishers += 1;
        self.injected += 1;
    }

    /// The same with the subscriber. It is subscribed, as the broker knows.
    pub(crate) fn kill_subscriber(&mut self) {
        self.subscriber.kill();
        let mut args = settings(self.run, &self.proxy, &self.scratch, "subscriber");
        args.push("2".to_owned());
        self.subscriber = Client::start(
            Role::Subscriber,
            &self.subscribe,
            &args,
            self.clock.as_deref(),
            self.run.log().as_deref(),
            &self.ledger,
        );
        self.injected += 1;
    }

    /// The faults are over: everything is delivered that will be, and counted.
    pub(crate) fn finish(mut self) -> Row {
        self.publisher.tell("stop");
        self.expect("draining", |entries| {
            entries.count(Role::Publisher, "drained") == 1
        });
        let ended = self.publisher.wait();
        self.run
            .check(ended.success(), "the publisher's end", &self.ledger);
        self.expect("the last messages", |entries| {
            entries.count(Role::Subscriber, "end") >= 2
        });
        // Mosquitto lets messages pass each other after reconnects, so some may come after these
        // two; what is lost does not come at all.
        let patience = match self.setting.lossy {
            true => Duration::from_secs(1),
            false => PATIENCE,
        };
        let _ = self
            .ledger
            .wait(patience, |entries| entries.undelivered == 0);
        self.subscriber.tell("stop");
        let ended = self.subscriber.wait();
        self.run
            .check(ended.success(), "the subscriber's end", &self.ledger);
        let injected = self.injected + self.proxy.injected();
        // Its log is complete when it has ended.
        self.broker.kill();
        let taken_back = self.broker.taken_back();
        let row = self
            .ledger
            .read(|entries| Row::new(self.run, injected, &taken_back, entries));
        self.run
            .check(row.ends == 2, "the last messages come once", &self.ledger);
        row
    }
}

/// Compiles a C program into `scratch`, with the library that can do what the run needs.
fn compile(name: &str, of: &Run, scratch: &Scratch) -> PathBuf {
    let library = match of.store {
        Store::Off => built("libmqttrs.so"),
        _ => built("store/libmqttrs.so"),
    };
    let folder = library.parent().unwrap();
    let path = scratch.path(name);
    run(Command::new("cc")
        .args(["-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-pthread"])
        .args(["-Wall", "-Wextra", "-Werror", "-I"])
        .arg(source("include"))
        .arg(source("tests/c").join(name).with_extension("c"))
        .arg("-o")
        .arg(&path)
        .arg("-L")
        .arg(folder)
        .arg("-lmqttrs")
        .arg(format!("-Wl,-rpath,{}", folder.display())));
    path
}

/// The arguments that both programs have.
fn settings(run: &Run, proxy: &Proxy, scratch: &Scratch, role: &str) -> Vec<String> {
    let folder = match run.store.durability() {
        Some(_) => scratch.path(role).to_str().unwrap().to_owned(),
        None => "-".to_owned(),
    };
    vec![
        proxy.port().to_string(),
        run.version.to_string(),
        folder,
        run.store.durability().unwrap_or(0).to_string(),
    ]
}

fn publisher_args(
    run: &Run,
    proxy: &Proxy,
    scratch: &Scratch,
    setting: &Setting,
    number: usize,
) -> Vec<String> {
    let mut args = settings(run, proxy, scratch, "publisher");
    args.extend([
        number.to_string(),
        "40".to_owned(),
        setting.pause.to_string(),
    ]);
    args
}

/// The library that stands before the C library's clock.
fn clock(scratch: &Scratch) -> PathBuf {
    let path = scratch.path("chaos_clock.so");
    run(Command::new("cc")
        .args([
            "-std=gnu11",
            "-O1",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-shared",
            "-fPIC",
        ])
        .arg(source("tests/c/chaos_clock.c"))
        .arg("-o")
        .arg(&path));
    path
}
