//! A C program of this folder: compiled against `include/` and the built library, and run,
//! by itself or under Valgrind.

use std::path::PathBuf;
use std::process::Command;

use crate::built::{build_dir, built, run, source, Scratch};

/// A compiled program; its folder goes away with it.
pub(crate) struct Program {
    path: PathBuf,
    idle_clients: usize,
    _scratch: Scratch,
}

impl Program {
    /// Compiles `tests/c/NAME.c` for the test `test`, whose name no other test has.
    pub(crate) fn build(name: &str, test: &str) -> Program {
        built("libmqttrs.so");
        let scratch = Scratch::new(&format!("c-{test}"));
        let path = scratch.path(name);
        let library = build_dir();
        run(Command::new("cc")
            .args(["-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-pthread"])
            .args(["-Wall", "-Wextra", "-Werror"])
            .arg("-I")
            .arg(source("include"))
            .arg(source("tests/c").join(name).with_extension("c"))
            .arg("-o")
            .arg(&path)
            .arg("-L")
            .arg(&library)
            .arg("-lmqttrs")
            .arg(format!("-Wl,-rpath,{}", library.display())));
        Program {
            path,
            idle_clients: 0,
            _scratch: scratch,
        }
    }

    /// So many clients are there before the program's own, see `check.h`.
    pub(crate) fn behind(mut self, idle_clients: usize) -> Program {
        self.idle_clients = idle_clients;
        self
    }

    /// Where the program is, for a test that runs it in its own way.
    #[allow(dead_code)] // not every test does
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Runs the program, which has to succeed.
    pub(crate) fn run(&self, args: &[&str]) {
        run(self
            .with_idle_clients(&mut Command::new(&self.path))
            .args(args));
    }

    /// Runs the program under Valgrind, which has to find nothing: no invalid access, no
    /// leak, and nothing still reachable but what `valgrind.supp` says why.
    pub(crate) fn run_under_valgrind(&self, args: &[&str]) {
        run(self
            .with_idle_clients(&mut Command::new("valgrind"))
            .args([
                "--quiet",
                "--error-exitcode=9",
                "--leak-check=full",
                "--show-leak-kinds=all",
                "--errors-for-leak-kinds=all",
                "--fair-sched=yes",
            ])
            .arg(format!(
                "--suppressions={}",
                source("tests/c/valgrind.supp").display()
            ))
            .arg(&self.path)
            .args(args));
    }

    fn with_idle_clients<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("IDLE_CLIENTS", self.idle_clients.to_string())
    }
}
