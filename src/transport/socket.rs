//! Socket options and flags; the one file outside `ffi` that needs `libc`.

use std::io::{self, IoSlice};
#[cfg(any(feature = "tls", feature = "websocket"))]
use std::io::{Read, Write};
#[cfg(any(feature = "tls", feature = "websocket"))]
use std::net::Shutdown;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::time::Instant;

use mio::unix::SourceFd;
use mio::Interest;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

/// A non-blocking stream socket whose connection to `address` has begun; the
/// flag says that it is there already.
pub(super) fn begin_connect(
    address: &SockAddr,
    bind: &[SocketAddr],
    nodelay: bool,
) -> io::Result<(Socket, bool)> {
    let socket = stream_socket(address.domain())?;
    if address.domain() != Domain::UNIX {
        if nodelay {
            socket.set_tcp_nodelay(true)?;
        }
        let same_family = |local: &&SocketAddr| Domain::for_address(**local) == address.domain();
        match bind.iter().find(same_family) {
            Some(local) => socket.bind(&SockAddr::from(*local))?,
            None if bind.is_empty() => {}
            None => return Err(io::ErrorKind::AddrNotAvailable.into()),
        }
    }
    match socket.connect(address) {
        Ok(()) => Ok((socket, true)),
        Err(error) if error.raw_os_error() == Some(libc::EINPROGRESS) => Ok((socket, false)),
        Err(error) => Err(error),
    }
}

/// Whether a connection that was begun to `address` is there (`Some`), failed, or is still
/// pending.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn finish_connect(socket: &Socket, address: &SockAddr) -> io::Result<Option<()>> {
    // Linux answers all three in one system call, and a failure with what it was.
    match socket.connect(address) {
        Ok(()) => Ok(Some(())),
        Err(error) => match error.raw_os_error() {
            Some(libc::EISCONN) => Ok(Some(())),
            Some(libc::EALREADY | libc::EINPROGRESS) => Ok(None),
            _ => Err(error),
        },
    }
}

/// Whether a connection that was begun is there (`Some`), failed, or is still pending.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn finish_connect(socket: &Socket, _: &SockAddr) -> io::Result<Option<()>> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(Some(())),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(None),
        Err(error) => Err(error),
    }
}

/// A non-blocking stream socket.
fn stream_socket(domain: Domain) -> io::Result<Socket> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return Socket::new(domain, Type::STREAM.nonblocking(), None);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// Waits for a descriptor; an error at the deadline.
pub(super) fn wait_for(fd: RawFd, interest: Interest, deadline: Instant) -> io::Result<()> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::Error::from_raw_os_error(libc::ETIMEDOUT));
    }
    let mut poll = mio::Poll::new()?;
    poll.registry()
        .register(&mut SourceFd(&fd), mio::Token(0), interest)?;
    match poll.poll(&mut mio::Events::with_capacity(1), Some(left)) {
        Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// A vectored write that never raises SIGPIPE: the process's signals are the program's.
pub(super) fn send_vectored(socket: &Socket, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.send_vectored_with_flags(slices, libc::MSG_NOSIGNAL)
}

/// Reports the socket as readable when so many bytes have come, or there will be no more. A hint:
/// where the system does not take it, the socket is readable earlier.
pub(super) fn set_low_water(socket: &Socket, bytes: i32) {
    // SAFETY: the descriptor is open, and the option is an int that is there during the call.
    unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_RCVLOWAT,
            std::ptr::from_ref(&bytes).cast(),
            size_of_val(&bytes) as libc::socklen_t,
        );
    }
}

/// The address at the other end of a socket that is open; `None` for a Unix socket.
pub(super) fn peer(fd: RawFd) -> Option<SocketAddr> {
    // SAFETY: the caller has the socket, and it is borrowed for this call only.
    let fd = unsafe { BorrowedFd::borrow_raw(fd) };
    SockRef::from(&fd).peer_addr().ok()?.as_socket()
}

/// A socket for libraries that read and write by themselves: its writes raise no signal.
#[cfg(any(feature = "tls", feature = "websocket"))]
#[derive(Debug)]
pub(super) struct Quiet {
    socket: Socket,
    /// Reads find nothing, so that only what the library has inside comes out.
    held: bool,
}

#[cfg(any(feature = "tls", feature = "websocket"))]
impl Quiet {
    pub(super) fn new(socket: Socket) -> Self {
        Quiet {
            socket,
            held: false,
        }
    }

    /// Whether reads find nothing, whatever arrived.
    pub(super) fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Ends our side.
    pub(super) fn shut_down(&self) {
        // Fails when the peer is gone already, which is as good.
        let _ = self.socket.shutdown(Shutdown::Write);
    }
}

#[cfg(any(feature = "tls", feature = "websocket"))]
impl AsRawFd for Quiet {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

#[cfg(any(feature = "tls", feature = "websocket"))]
impl Read for Quiet {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.held {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.socket.read(buffer)
    }
}

#[cfg(any(feature = "tls", feature = "websocket"))]
impl Write for Quiet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        send_vectored(&self.socket, &[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        send_vectored(&self.socket, slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Closes a descriptor that came from the parent of this process, where it stays open: nothing
/// is sent.
pub fn close_inherited(fd: RawFd) {
    // SAFETY: just a number to the system; whoever had it as a descriptor does not exist in this
    // process. Fails where the program has closed it.
    unsafe { libc::close(fd) };
}

/// Takes the lock of a file for this open file alone; it goes when that is closed. Fails with
/// `WouldBlock` where somebody else has it.
pub fn lock_file(file: &std::fs::File) -> io::Result<()> {
    // SAFETY: a descriptor that is open for the time of the call.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// For [`super::dial`].
pub(super) const ETIMEDOUT: i32 = libc::ETIMEDOUT;
#[cfg(test)]
pub(super) const ECONNREFUSED: i32 = libc::ECONNREFUSED;
