//! What drives clients, at the moment when the process forks.
//!
//! The order of locks is everywhere: those of a [`Shared`] as its members stand, the client's,
//! those of a shared loop, what all have in common.

use std::sync::{Arc, MutexGuard, PoisonError};

use super::hub::{Hub, HUBS};
use super::poller::{self, Poller};
use super::usage::Usage;
use super::Runner;
use crate::client::{Client, Frozen, FrozenCommons};

/// While there is one, nobody else is inside the client or about to drive it.
pub struct FrozenRunner<'a> {
    client: Frozen<'a>,
    _poller: MutexGuard<'a, Option<Poller>>,
    hosts: MutexGuard<'a, usize>,
    usage: MutexGuard<'a, Usage>,
}

/// While there is one, nobody else is inside what all clients share.
pub struct FrozenProcess {
    commons: FrozenCommons,
    hub: MutexGuard<'static, Option<Arc<Hub>>>,
}

impl Runner {
    /// Waits until nobody is inside, and keeps everybody out.
    pub fn freeze(&self) -> FrozenRunner<'_> {
        let shared = &*self.shared;
        let usage = shared.lock_usage();
        let hosts = shared.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        FrozenRunner {
            usage,
            hosts,
            _poller: shared.lock_poller(),
            client: shared.client.freeze(),
        }
    }
}

impl FrozenRunner<'_> {
    /// To be called in the child: whether the client is its own, see [`Frozen::inherit`].
    pub fn inherit(&mut self) -> bool {
        let in_use = *self.hosts > 0 || self.usage.is_used();
        self.client.inherit(in_use)
    }
}

impl FrozenProcess {
    /// To be called after everything else was frozen.
    pub fn freeze() -> FrozenProcess {
        FrozenProcess {
            commons: Client::freeze_commons(),
            hub: HUBS.freeze(),
        }
    }

    /// To be called in the child, which begins as a process without clients does.
    pub fn inherit(&mut self) {
        self.commons.inherit();
        // Its thread does not exist here, and its poll is the parent's.
        std::mem::forget(self.hub.take());
        poller::forget_all();
    }
}
