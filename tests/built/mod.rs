//! Where the libraries are that `make` built, and how a test runs other programs.

#![allow(dead_code)] // each test that includes this module uses its own part of it

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folder that `make all dropin` fills.
pub(crate) fn build_dir() -> PathBuf {
    let dir = std::env::var_os("MQTTRS_BUILD_DIR").map(PathBuf::from);
    dir.unwrap_or_else(|| {
        panic!("MQTTRS_BUILD_DIR is not set: it names the folder of the built libraries; please run `make test`, or `make all dropin` and set it to build/")
    })
}

/// A file in [`build_dir`].
pub(crate) fn built(name: &str) -> PathBuf {
    let path = build_dir().join(name);
    assert!(
        path.exists(),
        "{} is missing: please run `make all dropin`",
        path.display()
    );
    path
}

/// A file of the source tree.
pub(crate) fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Runs a command that has to succeed.
pub(crate) fn run(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs a command that has to succeed and to say nothing on stderr; returns its stdout.
pub(crate) fn stdout_of(command: &mut Command) -> String {
    let output = run(command);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(complaint.is_empty(), "{command:?} said:\n{complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// A folder for one test, removed when it goes out of scope.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(test: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("mqttrs-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
