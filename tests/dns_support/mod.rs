//! A network of a test's own, where the name server at 127.0.0.1 is the test's, and what
//! never answers.

#![allow(dead_code, reason = "each test uses its own part")]

use std::ffi::OsStr;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use std::{env, fs, io, mem, process};

use socket2::{Domain, Socket, Type};

/// Set to the name of the test in the process that runs inside.
const INSIDE: &str = "MQTTRS_TEST_NETWORK";

/// The name server never answers in less than this, and each question is asked again as
/// often as the C library allows: whoever waits for it waits for minutes.
const RESOLV_CONF: &str = "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n";

/// Whoever waits for a name server or an address that never answers waits at least so long.
pub const LEAST_WAIT: Duration = Duration::from_secs(30);

/// What waits for nobody is done in this time, even on a machine that has a lot to do.
pub const PROMPT: Duration = Duration::from_secs(5);

/// Does something that has to be done soon.
#[track_caller]
pub fn promptly<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let outcome = act();
    let took = start.elapsed();
    assert!(took < PROMPT, "{what} took {took:?}");
    outcome
}

/// Runs `body` in another process, which has nothing but a loopback interface of its own,
/// and a resolv.conf that names 127.0.0.1. `test` is the name of the test that calls this,
/// which runs there again. The time that this process takes, its end included.
pub fn in_own_network(test: &str, body: impl FnOnce()) -> Option<Duration> {
    if env::var_os(INSIDE).is_some_and(|name| name == OsStr::new(test)) {
        loopback_up();
        body();
        return None;
    }
    let folder = env::temp_dir().join(format!("mqttrs-{test}-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    let resolv_conf = folder.join("resolv.conf");
    fs::write(&resolv_conf, RESOLV_CONF).unwrap();
    // Elsewhere a service outside would be asked before the name server.
    let nsswitch = folder.join("nsswitch.conf");
    fs::write(&nsswitch, "hosts: files dns\n").unwrap();
    let inside = |command: &[&OsStr]| -> Output {
        // SAFETY: no argument but a number.
        let root = unsafe { libc::geteuid() } == 0;
        let mut unshare = Command::new("unshare");
        unshare
            .arg(if root { "-mn" } else { "-rmn" })
            .args(["sh", "-c"])
            .arg(
                "mount --bind \"$1\" /etc/resolv.conf &&\n\
                 { [ ! -e /etc/nsswitch.conf ] || mount --bind \"$2\" /etc/nsswitch.conf; } &&\n\
                 shift 2 && exec \"$@\"",
            )
            .arg("sh")
            .args([&resolv_conf, &nsswitch])
            .args(command)
            .env(INSIDE, test);
        match unshare.output() {
            Ok(output) => output,
            Err(error) => panic!("unshare, of util-linux, cannot be run: {error}"),
        }
    };
    let probe = inside(&[OsStr::new("true")]);
    let outcome = if probe.status.success() {
        let program = env::current_exe().unwrap();
        let args = ["--exact", test, "--nocapture", "--test-threads=1"].map(OsStr::new);
        let start = Instant::now();
        let output = inside(&[&[program.as_os_str()], &args[..]].concat());
        Some((output, start.elapsed()))
    } else {
        // Past the capture of the test's output, so that it is seen.
        let why = String::from_utf8_lossy(&probe.stderr);
        let line = format!("\nskipped: {test}: no network of its own: {}\n", why.trim());
        io::stderr().write_all(line.as_bytes()).unwrap();
        None
    };
    fs::remove_dir_all(&folder).unwrap();
    let (output, took) = outcome?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && stdout.contains("1 passed"),
        "{}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Some(took)
}

/// A new network has the loopback interface switched off.
fn loopback_up() {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
    // SAFETY: all zeros are a request without a name.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: the request is one, and lives until the call returns.
    let outcome = unsafe { libc::ioctl(fd, libc::SIOCSIFFLAGS, &request) };
    assert_eq!(outcome, 0, "lo: {}", io::Error::last_os_error());
}

/// An address of 127.0.0.1 that never answers: its listener takes no connection, and
/// those that the system takes in its place are all taken.
pub struct SilentAddress {
    address: SocketAddr,
    _listener: Socket,
    _queue: Vec<Socket>,
}

impl SilentAddress {
    pub fn new() -> SilentAddress {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let connect = || {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let outcome = socket.connect(&address);
            (socket, outcome.err().and_then(|error| error.raw_os_error()))
        };
        // On the same machine a connection is made at once or not at all.
        let mut queue = Vec::new();
        for _ in 0..8 {
            let (socket, error) = connect();
            queue.push(socket);
            if error.is_some() {
                assert_eq!(error, Some(libc::EINPROGRESS));
                break;
            }
        }
        assert_eq!(connect().1, Some(libc::EINPROGRESS), "it answers");
        SilentAddress {
            address: address.as_socket().unwrap(),
            _listener: listener,
            _queue: queue,
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }
}
