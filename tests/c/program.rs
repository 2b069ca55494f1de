//! A C program of this folder: compiled against `include/` and the built library, and run,
//! by itself or under Valgrind; or always with a sanitizer inside, for `make sanitize`.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::built::{build_dir, built, run, source, Scratch};

/// A compiled program; its folder goes away with it.
pub(crate) struct Program {
    path: PathBuf,
    idle_clients: usize,
    forks: bool,
    sanitizer: Option<Sanitizer>,
    scratch: Scratch,
}

impl Program {
    /// Compiles `tests/c/NAME.c` for the test `test`, whose name no other test has.
    pub(crate) fn build(name: &str, test: &str) -> Program {
        built("libmqttrs.so");
        let scratch = Scratch::new(&format!("c-{test}"));
        let path = scratch.path(name);
        let library = build_dir();
        let sanitizer = Sanitizer::from_environment();
        let mut compiler = match &sanitizer {
            Some(sanitizer) => sanitizer.compiler(),
            None => Command::new("cc"),
        };
        run(compiler
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
            forks: false,
            sanitizer,
            scratch,
        }
    }

    /// So many clients are there before the program's own, see `check.h`.
    #[allow(dead_code)] // not every test does
    pub(crate) fn behind(mut self, idle_clients: usize) -> Program {
        self.idle_clients = idle_clients;
        self
    }

    /// It forks: what its threads had is lost in a child, where they do not exist, so leaks are not
    /// looked for.
    #[allow(dead_code)] // not every test does
    pub(crate) fn forking(mut self) -> Program {
        self.forks = true;
        self
    }

    /// Where the program is, for a test that runs it in its own way.
    #[allow(dead_code)] // not every test does
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }

    /// Runs the program, which has to succeed.
    pub(crate) fn run(&self, args: &[&str]) {
        if let Some(sanitizer) = &self.sanitizer {
            return self.run_with(sanitizer, args);
        }
        run(self
            .with_idle_clients(&mut Command::new(&self.path))
            .args(args));
    }

    /// Runs the program under Valgrind, which has to find nothing: no invalid access, no
    /// leak, and nothing still reachable but what `valgrind.supp` says why.
    pub(crate) fn run_under_valgrind(&self, args: &[&str]) {
        if let Some(sanitizer) = &self.sanitizer {
            return self.run_with(sanitizer, args);
        }
        run(self
            .with_idle_clients(&mut Command::new("valgrind"))
            .args(["--quiet", "--error-exitcode=9", "--fair-sched=yes"])
            .args(match self.forks {
                true => &["--leak-check=no"][..],
                false => &[
                    "--leak-check=full",
                    "--show-leak-kinds=all",
                    "--errors-for-leak-kinds=all",
                ],
            })
            .arg(format!(
                "--suppressions={}",
                source("tests/c/valgrind.supp").display()
            ))
            .arg(&self.path)
            .args(args));
    }

    /// Runs the program, of which the sanitizer has to report nothing, and notes this down.
    fn run_with(&self, sanitizer: &Sanitizer, args: &[&str]) {
        let reports = self.scratch.path("report");
        let output = self
            .with_idle_clients(&mut Command::new(&self.path))
            .env(
                sanitizer.options_name(),
                sanitizer.options(&reports.display().to_string(), self.forks),
            )
            .args(args)
            .output()
            .expect("the program can be run");
        // One file for each process that had something to say.
        let mut said = String::new();
        let folder = std::fs::read_dir(reports.parent().unwrap()).unwrap();
        for file in folder.map(|entry| entry.unwrap().path()) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("report.") {
                said += &String::from_utf8_lossy(&std::fs::read(&file).unwrap());
                std::fs::remove_file(&file).unwrap();
            }
        }
        let count = said.matches("SUMMARY: ").count();
        let name = self.path.file_name().unwrap().to_string_lossy();
        sanitizer.note(&name, args, self.idle_clients, count);
        assert!(
            output.status.success() && count == 0,
            "{name} {args:?}: {}, {count} reports\n{}{}{said}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn with_idle_clients<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("IDLE_CLIENTS", self.idle_clients.to_string())
    }
}

/// What `scripts/sanitize.sh` sets.
struct Sanitizer {
    /// As the compiler has it: `thread` or `address`.
    name: String,
    compiler: String,
    options: String,
    log: PathBuf,
}

impl Sanitizer {
    fn from_environment() -> Option<Sanitizer> {
        let name = std::env::var("MQTTRS_SANITIZER").ok()?;
        let of = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} is set, too"));
        Some(Sanitizer {
            name,
            compiler: of("MQTTRS_SANITIZER_CC"),
            options: of("MQTTRS_SANITIZER_OPTIONS"),
            log: of("MQTTRS_SANITIZER_LOG").into(),
        })
    }

    fn compiler(&self) -> Command {
        let mut command = Command::new(&self.compiler);
        command.arg(format!("-fsanitize={}", self.name));
        command.arg("-fno-omit-frame-pointer");
        command
    }

    fn options_name(&self) -> &'static str {
        if self.name == "thread" {
            "TSAN_OPTIONS"
        } else {
            "ASAN_OPTIONS"
        }
    }

    fn options(&self, reports: &str, forks: bool) -> String {
        let leaks = if forks && self.name == "address" {
            ":detect_leaks=0"
        } else {
            ""
        };
        format!("{}{leaks}:log_path={reports}", self.options)
    }

    /// A line for the table: sanitizer, program, arguments without port and paths, reports.
    fn note(&self, program: &str, args: &[&str], idle_clients: usize, reports: usize) {
        let mut how: Vec<&str> = args.iter().skip(1).copied().collect();
        for arg in &mut how {
            if arg.contains('/') {
                *arg = "TLS";
            }
        }
        let mut how = how.join(" ");
        if idle_clients > 0 {
            how += &format!(" behind {idle_clients} clients");
        }
        let line = format!("{}\t{program}\t{}\t{reports}\n", self.name, how.trim());
        let mut log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.log)
            .unwrap();
        // At once, since the tests of one run write side by side.
        log.write_all(line.as_bytes()).unwrap();
    }
}
