//! Whether the other end of a connection, which is in this process too, has read everything.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::RawFd;
use std::thread;
use std::time::Instant;

use super::super::support::DEADLINE;

/// Waits until the client at this address has read all that arrived, or is gone.
pub fn wait_until_read(client: SocketAddr) {
    let end = Instant::now() + DEADLINE;
    let Some(fd) = (3..4096).find(|fd| is_at(*fd, client)) else {
        return;
    };
    while is_at(fd, client) && unread(fd) > 0 {
        assert!(Instant::now() < end, "the client does not read");
        thread::yield_now();
    }
}

/// The descriptor is any, and may be another's a moment later: it is but looked at.
fn is_at(fd: RawFd, client: SocketAddr) -> bool {
    let mut address: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_in>() as libc::socklen_t;
    let named = unsafe { libc::getsockname(fd, (&raw mut address).cast(), &mut length) } == 0;
    let host = Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr));
    let port = u16::from_be(address.sin_port);
    named
        && address.sin_family == libc::AF_INET as libc::sa_family_t
        && client == SocketAddr::from((host, port))
        && is_connected(fd)
}

/// A server's sockets may have the address too.
fn is_connected(fd: RawFd) -> bool {
    let mut address: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    let mut length = size_of::<libc::sockaddr_storage>() as libc::socklen_t;
    unsafe { libc::getpeername(fd, (&raw mut address).cast(), &mut length) == 0 }
}

fn unread(fd: RawFd) -> libc::c_int {
    let mut count = 0;
    let done = unsafe { libc::ioctl(fd, libc::FIONREAD, &mut count) } == 0;
    if done {
        count
    } else {
        0
    }
}
