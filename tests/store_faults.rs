//! What can go wrong with a folder: a full disk, calls of the system that fail, a folder that
//! cannot be written, is another's, or has gone. Nothing that was accepted is lost.

mod built;

#[path = "c/mosquitto.rs"]
mod mosquitto;
mod store_support;

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use built::{run, Scratch};
use mosquitto::Mosquitto;
use store_support::{build, Counter, Running};

#[test]
fn whatever_call_of_the_system_fails_nothing_accepted_is_lost_and_the_client_goes_on() {
    let scratch = Scratch::new("store-faults");
    let program = build("store_faults", &scratch);
    let output = run(Command::new(program).arg(scratch.path("")));
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.lines().count(), 5, "{said}");
    print!("{said}"); // for docs/reliability.md
}

#[test]
fn a_full_disk_refuses_messages_and_gets_empty_again_by_itself() {
    let test = "a_full_disk_refuses_messages_and_gets_empty_again_by_itself";
    let scratch = Scratch::new("store-full");
    std::fs::create_dir(scratch.path("disk")).unwrap();
    let disk = scratch.path("disk");
    let probe = in_small_disk(&disk).arg("true").output().unwrap();
    if !probe.status.success() {
        let why = String::from_utf8_lossy(&probe.stderr);
        let line = format!("\nskipped: {test}: no disk of its own: {}\n", why.trim());
        // Past the capture of the test's output, so that it is seen.
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return;
    }
    let program = build("store_full", &scratch);
    fills(in_small_disk(&disk).arg(program), &disk, "0", "store disk");
}

#[test]
fn a_limit_for_files_refuses_messages_until_it_is_lifted() {
    let scratch = Scratch::new("store-limit");
    let program = build("store_full", &scratch);
    let folder = scratch.path("");
    fills(&mut Command::new(program), &folder, "1000000", "store file");
}

/// Runs `store_full` in a folder, and counts what arrives.
fn fills(command: &mut Command, folder: &Path, limit: &str, test: &str) {
    let broker = Mosquitto::start(&test.replace(' ', "-"));
    let port = broker.port().to_string();
    let counter = Counter::start(&port);
    let mut child = Running(
        command
            .arg(&port)
            .arg(folder.join("store"))
            .arg(limit)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let said = BufReader::new(child.0.stdout.take().unwrap()).lines();
    let accepted: HashSet<String> = said.map(Result::unwrap).collect();
    assert!(child.0.wait().unwrap().success());
    assert!(accepted.len() > 1000);
    let counted = counter.check(&accepted);
    println!("{test} refuses: {counted}");
}

/// The beginning of a command that has a disk of 1 MiB of its own there.
fn in_small_disk(folder: &Path) -> Command {
    // SAFETY: no argument.
    let root = unsafe { libc::geteuid() } == 0;
    let mut command = Command::new("unshare");
    command
        .arg(if root { "-m" } else { "-rm" })
        .args(["sh", "-c"])
        .arg("mount -t tmpfs -o size=1m none \"$1\" && shift && exec \"$@\"")
        .arg("sh")
        .arg(folder);
    command
}
