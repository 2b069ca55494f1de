//! The bytes on their way to one client.

use std::io::Write;
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use mqttrs::codec::Packet;
use mqttrs::types::ProtocolVersion;

/// Packets are appended by whichever thread has one; a thread of its own writes them, many
/// at a time where many wait, so that no client can hold up another.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    closed: bool,
}

impl Outbox {
    /// Appends a packet; nothing happens once the outbox is closed.
    pub(crate) fn push(&self, packet: &Packet<'_>, version: ProtocolVersion) {
        let mut queue = self.lock();
        if !queue.closed {
            packet.encode(&mut queue.bytes, version);
            self.changed.notify_one();
        }
    }

    /// Takes no more packets; the connection's sending side closes once all are written.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Writes to `stream` what is pushed, until the outbox is closed or the peer is gone.
    pub(crate) fn run(&self, mut stream: &TcpStream) {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let mut queue = self.lock();
            while queue.bytes.is_empty() && !queue.closed {
                queue = self
                    .changed
                    .wait(queue)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            mem::swap(&mut queue.bytes, &mut bytes);
            drop(queue);
            if bytes.is_empty() {
                // Only the sending side: the peer still gets to read the last packet.
                let _ = stream.shutdown(Shutdown::Write);
                return;
            }
            if stream.write_all(&bytes).is_err() {
                self.close();
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
