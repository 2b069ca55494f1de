//! What a client holds while nothing happens: thousands of them may be in one process.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::ptr;

use support::broker::wait_readable;
use support::*;

/// Counts what the current thread holds, as glibc's allocator counts: a word for itself,
/// rounded up to 16 bytes, 32 at least.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn chunk(size: usize) -> isize {
    ((size + 8).next_multiple_of(16).max(32)) as isize
}

fn count(bytes: isize) {
    // A thread that ends has no counter any more, and nothing to measure.
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(chunk(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-chunk(layout.size()));
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const CLIENTS: usize = 50;

/// How many bytes an idle client may hold. A larger structure, or memory kept for what is
/// over, shows here. Its statistics are some 330 of them.
const MOST: isize = 2780;

const CONNACK: &[u8] = &[0x20, 2, 0, 0];
const SUBACK: &[u8] = &[0x90, 3, 0, 1, 0];
const MESSAGE: &[u8] = b"\x30\x05\0\x03t/1";

#[test]
fn an_idle_client_with_a_subscription_holds_little_memory() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let mut peers = Vec::new();
        for _ in 0..=CLIENTS {
            peers.push(serve(&listener));
        }
        peers
    });
    let mut clients = Vec::with_capacity(CLIENTS + 1);
    // The first one also makes what all share.
    clients.push(idle_client(port));
    let before = HELD.get();
    for _ in 0..CLIENTS {
        clients.push(idle_client(port));
    }
    let each = (HELD.get() - before) / CLIENTS as isize;
    for mosq in clients {
        // SAFETY: the handle is used no more.
        unsafe { mosquitto_destroy(mosq) };
    }
    drop(server.join().unwrap());
    assert!(each > 0, "nothing was measured");
    assert!(each <= MOST, "{each} bytes");
}

/// Answers the next client's CONNECT and SUBSCRIBE, and sends a message.
fn serve(listener: &TcpListener) -> TcpStream {
    let (mut peer, _) = listener.accept().unwrap();
    skip_packet(&mut peer, 0x10);
    peer.write_all(CONNACK).unwrap();
    skip_packet(&mut peer, 0x82);
    peer.write_all(&[SUBACK, MESSAGE].concat()).unwrap();
    peer
}

/// Reads a packet of less than 130 bytes.
fn skip_packet(peer: &mut TcpStream, first_byte: u8) {
    let mut header = [0; 2];
    peer.read_exact(&mut header).unwrap();
    assert_eq!(header[0], first_byte);
    let mut body = [0; 127];
    peer.read_exact(&mut body[..header[1].into()]).unwrap();
}

/// A client that is connected and subscribed and has received a message.
fn idle_client(port: u16) -> *mut mosquitto {
    let seen = Cell::new(0);
    // SAFETY: `seen` is there as long as the callbacks are; strings end in NUL.
    unsafe {
        let mosq = mosquitto_new(
            c"a-client-of-many-23-long".as_ptr(),
            true,
            ptr::from_ref(&seen).cast_mut().cast(),
        );
        mosquitto_connect_callback_set(mosq, Some(on_connect));
        mosquitto_message_callback_set(mosq, Some(on_message));
        let rc = mosquitto_connect(mosq, c"127.0.0.1".as_ptr(), port.into(), 60);
        assert_eq!(rc, MOSQ_ERR_SUCCESS);
        while seen.get() == 0 {
            wait_readable(mosquitto_socket(mosq), DEADLINE);
            assert_eq!(mosquitto_loop_read(mosq, 1), MOSQ_ERR_SUCCESS);
        }
        mosquitto_user_data_set(mosq, ptr::null_mut());
        mosq
    }
}

unsafe extern "C" fn on_connect(mosq: *mut mosquitto, _: *mut std::ffi::c_void, rc: i32) {
    assert_eq!(rc, 0);
    // SAFETY: the handle is the library's.
    let rc = unsafe { mosquitto_subscribe(mosq, ptr::null_mut(), c"t/#".as_ptr(), 0) };
    assert_eq!(rc, MOSQ_ERR_SUCCESS);
}

unsafe extern "C" fn on_message(
    _: *mut mosquitto,
    seen: *mut std::ffi::c_void,
    _: *const mosquitto_message,
) {
    // SAFETY: what `idle_client` gave.
    unsafe { &*seen.cast::<Cell<u32>>() }.set(1);
}
