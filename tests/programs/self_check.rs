//! That the comparison is what it claims to be: it runs on our library, and
//! it sees a difference.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::broker::Broker;
use crate::compare::differences;
use crate::compare_with;
use crate::library::Library;
use crate::run::{run, RunDir};
use crate::script::{Program, Script};

const PROGRAMS: [Program; 3] = [Program::Pub, Program::Sub, Program::Rr];

/// Debian's library, where its package puts it.
fn debians_library() -> PathBuf {
    let found = Command::new("ldd")
        .arg(Program::Sub.path())
        .env_remove("LD_LIBRARY_PATH")
        .output()
        .expect("ldd");
    String::from_utf8_lossy(&found.stdout)
        .lines()
        .filter(|line| line.contains("libmosquitto.so.1"))
        .find_map(|line| line.split_whitespace().nth(2).map(PathBuf::from))
        .expect("mosquitto_sub is linked to libmosquitto.so.1")
}

/// The one library in `ours`, links followed.
fn our_file(ours: &Library) -> PathBuf {
    let Library::In(dir) = ours else {
        panic!("ours is in a folder");
    };
    dir.join("libmosquitto.so.1")
        .canonicalize()
        .expect("checked by Library::ours")
}

#[test]
fn the_loader_takes_our_library_and_says_nothing_about_versions() {
    let ours = Library::ours();
    let Library::In(our_dir) = &ours else {
        panic!("ours is in a folder");
    };
    for program in PROGRAMS {
        let dir = RunDir::new();
        let trace = dir.path().join("trace");
        let mut command = Command::new(program.path());
        command
            .arg("--help")
            .env("LD_BIND_NOW", "1")
            .env("LD_DEBUG", "libs")
            .env("LD_DEBUG_OUTPUT", &trace);
        ours.apply(&mut command);
        let output = command.output().expect("a program of mosquitto-clients");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(stderr, "", "{program:?} with LD_BIND_NOW");
        let trace: String = fs::read_dir(dir.path())
            .expect("the folder of this run")
            .map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("a trace"))
            .collect();
        let initialised = format!("calling init: {}/libmosquitto.so.1", our_dir.display());
        assert!(trace.contains(&initialised), "{program:?}: {trace}");
    }
}

#[test]
fn a_running_program_has_our_library_mapped_and_not_debians() {
    let ours = Library::ours();
    let dir = RunDir::new();
    let broker = Broker::start(dir.path(), &[], &[]);
    let port = broker.port().to_string();
    let mut command = Command::new(Program::Sub.path());
    command
        .args(["-h", "127.0.0.1", "-p", &port, "-i", "mapped", "-t", "a"])
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    ours.apply(&mut command);
    let mut child = command.spawn().expect("mosquitto_sub");
    broker.wait_for("Sending SUBACK to mapped");
    let maps = fs::read_to_string(format!("/proc/{}/maps", child.id()));
    child.kill().expect("it runs until it is killed");
    child.wait().expect("waiting for a child");

    let maps = maps.expect("the maps of a running child");
    let file = our_file(&ours);
    assert!(maps.contains(&file.display().to_string()), "{maps}");
    let debians = debians_library().canonicalize().expect("Debian's library");
    assert!(!maps.contains(&debians.display().to_string()), "{maps}");
}

#[test]
fn a_library_that_logs_another_text_is_caught() {
    let dir = RunDir::new();
    tampered_copy(dir.path(), b"received SUBACK", b"received SUBNAK");
    let case = "sub -d -i s -t a -E";
    let problems = compare_with(case, &Library::In(dir.path().to_owned()));
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("stdout differs"), "{problems:#?}");
    assert!(problems[0].contains("received SUBNAK"), "{problems:#?}");
}

#[test]
fn a_library_with_another_error_text_is_caught() {
    let dir = RunDir::new();
    tampered_copy(dir.path(), b"Lookup error.", b"Lookup ErroR.");
    let case = "pub raw rc=1 -h no.such.host.invalid -t a -m hello";
    let problems = compare_with(case, &Library::In(dir.path().to_owned()));
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("stderr differs"), "{problems:#?}");
}

#[test]
fn a_difference_that_only_the_broker_sees_is_caught() {
    let script = Script::parse("pub -i p -t a -m hello");
    let other = Script::parse("pub -i p -t a -m hello -q 1");
    let (ran, ran_otherwise) = (
        run(&script, &Library::Debian),
        run(&other, &Library::Debian),
    );
    let problems = differences(&script, &ran, &ran_otherwise);
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].contains("what it saw differs"), "{problems:#?}");
}

#[test]
fn a_library_that_cannot_be_loaded_is_caught_by_status_and_stderr() {
    let dir = RunDir::new();
    fs::write(dir.path().join("libmosquitto.so.1"), b"not a library").expect("a file");
    let case = "pub -i p -t a -m hello";
    let problems = compare_with(case, &Library::In(dir.path().to_owned()));
    assert!(
        problems.iter().any(|p| p.contains("end differs")),
        "{problems:#?}"
    );
    assert!(
        problems.iter().any(|p| p.contains("stderr differs")),
        "{problems:#?}"
    );
}

/// Debian's library in `dir`, with one of its texts changed.
fn tampered_copy(dir: &Path, from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    let mut bytes = fs::read(debians_library()).expect("Debian's library");
    let at = bytes
        .windows(from.len())
        .position(|window| window == from)
        .expect("the text is in the library");
    bytes[at..at + to.len()].copy_from_slice(to);
    fs::write(dir.join("libmosquitto.so.1"), bytes).expect("a copy");
}
