//! Starts the broker of `examples/demo_broker` for a test, on a port of its own.

#![allow(dead_code)] // each test that includes this module uses its own part of it

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

/// A broker that runs until it is dropped.
pub(crate) struct DemoBroker {
    process: Child,
    stdin: Option<ChildStdin>,
    pub(crate) port: u16,
}

impl DemoBroker {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// With the options that `examples/demo_broker/main.rs` describes.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let mut process = Command::new(program())
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the broker starts");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is a pipe");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the broker prints its port");
        let port = line
            .trim()
            .parse()
            .expect("the broker's first line is its port");
        let stdin = process.stdin.take();
        DemoBroker {
            process,
            stdin,
            port,
        }
    }

    /// Closes the broker's standard input and waits for its end.
    pub(crate) fn stop(mut self) -> ExitStatus {
        self.stdin = None;
        self.process.wait().expect("the broker can be waited for")
    }
}

impl Drop for DemoBroker {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is all that is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The broker's executable. `cargo test --test NAME` alone builds no examples, so ask for it.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // Tests are TARGET/PROFILE/deps/NAME-HASH.
        let test = std::env::current_exe().expect("a test knows its path");
        let profile = test
            .ancestors()
            .nth(2)
            .expect("tests are in a profile's folder");
        let target = profile.parent().expect("profiles are in the target folder");
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([
                "build",
                "--locked",
                "--quiet",
                "--example",
                "demo_broker",
                "--target-dir",
            ])
            .arg(target)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        if profile.ends_with("release") {
            cargo.arg("--release");
        }
        let output = cargo.output().expect("cargo can be run");
        assert!(
            output.status.success(),
            "the broker cannot be built:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        profile.join("examples/demo_broker")
    })
}
