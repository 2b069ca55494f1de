//! Builds a program of `examples-c` as an installed library would have it, and runs it.

use super::built::{build_dir, built, run, source, Scratch};
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The example `name`, built with the flags that an installed library would give.
pub(crate) fn program(scratch: &Scratch, name: &str) -> PathBuf {
    program_with(scratch, name, &build_dir())
}

/// The same with the library in the folder `library`.
pub(crate) fn program_with(scratch: &Scratch, name: &str, library: &Path) -> PathBuf {
    built("libmqttrs.so");
    let program = scratch.path(name);
    let code = source("examples-c").join(format!("{name}.c"));
    let flags = "-std=c99 -Wall -Wextra -Wno-unused-parameter -pedantic -Werror -pthread";
    let others = match std::fs::read_to_string(&code).unwrap() {
        code if code.contains("#include <uv.h>") => Some("-luv"),
        _ => None,
    };
    run(Command::new("cc")
        .args(flags.split(' '))
        .arg("-I")
        .arg(source("include"))
        .arg("-o")
        .arg(&program)
        .arg(code)
        .arg(format!("-L{}", library.display()))
        .arg(format!("-Wl,-rpath,{}", library.display()))
        .arg("-lmqttrs")
        .args(others));
    program
}

/// A program that runs; one that is dropped before its end is killed.
pub(crate) struct Running {
    process: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Running {
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Running {
            stdin: process.stdin.take(),
            lines: BufReader::new(process.stdout.take().unwrap()).lines(),
            process,
        }
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let line = self.lines.next().expect("the program ended too early");
        line.unwrap()
    }

    /// Gives it something to read.
    pub(crate) fn input(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn interrupt(&self) {
        self.signal("INT");
    }

    pub(crate) fn signal(&self, name: &str) {
        run(Command::new("kill").args(["-s", name, &self.process.id().to_string()]));
    }

    /// What it prints until its end, which has to be a success.
    pub(crate) fn rest(mut self) -> Vec<String> {
        let lines = self.lines.by_ref().map(Result::unwrap).collect();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
        lines
    }

    /// Ends it without a warning, as a crash would.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is all that is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
