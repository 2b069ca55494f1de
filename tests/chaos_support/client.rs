//! The publisher and the subscriber as processes, which write into the ledger.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};

use super::ledger::{Ledger, Role};

/// A running program; it ends when this is dropped.
pub(crate) struct Client {
    child: Child,
    readers: Vec<JoinHandle<()>>,
}

impl Client {
    pub(crate) fn start(
        role: Role,
        program: &Path,
        args: &[String],
        preload: Option<&Path>,
        log: Option<&Path>,
        ledger: &Ledger,
    ) -> Client {
        let mut command = Command::new(program);
        command.env_remove("MQTTRS_CHAOS_LOG");
        if let Some(folder) = log {
            command.env("MQTTRS_CHAOS_LOG", folder);
        }
        if let Some(library) = preload {
            command.env("LD_PRELOAD", library);
        }
        let mut child = command
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let said = ledger.clone();
        let complained = ledger.clone();
        let readers = vec![
            thread::spawn(move || {
                for line in stdout.lines().map_while(Result::ok) {
                    said.note(role, &line);
                }
            }),
            thread::spawn(move || {
                for line in stderr.lines().map_while(Result::ok) {
                    complained.note(role, &format!("! {line}"));
                }
            }),
        ];
        Client { child, readers }
    }

    pub(crate) fn tell(&mut self, command: &str) {
        // Fails only when it has ended, which the test hears of otherwise.
        let _ = writeln!(self.child.stdin.as_mut().unwrap(), "{command}");
    }

    /// Kills it; what it had said before is in the ledger then.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        self.wait();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        status
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.kill();
    }
}
