//! A TCP proxy that resets connections after so many bytes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::SockRef;

/// A proxy in front of a port of this machine; it ends when this is dropped.
pub(crate) struct Cutter {
    port: u16,
    cuts: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Cutter {
    /// Listens, and passes on to `target`. The first connections are reset after the
    /// numbers of bytes in `limits`, both directions counted together; further ones never.
    pub(crate) fn start(target: u16, limits: &[usize]) -> Cutter {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let stop = Arc::new(AtomicBool::new(false));
        let cuts = Arc::new(AtomicUsize::new(0));
        let thread = thread::spawn({
            let (stop, cuts, limits) = (stop.clone(), cuts.clone(), limits.to_vec());
            move || accept(&listener, target, &limits, &stop, &cuts)
        });
        Cutter {
            port,
            cuts,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many connections were reset.
    pub(crate) fn cuts(&self) -> usize {
        self.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Moves the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One connection, as its two directions share it.
struct Connection {
    client: TcpStream,
    server: TcpStream,
    passed: AtomicUsize,
    limit: usize,
    cut: AtomicBool,
    cuts: Arc<AtomicUsize>,
}

fn accept(
    listener: &TcpListener,
    target: u16,
    limits: &[usize],
    stop: &AtomicBool,
    cuts: &Arc<AtomicUsize>,
) {
    let mut threads = Vec::new();
    // Weak: a socket closes, with its reset, as soon as its own threads let go of it.
    let mut open: Vec<Weak<Connection>> = Vec::new();
    for (number, client) in listener.incoming().enumerate() {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let client = client.unwrap();
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)) else {
            break; // the broker is gone: the test is over
        };
        client.set_nodelay(true).unwrap();
        server.set_nodelay(true).unwrap();
        let connection = Arc::new(Connection {
            client,
            server,
            passed: AtomicUsize::new(0),
            limit: limits.get(number).copied().unwrap_or(usize::MAX),
            cut: AtomicBool::new(false),
            cuts: cuts.clone(),
        });
        open.push(Arc::downgrade(&connection));
        let other = connection.clone();
        threads.push(thread::spawn(move || {
            connection.pass(&connection.client, &connection.server);
        }));
        threads.push(thread::spawn(move || {
            other.pass(&other.server, &other.client);
        }));
    }
    for connection in open.iter().filter_map(Weak::upgrade) {
        connection.close();
    }
    for thread in threads {
        let _ = thread.join();
    }
}

impl Connection {
    /// Passes bytes on until either side ends or the limit is reached.
    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream) {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            let before = self.passed.fetch_add(count, Ordering::SeqCst);
            let left = self.limit.saturating_sub(before);
            if to.write_all(&chunk[..count.min(left)]).is_err() {
                break;
            }
            if left < count {
                self.reset();
                return;
            }
        }
        self.close();
    }

    /// Ends both sides at once, the client's with a reset.
    fn reset(&self) {
        if !self.cut.swap(true, Ordering::SeqCst) {
            self.cuts.fetch_add(1, Ordering::SeqCst);
            SockRef::from(&self.client)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
        }
        self.close();
    }

    /// Moves whoever reads; the sockets close when both directions have ended.
    fn close(&self) {
        // Fails only for a side that has gone.
        let _ = self.client.shutdown(Shutdown::Read);
        let _ = self.server.shutdown(Shutdown::Both);
        if !self.cut.load(Ordering::SeqCst) {
            let _ = self.client.shutdown(Shutdown::Both);
        }
    }
}
