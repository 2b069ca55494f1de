//! The language that the cases are written in.
//!
//! A case is a list of steps parted by ` | `. Steps:
//!
//! | step | meaning |
//! |---|---|
//! | `pub ARGS`, `sub ARGS`, `rr ARGS` | runs `mosquitto_pub`, `_sub`, `_rr` to its end |
//! | `sub& ARGS` (and `pub&`, `rr&`) | starts it and goes on when the broker has acknowledged the subscription (`pub&`: the connection) of its `-i` |
//! | `kill ID` | kills the program started in the background with `-i ID` |
//! | `end ID` | waits until it has ended |
//! | `log TEXT` | waits until the broker's log has a line with TEXT |
//! | `logs N TEXT` | the same for N lines |
//! | `tls CERTIFICATE` | the broker listens with TLS too, with this certificate; a `conf` that follows is for this listener |
//! | `openssl LINE` | one more line of how the broker's OpenSSL is configured |
//! | `proxy USER PASSWORD` | starts a SOCKS5 proxy, without the two for everyone |
//! | `conf LINE` | one more line of the broker's configuration (before the first program) |
//! | `sees TEXT` | some program must have printed TEXT (with both libraries) |
//! | `gets FILE` | the standard output of some program must be exactly this file |
//! | `sorted` | compare standard output with its lines sorted, where their order may differ |
//! | `mask pid`, `mask digits` | what differs between any two runs is not compared |
//!
//! Before the arguments of a program there may be `rc=N` (its exit status, 0
//! unless given; `rc=kill` when it dies of a signal), `race=NAME` (it ends in one of the
//! ways that [`Race`] says), `stdin=FILE`, `env=NAME=VALUE`, `detached` (it has no terminal),
//! `raw` (no `-h` and `-p` are added) and `tls` (those of the TLS listener are added). Single
//! quotes keep blanks together; `{port}`, `{tls}` (the port with TLS), `{proxy}` (the proxy's),
//! `{deadport}` (nothing listens there), `{pki}` (the folder of `support/certificates.rs`),
//! `{dir}` and the names of files (`{big}`: 1 MiB, `{lines}`: 10,000 lines, `{small}`,
//! `{empty}`, `{passwords}`: user `alice`, password `secret`, `{acl}`, `{password}`: that of the encrypted keys) are replaced.
//!
//! All programs in the background are waited for at the end.

use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Pub,
    Sub,
    Rr,
}

impl Program {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Pub => "/usr/bin/mosquitto_pub",
            Self::Sub => "/usr/bin/mosquitto_sub",
            Self::Rr => "/usr/bin/mosquitto_rr",
        }
    }
}

/// How a program is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Exit(i32),
    Signal,
    Either(Race),
}

/// Where Debian's library itself ends now in one way and now in the other, depending on when
/// the peer's answer arrives: while the program still connects or when it is in its loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Race {
    /// The handshake fails.
    Handshake,
    /// The server, in TLS 1.3, refuses the client after the client's handshake is complete.
    Refused,
}

impl Race {
    /// The exit statuses, and what is on stderr with each.
    pub(crate) fn ends(self) -> [(i32, &'static str); 2] {
        match self {
            Self::Handshake => [
                (8, "Error: A TLS error occurred.\n"),
                (1, "Unable to connect (A TLS error occurred.).\n"),
            ],
            Self::Refused => [
                (7, "Error: The connection was lost.\n"),
                (1, "Error: Protocol error\n"),
            ],
        }
    }
}

/// What is added to the arguments of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    None,
    Plain,
    Tls,
}

/// One command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    pub(crate) program: Program,
    pub(crate) background: bool,
    pub(crate) listener: Listener,
    pub(crate) end: End,
    pub(crate) stdin: Option<String>,
    pub(crate) env: Option<(String, String)>,
    pub(crate) detached: bool,
    pub(crate) args: Vec<String>,
}

impl Invocation {
    /// The client identifier given with `-i`.
    pub(crate) fn client_id(&self) -> Option<&str> {
        let at = self.args.iter().position(|arg| arg == "-i")?;
        self.args.get(at + 1).map(String::as_str)
    }
}

impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.program.path(), self.args.join(" "))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Run(Invocation),
    Kill(String),
    End(String),
    Log(usize, String),
    Proxy(Option<(String, String)>),
}

/// A case, parsed.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
    pub(crate) settings: Vec<String>,
    pub(crate) openssl: Vec<String>,
    pub(crate) sees: Vec<String>,
    pub(crate) gets: Vec<String>,
    pub(crate) sorted: bool,
    pub(crate) mask_pid: bool,
    pub(crate) mask_digits: bool,
}

impl Script {
    /// Panics on a mistake: cases are source code.
    pub(crate) fn parse(text: &str) -> Self {
        let mut script = Self::default();
        for step in text.split(" | ") {
            script.add(step.trim());
        }
        assert!(script.command_lines() > 0, "no program in {text:?}");
        script
    }

    pub(crate) fn command_lines(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| matches!(step, Step::Run(_)))
            .count()
    }

    fn add(&mut self, step: &str) {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        let rest = rest.trim();
        let text = || rest.to_owned();
        match verb {
            "pub" | "sub" | "rr" | "pub&" | "sub&" | "rr&" => {
                self.steps.push(Step::Run(invocation(verb, rest)));
            }
            "kill" => self.steps.push(Step::Kill(text())),
            "end" => self.steps.push(Step::End(text())),
            "log" => self.steps.push(Step::Log(1, text())),
            "logs" => {
                let (times, text) = rest.split_once(' ').expect("logs N TEXT");
                let times = times.parse().expect("logs N TEXT");
                self.steps.push(Step::Log(times, text.to_owned()));
            }
            "conf" => self.settings.push(text()),
            "openssl" => self.openssl.push(text()),
            "tls" => self.settings.extend([
                "listener {tls} 127.0.0.1".to_owned(),
                format!("certfile {{pki}}/{rest}.crt"),
                format!("keyfile {{pki}}/{rest}.key"),
            ]),
            "proxy" => {
                let user = rest.split_once(' ');
                let user = user.map(|(user, password)| (user.to_owned(), password.to_owned()));
                self.steps.push(Step::Proxy(user));
            }
            "sees" => self.sees.push(text()),
            "gets" => self.gets.push(text()),
            "sorted" => self.sorted = true,
            "mask" if rest == "pid" => self.mask_pid = true,
            "mask" if rest == "digits" => self.mask_digits = true,
            _ => panic!("not a step: {step:?}"),
        }
    }
}

fn invocation(verb: &str, rest: &str) -> Invocation {
    let mut invocation = Invocation {
        program: match verb.trim_end_matches('&') {
            "pub" => Program::Pub,
            "sub" => Program::Sub,
            _ => Program::Rr,
        },
        background: verb.ends_with('&'),
        listener: Listener::Plain,
        end: End::Exit(0),
        stdin: None,
        env: None,
        detached: false,
        args: words(rest),
    };
    loop {
        match invocation.args.first().map(String::as_str) {
            Some("raw") => invocation.listener = Listener::None,
            Some("tls") => invocation.listener = Listener::Tls,
            Some("detached") => invocation.detached = true,
            Some("race=handshake") => invocation.end = End::Either(Race::Handshake),
            Some("race=refused") => invocation.end = End::Either(Race::Refused),
            Some("rc=kill") => invocation.end = End::Signal,
            Some(word) if word.starts_with("rc=") => {
                invocation.end = End::Exit(word[3..].parse().expect("rc=NUMBER"));
            }
            Some(word) if word.starts_with("stdin=") => {
                invocation.stdin = Some(word[6..].to_owned());
            }
            Some(word) if word.starts_with("env=") => {
                let (name, value) = word[4..].split_once('=').expect("env=NAME=VALUE");
                invocation.env = Some((name.to_owned(), value.to_owned()));
            }
            _ => return invocation,
        }
        invocation.args.remove(0);
    }
}

/// Splits at blanks, except within single quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    assert!(!quoted, "a quote is left open in {text:?}");
    words.extend(word);
    words
}

#[test]
fn a_script_is_cut_into_steps_modifiers_and_quoted_arguments() {
    let script = Script::parse("sub& -i s -t 'a b' | pub rc=3 stdin={x} raw -m '' | kill s");
    assert_eq!(script.command_lines(), 2);
    let [Step::Run(sub), Step::Run(publisher), Step::Kill(id)] = &script.steps[..] else {
        panic!("{:?}", script.steps);
    };
    assert!(sub.background && !publisher.background);
    assert_eq!(sub.client_id(), Some("s"));
    assert_eq!(sub.args, ["-i", "s", "-t", "a b"]);
    assert_eq!(publisher.end, End::Exit(3));
    assert_eq!(publisher.listener, Listener::None);
    assert_eq!(publisher.stdin.as_deref(), Some("{x}"));
    assert_eq!(publisher.args, ["-m", ""]);
    assert_eq!(id, "s");
}
