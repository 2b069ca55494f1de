//! Listening sockets that give each connection a thread.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use socket2::{Domain, SockAddr, Socket, Type};

use super::super::support::DEADLINE;

/// Where to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A free port of 127.0.0.1.
    V4,
    /// A free port of ::1.
    V6,
    /// A Unix socket in the folder for temporary files.
    Unix,
}

/// A listening socket and its thread; both end when this is dropped. Connections go on.
pub struct Server {
    port: u16,
    path: Option<PathBuf>,
    thread: Option<JoinHandle<()>>,
    /// Closing it ends the thread.
    stop: Option<UnixStream>,
}

impl Server {
    /// Listens; `serve` gets each connection, blocking and with timeouts, on a thread of
    /// its own.
    pub fn start(place: Place, serve: impl Fn(Socket) + Send + Sync + 'static) -> Server {
        let (domain, address, path) = match place {
            Place::V4 => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                (Domain::IPV4, address.into(), None)
            }
            Place::V6 => {
                let address = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
                (Domain::IPV6, address.into(), None)
            }
            Place::Unix => {
                let path = free_path();
                (Domain::UNIX, SockAddr::unix(&path).unwrap(), Some(path))
            }
        };
        let listener = Socket::new(domain, Type::STREAM, None).unwrap();
        listener.bind(&address).unwrap();
        listener.listen(128).unwrap();
        let local = listener.local_addr().unwrap();
        let port = local.as_socket().map_or(0, |address| address.port());
        let (stop, stopped) = UnixStream::pair().unwrap();
        let serve = Arc::new(serve);
        let thread = thread::spawn(move || {
            while wait_for_connection(&listener, &stopped) {
                let (socket, _) = listener.accept().unwrap();
                socket.set_read_timeout(Some(DEADLINE)).unwrap();
                socket.set_write_timeout(Some(DEADLINE)).unwrap();
                if domain != Domain::UNIX {
                    socket.set_tcp_nodelay(true).unwrap();
                }
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(socket));
            }
        });
        Server {
            port,
            path,
            thread: Some(thread),
            stop: Some(stop),
        }
    }

    /// 0 for a Unix socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path of a Unix socket.
    pub fn path(&self) -> Option<&str> {
        self.path.as_ref().map(|path| path.to_str().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It has said why it failed.
            let _ = thread.join();
        }
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// `false` when told to stop.
fn wait_for_connection(listener: &Socket, stopped: &UnixStream) -> bool {
    let watch = |fd| libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    let mut polls = [watch(listener.as_raw_fd()), watch(stopped.as_raw_fd())];
    unsafe { libc::poll(polls.as_mut_ptr(), 2, -1) };
    polls[1].revents == 0
}

fn free_path() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("mqttrs-{}-{count}.sock", std::process::id()));
    // Left by a process that had the same number.
    let _ = std::fs::remove_file(&path);
    path
}
