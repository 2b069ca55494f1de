//! A client at the moment when its process forks.

use std::sync::atomic::Ordering;

use super::receive::{hold_idle_buffers, IdleBuffers};
use super::{Client, Guard, Link};
use crate::transport::{close_inherited, hold_shared, Shared};

/// While there is one, nobody else is inside the client's state.
pub struct Frozen<'a> {
    client: &'a Client,
    st: Guard<'a>,
}

/// While there is one, nobody else is inside what the clients of a process share.
pub struct FrozenCommons {
    _buffers: IdleBuffers,
    shared: Shared,
}

impl Client {
    /// Waits until nobody is inside the client's state, and keeps everybody out.
    pub fn freeze(&self) -> Frozen<'_> {
        Frozen {
            client: self,
            st: self.lock(),
        }
    }

    /// As [`Client::freeze`], for what all clients share; to be called after that.
    pub fn freeze_commons() -> FrozenCommons {
        FrozenCommons {
            _buffers: hold_idle_buffers(),
            shared: hold_shared(),
        }
    }
}

impl Frozen<'_> {
    /// To be called in the child. A client that has shared nothing with the network or another
    /// thread, which is `in_use` for somebody who knows, is the child's own: `true`. Any other is
    /// the parent's. In the child its descriptors are closed, of which the peer sees nothing,
    /// and it ends: who returns from a callback finds a client that was closed.
    pub fn inherit(&mut self, in_use: bool) -> bool {
        let st = &mut *self.st;
        #[cfg(feature = "tls")]
        {
            // The other process resumes these sessions.
            st.tls = None;
        }
        let is_fresh = !in_use
            && !st.session.is_journaled()
            && matches!(st.link, Link::Down)
            && st.wake.is_none()
            && st.dispatcher.is_none()
            && st.blocking_attempts == 0;
        if is_fresh {
            return true;
        }
        self.client.epoch.fetch_add(1, Ordering::Relaxed);
        self.client.goodbyes.fetch_add(1, Ordering::Relaxed);
        st.closed = true;
        st.wake = None;
        st.failure = None;
        st.lifecycle.give_up();
        st.generation += 1;
        st.fd_serial += 1;
        match (std::mem::replace(&mut st.link, Link::Down), st.io.take()) {
            // A thread that does not exist here has the stream.
            (Link::Up(fd), None) => close_inherited(fd),
            // Dropped, and not closed: nothing is written.
            (link, io) => drop((link, io)),
        }
        st.session.abandon();
        st.inherit_store();
        false
    }
}

impl FrozenCommons {
    /// To be called in the child: it shares no TLS sessions with its parent.
    pub fn inherit(&mut self) {
        self.shared.forget();
    }
}
