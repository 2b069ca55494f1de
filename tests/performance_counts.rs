//! What a message costs, counted and not timed: instructions in the client process
//! (callgrind) and system calls (strace), against benches/counts.tsv, so that a regression
//! shows on the busiest machine. Two runs of different length are subtracted, so that the
//! start of the process drops out.
//!
//! `MQTTRS_UPDATE_COUNTS=1 cargo test --test performance_counts` writes the file anew,
//! libmosquitto's counts included; do that when a change is meant to cost more or less.

mod built;

use built::{built, run, source};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock};

/// How far a count may be from the one on record. Compilers differ a little; what became
/// much cheaper is to be recorded, or else it could be lost again unnoticed.
const DEARER: f64 = 1.15;
const CHEAPER: f64 = 0.7;
/// System calls a message that may come and go with the scheduler.
const STRAY_CALLS: f64 = 0.02;

/// How often the instructions of a run are counted at the most.
const RUNS: usize = 20;
/// How far two runs may be from each other that are said to agree.
const AGREEMENT: f64 = 1.01;

const RECORD: &str = "benches/counts.tsv";

#[test]
fn publish_qos_0_costs_what_is_on_record() {
    check("publish QoS 0", &["publish", "qos=0"]);
}

#[test]
fn receive_qos_0_costs_what_is_on_record() {
    check("receive QoS 0", &["receive", "qos=0"]);
}

#[test]
fn publish_qos_1_window_20_costs_what_is_on_record() {
    check("publish QoS 1, window 20", &["publish", "qos=1"]);
}

#[test]
fn publish_qos_2_window_20_costs_what_is_on_record() {
    check("publish QoS 2, window 20", &["publish", "qos=2"]);
}

#[test]
fn receive_qos_1_window_20_costs_what_is_on_record() {
    check("receive QoS 1, window 20", &["receive", "qos=1"]);
}

#[test]
fn receive_qos_2_window_20_costs_what_is_on_record() {
    check("receive QoS 2, window 20", &["receive", "qos=2"]);
}

#[test]
fn receiving_with_ten_thousand_filters_costs_what_it_costs_with_ten() {
    let dropin = built("dropin/libmosquitto.so.1");
    let cost = |filters| {
        let filters = format!("filters={filters}");
        measure(&["filters", "topics=5", &filters], dropin.parent()).instructions
    };
    let (few, many) = (cost(10), cost(10_000));
    assert!(
        many <= few * DEARER,
        "a message costs {few:.0} instructions with 10 filters and {many:.0} with 10,000"
    );
}

/// A message's share.
struct Cost {
    instructions: f64,
    system_calls: f64,
}

fn check(case: &str, arguments: &[&str]) {
    let dropin = built("dropin/libmosquitto.so.1");
    let cost = measure(arguments, Some(dropin.parent().unwrap()));
    if std::env::var_os("MQTTRS_UPDATE_COUNTS").is_some() {
        record(case, &cost, &measure(arguments, None));
        return;
    }
    let line = recorded(case);
    let fields: Vec<&str> = line.split('\t').collect();
    let number = |at: usize| -> f64 { fields[at].parse().unwrap() };
    expect(case, "instructions", cost.instructions, number(1), 0.0);
    expect(
        case,
        "system calls",
        cost.system_calls,
        number(4),
        STRAY_CALLS,
    );
}

fn expect(case: &str, what: &str, counted: f64, on_record: f64, stray: f64) {
    assert!(
        counted <= on_record * DEARER + stray,
        "{case}: {counted:.3} {what} for a message, where {on_record} are on record: what has \
         become dearer? If it is meant to be, write {RECORD} anew (see tests/performance_counts.rs)."
    );
    // Where next to nothing is on record, nothing can be much less.
    let least = on_record * CHEAPER - stray;
    assert!(
        least <= 0.0 || counted >= least,
        "{case}: only {counted:.3} {what} for a message, where {on_record} are on record: \
         please write {RECORD} anew (see tests/performance_counts.rs), lest it be lost again."
    );
}

fn measure(arguments: &[&str], library: Option<&Path>) -> Cost {
    let instructions = |messages| least(|| instructions(arguments, messages, library));
    let calls = |messages| system_calls(arguments, messages, library);
    Cost {
        instructions: (instructions(20_000) - instructions(5_000)) / 15_000.0,
        system_calls: (calls(60_000) - calls(10_000)) / 50_000.0,
    }
}

/// How messages are batched depends on the time, which only adds to what they cost at best. That
/// is found when two runs agree on it.
fn least(count: impl Fn() -> f64) -> f64 {
    let mut counts = Vec::new();
    while counts.len() < RUNS {
        counts.push(count());
        counts.sort_by(f64::total_cmp);
        if counts.len() > 1 && counts[1] <= counts[0] * AGREEMENT {
            break;
        }
    }
    counts[0]
}

fn instructions(arguments: &[&str], messages: u64, library: Option<&Path>) -> f64 {
    let said = run_client(
        &[
            "valgrind",
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
        ],
        arguments,
        messages,
        library,
    );
    // ==1234== Collected : 23591624
    let line = said.lines().find(|line| line.contains("Collected :"));
    let count = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    count.unwrap_or_else(|| panic!("callgrind gave no count:\n{said}"))
}

fn system_calls(arguments: &[&str], messages: u64, library: Option<&Path>) -> f64 {
    let said = run_client(
        &["strace", "-f", "-c", "-U", "calls,name"],
        arguments,
        messages,
        library,
    );
    //     20001 total
    let line = said.lines().find(|line| line.ends_with(" total"));
    let count = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    count.unwrap_or_else(|| panic!("strace gave no count:\n{said}"))
}

/// Runs the benchmark client under a tool, beside the server on one core, and returns what
/// the tool said. That the messages arrived, each once and in order, is checked as well.
fn run_client(tool: &[&str], arguments: &[&str], messages: u64, library: Option<&Path>) -> String {
    let programs = programs();
    let server = Server::start(&programs.join("server"));
    let mut client = on_one_core();
    client
        .args(tool)
        .arg(programs.join("client"))
        .arg(arguments[0])
        .arg(&server.port)
        .arg(messages.to_string())
        .args(&arguments[1..])
        .env_remove("LD_LIBRARY_PATH");
    if let Some(library) = library {
        client.env("LD_LIBRARY_PATH", library);
    }
    let output = run(&mut client);
    let report = server.stop();
    let count = match arguments[0] {
        "publish" => format!("received={messages} "),
        _ => format!("sent={messages} "),
    };
    assert!(
        report.contains(&count) && report.contains("wrong=0"),
        "not every message arrived once and in order: {report}"
    );
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One core for client and server, so that the scheduler has little to decide.
fn on_one_core() -> Command {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .unwrap();
    let core: String = allowed
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let mut command = Command::new("taskset");
    command.args(["-c", &core]);
    command
}

struct Server {
    process: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
    port: String,
}

impl Server {
    fn start(program: &Path) -> Server {
        let mut process = on_one_core()
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut port = String::new();
        output.read_line(&mut port).unwrap();
        Server {
            process,
            input,
            output,
            port: port.trim().to_owned(),
        }
    }

    /// What it says of the client that has left.
    fn stop(mut self) -> String {
        let mut report = String::new();
        self.output.read_line(&mut report).unwrap();
        drop(self.input);
        self.process.wait().unwrap();
        report
    }
}

/// The folder of the compiled benchmark programs.
fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("performance_counts");
        fs::create_dir_all(&folder).unwrap();
        let compile = |name: &str, sources: &[&str], libraries: &[&str]| {
            let other = folder.join(format!("{name}.{}", std::process::id()));
            run(Command::new("cc")
                .arg("-O2")
                .args(sources.iter().map(|name| source("benches").join(name)))
                .arg("-o")
                .arg(&other)
                .args(libraries));
            fs::rename(other, folder.join(name)).unwrap();
        };
        compile(
            "server",
            &["server.c", "server_mqtt.c"],
            &["-lssl", "-lcrypto"],
        );
        compile(
            "client",
            &[
                "client.c",
                "client_flow.c",
                "client_life.c",
                "client_shared.c",
                "client_filters.c",
            ],
            &["-lmosquitto", "-lpthread"],
        );
        folder
    })
}

fn recorded(case: &str) -> String {
    let record = fs::read_to_string(source(RECORD)).unwrap();
    let line = record
        .lines()
        .find(|line| line.split('\t').next() == Some(case));
    line.unwrap_or_else(|| panic!("{RECORD} has no line for {case}"))
        .to_owned()
}

/// Puts the counts into the line of the case; the targets in it stay.
fn record(case: &str, ours: &Cost, theirs: &Cost) {
    static FILE: Mutex<()> = Mutex::new(());
    let _alone = FILE.lock();
    let old = recorded(case);
    let fields: Vec<&str> = old.split('\t').collect();
    let new = format!(
        "{case}\t{:.0}\t{}\t{:.0}\t{:.3}\t{}\t{:.2}",
        ours.instructions,
        fields[2],
        theirs.instructions,
        ours.system_calls,
        fields[5],
        theirs.system_calls
    );
    let record = fs::read_to_string(source(RECORD)).unwrap();
    fs::write(source(RECORD), record.replace(&old, &new)).unwrap();
}
