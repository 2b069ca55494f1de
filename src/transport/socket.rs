//! Socket options and flags; the one file outside `ffi` that needs `libc`.

use std::io::{self, IoSlice};
use std::net::SocketAddr;

use socket2::{Domain, SockAddr, Socket, Type};

/// A non-blocking stream socket whose connection to `address` has begun; the
/// flag says that it is there already.
pub(super) fn begin_connect(
    address: &SockAddr,
    bind: &[SocketAddr],
    nodelay: bool,
) -> io::Result<(Socket, bool)> {
    let socket = Socket::new(address.domain(), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
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

/// Whether a connection that was begun is there (`Some`), failed, or is still pending.
pub(super) fn finish_connect(socket: &Socket) -> io::Result<Option<()>> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(Some(())),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits until a connection that was begun is there or failed, at most `timeout`.
pub(super) fn wait_connected(socket: &Socket, timeout: std::time::Duration) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let deadline = std::time::Instant::now() + timeout;
    let mut poll = mio::Poll::new()?;
    poll.registry().register(
        &mut mio::unix::SourceFd(&socket.as_raw_fd()),
        mio::Token(0),
        mio::Interest::WRITABLE,
    )?;
    let mut events = mio::Events::with_capacity(1);
    while finish_connect(socket)?.is_none() {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        if left.is_zero() {
            return Err(io::Error::from_raw_os_error(libc::ETIMEDOUT));
        }
        match poll.poll(&mut events, Some(left)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// A vectored write that never raises SIGPIPE: the process's signals are the program's.
pub(super) fn send_vectored(socket: &Socket, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.send_vectored_with_flags(slices, libc::MSG_NOSIGNAL)
}

/// For [`super::dial`].
pub(super) const ETIMEDOUT: i32 = libc::ETIMEDOUT;
#[cfg(test)]
pub(super) const ECONNREFUSED: i32 = libc::ECONNREFUSED;
