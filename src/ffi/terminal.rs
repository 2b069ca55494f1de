//! Asking for the password of a key where the program set no callback, as OpenSSL does: on the
//! terminal, or where there is none on standard input. Command line tools rely on it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::{Mutex, PoisonError};

const PROMPT: &[u8] = b"Enter PEM pass phrase:";
/// As OpenSSL, which asks once more when it got nothing.
const ATTEMPTS: usize = 2;

/// The password; `None` when nobody gave one. Waits for whoever is asked.
pub(super) fn ask_password() -> Option<Vec<u8>> {
    // Several clients of a process ask one after the other.
    static ASKING: Mutex<()> = Mutex::new(());
    let _asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty");
    let answer = match terminal {
        Ok(terminal) => ask_on(&terminal),
        Err(_) => ask_on_stdin(),
    };
    // Who cannot be asked gives no password.
    answer.ok().flatten()
}

fn ask_on_stdin() -> io::Result<Option<Vec<u8>>> {
    // Of our own, so that dropping it leaves the program's open.
    // SAFETY: duplicates a descriptor, and fails where there is none.
    let stdin = unsafe { libc::dup(libc::STDIN_FILENO) };
    if stdin < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: just made, and nobody else's.
    let mut stdin = File::from(unsafe { OwnedFd::from_raw_fd(stdin) });
    for _ in 0..ATTEMPTS {
        io::stderr().write_all(PROMPT)?;
        let answer = read_line(&mut stdin, &Keys::NONE);
        io::stderr().write_all(b"\n")?;
        if let Answer::Line(line) = answer? {
            return Ok(Some(line));
        }
    }
    Ok(None)
}

fn ask_on(mut terminal: &File) -> io::Result<Option<Vec<u8>>> {
    let fd = terminal.as_raw_fd();
    // In the background it would stop the whole process.
    // SAFETY: calls about a descriptor that is open, and about this process.
    if unsafe { libc::tcgetpgrp(fd) != libc::getpgrp() } {
        return Ok(None);
    }
    let quiet = Quiet::new(fd)?;
    for _ in 0..ATTEMPTS {
        terminal.write_all(PROMPT)?;
        let answer = read_line(&mut terminal, &quiet.keys());
        terminal.write_all(b"\n")?;
        match answer? {
            Answer::Line(line) => return Ok(Some(line)),
            Answer::Nothing => {}
            Answer::Interrupt => {
                drop(quiet);
                // What the key would have done; the program may have a handler.
                // SAFETY: sends this thread a signal.
                unsafe { libc::raise(libc::SIGINT) };
                return Ok(None);
            }
        }
    }
    Ok(None)
}

/// A terminal that shows nothing of what is typed and leaves every key to us, until this is
/// dropped: an interrupt must not leave it so.
struct Quiet {
    fd: libc::c_int,
    before: libc::termios,
}

impl Quiet {
    fn new(fd: libc::c_int) -> io::Result<Self> {
        let mut before = MaybeUninit::uninit();
        // SAFETY: a descriptor, and room for the answer.
        if unsafe { libc::tcgetattr(fd, before.as_mut_ptr()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: filled in by a call that succeeded.
        let before = unsafe { before.assume_init() };
        let mut quiet = before;
        quiet.c_lflag &= !(libc::ECHO | libc::ECHONL | libc::ICANON | libc::ISIG);
        quiet.c_cc[libc::VMIN] = 1;
        quiet.c_cc[libc::VTIME] = 0;
        // SAFETY: a descriptor, and settings that were its own.
        if unsafe { libc::tcsetattr(fd, libc::TCSANOW, &raw const quiet) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { fd, before })
    }

    fn keys(&self) -> Keys {
        let key = |index: usize| Some(self.before.c_cc[index]);
        Keys {
            interrupt: key(libc::VINTR),
            end: key(libc::VEOF),
            erase: key(libc::VERASE),
            kill: key(libc::VKILL),
        }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // SAFETY: as it was; fails only when the terminal is gone.
        unsafe { libc::tcsetattr(self.fd, libc::TCSANOW, &raw const self.before) };
    }
}

/// What the keys of a terminal mean that are no part of a password.
struct Keys {
    interrupt: Option<u8>,
    end: Option<u8>,
    erase: Option<u8>,
    kill: Option<u8>,
}

impl Keys {
    const NONE: Self = Self {
        interrupt: None,
        end: None,
        erase: None,
        kill: None,
    };
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Line(Vec<u8>),
    Nothing,
    Interrupt,
}

/// Reads a byte at a time: what comes behind the line is the program's.
fn read_line(input: &mut impl Read, keys: &Keys) -> io::Result<Answer> {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match input.read(&mut byte) {
            Ok(0) => return Ok(end_of(line)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        let key = Some(byte[0]);
        match byte[0] {
            b'\n' => return Ok(Answer::Line(line)),
            _ if key == keys.interrupt => return Ok(Answer::Interrupt),
            _ if key == keys.end => return Ok(end_of(line)),
            _ if key == keys.kill => line.clear(),
            _ if key == keys.erase => {
                // A character may be several bytes.
                while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
            }
            other => line.push(other),
        }
    }
}

fn end_of(line: Vec<u8>) -> Answer {
    match line.is_empty() {
        true => Answer::Nothing,
        false => Answer::Line(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: Keys = Keys {
        interrupt: Some(3),
        end: Some(4),
        erase: Some(127),
        kill: Some(21),
    };

    fn read(typed: &[u8], keys: &Keys) -> (Answer, Vec<u8>) {
        let mut input = typed;
        let answer = read_line(&mut input, keys).unwrap();
        (answer, input.to_vec())
    }

    fn line(text: &str) -> Answer {
        Answer::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn a_line_is_read_and_nothing_behind_it() {
        assert_eq!(
            read(b"pass\nmore\n", &KEYS),
            (line("pass"), b"more\n".into())
        );
        assert_eq!(read(b"pass", &KEYS).0, line("pass"));
        assert_eq!(read(b"", &KEYS).0, Answer::Nothing);
        assert_eq!(read(b"\x04", &KEYS).0, Answer::Nothing);
        assert_eq!(read(b"\n", &KEYS).0, line(""));
    }

    #[test]
    fn keys_edit_the_line_on_a_terminal_alone() {
        let typed = "wrong\x15pa\u{e9}\x7fss\x7f\x7f\x7f\x7fword\n";
        assert_eq!(read(typed.as_bytes(), &KEYS).0, line("word"));
        assert_eq!(read(b"half\x03", &KEYS).0, Answer::Interrupt);
        assert_eq!(read(b"a\x03\x7fb\n", &Keys::NONE).0, line("a\x03\x7fb"));
    }
}
